/* geo: who am I on the net, and in which city? A web service is asked. */
#ifndef GEO_H
#define GEO_H

#include <stddef.h>

/* What can go wrong on the way to an answer and inside it. */
enum geo_error {
    GEO_OK,
    GEO_SYSTEM,     /* a call failed on our side; errno says why */
    GEO_BAD_URL,    /* not http://HOST[:PORT][/PATH] */
    GEO_NO_NAME,    /* the host's name leads to no address */
    GEO_NO_SERVICE, /* no connection; errno says why */
    GEO_TIMEOUT,    /* the whole answer was not there in time */
    GEO_CLOSED,     /* the connection ended before the answer's head did */
    GEO_NOT_HTTP,   /* the head is not that of an HTTP/1 answer */
    GEO_STATUS,     /* the status is another than 200 */
    GEO_CODING,     /* the body comes in a transfer coding (chunked, ...) */
    GEO_SHORT,      /* the connection ended before the body did */
    GEO_TOO_LONG,   /* the answer, or what it tells, is too long for us */
    GEO_NO_JSON,    /* the body is not JSON */
    GEO_NO_FIELD,   /* it is, but has no such field, or that is no string */
};

/* The error in words. It reads errno for GEO_SYSTEM and GEO_NO_SERVICE, and
 * is good until the next strerror(3).
 */
const char *geo_strerror(enum geo_error error);

struct geo_answer {
    size_t length;
    char body[4096]; /* no string: a NUL need not follow */
};

/* A service, and the function that fetches an answer from a URL: geo_get, or
 * whatever a test puts in its place. That is the seam of this module.
 */
struct geo {
    const char *url; /* http://127.0.0.1:8000, say */
    enum geo_error (*get)(const char *url, struct geo_answer *answer);
};

/* GET /ip: the address that our requests come from, as the service sees it.
 * The string goes to ip, which has size bytes.
 */
enum geo_error get_ip(const struct geo *geo, char *ip, size_t size);

/* GET /json/IP: the city in which an address is. */
enum geo_error get_location_city(const struct geo *geo, const char *ip,
                                 char *city, size_t size);

#endif
