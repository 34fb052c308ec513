/* stopwatch: how long it took, and how many cores were busy meanwhile.
 *
 *     struct stopwatch watch;
 *     stopwatch_start(&watch);
 *     work();
 *     stopwatch_stop(&watch);
 *     printf("%.2f s, %.2f cores busy\n", watch.wall, stopwatch_cores(&watch));
 *
 * This is the activity monitor in numbers: a process that computes keeps one
 * core busy, one that waits keeps none.
 */
#ifndef STOPWATCH_H
#define STOPWATCH_H

struct stopwatch {
    double wall; /* seconds between start and stop, by CLOCK_MONOTONIC */
    double cpu;  /* seconds that CPUs spent on us, user and system together */
};

/* The time on the CPUs is that of all threads of this process, and of those
 * of its children that were waited for between start and stop, with all of
 * their life: start children after the start, reap them before the stop.
 *
 * Ends the program with a message where the system does not tell the time.
 */
void stopwatch_start(struct stopwatch *watch);
void stopwatch_stop(struct stopwatch *watch);

/* Time on the CPUs over time on the wall: 1 where one core was busy, 2 where
 * two were, about 0 where everybody waited.
 */
double stopwatch_cores(const struct stopwatch *watch);

#endif
