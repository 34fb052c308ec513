#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>

#include "05_select/selector_backend.h"

struct state {
    int end; /* one more than the highest descriptor in a set */
    fd_set reading, writing;
};

static int init(struct selector *s)
{
    s->state = calloc(1, sizeof(struct state));
    return s->state == NULL ? -1 : 0;
}

static void destroy(struct selector *s)
{
    free(s->state);
}

static int change(struct selector *s, int fd, int before, int now)
{
    struct state *state = s->state;
    (void)before;
    /* FD_SET does not look, and would write past the end of the set. */
    if (fd >= FD_SETSIZE) {
        errno = ERANGE;
        return -1;
    }
    FD_CLR(fd, &state->reading);
    FD_CLR(fd, &state->writing);
    if (now & SELECTOR_READ)
        FD_SET(fd, &state->reading);
    if (now & SELECTOR_WRITE)
        FD_SET(fd, &state->writing);
    if (now != 0 && fd >= state->end)
        state->end = fd + 1;
    while (state->end > 0 && !FD_ISSET(state->end - 1, &state->reading) &&
           !FD_ISSET(state->end - 1, &state->writing))
        state->end--;
    return 0;
}

static int wait_for(struct selector *s, int milliseconds)
{
    const struct state *state = s->state;
    /* The kernel answers in the sets in which it was asked. */
    fd_set reading = state->reading;
    fd_set writing = state->writing;
    struct timeval t = {milliseconds / 1000,
                        (suseconds_t)(milliseconds % 1000) * 1000};
    int left = select(state->end, &reading, &writing, NULL,
                      milliseconds == -1 ? NULL : &t);
    if (left == -1)
        return -1;
    for (int fd = 0; fd < state->end && left > 0; fd++) {
        int events = 0;
        if (FD_ISSET(fd, &reading))
            events |= SELECTOR_READ;
        if (FD_ISSET(fd, &writing))
            events |= SELECTOR_WRITE;
        if (events == 0)
            continue;
        left -= events == (SELECTOR_READ | SELECTOR_WRITE) ? 2 : 1;
        selector_found(s, fd, events, s->keys[fd].serial);
    }
    return 0;
}

const struct selector_backend selector_select = {"select", init,     destroy,
                                                 change,   wait_for, NULL};
