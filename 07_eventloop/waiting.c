#include "07_eventloop/waiting.h"

#include <err.h>
#include <stdlib.h>

#include "01_files/cli.h"

/* --- wait_for ------------------------------------------------------------- */

/* The waiter is what the task awaits, not the future itself: so it is seen
 * which of the two was cancelled.
 */
static bool cancel_waiter(struct future *f)
{
    struct wait_for *c =
        (struct wait_for *)(void *)((char *)f -
                                    offsetof(struct wait_for, waiter));
    c->cancelled = true;
    return future_cancel(c->future);
}

static const struct future_kind wait_for_kind = {"wait_for", cancel_waiter,
                                                 NULL};

static void inner_done(struct future_callback *self, struct future *f)
{
    struct wait_for *c =
        (struct wait_for *)(void *)((char *)self -
                                    offsetof(struct wait_for, done));
    (void)f;
    future_set_result(&c->waiter, NULL);
}

static void expire(void *data)
{
    struct wait_for *c = data;
    c->late = true;
    future_cancel(c->future);
}

static bool is_own_task(const struct future *f)
{
    const struct task *t = task_current();
    return t != NULL && f == &t->future;
}

bool wait_for(void *frame, struct future **awaits)
{
    struct wait_for *c = frame;
    GEN_BEGIN(c);
    if (future_done(c->future) || is_own_task(c->future)) {
        AWAIT(c, c->future);
        goto gen_end;
    }
    future_hold(c->future);
    future_init(&c->waiter, c->future->loop, &wait_for_kind);
    c->done.call = inner_done;
    future_add_done_callback(c->future, &c->done);
    if (!(c->seconds > 0))
        expire(c);
    else if (c->seconds < INFINITY)
        c->timer = loop_call_later(c->future->loop, c->seconds, expire, c);
    AWAIT_TRY(c, &c->waiter);
    loop_cancel(c->waiter.loop, c->timer);
    /* An error here: it was cancelled when the waiter was done already. */
    const char *error = gen_catch(&c->gen);
    if (error == NULL) {
        error = future_error(c->future);
        if (error == error_cancelled && c->late && !c->cancelled)
            error = error_timeout;
    }
    future_release(c->future);
    if (error != NULL)
        GEN_RAISE(c, error);
    GEN_END(c);
    return false;
}

/* --- shield --------------------------------------------------------------- */

struct shielding {
    struct future future;
    struct future *inner;
    struct future_callback inner_done;
};

static void free_shielding(struct future *f)
{
    struct shielding *s = (struct shielding *)(void *)f;
    future_remove_done_callback(&s->inner_done);
    future_release(s->inner);
    free(s);
}

/* It was cancelled: what will come of the inner one is not its business. */
static void turn_away(void *data)
{
    struct shielding *s = data;
    if (!future_done(s->inner))
        future_remove_done_callback(&s->inner_done);
    future_release(&s->future);
}

static bool cancel_shielding(struct future *f)
{
    future_set_error(f, error_cancelled);
    loop_call_soon(f->loop, turn_away, future_hold(f));
    return true;
}

static const struct future_kind shield_kind = {"a shield", cancel_shielding,
                                               free_shielding};

static void pass_on(struct future_callback *self, struct future *inner)
{
    struct shielding *s =
        (struct shielding *)(void *)((char *)self -
                                     offsetof(struct shielding, inner_done));
    const char *error = future_error(inner);
    if (error != NULL)
        future_set_error(&s->future, error);
    else
        future_set_result(&s->future, future_result(inner));
}

struct future *shield(struct future *inner)
{
    if (future_done(inner))
        return future_hold(inner);
    struct shielding *s = malloc(sizeof *s);
    if (s == NULL)
        err(CLI_ERROR, "shield");
    *s = (struct shielding){.inner = future_hold(inner),
                            .inner_done.call = pass_on};
    future_init(&s->future, inner->loop, &shield_kind);
    future_add_done_callback(inner, &s->inner_done);
    return &s->future;
}

/* --- wait_many ------------------------------------------------------------ */

const char error_waits_for_nothing[] = "ValueError: waits for nothing";

struct waited {
    struct future_callback done;
    struct wait_many *c;
};

static const struct future_kind wait_many_kind = {.name = "wait_many"};

static void be_over(void *data)
{
    future_set_result(data, NULL);
}

static void one_done(struct future_callback *self, struct future *f)
{
    struct wait_many *c = ((struct waited *)(void *)self)->c;
    c->left--;
    if (c->left == 0 || c->return_when == FIRST_COMPLETED ||
        (c->return_when == FIRST_EXCEPTION && !future_cancelled(f) &&
         future_error(f) != NULL))
        be_over(&c->waiter);
}

bool wait_many(void *frame, struct future **awaits)
{
    struct wait_many *c = frame;
    GEN_BEGIN(c);
    if (c->count == 0)
        GEN_RAISE(c, error_waits_for_nothing);
    c->waited = calloc(c->count, sizeof *c->waited);
    if (c->waited == NULL)
        err(CLI_ERROR, "wait for %zu futures", c->count);
    future_init(&c->waiter, loop_running(), &wait_many_kind);
    if (!(c->seconds >= INFINITY))
        c->timer =
            loop_call_later(c->waiter.loop, c->seconds > 0 ? c->seconds : 0,
                            be_over, &c->waiter);
    c->left = c->count;
    for (size_t i = 0; i < c->count; i++) {
        c->waited[i] = (struct waited){.done.call = one_done, .c = c};
        future_add_done_callback(c->futures[i], &c->waited[i].done);
    }
    AWAIT(c, &c->waiter);
    GEN_END(c);
    for (size_t i = 0; c->waited != NULL && i < c->count; i++)
        future_remove_done_callback(&c->waited[i].done);
    loop_cancel(loop_running(), c->timer);
    free(c->waited);
    return false;
}
