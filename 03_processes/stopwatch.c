#include "03_processes/stopwatch.h"

#include <err.h>
#include <sys/resource.h>
#include <time.h>

static double wall_now(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) == -1)
        err(1, "CLOCK_MONOTONIC");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_now(void)
{
    struct rusage own, children;
    if (getrusage(RUSAGE_SELF, &own) == -1 ||
        getrusage(RUSAGE_CHILDREN, &children) == -1)
        err(1, "getrusage");
    return seconds(own.ru_utime) + seconds(own.ru_stime) +
           seconds(children.ru_utime) + seconds(children.ru_stime);
}

void stopwatch_start(struct stopwatch *watch)
{
    watch->cpu = -cpu_now();
    watch->wall = -wall_now();
}

void stopwatch_stop(struct stopwatch *watch)
{
    watch->wall += wall_now();
    watch->cpu += cpu_now();
}

double stopwatch_cores(const struct stopwatch *watch)
{
    return watch->wall > 0 ? watch->cpu / watch->wall : 0;
}
