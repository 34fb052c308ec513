#include "07_eventloop/futures.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"

const char error_cancelled[] = "CancelledError";
const char error_timeout[] = "TimeoutError";
const char error_invalid_state[] = "InvalidStateError";

const char *errno_error(int number)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(number);
#else
    const char *text = strerror(number); /* musl's are constants */
#endif
    return text != NULL ? text : "an unknown error";
}

static const struct future_kind plain = {.name = "a future"};

static void free_it(struct future *f)
{
    free(f);
}

static const struct future_kind heap = {.name = "a future", .free = free_it};

void future_init(struct future *f, struct loop *loop,
                 const struct future_kind *kind)
{
    *f = (struct future){
        .loop = loop, .kind = kind != NULL ? kind : &plain, .holders = 1};
}

struct future *future_new(struct loop *loop)
{
    struct future *f = malloc(sizeof *f);
    if (f == NULL)
        err(CLI_ERROR, "future");
    future_init(f, loop, &heap);
    return f;
}

struct future *future_hold(struct future *f)
{
    f->holders++;
    return f;
}

void future_release(struct future *f)
{
    if (f == NULL || --f->holders > 0)
        return;
    if (f->state == FUTURE_ERROR && !f->taken)
        warnx("%s: nobody took its error: %s", f->kind->name, f->error);
    if (f->kind->free != NULL)
        f->kind->free(f);
}

bool future_done(const struct future *f)
{
    return f->state != FUTURE_PENDING;
}

bool future_cancelled(const struct future *f)
{
    return f->state == FUTURE_CANCELLED;
}

void *future_result(const struct future *f)
{
    return f->state == FUTURE_RESULT ? f->result : NULL;
}

const char *future_error(struct future *f)
{
    switch (f->state) {
    case FUTURE_PENDING:
        return error_invalid_state;
    case FUTURE_RESULT:
        return NULL;
    case FUTURE_ERROR:
        f->taken = true;
        return f->error;
    case FUTURE_CANCELLED:
        break;
    }
    return error_cancelled;
}

/* --- Done callbacks -------------------------------------------------------- */

static void call_back(void *data)
{
    struct future_callback *c = data;
    struct future *f = c->future;
    /* The call may free c, and f with it where that lies in a frame. */
    bool counted = f->kind->free != NULL;
    c->future = NULL;
    if (!counted)
        f->holders--;
    c->call(c, f);
    if (counted)
        future_release(f);
}

/* The loop is closed before its turn has come. */
static void drop(loop_callback *call, void *data)
{
    if (call == call_back)
        future_remove_done_callback(data);
}

static void schedule(struct future_callback *c)
{
    struct loop *loop = c->future->loop;
    loop->drop = drop;
    c->ready = loop_call_soon_named(loop, call_back, c, "a done callback");
}

void future_add_done_callback(struct future *f, struct future_callback *c)
{
    c->future = future_hold(f);
    c->ready = 0;
    if (future_done(f)) {
        schedule(c);
        return;
    }
    c->next = f->callbacks;
    f->callbacks = c;
}

bool future_remove_done_callback(struct future_callback *c)
{
    struct future *f = c->future;
    if (f == NULL)
        return false;
    if (c->ready != 0) {
        loop_cancel(f->loop, c->ready);
    } else {
        struct future_callback **link = &f->callbacks;
        while (*link != c)
            link = &(*link)->next;
        *link = c->next;
    }
    c->future = NULL;
    future_release(f);
    return true;
}

static void finish(struct future *f, enum future_state state)
{
    struct future_callback *c = f->callbacks;
    struct future_callback *first = NULL;
    f->state = state;
    f->callbacks = NULL;
    while (c != NULL) {
        struct future_callback *next = c->next;
        c->next = first;
        first = c;
        c = next;
    }
    for (; first != NULL; first = first->next)
        schedule(first);
}

bool future_set_result(struct future *f, void *result)
{
    if (future_done(f))
        return false;
    f->result = result;
    finish(f, FUTURE_RESULT);
    return true;
}

bool future_set_result_now(struct future *f, void *result)
{
    struct future_callback *c = f->callbacks;
    if (future_done(f) || c == NULL || c->next != NULL)
        return future_set_result(f, result);
    f->result = result;
    f->state = FUTURE_RESULT;
    f->callbacks = NULL;
    call_back(c);
    return true;
}

bool future_set_error(struct future *f, const char *error)
{
    if (future_done(f))
        return false;
    f->error = error;
    finish(f, error == error_cancelled ? FUTURE_CANCELLED : FUTURE_ERROR);
    return true;
}

bool future_cancel(struct future *f)
{
    if (future_done(f))
        return false;
    if (f->kind->cancel != NULL)
        return f->kind->cancel(f);
    finish(f, FUTURE_CANCELLED);
    return true;
}
