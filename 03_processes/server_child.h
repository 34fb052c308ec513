/* server_child: a server of one's own, in a child process.
 *
 *     const char *url = server_url(given, "03_processes/server", 0.1);
 *
 * or, where there is more to say:
 *
 *     struct server_child server = {.program = "03_processes/server",
 *                                   .delay = 0.1, .name = "nginx/1.22"};
 *     server_child_start(&server);
 *     http_get(server.url, 5, &reply);
 *
 * It is the program `server` or `server_threads` itself, as it was built
 * beside the one that runs. It never outlives us: it is ended and reaped when
 * we exit, whichever way, and the kernel kills it when we are killed. Ctrl-C is
 * for us alone, so that we can end in order.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#include <sys/types.h>

struct server_child {
    /* Set these before the start; all that is left zero has its default. */
    const char
        *program;    /* "03_processes/server", "04_threads/server_threads" */
    double delay;    /* seconds that each answer takes; 0: none */
    int connections; /* how many at once; 0: as the program has it */
    const char *address; /* of this machine; NULL: 127.0.0.1 */
    const char *name;    /* its field Server; NULL: as the program has it */

    /* Set by the start. */
    pid_t pid;                 /* 0 once it has been stopped */
    char url[72];              /* "http://127.0.0.1:39213/" */
    struct server_child *next; /* its own */
};

/* Starts it on a free port; when this returns it listens. Ends the program
 * with a message where it cannot be started. From the first thread only, and
 * before there are others: it forks, and lives as long as that thread.
 *
 * The struct must stay where it is until it is stopped. In a child forked
 * after this, exit(3) leaves the server alone.
 */
void server_child_start(struct server_child *server);

/* Ends it now: connections are cut, its processes reaped. */
void server_child_stop(struct server_child *server);

/* What a program does that needs a server: returns the URL that is given
 * (option -u), or where that is NULL starts a server of its own, for as many
 * connections as can be; says which in the first line of the output.
 *
 *     server: http://127.0.0.1:39213/
 */
const char *server_url(const char *given, const char *program, double delay);

#endif
