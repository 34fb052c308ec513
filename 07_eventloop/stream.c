#include "07_eventloop/stream.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const struct future_kind reading = {.name = "something to read"};
static const struct future_kind writing = {.name = "room to write"};

/* --- Ready to read, ready to write ----------------------------------------- */

/* A side is watched from the first wait on, also between two waits: as a rule
 * the next one follows. When it is ready and nobody waits the watch ends, or it
 * would call for ever.
 */
static void ready(struct stream *s, struct stream_side *side, int event)
{
    if (!side->waited_for) {
        loop_remove_watch(s->loop, s->fd, event);
        side->watched = false;
        return;
    }
    /* In a turn to come the next wait would find it ready again. */
    future_set_result_now(&side->ready, NULL);
}

static void can_read(void *data)
{
    struct stream *s = data;
    ready(s, &s->reading, SELECTOR_READ);
}

static void can_write(void *data)
{
    struct stream *s = data;
    ready(s, &s->writing, SELECTOR_WRITE);
}

/* A future that is done when the stream is ready, or done at once with the
 * error why that cannot be told.
 */
static struct future *when_readable(struct stream *s)
{
    struct stream_side *side = &s->reading;
    future_init(&side->ready, s->loop, &reading);
    if (!side->watched && loop_add_reader(s->loop, s->fd, can_read, s) == -1)
        future_set_error(&side->ready, errno_error(errno));
    else
        side->waited_for = side->watched = true;
    return &side->ready;
}

static struct future *when_writable(struct stream *s)
{
    struct stream_side *side = &s->writing;
    future_init(&side->ready, s->loop, &writing);
    if (!side->watched && loop_add_writer(s->loop, s->fd, can_write, s) == -1)
        future_set_error(&side->ready, errno_error(errno));
    else
        side->waited_for = side->watched = true;
    return &side->ready;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* --- Beginning and end ----------------------------------------------------- */

/* One that does not block. What is to come is hardly ever there already. */
static void open_it(struct stream *s, struct loop *loop, int fd)
{
    *s = (struct stream){.loop = loop, .fd = fd, .next_turn = loop->turns + 1};
}

void stream_open(struct stream *s, struct loop *loop, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if ((flags & O_NONBLOCK) == 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    open_it(s, loop, fd);
}

void stream_close(struct stream *s)
{
    if (s->fd == -1)
        return;
    loop_remove_reader(s->loop, s->fd);
    loop_remove_writer(s->loop, s->fd);
    close(s->fd);
    s->fd = -1;
}

bool stream_connect(void *frame, struct future **awaits)
{
    struct stream_connect *c = frame;
    GEN_BEGIN(c);
    c->stream->fd = -1;
    int fd = socket(c->address->sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        GEN_RAISE(c, errno_error(errno));
    open_it(c->stream, loop_running(), fd);
    if (connect(fd, c->address, c->length) == -1) {
        if (errno != EINPROGRESS && errno != EINTR)
            GEN_RAISE(c, errno_error(errno));
        when_writable(c->stream);
        AWAIT(c, &c->stream->writing.ready);
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(c->stream->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            GEN_RAISE(c, errno_error(error));
    }
    GEN_END(c);
    c->stream->writing.waited_for = false;
    if (c->gen.error != NULL)
        stream_close(c->stream);
    return false;
}

/* --- Reading and writing --------------------------------------------------- */

bool stream_read(void *frame, struct future **awaits)
{
    struct stream_read *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        struct stream *s = c->stream;
        ssize_t n = -1;
        errno = EAGAIN;
        if (s->next_turn <= s->loop->turns)
            n = recv(s->fd, c->bytes, c->room, 0);
        if (n >= 0) {
            c->length = (size_t)n;
            s->next_turn = s->loop->turns + 1;
            break;
        }
        if (errno != EINTR && !would_block())
            GEN_RAISE(c, errno_error(errno));
        when_readable(s);
        AWAIT(c, &c->stream->reading.ready);
    }
    GEN_END(c);
    c->stream->reading.waited_for = false;
    return false;
}

bool stream_write(void *frame, struct future **awaits)
{
    struct stream_write *c = frame;
    GEN_BEGIN(c);
    c->sent = 0;
    while (c->sent < c->length) {
        ssize_t n = send(c->stream->fd, c->bytes + c->sent, c->length - c->sent,
                         MSG_NOSIGNAL);
        if (n >= 0) {
            c->sent += (size_t)n;
            continue;
        }
        if (errno != EINTR && !would_block())
            GEN_RAISE(c, errno_error(errno));
        when_writable(c->stream);
        AWAIT(c, &c->stream->writing.ready);
    }
    /* The answer cannot be there before the next turn. */
    c->stream->next_turn = c->stream->loop->turns + 1;
    GEN_END(c);
    c->stream->writing.waited_for = false;
    return false;
}

/* --- Accepting ------------------------------------------------------------- */

/* Whether the connection itself has failed, not our means for it. */
static bool is_gone(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

bool stream_accept(void *frame, struct future **awaits)
{
    struct stream_accept *c = frame;
    GEN_BEGIN(c);
    while ((c->fd = accept4(c->listener->fd, NULL, NULL,
                            SOCK_NONBLOCK | SOCK_CLOEXEC)) == -1) {
        if (is_gone(errno))
            continue;
        if (would_block()) {
            when_readable(c->listener);
            AWAIT(c, &c->listener->reading.ready);
            continue;
        }
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS &&
            errno != ENOMEM)
            GEN_RAISE(c, errno_error(errno));
        if (!c->failed)
            warn("accept");
        c->failed = true;
        AWAIT_CALL(c, sleep_for, .seconds = 0.1);
    }
    GEN_END(c);
    c->listener->reading.waited_for = false;
    return false;
}
