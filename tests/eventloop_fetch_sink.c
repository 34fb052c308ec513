/* sink: a file is there when it is whole, and else it is not, whoever ends it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "07_eventloop/sink.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static char *path;
static int folder;

/* From now on as on a file system that has no files without a name. */
static void refuse_unnamed(void)
{
    enum {
        LOW_HALF = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0,
        FLAGS = offsetof(struct seccomp_data, args[2]) + LOW_HALF,
    };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FLAGS),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* What is half is seen in the folder only where it has to have a name. */
static int half_files;

/* Each test runs in both ways, on all back ends. */
enum { WAYS = 2 * BACKENDS };

static void begin(int way)
{
    path = new_folder();
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (way >= BACKENDS)
        refuse_unnamed();
    int fd = open(path, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    half_files = fd == -1;
    close(fd);
    begin_loop(way % BACKENDS);
    ck_assert_int_eq(loop_set_default_executor(&loop, 1), 0);
}

/* How many files there are, those with a dot included. */
static int files(void)
{
    int n = -2;
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void finish(int left)
{
    ck_assert_int_eq(files(), left);
    end_loop();
    close(folder);
    free(path);
}

static void expect_file(const char *name, const char *bytes, size_t length)
{
    char *whole = NULL;
    ck_assert_int_gt(asprintf(&whole, "%s/%s", path, name), 0);
    FILE *file = fopen(whole, "r");
    ck_assert_ptr_nonnull(file);
    char *read = malloc(length + 1);
    ck_assert_uint_eq(fread(read, 1, length + 1, file), length);
    ck_assert_int_eq(memcmp(read, bytes, length), 0);
    fclose(file);
    free(read);
    free(whole);
}

/* --- A coroutine that writes a file --------------------------------------- */

enum { LONG = 3 * SINK_BUFFER + 1000 };
static char bytes[LONG];

struct scribe {
    struct gen gen;
    const char *name;
    size_t length, piece;
    bool sync;
    void (*before_close)(void);
    const char *error;
    size_t written;
    struct sink sink;
    struct sink_open sink_open;
    struct sink_write sink_write;
    struct sink_close sink_close;
    struct sink_drop sink_drop;
};

static bool scribe(void *frame, struct future **awaits)
{
    struct scribe *c = frame;
    GEN_BEGIN(c);
    sink_init(&c->sink, folder, c->name, c->sync);
    AWAIT_CALL_TRY(c, sink_open, .sink = &c->sink);
    while (c->gen.thrown == NULL && c->written < c->length) {
        size_t left = c->length - c->written;
        size_t n = left < c->piece ? left : c->piece;
        c->written += n;
        AWAIT_CALL_TRY(c, sink_write, .sink = &c->sink,
                       .bytes = bytes + c->written - n, .length = n);
    }
    if (c->gen.thrown == NULL) {
        if (c->before_close != NULL)
            c->before_close();
        AWAIT_CALL_TRY(c, sink_close, .sink = &c->sink);
    }
    c->error = gen_catch(&c->gen);
    AWAIT_CALL_TRY(c, sink_drop, .sink = &c->sink);
    if (c->error != NULL)
        GEN_RAISE(c, c->error);
    GEN_END(c);
    return false;
}

/* Returns its error. */
static const char *end_of(struct task *t)
{
    const char *error = future_error(&t->future);
    task_release(t);
    return error;
}

static void fill(void)
{
    for (size_t i = 0; i < LONG; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
}

START_TEST(what_is_written_is_in_the_file)
{
    static const size_t lengths[] = {
        0, 1, SINK_BUFFER - 1, SINK_BUFFER, SINK_BUFFER + 1, LONG};
    static const size_t pieces[] = {1000, SINK_BUFFER, LONG};
    fill();
    begin(_i);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 3; k++) {
            struct task *t =
                task_create(&loop, scribe, .name = "file", .length = lengths[i],
                            .piece = pieces[k], .sync = i == k);
            run();
            ck_assert_ptr_null(end_of(t));
            expect_file("file", bytes, lengths[i]); /* the one before is gone */
        }
    finish(1);
}
END_TEST

static void not_yet(void)
{
    char *whole = NULL;
    ck_assert_int_gt(asprintf(&whole, "%s/file", path), 0);
    ck_assert_int_eq(access(whole, F_OK), -1);
    ck_assert_int_eq(files(), half_files);
    free(whole);
}

START_TEST(nobody_sees_it_before_it_is_whole)
{
    begin(_i);
    struct task *t = task_create(&loop, scribe, .name = "file", .length = LONG,
                                 .piece = LONG, .before_close = not_yet);
    run();
    ck_assert_ptr_null(end_of(t));
    finish(1);
}
END_TEST

START_TEST(many_at_once)
{
    struct task *tasks[20];
    char names[20][8];
    begin(_i);
    for (int i = 0; i < 20; i++) {
        snprintf(names[i], sizeof names[i], "%d", i % 10); /* two write each */
        tasks[i] = task_create(&loop, scribe, .name = names[i], .length = LONG,
                               .piece = 12345);
    }
    run();
    for (int i = 0; i < 20; i++) {
        ck_assert_ptr_null(end_of(tasks[i]));
        expect_file(names[i], bytes, LONG);
    }
    finish(10);
}
END_TEST

/* --- What goes wrong ------------------------------------------------------ */

START_TEST(a_full_disk_leaves_nothing)
{
    struct rlimit before;
    struct rlimit little = {100000, RLIM_INFINITY};
    begin(_i);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    little.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
    struct task *t = task_create(&loop, scribe, .name = "file", .length = LONG,
                                 .piece = 5000);
    run();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_ptr_eq(end_of(t), errno_error(EFBIG));
    finish(0);
}
END_TEST

START_TEST(a_name_that_is_a_folder)
{
    begin(_i);
    ck_assert_int_eq(mkdirat(folder, "file", 0777), 0);
    struct task *t =
        task_create(&loop, scribe, .name = "file", .length = 10, .piece = 10);
    run();
    ck_assert_ptr_eq(end_of(t), errno_error(EISDIR));
    finish(1);
}
END_TEST

START_TEST(a_folder_that_has_gone)
{
    begin(_i);
    ck_assert_int_eq(rmdir(path), 0);
    struct task *t =
        task_create(&loop, scribe, .name = "file", .length = 10, .piece = 10);
    run();
    ck_assert_ptr_eq(end_of(t), errno_error(ENOENT));
    ck_assert_int_eq(mkdir(path, 0777), 0);
    finish(0);
}
END_TEST

/* A name may be left of one that was killed, and had our process id: it is
 * neither taken nor removed.
 */
START_TEST(a_part_of_somebody_else_stays)
{
    char name[64];
    begin(_i);
    for (int i = 1; i < 4; i++) {
        snprintf(name, sizeof name, ".fetcher-%d-%d", getpid(), i);
        close(openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    }
    struct task *t =
        task_create(&loop, scribe, .name = "file", .length = 10, .piece = 10);
    run();
    ck_assert_ptr_null(end_of(t));
    expect_file("file", bytes, 10);
    finish(4);
}
END_TEST

/* --- Cancelled ------------------------------------------------------------ */

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

/* The only thread is held, so the disk does nothing; what is cancelled
 * meanwhile, however often, waits for it, and is cancelled then. At each step:
 * to open the file, to write it, to close it.
 */
START_TEST(whoever_is_cancelled_waits_for_the_disk)
{
    int way = _i % WAYS;
    int turns = _i / WAYS;
    sem_init(&begun, 0, 0);
    sem_init(&may_end, 0, 0);
    begin(way);
    struct task *t = task_create(&loop, scribe, .name = "file", .length = LONG,
                                 .piece = LONG);
    struct sink *sink = &((struct scribe *)task_frame(t))->sink;
    /* So many of its jobs come home; the next one waits for the thread. */
    for (int i = 0; i < turns; i++) {
        uint64_t before = loop.turns;
        while (loop.turns < before + 2)
            loop_run_once(&loop, 0.01);
    }
    struct future *holding = run_in_executor(&loop, held, .unused = 0);
    for (int i = 0; i < 5; i++)
        loop_run_once(&loop, 0.01);
    bool over = future_done(&t->future);
    for (int i = 0; i < 3 && !over; i++) {
        future_cancel(&t->future);
        loop_run_once(&loop, 0.01);
        loop_run_once(&loop, 0.01);
        ck_assert(!future_done(&t->future));
        ck_assert_ptr_nonnull(sink->bytes);
    }
    sem_post(&may_end);
    run();
    future_release(holding);
    const char *error = end_of(t);
    /* Cancelled in its last job it is there; before, it is not. */
    if (error == NULL)
        expect_file("file", bytes, LONG);
    else
        ck_assert_ptr_eq(error, error_cancelled);
    finish(error == NULL);
}
END_TEST

/* err(3) somewhere else in the program. */
static void leave(void)
{
    ck_assert_int_eq(files(), half_files);
    exit(7);
}

static void write_and_leave(const void *way)
{
    begin(*(const int *)way);
    task_release(task_create(&loop, scribe, .name = "file", .length = LONG,
                             .piece = LONG, .before_close = leave));
    run();
}

START_TEST(the_end_of_the_program_removes_it)
{
    char *outer = getenv("TEST_FOLDER");
    char *own = new_folder();
    ck_assert_ptr_nonnull(outer);
    setenv("TEST_FOLDER", own, 1); /* where the child makes its folder */
    struct forked f = run_forked(write_and_leave, &_i);
    ck_assert_int_eq(WEXITSTATUS(f.status), 7);
    DIR *d = opendir(own);
    ck_assert_ptr_nonnull(d);
    int folders = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (*e->d_name != '.') {
            char *name = NULL;
            folders++;
            ck_assert_int_gt(asprintf(&name, "%s/%s", own, e->d_name), 0);
            ck_assert_int_eq(rmdir(name), 0); /* it is empty */
            free(name);
        }
    closedir(d);
    ck_assert_int_eq(folders, 1);
    setenv("TEST_FOLDER", outer, 1);
    free(own);
}
END_TEST

TCase *eventloop_fetch_sink(void)
{
    TCase *tc = tcase_create("fetch_sink");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, what_is_written_is_in_the_file, 0, WAYS);
    tcase_add_loop_test(tc, nobody_sees_it_before_it_is_whole, 0, WAYS);
    tcase_add_loop_test(tc, many_at_once, 0, WAYS);
    tcase_add_loop_test(tc, a_full_disk_leaves_nothing, 0, WAYS);
    tcase_add_loop_test(tc, a_name_that_is_a_folder, 0, WAYS);
    tcase_add_loop_test(tc, a_folder_that_has_gone, 0, WAYS);
    tcase_add_loop_test(tc, a_part_of_somebody_else_stays, 0, WAYS);
    tcase_add_loop_test(tc, whoever_is_cancelled_waits_for_the_disk, 0,
                        8 * WAYS);
    tcase_add_loop_test(tc, the_end_of_the_program_removes_it, 0, WAYS);
    return tc;
}
