/* fork_pool: jobs done by processes, their futures, and the programs on top. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03_processes/fork_pool.h"
#include "tests/fakeserver.h"
#include "tests/forked.h"
#include "tests/support.h"

static struct fork_pool pool;

static void start(int workers)
{
    ck_assert_int_eq(fork_pool_init(&pool, workers), 0);
    ck_assert_int_eq(pool.started, workers);
}

static struct fork_future *submit(fork_job *job, int number)
{
    struct fork_future *f =
        fork_pool_submit(&pool, job, &number, sizeof number);
    ck_assert_msg(f != NULL, "submit: %s", strerror(errno));
    return f;
}

static int result(struct fork_future *f)
{
    const int *value = fork_pool_result(f);
    ck_assert_msg(value != NULL, "%s", fork_pool_exception(f));
    return *value;
}

/* What the parent has a number of: open descriptors, children. */
static int descriptors(void)
{
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

static void check_no_children(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

/* --- Jobs ------------------------------------------------------------------ */

static void twice(const void *argument, struct fork_answer *answer)
{
    int value = 2 * *(const int *)argument;
    fork_pool_return(answer, &value, sizeof value);
}

static void go_wrong(const void *argument, struct fork_answer *answer)
{
    fork_pool_raise(answer, "job %d: %s", *(const int *)argument, "no luck");
}

static void die(const void *argument, struct fork_answer *answer)
{
    (void)answer;
    signal(*(const int *)argument, SIG_DFL); /* Check has handlers of its own */
    raise(*(const int *)argument);
}

static void leave(const void *argument, struct fork_answer *answer)
{
    (void)answer;
    exit(*(const int *)argument);
}

static void own_pid(const void *argument, struct fork_answer *answer)
{
    (void)argument;
    pid_t pid = getpid();
    fork_pool_return(answer, &pid, sizeof pid);
}

static void no_answer(const void *argument, struct fork_answer *answer)
{
    (void)argument;
    (void)answer;
}

/* A job that says when it has begun, and waits until it may end: through pipes
 * that must be there before the workers.
 */
enum { GATES = 5 };
static struct {
    int begun[2], may_end[2];
} gates[GATES];

static void make_gates(void)
{
    for (int i = 0; i < GATES; i++) {
        ck_assert_int_eq(pipe2(gates[i].begun, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(gates[i].may_end, O_CLOEXEC), 0);
    }
}

static void hold(const void *argument, struct fork_answer *answer)
{
    int i = *(const int *)argument;
    char c = '.';
    if (write(gates[i].begun[1], &c, 1) != 1 ||
        read(gates[i].may_end[0], &c, 1) != 1)
        fork_pool_raise(answer, "gate %d", i);
    fork_pool_return(answer, &i, sizeof i);
}

static void wait_until_begun(int i)
{
    char c;
    ck_assert_int_eq(read(gates[i].begun[0], &c, 1), 1);
}

static void let_end(int i)
{
    ck_assert_int_eq(write(gates[i].may_end[1], ".", 1), 1);
}

/* --- Results and errors ---------------------------------------------------- */

START_TEST(a_future_brings_the_value)
{
    start(2);
    struct fork_future *f = submit(twice, 21);
    ck_assert_int_eq(result(f), 42);
    ck_assert_ptr_null(fork_pool_exception(f));
    ck_assert(fork_pool_done(f));
    /* As often as one likes, after the pool as well. */
    fork_pool_shutdown(&pool, false);
    ck_assert_int_eq(result(f), 42);
    fork_pool_release(f);
}
END_TEST

START_TEST(an_error_stays_with_its_job)
{
    start(1);
    struct fork_future *before = submit(twice, 1);
    struct fork_future *f = submit(go_wrong, 7);
    struct fork_future *after = submit(twice, 2);
    ck_assert_ptr_null(fork_pool_result(f));
    ck_assert_str_eq(fork_pool_exception(f), "job 7: no luck");
    ck_assert_int_eq(result(after), 4);
    ck_assert_int_eq(result(before), 2);
    ck_assert_int_eq(pool.lost, 0);
    fork_pool_release(before);
    fork_pool_release(f);
    fork_pool_release(after);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* It is what the argument was when it was submitted that counts. */
START_TEST(arguments_are_copied)
{
    int number = 1;
    struct fork_future *futures[20];
    start(1);
    for (; number <= 20; number++)
        futures[number - 1] =
            fork_pool_submit(&pool, twice, &number, sizeof number);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(result(futures[i]), 2 * (i + 1));
        fork_pool_release(futures[i]);
    }
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* Whatever the same worker has answered before. */
START_TEST(no_answer_is_a_value_of_no_bytes)
{
    start(1);
    struct fork_future *before = submit(_i == 0 ? go_wrong : twice, 1);
    struct fork_future *f = fork_pool_submit(&pool, no_answer, NULL, 0);
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fork_pool_result(f));
    ck_assert_uint_eq(f->answer.size, 0);
    fork_pool_release(before);
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
}
END_TEST

static void send_back(const void *argument, struct fork_answer *answer)
{
    static const char bytes[FORK_POOL_BYTES + 1];
    size_t size = *(const size_t *)argument;
    fork_pool_return(answer, bytes, size);
}

START_TEST(values_and_arguments_have_a_limit)
{
    char bytes[FORK_POOL_BYTES + 1] = {0};
    size_t size = FORK_POOL_BYTES;
    start(1);
    memcpy(bytes, &size, sizeof size);
    struct fork_future *f =
        fork_pool_submit(&pool, send_back, bytes, FORK_POOL_BYTES);
    ck_assert_ptr_nonnull(fork_pool_result(f));
    ck_assert_uint_eq(f->answer.size, FORK_POOL_BYTES);
    fork_pool_release(f);
    size++;
    f = fork_pool_submit(&pool, send_back, &size, sizeof size);
    ck_assert_str_eq(fork_pool_exception(f),
                     "a value of 1025 bytes, of 1024 at most");
    fork_pool_release(f);
    ck_assert_ptr_null(
        fork_pool_submit(&pool, send_back, bytes, FORK_POOL_BYTES + 1));
    ck_assert_int_eq(errno, EMSGSIZE);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* --- States ---------------------------------------------------------------- */

START_TEST(a_future_is_pending_running_finished)
{
    make_gates();
    start(1);
    struct fork_future *held = submit(hold, 0);
    struct fork_future *f = submit(twice, 1);
    wait_until_begun(0);
    ck_assert(fork_pool_running(held) && !fork_pool_done(held));
    ck_assert(!fork_pool_running(f) && !fork_pool_done(f));
    let_end(0);
    ck_assert_int_eq(result(f), 2);
    ck_assert(fork_pool_done(held) && !fork_pool_running(held));
    ck_assert(fork_pool_done(f) && !fork_pool_cancelled(f));
    fork_pool_release(held);
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* The first, one in the middle, or the last of those that wait. */
START_TEST(only_what_has_not_begun_can_be_cancelled)
{
    struct fork_future *f[3];
    make_gates();
    start(1);
    struct fork_future *held = submit(hold, 0);
    for (int i = 0; i < 3; i++)
        f[i] = submit(twice, i);
    wait_until_begun(0);
    ck_assert(fork_pool_cancel(f[_i]));
    ck_assert(fork_pool_cancelled(f[_i]) && fork_pool_done(f[_i]));
    ck_assert(fork_pool_cancel(f[_i]));
    ck_assert_ptr_null(fork_pool_result(f[_i]));
    ck_assert_str_eq(fork_pool_exception(f[_i]), "cancelled");
    struct fork_future *last = submit(twice, 3);
    ck_assert(!fork_pool_cancel(held));
    let_end(0);
    ck_assert_int_eq(result(held), 0);
    ck_assert(!fork_pool_cancel(held));
    for (int i = 0; i < 3; i++)
        if (i != _i)
            ck_assert_int_eq(result(f[i]), 2 * i);
    ck_assert_int_eq(result(last), 6);
    for (int i = 0; i < 3; i++)
        fork_pool_release(f[i]);
    fork_pool_release(held);
    fork_pool_release(last);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* --- As completed ---------------------------------------------------------- */

START_TEST(futures_come_as_they_are_completed)
{
    static const int order[GATES] = {3, 0, 4, 2, 1};
    struct fork_future *futures[GATES];
    struct fork_completed completed;
    make_gates();
    start(GATES);
    for (int i = 0; i < GATES; i++)
        futures[i] = submit(hold, i);
    fork_pool_as_completed(&completed, futures, GATES);
    for (int i = 0; i < GATES; i++) {
        let_end(order[i]);
        ck_assert_ptr_eq(fork_pool_next(&completed), futures[order[i]]);
    }
    ck_assert_ptr_null(fork_pool_next(&completed));
    fork_pool_completed_end(&completed);
    for (int i = 0; i < GATES; i++)
        fork_pool_release(futures[i]);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* Done before it is asked for, cancelled, lost: all are completed. And one can
 * go through them twice, leave early, and let the rest go.
 */
START_TEST(futures_of_all_kinds_are_completed)
{
    struct fork_completed completed;
    make_gates();
    start(1);
    struct fork_future *futures[4] = {submit(twice, 1), submit(die, SIGTERM)};
    fork_pool_exception(futures[1]);
    struct fork_future *held = submit(hold, 0);
    futures[2] = submit(twice, 2);
    futures[3] = held;
    fork_pool_as_completed(&completed, futures, 4);
    ck_assert_ptr_eq(fork_pool_next(&completed), futures[0]);
    fork_pool_completed_end(&completed);
    fork_pool_as_completed(&completed, futures, 4);
    fork_pool_cancel(futures[2]);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(fork_pool_next(&completed), futures[i]);
    let_end(0);
    ck_assert_ptr_eq(fork_pool_next(&completed), held);
    ck_assert_ptr_null(fork_pool_next(&completed));
    fork_pool_completed_end(&completed);
    for (int i = 0; i < 4; i++)
        fork_pool_release(futures[i]);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* Nothing is written any more to where it was watched from. */
START_TEST(whoever_leaves_early_is_left_alone)
{
    struct fork_completed completed;
    make_gates();
    start(1);
    struct fork_future *held = submit(hold, 0);
    fork_pool_as_completed(&completed, &held, 1);
    fork_pool_completed_end(&completed);
    memset(&completed, 0, sizeof completed);
    let_end(0);
    ck_assert_int_eq(result(held), 0);
    fork_pool_release(held);
    fork_pool_shutdown(&pool, false);
}
END_TEST

/* --- Workers that die ------------------------------------------------------ */

/* The others do not even notice, whether they run, wait, or are done. */
START_TEST(a_killed_worker_loses_its_one_job)
{
    enum { JOBS = 30, LOST = 11 };
    struct fork_future *futures[JOBS];
    start(4);
    for (int i = 0; i < JOBS; i++)
        futures[i] = i == LOST ? submit(die, SIGKILL) : submit(twice, i);
    for (int i = 0; i < JOBS; i++)
        if (i != LOST)
            ck_assert_int_eq(result(futures[i]), 2 * i);
    ck_assert_ptr_null(fork_pool_result(futures[LOST]));
    ck_assert_str_eq(fork_pool_exception(futures[LOST]),
                     "worker lost: killed by signal 9, Killed");
    ck_assert_int_eq(pool.lost, 1);
    ck_assert_int_eq(pool.started, 5);
    fork_pool_shutdown(&pool, false);
    check_no_children();
    for (int i = 0; i < JOBS; i++)
        fork_pool_release(futures[i]);
}
END_TEST

START_TEST(a_lost_worker_is_replaced_at_once)
{
    start(2);
    struct fork_future *f = submit(die, SIGKILL);
    ck_assert_str_eq(fork_pool_exception(f),
                     "worker lost: killed by signal 9, Killed");
    ck_assert_int_eq(pool.lost, 1);
    ck_assert_int_eq(pool.started, 3);
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
    check_no_children();
}
END_TEST

START_TEST(a_pool_of_one_outlives_its_workers)
{
    start(1);
    for (int i = 0; i < 10; i++) {
        struct fork_future *lost = submit(i % 2 ? leave : die, 3);
        struct fork_future *f = submit(twice, i);
        ck_assert_int_eq(result(f), 2 * i);
        ck_assert_str_eq(fork_pool_exception(lost),
                         i % 2 ? "worker lost: exit 3"
                               : "worker lost: killed by signal 3, Quit");
        fork_pool_release(lost);
        fork_pool_release(f);
    }
    ck_assert_int_eq(pool.lost, 10);
    fork_pool_shutdown(&pool, false);
    check_no_children();
}
END_TEST

static pid_t pid_of_worker(void)
{
    struct fork_future *f = fork_pool_submit(&pool, own_pid, NULL, 0);
    pid_t pid = *(const pid_t *)fork_pool_result(f);
    fork_pool_release(f);
    return pid;
}

/* Nothing was begun there, so nothing is lost. */
START_TEST(a_worker_that_dies_idle_loses_nothing)
{
    siginfo_t info;
    start(1);
    pid_t pid = pid_of_worker();
    kill(pid, SIGKILL);
    /* Dead, and not reaped. */
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    struct fork_future *f = submit(twice, 4);
    ck_assert_int_eq(result(f), 8);
    ck_assert_int_eq(pool.lost, 1);
    ck_assert_int_ne(pid_of_worker(), pid);
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
    check_no_children();
}
END_TEST

static void hang_up(const void *argument, struct fork_answer *answer)
{
    (void)argument;
    (void)answer;
    close_range(3, ~0U, 0);
    for (;;)
        pause();
}

/* It lives and will never answer: it is ended. */
START_TEST(a_worker_that_hangs_up_is_lost)
{
    start(1);
    struct fork_future *f = submit(hang_up, 0);
    ck_assert_str_eq(fork_pool_exception(f),
                     "worker lost: killed by signal 9, Killed");
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
    check_no_children();
}
END_TEST

/* --- What workers hold ----------------------------------------------------- */

static void count_sockets(const void *argument, struct fork_answer *answer)
{
    (void)argument;
    int n = 0;
    for (int fd = 0; fd < 1000; fd++) {
        struct stat st;
        n += fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    }
    fork_pool_return(answer, &n, sizeof n);
}

/* Its own line, and no brother's: of this pool or another, made before it or
 * after, by a worker of the first hour or one that came later.
 */
START_TEST(a_worker_holds_one_line)
{
    enum { WORKERS = 6 };
    static struct fork_pool other;
    struct fork_future *futures[WORKERS];
    int before = descriptors();
    start(WORKERS);
    ck_assert_int_eq(fork_pool_init(&other, 2), 0);
    struct fork_future *lost = submit(die, SIGKILL);
    ck_assert_ptr_null(fork_pool_result(lost));
    for (int i = 0; i < WORKERS; i++)
        futures[i] = submit(count_sockets, 0);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(result(futures[i]), 1);
        fork_pool_release(futures[i]);
    }
    struct fork_future *f = fork_pool_submit(&other, count_sockets, NULL, 0);
    ck_assert_int_eq(result(f), 1);
    fork_pool_release(f);
    fork_pool_release(lost);
    fork_pool_shutdown(&pool, false);
    f = fork_pool_submit(&other, twice, &(int){1}, sizeof(int));
    ck_assert_int_eq(result(f), 2);
    fork_pool_release(f);
    fork_pool_shutdown(&other, false);
    ck_assert_int_eq(descriptors(), before);
    check_no_children();
}
END_TEST

/* --- The end --------------------------------------------------------------- */

START_TEST(shutdown_waits_for_all)
{
    enum { JOBS = 100 };
    struct fork_future *futures[JOBS];
    int before = descriptors();
    start(3);
    for (int i = 0; i < JOBS; i++)
        futures[i] = submit(twice, i);
    fork_pool_shutdown(&pool, false);
    check_no_children();
    ck_assert_int_eq(descriptors(), before);
    for (int i = 0; i < JOBS; i++) {
        ck_assert(fork_pool_done(futures[i]));
        ck_assert_int_eq(result(futures[i]), 2 * i);
        fork_pool_release(futures[i]);
    }
}
END_TEST

/* What runs is waited for; what has not begun never does. */
START_TEST(shutdown_can_cancel_what_has_not_begun)
{
    make_gates();
    start(1);
    struct fork_future *held = submit(hold, 0);
    struct fork_future *f = submit(hold, 1);
    let_end(0);
    fork_pool_shutdown(&pool, true);
    ck_assert_int_eq(result(held), 0);
    ck_assert(fork_pool_cancelled(f));
    fork_pool_release(held);
    fork_pool_release(f);
    check_no_children();
}
END_TEST

/* Whether it waits, runs, or is done: the sanitizer looks for what is left. */
START_TEST(a_future_can_be_released_at_any_time)
{
    make_gates();
    start(1);
    fork_pool_release(submit(hold, 0));
    fork_pool_release(submit(twice, 0));
    struct fork_future *f = submit(twice, 0);
    fork_pool_cancel(f);
    fork_pool_release(f);
    fork_pool_release(submit(die, SIGKILL));
    let_end(0);
    fork_pool_shutdown(&pool, false);
    ck_assert_int_eq(pool.lost, 1);
}
END_TEST

static void start_and_end(const void *how)
{
    if (fork_pool_init(&pool, 3) == -1)
        _exit(99);
    pid_t pid = pid_of_worker();
    printf("%d", pid);
    fflush(stdout);
    submit(hang_up, 0);
    submit(twice, 0);
    if (*(const int *)how == 0)
        exit(0);
    signal(*(const int *)how, SIG_DFL);
    raise(*(const int *)how);
}

/* Whichever way this process ends, its workers do. By exit they have been
 * reaped; when it is killed, they become ours, and end all the same.
 */
START_TEST(workers_end_with_their_parent)
{
    static const int ways[] = {0, SIGKILL, SIGTERM};
    int status;
    int orphans = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct forked run = run_forked(start_and_end, &ways[_i]);
    ck_assert_int_eq(run.status, ways[_i]);
    ck_assert_int_gt(atoi(run.out), 0);
    while (waitpid(-1, &status, 0) != -1) {
        orphans++; /* killed, or by itself, whichever was first */
        ck_assert(status == SIGKILL || WIFEXITED(status));
    }
    ck_assert_int_eq(orphans, ways[_i] == 0 ? 0 : 3);
}
END_TEST

static void submit_again(const void *argument, struct fork_answer *answer)
{
    if (fork_pool_submit(&pool, twice, argument, sizeof(int)) == NULL)
        fork_pool_raise(answer, "%s", strerror(errno));
}

START_TEST(a_job_cannot_submit)
{
    start(1);
    struct fork_future *f = submit(submit_again, 1);
    ck_assert_str_eq(fork_pool_exception(f), strerror(ECANCELED));
    fork_pool_release(f);
    fork_pool_shutdown(&pool, false);
}
END_TEST

START_TEST(a_pool_of_none_is_refused)
{
    ck_assert_int_eq(fork_pool_init(&pool, _i), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* A limit that also holds for root: as somebody else, who has none running. */
static void limit_processes(rlim_t most)
{
    struct rlimit limit = {most, most};
    if (getuid() == 0)
        ck_assert_int_eq(setuid((uid_t)(100000 + getpid())), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
}

START_TEST(where_no_more_processes_can_be_had_none_stays)
{
    if (getuid() != 0 || !plain_build()) /* nobody else runs as this user */
        return;
    int before = descriptors();
    limit_processes(4);
    ck_assert_int_eq(fork_pool_init(&pool, 10), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_gt(pool.started, 0);
    ck_assert_int_lt(pool.started, 10);
    check_no_children();
    ck_assert_int_eq(descriptors(), before);
}
END_TEST

START_TEST(where_no_more_descriptors_can_be_had_none_stays)
{
    struct rlimit limit = {20, 20};
    int before = descriptors();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(fork_pool_init(&pool, 30), -1);
    ck_assert_int_eq(errno, EMFILE);
    ck_assert_int_gt(pool.started, 0);
    check_no_children();
    ck_assert_int_eq(descriptors(), before);
}
END_TEST

/* The others go on with what there is; without any, each job says why. */
START_TEST(a_worker_that_cannot_be_replaced_is_done_without)
{
    struct fork_future *futures[6];
    if (!plain_build()) /* sanitizers need rights that go with the user */
        return;
    start(_i);
    for (int i = 0; i < 6; i++)
        futures[i] = i == 0 ? submit(die, SIGKILL) : submit(twice, i);
    limit_processes(0);
    if (fork() != -1) /* this user's processes are not limited at all */
        _exit(0);
    ck_assert_ptr_null(fork_pool_result(futures[0]));
    for (int i = 1; i < 6; i++)
        if (_i == 1)
            ck_assert_str_eq(fork_pool_exception(futures[i]),
                             "no worker: Resource temporarily unavailable");
        else
            ck_assert_int_eq(result(futures[i]), 2 * i);
    for (int i = 0; i < 6; i++)
        fork_pool_release(futures[i]);
    fork_pool_shutdown(&pool, false);
    check_no_children();
}
END_TEST

/* --- The programs ---------------------------------------------------------- */

/* Runs the program against the server, with further words. */
static struct child run_against(const char *program, const char *answer,
                                const char *words)
{
    char command[256];
    snprintf(command, sizeof command, "%s -u %s %s", program,
             fakeserver_start(answer), words);
    return run_shell(command);
}

static void check(const struct child *child, int status, const char *text)
{
    ck_assert_msg(strstr(child->out.text, text) != NULL, "no '%s' in:\n%s",
                  text, child->out.text);
    ck_assert_int_eq(WEXITSTATUS(child->status), status);
}

#define CUT "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far"
#define BUSY "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

START_TEST(one_process_names_the_download_that_was_cut)
{
    struct child c = run_against("download", CUT, "-n 3");
    check(&c, 1, "download: download 1: 127.0.0.1:");
    check(&c, 1, ": it hung up before its answer was whole\n");
    child_free(&c);
}
END_TEST

START_TEST(one_process_names_the_status)
{
    struct child c = run_against("download", BUSY, "-n 3");
    check(&c, 1, "/: 503 Service Unavailable\n");
    child_free(&c);
}
END_TEST

START_TEST(processes_name_the_downloads_that_were_cut)
{
    struct child c = run_against("download_processes", CUT, "-n 5 -j 2");
    check(&c, 1, "download_processes: download 1: 127.0.0.1:");
    check(&c, 1, "download_processes: download 4: 127.0.0.1:");
    check(&c, 1, ": it hung up before its answer was whole\n");
    check(&c, 1, "download_processes: 2 of 2 processes failed\n");
    child_free(&c);
}
END_TEST

START_TEST(the_pool_reports_each_download_that_was_cut)
{
    struct child c = run_against("process_pool", CUT, "-n 3");
    check(&c, 1, "\ndownload 1 failed: 127.0.0.1:");
    check(&c, 1, "\ndownload 2 failed: 127.0.0.1:");
    check(&c, 1, "\ndownload 3 failed: 127.0.0.1:");
    check(&c, 1, ": it hung up before its answer was whole\n");
    check(&c, 1, "\ncame         0\nfailed       3\n");
    child_free(&c);
}
END_TEST

START_TEST(the_pool_takes_what_comes)
{
    struct child c = run_against("process_pool", HI, "-n 20 -j 20");
    check(&c, 0, "\nkilled       0\nstarted anew 0\n");
    check(&c, 0, "\ncame         20\nfailed       0\n");
    child_free(&c);
}
END_TEST

TCase *processes_pool(void)
{
    TCase *tc = tcase_create("pool");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_future_brings_the_value);
    tcase_add_test(tc, an_error_stays_with_its_job);
    tcase_add_test(tc, arguments_are_copied);
    tcase_add_loop_test(tc, no_answer_is_a_value_of_no_bytes, 0, 2);
    tcase_add_test(tc, values_and_arguments_have_a_limit);
    tcase_add_test(tc, a_future_is_pending_running_finished);
    tcase_add_loop_test(tc, only_what_has_not_begun_can_be_cancelled, 0, 3);
    tcase_add_test(tc, futures_come_as_they_are_completed);
    tcase_add_test(tc, futures_of_all_kinds_are_completed);
    tcase_add_test(tc, whoever_leaves_early_is_left_alone);
    tcase_add_test(tc, a_killed_worker_loses_its_one_job);
    tcase_add_test(tc, a_lost_worker_is_replaced_at_once);
    tcase_add_test(tc, a_pool_of_one_outlives_its_workers);
    tcase_add_test(tc, a_worker_that_dies_idle_loses_nothing);
    tcase_add_test(tc, a_worker_that_hangs_up_is_lost);
    tcase_add_test(tc, a_worker_holds_one_line);
    tcase_add_test(tc, shutdown_waits_for_all);
    tcase_add_test(tc, shutdown_can_cancel_what_has_not_begun);
    tcase_add_test(tc, a_future_can_be_released_at_any_time);
    tcase_add_loop_test(tc, workers_end_with_their_parent, 0, 3);
    tcase_add_test(tc, a_job_cannot_submit);
    tcase_add_loop_test(tc, a_pool_of_none_is_refused, -1, 1);
    tcase_add_test(tc, where_no_more_processes_can_be_had_none_stays);
    tcase_add_test(tc, where_no_more_descriptors_can_be_had_none_stays);
    tcase_add_loop_test(tc, a_worker_that_cannot_be_replaced_is_done_without, 1,
                        3);
    tcase_add_test(tc, one_process_names_the_download_that_was_cut);
    tcase_add_test(tc, one_process_names_the_status);
    tcase_add_test(tc, processes_name_the_downloads_that_were_cut);
    tcase_add_test(tc, the_pool_reports_each_download_that_was_cut);
    tcase_add_test(tc, the_pool_takes_what_comes);
    return tc;
}
