/* json: what is JSON and what is not (RFC 8259), and one string out of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "02_testing/json.h"
#include "tests/support.h"

/* Looks for "a", in a copy of just that size, so that the address sanitizer
 * sees any byte that is read behind the end.
 */
static enum json_result find_a(const char *text, size_t length, char *value,
                               size_t size)
{
    char *copy = malloc(length ? length : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, length);
    memset(value, '#', size);
    enum json_result result = json_string(copy, length, "a", value, size);
    free(copy);
    return result;
}

static const struct {
    const char *text;
    const char *value;
} strings[] = {
    {"{\"a\":\"\"}", ""},
    {"{\"a\":\"x\"}", "x"},
    {" \t\r\n{ \"a\" : \"x\" } \n", "x"},
    {"{\"b\":1,\"a\":\"x\",\"c\":2}", "x"},
    /* a name inside of another value is none of the outermost object's */
    {"{\"b\":{\"a\":\"inner\"},\"a\":\"x\"}", "x"},
    {"{\"a\":\"x\",\"b\":[{\"a\":\"inner\"}]}", "x"},
    {"{\"b\":\"\\\"a\\\":\\\"y\\\"\",\"a\":\"x\"}", "x"},
    {"{\"A\":\"upper\",\"aa\":\"y\",\"\":\"z\",\"a\":\"x\"}", "x"},
    {"{\"a\":\"x\",\"\":\"z\",\"aa\":\"y\"}", "x"},
    /* the last of equals, as in Python */
    {"{\"a\":\"x\",\"a\":\"y\"}", "y"},
    {"{\"a\":1,\"a\":\"y\"}", "y"},
    /* escapes, in the value and in the name */
    {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t"},
    {"{\"\\u0061\":\"x\"}", "x"},
    {"{\"a\":\"\\u0041\\u00e9\\u20AC\\u20ac\"}", "Aé€€"},
    {"{\"a\":\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"}",
     "\x7f\xc2\x80\u07ff\u0800\uffff"},
    {"{\"a\":\"\\ud83d\\ude00\"}", "\U0001F600"},
    {"{\"a\":\"\\uD800\\uDC00\\udbff\\udfff\"}", "\U00010000\U0010FFFF"},
    /* bytes as they come */
    {"{\"a\":\"Москва\"}", "Москва"},
    {"{\"a\":\"\xff\x7f\"}", "\xff\x7f"},
    /* all kinds of neighbours */
    {"{\"b\":[],\"c\":{},\"d\":[1,[2],{\"e\":null}],\"a\":\"x\"}", "x"},
    {"{\"b\":[ ],\"c\":{ },\"d\":[ 1 , 2 ],\"a\":\"x\"}", "x"},
    {"{\"b\":true,\"c\":false,\"d\":null,\"a\":\"x\"}", "x"},
    {"{\"b\":[0,-0,10,-1.5,0.25,1e3,1E+3,1.5e-10],\"a\":\"x\"}", "x"},
    {"{\"b\":\"\\u0000\",\"a\":\"x\"}", "x"},
};

START_TEST(finds_the_string)
{
    char value[64];
    const char *text = strings[_i].text;
    ck_assert_int_eq(find_a(text, strlen(text), value, sizeof value), JSON_OK);
    ck_assert_str_eq(value, strings[_i].value);
}
END_TEST

/* Every beginning of what is right is wrong: no byte is taken for granted. */
START_TEST(refuses_what_is_cut_off)
{
    char value[64];
    const char *text = strings[_i].text;
    size_t end = strlen(text);
    while (text[end - 1] != '}')
        end--;
    for (size_t n = 0; n < end; n++) {
        ck_assert_msg(find_a(text, n, value, sizeof value) == JSON_MALFORMED,
                      "%zu bytes of %s", n, text);
        ck_assert_str_eq(value, "");
    }
}
END_TEST

static const struct {
    const char *text;
    enum json_result result;
} others[] = {
    {"{}", JSON_NO_MEMBER},
    {"{\"b\":\"a\"}", JSON_NO_MEMBER},
    {"{\"b\":{\"a\":\"x\"}}", JSON_NO_MEMBER},
    {"[\"a\",\"x\"]", JSON_NO_MEMBER},
    {"[{\"a\":\"x\"}]", JSON_NO_MEMBER},
    {"\"a\"", JSON_NO_MEMBER},
    {" 17 ", JSON_NO_MEMBER},
    {"null", JSON_NO_MEMBER},
    {"{\"a\":1}", JSON_NOT_STRING},
    {"{\"a\":null}", JSON_NOT_STRING},
    {"{\"a\":[\"x\"]}", JSON_NOT_STRING},
    {"{\"a\":{\"a\":\"x\"}}", JSON_NOT_STRING},
    {"{\"a\":\"x\",\"a\":1}", JSON_NOT_STRING},
    {"{\"a\":\"x\\u0000y\"}", JSON_UNFIT},
    /* around the object */
    {"", JSON_MALFORMED},
    {" ", JSON_MALFORMED},
    {"<html>", JSON_MALFORMED},
    {"{\"a\":\"x\"}}", JSON_MALFORMED},
    {"{\"a\":\"x\"},", JSON_MALFORMED},
    {"{\"a\":\"x\"} {}", JSON_MALFORMED},
    {"\ufeff{\"a\":\"x\"}", JSON_MALFORMED},
    {"\v{\"a\":\"x\"}", JSON_MALFORMED},
    /* commas, colons, quotes */
    {"{,}", JSON_MALFORMED},
    {"{\"a\":\"x\",}", JSON_MALFORMED},
    {"{,\"a\":\"x\"}", JSON_MALFORMED},
    {"{\"a\":\"x\" \"b\":1}", JSON_MALFORMED},
    {"{\"a\" \"x\"}", JSON_MALFORMED},
    {"{\"a\"}", JSON_MALFORMED},
    {"{\"a\":}", JSON_MALFORMED},
    {"{a:\"x\"}", JSON_MALFORMED},
    {"{'a':'x'}", JSON_MALFORMED},
    {"{1:2}", JSON_MALFORMED},
    {"{\"a\":x}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":[1,]}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":[,1]}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":[1 2]}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":[1}}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":{]}", JSON_MALFORMED},
    /* words and numbers */
    {"{\"a\":\"x\",\"b\":nul}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":True}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":nullx}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":01}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":-}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":+1}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":.5}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":1.}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":1e}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":1e+}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":1e+-1}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":0x1}", JSON_MALFORMED},
    {"{\"a\":\"x\",\"b\":NaN}", JSON_MALFORMED},
    /* inside of a string */
    {"{\"a\":\"x\ny\"}", JSON_MALFORMED},
    {"{\"a\":\"x\x1fy\"}", JSON_MALFORMED},
    {"{\"a\":\"\\x\"}", JSON_MALFORMED},
    {"{\"a\":\"\\'\"}", JSON_MALFORMED},
    {"{\"a\":\"\\U0041\"}", JSON_MALFORMED},
    {"{\"a\":\"\\u004\"}", JSON_MALFORMED},
    {"{\"a\":\"\\u004g\"}", JSON_MALFORMED},
    {"{\"a\":\"\\u 041\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83d\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83dx\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83d\\n\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83d\\ud83d\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83d\\u0041\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ude00\"}", JSON_MALFORMED},
    {"{\"a\":\"\\udfff\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ude00\\ude00\"}", JSON_MALFORMED},
    {"{\"a\":\"\\ud83d\\ue000\"}", JSON_MALFORMED},
    {"{\"b\":\"\\ude00\",\"a\":\"x\"}", JSON_MALFORMED},
    /* what follows on the bad byte would be a value of its own */
    {"{\"a\":\"x\",\"b\":\"\\,true}", JSON_MALFORMED},
    {"\"\nnull", JSON_MALFORMED},
};

START_TEST(says_why_not)
{
    char value[64];
    const char *text = others[_i].text;
    ck_assert_msg(find_a(text, strlen(text), value, sizeof value) ==
                      others[_i].result,
                  "%s", text);
    ck_assert_str_eq(value, "");
}
END_TEST

/* A NUL is a byte like others, and belongs neither between nor into strings. */
START_TEST(nul_does_not_end_the_text)
{
    char value[64];
    static const char after[] = "{\"a\":\"x\"}\0junk";
    static const char between[] = "{\"a\":\0\"x\"}";
    static const char inside[] = "{\"a\":\"x\0\"}";
    ck_assert_int_eq(find_a(after, sizeof after - 1, value, sizeof value),
                     JSON_MALFORMED);
    ck_assert_int_eq(find_a(between, sizeof between - 1, value, sizeof value),
                     JSON_MALFORMED);
    ck_assert_int_eq(find_a(inside, sizeof inside - 1, value, sizeof value),
                     JSON_MALFORMED);
}
END_TEST

START_TEST(value_fits_or_is_refused)
{
    char value[4];
    static const char three[] = "{\"a\":\"123\"}";
    static const char four[] = "{\"a\":\"1234\"}";
    static const char euros[] = "{\"a\":\"\\u20ac\\u20ac\"}";
    static const char again[] = "{\"a\":\"1234\",\"a\":\"5\"}";
    ck_assert_int_eq(find_a(three, strlen(three), value, 4), JSON_OK);
    ck_assert_str_eq(value, "123");
    ck_assert_int_eq(find_a(four, strlen(four), value, 4), JSON_UNFIT);
    ck_assert_str_eq(value, "");
    ck_assert_int_eq(find_a(euros, strlen(euros), value, 4), JSON_UNFIT);
    ck_assert_str_eq(value, "");
    ck_assert_int_eq(find_a(again, strlen(again), value, 4), JSON_OK);
    ck_assert_str_eq(value, "5");
}
END_TEST

/* The longest name that can be asked for, and one longer. */
START_TEST(name_has_at_most_63_bytes)
{
    char name[65] = "";
    char text[256];
    char value[8];
    memset(name, 'n', 64);
    snprintf(text, sizeof text, "{\"%.63s\": \"x\", \"%s\": \"long\"}", name,
             name);
    ck_assert_int_eq(json_string(text, strlen(text), name, value, 8),
                     JSON_NO_MEMBER);
    name[63] = '\0';
    ck_assert_int_eq(json_string(text, strlen(text), name, value, 8), JSON_OK);
    ck_assert_str_eq(value, "x");
}
END_TEST

/* However deep it is nested, the stack is not what ends the reading. */
START_TEST(depth_is_bounded)
{
    enum { DEEP = 1000000 };
    char value[8];
    char *text = malloc(DEEP);
    ck_assert_ptr_nonnull(text);
    memset(text, '[', DEEP);
    ck_assert_int_eq(json_string(text, DEEP, "a", value, 8), JSON_MALFORMED);
    memset(text + 101, ']', 101);
    ck_assert_int_eq(json_string(text, 202, "a", value, 8), JSON_MALFORMED);
    ck_assert_int_eq(json_string(text + 1, 200, "a", value, 8), JSON_NO_MEMBER);
    for (size_t i = 0; i < DEEP; i++)
        text[i] = "{\"a\":"[i % 5];
    ck_assert_int_eq(json_string(text, DEEP, "a", value, 8), JSON_MALFORMED);
    free(text);
}
END_TEST

TCase *testing_json(void)
{
    int right = sizeof strings / sizeof *strings;
    int wrong = sizeof others / sizeof *others;
    TCase *tc = tcase_create("json");
    tcase_add_loop_test(tc, finds_the_string, 0, right);
    tcase_add_loop_test(tc, refuses_what_is_cut_off, 0, right);
    tcase_add_loop_test(tc, says_why_not, 0, wrong);
    tcase_add_test(tc, nul_does_not_end_the_text);
    tcase_add_test(tc, value_fits_or_is_refused);
    tcase_add_test(tc, name_has_at_most_63_bytes);
    tcase_add_test(tc, depth_is_bounded);
    return tc;
}
