/* count_threads, gil and count_processes where the system has no more threads
 * or processes to give: an error that says which one, after those that had
 * started have ended.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/forked.h"
#include "tests/support.h"

enum { LIMIT = 8, NOBODY = 65534 };

/* Each has enough to do that none of its threads ends before the last starts;
 * a sanitizer makes that last longer.
 */
static const struct {
    const char *chapter, *name, *what;
    const char *const arguments[6];
} programs_that_start[] = {
    {"04_threads", "count_threads", "thread", {"-t20", "-n"}},
    {"03_processes", "count_processes", "process", {"-j20", "-n"}},
    {"04_threads", "gil", "thread", {"-t20", "released", "-d0.3", "-n1"}},
};

/* Runs the program as a user who may have LIMIT processes and threads; root has
 * no limit, and becomes another user. By its descriptor, since that user may
 * not be allowed into the folder.
 */
static void run_limited(const void *argument)
{
    int i = *(const int *)argument;
    char *path =
        built(programs_that_start[i].chapter, programs_that_start[i].name);
    int fd = open(path, O_RDONLY);
    if (fd == -1)
        err(99, "%s", path);
    struct rlimit limit = {LIMIT, LIMIT};
    if (setrlimit(RLIMIT_NPROC, &limit) == -1)
        err(99, "RLIMIT_NPROC");
    if (getuid() == 0 && (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 ||
                          setuid(NOBODY) == -1))
        err(99, "setuid");
    const char *const *arguments = programs_that_start[i].arguments;
    char *argv[8] = {strdup(programs_that_start[i].name)};
    int n = 1;
    for (; arguments[n - 1] != NULL; n++)
        argv[n] = strdup(arguments[n - 1]);
    if (strcmp(argv[n - 1], "-n") == 0)
        argv[n] = strdup(plain_build() ? "500000000" : "30000000");
    fexecve(fd, argv, environ);
    err(99, "%s", path);
}

START_TEST(the_first_that_fails_is_named)
{
    int i = _i;
    /* Orphans would become ours. */
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    struct forked run = run_forked(run_limited, &i);
    ck_assert_msg(WIFEXITED(run.status) && WEXITSTATUS(run.status) == 1,
                  "status %x\n%s%s", (unsigned)run.status, run.out, run.err);
    char program[32];
    char what[32];
    int which = 0;
    int end = 0;
    sscanf(run.err, "%31[a-z_]: %31s %d of 20: %n", program, what, &which,
           &end);
    ck_assert_msg(end > 0, "%s", run.err);
    ck_assert_str_eq(program, programs_that_start[i].name);
    ck_assert_str_eq(what, programs_that_start[i].what);
    ck_assert_str_eq(run.err + end, "Resource temporarily unavailable\n");
    ck_assert_int_le(which, LIMIT + 1);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
}
END_TEST

/* Thirty thousand stacks need more address space than there is here. Under a
 * sanitizer even one does.
 */
START_TEST(no_memory_for_the_stacks)
{
    if (!plain_build())
        return;
    struct child child = run_shell_with(&(struct shell_run){
        .command = "ulimit -v 300000; count_threads -t 30000 -n 1000000"});
    ck_assert_msg(WEXITSTATUS(child.status) == 1, "%s", child.out.text);
    int which = 0;
    int end = 0;
    sscanf(child.out.text, "count_threads: thread %d of 30000: %n", &which,
           &end);
    ck_assert_msg(end > 0, "%s", child.out.text);
    ck_assert_str_eq(child.out.text + end,
                     "Resource temporarily unavailable\n");
    ck_assert_int_gt(which, 1);
    child_free(&child);
}
END_TEST

/* A child is killed while it counts: no number comes from it, and its parent
 * does not wait for one.
 */
START_TEST(a_killed_child_is_missed)
{
    if (!plain_build())
        return;
    struct child child =
        run_shell("count_processes -n 400000000 & pid=$!\n"
                  "while set -- $(cat /proc/$pid/task/$pid/children); do\n"
                  "    [ $# != 2 ] || { kill -KILL $1; break; }\n"
                  "done\n"
                  "wait $pid");
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_str_eq(child.out.text,
                     "count_processes: 1 of 2 processes failed\n");
    child_free(&child);
}
END_TEST

TCase *threads_count(void)
{
    TCase *tc = tcase_create("count");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, the_first_that_fails_is_named, 0, 3);
    tcase_add_test(tc, no_memory_for_the_stacks);
    tcase_add_test(tc, a_killed_child_is_missed);
    return tc;
}
