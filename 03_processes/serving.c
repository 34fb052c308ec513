#include "03_processes/serving.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/http_client.h"

/* "http://127.0.0.1:8000/", of the address that the socket really has. */
static void find_url(int listener, char *url, size_t size)
{
    char host[48];
    char port[8];
    struct sockaddr_storage a = {0};
    socklen_t length = sizeof a;
    if (getsockname(listener, (struct sockaddr *)&a, &length) == -1)
        err(CLI_ERROR, "getsockname");
    int error = getnameinfo((struct sockaddr *)&a, length, host, sizeof host,
                            port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (error != 0)
        errx(CLI_ERROR, "getnameinfo: %s", gai_strerror(error));
    snprintf(url, size,
             a.ss_family == AF_INET6 ? "http://[%s]:%s/" : "http://%s:%s/",
             host, port);
}

int serving_listen(struct serving *s)
{
    char port[8];
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *a;
    int yes = 1;
    for (const char *p = s->service.name; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            errx(CLI_USAGE, "--server-name: has more than plain ASCII in it");
    if (strlen(s->service.name) > 200)
        errx(CLI_USAGE, "--server-name: is longer than 200 bytes");
    snprintf(port, sizeof port, "%d", s->port == -1 ? 0 : s->port);
    int error = getaddrinfo(s->address, port, &wanted, &a);
    if (error == EAI_MEMORY || error == EAI_SYSTEM)
        errx(CLI_ERROR, "%s: %s", s->address, gai_strerror(error));
    if (error != 0)
        errx(CLI_USAGE, "-a '%s': not an address such as 127.0.0.1 or ::1",
             s->address);
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Or the port would be taken for a minute after connections were cut. */
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1)
        err(CLI_ERROR, "socket");
    if (bind(fd, a->ai_addr, a->ai_addrlen) == -1 ||
        listen(fd, SERVING_CONNECTIONS_MAX) == -1)
        err(CLI_ERROR, "%s:%s", s->address, port);
    freeaddrinfo(a);
    find_url(fd, s->url, sizeof s->url);
    printf("%s\n", s->url);
    return fd;
}

int serving_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd == -1)
        err(CLI_ERROR, "signalfd");
    return fd;
}

int serving_signal(int signals)
{
    struct signalfd_siginfo info;
    ssize_t n;
    do
        n = read(signals, &info, sizeof info);
    while (n == -1 && errno == EINTR);
    if (n != sizeof info)
        err(CLI_ERROR, "signalfd");
    return (int)info.ssi_signo;
}

void serving_child(pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* The parent may have ended before the kernel knew what to do then. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(CLI_ERROR);
}

int serving_accept(int listener, bool *pause)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    *pause = false;
    if (fd != -1)
        return fd;
    bool gone = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ||
                errno == EPROTO;
    if (!gone)
        warn("accept");
    *pause = !gone;
    return -1;
}

/* --- The client of the demonstration --------------------------------------- */

enum { AT_ONCE = 3, CLIENT_SECONDS = 30 };

/* Whether it is a good answer; says why not. */
static bool is_good(const struct http_reply *reply)
{
    if (reply->outcome != HTTP_GOT)
        warnx("client: %s", reply->why);
    else if (reply->status != 200)
        warnx("client: %d %s", reply->status, reply->head.reason);
    else
        return true;
    return false;
}

/* Two requests on a connection, the second one's number being 2. */
static bool ask_twice(const struct http_url *url)
{
    struct http_connection c;
    struct http_reply first;
    struct http_reply second = {.outcome = HTTP_GOT};
    bool good = http_connect(&c, url, CLIENT_SECONDS, &first) == HTTP_GOT;
    if (good)
        http_exchange(&c, "GET", true, CLIENT_SECONDS, &first);
    good = is_good(&first);
    if (good) {
        printf("%s\n", first.body);
        http_exchange(&c, "GET", false, CLIENT_SECONDS, &second);
        good = is_good(&second);
    }
    const char *serial = good ? strstr(second.body, "Serial") : NULL;
    if (serial != NULL)
        printf("and the second on this connection:\n%.*s\n\n",
               (int)strcspn(serial, "\n"), serial);
    http_disconnect(&c);
    http_reply_free(&first);
    http_reply_free(&second);
    return good;
}

/* A request on each of some connections, and only then the answers. */
static bool ask_at_once(const struct http_url *url)
{
    struct http_connection c[AT_ONCE];
    struct http_reply replies[AT_ONCE];
    struct timespec start, end;
    bool good = true;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < AT_ONCE; i++)
        if (http_connect(&c[i], url, CLIENT_SECONDS, &replies[i]) == HTTP_GOT)
            http_send(&c[i], "GET", false, CLIENT_SECONDS, &replies[i]);
    for (int i = 0; i < AT_ONCE; i++) {
        if (replies[i].outcome == HTTP_GOT)
            http_receive(&c[i], CLIENT_SECONDS, &replies[i]);
        good = good && is_good(&replies[i]);
        http_disconnect(&c[i]);
        http_reply_free(&replies[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (good)
        printf("%d connections at once, an answer each:\n%.2f s\n", AT_ONCE,
               (double)(end.tv_sec - start.tv_sec) +
                   (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    return good;
}

pid_t serving_client(const struct serving *s)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "fork");
    if (pid > 0)
        return pid;
    serving_child(parent);
    struct http_url url;
    bool good =
        http_url_split(s->url, &url) && ask_twice(&url) && ask_at_once(&url);
    _exit(good && fflush(stdout) == 0 ? CLI_OK : CLI_ERROR);
}
