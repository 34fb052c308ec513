/* count.c: a process that computes keeps one core busy, and no more.
 *
 * Cells: A31
 * Run:   make count; make count ARGS='-n 10000000'; make count OPT=1
 * Ask:   this machine has several cores: how many will count?
 * Watch: the time on the CPU is the time on the wall. One core was busy, and
 *        the others had nothing to do with it.
 * See:   count_processes.c and 04_threads/count_threads.c, the same work split;
 *        stopwatch.h, which plays the activity monitor
 */
#include <stdio.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"

static int steps = 50000000;

/* Volatile: each step is a load, an addition and a store in memory. Without
 * that word the compiler turns the loop at -O2 into one addition, and there is
 * nothing left to be timed.
 */
static volatile long counter;

static void count_to(long n)
{
    while (counter < n)
        //> The whole program is this line, fifty million times. info threads:
        //> one thread; info inferiors: one process.
        counter++;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count in one process",
        .options = {{'n', "steps", "how far to count",
                     CLI_INT(&steps, 1, 2000000000)}},
    };
    cli_parse(&cli, argc, argv);
    printf("process      %d, child of %d\n", getpid(), getppid());
    printf("cores here   %ld\n", sysconf(_SC_NPROCESSORS_ONLN));

    struct stopwatch watch;
    //> Two clocks start: one on the wall, one that only runs while a CPU works
    //> for this process.
    stopwatch_start(&watch);
    count_to(steps);
    stopwatch_stop(&watch);

    printf("counted to   %ld\n", counter);
    //> print watch: both clocks say the same.
    printf("this run     %.3g s\n", watch.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&watch));
    printf("a step       %.2f ns\n", watch.wall * 1e9 / steps);
    printf("recorded     3.38 s for 50000000 (Python, 2017)\n");
    printf("             1.37 s for 10000000 (the later notebook)\n");
    return CLI_OK;
}
