/* The echo servers: what every one of them has to pass, whatever it waits with.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "05_select/echo.h"
#include "tests/forked.h"
#include "tests/support.h"

/* One that serves its clients in turn comes first: what is about several at
 * once begins behind it.
 */
enum { BLOCKING, AT_ONCE };
static const struct {
    const char *chapter, *name, *options;
    bool holds_1024;         /* descriptors, and no more */
    const char *environment; /* LOOP_BACKEND=poll, for one with a loop */
} servers[] = {
    {"05_select", "echo_blocking", "", false, ""},
    {"05_select", "echo_select", "", true, ""},
    {"05_select", "echo_poll", "", false, ""},
    {"05_select", "echo_epoll", "", false, ""},
    {"05_select", "echo_selector", "", false, ""},
    {"05_select", "echo_selector", "-b poll", false, ""},
    {"05_select", "echo_selector", "-b select", true, ""},
    {"06_generators", "scheduler", "", true, ""},
    {"07_eventloop", "streams_echo", "", false, ""},
    {"07_eventloop", "streams_echo", "", false, "LOOP_BACKEND=poll"},
    {"07_eventloop", "streams_echo", "", true, "LOOP_BACKEND=select"},
};

static struct {
    pid_t pid;
    int err;
    int port;
} server;

/* --- Start and stop -------------------------------------------------------- */

/* Runs it by way of the shell, after the words given, and waits until it has
 * printed where it listens: the last number of its first line. A test that
 * fails just ends, and the server with it.
 */
static void start_after(int which, const char *words, int port)
{
    int out[2];
    int err[2];
    char shell[256];
    char line[128];
    size_t used = 0;
    char *path = built(servers[which].chapter, servers[which].name);
    snprintf(shell, sizeof shell, "%s %s exec \"$0\" -p %d %s", words,
             servers[which].environment, port, servers[which].options);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
    server.pid = fork();
    ck_assert_int_ne(server.pid, -1);
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        /* Check has files open that it does not close on exec. */
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp("sh", "sh", "-c", shell, path, NULL);
        _exit(127);
    }
    close(out[1]);
    close(err[1]);
    server.err = err[0];
    do {
        struct pollfd polled = {out[0], POLLIN, 0};
        ck_assert_int_eq(poll(&polled, 1, 30000), 1);
        ssize_t n = read(out[0], line + used, sizeof line - 1 - used);
        ck_assert_int_gt(n, 0);
        used += (size_t)n;
        line[used] = '\0';
    } while (line[used - 1] != '\n');
    while (used > 0 && !isdigit((unsigned char)line[used - 1]))
        used--;
    while (used > 0 && isdigit((unsigned char)line[used - 1]))
        used--;
    server.port = atoi(line + used);
    ck_assert_int_gt(server.port, 0);
    close(out[0]);
    free(path);
}

static void start(int which)
{
    start_after(which, "", 0);
}

/* Sends the signal, which is to end it well; returns what was on stderr. */
static const char *stop_by(int signal)
{
    static char text[8192];
    int status;
    kill(server.pid, signal);
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    ssize_t n = read(server.err, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "status %d: %s", status, text);
    close(server.err);
    return text;
}

static void stop(void)
{
    ck_assert_str_eq(stop_by(SIGTERM), "");
}

/* --- Clients --------------------------------------------------------------- */

/* No wait of ours is longer than this. */
enum { PATIENCE = 20 };

/* A connection; size: of the kernel's buffer for what comes, 0: as it is. */
static int dial_with(int size)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)server.port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {PATIENCE, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_msg(fd != -1, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (size != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    ck_assert_msg(connect(fd, (struct sockaddr *)&a, sizeof a) == 0,
                  "connect: %s", strerror(errno));
    return fd;
}

static int dial(void)
{
    return dial_with(0);
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void expect(int fd, const char *text)
{
    char heard[256];
    size_t n = strlen(text);
    ssize_t got = recv(fd, heard, n, MSG_WAITALL);
    ck_assert_msg(got == (ssize_t)n && memcmp(heard, text, n) == 0,
                  "not '%s' but '%.*s': %s", text, got > 0 ? (int)got : 0,
                  heard, strerror(errno));
}

/* It ends as it should, and is not reset. */
static void expect_clean_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    ck_assert_msg(n == 0, "not its end: %d, %s", (int)n, strerror(errno));
    close(fd);
}

/* It is cut: there may be things that nobody has read. */
static void expect_end(int fd)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        continue;
    ck_assert_msg(n == 0 || errno == ECONNRESET || errno == EPIPE,
                  "not its end: %s", strerror(errno));
    close(fd);
}

/* It says nothing for a while (which no test waits for that could fail). */
static void expect_silence(int fd)
{
    struct pollfd polled = {fd, POLLIN, 0};
    ck_assert_int_eq(poll(&polled, 1, 150), 0);
}

static void leave_by_reset(int fd)
{
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

/* The byte at that place of a long text: all values come, in no short period.
 */
static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 7 + i / 256 * 31 + i / 65536);
}

static unsigned char upper(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - 32) : c;
}

/* Says as much of the text as goes, without waiting. Returns where it is. */
static size_t say_some(int fd, size_t from, size_t length)
{
    static unsigned char piece[65536];
    size_t n = length - from < sizeof piece ? length - from : sizeof piece;
    for (size_t i = 0; i < n; i++)
        piece[i] = byte_at(from + i);
    ssize_t sent = send(fd, piece, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    ck_assert_msg(sent != -1 || errno == EAGAIN, "send: %s", strerror(errno));
    return from + (sent == -1 ? 0 : (size_t)sent);
}

/* Hears as much as there is, and checks it. Returns where it is. */
static size_t hear_some(int fd, size_t from)
{
    static unsigned char piece[65536];
    ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    ck_assert_msg(n > 0 || (n == -1 && errno == EAGAIN),
                  "the end after %zu bytes: %s", from, strerror(errno));
    ssize_t same = 0;
    while (same < n && piece[same] == upper(byte_at(from + (size_t)same)))
        same++;
    ck_assert_msg(same >= n, "another byte at %zu", from + (size_t)same);
    return from + (n == -1 ? 0 : (size_t)n);
}

/* Says the rest and hears the rest of a text of that length. */
static void say_and_hear(int fd, size_t said, size_t heard, size_t length)
{
    while (heard < length) {
        struct pollfd polled = {
            fd, (short)(said < length ? POLLIN | POLLOUT : POLLIN), 0};
        ck_assert_int_eq(poll(&polled, 1, PATIENCE * 1000), 1);
        if (polled.revents & POLLOUT)
            said = say_some(fd, said, length);
        if (polled.revents & ~POLLOUT)
            heard = hear_some(fd, heard);
    }
}

/* Says, and never listens, until no more goes. Returns how much. */
static size_t flood(int fd)
{
    enum { MOST = 64 << 20 };
    size_t said = 0;
    struct pollfd polled = {fd, POLLOUT, 0};
    while (poll(&polled, 1, 100) == 1) {
        said = say_some(fd, said, MOST + 1);
        ck_assert_msg(said <= MOST, "it takes without end");
    }
    return said;
}

/* --- Looking into it ------------------------------------------------------- */

/* Seconds of CPU time so far. */
static double cpu_time(void)
{
    char file[64];
    unsigned long user = 0;
    unsigned long system = 0;
    snprintf(file, sizeof file, "/proc/%d/stat", (int)server.pid);
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(
        fscanf(f, "%*d (%*[^)]) %*c%*d%*d%*d%*d%*d%*u%*u%*u%*u%*u%lu%lu", &user,
               &system),
        2);
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Less than a twentieth of a core, in the next half second. */
static void expect_no_spinning(void)
{
    double before = cpu_time();
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    double used = cpu_time() - before;
    ck_assert_msg(used < 0.025, "%.2f s of CPU time in 0.5 s", used);
}

/* Its memory, in KiB. */
static long memory(void)
{
    char file[64];
    long pages = 0;
    snprintf(file, sizeof file, "/proc/%d/statm", (int)server.pid);
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static void wait_for_state(char wanted)
{
    char file[64];
    char state = '?';
    snprintf(file, sizeof file, "/proc/%d/stat", (int)server.pid);
    while (state != wanted) {
        FILE *f = fopen(file, "r");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
        fclose(f);
    }
}

/* As many descriptors as we may have; returns whether that is enough. */
static bool can_have(rlim_t wanted)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted;
}

/* --- One client ------------------------------------------------------------ */

START_TEST(answers_in_upper_case)
{
    start(_i);
    int fd = dial();
    say(fd, "Hello, world! [a-z] {z} \xd1\x82\n");
    expect(fd, "HELLO, WORLD! [A-Z] {Z} \xd1\x82\n");
    say(fd, "and again");
    expect(fd, "AND AGAIN");
    close(fd);
    stop();
}
END_TEST

START_TEST(one_byte_at_a_time)
{
    start(_i);
    int fd = dial();
    for (int c = 0; c < 256; c++) {
        unsigned char said = (unsigned char)c;
        unsigned char heard;
        ck_assert_int_eq(send(fd, &said, 1, MSG_NOSIGNAL), 1);
        ck_assert_int_eq(recv(fd, &heard, 1, 0), 1);
        ck_assert_uint_eq(heard, upper(said));
    }
    close(fd);
    stop();
}
END_TEST

START_TEST(a_megabyte_in_one_go)
{
    start(_i);
    int fd = dial();
    say_and_hear(fd, 0, 0, 1 << 20);
    say(fd, "and now?");
    expect(fd, "AND NOW?");
    close(fd);
    stop();
}
END_TEST

/* What is said before the end is answered before the end. */
START_TEST(who_has_said_all_hears_all)
{
    enum { LENGTH = 200000 };
    start(_i);
    int fd = dial();
    size_t said = 0;
    size_t heard = 0;
    while (said < LENGTH) {
        struct pollfd polled = {fd, POLLIN | POLLOUT, 0};
        ck_assert_int_eq(poll(&polled, 1, PATIENCE * 1000), 1);
        said = say_some(fd, said, LENGTH);
        /* Of a blocking server a little has to be heard meanwhile. */
        if (_i == BLOCKING)
            heard = hear_some(fd, heard);
    }
    shutdown(fd, SHUT_WR);
    say_and_hear(fd, LENGTH, heard, LENGTH);
    expect_clean_end(fd);
    stop();
}
END_TEST

START_TEST(who_says_nothing_hears_nothing)
{
    start(_i);
    int fd = dial();
    expect_silence(fd);
    shutdown(fd, SHUT_WR);
    expect_clean_end(fd);
    close(dial());
    fd = dial();
    say(fd, "a");
    expect(fd, "A");
    close(fd);
    stop();
}
END_TEST

START_TEST(who_hangs_up_does_no_harm)
{
    start(_i);
    for (int i = 0; i < 20; i++) {
        int fd = dial();
        for (int n = 0; n < 50; n++)
            say(fd, "a line that nobody will hear the answer of\n");
        if (i % 2 == 0)
            leave_by_reset(fd);
        else
            close(fd);
    }
    int fd = dial();
    say(fd, "a");
    expect(fd, "A");
    close(fd);
    stop();
}
END_TEST

/* --- Who does not listen --------------------------------------------------- */

/* It is not listened to, no memory is heaped up, nothing turns in circles; and
 * when it listens after all, nothing is lost.
 */
START_TEST(who_does_not_listen_costs_nothing)
{
    start(_i);
    int fd = dial_with(4096);
    say(fd, "a");
    expect(fd, "A");
    long before = memory();
    size_t said = flood(fd);
    ck_assert_int_lt(memory() - before, 2048);
    expect_no_spinning();
    say_and_hear(fd, said, 0, said);
    say(fd, "and now?");
    expect(fd, "AND NOW?");
    close(fd);
    stop();
}
END_TEST

START_TEST(who_never_listens_may_hang_up)
{
    start(_i);
    for (int i = 0; i < 2; i++) {
        int fd = dial_with(4096);
        flood(fd);
        if (i == 0)
            leave_by_reset(fd);
        else
            close(fd);
    }
    int fd = dial();
    say(fd, "a");
    expect(fd, "A");
    close(fd);
    stop();
}
END_TEST

START_TEST(who_does_not_listen_holds_nobody_up)
{
    start(_i);
    int deaf = dial_with(4096);
    int fd = dial();
    size_t said = flood(deaf);
    for (int i = 0; i < 100; i++) {
        say(fd, "still there?");
        expect(fd, "STILL THERE?");
    }
    say_and_hear(deaf, said, 0, said);
    close(deaf);
    close(fd);
    stop();
}
END_TEST

/* --- Several --------------------------------------------------------------- */

START_TEST(in_turn_or_at_once)
{
    start(_i);
    int first = dial();
    int second = dial();
    say(second, "me");
    if (_i == BLOCKING)
        expect_silence(second);
    else
        expect(second, "ME");
    say(first, "no, me");
    expect(first, "NO, ME");
    close(first);
    if (_i == BLOCKING)
        expect(second, "ME");
    close(second);
    stop();
}
END_TEST

/* Each hears what it has said itself, in any order, while others come and go.
 */
START_TEST(each_hears_its_own)
{
    enum { CLIENTS = 150 };
    int fds[CLIENTS];
    char said[32];
    char wanted[32];
    start(_i);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = dial();
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            snprintf(said, sizeof said, "client %d, round %d", i, round);
            say(fds[i], said);
        }
        for (int n = 0; n < CLIENTS; n++) {
            int i = n * 101 % CLIENTS;
            snprintf(wanted, sizeof wanted, "CLIENT %d, ROUND %d", i, round);
            expect(fds[i], wanted);
            if (i % 6 == round) {
                close(fds[i]);
                fds[i] = dial();
            }
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        shutdown(fds[i], SHUT_WR);
        expect_clean_end(fds[i]);
    }
    stop();
}
END_TEST

START_TEST(descriptors_do_not_add_up)
{
    start_after(_i, "ulimit -n 16;", 0);
    for (int i = 0; i < 60; i++) {
        int fd = dial();
        say(fd, "a");
        expect(fd, "A");
        if (i % 2 == 0) {
            shutdown(fd, SHUT_WR);
            expect_clean_end(fd);
        } else {
            leave_by_reset(fd);
        }
    }
    stop();
}
END_TEST

/* --- Too many -------------------------------------------------------------- */

/* Once, and again when somebody has got in; but not all the time. */
static void expect_complaints(const char *said, int most)
{
    static const char complaint[] = ": accept: Too many open files\n";
    int n = 0;
    const char *p = said;
    while ((p = strchr(p, ':')) != NULL &&
           strncmp(p, complaint, sizeof complaint - 1) == 0) {
        p += sizeof complaint - 1;
        n++;
    }
    ck_assert_msg(p == NULL && n > 0 && n <= most, "%d times, '%s'", n, said);
}

/* Those who are in are served; the others wait, and nothing turns in circles
 * meanwhile; they are let in when there is room.
 */
START_TEST(no_descriptor_left)
{
    enum { MANY = 20 };
    int fds[MANY];
    start_after(_i, "ulimit -n 16;", 0);
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial();
        say(fds[i], "me");
    }
    expect(fds[0], "ME");
    expect_no_spinning();
    expect_silence(fds[MANY - 1]);
    /* Nor does it when there is much to do besides. */
    for (int i = 0; i < 1000; i++) {
        say(fds[0], "and me again");
        expect(fds[0], "AND ME AGAIN");
    }
    for (int i = 0; i < MANY; i++) {
        if (i > 0)
            expect(fds[i], "ME");
        close(fds[i]);
    }
    int fd = dial();
    say(fd, "a");
    expect(fd, "A");
    close(fd);
    expect_complaints(stop_by(SIGTERM), 1 + MANY);
}
END_TEST

/* Not a single client gets in. (The others need descriptors of their own.) */
START_TEST(no_descriptor_at_all)
{
    start_after(_i, "ulimit -n 4;", 0);
    int fd = dial();
    say(fd, "me");
    expect_no_spinning();
    expect_silence(fd);
    expect_complaints(stop_by(SIGTERM), 1);
    expect_end(fd);
}
END_TEST

/* Who reads its complaints may have gone, without being the end of it. */
START_TEST(nobody_hears_its_complaints)
{
    int fds[20];
    start_after(_i, "ulimit -n 16;", 0);
    close(server.err);
    for (int i = 0; i < 20; i++) {
        fds[i] = dial();
        say(fds[i], "me");
    }
    for (int i = 0; i < 20; i++) {
        expect(fds[i], "ME");
        close(fds[i]);
    }
    ck_assert_str_eq(stop_by(SIGTERM), "");
}
END_TEST

/* select has bits for 1,024 descriptors, and says so to who comes later; the
 * others have no such bound.
 */
START_TEST(more_than_select_can_hold)
{
    enum { MANY = 1040 };
    static const char refusal[] = "refused: select holds no more clients\n";
    int fds[MANY];
    int refused = 0;
    if (!can_have(MANY + 64))
        return;
    /* It takes what it is allowed, which may be more than it has at first. */
    start_after(_i, "ulimit -Sn 256;", 0);
    for (int i = 0; i < MANY; i++) {
        char first;
        fds[i] = dial();
        say(fds[i], "me");
        ck_assert_int_eq(recv(fds[i], &first, 1, MSG_PEEK), 1);
        if (first == 'M') {
            expect(fds[i], "ME");
            ck_assert_int_eq(refused, 0);
        } else {
            expect(fds[i], refusal);
            expect_clean_end(fds[i]);
            refused++;
        }
    }
    /* Descriptors below 1,024, without 0 to 2 and those of its own. */
    int in = MANY - refused;
    if (servers[_i].holds_1024)
        ck_assert_msg(in > 1000 && in <= 1020, "%d are in", in);
    else
        ck_assert_int_eq(refused, 0);
    for (int i = 0; i < in; i++) {
        say(fds[i], "still there?");
        expect(fds[i], "STILL THERE?");
    }
    /* Whoever leaves makes room. */
    shutdown(fds[7], SHUT_WR);
    expect_clean_end(fds[7]);
    fds[7] = dial();
    say(fds[7], "me");
    expect(fds[7], "ME");
    for (int i = 0; i < in; i++)
        close(fds[i]);
    /* Said once, or clients could fill up whatever it is written to. */
    const char *said = stop_by(SIGTERM);
    const char *colon = strchr(said, ':');
    ck_assert_str_eq(colon ? colon : "",
                     refused ? ": refused: select holds no more clients\n"
                             : "");
}
END_TEST

static void start_among_many(const void *which)
{
    char command[256];
    int i = *(const int *)which;
    char *path = built(servers[i].chapter, servers[i].name);
    snprintf(command, sizeof command, "%s exec %s -p 0 %s",
             servers[i].environment, path, servers[i].options);
    free(path);
    for (int fd = 3; fd < 1030; fd++)
        dup2(STDIN_FILENO, fd);
    execlp("sh", "sh", "-c", command, NULL);
}

/* There may be no descriptor that select can hold when it starts: it says so.
 */
START_TEST(no_low_descriptor_left)
{
    if (!servers[_i].holds_1024 || !can_have(1100))
        return;
    struct forked ended = run_forked(start_among_many, &_i);
    ck_assert_msg(WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 1 &&
                      strstr(ended.err, ": select: ") != NULL,
                  "status %d: %s", ended.status, ended.err);
}
END_TEST

/* --- Signals, and the end -------------------------------------------------- */

/* epoll_wait comes back with EINTR when its process is stopped and goes on. */
START_TEST(being_stopped_is_no_end)
{
    start(_i);
    int fd = dial();
    for (int i = 0; i < 5; i++) {
        say(fd, "a");
        expect(fd, "A");
        kill(server.pid, SIGSTOP);
        wait_for_state('T');
        kill(server.pid, SIGCONT);
    }
    say(fd, "b");
    expect(fd, "B");
    close(fd);
    stop();
}
END_TEST

/* With clients that are silent, have been answered, and do not listen. */
START_TEST(signals_end_it_cleanly)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        start(_i);
        int answered = dial();
        int silent = dial();
        int deaf = dial_with(4096);
        say(answered, "a");
        expect(answered, "A");
        flood(deaf);
        ck_assert_str_eq(stop_by(signals[i]), "");
        expect_end(answered);
        expect_end(silent);
        expect_end(deaf);
    }
}
END_TEST

/* Also where it waits to be let off by one that does not listen. */
START_TEST(signals_end_a_wait_to_write)
{
    start(_i);
    int deaf = dial_with(4096);
    flood(deaf);
    stop();
    expect_end(deaf);
}
END_TEST

/* The address is free again as soon as it has ended, whoever hung up first. */
START_TEST(port_can_be_taken_again)
{
    start(_i);
    int fd = dial();
    say(fd, "a");
    expect(fd, "A");
    int port = server.port;
    stop();
    expect_end(fd);
    start_after(_i, "", port);
    fd = dial();
    say(fd, "a");
    expect(fd, "A");
    close(fd);
    stop();
}
END_TEST

/* --- The module ------------------------------------------------------------ */

/* Part of an answer is gone: it waits to write, also where nobody will say
 * anything more.
 */
START_TEST(a_part_of_an_answer_is_not_the_end_of_it)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof a;
    int small = 1024;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&a, &length);
    server.port = ntohs(a.sin_port);
    int fd = dial_with(small);
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    struct echo *client = echo_open(accepted);
    ck_assert_int_eq(client->wants, ECHO_READ);
    ck_assert_int_eq(echo_step(client), ECHO_READ);

    /* So many bytes at a time that one of the answers must go in parts. */
    size_t said = 0;
    size_t heard = 0;
    while (client->sent == client->length) {
        said = say_some(fd, said, said + ECHO_SIZE);
        struct pollfd polled = {accepted, POLLIN, 0};
        ck_assert_int_eq(poll(&polled, 1, PATIENCE * 1000), 1);
        ck_assert_int_eq(echo_step(client), client->sent < client->length
                                                ? ECHO_WRITE
                                                : ECHO_READ);
    }
    ck_assert_int_gt(client->sent, 0);
    ck_assert_int_eq(echo_step(client), ECHO_WRITE);
    while (heard < said) {
        heard = hear_some(fd, heard);
        if (client->wants != ECHO_OVER)
            echo_step(client);
    }
    shutdown(fd, SHUT_WR);
    while (echo_step(client) != ECHO_OVER)
        continue;
    echo_close_all();
    expect_clean_end(fd);
    close(listener);
}
END_TEST

/* --- All of them ----------------------------------------------------------- */

/* A busy machine holds up callbacks, too, and a loop would say so: that is not
 * what its complaints are looked at for.
 */
static void never_slow(void)
{
    setenv("LOOP_SLOW_CALLBACK", "60", 1);
}

TCase *select_echo(void)
{
    TCase *tc = tcase_create("echo");
    int count = (int)(sizeof servers / sizeof *servers);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, never_slow, NULL);
    tcase_add_loop_test(tc, answers_in_upper_case, 0, count);
    tcase_add_loop_test(tc, one_byte_at_a_time, 0, count);
    tcase_add_loop_test(tc, a_megabyte_in_one_go, 0, count);
    tcase_add_loop_test(tc, who_has_said_all_hears_all, 0, count);
    tcase_add_loop_test(tc, who_says_nothing_hears_nothing, 0, count);
    tcase_add_loop_test(tc, who_hangs_up_does_no_harm, 0, count);
    tcase_add_loop_test(tc, who_does_not_listen_costs_nothing, 0, count);
    tcase_add_loop_test(tc, who_never_listens_may_hang_up, 0, count);
    tcase_add_loop_test(tc, in_turn_or_at_once, 0, count);
    tcase_add_loop_test(tc, descriptors_do_not_add_up, 0, count);
    tcase_add_loop_test(tc, being_stopped_is_no_end, 0, count);
    tcase_add_loop_test(tc, signals_end_it_cleanly, 0, count);
    tcase_add_loop_test(tc, signals_end_a_wait_to_write, 0, count);
    tcase_add_loop_test(tc, port_can_be_taken_again, 0, count);
    tcase_add_test(tc, a_part_of_an_answer_is_not_the_end_of_it);
    tcase_add_loop_test(tc, no_low_descriptor_left, AT_ONCE, count);
    tcase_add_loop_test(tc, no_descriptor_at_all, BLOCKING, AT_ONCE);

    tcase_add_loop_test(tc, who_does_not_listen_holds_nobody_up, AT_ONCE,
                        count);
    tcase_add_loop_test(tc, each_hears_its_own, AT_ONCE, count);
    tcase_add_loop_test(tc, no_descriptor_left, AT_ONCE, count);
    tcase_add_loop_test(tc, nobody_hears_its_complaints, AT_ONCE, count);
    tcase_add_loop_test(tc, more_than_select_can_hold, AT_ONCE, count);
    return tc;
}
