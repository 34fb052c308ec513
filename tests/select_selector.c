/* selector: the same behaviour from select, poll and epoll, whatever callbacks
 * do to the descriptors that are still to come.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "05_select/selector.h"
#include "05_select/selector_backend.h"
#include "tests/support.h"

enum { READ = SELECTOR_READ, WRITE = SELECTOR_WRITE, BOTH = READ | WRITE };

static const char *const backends[] = {"select", "poll", "epoll"};
enum { SELECT, POLL, EPOLL, BACKENDS };

static struct selector s;
static int descriptors; /* open before the test */

static int count_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void begin(int backend)
{
    descriptors = count_descriptors();
    ck_assert_int_eq(selector_init(&s, backends[backend]), 0);
    ck_assert_str_eq(s.backend->name, backends[backend]);
}

/* What the test opened it has closed; so must the selector. */
static void finish(void)
{
    selector_destroy(&s);
    ck_assert_int_eq(count_descriptors(), descriptors);
}

static void make_pair(int pair[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX,
                                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                                pair),
                     0);
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static void say(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

/* Two callbacks, to be told from each other; nobody calls them. */
static void one(int fd, int events, void *data)
{
    (void)fd;
    (void)events;
    (void)data;
}

static void other(int fd, int events, void *data)
{
    one(fd, events, data);
}

static void add(int fd, int events)
{
    ck_assert_int_eq(selector_register(&s, fd, events, one, NULL), 0);
}

static void expect_error(int result, int error)
{
    int was = errno;
    ck_assert_int_eq(result, -1);
    ck_assert_msg(was == error, "%s, not %s", strerror(was), strerror(error));
}

/* What is found without waiting: the only one, or -1 where there is none. */
static int only(int *events)
{
    struct selector_event e;
    struct selector_event second;
    selector_wait(&s, 0);
    if (!selector_next(&s, &e))
        return -1;
    ck_assert_msg(!selector_next(&s, &second), "%d is ready, and %d", e.fd,
                  second.fd);
    *events = e.events;
    return e.fd;
}

static void expect_only(int fd, int events)
{
    int found = 0;
    ck_assert_int_eq(only(&found), fd);
    ck_assert_int_eq(found, events);
}

static void expect_nothing(void)
{
    int found = 0;
    ck_assert_int_eq(only(&found), -1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- The table of descriptors ---------------------------------------------- */

START_TEST(back_ends_by_name)
{
    ck_assert_int_eq(selector_init(&s, NULL), 0);
    ck_assert_str_eq(s.backend->name, "epoll");
    selector_destroy(&s);
    expect_error(selector_init(&s, "kqueue"), EINVAL);
    expect_error(selector_init(&s, ""), EINVAL);
}
END_TEST

START_TEST(register_refuses)
{
    int pair[2];
    begin(_i);
    make_pair(pair);
    int closed = dup(pair[0]);
    close(closed);
    const int bad[] = {-1, INT_MIN, closed, 1000000000, INT_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_error(selector_register(&s, bad[i], READ, one, NULL), EBADF);
        ck_assert_int_eq(selector_events(&s, bad[i]), 0);
    }
    expect_error(selector_register(&s, pair[0], 0, one, NULL), EINVAL);
    expect_error(selector_register(&s, pair[0], 4, one, NULL), EINVAL);
    expect_error(selector_register(&s, pair[0], READ | 8, one, NULL), EINVAL);
    ck_assert_int_eq(s.count, 0);
    expect_nothing();

    add(pair[0], READ);
    expect_error(selector_register(&s, pair[0], WRITE, other, &s), EEXIST);
    ck_assert_int_eq(selector_events(&s, pair[0]), READ);
    ck_assert_int_eq(s.count, 1);
    say(pair[1]);
    expect_only(pair[0], READ);
    close_pair(pair);
    finish();
}
END_TEST

START_TEST(modify_refuses)
{
    int pair[2];
    struct selector_event e;
    begin(_i);
    make_pair(pair);
    expect_error(selector_modify(&s, pair[0], READ, one, NULL), ENOENT);
    expect_error(selector_modify(&s, -1, READ, one, NULL), ENOENT);
    expect_error(selector_modify(&s, INT_MAX, READ, one, NULL), ENOENT);
    add(pair[0], READ);
    expect_error(selector_modify(&s, pair[1], READ, one, NULL), ENOENT);
    expect_error(selector_modify(&s, pair[0], 0, other, &s), EINVAL);
    expect_error(selector_modify(&s, pair[0], 12, other, &s), EINVAL);
    ck_assert_int_eq(selector_events(&s, pair[0]), READ);
    say(pair[1]);
    ck_assert_int_eq(selector_wait(&s, 0), 1);
    ck_assert(selector_next(&s, &e));
    ck_assert(e.call == one && e.data == NULL);
    ck_assert_int_eq(selector_unregister(&s, pair[0]), 0);
    expect_error(selector_modify(&s, pair[0], READ, one, NULL), ENOENT);
    close_pair(pair);
    finish();
}
END_TEST

START_TEST(unregister_refuses)
{
    int pair[2];
    begin(_i);
    make_pair(pair);
    expect_error(selector_unregister(&s, pair[0]), ENOENT);
    expect_error(selector_unregister(&s, -1), ENOENT);
    expect_error(selector_unregister(&s, INT_MAX), ENOENT);
    add(pair[0], BOTH);
    ck_assert_int_eq(selector_unregister(&s, pair[0]), 0);
    expect_error(selector_unregister(&s, pair[0]), ENOENT);
    ck_assert_int_eq(selector_events(&s, pair[0]), 0);
    ck_assert_int_eq(s.count, 0);
    expect_nothing();
    close_pair(pair);
    finish();
}
END_TEST

/* In epoll the change itself may fail: then all stays as it was. */
START_TEST(modify_of_a_closed_one_changes_nothing)
{
    int pair[2];
    begin(EPOLL);
    make_pair(pair);
    add(pair[0], READ);
    int copy = dup(pair[0]);
    close(pair[0]);
    expect_error(selector_modify(&s, pair[0], WRITE, other, &s), EBADF);
    ck_assert_int_eq(selector_events(&s, pair[0]), READ);
    ck_assert(s.keys[pair[0]].call == one);
    ck_assert_ptr_null(s.keys[pair[0]].data);
    close(copy);
    close(pair[1]);
    finish();
}
END_TEST

/* --- What is ready --------------------------------------------------------- */

START_TEST(ready_to_read)
{
    int pair[2];
    int mark;
    struct selector_event e;
    begin(_i);
    make_pair(pair);
    ck_assert_int_eq(selector_register(&s, pair[0], READ, other, &mark), 0);
    expect_nothing();
    say(pair[1]);
    ck_assert_int_eq(selector_wait(&s, -1), 1);
    ck_assert(selector_next(&s, &e));
    ck_assert_int_eq(e.fd, pair[0]);
    ck_assert_int_eq(e.events, READ);
    ck_assert(e.call == other);
    ck_assert_ptr_eq(e.data, &mark);
    ck_assert(!selector_next(&s, &e));
    ck_assert(!selector_next(&s, &e));
    /* What was not dealt with comes again. */
    expect_only(pair[0], READ);
    expect_only(pair[0], READ);
    hear(pair[0]);
    expect_nothing();
    close_pair(pair);
    finish();
}
END_TEST

START_TEST(ready_to_write)
{
    int pair[2];
    char bytes[4096] = {0};
    begin(_i);
    make_pair(pair);
    add(pair[0], BOTH);
    expect_only(pair[0], WRITE);
    say(pair[1]);
    expect_only(pair[0], BOTH);
    while (write(pair[0], bytes, sizeof bytes) > 0)
        continue;
    expect_only(pair[0], READ);
    hear(pair[0]);
    expect_nothing();
    while (read(pair[1], bytes, sizeof bytes) > 0)
        continue;
    expect_only(pair[0], WRITE);
    close_pair(pair);
    finish();
}
END_TEST

START_TEST(modify_takes_effect)
{
    int pair[2];
    int mark;
    struct selector_event e;
    begin(_i);
    make_pair(pair);
    say(pair[1]);
    add(pair[0], READ);
    expect_only(pair[0], READ);
    ck_assert_int_eq(selector_modify(&s, pair[0], WRITE, other, &mark), 0);
    ck_assert_int_eq(selector_events(&s, pair[0]), WRITE);
    ck_assert_int_eq(selector_wait(&s, -1), 1);
    ck_assert(selector_next(&s, &e));
    ck_assert_int_eq(e.events, WRITE);
    ck_assert(e.call == other && e.data == &mark);
    ck_assert_int_eq(selector_modify(&s, pair[0], BOTH, one, NULL), 0);
    expect_only(pair[0], BOTH);
    ck_assert_int_eq(selector_modify(&s, pair[0], READ, one, NULL), 0);
    expect_only(pair[0], READ);
    hear(pair[0]);
    expect_nothing();
    ck_assert_int_eq(s.count, 1);
    close_pair(pair);
    finish();
}
END_TEST

/* Whose other end has gone, or failed, is ready for what it is waited for, be
 * it the one or the other: who only wants to write must hear of it as well.
 */
static void expect_each(int fd)
{
    const int kinds[] = {READ, WRITE, BOTH};
    for (int i = 0; i < 3; i++) {
        add(fd, kinds[i]);
        expect_only(fd, kinds[i]);
        ck_assert_int_eq(selector_unregister(&s, fd), 0);
    }
}

START_TEST(hang_up_is_an_event)
{
    char bytes[4096] = {0};
    int pair[2];
    int ends[2];
    begin(_i);
    make_pair(pair);
    close(pair[1]);
    expect_each(pair[0]);
    close(pair[0]);
    /* A pipe has one direction only. */
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[1]);
    add(ends[0], READ);
    expect_only(ends[0], READ);
    ck_assert_int_eq(selector_unregister(&s, ends[0]), 0);
    close(ends[0]);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    add(ends[1], WRITE);
    expect_only(ends[1], WRITE);
    ck_assert_int_eq(selector_unregister(&s, ends[1]), 0);
    close(ends[1]);
    /* There is no room in this one, and never will be. */
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0)
        continue;
    add(ends[1], WRITE);
    expect_nothing();
    close(ends[0]);
    expect_only(ends[1], WRITE);
    ck_assert_int_eq(selector_unregister(&s, ends[1]), 0);
    close(ends[1]);
    finish();
}
END_TEST

/* A port at which nobody listens: bound, and no more. */
START_TEST(refused_connection_is_an_event)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    begin(_i);
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(bound, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(bound, (struct sockaddr *)&a, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect_error(connect(fd, (struct sockaddr *)&a, sizeof a), EINPROGRESS);
    expect_each(fd);
    close(fd);
    close(bound);
    finish();
}
END_TEST

/* --- What callbacks may do ------------------------------------------------- */

enum { MANY = 8 };
static int pairs[MANY][2];
static const int marks[MANY]; /* what belongs to each */

static void begin_many(int backend)
{
    begin(backend);
    for (int i = 0; i < MANY; i++) {
        union {
            const int *given;
            void *wanted;
        } mark = {.given = &marks[i]};
        make_pair(pairs[i]);
        ck_assert_int_eq(
            selector_register(&s, pairs[i][0], READ, one, mark.wanted), 0);
        say(pairs[i][1]);
    }
}

/* The first event of a turn in which all are ready; returns whose it is. */
static int first_of_many(void)
{
    struct selector_event e;
    ck_assert_int_eq(selector_wait(&s, -1), MANY);
    ck_assert(selector_next(&s, &e));
    for (int i = 0; i < MANY; i++)
        if (e.data == &marks[i]) {
            ck_assert_int_eq(e.fd, pairs[i][0]);
            return i;
        }
    ck_abort_msg("the first event is nobody's");
}

/* All others but one must still come, once each. */
static void expect_others(int first, int but)
{
    bool came[MANY] = {false};
    struct selector_event e;
    while (selector_next(&s, &e)) {
        int i = (int)((const int *)e.data - marks);
        ck_assert_int_ge(i, 0);
        ck_assert_int_lt(i, MANY);
        ck_assert_int_eq(e.fd, pairs[i][0]);
        ck_assert_int_ne(i, but);
        ck_assert(!came[i]);
        came[i] = true;
    }
    for (int i = 0; i < MANY; i++)
        ck_assert_msg(came[i] || i == first || i == but, "%d did not come", i);
}

static void finish_many(void)
{
    for (int i = 0; i < MANY; i++)
        close_pair(pairs[i]);
    finish();
}

START_TEST(all_come_once)
{
    begin_many(_i);
    expect_others(first_of_many(), -1);
    finish_many();
}
END_TEST

/* Whichever of those still to come. */
START_TEST(unregistered_in_a_callback)
{
    for (int later = 1; later < MANY; later++) {
        begin_many(_i);
        int first = first_of_many();
        int gone = (first + later) % MANY;
        ck_assert_int_eq(selector_unregister(&s, pairs[gone][0]), 0);
        expect_others(first, gone);
        finish_many();
    }
}
END_TEST

START_TEST(its_own_is_closed_in_a_callback)
{
    begin_many(_i);
    int first = first_of_many();
    ck_assert_int_eq(selector_unregister(&s, pairs[first][0]), 0);
    close(pairs[first][0]);
    expect_others(first, first);
    ck_assert_int_eq(selector_wait(&s, 0), MANY - 1);
    expect_others(first, first);
    pairs[first][0] = dup(pairs[first][1]);
    finish_many();
}
END_TEST

/* A callback ends a connection, and accepts or opens another that is given the
 * same number. `keep` is how the old file may live on: nowhere, in another
 * descriptor, in a child; `late` has it unregistered when it is closed already.
 */
enum keep { NOWHERE, IN_A_COPY, IN_A_CHILD, KEEPS };

static void reuse(int backend, enum keep keep, bool late, bool again)
{
    begin_many(backend);
    int first = first_of_many();
    int gone = (first + 3) % MANY;
    int fd = pairs[gone][0];
    int fresh[2];
    int life[2]; /* the child's, which ends with it */
    int copy = keep == IN_A_COPY ? dup(fd) : -1;
    ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
    pid_t child = keep == IN_A_CHILD ? fork() : 0;
    ck_assert_int_ne(child, -1);
    if (keep == IN_A_CHILD && child == 0) {
        char byte;
        close(life[1]);
        _exit(read(life[0], &byte, 1) == 0 ? 0 : 1);
    }

    if (!late)
        ck_assert_int_eq(selector_unregister(&s, fd), 0);
    make_pair(fresh);
    ck_assert_int_eq(dup3(fresh[0], fd, O_CLOEXEC), fd);
    close(fresh[0]);
    if (late)
        ck_assert_int_eq(selector_unregister(&s, fd), 0);
    int mark;
    if (again)
        ck_assert_int_eq(selector_register(&s, fd, READ, other, &mark), 0);
    /* The rest of this turn is for the others. */
    expect_others(first, gone);

    for (int i = 0; i < MANY; i++)
        if (i != gone)
            hear(pairs[i][0]);
    /* The old file has something to read; nobody waits for it any more. */
    expect_nothing();
    send(pairs[gone][1], "x", 1, MSG_NOSIGNAL);
    expect_nothing();
    if (again) {
        struct selector_event e;
        say(fresh[1]);
        ck_assert_int_ge(selector_wait(&s, -1), 1);
        ck_assert(selector_next(&s, &e));
        ck_assert_int_eq(e.fd, fd);
        ck_assert(e.call == other && e.data == &mark);
        ck_assert(!selector_next(&s, &e));
    }
    close(fresh[1]);
    if (copy != -1)
        close(copy);
    close_pair(life);
    if (keep == IN_A_CHILD)
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
    finish_many();
}

START_TEST(number_is_reused_in_a_callback)
{
    for (int keep = NOWHERE; keep < KEEPS; keep++)
        for (int late = 0; late < 2; late++)
            for (int again = 0; again < 2; again++)
                reuse(_i, (enum keep)keep, late, again);
}
END_TEST

/* An event is for the registration that it was found for, also where the file
 * is the same.
 */
START_TEST(registered_anew_in_a_callback)
{
    begin_many(_i);
    int first = first_of_many();
    int anew = (first + 1) % MANY;
    ck_assert_int_eq(selector_unregister(&s, pairs[anew][0]), 0);
    add(pairs[anew][0], READ);
    expect_others(first, anew);
    ck_assert_int_eq(selector_wait(&s, 0), MANY);
    finish_many();
}
END_TEST

START_TEST(modified_in_a_callback)
{
    begin_many(_i);
    int first = first_of_many();
    int changed = (first + 1) % MANY;
    /* Nobody waits for it to be readable any more. */
    ck_assert_int_eq(selector_modify(&s, pairs[changed][0], WRITE, one, NULL),
                     0);
    expect_others(first, changed);
    finish_many();
}
END_TEST

/* Both tables grow while a turn is under way. */
START_TEST(many_are_registered_in_a_callback)
{
    enum { MORE = 300 };
    int copies[MORE];
    begin_many(_i);
    int first = first_of_many();
    for (int i = 0; i < MORE; i++) {
        copies[i] = fcntl(pairs[0][0], F_DUPFD_CLOEXEC, 0);
        add(copies[i], READ);
    }
    expect_others(first, -1);
    for (int i = 0; i < MORE; i++) {
        ck_assert_int_eq(selector_unregister(&s, copies[i]), 0);
        close(copies[i]);
    }
    ck_assert_int_eq(selector_wait(&s, 0), MANY);
    expect_others(-1, -1);
    finish_many();
}
END_TEST

/* --- Closed too early ------------------------------------------------------ */

START_TEST(closed_before_it_was_unregistered)
{
    int pair[2];
    int early[2];
    struct selector_event e;
    begin(_i);
    make_pair(pair);
    make_pair(early);
    add(pair[0], READ);
    add(early[0], READ);
    say(pair[1]);
    close(early[0]);
    if (_i == EPOLL) {
        expect_only(pair[0], READ);
    } else {
        expect_error(selector_wait(&s, -1), EBADF);
        ck_assert_msg(!selector_next(&s, &e), "an event of a wait that failed");
    }
    ck_assert_int_eq(selector_unregister(&s, early[0]), 0);
    expect_only(pair[0], READ);
    close_pair(pair);
    close(early[1]);
    finish();
}
END_TEST

/* What it is that fails does not matter here: it is to be told. */
START_TEST(failure_is_told)
{
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    begin(EPOLL);
    /* That is the number which epoll's own has been given. */
    ck_assert_int_eq(dup2(STDERR_FILENO, lowest), lowest);
    expect_error(selector_wait(&s, 0), EINVAL);
    finish();
}
END_TEST

START_TEST(destroy_leaves_them_open)
{
    int pair[2];
    begin(_i);
    make_pair(pair);
    add(pair[0], READ);
    selector_destroy(&s);
    ck_assert_int_eq(count_descriptors(), descriptors + 2);
    say(pair[0]);
    close_pair(pair);
}
END_TEST

/* --- What the back ends cannot --------------------------------------------- */

/* Returns whether so many descriptors may be opened. */
static bool may_have(rlim_t wanted)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= wanted)
        return true;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    printf("(selector: not more than %ld descriptors are to be had)\n",
           (long)limit.rlim_max);
    return false;
}

START_TEST(numbers_that_select_cannot_hold)
{
    int pair[2];
    if (!may_have(2 * FD_SETSIZE))
        return;
    begin(_i);
    make_pair(pair);
    ck_assert_int_eq(dup2(pair[0], FD_SETSIZE), FD_SETSIZE);
    ck_assert_int_eq(dup2(pair[0], FD_SETSIZE - 1), FD_SETSIZE - 1);
    ck_assert_int_eq(dup2(pair[0], 2 * FD_SETSIZE - 1), 2 * FD_SETSIZE - 1);
    say(pair[1]);
    add(FD_SETSIZE - 1, READ);
    expect_only(FD_SETSIZE - 1, READ);
    ck_assert_int_eq(selector_unregister(&s, FD_SETSIZE - 1), 0);
    const int beyond[] = {FD_SETSIZE, 2 * FD_SETSIZE - 1};
    for (int i = 0; i < 2; i++) {
        int result = selector_register(&s, beyond[i], READ, one, NULL);
        if (_i == SELECT) {
            expect_error(result, ERANGE);
            ck_assert_int_eq(selector_events(&s, beyond[i]), 0);
            ck_assert_int_eq(s.count, 0);
            expect_nothing();
            continue;
        }
        ck_assert_int_eq(result, 0);
        expect_only(beyond[i], READ);
        ck_assert_int_eq(selector_unregister(&s, beyond[i]), 0);
    }
    close(FD_SETSIZE - 1);
    close(FD_SETSIZE);
    close(2 * FD_SETSIZE - 1);
    close_pair(pair);
    finish();
}
END_TEST

START_TEST(files_on_a_disk)
{
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    begin(_i);
    int result = selector_register(&s, fileno(file), BOTH, one, NULL);
    if (_i == EPOLL) {
        expect_error(result, EPERM);
        ck_assert_int_eq(selector_events(&s, fileno(file)), 0);
        ck_assert_int_eq(s.count, 0);
        expect_nothing();
    } else {
        ck_assert_int_eq(result, 0);
        expect_only(fileno(file), BOTH);
    }
    finish();
    fclose(file);
}
END_TEST

/* --- Time ------------------------------------------------------------------ */

static const double short_times[] = {0.0001, 0.0005, 0.001, 0.0011,
                                     0.0029, 0.0101, 0.03};
enum { SHORT_TIMES = sizeof short_times / sizeof *short_times };

/* Never too early: with nothing in it, and with something that is not ready. */
START_TEST(time_is_rounded_up)
{
    int pair[2];
    begin(_i / SHORT_TIMES);
    make_pair(pair);
    for (int round = 0; round < 2; round++) {
        double start = now();
        ck_assert_int_eq(selector_wait(&s, short_times[_i % SHORT_TIMES]), 0);
        ck_assert_double_ge(now() - start, short_times[_i % SHORT_TIMES]);
        if (round == 0)
            add(pair[0], READ);
    }
    close_pair(pair);
    finish();
}
END_TEST

/* A thread that does something once the first one is asleep in its wait, as its
 * state in /proc has it.
 */
static atomic_bool about_to_wait;
static pthread_t first_thread;
static int poke = -1; /* where to write to; -1: a signal */

static void *act_when_asleep(void *unused)
{
    char path[64];
    char state = 'R';
    while (!about_to_wait)
        usleep(100);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", getpid());
    while (state != 'S') {
        FILE *f = fopen(path, "r");
        if (f == NULL || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
            abort();
        fclose(f);
        usleep(100);
    }
    if (poke == -1)
        pthread_kill(first_thread, SIGUSR1);
    else if (write(poke, "x", 1) != 1)
        abort();
    return unused;
}

static int wait_and_be_woken(double seconds)
{
    pthread_t thread;
    first_thread = pthread_self();
    ck_assert_int_eq(pthread_create(&thread, NULL, act_when_asleep, NULL), 0);
    about_to_wait = true;
    int result = selector_wait(&s, seconds);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    about_to_wait = false;
    return result;
}

static const double long_times[] = {-1, -0.001, 1e6, 3e6, 1e300};
enum { LONG_TIMES = sizeof long_times / sizeof *long_times };

START_TEST(long_waits_last)
{
    int pair[2];
    begin(_i / LONG_TIMES);
    make_pair(pair);
    add(pair[0], READ);
    poke = pair[1];
    ck_assert_int_eq(wait_and_be_woken(long_times[_i % LONG_TIMES]), 1);
    expect_only(pair[0], READ);
    close_pair(pair);
    finish();
}
END_TEST

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

START_TEST(signal_ends_the_wait)
{
    int pair[2];
    struct selector_event e;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    begin(_i);
    make_pair(pair);
    add(pair[0], READ);
    /* What the wait before has found is gone, too. */
    say(pair[1]);
    ck_assert_int_eq(selector_wait(&s, -1), 1);
    hear(pair[0]);
    ck_assert_int_eq(wait_and_be_woken(-1), 0);
    ck_assert_int_eq(signals, 1);
    ck_assert(!selector_next(&s, &e));
    close_pair(pair);
    finish();
}
END_TEST

/* --- Many ------------------------------------------------------------------ */

enum { CROWD = 2000 };
static bool came[3 * CROWD]; /* by descriptor */

/* Waits until every `step`th has come, in as many turns as it takes epoll, which
 * tells 256 at once. All are ready and stay so, and none may starve.
 */
static void expect_every(int step, const int *fds, int count)
{
    struct selector_event e;
    memset(came, 0, sizeof came);
    ck_assert_int_eq(s.count, (count + step - 1) / step);
    for (int turn = 0; turn <= s.count / 256; turn++) {
        ck_assert_int_gt(selector_wait(&s, -1), 0);
        while (selector_next(&s, &e)) {
            ck_assert_ptr_eq(e.data, &came[e.fd]);
            came[e.fd] = true;
        }
    }
    for (int i = 0; i < count; i++)
        ck_assert_msg(came[fds[i]] == (i % step == 0), "%d of %d: %s", i, count,
                      came[fds[i]] ? "came" : "did not come");
}

START_TEST(two_thousand)
{
    static int fds[CROWD];
    int count = _i == SELECT ? FD_SETSIZE - 100 : CROWD;
    if (!may_have(CROWD + 100))
        return;
    begin(_i);
    for (int i = 0; i < count; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC);
        ck_assert_int_eq(
            selector_register(&s, fds[i], READ, one, &came[fds[i]]), 0);
    }
    expect_every(1, fds, count);
    for (int i = 0; i < count; i++)
        if (i % 2 != 0)
            ck_assert_int_eq(selector_unregister(&s, fds[i]), 0);
    expect_every(2, fds, count);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    finish();
}
END_TEST

/* Anything in any order, against a model: what poll(2) says of each by itself.
 */
enum { SOME = 40, STEPS = 4000 };
static int model[SOME]; /* what it is waited for; 0: not registered */
static int ends[SOME][2];

/* After Park and Miller: the same steps in every run. */
static int random_below(int n)
{
    static uint64_t x = 1;
    x = x * 48271 % 2147483647;
    return (int)(x % (uint64_t)n);
}

static void step_at_random(void)
{
    int i = random_below(SOME);
    int events = 1 + random_below(3);
    char byte;
    switch (random_below(6)) {
    case 0:
        if (model[i] != 0)
            break;
        ck_assert_int_eq(
            selector_register(&s, ends[i][0], events, one, &model[i]), 0);
        model[i] = events;
        break;
    case 1:
        if (model[i] == 0)
            break;
        ck_assert_int_eq(
            selector_modify(&s, ends[i][0], events, one, &model[i]), 0);
        model[i] = events;
        break;
    case 2:
        if (model[i] == 0)
            break;
        ck_assert_int_eq(selector_unregister(&s, ends[i][0]), 0);
        model[i] = 0;
        break;
    case 3: /* another file at the same number */
        if (model[i] != 0)
            ck_assert_int_eq(selector_unregister(&s, ends[i][0]), 0);
        model[i] = 0;
        close_pair(ends[i]);
        make_pair(ends[i]);
        break;
    case 4:
        (void)!write(ends[i][1], "x", 1);
        break;
    default:
        (void)!read(ends[i][0], &byte, 1);
        break;
    }
}

static int model_says(int i)
{
    struct pollfd polled = {ends[i][0],
                            (short)((model[i] & READ ? POLLIN : 0) |
                                    (model[i] & WRITE ? POLLOUT : 0)),
                            0};
    ck_assert_int_ne(poll(&polled, 1, 0), -1);
    return (polled.revents & POLLIN ? READ : 0) |
           (polled.revents & POLLOUT ? WRITE : 0);
}

START_TEST(as_the_model_has_it)
{
    begin(_i);
    for (int i = 0; i < SOME; i++)
        make_pair(ends[i]);
    for (int step = 0; step < STEPS; step++) {
        int found[SOME] = {0};
        struct selector_event e;
        step_at_random();
        selector_wait(&s, 0);
        while (selector_next(&s, &e)) {
            int i = (int)((int *)e.data - model);
            ck_assert_int_eq(e.fd, ends[i][0]);
            ck_assert_int_eq(found[i], 0);
            found[i] = e.events;
        }
        for (int i = 0; i < SOME; i++)
            ck_assert_msg(found[i] == model_says(i), "step %d, %d: %d, not %d",
                          step, i, found[i], model_says(i));
    }
    for (int i = 0; i < SOME; i++) {
        close_pair(ends[i]);
        model[i] = 0;
    }
    finish();
}
END_TEST

TCase *select_selector(void)
{
    TCase *tc = tcase_create("selector");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, back_ends_by_name);
    tcase_add_loop_test(tc, register_refuses, 0, BACKENDS);
    tcase_add_loop_test(tc, modify_refuses, 0, BACKENDS);
    tcase_add_loop_test(tc, unregister_refuses, 0, BACKENDS);
    tcase_add_test(tc, modify_of_a_closed_one_changes_nothing);
    tcase_add_loop_test(tc, ready_to_read, 0, BACKENDS);
    tcase_add_loop_test(tc, ready_to_write, 0, BACKENDS);
    tcase_add_loop_test(tc, modify_takes_effect, 0, BACKENDS);
    tcase_add_loop_test(tc, hang_up_is_an_event, 0, BACKENDS);
    tcase_add_loop_test(tc, refused_connection_is_an_event, 0, BACKENDS);
    tcase_add_loop_test(tc, all_come_once, 0, BACKENDS);
    tcase_add_loop_test(tc, unregistered_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, its_own_is_closed_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, number_is_reused_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, registered_anew_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, modified_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, many_are_registered_in_a_callback, 0, BACKENDS);
    tcase_add_loop_test(tc, closed_before_it_was_unregistered, 0, BACKENDS);
    tcase_add_test(tc, failure_is_told);
    tcase_add_loop_test(tc, destroy_leaves_them_open, 0, BACKENDS);
    tcase_add_loop_test(tc, numbers_that_select_cannot_hold, 0, BACKENDS);
    tcase_add_loop_test(tc, files_on_a_disk, 0, BACKENDS);
    tcase_add_loop_test(tc, time_is_rounded_up, 0, BACKENDS * SHORT_TIMES);
    tcase_add_loop_test(tc, long_waits_last, 0, BACKENDS * LONG_TIMES);
    tcase_add_loop_test(tc, signal_ends_the_wait, 0, BACKENDS);
    tcase_add_loop_test(tc, two_thousand, 0, BACKENDS);
    tcase_add_loop_test(tc, as_the_model_has_it, 0, BACKENDS);
    return tc;
}
