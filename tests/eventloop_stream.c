/* stream: reads, writes, connections and who breaks them off; nothing is lost,
 * nothing stays behind, and nobody else is held up.
 *
 * What a comment calls the rule is asyncio's (StreamReader, StreamWriter); what
 * is ours alone says so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "07_eventloop/stream.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

/* --- Coroutines that do one thing, and say what comes of it ---------------- */

static struct stream stream;

struct reads {
    struct gen gen;
    int times;
    size_t room;
    unsigned long turns[8];
    char bytes[64];
    struct stream_read stream_read;
    int i;
};

static bool reads(void *frame, struct future **awaits)
{
    struct reads *c = frame;
    GEN_BEGIN(c);
    for (c->i = 0; c->i < c->times; c->i++) {
        AWAIT_CALL(c, stream_read, .stream = &stream, .bytes = c->bytes,
                   .room = c->room);
        c->turns[c->i % 8] = loop.turns;
        say("'%.*s'", (int)c->stream_read.length, c->bytes);
    }
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s", c->gen.error);
    c->gen.error = NULL;
    return false;
}

static struct task *start_reads(int times, size_t room)
{
    return task_create(&loop, reads, .times = times, .room = room);
}

struct writes {
    struct gen gen;
    const char *bytes;
    size_t length;
    struct stream_write stream_write;
};

static bool writes(void *frame, struct future **awaits)
{
    struct writes *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, stream_write, .stream = &stream, .bytes = c->bytes,
               .length = c->length);
    say("written");
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s", c->gen.error);
    c->gen.error = NULL;
    return false;
}

static struct task *start_writes(const char *bytes, size_t length)
{
    return task_create(&loop, writes, .bytes = bytes, .length = length);
}

/* --- A pair of sockets ----------------------------------------------------- */

/* One is the stream; with the other the test does as it likes. */
static int other;

static void begin(int backend)
{
    int pair[2];
    begin_loop(backend);
    make_pair(pair);
    fcntl(pair[0], F_SETFL, 0); /* blocks, until it is a stream */
    stream_open(&stream, &loop, pair[0]);
    other = pair[1];
}

static void finish(void)
{
    stream_close(&stream);
    if (other != -1)
        close(other);
    end_loop();
}

static void tell(const char *words)
{
    ck_assert_int_eq(send(other, words, strlen(words), 0),
                     (ssize_t)strlen(words));
}

static void make_turns(int n)
{
    while (n-- > 0)
        loop_run_once(&loop, 0);
}

/* Until all tasks have ended. (A stream that was read from keeps the loop alive
 * until it is closed, and so run() would not end.)
 */
static void settle(void)
{
    while (loop.tasks != NULL)
        loop_run_once(&loop, 1);
}

/* More than the buffers of two sockets hold; of no short period. */
enum { MUCH = 4 << 20 };
static char much[MUCH];

static void fill(void)
{
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7 + i / 251);
}

/* Takes what there is at the other end, checks it, and returns where it is. */
static size_t take_some(size_t from)
{
    static char bytes[65536];
    ssize_t n = recv(other, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == -1)
        return from;
    ck_assert_int_eq(memcmp(bytes, much + from, (size_t)n), 0);
    return from + (size_t)n;
}

/* --- Reading --------------------------------------------------------------- */

/* The rule: read(n) returns what is there, n bytes at most; waits where nothing
 * is; and at the end returns nothing, as often as it is asked.
 */
START_TEST(reads_what_is_there_or_waits)
{
    begin(_i);
    tell("abc");
    task_release(start_reads(7, 2));
    make_turns(9);
    expect_said("'ab' 'c'");
    tell("d");
    make_turns(5);
    expect_said("'d'");
    tell("efg");
    shutdown(other, SHUT_WR);
    settle();
    expect_said("'ef' 'g' '' ''");
    finish();
}
END_TEST

/* Ours alone: one read a turn, so that the others run however much there is to
 * read. (Python takes what its loop has read ahead without a turn.)
 */
START_TEST(who_has_much_to_read_lets_others_run)
{
    begin(_i);
    tell("abcdef");
    struct task *t = start_reads(6, 1);
    settle();
    expect_said("'a' 'b' 'c' 'd' 'e' 'f'");
    const struct reads *r = task_frame(t);
    for (int i = 1; i < 6; i++)
        ck_assert_uint_gt(r->turns[i], r->turns[i - 1]);
    task_release(t);
    finish();
}
END_TEST

/* A word and its answer, many times: none is missed for having come in the turn
 * of the one before.
 */
START_TEST(no_word_is_missed)
{
    begin(_i);
    task_release(start_reads(200, 64));
    for (int i = 0; i < 200; i++) {
        char word[8];
        snprintf(word, sizeof word, "%d", i);
        /* After another number of turns each time. */
        make_turns(i % 7);
        tell(word);
        char heard[16];
        snprintf(heard, sizeof heard, "'%d'", i);
        make_turns(3);
        expect_said(heard);
    }
    settle();
    finish();
}
END_TEST

/* The rule: the other side may end what it says and still listen. */
START_TEST(half_closed_it_can_still_be_written_to)
{
    char heard[4] = "";
    begin(_i);
    shutdown(other, SHUT_WR);
    task_release(start_reads(1, 64));
    settle();
    expect_said("''");
    task_release(start_writes("abc", 3));
    settle();
    expect_said("written");
    ck_assert_int_eq(recv(other, heard, sizeof heard, 0), 3);
    ck_assert_str_eq(heard, "abc");
    finish();
}
END_TEST

/* --- Writing --------------------------------------------------------------- */

/* The rule (write, then drain): it waits until the kernel has taken all, while
 * the others run, and every byte comes.
 */
START_TEST(writes_all_of_it)
{
    begin(_i);
    fill();
    task_release(start_writes(much, MUCH));
    size_t taken = 0;
    make_turns(10);
    expect_said("");
    /* It waits without turning in circles. */
    unsigned long before = loop.turns;
    loop_run_once(&loop, 0.05);
    ck_assert(loop_due(&loop) < 0);
    ck_assert_uint_le(loop.turns, before + 1);
    while (taken < MUCH) {
        taken = take_some(taken);
        loop_run_once(&loop, 0);
    }
    make_turns(5);
    expect_said("written");
    finish();
}
END_TEST

START_TEST(nothing_is_written_at_once)
{
    begin(_i);
    task_release(start_writes("", 0));
    loop_run_once(&loop, 0);
    expect_said("written");
    finish();
}
END_TEST

/* Both sides of a stream are in use at the same time. */
START_TEST(reads_while_it_writes)
{
    begin(_i);
    fill();
    task_release(start_writes(much, MUCH));
    task_release(start_reads(2, 64));
    make_turns(5);
    tell("a");
    make_turns(5);
    expect_said("'a'");
    size_t taken = 0;
    while (taken < MUCH) {
        taken = take_some(taken);
        loop_run_once(&loop, 0);
    }
    make_turns(5);
    expect_said("written");
    tell("b");
    settle();
    expect_said("'b'");
    finish();
}
END_TEST

/* --- Who breaks it off ----------------------------------------------------- */

/* It is an error like any other, and no SIGPIPE. */
START_TEST(who_has_gone_is_not_written_to)
{
    begin(_i);
    signal(SIGPIPE, SIG_DFL);
    close(other);
    other = -1;
    task_release(start_writes("abc", 3));
    settle();
    expect_said("Broken pipe");
    finish();
}
END_TEST

START_TEST(who_goes_while_it_is_written_ends_it)
{
    begin(_i);
    fill();
    signal(SIGPIPE, SIG_DFL);
    task_release(start_writes(much, MUCH));
    make_turns(5);
    expect_said("");
    close(other);
    other = -1;
    settle();
    expect_said("Broken pipe");
    finish();
}
END_TEST

/* A listening socket on the loopback, where a stream has connected to. */
static struct sockaddr_in address;

static int listen_there(int backlog)
{
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ne(fd, -1);
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return fd;
}

struct connects {
    struct gen gen;
    struct stream_connect stream_connect;
};

static bool connects(void *frame, struct future **awaits)
{
    struct connects *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, stream_connect, .stream = &stream,
               .address = (struct sockaddr *)&address,
               .length = sizeof address);
    say("connected");
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s", c->gen.error);
    c->gen.error = NULL;
    return false;
}

struct accepts {
    struct gen gen;
    struct stream *listener;
    int fd;
    struct stream_accept stream_accept;
};

static bool accepts(void *frame, struct future **awaits)
{
    struct accepts *c = frame;
    GEN_BEGIN(c);
    c->fd = -1;
    AWAIT_CALL(c, stream_accept, .listener = c->listener);
    c->fd = c->stream_accept.fd;
    say("accepted");
    GEN_END(c);
    if (c->gen.error != NULL)
        say("%s", c->gen.error);
    c->gen.error = NULL;
    return false;
}

static int fd_of(const struct task *t)
{
    const struct accepts *a = (const void *)t->frame;
    return a->fd;
}

START_TEST(connects_and_accepts)
{
    struct stream listener;
    begin_loop(_i);
    stream_open(&listener, &loop, listen_there(8));
    struct task *t = task_create(&loop, accepts, .listener = &listener);
    make_turns(5);
    expect_said("");
    task_release(task_create(&loop, connects, .stream_connect.stream = NULL));
    for (int i = 0; i < 10 && !future_done(&t->future); i++)
        loop_run_once(&loop, 1);
    make_turns(5);
    other = fd_of(t);
    ck_assert_int_ne(other, -1);
    task_release(t);
    /* Both do not block, and do not go on into other programs. */
    for (int i = 0; i < 2; i++) {
        int fd = i == 0 ? other : stream.fd;
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    }
    tell("abc");
    task_release(start_reads(1, 64));
    settle();
    stream_close(&listener);
    expect_said("accepted connected 'abc'");
    finish();
}
END_TEST

/* Nobody listens: the stream is closed, and there is nothing to close. */
START_TEST(nobody_is_connected_to)
{
    begin_loop(_i);
    close(listen_there(8));
    task_release(task_create(&loop, connects, .stream_connect.stream = NULL));
    settle();
    expect_said("Connection refused");
    ck_assert_int_eq(stream.fd, -1);
    end_loop();
}
END_TEST

START_TEST(a_reset_is_an_error)
{
    struct linger at_once = {1, 0};
    int listener;
    begin_loop(_i);
    signal(SIGPIPE, SIG_DFL);
    listener = listen_there(8);
    task_release(task_create(&loop, connects, .stream_connect.stream = NULL));
    settle();
    other = accept(listener, NULL, NULL);
    ck_assert_int_ne(other, -1);
    task_release(start_reads(2, 64));
    make_turns(3);
    setsockopt(other, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(other);
    other = -1;
    settle();
    task_release(start_writes("abc", 3));
    settle();
    expect_said("connected Connection reset by peer Broken pipe");
    close(listener);
    finish();
}
END_TEST

/* --- Cancelled ------------------------------------------------------------- */

/* The rule: whoever is cancelled while he waits to read has taken nothing, and
 * the next one reads it.
 */
START_TEST(a_cancelled_read_takes_nothing)
{
    begin(_i);
    for (int i = 0; i < 2; i++) {
        struct task *t = start_reads(1, 64);
        make_turns(2);
        if (i == 1) /* it is ready, but has not been told */
            tell("a");
        future_cancel(&t->future);
        make_turns(3);
        expect_said("CancelledError");
        task_release(t);
    }
    task_release(start_reads(1, 64));
    make_turns(3);
    expect_said("'a'");
    finish();
}
END_TEST

/* What has gone has gone: how much that was, sent tells. */
START_TEST(a_cancelled_write_tells_how_far_it_came)
{
    begin(_i);
    fill();
    struct task *t = start_writes(much, MUCH);
    make_turns(5);
    future_cancel(&t->future);
    make_turns(3);
    expect_said("CancelledError");
    const struct writes *w = task_frame(t);
    size_t sent = w->stream_write.sent;
    size_t taken = 0;
    ck_assert_uint_gt(sent, 0);
    for (size_t before = 1; before != taken;) {
        before = taken;
        taken = take_some(taken);
    }
    ck_assert_uint_eq(taken, sent);
    task_release(t);
    /* And the next one can be written. */
    task_release(start_writes(much + sent, MUCH - sent));
    while (taken < MUCH) {
        loop_run_once(&loop, 0);
        taken = take_some(taken);
    }
    make_turns(3);
    expect_said("written");
    finish();
}
END_TEST

/* No descriptor is left of one that has not come to be: the queue of the
 * listener is full, so that it waits.
 */
START_TEST(a_cancelled_connection_is_closed)
{
    enum { MANY = 8 };
    int fds[MANY];
    begin_loop(_i);
    int listener = listen_there(0);
    for (int i = 0; i < MANY; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&address, sizeof address);
    }
    int before = count_descriptors();
    struct task *t =
        task_create(&loop, connects, .stream_connect.stream = NULL);
    loop_run_once(&loop, 0);
    loop_run_once(&loop, 0.05);
    ck_assert_int_eq(count_descriptors(), before + 1);
    expect_said("");
    future_cancel(&t->future);
    settle();
    expect_said("CancelledError");
    ck_assert_int_eq(count_descriptors(), before);
    ck_assert_int_eq(stream.fd, -1);
    task_release(t);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    close(listener);
    end_loop();
}
END_TEST

START_TEST(a_cancelled_accept_accepts_nobody)
{
    struct stream listener;
    begin_loop(_i);
    stream_open(&listener, &loop, listen_there(8));
    struct task *t = task_create(&loop, accepts, .listener = &listener);
    make_turns(3);
    int before = count_descriptors();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address),
                     0);
    future_cancel(&t->future);
    make_turns(3);
    expect_said("CancelledError");
    task_release(t);
    ck_assert_int_eq(count_descriptors(), before + 1);
    /* Who comes is the next one's. */
    t = task_create(&loop, accepts, .listener = &listener);
    make_turns(5);
    expect_said("accepted");
    close(fd_of(t));
    task_release(t);
    close(fd);
    stream_close(&listener);
    end_loop();
}
END_TEST

/* --- Nobody waits ---------------------------------------------------------- */

/* Ours alone: what comes for nobody costs a turn or two, not all of them. */
START_TEST(nobody_is_not_told_for_ever)
{
    begin(_i);
    task_release(start_reads(1, 64));
    make_turns(3);
    tell("a");
    make_turns(5);
    expect_said("'a'");
    tell("b"); /* for nobody */
    unsigned long before = loop.turns;
    run(); /* ends, for nothing is alive any more */
    ck_assert_uint_le(loop.turns, before + 3);
    task_release(start_reads(1, 64));
    settle();
    expect_said("'b'");
    finish();
}
END_TEST

START_TEST(closing_twice_is_closing_once)
{
    begin(_i);
    task_release(start_reads(1, 64));
    make_turns(3);
    tell("a");
    settle();
    expect_said("'a'");
    stream_close(&stream);
    ck_assert_int_eq(stream.fd, -1);
    int fd = dup(other);
    stream_close(&stream);
    ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
    close(fd);
    finish();
}
END_TEST

/* --- Bounds ---------------------------------------------------------------- */

/* What select cannot hold is an error of who waits; the others can. */
START_TEST(select_refuses_what_it_cannot_hold)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < FD_SETSIZE + 100 ||
        setrlimit(RLIMIT_NOFILE, &limit) == -1)
        return;
    int pair[2];
    begin_loop(_i);
    make_pair(pair);
    int high = fcntl(pair[0], F_DUPFD_CLOEXEC, FD_SETSIZE + 10);
    ck_assert_int_ge(high, FD_SETSIZE);
    close(pair[0]);
    stream_open(&stream, &loop, high);
    other = pair[1];
    task_release(start_reads(1, 64));
    make_turns(3);
    tell("a");
    settle();
    expect_said(_i == SELECT ? "Numerical result out of range" : "'a'");
    finish();
}
END_TEST

/* In a process of its own, whose limit is low. */
static void starve(const void *backend)
{
    struct stream listener;
    struct rlimit limit;
    begin_loop(*(const int *)backend);
    int fd = listen_there(8);
    stream_open(&listener, &loop, fd);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(client, (struct sockaddr *)&address, sizeof address) == -1)
        _exit(2);
    getrlimit(RLIMIT_NOFILE, &limit);
    int spare = dup(0);
    limit.rlim_cur = (rlim_t)spare + 1;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct task *t = task_create(&loop, accepts, .listener = &listener);
    double start = loop_time();
    unsigned long before = loop.turns;
    while (loop_time() < start + 0.35)
        loop_run_once(&loop, 0.05);
    /* It has asked four times or so, and not as often as it could. */
    printf("%s\n", loop.turns - before < 30 ? "patient" : "in circles");
    close(spare);
    while (!future_done(&t->future))
        loop_run_once(&loop, 1);
    printf("%s\n", fd_of(t) == spare ? "accepted" : "no");
    fflush(stdout);
    _exit(0);
}

/* Ours alone, as asyncio has it for its servers: without a descriptor it says
 * so, once, and comes back to it in a moment.
 */
START_TEST(without_a_descriptor_it_waits)
{
    struct forked f = run_forked(starve, &_i);
    ck_assert_int_eq(f.status, 0);
    ck_assert_str_eq(f.out, "patient\naccepted\n");
    const char *said = strstr(f.err, "accept: Too many open files\n");
    ck_assert_msg(said != NULL, "%s", f.err);
    ck_assert_ptr_null(strstr(said + 1, "accept"));
}
END_TEST

TCase *eventloop_stream(void)
{
    TCase *tc = tcase_create("stream");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, reads_what_is_there_or_waits, 0, BACKENDS);
    tcase_add_loop_test(tc, who_has_much_to_read_lets_others_run, 0, BACKENDS);
    tcase_add_loop_test(tc, no_word_is_missed, 0, BACKENDS);
    tcase_add_loop_test(tc, half_closed_it_can_still_be_written_to, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, writes_all_of_it, 0, BACKENDS);
    tcase_add_loop_test(tc, nothing_is_written_at_once, 0, BACKENDS);
    tcase_add_loop_test(tc, reads_while_it_writes, 0, BACKENDS);
    tcase_add_loop_test(tc, who_has_gone_is_not_written_to, 0, BACKENDS);
    tcase_add_loop_test(tc, who_goes_while_it_is_written_ends_it, 0, BACKENDS);
    tcase_add_loop_test(tc, connects_and_accepts, 0, BACKENDS);
    tcase_add_loop_test(tc, nobody_is_connected_to, 0, BACKENDS);
    tcase_add_loop_test(tc, a_reset_is_an_error, 0, BACKENDS);
    tcase_add_loop_test(tc, a_cancelled_read_takes_nothing, 0, BACKENDS);
    tcase_add_loop_test(tc, a_cancelled_write_tells_how_far_it_came, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, a_cancelled_connection_is_closed, 0, BACKENDS);
    tcase_add_loop_test(tc, a_cancelled_accept_accepts_nobody, 0, BACKENDS);
    tcase_add_loop_test(tc, nobody_is_not_told_for_ever, 0, BACKENDS);
    tcase_add_loop_test(tc, closing_twice_is_closing_once, 0, BACKENDS);
    tcase_add_loop_test(tc, select_refuses_what_it_cannot_hold, 0, BACKENDS);
    tcase_add_loop_test(tc, without_a_descriptor_it_waits, 0, BACKENDS);
    return tc;
}
