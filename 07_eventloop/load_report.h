/* load_report: what load_http has measured, in words and figures. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "07_eventloop/load_http.h"

/* Prints how many answers there were and how fast, how many requests were under
 * way on average, what failed and how often, and the latency by percentile.
 */
void load_report(const struct load_result *r);

/* How many requests failed, those with a bad status among them. */
uint64_t load_failed(const struct load_result *r);

/* A table of percentiles, in milliseconds; the second column may be NULL. */
void load_report_percentiles(const struct histogram *first,
                             const struct histogram *second);

/* A line on the terminal that stderr is, until it is cancelled; none where it
 * is no terminal.
 */
struct load_progress {
    struct gen gen;
    const struct load_result *result;
    double seconds; /* that it will take */
    double start;   /* its own */
    struct sleep_for sleep_for;
};
bool load_progress(void *frame, struct future **awaits);

#endif
