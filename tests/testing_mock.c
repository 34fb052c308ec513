/* mock: what is recorded, what is returned, and what a failure says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "02_testing/mock.h"
#include "tests/support.h"

static struct mock m;

static void set_up(void)
{
    m = (struct mock){.name = "m"};
}

START_TEST(records_what_came)
{
    ck_assert_uint_eq(m.calls, 0);
    ck_assert_int_eq(mock_called(&m, "%d, '%s'", 1, "wow"), 0);
    ck_assert_int_eq(mock_called(&m, "%s", ""), 0);
    ck_assert_uint_eq(m.calls, 2);
    ck_assert_str_eq(m.args[0], "1, 'wow'");
    ck_assert_str_eq(m.args[1], "");
}
END_TEST

START_TEST(returns_the_same_always)
{
    m.returns = 42;
    for (int i = 0; i < MOCK_CALLS; i++)
        ck_assert_int_eq(mock_called(&m, "%d", i), 42);
}
END_TEST

START_TEST(returns_a_series)
{
    m = (struct mock){.name = "m", MOCK_SERIES(-1, 200, (intptr_t)&m)};
    ck_assert_int_eq(mock_called(&m, "%s", ""), -1);
    ck_assert_int_eq(mock_called(&m, "%s", ""), 200);
    ck_assert_int_eq(mock_called(&m, "%s", ""), (intptr_t)&m);
}
END_TEST

static void set_errno(struct mock *mock)
{
    errno = mock->calls == 2 ? ETIMEDOUT : 0;
}

/* It sees its own call in the record, and its errno comes through. */
START_TEST(has_side_effects)
{
    m = (struct mock){
        .name = "m", MOCK_SERIES(3, -1), .side_effect = set_errno};
    ck_assert_int_eq(mock_called(&m, "%s", ""), 3);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(mock_called(&m, "%s", ""), -1);
    ck_assert_int_eq(errno, ETIMEDOUT);
}
END_TEST

static void call_again(struct mock *mock)
{
    if (mock->calls < 3)
        mock_called(mock, "again %zu", mock->calls);
}

/* A side effect may call the mock: each call keeps the value that is its. */
START_TEST(side_effect_may_call_it)
{
    m = (struct mock){
        .name = "m", MOCK_SERIES(10, 20, 30), .side_effect = call_again};
    ck_assert_int_eq(mock_called(&m, "first"), 10);
    ck_assert_uint_eq(m.calls, 3);
    ck_assert_str_eq(m.args[1], "again 1");
    ck_assert_str_eq(m.args[2], "again 2");
}
END_TEST

START_TEST(assertions_that_hold)
{
    mock_assert_not_called(&m);
    mock_called(&m, "%d", 1);
    mock_assert_called(&m);
    mock_assert_called_once(&m);
    mock_assert_called_with(&m, "%d", 1);
    mock_assert_any_call(&m, "%d", 1);
    mock_called(&m, "%d", 2);
    mock_assert_called(&m);
    mock_assert_called_with(&m, "%d", 2);
    mock_assert_any_call(&m, "%d", 1);
    mock_assert_any_call(&m, "%d", 2);
}
END_TEST

/* As the last argument of a message: what the assertion above would say. */
START_TEST(failures_name_calls)
{
    ck_assert_str_eq(mock_miss_called(&m), "Expected 'm' to have been called.");
    ck_assert_str_eq(mock_miss_count(&m, 1),
                     "Expected 'm' to have been called once. Called 0 times.");
    ck_assert_str_eq(mock_miss_call(&m, true, "%d", 1),
                     "expected call not found.\n"
                     "Expected: m(1)\n"
                     "  Actual: not called");
    ck_assert_str_eq(mock_miss_call(&m, false, "%d", 1),
                     "expected call not found.\n"
                     "Expected: m(1)\n"
                     "  Actual: not called");

    mock_called(&m, "1, 2, 3, test='%s'", "wow");
    ck_assert_str_eq(mock_miss_count(&m, 0),
                     "Expected 'm' to not have been called. Called 1 times.\n"
                     "  Call 1: m(1, 2, 3, test='wow')");

    mock_called(&m, "1, 2");
    ck_assert_str_eq(mock_miss_count(&m, 1),
                     "Expected 'm' to have been called once. Called 2 times.\n"
                     "  Call 1: m(1, 2, 3, test='wow')\n"
                     "  Call 2: m(1, 2)");
    /* The last call counts, not an earlier one. */
    ck_assert_str_eq(mock_miss_call(&m, true, "1, 2, 3, test='wow'"),
                     "expected call not found.\n"
                     "Expected: m(1, 2, 3, test='wow')\n"
                     "  Actual: m(1, 2)");
    ck_assert_str_eq(mock_miss_call(&m, false, "1, 2,"),
                     "expected call not found.\n"
                     "Expected: m(1, 2,)\n"
                     "  Call 1: m(1, 2, 3, test='wow')\n"
                     "  Call 2: m(1, 2)");
}
END_TEST

/* From here on, tests that fail: run by a runner inside the test. */
START_TEST(fails_at_this_line)
{
    mock_assert_called(&m);
}
END_TEST
static const int failing_line = __LINE__ - 3;

START_TEST(fails_one_value_short)
{
    m = (struct mock){.name = "m", MOCK_SERIES(1, 2)};
    for (int i = 0; i < 3; i++)
        mock_called(&m, "%d", i);
}
END_TEST

START_TEST(fails_with_too_many_calls)
{
    for (int i = 0; i <= MOCK_CALLS; i++)
        mock_called(&m, "%d", i);
}
END_TEST

static char long_text[MOCK_TEXT + 1];

START_TEST(fails_with_long_arguments)
{
    memset(long_text, 'x', MOCK_TEXT);
    mock_called(&m, "%s", long_text);
}
END_TEST

/* Cut off, the two would be equal. */
START_TEST(fails_with_long_expectation)
{
    memset(long_text, 'x', MOCK_TEXT);
    long_text[MOCK_TEXT - 1] = '\0';
    mock_called(&m, "%s", long_text);
    mock_assert_called_with(&m, "%s", long_text);
    mock_assert_called_with(&m, "%s.", long_text);
}
END_TEST

/* The longest message there is must come through whole. */
START_TEST(fails_with_all_calls)
{
    memset(long_text, 'x', MOCK_TEXT - 1);
    for (int i = 0; i < MOCK_CALLS; i++)
        mock_called(&m, "%s", long_text);
    long_text[0] = 'y';
    mock_assert_any_call(&m, "%s", long_text);
}
END_TEST

/* Runs one such test, and returns the message, to be freed. */
static char *message_of(const TTest *test, int *line, char **file)
{
    Suite *suite = suite_create("inner");
    TCase *tc = tcase_create("inner");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, test);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run(runner, "inner", "inner", CK_SILENT);
    ck_assert_int_eq(srunner_ntests_failed(runner), 1);
    TestResult **results = srunner_results(runner);
    ck_assert_int_eq(tr_rtype(results[0]), CK_FAILURE);
    char *message = strdup(tr_msg(results[0]));
    if (line != NULL)
        *line = tr_lno(results[0]);
    if (file != NULL)
        *file = strdup(tr_lfile(results[0]));
    free(results);
    srunner_free(runner);
    return message;
}

/* The line of the test, not one of the header. */
START_TEST(a_failure_has_the_line_of_the_test)
{
    int line = 0;
    char *file = NULL;
    char *message = message_of(fails_at_this_line, &line, &file);
    ck_assert_str_eq(message, "Expected 'm' to have been called.");
    ck_assert_str_eq(file, __FILE__);
    ck_assert_int_eq(line, failing_line);
    free(file);
    free(message);
}
END_TEST

START_TEST(going_beyond_the_bounds_fails)
{
    static const char *const says[] = {
        "m(2): call 3, and only 2 values to return",
        "m: more than MOCK_CALLS (16) calls",
        "m: arguments of 128 bytes, where MOCK_TEXT is 128",
        "m: arguments of 128 bytes, where MOCK_TEXT is 128",
    };
    const TTest *const tests[] = {
        fails_one_value_short, fails_with_too_many_calls,
        fails_with_long_arguments, fails_with_long_expectation};
    char *message = message_of(tests[_i], NULL, NULL);
    ck_assert_str_eq(message, says[_i]);
    free(message);
}
END_TEST

START_TEST(a_long_message_is_whole)
{
    char *message = message_of(fails_with_all_calls, NULL, NULL);
    const char *last = strstr(message, "\n Call 16: m(xxx");
    ck_assert_msg(last != NULL, "%s", message);
    ck_assert_uint_eq(strlen(last), strlen("\n Call 16: m()") + MOCK_TEXT - 1);
    ck_assert_int_eq(last[strlen(last) - 1], ')');
    free(message);
}
END_TEST

/* A name of any length is cut off at the end of the message, not behind it. */
START_TEST(a_long_name_fits)
{
    static char name[2 * MOCK_MESSAGE];
    memset(name, 'n', sizeof name - 1);
    m.name = name;
    mock_called(&m, "%d", 1);
    ck_assert_uint_eq(strlen(mock_miss_count(&m, 0)), MOCK_MESSAGE - 1);
    ck_assert_uint_eq(strlen(mock_miss_call(&m, false, "%d", 2)),
                      MOCK_MESSAGE - 1);
}
END_TEST

TCase *testing_mock(void)
{
    TCase *tc = tcase_create("mock");
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, records_what_came);
    tcase_add_test(tc, returns_the_same_always);
    tcase_add_test(tc, returns_a_series);
    tcase_add_test(tc, has_side_effects);
    tcase_add_test(tc, side_effect_may_call_it);
    tcase_add_test(tc, assertions_that_hold);
    tcase_add_test(tc, failures_name_calls);
    tcase_add_test(tc, a_failure_has_the_line_of_the_test);
    tcase_add_loop_test(tc, going_beyond_the_bounds_fails, 0, 4);
    tcase_add_test(tc, a_long_message_is_whole);
    tcase_add_test(tc, a_long_name_fits);
    return tc;
}
