/* async_process: children of a loop: fed, read, timed out, cancelled; and
 * nothing is left of any of them.
 *
 * What a comment calls a rule is one of asyncio's (CPython 3.11); what is ours
 * alone says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "07_eventloop/async_process.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/waiting.h"
#include "tests/loops.h"
#include "tests/support.h"

enum { MEGABYTE = 1000000 };

/* Its orphans become ours, so that none can hide. */
static void begin(int backend)
{
    begin_loop(backend);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void finish(void)
{
    end_loop(); /* looks for descriptors */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static void enter_folder_with_fifos(void)
{
    char *folder = new_folder();
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(mkfifo("back", 0600), 0);
    free(folder);
}

static struct task *start(const char *const *argv, const char *input)
{
    return task_create(&loop, async_process,
                       .child = {.argv = argv, .input = input});
}

#define SHELL(text) ((const char *const[]){"sh", "-c", (text), NULL})

static struct child *child_of(struct task *t)
{
    return &((struct async_process *)task_frame(t))->child;
}

static const char *await_task(struct task *t)
{
    return loop_run_until_complete(&loop, &t->future);
}

static void release(struct task *t)
{
    child_free(child_of(t));
    task_release(t);
}

/* Runs it to its end, and then nothing is alive in the loop. */
static void expect_child(struct task *t, const char *out, const char *err,
                         const char *ending)
{
    char text[64];
    struct child *child = child_of(t);
    ck_assert_ptr_null(await_task(t));
    ck_assert_str_eq(child_ending(child, text), ending);
    if (out != NULL) {
        ck_assert_str_eq(child->out.text, out);
        ck_assert_uint_eq(child->out.length, strlen(out));
    }
    if (err != NULL) {
        ck_assert_str_eq(child->err.text, err);
        ck_assert_uint_eq(child->err.length, strlen(err));
    }
    release(t);
    run();
}

/* --- What it says ---------------------------------------------------------- */

START_TEST(what_it_says_and_how_it_ended)
{
    begin(_i);
    expect_child(start(SHELL("echo out; echo err >&2; exit 3"), NULL), "out\n",
                 "err\n", "exit 3");
    expect_child(start(SHELL(":"), NULL), "", "", "exit 0");
    expect_child(start(SHELL("kill -TERM $$"), NULL), "", "",
                 "killed by signal 15, Terminated");
    finish();
}
END_TEST

START_TEST(one_that_cannot_be_started)
{
    static const char *const missing[] = {"no-such-program", NULL};
    static const char *const folder[] = {"/", NULL};
    begin(_i);
    struct task *t = start(missing, NULL);
    ck_assert_ptr_eq(await_task(t), errno_error(ENOENT));
    release(t);
    t = start(folder, "input");
    ck_assert_ptr_eq(await_task(t), errno_error(EACCES));
    release(t);
    finish();
}
END_TEST

/* However many descriptors there may still be, it is an error and no more. */
START_TEST(one_without_descriptors)
{
    static const char *const argv[] = {"cat", NULL};
    struct rlimit before;
    begin(_i);
    getrlimit(RLIMIT_NOFILE, &before);
    int first = dup(0);
    close(first);
    bool went_well = false;
    for (int more = 0; !went_well; more++) {
        struct rlimit limit = {(rlim_t)(first + more), before.rlim_max};
        ck_assert_int_lt(more, 20);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        struct task *t = start(argv, "x");
        const char *error = await_task(t);
        went_well = error == NULL;
        if (!went_well)
            ck_assert_ptr_eq(error, errno_error(EMFILE));
        release(t);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    finish();
}
END_TEST

/* select has no room for them: the child is ended again. */
START_TEST(one_whose_descriptors_are_too_many)
{
    static const char *const argv[] = {"cat", NULL};
    struct rlimit limit;
    begin(_i);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 1100 ? limit.rlim_max : 1100;
    setrlimit(RLIMIT_NOFILE, &limit);
    int fds[1024];
    int n = 0;
    do
        fds[n] = dup(0);
    while (fds[n] != -1 && fds[n++] < 1020);
    if (limit.rlim_cur == 1100) {
        struct task *t = start(argv, "x");
        const char *error = await_task(t);
        if (_i == SELECT) {
            ck_assert_ptr_eq(error, errno_error(ERANGE));
        } else {
            ck_assert_ptr_null(error);
            ck_assert_str_eq(child_of(t)->out.text, "x");
        }
        release(t);
    }
    while (n > 0)
        close(fds[--n]);
    finish();
}
END_TEST

/* More than the pipes hold, first to the one and then to the other. */
START_TEST(both_outputs_are_read)
{
    static const char *const commands[] = {
        "head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero",
        "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2",
        "head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait"};
    begin(_i);
    for (int i = 0; i < 3; i++) {
        struct task *t = start(SHELL(commands[i]), NULL);
        ck_assert_ptr_null(await_task(t));
        ck_assert_uint_eq(child_of(t)->out.length, MEGABYTE);
        ck_assert_uint_eq(child_of(t)->err.length, MEGABYTE);
        release(t);
    }
    finish();
}
END_TEST

/* The sizes at which the buffer is full, and one beside. */
START_TEST(outputs_of_any_length)
{
    static const char *const commands[] = {
        "head -c 4094 /dev/zero", "head -c 4095 /dev/zero",
        "head -c 4096 /dev/zero", "head -c 4097 /dev/zero"};
    begin(_i);
    for (size_t i = 0; i < 4; i++) {
        struct task *t = start(SHELL(commands[i]), NULL);
        ck_assert_ptr_null(await_task(t));
        ck_assert_uint_eq(child_of(t)->out.length, 4094 + i);
        ck_assert_int_eq(child_of(t)->out.text[4094 + i], '\0');
        release(t);
    }
    finish();
}
END_TEST

START_TEST(both_outputs_as_one)
{
    begin(_i);
    struct task *t = task_create(
        &loop, async_process,
        .child = {.argv = SHELL("echo a; echo b >&2; echo c"), .merge = true});
    expect_child(t, "a\nb\nc\n", "", "exit 0");
    finish();
}
END_TEST

/* One output is closed early, and the program runs on: the loop waits, and
 * does not turn.
 */
START_TEST(outputs_closed_early)
{
    begin(_i);
    struct task *t = start(SHELL("echo a; exec >&- 2>&-; sleep 0.2"), NULL);
    expect_child(t, "a\n", "", "exit 0");
    ck_assert_uint_lt(loop.turns, 20);
    finish();
}
END_TEST

/* --- What it is told ------------------------------------------------------- */

static char *long_text(void)
{
    char *text = malloc(MEGABYTE + 1);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < MEGABYTE; i++)
        text[i] = (char)(i % 24 == 23 ? '\n' : 'a' + i % 24);
    text[MEGABYTE] = '\0';
    return text;
}

/* It gives back at once what it is told, so both pipes are full. */
START_TEST(a_long_input)
{
    char *text = long_text();
    begin(_i);
    expect_child(start(SHELL("cat"), text), text, "", "exit 0");
    free(text);
    finish();
}
END_TEST

START_TEST(inputs_that_are_short)
{
    begin(_i);
    expect_child(start(SHELL("cat"), ""), "", "", "exit 0");
    expect_child(start(SHELL("cat"), "x"), "x", "", "exit 0");
    /* None at all: what it reads is nothing, and not ours. */
    expect_child(start(SHELL("cat"), NULL), "", "", "exit 0");
    finish();
}
END_TEST

/* The rule: a broken pipe is no error, and it does not end us by SIGPIPE. */
START_TEST(an_input_that_nobody_reads)
{
    static const char *const commands[] = {"exit 0", "exec <&-; sleep 0.1",
                                           "read line; exec <&-; sleep 0.1",
                                           "sleep 0.1"};
    char *text = long_text();
    sigset_t pending;
    begin(_i);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 4; i++)
        expect_child(start(SHELL(commands[i]), text), "", NULL, "exit 0");
    /* The first one told all; the loop did not turn until the child's end. */
    ck_assert_uint_lt(loop.turns, 100);
    sigpending(&pending);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
    sigprocmask(SIG_BLOCK, NULL, &pending);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
    free(text);
    finish();
}
END_TEST

/* Where SIGPIPE is blocked and pends, it stays so. */
START_TEST(a_pending_sigpipe_stays)
{
    char *text = long_text();
    sigset_t mask;
    sigset_t pending;
    begin(_i);
    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(SIGPIPE);
    expect_child(start(SHELL("exit 0"), text), "", "", "exit 0");
    sigpending(&pending);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 1);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGPIPE), 1);
    free(text);
    finish();
}
END_TEST

/* --- Ended before its time ------------------------------------------------- */

/* Says "x" once it, and what it has started, is there; and then for ever. */
#define ENDLESS "sleep 60 & echo x; wait; sleep 60"

/* A task that has said so. */
static struct task *start_endless(void)
{
    struct task *t = start(SHELL(ENDLESS), NULL);
    while (child_of(t)->out.length < 2)
        loop_run_once(&loop, -1);
    return t;
}

static void expect_orphan_killed(void)
{
    int status = 0;
    ck_assert_int_gt(waitpid(-1, &status, 0), 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Ours: cancelling kills it, with what it has started, and is through when it
 * has been reaped.
 */
START_TEST(cancelling_kills)
{
    begin(_i);
    struct task *t = start_endless();
    ck_assert(future_cancel(&t->future));
    ck_assert(!future_done(&t->future));
    ck_assert(future_cancel(&t->future)); /* twice is once */
    ck_assert_ptr_eq(await_task(t), error_cancelled);
    ck_assert(future_cancelled(&t->future));
    ck_assert_int_eq(child_of(t)->pid, 0);
    ck_assert_ptr_null(child_of(t)->out.text);
    release(t);
    expect_orphan_killed();
    finish();
}
END_TEST

/* So does whoever awaits it in a coroutine of his own. */
struct outer {
    struct gen gen;
    struct async_process async_process;
};

static bool outer(void *frame, struct future **awaits)
{
    struct outer *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, async_process, .child.argv = SHELL(ENDLESS));
    GEN_END(c);
    return false;
}

START_TEST(cancelling_from_further_out)
{
    begin(_i);
    struct task *t =
        task_create(&loop, outer, .async_process.child.argv = NULL);
    const struct child *child =
        &((struct outer *)task_frame(t))->async_process.child;
    while (child->out.length < 2)
        loop_run_once(&loop, -1);
    future_cancel(&t->future);
    ck_assert_ptr_eq(await_task(t), error_cancelled);
    task_release(t);
    expect_orphan_killed();
    finish();
}
END_TEST

/* One that has not begun never does. */
START_TEST(cancelled_before_it_began)
{
    begin(_i);
    struct task *t = start(SHELL("exit 1"), NULL);
    future_cancel(&t->future);
    ck_assert_ptr_eq(await_task(t), error_cancelled);
    ck_assert_int_eq(child_of(t)->pid, 0);
    ck_assert_int_eq(child_of(t)->status, 0);
    release(t);
    finish();
}
END_TEST

/* In the turn in which the loop learns that it has ended, or in the next one:
 * the texts are not forgotten.
 */
START_TEST(cancelled_when_it_has_ended)
{
    for (int turns = 0; turns < 3; turns++) {
        begin(_i);
        struct task *t = start(SHELL("echo x"), NULL);
        loop_run_once(&loop, 0);
        siginfo_t info;
        waitid(P_PID, (id_t)child_of(t)->pid, &info, WEXITED | WNOWAIT);
        for (int i = 0; i < turns; i++)
            loop_run_once(&loop, 0);
        bool cancelled = future_cancel(&t->future);
        ck_assert_int_eq(cancelled, turns < 2);
        ck_assert_ptr_eq(await_task(t), cancelled ? error_cancelled : NULL);
        release(t);
        finish();
    }
}
END_TEST

struct timed {
    struct gen gen;
    struct task *task;
    struct wait_for wait_for;
};

static bool timed(void *frame, struct future **awaits)
{
    struct timed *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, wait_for, .future = &c->task->future, .seconds = 0.05);
    GEN_END(c);
    return false;
}

START_TEST(wait_for_kills)
{
    begin(_i);
    struct task *t = start_endless();
    struct task *w = task_create(&loop, timed, .task = t);
    ck_assert_ptr_eq(await_task(w), error_timeout);
    ck_assert(future_cancelled(&t->future));
    ck_assert_int_eq(child_of(t)->pid, 0);
    release(t);
    task_release(w);
    expect_orphan_killed();
    finish();
}
END_TEST

/* Ours: with a time of its own it is no error, and what it said is there. */
START_TEST(its_own_time_is_up)
{
    begin(_i);
    struct task *t = task_create(
        &loop, async_process,
        .child = {.argv = SHELL("echo x; exec sleep 60"), .seconds = 0.2});
    expect_child(t, "x\n", "", "timed out");
    /* And where it is not, no timer stays: nothing is alive. */
    t = task_create(&loop, async_process,
                    .child = {.argv = SHELL("echo x"), .seconds = 3000});
    expect_child(t, "x\n", "", "exit 0");
    finish();
}
END_TEST

START_TEST(closing_the_loop_kills)
{
    begin(_i);
    struct task *t = start_endless();
    end_loop();
    ck_assert(future_cancelled(&t->future));
    ck_assert_int_eq(child_of(t)->pid, 0);
    release(t);
    expect_orphan_killed();
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* --- What it leaves behind ------------------------------------------------- */

/* It has ended, though something of it keeps its pipes open. */
START_TEST(the_end_is_its_own)
{
    begin(_i);
    expect_child(start(SHELL("sleep 60 & echo x"), NULL), "x\n", "", "exit 0");
    expect_orphan_killed();
    finish();
}
END_TEST

/* And though that has left its group, and writes on and on. */
START_TEST(the_end_is_its_own_whoever_writes_on)
{
    int status = 0;
    enter_folder_with_fifos();
    begin(_i);
    struct task *t = start(SHELL("setsid sh -c 'echo >fifo; exec yes' & "
                                 "read x <fifo; sleep 0.02"),
                           NULL);
    ck_assert_ptr_null(await_task(t));
    release(t);
    ck_assert_int_gt(waitpid(-1, &status, 0), 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    finish();
}
END_TEST

/* --- Several --------------------------------------------------------------- */

/* Neither comes through a fifo without the other. */
START_TEST(two_at_once)
{
    enter_folder_with_fifos();
    begin(_i);
    struct task *t[] = {start(SHELL("echo hello >fifo; cat back"), NULL),
                        start(SHELL("cat fifo; echo there >back"), NULL)};
    struct future *f[] = {&t[0]->future, &t[1]->future};
    struct future *both = gather(&loop, f, 2, false);
    ck_assert_ptr_null(loop_run_until_complete(&loop, both));
    ck_assert_str_eq(child_of(t[0])->out.text, "there\n");
    ck_assert_str_eq(child_of(t[1])->out.text, "hello\n");
    future_release(both);
    release(t[0]);
    release(t[1]);
    finish();
}
END_TEST

START_TEST(many_at_once)
{
    enum { CHILDREN = 30 };
    const char *const *argv = SHELL("cat; exit 7");
    struct task *t[CHILDREN];
    begin(_i);
    for (int i = 0; i < CHILDREN; i++)
        t[i] = start(argv, "hello");
    for (int i = 0; i < CHILDREN; i++)
        expect_child(t[i], "hello", "", "exit 7");
    finish();
}
END_TEST

/* Callbacks go on while a child runs: it waits for the third tick. */
static int fifo;

static void tick(void *left)
{
    int *n = left;
    say("tick");
    if (--*n > 0)
        loop_call_later(&loop, 0.01, tick, n);
    else
        ck_assert_int_eq(write(fifo, "x\n", 2), 2);
}

START_TEST(others_go_on_meanwhile)
{
    int left = 3;
    enter_folder_with_fifos();
    fifo = open("fifo", O_RDWR | O_CLOEXEC); /* waits for nobody */
    begin(_i);
    struct task *t = start(SHELL("read x <fifo; echo $x"), NULL);
    loop_call_soon(&loop, tick, &left);
    expect_child(t, "x\n", "", "exit 0");
    expect_said("tick tick tick");
    finish();
    close(fifo);
}
END_TEST

/* --- The program ----------------------------------------------------------- */

static void expect_from(const char *command, int status, const char *expected)
{
    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, expected) != NULL,
                  "%s: not '%s' in:\n%.2000s", command, expected,
                  child.out.text);
    ck_assert_int_eq(WEXITSTATUS(child.status), status);
    child_free(&child);
}

/* Its child goes with it: run_shell looks for what is left. */
START_TEST(ctrl_c_takes_the_child_along)
{
    expect_from("subprocess_async sleep 50 & sleep 0.3; kill -INT $!; wait $!",
                1, "subprocess_async: sleep: CancelledError\n");
}
END_TEST

TCase *eventloop_async_process(void)
{
    TCase *tc = tcase_create("async_process");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, what_it_says_and_how_it_ended, 0, BACKENDS);
    tcase_add_loop_test(tc, one_that_cannot_be_started, 0, BACKENDS);
    tcase_add_loop_test(tc, one_without_descriptors, 0, BACKENDS);
    tcase_add_loop_test(tc, one_whose_descriptors_are_too_many, 0, BACKENDS);
    tcase_add_loop_test(tc, both_outputs_are_read, 0, BACKENDS);
    tcase_add_loop_test(tc, outputs_of_any_length, 0, BACKENDS);
    tcase_add_loop_test(tc, both_outputs_as_one, 0, BACKENDS);
    tcase_add_loop_test(tc, outputs_closed_early, 0, BACKENDS);
    tcase_add_loop_test(tc, a_long_input, 0, BACKENDS);
    tcase_add_loop_test(tc, inputs_that_are_short, 0, BACKENDS);
    tcase_add_loop_test(tc, an_input_that_nobody_reads, 0, BACKENDS);
    tcase_add_loop_test(tc, a_pending_sigpipe_stays, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_kills, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelling_from_further_out, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_before_it_began, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_when_it_has_ended, 0, BACKENDS);
    tcase_add_loop_test(tc, wait_for_kills, 0, BACKENDS);
    tcase_add_loop_test(tc, its_own_time_is_up, 0, BACKENDS);
    tcase_add_loop_test(tc, closing_the_loop_kills, 0, BACKENDS);
    tcase_add_loop_test(tc, the_end_is_its_own, 0, BACKENDS);
    tcase_add_loop_test(tc, the_end_is_its_own_whoever_writes_on, 0, BACKENDS);
    tcase_add_loop_test(tc, two_at_once, 0, BACKENDS);
    tcase_add_loop_test(tc, many_at_once, 0, BACKENDS);
    tcase_add_loop_test(tc, others_go_on_meanwhile, 0, BACKENDS);
    tcase_add_test(tc, ctrl_c_takes_the_child_along);
    return tc;
}
