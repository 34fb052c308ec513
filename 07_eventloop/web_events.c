#include "07_eventloop/web_events.h"

#include "07_eventloop/loop_stats.h"

static void print_string(struct web_request *r, const char *text)
{
    web_print(r, "\"");
    for (; *text != '\0'; text++)
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            web_printf(r, "\\u%04x", (unsigned char)*text);
        else
            web_write(r, text, 1);
    web_print(r, "\"");
}

static void print_groups(struct web_request *r, const char *name,
                         const struct loop_group *groups, int count)
{
    web_printf(r, ", \"%s\": [", name);
    for (int i = 0; i < count; i++) {
        web_print(r, i == 0 ? "[" : ", [");
        print_string(r, groups[i].name);
        web_print(r, ", ");
        print_string(r, groups[i].waits_for);
        web_printf(r, ", %d, %.3f]", groups[i].count, groups[i].seconds);
    }
    web_print(r, "]");
}

/* What the loop has, at this sample. Tasks are gone through once for all who
 * are told of it, who may be as many as the tasks.
 */
static _Thread_local struct {
    double due; /* of the next sample: this one has no other like it */
    int tasks, timers;
    struct loop_group task_groups[LOOP_GROUPS], timer_groups[LOOP_GROUPS];
} now;

static void look(const struct loop_stats *stats)
{
    if (now.due == stats->due)
        return;
    now.due = stats->due;
    now.tasks = loop_stats_tasks(stats->loop, now.task_groups);
    now.timers = loop_stats_timers(stats->loop, now.timer_groups);
}

/* One event, with the samples from that one on. */
static void print_event(struct web_request *r, unsigned long since)
{
    const struct loop_stats *stats = r->web->data;
    look(stats);
    web_printf(r, "data: {\"open\": %d, \"requests\": %lu, \"turns\": %lu",
               r->web->open, r->web->requests, stats->loop->turns);
    web_print(r, ", \"samples\": [");
    for (unsigned long i = since; i < stats->count; i++) {
        const struct loop_sample *s = loop_stats_sample(stats, i);
        web_printf(r, "%s[%.3f, %.6f]", i == since ? "" : ", ", s->when,
                   s->lag > 0 ? s->lag : 0);
    }
    web_print(r, "]");
    print_groups(r, "tasks", now.task_groups, now.tasks);
    print_groups(r, "timers", now.timer_groups, now.timers);
    web_printf(r, ", \"slow\": [%lu, ", stats->slow_count);
    print_string(r, stats->slow);
    web_print(r, "]}\n\n");
}

bool web_events(void *frame, struct future **awaits)
{
    struct web_events *c = frame;
    const struct loop_stats *stats = c->request->web->data;
    GEN_BEGIN(c);
    web_type(c->request, "text/event-stream");
    web_field(c->request, "Cache-Control", "no-store");
    if (stats->count > LOOP_SAMPLES)
        c->told = stats->count - LOOP_SAMPLES;
    for (;;) {
        if (c->told < stats->count)
            print_event(c->request, c->told);
        c->told = stats->count;
        AWAIT_CALL(c, web_flush, .request = c->request);
        /* The sample's timer was there first, and is called first. */
        AWAIT_CALL(c, sleep_for, .seconds = stats->due - loop_time());
    }
    GEN_END(c);
    return false;
}
