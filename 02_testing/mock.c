/* mock.c: a stand-in that remembers how it was called, and can be asked.
 *
 * Cells: A29
 * Run:   make mock
 * Ask:   the code calls a service that may be down: how can its test check
 *        what it asks for, and how it takes an error, without the service?
 * Watch: what was expected stands above what came, when they differ.
 * See:   mock.h, the whole of it; location_test.c, where it is put to use.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "02_testing/mock.h"

/* Two stand-ins, each a function of the type that is wanted, and its record. */
static struct mock method, other;

static int fake_method(int a, int b, int c, const char *test)
{
    //> Here the mock is told of a call: print method.calls, next, and again.
    return (int)mock_called(&method, "%d, %d, %d, test='%s'", a, b, c, test);
}

static int fake_other(const char *url)
{
    return (int)mock_called(&other, "'%s'", url);
}

static void set_up(void)
{
    method = (struct mock){.name = "method"};
    other = (struct mock){.name = "other"};
}

START_TEST(recorded)
{
    fake_method(1, 2, 3, "wow");
    //> The call lies in the record as text: print method.args[0].
    mock_assert_called_with(&method, "%d, %d, %d, test='%s'", 1, 2, 3, "wow");
    mock_assert_called_once(&method);
    mock_assert_not_called(&other);
}
END_TEST

/* Something to test: asks again after a time-out, at most three times. */
static int ask(int (*get)(const char *url), const char *url)
{
    int status = get(url);
    for (int i = 1; i < 3 && status == -1 && errno == ETIMEDOUT; i++)
        status = get(url);
    return status;
}

static void time_out(struct mock *mock)
{
    (void)mock;
    errno = ETIMEDOUT;
}

START_TEST(series)
{
    //> Fails twice, then answers: no real service does that when told to.
    other = (struct mock){
        .name = "other", MOCK_SERIES(-1, -1, 200), .side_effect = time_out};
    ck_assert_int_eq(ask(fake_other, "/ip"), 200);
    ck_assert_uint_eq(other.calls, 3);
    mock_assert_any_call(&other, "'%s'", "/ip");
}
END_TEST

/* From here on every test fails, to show what it says. */
START_TEST(never_called)
{
    mock_assert_called(&method);
}
END_TEST

START_TEST(called_twice)
{
    fake_other("/ip");
    fake_other("/city");
    mock_assert_called_once(&other);
}
END_TEST

START_TEST(called_otherwise)
{
    fake_method(1, 2, 0, "wow");
    mock_assert_called_with(&method, "%d, %d, %d, test='%s'", 1, 2, 3, "wow");
}
END_TEST

START_TEST(no_such_call)
{
    fake_other("/ip");
    fake_other("/city");
    mock_assert_any_call(&other, "'%s'", "/town");
}
END_TEST

START_TEST(called_after_all)
{
    fake_other("/ip");
    mock_assert_not_called(&other);
}
END_TEST

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "show what a mock remembers"};
    cli_parse(&cli, argc, argv);

    enum { PASSING = 2, TESTS = 7 };
    const TTest *tests[TESTS] = {
        recorded,         series,       never_called,    called_twice,
        called_otherwise, no_such_call, called_after_all};
    TCase *tcase = tcase_create("mock");
    tcase_add_checked_fixture(tcase, set_up, NULL);
    for (int i = 0; i < TESTS; i++)
        tcase_add_test(tcase, tests[i]);
    Suite *suite = suite_create("mock");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_SILENT);

    TestResult **results = srunner_results(runner);
    bool shown = srunner_ntests_run(runner) == TESTS;
    for (int i = 0; i < srunner_ntests_run(runner); i++) {
        printf("%s:\n%s\n\n", tests[i]->name, tr_msg(results[i]));
        shown = shown &&
                tr_rtype(results[i]) == (i < PASSING ? CK_PASS : CK_FAILURE);
    }
    free(results);
    srunner_free(runner);
    if (!shown)
        errx(CLI_NO_SHOW, "a test did not end as it should");
    return 0;
}
