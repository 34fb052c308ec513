/* geo_get: what may stand in an answer, whole or in pieces, and in a URL. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "02_testing/geo_get.h"
#include "tests/support.h"

/* A server that says what it is told to, to one client, and ends. */
struct server {
    const char *answer;
    size_t length;
    size_t piece; /* so many bytes at a time; 0: all at once */
    bool reset;   /* the connection ends with a reset */
    pid_t pid;
    int request; /* what the client sent can be read here */
    char url[64];
};

static void serve(const struct server *s, int listener, int copy)
{
    char request[8192] = "";
    size_t used = 0;
    int fd = accept(listener, NULL, NULL);
    while (strstr(request, "\r\n\r\n") == NULL) {
        ssize_t n = read(fd, request + used, sizeof request - 1 - used);
        if (n <= 0)
            _exit(1);
        used += (size_t)n;
    }
    (void)!write(copy, request, used);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    size_t piece = s->piece ? s->piece : s->length;
    for (size_t i = 0; i < s->length; i += piece)
        send(fd, s->answer + i, piece, MSG_NOSIGNAL);
    if (s->reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
    close(fd);
    _exit(0);
}

static void start(struct server *s, const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr *a = (struct sockaddr *)&address;
    int request[2];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, a, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, a, &(socklen_t){sizeof address}), 0);
    ck_assert_int_eq(pipe(request), 0);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u%s",
             ntohs(address.sin_port), path);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(s, listener, request[1]);
    }
    close(listener);
    close(request[1]);
    s->request = request[0];
}

static void finish(struct server *s, char request[8192])
{
    size_t used = 0;
    ssize_t n;
    while ((n = read(s->request, request + used, 8191 - used)) > 0)
        used += (size_t)n;
    request[used] = '\0';
    close(s->request);
    waitpid(s->pid, NULL, 0);
}

/* The literal with its length, since a NUL may stand in it. */
#define ANSWER(literal) literal, sizeof(literal) - 1

static const struct {
    const char *answer;
    size_t length;
    enum geo_error error;
    const char *body;
    size_t body_length;
} answers[] = {
    /* the two ways in which a body ends */
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), GEO_OK,
     ANSWER("{}")},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), GEO_OK,
     ANSWER("")},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more"), GEO_OK,
     ANSWER("{}")},
    {ANSWER("HTTP/1.1 200 OK\r\n\r\n{}"), GEO_OK, ANSWER("{}")},
    {ANSWER("HTTP/1.1 200 OK\r\n\r\n"), GEO_OK, ANSWER("")},
    {ANSWER("HTTP/1.1 200 OK\r\n\r\n\r\n\r\n"), GEO_OK, ANSWER("\r\n\r\n")},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\0b"), GEO_OK,
     ANSWER("a\0b")},
    /* as others write it */
    {ANSWER("HTTP/1.0 200 OK\r\ncontent-LENGTH:\t 2  \r\n\r\n{}more"), GEO_OK,
     ANSWER("{}")},
    {ANSWER("HTTP/1.1 200\r\nContent-Length:2\r\n\r\n{}"), GEO_OK,
     ANSWER("{}")},
    {ANSWER("HTTP/1.1 200 \r\nContent-Length: 002\r\n\r\n{}"), GEO_OK,
     ANSWER("{}")},
    /* fields that look alike */
    {ANSWER("HTTP/1.1 200 OK\r\nX-Content-Length: 1\r\n"
            "Content-Length-X: 1\r\nContent: Content-Length: 1\r\n\r\n{}"),
     GEO_OK, ANSWER("{}")},
    {ANSWER("HTTP/1.1 200 OK\r\n\r\nContent-Length: 1\r\n\r\n"), GEO_OK,
     ANSWER("Content-Length: 1\r\n\r\n")},
    /* cut off */
    {ANSWER(""), GEO_CLOSED, NULL, 0},
    {ANSWER("HT"), GEO_CLOSED, NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), GEO_CLOSED, NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), GEO_SHORT, NULL,
     0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"), GEO_SHORT, NULL,
     0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{}"), GEO_SHORT,
     NULL, 0},
    /* no HTTP/1 */
    {ANSWER("<html>"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/2 200 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("http/1.1 200 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1\r\n\r\n 200 "), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 \r\n\r\n200 "), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1200 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 20 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 2000 OK\r\n\r\n"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nA\0B: 1\r\n\r\n{}"), GEO_NOT_HTTP, NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}"), GEO_NOT_HTTP, NULL,
     0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"), GEO_NOT_HTTP,
     NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}"), GEO_NOT_HTTP,
     NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}"), GEO_NOT_HTTP,
     NULL, 0},
    /* another status; its body is of no interest */
    {ANSWER("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"), GEO_STATUS,
     NULL, 0},
    {ANSWER("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n"), GEO_STATUS, NULL, 0},
    {ANSWER("HTTP/1.1 201 Created\r\n\r\n{}"), GEO_STATUS, NULL, 0},
    {ANSWER("HTTP/1.1 100 Continue\r\n\r\n"), GEO_STATUS, NULL, 0},
    {ANSWER("HTTP/1.1 500\r\n\r\n"), GEO_STATUS, NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "2\r\n{}\r\n0\r\n\r\n"),
     GEO_CODING, NULL, 0},
    /* more than there is room for: known before it has come */
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n"), GEO_TOO_LONG,
     NULL, 0},
    {ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n"
            "\r\n"),
     GEO_TOO_LONG, NULL, 0},
};

static void check_answer(struct server *s, enum geo_error error,
                         const char *body, size_t length)
{
    struct geo_answer answer;
    char request[8192];
    start(s, "/page");
    ck_assert_int_eq(geo_get(s->url, &answer), error);
    finish(s, request);
    if (error == GEO_OK) {
        ck_assert_uint_eq(answer.length, length);
        ck_assert_mem_eq(answer.body, body, length);
    }
}

START_TEST(reads_at_once)
{
    struct server s = {.answer = answers[_i].answer,
                       .length = answers[_i].length};
    check_answer(&s, answers[_i].error, answers[_i].body,
                 answers[_i].body_length);
}
END_TEST

START_TEST(reads_byte_by_byte)
{
    struct server s = {
        .answer = answers[_i].answer, .length = answers[_i].length, .piece = 1};
    check_answer(&s, answers[_i].error, answers[_i].body,
                 answers[_i].body_length);
}
END_TEST

/* A head, and n bytes that end with the connection. */
static struct server long_server(const char *head, size_t n, char **text)
{
    size_t length = strlen(head);
    *text = malloc(length + n);
    ck_assert_ptr_nonnull(*text);
    memcpy(*text, head, length);
    memset(*text + length, 'x', n);
    return (struct server){.answer = *text, .length = length + n};
}

START_TEST(has_room_for_4096_bytes)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    char *text;
    struct server s = long_server(head, 4096, &text);
    check_answer(&s, GEO_OK, text + sizeof head - 1, 4096);
    free(text);
    s = long_server(head, 4097, &text);
    check_answer(&s, GEO_TOO_LONG, NULL, 0);
    free(text);
    s = long_server("HTTP/1.1 200 OK\r\nA: ", 100000, &text);
    check_answer(&s, GEO_TOO_LONG, NULL, 0);
    free(text);
}
END_TEST

/* A reset is no end: what it cuts off is not whole, even without a length. */
START_TEST(reset_is_no_end)
{
    struct server s = {ANSWER("HTTP/1.1 200 OK\r\n\r\n{}"), .reset = true};
    check_answer(&s, GEO_SHORT, NULL, 0);
    s = (struct server){ANSWER("HTTP/1.1 200 OK\r\n"), .reset = true};
    check_answer(&s, GEO_CLOSED, NULL, 0);
    s = (struct server){ANSWER(""), .reset = true};
    check_answer(&s, GEO_CLOSED, NULL, 0);
}
END_TEST

START_TEST(sends_what_http_asks_for)
{
    struct server s = {ANSWER("HTTP/1.1 200 OK\r\n\r\n"), .piece = 0};
    struct geo_answer answer;
    char request[8192];
    char expected[256];
    start(&s, _i ? "/a/b?c=d" : "");
    ck_assert_int_eq(geo_get(s.url, &answer), GEO_OK);
    finish(&s, request);
    snprintf(expected, sizeof expected,
             "GET %s HTTP/1.1\r\nHost: %.*s\r\nAccept: application/json\r\n"
             "Connection: close\r\n\r\n",
             _i ? "/a/b?c=d" : "/", (int)strcspn(s.url + 7, "/"), s.url + 7);
    ck_assert_str_eq(request, expected);
}
END_TEST

static const char *const bad_urls[] = {
    "",
    "127.0.0.1",
    "https://127.0.0.1/",
    "HTTP//127.0.0.1/",
    "http://",
    "http:///ip",
    "http://:80/ip",
    "http://127.0.0.1:/ip",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:65536/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:100000/",
    "http://127.0.0.1:http/",
    "http://127.0.0.1:80x/",
    "http://127.0.0.1:+80/",
    "http://127.0.0.1?q",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/a\tb",
    "http://127.0.0.1/ HTTP/1.1\r\nX: y",
    "http://127.0.0.1/\x7f",
    "http://127.0.0.1/é",
};

START_TEST(refuses_url)
{
    struct geo_answer answer;
    ck_assert_int_eq(geo_get(bad_urls[_i], &answer), GEO_BAD_URL);
}
END_TEST

/* A label of a name has at most 63 letters, so nobody needs to be asked. */
START_TEST(unknown_host)
{
    struct geo_answer answer;
    ck_assert_int_eq(geo_get("http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                             "aaaaaaaaaaaaaaaaaaaaaaaa.invalid/",
                             &answer),
                     GEO_NO_NAME);
}
END_TEST

START_TEST(nobody_listens)
{
    /* The port is ours, so that no other program can listen there. */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr *a = (struct sockaddr *)&address;
    struct geo_answer answer;
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, a, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, a, &(socklen_t){sizeof address}), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    ck_assert_int_eq(geo_get(url, &answer), GEO_NO_SERVICE);
    ck_assert_int_eq(errno, ECONNREFUSED);
    close(fd);
}
END_TEST

/* However it ends, the socket is closed. */
START_TEST(leaves_no_descriptor)
{
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct server s = {.answer = answers[i].answer,
                           .length = answers[i].length};
        check_answer(&s, answers[i].error, answers[i].body,
                     answers[i].body_length);
    }
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

TCase *testing_geo_get(void)
{
    int n = sizeof answers / sizeof *answers;
    TCase *tc = tcase_create("geo_get");
    tcase_add_loop_test(tc, reads_at_once, 0, n);
    tcase_add_loop_test(tc, reads_byte_by_byte, 0, n);
    tcase_add_test(tc, has_room_for_4096_bytes);
    tcase_add_test(tc, reset_is_no_end);
    tcase_add_loop_test(tc, sends_what_http_asks_for, 0, 2);
    tcase_add_loop_test(tc, refuses_url, 0, sizeof bad_urls / sizeof *bad_urls);
    tcase_add_test(tc, unknown_host);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, leaves_no_descriptor);
    return tc;
}
