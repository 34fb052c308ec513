/* hosts.c: all hosts into a list first, against one at a time, as asked for.
 *
 * Cells: E09, E10
 * Run:   make hosts; make hosts ARGS='-f /etc/hosts'; make hosts ARGS='-d 0.2'
 * Ask:   both loops print "received" for each host. In which one comes the
 *        first of them before the second host is read?
 * Watch: the list is read whole before anybody gets anything. The generator
 *        reads up to the next host and waits, with its file open. Making one
 *        reads nothing, and leaving it early has to be told it.
 * See:   03_processes/portals.c, the same file read without a generator;
 *        multiples.c, the other way in
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "03_processes/timeline.h"
#include "06_generators/gen.h"

static const char *path;
static double delay = 0.01;
static int caller_lane, generator_lane;

struct hosts {
    struct gen gen;
    FILE *file;
    int number;
    char line[256]; /* longer ones are no hosts */
};

/* It takes its time over a line, as if it were a slow one to read or to deal
 * with. The core is busy meanwhile, so that the chart says "runs" rightly.
 */
static void work(void)
{
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((double)(now.tv_sec - from.tv_sec) +
               (double)(now.tv_nsec - from.tv_nsec) / 1e9 <
           delay);
}

/* Takes the white space off both ends. */
static char *strip(char *line)
{
    static const char white[] = " \t\r\n";
    line += strspn(line, white);
    size_t n = strlen(line);
    while (n > 0 && strchr(white, line[n - 1]) != NULL)
        n--;
    line[n] = '\0';
    return line;
}

static bool hosts_next(struct hosts *g, const char **host)
{
    GEN_BEGIN(g);
    printf("  entering the generator ...\n");
    g->file = fopen(path, "re");
    if (g->file == NULL)
        GEN_RAISE(g, strerror(errno));
    while (fgets(g->line, sizeof g->line, g->file) != NULL) {
        g->number++;
        if (strchr(g->line, '\n') == NULL && !feof(g->file))
            GEN_RAISE(g, "a line that is too long, or holds a NUL");
        work();
        *host = strip(g->line);
        printf("  read     %s\n", *host);
        if (**host == '\0' || **host == '#')
            continue;
        //> A host: the caller gets it now, and the file stays open. bt
        GEN_YIELD(g);
    }
    if (ferror(g->file))
        GEN_RAISE(g, strerror(errno));
    GEN_END(g);
    //> The clean-up. Who called, a loop that wanted more, or a close? bt
    if (g->file != NULL) {
        fclose(g->file);
        printf("  closed the file\n");
    }
    return false;
}

/* The switch from the caller to the generator and back, for the chart. */
static bool next(struct hosts *g, const char **host)
{
    timeline_mark(caller_lane, TIMELINE_BLOCKED);
    timeline_mark(generator_lane, TIMELINE_RUN);
    bool more = hosts_next(g, host);
    timeline_mark(generator_lane, more ? TIMELINE_BLOCKED : TIMELINE_IDLE);
    timeline_mark(caller_lane, TIMELINE_RUN);
    if (more || g->gen.error == NULL || g->gen.error == gen_exit)
        return more;
    if (g->number == 0) /* not a line of it */
        errx(CLI_ERROR, "%s: %s", path, g->gen.error);
    errx(CLI_ERROR, "%s: line %d: %s", path, g->number, g->gen.error);
}

static void receive(const char *host)
{
    work();
    printf("received   %s\n", host);
}

static int all_into_a_list(void)
{
    printf("All into a list first:\n");
    char **list = NULL;
    int count = 0;
    struct hosts g = {0};
    for (const char *host; next(&g, &host); count++) {
        char **longer = reallocarray(list, (size_t)count + 1, sizeof *list);
        char *copy = strdup(host);
        if (longer == NULL || copy == NULL)
            err(CLI_ERROR, "host %d", count + 1);
        list = longer;
        list[count] = copy;
    }
    for (int i = 0; i < count; i++) {
        receive(list[i]);
        free(list[i]);
    }
    free(list);
    return count;
}

static void one_by_one(void)
{
    printf("One by one, as asked for:\n");
    struct hosts g = {0};
    //> A generator has been made, and nothing was printed: print g. The
    //> function is another thing: print hosts_next
    for (const char *host; next(&g, &host);)
        receive(host);
}

static void first_only(void)
{
    printf("The first one only:\n");
    struct hosts g = {0};
    const char *host;
    if (next(&g, &host))
        receive(host);
    //> It sleeps with its file open: print g. To be closed is to be thrown
    //> GeneratorExit at its yield.
    const char *error = GEN_CLOSE(&g, next(&g, &host));
    if (error != NULL)
        errx(CLI_ERROR, "close: %s", error);
}

static void make_file(void)
{
    path = "bgsites-short.txt";
    FILE *file = fopen(path, "we");
    if (file == NULL)
        err(CLI_ERROR, "%s", path);
    fputs("vbox7.com\n# tyxo.bg\nvesti.bg\n# unacs.bg\nzamunda.net\n", file);
    if (fclose(file) == EOF)
        err(CLI_ERROR, "%s", path);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "read hosts into a list, and one by one",
        .options = {{'f', "file", "hosts in {FILE}: one a line, # comments",
                     CLI_TEXT(&path)},
                    {'d', "delay", "{seconds} over a line, on either side",
                     CLI_DOUBLE(&delay, 0, 10)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(2);
    caller_lane = timeline_lane("caller");
    generator_lane = timeline_lane("generator");
    timeline_mark(caller_lane, TIMELINE_RUN);
    if (path == NULL) {
        scratch_enter();
        make_file();
    }
    if (all_into_a_list() == 0)
        errx(CLI_ERROR, "%s: holds no host", path);
    one_by_one();
    first_only();
    timeline_finish();
    return CLI_OK;
}
