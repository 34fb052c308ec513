#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "05_select/selector_backend.h"

/* More are told by the next wait. */
enum { AT_ONCE = 256 };

struct state {
    int fd;
    struct epoll_event found[AT_ONCE];
};

static int init(struct selector *s)
{
    struct state *state = malloc(sizeof *state);
    if (state == NULL)
        return -1;
    state->fd = epoll_create1(EPOLL_CLOEXEC);
    if (state->fd == -1) {
        free(state);
        return -1;
    }
    s->state = state;
    return 0;
}

static void destroy(struct selector *s)
{
    struct state *state = s->state;
    close(state->fd);
    free(state);
}

static int change(struct selector *s, int fd, int before, int now)
{
    const struct state *state = s->state;
    /* The kernel gives the word back as it is. With the serial number in it an
     * event tells which registration it is for, even where the file behind a
     * descriptor that was closed lives on in a child, and still reports.
     */
    struct epoll_event e = {
        .events = (now & SELECTOR_READ ? (uint32_t)EPOLLIN : 0) |
                  (now & SELECTOR_WRITE ? (uint32_t)EPOLLOUT : 0),
        .data.u64 = (uint64_t)s->keys[fd].serial << 32 | (uint32_t)fd};
    int what = EPOLL_CTL_MOD;
    if (before == 0)
        what = EPOLL_CTL_ADD;
    else if (now == 0)
        what = EPOLL_CTL_DEL;
    return epoll_ctl(state->fd, what, fd, &e);
}

static int wait_for(struct selector *s, int milliseconds)
{
    struct state *state = s->state;
    int most = s->ready_room < AT_ONCE ? s->ready_room : AT_ONCE;
    /* It wants room for one at least, also where nothing is registered. */
    int n =
        epoll_wait(state->fd, state->found, most > 0 ? most : 1, milliseconds);
    for (int i = 0; i < n; i++) {
        const struct epoll_event *e = &state->found[i];
        int events = 0;
        if (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            events |= SELECTOR_READ;
        if (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            events |= SELECTOR_WRITE;
        selector_found(s, (int)(uint32_t)e->data.u64, events,
                       (unsigned)(e->data.u64 >> 32));
    }
    return n == -1 ? -1 : 0;
}

static int own_fd(const struct selector *s)
{
    const struct state *state = s->state;
    return state->fd;
}

const struct selector_backend selector_epoll = {"epoll", init,     destroy,
                                                change,  wait_for, own_fd};
