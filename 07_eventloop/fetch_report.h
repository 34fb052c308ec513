/* fetch_report: what a run of fetches tells: a line for each or, on a terminal,
 * one that goes on changing; and at the end a table of what failed, and why.
 */
#ifndef FETCH_REPORT_H
#define FETCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "07_eventloop/sleep_for.h"

/* So many failures are kept for the table; of more it says how many. */
enum { FETCH_FAILURES = 1000 };

struct fetch_report {
    bool terminal; /* stdout is one */
    int running;   /* fetches now */
    unsigned long came, there, failed, stopped;
    int64_t bytes;         /* of what came */
    struct fetch_failure { /* in the order of the list, after the table */
        unsigned long line;
        char *url, *why;
    } * failures;
    size_t kept;

    double since; /* the rest is its own */
    int64_t bytes_then;
    double rate;
};

void fetch_report_begin(struct fetch_report *r);
void fetch_report_free(struct fetch_report *r);

/* What became of one. */
void fetch_report_came(struct fetch_report *r, const char *name,
                       int64_t length);
void fetch_report_there(struct fetch_report *r, const char *name);
void fetch_report_failed(struct fetch_report *r, unsigned long line,
                         const char *url, const char *why);

/* Draws the line that changes, until it is cancelled. For a terminal. */
struct fetch_progress {
    struct gen gen;
    struct fetch_report *report;
    const int64_t *bytes; /* so many have come until now */
    struct sleep_for sleep_for;
};
bool fetch_progress(void *frame, struct future **awaits);

/* The table, and the sum. */
void fetch_report_end(struct fetch_report *r);

#endif
