/* fetch: a URL comes as a file, whole, or it is told why not, whatever the
 * server does; and the program that does it with a list of them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "07_eventloop/fetch.h"
#include "07_eventloop/mischief.h"
#include "07_eventloop/waiting.h"
#include "tests/loops.h"
#include "tests/support.h"

/* --- Fetches, in a loop of our own ---------------------------------------- */

static struct mischief server;
static struct fetching fetching;
static char *path;

static void begin(int backend, int places)
{
    path = new_folder();
    setenv("LOOP_BACKEND", backends[backend], 1);
    ck_assert_int_eq(mischief_listen(&server, "127.0.0.1"), 0);
    mischief_start(&server);
    fetching = (struct fetching){
        .folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    begin_loop(backend);
    ck_assert_int_eq(fetch_pool_init(&fetching.pool, places), 0);
}

static int files_in(const char *folder)
{
    int n = -2;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void finish(int files)
{
    ck_assert_int_eq(files_in(path), files);
    fetch_pool_free(&fetching.pool);
    end_loop();
    close(fetching.folder);
    mischief_stop(&server);
    free(path);
}

/* A fetch that is under way: of a path of the server, or of a whole URL. */
static struct task *start(const char *what)
{
    char text[512];
    struct http_url url;
    snprintf(text, sizeof text, "%s%s", *what == '/' ? server.url : "", what);
    ck_assert_ptr_null(fetch_url(text, &url));
    return task_create(&loop, fetch, .all = &fetching, .wanted = url);
}

static struct fetch *frame_of(struct task *t)
{
    return (struct fetch *)(void *)t->frame;
}

static struct fetch *result_of(struct task *t)
{
    const char *error = loop_run_until_complete(&loop, &t->future);
    ck_assert_msg(error == NULL, "%s", error);
    return frame_of(t);
}

/* The file that stands under that name has that many bytes of the server's. */
static void expect_file(const char *name, size_t length)
{
    char *whole = NULL;
    char *sent = malloc(length + 1);
    char *came = malloc(length + 1);
    ck_assert_int_gt(asprintf(&whole, "%s/%s", path, name), 0);
    if (length == strlen(mischief_hello))
        memcpy(sent, mischief_hello, length);
    else
        mischief_bytes(0, sent, length);
    FILE *file = fopen(whole, "r");
    ck_assert_msg(file != NULL, "%s", whole);
    ck_assert_uint_eq(fread(came, 1, length + 1, file), length);
    ck_assert_int_eq(memcmp(came, sent, length), 0);
    fclose(file);
    free(sent);
    free(came);
    free(whole);
}

static void expect_came(const char *what, size_t length)
{
    struct task *t = start(what);
    const struct fetch *f = result_of(t);
    ck_assert_msg(f->outcome == FETCH_CAME, "%s: %s", what, f->why);
    ck_assert_int_eq(f->length, (int64_t)length);
    expect_file(f->name, length);
    task_release(t);
}

static void expect_failed(const char *what, const char *why, int tries)
{
    struct task *t = start(what);
    const struct fetch *f = result_of(t);
    ck_assert_int_eq(f->outcome, FETCH_FAILED);
    ck_assert_msg(strcmp(f->why, why) == 0, "%s: %s", what, f->why);
    ck_assert_int_eq(f->tries, tries);
    task_release(t);
}

/* --- What comes ----------------------------------------------------------- */

START_TEST(what_comes_is_what_was_sent)
{
    begin(_i, 1);
    expect_came("/bytes/0", 0);
    expect_came("/bytes/1", 1);
    expect_came("/bytes/1000000", 1000000);
    expect_came("/chunks/0", 0);
    expect_came("/chunks/1000000", 1000000);
    expect_came("/rest/0", 0);
    expect_came("/rest/1000000", 1000000);
    expect_came("/none", 0);
    expect_came("/interim", 13);
    expect_came("/moved", 1000);
    expect_came("/hops/10", 0);
    expect_came("/bytes/65536", 65536);
    expect_came("/bytes/65537", 65537);
    finish(13);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    begin(_i, 3);
    for (int i = 101; i <= 120; i++) {
        char what[32];
        snprintf(what, sizeof what, i % 2 ? "/bytes/%d" : "/chunks/%d", i);
        expect_came(what, (size_t)i);
        expect_failed("/missing", "404 Not Found", 1);
    }
    ck_assert_int_eq(server.counts->connections, 1);
    ck_assert_int_eq(server.counts->requests, 40);
    finish(20);
}
END_TEST

/* Two hosts, and one place: the connection to the one goes for the other. */
START_TEST(never_more_connections_than_places)
{
    struct mischief other;
    begin(_i, 1);
    struct mischief first = server;
    ck_assert_int_eq(mischief_listen(&other, "127.0.0.1"), 0);
    other.pid = -1;
    /* Nobody serves there, but there it can connect. */
    char far[100];
    snprintf(far, sizeof far, "%s/x", other.url);
    for (int i = 0; i < 3; i++) {
        expect_came("/bytes/10", 10);
        struct task *t = start(far);
        for (int k = 0; k < 10; k++)
            loop_run_once(&loop, 0.01);
        ck_assert(!future_done(&t->future));
        future_cancel(&t->future);
        loop_run_until_complete(&loop, &t->future);
        task_release(t);
    }
    ck_assert_int_eq(first.counts->connections, 3);
    ck_assert_int_eq(first.counts->most, 1);
    close(other.listener);
    /* It was open before the loop began to count. */
    finish(1);
}
END_TEST

/* It says that it keeps the connection, and closes it. Whether that is noticed
 * before the next request or after it, there is no failure in it.
 */
START_TEST(a_connection_that_ended_is_made_anew)
{
    begin(_i, 1);
    for (int i = 0; i < 20; i++)
        expect_came("/tired", 13);
    ck_assert_int_eq(server.counts->connections, 20);
    finish(1);
}
END_TEST

struct something_comes {
    int fd;
};

static const char *something_comes(void *frame)
{
    struct pollfd polled = {((struct something_comes *)frame)->fd, POLLIN, 0};
    poll(&polled, 1, 10000);
    return NULL;
}

/* What comes behind an answer is not taken for the next one: neither what comes
 * along with it, nor what comes when the connection is idle.
 */
START_TEST(nobody_gets_what_another_was_sent)
{
    begin(_i, 1);
    for (int i = 0; i < 3; i++) {
        expect_came("/long", 13);
        expect_came("/bytes/500", 500);
        expect_came("/late", 13);
        struct future *f = run_in_executor(
            &loop, something_comes, .fd = fetching.pool.places->stream.fd);
        loop_run_until_complete(&loop, f);
        future_release(f);
        expect_came("/bytes/500", 500);
    }
    finish(3);
}
END_TEST

/* Of the same URL many times at once there is one file, and it is whole. */
START_TEST(the_same_url_many_times)
{
    struct task *tasks[20];
    begin(_i, 20);
    for (int i = 0; i < 20; i++)
        tasks[i] = start("/bytes/300000");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(result_of(tasks[i])->outcome, FETCH_CAME);
        task_release(tasks[i]);
    }
    expect_came("/bytes/300000", 300000);
    ck_assert_int_le(server.counts->most, 20);
    finish(1);
}
END_TEST

START_TEST(only_what_is_missing)
{
    begin(_i, 1);
    expect_came("/bytes/10", 10);
    fetching.only_missing = true;
    struct task *t = start("/bytes/10");
    ck_assert_int_eq(result_of(t)->outcome, FETCH_THERE);
    task_release(t);
    expect_came("/bytes/11", 11);
    expect_failed("/short", "it ended after 13 of 100 bytes", 1);
    expect_failed("/short", "it ended after 13 of 100 bytes", 1);
    ck_assert_int_eq(server.counts->requests, 4);
    finish(2);
}
END_TEST

START_TEST(with_fsync)
{
    begin(_i, 1);
    fetching.sync = true;
    expect_came("/bytes/100000", 100000);
    finish(1);
}
END_TEST

static bool has_address(const char *name, int family)
{
    struct addrinfo wanted = {.ai_family = family};
    struct addrinfo *found = NULL;
    bool has = getaddrinfo(name, NULL, &wanted, &found) == 0;
    if (has)
        freeaddrinfo(found);
    return has;
}

START_TEST(names_and_addresses)
{
    begin(_i, 2);
    char text[100];
    struct mischief other;
    /* A machine without /etc/hosts need not know localhost; what is no address
     * but can be read as one goes the same way.
     */
    const char *name =
        has_address("localhost", AF_INET) ? "localhost" : "127.1";
    const char *port = strrchr(server.url, ':');
    snprintf(text, sizeof text, "http://%s%s/bytes/10", name, port);
    struct task *t = start(text);
    ck_assert_msg(result_of(t)->outcome == FETCH_CAME, "%s",
                  frame_of(t)->why); /* whichever address comes first */
    expect_file(frame_of(t)->name, 10);
    task_release(t);
    finish(1);

    if (mischief_listen(&other, "::1") == -1)
        return; /* no IPv6 here */
    server = other;
    path = new_folder();
    mischief_start(&server);
    fetching = (struct fetching){
        .folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    begin_loop(_i);
    ck_assert_int_eq(fetch_pool_init(&fetching.pool, 1), 0);
    ck_assert_int_eq(strncmp(server.url, "http://[::1]:", 13), 0);
    expect_came("/bytes/1000?q", 1000);
    /* Where the name has both addresses, one of the two servers was not at the
     * first one.
     */
    bool has_both = has_address("localhost", AF_INET6);
    if (has_both) {
        snprintf(text, sizeof text, "http://localhost%s/bytes/10",
                 strrchr(server.url, ':'));
        expect_came(text, 10);
    }
    finish(1 + has_both);
}
END_TEST

/* --- What does not -------------------------------------------------------- */

static const struct {
    const char *path, *why;
    int tries; /* with one retry */
} failures[] = {
    {"/short", "it ended after 13 of 100 bytes", 2},
    {"/cut", "it ended in mid-answer", 2},
    {"/cut-chunk", "it ended in mid-answer", 2},
    {"/bad-chunk", "no HTTP: a chunk is not a size, bytes and a line end", 1},
    {"/two-lengths", "no HTTP: Content-Length is not one number", 1},
    {"/garbage", "no HTTP: the first line is not one of HTTP", 1},
    {"/endless-head", "no HTTP: the fields are too large", 1},
    {"/endless-body", "it is longer than 100000 bytes", 1},
    {"/bytes/100001", "it is longer than 100000 bytes", 1},
    {"/chunks/100001", "it is longer than 100000 bytes", 1},
    {"/rest/100001", "it is longer than 100000 bytes", 1},
    {"/reset", "the connection was reset", 2},
    {"/loop", "more than 10 redirects", 1},
    {"/hops/11", "more than 10 redirects", 1},
    {"/to-https",
     "it redirects: https:// is encrypted, which is not done here: use curl",
     1},
    {"/nowhere", "302 Found", 1},
    {"/part", "206 Partial Content", 1},
    {"/busy", "503 Service Unavailable", 2},
    {"/missing", "404 Not Found", 1},
    {"http://127.0.0.1:1/", "Connection refused", 2},
    {"http://0000000000000000000000000000000000000000000000000000000000000000"
     ".test/",
     "there is no host of that name", 1},
};
enum { FAILURES = sizeof failures / sizeof *failures };

START_TEST(what_fails_has_its_reason_and_leaves_nothing)
{
    begin(_i, 1);
    fetching.retries = 1;
    fetching.max_bytes = 100000;
    for (int i = 0; i < FAILURES; i++) {
        expect_failed(failures[i].path, failures[i].why, failures[i].tries);
        ck_assert_int_eq(files_in(path), 0);
    }
    struct task *t = start("/short");
    ck_assert_int_eq(result_of(t)->length, 13); /* the second time, too */
    task_release(t);
    expect_came("/bytes/100000", 100000); /* it is none the worse for it */
    finish(1);
}
END_TEST

START_TEST(what_was_busy_comes_the_next_time)
{
    begin(_i, 1);
    fetching.retries = 1;
    struct task *t = start("/flaky");
    ck_assert_msg(result_of(t)->outcome == FETCH_CAME, "%s", frame_of(t)->why);
    ck_assert_int_eq(frame_of(t)->tries, 2);
    expect_file(frame_of(t)->name, 13);
    task_release(t);
    finish(1);
}
END_TEST

START_TEST(a_disk_that_refuses)
{
    struct rlimit before;
    begin(_i, 1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit little = {100000, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    fetching.retries = 5;
    expect_failed("/bytes/300000", "its file: File too large", 1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    expect_came("/bytes/300000", 300000);
    finish(1);
}
END_TEST

/* A limit on the whole, not on progress. One after the other, each with all of
 * its time.
 */
START_TEST(no_patience_without_end)
{
    static const char *const slow[] = {"/slow", "/silence", "/endless-interim",
                                       "/endless-body"};
    begin(_i, 1);
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct task *t = start(slow[i]);
        struct task *waiter =
            task_create(&loop, wait_for, .future = &t->future, .seconds = 0.15);
        double before = loop_time();
        ck_assert_ptr_eq(loop_run_until_complete(&loop, &waiter->future),
                         error_timeout);
        ck_assert_double_ge(loop_time() - before, 0.149);
        ck_assert(future_cancelled(&t->future));
        ck_assert_int_eq(files_in(path), 0);
        task_release(waiter);
        task_release(t);
    }
    expect_came("/bytes/10", 10);
    finish(1);
}
END_TEST

/* Cancelled after so many turns: in the look-up, the connecting, the head, the
 * body, the file. Nothing is left, but what is whole.
 */
START_TEST(cancelled_anywhere)
{
    begin(_i % BACKENDS, 1);
    struct task *t = start(_i / BACKENDS % 2 ? "/bytes/500000" : "/moved");
    for (int i = 0; i < _i / BACKENDS && !future_done(&t->future); i++)
        loop_run_once(&loop, 0.01);
    future_cancel(&t->future);
    loop_run_until_complete(&loop, &t->future);
    bool came = !future_cancelled(&t->future);
    if (came)
        ck_assert_int_eq(frame_of(t)->outcome, FETCH_CAME);
    task_release(t);
    ck_assert_int_eq(files_in(path), came);
    expect_came("/bytes/20", 20);
    finish(1 + came);
}
END_TEST

/* --- The disk holds back the server --------------------------------------- */

static sem_t begun;
static sem_t may_end;

struct held {
    int unused;
};

static const char *held(void *frame)
{
    (void)frame;
    sem_post(&begun);
    while (sem_wait(&may_end) == -1)
        continue;
    return NULL;
}

/* The thread that writes is held up, after the first megabyte. As soon as the
 * buffers are full, ours and the kernel's, the server cannot send any more.
 */
START_TEST(a_slow_disk_holds_back_the_server)
{
    enum { LENGTH = 256 * 1024 * 1024 };
    begin(_i, 1);
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    ck_assert_int_eq(loop_set_default_executor(&loop, 1), 0);
    char what[64];
    snprintf(what, sizeof what, "/bytes/%d", LENGTH);
    struct task *t = start(what);
    while (fetching.bytes < 1000000)
        loop_run_once(&loop, 1);
    struct future *holding = run_in_executor(&loop, held, .unused = 0);
    while (sem_trywait(&begun) == -1)
        loop_run_once(&loop, 0.01);
    long long before = -1;
    int64_t taken = -1;
    /* Until nothing has moved for a while. */
    while (before != server.counts->sent || taken != fetching.bytes) {
        before = server.counts->sent;
        taken = fetching.bytes;
        for (int i = 0; i < 10; i++)
            loop_run_once(&loop, 0.02);
    }
    ck_assert_int_lt(before, LENGTH / 4);
    ck_assert_int_lt(taken, LENGTH / 4);
    sem_post(&may_end);
    future_cancel(&t->future); /* that it is got whole, others test */
    loop_run_until_complete(&loop, &t->future);
    task_release(t);
    run();
    future_release(holding);
    finish(0);
}
END_TEST

/* --- A server that closes as we ask --------------------------------------- */

static int listener;

/* Answers the first request of a connection, and ends that when the second one
 * has come.
 */
static void *serve_one_each(void *unused)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n";
    for (;;) {
        char bytes[4096];
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1)
            return unused;
        if (recv(fd, bytes, sizeof bytes, 0) > 0)
            send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
        (void)!recv(fd, bytes, sizeof bytes, 0);
        close(fd);
    }
}

START_TEST(an_idle_connection_may_end_as_it_is_used)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    pthread_t thread;
    char text[64];
    path = new_folder();
    fetching = (struct fetching){
        .folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ck_assert_int_eq(fetch_pool_init(&fetching.pool, 1), 0);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(listener, 10), 0);
    getsockname(listener, (struct sockaddr *)&a, &size);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve_one_each, NULL), 0);
    setenv("LOOP_BACKEND", backends[_i], 1);
    ck_assert_int_eq(loop_init(&loop), 0);
    snprintf(text, sizeof text, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    for (int i = 0; i < 5; i++) {
        struct task *t = start(text);
        ck_assert_msg(result_of(t)->outcome == FETCH_CAME, "%s",
                      frame_of(t)->why);
        ck_assert_int_eq(frame_of(t)->tries, 1);
        task_release(t);
    }
    fetch_pool_free(&fetching.pool);
    loop_close(&loop);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    close(fetching.folder);
    free(path);
}
END_TEST

/* --- The program ---------------------------------------------------------- */

/* A thread of the test, since run_shell wants no other processes. */
static void *serve(void *m)
{
    mischief_serve(m);
}

static const char *start_server(void)
{
    pthread_t thread;
    ck_assert_int_eq(mischief_listen(&server, "127.0.0.1"), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
    return server.url;
}

/* Runs a shell command, where %1$s stands for the server's URL. */
__attribute__((format(printf, 2, 3))) static void expect(const char *printed,
                                                         const char *format,
                                                         ...)
{
    char *command = NULL;
    va_list rest;
    va_start(rest, format);
    ck_assert_int_gt(vasprintf(&command, format, rest), 0);
    va_end(rest);
    struct child child = run_shell(command);
    ck_assert_msg(strcmp(child.out.text, printed) == 0, "%s: printed\n%s",
                  command, child.out.text);
    child_free(&child);
    free(command);
}

START_TEST(never_more_at_once_than_the_bound)
{
    const char *url = start_server();
    expect("failed   7\n",
           "yes %s/silence | head -n 7 |"
           " fetcher -c 5 -t 1 - | grep '^failed  *[0-9]'",
           url);
    ck_assert_int_eq(server.counts->most, 5);
    ck_assert_int_eq(server.counts->connections, 7);
    expect("came     300, 300000 bytes\n",
           "seq -f '%s/bytes/1000?%%g' 300 | fetcher -c 5 - | grep '^came .*,"
           " 300000'",
           url);
    ck_assert_int_eq(server.counts->most, 5);
    ck_assert_int_le(server.counts->connections, 7 + 5); /* keep-alive */
}
END_TEST

/* Until two half files are open in the folder, with a name (of a dot) or, where
 * the file system can do that, without (a #).
 */
#define UNTIL_TWO_HALF                                                         \
    " until [ \"$(ls -l /proc/$!/fd 2>/dev/null | grep -c '/pages/[.#]')\" ="  \
    " 2 ] && [ -s out ]; do :; done;"

/* Interrupted when it has half of the file. */
START_TEST(ctrl_c_leaves_no_half_file)
{
    static const char *const signals[] = {"INT", "TERM", "HUP"};
    const char *url = start_server();
    expect("status 1\n"
           "\ncame     1, 10 bytes\nfailed   0\nstopped  2, half-way\n"
           "came     1\n",
           "printf '%%s\\n' %s/bytes/10 %s/slow %s/slow?2 >urls;"
           " fetcher -o pages urls >out & " UNTIL_TWO_HALF
           " kill -%s $!; wait $!; echo status $?; sed 1d out;"
           " echo 'came     '$(ls -A pages | wc -l)",
           url, url, url, signals[_i]);
}
END_TEST

static bool has_files_without_name(void)
{
    char *folder = new_folder();
    int fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    free(folder);
    return fd != -1 && close(fd) == 0;
}

/* Nobody can put that in order, except the kernel. */
START_TEST(kill_9_leaves_no_half_file)
{
    const char *url = start_server();
    if (has_files_without_name())
        expect("1\n",
               "printf '%%s\\n' %s/bytes/10 %s/slow %s/slow?2 >urls;"
               " fetcher -o pages urls >out & " UNTIL_TWO_HALF
               " kill -KILL $!; wait $! 2>/dev/null; ls -A pages | wc -l",
               url, url, url);
}
END_TEST

/* Whoever reads what it prints may leave: the files come. */
START_TEST(a_reader_that_leaves_is_no_reason_to_stop)
{
    const char *url = start_server();
    expect("50\n",
           "seq -f '%s/bytes/%%g' 50 >urls;"
           " { fetcher -c 1 -o pages urls 2>/dev/null; } | true;"
           " ls -A pages | wc -l",
           url);
}
END_TEST

START_TEST(a_second_run_fetches_what_is_missing)
{
    const char *url = start_server();
    expect("status 1, there 2, came 1\n1 2 3\n",
           "printf '%%s\\n' %s/bytes/1 %s/bytes/2 >one;"
           " fetcher -o pages one >/dev/null || echo failed;"
           " printf '%%s\\n' %s/bytes/3 %s/missing | cat one - >two;"
           " fetcher --continue -o pages two >out;"
           " echo status $?, there $(grep -c '^there .*,' out),"
           " came $(grep -c ',3, 3 bytes' out);"
           " echo $(ls -A pages | sed 's/.*,//')",
           url, url, url, url);
    ck_assert_int_eq(server.counts->requests, 4);
}
END_TEST

/* A line that changes, on a terminal; script(1) has one. */
START_TEST(on_a_terminal_one_line_changes)
{
    if (system("command -v script >/dev/null") != 0)
        return;
    const char *url = start_server();
    expect("0 done, 0 failed, 1 running, 0 B/s\n",
           "echo %s/slow >urls; script -qec 'fetcher -t 0.5 -o pages urls'"
           " /dev/null | tr '\\r' '\\n' | sed 's/.*\\[K//' |"
           " grep -m 1 '1 running'",
           url);
}
END_TEST

/* In a network of its own, where the name server takes the question, and that
 * is all. The thread that has asked would wait for minutes, and nobody else
 * does: neither when the time is up nor on Ctrl-C.
 */
START_TEST(a_silent_name_server_holds_nobody_up)
{
    static const char *const ways[] = {
        " fetcher -t 0.3 urls | grep '^failed  *[0-9]'",
        " fetcher urls >out & until [ -e asked ]; do :; done; kill -INT $!;"
        " wait $!; sed -n 's/stopped .*,/failed  /p' out"};
    if (system("unshare -rmn mount -t tmpfs none /tmp 2>/dev/null &&"
               " command -v ip python3 >/dev/null") != 0) {
        printf("(fetch: no network of our own: names are not tested)\n");
        return;
    }
    expect(_i == 0 ? "failed   1\n" : "failed   half-way\n",
           "echo http://silent.example/ >urls; echo 'hosts: dns' >nsswitch;"
           " printf '%%s\\n' 'nameserver 127.0.0.1'"
           "   'options timeout:30 attempts:5' >resolv;"
           " cat >name_server <<'END'\n"
           "import socket\n"
           "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
           "s.bind((\"127.0.0.1\", 53))\n"
           "open(\"there\", \"w\")\n"
           "while s.recv(512): open(\"asked\", \"w\")\n"
           "END\n"
           " cat >script <<'END'\n"
           " ip link set lo up; mount --bind nsswitch /etc/nsswitch.conf;"
           " mount --bind resolv /etc/resolv.conf;"
           " python3 name_server & server=$!;"
           " until [ -e there ]; do sleep 0.01; done;"
           " %s; kill $server; wait\n"
           "END\n"
           " unshare -rmn sh script",
           ways[_i]);
}
END_TEST

/* A list of any length takes no memory, and neither does a body. */
START_TEST(memory_does_not_grow)
{
    struct rusage usage;
    if (!plain_build())
        return; /* sanitizers have a memory of their own */
    const char *url = start_server();
    expect("1048576\n",
           "echo %s/bytes/1048576 | fetcher -o pages - >out;"
           " stat -c %%s pages/*",
           url);
    getrusage(RUSAGE_CHILDREN, &usage);
    long little = usage.ru_maxrss;
    expect("268435456\n",
           "[ -w /dev/shm ] && pages=$(mktemp -d -p /dev/shm) || pages=pages;"
           " echo %s/bytes/268435456 | fetcher -o $pages - >out;"
           " stat -c %%s $pages/*; rm -r $pages",
           url);
    getrusage(RUSAGE_CHILDREN, &usage);
    ck_assert_int_lt(usage.ru_maxrss, little + 2048); /* kB */
    expect("and 99000 more\n", "seq 100000 >urls; fetcher urls >out;"
                               " sed -n 's/^  *and/and/p' out");
    getrusage(RUSAGE_CHILDREN, &usage);
    ck_assert_int_lt(usage.ru_maxrss, little + 2048);
}
END_TEST

/* --- Other people's servers ----------------------------------------------- */

static bool have(const char *tool)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null", tool);
    bool there = system(command) == 0;
    if (!there)
        printf("(fetch: %s is missing: its server is not tested)\n", tool);
    return there;
}

/* Starts the server in the folder www, which has a file empty, a short one and
 * a long one, and fetches them, twice each.
 */
#define WITH_SERVER(start)                                                     \
    "mkdir www tmp; : >www/empty; echo hello >www/short;"                      \
    " head -c 3000000 /dev/urandom >www/long; " start                          \
    " for i in empty short long 'short?x=%%20y&z'; do"                         \
    "   echo http://127.0.0.1:$port/$i; echo http://127.1:$port/$i; done"      \
    "   >urls;"                                                                \
    " echo http://127.0.0.1:$port/none >>urls;"                                \
    " tries=0; until fetcher -r 0 -o try urls | grep 404 >tries; do"           \
    "   sleep 0.05; tries=$((tries + 1)); [ $tries -lt 200 ] || break; done;"  \
    " fetcher -c 3 -o pages urls | tail -n 2; ls pages | wc -l;"               \
    " for f in pages/*,short* ; do cmp $f www/short; done;"                    \
    " for f in pages/*,long; do cmp $f www/long; done;"                        \
    " for f in pages/*,empty; do cmp $f www/empty; done;"                      \
    " kill $pid; wait $pid 2>/dev/null; true"

static const char all_but_one[] = "came     8, 6000024 bytes\nfailed   1\n8\n";

START_TEST(from_pythons_server)
{
    if (have("python3"))
        expect(
            all_but_one,
            WITH_SERVER(
                "python3 -u -c '"
                "import http.server as h, os, sys\n"
                "os.chdir(\"www\")\n"
                "class H(h.SimpleHTTPRequestHandler):\n"
                "    protocol_version = \"HTTP/1.%d\"\n"
                "    def log_message(*a): pass\n"
                "s = h.ThreadingHTTPServer((\"127.0.0.1\", 0), H)\n"
                "open(\"../port\", \"w\").write(\"%%d\\n\" %% s.server_port)\n"
                "s.serve_forever()' & pid=$!;"
                " until [ -s port ]; do sleep 0.05; done; port=$(cat port);"),
            _i);
}
END_TEST

START_TEST(from_nodes_server)
{
    if (have("node"))
        expect(all_but_one,
               WITH_SERVER(
                   "node -e '"
                   "const fs = require(\"fs\");"
                   "require(\"http\").createServer((q, a) => {"
                   "  const f = \"www\" + q.url.split(\"?\")[0];"
                   "  if (!fs.existsSync(f)) { a.statusCode = 404; a.end(); }"
                   "  else fs.createReadStream(f).pipe(a);" /* in chunks */
                   "}).listen(0, \"127.0.0.1\", function () {"
                   "  fs.writeFileSync(\"port\", this.address().port + "
                   "\"\\n\"); });"
                   "' & pid=$!;"
                   " until [ -s port ]; do sleep 0.05; done; port=$(cat port);"
                   "%s"),
               "");
}
END_TEST

/* It cannot say on which port it came to listen, so one is looked for that is
 * free.
 */
START_TEST(from_nginx)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    if (!have("nginx"))
        return;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &size);
    close(fd);
    expect(all_but_one,
           WITH_SERVER("port=%d; chmod 755 . www; cat >conf <<END\n"
                       "daemon off; master_process off; pid $PWD/nginx.pid;"
                       " error_log stderr crit;\n"
                       "events { worker_connections 100; }\n"
                       "http { access_log off; client_body_temp_path $PWD/tmp;"
                       " proxy_temp_path $PWD/tmp; fastcgi_temp_path $PWD/tmp;"
                       " uwsgi_temp_path $PWD/tmp; scgi_temp_path $PWD/tmp;"
                       " server { listen 127.0.0.1:$port; root $PWD/www; } }\n"
                       "END\n"
                       "nginx -e stderr -c $PWD/conf 2>/dev/null & pid=$!;"),
           ntohs(a.sin_port));
}
END_TEST

/* Ours says something else each time; but how long that is. */
START_TEST(from_our_own)
{
    static const char *const servers[] = {"server", "server_threads"};
    expect("Your ip is \"127.0.0.1\"\n11\n",
           "%s -p 0 -d 0 >at & until [ -s at ]; do :; done;"
           " fetcher -o pages at >out; kill $!; wait; tail -n 1 pages/*;"
           " grep -c ' is \\| been \\|!' pages/*",
           servers[_i]);
}
END_TEST

TCase *eventloop_fetch(void)
{
    TCase *tc = tcase_create("fetch");
    tcase_set_timeout(tc, plain_build() ? 60 : 600);
    tcase_add_loop_test(tc, what_comes_is_what_was_sent, 0, BACKENDS);
    tcase_add_loop_test(tc, a_connection_is_used_again, 0, BACKENDS);
    tcase_add_loop_test(tc, never_more_connections_than_places, 0, BACKENDS);
    tcase_add_loop_test(tc, a_connection_that_ended_is_made_anew, 0, BACKENDS);
    tcase_add_loop_test(tc, nobody_gets_what_another_was_sent, 0, BACKENDS);
    tcase_add_loop_test(tc, the_same_url_many_times, 0, BACKENDS);
    tcase_add_loop_test(tc, only_what_is_missing, 0, BACKENDS);
    tcase_add_loop_test(tc, with_fsync, 0, BACKENDS);
    tcase_add_loop_test(tc, names_and_addresses, 0, BACKENDS);
    tcase_add_loop_test(tc, what_fails_has_its_reason_and_leaves_nothing, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, what_was_busy_comes_the_next_time, 0, BACKENDS);
    tcase_add_loop_test(tc, a_disk_that_refuses, 0, BACKENDS);
    tcase_add_loop_test(tc, no_patience_without_end, 0, BACKENDS);
    tcase_add_loop_test(tc, cancelled_anywhere, 0, 20 * BACKENDS);
    tcase_add_loop_test(tc, a_slow_disk_holds_back_the_server, 0, BACKENDS);
    tcase_add_loop_test(tc, an_idle_connection_may_end_as_it_is_used, 0,
                        BACKENDS);
    tcase_add_test(tc, never_more_at_once_than_the_bound);
    tcase_add_loop_test(tc, ctrl_c_leaves_no_half_file, 0, 3);
    tcase_add_test(tc, kill_9_leaves_no_half_file);
    tcase_add_loop_test(tc, a_silent_name_server_holds_nobody_up, 0, 2);
    tcase_add_test(tc, a_reader_that_leaves_is_no_reason_to_stop);
    tcase_add_test(tc, a_second_run_fetches_what_is_missing);
    tcase_add_test(tc, on_a_terminal_one_line_changes);
    tcase_add_test(tc, memory_does_not_grow);
    tcase_add_loop_test(tc, from_pythons_server, 0, 2);
    tcase_add_test(tc, from_nodes_server);
    tcase_add_test(tc, from_nginx);
    tcase_add_loop_test(tc, from_our_own, 0, 2);
    return tc;
}
