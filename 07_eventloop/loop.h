/* loop: one thread that waits for everything, and calls whoever is due.
 *
 *     struct loop loop;
 *     if (loop_init(&loop) == -1)
 *         err(1, "loop");
 *     loop_call_later(&loop, 3, callback, data);
 *     loop_run_forever(&loop);
 *     loop_close(&loop);
 *
 * The first of three layers: callbacks. It knows nothing of the second,
 * futures and tasks (07_eventloop/task.h).
 *
 * One turn of the loop, as in asyncio's _run_once:
 *
 *     1. wait until a descriptor is ready, or the first timer due; not at all
 *        if callbacks are ready already
 *     2. those of the ready descriptors join the ready queue
 *     3. then those of the timers that are due by now: the clock is read once
 *        for all of them
 *     4. call as many as stand in the queue at this moment; what they add is
 *        for the next turn
 *
 * The wait is select, poll or epoll, as the environment's LOOP_BACKEND says.
 *
 * The words of asyncio, and what they are here:
 *
 *     asyncio.new_event_loop()       loop_init(&loop)
 *     loop.close()                   loop_close(&loop); and what asyncio.run
 *                                    does before that
 *     loop.run_forever()             loop_run_forever(&loop)
 *     loop.stop()                    loop_stop(&loop)
 *     loop._run_once()               loop_run_once(&loop, seconds)
 *     asyncio.get_running_loop()     loop_running(); NULL: RuntimeError
 *     loop.time()                    loop_time()
 *     loop.call_soon(f, x)           loop_call_soon(&loop, f, x)
 *     loop.call_later(3, f, x)       loop_call_later(&loop, 3, f, x)
 *     loop.call_at(when, f, x)       loop_call_at(&loop, when, f, x)
 *     handle.cancel()                loop_cancel(&loop, handle)
 *     loop.call_soon_threadsafe      loop_call_soon_threadsafe(&loop, f, x)
 *     loop.add_reader(fd, f, x)      loop_add_reader(&loop, fd, f, x)
 *     loop.add_writer                loop_add_writer
 *     loop.remove_reader(fd)         loop_remove_reader(&loop, fd)
 *     loop.remove_writer             loop_remove_writer
 *     loop.add_signal_handler        loop_add_signal_handler
 *     loop.remove_signal_handler     loop_remove_signal_handler
 *     loop.slow_callback_duration    loop.slow_callback
 *     asyncio.all_tasks(loop)        loop_dump, which prints them
 *
 * asyncio has nothing like loop_hold, loop_release and loop_alive (they are
 * libuv's uv_ref, uv_unref and uv_loop_alive), loop_fd and loop_due.
 *
 * What differs from asyncio:
 *
 * - The loop ends when nothing is alive: no callback ready, no timer, no
 *   descriptor watched, no job in another thread, no loop_hold. (After libuv.
 *   asyncio waits on for what can never come.)
 * - Timers that are due at the same time keep their order. (asyncio leaves
 *   that open.)
 * - Where there is no memory for the loop's own queues, the program ends with
 *   a message. (Python raises MemoryError.)
 *
 * All of it is for the thread that runs the loop, except
 * loop_call_soon_threadsafe. One loop a thread.
 */
#ifndef LOOP_H
#define LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "05_select/selector.h"
#include "07_eventloop/timers.h"

typedef void loop_callback(void *data);

/* A callback that waits for its turn. It stays valid after that: cancelling
 * what has run or was cancelled does nothing. 0 is none.
 */
typedef uint64_t loop_handle;

/* --- The loop -------------------------------------------------------------- */

/* A callback, from when it is asked for until it has been called. The handle
 * is its number and its generation, so that an old handle finds nothing. A
 * cancelled one keeps its place until its turn comes, and has no call.
 */
struct loop_slot {
    loop_callback *call;
    void *data;
    const char *name;
    uint32_t generation;
    uint32_t where;
};

/* Who is to be called for a descriptor. */
struct loop_watch {
    struct loop_watcher {
        loop_callback *call; /* NULL: nobody */
        void *data;
        const char *name;
        loop_handle ready; /* where it stands in the queue, if it does */
    } watchers[2];         /* for SELECTOR_READ, for SELECTOR_WRITE */
};

struct loop {
    struct selector selector;
    struct loop_watch *watches; /* by descriptor */
    int watch_room, watch_count;

    struct loop_slot *slots; /* the callbacks, whatever they wait for */
    uint32_t slot_room, slot_free;

    uint32_t *ready; /* a ring of slots; its length is a power of two */
    size_t ready_first, ready_count, ready_room;

    struct timers timers; /* their numbers are those of slots */
    size_t timer_cancelled;

    bool running, in_turn, stopping;
    int held;             /* reasons to go on, besides the above */
    double slow_callback; /* seconds; longer ones are reported */
    const char *about;    /* what the callback is about, if it says so */
    /* Who wants the reports, besides stderr. */
    void (*on_slow)(void *data, const char *report);
    void *on_slow_data;
    unsigned long turns; /* so far */

    int wake_up[2];       /* a socketpair: written to end the wait */
    pthread_mutex_t lock; /* guards what other threads touch: */
    struct loop_post *posts, **last_post;

    struct loop_signal *signals;

    /* The layer above's: what is to be done about a callback that will never be
     * called; its tasks that are not done, and how to end and to print them.
     */
    void (*drop)(loop_callback *call, void *data);
    struct task *tasks;
    void (*end_tasks)(struct loop *loop);
    void (*dump_tasks)(struct loop *loop, FILE *out);

    /* Its threads for blocking calls, and how to wait for them. */
    struct executor *executor;
    void (*end_executor)(struct loop *loop);
};

/* A new loop. Returns 0, or -1 with errno: EMFILE, ENFILE, ENOMEM, or EINVAL
 * for a LOOP_BACKEND that is none, which stderr is told. A callback that takes
 * longer than 50 ms is reported on stderr. The environment's LOOP_SLOW_CALLBACK
 * may hold other seconds, and so may slow_callback from here on; 0 is never.
 */
int loop_init(struct loop *loop);

/* Cancels the tasks that are not done, runs until they are and until no thread
 * has a job of the loop's any more, and frees the loop. Callbacks that are left
 * are dropped. Not while it runs.
 *
 * Where there were tasks or jobs, what is ready when they have ended is still
 * called, and what that adds, for a hundred turns: who adds itself for ever is
 * dropped then. A task that refuses to be cancelled, and waits on, is waited for
 * as long as the loop is alive; when it is not, stderr is told, and the task is
 * lost. (asyncio.run makes a few turns more, and waits for ever.)
 */
void loop_close(struct loop *loop);

/* Runs until loop_stop, or until nothing is alive. Returns 0, or -1 with EBUSY
 * where this loop, or another one in this thread, runs already.
 */
int loop_run_forever(struct loop *loop);

/* Ends the run after the turn in which it is called; one that is not running
 * will make one turn without waiting. That turn takes the stop with it.
 */
void loop_stop(struct loop *loop);

/* One turn, for those who have another loop around this one: waits no longer
 * than so many seconds (as long as need be if negative), and not at all where
 * nothing is alive. Returns whether to go on: something is alive, and nobody
 * has said loop_stop. Inside a turn of the same loop it does nothing, and
 * returns false with EBUSY. loop_fd becomes readable when there is something to
 * do, provided the back end is epoll (-1 if not), and loop_due says when at the
 * latest: in seconds from now, negative for never.
 */
bool loop_run_once(struct loop *loop, double seconds);
int loop_fd(const struct loop *loop);
double loop_due(const struct loop *loop);

/* Whether there is anything that the loop would wait for or call. */
bool loop_alive(struct loop *loop);

/* The loop that this thread runs, or NULL. */
struct loop *loop_running(void);

/* Keeps the loop waiting though nothing is alive, until as many releases. */
void loop_hold(struct loop *loop);
void loop_release(struct loop *loop);

/* --- Callbacks ------------------------------------------------------------- */

/* A callback may do what it likes: free its data, cancel itself, which is too
 * late, or what is ready beside it, remove and close any descriptor. What was
 * cancelled or removed is not called any more, though it be ready.
 */

/* The names under which callbacks are reported are those in the source. */
#define loop_call_soon(loop, call, data)                                       \
    loop_call_soon_named(loop, call, data, #call)
#define loop_call_later(loop, seconds, call, data)                             \
    loop_call_at_named(loop, loop_time() + (seconds), call, data, #call)
#define loop_call_at(loop, when, call, data)                                   \
    loop_call_at_named(loop, when, call, data, #call)
#define loop_add_reader(loop, fd, call, data)                                  \
    loop_add_watch(loop, fd, SELECTOR_READ, call, data, #call)
#define loop_add_writer(loop, fd, call, data)                                  \
    loop_add_watch(loop, fd, SELECTOR_WRITE, call, data, #call)
#define loop_add_signal_handler(loop, signal, call, data)                      \
    loop_add_signal_handler_named(loop, signal, call, data, #call)
#define loop_remove_reader(loop, fd) loop_remove_watch(loop, fd, SELECTOR_READ)
#define loop_remove_writer(loop, fd) loop_remove_watch(loop, fd, SELECTOR_WRITE)

/* CLOCK_MONOTONIC, in seconds. */
double loop_time(void);

/* In the next turn, in the order of the calls. */
loop_handle loop_call_soon_named(struct loop *loop, loop_callback *call,
                                 void *data, const char *name);

/* When the clock has come to that time; at once, which is in the next turn,
 * where it has passed, or is no number. (So a negative delay is one of 0.)
 */
loop_handle loop_call_at_named(struct loop *loop, double when,
                               loop_callback *call, void *data,
                               const char *name);

/* It will not be called. Returns false where it was, or was cancelled. */
bool loop_cancel(struct loop *loop, loop_handle handle);

/* Calls whenever the descriptor can be read (or written) without waiting, until
 * it is removed; what stood there for the same before is replaced. Returns 0, or
 * -1 with errno, as selector_register does.
 *
 * It is to be removed before it is closed. If not, select and poll tell of it,
 * and the program ends with a message; epoll forgets it, and the loop waits on.
 */
int loop_add_watch(struct loop *loop, int fd, int event, loop_callback *call,
                   void *data, const char *name);

/* Returns whether there was one. It is not called any more, even if it was
 * ready in this turn.
 */
bool loop_remove_watch(struct loop *loop, int fd, int event);

/* loop_call_soon for any thread: the loop is woken. To be called until the loop
 * is closed, not later; whoever is to call holds the loop (loop_hold), or it may
 * have ended. Returns 0, or -1 with ENOMEM or ENOBUFS. Not for signal handlers.
 */
int loop_call_soon_threadsafe(struct loop *loop, loop_callback *call,
                              void *data);

/* --- Signals --------------------------------------------------------------- */

/* Calls when the signal comes: from the loop, where everything may be done,
 * not from a handler. It does not keep the loop alive. Returns 0, or -1 with
 * errno: EINVAL, ENOMEM.
 */
int loop_add_signal_handler_named(struct loop *loop, int signal,
                                  loop_callback *call, void *data,
                                  const char *name);

/* The signal does what it did before. Returns whether there was a handler. */
bool loop_remove_signal_handler(struct loop *loop, int signal);

/* --- Seeing inside --------------------------------------------------------- */

/* Prints what is alive: descriptors, timers, ready callbacks, tasks. */
void loop_dump(struct loop *loop, FILE *out);

/* Timer i of loop->timers.count, in no order: its name, and when it is due; NULL
 * for one that was cancelled.
 */
const char *loop_timer(const struct loop *loop, size_t i, double *when);

/* What the report on a slow callback is to call it, instead of the callback's
 * name: the string is looked at only in this turn.
 */
void loop_about(struct loop *loop, const char *subject);

/* --- For the layers above -------------------------------------------------- */

/* As long as callbacks are ready, a hundred turns at most: what is on its way
 * when all is over. A part of loop_close.
 */
void loop_settle(struct loop *loop);

#endif
