#include "07_eventloop/sleep_for.h"

static const struct future_kind kind = {.name = "sleep_for"};

static void wake(void *data)
{
    future_set_result(data, NULL);
}

bool sleep_for(void *frame, struct future **awaits)
{
    struct sleep_for *c = frame;
    GEN_BEGIN(c);
    c->timer = 0;
    future_init(&c->future, loop_running(), &kind);
    if (!(c->seconds > 0)) { /* or no number */
        AWAIT_TURN(c);
        goto gen_end;
    }
    c->timer = loop_call_later(c->future.loop, c->seconds, wake, &c->future);
    AWAIT(c, &c->future);
    GEN_END(c);
    loop_cancel(c->future.loop, c->timer);
    return false;
}
