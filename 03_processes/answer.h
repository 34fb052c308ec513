/* answer: the one service of all servers here, and the text that it answers.
 *
 *     GET /      200, ten lines about the request and its connection
 *     HEAD /     the same without the text
 *     OPTIONS    200, what is allowed
 *
 * Other paths are 404, other methods 405, or 501 where HTTP has no such
 * method. Whether a process, a thread or a loop stands behind a connection,
 * what it says is the same: only the architecture changes.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <time.h>

#include "03_processes/http.h"

struct service {
    double delay;     /* seconds until an answer goes out */
    double patience;  /* seconds that a request may take to come in, and that
                       * a connection may stand idle */
    const char *name; /* the field Server; "" for none */
};

/* What an answer tells besides its request. */
struct answer_facts {
    char client[64];      /* address, without the port */
    time_t connected;     /* when the connection was made */
    time_t started;       /* when the request came */
    unsigned long serial; /* of the request on its connection, from 1 */
};

/* The head and the text of an answer never take more than this. */
enum { ANSWER_MAX = 2 * HTTP_LINE_MAX + HTTP_FIELDS_MAX + 2048 };

/* Writes the answer to the request, for which HTTP_HEAD has been reported;
 * close announces that the connection ends with it. Returns its length.
 */
size_t answer_write(char out[ANSWER_MAX], const struct http *request,
                    const struct service *service,
                    const struct answer_facts *facts, bool close);

/* The status that answer_write gives it: 200, 404, 405, 501. */
int answer_status(const struct http *request);

/* Writes an answer of another status, for a request that is none; say is a
 * line about it. The connection is to be closed.
 */
size_t answer_refuse(char out[ANSWER_MAX], const struct service *service,
                     int status, const char *say);

/* Serves the connection until it ends, which the caller closes: requests one
 * after another, pipelined ones in their order, bodies skipped. Every wait
 * ends (at the latest after the delay, or the service's patience); it also
 * returns soon when somebody calls shutdown(2) on the socket. Any number of
 * threads may be in here.
 */
void answer_connection(int fd, const struct service *service);

/* For a connection that nobody can serve now: 503, without waiting. */
void answer_busy(int fd, const struct service *service);

#endif
