/* web: routes, answers and errors over real connections; slow clients and such
 * as go away; nothing left behind. On select, poll and epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "07_eventloop/loop_stats.h"
#include "07_eventloop/web.h"
#include "07_eventloop/web_events.h"
#include "tests/loops.h"
#include "tests/support.h"

/* --- The application ------------------------------------------------------- */

static int streams; /* that run */

static void plain(struct web_request *r)
{
    web_type(r, "text/plain");
    web_print(r, "plain");
}

static void names(struct web_request *r)
{
    web_print(r, "[");
    web_print_escaped(r, web_parameter(r, "name"));
    web_print(r, "|");
    web_print_escaped(r, web_parameter(r, "place"));
    web_print(r, "|");
    web_print_escaped(r, web_query(r, "q"));
    web_print(r, "|");
    web_print_escaped(r, http_field(r->http, "X-Tag"));
    web_printf(r, "|%s]", web_parameter(r, "na") == NULL ? "" : "na");
}

static void form(struct web_request *r)
{
    const char *name = web_form(r, "name");
    web_printf(r, "%zu bytes, name is ", r->length);
    web_print_escaped(r, name != NULL ? name : "none");
}

static void big(struct web_request *r)
{
    char line[1024];
    memset(line, 'x', sizeof line);
    for (int i = atoi(web_query(r, "k")); i > 0; i--)
        web_write(r, line, sizeof line);
}

static void fields(struct web_request *r)
{
    r->status = 201;
    web_field(r, "X-Good", "yes");
    web_field(r, "X-Evil", "a\r\nSet-Cookie: b");
    web_print(r, "made");
}

static void how_many(struct web_request *r)
{
    web_printf(r, "%d open, %d streams", r->web->open, streams);
}

struct slow {
    struct gen gen;
    struct web_request *request;
    struct sleep_for sleep_for;
};

static bool slow(void *frame, struct future **awaits)
{
    struct slow *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = atof(web_query(c->request, "s")));
    web_printf(c->request, "%zu bytes, query %s", c->request->length,
               web_query(c->request, "s"));
    GEN_END(c);
    return false;
}

struct stream_out {
    struct gen gen;
    struct web_request *request;
    int i, n;
    struct sleep_for sleep_for;
    struct web_flush web_flush;
};

/* ?n pieces, of ?size bytes each; then an error, if it has ?error. */
static bool stream_out(void *frame, struct future **awaits)
{
    struct stream_out *c = frame;
    struct web_request *r = c->request;
    char piece[65536];
    GEN_BEGIN(c);
    streams++;
    c->n = atoi(web_query(r, "n"));
    for (c->i = 1; c->i <= c->n; c->i++) {
        if (web_query(r, "size") != NULL) {
            memset(piece, 'x', sizeof piece);
            web_write(r, piece, (size_t)atoi(web_query(r, "size")));
        } else {
            web_printf(r, "piece %d\n", c->i);
        }
        AWAIT_CALL(c, web_flush, .request = r);
        AWAIT_CALL(c, sleep_for, .seconds = 0.01);
    }
    if (web_query(r, "error") != NULL)
        GEN_RAISE(c, "an error of its own");
    web_print(r, "the end");
    GEN_END(c);
    streams--;
    return false;
}

struct oops {
    struct gen gen;
    struct web_request *request;
};

static bool oops(void *frame, struct future **awaits)
{
    struct oops *c = frame;
    (void)awaits;
    GEN_BEGIN(c);
    web_print(c->request, "half of what");
    GEN_RAISE(c, "ZeroDivisionError");
    GEN_END(c);
    return false;
}

static const struct web_route routes[] = {
    {"GET", "/plain", WEB_CALL(plain)},
    {"GET", "/names/:name/of/:place", WEB_CALL(names)},
    {"GET", "/names/:name", WEB_CALL(names)},
    {"POST", "/form", WEB_CALL(form)},
    {"GET", "/form", WEB_CALL(plain)},
    {"PUT", "/form", WEB_CALL(form)},
    {"GET", "/big", WEB_CALL(big)},
    {"GET", "/fields", WEB_CALL(fields)},
    {"GET", "/how_many", WEB_CALL(how_many)},
    {"GET", "/slow", WEB_AWAIT(slow)},
    {"POST", "/slow", WEB_AWAIT(slow)},
    {"GET", "/stream", WEB_AWAIT(stream_out)},
    {"GET", "/oops", WEB_AWAIT(oops)},
    {"GET", "/text", WEB_TEXT("text/css", "p { }\n", 6)},
    {"GET", "/events", WEB_AWAIT(web_events)},
    {0}};

static struct loop_stats stats;
static struct web web = {.data = &stats};

/* --- Its server, in a child ------------------------------------------------ */

static struct {
    pid_t pid;
    int port, err;
    rlim_t descriptors; /* it may have; 0: any */
} server;

struct run_server {
    struct gen gen;
    int listener;
    struct web_serve web_serve;
};

static bool run_server(void *frame, struct future **awaits)
{
    struct run_server *c = frame;
    GEN_BEGIN(c);
    loop_running()->slow_callback = 0;
    loop_stats_begin(&stats, loop_running(), 0.05);
    AWAIT_CALL(c, web_serve, .web = &web, .listener = c->listener);
    GEN_END(c);
    loop_stats_end(&stats);
    return false;
}

static _Noreturn void be_server(int backend, int listener)
{
    struct rlimit files = {server.descriptors, server.descriptors};
    int before = count_descriptors();
    setenv("LOOP_BACKEND", backends[backend], 1);
    if (server.descriptors > 0 && setrlimit(RLIMIT_NOFILE, &files) == -1)
        exit(4);
    const char *error = loop_run(run_server, .listener = listener);
    if (error != NULL)
        fprintf(stderr, "%s\n", error);
    /* All but the listener. */
    exit(error != NULL ? 1 : count_descriptors() == before - 1 ? 0 : 3);
}

/* Set what is to be set in web before. */
static void start(int backend)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int err[2];
    web.routes = routes;
    web.until_signal = true;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 128), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    ck_assert_int_eq(pipe(err), 0);
    server.port = ntohs(a.sin_port);
    server.pid = fork();
    ck_assert_int_ne(server.pid, -1);
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(err[1], STDERR_FILENO);
        close(err[0]);
        close(err[1]);
        be_server(backend, fd);
    }
    close(fd);
    close(err[1]);
    server.err = err[0];
}

/* Waits for its end, and checks that it has said just this, and has left
 * neither a descriptor nor (with the address sanitizer) a byte.
 */
static void expect_ended(const char *said)
{
    char text[8192];
    size_t used = 0;
    ssize_t n;
    int status;
    while ((n = read(server.err, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "status %x: %s", (unsigned)status, text);
    ck_assert_msg(said != NULL ? strcmp(text, said) == 0 : *text != '\0',
                  "said: %s", text);
    close(server.err);
}

static void stop(void)
{
    kill(server.pid, SIGTERM);
    expect_ended("");
}

/* --- Talking to it --------------------------------------------------------- */

/* No wait of ours is longer than 20 seconds. */
static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)server.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ne(fd, -1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void tell(int fd, const char *bytes)
{
    size_t n = strlen(bytes);
    ck_assert_int_eq(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads one answer, and nothing of the next one: its head as it is, and then
 * what its body says.
 */
static const char *hear_of(int fd, bool to_head)
{
    static char heard[300000];
    char bytes[65536];
    size_t head = 0;
    size_t used = 0;
    struct http h;
    enum http_event event = HTTP_MORE;
    http_init(&h, HTTP_RESPONSE);
    h.to_head = to_head;
    bool in_head = true;
    while (event != HTTP_DONE) {
        const char *p = bytes;
        ssize_t n = recv(fd, bytes, 1, 0);
        ck_assert_msg(n >= 0, "no whole answer: %.*s", (int)used, heard);
        if (n == 0) {
            ck_assert_msg(http_end(&h) == HTTP_DONE, "cut: %.*s", (int)used,
                          heard);
            break;
        }
        if (in_head)
            heard[used++] = *bytes;
        while (event != HTTP_DONE &&
               (event = http_feed(&h, &p, bytes + n)) != HTTP_MORE) {
            ck_assert_int_ne(event, HTTP_FAILED);
            if (event == HTTP_HEAD) {
                in_head = false;
                head = used;
            }
            if (event == HTTP_BODY)
                heard[used++] = *h.piece.at;
        }
        ck_assert_uint_lt(used, sizeof heard);
    }
    ck_assert_uint_gt(head, 0);
    http_free(&h);
    heard[used] = '\0';
    return heard;
}

static const char *hear(int fd)
{
    return hear_of(fd, false);
}

static const char *body_of(const char *answer)
{
    return strstr(answer, "\r\n\r\n") + 4;
}

/* The other side says no more, and ends; it is not reset. */
static void expect_end(int fd)
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

static void expect(const char *answer, const char *status, const char *holds)
{
    ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0 &&
                      strncmp(answer + 9, status, strlen(status)) == 0 &&
                      strstr(answer, holds) != NULL,
                  "not %s and %s: %s", status, holds, answer);
}

/* Until the server says so: its other connections may still be ending. */
static void expect_how_many(const char *wanted)
{
    const char *answer = "";
    int fd = dial();
    for (int i = 0; i < 1000; i++) {
        tell(fd, "GET /how_many HTTP/1.1\r\nHost: x\r\n\r\n");
        answer = hear(fd);
        if (strcmp(body_of(answer), wanted) == 0)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    ck_assert_str_eq(body_of(answer), wanted);
    close(fd);
}

/* --- What is answered ------------------------------------------------------ */

#define HOST "Host: x\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static const struct {
    const char *request, *status, *body;
} answers[] = {
    {"GET /plain HTTP/1.1\r\n" HOST "\r\n", "200 OK", "plain"},
    {"GET /text HTTP/1.1\r\n" HOST "\r\n", "200", "p { }\n"},
    {"GET http://x/plain HTTP/1.1\r\n" HOST "\r\n", "200", "plain"},
    /* parameters, query, fields */
    {"GET /names/Ann HTTP/1.1\r\n" HOST "\r\n", "200", "[Ann||||]"},
    {"GET /names/Ann/of/M%C3%BCnchen?q=a HTTP/1.1\r\n" HOST "\r\n", "200",
     "[Ann|M\xc3\xbcnchen|a||]"},
    {"GET /names/a+b/of/c%2Fd?p=1&q=e+f%26&q=g HTTP/1.1\r\n" HOST "\r\n", "200",
     "[a+b|c/d|e f&amp;||]"},
    {"GET /names/x?qq=1&q HTTP/1.1\r\n" HOST "x-TAG: seen\r\n\r\n", "200",
     "[x|||seen|]"},
    {"GET /names/x?%71=1=2&q=3 HTTP/1.1\r\n" HOST "\r\n", "200", "[x||1=2||]"},
    {"GET /names/x?=1&&q=&q=3 HTTP/1.1\r\n" HOST "\r\n", "200", "[x||||]"},
    /* names are text and never markup */
    {"GET /names/%3Cscript%3Ealert(%22%26%27)%3C%2Fscript%3E HTTP/1.1\r\n" HOST
     "\r\n",
     "200", "[&lt;script&gt;alert(&quot;&amp;&#39;)&lt;/script&gt;||||]"},
    {"GET /names/%ff%fe HTTP/1.1\r\n" HOST "\r\n", "200", "[\xff\xfe||||]"},
    /* forms */
    {"POST /form HTTP/1.1\r\n" HOST FORM
     "Content-Length: 19\r\n\r\na=1&name=You+%26+me",
     "200", "19 bytes, name is You &amp; me"},
    {"POST /form HTTP/1.1\r\n" HOST
     "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"
     "Transfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n2\r\n%3\r\n1\r\nC\r\n"
     "0\r\n\r\n",
     "200", "8 bytes, name is &lt;"},
    {"POST /form HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nname=x", "200",
     "6 bytes, name is none"},
    {"PUT /form HTTP/1.1\r\n" HOST "\r\n", "200", "0 bytes, name is none"},
    /* errors of the request's sense: the connection goes on */
    {"GET /names/a%2 HTTP/1.1\r\n" HOST "\r\n", "400", NULL},
    {"GET /names/a%00 HTTP/1.1\r\n" HOST "\r\n", "400", NULL},
    {"GET /plain?q=%zz HTTP/1.1\r\n" HOST "\r\n", "400", NULL},
    {"POST /form HTTP/1.1\r\n" HOST FORM "Content-Length: 7\r\n\r\nname=%z",
     "400", NULL},
    {"GET / HTTP/1.1\r\n" HOST "\r\n", "404", NULL},
    {"GET /plain/ HTTP/1.1\r\n" HOST "\r\n", "404", NULL},
    {"GET /plai HTTP/1.1\r\n" HOST "\r\n", "404", NULL},
    {"GET /names/ HTTP/1.1\r\n" HOST "\r\n", "404", NULL},
    {"GET /names//of/x HTTP/1.1\r\n" HOST "\r\n", "404", NULL},
    {"POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /", "404",
     NULL},
    {"POST /plain HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nGET /", "405",
     NULL},
    {"DELETE /form HTTP/1.1\r\n" HOST "\r\n", "405", NULL},
    {"BREW /plain HTTP/1.1\r\n" HOST "\r\n", "501", NULL},
    {"GET /oops HTTP/1.1\r\n" HOST "\r\n", "500", NULL},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "204", ""},
};
#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

/* All on one connection: none of them ends it. */
START_TEST(requests_and_their_answers)
{
    start(_i);
    int fd = dial();
    for (int i = 0; i < COUNT(answers); i++) {
        tell(fd, answers[i].request);
        const char *answer = hear(fd);
        expect(answer, answers[i].status, "\r\nDate: ");
        if (answers[i].body != NULL)
            ck_assert_msg(strcmp(body_of(answer), answers[i].body) == 0,
                          "%s: %s", answers[i].request, answer);
        else
            expect(answer, answers[i].status, "<h1>");
    }
    close(fd);
    kill(server.pid, SIGTERM);
    expect_ended(NULL); /* of /oops */
}
END_TEST

/* The same in one piece (which is to say: pipelined), and byte by byte. */
START_TEST(requests_in_any_pieces)
{
    char all[16384] = "";
    for (int i = 0; i < COUNT(answers); i++)
        if (strncmp(answers[i].status, "500", 3) != 0)
            strcat(all, answers[i].request);
    start(_i);
    int whole = dial();
    int bytes = dial();
    tell(whole, all);
    for (const char *p = all; *p != '\0'; p++)
        ck_assert_int_eq(send(bytes, p, 1, MSG_NOSIGNAL), 1);
    for (int i = 0; i < COUNT(answers); i++) {
        if (strncmp(answers[i].status, "500", 3) == 0)
            continue;
        const char *answer = hear(whole);
        expect(answer, answers[i].status, "");
        if (answers[i].body != NULL)
            ck_assert_str_eq(body_of(answer), answers[i].body);
        expect(hear(bytes), answers[i].status, "");
    }
    close(whole);
    close(bytes);
    stop();
}
END_TEST

/* What awaits is answered in its turn, while what follows it has come. */
START_TEST(pipelined_requests_await_each_other)
{
    start(_i);
    int fd = dial();
    int other = dial();
    tell(fd,
         "POST /slow?s=0.2 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody"
         "GET /names/second HTTP/1.1\r\n" HOST "\r\n"
         "GET /plain HTTP/1.1\r\nHo");
    tell(other, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(other), "200", "plain");
    expect(hear(fd), "200", "4 bytes, query 0.2");
    expect(hear(fd), "200", "[second||||]");
    tell(fd, "st: x\r\nConnection: close\r\n\r\n");
    expect(hear(fd), "200", "\r\nConnection: close\r\n");
    expect_end(fd);
    close(fd);
    close(other);
    stop();
}
END_TEST

START_TEST(head_is_as_get_without_the_body)
{
    char get[4096];
    start(_i);
    int fd = dial();
    tell(fd, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    snprintf(get, sizeof get, "%s", hear(fd));
    tell(fd, "HEAD /plain HTTP/1.1\r\n" HOST "\r\n");
    const char *head = hear_of(fd, true);
    expect(head, "200", "\r\nContent-Length: 5\r\n");
    expect(head, "200", "\r\nContent-Type: text/plain\r\n");
    ck_assert_uint_eq(strlen(get), strlen(head) + 5);
    tell(fd, "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n");
    expect(hear_of(fd, true), "404", "\r\nContent-Length: ");
    tell(fd, "HEAD /stream?n=1000000 HTTP/1.1\r\n" HOST "\r\n");
    expect(hear_of(fd, true), "200", "\r\nTransfer-Encoding: chunked\r\n");
    tell(fd, "GET /how_many HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "200", "1 open, 0 streams");
    close(fd);
    stop();
}
END_TEST

START_TEST(what_is_allowed_is_said)
{
    start(_i);
    int fd = dial();
    tell(fd, "DELETE /form HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "405", "\r\nAllow: POST, GET, HEAD, PUT, OPTIONS\r\n");
    tell(fd, "POST /plain HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "405", "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    tell(fd, "OPTIONS /plain HTTP/1.1\r\n" HOST "\r\n");
    const char *answer = hear(fd);
    expect(answer, "204", "\r\nAllow: GET, HEAD, OPTIONS\r\n");
    ck_assert_ptr_null(strstr(answer, "Content-Length"));
    tell(fd, "OPTIONS /nowhere HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "404", "");
    close(fd);
    stop();
}
END_TEST

START_TEST(fields_of_an_answer)
{
    start(_i);
    int fd = dial();
    tell(fd, "GET /fields HTTP/1.1\r\n" HOST "\r\n");
    const char *answer = hear(fd);
    expect(answer, "201 Created", "\r\nX-Good: yes\r\n");
    ck_assert_ptr_null(strstr(answer, "Evil"));
    ck_assert_ptr_null(strstr(answer, "Cookie"));
    close(fd);
    kill(server.pid, SIGTERM);
    expect_ended(NULL);
}
END_TEST

static const struct {
    const char *request, *field;
    bool ends;
} ways_to_end[] = {
    {"GET /plain HTTP/1.1\r\n" HOST "\r\n", "", false},
    {"GET /plain HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
     "\r\nConnection: close\r\n", true},
    {"GET /plain HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n", true},
    {"GET /plain HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
     "\r\nConnection: keep-alive\r\n", false},
};

START_TEST(connections_stand_or_end_as_asked)
{
    start(_i);
    for (int i = 0; i < COUNT(ways_to_end); i++) {
        int fd = dial();
        tell(fd, ways_to_end[i].request);
        expect(hear(fd), "200", ways_to_end[i].field);
        if (ways_to_end[i].ends) {
            expect_end(fd);
        } else {
            tell(fd, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
            expect(hear(fd), "200", "plain");
        }
        close(fd);
    }
    stop();
}
END_TEST

/* --- Errors that end the connection ---------------------------------------- */

static const struct {
    const char *before;  /* the request's beginning */
    const char *pattern; /* then this over and over */
    size_t times;
    const char *status;
} bad[] = {
    {"GET\r\n\r\n", "", 0, "400"},
    {"GET /plain HTTP/1.1\r\n\r\n", "", 0, "400"},
    {"GET /plain HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "", 0, "400"},
    {"GET plain HTTP/1.1\r\n" HOST "\r\n", "", 0, "400"},
    {"GET /plain HTTP/1.1\r\n" HOST "No field\r\n\r\n", "", 0, "400"},
    {"\x16\x03\x01 of TLS\r\n", "", 0, "400"},
    {"POST /form HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     "", 0, "400"},
    {"POST /form HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
     "", 0, "400"},
    {"POST /form HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
     "", 0, "501"},
    {"GET /plain HTTP/2.0\r\n" HOST "\r\n", "", 0, "505"},
    {"POST /form HTTP/1.1\r\n" HOST "Expect: a miracle\r\n\r\n", "", 0, "417"},
    {"POST /plain HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
     "Content-Length: 4\r\n\r\n",
     "", 0, "405"},
    {"GET /", "x", 100000, "414"},
    {"GET /plain HTTP/1.1\r\n" HOST "X: ", "y", 1000000, "431"},
    {"GET /plain HTTP/1.1\r\n" HOST, "X: y\r\n", 200000, "431"},
    {"POST /form HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "z", 1001,
     "413"},
    {"POST /form HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n"
     "\r\n",
     "z", 2000000, "413"},
    {"POST /form HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n", "", 0,
     "413"},
    {"POST /nowhere HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
     "5\r\nabcde\r\n", 200000, "413"},
};

/* The answer arrives, though the client goes on sending; and the server does
 * not hang up on it for that, which would lose the answer.
 */
START_TEST(bad_requests_are_answered_and_end)
{
    web.body_most = 1000;
    start(_i);
    for (int i = 0; i < COUNT(bad); i++) {
        int fd = dial();
        size_t length = strlen(bad[i].pattern);
        char *all = malloc(length * bad[i].times + 1);
        for (size_t n = 0; n < bad[i].times; n++)
            memcpy(all + n * length, bad[i].pattern, length);
        tell(fd, bad[i].before);
        (void)!send(fd, all, length * bad[i].times, MSG_NOSIGNAL);
        const char *answer = hear(fd);
        expect(answer, bad[i].status, "<h1>");
        expect(answer, bad[i].status, "\r\nConnection: close\r\n");
        shutdown(fd, SHUT_WR);
        expect_end(fd);
        close(fd);
        free(all);
    }
    int fd = dial();
    tell(fd, "POST /form HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        tell(fd, "z");
    expect(hear(fd), "200", "1000 bytes");
    close(fd);
    expect_how_many("1 open, 0 streams");
    stop();
}
END_TEST

START_TEST(body_that_is_announced_is_asked_for)
{
    char line[26] = "";
    start(_i);
    int fd = dial();
    tell(fd, "POST /form HTTP/1.1\r\n" HOST FORM "Expect: 100-continue\r\n"
             "Content-Length: 6\r\n\r\n");
    ck_assert_int_eq(recv(fd, line, 25, MSG_WAITALL), 25);
    ck_assert_str_eq(line, "HTTP/1.1 100 Continue\r\n\r\n");
    tell(fd, "name=x");
    expect(hear(fd), "200", "name is x");
    close(fd);
    stop();
}
END_TEST

/* Nothing of what was printed goes out, and the log has the error. */
START_TEST(route_with_an_error)
{
    char path[256] = "";
    start(_i);
    int fd = dial();
    tell(fd, "GET /oops HTTP/1.1\r\n" HOST "\r\n");
    const char *answer = hear(fd);
    expect(answer, "500 Internal Server Error", "<h1>500 ");
    ck_assert_ptr_null(strstr(answer, "half"));
    ck_assert_ptr_null(strstr(answer, "Zero"));
    tell(fd, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "200", "plain");
    close(fd);
    kill(server.pid, SIGTERM);
    ck_assert_int_gt(readlink("/proc/self/exe", path, sizeof path - 1), 0);
    char said[320];
    snprintf(said, sizeof said, "%s: GET /oops: ZeroDivisionError\n",
             strrchr(path, '/') + 1);
    expect_ended(said);
}
END_TEST

/* --- Slow clients ---------------------------------------------------------- */

/* One byte now and then does not help: the request has its time as a whole. */
START_TEST(slow_request_is_refused)
{
    web.patience = 0.3;
    start(_i);
    int silent = dial();
    int half = dial();
    int dripping = dial();
    int body = dial();
    tell(half, "GET /plain HTTP/1.1\r\nHo");
    tell(body, "POST /form HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    struct pollfd polled = {dripping, POLLIN, 0};
    while (poll(&polled, 1, 20) == 0)
        (void)!send(dripping, "G", 1, MSG_NOSIGNAL);
    expect(hear(dripping), "408 Request Timeout", "<h1>408 ");
    expect(hear(half), "408", "\r\nConnection: close\r\n");
    expect(hear(body), "408", "");
    expect_end(half);
    /* Who has not begun to ask gets no answer. */
    expect_end(silent);
    close(silent);
    close(half);
    close(dripping);
    close(body);
    expect_how_many("1 open, 0 streams");
    stop();
}
END_TEST

/* A connection that asks again and again lives as long as it likes; a route that
 * takes longer than a client may take is no fault of the client's.
 */
START_TEST(time_is_counted_from_the_last_answer)
{
    web.patience = 0.15;
    start(_i);
    int fd = dial();
    tell(fd, "GET /slow?s=0.4 HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(fd), "200", "query 0.4");
    for (int i = 0; i < 5; i++) {
        tell(fd, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
        expect(hear(fd), "200", "plain");
        nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
    }
    close(fd);
    stop();
}
END_TEST

/* Who asks and does not read is cut, be it a long answer or an endless one;
 * nobody else waits for that.
 */
START_TEST(client_that_does_not_read)
{
    web.patience = 0.3;
    start(_i);
    int fds[2] = {dial(), dial()};
    tell(fds[0], "GET /big?k=16384 HTTP/1.1\r\n" HOST "\r\n");
    tell(fds[1], "GET /stream?n=1000000&size=65536 HTTP/1.1\r\n" HOST "\r\n");
    int other = dial();
    tell(other, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    expect(hear(other), "200", "plain");
    close(other);
    expect_how_many("1 open, 0 streams");
    close(fds[0]);
    close(fds[1]);
    stop();
}
END_TEST

/* And who reads gets it all, in whatever time. */
START_TEST(long_answer)
{
    start(_i);
    int fd = dial();
    tell(fd, "GET /big?k=60 HTTP/1.1\r\n" HOST "\r\n");
    const char *answer = hear(fd);
    expect(answer, "200", "\r\nContent-Length: 61440\r\n");
    ck_assert_uint_eq(strspn(body_of(answer), "x"), 61440);
    close(fd);
    stop();
}
END_TEST

/* --- Streaming ------------------------------------------------------------- */

START_TEST(stream_comes_in_pieces)
{
    start(_i);
    int fd = dial();
    tell(fd, "GET /stream?n=3 HTTP/1.1\r\n" HOST "\r\n");
    const char *answer = hear(fd);
    expect(answer, "200", "\r\nTransfer-Encoding: chunked\r\n");
    ck_assert_ptr_null(strstr(answer, "Content-Length"));
    ck_assert_str_eq(body_of(answer), "piece 1\npiece 2\npiece 3\nthe end");
    tell(fd, "GET /stream?n=0 HTTP/1.1\r\n" HOST "\r\n");
    answer = hear(fd);
    expect(answer, "200", "\r\nContent-Length: 7\r\n");
    ck_assert_str_eq(body_of(answer), "the end");
    close(fd);
    /* HTTP/1.0 knows no chunks. */
    fd = dial();
    tell(fd, "GET /stream?n=2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer = hear(fd);
    expect(answer, "200", "\r\nConnection: close\r\n");
    ck_assert_ptr_null(strstr(answer, "Transfer-Encoding"));
    ck_assert_str_eq(body_of(answer), "piece 1\npiece 2\nthe end");
    close(fd);
    stop();
}
END_TEST

/* Each piece is sent when it is there, not when the next one is. */
START_TEST(stream_is_not_kept_back)
{
    char text[2048] = "";
    size_t used = 0;
    start(_i);
    int fd = dial();
    tell(fd, "GET /stream?n=1000000 HTTP/1.1\r\n" HOST "\r\n");
    while (strstr(text, "\r\n8\r\npiece 1\n\r\n") == NULL) {
        ssize_t n = recv(fd, text + used, sizeof text - 1 - used, 0);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
        text[used] = '\0';
    }
    close(fd);
    expect_how_many("1 open, 0 streams");
    stop();
}
END_TEST

/* Its client is not told that what it has is all. */
START_TEST(stream_with_an_error_is_cut)
{
    char text[2048] = "";
    size_t used = 0;
    ssize_t n;
    start(_i);
    int fd = dial();
    tell(fd, "GET /stream?n=2&error HTTP/1.1\r\n" HOST "\r\n");
    while ((n = recv(fd, text + used, sizeof text - 1 - used, 0)) > 0)
        used += (size_t)n;
    ck_assert_int_eq(n, 0);
    text[used] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "piece 2\n"));
    ck_assert_ptr_null(strstr(text, "\r\n0\r\n"));
    close(fd);
    kill(server.pid, SIGTERM);
    expect_ended(NULL);
}
END_TEST

/* By an end, and by a reset. The route ends, and nobody says a word. */
START_TEST(client_goes_away_in_a_stream)
{
    struct linger at_once = {1, 0};
    start(_i);
    for (int i = 0; i < 10; i++) {
        char byte;
        int fd = dial();
        tell(fd, i % 3 == 2 ? "GET /slow?s=0.05 HTTP/1.1\r\n" HOST "\r\n"
                            : "GET /stream?n=1000000 HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_int_eq(i % 3 == 2 ? 1 : recv(fd, &byte, 1, 0), 1);
        if (i % 2 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
    }
    expect_how_many("1 open, 0 streams");
    stop();
}
END_TEST

/* --- Events ---------------------------------------------------------------- */

/* Reads on, behind what is in the text, until there is a line with that in it;
 * returns where.
 */
static char *hear_line(int fd, char *text, char *end, const char *with)
{
    char *used = text + strlen(text);
    char *at;
    while ((at = strstr(text, with)) == NULL || strchr(at, '\n') == NULL) {
        ssize_t n = recv(fd, used, (size_t)(end - used) - 1, 0);
        ck_assert_msg(n > 0, "no %s: %s", with, text);
        used += n;
        *used = '\0';
    }
    return at;
}

/* All hear the same of a sample; and each one its end. */
START_TEST(events_are_told_to_all)
{
    char texts[2][65536] = {""};
    char *ends[] = {texts[0] + sizeof texts[0], texts[1] + sizeof texts[1]};
    char sample[64];
    start(_i);
    int fds[2] = {dial(), dial()};
    tell(fds[0], "GET /events HTTP/1.1\r\n" HOST "\r\n");
    const char *event =
        hear_line(fds[0], texts[0], ends[0], "data: {\"open\": ");
    expect(texts[0], "200", "\r\nContent-Type: text/event-stream\r\n");
    ck_assert_ptr_nonnull(strstr(event, "\"samples\": [[0.0"));
    ck_assert_ptr_nonnull(
        strstr(event, "[\"web_events\", \"nothing: it runs\", 1, "));
    ck_assert_ptr_nonnull(strstr(event, "[\"sample\", \"\", 1, "));
    ck_assert_ptr_nonnull(strstr(event, "\"slow\": [0, \"\"]}\n"));
    tell(fds[1], "GET /events HTTP/1.1\r\n" HOST "\r\n");
    char *next = hear_line(fds[1], texts[1], ends[1], "data: ") + 1;
    event = hear_line(fds[1], next, ends[1], "data: ");
    event = strstr(event, "]], \"tasks\": ");
    while (*event != '[')
        event--;
    snprintf(sample, sizeof sample, "%.*s", (int)strcspn(event, "]"), event);
    const char *other = hear_line(fds[0], texts[0], ends[0], sample);
    ck_assert_msg(strncmp(event, other, strcspn(event, "\n") + 1) == 0,
                  "%s: %s", event, other);
    kill(server.pid, SIGTERM);
    for (int i = 0; i < 2; i++) {
        /* Its last chunk has no bytes. */
        hear_line(fds[i], texts[i], ends[i], "\n0\r\n\r\n");
        expect_end(fds[i]);
        close(fds[i]);
    }
    expect_ended("");
}
END_TEST

/* --- Many, and too many ---------------------------------------------------- */

START_TEST(more_than_the_bound_wait_their_turn)
{
    web.connections = 2;
    start(_i);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        tell(fds[i], "GET /how_many HTTP/1.1\r\n" HOST "\r\n");
    }
    hear(fds[0]);
    expect(hear(fds[1]), "200", "2 open");
    expect_silence(fds[2]);
    close(fds[0]);
    expect(hear(fds[2]), "200", "2 open");
    close(fds[1]);
    close(fds[2]);
    stop();
}
END_TEST

/* It complains, does not turn in circles, and goes on when there are some. */
START_TEST(no_descriptor_left)
{
    enum { MANY = 20 };
    int fds[MANY];
    int answered = 0;
    server.descriptors = (rlim_t)count_descriptors() + 12;
    start(_i);
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial();
        tell(fds[i], "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    }
    expect(hear(fds[0]), "200", "plain");
    expect_silence(fds[MANY - 1]);
    for (int i = 0; i < MANY; i++) {
        if (i > 0)
            expect(hear(fds[i]), "200", "plain");
        answered++;
        close(fds[i]);
    }
    ck_assert_int_eq(answered, MANY);
    kill(server.pid, SIGTERM);
    expect_ended(NULL);
}
END_TEST

/* --- The end --------------------------------------------------------------- */

/* Idle ones end at once, answers and streams come to their end, whole; nobody
 * new is let in.
 */
START_TEST(end_in_order)
{
    static const int signals[] = {SIGTERM, SIGINT};
    char text[65536] = "";
    size_t used = 0;
    ssize_t n;
    start(_i % BACKENDS);
    int idle = dial();
    int kept = dial();
    int slow_one = dial();
    int stream = dial();
    tell(kept, "GET /plain HTTP/1.1\r\n" HOST "\r\n");
    hear(kept);
    tell(slow_one, "GET /slow?s=0.4 HTTP/1.1\r\n" HOST "\r\n");
    tell(stream, "GET /stream?n=1000000 HTTP/1.1\r\n" HOST "\r\n");
    expect_how_many("5 open, 1 streams");
    kill(server.pid, signals[_i / BACKENDS]);
    expect_end(idle);
    expect_end(kept);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)server.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(late, (struct sockaddr *)&a, sizeof a), -1);
    close(late);
    while ((n = recv(stream, text + used, sizeof text - 1 - used, 0)) > 0)
        used += (size_t)n;
    ck_assert_int_eq(n, 0);
    ck_assert_ptr_nonnull(memmem(text, used, "\r\n0\r\n\r\n", 7));
    expect(hear(slow_one), "200", "\r\nConnection: close\r\n");
    expect_end(slow_one);
    close(idle);
    close(kept);
    close(slow_one);
    close(stream);
    expect_ended("");
}
END_TEST

/* An answer that is not due for an hour holds nobody up for long. */
START_TEST(end_has_its_time)
{
    web.farewell = 0.1;
    start(_i);
    int fd = dial();
    int half = dial();
    tell(fd, "GET /slow?s=3600 HTTP/1.1\r\n" HOST "\r\n");
    tell(half, "GET /pl");
    expect_how_many("3 open, 0 streams");
    stop();
    expect_end(fd);
    close(fd);
    close(half);
}
END_TEST

/* --- The page -------------------------------------------------------------- */

/* In a browser, if there is one. */
START_TEST(page_in_a_browser)
{
    char here[512];
    char command[600];
    if (!plain_build())
        return;
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    snprintf(command, sizeof command,
             "BUILD='%s' python3 '%s/tests/browser.py'", build_folder(), here);
    struct child child = run_shell(command);
    int status = WEXITSTATUS(child.status);
    if (status == 127)
        puts("(web: python3 is missing: the page is not seen in a browser)");
    else if (status == 77)
        printf("%s", child.out.text);
    else
        ck_assert_msg(status == 0, "%s", child.out.text);
    child_free(&child);
}
END_TEST

TCase *eventloop_web(void)
{
    TCase *tc = tcase_create("web");
    tcase_set_timeout(tc, 90);
    tcase_add_loop_test(tc, requests_and_their_answers, 0, BACKENDS);
    tcase_add_loop_test(tc, requests_in_any_pieces, 0, BACKENDS);
    tcase_add_loop_test(tc, pipelined_requests_await_each_other, 0, BACKENDS);
    tcase_add_loop_test(tc, head_is_as_get_without_the_body, 0, BACKENDS);
    tcase_add_loop_test(tc, what_is_allowed_is_said, 0, BACKENDS);
    tcase_add_loop_test(tc, fields_of_an_answer, 0, BACKENDS);
    tcase_add_loop_test(tc, connections_stand_or_end_as_asked, 0, BACKENDS);
    tcase_add_loop_test(tc, bad_requests_are_answered_and_end, 0, BACKENDS);
    tcase_add_loop_test(tc, body_that_is_announced_is_asked_for, 0, BACKENDS);
    tcase_add_loop_test(tc, route_with_an_error, 0, BACKENDS);
    tcase_add_loop_test(tc, slow_request_is_refused, 0, BACKENDS);
    tcase_add_loop_test(tc, time_is_counted_from_the_last_answer, 0, BACKENDS);
    tcase_add_loop_test(tc, client_that_does_not_read, 0, BACKENDS);
    tcase_add_loop_test(tc, long_answer, 0, BACKENDS);
    tcase_add_loop_test(tc, stream_comes_in_pieces, 0, BACKENDS);
    tcase_add_loop_test(tc, stream_is_not_kept_back, 0, BACKENDS);
    tcase_add_loop_test(tc, stream_with_an_error_is_cut, 0, BACKENDS);
    tcase_add_loop_test(tc, client_goes_away_in_a_stream, 0, BACKENDS);
    tcase_add_loop_test(tc, events_are_told_to_all, 0, BACKENDS);
    tcase_add_loop_test(tc, more_than_the_bound_wait_their_turn, 0, BACKENDS);
    tcase_add_loop_test(tc, no_descriptor_left, 0, BACKENDS);
    tcase_add_loop_test(tc, end_in_order, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, end_has_its_time, 0, BACKENDS);
    tcase_add_test(tc, page_in_a_browser);
    return tc;
}
