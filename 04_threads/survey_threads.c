/* survey_threads.c: a hundred portals asked by a hundred threads at once, which
 * all write one table; and some portals are missing from it.
 *
 * Cells: E03
 * Run:   make survey_threads; make survey_threads SAN=thread
 *        make survey_threads ARGS='-f hosts.txt', yours: a host a line
 * Ask:   that took as long as the slowest alone. What is wrong with it?
 * Watch: a hundred hosts were asked, fewer stand in the table, and another
 *        number each time; some server may stand in it twice. And who wants a
 *        hundred connections at once, or ten thousand?
 * See:   survey_locked.c, put right; 03_processes/survey.c, in turn; race.c
 * Broken: a data race
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

static struct asker {
    pthread_t thread;
    int lane;
    char host[PORTALS_HOST];
} askers[MOST + 1]; /* one to see that there are more */

static struct portals_row table[MOST];
static int rows;

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
    //> the others find in the table meanwhile? print table[i], info threads
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
    timeline_mark(a->lane, TIMELINE_WAIT);
    portals_ask(a->host, seconds, server);
    timeline_mark(a->lane, TIMELINE_IDLE);
    //> This thread has its answer, and so have others: info threads.
    count_server(server);
    printf("%-16s %s\n", a->host, server);
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
        .about = "count the servers of many hosts, a thread for each host",
        .options = {{'f', "file",
                     "hosts in {FILE}: one host[:port] a line, # comments",
                     CLI_TEXT(&file)},
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
    struct portals portals;
    portals_open(&portals, file, delay);

    struct stopwatch watch;
    stopwatch_start(&watch);
    ask_all(&portals);
    stopwatch_stop(&watch);
    portals_close(&portals);

    timeline_finish();
    int counted = portals_sum(table, rows);
    portals_print(table, rows);
    printf("counted        %d of %d\n", counted, portals.hosts);
    if (portals.own)
        printf("open at once   %d\n", farm_most());
    printf("this run       %.3g s\n", watch.wall);
    if (counted == portals.hosts)
        errx(CLI_NO_SHOW, "all hosts were counted this time");
    return CLI_OK;
}
