#include "07_eventloop/task.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "01_files/cli.h"
#include "07_eventloop/task_inside.h"
#include "07_eventloop/task_run.h"

static const char error_awaits_itself[] =
    "RuntimeError: the task awaits itself";

static _Thread_local struct task *current;

struct task *task_current(void)
{
    return current;
}

static struct gen *gen_of(struct task *t)
{
    return task_frame(t); /* which begins with it */
}

/* --- The list of those that are not done ----------------------------------- */

static void link_task(struct task *t)
{
    struct loop *loop = t->future.loop;
    t->next = loop->tasks;
    t->link = &loop->tasks;
    if (t->next != NULL)
        t->next->link = &t->next;
    loop->tasks = t;
}

static void unlink_task(struct task *t)
{
    if (t->link == NULL)
        return;
    *t->link = t->next;
    if (t->next != NULL)
        t->next->link = t->link;
    t->link = NULL;
}

/* --- A step ---------------------------------------------------------------- */

/* The coarse clock will do, and costs a fifth. */
uint32_t task_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint32_t)t.tv_sec * 1000 + (uint32_t)(t.tv_nsec / 1000000);
}

static void end(struct task *t)
{
    const char *error = gen_of(t)->error;
    /* Too late for a step to throw it. */
    if (error == NULL && t->cancelling)
        error = error_cancelled;
    unlink_task(t);
    if (error == NULL)
        future_set_result(&t->future, t->frame);
    else
        future_set_error(&t->future, error);
    /* This turn's report may have to tell the name. */
    if (t->own_name && t->future.holders == 1) {
        loop_call_soon(t->future.loop, free, (void *)(uintptr_t)t->name);
        t->own_name = false;
    }
    future_release(&t->future); /* the loop's */
}

static void step(void *data);

/* What it awaits is done. */
static void wake(struct future_callback *self, struct future *f)
{
    struct task *t =
        (struct task *)(void *)((char *)self - offsetof(struct task, wake));
    gen_throw(gen_of(t), future_error(f));
    step(t);
}

static void step(void *data)
{
    struct task *t = data;
    struct task *outer = current;
    struct future *awaits = NULL;
    if (t->cancelling)
        gen_throw(gen_of(t), error_cancelled);
    t->cancelling = false;
    current = t;
    loop_about(t->future.loop, t->name);
    bool goes_on = t->coroutine(t->frame, &awaits);
    current = outer;
    if (!goes_on) {
        end(t);
    } else if (awaits == NULL) {
        loop_call_soon_named(t->future.loop, step, t, "a step");
    } else if (awaits == &t->future) {
        gen_throw(gen_of(t), error_awaits_itself);
        loop_call_soon_named(t->future.loop, step, t, "a step");
    } else {
        t->since = task_clock();
        future_add_done_callback(awaits, &t->wake);
        /* It was cancelled in that very step. */
        if (t->cancelling && future_cancel(awaits))
            t->cancelling = false;
    }
}

/* Cancels what the task waits for, and the error that comes of that will go
 * on through the task. One that waits for nothing gets it in its next step.
 */
static bool cancel(struct future *f)
{
    struct task *t = (struct task *)(void *)f;
    if (t->asking) {
        /* Tasks that await each other: here the ring is broken. */
        if (future_remove_done_callback(&t->wake))
            loop_call_soon_named(f->loop, step, t, "a step");
    } else if (t->wake.future != NULL) {
        t->asking = true;
        bool cancelled = future_cancel(t->wake.future);
        t->asking = false;
        if (cancelled)
            return true;
    }
    t->cancelling = true;
    return true;
}

static void free_name(struct task *t)
{
    if (t->own_name)
        free((void *)(uintptr_t)t->name); /* const is for all others */
}

/* A coroutine that nobody started. */
void task_forget(struct task *t)
{
    unlink_task(t);
    if (t->state == TASK_NEW)
        warnx("the coroutine %s was never awaited", t->name);
    t->state = TASK_AWAITED;
}

static void free_task(struct future *f)
{
    struct task *t = (struct task *)(void *)f;
    if (t->state != TASK_STARTED)
        task_forget(t);
    free_name(t);
    free(t);
}

const struct future_kind task_kind = {"a task", cancel, free_task};

/* --- Making tasks ---------------------------------------------------------- */

struct task *task_new(struct loop *loop, coroutine *call, const char *name,
                      const void *frame, size_t size)
{
    struct task *t = malloc(sizeof *t + size);
    if (t == NULL)
        err(CLI_ERROR, "task %s", name);
    *t = (struct task){.coroutine = call, .name = name, .wake.call = wake};
    future_init(&t->future, loop, &task_kind);
    memcpy(t->frame, frame, size);
    link_task(t);
    loop->end_tasks = tasks_end;
    loop->dump_tasks = tasks_dump;
    return t;
}

struct task *task_start(struct task *t)
{
    t->state = TASK_STARTED;
    future_hold(&t->future);
    loop_call_soon_named(t->future.loop, step, t, "a step");
    return t;
}

void task_await(struct task *t)
{
    t->state = TASK_AWAITED;
    unlink_task(t);
}

void task_release(struct task *t)
{
    if (t != NULL)
        future_release(&t->future);
}

void task_name(struct task *t, const char *format, ...)
{
    char *name;
    va_list rest;
    va_start(rest, format);
    int n = vasprintf(&name, format, rest);
    va_end(rest);
    if (n == -1)
        err(CLI_ERROR, "task %s", t->name);
    free_name(t);
    t->name = name;
    t->own_name = true;
    if (t == current)
        loop_about(t->future.loop, name);
}
