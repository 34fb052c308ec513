#include "04_threads/load.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What the threads of one run have in common. */
struct crew {
    sem_t arrived;
    pthread_mutex_t gate; /* held until all are there; guards what follows */
    int times;
    bool (*once)(int);
};

struct member {
    pthread_t thread;
    int number;
    struct crew *crew;
    double life, cpu;
};

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(1, "load: %s", what);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) == -1)
        err(1, "load: clock_gettime");
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Adds our addresses, and those of them that are in memory. */
static void add_memory(struct load *load, int sign)
{
    double addresses, memory;
    double page = (double)(sign * sysconf(_SC_PAGESIZE));
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL || fscanf(f, "%lf %lf", &addresses, &memory) != 2)
        err(1, "/proc/self/statm");
    fclose(f);
    load->addresses += addresses * page;
    load->memory += memory * page;
}

static void *work(void *argument)
{
    struct member *m = argument;
    struct crew *crew = m->crew;
    sem_post(&crew->arrived);
    must(pthread_mutex_lock(&crew->gate), "gate");
    int left = crew->times;
    must(pthread_mutex_unlock(&crew->gate), "gate");
    m->life = -seconds(CLOCK_MONOTONIC);
    m->cpu = -seconds(CLOCK_THREAD_CPUTIME_ID);
    while (left-- > 0 && crew->once(m->number))
        continue;
    m->cpu += seconds(CLOCK_THREAD_CPUTIME_ID);
    m->life += seconds(CLOCK_MONOTONIC);
    return NULL;
}

/* Returns 0, or an errno. */
static int make_threads(struct load *load, struct member *members, int threads)
{
    int error = 0;
    load->making -= seconds(CLOCK_MONOTONIC);
    while (load->threads < threads && error == 0) {
        struct member *m = &members[load->threads];
        error = pthread_create(&m->thread, NULL, work, m);
        load->threads += error == 0;
    }
    load->making += seconds(CLOCK_MONOTONIC);
    return error;
}

int load_run(struct load *load, int threads, int times, bool (*once)(int))
{
    struct crew crew = {.gate = PTHREAD_MUTEX_INITIALIZER, .once = once};
    struct member *members = calloc((size_t)threads, sizeof *members);
    *load = (struct load){.threads = 0};
    if (members == NULL)
        return -1;
    if (sem_init(&crew.arrived, 0, 0) == -1)
        err(1, "load: semaphore");
    for (int i = 0; i < threads; i++)
        members[i] = (struct member){.number = i, .crew = &crew};

    add_memory(load, -1);
    must(pthread_mutex_lock(&crew.gate), "gate");
    int error = make_threads(load, members, threads);
    for (int i = 0; i < load->threads; i++)
        while (sem_wait(&crew.arrived) == -1 && errno == EINTR)
            continue;
    add_memory(load, 1);
    crew.times = error == 0 ? times : 0;
    load->wall -= seconds(CLOCK_MONOTONIC);
    must(pthread_mutex_unlock(&crew.gate), "gate");
    for (int i = 0; i < load->threads; i++) {
        must(pthread_join(members[i].thread, NULL), "join");
        load->life += members[i].life;
        load->cpu += members[i].cpu;
    }
    load->wall += seconds(CLOCK_MONOTONIC);
    sem_destroy(&crew.arrived);
    free(members);
    errno = error;
    return error == 0 ? 0 : -1;
}
