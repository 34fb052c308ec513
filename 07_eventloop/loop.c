#include "07_eventloop/loop.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "01_files/cli.h"
#include "07_eventloop/loop_inside.h"
#include "07_eventloop/loop_signals.h"
#include "07_eventloop/loop_threads.h"

/* Where a slot stands; a free one has the number of the next free one. */
#define READY (UINT32_MAX - 1)
#define TIMER (UINT32_MAX - 2)
#define NO_SLOT UINT32_MAX

static _Thread_local struct loop *running;

struct loop *loop_running(void)
{
    return running;
}

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double loop_time(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static void *grow(void *items, size_t room, size_t size)
{
    items = reallocarray(items, room, size);
    if (items == NULL)
        err(CLI_ERROR, "loop: room for %zu", room);
    return items;
}

/* --- Slots ----------------------------------------------------------------- */

static uint32_t take_slot(struct loop *loop, loop_callback *call, void *data,
                          const char *name, uint32_t where)
{
    if (loop->slot_free == NO_SLOT) {
        uint32_t room = loop->slot_room == 0 ? 64 : 2 * loop->slot_room;
        loop->slots = grow(loop->slots, room, sizeof *loop->slots);
        for (uint32_t i = room; i-- > loop->slot_room;) {
            loop->slots[i] = (struct loop_slot){.where = loop->slot_free};
            loop->slot_free = i;
        }
        loop->slot_room = room;
    }
    uint32_t i = loop->slot_free;
    struct loop_slot *slot = &loop->slots[i];
    loop->slot_free = slot->where;
    slot->call = call;
    slot->data = data;
    slot->name = name;
    slot->where = where;
    if (++slot->generation == 0)
        slot->generation = 1; /* a handle is not 0 */
    return i;
}

static void free_slot(struct loop *loop, uint32_t i)
{
    loop->slots[i].call = NULL;
    loop->slots[i].where = loop->slot_free;
    loop->slot_free = i;
}

static loop_handle handle_of(const struct loop *loop, uint32_t i)
{
    return (loop_handle)loop->slots[i].generation << 32 | i;
}

/* --- The ready queue ------------------------------------------------------- */

static void add_ready(struct loop *loop, uint32_t slot)
{
    if (loop->ready_count == loop->ready_room) {
        size_t room = loop->ready_room == 0 ? 64 : 2 * loop->ready_room;
        loop->ready = grow(loop->ready, room, sizeof *loop->ready);
        /* What had wrapped around to the start now follows the old end. */
        memcpy(loop->ready + loop->ready_room, loop->ready,
               loop->ready_first * sizeof *loop->ready);
        loop->ready_room = room;
    }
    size_t last = loop->ready_first + loop->ready_count++;
    loop->ready[last & (loop->ready_room - 1)] = slot;
    loop->slots[slot].where = READY;
}

static struct loop_slot take_ready(struct loop *loop)
{
    uint32_t i = loop->ready[loop->ready_first];
    struct loop_slot slot = loop->slots[i];
    loop->ready_first = (loop->ready_first + 1) & (loop->ready_room - 1);
    loop->ready_count--;
    free_slot(loop, i);
    return slot;
}

loop_handle loop_call_soon_named(struct loop *loop, loop_callback *call,
                                 void *data, const char *name)
{
    uint32_t slot = take_slot(loop, call, data, name, READY);
    add_ready(loop, slot);
    return handle_of(loop, slot);
}

/* --- Timers, and cancelling ------------------------------------------------ */

loop_handle loop_call_at_named(struct loop *loop, double when,
                               loop_callback *call, void *data,
                               const char *name)
{
    uint32_t slot = take_slot(loop, call, data, name, TIMER);
    timers_add(&loop->timers, isnan(when) ? 0 : when, slot);
    return handle_of(loop, slot);
}

static bool is_cancelled(void *data, uint32_t slot)
{
    struct loop *loop = data;
    if (loop->slots[slot].call != NULL)
        return false;
    free_slot(loop, slot);
    loop->timer_cancelled--;
    return true;
}

bool loop_cancel(struct loop *loop, loop_handle handle)
{
    uint32_t i = (uint32_t)handle;
    if (handle == 0 || i >= loop->slot_room ||
        loop->slots[i].generation != handle >> 32)
        return false;
    struct loop_slot *slot = &loop->slots[i];
    if (slot->call == NULL)
        return false;
    slot->call = NULL;
    if (slot->where == TIMER)
        loop->timer_cancelled++;
    /* They go when they are the majority, as in asyncio: all the time that
     * takes is paid for by those who cancelled them.
     */
    if (loop->timer_cancelled > 100 &&
        loop->timer_cancelled > loop->timers.count / 2)
        timers_sweep(&loop->timers, is_cancelled, loop);
    return true;
}

/* --- Descriptors ----------------------------------------------------------- */

static int place_of(int event)
{
    return event == SELECTOR_READ ? 0 : 1;
}

int loop_add_watch(struct loop *loop, int fd, int event, loop_callback *call,
                   void *data, const char *name)
{
    int before = selector_events(&loop->selector, fd);
    int result =
        before == 0
            ? selector_register(&loop->selector, fd, event, NULL, NULL)
            : selector_modify(&loop->selector, fd, before | event, NULL, NULL);
    if (result == -1)
        return -1;
    /* Now it is known to be one, and no number that is far too big. */
    if (fd >= loop->watch_room) {
        int room = fd < 32 ? 64 : 2 * fd;
        loop->watches =
            grow(loop->watches, (size_t)room, sizeof *loop->watches);
        memset(loop->watches + loop->watch_room, 0,
               (size_t)(room - loop->watch_room) * sizeof *loop->watches);
        loop->watch_room = room;
    }
    struct loop_watcher *w = &loop->watches[fd].watchers[place_of(event)];
    if (w->call == NULL)
        loop->watch_count++;
    else
        loop_cancel(loop, w->ready);
    *w = (struct loop_watcher){call, data, name, 0};
    return 0;
}

bool loop_remove_watch(struct loop *loop, int fd, int event)
{
    if (fd < 0 || fd >= loop->watch_room)
        return false;
    struct loop_watcher *w = &loop->watches[fd].watchers[place_of(event)];
    if (w->call == NULL)
        return false;
    loop_cancel(loop, w->ready);
    *w = (struct loop_watcher){0};
    loop->watch_count--;
    int left = selector_events(&loop->selector, fd) & ~event;
    if (left == 0)
        selector_unregister(&loop->selector, fd);
    else
        selector_modify(&loop->selector, fd, left, NULL, NULL);
    return true;
}

static void add_watchers(struct loop *loop, int fd, int events)
{
    for (int i = 0; i < 2; i++) {
        struct loop_watcher *w = &loop->watches[fd].watchers[i];
        if (w->call != NULL &&
            (events & (i == 0 ? SELECTOR_READ : SELECTOR_WRITE)) != 0)
            w->ready = loop_call_soon_named(loop, w->call, w->data, w->name);
    }
}

/* --- The turn -------------------------------------------------------------- */

double loop_due(const struct loop *loop)
{
    if (loop->ready_count > 0 || loop->stopping)
        return 0;
    if (loop->timers.count == 0)
        return -1;
    double left = loop->timers.heap[0].when - loop_time();
    return left > 0 ? left : 0;
}

bool loop_alive(struct loop *loop)
{
    return loop->ready_count > 0 || loop->watch_count > 0 || loop->held > 0 ||
           loop->timers.count > loop->timer_cancelled ||
           loop_threads_wait(loop);
}

static void wait_for_events(struct loop *loop, double most)
{
    double seconds = loop_due(loop);
    if (most >= 0 && (seconds < 0 || seconds > most))
        seconds = most;
    if (seconds != 0 && !loop_alive(loop))
        seconds = 0;
    /* A descriptor that was closed before it was removed. */
    if (selector_wait(&loop->selector, seconds) == -1)
        err(CLI_ERROR, "loop: %s", loop->selector.name);
    loop_signals_call(loop);
    struct selector_event e;
    while (selector_next(&loop->selector, &e)) {
        if (e.fd == loop->wake_up[0])
            loop_threads_call(loop);
        else
            add_watchers(loop, e.fd, e.events);
    }
}

static void add_due_timers(struct loop *loop)
{
    if (loop->timers.count == 0)
        return;
    double now = loop_time();
    while (loop->timers.count > 0 && loop->timers.heap[0].when <= now) {
        uint32_t slot = timers_pop(&loop->timers);
        if (!is_cancelled(loop, slot))
            add_ready(loop, slot);
    }
}

/* The coarse clock costs a fifth of the other, and is good enough; it is read
 * once between two callbacks. Returns the time behind this one.
 */
static double call_back(struct loop *loop, const struct loop_slot *slot,
                        double before)
{
    slot->call(slot->data);
    double after = read_clock(CLOCK_MONOTONIC_COARSE);
    if (loop->slow_callback > 0 && after - before > loop->slow_callback)
        loop_report(loop, slot->name, after - before);
    loop->about = NULL;
    return after;
}

static void call_ready(struct loop *loop)
{
    double now = read_clock(CLOCK_MONOTONIC_COARSE);
    for (size_t n = loop->ready_count; n > 0; n--) {
        struct loop_slot slot = take_ready(loop);
        if (slot.call != NULL)
            now = call_back(loop, &slot, now);
    }
}

bool loop_run_once(struct loop *loop, double seconds)
{
    struct loop *outer = running;
    if (loop->in_turn) {
        errno = EBUSY;
        return false;
    }
    loop->in_turn = true;
    running = loop;
    wait_for_events(loop, seconds);
    add_due_timers(loop);
    call_ready(loop);
    loop->turns++;
    running = outer;
    loop->in_turn = false;
    bool stopped = loop->stopping;
    loop->stopping = false;
    return !stopped && loop_alive(loop);
}

int loop_run_forever(struct loop *loop)
{
    if (running != NULL || loop->running) {
        errno = EBUSY;
        return -1;
    }
    loop->running = true;
    loop_signals_begin(loop);
    bool goes_on = loop->stopping || loop_alive(loop);
    while (goes_on)
        goes_on = loop_run_once(loop, -1);
    loop_signals_end(loop);
    loop->running = false;
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void loop_hold(struct loop *loop)
{
    loop->held++;
}

void loop_release(struct loop *loop)
{
    loop->held--;
}

int loop_fd(const struct loop *loop)
{
    return selector_fd(&loop->selector);
}

/* --- Beginning and end ----------------------------------------------------- */

int loop_init(struct loop *loop)
{
    const char *slow = getenv("LOOP_SLOW_CALLBACK");
    *loop = (struct loop){.slot_free = NO_SLOT,
                          .slow_callback = slow ? strtod(slow, NULL) : 0.05};
    const char *name = getenv("LOOP_BACKEND");
    if (selector_init(&loop->selector, name) == -1) {
        if (errno == EINVAL)
            warnx("LOOP_BACKEND '%s': not select, poll or epoll", name);
        return -1;
    }
    if (loop_threads_begin(loop) == -1) {
        int why = errno;
        selector_destroy(&loop->selector);
        errno = why;
        return -1;
    }
    return 0;
}

void loop_settle(struct loop *loop)
{
    for (int i = 0; i < 100 && loop->ready_count > 0; i++)
        loop_run_once(loop, 0);
}

void loop_close(struct loop *loop)
{
    if (loop->end_tasks != NULL)
        loop->end_tasks(loop);
    if (loop->end_executor != NULL)
        loop->end_executor(loop);
    while (loop->ready_count > 0) {
        struct loop_slot slot = take_ready(loop);
        if (slot.call != NULL && loop->drop != NULL)
            loop->drop(slot.call, slot.data);
    }
    loop_signals_close(loop);
    loop_threads_end(loop);
    selector_destroy(&loop->selector);
    timers_free(&loop->timers);
    free(loop->watches);
    free(loop->slots);
    free(loop->ready);
}
