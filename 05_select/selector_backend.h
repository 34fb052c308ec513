/* selector_backend: what select, poll and epoll have to offer to the selector.
 */
#ifndef SELECTOR_BACKEND_H
#define SELECTOR_BACKEND_H

#include "05_select/selector.h"

struct selector_key {
    int events; /* 0: not registered */
    selector_callback *call;
    void *data;
    unsigned serial; /* of this registration; another one has another */
    int place;       /* the back end's */
};

struct selector_ready {
    int fd;
    int events;
    unsigned serial;
};

/* Each returns -1 with errno where it fails. */
struct selector_backend {
    const char *name;
    int (*init)(struct selector *s);
    void (*destroy)(struct selector *s);
    /* From the events of before to those of now; 0 is none. s->keys[fd] has
     * the other members by then.
     */
    int (*change)(struct selector *s, int fd, int before, int now);
    /* Calls selector_found for each; milliseconds of -1 are for ever. */
    int (*wait)(struct selector *s, int milliseconds);
    /* NULL: it has none. */
    int (*fd)(const struct selector *s);
};

extern const struct selector_backend selector_select, selector_poll,
    selector_epoll;

/* There is room for as many as are registered. */
void selector_found(struct selector *s, int fd, int events, unsigned serial);

#endif
