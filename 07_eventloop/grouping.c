#include "07_eventloop/grouping.h"

#include <err.h>
#include <stdlib.h>

#include "01_files/cli.h"

struct group_member {
    struct future_callback done;
    struct task_group *group;
    struct group_member *next, **link;
};

/* Once. Who cleans up longer is not disturbed again. */
static void abort_members(struct task_group *g)
{
    if (g->aborting)
        return;
    g->aborting = true;
    for (struct group_member *m = g->first; m != NULL; m = m->next)
        future_cancel(m->done.future);
}

static const struct future_kind kind = {.name = "its group"};

void task_group_begin(struct task_group *group)
{
    *group =
        (struct task_group){.parent = task_current(), .last = &group->first};
}

static void member_done(struct future_callback *self, struct future *f)
{
    struct group_member *m = (struct group_member *)(void *)self;
    struct task_group *g = m->group;
    *m->link = m->next;
    if (m->next != NULL)
        m->next->link = m->link;
    else
        g->last = m->link;
    free(m);
    if (f->state == FUTURE_ERROR) {
        if (g->error == NULL)
            g->error = future_error(f);
        bool first = !g->aborting;
        abort_members(g);
        if (first && g->state == GROUP_OPEN) {
            g->parent_aborted = true;
            future_cancel(&g->parent->future);
        }
    }
    if (g->first == NULL && g->state == GROUP_LEAVING)
        future_set_result(&g->ended, NULL);
}

struct task *task_group_add(struct task_group *group, struct task *t)
{
    task_start(t);
    if (group->aborting || group->state == GROUP_LEFT)
        future_cancel(&t->future);
    if (group->state == GROUP_LEFT)
        return t;
    struct group_member *m = malloc(sizeof *m);
    if (m == NULL)
        err(CLI_ERROR, "task group");
    *m = (struct group_member){
        .done.call = member_done, .group = group, .link = group->last};
    *group->last = m;
    group->last = &m->next;
    future_add_done_callback(&t->future, &m->done);
    return t;
}

bool task_group_leave(void *frame, struct future **awaits)
{
    struct task_group_leave *c = frame;
    struct task_group *g = c->group;
    GEN_BEGIN(c);
    g->state = GROUP_LEAVING;
    if (c->error == error_cancelled && !g->parent_aborted)
        g->cancelled = true;
    else if (c->error != error_cancelled && g->error == NULL)
        g->error = c->error;
    if (c->error != NULL)
        abort_members(g);
    while (g->first != NULL) {
        future_init(&g->ended, loop_running(), &kind);
        AWAIT_TRY(c, &g->ended);
        if (gen_catch(&c->gen) != NULL) {
            g->cancelled = true;
            abort_members(g);
        }
    }
    g->state = GROUP_LEFT;
    if (g->error == NULL && g->cancelled)
        GEN_RAISE(c, error_cancelled);
    if (g->error != NULL && g->cancelled)
        future_cancel(&g->parent->future);
    if (g->error != NULL)
        GEN_RAISE(c, g->error);
    GEN_END(c);
    return false;
}
