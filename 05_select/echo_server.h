/* echo_server: what an echo server does before its first client and after its
 * last, however it waits in between.
 *
 *     static struct echo_server server = ECHO_SERVER_DEFAULTS;
 *
 *     echo_server_start(&server);
 *     for (;;) {
 *         int pause = echo_server_pause(&server);
 *         wait for clients, for server.signals,
 *             if pause is -1 for server.listener,
 *             for pause milliseconds at most;
 *         if server.signals is readable: break;
 *         if server.listener is: echo_server_accept(&server), until it is -1;
 *         ...
 *     }
 *     return echo_server_finish(&server);
 *
 * Without a port it shows itself: two clients come, in a child process, of
 * which the first is silent, and when they have left it is over.
 */
#ifndef ECHO_SERVER_H
#define ECHO_SERVER_H

#include <stdbool.h>

#include "01_files/cli.h"

struct echo_server {
    const char *address;
    int port;      /* -1: a demonstration */
    bool blocking; /* accept(2), recv(2) and send(2) wait; one at a time */

    /* Set by the start. */
    int listener; /* readable when somebody wants to come in */
    int signals;  /* readable when it is time to end */

    double resume; /* when to accept again; 0: now */
    int in_a_row;
    bool accept_failed;
};

/* The rows of the options, for the struct's name, and where they begin. */
/* clang-format off */
#define ECHO_SERVER_DEFAULTS {.address = "127.0.0.1", .port = -1}

#define ECHO_SERVER_OPTIONS(s)                                                 \
    {'p', "port", "serve on {port} until Ctrl-C; 0: any",                      \
     CLI_INT(&(s).port, 0, 65535)},                                            \
    {'a', "address", "listen on {address}, such as 127.0.0.2",                 \
     CLI_TEXT(&(s).address)}
/* clang-format on */

/* Listens, and prints how to get there: "nc 127.0.0.1 15000"; as a
 * demonstration only where it is, for it is over too soon. Raises the
 * limit of descriptors to what is allowed. SIGINT and SIGTERM come through
 * the descriptor from here on; where the server is a blocking one, they cut its
 * client, and echo_server_accept returns -1. Ends the program with a message
 * where something is not to be had.
 */
void echo_server_start(struct echo_server *s);

/* The next client, or -1: there is no other; or there have been many in a row
 * now, and it is time to look after the others. Or there is no descriptor or
 * memory for it. Then it still waits to be accepted, and whoever asked again
 * at once would ask for ever, so that accepting is put aside for a moment (and
 * stderr says so, once).
 *
 * Of a blocking server: waits for the next one; -1 when it is time to end.
 */
int echo_server_accept(struct echo_server *s);

/* -1: listen. Else accepting is put aside for so many ms: wait for the others,
 * and not longer.
 */
int echo_server_pause(const struct echo_server *s);

/* Says why to a client that cannot be served, and the first time to stderr. To
 * be closed by the caller.
 */
void echo_server_refuse(int fd, const char *why);

/* Closes all, and says with which status to end: that of the demonstration. */
int echo_server_finish(struct echo_server *s);

#endif
