/* survey.c: which servers do a hundred portals run? One is asked after another.
 *
 * Cells: E01, E02
 * Run:   make survey; make survey ARGS='-d 0.05 -w 3'
 *        make survey ARGS='-f hosts.txt', a file of yours: a host a line
 * Ask:   a portal takes 20 ms to answer. One never does, and we give up after
 *        a second. How long for all hundred?
 * Watch: the sum of all waits; whoever comes behind the silent one waits along
 *        with us. One that is down or silent is counted like any other.
 * See:   portals.c, how the file is read and a portal asked; farm.c, who
 *        answers; 04_threads/survey_threads.c, all at once
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "03_processes/farm.h"
#include "03_processes/portals.h"
#include "03_processes/stopwatch.h"
#include "03_processes/timeline.h"

enum { LANES = 1000, ROWS = 1000, PATIENCE = 5, OWN_PATIENCE = 1 };

static const char *file;
static double delay = 0.02;
static double seconds; /* 0: one of the two PATIENCEs */

static struct portals_row table[ROWS];
static int rows;

static void count_server(const char *server)
{
    int i = 0;
    while (i < rows && strcmp(table[i].server, server) != 0)
        i++;
    if (i == ROWS)
        errx(CLI_ERROR, "more than %d different servers", ROWS);
    if (i == rows) {
        strcpy(table[i].server, server);
        rows++;
    }
    //> print server, print table[i], print rows
    table[i].count++;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count the servers of many hosts, asked one after another",
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
    timeline_start(LANES);
    struct portals portals;
    portals_open(&portals, file, delay);

    struct stopwatch watch;
    stopwatch_start(&watch);
    char host[PORTALS_HOST];
    //> Like a generator this reads on to the next host and no further: print
    //> portals.line before and after. The first lines hold none.
    while (portals_next(&portals, host)) {
        char server[PORTALS_SERVER];
        int lane = timeline_lane("%s", host);
        timeline_mark(lane, TIMELINE_WAIT);
        //> One request, one answer; here the time goes, and hardly any of it is
        //> ours. Who never answers is called (silent) in the end.
        portals_ask(host, seconds, server);
        timeline_mark(lane, TIMELINE_IDLE);
        count_server(server);
        printf("%-16s %s\n", host, server);
    }
    stopwatch_stop(&watch);
    portals_close(&portals);

    timeline_finish();
    portals_print(table, rows);
    printf("counted        %d of %d\n", portals_sum(table, rows),
           portals.hosts);
    if (portals.own)
        printf("open at once   %d\n", farm_most());
    printf("this run       %.3g s\n", watch.wall);
    printf("recorded       Apache 34, nginx 31, ... (Python, 2015)\n");
    portals_check(&portals, table, rows);
    return CLI_OK;
}
