/* streams_echo.c: the echo server once more: a coroutine for each client, that
 * reads, then writes, as if it were alone.
 *
 * Cells: C11
 * Run:   make streams_echo
 *        make streams_echo ARGS='-p 15000', and `nc 127.0.0.1 15000` twice
 * Ask:   echo_blocking was a loop of recv and send, and served one client. In
 *        how many lines does this one differ from it?
 * Watch: it reads like that one and behaves like echo_epoll: the second client
 *        is answered while the first is silent.
 * See:   05_select/echo_blocking.c, echo_selector.c; stream.c, the high level
 *        (streams), and loop.h, the low one (readers, writers, timers)
 */
#include <err.h>
#include <errno.h>

#include "01_files/cli.h"
#include "05_select/echo_server.h"
#include "07_eventloop/stream.h"

enum { SIZE = 4096 };

static struct echo_server server = ECHO_SERVER_DEFAULTS;

static void to_upper(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (char)(bytes[i] - 'a' + 'A');
}

/* --- A client -------------------------------------------------------------- */

struct client {
    struct gen gen;
    int fd;
    const char *error;
    struct stream stream;
    struct stream_read stream_read;
    struct stream_write stream_write;
    char buffer[SIZE];
};

static bool client(void *frame, struct future **awaits)
{
    struct client *c = frame;
    GEN_BEGIN(c);
    stream_open(&c->stream, loop_running(), c->fd);
    do {
        //> A client, alone in the world. Nothing is there yet: it lets the
        //> others run.
        AWAIT_CALL_TRY(c, stream_read, .stream = &c->stream, .bytes = c->buffer,
                       .room = SIZE);
        c->error = gen_catch(&c->gen);
        if (c->error != NULL || c->stream_read.length == 0)
            break;
        to_upper(c->buffer, c->stream_read.length);
        //> print c->stream_read.length. Whoever does not listen is waited for
        //> here, and by this coroutine alone; nor is it listened to meanwhile.
        AWAIT_CALL_TRY(c, stream_write, .stream = &c->stream,
                       .bytes = c->buffer, .length = c->stream_read.length);
        c->error = gen_catch(&c->gen);
    } while (c->error == NULL);
    if (c->error == errno_error(ERANGE))
        echo_server_refuse(c->stream.fd, "select holds no more clients");
    GEN_END(c);
    //> The client has left; or the server ends, and throws CancelledError into
    //> whoever is still here. Either way the connection is closed.
    stream_close(&c->stream);
    return false;
}

/* --- The server ------------------------------------------------------------ */

struct serve {
    struct gen gen;
    struct stream listener;
    struct stream_accept stream_accept;
};

static void end(void *task)
{
    loop_remove_reader(loop_running(), server.signals);
    future_cancel(task);
}

static bool serve(void *frame, struct future **awaits)
{
    struct serve *c = frame;
    GEN_BEGIN(c);
    if (loop_add_reader(loop_running(), server.signals, end,
                        &task_current()->future) == -1)
        err(CLI_ERROR, "loop");
    stream_open(&c->listener, loop_running(), server.listener);
    server.listener = -1;
    for (;;) {
        AWAIT_CALL(c, stream_accept, .listener = &c->listener);
        //> Somebody comes, and gets a task. It begins in the next turn.
        task_release(
            task_create(loop_running(), client, .fd = c->stream_accept.fd));
    }
    GEN_END(c);
    stream_close(&c->listener);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, a coroutine for each client",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    echo_server_start(&server);
    const char *error = loop_run(serve, .listener = {.fd = -1});
    if (error != error_cancelled)
        errx(CLI_ERROR, "%s", error);
    return echo_server_finish(&server);
}
