/* asking: answers whole and cut, and servers that say nothing. */
#include "06_generators/asking.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fakeserver.h"
#include "tests/support.h"

/* Asks, and takes what comes in pieces of so many bytes. Returns the error, or
 * "" where the answer was whole.
 */
static const char *ask(const char *url, double seconds, size_t piece)
{
    static char error[128];
    static struct asking a;
    char bytes[4096];
    ssize_t n;
    struct http_url parts;
    ck_assert(http_url_split(url, &parts));
    if (asking_start(&a, &parts, seconds)) {
        ck_assert_int_ne(a.fd, -1);
        do
            n = recv(a.fd, bytes, piece, 0);
        while (asking_take(&a, bytes, n));
    }
    snprintf(error, sizeof error, "%s", a.error == NULL ? "" : a.error);
    asking_end(&a);
    ck_assert_int_eq(a.fd, -1);
    return error;
}

static const struct {
    const char *answer;
    const char *error; /* behind the name of the server */
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", NULL},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL},
    {"HTTP/1.1 200 OK\r\n\r\nuntil the end", NULL},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
     "chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
     NULL},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
     "0\r\n\r\n",
     NULL},
    {"", "hung up without an answer"},
    {"HTTP/1.1 200 OK\r\nContent-Le", "it ended in the middle"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
     "it ended in the middle"},
    {"nonsense\r\n\r\n", "the first line is not one of HTTP"},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found"},
};
enum { ANSWERS = sizeof answers / sizeof *answers };

START_TEST(answers_are_whole_or_not)
{
    const char *url = fakeserver_start(answers[_i].answer);
    for (size_t piece = 1; piece <= 4096; piece *= 64) {
        const char *error = ask(url, 20, piece);
        if (answers[_i].error == NULL)
            ck_assert_str_eq(error, "");
        else
            ck_assert_msg(strncmp(error, "127.0.0.1:", 10) == 0 &&
                              strstr(error, answers[_i].error) != NULL,
                          "%s", error);
    }
}
END_TEST

START_TEST(nobody_is_there)
{
    ck_assert_str_eq(ask("http://127.0.0.1:1/", 20, 1),
                     "127.0.0.1:1: Connection refused");
}
END_TEST

/* It is connected by the kernel, and no one will ever accept it: a recv that
 * waits comes back by itself.
 */
START_TEST(silence_has_an_end)
{
    char url[64];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    ck_assert_ptr_nonnull(strstr(ask(url, 0.2, 1), "no whole answer in time"));
    close(fd);
}
END_TEST

TCase *generators_asking(void)
{
    TCase *tc = tcase_create("asking");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, answers_are_whole_or_not, 0, ANSWERS);
    tcase_add_test(tc, nobody_is_there);
    tcase_add_test(tc, silence_has_an_end);
    return tc;
}
