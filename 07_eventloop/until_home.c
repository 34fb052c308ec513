#include "07_eventloop/until_home.h"

#include "07_eventloop/waiting.h"

bool until_home(void *frame, struct future **awaits)
{
    struct until_home *c = frame;
    GEN_BEGIN(c);
    while (!future_done(c->job)) {
        c->outer = shield(c->job);
        AWAIT_TRY(c, c->outer);
        if (gen_catch(&c->gen) == error_cancelled)
            c->cancelled = true;
        future_release(c->outer);
    }
    const char *error = future_error(c->job);
    if (error == NULL && c->cancelled)
        error = error_cancelled;
    if (error != NULL)
        GEN_RAISE(c, error);
    GEN_END(c);
    future_release(c->job);
    return false;
}
