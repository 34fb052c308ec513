/* wakeup.c: a thread leaves work for a loop that sleeps in select, and the loop
 * sleeps on; a socket in the select that the thread can write to mends it.
 *
 * Cells: D09, D10
 * Run:   make wakeup; make wakeup ARGS='-n 5 -d 1', as in the talk
 * Ask:   the queue has a lock, nothing is lost or torn. When does the loop see
 *        what was put there?
 * Watch: how late each request is seen: not before an answer comes on a socket
 *        that has nothing to do with it. With a socket of its own, at once.
 * See:   selector.h; 04_threads/lost_wakeup.c; 06_generators/tiny_loop.c
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/timeline.h"
#include "05_select/selector.h"

enum { MOST = 100 };

static int count = 3;
static double period = 0.2;

enum form { NOTHING, SOCKETPAIR, EVENTFD, FORMS };
static const char *const names[] = {"nothing", "socketpair", "eventfd"};

/* The loop's. Out of answer[0] comes what it waits for; what wakes it comes out
 * of wake[0]. The other ends are the producer's.
 */
static struct selector selector;
static enum form form;
static int answer[2], wake[2];
static bool over;
static double least, most; /* how late a request was seen */

/* What both threads use. */
static struct {
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t falls_asleep;
    bool asleep; /* it will not look here before select comes back */
    struct request {
        int number;
        double put;
    } queue[MOST];
    int queued;
} work = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .falls_asleep = PTHREAD_COND_INITIALIZER};

static int loop_lane, request_lanes[MOST];

/* exit(3) is for one thread only: the other waits for it here. */
static void die(const char *what)
{
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&first); /* and it is never unlocked */
    err(CLI_ERROR, "%s", what);
}

static void must(int error, const char *what)
{
    errno = error;
    if (error != 0)
        die(what);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- The producer ---------------------------------------------------------- */

static void write_to(int fd)
{
    const uint64_t one = 1; /* eight bytes, as an eventfd will have them */
    if (write(fd, &one, sizeof one) != sizeof one)
        die(fd == answer[1] ? "answer" : names[form]);
}

/* Then the loop has looked into the queue, and is in select or on the last step
 * before it: the worst moment, each time.
 */
static void lock_when_asleep(void)
{
    must(pthread_mutex_lock(&work.lock), "lock");
    while (!work.asleep)
        must(pthread_cond_wait(&work.falls_asleep, &work.lock), "wait");
}

static void put(int number)
{
    lock_when_asleep();
    printf("  producer puts request %d\n", number);
    timeline_mark(request_lanes[number - 1], TIMELINE_BLOCKED);
    //> Under the lock, as it should be. And who tells the loop?
    work.queue[work.queued++] = (struct request){number, now()};
    work.asleep = form == NOTHING;
    must(pthread_mutex_unlock(&work.lock), "unlock");
    if (form != NOTHING)
        //> The mend: a byte, and select has a reason to come back.
        write_to(wake[1]);
}

static void *produce(void *unused)
{
    for (int i = 1; i <= count; i++) {
        put(i);
        struct timespec left = {(time_t)period, 0};
        left.tv_nsec = (long)((period - (double)left.tv_sec) * 1e9);
        while (nanosleep(&left, &left) == -1 && errno == EINTR)
            continue;
    }
    lock_when_asleep();
    must(pthread_mutex_unlock(&work.lock), "unlock");
    write_to(answer[1]);
    return unused;
}

/* --- The loop -------------------------------------------------------------- */

static void on_event(int fd, int events, void *unused)
{
    char bytes[64]; /* however often it was written to, we come by once */
    (void)events;
    (void)unused;
    if (read(fd, bytes, sizeof bytes) == -1 && errno != EINTR)
        die(fd == answer[0] ? "answer" : names[form]);
    if (fd == answer[0]) {
        printf("  loop gets an answer\n");
        over = true;
    }
}

static void look_into_queue(void)
{
    must(pthread_mutex_lock(&work.lock), "lock");
    if (form == NOTHING && work.queued > 0 && !over)
        errx(CLI_NO_SHOW, "the loop came back by itself");
    for (int i = 0; i < work.queued; i++) {
        double late = now() - work.queue[i].put;
        least = late < least ? late : least;
        most = late > most ? late : most;
        timeline_mark(request_lanes[work.queue[i].number - 1], TIMELINE_IDLE);
        printf("  loop sees request %d\n", work.queue[i].number);
    }
    work.queued = 0;
    work.asleep = !over;
    must(pthread_cond_signal(&work.falls_asleep), "signal");
    must(pthread_mutex_unlock(&work.lock), "unlock");
}

static void run_loop(void)
{
    over = false;
    look_into_queue();
    while (!over) {
        struct selector_event e;
        timeline_mark(loop_lane, TIMELINE_WAIT);
        //> The queue was empty a moment ago, so the loop sleeps until one of
        //> its descriptors is ready. A queue is none.
        if (selector_wait(&selector, -1) == -1)
            die("select");
        timeline_mark(loop_lane, TIMELINE_RUN);
        while (selector_next(&selector, &e))
            e.call(e.fd, e.events, e.data);
        //> It comes by here once it was woken, by whatever it was.
        look_into_queue();
    }
    timeline_mark(loop_lane, TIMELINE_IDLE);
}

static void make_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
        die("socketpair");
}

static void watch(int fd)
{
    if (selector_register(&selector, fd, SELECTOR_READ, on_event, NULL) == -1)
        die("selector");
}

static void make_wake(void)
{
    if (form == SOCKETPAIR)
        make_pair(wake);
    else
        wake[0] = wake[1] = eventfd(0, EFD_CLOEXEC);
    if (wake[0] == -1)
        die("eventfd");
    watch(wake[0]);
}

static void show(enum form chosen)
{
    pthread_t producer;
    form = chosen;
    least = 3600;
    most = 0;
    loop_lane = timeline_lane("%s: loop", names[form]);
    for (int i = 0; i < count; i++)
        request_lanes[i] = timeline_lane("%s: request %d", names[form], i + 1);
    printf("%s wakes the loop\n", names[form]);
    if (selector_init(&selector, "select") == -1)
        die("selector");
    make_pair(answer);
    watch(answer[0]);
    if (form != NOTHING)
        make_wake();
    must(pthread_create(&producer, NULL, produce, NULL), "producer");
    run_loop();
    must(pthread_join(producer, NULL), "producer");
    if (form != NOTHING)
        close(wake[0]);
    if (form == SOCKETPAIR)
        close(wake[1]);
    close(answer[0]);
    close(answer[1]);
    selector_destroy(&selector);
    printf("late by\n%10.3f to %.3f ms\n\n", least * 1e3, most * 1e3);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "leave work for a loop that sleeps in select",
        .options = {{'n', "requests", "how many requests",
                     CLI_INT(&count, 1, MOST)},
                    {'d', "delay", "{seconds} from one to the next",
                     CLI_DOUBLE(&period, 0, 60)},
                    TIMELINE_OPTIONS},
    };
    cli_parse(&cli, argc, argv);
    timeline_start(FORMS * (count + 1));
    timeline_legend(TIMELINE_BLOCKED, "put, and not seen yet");
    for (int f = NOTHING; f < FORMS; f++)
        show((enum form)f);
    timeline_finish();
    return CLI_OK;
}
