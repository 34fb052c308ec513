/* c10k.c: ten thousand clients at once, and what each way to wait for them
 * costs, or where it gives up.
 *
 * Cells: C02
 * Run:   make c10k; make c10k ARGS='-n 5000'
 * Ask:   all but one are silent. Who has to work for those who say nothing?
 * Watch: blocking has room for one, select for a thousand; poll answers ever
 *        later, since it looks at all of them each time; epoll does not
 *        notice how many there are.
 * See:   echo_blocking.c, echo_select.c, echo_poll.c, echo_epoll.c and
 *        echo_selector.c; 04_threads/rps_threads.c, what a thread for each
 *        would cost
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "05_select/crowd.h"
#include "05_select/echo_child.h"

/* How often one of the crowd is asked, and how long one that comes waits for
 * its answer before it is said to get none.
 */
enum { TIMES = 301, MS = 20000, MS_IN_TURN = 200 };

static int clients; /* 0: 1,000, and then 10,000 */

/* KiB of memory that a process really has. Of what the kernel keeps for each
 * connection nothing is in it.
 */
static double memory(pid_t pid)
{
    char path[32];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        err(CLI_ERROR, "%s", path);
    if (fscanf(f, "%*d %ld", &pages) != 1)
        errx(CLI_ERROR, "%s: no number of pages", path);
    fclose(f);
    return (double)(pages * sysconf(_SC_PAGESIZE)) / 1024;
}

static void measure(const char *name, int wanted, int ms)
{
    char program[32];
    struct echo_child server;
    struct crowd crowd;
    snprintf(program, sizeof program, "echo_%s", name);
    //> A server of its own for each, in a child: clean memory, and a new port.
    echo_child_start(&server, program);
    double before = memory(server.pid);
    crowd_come(&crowd, server.port, wanted, ms);
    double after = memory(server.pid);
    if (crowd.count == 0)
        errx(CLI_ERROR, "%s: nobody is served: %s", program, crowd.why);
    //> They are all in, or as many as can be. One after the other says
    //> something now, among all the others, who are silent.
    double seconds = crowd_ask(&crowd, TIMES);
    if (crowd.count == wanted)
        printf("%-8s  %8.1f KiB  %8.1f us\n", name, (after - before) / wanted,
               seconds * 1e6);
    else
        printf("%-8s  holds %d; the next: %s\n", name, crowd.count, crowd.why);
    crowd_leave(&crowd);
    echo_child_stop(&server);
}

static void show(int asked)
{
    const char *which;
    int limit = crowd_limit(&which);
    int wanted = asked < limit ? asked : limit;
    printf("%d client%s", wanted, wanted == 1 ? "" : "s");
    if (wanted < asked)
        printf(", not %d: no more %s here", asked, which);
    printf("\n");
    printf("%-8s  %12s  %11s\n", "", "memory each", "an answer");
    //> Each line is one way to wait. From here on only that differs.
    measure("blocking", wanted, MS_IN_TURN);
    measure("select", wanted, MS);
    measure("poll", wanted, MS);
    measure("epoll", wanted, MS);
    measure("selector", wanted, MS);
    printf("\n");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "many clients at once, for each architecture of the echo",
        .options = {{'n', "clients", "how many; else 1000, then 10000",
                     CLI_INT(&clients, 1, 1000000)}},
    };
    cli_parse(&cli, argc, argv);

    show(clients ? clients : 1000);
    if (clients == 0)
        show(10000);
    printf("memory: the server's own; what the kernel keeps for each socket\n"
           "        is not counted\n"
           "select: has room for descriptors below 1024, and a few of those\n"
           "        are taken already\n");
    return CLI_OK;
}
