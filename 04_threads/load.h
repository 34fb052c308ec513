/* load: many threads that all do the same at once, and what that takes.
 *
 *     static bool once(int thread)
 *     {
 *         ...
 *         return true;
 *     }
 *
 *     struct load load;
 *     if (load_run(&load, 100, 3, once) == -1)
 *         err(1, "thread %d of 100", load.threads + 1);
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>

struct load {
    int threads;      /* that could be made */
    double making;    /* seconds until all of them were made */
    double addresses; /* bytes of our address space that they took then, */
    double memory;    /* and bytes of memory */
    double wall; /* seconds from their common start to the last one's end */
    double life; /* seconds from start to end, of all together */
    double cpu;  /* seconds that CPUs spent on them meanwhile */
};

/* Makes the threads; when all are there, lets them go: each calls once(number),
 * its number counted from 0, so many times, or until that returns false.
 * Returns when all have ended: 0, or -1 with errno where not all could be
 * made; then none has called anything.
 */
int load_run(struct load *load, int threads, int times, bool (*once)(int));

#endif
