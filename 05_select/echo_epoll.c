/* echo_epoll.c: one thread waits for all clients at once, with epoll, and is
 * told only of those that are ready.
 *
 * Cells: C03
 * Run:   make echo_epoll
 *        make echo_epoll ARGS='-p 15000', and `nc 127.0.0.1 15000` twice
 * Ask:   10,000 clients, and one of them speaks. How many lines does poll read
 *        to find it? And who could know without reading any?
 * Watch: the clients hear what they heard from echo_poll; but there is no table
 *        of them here, and nobody looks for who is ready.
 * See:   echo_poll.c; echo_selector.c, the three behind one interface; c10k.c,
 *        the price of each; kqueue(2) is what the BSDs and macOS have
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"

/* More are told by the next wait. */
enum { AT_ONCE = 256 };

static struct echo_server server = ECHO_SERVER_DEFAULTS;

/* The table of clients is in the kernel; this descriptor stands for it. */
static int epoll;

/* Adds a descriptor, or changes what it is waited for. The kernel gives the
 * pointer back with the answer.
 */
static int watch(int what, int fd, uint32_t events, void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = data};
    return epoll_ctl(epoll, what, fd, &event);
}

static void welcome(int fd)
{
    struct echo *client = echo_open(fd);
    if (client == NULL)
        return;
    //> Said once. Select and poll are told of this client in every turn.
    if (watch(EPOLL_CTL_ADD, fd, EPOLLIN, client) == -1) {
        echo_server_refuse(fd, strerror(errno));
        echo_close(client);
    }
}

static void respond(struct echo *client)
{
    enum echo_wants before = client->wants;
    //> recv and send, and neither waits: epoll has said that there is
    //> something, and the socket would rather fail than block.
    enum echo_wants wants = echo_step(client);
    if (wants == ECHO_OVER)
        echo_close(client); /* which takes it out of the kernel's table */
    else if (wants != before &&
             watch(EPOLL_CTL_MOD, client->fd,
                   wants == ECHO_WRITE ? EPOLLOUT : EPOLLIN, client) == -1)
        err(CLI_ERROR, "epoll_ctl");
}

/* The listening socket is in the table too, except while accepting is put
 * aside.
 */
static void listen_or_not(bool now)
{
    static bool listening;
    if (now == listening)
        return;
    listening = now;
    if (watch(now ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server.listener, EPOLLIN,
              &server.listener) == -1)
        err(CLI_ERROR, "epoll_ctl");
}

/* One turn: waits for whoever is ready. Returns whether to go on. */
static bool turn(void)
{
    struct epoll_event ready[AT_ONCE];
    int pause = echo_server_pause(&server);
    listen_or_not(pause == -1);
    //> Here it waits, for all of them, and hands over no table. What comes back
    //> are those that are ready, and nobody else.
    int n = epoll_wait(epoll, ready, AT_ONCE, pause);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "epoll_wait");
    for (int i = 0; i < n; i++) {
        //> print ready[0]@n: the pointer is what was given to epoll_ctl.
        void *who = ready[i].data.ptr;
        int fd;
        if (who == &server.signals)
            return false;
        if (who != &server.listener)
            respond(who);
        else
            while ((fd = echo_server_accept(&server)) != -1)
                welcome(fd);
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, all clients at once, with epoll",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    echo_server_start(&server);

    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll == -1)
        err(CLI_ERROR, "epoll_create1");
    if (watch(EPOLL_CTL_ADD, server.signals, EPOLLIN, &server.signals) == -1)
        err(CLI_ERROR, "epoll_ctl");
    while (turn())
        continue;
    close(epoll);
    return echo_server_finish(&server);
}
