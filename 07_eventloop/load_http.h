/* load_http: many connections that ask a server for the same, and what that
 * comes to.
 *
 *     static struct load_result result;
 *     AWAIT_CALL_TRY(c, load_http, .target = &target,
 *                    .connections = 50, .seconds = 5, .patience = 2,
 *                    .lane = -1, .result = &result);
 *
 * Each connection is a task and is kept: it asks, waits for the whole answer,
 * and asks again. So nobody asks while all wait, and a server that stands still
 * for a second is waited for by as many requests as there are connections, not
 * by all that people would have made in that second. (Tene calls it coordinated
 * omission.)
 *
 * With a rate, request k is due at k / rate, whether others wait or not; the
 * next connection that is free makes it, late or not. What it took is counted
 * twice: from when it was sent, and from when it was due. A timer of the loop
 * may come a millisecond late, and the second count has that in it.
 *
 * No request begins after the time is over, but for those that were due before.
 * All are waited for, no longer than the patience; what was due and could not be
 * sent by then is counted, too. When it is cancelled, the result is what was
 * measured so far.
 */
#ifndef LOAD_HTTP_H
#define LOAD_HTTP_H

#include <netdb.h>

#include "03_processes/http_reply.h"
#include "07_eventloop/histogram.h"
#include "07_eventloop/stream.h"
#include "07_eventloop/sync.h"

/* Whom to ask. */
struct load_target {
    struct http_url url;
    struct addrinfo *addresses; /* to be freed: freeaddrinfo(3) */
};

/* Looks the URL up, in a blocking way, and sees to it that so many connections
 * can be open. Ends the program with a message where one of them cannot be.
 */
void load_target_find(struct load_target *target, const char *text,
                      int connections);

enum load_kind {
    LOAD_CONNECT,   /* no connection */
    LOAD_BROKEN,    /* it broke: a reset, and what else errno knows */
    LOAD_CUT_SHORT, /* it ended in mid-answer */
    LOAD_NO_HTTP,   /* what came is no HTTP */
    LOAD_TIMED_OUT, /* no whole answer within the patience */
    LOAD_KINDS
};

/* All zero before. Nanoseconds; one that timed out counts with the time that it
 * had waited, so that it is not left out, and so does in `due` one that was due
 * and never sent, for all were busy.
 */
struct load_result {
    struct histogram
        sent;             /* from when a request was sent: answers, time-outs */
    struct histogram due; /* with a rate: from when it was due; and unsent */
    uint64_t begun;       /* answers, failures; and, cancelled, under way */
    uint64_t answers, unsent;
    uint64_t bytes; /* that came */
    uint64_t bad;   /* of the answers: neither 2xx nor 3xx */
    int bad_status; /* the first of them */
    struct load_failure {
        uint64_t count;
        const char *first; /* what it said */
    } failures[LOAD_KINDS];
    double seconds; /* until the last answer */
};

struct load_http {
    struct gen gen;
    const struct load_target *target; /* its first address that answers */
    int connections;
    double seconds, rate, patience; /* a rate of 0: as fast as it goes */
    int lane; /* of a timeline, or -1: runs while requests begin in time, is
               * blocked while they begin late, waits while none can begin */
    struct load_result *result;

    const struct addrinfo *address; /* the rest is its own */
    char request[HTTP_REQUEST_MAX];
    size_t length;
    struct stream stream;
    struct stream_connect stream_connect;
    struct task **tasks;
    int ready;          /* connections that have been tried */
    int under_way;      /* requests */
    struct event start; /* all have */
    double began;
    uint64_t taken, total; /* of the requests that have their time */
    struct future *all;
    loop_handle timer;
};

/* Its error tells why no address could be reached, or that there is no memory;
 * what goes wrong from then on stands in the result.
 */
bool load_http(void *frame, struct future **awaits);

#endif
