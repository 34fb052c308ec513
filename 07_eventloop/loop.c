#include "07_eventloop/loop.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "07_eventloop/loop_signals.h"

/* A callback, from when it is asked for until it has been called. The handle
 * is its number and its generation, so that an old handle finds nothing. A
 * cancelled one keeps its place until its turn comes, and has no call.
 */
struct loop_slot {
    loop_callback *call;
    void *data;
    const char *name;
    uint32_t generation;
    uint32_t where; /* READY, TIMER; of a free one, the next free one */
};

#define READY (UINT32_MAX - 1)
#define TIMER (UINT32_MAX - 2)
#define NO_SLOT UINT32_MAX

struct loop_timer {
    double when;
    uint64_t order; /* of those with the same time */
    uint32_t slot;
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

struct loop_post {
    loop_callback *call;
    void *data;
    struct loop_post *next;
};

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
    slot->generation++;
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

loop_handle loop_call_soon_named(struct loop *loop, loop_callback *call,
                                 void *data, const char *name)
{
    uint32_t slot = take_slot(loop, call, data, name, READY);
    add_ready(loop, slot);
    return handle_of(loop, slot);
}

/* --- Timers: a heap of which each has four children ------------------------ */

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->when < b->when || (a->when == b->when && a->order < b->order);
}

static void sift_up(struct loop *loop, size_t i, struct loop_timer timer)
{
    while (i > 0 && is_before(&timer, &loop->timers[(i - 1) / 4])) {
        loop->timers[i] = loop->timers[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    loop->timers[i] = timer;
}

static void sift_down(struct loop *loop, size_t i, struct loop_timer timer)
{
    for (;;) {
        size_t child = 4 * i + 1;
        size_t end =
            child + 4 < loop->timer_count ? child + 4 : loop->timer_count;
        size_t first = child;
        if (child >= end)
            break;
        while (++child < end)
            if (is_before(&loop->timers[child], &loop->timers[first]))
                first = child;
        if (!is_before(&loop->timers[first], &timer))
            break;
        loop->timers[i] = loop->timers[first];
        i = first;
    }
    loop->timers[i] = timer;
}

loop_handle loop_call_at_named(struct loop *loop, double when,
                               loop_callback *call, void *data,
                               const char *name)
{
    uint32_t slot = take_slot(loop, call, data, name, TIMER);
    if (loop->timer_count == loop->timer_room) {
        size_t room = loop->timer_room == 0 ? 64 : 2 * loop->timer_room;
        loop->timers = grow(loop->timers, room, sizeof *loop->timers);
        loop->timer_room = room;
    }
    struct loop_timer timer = {when, loop->timer_order++, slot};
    sift_up(loop, loop->timer_count++, timer);
    return handle_of(loop, slot);
}

static uint32_t pop_timer(struct loop *loop)
{
    uint32_t slot = loop->timers[0].slot;
    struct loop_timer last = loop->timers[--loop->timer_count];
    if (loop->timer_count > 0)
        sift_down(loop, 0, last);
    if (loop->slots[slot].call == NULL)
        loop->timer_cancelled--;
    return slot;
}

/* Those that were cancelled go when they are the majority, as in asyncio: all
 * the time that takes is paid for by those who cancelled them.
 */
static void sweep_timers(struct loop *loop)
{
    size_t kept = 0;
    if (loop->timer_cancelled <= 100 ||
        loop->timer_cancelled <= loop->timer_count / 2)
        return;
    for (size_t i = 0; i < loop->timer_count; i++) {
        if (loop->slots[loop->timers[i].slot].call == NULL)
            free_slot(loop, loop->timers[i].slot);
        else
            loop->timers[kept++] = loop->timers[i];
    }
    loop->timer_count = kept;
    loop->timer_cancelled = 0;
    for (size_t i = kept; i-- > 0;)
        sift_down(loop, i, loop->timers[i]);
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
    if (slot->where == TIMER) {
        loop->timer_cancelled++;
        sweep_timers(loop);
    }
    return true;
}

/* --- Descriptors ----------------------------------------------------------- */

static int place_of(int event)
{
    return event == SELECTOR_READ ? 0 : 1;
}

static int watched_events(const struct loop_watch *watch)
{
    return (watch->watchers[0].call != NULL ? SELECTOR_READ : 0) |
           (watch->watchers[1].call != NULL ? SELECTOR_WRITE : 0);
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
    struct loop_watch *watch = &loop->watches[fd];
    struct loop_watcher *w = &watch->watchers[place_of(event)];
    if (w->call == NULL)
        return false;
    loop_cancel(loop, w->ready);
    *w = (struct loop_watcher){0};
    loop->watch_count--;
    int left = watched_events(watch);
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

/* --- Other threads --------------------------------------------------------- */

int loop_wake_up(struct loop *loop)
{
    ssize_t n = send(loop->wake_up[1], "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Full is as good as written: it will be read. */
    return n == -1 && errno != EAGAIN ? -1 : 0;
}

int loop_call_soon_threadsafe(struct loop *loop, loop_callback *call,
                              void *data)
{
    struct loop_post *post = malloc(sizeof *post);
    if (post == NULL)
        return -1;
    *post = (struct loop_post){call, data, NULL};
    pthread_mutex_lock(&loop->lock);
    /* Under the lock: once the loop has seen the post, it may be closed. */
    int result = loop->posts == NULL ? loop_wake_up(loop) : 0;
    int why = errno;
    if (result == 0) {
        *loop->last_post = post;
        loop->last_post = &post->next;
    } else {
        free(post);
    }
    pthread_mutex_unlock(&loop->lock);
    errno = why;
    return result;
}

static struct loop_post *take_posts(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_post *posts = loop->posts;
    loop->posts = NULL;
    loop->last_post = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

static void add_posts(struct loop *loop)
{
    char bytes[64];
    while (recv(loop->wake_up[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
    struct loop_post *next;
    for (struct loop_post *post = take_posts(loop); post; post = next) {
        next = post->next;
        loop_call_soon_named(loop, post->call, post->data, "from a thread");
        free(post);
    }
}

/* --- The turn -------------------------------------------------------------- */

double loop_due(const struct loop *loop)
{
    if (loop->ready_count > 0 || loop->stopping)
        return 0;
    if (loop->timer_count == 0)
        return -1;
    double left = loop->timers[0].when - loop_time();
    return left > 0 ? left : 0;
}

static bool is_alive(struct loop *loop)
{
    if (loop->ready_count > 0 || loop->watch_count > 0 || loop->held > 0 ||
        loop->timer_count > loop->timer_cancelled)
        return true;
    pthread_mutex_lock(&loop->lock);
    bool posts = loop->posts != NULL;
    pthread_mutex_unlock(&loop->lock);
    return posts;
}

static void wait_for_events(struct loop *loop, double most)
{
    double seconds = loop_due(loop);
    if (most >= 0 && (seconds < 0 || seconds > most))
        seconds = most;
    /* A descriptor that was closed before it was removed. */
    if (selector_wait(&loop->selector, seconds) == -1)
        err(CLI_ERROR, "loop: %s", loop->selector.name);
    loop_signals_call(loop);
    struct selector_event e;
    while (selector_next(&loop->selector, &e)) {
        if (e.fd == loop->wake_up[0])
            add_posts(loop);
        else
            add_watchers(loop, e.fd, e.events);
    }
}

static void add_due_timers(struct loop *loop)
{
    if (loop->timer_count == 0)
        return;
    double now = loop_time();
    while (loop->timer_count > 0 && loop->timers[0].when <= now) {
        uint32_t slot = pop_timer(loop);
        if (loop->slots[slot].call == NULL)
            free_slot(loop, slot);
        else
            add_ready(loop, slot);
    }
}

static void report(struct loop *loop, const char *name, double took)
{
    char text[200];
    snprintf(text, sizeof text, "loop: %s%s%s held everyone up for %.3f s",
             name, loop->about ? " of " : "", loop->about ? loop->about : "",
             took);
    warnx("%s", text);
    if (loop->on_slow != NULL)
        loop->on_slow(loop->on_slow_data, text);
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
        report(loop, slot->name, after - before);
    loop->about = NULL;
    return after;
}

static void call_ready(struct loop *loop)
{
    double now = read_clock(CLOCK_MONOTONIC_COARSE);
    for (size_t n = loop->ready_count; n > 0; n--) {
        uint32_t i = loop->ready[loop->ready_first];
        struct loop_slot slot = loop->slots[i];
        loop->ready_first = (loop->ready_first + 1) & (loop->ready_room - 1);
        loop->ready_count--;
        free_slot(loop, i);
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
    return is_alive(loop);
}

int loop_run_forever(struct loop *loop)
{
    if (running != NULL || loop->running) {
        errno = EBUSY;
        return -1;
    }
    loop->running = true;
    loop_signals_begin(loop);
    while (is_alive(loop) || loop->stopping) {
        loop_run_once(loop, -1);
        if (loop->stopping)
            break;
    }
    loop_signals_end(loop);
    loop->stopping = false;
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

void loop_about(struct loop *loop, const char *subject)
{
    loop->about = subject;
}

/* --- Beginning and end ----------------------------------------------------- */

int loop_init(struct loop *loop)
{
    const char *slow = getenv("LOOP_SLOW_CALLBACK");
    *loop = (struct loop){.slot_free = NO_SLOT,
                          .slow_callback = slow ? strtod(slow, NULL) : 0.05,
                          .wake_up = {-1, -1}};
    loop->last_post = &loop->posts;
    const char *name = getenv("LOOP_BACKEND");
    if (selector_init(&loop->selector, name) == -1) {
        if (errno == EINVAL)
            warnx("LOOP_BACKEND '%s': not select, poll or epoll", name);
        return -1;
    }
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (socketpair(AF_UNIX, type, 0, loop->wake_up) == 0 &&
        selector_register(&loop->selector, loop->wake_up[0], SELECTOR_READ,
                          NULL, NULL) == 0 &&
        (errno = pthread_mutex_init(&loop->lock, NULL)) == 0)
        return 0;
    int why = errno;
    if (why == ERANGE)
        warnx("%s: no descriptor is left that it can hold",
              loop->selector.name);
    if (loop->wake_up[0] != -1) {
        close(loop->wake_up[0]);
        close(loop->wake_up[1]);
    }
    selector_destroy(&loop->selector);
    errno = why;
    return -1;
}

void loop_close(struct loop *loop)
{
    if (loop->end_tasks != NULL)
        loop->end_tasks(loop);
    if (loop->end_executor != NULL)
        loop->end_executor(loop);
    loop_signals_close(loop);
    struct loop_post *next;
    for (struct loop_post *post = take_posts(loop); post; post = next) {
        next = post->next;
        free(post);
    }
    pthread_mutex_destroy(&loop->lock);
    close(loop->wake_up[0]);
    close(loop->wake_up[1]);
    selector_destroy(&loop->selector);
    free(loop->watches);
    free(loop->slots);
    free(loop->ready);
    free(loop->timers);
}

/* --- Seeing inside --------------------------------------------------------- */

const char *loop_timer(const struct loop *loop, size_t i, double *when)
{
    const struct loop_slot *slot = &loop->slots[loop->timers[i].slot];
    *when = loop->timers[i].when;
    return slot->call != NULL ? slot->name : NULL;
}

void loop_dump(struct loop *loop, FILE *out)
{
    double now = loop_time();
    fprintf(out, "loop on %s, turn %lu\n", loop->selector.name, loop->turns);
    for (int fd = 0; fd < loop->watch_room; fd++)
        for (int i = 0; i < 2; i++)
            if (loop->watches[fd].watchers[i].call != NULL)
                fprintf(out, "  descriptor %d, to %s: %s\n", fd,
                        i == 0 ? "read" : "write",
                        loop->watches[fd].watchers[i].name);
    for (size_t i = 0; i < loop->timer_count; i++) {
        const struct loop_slot *slot = &loop->slots[loop->timers[i].slot];
        if (slot->call != NULL)
            fprintf(out, "  timer, due in %.3f s: %s\n",
                    loop->timers[i].when - now, slot->name);
    }
    for (size_t i = 0; i < loop->ready_count; i++) {
        size_t at = (loop->ready_first + i) & (loop->ready_room - 1);
        const struct loop_slot *slot = &loop->slots[loop->ready[at]];
        if (slot->call != NULL)
            fprintf(out, "  ready: %s\n", slot->name);
    }
    if (loop->dump_tasks != NULL)
        loop->dump_tasks(loop, out);
}
