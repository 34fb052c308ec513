/* repr: held against what Python 3 prints for the same text. */
#include <stdlib.h>
#include <string.h>

#include "01_files/repr.h"
#include "tests/support.h"

/* A text, which may hold zero bytes, and its length. */
#define TEXT(s) (s), sizeof(s) - 1

static void check(bool bytes, const char *text, size_t n, const char *literal)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    ck_assert_ptr_nonnull(out);
    if (bytes)
        repr_bytes(out, text, n);
    else
        repr(out, text, n);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(printed, literal);
    ck_assert_uint_eq(size, strlen(literal));
    free(printed);
}

static void check_text(const char *text, size_t n, const char *literal)
{
    check(false, text, n, literal);
}

static void check_bytes(const char *text, size_t n, const char *literal)
{
    check(true, text, n, literal);
}

/* The outcome of the cell that prints the lines of example.txt. */
START_TEST(the_lines_of_the_notebook)
{
    check_text(TEXT("Технопарк\n"), "'Технопарк\\n'");
    check_text(TEXT("МГТУ\n"), "'МГТУ\\n'");
}
END_TEST

START_TEST(nothing_is_a_pair_of_quotes)
{
    check_text(TEXT(""), "''");
    check_bytes(TEXT(""), "b''");
}
END_TEST

/* Single quotes, unless that makes for a backslash and double ones do not. */
START_TEST(quotes_are_chosen_as_python_does)
{
    check_text(TEXT("plain"), "'plain'");
    check_text(TEXT("it's"), "\"it's\"");
    check_text(TEXT("say \"hi\""), "'say \"hi\"'");
    check_text(TEXT("it's \"hi\""), "'it\\'s \"hi\"'");
    check_text(TEXT("it's\n"), "\"it's\\n\"");
    check_bytes(TEXT("it's"), "b\"it's\"");
    check_bytes(TEXT("it's \"hi\""), "b'it\\'s \"hi\"'");
}
END_TEST

START_TEST(escapes_have_their_names)
{
    check_text(TEXT("a\tb\nc\rd\\e"), "'a\\tb\\nc\\rd\\\\e'");
    check_bytes(TEXT("a\tb\nc\rd\\e"), "b'a\\tb\\nc\\rd\\\\e'");
    /* These have names in C, and none in repr. */
    check_text(TEXT("\a\b\f\v"), "'\\x07\\x08\\x0c\\x0b'");
}
END_TEST

START_TEST(zero_bytes_are_characters)
{
    check_text(TEXT("a\0b\0"), "'a\\x00b\\x00'");
    check_text(TEXT("\0'"), "\"\\x00'\"");
    check_bytes(TEXT("a\0b\0"), "b'a\\x00b\\x00'");
}
END_TEST

START_TEST(controls_are_escaped)
{
    check_text(TEXT("\x1b[2J"), "'\\x1b[2J'");
    check_text(TEXT("\x1f ~\x7f"), "'\\x1f ~\\x7f'");
    check_text(TEXT("\xc2\x80\xc2\x9f"), "'\\x80\\x9f'");
}
END_TEST

/* One of each category that Python's isprintable() denies. */
START_TEST(what_cannot_be_seen_is_escaped)
{
    check_text(TEXT("\u00a0"), "'\\xa0'");                /* Zs */
    check_text(TEXT("\u3000"), "'\\u3000'");              /* Zs */
    check_text(TEXT("\u2028\u2029"), "'\\u2028\\u2029'"); /* Zl, Zp */
    check_text(TEXT("\u00ad"), "'\\xad'");                /* Cf, soft hyphen */
    check_text(TEXT("\u200b\ufeff"), "'\\u200b\\ufeff'");
    check_text(TEXT("\U000e0041"), "'\\U000e0041'"); /* Cf, a tag */
    check_text(TEXT("\ue000"), "'\\ue000'");         /* Co */
    check_text(TEXT("\U0010ffff"), "'\\U0010ffff'"); /* noncharacter */
}
END_TEST

/* A name that shows its end in the wrong place: exe.txt for txt.exe. */
START_TEST(the_direction_of_writing_cannot_be_turned)
{
    /* NOLINTNEXTLINE(misc-misleading-bidirectional) */
    check_text(TEXT("\u202etxt.exe"), "'\\u202etxt.exe'");
    check_text(TEXT("\u2066\u2069\u200f"), "'\\u2066\\u2069\\u200f'");
}
END_TEST

START_TEST(what_can_be_seen_stays)
{
    check_text(TEXT("é ß Ж 中 € 𝄞 😀"), "'é ß Ж 中 € 𝄞 😀'");
    check_text(TEXT("e\u0301"), "'e\u0301'"); /* a combining accent */
    check_text(TEXT("\u00a1\u00ac\u00ae"), "'\u00a1\u00ac\u00ae'");
    check_text(TEXT("\ufffd"), "'\ufffd'");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_escaped_one_by_one)
{
    check_text(TEXT("\xff"), "'\\xff'");
    check_text(TEXT("\xd0"), "'\\xd0'");            /* cut short */
    check_text(TEXT("\xe2\x82"), "'\\xe2\\x82'");   /* cut short */
    check_text(TEXT("\xe2\x82z"), "'\\xe2\\x82z'"); /* then a letter */
    check_text(TEXT("\x80z"), "'\\x80z'");          /* not a beginning */
    check_text(TEXT("\xc0\xaf"), "'\\xc0\\xaf'");   /* overlong / */
    check_text(TEXT("\xe0\x80\xaf"), "'\\xe0\\x80\\xaf'");
    check_text(TEXT("\xed\xa0\x80"), "'\\xed\\xa0\\x80'"); /* a surrogate */
    check_text(TEXT("\xf4\x90\x80\x80"), "'\\xf4\\x90\\x80\\x80'"); /* 110000 */
    check_text(TEXT("\xf8\x88\x80\x80\x80"), "'\\xf8\\x88\\x80\\x80\\x80'");
    check_text(TEXT("\xd0\xa2\xd0"), "'Т\\xd0'");
}
END_TEST

START_TEST(nothing_is_read_behind_the_end)
{
    check_text("\xe2\x82\xac", 2, "'\\xe2\\x82'");
    check_text("it's", 2, "'it'");
}
END_TEST

START_TEST(bytes_know_only_ascii)
{
    check_bytes(TEXT("Те"), "b'\\xd0\\xa2\\xd0\\xb5'");
    check_bytes(TEXT("\x7f\x80\xff ~"), "b'\\x7f\\x80\\xff ~'");
}
END_TEST

TCase *files_repr(void)
{
    TCase *tc = tcase_create("repr");
    tcase_add_test(tc, the_lines_of_the_notebook);
    tcase_add_test(tc, nothing_is_a_pair_of_quotes);
    tcase_add_test(tc, quotes_are_chosen_as_python_does);
    tcase_add_test(tc, escapes_have_their_names);
    tcase_add_test(tc, zero_bytes_are_characters);
    tcase_add_test(tc, controls_are_escaped);
    tcase_add_test(tc, what_cannot_be_seen_is_escaped);
    tcase_add_test(tc, the_direction_of_writing_cannot_be_turned);
    tcase_add_test(tc, what_can_be_seen_stays);
    tcase_add_test(tc, bytes_that_are_no_text_are_escaped_one_by_one);
    tcase_add_test(tc, nothing_is_read_behind_the_end);
    tcase_add_test(tc, bytes_know_only_ascii);
    return tc;
}
