#include "07_eventloop/load_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static double milliseconds(const struct histogram *h, double percent)
{
    return (double)histogram_percentile(h, percent) / 1e6;
}

void load_report_percentiles(const struct histogram *first,
                             const struct histogram *second)
{
    static const double percents[] = {50, 90, 99, 99.9, 100};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        printf("%5.1f %%  %12.3f ms", percents[i],
               milliseconds(first, percents[i]));
        if (second != NULL)
            printf("  %12.3f ms", milliseconds(second, percents[i]));
        printf("\n");
    }
}

static void report_failures(const struct load_result *r)
{
    static const char *const names[] = {"no connection", "broken", "cut short",
                                        "no HTTP", "timed out"};
    if (r->unsent > 0)
        printf("%-14s %" PRIu64 "  all connections were busy\n", "never sent",
               r->unsent);
    if (r->bad > 0)
        printf("%-14s %" PRIu64 "  %d %s\n", "bad status", r->bad,
               r->bad_status, http_reason(r->bad_status));
    for (int i = 0; i < LOAD_KINDS; i++)
        if (r->failures[i].count > 0)
            printf("%-14s %" PRIu64 "  %s\n", names[i], r->failures[i].count,
                   r->failures[i].first);
}

uint64_t load_failed(const struct load_result *r)
{
    uint64_t failed = r->bad;
    for (int i = 0; i < LOAD_KINDS; i++)
        failed += r->failures[i].count;
    return failed;
}

void load_report(const struct load_result *r)
{
    double time = r->seconds > 0 ? r->seconds : 1;
    bool both = r->due.count > 0;
    printf("\nanswers        %" PRIu64 "\n", r->answers);
    printf("a second       %.1f\n", (double)r->answers / time);
    printf("MiB a second   %.2f\n", (double)r->bytes / time / 1048576);
    /* Little's law: what comes in a second, times how long it stays. */
    printf("under way      %.1f\n",
           (double)r->sent.count / time * histogram_mean(&r->sent) / 1e9);
    report_failures(r);
    if (r->sent.count == 0)
        return;
    printf("\nlatency   %s\n",
           both ? "   from sending    from when due" : "   from sending");
    load_report_percentiles(&r->sent, both ? &r->due : NULL);
}

bool load_progress(void *frame, struct future **awaits)
{
    struct load_progress *c = frame;
    GEN_BEGIN(c);
    if (isatty(STDERR_FILENO) == 0)
        goto gen_end;
    for (c->start = loop_time();;) {
        fprintf(stderr, "\r%.1f of %g s, %" PRIu64 " answers ",
                loop_time() - c->start, c->seconds, c->result->answers);
        AWAIT_CALL(c, sleep_for, .seconds = 0.2);
    }
    GEN_END(c);
    if (c->start > 0)
        fprintf(stderr, "\r\033[K");
    return false;
}
