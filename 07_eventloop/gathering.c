#include "07_eventloop/gathering.h"

#include <err.h>
#include <stdlib.h>

#include "01_files/cli.h"

struct gathering {
    struct future future;
    bool collect, cancelling;
    const char *error; /* that a child came to, instead of being cancelled */
    size_t count, left;
    struct gathered {
        struct future_callback done;
        struct future *child;
        struct gathering *all;
    } children[];
};

static bool cancel(struct future *f)
{
    struct gathering *g = (struct gathering *)(void *)f;
    for (size_t i = 0; i < g->count; i++)
        if (future_cancel(g->children[i].child))
            g->cancelling = true;
    return g->cancelling;
}

static void free_it(struct future *f)
{
    struct gathering *g = (struct gathering *)(void *)f;
    for (size_t i = 0; i < g->count; i++)
        future_release(g->children[i].child);
    free(g);
}

static const struct future_kind kind = {"gather", cancel, free_it};

static void child_done(struct future_callback *self, struct future *child)
{
    struct gathering *g = ((struct gathered *)(void *)self)->all;
    const char *error = NULL;
    /* With collect the errors are for whoever looks at the children. */
    if (!g->collect || future_cancelled(child))
        error = future_error(child);
    g->left--;
    if (error != NULL && !g->collect && !g->cancelling)
        future_set_error(&g->future, error);
    if (error != error_cancelled && g->error == NULL)
        g->error = error;
    if (g->left == 0 && g->cancelling)
        future_set_error(&g->future, g->error ? g->error : error_cancelled);
    else if (g->left == 0)
        future_set_result(&g->future, NULL);
    future_release(&g->future);
}

struct future *gather(struct loop *loop, struct future *const children[],
                      size_t count, bool collect)
{
    struct gathering *g = malloc(sizeof *g + count * sizeof *g->children);
    if (g == NULL)
        err(CLI_ERROR, "gather");
    *g = (struct gathering){.collect = collect, .count = count, .left = count};
    future_init(&g->future, loop, &kind);
    for (size_t i = 0; i < count; i++) {
        g->children[i] = (struct gathered){
            .done.call = child_done, .child = future_hold(children[i]), g};
        /* While a child is not done, the gather is needed. */
        future_hold(&g->future);
        future_add_done_callback(children[i], &g->children[i].done);
    }
    if (count == 0)
        future_set_result(&g->future, NULL);
    return &g->future;
}
