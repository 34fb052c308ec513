/* portals: the hosts of a survey, one by one from a file, and what one of
 * them says it runs.
 *
 *     struct portals portals;
 *     char host[PORTALS_HOST];
 *     char server[PORTALS_SERVER];
 *     portals_open(&portals, file, 0.02);
 *     while (portals_next(&portals, host)) {
 *         portals_ask(host, 5, server);
 *         printf("%s runs %s\n", host, server);
 *     }
 *     portals_close(&portals);
 */
#ifndef PORTALS_H
#define PORTALS_H

#include <stdbool.h>
#include <stdio.h>

#include "03_processes/http_reply.h"

enum {
    PORTALS_HOST = 256,  /* room for the longest name, with a port, and a NUL */
    PORTALS_SERVER = 40, /* longer names of servers are cut */
};

struct portals {
    FILE *file;
    const char *name; /* of the file */
    int line;         /* the number of the last one read */
    int hosts;        /* how many have been given out */
    bool own;         /* they are those of the farm */
    char error[128];  /* "" as long as all is well */
};

/* Opens a file of hosts. Where the name is NULL it starts the farm, with that
 * delay, makes a file of its hosts in a scratch folder and opens that. Says in
 * a first line of the output where the hosts are from. Ends the program with a
 * message where that cannot be. Before there are threads, since it may fork;
 * after timeline_start, since it may enter another folder.
 */
void portals_open(struct portals *portals, const char *file, double delay);

/* Reads on in the file to the next host, and no further: one name a line,
 * maybe with a port, "localhost:8000". White space around it is stripped;
 * empty lines and those that begin with # are skipped. False at the end, or
 * where no host can be read; which it was is for portals_close to say. A byte
 * that no name can have comes as '?'.
 */
bool portals_next(struct portals *portals, char host[PORTALS_HOST]);

/* Ends the farm. Ends the program with a message where the file could not be
 * read to its end or holds no host, where somebody could not be asked for want
 * of descriptors or memory, or where the farm has ended before.
 */
void portals_close(struct portals *portals);

/* Asks the host which server it runs: OPTIONS / on a connection of its own, in
 * that many seconds at most from looking up its name to the end of its
 * answer. What comes is never an error, but one more name: "Apache",
 * "(down)", "(silent)", "(no header)", ... Any number of threads may be in
 * here.
 */
void portals_ask(const char *host, double seconds, char server[PORTALS_SERVER]);

/* What is before and after the question, for those who wait otherwise: where to
 * ask the host, false where that is no name (HTTP_BAD_URL); and what the reply
 * to OPTIONS says. One that says HTTP_NO_MEANS is for portals_close to tell.
 */
bool portals_url(const char *host, struct http_url *url);
void portals_server(const struct http_reply *reply,
                    char server[PORTALS_SERVER]);

/* The name of the server in a field such as "nginx/1.22.1 (Debian)": up to the
 * slash, or to the end; "(no header)" where the field is NULL or empty.
 */
void portals_name(const char *field, char server[PORTALS_SERVER]);

/* What a survey has counted. */
struct portals_row {
    char server[PORTALS_SERVER];
    int count;
};

/* Sorts the table, the largest count first, and prints it. */
void portals_print(struct portals_row *table, int rows);

/* The counts of the table together. */
int portals_sum(const struct portals_row *table, int rows);

/* Ends the program with a message where the table is not right: somebody was
 * not counted, or, since of the farm's hosts we know what they run, counted for
 * another.
 */
void portals_check(const struct portals *portals,
                   const struct portals_row *table, int rows);

#endif
