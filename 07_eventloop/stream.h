/* stream: sockets whose reading and writing is awaited.
 *
 *     struct stream stream;
 *     stream_open(&stream, loop, fd);
 *     AWAIT_CALL(c, stream_read, .stream = &c->stream, .bytes = c->bytes,
 *                .room = sizeof c->bytes);
 *     AWAIT_CALL(c, stream_write, .stream = &c->stream, .bytes = c->bytes,
 *                .length = c->stream_read.length);
 *     stream_close(&stream);
 *
 * What asyncio.StreamReader and StreamWriter are for:
 *
 *     await reader.read(n)               AWAIT_CALL(c, stream_read, ...)
 *     writer.write(b), await drain()     AWAIT_CALL(c, stream_write, ...)
 *     writer.close()                     stream_close(&stream)
 *     await open_connection(...)         AWAIT_CALL(c, stream_connect, ...), of
 *                                        an address, not of a name
 *     start_server(f, ...)               AWAIT_CALL(c, stream_accept, ...), and
 *                                        a task for each
 *
 * What differs: nothing is read ahead, and nothing is written later. Who does
 * not read holds back the sender, and who writes waits until the kernel has
 * taken all of it, so neither needs a bound.
 *
 * A stream that has been waited for keeps the loop alive until it is closed.
 *
 * Errors are those of errno, as errno_error tells them. One coroutine at a time
 * may read from a stream, and one write to it.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <sys/socket.h>

#include "07_eventloop/sleep_for.h"

struct stream {
    struct loop *loop;
    int fd;                  /* -1: closed */
    unsigned long next_turn; /* in which it may be read from again */
    struct stream_side {
        struct future ready;
        bool waited_for, watched;
    } reading, writing;
};

/* The stream of a socket, which it closes from now on. It makes it one that
 * does not block.
 */
void stream_open(struct stream *s, struct loop *loop, int fd);

/* Closes it, once. Nobody may be reading or writing. */
void stream_close(struct stream *s);

/* Connects to an address, and opens the stream. When it has failed the stream
 * is closed.
 */
struct stream_connect {
    struct gen gen;
    struct stream *stream;
    const struct sockaddr *address;
    socklen_t length;
};
bool stream_connect(void *frame, struct future **awaits);

/* Reads what is there, or waits until something is. Once a turn: a peer who
 * never pauses does not have the loop for itself.
 */
struct stream_read {
    struct gen gen;
    struct stream *stream;
    char *bytes;
    size_t room;
    size_t length; /* how many came; 0: the other side's end */
};
bool stream_read(void *frame, struct future **awaits);

/* Writes all of it. */
struct stream_write {
    struct gen gen;
    struct stream *stream;
    const char *bytes;
    size_t length;
    size_t sent; /* how many of them, also after an error */
};
bool stream_write(void *frame, struct future **awaits);

/* Accepts the next connection from a listening socket. Without a descriptor or
 * memory for it, it says so, waits a moment and tries again: to ask at once
 * again would be to ask for ever.
 */
struct stream_accept {
    struct gen gen;
    struct stream *listener;
    int fd;      /* the connection: to be opened, or closed */
    bool failed; /* it has said so */
    struct sleep_for sleep_for;
};
bool stream_accept(void *frame, struct future **awaits);

#endif
