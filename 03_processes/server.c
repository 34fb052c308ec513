/* server.c: one process for each connection, and the parent only accepts.
 *
 * Cells: A35
 * Run:   make server; make server ARGS='-p 8000', then open the URL it prints
 *        make server ARGS='-p 8000 -c 2', and three times `nc 127.0.0.1 8000`
 * Ask:   an answer takes 0.1 s; how long do three take that are asked at once?
 * Watch: as long as one, though each process serves one, and waits; the second
 *        request of a connection finds its process still there.
 * See:   server_threads.c, the same with threads; answer.c, what is answered;
 *        http.c, how a request is read; download.c, which asks
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
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

static struct serving serving = SERVING_DEFAULTS;
static int listener, signals;

/* The processes of connections, which only the parent knows. */
static pid_t owner;
static pid_t children[SERVING_CONNECTIONS_MAX + 1]; /* room for the client */
static int running;

/* The client of the demonstration; once it has ended, its status. */
static pid_t client;
static int client_status;

/* Returns whether there is a process for the connection now. */
static bool start_process(int fd)
{
    //> One process now; the call returns twice, here and in a copy of all this.
    pid_t pid = fork();
    if (pid == -1) {
        warn("fork");
        answer_busy(fd, &serving.service);
        return false;
    }
    if (pid == 0) {
        serving_child(owner);
        /* Or the port would stay taken when the parent is gone. */
        close(listener);
        close(signals);
        answer_connection(fd, &serving.service);
        _exit(CLI_OK);
    }
    children[running++] = pid;
    return true;
}

/* Every child that has ended is waited for, or it would stay as a zombie.
 * Several may have, since signals that are pending are not counted.
 */
static void reap(void)
{
    int status;
    pid_t pid;
    //> A child has ended. What is left of it, its status, is fetched now.
    while ((pid = waitpid(-1, &status, WNOHANG)) != 0) {
        if (pid == -1 && errno == EINTR)
            continue;
        if (pid == -1)
            break;
        if (pid == client) {
            client = 0;
            client_status = status;
            continue;
        }
        int i = 0;
        while (children[i] != pid)
            i++;
        children[i] = children[--running];
        if (WIFSIGNALED(status))
            warnx("process %d: %s", (int)pid, strsignal(WTERMSIG(status)));
    }
}

/* Connections that stand are cut, and nobody is left behind, however this
 * program ends.
 */
static void end_children(void)
{
    if (owner != getpid())
        return;
    if (client != 0)
        children[running++] = client;
    for (int i = 0; i < running; i++)
        kill(children[i], SIGTERM);
    for (int i = 0; i < running; i++)
        while (waitpid(children[i], NULL, 0) == -1 && errno == EINTR)
            continue;
    running = 0;
}

/* One turn: waits for a connection or a signal. Returns whether to go on. */
static bool turn(bool *pause)
{
    bool full = running == serving.connections;
    struct pollfd polled[] = {{signals, POLLIN, 0},
                              {full || *pause ? -1 : listener, POLLIN, 0}};
    if (poll(polled, 2, *pause ? SERVING_PAUSE : -1) == -1 && errno != EINTR)
        err(CLI_ERROR, "poll");
    *pause = false;
    if (polled[0].revents != 0) {
        if (serving_signal(signals) != SIGCHLD)
            return false;
        reap();
    }
    if (polled[1].revents != 0) {
        int fd = serving_accept(listener, pause);
        if (fd == -1)
            return true;
        *pause = !start_process(fd);
        //> The child has a copy of this descriptor. Ours must be closed, or the
        //> client would wait for an end that never comes.
        close(fd);
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "answer over HTTP, one process for each connection",
        .options = {SERVING_OPTIONS(serving)},
    };
    cli_parse(&cli, argc, argv);

    owner = getpid();
    if (atexit(end_children) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    signals = serving_signals();
    listener = serving_listen(&serving);
    bool show = serving.port == -1;
    if (show)
        client = serving_client(&serving);

    bool pause = false;
    while (turn(&pause))
        if (show && client == 0)
            break;
    return client_status == 0 ? CLI_OK : CLI_ERROR;
}
