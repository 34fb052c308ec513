/* rps_threads.c: each thread adds its requests a second, until too many wait.
 *
 * Cells: D01, D02, D03, D04
 * Run:   make rps_threads; make rps_threads ARGS='-t 5 -d 5', as in the talk
 * Ask:   each answer takes a tenth of a second. How many threads make a hundred
 *        requests a second? A thousand? A million?
 * Watch: each thread adds its ten, and is idle for more than 99 % of its life.
 *        It goes on like this until the cores are busy with starting, waking
 *        and switching threads; then an answer takes longer and longer.
 * See:   download_threads.c; 07_eventloop/rps_async.c, one thread for all
 */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/http_client.h"
#include "03_processes/server_child.h"
#include "04_threads/file_limit.h"
#include "04_threads/load.h"

/* Each thread makes so many requests at each load: "for ever", for a moment. */
enum { MOST = 4096, REQUESTS = 2, PATIENCE = 10, SPARE = 32 };

static double delay = 0.1;
static struct addrinfo *address; /* of the server */
static char request[2600];

/* What each thread notes. Nobody else looks at it until that has ended. */
static struct worker {
    enum call { SOCKET, CONNECT, SEND, RECV, CLOSE, CALLS } call;
    double since;       /* when the call began */
    double took[CALLS]; /* seconds, in all requests together */
    int error;          /* of the call; 0: none */
} workers[MOST];

static const char *const call_names[] = {"socket", "connect", "send", "recv",
                                         "close"};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- One request ----------------------------------------------------------- */

/* Returns whether a whole answer came; sets errno if not. */
static bool receive(int fd)
{
    char bytes[4096];
    struct http answer;
    enum http_event event = HTTP_MORE;
    http_init(&answer, HTTP_RESPONSE);
    while (event == HTTP_MORE) {
        errno = EPROTO; /* an end too early, or no HTTP */
        //> Here a thread spends its life. Step over this line: it takes the
        //> server's delay, and the CPU sees next to nothing of that.
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n == -1 && errno == EINTR) /* a debugger has been at it */
            continue;
        const char *at = bytes;
        do
            event = n > 0 ? http_feed(&answer, &at, bytes + n) : HTTP_FAILED;
        while (event == HTTP_HEAD || event == HTTP_BODY);
    }
    if (errno == EAGAIN)
        errno = ETIMEDOUT;
    http_free(&answer);
    return event == HTTP_DONE;
}

/* Notes how long the call took; returns whether to go on with the next. */
static bool lap(struct worker *w, bool done)
{
    if (!done)
        w->error = errno;
    double time = now();
    w->took[w->call] += time - w->since;
    w->since = time;
    w->call += done;
    return done;
}

/* What the talk begins with. */
static bool make_request(int thread)
{
    struct worker *w = &workers[thread];
    struct timeval patience = {(time_t)delay + PATIENCE, 0};
    w->call = SOCKET;
    w->since = now();
    //> All that a request takes: socket, connect, send, recv, close.
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool done =
        lap(w, fd != -1 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                                      sizeof patience) == 0) &&
        lap(w, connect(fd, address->ai_addr, address->ai_addrlen) == 0) &&
        lap(w, send(fd, request, strlen(request), MSG_NOSIGNAL) != -1) &&
        lap(w, receive(fd));
    if (fd != -1)
        close(fd);
    return done && lap(w, true);
}

/* --- Many threads ---------------------------------------------------------- */

static struct load run_load(int threads, int requests)
{
    struct load load;
    memset(workers, 0, sizeof workers);
    //> So many threads are made, and then let go all at once. Each calls
    //> make_request in a loop, as if it were alone in the world. (The first
    //> hundred do nothing: they only show what a thread costs.)
    if (load_run(&load, threads, requests, make_request) == -1)
        err(CLI_ERROR, "thread %d of %d", load.threads + 1, threads);
    for (int i = 0; i < threads; i++) {
        errno = workers[i].error;
        if (errno != 0)
            err(CLI_ERROR, "%s", call_names[workers[i].call]);
    }
    return load;
}

/* --- The talk -------------------------------------------------------------- */

static void show_cost(void)
{
    enum { CREW = 100 };
    struct load load = run_load(CREW, 0);
    printf("a thread\n");
    printf("to make one  %.1f us\n", load.making / CREW * 1e6);
    printf("addresses    %.0f KiB\n", load.addresses / CREW / 1024);
    printf("memory       %.1f KiB\n\n", load.memory / CREW / 1024);
}

static void show_one_request(void)
{
    struct load load = run_load(1, 1);
    printf("a request\n");
    for (int i = 0; i < CALLS; i++)
        printf("%-7s %9.3f ms\n", call_names[i], workers[0].took[i] * 1000);
    printf("idle    %9.2f %%\n\n", (1 - load.cpu / load.life) * 100);
}

/* Returns the requests a second of so many threads. */
static double show_load(int threads)
{
    struct load load = run_load(threads, REQUESTS);
    double each = load.life / threads / REQUESTS;
    double rate = threads * REQUESTS / load.wall;
    printf("%7d  %10.1f  %8.1f ms  %5.2f %%\n", threads, rate, each * 1000,
           (1 - load.cpu / load.life) * 100);
    return rate;
}

/* From 1 to 10 one by one, then twice as many each time, as long as they make
 * at least a quarter more requests; measured again before that is believed.
 */
static void step_load(int most)
{
    double before = 0;
    int n = 1;
    printf("threads  requests/s   each takes   idle\n");
    for (; n <= most; n = n < 10 ? n + 1 : 2 * n) {
        double rate = show_load(n);
        if (n > 10 && rate < 1.25 * before)
            rate = show_load(n);
        if (n > 10 && rate < 1.25 * before)
            break;
        before = rate;
    }
    printf("\ngain up to   %d threads\n", n > 10 ? n / 2 : n - 1);
}

/* Each thread has a socket. Asks for as many as may be had, and returns how
 * many threads that is enough for.
 */
static int raise_limit(void)
{
    int files = file_limit_raise();
    if (files > MOST + SPARE)
        return MOST;
    return files > SPARE ? files - SPARE : 1;
}

static void find_server(const char *url)
{
    struct http_url parts;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    if (!http_url_split(url, &parts))
        errx(CLI_ERROR, "'%s': not http://host:port/path", url);
    int error = getaddrinfo(parts.host, parts.port, &wanted, &address);
    if (error != 0)
        errx(CLI_ERROR, "%s: %s", parts.authority, gai_strerror(error));
    http_write_request(request, sizeof request, "GET", &parts,
                       "Connection: close\r\n");
    printf("server: %s\n\n", url);
}

int main(int argc, char **argv)
{
    static const char *url;
    static int threads = MOST;
    static const struct cli cli = {
        .about = "count the requests a second that threads can make",
        .options = {{'t', "threads", "go up to {N} threads, if that pays",
                     CLI_INT(&threads, 1, MOST)},
                    {'d', "delay", "{seconds} that our server takes",
                     CLI_DOUBLE(&delay, 0, 60)},
                    {'u', "url", "ask {URL}, not a server of ours",
                     CLI_TEXT(&url)}},
    };
    static struct server_child server = {.program = "04_threads/server_threads",
                                         .connections = MOST};
    cli_parse(&cli, argc, argv);
    int limit = raise_limit();
    server.delay = delay;
    if (url == NULL)
        server_child_start(&server);
    find_server(url == NULL ? server.url : url);

    show_cost();
    show_one_request();
    step_load(threads < limit ? threads : limit);
    freeaddrinfo(address);
    printf("recorded     1 thread 0.2 requests/s, 5 threads 1 (of 5 s each)\n");
    printf("             a thread is idle for 99 %% of its life\n");
    return CLI_OK;
}
