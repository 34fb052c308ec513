#include "06_generators/switched.h"

#include <err.h>
#include <errno.h>
#include <sys/mman.h>

#include "01_files/cli.h"

static void must(int error, const char *what)
{
    if (error != -1)
        errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

#ifdef __GLIBC__
enum { STACK = 64 * 1024 };

static struct own_stack *starting;

static void own_stack_run(void)
{
    struct own_stack *g = starting;
    for (g->value = 0; true; g->value++)
        must(swapcontext(&g->self, &g->caller), "swapcontext");
}

void own_stack_start(void *own_stack)
{
    struct own_stack *g = own_stack;
    g->stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g->stack == MAP_FAILED)
        err(CLI_ERROR, "a stack");
    must(getcontext(&g->self), "getcontext");
    g->self.uc_stack.ss_sp = g->stack;
    g->self.uc_stack.ss_size = STACK;
    makecontext(&g->self, own_stack_run, 0);
}

bool own_stack_next(void *own_stack, long *value)
{
    struct own_stack *g = starting = own_stack;
    must(swapcontext(&g->caller, &g->self), "swapcontext");
    *value = g->value;
    return true;
}

void own_stack_stop(void *own_stack)
{
    struct own_stack *g = own_stack;
    must(munmap(g->stack, STACK), "munmap");
}
#endif

static void wait_for(sem_t *s)
{
    while (sem_wait(s) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "semaphore");
}

static void *own_thread_run(void *own_thread)
{
    struct own_thread *g = own_thread;
    wait_for(&g->go);
    for (g->value = 0; !g->closing; g->value++) {
        must(sem_post(&g->came), "semaphore");
        wait_for(&g->go);
    }
    return NULL;
}

void own_thread_start(void *own_thread)
{
    struct own_thread *g = own_thread;
    must(sem_init(&g->go, 0, 0), "semaphore");
    must(sem_init(&g->came, 0, 0), "semaphore");
    must(pthread_create(&g->thread, NULL, own_thread_run, g), "thread");
}

bool own_thread_next(void *own_thread, long *value)
{
    struct own_thread *g = own_thread;
    must(sem_post(&g->go), "semaphore");
    wait_for(&g->came);
    *value = g->value;
    return true;
}

void own_thread_stop(void *own_thread)
{
    struct own_thread *g = own_thread;
    g->closing = true;
    must(sem_post(&g->go), "semaphore");
    must(pthread_join(g->thread, NULL), "join");
}
