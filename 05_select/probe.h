/* probe: what one step costs on this machine.
 *
 *     probe_start(96);
 *     for (int p = 0; p < PROBES; p++)
 *         if (probe_missing(p) == NULL)
 *             printf("%g s\n", probe_run(p));
 *     probe_stop();
 *
 * Nothing of it can be optimised away: each load's address comes out of the
 * load before, all else is calls of the kernel and of libc whose results are
 * looked at. A run takes milliseconds, all probes' together some 50.
 */
#ifndef PROBE_H
#define PROBE_H

enum probe {
    PROBE_L1,           /* a load that hits the cache nearest to the core */
    PROBE_MEMORY,       /* one that misses all caches */
    PROBE_CALL,         /* getppid(2): into the kernel and out again */
    PROBE_SWITCH,       /* from process to process on one core, over a pipe */
    PROBE_SWITCH_OTHER, /* to a process that waits on another core */
    PROBE_LOOPBACK,     /* a byte over TCP to a process and back */
    PROBE_MB_MEMORY,    /* 1 MB that is in no cache, from first to last */
    PROBE_MB_CACHED,    /* 1 MB of a file that the kernel holds in memory */
    PROBE_MB_DISK,      /* and of one that it does not */
    PROBE_SYNC,         /* 4 KB written to a file, and down to the disk */
    PROBES
};

/* Takes that much memory to walk through, which is to be more than the caches
 * hold, 32 MB to read, and a new file of 8 MB, called probe, where we are (so be
 * in a scratch folder); starts two threads that answer. Ends the program with a
 * message where that cannot be had.
 */
void probe_start(int mebibytes);
void probe_stop(void);

/* Why it cannot be measured here; NULL if it can. */
const char *probe_missing(enum probe probe);

/* Seconds that one such step takes: the mean of many where they are too short
 * to be timed one by one.
 */
double probe_run(enum probe probe);

#endif
