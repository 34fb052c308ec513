/* sink: a file that is written in the executor, and that nobody sees before it
 * is whole.
 *
 *     sink_init(&c->sink, folder, "name", false);
 *     AWAIT_CALL(c, sink_open, .sink = &c->sink);
 *     AWAIT_CALL(c, sink_write, .sink = &c->sink, .bytes = "hello",
 *                .length = 5);
 *     AWAIT_CALL(c, sink_close, .sink = &c->sink);
 *
 * and whichever way that ended, AWAIT_CALL(c, sink_drop, .sink = &c->sink),
 * which takes away what is not whole.
 *
 * Disks block: no poll(2) tells when a file can be written without waiting. So
 * a thread waits for it, and the loop for the thread. Between the two lies one
 * buffer: when it is full, whoever writes waits until it is on its way to the
 * disk, and reads nothing from its socket meanwhile. That is how a slow disk
 * holds back a fast server, and why a body of any length needs no more memory
 * than a short one.
 *
 * Until it is closed the file has no name at all (O_TMPFILE), so that whatever
 * ends the program, be it kill -9, ends the file. Where the file system has no
 * such files it is called ".fetcher-4711-3" until then. Errors are those of
 * errno, as errno_error tells them. One coroutine at a time. Whoever is
 * cancelled is so only when the disk has done what it was at.
 */
#ifndef SINK_H
#define SINK_H

#include "07_eventloop/until_home.h"

enum { SINK_BUFFER = 64 * 1024 };

struct sink {
    int folder;
    const char *name;
    bool sync;
    int fd;        /* the rest is its own; -1: closed */
    bool named;    /* it stands in the folder, under the name below */
    char part[40]; /* until it is whole */
    char *bytes;   /* the buffer */
    size_t length; /* so much of it is still to be written */
    struct sink *next, **link;
};

/* A file of that name in the folder, which is open. With sync, what is closed
 * will be there after a power cut.
 */
void sink_init(struct sink *s, int folder, const char *name, bool sync);

struct sink_open {
    struct gen gen;
    struct sink *sink;
    struct until_home until_home; /* its own */
};
bool sink_open(void *frame, struct future **awaits);

struct sink_write {
    struct gen gen;
    struct sink *sink;
    const char *bytes;
    size_t length;
    struct until_home until_home; /* its own */
};
bool sink_write(void *frame, struct future **awaits);

/* Writes the rest, and gives the file its name; what had that name before is
 * replaced. Cancelled when that is done already it ends well: the file is
 * there.
 */
struct sink_close {
    struct gen gen;
    struct sink *sink;
    struct until_home until_home; /* its own */
};
bool sink_close(void *frame, struct future **awaits);

/* Takes away the file, unless it has been closed. The sink may go then. A
 * program that ends by exit(3) in between takes them away as well.
 */
struct sink_drop {
    struct gen gen;
    struct sink *sink;
    struct until_home until_home; /* its own */
};
bool sink_drop(void *frame, struct future **awaits);

#endif
