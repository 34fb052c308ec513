/* requests_blocking waits for each answer, requests_callbacks for all: shown by
 * servers that would leave the one, or the other, waiting for ever.
 */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakeserver.h"
#include "tests/support.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

enum { COUNT = 5 };

static int listener;
static int fds[COUNT];
static atomic_int
    too_early; /* requests that came before the last was answered */

static int take(void)
{
    char request[4096] = "";
    size_t used = 0;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (strstr(request, "\r\n\r\n") == NULL) {
        ssize_t n = recv(fd, request + used, sizeof request - 1 - used, 0);
        if (n <= 0)
            break;
        used += (size_t)n;
        request[used] = '\0';
    }
    return fd;
}

static const char *start(void *(*serve)(void *))
{
    static char url[64];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, COUNT), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    return url;
}

/* The answers go out when all requests are there, the last one first, in
 * single bytes, one of each in turn.
 */
static void *serve_backwards(void *unused)
{
    for (int i = 0; i < COUNT; i++)
        fds[i] = take();
    for (size_t byte = 0; byte < strlen(ANSWER); byte++)
        for (int i = COUNT - 1; i >= 0; i--)
            send(fds[i], &ANSWER[byte], 1, MSG_NOSIGNAL);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    return unused;
}

/* Here no second request may come before the first is answered. */
static void *serve_in_turn(void *unused)
{
    for (int i = 0; i < COUNT; i++) {
        int fd = take();
        struct pollfd polled = {listener, POLLIN, 0};
        too_early += poll(&polled, 1, 50);
        send(fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL);
        close(fd);
    }
    return unused;
}

static struct child ask(const char *program, const char *url)
{
    char command[128];
    snprintf(command, sizeof command, "%s -n %d -u %s | sed -n '/request .:/p'",
             program, COUNT, url);
    return run_shell(command);
}

START_TEST(callbacks_wait_for_all)
{
    struct child child = ask("requests_callbacks", start(serve_backwards));
    ck_assert_str_eq(child.out.text, "request 0: sent\n"
                                     "request 1: sent\n"
                                     "request 2: sent\n"
                                     "request 3: sent\n"
                                     "request 4: sent\n"
                                     "request 0: answered\n"
                                     "request 1: answered\n"
                                     "request 2: answered\n"
                                     "request 3: answered\n"
                                     "request 4: answered\n");
    child_free(&child);
}
END_TEST

START_TEST(blocking_waits_for_each)
{
    struct child child = ask("requests_blocking", start(serve_in_turn));
    ck_assert_str_eq(child.out.text, "request 1: sent\n"
                                     "request 1: answered\n"
                                     "request 2: sent\n"
                                     "request 2: answered\n"
                                     "request 3: sent\n"
                                     "request 3: answered\n"
                                     "request 4: sent\n"
                                     "request 4: answered\n"
                                     "request 5: sent\n"
                                     "request 5: answered\n");
    ck_assert_int_eq(child.status, 0);
    ck_assert_int_eq(too_early, 0);
    child_free(&child);
}
END_TEST

static const struct {
    const char *program, *answer, *said;
} bad[] = {
    {"requests_callbacks", "", "hung up"},
    {"requests_callbacks", "HTTP/1.1 200 OK\r\n\r\n", NULL},
    {"requests_callbacks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
     "hung up"},
    {"requests_callbacks", "I am no HTTP\r\n\r\n", "no HTTP"},
    {"requests_callbacks", "HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n",
     "request 0: 503 Full"},
    {"requests_blocking", "HTTP/1.1 200 OK\r\n\r\n", NULL},
    {"requests_blocking", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
     "hung up"},
    {"requests_blocking", "I am no HTTP\r\n\r\n", "no HTTP"},
    {"requests_blocking", "HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n",
     "request 1: 503 Full"},
};

/* Where it says nothing, the end of the connection was the answer's. */
START_TEST(bad_answers_are_named)
{
    char command[128];
    snprintf(command, sizeof command, "%s -n 1 -u %s 2>&1", bad[_i].program,
             fakeserver_start(bad[_i].answer));
    struct child child = run_shell(command);
    if (bad[_i].said == NULL) {
        ck_assert_int_eq(child.status, 0);
    } else {
        ck_assert_msg(strstr(child.out.text, bad[_i].said) != NULL,
                      "not '%s': %s", bad[_i].said, child.out.text);
        ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    }
    child_free(&child);
}
END_TEST

/* The sanitizers need descriptors of their own at the end. */
START_TEST(too_few_descriptors)
{
    if (!plain_build())
        return;
    struct child child =
        run_shell("ulimit -n 50; requests_callbacks -n 100 -d 0");
    ck_assert_ptr_nonnull(strstr(child.out.text, "Too many open files"));
    ck_assert_ptr_null(strstr(child.out.text, "answered"));
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    child_free(&child);
}
END_TEST

TCase *select_requests(void)
{
    TCase *tc = tcase_create("requests");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, callbacks_wait_for_all);
    tcase_add_test(tc, blocking_waits_for_each);
    tcase_add_loop_test(tc, bad_answers_are_named, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, too_few_descriptors);
    return tc;
}
