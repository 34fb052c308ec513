/* latency_chart: times from a nanosecond to a second, on one scale. */
#ifndef LATENCY_CHART_H
#define LATENCY_CHART_H

#include <stdio.h>

/* All times in seconds; 0 where there is none. */
struct latency {
    const char *name;
    double recorded;            /* by the notebook */
    int probe;                  /* which measures it; -1: none */
    const char *missing;        /* why it could not, or NULL */
    double least, middle, most; /* of all runs */
};

/* The time in the unit that suits it: "250 us", "9.51 years". */
enum { LATENCY_TEXT = 16 };
const char *latency_text(double seconds, char text[LATENCY_TEXT]);

/* As text of 76 columns. */
void latency_draw(FILE *out, const struct latency *rows, int count);

/* As a picture, whole under that name or not at all (a name that is no plain
 * file's is written to as it is). Returns 0, or -1 with errno.
 */
int latency_svg(const char *path, const struct latency *rows, int count);

#endif
