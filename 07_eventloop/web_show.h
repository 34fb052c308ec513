/* web_show: who asks web_app when nobody else does, and prints what comes. */
#ifndef WEB_SHOW_H
#define WEB_SHOW_H

#include <sys/socket.h>

#include "07_eventloop/loop_stats.h"
#include "07_eventloop/stream.h"
#include "07_eventloop/waiting.h"

/* A request as it is, and the beginning of its answer. */
struct web_exchange {
    struct gen gen;
    const struct sockaddr *address;
    socklen_t length;
    const char *request; /* which has "Connection: close" in it */
    char answer[4096];   /* a NUL stands behind it */
    double took;         /* seconds */
    size_t used;         /* the rest is its own */
    struct stream stream;
    struct stream_connect stream_connect;
    struct stream_write stream_write;
    struct stream_read stream_read;
};
bool web_exchange(void *frame, struct future **awaits);

/* The end of such a task. Ends the program with a message where it does not come
 * in time, or is an error.
 */
struct web_answered {
    struct gen gen;
    struct task *asked;
    double seconds; /* at most so many */
    struct wait_for wait_for;
};
bool web_answered(void *frame, struct future **awaits);

/* A few requests, then the burst, then the freeze. Ends the program with a
 * message where an answer does not come.
 */
struct web_show {
    struct gen gen;
    int listener;    /* where to ask */
    double patience; /* seconds that an answer may take */
    const struct loop_stats *stats;
    struct sockaddr_storage address; /* the rest is its own */
    socklen_t length;
    size_t step;
    unsigned long first_sample;
    struct task *asked, *other;
    struct web_answered web_answered;
};
bool web_show(void *frame, struct future **awaits);

#endif
