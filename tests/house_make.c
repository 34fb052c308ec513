/* make: the words that a target takes are looked at before it begins. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

static const char *const no_numbers[] = {"abc", "0",   "-1", "7++",
                                         "+",   "7 8", "1a", "1.5"};
enum { NO_NUMBERS = sizeof no_numbers / sizeof *no_numbers };

/* In a folder of its own, which stays empty of programs. */
START_TEST(torture_wants_a_number)
{
    char *folder = new_folder();
    char *root = realpath(".", NULL);
    char command[1024];
    char words[64];
    snprintf(command, sizeof command,
             "env -u MAKEFLAGS -u MAKELEVEL make -C '%s' B=%s/b "
             "torture-walk N='%s'; echo status $?; ls %s/b",
             root, folder, no_numbers[_i], folder);
    struct child child = run_shell(command);
    snprintf(words, sizeof words, "torture-walk: N='%s': 7 is the seventh",
             no_numbers[_i]);
    ck_assert_msg(strstr(child.out.text, words) != NULL &&
                      strstr(child.out.text, "\nstatus 2\nflags\n") != NULL,
                  "%s", child.out.text);
    child_free(&child);
    free(root);
    free(folder);
}
END_TEST

/* As make debug-test has it. */
START_TEST(debug_test_wants_a_name)
{
    char *root = realpath(".", NULL);
    char command[1024];
    snprintf(command, sizeof command,
             "cd '%s' && CK_FORK=no gdb -nx -q -batch -x tests/assertion.py "
             "--args %s/tests/run nosuch",
             root, build_folder());
    struct child child = run_shell(command);
    const char *out = child.out.text;
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_msg(strstr(out, "nosuch: no suite or case") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "Checks:") == NULL &&
                      strstr(out, "no assertion failed") == NULL,
                  "%s", out);
    child_free(&child);
    free(root);
}
END_TEST

TCase *house_make(void)
{
    TCase *tc = tcase_create("make");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, torture_wants_a_number, 0, NO_NUMBERS);
    if (plain_build() && system("gdb -v >/dev/null 2>&1") == 0)
        tcase_add_test(tc, debug_test_wants_a_name);
    return tc;
}
