/* endings.c: a test may end by exit, by a signal or never, and Check survives.
 *
 * Cells: none
 * Run:   make endings
 * Ask:   the function under test ends the process: who is left to say so?
 * Watch: each test is a child of the runner, which reads from wait(2) how it
 *        ended: what it was told to expect passes, anything else is an error.
 * See:   assertions.c, for tests that fail; alchemy_test.c, for fixtures.
 */
#include <check.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "01_files/cli.h"

/* Under test: writes it all, or ends the process. Status 1 would not do: a
 * test that fails ends with 1 as well, and could not be told from this.
 */
static void put(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n == -1)
            err(EX_IOERR, "descriptor %d", fd);
        bytes += n;
        length -= (size_t)n;
    }
}

START_TEST(put_nowhere)
{
    put(-1, "wow", 3);
}
END_TEST

START_TEST(put_to_nobody)
{
    int ends[2];
    signal(SIGPIPE, SIG_DFL); /* our parent may have told us to ignore it */
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    put(ends[1], "wow", 3);
}
END_TEST

START_TEST(put_too_much)
{
    static const char bytes[2 << 20]; /* more than any pipe holds */
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    put(ends[1], bytes, sizeof bytes);
}
END_TEST

static const struct {
    const char *what, *told;
    enum test_result type;
} rows[] = {
    {"put to no descriptor", "to expect exit 74", CK_PASS},
    {"put to no descriptor", "nothing", CK_ERROR},
    {"put to a pipe nobody reads", "to expect SIGPIPE", CK_PASS},
    {"put to a pipe nobody reads", "nothing", CK_ERROR},
    {"put more than a pipe holds", "to wait 0.2 s", CK_ERROR},
};
enum { ROWS = sizeof rows / sizeof *rows };

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "show how else a test can end"};
    cli_parse(&cli, argc, argv);

    Suite *suite = suite_create("endings");
    TCase *ends = tcase_create("ends");
    //> The same test twice: first Check is told how it is to end.
    tcase_add_exit_test(ends, put_nowhere, EX_IOERR);
    tcase_add_test(ends, put_nowhere);
    tcase_add_test_raise_signal(ends, put_to_nobody, SIGPIPE);
    tcase_add_test(ends, put_to_nobody);
    suite_add_tcase(suite, ends);
    TCase *hangs = tcase_create("hangs");
    tcase_add_test(hangs, put_too_much);
    //> An alarm clock in the runner: when it rings, the child is killed.
    tcase_set_timeout(hangs, 0.2);
    suite_add_tcase(suite, hangs);

    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK); /* whatever $CK_FORK says */
    //> Five children, one after another; none of them comes to its end.
    srunner_run_all(runner, CK_SILENT);

    if (srunner_ntests_run(runner) != ROWS)
        errx(CLI_NO_SHOW, "not all tests were run");
    TestResult **results = srunner_results(runner);
    bool shown = true;
    for (int i = 0; i < ROWS; i++) {
        if (i == 0 || strcmp(rows[i].what, rows[i - 1].what) != 0)
            printf("%s\n", rows[i].what);
        printf("  told %s: %s\n", rows[i].told, tr_msg(results[i]));
        shown = shown && tr_rtype(results[i]) == (int)rows[i].type;
    }
    //> Whatever befell the children, their parent is here to tell.
    printf("%d ways to end, and the runner lives\n", ROWS);
    free(results);
    srunner_free(runner);
    if (!shown)
        errx(CLI_NO_SHOW, "a test did not end as it should");
    return 0;
}
