/* backends.c: the same two coroutines under five drivers, and they cannot tell
 * which.
 *
 * Cells: A58, C09, E07, E15
 * Run:   make backends
 * Ask:   one coroutine waits for a clock, the other for a descriptor. What have
 *        they to know of the loop?
 * Watch: one function, to which they say what they wait for. Await belongs to
 *        the language, and who calls the coroutine again is nobody's but the
 *        driver's: our loop on select, poll and epoll, a for loop without any,
 *        or a stranger's loop with ours inside.
 * See:   selector.h, the interface below; tiny.c, another driver
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "07_eventloop/task.h"

/* --- The coroutines -------------------------------------------------------- */

/* What one may wish for: that a descriptor can be read, or (with -1) that it is
 * that time. The driver sees to it that the future is done then.
 */
struct wish {
    struct future future;
    int fd;
    double when;
};
static void (*grant)(struct wish *w);

static int words = 3;
static double pause_of = 0.02;
static char heard[16];

struct speaker {
    struct gen gen;
    int fd, i;
    struct wish wish;
};

static bool speaker(void *frame, struct future **awaits)
{
    struct speaker *c = frame;
    GEN_BEGIN(c);
    for (c->i = 1; c->i <= words; c->i++) {
        c->wish.fd = -1;
        c->wish.when = loop_time() + pause_of;
        //> Who runs this coroutine? It does not know: print grant; bt
        grant(&c->wish);
        AWAIT(c, &c->wish.future);
        if (write(c->fd, &"0123456789"[c->i], 1) != 1)
            err(CLI_ERROR, "write");
    }
    GEN_END(c);
    close(c->fd);
    return false;
}

struct listener {
    struct gen gen;
    int fd;
    ssize_t n;
    struct wish wish;
};

static bool listener(void *frame, struct future **awaits)
{
    struct listener *c = frame;
    GEN_BEGIN(c);
    do {
        c->wish.fd = c->fd;
        grant(&c->wish);
        AWAIT(c, &c->wish.future);
        c->n = read(c->fd, heard + strlen(heard), 1);
        if (c->n == -1)
            err(CLI_ERROR, "read");
        if (c->n == 1)
            printf("  heard %c\n", heard[strlen(heard) - 1]);
    } while (c->n == 1);
    GEN_END(c);
    close(c->fd);
    return false;
}

/* --- Our loop -------------------------------------------------------------- */

static void granted(void *data)
{
    struct wish *w = data;
    loop_remove_reader(w->future.loop, w->fd);
    future_set_result(&w->future, NULL);
}

static void grant_in_our_loop(struct wish *w)
{
    struct loop *loop = loop_running();
    future_init(&w->future, loop, NULL);
    if (w->fd == -1)
        loop_call_at(loop, w->when, granted, w);
    else if (loop_add_reader(loop, w->fd, granted, w) == -1)
        err(CLI_ERROR, "loop");
}

static void start(struct loop *loop, const char *backend, const int ends[2])
{
    grant = grant_in_our_loop;
    if (setenv("LOOP_BACKEND", backend, true) == -1 || loop_init(loop) == -1)
        err(CLI_ERROR, "%s", backend);
    task_release(task_create(loop, listener, .fd = ends[0]));
    task_release(task_create(loop, speaker, .fd = ends[1]));
}

static void in_our_loop(const char *backend, const int ends[2])
{
    struct loop loop;
    start(&loop, backend, ends);
    loop_run_forever(&loop);
    loop_close(&loop);
}

/* --- A for loop ------------------------------------------------------------ */

static void grant_by_looking(struct wish *w)
{
    future_init(&w->future, NULL, NULL); /* of no loop */
}

static void look(struct wish *w)
{
    struct pollfd polled = {w->fd, POLLIN, 0};
    int n = poll(&polled, 1, 0); /* of -1 it finds nothing */
    if (n == -1 && errno != EINTR)
        err(CLI_ERROR, "poll");
    if (n == 1 || (w->fd == -1 && loop_time() >= w->when))
        future_set_result(&w->future, NULL);
}

static void in_a_for_loop(const char *unused, const int ends[2])
{
    (void)unused;
    struct listener l = {.fd = ends[0]};
    struct speaker s = {.fd = ends[1]};
    struct future *awaits;
    grant = grant_by_looking;
    //> No loop and no task: two functions are called by turns. step, and see
    //> the listener stop in its middle.
    bool listening = listener(&l, &awaits);
    bool speaking = speaker(&s, &awaits);
    for (; listening || speaking; poll(NULL, 0, 1)) {
        look(&l.wish);
        look(&s.wish);
        if (listening && future_done(&l.wish.future))
            listening = listener(&l, &awaits);
        if (speaking && future_done(&s.wish.future))
            speaking = speaker(&s, &awaits);
    }
}

/* --- Our loop in another one ----------------------------------------------- */

/* Somebody's main loop, which has poll(2) and a beat of its own. */
static void in_another_loop(const char *backend, const int ends[2])
{
    struct loop loop;
    int beats = 0;
    double next = loop_time() + 0.005;
    bool alive = true;
    start(&loop, backend, ends);
    while (alive) {
        //> Our loop is one descriptor among others, and a time until when it
        //> can be left alone: print loop_due(&loop)
        struct pollfd polled = {loop_fd(&loop), POLLIN, 0};
        double left = next - loop_time();
        double due = loop_due(&loop);
        if (due >= 0 && due < left)
            left = due;
        if (poll(&polled, 1, left > 0 ? (int)(left * 1000) + 1 : 0) == -1 &&
            errno != EINTR)
            err(CLI_ERROR, "poll");
        if (loop_time() >= next) {
            beats++;
            next += 0.005;
        }
        alive = loop_run_once(&loop, 0);
    }
    loop_close(&loop);
    printf("  while it beat %d times\n", beats);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run the same coroutines under five drivers",
        .options = {{'n', "words", "how many are said", CLI_INT(&words, 1, 9)},
                    {'d', "delay", "{seconds} before each",
                     CLI_DOUBLE(&pause_of, 0, 10)}},
    };
    cli_parse(&cli, argc, argv);
    static const struct {
        const char *name, *backend;
        void (*run)(const char *backend, const int ends[2]);
    } drivers[] = {{"our loop, on select", "select", in_our_loop},
                   {"our loop, on poll", "poll", in_our_loop},
                   {"our loop, on epoll", "epoll", in_our_loop},
                   {"a for loop", NULL, in_a_for_loop},
                   {"our loop in another one", "epoll", in_another_loop}};
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) == -1)
            err(CLI_ERROR, "pipe");
        memset(heard, 0, sizeof heard);
        printf("%s\n", drivers[i].name);
        drivers[i].run(drivers[i].backend, ends);
        if ((int)strlen(heard) != words)
            errx(CLI_ERROR, "%s: heard '%s'", drivers[i].name, heard);
    }
    return CLI_OK;
}
