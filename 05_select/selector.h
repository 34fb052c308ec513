/* selector: many descriptors, and one wait for whichever is ready.
 *
 *     struct selector s;
 *     if (selector_init(&s, NULL) == -1 ||
 *         selector_register(&s, fd, SELECTOR_READ, answer, client) == -1)
 *         err(1, "selector");
 *     for (;;) {
 *         struct selector_event e;
 *         if (selector_wait(&s, -1) == -1)
 *             err(1, "%s", s.name);
 *         while (selector_next(&s, &e))
 *             e.call(e.fd, e.events, e.data);
 *     }
 *
 * After Python's selectors. It says when a call would not block; the call
 * itself is still to be made, and may find that things have changed meanwhile:
 * sockets had better not block.
 *
 * A callback may register, modify and unregister whatever it likes, and close
 * it: an event that was meant for a descriptor which has been unregistered
 * since is dropped, also where its number is another file's by now.
 *
 * Behind it stands one of three system calls, all level-triggered: what is
 * ready and not dealt with is reported again.
 *
 *     select   what is asked and answered are three sets of bits, so that each
 *              wait copies and scans up to the highest descriptor; none may
 *              be FD_SETSIZE (1024) or more
 *     poll     an array of those that are asked for, copied and scanned each
 *              time
 *     epoll    the kernel keeps the set, and tells only those that are ready
 *
 * Not for more than one thread at a time.
 */
#ifndef SELECTOR_H
#define SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* What can be waited for. A descriptor with an error, or whose other end has
 * gone, is ready for all that it is waited for: the call will say what is up.
 */
enum { SELECTOR_READ = 1, SELECTOR_WRITE = 2 };

typedef void selector_callback(int fd, int events, void *data);

struct selector_event {
    int fd;
    int events; /* SELECTOR_READ, SELECTOR_WRITE or both */
    selector_callback *call;
    void *data;
};

struct selector {
    const char *name; /* of the back end: "epoll" */
    const struct selector_backend *backend;
    void *state; /* the back end's */

    struct selector_key *keys; /* by descriptor */
    int room;                  /* that there is for keys */
    int count;                 /* that are registered */

    struct selector_ready *ready; /* what the last wait found */
    int ready_room, ready_count, ready_given;
};

/* An empty selector. The back end is "select", "poll" or "epoll", or NULL for
 * epoll. Returns 0, or -1 with errno: EINVAL for another name, EMFILE, ENFILE,
 * ENOMEM.
 */
int selector_init(struct selector *s, const char *backend);

/* A descriptor that can be read when something is ready, so that one selector,
 * or another loop, can wait for this one. Only epoll has one; -1 with the
 * others.
 */
int selector_fd(const struct selector *s);

/* Frees it. The descriptors in it stay open. */
void selector_destroy(struct selector *s);

/* From now on waits for these events on the descriptor. events must not be 0.
 * Returns 0, or -1 with errno: EEXIST where it is registered already, EBADF,
 * EINVAL, ENOMEM, ERANGE where it is beyond what select can hold, and EPERM for
 * a file that epoll does not take (those on a disk are always ready).
 */
int selector_register(struct selector *s, int fd, int events,
                      selector_callback *call, void *data);

/* The same for one that is registered; ENOENT where it is not. Takes no memory,
 * and fails for no other reason but EINVAL, or in epoll EBADF where the
 * descriptor was closed before it was unregistered.
 */
int selector_modify(struct selector *s, int fd, int events,
                    selector_callback *call, void *data);

/* To be called before the descriptor is closed. Returns 0, or -1 with ENOENT.
 */
int selector_unregister(struct selector *s, int fd);

/* What it waits for on the descriptor: 0 where it is not registered. */
int selector_events(const struct selector *s, int fd);

/* Waits until something is ready, or so many seconds; for ever if negative.
 * Returns how many descriptors are ready, 0 where the time was over or a signal
 * came, or -1 with errno: EBADF where select or poll finds a descriptor that
 * was closed before it was unregistered. (epoll forgets such a one.) Times are
 * rounded up to the next millisecond.
 */
int selector_wait(struct selector *s, double seconds);

/* The next one of those, in no particular order; false after the last. */
bool selector_next(struct selector *s, struct selector_event *event);

#endif
