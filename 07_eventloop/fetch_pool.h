/* fetch_pool: connections that outlive a request, for the next one to the same
 * host.
 *
 * As many places as there are fetches at once, and no more: an idle connection
 * counts as one, and goes when its place is needed. So no server ever sees more
 * of us at once than that.
 */
#ifndef FETCH_POOL_H
#define FETCH_POOL_H

#include "03_processes/http.h"
#include "03_processes/http_write.h"
#include "07_eventloop/stream.h"

struct fetch_connection {
    struct stream stream; /* its fd is -1: not connected yet */
    struct http http;     /* what comes on it */
    const char *at, *end; /* bytes that have come, and are still to be read */
    char bytes[64 * 1024];

    char host[256], port[6]; /* the rest is the pool's */
    bool busy;
    unsigned long since; /* it was last used */
};

struct fetch_pool {
    struct fetch_connection *places;
    size_t count;
    unsigned long uses;
};

/* Returns 0, or -1 with ENOMEM. */
int fetch_pool_init(struct fetch_pool *pool, int places);

/* Closes all. None may be in use. */
void fetch_pool_free(struct fetch_pool *pool);

/* A connection for that URL: one that stands idle, if there is one; else one
 * that is to be connected. There always is one, as long as nobody has more than
 * their share.
 */
struct fetch_connection *fetch_pool_take(struct fetch_pool *pool,
                                         const struct http_url *url);

/* Gives it back. It is kept where another answer may follow on it. */
void fetch_pool_give(struct fetch_connection *k, bool keep);

/* Closes it; it can be connected again. */
void fetch_connection_close(struct fetch_connection *k);

#endif
