/* echo_select.c: one thread waits for all clients at once, with select.
 *
 * Cells: C03, C04
 * Run:   make echo_select
 *        make echo_select ARGS='-p 15000', and `nc 127.0.0.1 15000` twice
 * Ask:   one thread, two clients, and nobody knows who will speak first: for
 *        which of them should it wait?
 * Watch: for both; the second is answered while the first is silent.
 * See:   echo_blocking.c, which waits for one; echo_poll.c, without the bound
 *        on descriptors; echo.c, what is answered
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/select.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"

static struct echo_server server = ECHO_SERVER_DEFAULTS;

/* By descriptor. */
static struct echo *clients[FD_SETSIZE];

/* Sets of bits, one for each descriptor: who is to be waited for. */
static fd_set reading, writing;
static int end; /* one more than the highest that ever was in them */

static void watch(int fd, enum echo_wants wants)
{
    FD_CLR(fd, &reading);
    FD_CLR(fd, &writing);
    if (wants == ECHO_READ)
        FD_SET(fd, &reading);
    if (wants == ECHO_WRITE)
        FD_SET(fd, &writing);
    if (fd >= end)
        end = fd + 1;
}

static void welcome(int fd)
{
    /* There is no such bit. FD_SET would not look, and set one in whatever lies
     * behind the set.
     */
    if (fd >= FD_SETSIZE) {
        echo_server_refuse(fd, "select holds no more clients");
        close(fd);
        return;
    }
    clients[fd] = echo_open(fd);
    //> print fd: the bit of this number will be 1 in the set from now on.
    if (clients[fd] != NULL)
        watch(fd, ECHO_READ);
}

static void respond(int fd)
{
    //> recv and send, and neither waits: select has said that there is
    //> something, and the socket would rather fail than block.
    enum echo_wants wants = echo_step(clients[fd]);
    watch(fd, wants);
    if (wants == ECHO_OVER) {
        echo_close(clients[fd]);
        clients[fd] = NULL;
    }
}

/* One turn: waits for whoever is ready. Returns whether to go on. */
static bool turn(void)
{
    /* select answers in the sets in which it was asked: it gets copies. */
    fd_set readable = reading;
    fd_set writable = writing;
    int pause = echo_server_pause(&server);
    struct timeval most = {0, pause * 1000};
    if (pause != -1)
        FD_CLR(server.listener, &readable);
    //> Here it waits, for all of them. The kernel looks at each bit up to end,
    //> and leaves those that are ready.
    int n = select(end, &readable, &writable, NULL, pause == -1 ? NULL : &most);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "select");
    if (n <= 0)
        return true;
    if (FD_ISSET(server.signals, &readable))
        return false;
    int fd;
    if (FD_ISSET(server.listener, &readable))
        while ((fd = echo_server_accept(&server)) != -1)
            welcome(fd);
    //> It does not say who is ready, only that somebody is: each is looked at.
    for (fd = 0; fd < end; fd++)
        if (clients[fd] != NULL &&
            (FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable)))
            respond(fd);
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, all clients at once, with select",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    echo_server_start(&server);
    if (server.listener >= FD_SETSIZE || server.signals >= FD_SETSIZE)
        errx(CLI_ERROR, "select: too many descriptors are open already");

    watch(server.listener, ECHO_READ);
    watch(server.signals, ECHO_READ);
    while (turn())
        continue;
    return echo_server_finish(&server);
}
