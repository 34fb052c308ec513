/* gen_cost.c: what one step of a generator costs, and what one costs that
 * sleeps, made in four ways and held against a plain call.
 *
 * Cells: none
 * Run:   make gen_cost OPT=1; make gen_cost; make gen_cost ARGS='-n 10000000'
 * Ask:   how many plain calls is a step worth? How many generators go into a
 *        megabyte?
 * Watch: one that sleeps as a struct costs its locals and 24 bytes, one that
 *        sleeps on a stack costs pages. To change stacks, glibc asks the kernel
 *        about signals each time; to change threads, it asks it for all.
 * See:   fib.c, fib_by_hand.c, fib_ucontext.c and fib_thread.c, where each way
 *        can be read by itself; switched.c, the last two as they are measured
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"
#include "06_generators/switched.h"

enum { ROUNDS = 11 };

static int steps = 1000000;

/* Each gives 0, 1, 2, ... and is called through a pointer, so that it is a call
 * at -O2 as well.
 */
struct plain {
    long i;
};

static bool plain_next(void *argument, long *value)
{
    struct plain *g = argument;
    *value = g->i++;
    return true;
}

struct macros {
    struct gen gen;
    long i;
};

static bool macros_next(void *argument, long *value)
{
    struct macros *g = argument;
    GEN_BEGIN(g);
    for (g->i = 0; true; g->i++) {
        *value = g->i;
        //> Here a step begins and ends: disassemble /s shows all of it.
        GEN_YIELD(g);
    }
    GEN_END(g);
    return false;
}

struct by_hand {
    enum { BEGIN, ASLEEP } state;
    long i;
};

static bool by_hand_next(void *argument, long *value)
{
    struct by_hand *g = argument;
    switch (g->state) {
    case BEGIN:
        g->i = 0;
        g->state = ASLEEP;
        break;
    case ASLEEP:
        g->i++;
        break;
    }
    *value = g->i;
    return true;
}

static const struct way {
    const char *name;
    size_t size; /* of its struct, which is all zeros before the start */
    bool (*next)(void *g, long *value);
    void (*start)(void *g), (*stop)(void *g); /* NULL: nothing to do */
    int fewer; /* such a slow one makes fewer steps, by this factor */
    int live;  /* how many of them sleep at once for their memory */
} ways[] = {
    {"plain call", sizeof(struct plain), plain_next, NULL, NULL, 1, 1000000},
    {"macros", sizeof(struct macros), macros_next, NULL, NULL, 1, 1000000},
    {"by hand", sizeof(struct by_hand), by_hand_next, NULL, NULL, 1, 1000000},
#ifdef __GLIBC__
    {"own stack", sizeof(struct own_stack), own_stack_next, own_stack_start,
     own_stack_stop, 100, 1000},
#endif
    {"own thread", sizeof(struct own_thread), own_thread_next, own_thread_start,
     own_thread_stop, 1000, 100},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* Straight from the kernel: malloc would keep what it was given back. */
static char *start(const struct way *way, int count)
{
    char *all = mmap(NULL, (size_t)count * way->size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        err(CLI_ERROR, "%d generators", count);
    for (int i = 0; way->start != NULL && i < count; i++)
        way->start(all + (size_t)i * way->size);
    return all;
}

static void stop(const struct way *way, int count, char *all)
{
    for (int i = 0; way->stop != NULL && i < count; i++)
        way->stop(all + (size_t)i * way->size);
    if (munmap(all, (size_t)count * way->size) == -1)
        err(CLI_ERROR, "munmap");
}

/* Nanoseconds for a step of a generator that makes so many. */
static double time_step(const struct way *way, int count)
{
    struct timespec from, to;
    long value = 0;
    char *g = start(way, 1);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < count; i++)
        way->next(g, &value);
    clock_gettime(CLOCK_MONOTONIC, &to);
    stop(way, 1, g);
    if (value != count - 1)
        errx(CLI_ERROR, "%s: %ld is its last, not %d", way->name, value,
             count - 1);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 +
            (double)(to.tv_nsec - from.tv_nsec)) /
           count;
}

/* The memory that this process has in fact, in bytes. */
static double resident(void)
{
    static const char path[] = "/proc/self/smaps_rollup";
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        err(CLI_ERROR, "%s", path);
    while (fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "Rss: %ld", &kilobytes) != 1)
        continue;
    if (kilobytes == -1)
        errx(CLI_ERROR, "%s: no Rss in it", path);
    fclose(file);
    return (double)kilobytes * 1024;
}

/* Bytes for each of many that sleep at their first yield. */
static double bytes_asleep(const struct way *way)
{
    long value;
    double before = resident();
    char *all = start(way, way->live);
    for (int i = 0; i < way->live; i++)
        way->next(all + (size_t)i * way->size, &value);
    //> So many of them sleep now, each at its first yield: they need no core,
    //> only memory. p *way says how many, and of which kind.
    double after = resident();
    stop(way, way->live, all);
    return (after - before) / way->live;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "measure the ways to make a generator",
        .options = {{'n', "steps", "how many steps at most",
                     CLI_INT(&steps, 1000, 1000000000)}},
    };
    cli_parse(&cli, argc, argv);

    static double ns[WAYS][ROUNDS];
    /* In turn, so that what else the machine does hits all alike. */
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < WAYS; i++)
            ns[i][r] = time_step(&ways[i], steps / ways[i].fewer);
    for (int i = 0; i < WAYS; i++)
        qsort(ns[i], ROUNDS, sizeof *ns[i], compare);

    printf("struct gen   %zu bytes\n", sizeof(struct gen));
    printf("the locals   %zu bytes\n", sizeof(long));
    printf("asleep       1000000 structs, 1000 stacks, or 100 threads\n");
    printf("            ns a step  plain calls  bytes asleep\n");
    for (int i = 0; i < WAYS; i++) {
        double median = ns[i][ROUNDS / 2];
        printf("%-10s %10.1f %12.1f %13.0f\n", ways[i].name, median,
               median / ns[0][ROUNDS / 2], bytes_asleep(&ways[i]));
    }
    printf("recorded         52.0                        201  (Python 3.11)\n");
    return CLI_OK;
}
