/* geo_get: one GET over HTTP/1.1 (RFC 9112), as small as it can be. */
#ifndef GEO_GET_H
#define GEO_GET_H

#include "02_testing/geo.h"

/* The time for all of it, from connecting to the last byte. */
enum { GEO_SECONDS = 2 };

/* Fetches http://HOST[:PORT][/PATH] over a connection of its own. The body
 * ends where Content-Length says or, without one, with the connection. On an
 * error what stands in the answer means nothing. Looking up a HOST that is a
 * name is not under the limit of time: getaddrinfo(3) has none.
 */
enum geo_error geo_get(const char *url, struct geo_answer *answer);

#endif
