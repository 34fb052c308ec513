/* asking: one request over HTTP, in the pieces of which a generator is made.
 *
 *     struct asking a;
 *     if (asking_start(&a, &url, 10)) {
 *         do {
 *             ...wait until a.fd can be read, or do not...
 *             n = recv(a.fd, bytes, sizeof bytes, 0);
 *         } while (asking_take(&a, bytes, n));
 *     }
 *     if (a.error != NULL)
 *         warnx("%s", a.error);
 *     asking_end(&a);
 *
 * What is left to the caller is what the chapter is about: how to wait.
 */
#ifndef ASKING_H
#define ASKING_H

#include <stdbool.h>
#include <sys/types.h>

#include "03_processes/http_client.h"

struct asking {
    int fd;            /* -1: none; recv(2) blocks on it */
    const char *error; /* what went wrong; NULL: nothing so far */

    double deadline; /* by CLOCK_MONOTONIC */
    struct http_connection connection;
    struct http_reply reply; /* its head is what has come so far */
};

/* socket, connect, send: GET, and the connection is for this alone. It waits
 * for the connection; a recv(2) then waits for so many seconds at most. Returns
 * whether there is an answer to wait for; if not, error says why:
 * "127.0.0.1:8000: Connection refused".
 */
bool asking_start(struct asking *a, const struct http_url *url, double seconds);

/* What recv(2) has returned, and its errno where that is -1. Neither EINTR nor
 * EAGAIN is an error, unless the seconds are over. Returns whether there is
 * more to come; if not, the answer is whole, or error says what is wrong with
 * it. It is wrong, too, if its status is not 200.
 */
bool asking_take(struct asking *a, const char *bytes, ssize_t n);

/* Closes; once for each start, whatever came of it. */
void asking_end(struct asking *a);

/* Starts a slow server and a quick one, of which an answer takes so many
 * seconds; with a URL that is given, that stands for both. Prints where they
 * are. Ends the program with a message where that cannot be.
 */
void asking_servers(struct http_url *slow, double slow_delay,
                    struct http_url *quick, double quick_delay,
                    const char *given);

#endif
