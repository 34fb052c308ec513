#include "07_eventloop/loop_signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "07_eventloop/loop_threads.h"

struct loop_signal {
    int number;
    loop_callback *call;
    void *data;
    const char *name;
    struct sigaction before;
    struct loop_signal *next;
};

/* A signal is the process's, so there is one loop that it is for. */
static struct {
    atomic_bool came;
    _Atomic(struct loop *) loop;
} signals[NSIG];

static void note(int number)
{
    int saved = errno;
    struct loop *loop = signals[number].loop;
    signals[number].came = true;
    if (loop != NULL)
        loop_wake_up(loop);
    errno = saved;
}

static struct loop_signal **find(struct loop *loop, int number)
{
    struct loop_signal **link = &loop->signals;
    while (*link != NULL && (*link)->number != number)
        link = &(*link)->next;
    return link;
}

int loop_add_signal_handler_named(struct loop *loop, int number,
                                  loop_callback *call, void *data,
                                  const char *name)
{
    struct loop_signal *s = *find(loop, number);
    if (s != NULL) {
        s->call = call;
        s->data = data;
        s->name = name;
        return 0;
    }
    if (number <= 0 || number >= NSIG) {
        errno = EINVAL;
        return -1;
    }
    s = malloc(sizeof *s);
    if (s == NULL)
        return -1;
    *s = (struct loop_signal){number, call, data, name, .next = loop->signals};
    signals[number].came = false;
    signals[number].loop = loop;
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    if (sigaction(number, &action, &s->before) == -1) {
        signals[number].loop = NULL;
        free(s);
        return -1;
    }
    loop->signals = s;
    return 0;
}

bool loop_remove_signal_handler(struct loop *loop, int number)
{
    struct loop_signal **link = find(loop, number);
    struct loop_signal *s = *link;
    if (s == NULL)
        return false;
    sigaction(number, &s->before, NULL);
    signals[number].loop = NULL;
    *link = s->next;
    free(s);
    return true;
}

void loop_signals_call(struct loop *loop)
{
    for (const struct loop_signal *s = loop->signals; s; s = s->next)
        if (atomic_exchange(&signals[s->number].came, false))
            loop_call_soon_named(loop, s->call, s->data, s->name);
}

static void dump(void *data)
{
    loop_dump(data, stderr);
}

void loop_signals_begin(struct loop *loop)
{
    struct sigaction now;
    if (sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        loop_add_signal_handler(loop, SIGUSR1, dump, loop);
}

void loop_signals_end(struct loop *loop)
{
    const struct loop_signal *s = *find(loop, SIGUSR1);
    if (s != NULL && s->call == dump)
        loop_remove_signal_handler(loop, SIGUSR1);
}

void loop_signals_close(struct loop *loop)
{
    while (loop->signals != NULL)
        loop_remove_signal_handler(loop, loop->signals->number);
}
