#include "03_processes/farm.h"

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/http.h"

enum { CONNECTIONS_MAX = 256, PAUSE_MS = 10 };

/* --- Who runs what --------------------------------------------------------- */

const char farm_no_header[] = "(no header)";
const char farm_silent[] = "(silent)";
const char farm_down[] = "(down)";

static const struct kind {
    const char *name; /* what a survey is to find out */
    int hosts;
    const char *field; /* Server; NULL: none */
} kinds[] = {{"Apache", 34, "Apache/2.4.54 (Debian)"},
             {"nginx", 31, "nginx/1.22.1"},
             {"Microsoft-IIS", 13, "Microsoft-IIS/10.0"},
             {"cloudflare", 9, "cloudflare"},
             {"LiteSpeed", 6, "LiteSpeed"},
             {"lighttpd", 4, "lighttpd/1.4.69"},
             {farm_no_header, 1, NULL},
             {farm_silent, 1, NULL},
             {farm_down, 1, NULL}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* The number in "portal-007.test", or 0. */
static int number_of(const char *host, size_t length)
{
    char name[32];
    for (int i = 1; i <= FARM_HOSTS; i++) {
        int n = snprintf(name, sizeof name, "portal-%03d.test", i);
        if ((size_t)n == length && memcmp(name, host, length) == 0)
            return i;
    }
    return 0;
}

/* The kinds are dealt out like cards, so that no two neighbours are alike; as
 * 37 and 100 have no divisor in common, each card is dealt once. The silent
 * one comes to be number 7.
 */
static const struct kind *kind_of(int number)
{
    int card = (37 * number + 39) % FARM_HOSTS;
    const struct kind *kind = kinds;
    while (card >= kind->hosts)
        card -= kind++->hosts;
    return kind;
}

int farm_count(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].hosts;
    return 0;
}

void farm_write_hosts(FILE *out)
{
    fputs("# The portals of the survey: one name a line.\n\n", out);
    for (int i = 1; i <= FARM_HOSTS; i++)
        fprintf(out, "%s%sportal-%03d.test%s\n",
                i % 25 == 1 ? "# twenty-five more\n" : "",
                i % 10 == 0 ? "\t " : "", i, i % 7 == 0 ? "  " : "");
}

/* --- The process that answers ---------------------------------------------- */

struct visit {
    int fd;
    int number; /* of the host that is asked */
    struct http request;
    const struct kind *kind; /* NULL as long as the request is not whole */
    double due;              /* when the answer goes out */
};

static struct visit visits[CONNECTIONS_MAX];
static int open_visits;
static double answer_delay;

/* Its own count, where the parent can read it. */
static struct counted {
    atomic_int most;
} * counted;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The last one takes the place that becomes free. */
static void close_visit(struct visit *v)
{
    close(v->fd);
    http_free(&v->request);
    *v = visits[--open_visits];
}

/* What a client sends who has not been answered yet; and its end. */
static void read_visit(struct visit *v)
{
    char bytes[4096];
    ssize_t n = recv(v->fd, bytes, sizeof bytes, 0);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    const char *p = bytes;
    enum http_event event = HTTP_FAILED;
    if (n > 0)
        do
            event = http_feed(&v->request, &p, bytes + n);
        while (event == HTTP_HEAD || event == HTTP_BODY);
    if (event == HTTP_DONE) {
        struct http_text host = v->request.host;
        v->number = number_of(host.at, host.length);
        v->kind = v->number ? kind_of(v->number) : NULL;
        v->due = now() + answer_delay;
    }
    if (event == HTTP_FAILED || (event == HTTP_DONE && v->kind == NULL))
        close_visit(v);
}

static void answer(struct visit *v)
{
    /* Names of fields may be written either way; and so they are. */
    static const char *const spellings[] = {"Server", "server", "SERVER"};
    char fields[256];
    char out[512];
    const char *field = v->kind->field;
    snprintf(fields, sizeof fields,
             "%s%s%s%sAllow: OPTIONS\r\nConnection: close\r\n",
             field ? spellings[v->number % 3] : "", field ? ": " : "",
             field ? field : "", field ? "\r\n" : "");
    size_t n = http_write_answer(out, sizeof out, 200, fields, 0);
    /* It fits into the buffer of any socket. */
    (void)!send(v->fd, out, n, MSG_NOSIGNAL);
    close_visit(v);
}

/* Answers those whose time has come. Returns ms until the next, or -1. */
static int answer_due(void)
{
    double next = 0;
    double t = now();
    for (int i = open_visits - 1; i >= 0; i--) {
        struct visit *v = &visits[i];
        if (v->kind == NULL || v->kind->name == farm_silent)
            continue;
        if (v->due <= t)
            answer(v);
        else if (next == 0 || v->due < next)
            next = v->due;
    }
    return next == 0 ? -1 : (int)((next - t) * 1000) + 1;
}

/* Returns false where the next one can wait for a moment: no descriptor is
 * free, and to ask at once again would be to ask for ever.
 */
static bool accept_visit(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -1)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    struct visit *v = &visits[open_visits++];
    *v = (struct visit){.fd = fd};
    http_init(&v->request, HTTP_REQUEST);
    if (open_visits > counted->most)
        counted->most = open_visits;
    return true;
}

/* One turn accepts one connection at most, and after it has looked at all
 * others: whoever closed one connection before making the next is not counted
 * twice.
 */
static _Noreturn void serve(int listener)
{
    static struct pollfd polled[1 + CONNECTIONS_MAX];
    bool ready = true;
    for (;;) {
        int timeout = answer_due();
        bool full = open_visits == CONNECTIONS_MAX;
        polled[0] = (struct pollfd){full || !ready ? -1 : listener, POLLIN, 0};
        for (int i = 0; i < open_visits; i++)
            polled[1 + i] = (struct pollfd){visits[i].fd, POLLIN, 0};
        if (!ready && (timeout == -1 || timeout > PAUSE_MS))
            timeout = PAUSE_MS;
        if (poll(polled, 1 + (nfds_t)open_visits, timeout) == -1 &&
            errno != EINTR) {
            warn("the farm: poll");
            _exit(1);
        }
        for (int i = open_visits - 1; i >= 0; i--)
            if (polled[1 + i].revents != 0)
                read_visit(&visits[i]);
        ready = polled[0].revents == 0 || accept_visit(listener);
    }
}

/* --- Start and end --------------------------------------------------------- */

static struct {
    pid_t owner, pid;
    in_port_t port, down_port; /* in the network's order */
    int down;                  /* the socket at which nobody listens */
    char url[40];
} farm;

/* A socket on a free port of the loopback. */
static int take_port(in_port_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&a, size) == -1 ||
        getsockname(fd, (struct sockaddr *)&a, &size) == -1)
        err(1, "the farm: socket");
    *port = a.sin_port;
    return fd;
}

/* Returns its status, as waitpid(2) has it. */
static int end_process(void)
{
    int status = 0;
    if (farm.pid == 0 || farm.owner != getpid())
        return 0;
    kill(farm.pid, SIGKILL);
    while (waitpid(farm.pid, &status, 0) == -1 && errno == EINTR)
        continue;
    farm.pid = 0;
    return status;
}

static void at_exit(void)
{
    int saved = errno;
    end_process();
    errno = saved;
}

void farm_start(double delay)
{
    answer_delay = delay;
    counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE,
                   /* cppcheck-suppress invalidFunctionArg */
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counted == MAP_FAILED)
        err(1, "the farm: mmap");
    int listener = take_port(&farm.port);
    if (listen(listener, SOMAXCONN) == -1)
        err(1, "the farm: listen");
    /* The port is ours and nobody listens: whoever comes is refused. It stays
     * open until the farm is stopped.
     */
    farm.down = take_port(&farm.down_port);
    snprintf(farm.url, sizeof farm.url, "http://127.0.0.1:%d/",
             ntohs(farm.port));
    farm.owner = getpid();
    if (atexit(at_exit) != 0)
        errx(1, "atexit: no room for another handler");
    fflush(stdout);
    farm.pid = fork();
    if (farm.pid == -1) {
        farm.pid = 0;
        err(1, "the farm: fork");
    }
    if (farm.pid == 0) {
        /* It dies when its parent does, if the parent is not already dead. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != farm.owner)
            _exit(1);
        serve(listener);
    }
    close(listener);
}

void farm_stop(void)
{
    int status = end_process();
    close(farm.down);
    if (status != 0 && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL))
        errx(1, "the farm: it ended before we did");
}

const char *farm_url(void)
{
    return farm.url;
}

bool farm_locate(struct http_url *url)
{
    int number = number_of(url->host, strlen(url->host));
    if (farm.owner == 0 || number == 0)
        return false;
    in_port_t port =
        kind_of(number)->name == farm_down ? farm.down_port : farm.port;
    snprintf(url->host, sizeof url->host, "127.0.0.1");
    snprintf(url->port, sizeof url->port, "%d", ntohs(port));
    return true;
}

int farm_most(void)
{
    return counted ? counted->most : 0;
}
