#include "04_threads/turns.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

/* None of this needs a lock: who writes it then posts the semaphore that the
 * reader waits for. That orders the two, in time and in memory.
 */
static struct player {
    pthread_t thread;
    sem_t may_go;
    bool result;
} players[TURNS_THREADS];

static sem_t went;
static bool over;
static bool (*do_turn)(int who);
static void (*do_leave)(int who);

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) == -1)
        if (errno != EINTR)
            err(1, "sem_wait");
}

static void post(sem_t *semaphore)
{
    if (sem_post(semaphore) == -1)
        err(1, "sem_post");
}

static void *play(void *argument)
{
    struct player *me = argument;
    int who = (int)(me - players);
    for (wait_for(&me->may_go); !over; wait_for(&me->may_go)) {
        me->result = do_turn(who);
        post(&went);
    }
    do_leave(who);
    return NULL;
}

static void start(sem_t *semaphore)
{
    if (sem_init(semaphore, 0, 0) == -1)
        err(1, "sem_init");
}

/* Ends the first n of them, which are all that there are. */
static void end(int n)
{
    over = true;
    for (int i = 0; i < n; i++)
        post(&players[i].may_go);
    for (int i = 0; i < n; i++) {
        errno = pthread_join(players[i].thread, NULL);
        if (errno != 0)
            err(1, "join");
    }
    for (int i = 0; i < TURNS_THREADS; i++)
        sem_destroy(&players[i].may_go);
    sem_destroy(&went);
}

int turns_start(bool (*turn)(int who), void (*leave)(int who))
{
    do_turn = turn;
    do_leave = leave;
    over = false;
    start(&went);
    for (int i = 0; i < TURNS_THREADS; i++)
        start(&players[i].may_go);
    for (int i = 0; i < TURNS_THREADS; i++) {
        int error = pthread_create(&players[i].thread, NULL, play, &players[i]);
        if (error != 0) {
            end(i);
            errno = error;
            return -1;
        }
    }
    return 0;
}

bool turns_give(int who)
{
    post(&players[who].may_go);
    wait_for(&went);
    return players[who].result;
}

void turns_end(void)
{
    end(TURNS_THREADS);
}
