/* echo_selector.c: each descriptor brings its callback, and the loop calls
 * whichever is ready, whatever it is.
 *
 * Cells: C05
 * Run:   make echo_selector
 *        make echo_selector ARGS='-p 15000 -b poll', and `nc 127.0.0.1 15000`
 * Ask:   the loops of echo_select, echo_poll and echo_epoll know that there
 *        are clients. What has a loop to know that serves anything at all?
 * Watch: the clients hear what they heard before, and the loop is three lines
 *        that do not know what an echo is.
 * See:   selector.c and the back ends behind it; echo_epoll.c; chapter 7,
 *        where such a loop gets timers and tasks
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"
#include "05_select/selector.h"

static struct echo_server server = ECHO_SERVER_DEFAULTS;
static const char *backend = "epoll";
static struct selector selector;
static bool over;

static void respond(int fd, int events, void *data)
{
    struct echo *client = data;
    (void)events;
    //> up: it was the loop that called. It neither knows what this does, nor
    //> that there is a client.
    enum echo_wants wants = echo_step(client);
    if (wants == ECHO_OVER) {
        selector_unregister(&selector, fd);
        echo_close(client);
    } else if (selector_modify(&selector, fd,
                               wants == ECHO_WRITE ? SELECTOR_WRITE
                                                   : SELECTOR_READ,
                               respond, client) == -1) {
        err(CLI_ERROR, "%s", backend);
    }
}

static void welcome(int fd)
{
    struct echo *client = echo_open(fd);
    if (client == NULL)
        return;
    //> When there is something to read, call respond with this client.
    if (selector_register(&selector, fd, SELECTOR_READ, respond, client) ==
        -1) {
        echo_server_refuse(fd, errno == ERANGE ? "select holds no more clients"
                                               : strerror(errno));
        echo_close(client);
    }
}

static void welcome_all(int listener, int events, void *data)
{
    int fd;
    (void)listener;
    (void)events;
    (void)data;
    while ((fd = echo_server_accept(&server)) != -1)
        welcome(fd);
}

static void stop(int fd, int events, void *data)
{
    (void)fd;
    (void)events;
    (void)data;
    over = true;
}

/* The listening socket is registered, except while accepting is put aside. */
static void listen_or_not(bool now)
{
    bool listening = selector_events(&selector, server.listener) != 0;
    if (now && !listening &&
        selector_register(&selector, server.listener, SELECTOR_READ,
                          welcome_all, NULL) == -1)
        err(CLI_ERROR, "%s", backend);
    if (!now && listening)
        selector_unregister(&selector, server.listener);
}

static void run(void)
{
    while (!over) {
        struct selector_event e;
        int pause = echo_server_pause(&server);
        listen_or_not(pause == -1);
        //> Here it waits, for all that is registered.
        if (selector_wait(&selector, pause == -1 ? -1 : pause / 1000.0) == -1)
            err(CLI_ERROR, "%s", backend);
        //> step: into welcome_all, respond or stop, as was said beforehand.
        while (selector_next(&selector, &e))
            e.call(e.fd, e.events, e.data);
    }
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, all clients at once, with callbacks",
        .options = {{'b', "backend", "wait with {select}, poll or epoll",
                     CLI_TEXT(&backend)},
                    ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    if (selector_init(&selector, backend) == -1) {
        if (errno == EINVAL)
            errx(CLI_USAGE, "-b '%s': not select, poll or epoll", backend);
        err(CLI_ERROR, "%s", backend);
    }
    echo_server_start(&server);

    if (selector_register(&selector, server.signals, SELECTOR_READ, stop,
                          NULL) == -1)
        err(CLI_ERROR, "%s", backend);
    run();
    selector_destroy(&selector);
    return echo_server_finish(&server);
}
