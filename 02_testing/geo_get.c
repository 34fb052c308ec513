#include "02_testing/geo_get.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct url {
    char host[256];
    char port[6];
    const char *path; /* empty, or from the slash on */
};

static bool split_url(const char *text, struct url *url)
{
    /* A blank or a line's end would put words of its own into the request. */
    for (const char *p = text; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    int end = 0;
    *url = (struct url){.port = "80"};
    if (sscanf(text, "http://%255[^:/?#]%n", url->host, &end) != 1)
        return false;
    url->path = text + end;
    if (sscanf(url->path, ":%5[0-9]%n", url->port, &end) == 1)
        url->path += end;
    int port = atoi(url->port);
    return port >= 1 && port <= 65535 &&
           (*url->path == '/' || *url->path == '\0');
}

static long now_ms(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Allows the next call on the socket what is left of the time. The kernel
 * counts for each call anew: with a fixed limit, a service that sends one byte
 * a second could keep us for ever.
 */
static enum geo_error limit(int fd, int direction, long deadline)
{
    long left = deadline - now_ms();
    if (left <= 0)
        return GEO_TIMEOUT;
    struct timeval t = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    return setsockopt(fd, SOL_SOCKET, direction, &t, sizeof t) == 0
               ? GEO_OK
               : GEO_SYSTEM;
}

static void close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static enum geo_error dial_one(const struct addrinfo *a, long deadline, int *fd)
{
    *fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
    if (*fd == -1)
        return GEO_SYSTEM;
    enum geo_error error = limit(*fd, SO_SNDTIMEO, deadline);
    while (error == GEO_OK && connect(*fd, a->ai_addr, a->ai_addrlen) == -1)
        if (errno != EINTR) /* so the kernel says that the time is over */
            error = errno == EINPROGRESS ? GEO_TIMEOUT : GEO_NO_SERVICE;
    if (error != GEO_OK)
        close_keeping_errno(*fd);
    return error;
}

static enum geo_error dial(const struct url *url, long deadline, int *fd)
{
    struct addrinfo *list;
    int wrong =
        getaddrinfo(url->host, url->port,
                    &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &list);
    if (wrong == EAI_MEMORY)
        errno = ENOMEM;
    if (wrong == EAI_SYSTEM || wrong == EAI_MEMORY)
        return GEO_SYSTEM;
    if (wrong != 0)
        return GEO_NO_NAME;
    /* localhost can be ::1 first, and the service on 127.0.0.1 alone. */
    enum geo_error error = GEO_NO_SERVICE;
    for (struct addrinfo *a = list; a != NULL && error == GEO_NO_SERVICE;
         a = a->ai_next)
        error = dial_one(a, deadline, fd);
    freeaddrinfo(list);
    return error;
}

static enum geo_error ask(int fd, const struct url *url)
{
    char text[2048];
    int length =
        snprintf(text, sizeof text,
                 "GET %s%s HTTP/1.1\r\n"
                 "Host: %s:%s\r\n"
                 "Accept: application/json\r\n"
                 "Connection: close\r\n\r\n",
                 *url->path ? "" : "/", url->path, url->host, url->port);
    if (length < 0 || length >= (int)sizeof text)
        return GEO_BAD_URL;
    /* So little fits into the buffer of a new connection in one piece. */
    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) == length)
        return GEO_OK;
    return errno == EPIPE || errno == ECONNRESET ? GEO_CLOSED : GEO_SYSTEM;
}

/* The value of a field in the head, which is lines that end in \r\n. */
static const char *find_field(const char *head, const char *end,
                              const char *name)
{
    size_t n = strlen(name);
    for (const char *line = head; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " \t");
    return NULL;
}

/* What the bytes received so far amount to: GEO_CLOSED while more of the head
 * is to come, GEO_SHORT while more of the body is. A NUL follows the bytes.
 */
static enum geo_error read_answer(const char *text, size_t used, bool ended,
                                  struct geo_answer *answer)
{
    static const char version[] = "HTTP/1.";
    size_t n = sizeof version - 1;
    if (strncmp(text, version, used < n ? used : n) != 0)
        return GEO_NOT_HTTP;
    const char *end = memmem(text, used, "\r\n\r\n", 4);
    if (end == NULL)
        return GEO_CLOSED;
    char status[4] = "";
    int after = 0;
    if (memchr(text, '\0', (size_t)(end - text)) != NULL ||
        sscanf(text + n, "%*1[0-9]%*1[ ]%3[0-9]%n", status, &after) != 1 ||
        strlen(status) != 3 || strchr(" \r", text[n + (size_t)after]) == NULL)
        return GEO_NOT_HTTP;
    if (strcmp(status, "200") != 0)
        return GEO_STATUS;
    if (find_field(text, end, "Transfer-Encoding") != NULL)
        return GEO_CODING;

    const char *body = end + 4;
    size_t got = used - (size_t)(body - text);
    size_t due = got;
    const char *field = find_field(text, end, "Content-Length");
    if (field != NULL) {
        char *rest;
        due = strtoul(field, &rest, 10);
        rest += strspn(rest, " \t");
        if (*field < '0' || *field > '9' || *rest != '\r')
            return GEO_NOT_HTTP;
    }
    if (due > sizeof answer->body)
        return GEO_TOO_LONG;
    if (got < due || (field == NULL && !ended))
        return GEO_SHORT;
    answer->length = due;
    memcpy(answer->body, body, due);
    return GEO_OK;
}

static enum geo_error receive(int fd, long deadline, struct geo_answer *answer)
{
    char text[sizeof answer->body + 4096];
    size_t used = 0;
    bool ended = false;
    enum geo_error so_far = GEO_CLOSED;
    while (!ended && (so_far == GEO_CLOSED || so_far == GEO_SHORT)) {
        if (used == sizeof text - 1)
            return GEO_TOO_LONG;
        enum geo_error error = limit(fd, SO_RCVTIMEO, deadline);
        if (error != GEO_OK)
            return error;
        ssize_t n = recv(fd, text + used, sizeof text - 1 - used, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN)
            return GEO_TIMEOUT;
        if (n == -1)
            return errno == ECONNRESET ? so_far : GEO_SYSTEM;
        ended = n == 0;
        used += (size_t)n;
        text[used] = '\0';
        so_far = read_answer(text, used, ended, answer);
    }
    return so_far;
}

enum geo_error geo_get(const char *url, struct geo_answer *answer)
{
    long deadline = now_ms() + GEO_SECONDS * 1000L;
    struct url parts;
    int fd;
    if (!split_url(url, &parts))
        return GEO_BAD_URL;
    enum geo_error error = dial(&parts, deadline, &fd);
    if (error != GEO_OK)
        return error;
    error = ask(fd, &parts);
    if (error == GEO_OK)
        error = receive(fd, deadline, answer);
    close_keeping_errno(fd);
    return error;
}
