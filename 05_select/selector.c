#include "05_select/selector.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "05_select/selector_backend.h"

int selector_init(struct selector *s, const char *backend)
{
    static const struct selector_backend *const backends[] = {
        &selector_epoll, &selector_poll, &selector_select};
    *s = (struct selector){0};
    for (size_t i = 0; i < 3 && s->backend == NULL; i++)
        if (backend == NULL || strcmp(backend, backends[i]->name) == 0)
            s->backend = backends[i];
    if (s->backend == NULL) {
        errno = EINVAL;
        return -1;
    }
    s->name = s->backend->name;
    return s->backend->init(s);
}

int selector_fd(const struct selector *s)
{
    return s->backend->fd == NULL ? -1 : s->backend->fd(s);
}

void selector_destroy(struct selector *s)
{
    s->backend->destroy(s);
    free(s->keys);
    free(s->ready);
}

int selector_events(const struct selector *s, int fd)
{
    return fd >= 0 && fd < s->room ? s->keys[fd].events : 0;
}

/* Room for the descriptor's key, and to find one more ready. */
static int make_room(struct selector *s, int fd)
{
    if (fd >= s->room) {
        int room = fd < 32 ? 64 : 2 * fd;
        struct selector_key *keys =
            reallocarray(s->keys, (size_t)room, sizeof *keys);
        if (keys == NULL)
            return -1;
        memset(keys + s->room, 0, (size_t)(room - s->room) * sizeof *keys);
        s->keys = keys;
        s->room = room;
    }
    if (s->count == s->ready_room) {
        int room = s->count == 0 ? 64 : 2 * s->count;
        struct selector_ready *ready =
            reallocarray(s->ready, (size_t)room, sizeof *ready);
        if (ready == NULL)
            return -1;
        s->ready = ready;
        s->ready_room = room;
    }
    return 0;
}

static bool are_events(int events)
{
    return events != 0 && (events & ~(SELECTOR_READ | SELECTOR_WRITE)) == 0;
}

int selector_register(struct selector *s, int fd, int events,
                      selector_callback *call, void *data)
{
    /* Asked of the kernel, since only epoll would ask; and a table up to a
     * number that is none could be a big one.
     */
    if (fd < 0 || fd > INT_MAX / 2 || fcntl(fd, F_GETFD) == -1)
        errno = EBADF;
    else if (!are_events(events))
        errno = EINVAL;
    else if (selector_events(s, fd) != 0)
        errno = EEXIST;
    else if (make_room(s, fd) == 0) {
        struct selector_key *key = &s->keys[fd];
        key->call = call;
        key->data = data;
        key->serial++;
        if (s->backend->change(s, fd, 0, events) == -1)
            return -1;
        key->events = events;
        s->count++;
        return 0;
    }
    return -1;
}

int selector_modify(struct selector *s, int fd, int events,
                    selector_callback *call, void *data)
{
    int before = selector_events(s, fd);
    if (before == 0 || !are_events(events)) {
        errno = before == 0 ? ENOENT : EINVAL;
        return -1;
    }
    if (events != before && s->backend->change(s, fd, before, events) == -1)
        return -1;
    struct selector_key *key = &s->keys[fd];
    key->call = call;
    key->data = data;
    key->events = events;
    return 0;
}

int selector_unregister(struct selector *s, int fd)
{
    int before = selector_events(s, fd);
    if (before == 0) {
        errno = ENOENT;
        return -1;
    }
    /* What could go wrong is that the descriptor is closed already, and then
     * the kernel has forgotten it by itself.
     */
    s->backend->change(s, fd, before, 0);
    s->keys[fd].events = 0;
    s->count--;
    return 0;
}

/* Rounded up: whoever wakes a little early would find nothing to do, and wait
 * for nothing again and again.
 */
static int milliseconds(double seconds)
{
    if (seconds < 0)
        return -1;
    if (seconds > INT_MAX / 1000 - 1)
        return INT_MAX;
    int whole = (int)(seconds * 1000);
    return whole < seconds * 1000 ? whole + 1 : whole;
}

int selector_wait(struct selector *s, double seconds)
{
    s->ready_count = s->ready_given = 0;
    if (s->backend->wait(s, milliseconds(seconds)) == 0)
        return s->ready_count;
    /* Not what poll had found before it came to one that is closed. */
    s->ready_count = 0;
    return errno == EINTR ? 0 : -1;
}

void selector_found(struct selector *s, int fd, int events, unsigned serial)
{
    if (s->ready_count < s->ready_room)
        s->ready[s->ready_count++] =
            (struct selector_ready){fd, events, serial};
}

bool selector_next(struct selector *s, struct selector_event *event)
{
    while (s->ready_given < s->ready_count) {
        const struct selector_ready *ready = &s->ready[s->ready_given++];
        const struct selector_key *key = &s->keys[ready->fd];
        int events = ready->events & key->events;
        /* Unregistered since, or registered anew, or no longer for that? */
        if (events == 0 || key->serial != ready->serial)
            continue;
        *event =
            (struct selector_event){ready->fd, events, key->call, key->data};
        return true;
    }
    return false;
}
