/* crowd: many clients of an echo server, most of whom are silent.
 */
#ifndef CROWD_H
#define CROWD_H

#include <netinet/in.h>

struct crowd {
    struct sockaddr_in server;
    int *fds;
    int count;
    char why[80]; /* nobody else is let in; "" where all are */
};

/* How many there can be on this machine, whose limits are raised as far as it
 * allows; *which says what there are no more of.
 */
int crowd_limit(const char **which);

/* So many come to that port of 127.0.0.1, in groups; each says something, and
 * hears it in ms milliseconds at most. With the first that does not it ends:
 * why says what that one heard instead. Ends the program with a message where
 * there is no socket or memory for one.
 */
void crowd_come(struct crowd *crowd, int port, int wanted, int ms);

/* Seconds until one of them has its answer: the median of so many. There has to
 * be one.
 */
double crowd_ask(struct crowd *crowd, int times);

/* All leave at once. */
void crowd_leave(struct crowd *crowd);

#endif
