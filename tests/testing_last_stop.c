/* last_stop.py: a script that goes on from a tour's last stop does nothing
 * anywhere else, but say where it belongs.
 */
#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

/* Runs a shell command in the root of the sources. */
static struct child run_in_root(const char *command)
{
    char *root = realpath(".", NULL);
    char *whole = NULL;
    if (root == NULL || asprintf(&whole, "cd '%s' && %s", root, command) == -1)
        err(1, "%s", command);
    struct child child = run_shell(whole);
    free(whole);
    free(root);
    return child;
}

static void check_refuses(const char *script, const char *commands,
                          const char *why)
{
    char command[1024];
    char words[256];
    char chapter[64];
    char name[64];
    ck_assert_int_eq(sscanf(script, "%63[^/]/%63[^.]", chapter, name), 2);
    char *path = built(chapter, name);
    snprintf(command, sizeof command,
             "gdb -nx -q -batch -iex 'set debuginfod enabled off' %s "
             "-ex 'source %s' -ex 'echo <next>' %s",
             commands, script, path);
    struct child child = run_in_root(command);
    snprintf(words, sizeof words, "\n%s: make tour-%s, c until ", why, name);
    char *said = strstr(child.out.text, words);
    ck_assert_msg(said != NULL, "%s: not '%s' in:\n%s", script, words,
                  child.out.text);
    /* A line of the error, and then the next command. */
    ck_assert_msg(strncmp(strchr(said + 1, '\n'), "\n<next>", 7) == 0, "%s",
                  said);
    child_free(&child);
    free(path);
}

START_TEST(each_script_knows_its_place)
{
    glob_t scripts;
    ck_assert_int_eq(glob("0[1-9]_*/*.gdb", 0, NULL, &scripts), 0);
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        check_refuses(scripts.gl_pathv[i], "", "the program is not running");
        check_refuses(scripts.gl_pathv[i], "-ex 'break main' -ex run",
                      "the program is not at its last stop");
    }
    globfree(&scripts);
}
END_TEST

/* What comes after a script that failed half-way is not locked up. */
START_TEST(race_lets_all_threads_run_again)
{
    char *folder = new_folder();
    char *path = built("04_threads", "race");
    char command[2048];
    snprintf(command, sizeof command,
             "sed 's/^printf \"value.*/print no_such_name/' "
             "04_threads/race.gdb >%s/race.gdb; printf '%%s\\n' c c "
             "'source %s/race.gdb' 'show scheduler-locking' c | "
             "gdb -nx -q -x 02_testing/tour.py --args %s",
             folder, folder, path);
    struct child child = run_in_root(command);
    char *failed = strstr(child.out.text, "No symbol \"no_such_name\"");
    ck_assert_msg(failed != NULL, "%s", child.out.text);
    ck_assert_msg(strstr(failed, "execution is \"off\"") != NULL, "%s", failed);
    ck_assert_msg(strstr(failed, "\n[Inferior 1 (process ") != NULL, "%s",
                  failed);
    child_free(&child);
    free(path);
    free(folder);
}
END_TEST

TCase *testing_last_stop(void)
{
    if (!plain_build() || system("gdb -v >/dev/null 2>&1") != 0)
        return NULL;
    TCase *tc = tcase_create("last_stop");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, each_script_knows_its_place);
    tcase_add_test(tc, race_lets_all_threads_run_again);
    return tc;
}
