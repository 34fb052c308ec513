/* alchemy_test.c: three tests of the flask, each with a fresh one.
 *
 * Cells: A25
 * Run:   make alchemy_test
 * Ask:   three tests use one global flask: does one find what another left?
 * Watch: the fixture runs before each test, and each test has a process of its
 *        own besides. A blow-up that is expected is a test that passes.
 * See:   flask.c, what is tested; alchemy.c; endings.c, what else can end a
 *        test.
 */
#include <check.h>
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "02_testing/flask.h"

static struct flask flask;

static const struct material c = {"C", NULL};
static const struct material f = {"F", NULL};
static const struct material h2o = {"H2O", (const char *const[]){"Na", NULL}};
static const struct material na = {"Na", (const char *const[]){"H2O", NULL}};

/* The fixture: Python's setUp. There is nothing to free, so no tearDown. */
static void set_up(void)
{
    //> Comes before each of the three tests.
    flask = (struct flask){.count = 0};
}

START_TEST(add)
{
    //> A result that is an error anywhere else is checked like any value.
    ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &f, NULL), FLASK_OK);
    ck_assert_uint_eq(flask.count, 2);
}
END_TEST

START_TEST(remove_again)
{
    ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_uint_eq(flask.count, 1);
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_OK);
    ck_assert_uint_eq(flask.count, 0);
}
END_TEST

START_TEST(boom)
{
    ck_assert_int_eq(flask_add(&flask, &na, NULL), FLASK_OK);
    //> Python says assertRaises; where errors are values, it is assert equal.
    ck_assert_int_eq(flask_add(&flask, &h2o, NULL), FLASK_BOOM);
    ck_assert_uint_eq(flask.count, 0);
}
END_TEST

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "test the flask with Check"};
    cli_parse(&cli, argc, argv);

    TCase *tcase = tcase_create("flask");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, add);
    tcase_add_test(tcase, remove_again);
    tcase_add_test(tcase, boom);
    Suite *suite = suite_create("alchemy");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);

    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    //> A runner that ran nothing has no failure either: count both.
    if (run != 3 || failed != 0)
        errx(CLI_ERROR, "%d tests run, %d failed", run, failed);
    printf("3 tests, OK\n");
    return 0;
}
