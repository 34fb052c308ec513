#include "01_files/repr.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What isprintable() of Python denies: the categories Cc, Cf, Co, Zs, Zl, Zp
 * of the Unicode standard (UnicodeData.txt, 15.0) and noncharacters. The plain
 * space is printable. Surrogates are not here: UTF-8 cannot hold them.
 */
static const struct {
    uint32_t first, last;
} unprintable[] = {
    {0x00, 0x1f},       {0x7f, 0xa0},        {0xad, 0xad},
    {0x600, 0x605},     {0x61c, 0x61c},      {0x6dd, 0x6dd},
    {0x70f, 0x70f},     {0x890, 0x891},      {0x8e2, 0x8e2},
    {0x1680, 0x1680},   {0x180e, 0x180e},    {0x2000, 0x200f},
    {0x2028, 0x202f},   {0x205f, 0x206f},    {0x3000, 0x3000},
    {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},    {0xfeff, 0xfeff},
    {0xfff0, 0xfffb},   {0xfffe, 0xffff},    {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f},  {0x1bca0, 0x1bca3},
    {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff},  {0x2fffe, 0x2ffff},
    {0x3fffe, 0xe00ff}, {0xe01f0, 0x10ffff},
};

static bool is_printable(uint32_t c)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof *unprintable; i++)
        if (c <= unprintable[i].last)
            return c < unprintable[i].first;
    return true;
}

/* Reads the code point at s, one of several bytes (RFC 3629), and returns how
 * many of the n bytes it takes: 0 where they are cut short, overlong, a
 * surrogate or out of range, and *c stays as it was.
 */
static size_t decode(const unsigned char *s, size_t n, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = (*s & 0xe0) == 0xc0   ? 2
                    : (*s & 0xf0) == 0xe0 ? 3
                    : (*s & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (length == 0 || length > n)
        return 0;
    uint32_t read = *s & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        read = read << 6 | (s[i] & 0x3f);
    }
    bool surrogate = read >= 0xd800 && read <= 0xdfff;
    if (read < least[length] || read > 0x10ffff || surrogate)
        return 0;
    *c = read;
    return length;
}

static void put_escaped(FILE *out, uint32_t c)
{
    if (c == '\n')
        fputs("\\n", out);
    else if (c == '\r')
        fputs("\\r", out);
    else if (c == '\t')
        fputs("\\t", out);
    else if (c == '\\' || c == '\'')
        fprintf(out, "\\%c", (int)c);
    else if (c <= 0xff)
        fprintf(out, "\\x%02x", (unsigned)c);
    else if (c <= 0xffff)
        fprintf(out, "\\u%04x", (unsigned)c);
    else
        fprintf(out, "\\U%08x", (unsigned)c);
}

/* What stands as it is goes out in runs: thousands of characters a call. */
static void put_literal(FILE *out, const char *s, size_t n, bool text)
{
    const bool doubled =
        memchr(s, '\'', n) != NULL && memchr(s, '"', n) == NULL;
    const unsigned char quote = doubled ? '"' : '\'';
    size_t done = 0;
    putc(quote, out);
    for (size_t i = 0, length; i < n; i += length) {
        uint32_t c = (unsigned char)s[i];
        length = text && c >= 0x80
                     ? decode((const unsigned char *)s + i, n - i, &c)
                     : 1;
        bool as_it_is = length > 0 && is_printable(c) && c != '\\' &&
                        c != quote && (text || c < 0x80);
        if (length == 0)
            length = 1;
        if (!as_it_is) {
            fwrite(s + done, 1, i - done, out);
            put_escaped(out, c);
            done = i + length;
        }
    }
    fwrite(s + done, 1, n - done, out);
    putc(quote, out);
}

void repr(FILE *out, const char *s, size_t n)
{
    put_literal(out, s, n, true);
}

void repr_bytes(FILE *out, const void *s, size_t n)
{
    putc('b', out);
    put_literal(out, s, n, false);
}
