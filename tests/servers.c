#include "tests/servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/http.h"
#include "tests/support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static const char *chapter, *name;
static char *path;
static int port;

static struct {
    pid_t pid; /* also its process group; 0 where there is none */
    int out, err;
} server;

void servers_are_about(const char *its_chapter, const char *its_name)
{
    chapter = its_chapter;
    name = its_name;
}

static bool has_threads(void)
{
    return strcmp(name, "server_threads") == 0;
}

/* --- Start and stop -------------------------------------------------------- */

/* Runs the words by the shell with $0 as the program, and waits until it has
 * printed where it listens. A test that fails just ends, and it with it.
 */
static void start_by(const char *shell)
{
    int out[2];
    int err[2];
    char line[128];
    size_t used = 0;
    path = built(chapter, name);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
    server.pid = fork();
    ck_assert_int_ne(server.pid, -1);
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        execlp("sh", "sh", "-c", shell, path, NULL);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    server.out = out[0];
    server.err = err[0];
    do {
        struct pollfd polled = {server.out, POLLIN, 0};
        ck_assert_int_eq(poll(&polled, 1, 30000), 1);
        ssize_t n = read(server.out, line + used, sizeof line - 1 - used);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
        line[used] = '\0';
    } while (line[used - 1] != '\n');
    char *colon = strrchr(line, ':');
    ck_assert_ptr_nonnull(colon);
    port = atoi(colon + 1);
    ck_assert_int_gt(port, 0);
}

static void start(const char *options)
{
    char shell[256];
    snprintf(shell, sizeof shell, "exec \"$0\" -p 0 %s", options);
    start_by(shell);
}

/* Waits for its end, whose status it returns; nobody may be left. */
static int wait_for_end(void)
{
    int status;
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    ck_assert_msg(kill(-server.pid, SIGKILL) == -1, "it left a process behind");
    close(server.out);
    close(server.err);
    free(path);
    path = NULL;
    server.pid = 0;
    return status;
}

/* Sends the signal, which is to end it well, and checks that on stderr there
 * is just this.
 */
static void stop_by(int signal, const char *said)
{
    char text[4096];
    kill(server.pid, signal);
    /* Stdout ends when the last process that has it ends. */
    struct pollfd polled = {server.out, 0, 0};
    ck_assert_msg(poll(&polled, 1, 20000) == 1, "it does not end");
    ssize_t n = read(server.err, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    int status = wait_for_end();
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "status %d: %s", status, text);
    ck_assert_str_eq(text, said);
}

static void stop(void)
{
    stop_by(SIGTERM, "");
}

/* --- Talking to it --------------------------------------------------------- */

/* A connection. No wait of ours is longer than 20 seconds. */
static int dial_at(const char *address)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port)};
    struct timeval limit = {20, 0};
    ck_assert_int_eq(inet_pton(AF_INET, address, &a.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ne(fd, -1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static int dial(void)
{
    return dial_at("127.0.0.1");
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads one answer, head and body, and nothing of the next one. */
static const char *hear_of(int fd, const char *method)
{
    static char text[65536];
    size_t n = 0;
    struct http h;
    enum http_event event = HTTP_MORE;
    http_init(&h, HTTP_RESPONSE);
    h.to_head = strcmp(method, "HEAD") == 0;
    while (event != HTTP_DONE) {
        const char *p = text + n;
        ssize_t got = recv(fd, text + n, 1, 0);
        ck_assert_msg(got == 1, "no whole answer: %.*s", (int)n, text);
        n++;
        ck_assert_uint_lt(n, sizeof text);
        while ((event = http_feed(&h, &p, text + n)) != HTTP_MORE &&
               event != HTTP_DONE)
            ck_assert_int_ne(event, HTTP_FAILED);
    }
    http_free(&h);
    text[n] = '\0';
    return text;
}

static const char *hear(int fd)
{
    return hear_of(fd, "GET");
}

/* The other side says no more, and ends. */
static void expect_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    ck_assert_msg(n == 0 || (n == -1 && errno == ECONNRESET),
                  "not its end: %d, %s", (int)n, strerror(errno));
}

/* It ends as it should, and is not reset. */
static void expect_clean_end(int fd)
{
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
}

/* It says nothing for a while (which no test waits for that could fail). */
static void expect_silence(int fd)
{
    struct pollfd polled = {fd, POLLIN, 0};
    ck_assert_int_eq(poll(&polled, 1, 150), 0);
}

static unsigned long serial_in(const char *text)
{
    const char *line = strstr(text, "current connection is ");
    ck_assert_msg(line != NULL, "%s", text);
    return strtoul(line + strlen("current connection is "), NULL, 10);
}

/* --- Looking into it ------------------------------------------------------- */

/* How many processes or threads it has besides the first (and besides the one
 * that the thread sanitizer has for itself).
 */
static int workers(void)
{
    char file[64];
    char line[8192];
    int n = 0;
    const char *flavour = getenv("FLAVOUR");
    bool sanitized = flavour != NULL && strcmp(flavour, "thread") == 0;
    snprintf(file, sizeof file,
             has_threads() ? "/proc/%d/status" : "/proc/%d/task/%d/children",
             (int)server.pid, (int)server.pid);
    FILE *f = fopen(file, "r");
    ck_assert_msg(f != NULL, "%s", file);
    while (fgets(line, sizeof line, f) != NULL)
        if (!has_threads())
            for (char *p = line; (p = strchr(p, ' ')) != NULL; p++)
                n++;
        else if (strncmp(line, "Threads:", 8) == 0)
            n = atoi(line + 8) - 1 - sanitized;
    fclose(f);
    return n;
}

static void expect_workers(int wanted)
{
    for (int i = 0; i < 2000 && workers() != wanted; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    ck_assert_int_eq(workers(), wanted);
}

/* Seconds of CPU time so far. */
static double cpu_time(void)
{
    char file[64];
    unsigned long user = 0;
    unsigned long system = 0;
    snprintf(file, sizeof file, "/proc/%d/stat", (int)server.pid);
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(
        fscanf(f, "%*d (%*[^)]) %*c%*d%*d%*d%*d%*d%*u%*u%*u%*u%*u%lu%lu", &user,
               &system),
        2);
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* --- What it answers ------------------------------------------------------- */

START_TEST(ten_lines)
{
    static const char *const lines[] = {
        "\n\nHello, world!\n\nRequest method is \"GET\"\n",
        "\nRequestURI is \"/?a=b&c\"\n",
        "\nRequested path is \"/\"\n",
        "\nHost is \"some.host:80\"\n",
        "\nQuery string is \"a=b&c\"\n",
        "\nUser-Agent is \"Check/1 \"quoted\"\"\n",
        "\nConnection has been established at 20",
        "\nRequest has been started at 20",
        "\nSerial request number for the current connection is 1\n",
        "\nYour ip is \"127.0.0.1\"\n"};
    start("-d 0");
    int fd = dial();
    say(fd, "GET /?a=b&c HTTP/1.1\r\nhOST: some.host:80\r\n"
            "user-agent: Check/1 \"quoted\"\r\n\r\n");
    const char *text = hear(fd);
    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK\r\n"), text);
    ck_assert_ptr_nonnull(strstr(text, "\r\nServer: groundup\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nDate: "));
    const char *at = strstr(text, "\r\n\r\n") + 2;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *line = strstr(at, lines[i] + (i == 0));
        ck_assert_msg(line != NULL, "'%s' is not in '%s'", lines[i], at);
        at = line + 1;
    }
    close(fd);
    stop();
}
END_TEST

START_TEST(requests_of_a_connection_are_counted)
{
    start("-d 0");
    int first = dial();
    int second = dial();
    for (unsigned long i = 1; i <= 3; i++) {
        say(first, GET);
        ck_assert_uint_eq(serial_in(hear(first)), i);
    }
    say(second, GET);
    ck_assert_uint_eq(serial_in(hear(second)), 1);
    say(first, GET);
    ck_assert_uint_eq(serial_in(hear(first)), 4);
    close(first);
    close(second);
    stop();
}
END_TEST

static const struct {
    const char *request;
    const char *line; /* in the answer's head; NULL: in none */
    bool ends;
} ways_to_end[] = {
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, false},
    {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
     "\r\nConnection: close\r\n", true},
    {"GET / HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n", true},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "\r\nConnection: keep-alive\r\n", false},
    {"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
     "\r\nConnection: close\r\n", true},
};

START_TEST(connections_stand_or_end_as_asked)
{
    start("-d 0");
    int fd = dial();
    say(fd, ways_to_end[_i].request);
    const char *text = hear(fd);
    const char *line = ways_to_end[_i].line;
    ck_assert_ptr_nonnull(strstr(text, line ? line : "HTTP/1.1 200 OK"));
    if (line == NULL)
        ck_assert_ptr_null(strstr(text, "\r\nConnection:"));
    if (ways_to_end[_i].ends) {
        expect_end(fd);
    } else {
        say(fd, GET);
        ck_assert_uint_eq(serial_in(hear(fd)), 2);
    }
    close(fd);
    stop();
}
END_TEST

/* In one piece, and with a piece of the next one behind. */
START_TEST(pipelined_requests_are_answered_in_order)
{
    start("-d 0");
    int fd = dial();
    say(fd, "GET /?1 HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET "
            "HEAD /?3 HTTP/1.1\r\nHost: x\r\n\r\n"
            "\r\n"
            "GET /4 HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /?5 HTTP/1.1\r\nHo");
    ck_assert_ptr_nonnull(strstr(hear(fd), "Query string is \"1\""));
    ck_assert_ptr_nonnull(strstr(hear(fd), "HTTP/1.1 405 "));
    ck_assert_ptr_nonnull(strstr(hear_of(fd, "HEAD"), "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(hear(fd), "HTTP/1.1 404 "));
    expect_silence(fd);
    say(fd, "st: x\r\nConnection: close\r\n\r\n" GET);
    const char *text = hear(fd);
    ck_assert_ptr_nonnull(strstr(text, "Query string is \"5\""));
    ck_assert_uint_eq(serial_in(text), 5);
    expect_end(fd);
    close(fd);
    stop();
}
END_TEST

START_TEST(head_is_what_get_begins_with)
{
    char get[4096];
    char head[4096];
    start("-d 0");
    int fd = dial();
    say(fd, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    snprintf(head, sizeof head, "%s", hear_of(fd, "HEAD"));
    say(fd, GET);
    snprintf(get, sizeof get, "%s", hear(fd));
    ck_assert_uint_eq(serial_in(get), 2);
    ck_assert_ptr_null(strstr(head, "Hello"));
    /* But for the date, which may have gone on, and HEAD being longer. */
    const char *fields = strstr(head, "\r\nServer:");
    ck_assert_ptr_nonnull(fields);
    unsigned long of_head = strtoul(strstr(head, "Length: ") + 8, NULL, 10);
    unsigned long of_get = strtoul(strstr(get, "Length: ") + 8, NULL, 10);
    ck_assert_uint_eq(of_head, of_get + 1);
    close(fd);
    stop();
}
END_TEST

START_TEST(options_say_what_is_allowed)
{
    start("-d 0 --server-name 'nginx/1.22.1 (x)'");
    int fd = dial();
    say(fd, "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = hear(fd);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nServer: nginx/1.22.1 (x)\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Length: 0\r\n\r\n"));
    say(fd, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd), "HTTP/1.1 200 OK\r\n"));
    close(fd);
    stop();
}
END_TEST

START_TEST(server_name_can_be_left_out)
{
    start("-d 0 --server-name ''");
    int fd = dial();
    say(fd, GET);
    ck_assert_ptr_null(strstr(hear(fd), "Server:"));
    close(fd);
    stop();
}
END_TEST

static const struct {
    const char *request;
    int status;
    bool ends;
} statuses[] = {
    {"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
    {"GET // HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
    {"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
    {"POST /a HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
    {"POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405, false},
    {"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, false},
    {"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405, false},
    {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, false},
    {"get / HTTP/1.1\r\nHost: x\r\n\r\n", 501, false},
    {"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 200, false},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 200, false},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
     "3\r\nabc\r\n0\r\n\r\n",
     200, false},
    {"nonsense\r\n\r\n", 400, true},
    {"GET / HTTP/1.1\r\n\r\n", 400, true},
    {"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400, true},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, true},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: a\r\n\r\n", 400, true},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: a, chunked\r\n\r\n", 501,
     true},
    {"GET / HTTP/2.0\r\n\r\n", 505, true},
    {"GET / HTTP/1.1\r\nHost: x\r\nExpect: what\r\n\r\n", 417, true},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", 413, true},
    /* it is not asked for its body, which would be for nothing */
    {"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
     "Content-Length: 3\r\n\r\n",
     405, true},
};

START_TEST(statuses_where_due)
{
    char line[32];
    const char *request = statuses[_i].request;
    snprintf(line, sizeof line, "HTTP/1.1 %d ", statuses[_i].status);
    start("-d 0");
    int fd = dial();
    say(fd, request);
    const char *text =
        hear_of(fd, strncmp(request, "HEAD", 4) == 0 ? "HEAD" : "GET");
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "not %s: %s", line,
                  text);
    ck_assert_int_eq(strstr(text, "Connection: close") != NULL,
                     statuses[_i].ends);
    ck_assert_int_eq(strstr(text, "Allow: GET") != NULL,
                     statuses[_i].status == 405);
    if (statuses[_i].ends) {
        expect_end(fd);
    } else {
        say(fd, GET);
        ck_assert_uint_eq(serial_in(hear(fd)), 2);
    }
    close(fd);
    stop();
}
END_TEST

/* Sends the text again and again until the server has had enough. */
static void say_too_much(int fd, const char *before, const char *more,
                         size_t bytes)
{
    say(fd, before);
    for (size_t n = 0; n < bytes; n += strlen(more))
        if (send(fd, more, strlen(more), MSG_NOSIGNAL) == -1)
            break;
}

static const struct {
    const char *before;
    const char *more;
    size_t bytes;
    const char *line;
} too_much[] = {
    {"GET /", "aaaaaaaaaaaaaaaa", 10000, "HTTP/1.1 414 "},
    {"GET / HTTP/1.1\r\nHost: x\r\n", "A: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 20000,
     "HTTP/1.1 431 "},
    {"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
     "20\r\n0123456789abcdef0123456789abcdef\r\n", 1400000, "HTTP/1.1 413 "},
};

/* The answer is not lost in the reset that unread bytes would bring. */
START_TEST(too_much_is_refused_and_the_answer_arrives)
{
    start("-d 0");
    int fd = dial();
    say_too_much(fd, too_much[_i].before, too_much[_i].more,
                 too_much[_i].bytes);
    const char *text = hear(fd);
    ck_assert_ptr_eq(strstr(text, too_much[_i].line), text);
    expect_clean_end(fd);
    close(fd);
    stop();
}
END_TEST

START_TEST(last_answer_arrives_though_more_is_sent)
{
    start("-d 0");
    int fd = dial();
    say_too_much(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 GET, 60000);
    ck_assert_uint_eq(serial_in(hear(fd)), 1);
    expect_clean_end(fd);
    close(fd);
    stop();
}
END_TEST

START_TEST(body_that_is_expected_is_asked_for)
{
    char text[64] = "";
    start("-d 0");
    int fd = dial();
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            "Content-Length: 5\r\n\r\n");
    ck_assert_int_gt(recv(fd, text, 25, MSG_WAITALL), 0);
    ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
    expect_silence(fd);
    say(fd, "hello");
    ck_assert_uint_eq(serial_in(hear(fd)), 1);
    say(fd, GET);
    ck_assert_uint_eq(serial_in(hear(fd)), 2);
    close(fd);
    stop();
}
END_TEST

/* --- Time ------------------------------------------------------------------ */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Each waits for itself, and many wait at once: fifty answers of 0.4 s would
 * take 20 s one after another.
 */
START_TEST(answers_take_their_time_together)
{
    int fds[50];
    start("-d 0.4");
    double begun = now();
    for (int i = 0; i < 50; i++) {
        fds[i] = dial();
        say(fds[i], GET);
    }
    for (int i = 0; i < 50; i++) {
        ck_assert_uint_eq(serial_in(hear(fds[i])), 1);
        ck_assert_double_ge(now() - begun, 0.4);
    }
    ck_assert_double_lt(now() - begun, 15);
    for (int i = 0; i < 50; i++)
        close(fds[i]);
    stop();
}
END_TEST

/* One byte each 20 ms is never silent for long, and still too slow. */
START_TEST(slow_requests_are_refused_as_a_whole)
{
    static const char slow[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    static const char slow_body[] =
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n";
    const char *before = _i == 0 ? slow : slow_body;
    start("-d 0 --patience 0.5");
    int fd = dial();
    struct pollfd polled = {fd, POLLIN, 0};
    double begun = now();
    say(fd, before);
    while (poll(&polled, 1, 20) == 0 && now() - begun < 15)
        say(fd, "a");
    ck_assert_double_ge(now() - begun, 0.45);
    ck_assert_double_lt(now() - begun, 15);
    const char *text = hear(fd);
    ck_assert_ptr_eq(strstr(text, "HTTP/1.1 408 Request Timeout\r\n"), text);
    close(fd);
    stop();
}
END_TEST

/* Who says nothing is left without a word: a browser opens connections ahead;
 * empty lines are nothing. The time begins anew with each request.
 */
START_TEST(idle_connections_end_without_a_word)
{
    start("-d 0 --patience 0.5");
    int silent = dial();
    int empty = dial();
    int kept = dial();
    double begun = now();
    for (unsigned long i = 1; now() - begun < 1.2; i++) {
        say(kept, GET);
        ck_assert_uint_eq(serial_in(hear(kept)), i);
        send(empty, "\r\n", 2, MSG_NOSIGNAL);
        rest(50);
    }
    expect_end(silent);
    expect_end(empty);
    expect_end(kept);
    close(silent);
    close(empty);
    close(kept);
    stop();
}
END_TEST

/* Idle for less than its time, and in for less than its time, though for more
 * together: answered. On a machine that is too slow for once, the next try
 * shows it.
 */
START_TEST(time_of_a_request_begins_with_its_first_byte)
{
    bool answered = false;
    start("-d 0 --patience 0.5");
    for (int i = 0; i < 10 && !answered; i++) {
        int fd = dial();
        rest(350);
        send(fd, "GET / HTT", 9, MSG_NOSIGNAL);
        rest(300);
        send(fd, "P/1.0\r\n\r\n", 9, MSG_NOSIGNAL);
        char text[16] = "";
        (void)!recv(fd, text, sizeof text - 1, 0);
        answered = strncmp(text, "HTTP/1.1 200", 12) == 0;
        close(fd);
    }
    ck_assert(answered);
    stop();
}
END_TEST

/* --- Many, and too many ---------------------------------------------------- */

START_TEST(more_than_the_bound_wait_their_turn)
{
    start("-d 0 -c 2");
    int first = dial();
    int second = dial();
    say(first, GET);
    hear(first);
    say(second, GET);
    hear(second);
    int third = dial();
    say(third, GET);
    double before = cpu_time();
    expect_silence(third);
    ck_assert_int_eq(workers(), 2);
    ck_assert_double_lt(cpu_time() - before, 0.1);
    close(first);
    ck_assert_uint_eq(serial_in(hear(third)), 1);
    close(second);
    close(third);
    expect_workers(0);
    stop();
}
END_TEST

/* Those that have ended are waited for at once, not at some later time. */
START_TEST(nothing_is_left_of_connections)
{
    start("-d 0");
    for (int round = 0; round < 3; round++) {
        int fds[20];
        for (int i = 0; i < 20; i++) {
            fds[i] = dial();
            say(fds[i], GET);
        }
        for (int i = 0; i < 20; i++)
            hear(fds[i]);
        ck_assert_int_eq(workers(), 20);
        for (int i = 0; i < 20; i++)
            close(fds[i]);
        expect_workers(0);
    }
    stop();
}
END_TEST

/* Its memory and descriptors do not grow with the connections it has had. */
START_TEST(descriptors_do_not_add_up)
{
    start_by("ulimit -n 16; exec \"$0\" -p 0 -d 0");
    for (int i = 0; i < 50; i++) {
        int fd = dial();
        say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        hear(fd);
        expect_end(fd);
        close(fd);
    }
    expect_workers(0);
    stop();
}
END_TEST

/* Out of descriptors: it complains, does not turn in circles, and goes on when
 * there are some again. (The processes' parent holds none: it has enough.)
 */
START_TEST(no_descriptor_left)
{
    enum { MANY = 20 };
    int fds[MANY];
    char text[8192];
    if (!has_threads())
        return;
    start_by("ulimit -n 16; exec \"$0\" -p 0 -d 0");
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial();
        say(fds[i], GET);
    }
    hear(fds[0]);
    double before = cpu_time();
    expect_silence(fds[MANY - 1]);
    expect_silence(fds[MANY - 1]);
    ck_assert_double_lt(cpu_time() - before, 0.15);
    for (int i = 0; i < MANY; i++) {
        if (i > 0)
            ck_assert_uint_eq(serial_in(hear(fds[i])), 1);
        close(fds[i]);
    }
    ssize_t n = read(server.err, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    ck_assert_ptr_nonnull(
        strstr(text, "server_threads: accept: Too many open files\n"));
    expect_workers(0);
    stop();
}
END_TEST

/* Only root may have any number of processes: as another user, who may have
 * just this one, it tells a connection so.
 */
START_TEST(no_process_left)
{
    char command[512];
    int user = 50000 + (int)getpid() % 10000;
    char *program = built(chapter, name);
    snprintf(command, sizeof command,
             "test $(id -u) = 0 && prlimit --nproc=1 setpriv --reuid=%d "
             "--clear-groups %s -h >/dev/null 2>&1",
             user, program);
    free(program);
    if (system(command) != 0)
        return;
    snprintf(command, sizeof command,
             "exec prlimit --nproc=1 setpriv --reuid=%d --clear-groups "
             "\"$0\" -p 0 -d 0",
             user);
    start_by(command);
    int fd = dial();
    say(fd, GET);
    const char *text = hear(fd);
    ck_assert_msg(strncmp(text, "HTTP/1.1 503 Service Unavailable\r\n", 34) ==
                      0,
                  "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\r\nRetry-After: 1\r\n"));
    expect_end(fd);
    close(fd);
    stop_by(SIGTERM,
            has_threads()
                ? "server_threads: thread 1: Resource temporarily unavailable\n"
                : "server: fork: Resource temporarily unavailable\n");
}
END_TEST

/* Who hangs up before the answers are out kills nobody. */
START_TEST(clients_that_hang_up_do_no_harm)
{
    start("-d 0");
    for (int i = 0; i < 10; i++) {
        struct linger at_once = {1, 0};
        int fd = dial();
        for (int n = 0; n < 50; n++)
            say(fd, GET);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
    }
    expect_workers(0);
    int fd = dial();
    say(fd, GET);
    ck_assert_uint_eq(serial_in(hear(fd)), 1);
    close(fd);
    stop();
}
END_TEST

/* --- The end --------------------------------------------------------------- */

/* With connections in every state: nothing said, half a request, an answer
 * that takes its time, one kept.
 */
START_TEST(signals_end_it_cleanly)
{
    static const int signals[] = {SIGTERM, SIGINT};
    start("-d 0.05");
    int silent = dial();
    int half = dial();
    int kept = dial();
    int waiting = dial();
    say(half, "GET / HT");
    say(kept, GET);
    hear(kept);
    say(waiting, GET);
    expect_workers(4);
    stop_by(signals[_i], "");
    expect_end(silent);
    expect_end(kept);
    close(silent);
    close(half);
    close(kept);
    close(waiting);
}
END_TEST

/* An answer that is not due for an hour holds nobody up. */
START_TEST(signals_end_it_at_once)
{
    start("-d 3600 --patience 3600");
    int waiting = dial();
    int silent = dial();
    say(waiting, GET);
    expect_workers(2);
    double begun = now();
    stop();
    ck_assert_double_lt(now() - begun, 15);
    close(waiting);
    close(silent);
}
END_TEST

/* Nobody can end it cleanly then; its processes end with it all the same. */
START_TEST(killed_it_leaves_nobody)
{
    start("-d 0 --patience 3600");
    int fd = dial();
    say(fd, GET);
    hear(fd);
    kill(server.pid, SIGKILL);
    expect_end(fd);
    close(fd);
    ck_assert_int_eq(waitpid(server.pid, NULL, 0), server.pid);
}
END_TEST

/* The address is free again as soon as it ended, whoever hung up first. */
START_TEST(port_can_be_taken_again)
{
    char options[32];
    start("-d 0");
    int fd = dial();
    say(fd, GET);
    hear(fd);
    stop();
    close(fd);
    snprintf(options, sizeof options, "-d 0 -p %d", port);
    start(options);
    fd = dial();
    say(fd, GET);
    ck_assert_uint_eq(serial_in(hear(fd)), 1);
    close(fd);
    stop();
}
END_TEST

START_TEST(port_in_use_is_named)
{
    char number[16];
    char message[128];
    start("-d 0");
    snprintf(number, sizeof number, "%d", port);
    snprintf(message, sizeof message,
             "%s: 127.0.0.1:%d: Address already in use\n", name, port);
    struct child second = {.argv = (const char *[]){path, "-p", number, NULL},
                           .merge = true};
    ck_assert_int_eq(child_run(&second), 0);
    ck_assert_str_eq(second.out.text, message);
    ck_assert_int_eq(WEXITSTATUS(second.status), 1);
    child_free(&second);
    stop();
}
END_TEST

START_TEST(other_addresses_are_served)
{
    start("-d 0 -a 127.0.0.2");
    int fd = dial_at("127.0.0.2");
    say(fd, GET);
    ck_assert_ptr_nonnull(strstr(hear(fd), "Your ip is \"127.0.0.1\"\n"));
    close(fd);
    stop();
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

void servers_add_tests(TCase *tc, void (*setup)(void))
{
    tcase_set_timeout(tc, 90);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, ten_lines);
    tcase_add_test(tc, requests_of_a_connection_are_counted);
    tcase_add_loop_test(tc, connections_stand_or_end_as_asked, 0,
                        COUNT(ways_to_end));
    tcase_add_test(tc, pipelined_requests_are_answered_in_order);
    tcase_add_test(tc, head_is_what_get_begins_with);
    tcase_add_test(tc, options_say_what_is_allowed);
    tcase_add_test(tc, server_name_can_be_left_out);
    tcase_add_loop_test(tc, statuses_where_due, 0, COUNT(statuses));
    tcase_add_loop_test(tc, too_much_is_refused_and_the_answer_arrives, 0,
                        COUNT(too_much));
    tcase_add_test(tc, last_answer_arrives_though_more_is_sent);
    tcase_add_test(tc, body_that_is_expected_is_asked_for);
    tcase_add_test(tc, answers_take_their_time_together);
    tcase_add_loop_test(tc, slow_requests_are_refused_as_a_whole, 0, 2);
    tcase_add_test(tc, idle_connections_end_without_a_word);
    tcase_add_test(tc, time_of_a_request_begins_with_its_first_byte);
    tcase_add_test(tc, more_than_the_bound_wait_their_turn);
    tcase_add_test(tc, nothing_is_left_of_connections);
    tcase_add_test(tc, descriptors_do_not_add_up);
    tcase_add_test(tc, no_descriptor_left);
    tcase_add_test(tc, no_process_left);
    tcase_add_test(tc, clients_that_hang_up_do_no_harm);
    tcase_add_loop_test(tc, signals_end_it_cleanly, 0, 2);
    tcase_add_test(tc, signals_end_it_at_once);
    tcase_add_test(tc, killed_it_leaves_nobody);
    tcase_add_test(tc, port_can_be_taken_again);
    tcase_add_test(tc, port_in_use_is_named);
    tcase_add_test(tc, other_addresses_are_served);
}
