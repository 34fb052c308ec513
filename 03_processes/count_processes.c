/* count_processes.c: two processes count on two cores, in half the time.
 *
 * Cells: A34
 * Run:   make count_processes; make count_processes ARGS='-j 8'
 * Ask:   each process has a memory of its own. How does the parent get to know
 *        what its children counted?
 * Watch: nearly twice as fast, and two cores busy. More processes than cores
 *        bring no more.
 * See:   count.c, alone; 04_threads/count_threads.c, threads in their place
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 1000 };

static int steps = 50000000;
static int processes = 2;

static pid_t children[MOST];
static int started, reaped;

/* A global variable, and no two processes meet in it: each has its own. */
static volatile long counter;

/* Volatile, or -O2 makes one addition of the loop. */
static void count_to(long n, volatile long *count, int lane)
{
    timeline_mark(lane, TIMELINE_RUN);
    for (*count = 0; *count < n;)
        ++*count;
    timeline_mark(lane, TIMELINE_IDLE);
}

/* The queue is a pipe. What is written at once and is not longer than PIPE_BUF
 * (4096 bytes on Linux) goes in as a whole, however many processes write at
 * the same time: no number is mixed up with another.
 */
static _Noreturn void child(long share, int lane, int queue)
{
    count_to(share, &counter, lane);
    long counted = counter;
    if (write(queue, &counted, sizeof counted) == -1)
        warn("the queue");
    /* Not exit: what our copy of stdout holds is the parent's to print. */
    _exit(CLI_OK);
}

static void reap_children(void)
{
    for (; reaped < started; reaped++)
        while (waitpid(children[reaped], NULL, 0) == -1 && errno == EINTR)
            continue;
}

/* Whichever way the parent ends, no child stays behind. */
static void end_children(void)
{
    for (int i = reaped; i < started; i++)
        kill(children[i], SIGKILL);
    reap_children();
}

static long count_in_children(const int lanes[MOST])
{
    int queue[2];
    if (pipe2(queue, O_CLOEXEC) == -1)
        err(CLI_ERROR, "the queue");
    fflush(stdout);
    for (int i = 0; i < processes; i++) {
        //> Fork: one process calls it, two return from it. The child gets 0.
        pid_t pid = fork();
        if (pid == -1)
            err(CLI_ERROR, "process %d of %d", i + 1, processes);
        if (pid == 0) /* the first ones also count what is left over */
            child(steps / processes + (i < steps % processes), lanes[i],
                  queue[1]);
        children[started++] = pid;
    }
    /* Else we would be one who could still write, and never see the end. */
    close(queue[1]);
    long sum = 0;
    for (int i = 0; i < processes; i++) {
        long counted = 0;
        //> print counter: ours, and it does not move while they count. This
        //> read waits for the next number that a child sends.
        ssize_t n = read(queue[0], &counted, sizeof counted);
        if (n == -1)
            err(CLI_ERROR, "the queue");
        if (n == 0)
            errx(CLI_ERROR, "%d of %d processes failed", processes - i,
                 processes);
        sum += counted;
    }
    close(queue[0]);
    reap_children();
    return sum;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count in several processes",
        .options = {{'n', "steps", "how far to count",
                     CLI_INT(&steps, 1, 2000000000)},
                    {'j', "processes", "how many processes",
                     CLI_INT(&processes, 1, MOST)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    if (atexit(end_children) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    timeline_start(1 + processes);
    int alone = timeline_lane("alone");
    int lanes[MOST];
    for (int i = 0; i < processes; i++)
        lanes[i] = timeline_lane("process %d", i + 1);

    struct stopwatch one, many;
    stopwatch_start(&one);
    count_to(steps, &counter, alone);
    stopwatch_stop(&one);
    stopwatch_start(&many);
    long sum = count_in_children(lanes);
    stopwatch_stop(&many);

    timeline_finish();
    printf("counted to   %ld\n", sum);
    printf("alone        %.3g s\n", one.wall);
    printf("processes    %.3g s\n", many.wall);
    //> print one, print many: the same work for the CPUs, in half the time.
    printf("speed-up     %.2f\n", one.wall / many.wall);
    printf("cores busy   %.2f\n", stopwatch_cores(&many));
    printf("recorded     1.88 s, 1.8 times faster (Python, 2017)\n");
    return CLI_OK;
}
