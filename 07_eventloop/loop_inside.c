#include "07_eventloop/loop_inside.h"

#include <err.h>

void loop_about(struct loop *loop, const char *subject)
{
    loop->about = subject;
}

void loop_report(const struct loop *loop, const char *name, double took)
{
    char text[200];
    snprintf(text, sizeof text, "loop: %s%s%s held everyone up for %.3f s",
             name, loop->about ? " of " : "", loop->about ? loop->about : "",
             took);
    warnx("%s", text);
    if (loop->on_slow != NULL)
        loop->on_slow(loop->on_slow_data, text);
}

const char *loop_timer(const struct loop *loop, size_t i, double *when)
{
    const struct loop_slot *slot = &loop->slots[loop->timers.heap[i].number];
    *when = loop->timers.heap[i].when;
    return slot->call != NULL ? slot->name : NULL;
}

void loop_dump(struct loop *loop, FILE *out)
{
    double now = loop_time();
    double when;
    fprintf(out, "loop on %s, turn %lu\n", loop->selector.name, loop->turns);
    for (int fd = 0; fd < loop->watch_room; fd++)
        for (int i = 0; i < 2; i++)
            if (loop->watches[fd].watchers[i].call != NULL)
                fprintf(out, "  descriptor %d, to %s: %s\n", fd,
                        i == 0 ? "read" : "write",
                        loop->watches[fd].watchers[i].name);
    for (size_t i = 0; i < loop->timers.count; i++) {
        const char *name = loop_timer(loop, i, &when);
        if (name != NULL)
            fprintf(out, "  timer, due in %.3f s: %s\n", when - now, name);
    }
    for (size_t i = 0; i < loop->ready_count; i++) {
        size_t at = (loop->ready_first + i) & (loop->ready_room - 1);
        const struct loop_slot *slot = &loop->slots[loop->ready[at]];
        if (slot->call != NULL)
            fprintf(out, "  ready: %s\n", slot->name);
    }
    if (loop->dump_tasks != NULL)
        loop->dump_tasks(loop, out);
}
