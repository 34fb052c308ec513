/* server_threads.c: one thread for each connection, and the first only accepts.
 *
 * Cells: A35
 * Run:   make server_threads; make server_threads ARGS='-p 8000'
 *        make server_threads ARGS='-p 8000 -c 2', and `nc 127.0.0.1 8000` thrice
 * Ask:   what do threads share that processes do not, and who closes it?
 * Watch: the same answers as from server in the same time, from one process.
 * See:   server.c, the same with processes; answer.c, what is answered;
 *        download_threads.c, which asks
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/answer.h"
#include "03_processes/serving.h"
#include "04_threads/file_limit.h"

/* Enough for answer_connection, and 4,000 of them are one gigabyte. */
enum { STACK = 256 * 1024 };

/* A connection and its thread. The first thread fills this in before it starts
 * the other, and touches it again only when that has ended: no lock.
 */
struct connection {
    pthread_t thread;
    int fd; /* -1: free */
};

static struct serving serving = SERVING_DEFAULTS;
static struct connection connections[SERVING_CONNECTIONS_MAX];
static int running;
static int listener, signals;

/* Through this pipe a thread says that it ends: its place in the table. */
static int ended[2];

/* The client of the demonstration; once it has ended, its status. */
static pid_t client;
static int client_status;

static void *attend(void *argument)
{
    struct connection *c = argument;
    answer_connection(c->fd, &serving.service);
    int place = (int)(c - connections);
    //> Not closed here: the number could be another connection's before the
    //> first thread knows. It is told now, joins this one, and closes.
    if (write(ended[1], &place, sizeof place) != sizeof place) {
        warn("pipe");
        shutdown(c->fd, SHUT_RDWR); /* nobody will close it */
    }
    return NULL;
}

/* Returns whether there is a thread for the connection now; if not, it is
 * closed.
 */
static bool start_thread(int fd)
{
    struct connection *c = connections;
    while (c->fd != -1)
        c++;
    c->fd = fd;
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0)
        error = pthread_attr_setstacksize(&attributes, STACK);
    //> Another thread begins in attend; this one is not held up by it.
    if (error == 0)
        error = pthread_create(&c->thread, &attributes, attend, c);
    pthread_attr_destroy(&attributes);
    if (error == 0) {
        running++;
        return true;
    }
    errno = error;
    warn("thread %d", running + 1);
    answer_busy(fd, &serving.service);
    close(fd);
    c->fd = -1;
    return false;
}

/* Every thread that has ended is joined, or its stack would stay. */
static void join(struct connection *c)
{
    int error = pthread_join(c->thread, NULL);
    if (error != 0) {
        errno = error;
        err(CLI_ERROR, "pthread_join");
    }
    close(c->fd);
    c->fd = -1;
    running--;
}

static void join_next(void)
{
    int place;
    ssize_t n = read(ended[0], &place, sizeof place);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "pipe");
    if (n > 0)
        join(&connections[place]);
}

/* Connections that stand are cut: whoever waits for one comes back at once. */
static void end_threads(void)
{
    for (int i = 0; i < serving.connections; i++)
        if (connections[i].fd != -1)
            shutdown(connections[i].fd, SHUT_RDWR);
    for (int i = 0; i < serving.connections; i++)
        if (connections[i].fd != -1)
            join(&connections[i]);
}

static void reap_client(void)
{
    int status = 0;
    pid_t pid;
    do
        pid = waitpid(client, &status, WNOHANG);
    while (pid == -1 && errno == EINTR);
    if (pid == client) {
        client = 0;
        client_status = status;
    }
}

/* However this program ends, nobody is left behind. */
static void end_client(void)
{
    if (client == 0)
        return;
    kill(client, SIGTERM);
    while (waitpid(client, NULL, 0) == -1 && errno == EINTR)
        continue;
    client = 0;
}

/* One turn: waits for a connection, a signal or the end of a thread. Returns
 * whether to go on.
 */
static bool turn(bool *pause)
{
    bool full = running == serving.connections;
    struct pollfd polled[] = {{signals, POLLIN, 0},
                              {full || *pause ? -1 : listener, POLLIN, 0},
                              {ended[0], POLLIN, 0}};
    if (poll(polled, 3, *pause ? SERVING_PAUSE : -1) == -1 && errno != EINTR)
        err(CLI_ERROR, "poll");
    *pause = false;
    if (polled[0].revents != 0) {
        if (serving_signal(signals) != SIGCHLD)
            return false;
        if (client != 0)
            reap_client();
    }
    if (polled[2].revents != 0)
        join_next();
    if (polled[1].revents != 0) {
        int fd = serving_accept(listener, pause);
        if (fd != -1)
            *pause = !start_thread(fd);
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "answer over HTTP, one thread for each connection",
        .options = {SERVING_OPTIONS(serving)},
    };
    cli_parse(&cli, argc, argv);

    for (int i = 0; i < SERVING_CONNECTIONS_MAX; i++)
        connections[i].fd = -1;
    if (atexit(end_client) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    file_limit_raise();
    if (pipe2(ended, O_CLOEXEC) == -1)
        err(CLI_ERROR, "pipe");
    //> Signals are blocked before there is a thread: it inherits that, and none
    //> will ever be interrupted by one.
    signals = serving_signals();
    listener = serving_listen(&serving);
    bool show = serving.port == -1;
    if (show)
        client = serving_client(&serving);

    bool pause = false;
    while (turn(&pause))
        if (show && client == 0)
            break;
    //> Who waits in recv or poll for a connection that is shut down comes back.
    end_threads();
    return client_status == 0 ? CLI_OK : CLI_ERROR;
}
