#include "05_select/echo.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static struct echo *first;

struct echo *echo_open(int fd)
{
    struct echo *client = malloc(sizeof *client);
    if (client == NULL) {
        warn("a client");
        close(fd);
        return NULL;
    }
    client->fd = fd;
    client->wants = ECHO_READ;
    client->length = client->sent = 0;
    client->next = first;
    client->place = &first;
    if (first != NULL)
        first->place = &client->next;
    first = client;
    return client;
}

void echo_close(struct echo *client)
{
    *client->place = client->next;
    if (client->next != NULL)
        client->next->place = client->place;
    close(client->fd);
    free(client);
}

void echo_close_all(void)
{
    for (struct echo *next, *client = first; client != NULL; client = next) {
        next = client->next;
        echo_close(client);
    }
}

/* Only ASCII, whatever the bytes are meant to be. */
static void raise_case(char *text, int length)
{
    for (int i = 0; i < length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
}

/* That nothing could be done after all is no reason to end. */
static bool go_on(ssize_t n)
{
    return n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR));
}

bool echo_receive(struct echo *client)
{
    ssize_t n = recv(client->fd, client->buffer, ECHO_SIZE, 0);
    client->length = n > 0 ? (int)n : 0;
    client->sent = 0;
    raise_case(client->buffer, client->length);
    return go_on(n);
}

bool echo_answer(struct echo *client)
{
    /* One that has hung up is no reason for SIGPIPE to end us all. */
    ssize_t n = send(client->fd, client->buffer + client->sent,
                     (size_t)(client->length - client->sent), MSG_NOSIGNAL);
    client->sent += n > 0 ? (int)n : 0;
    return go_on(n);
}

static enum echo_wants step(struct echo *client)
{
    if (client->sent == client->length) {
        if (!echo_receive(client))
            return ECHO_OVER;
        if (client->length == 0)
            return ECHO_READ;
    }
    if (!echo_answer(client))
        return ECHO_OVER;
    return client->sent < client->length ? ECHO_WRITE : ECHO_READ;
}

enum echo_wants echo_step(struct echo *client)
{
    client->wants = step(client);
    return client->wants;
}
