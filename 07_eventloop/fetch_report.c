#include "07_eventloop/fetch_report.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "01_files/cli.h"

void fetch_report_begin(struct fetch_report *r)
{
    *r = (struct fetch_report){.terminal = isatty(STDOUT_FILENO) == 1,
                               .since = loop_time()};
    r->failures = calloc(FETCH_FAILURES, sizeof *r->failures);
    if (r->failures == NULL)
        err(CLI_ERROR, "the table of failures");
}

void fetch_report_free(struct fetch_report *r)
{
    for (size_t i = 0; i < r->kept; i++) {
        free(r->failures[i].url);
        free(r->failures[i].why);
    }
    free(r->failures);
    r->failures = NULL;
}

/* --- One by one ----------------------------------------------------------- */

/* Where the line changes, what stays is written above it. */
static void clear_line(const struct fetch_report *r)
{
    if (r->terminal)
        printf("\r\033[K");
}

void fetch_report_came(struct fetch_report *r, const char *name, int64_t length)
{
    r->came++;
    r->bytes += length;
    if (!r->terminal)
        printf("came     %s, %lld bytes\n", name, (long long)length);
}

void fetch_report_there(struct fetch_report *r, const char *name)
{
    r->there++;
    if (!r->terminal)
        printf("there    %s\n", name);
}

void fetch_report_failed(struct fetch_report *r, unsigned long line,
                         const char *url, const char *why)
{
    r->failed++;
    clear_line(r);
    printf("failed   %s: %s\n", url, why);
    if (r->kept == FETCH_FAILURES)
        return;
    struct fetch_failure *f = &r->failures[r->kept];
    *f = (struct fetch_failure){line, strdup(url), strdup(why)};
    if (f->url != NULL && f->why != NULL) {
        r->kept++;
    } else { /* the table says of how many it does not know */
        free(f->url);
        free(f->why);
    }
}

/* "12.3 MB": three digits are enough. */
static const char *in_words(double bytes, char text[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    int i = 0;
    while (bytes >= 1000 && i < 3) {
        bytes /= 1000;
        i++;
    }
    snprintf(text, 32, "%.*f %s", i > 0 && bytes < 100, bytes, units[i]);
    return text;
}

static void draw(struct fetch_report *r, int64_t bytes)
{
    char rate[32];
    double t = loop_time();
    if (t - r->since >= 1) {
        r->rate = (double)(bytes - r->bytes_then) / (t - r->since);
        r->since = t;
        r->bytes_then = bytes;
    }
    clear_line(r);
    printf("%lu done, %lu failed, %d running, %s/s", r->came + r->there,
           r->failed, r->running, in_words(r->rate, rate));
    fflush(stdout);
}

bool fetch_progress(void *frame, struct future **awaits)
{
    struct fetch_progress *c = frame;
    GEN_BEGIN(c);
    for (;;) {
        draw(c->report, *c->bytes);
        AWAIT_CALL(c, sleep_for, .seconds = 0.2);
    }
    GEN_END(c);
    return false;
}

/* --- The end -------------------------------------------------------------- */

static int by_line(const void *a, const void *b)
{
    const struct fetch_failure *one = a;
    const struct fetch_failure *other = b;
    return (one->line > other->line) - (one->line < other->line);
}

void fetch_report_end(struct fetch_report *r)
{
    clear_line(r);
    qsort(r->failures, r->kept, sizeof *r->failures, by_line);
    if (r->failed > 0)
        printf("\nwhat failed, by its line in the list:\n");
    for (size_t i = 0; i < r->kept; i++)
        printf("%6lu  %s\n        %s\n", r->failures[i].line,
               r->failures[i].url, r->failures[i].why);
    unsigned long more = r->failed - r->kept;
    if (more > 0)
        printf("        and %lu more\n", more);
    printf("\ncame     %lu, %lld bytes\n", r->came, (long long)r->bytes);
    if (r->there > 0)
        printf("there    %lu already\n", r->there);
    printf("failed   %lu\n", r->failed);
    if (r->stopped > 0)
        printf("stopped  %lu, half-way\n", r->stopped);
}
