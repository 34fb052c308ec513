/* task.py: how gdb shows a task, and the command tasks, on a live process and on
 * a core file.
 */
#include <err.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

/* One run of gdb, in the root of the sources. */
static char *ask_gdb(const char *commands)
{
    char *root = realpath(".", NULL);
    char *command = NULL;
    if (asprintf(&command,
                 "cd '%s' && gdb -nx -q -batch -iex 'set debuginfod enabled "
                 "off' -iex 'set width 0' -x 06_generators/gen.py "
                 "-x 07_eventloop/task.py %s",
                 root, commands) == -1)
        err(1, "gdb");
    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, "Python Exception") == NULL &&
                      strstr(child.out.text, "Traceback") == NULL,
                  "%s", child.out.text);
    char *said = strdup(child.out.text);
    child_free(&child);
    free(command);
    free(root);
    return said;
}

/* Each pattern matches, behind the one before it. */
static void expect_lines(const char *said, const char *const *patterns)
{
    const char *at = said;
    for (; *patterns != NULL; patterns++) {
        regex_t regex;
        regmatch_t match;
        ck_assert_int_eq(regcomp(&regex, *patterns, REG_EXTENDED | REG_NEWLINE),
                         0);
        ck_assert_msg(regexec(&regex, at, 1, &match, 0) == 0,
                      "no '%s' in its place in:\n%s", *patterns, said);
        regfree(&regex);
        at += match.rm_eo;
    }
}

#define AT "07_eventloop/gather\\.c:[0-9]+  "
#define SLEEPING(n)                                                            \
    "^request " n "  waits for sleep_for$",                                    \
        "^    request      " AT "AWAIT_CALL\\(c, get_data, .*\\)$",            \
        "^    get_data     " AT "AWAIT_CALL\\(c, sleep_for, .*\\)$",           \
        "^    sleep_for    07_eventloop/sleep_for\\.c:[0-9]+  "                \
        "AWAIT\\(c, &c->future\\)$"

static const char *const asleep[] = {"^loop on epoll, turn [0-9]+: 6 tasks$",
                                     "^program  waits for gather$",
                                     "^    program      " AT
                                     "AWAIT\\(c, c->all\\)$",
                                     SLEEPING("1"),
                                     SLEEPING("2"),
                                     SLEEPING("3"),
                                     SLEEPING("4"),
                                     SLEEPING("5"),
                                     NULL};

/* The whole loop asleep: stopped in its wait, then from its core file. */
START_TEST(live_and_from_a_core_file)
{
    char *path = built("07_eventloop", "gather");
    char *folder = new_folder();
    char *commands = NULL;
    if (asprintf(&commands,
                 "-ex 'set environment LOOP_BACKEND epoll' "
                 "-ex 'tbreak selector_wait if $_streq(s->name, \"epoll\") && "
                 "seconds > 1' -ex run -ex tasks -ex 'echo again\\n' "
                 "-ex 'up 2' -ex 'tasks loop' -ex 'tasks *loop' "
                 "-ex 'generate-core-file %s/core' --args %s -d 2",
                 folder, path) == -1)
        err(1, "gdb");
    char *said = ask_gdb(commands);
    expect_lines(said, asleep);
    const char *again = strstr(said, "again\n");
    ck_assert_ptr_nonnull(again);
    expect_lines(again, asleep);
    free(said);
    free(commands);
    if (asprintf(&commands, "-ex tasks %s %s/core", path, folder) == -1)
        err(1, "gdb");
    said = ask_gdb(commands);
    expect_lines(said, asleep);
    free(said);
    free(commands);
    free(folder);
    free(path);
}
END_TEST

/* Each state of a task has its words. */
START_TEST(states_of_a_task)
{
    static const char *const lines[] = {
        "^\\$1 = \\{request 1: never started\\}$",
        "^\\$2 = \\{request 1: is ready\\}$",
        "^\\$3 = \\{request 1: runs\\}$",
        "^\\$4 = \\{request 1: waits for sleep_for, at line [0-9]+: "
        "AWAIT_CALL\\(c, get_data, \\.delay = delay\\)\\}$",
        "^\\$5 = \\{request 1: waits for sleep_for, and is to be cancelled, at "
        "line [0-9]+: .*\\}$",
        "^\\$6 = \\{request 1: done\\}$",
        "^\\$7 = \\{request 1: ended by an error: CancelledError\\}$",
        "^\\$8 = \\{request 1: cancelled\\}$",
        "^\\$9 = \\{\\?: cancelled\\}$",
        NULL};
    char *path = built("07_eventloop", "gather");
    char *commands = NULL;
    if (asprintf(
            &commands,
            "-ex 'break gather' -ex run -ex 'set $t = (struct task "
            "*)children[0]' -ex 'set var $t->state = 0' -ex 'print *$t' "
            "-ex 'set var $t->state = 2' -ex 'print *$t' -ex 'set var ((struct "
            "request *)$t->frame)->gen.line = -2' -ex 'print *$t' "
            "-ex 'set var ((struct request *)$t->frame)->gen.line = 0' "
            "-ex 'tbreak selector_wait if seconds > 1' -ex continue "
            "-ex 'print *$t' -ex 'set var $t->cancelling = 1' -ex 'print *$t' "
            "-ex 'set var $t->cancelling = 0' "
            "-ex 'set var $t->future.state = 1' -ex 'print *$t' "
            "-ex 'set var $t->future.error = error_cancelled' "
            "-ex 'set var $t->future.state = 2' -ex 'print *$t' "
            "-ex 'set var $t->future.state = 3' -ex 'print *$t' "
            "-ex 'set var $t->name = (char *)1' -ex 'print *$t' "
            "--args %s -d 2",
            path) == -1)
        err(1, "gdb");
    char *said = ask_gdb(commands);
    expect_lines(said, lines);
    free(said);
    free(commands);
    free(path);
}
END_TEST

START_TEST(what_is_no_loop)
{
    static const char *const lines[] = {
        "^tasks: the program is not running$",
        "^no loop runs: name one$",
        "^5: no struct loop$",
        "^nonsense: No symbol \"nonsense\" in current context\\.$",
        "^\\(struct loop \\*\\)0: Cannot access memory at address 0x",
        "^still here$",
        NULL};
    char *path = built("07_eventloop", "gather");
    char *commands = NULL;
    if (asprintf(&commands,
                 "-ex tasks -ex 'break main' -ex run -ex tasks -ex 'tasks 5' "
                 "-ex 'tasks nonsense' -ex 'tasks (struct loop *)0' "
                 "-ex 'echo still here\\n' --args %s",
                 path) == -1)
        err(1, "gdb");
    char *said = ask_gdb(commands);
    expect_lines(said, lines);
    free(said);
    free(commands);
    free(path);
}
END_TEST

TCase *eventloop_tasks_command(void)
{
    if (!plain_build())
        return NULL;
    if (system("command -v gdb >/dev/null") != 0) {
        printf("(task.py is not tested: gdb is missing; make deps)\n");
        return NULL;
    }
    TCase *tc = tcase_create("tasks_command");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, live_and_from_a_core_file);
    tcase_add_test(tc, states_of_a_task);
    tcase_add_test(tc, what_is_no_loop);
    return tc;
}
