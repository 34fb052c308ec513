/* echo_poll.c: one thread waits for all clients at once, with poll.
 *
 * Cells: C03
 * Run:   make echo_poll
 *        make echo_poll ARGS='-p 15000', and `nc 127.0.0.1 15000` twice
 * Ask:   select has a bit for each descriptor up to 1023. What would you hand
 *        to the kernel instead, so that there is no such bound?
 * Watch: the clients hear what they heard from echo_select; the question and
 *        the answer stand side by side now, in one line for each client.
 * See:   echo_select.c; echo_epoll.c, which does not ask about all of them
 *        each time; c10k.c, where that matters
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"

static struct echo_server server = ECHO_SERVER_DEFAULTS;

/* What poll is asked: two lines of our own, then one for each client, who
 * stands at the same place of the other table. No gaps.
 */
enum { SIGNALS, LISTENER, FIRST };
static struct pollfd *polled;
static struct echo **clients;
static int count, room;

/* Two tables that grow together. Returns whether there is a place. */
static bool make_room(void)
{
    if (count < room)
        return true;
    int more = room == 0 ? 64 : 2 * room;
    void *p = reallocarray(polled, (size_t)more, sizeof *polled);
    if (p != NULL)
        polled = p;
    void *c = reallocarray(clients, (size_t)more, sizeof(struct echo *));
    if (c != NULL)
        clients = c;
    if (p == NULL || c == NULL)
        return false;
    room = more;
    return true;
}

static void welcome(int fd)
{
    if (!make_room()) {
        echo_server_refuse(fd, "no memory for one more");
        close(fd);
        return;
    }
    struct echo *client = echo_open(fd);
    if (client == NULL)
        return;
    clients[count] = client;
    //> One line more: the descriptor, and what it is waited for.
    polled[count++] = (struct pollfd){fd, POLLIN, 0};
}

static void respond(int i)
{
    //> recv and send, and neither waits: poll has said that there is
    //> something, and the socket would rather fail than block.
    enum echo_wants wants = echo_step(clients[i]);
    polled[i].events = wants == ECHO_WRITE ? POLLOUT : POLLIN;
    if (wants == ECHO_OVER) {
        echo_close(clients[i]);
        /* The last one takes the place. */
        count--;
        clients[i] = clients[count];
        polled[i] = polled[count];
    }
}

/* One turn: waits for whoever is ready. Returns whether to go on. */
static bool turn(void)
{
    int pause = echo_server_pause(&server);
    /* A negative descriptor is passed over. */
    polled[LISTENER].fd = pause == -1 ? server.listener : -1;
    //> Here it waits, for all of them. The kernel reads every line, and writes
    //> into its last column what the descriptor is ready for.
    int n = poll(polled, (nfds_t)count, pause);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "poll");
    if (n <= 0)
        return true;
    if (polled[SIGNALS].revents != 0)
        return false;
    //> print polled[0]@count: who is ready? Also who has an error, or has hung
    //> up, which nobody asks for.
    for (int i = count - 1; i >= FIRST; i--)
        if (polled[i].revents != 0)
            respond(i);
    int fd;
    if (polled[LISTENER].revents != 0)
        while ((fd = echo_server_accept(&server)) != -1)
            welcome(fd);
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, all clients at once, with poll",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    if (!make_room())
        err(CLI_ERROR, "the table of clients");
    echo_server_start(&server);

    polled[SIGNALS] = (struct pollfd){server.signals, POLLIN, 0};
    polled[LISTENER] = (struct pollfd){server.listener, POLLIN, 0};
    count = FIRST;
    while (turn())
        continue;
    free(polled);
    free(clients);
    return echo_server_finish(&server);
}
