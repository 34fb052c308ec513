#include "07_eventloop/promise.h"

#include <err.h>
#include <stdlib.h>

#include "01_files/cli.h"

struct promise {
    struct future future;
    struct future_callback before, inner; /* what it waits for */
    promise_call *then;
    promise_complaint *catch;
    void *data;
};

static void free_it(struct future *f)
{
    free(f);
}

static const struct future_kind kind = {.name = "a promise", .free = free_it};

/* The end of it; and of its own hold on itself. */
static void settle(struct promise *p, struct future *as)
{
    const char *error = future_error(as);
    if (error != NULL)
        future_set_error(&p->future, error);
    else
        future_set_result(&p->future, future_result(as));
    future_release(&p->future);
}

/* The future that its call has returned is done. */
static void inner_done(struct future_callback *self, struct future *f)
{
    settle((struct promise *)(void *)((char *)self -
                                      offsetof(struct promise, inner)),
           f);
}

static void before_done(struct future_callback *self, struct future *f)
{
    struct promise *p =
        (struct promise *)(void *)((char *)self -
                                   offsetof(struct promise, before));
    const char *error = future_error(f);
    struct future *inner = NULL;
    if (error == NULL && p->then != NULL) {
        inner = p->then(p->data, future_result(f));
    } else if (error != NULL && p->catch != NULL) {
        p->catch (p->data, error);
    } else {
        settle(p, f);
        return;
    }
    if (inner == NULL) {
        future_set_result(&p->future, NULL);
        future_release(&p->future);
        return;
    }
    p->inner.call = inner_done;
    future_add_done_callback(inner, &p->inner);
    future_release(inner);
}

static struct future *chain(struct future *before, promise_call *then,
                            promise_complaint *catch, void *data)
{
    struct promise *p = malloc(sizeof *p);
    if (p == NULL)
        err(CLI_ERROR, "promise");
    *p = (struct promise){
        .before.call = before_done, .then = then, .catch = catch, .data = data};
    future_init(&p->future, before->loop, &kind);
    future_hold(&p->future);
    future_add_done_callback(before, &p->before);
    future_release(before);
    return &p->future;
}

struct future *promise_then(struct future *before, promise_call *call,
                            void *data)
{
    return chain(before, call, NULL, data);
}

struct future *promise_catch(struct future *before, promise_complaint *call,
                             void *data)
{
    return chain(before, NULL, call, data);
}
