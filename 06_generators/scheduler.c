/* scheduler.c: tasks are generators that yield what they wait for, and one loop
 * runs all that need not wait.
 *
 * Cells: C06
 * Run:   make scheduler; make scheduler ARGS='-p 15000', and `nc 127.0.0.1 15000`
 * Ask:   serve_client reads like a server for one client that may block. What
 *        would it be in callbacks?
 * Watch: the second client is answered while the first is silent, and there is
 *        no thread, and no callback: what a client needs stays in its struct,
 *        and where it was is the line at which it sleeps.
 * See:   05_select/echo_blocking.c, which it resembles; 05_select/echo_select.c,
 *        which it equals; scheduler.gdb, the tasks as they sleep
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/select.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"
#include "06_generators/gen.h"

static struct echo_server server = ECHO_SERVER_DEFAULTS;

/* --- The scheduler --------------------------------------------------------- */

/* What a task yields. */
struct wait {
    enum { TO_READ, TO_WRITE } why;
    int fd;
};

/* The first member of every generator that is run here. It is on the heap, and
 * ours: freed when it has ended.
 */
struct task {
    struct gen gen;
    bool (*next)(struct task *task, struct wait *wait);
    struct task *behind; /* in the queue */
};

/* Who can run, in turn; who waits for what. A task is in one of them. */
static struct task *tasks, **last = &tasks;
static struct task *to_read[FD_SETSIZE], *to_write[FD_SETSIZE];
static fd_set reading, writing; /* the same as bits, for select */

static bool over;

static void make_ready(struct task *task)
{
    task->behind = NULL;
    *last = task;
    last = &task->behind;
}

static struct task *take_ready(void)
{
    struct task *task = tasks;
    tasks = task->behind;
    if (tasks == NULL)
        last = &tasks;
    return task;
}

static void *new_task(size_t size, bool (*next)(struct task *, struct wait *))
{
    struct task *task = calloc(1, size);
    if (task == NULL)
        return NULL;
    task->next = next;
    make_ready(task);
    return task;
}

/* There is no bit for such a descriptor, and FD_SET would not look. The task
 * has to find out: the error is raised where it sleeps.
 */
static const char too_high[] = "select holds no more clients";

static void add_waiting(struct task *task, struct wait wait)
{
    if (wait.fd >= FD_SETSIZE) {
        gen_throw(&task->gen, too_high);
        make_ready(task);
    } else if (wait.why == TO_READ) {
        //> It sleeps now, and is known by the socket that it waits for. Two of
        //> these maps, and the queue: that is the whole scheduler.
        to_read[wait.fd] = task;
        FD_SET(wait.fd, &reading);
    } else {
        to_write[wait.fd] = task;
        FD_SET(wait.fd, &writing);
    }
}

static void wake(struct task **waiting, fd_set *set, int fd)
{
    FD_CLR(fd, set);
    make_ready(*waiting);
    *waiting = NULL;
}

/* Nobody can run: waits until somebody can. */
static void wait_for_ready(void)
{
    /* select answers in the sets in which it was asked. */
    fd_set readable = reading;
    fd_set writable = writing;
    /* No descriptor was left: it is no use to accept again at once. */
    int pause = echo_server_pause(&server);
    struct timeval most = {0, pause * 1000};
    if (pause != -1)
        FD_CLR(server.listener, &readable);
    //> The only line that blocks, and it does so for all of them.
    int n = select(FD_SETSIZE, &readable, &writable, NULL,
                   pause == -1 ? NULL : &most);
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "select");
    for (int fd = 0; fd < FD_SETSIZE && n > 0; fd++) {
        if (FD_ISSET(fd, &readable))
            wake(&to_read[fd], &reading, fd);
        if (FD_ISSET(fd, &writable))
            wake(&to_write[fd], &writing, fd);
    }
}

static void run(void)
{
    while (!over) {
        while (tasks == NULL)
            wait_for_ready();
        struct task *task = take_ready();
        struct wait wait;
        if (task->next(task, &wait))
            add_waiting(task, wait);
        else
            free(task);
    }
}

/* Each ends at the yield where it sleeps, and cleans up behind it. */
static void close_all(void)
{
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
        if (to_read[fd] != NULL)
            make_ready(to_read[fd]);
        if (to_write[fd] != NULL)
            make_ready(to_write[fd]);
    }
    while (tasks != NULL) {
        struct task *task = take_ready();
        struct wait wait;
        GEN_CLOSE(task, task->next(task, &wait));
        free(task);
    }
}

/* --- The tasks ------------------------------------------------------------- */

struct client {
    struct task task;
    struct echo *echo; /* the connection, and a buffer */
};

static bool serve_client(struct task *task, struct wait *wait)
{
    struct echo *client = ((struct client *)task)->echo;
    GEN_BEGIN(task);
    while (true) {
        *wait = (struct wait){TO_READ, client->fd};
        //> Beazley's yield 'read', client: what it waits for goes to the
        //> scheduler, and it stops.
        GEN_YIELD(task);
        if (!echo_receive(client))
            goto gen_end;
        while (client->sent < client->length) {
            *wait = (struct wait){TO_WRITE, client->fd};
            GEN_YIELD(task);
            //> Resumed: there is room for the answer, or for a part of it.
            if (!echo_answer(client))
                goto gen_end;
        }
    }
    GEN_END(task);
    /* Also where it was closed, or something was thrown into it. */
    if (task->gen.error == too_high)
        echo_server_refuse(client->fd, too_high);
    echo_close(client);
    return false;
}

static void welcome(void)
{
    int fd = echo_server_accept(&server);
    struct echo *client = fd == -1 ? NULL : echo_open(fd);
    if (client == NULL)
        return;
    struct client *c = new_task(sizeof *c, serve_client);
    if (c != NULL) {
        //> A generator for this client, at the end of the queue. It has not
        //> begun: p c->task.gen
        c->echo = client;
    } else {
        warn("a client");
        echo_close(client);
    }
}

static bool accept_clients(struct task *task, struct wait *wait)
{
    GEN_BEGIN(task);
    while (true) {
        *wait = (struct wait){TO_READ, server.listener};
        GEN_YIELD(task);
        welcome();
    }
    GEN_END(task);
    return false;
}

static bool wait_for_end(struct task *task, struct wait *wait)
{
    GEN_BEGIN(task);
    *wait = (struct wait){TO_READ, server.signals};
    GEN_YIELD(task);
    over = true;
    GEN_END(task);
    return false;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, each client a generator",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    echo_server_start(&server);
    if (server.listener >= FD_SETSIZE || server.signals >= FD_SETSIZE)
        errx(CLI_ERROR, "select: too many descriptors are open already");

    if (new_task(sizeof(struct task), accept_clients) == NULL ||
        new_task(sizeof(struct task), wait_for_end) == NULL)
        err(CLI_ERROR, "a task");
    run();
    close_all();
    return echo_server_finish(&server);
}
