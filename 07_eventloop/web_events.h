/* web_events: a loop's state, told as it goes, over server-sent events.
 *
 *     {"GET", "/events", WEB_AWAIT(web_events)}
 *
 * web.data is the loop's struct loop_stats. With each sample there goes out one
 * event, a line of JSON (in the first there are all samples that are kept):
 *
 *     {"open": connections, "requests": answered so far, "turns": of the loop,
 *      "samples": [[when, lag], ...],
 *      "tasks": [[name, what it waits for, how many, since when], ...],
 *      "timers": [[name, "", how many, when the first is due], ...],
 *      "slow": [how many reports on slow callbacks, the last one]}
 */
#ifndef WEB_EVENTS_H
#define WEB_EVENTS_H

#include "07_eventloop/web.h"

struct web_events {
    struct gen gen;
    struct web_request *request;
    unsigned long told; /* samples */
    struct sleep_for sleep_for;
    struct web_flush web_flush;
};
bool web_events(void *frame, struct future **awaits);

#endif
