#include "07_eventloop/async_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* The end is near: the pidfd will tell when. */
static void kill_it(struct async_process *c, const char *error)
{
    if (c->error == NULL)
        c->error = error;
    kill(-c->child.pid, SIGKILL);
}

static void time_out(void *data)
{
    struct async_process *c = data;
    c->timer = 0;
    c->child.timed_out = true;
    kill_it(c, NULL);
}

static bool cancel(struct future *f)
{
    kill_it(
        (struct async_process *)(void *)((char *)f -
                                         offsetof(struct async_process, end)),
        error_cancelled);
    return true;
}

static const struct future_kind kind = {.name = "async_process",
                                        .cancel = cancel};

/* --- Its pipes ------------------------------------------------------------- */

static void close_output(struct async_process *c, struct child_output *o)
{
    if (o->fd == -1)
        return;
    loop_remove_reader(c->end.loop, o->fd);
    close(o->fd);
    o->fd = -1;
}

/* A full buffer doubles, and a NUL always has room behind the bytes. */
static bool make_room(struct child_output *o, size_t *room)
{
    if (o->length + 1 < *room)
        return true;
    size_t more = *room ? *room * 2 : 4096;
    char *bigger = realloc(o->text, more);
    if (bigger == NULL)
        return false;
    o->text = bigger;
    *room = more;
    return true;
}

/* Reads one piece. Returns how many bytes that were; 0 or less where there is
 * nothing more to be had now.
 */
static ssize_t read_piece(struct async_process *c, struct child_output *o)
{
    size_t *room = &c->room[o == &c->child.err];
    if (!make_room(o, room)) {
        kill_it(c, errno_error(ENOMEM));
        close_output(c, o);
        return -1;
    }
    ssize_t n = read(o->fd, o->text + o->length, *room - o->length - 1);
    if (n > 0) {
        o->length += (size_t)n;
    } else if (n == 0) {
        close_output(c, o);
    } else if (errno != EAGAIN && errno != EINTR) {
        kill_it(c, errno_error(errno));
        close_output(c, o);
    }
    return n;
}

static void read_out(void *data)
{
    struct async_process *c = data;
    read_piece(c, &c->child.out);
}

static void read_err(void *data)
{
    struct async_process *c = data;
    read_piece(c, &c->child.err);
}

/* What stands in the pipe at this moment, and no more: somebody who has left
 * the child's group may be writing on and on.
 */
static void read_rest(struct async_process *c, struct child_output *o)
{
    int left = 0;
    ssize_t n;
    if (o->fd != -1)
        ioctl(o->fd, FIONREAD, &left);
    while (left > 0 && (n = read_piece(c, o)) > 0)
        left -= n < left ? (int)n : left;
}

/* write(2), and where nobody reads any more only an error, not a SIGPIPE. That
 * comes to the thread that writes, so it is this one that blocks it, and takes
 * it from what is pending.
 */
static ssize_t write_quietly(int fd, const char *bytes, size_t length)
{
    sigset_t pipe_only;
    sigset_t before;
    sigset_t pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, bytes, length);
    int why = errno;
    if (n == -1 && why == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return n;
}

static void close_input(struct async_process *c)
{
    if (c->child.in == -1)
        return;
    loop_remove_writer(c->end.loop, c->child.in);
    close(c->child.in);
    c->child.in = -1;
}

static void feed(void *data)
{
    struct async_process *c = data;
    size_t length = strlen(c->child.input + c->sent);
    ssize_t n = write_quietly(c->child.in, c->child.input + c->sent, length);
    if (n >= 0)
        c->sent += (size_t)n;
    /* All of it is there, or it will read no more. */
    if (n == (ssize_t)length || (n == -1 && errno != EAGAIN && errno != EINTR))
        close_input(c);
}

/* --- Its beginning and its end --------------------------------------------- */

/* Everything that the loop knows of it. */
static void leave_loop(struct async_process *c)
{
    loop_cancel(c->end.loop, c->timer);
    loop_remove_reader(c->end.loop, c->child.pidfd);
    close_input(c);
    close_output(c, &c->child.out);
    close_output(c, &c->child.err);
}

static void ended(void *data)
{
    struct async_process *c = data;
    struct child_output *both[] = {&c->child.out, &c->child.err};
    /* All that it wrote is there. */
    for (int i = 0; i < 2; i++)
        read_rest(c, both[i]);
    leave_loop(c);
    child_end(&c->child, false);
    for (int i = 0; i < 2; i++) {
        if (c->error == NULL && !make_room(both[i], &c->room[i]))
            c->error = errno_error(ENOMEM);
        if (c->error == NULL)
            both[i]->text[both[i]->length] = '\0';
    }
    if (c->error != NULL)
        future_set_error(&c->end, c->error);
    else
        future_set_result(&c->end, &c->child);
}

static bool start(struct async_process *c)
{
    struct loop *loop = loop_running();
    if (child_start(&c->child) == -1)
        return false;
    future_init(&c->end, loop, &kind);
    if (loop_add_reader(loop, c->child.pidfd, ended, c) == 0 &&
        loop_add_reader(loop, c->child.out.fd, read_out, c) == 0 &&
        (c->child.merge ||
         loop_add_reader(loop, c->child.err.fd, read_err, c) == 0) &&
        (c->child.in == -1 ||
         loop_add_writer(loop, c->child.in, feed, c) == 0)) {
        if (c->child.seconds > 0)
            c->timer = loop_call_later(loop, c->child.seconds, time_out, c);
        return true;
    }
    int why = errno;
    leave_loop(c);
    child_end(&c->child, true);
    errno = why;
    return false;
}

bool async_process(void *frame, struct future **awaits)
{
    struct async_process *c = frame;
    GEN_BEGIN(c);
    if (!start(c))
        GEN_RAISE(c, errno_error(errno));
    AWAIT(c, &c->end);
    GEN_END(c);
    if (c->gen.error != NULL)
        child_free(&c->child);
    return false;
}
