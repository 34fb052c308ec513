#include "07_eventloop/loop_stats.h"

#include <stdio.h>
#include <string.h>

#include "07_eventloop/task.h"

/* --- The lag --------------------------------------------------------------- */

static void note_slow(void *data, const char *report)
{
    struct loop_stats *s = data;
    s->slow_count++;
    snprintf(s->slow, sizeof s->slow, "%s", report);
}

static void sample(void *data)
{
    struct loop_stats *s = data;
    double now = loop_time();
    s->samples[s->count++ % LOOP_SAMPLES] =
        (struct loop_sample){now - s->begun, now - s->due};
    /* Those that were missed meanwhile are not made up for. */
    s->due += s->interval;
    if (s->due < now)
        s->due = now + s->interval;
    s->timer = loop_call_at(s->loop, s->due, sample, s);
}

void loop_stats_begin(struct loop_stats *s, struct loop *loop, double interval)
{
    *s = (struct loop_stats){
        .loop = loop, .interval = interval, .begun = loop_time()};
    loop->on_slow = note_slow;
    loop->on_slow_data = s;
    s->due = s->begun;
    sample(s);
}

void loop_stats_end(struct loop_stats *s)
{
    loop_cancel(s->loop, s->timer);
    s->loop->on_slow = NULL;
}

const struct loop_sample *loop_stats_sample(const struct loop_stats *s,
                                            unsigned long i)
{
    return &s->samples[i % LOOP_SAMPLES];
}

const struct loop_sample *loop_stats_last(const struct loop_stats *s)
{
    return loop_stats_sample(s, s->count - 1);
}

double loop_stats_longest(const struct loop_stats *s, unsigned long since)
{
    double longest = 0;
    if (s->count > LOOP_SAMPLES && since < s->count - LOOP_SAMPLES)
        since = s->count - LOOP_SAMPLES;
    for (unsigned long i = since; i < s->count; i++)
        if (loop_stats_sample(s, i)->lag > longest)
            longest = loop_stats_sample(s, i)->lag;
    return longest;
}

/* --- Groups ---------------------------------------------------------------- */

/* The group of that name, which may be a new one, or the last. Names that are
 * one constant are compared by where they are, which is most of them.
 */
static struct loop_group *find(struct loop_group groups[LOOP_GROUPS],
                               int *count, const char *name,
                               const char *waits_for)
{
    for (int i = 0; i < *count; i++)
        if ((groups[i].name == name || strcmp(groups[i].name, name) == 0) &&
            (groups[i].waits_for == waits_for ||
             strcmp(groups[i].waits_for, waits_for) == 0))
            return &groups[i];
    if (*count == LOOP_GROUPS) {
        groups[LOOP_GROUPS - 1].name = "others";
        groups[LOOP_GROUPS - 1].waits_for = "";
        return &groups[LOOP_GROUPS - 1];
    }
    struct loop_group *new = &groups[(*count)++];
    *new = (struct loop_group){.name = name, .waits_for = waits_for};
    return new;
}

int loop_stats_tasks(const struct loop *loop,
                     struct loop_group groups[LOOP_GROUPS])
{
    int count = 0;
    for (const struct task *t = loop->tasks; t != NULL; t = t->next) {
        const struct future *f = t->wake.future;
        double seconds = task_waiting(t);
        const char *what =
            t == task_current() ? "nothing: it runs" : "its turn";
        struct loop_group *g =
            find(groups, &count, t->name, f != NULL ? f->kind->name : what);
        g->count++;
        if (seconds > g->seconds)
            g->seconds = seconds;
    }
    return count;
}

int loop_stats_timers(const struct loop *loop,
                      struct loop_group groups[LOOP_GROUPS])
{
    int count = 0;
    double now = loop_time();
    for (size_t i = 0; i < loop->timers.count; i++) {
        double when;
        const char *name = loop_timer(loop, i, &when);
        if (name == NULL)
            continue;
        struct loop_group *g = find(groups, &count, name, "");
        if (g->count++ == 0 || when - now < g->seconds)
            g->seconds = when - now;
    }
    return count;
}
