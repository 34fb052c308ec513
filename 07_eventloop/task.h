/* task: a future that drives a coroutine.
 *
 * A coroutine is a generator (06_generators/gen.h) that yields the future it
 * awaits. It has a struct, its frame, of the same name:
 *
 *     struct say_after {
 *         struct gen gen;
 *         double delay;
 *         const char *what;
 *         struct sleep_for sleep_for;          the frame of one that it awaits
 *     };
 *
 *     bool say_after(void *frame, struct future **awaits)
 *     {
 *         struct say_after *c = frame;
 *         GEN_BEGIN(c);
 *         AWAIT_CALL(c, sleep_for, .seconds = c->delay);
 *         printf("%s\n", c->what);
 *         GEN_END(c);
 *         return false;
 *     }
 *
 *     const char *error = loop_run(say_after, .delay = 1, .what = "hello");
 *
 * The words of asyncio, and what they are here:
 *
 *     await future               AWAIT(c, future)
 *     await coroutine(...)       AWAIT_CALL(c, coroutine, ...)
 *     await sleep(0)             AWAIT_TURN(c)
 *     try: await future          AWAIT_TRY(c, future), then gen_catch(&c->gen)
 *     return value               left in the frame
 *     raise, finally             GEN_RAISE; what stands behind GEN_END
 *     coroutine(...)             coroutine_new(loop, coroutine, ...)
 *     create_task(c(...))        task_create(loop, c, ...)
 *     task.cancel()              future_cancel(&task->future)
 *     task.result(), .done()     future_result(&task->future), future_done
 *     task.set_name(name)        task_name(task, name)
 *     current_task()             task_current()
 *     run_until_complete(f)      loop_run_until_complete(loop, f)
 *     asyncio.run(main())        loop_run(main, ...)
 *
 * A task is done when its coroutine has ended; its result is the frame, in
 * which the coroutine has left what it found. The frame is freed with the task.
 *
 * A task that awaits itself gets an error for that. Of tasks that await each
 * other none goes on, and the loop ends where nothing else is alive; if one is
 * cancelled, all end by that. (asyncio: RecursionError.)
 */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stddef.h>

#include "06_generators/gen.h"
#include "07_eventloop/futures.h"

/* Goes on to the next await, and tells what it is for: true, and *awaits is a
 * future, or NULL to be called again in the next turn; or false at its end,
 * with its error, if any, in its struct gen.
 */
typedef bool coroutine(void *frame, struct future **awaits);

/* --- Awaiting, inside a coroutine ------------------------------------------ */

/* f has to be the same when the coroutine goes on: it may not hang on a local
 * variable. One that is done already is not waited for.
 */
#define AWAIT_TRY(c, f)                                                        \
    do {                                                                       \
        if (!future_done(f)) {                                                 \
            *awaits = (f);                                                     \
            GEN_TRY_YIELD(c);                                                  \
        } else {                                                               \
            gen_throw(&(c)->gen, future_error(f));                             \
        }                                                                      \
    } while (false)

#define AWAIT(c, f)                                                            \
    do {                                                                       \
        AWAIT_TRY(c, f);                                                       \
        if ((c)->gen.thrown)                                                   \
            goto gen_end;                                                      \
    } while (false)

/* Awaits another coroutine, whose frame is the member of the same name. */
#define AWAIT_CALL_TRY(c, name, ...)                                           \
    do {                                                                       \
        (c)->name = (struct name){{0}, __VA_ARGS__};                           \
        GEN_TRY_YIELD_FROM(c, &(c)->name, name(&(c)->name, awaits));           \
    } while (false)

#define AWAIT_CALL(c, name, ...)                                               \
    do {                                                                       \
        AWAIT_CALL_TRY(c, name, __VA_ARGS__);                                  \
        if ((c)->gen.thrown)                                                   \
            goto gen_end;                                                      \
    } while (false)

#define AWAIT_TURN(c)                                                          \
    do {                                                                       \
        *awaits = NULL;                                                        \
        GEN_YIELD(c);                                                          \
    } while (false)

/* --- Tasks ----------------------------------------------------------------- */

struct task {
    struct future future;
    coroutine *coroutine;
    const char *name;            /* the coroutine's, or what task_name said */
    struct future_callback wake; /* its future is what the task waits for */
    struct task *next, **link;   /* those of the loop that are not done */
    uint32_t since;              /* ms; when it began to wait */
    enum task_state { TASK_NEW, TASK_AWAITED, TASK_STARTED } state : 8;
    bool cancelling; /* the next step throws it */
    bool asking;     /* whether what it waits for can be cancelled */
    bool own_name;   /* which is on the heap */
    max_align_t frame[];
};

/* A coroutine that has been called, as Python has it: nothing runs. It is to
 * be started, or awaited by AWAIT_CORO, or else a warning says when the loop is
 * closed (or it is released) that it never was.
 */
#define coroutine_new(loop, name, ...)                                         \
    task_new(loop, name, #name, &(struct name){{0}, __VA_ARGS__},              \
             sizeof(struct name))

/* It runs from the next turn on. */
#define task_create(loop, name, ...)                                           \
    task_start(coroutine_new(loop, name, __VA_ARGS__))

/* Both are held by the caller, who releases them: task_release. A task that
 * runs lives on until it is done, released or not.
 */
struct task *task_new(struct loop *loop, coroutine *call, const char *name,
                      const void *frame, size_t size);
struct task *task_start(struct task *t); /* returns t */
void task_release(struct task *t);

/* The kind of the futures that are tasks. */
extern const struct future_kind task_kind;

/* Awaits one of coroutine_new right here: no task. */
#define AWAIT_CORO(c, t)                                                       \
    do {                                                                       \
        task_await(t);                                                         \
        GEN_YIELD_FROM(c, (struct task_frame *)task_frame(t),                  \
                       (t)->coroutine((t)->frame, awaits));                    \
    } while (false)
void task_await(struct task *t);

/* What all frames begin with. */
struct task_frame {
    struct gen gen;
};

/* Its coroutine's frame, to be read where the task is not awaited. */
static inline void *task_frame(struct task *t)
{
    return t->frame;
}

/* Seconds since it began to wait for what it awaits; 0 for one that does not.
 * task_clock is the clock of that, in milliseconds.
 */
double task_waiting(const struct task *t);
uint32_t task_clock(void);

/* One that nobody started: says so, once. For the loop's end. */
void task_forget(struct task *t);

/* The task that runs, or NULL. */
struct task *task_current(void);

/* A name of its own for the reports; it is copied. */
void task_name(struct task *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- Running --------------------------------------------------------------- */

/* Runs the loop until the future is done. Returns its error, or NULL; or
 * error_invalid_state where the loop ended and the future was not done.
 */
const char *loop_run_until_complete(struct loop *loop, struct future *f);

/* asyncio.run: a loop, a task, and the end of both. The first Ctrl-C cancels
 * the task. Returns its error, or NULL. Ends the program with a message where
 * there can be no loop.
 */
#define loop_run(name, ...)                                                    \
    loop_run_frame(name, #name, &(struct name){{0}, __VA_ARGS__},              \
                   sizeof(struct name))
const char *loop_run_frame(coroutine *call, const char *name, const void *frame,
                           size_t size);

#endif
