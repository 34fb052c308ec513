#include "07_eventloop/task_inside.h"

double task_waiting(const struct task *t)
{
    return t->wake.future != NULL ? (task_clock() - t->since) / 1e3 : 0;
}

static void dump(const struct task *t, FILE *out)
{
    const struct future *f = t->wake.future;
    const struct gen *g = (const void *)t->frame;
    fprintf(out, "  task %s", t->name);
    if (t == task_current())
        fprintf(out, ": runs\n");
    else if (t->state != TASK_STARTED)
        fprintf(out, ": never started\n");
    else if (f == NULL)
        fprintf(out, ": ready\n");
    else if (f->kind == &task_kind)
        fprintf(out, ", at line %d: for %.3f s it waits for a task %s\n",
                g->line, task_waiting(t),
                ((const struct task *)(const void *)f)->name);
    else
        fprintf(out, ", at line %d: for %.3f s it waits for %s\n", g->line,
                task_waiting(t), f->kind->name);
}

void tasks_dump(struct loop *loop, FILE *out)
{
    for (const struct task *t = loop->tasks; t != NULL; t = t->next)
        dump(t, out);
}
