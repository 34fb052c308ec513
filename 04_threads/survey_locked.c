/* survey_locked.c: a hundred threads and one table, put right by a lock and by
 * a semaphore.
 *
 * Cells: E04
 * Run:   make survey_locked; make survey_locked ARGS='-c 1'
 *        diff survey_threads.c survey_locked.c
 * Ask:   a lock lets one thread through. What lets through ten?
 * Watch: the table of survey in a third of its time, and never more than ten
 *        connections, which the farm itself has counted. In the chart - waits
 *        for its place, and . for its portal.
 * See:   survey_threads.c, without; thread_pool.c, where ten threads are enough
 *        for ten connections
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "03_processes/farm.h"
#include "03_processes/portals.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { MOST = 1000, PATIENCE = 5, OWN_PATIENCE = 1 };

static const char *file;
static double delay = 0.02;
static double seconds; /* 0: one of the two PATIENCEs */
static int connections = 10;

static struct asker {
    pthread_t thread;
    int lane;
    char host[PORTALS_HOST];
} askers[MOST + 1]; /* one to see that there are more */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct portals_row table[MOST]; /* both under the lock */
static int rows;

/* So many places for connections are free. */
static sem_t places;

static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static bool called_off; /* set before the gate opens */

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void count_server(const char *server)
{
    int i = 0;
    while (i < rows && strcmp(table[i].server, server) != 0)
        i++;
    if (i == rows) {
        strcpy(table[i].server, server);
        rows++;
    }
    int count = table[i].count;
    //> The time slice of this thread ends here, as it might anywhere. What do
    //> the others find in the table meanwhile? print lock.__data.__owner
    sched_yield();
    table[i].count = count + 1;
}

static void *ask(void *argument)
{
    struct asker *a = argument;
    char server[PORTALS_SERVER];
    must(pthread_rwlock_rdlock(&gate), "the gate");
    must(pthread_rwlock_unlock(&gate), "the gate");
    if (called_off)
        return NULL;
    timeline_mark(a->lane, TIMELINE_BLOCKED);
    //> Minus one; or, where that would be less than none, wait for a place.
    while (sem_wait(&places) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "the semaphore");
    timeline_mark(a->lane, TIMELINE_WAIT);
    portals_ask(a->host, seconds, server);
    timeline_mark(a->lane, TIMELINE_IDLE);
    /* Plus one. That is for the one who came through sem_wait alone, but the
     * semaphore would take it from anybody: it is bounded by our manners.
     */
    if (sem_post(&places) == -1)
        err(CLI_ERROR, "the semaphore");
    must(pthread_mutex_lock(&lock), "lock");
    count_server(server);
    printf("%-16s %s\n", a->host, server);
    must(pthread_mutex_unlock(&lock), "unlock");
    return NULL;
}

/* The gate opens when all threads are there. */
static void ask_all(struct portals *portals)
{
    int started = 0;
    int error = 0;
    must(pthread_rwlock_wrlock(&gate), "the gate");
    while (error == 0 && portals_next(portals, askers[started].host) &&
           started < MOST) {
        struct asker *a = &askers[started];
        a->lane = timeline_lane("%s", a->host);
        error = pthread_create(&a->thread, NULL, ask, a);
        started += error == 0;
    }
    bool too_many = portals->hosts > MOST;
    called_off = error != 0 || too_many;
    //> A thread for each host, and all wait at the gate: print started
    must(pthread_rwlock_unlock(&gate), "the gate");
    for (int i = 0; i < started; i++)
        must(pthread_join(askers[i].thread, NULL), "join");
    if (too_many)
        errx(CLI_ERROR, "%s: more than %d hosts", portals->name, MOST);
    errno = error;
    if (error != 0)
        err(CLI_ERROR, "thread %d", started + 1);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about =
            "count the servers of many hosts, a thread for each, with a lock",
        .options = {{'f', "file",
                     "hosts in {FILE}: one host[:port] a line, # comments",
                     CLI_TEXT(&file)},
                    {'c', "connections", "at most {N} at once",
                     CLI_INT(&connections, 1, MOST)},
                    {'d', "delay", "{seconds} that a host of our farm takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'w', "timeout", "wait {seconds}; 0: 5, for our farm 1",
                     CLI_DOUBLE(&seconds, 0, 600)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    if (seconds == 0)
        seconds = file != NULL ? PATIENCE : OWN_PATIENCE;
    timeline_start(MOST);
    if (sem_init(&places, 0, (unsigned)connections) == -1)
        err(CLI_ERROR, "the semaphore");
    struct portals portals;
    portals_open(&portals, file, delay);

    struct stopwatch watch;
    stopwatch_start(&watch);
    ask_all(&portals);
    stopwatch_stop(&watch);
    portals_close(&portals);

    timeline_finish();
    portals_print(table, rows);
    printf("counted        %d of %d\n", portals_sum(table, rows),
           portals.hosts);
    if (portals.own)
        printf("open at once   %d\n", farm_most());
    printf("this run       %.3g s\n", watch.wall);
    portals_check(&portals, table, rows);
    if (farm_most() > connections)
        errx(CLI_ERROR, "%d connections at once", farm_most());
    return CLI_OK;
}
