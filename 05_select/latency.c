/* latency.c: a load from the cache takes a nanosecond, an answer from afar a
 * hundred million.
 *
 * Cells: A44
 * Run:   make latency; make latency ARGS='--svg latency.svg'
 * Ask:   if a load from the cache took a second, how long would a packet to
 *        another continent and back be on its way?
 * Watch: each mark is ten times the one before. On the left is what a program
 *        does itself, on the right what it waits for, and all this chapter is
 *        about doing something else meanwhile.
 * See:   probe.h, how it is measured; latency_chart.c, how it is drawn;
 *        requests_blocking.c, which waits
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "05_select/latency_chart.h"
#include "05_select/probe.h"

/* A stretch of memory is read once only: one that was read is in a cache. */
enum { MOST = 32 };

static int runs = 11;

/* What the notebook has, and what can be measured: where they are the same
 * thing they share a row.
 */
static struct latency rows[] = {
    {"L1 cache", .recorded = 0.5e-9, .probe = PROBE_L1},
    {"main memory", .recorded = 100e-9, .probe = PROBE_MEMORY},
    {"system call", .probe = PROBE_CALL},
    {"switch on one core", .probe = PROBE_SWITCH},
    {"switch to another core", .probe = PROBE_SWITCH_OTHER},
    {"loopback round trip", .probe = PROBE_LOOPBACK},
    {"1 MB from memory", .recorded = 250e-6, .probe = PROBE_MB_MEMORY},
    {"1 MB from the page cache", .probe = PROBE_MB_CACHED},
    {"round trip in a datacentre", .recorded = 500e-6, .probe = -1},
    {"4 KB written, and fsync", .probe = PROBE_SYNC},
    {"1 MB from SSD", .recorded = 1e-3, .probe = -1},
    {"1 MB from the disk here", .probe = PROBE_MB_DISK},
    {"1 MB from disk", .recorded = 20e-3, .probe = -1},
    {"California-Netherlands and back", .recorded = 150e-3, .probe = -1},
};
enum { ROWS = sizeof rows / sizeof *rows };

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* All things in turn, then again: what disturbs the machine for a moment
 * disturbs one run of each, and the middle one of the runs not at all.
 */
static void measure(void)
{
    static double took[ROWS][MOST];
    for (int run = 0; run < runs; run++)
        for (int i = 0; i < ROWS; i++)
            if (rows[i].probe != -1 && rows[i].missing == NULL)
                //> One of the runs, of one of the things: step into it.
                took[i][run] = probe_run((enum probe)rows[i].probe);
    for (int i = 0; i < ROWS; i++) {
        qsort(took[i], (size_t)runs, sizeof took[i][0], compare);
        rows[i].least = took[i][0];
        rows[i].middle = took[i][runs / 2];
        rows[i].most = took[i][runs - 1];
    }
}

/* Their file is one of a scratch folder; --svg is understood from here. */
static void start_probes(int memory)
{
    int here = open(".", O_PATH | O_CLOEXEC);
    if (here == -1)
        err(CLI_ERROR, ".");
    scratch_enter();
    probe_start(memory);
    if (fchdir(here) == -1)
        err(CLI_ERROR, "the folder that we were in");
    close(here);
    for (int i = 0; i < ROWS; i++)
        if (rows[i].probe != -1)
            rows[i].missing = probe_missing((enum probe)rows[i].probe);
}

static void print_recorded(void)
{
    char text[LATENCY_TEXT];
    char stretched[LATENCY_TEXT];
    //> rows[0].recorded is half a nanosecond. Stretched to a second, the rest
    //> is as long as the last column says.
    double stretch = 1 / rows[0].recorded;
    printf("%-31s %9s  %13s\n", "in the notebook", "takes", "stretched to");
    for (int i = 0; i < ROWS; i++)
        if (rows[i].recorded > 0)
            printf("%-31s %9s  %13s\n", rows[i].name,
                   latency_text(rows[i].recorded, text),
                   latency_text(rows[i].recorded * stretch, stretched));
}

static void print_measured(void)
{
    char middle[LATENCY_TEXT];
    char least[LATENCY_TEXT];
    char most[LATENCY_TEXT];
    printf("\n%-31s %9s  %9s  %9s\n", "on this machine", "takes", "least",
           "most");
    for (int i = 0; i < ROWS; i++)
        if (rows[i].probe != -1 && rows[i].missing != NULL)
            printf("%-31s not measured: %s\n", rows[i].name, rows[i].missing);
        else if (rows[i].probe != -1)
            printf("%-31s %9s  %9s  %9s\n", rows[i].name,
                   latency_text(rows[i].middle, middle),
                   latency_text(rows[i].least, least),
                   latency_text(rows[i].most, most));
    printf("\n");
}

int main(int argc, char **argv)
{
    static const char *svg;
    static int memory = 96;
    static const struct cli cli = {
        .about = "show what takes how long, recorded and measured",
        .options = {{'n', "runs", "measure each {N} times",
                     CLI_INT(&runs, 1, MOST)},
                    {'m', "memory", "walk {MiB}, more than the caches hold",
                     CLI_INT(&memory, 1, 4096)},
                    {0, "svg", "draw the chart into {FILE}", CLI_TEXT(&svg)}},
    };
    cli_parse(&cli, argc, argv);
    print_recorded();
    start_probes(memory);
    measure();
    probe_stop();
    print_measured();
    //> The same on a scale where each step is ten times the one before. On a
    //> ruler like others all but the last two would be at 0.
    latency_draw(stdout, rows, ROWS);
    if (svg != NULL && latency_svg(svg, rows, ROWS) == -1)
        err(CLI_ERROR, "--svg '%s'", svg);
    return CLI_OK;
}
