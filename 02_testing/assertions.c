/* assertions.c: what a test can assert, and what it says when that is false.
 *
 * Cells: A23
 * Run:   make assertions
 * Ask:   an assertion has failed at night, far away: which of these lines tell
 *        you what the values were?
 * Watch: where two are compared, both values are told; of what is merely true
 *        or false, the text of the expression is all that is left.
 * See:   longest_word_test.c; endings.c, for tests that end another way.
 */
#include <check.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "01_files/cli.h"

/* Each is a loop test over two examples: _i is 0 in the run that is to pass,
 * and 1 in the run that is to fail.
 */
START_TEST(equal)
{
    int a = 4, b = (int[]){4, 5}[_i];
    //> _i says which example this is. The first passes, the second does not.
    ck_assert_int_eq(a, b);
}
END_TEST

START_TEST(not_equal)
{
    const char *a = "ugly", *b = (const char *[]){"Ugly", "ugly"}[_i];
    ck_assert_str_ne(a, b); /* strcmp: a != b would compare addresses */
}
END_TEST

START_TEST(is_true)
{
    bool x = (bool[]){true, false}[_i];
    ck_assert(x);
}
END_TEST

START_TEST(is_false)
{
    bool x = (bool[]){false, true}[_i];
    ck_assert(!x);
}
END_TEST

START_TEST(is_null)
{
    const void *p = (const void *[]){NULL, MAP_FAILED}[_i];
    //> mmap's failure is not NULL but -1: an error many have missed.
    ck_assert_ptr_null(p);
}
END_TEST

START_TEST(is_not_null)
{
    const char *p = (const char *[]){"", NULL}[_i];
    ck_assert_ptr_nonnull(p);
}
END_TEST

/* A value in C does not know its type. The compiler does, and can be asked:
 * an assertion that is false then is a program that does not exist. What is to
 * be known at run time must be stored, as Python stores it in every object.
 */
_Static_assert(_Generic(3.0, double : true, default : false), "3.0: a double");

enum kind { CIRCLE = 1, SQUARE };

START_TEST(is_instance)
{
    struct {
        enum kind kind;
        double size;
    } shape = {.kind = (enum kind[]){CIRCLE, SQUARE}[_i], .size = 3.0};
    //> No class, only a number that someone has put there: print shape.
    ck_assert_int_eq(shape.kind, CIRCLE);
}
END_TEST

static const struct {
    const char *python, *check;
    const TTest *const *test;
} rows[] = {
    {"assertEqual(a, b)", "ck_assert_int_eq(a, b)", &equal},
    {"assertNotEqual(a, b)", "ck_assert_str_ne(a, b)", &not_equal},
    {"assertTrue(x)", "ck_assert(x)", &is_true},
    {"assertFalse(x)", "ck_assert(!x)", &is_false},
    {"assertIsNone(x)", "ck_assert_ptr_null(p)", &is_null},
    {"assertIsNotNone(x)", "ck_assert_ptr_nonnull(p)", &is_not_null},
    {"assertIsInstance(a, B)", "ck_assert_int_eq(a.kind, B)", &is_instance},
};
enum { ROWS = sizeof rows / sizeof *rows };

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "show what assertions say"};
    cli_parse(&cli, argc, argv);

    TCase *tcase = tcase_create("assertions");
    for (int i = 0; i < ROWS; i++)
        tcase_add_loop_test(tcase, *rows[i].test, 0, 2);
    Suite *suite = suite_create("assertions");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);

    if (srunner_ntests_run(runner) != 2 * ROWS)
        errx(CLI_NO_SHOW, "not all tests were run");
    //> Fourteen results, two a row: what passed has no more to say.
    TestResult **results = srunner_results(runner);
    bool shown = true;
    TestResult **two = results;
    for (int i = 0; i < ROWS; i++, two += 2) {
        printf("%-24s%s\n", rows[i].python, rows[i].check);
        printf("  true:  %s\n", tr_msg(two[0]));
        printf("  false: %s\n", tr_msg(two[1]));
        shown = shown && tr_rtype(two[0]) == CK_PASS &&
                tr_rtype(two[1]) == CK_FAILURE;
    }
    printf("%d rows\n", ROWS);
    free(results);
    srunner_free(runner);
    if (!shown)
        errx(CLI_NO_SHOW, "a test did not end as it should");
    return 0;
}
