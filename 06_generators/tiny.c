#include "06_generators/tiny.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"

const char tiny_too_late[] = "no whole answer in time";
const char tiny_too_high[] = "select holds no more descriptors";

double tiny_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void tiny_sleep(double seconds)
{
    struct timespec left = {(time_t)seconds, 0};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        continue;
}

void tiny_die(const char *what, const char *why)
{
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&first); /* and it is never unlocked */
    errx(CLI_ERROR, "%s: %s", what, why);
}

void tiny_add_task(struct tiny *loop, struct task *task)
{
    size_t place = loop->last;
    loop->tasks[place % TINY_ROOM] = task;
    loop->last = place + 1;
}

static void throw(struct tiny * loop, struct task *task, const char *error)
{
    gen_throw(&task->gen, error);
    tiny_add_task(loop, task);
}

/* Moves those from stopped to tasks who need not wait any longer; waits until
 * there is one, or for a second.
 */
static void select_ready(struct tiny *loop)
{
    fd_set ready;
    struct timeval second = {1, 0};
    FD_ZERO(&ready);
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        if (loop->stopped[fd] != NULL)
            FD_SET(fd, &ready);
    timeline_mark(loop->lane, TIMELINE_WAIT);
    int n = select(FD_SETSIZE, &ready, NULL, NULL, &second);
    timeline_mark(loop->lane, TIMELINE_RUN);
    if (n == -1 && errno != EINTR)
        tiny_die("select", strerror(errno));
    if (n == -1)
        return;
    loop->timeouts += n == 0;
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
        struct task *task = loop->stopped[fd];
        if (task == NULL)
            continue;
        if (FD_ISSET(fd, &ready))
            tiny_add_task(loop, task);
        else if (task->deadline != 0 && tiny_now() > task->deadline)
            throw(loop, task, tiny_too_late);
        else
            continue;
        loop->stopped[fd] = NULL;
        loop->stopped_count--;
    }
}

/* Runs it to its next yield. */
static void resume(struct tiny *loop, struct task *task)
{
    int waits_for;
    if (!task->next(task, &waits_for))
        return;
    /* There is no bit for such a one, and FD_SET would not look. */
    if (waits_for >= FD_SETSIZE) {
        throw(loop, task, tiny_too_high);
        return;
    }
    loop->stopped[waits_for] = task;
    loop->stopped_count++;
}

void tiny_run_forever(struct tiny *loop)
{
    while (loop->first < loop->last || loop->stopped_count > 0) {
        if (loop->first >= loop->last)
            select_ready(loop);
        while (loop->first < loop->last)
            resume(loop, loop->tasks[loop->first++ % TINY_ROOM]);
    }
    timeline_mark(loop->lane, TIMELINE_IDLE);
}

void tiny_pair_open(struct tiny_pair *pair)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        tiny_die("socketpair", strerror(errno));
    pair->notify = ends[0];
    pair->event = ends[1];
}

void tiny_pair_close(const struct tiny_pair *pair)
{
    close(pair->notify);
    close(pair->event);
}

void tiny_notify(const struct tiny_pair *pair)
{
    ssize_t n;
    do
        n = send(pair->notify, "", 1, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    if (n != 1)
        tiny_die("notify", strerror(errno));
}

int tiny_notices(const struct tiny_pair *pair)
{
    char bytes[TINY_NOTICES];
    ssize_t n = recv(pair->event, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == -1 && errno != EAGAIN && errno != EINTR)
        tiny_die("notice", strerror(errno));
    return n > 0 ? (int)n : 0;
}
