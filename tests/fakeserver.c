#include "tests/fakeserver.h"

#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener;
static const char *says;

static void *serve(void *unused)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        char request[4096] = "";
        size_t used = 0;
        ssize_t n = 1;
        while (n > 0 && used < sizeof request - 1 &&
               strstr(request, "\r\n\r\n") == NULL) {
            n = recv(fd, request + used, sizeof request - 1 - used, 0);
            used += n > 0 ? (size_t)n : 0;
            request[used] = '\0';
        }
        send(fd, says, strlen(says), MSG_NOSIGNAL);
        close(fd);
    }
    return unused;
}

const char *fakeserver_start(const char *answer)
{
    static char url[64];
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    pthread_t thread;
    says = answer;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 100), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    return url;
}
