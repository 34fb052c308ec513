/* subprocess and pipeline: whatever a program writes and however it ends, it
 * is read to the end, and is given nothing but its three descriptors.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/support.h"

static void check_run(const char *command, const char *expected)
{
    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, expected) != NULL,
                  "%s: not '%s' in:\n%.2000s", command, expected,
                  child.out.text);
    ck_assert_int_eq(child.status, 0);
    child_free(&child);
}

/* More than the pipe holds, in either order; both would wait for ever. */
START_TEST(both_outputs_are_read)
{
    check_run("subprocess -- sh -c 'head -c 3000000 /dev/zero;"
              " head -c 2000000 /dev/zero >&2'",
              "out: 3000000 bytes\nerr: 2000000 bytes\nexit 0\n");
    check_run("subprocess -- sh -c 'head -c 2000000 /dev/zero >&2;"
              " head -c 3000000 /dev/zero'",
              "out: 3000000 bytes\nerr: 2000000 bytes\nexit 0\n");
    check_run("subprocess -- sh -c 'head -c 4096 /dev/zero;"
              " head -c 4097 /dev/zero >&2'",
              "\\x00'\nerr: 4097 bytes\nexit 0\n");
}
END_TEST

START_TEST(a_signal_is_not_an_exit)
{
    check_run("subprocess -- sh -c 'kill -KILL $$'",
              "killed by signal 9, Killed\n");
    check_run("subprocess -- sh -c 'exit 137'", "exit 137\n");
}
END_TEST

/* What the program has started is ended with it, when its time is up or when it
 * ends by itself. Its orphans become ours, and we see how they died.
 */
START_TEST(the_whole_group_is_killed)
{
    static const char *const commands[] = {"sleep 60 & wait", "sleep 60 &"};
    char *path = built("03_processes", "subprocess");
    int status = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct child child = {.argv =
                              (const char *[]){path, "-w", "0.2", "--", "sh",
                                               "-c", commands[_i], NULL},
                          .seconds = 50};
    ck_assert_int_eq(child_run(&child), 0);
    ck_assert_int_eq(child.status, 0);
    ck_assert_msg(strstr(child.out.text, _i == 0 ? "timed out\n" : "exit 0\n"),
                  "%s", child.out.text);
    ck_assert_int_gt(waitpid(-1, &status, 0), 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    child_free(&child);
    free(path);
}
END_TEST

/* Who was to ignore SIGPIPE does not hand that on. */
START_TEST(children_begin_with_sigpipe)
{
    check_run("trap '' PIPE; subprocess -- sh -c 'yes | head -n1'",
              "out: b'y\\n'\nerr: b''\nexit 0\n");
}
END_TEST

/* In the place of ls and grep: programs that show their descriptors. */
START_TEST(a_pipeline_hands_on_three_descriptors)
{
    check_run("exec 5</dev/null; real=$(command -v ls);"
              " printf '#!/bin/sh\\nexec %s /proc/self/fd\\n' $real >ls;"
              " printf '#!/bin/sh\\ncat; exec %s /proc/self/fd\\n' $real >grep;"
              " chmod +x ls grep; PATH=$PWD:$PATH; pipeline",
              "out: b'0\\n1\\n2\\n3\\n0\\n1\\n2\\n3\\n'\nerr: b''\n"
              "ls: exit 0\ngrep: exit 0\n");
}
END_TEST

/* What is read has a bound; who writes more is not waited for. */
START_TEST(a_pipeline_that_says_too_much)
{
    check_run("printf '#!/bin/sh\\nhead -c 500000 /dev/zero >&2;"
              " exec head -c 500000 /dev/zero' >ls;"
              " printf '#!/bin/sh\\nexec cat' >grep;"
              " chmod +x ls grep; PATH=$PWD:$PATH; pipeline",
              "\nls: killed by signal 13, Broken pipe\n"
              "grep: killed by signal 13, Broken pipe\n");
}
END_TEST

TCase *processes_subprocess(void)
{
    TCase *tc = tcase_create("subprocess");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, both_outputs_are_read);
    tcase_add_test(tc, a_signal_is_not_an_exit);
    tcase_add_loop_test(tc, the_whole_group_is_killed, 0, 2);
    tcase_add_test(tc, children_begin_with_sigpipe);
    tcase_add_test(tc, a_pipeline_hands_on_three_descriptors);
    tcase_add_test(tc, a_pipeline_that_says_too_much);
    return tc;
}
