#include "07_eventloop/task_run.h"

#include <err.h>
#include <signal.h>

#include "01_files/cli.h"

static bool is_one_running(const struct loop *loop)
{
    const struct task *t = loop->tasks;
    while (t != NULL && t->state != TASK_STARTED)
        t = t->next;
    return t != NULL;
}

void tasks_end(struct loop *loop)
{
    struct task *next;
    for (struct task *t = loop->tasks; t != NULL; t = next) {
        next = t->next;
        if (t->state == TASK_STARTED)
            future_cancel(&t->future);
        else
            task_forget(t);
    }
    while (is_one_running(loop) && loop_alive(loop))
        loop_run_once(loop, -1);
    loop_settle(loop); /* their done callbacks have a turn yet to come */
    /* Whoever is left waits for what will never come. */
    for (struct task *t = loop->tasks; t != NULL; t = next) {
        next = t->next;
        if (t->state == TASK_STARTED)
            warnx("the task %s never ended", t->name);
        else
            task_forget(t);
    }
}

static void stop(struct future_callback *self, struct future *f)
{
    (void)self;
    loop_stop(f->loop);
}

const char *loop_run_until_complete(struct loop *loop, struct future *f)
{
    struct future_callback callback = {.call = stop};
    future_add_done_callback(f, &callback);
    if (loop_run_forever(loop) == -1)
        err(CLI_ERROR, "loop");
    future_remove_done_callback(&callback);
    return future_error(f);
}

static void interrupt(void *data)
{
    struct task *t = data;
    loop_remove_signal_handler(t->future.loop, SIGINT); /* twice will end it */
    future_cancel(&t->future);
}

const char *loop_run_frame(coroutine *call, const char *name, const void *frame,
                           size_t size)
{
    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct task *t = task_start(task_new(&loop, call, name, frame, size));
    if (loop_add_signal_handler(&loop, SIGINT, interrupt, t) == -1)
        err(CLI_ERROR, "loop: SIGINT");
    const char *error = loop_run_until_complete(&loop, &t->future);
    loop_close(&loop);
    task_release(t);
    return error;
}
