#include "02_testing/geo_service.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const geo_fault_names[FAULTS] = {
    [FAULT_NONE] = "none",         [FAULT_NO_JSON] = "no-json",
    [FAULT_NO_FIELD] = "no-field", [FAULT_STATUS] = "500",
    [FAULT_NOT_HTTP] = "not-http", [FAULT_CLOSED] = "closed",
    [FAULT_SHORT] = "short",       [FAULT_LONG] = "long",
    [FAULT_SILENT] = "silent",     [FAULT_DRIP] = "drip",
};

/* Reads up to the empty line that ends a request. */
static bool read_request(int fd, char *request, size_t size)
{
    size_t used = 0;
    while (used < size - 1) {
        ssize_t n = read(fd, request + used, size - 1 - used);
        if (n == -1)
            warn("the service: read");
        if (n <= 0)
            return false;
        used += (size_t)n;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

/* False once whoever asked has hung up. */
static bool say(int fd, const char *text)
{
    size_t length = strlen(text);
    return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void answer(int fd, const char *status, const char *body, size_t length)
{
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\n"
             "Content-Type: application/json\r\n"
             "Content-Length: %zu\r\n"
             "Connection: close\r\n\r\n",
             status, length);
    if (say(fd, head))
        say(fd, body);
}

static void answer_well(int fd, const char *request, struct in_addr client)
{
    char body[512] = "{\"error\": \"no such page\"}\n";
    char ip[INET6_ADDRSTRLEN] = "";
    const char *status = "200 OK";
    if (strncmp(request, "GET /ip ", 8) == 0)
        snprintf(body, sizeof body, "{\"origin\": \"%s\"}\n",
                 inet_ntop(AF_INET, &client, ip, sizeof ip));
    else if (sscanf(request, "GET /json/%45[0-9a-fA-F.:] ", ip) == 1)
        snprintf(body, sizeof body,
                 "{\"ip\": \"%s\",\n"
                 " \"country\": {\"code\": \"RU\", \"name\": \"Russia\"},\n"
                 " \"city\": \"Moscow\",\n"
                 " \"location\": [55.75, 37.62]}\n",
                 ip);
    else
        status = "404 Not Found";
    answer(fd, status, body, strlen(body));
}

static void answer_badly(int fd, enum geo_fault fault)
{
    static const char html[] = "<html>Moscow</html>\n";
    static const char json[] = "{\"error\": \"not today\"}\n";
    char byte;
    switch (fault) {
    case FAULT_NONE:
    case FAULT_CLOSED:
    case FAULTS:
        break;
    case FAULT_NO_JSON:
        answer(fd, "200 OK", html, strlen(html));
        break;
    case FAULT_NO_FIELD:
        answer(fd, "200 OK", json, strlen(json));
        break;
    case FAULT_STATUS:
        answer(fd, "500 Internal Server Error", json, strlen(json));
        break;
    case FAULT_NOT_HTTP:
        say(fd, "220 ready for mail\r\n");
        break;
    case FAULT_SHORT:
        answer(fd, "200 OK", "{\"origin\": \"127.", 30);
        break;
    case FAULT_LONG:
        for (say(fd, "HTTP/1.1 200 OK\r\n\r\n"); say(fd, html);)
            continue;
        break;
    case FAULT_SILENT: /* until whoever asked hangs up */
        while (read(fd, &byte, 1) > 0)
            continue;
        break;
    case FAULT_DRIP:
        for (say(fd, "HTTP/1.1 200 OK\r\n\r\n"); say(fd, " ");)
            poll(NULL, 0, 100);
        break;
    }
}

static _Noreturn void serve(int listener, enum geo_fault fault)
{
    struct sockaddr_in client;
    char request[4096];
    for (int fd; (fd = accept(listener, (struct sockaddr *)&client,
                              &(socklen_t){sizeof client})) != -1;
         close(fd)) {
        if (!read_request(fd, request, sizeof request))
            continue;
        if (fault == FAULT_NONE)
            answer_well(fd, request, client.sin_addr);
        else
            answer_badly(fd, fault);
    }
    warn("the service: accept");
    _exit(1);
}

int geo_service_start(struct geo_service *service, enum geo_fault fault)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    struct sockaddr *a = (struct sockaddr *)&address;
    pid_t starter = getpid();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1)
        return -1;
    /* Listening comes before the fork: connections queue up from here on. */
    if (bind(listener, a, size) == -1 || listen(listener, 16) == -1 ||
        getsockname(listener, a, &size) == -1 ||
        (service->pid = fork()) == -1) {
        int saved = errno;
        close(listener);
        errno = saved;
        return -1;
    }
    if (service->pid == 0) {
        /* The kernel sends it when our parent ends; it may have just done. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
            warn("the service: prctl");
        else if (getppid() == starter)
            serve(listener, fault);
        _exit(1);
    }
    close(listener);
    snprintf(service->url, sizeof service->url, "http://127.0.0.1:%u",
             ntohs(address.sin_port));
    return 0;
}

void geo_service_stop(const struct geo_service *service)
{
    int saved = errno;
    if (kill(service->pid, SIGKILL) == 0)
        while (waitpid(service->pid, NULL, 0) == -1 && errno == EINTR)
            continue;
    errno = saved;
}
