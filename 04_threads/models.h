/* models: little programs of two threads, cut into steps, for schedules.c.
 *
 * A step is what nobody can come in between; between two steps anybody can.
 * A model is two lists of steps, one for thread A and one for thread B. Three
 * of the models are broken, and behind each stands its mend.
 */
#ifndef MODELS_H
#define MODELS_H

#include <pthread.h>
#include <stdbool.h>

enum { MODELS = 6, THREADS = 2, LOCKS = 2 };

struct thread {
    char name;   /* 'A' or 'B' */
    int next;    /* which of its steps */
    int value;   /* its local variable; -1 while nothing is in it */
    bool asleep; /* until somebody signals */
};

/* Does its work and returns true; or returns false and has done nothing, since
 * the thread would have to wait here.
 */
struct step {
    const char *text;
    bool (*go)(struct thread *me);
};

struct model {
    const char *name, *about;
    const char *fault;                 /* what a bad schedule brings about */
    const struct step *steps[THREADS]; /* each ends with a text of NULL */
    bool counter, flag;                /* which of the shared values it has */
    int locks;
    int schedules, bad; /* how many must be found */
};

/* All that there is while a model runs: p world. */
struct world {
    const struct model *model;
    struct thread threads[THREADS];
    int counter; /* shared, as is all that follows */
    bool flag;
    struct lock {
        pthread_mutex_t mutex;
        char holder; /* the name of a thread, or 0 */
    } locks[LOCKS];
};

extern const struct model models[MODELS];
extern struct world world;

/* Begins a model anew. Before that, both threads have left. */
void model_begin(const struct model *model);

/* The next step of thread 0 or 1; NULL behind its last. */
const struct step *model_next(int who);

/* Called by the thread itself: takes its next step. False, and nothing has
 * happened, where it has to wait or has no step left.
 */
bool model_go(int who);

/* Called by the thread itself, at the end: unlocks what it holds. Who held what
 * can still be read.
 */
void model_leave(int who);

/* Whether this, when nobody can go any more, is a bad end: a thread
 * waits for ever, or the counter is wrong.
 */
bool model_is_bad(void);

/* Prints a row of what can be seen of the world, a column for each value; or
 * the row of their names.
 */
void model_print_values(bool names);

#endif
