/* mock: a record of how a stand-in was called, to be asked inside a Check test.
 *
 * The stand-in is a function of your own, of the type that the code under test
 * calls. It tells its mock of each call, and returns what the mock says:
 *
 *     static struct mock get;
 *
 *     static int fake_get(const char *url, int tries)
 *     {
 *         return (int)mock_called(&get, "'%s', tries=%d", url, tries);
 *     }
 *
 * A test first says what the mock does, then runs the code, then asks:
 *
 *     get = (struct mock){.name = "get", MOCK_SERIES(-1, 200)};
 *     fetch(fake_get);
 *     mock_assert_called_with(&get, "'%s', tries=%d", "/ip", 2);
 *
 * Arguments are kept and compared as the text that they format to: so one
 * record serves every type, and a failure can show what was expected and what
 * came. How many calls there were is get.calls, what they were get.args[i].
 *
 * The names and messages follow Python's unittest.mock. Not for threads.
 */
#ifndef MOCK_H
#define MOCK_H

#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A test that goes beyond these fails and says so; nothing is cut off. */
enum { MOCK_CALLS = 16, MOCK_TEXT = 128, MOCK_MESSAGE = 3072 };

struct mock {
    const char *name;                   /* what messages call it */
    intptr_t returns;                   /* what every call returns, or */
    const intptr_t *series;             /* what the calls return in turn: */
    size_t series_length;               /* see MOCK_SERIES; more calls fail */
    void (*side_effect)(struct mock *); /* run in each call, or NULL */
    size_t calls;                       /* from here on: the record */
    char args[MOCK_CALLS][MOCK_TEXT];
    char message[MOCK_MESSAGE]; /* of the assertion that failed */
};

/* Two members of the initialiser. Inside a function the values live as long
 * as the block that it stands in.
 */
#define MOCK_SERIES(...)                                                       \
    .series = (const intptr_t[]){__VA_ARGS__},                                 \
    .series_length = sizeof(intptr_t[]){__VA_ARGS__} / sizeof(intptr_t)

/* These end the test, with the line that they stand in, unless the mock was
 * called; was called exactly once; was called with these arguments at last;
 * was called with them at any time; was never called.
 */
#define mock_assert_called(mock) MOCK_ASSERT(mock_miss_called(mock))
#define mock_assert_called_once(mock) MOCK_ASSERT(mock_miss_count(mock, 1))
#define mock_assert_not_called(mock) MOCK_ASSERT(mock_miss_count(mock, 0))
#define mock_assert_called_with(mock, ...)                                     \
    MOCK_ASSERT(mock_miss_call(mock, true, __VA_ARGS__))
#define mock_assert_any_call(mock, ...)                                        \
    MOCK_ASSERT(mock_miss_call(mock, false, __VA_ARGS__))

/* What is left is how they work: each mock_miss_ function returns NULL, or
 * the message of the failure.
 */
#define MOCK_ASSERT(miss)                                                      \
    do {                                                                       \
        const char *mock_miss = (miss);                                        \
        ck_assert_msg(mock_miss == NULL, "%s", mock_miss);                     \
    } while (0)

__attribute__((format(printf, 3, 0))) static inline void mock_format(
    const struct mock *m, char text[MOCK_TEXT], const char *format,
    va_list arguments)
{
    int length = vsnprintf(text, MOCK_TEXT, format, arguments);
    if (length < 0 || length >= MOCK_TEXT)
        ck_abort_msg("%s: arguments of %d bytes, where MOCK_TEXT is %d",
                     m->name, length, MOCK_TEXT);
}

/* Records a call, runs the side effect, and returns the value that is due. */
__attribute__((format(printf, 2, 3))) static inline intptr_t mock_called(
    struct mock *m, const char *format, ...)
{
    size_t call = m->calls;
    if (call == MOCK_CALLS)
        ck_abort_msg("%s: more than MOCK_CALLS (%d) calls", m->name,
                     MOCK_CALLS);
    va_list arguments;
    va_start(arguments, format);
    mock_format(m, m->args[call], format, arguments);
    va_end(arguments);
    m->calls++;
    if (m->side_effect != NULL)
        m->side_effect(m);
    if (m->series == NULL)
        return m->returns;
    if (call >= m->series_length)
        ck_abort_msg("%s(%s): call %zu, and only %zu values to return", m->name,
                     m->args[call], call + 1, m->series_length);
    return m->series[call];
}

/* Adds to the message; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static inline void mock_say(
    struct mock *m, const char *format, ...)
{
    size_t used = strlen(m->message);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(m->message + used, sizeof m->message - used, format, arguments);
    va_end(arguments);
}

static inline const char *mock_list_calls(struct mock *m)
{
    for (size_t i = 0; i < m->calls; i++)
        mock_say(m, "\n %sCall %zu: %s(%s)", i < 9 ? " " : "", i + 1, m->name,
                 m->args[i]);
    return m->message;
}

static inline const char *mock_miss_called(struct mock *m)
{
    if (m->calls > 0)
        return NULL;
    m->message[0] = '\0';
    mock_say(m, "Expected '%s' to have been called.", m->name);
    return m->message;
}

static inline const char *mock_miss_count(struct mock *m, size_t expected)
{
    if (m->calls == expected)
        return NULL;
    m->message[0] = '\0';
    mock_say(m, "Expected '%s' to %shave been called%s. Called %zu times.",
             m->name, expected ? "" : "not ", expected ? " once" : "",
             m->calls);
    return mock_list_calls(m);
}

__attribute__((format(printf, 3, 4))) static inline const char *mock_miss_call(
    struct mock *m, bool last, const char *format, ...)
{
    char expected[MOCK_TEXT];
    va_list arguments;
    va_start(arguments, format);
    mock_format(m, expected, format, arguments);
    va_end(arguments);
    for (size_t i = last && m->calls ? m->calls - 1 : 0; i < m->calls; i++)
        if (strcmp(m->args[i], expected) == 0)
            return NULL;
    m->message[0] = '\0';
    mock_say(m, "expected call not found.\nExpected: %s(%s)", m->name,
             expected);
    if (m->calls == 0)
        mock_say(m, "\n  Actual: not called");
    else if (last)
        mock_say(m, "\n  Actual: %s(%s)", m->name, m->args[m->calls - 1]);
    else
        mock_list_calls(m);
    return m->message;
}

#endif
