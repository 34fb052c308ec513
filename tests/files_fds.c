/* fds: gdb's list of the program's descriptors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support.h"

static struct child debug(const char *commands)
{
    char *root = realpath(".", NULL);
    char *command = NULL;
    ck_assert_int_gt(
        asprintf(&command,
                 "gdb -nx -q -batch -ex 'source %s/01_files/fds.py'"
                 " %s --args append 2>&1",
                 root, commands),
        0);
    /* gdb looks for the program where it stands, not on PATH. */
    char *whole = NULL;
    ck_assert_int_gt(
        asprintf(&whole, "cd '%s/01_files' && %s", build_folder(), command), 0);
    struct child child = run_shell(whole);
    free(whole);
    free(command);
    free(root);
    return child;
}

START_TEST(lists_what_is_open)
{
    struct child child =
        debug("-ex 'break look' -ex 'run </dev/null >/dev/null' -ex fds"
              " -ex delete -ex continue");
    ck_assert_ptr_nonnull(strstr(child.out.text, "0  r   /dev/null\n"));
    ck_assert_ptr_nonnull(strstr(child.out.text, "1   w  /dev/null\n"));
    /* The file that append has just opened, at its beginning. */
    char *file = strstr(child.out.text, "/example.txt  at 0\n");
    ck_assert_msg(file != NULL, "%s", child.out.text);
    child_free(&child);
}
END_TEST

START_TEST(needs_a_running_program)
{
    struct child child = debug("-ex fds");
    ck_assert_ptr_nonnull(
        strstr(child.out.text, "fds: the program is not running"));
    child_free(&child);
}
END_TEST

TCase *files_fds(void)
{
    if (!plain_build() || system("gdb -v >/dev/null 2>&1") != 0)
        return NULL;
    TCase *tc = tcase_create("fds");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, lists_what_is_open);
    tcase_add_test(tc, needs_a_running_program);
    return tc;
}
