#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "05_select/selector_backend.h"

/* The array is dense: the last one takes the place of one that leaves. */
struct state {
    struct pollfd *polled;
    int count, room;
};

static int init(struct selector *s)
{
    s->state = calloc(1, sizeof(struct state));
    return s->state == NULL ? -1 : 0;
}

static void destroy(struct selector *s)
{
    struct state *state = s->state;
    free(state->polled);
    free(state);
}

static int add(struct selector *s, int fd)
{
    struct state *state = s->state;
    if (state->count == state->room) {
        int room = state->room == 0 ? 64 : 2 * state->room;
        struct pollfd *polled =
            reallocarray(state->polled, (size_t)room, sizeof *polled);
        if (polled == NULL)
            return -1;
        state->polled = polled;
        state->room = room;
    }
    s->keys[fd].place = state->count;
    state->polled[state->count++].fd = fd;
    return 0;
}

static void drop(struct selector *s, int fd)
{
    struct state *state = s->state;
    struct pollfd last = state->polled[--state->count];
    s->keys[last.fd].place = s->keys[fd].place;
    state->polled[s->keys[fd].place] = last;
}

static int change(struct selector *s, int fd, int before, int now)
{
    struct state *state = s->state;
    if (before == 0 && add(s, fd) == -1)
        return -1;
    if (now == 0)
        drop(s, fd);
    else
        state->polled[s->keys[fd].place].events =
            (short)((now & SELECTOR_READ ? POLLIN : 0) |
                    (now & SELECTOR_WRITE ? POLLOUT : 0));
    return 0;
}

static int wait_for(struct selector *s, int milliseconds)
{
    const struct state *state = s->state;
    int left = poll(state->polled, (nfds_t)state->count, milliseconds);
    if (left == -1)
        return -1;
    for (int i = 0; i < state->count && left > 0; i++) {
        const struct pollfd *p = &state->polled[i];
        int events = 0;
        if (p->revents == 0)
            continue;
        left--;
        if (p->revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        if (p->revents & (POLLIN | POLLHUP | POLLERR))
            events |= SELECTOR_READ;
        if (p->revents & (POLLOUT | POLLHUP | POLLERR))
            events |= SELECTOR_WRITE;
        selector_found(s, p->fd, events, s->keys[p->fd].serial);
    }
    return 0;
}

const struct selector_backend selector_poll = {"poll", init,     destroy,
                                               change, wait_for, NULL};
