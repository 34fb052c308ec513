/* subprocess_async.c: other programs are awaited like anything else: fed, read
 * to the end, timed out, killed; and two of them at once.
 *
 * Cells: C11
 * Run:   make subprocess_async; make subprocess_async ARGS='-- ls -l /nowhere'
 *        make subprocess_async ARGS='-w 1 -- sleep 60'
 * Ask:   waitpid blocks. How does the loop learn that a child has ended, among
 *        its sockets and timers, without a thread?
 * Watch: by one descriptor more, a pidfd. What runs beside it goes on; whoever
 *        is cancelled takes its child along, and none is left.
 * See:   async_process.c; 03_processes/subprocess.c, the same one by one;
 *        streams_echo.c, sockets on the same loop
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "01_files/scratch.h"
#include "03_processes/timeline.h"
#include "07_eventloop/async_process.h"
#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"

enum { SHOWN_MAX = 4096 };

static double seconds = 30;

/* A list is looked at again when its program has ended: it has to last. */
static const char *const list[] = {"ls", "-l", NULL};
static const char *const pipeline[] = {"sh", "-c", "ls -l | grep debug", NULL};
static const char *const upper[] = {"sh", "-c", "tr a-z A-Z", NULL};
static const char *const full[] = {
    "sh", "-c", "head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero",
    NULL};
static const char *const one[] = {"sh", "-c", "sleep 0.4; echo one", NULL};
static const char *const two[] = {"sh", "-c", "sleep 0.3; echo two", NULL};
static const char *const late[] = {"sleep", "60", NULL};

static void print_output(const char *name, const struct child_output *o)
{
    printf("%s: ", name);
    if (o->length <= SHOWN_MAX)
        repr_bytes(stdout, o->text, o->length);
    else
        printf("%zu bytes", o->length);
    putchar('\n');
}

static void print_child(const struct child *child)
{
    char ending[64];
    printf("$");
    for (const char *const *word = child->argv; *word != NULL; word++)
        printf(strchr(*word, ' ') ? " '%s'" : " %s", *word);
    putchar('\n');
    print_output("out", &child->out);
    print_output("err", &child->err);
    printf("%s\n\n", child_ending(child, ending));
}

/* Runs a program to its end, and prints what it said and how it ended. */
struct run {
    struct gen gen;
    const char *const *argv;
    const char *input;
    int lane;
    struct async_process async_process;
};

static bool run(void *frame, struct future **awaits)
{
    struct run *c = frame;
    const struct child *child = &c->async_process.child;
    GEN_BEGIN(c);
    c->lane = timeline_lane("%s", c->argv[c->argv[1] && c->argv[2] ? 2 : 0]);
    timeline_mark(c->lane, TIMELINE_WAIT);
    //> Into async_process: a fork and an exec, and then this coroutine sleeps
    //> until the pidfd can be read. The loop reads the pipes meanwhile.
    AWAIT_CALL(
        c, async_process,
        .child = {.argv = c->argv, .input = c->input, .seconds = seconds});
    //> print *child: what came, and the status, which waitpid has told.
    print_child(child);
    GEN_END(c);
    timeline_mark(c->lane, TIMELINE_IDLE);
    child_free(&c->async_process.child);
    return false;
}

struct program {
    struct gen gen;
    struct run run;
    struct task *one, *two, *late;
    struct future *both;
    struct sleep_for sleep_for;
};

static bool program(void *frame, struct future **awaits)
{
    struct program *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    AWAIT_CALL(c, run, .argv = list);
    AWAIT_CALL(c, run, .argv = pipeline);
    AWAIT_CALL(c, run, .argv = upper, .input = "hello\n");
    AWAIT_CALL(c, run, .argv = full);

    c->one = task_create(loop, run, .argv = one);
    c->two = task_create(loop, run, .argv = two);
    c->both = gather(
        loop, (struct future *[]){&c->one->future, &c->two->future}, 2, false);
    //> Two children at once, each awaited by a task of its own.
    AWAIT(c, c->both);

    c->late = task_create(loop, run, .argv = late);
    AWAIT_CALL(c, sleep_for, .seconds = 0.2);
    //> It would sleep for a minute. Its task is cancelled, and is done when the
    //> child has been killed and reaped.
    future_cancel(&c->late->future);
    AWAIT_TRY(c, &c->late->future);
    printf("sleep 60: %s\n", gen_catch(&c->gen));
    GEN_END(c);
    task_release(c->one);
    task_release(c->two);
    task_release(c->late);
    future_release(c->both);
    return false;
}

/* Some of what lay in the notebook's folder. */
static void make_file(const char *name, off_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1 || ftruncate(fd, size) == -1)
        err(CLI_ERROR, "%s", name);
    close(fd);
}

static const char *show(void)
{
    scratch_enter();
    make_file("README.md", 0);
    make_file("debugging.py", 600);
    make_file("server.go", 1190);
    return loop_run(program, .late = NULL);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run programs on the loop, and catch what they say",
        .operands = "[-- PROGRAM [ARGUMENT...]]",
        .options = {{'w', "timeout", "kill it after {seconds}",
                     CLI_DOUBLE(&seconds, 0.001, 3600)},
                    TIMELINE_OPTIONS},
    };
    int first = cli_parse(&cli, argc, argv);
    const char *const *given = (const char *const *)(argv + first);
    timeline_start(8);
    const char *error = *given ? loop_run(run, .argv = given) : show();
    if (error != NULL)
        errx(CLI_ERROR, "%s: %s", *given ? *given : "a child", error);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        errx(CLI_ERROR, "a child was left behind");
    printf("no child is left, neither running nor as a zombie\n");
    timeline_finish();
    return CLI_OK;
}
