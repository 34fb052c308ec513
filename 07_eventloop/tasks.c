/* tasks.c: three coroutines: one is called and dropped, one is awaited, one is
 * made a task.
 *
 * Cells: C10, C12, E12, E13
 * Run:   make tasks; make tour-tasks
 * Ask:   main prints in its middle. Which of the three come before that line,
 *        which behind it, and which never?
 * Watch: calling a coroutine runs nothing of it. Awaited, it runs there. A
 *        task is a future that drives its coroutine: its turn comes when main
 *        lets go. And the dropped one is missed: a warning says so.
 * See:   gather.c, many tasks; cancel.c, a task's end
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "07_eventloop/task.h"

struct co_1 {
    struct gen gen;
    const char *what;
};

static bool co_1(void *frame, struct future **awaits)
{
    struct co_1 *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    printf("%s\n", c->what);
    GEN_END(c);
    return false;
}

struct co_2 {
    struct gen gen;
    const char *what;
};

static bool co_2(void *frame, struct future **awaits)
{
    struct co_2 *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    //> In the middle of main's step, and no turn has gone by: backtrace.
    printf("%s\n", c->what);
    GEN_END(c);
    return false;
}

struct co_3 {
    struct gen gen;
    const char *what;
};

static bool co_3(void *frame, struct future **awaits)
{
    struct co_3 *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    //> Called by the loop: backtrace. main has ended, or the loop would be
    //> inside it.
    printf("%s\n", c->what);
    GEN_END(c);
    return false;
}

struct co_main {
    struct gen gen;
    struct co_2 co_2;
    struct task *task;
};

static bool co_main(void *frame, struct future **awaits)
{
    struct co_main *c = frame;
    struct loop *loop = loop_running();
    GEN_BEGIN(c);
    //> A frame is made, nothing runs, and we let go of it.
    task_release(coroutine_new(loop, co_1, .what = "in co_1"));
    AWAIT_CALL(c, co_2, .what = "in co_2");
    c->task = task_create(loop, co_3, .what = "in co_3");
    //> A future that is pending, and a coroutine not begun: print *c->task.
    printf("in main\n");
    GEN_END(c);
    task_release(c->task); /* the loop has it until it is done */
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "call, await and schedule a coroutine",
    };
    cli_parse(&cli, argc, argv);
    const char *error = loop_run(co_main, .task = NULL);
    if (error != NULL)
        errx(CLI_ERROR, "%s", error);
    return CLI_OK;
}
