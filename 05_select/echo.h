/* echo: one client that hears what it says, in upper case.
 *
 *     struct echo *client = echo_open(fd);
 *     enum echo_wants wants = ECHO_READ;
 *     while (wants != ECHO_OVER) {
 *         wait_until_ready(fd, wants);
 *         wants = echo_step(client);
 *     }
 *     echo_close(client);
 *
 * Who waits, and how, is all that the echo servers differ in. A client has one
 * buffer, and is read from only when that is empty: whoever does not listen is
 * not listened to, needs no more memory, and holds nobody else up.
 */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>

enum { ECHO_SIZE = 4096 };

/* What the client has to be ready for before the next step. */
enum echo_wants { ECHO_OVER, ECHO_READ, ECHO_WRITE };

struct echo {
    int fd;
    enum echo_wants wants;      /* as the last step returned it */
    int length, sent;           /* what the buffer holds, what is gone of it */
    struct echo *next, **place; /* of all that are open */
    char buffer[ECHO_SIZE];
};

/* A client of this connection, which is now its own, and wants to be read from.
 * NULL where there is no memory: the connection is closed then.
 */
struct echo *echo_open(int fd);

/* Reads once what is there, if all is answered, and answers as much as goes.
 * On a socket that does not block this never waits; on one that does it waits
 * in recv(2) or send(2). It is over when the client has ended, which has then
 * heard all it said, or is gone.
 */
enum echo_wants echo_step(struct echo *client);

/* The two halves of a step: recv into the empty buffer, and send of what is in
 * it. Nothing, or a part, may have come or gone; they return whether to go on
 * with this client.
 */
bool echo_receive(struct echo *client);
bool echo_answer(struct echo *client);

void echo_close(struct echo *client);

/* Closes all that are open. */
void echo_close_all(void);

#endif
