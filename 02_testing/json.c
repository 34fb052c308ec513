#include "02_testing/json.h"

#include <stdbool.h>
#include <string.h>

enum { DEEPEST = 100, NAME_SIZE = 64 };

/* One function for each rule of the grammar. Each takes what it stands for
 * off the front of the text, or says false, and then nothing else matters.
 */
struct reader {
    const char *at, *end;
    int depth; /* a stranger's text may not decide how deep the stack goes */
    const char *name; /* what is looked for in the outermost object */
    char *value;
    size_t size, length;
    enum json_result result;
};

static bool parse_value(struct reader *r);

static bool take(struct reader *r, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0)
        return false;
    r->at += n;
    return true;
}

static void skip_space(struct reader *r)
{
    static const char blanks[] = {' ', '\t', '\n', '\r'};
    while (r->at < r->end && memchr(blanks, *r->at, sizeof blanks) != NULL)
        r->at++;
}

static bool take_sign(struct reader *r, const char *sign)
{
    skip_space(r);
    bool there = take(r, sign);
    skip_space(r);
    return there;
}

/* The four digits of \u0000; -1 where they are not. */
static long parse_hex4(struct reader *r)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    long code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digit =
            r->at < r->end ? memchr(digits, *r->at, sizeof digits - 1) : NULL;
        if (digit == NULL)
            return -1;
        code = code * 16 + (digit - digits) % 16;
    }
    return code;
}

/* What follows a backslash, as a code point; -1 where it is nothing. Above
 * U+FFFF it takes two \u: the high and the low half of a surrogate pair.
 */
static long parse_escape(struct reader *r)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meaning[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return -1;
    char c = *r->at++;
    const char *letter = memchr(letters, c, sizeof letters - 1);
    if (letter != NULL)
        return meaning[letter - letters];
    long code = c == 'u' ? parse_hex4(r) : -1;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code > 0xDBFF || !take(r, "\\u"))
        return -1;
    long low = parse_hex4(r);
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
}

static int to_utf8(long code, unsigned char bytes[4])
{
    static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    bytes[0] = (unsigned char)(lead[more] | code >> 6 * more);
    for (int i = 1; i <= more; i++)
        bytes[i] = (unsigned char)(0x80 | (code >> 6 * (more - i) & 0x3F));
    return more + 1;
}

/* Copies what fits into size bytes; the length says how long it really is. */
static bool parse_string(struct reader *r, char *copy, size_t size,
                         size_t *length)
{
    *length = 0;
    if (!take(r, "\""))
        return false;
    while (r->at < r->end && *r->at != '"') {
        unsigned char bytes[4] = {(unsigned char)*r->at++};
        int n = 1;
        if (bytes[0] < ' ')
            return false;
        if (bytes[0] == '\\') {
            long code = parse_escape(r);
            if (code == -1)
                return false;
            n = to_utf8(code, bytes);
        }
        for (int i = 0; i < n; i++, (*length)++)
            if (*length < size)
                copy[*length] = (char)bytes[i];
    }
    return take(r, "\"");
}

static bool parse_digits(struct reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static bool parse_number(struct reader *r)
{
    take(r, "-");
    if (!take(r, "0") && !parse_digits(r)) /* 01 is no number, but 0 and 1 */
        return false;
    if (take(r, ".") && !parse_digits(r))
        return false;
    if (!take(r, "e") && !take(r, "E"))
        return true;
    if (!take(r, "+"))
        take(r, "-");
    return parse_digits(r);
}

static bool parse_list(struct reader *r)
{
    if (take_sign(r, "]"))
        return true;
    do {
        if (!parse_value(r))
            return false;
    } while (take_sign(r, ","));
    return take(r, "]");
}

/* The value of the member that is looked for: copied, if it is a string. */
static bool parse_wanted(struct reader *r)
{
    r->result = JSON_NOT_STRING;
    if (r->at == r->end || *r->at != '"')
        return parse_value(r);
    if (!parse_string(r, r->value, r->size, &r->length))
        return false;
    bool fits =
        r->length < r->size && memchr(r->value, '\0', r->length) == NULL;
    r->result = fits ? JSON_OK : JSON_UNFIT;
    return true;
}

static bool parse_object(struct reader *r)
{
    bool outermost = r->depth == 1;
    if (take_sign(r, "}"))
        return true;
    do {
        char name[NAME_SIZE];
        size_t length;
        if (!parse_string(r, name, sizeof name, &length) || !take_sign(r, ":"))
            return false;
        bool wanted = outermost && length == strlen(r->name) &&
                      length < sizeof name &&
                      memcmp(name, r->name, length) == 0;
        if (!(wanted ? parse_wanted(r) : parse_value(r)))
            return false;
    } while (take_sign(r, ","));
    return take(r, "}");
}

static bool parse_value(struct reader *r)
{
    size_t length;
    bool good;
    if (r->depth == DEEPEST)
        return false;
    r->depth++;
    if (take(r, "{"))
        good = parse_object(r);
    else if (take(r, "["))
        good = parse_list(r);
    else if (r->at < r->end && *r->at == '"')
        good = parse_string(r, NULL, 0, &length);
    else
        good = take(r, "true") || take(r, "false") || take(r, "null") ||
               parse_number(r);
    r->depth--;
    return good;
}

enum json_result json_string(const char *text, size_t length, const char *name,
                             char *value, size_t size)
{
    struct reader r = {.at = text,
                       .end = text + length,
                       .name = name,
                       .value = value,
                       .size = size,
                       .result = JSON_NO_MEMBER};
    skip_space(&r);
    bool good = parse_value(&r);
    skip_space(&r);
    if (!good || r.at != r.end)
        r.result = JSON_MALFORMED;
    value[r.result == JSON_OK ? r.length : 0] = '\0';
    return r.result;
}
