/* serving: what a server does before its first connection and around them,
 * whatever it does with each.
 */
#ifndef SERVING_H
#define SERVING_H

#include <stdbool.h>
#include <sys/types.h>

#include "01_files/cli.h"
#include "03_processes/answer.h"

enum { SERVING_CONNECTIONS_MAX = 4096 };

struct serving {
    struct service service;
    const char *address;
    int port; /* -1: a demonstration */
    int connections;
    char url[72]; /* set by serving_listen */
};

/* The rows of the options, for the struct's name, and where they begin.
 */
/* clang-format off */
#define SERVING_DEFAULTS                                                       \
    {.service = {.delay = 0.1, .patience = 10, .name = "groundup"},            \
     .address = "127.0.0.1", .port = -1, .connections = 256}

#define SERVING_OPTIONS(s)                                                     \
    {'p', "port", "serve on {port} until Ctrl-C; 0: any",                      \
     CLI_INT(&(s).port, 0, 65535)},                                            \
    {'a', "address", "listen on {address}, such as 127.0.0.2",                 \
     CLI_TEXT(&(s).address)},                                                  \
    {'d', "delay", "{seconds} until an answer goes out",                       \
     CLI_DOUBLE(&(s).service.delay, 0, 3600)},                                 \
    {'c', "connections", "at most {N} at once; more wait",                    \
     CLI_INT(&(s).connections, 1, SERVING_CONNECTIONS_MAX)},                   \
    {0, "patience", "{seconds} for a request to come in",                      \
     CLI_DOUBLE(&(s).service.patience, 0.01, 3600)},                           \
    {0, "server-name", "answer with {TEXT} as the field Server",               \
     CLI_TEXT(&(s).service.name)}
/* clang-format on */

/* A socket that listens there; prints the URL, the real port in it. Ends the
 * program with a message where that cannot be. accept(2) on it does not block.
 */
int serving_listen(struct serving *serving);

/* Blocks SIGINT, SIGTERM and SIGCHLD, and returns a descriptor from which they
 * can be read (signalfd(2)): so one poll(2) waits for connections and for
 * signals, and none comes between a look and a wait.
 */
int serving_signals(void);

/* Reads one such signal: its number. */
int serving_signal(int signals);

/* What a child does first, where its parent has called serving_signals: lets
 * the signals come again, and asks to be killed when the parent ends.
 */
void serving_child(pid_t parent);

/* The next connection, or -1 where there is none after all: it has gone, or
 * there is no descriptor or memory for it, and *pause says to leave off for
 * SERVING_PAUSE ms. To ask at once again would be to ask for ever, since it
 * still waits to be accepted.
 */
enum { SERVING_PAUSE = 100 };
int serving_accept(int listener, bool *pause);

/* Starts the client of the demonstration in a child: two requests on one
 * connection, and one on each of three at once. It prints what it gets, and
 * ends with 0 if all were answered.
 */
pid_t serving_client(const struct serving *serving);

#endif
