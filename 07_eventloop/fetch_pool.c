#include "07_eventloop/fetch_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int fetch_pool_init(struct fetch_pool *pool, int places)
{
    *pool = (struct fetch_pool){.count = (size_t)places};
    pool->places = calloc(pool->count, sizeof *pool->places);
    if (pool->places == NULL)
        return -1;
    for (size_t i = 0; i < pool->count; i++)
        pool->places[i].stream.fd = -1;
    return 0;
}

void fetch_connection_close(struct fetch_connection *k)
{
    stream_close(&k->stream);
    http_free(&k->http);
    http_init(&k->http, HTTP_RESPONSE);
    k->at = k->end = k->bytes;
}

void fetch_pool_free(struct fetch_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        fetch_connection_close(&pool->places[i]);
    free(pool->places);
    *pool = (struct fetch_pool){0};
}

/* Nothing has come on it since: neither its end, nor what nobody asked for and
 * the next one would take for its answer.
 */
static bool is_quiet(const struct fetch_connection *k)
{
    char byte;
    return recv(k->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

static bool is_for(const struct fetch_connection *k, const struct http_url *url)
{
    return k->stream.fd != -1 && strcasecmp(k->host, url->host) == 0 &&
           strcmp(k->port, url->port) == 0;
}

struct fetch_connection *fetch_pool_take(struct fetch_pool *pool,
                                         const struct http_url *url)
{
    struct fetch_connection *best = NULL;
    for (size_t i = 0; i < pool->count; i++) {
        struct fetch_connection *k = &pool->places[i];
        if (k->busy)
            continue;
        if (is_for(k, url) && !is_quiet(k))
            fetch_connection_close(k);
        bool match = is_for(k, url);
        /* Else a place that is free, or the one that was idle for longest. */
        if (best == NULL || match || k->stream.fd == -1 ||
            (best->stream.fd != -1 && k->since < best->since))
            best = k;
        if (match)
            break;
    }
    if (best == NULL)
        return NULL;
    if (!is_for(best, url))
        fetch_connection_close(best);
    memcpy(best->host, url->host, sizeof best->host);
    memcpy(best->port, url->port, sizeof best->port);
    best->busy = true;
    best->since = ++pool->uses;
    return best;
}

void fetch_pool_give(struct fetch_connection *k, bool keep)
{
    if (!keep || !k->http.keep_alive || !http_idle(&k->http) || k->at < k->end)
        fetch_connection_close(k);
    k->busy = false;
}
