#include "tests/loops.h"

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

const char *const backends[] = {"select", "poll", "epoll"};
struct loop loop;

static int descriptors, threads;
static char said[65536];

static int count_entries(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

int count_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

/* The thread sanitizer starts one of its own beside the first of ours; and one
 * that has been joined may still be on its way out of the kernel.
 */
static void expect_threads(void)
{
    const char *flavour = getenv("FLAVOUR");
    int most = threads + (flavour && strstr(flavour, "thread") != NULL);
    for (int i = 0; i < 5000 && count_entries("/proc/self/task") > most; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    ck_assert_int_le(count_entries("/proc/self/task"), most);
}

void begin_loop(int backend)
{
    setenv("LOOP_BACKEND", backends[backend], 1);
    descriptors = count_descriptors();
    threads = count_entries("/proc/self/task");
    ck_assert_int_eq(loop_init(&loop), 0);
    ck_assert_str_eq(loop.selector.name, backends[backend]);
    loop.slow_callback = 0; /* it is the machine that is slow */
}

void end_loop(void)
{
    loop_close(&loop);
    ck_assert_ptr_null(loop_running());
    ck_assert_int_eq(count_descriptors(), descriptors);
    expect_threads();
}

void say(const char *format, ...)
{
    size_t n = strlen(said);
    va_list rest;
    if (n > 0)
        said[n++] = ' ';
    va_start(rest, format);
    int more = vsnprintf(said + n, sizeof said - n, format, rest);
    va_end(rest);
    ck_assert_int_lt(more, (int)(sizeof said - n));
}

void expect_said(const char *words)
{
    ck_assert_str_eq(said, words);
    *said = '\0';
}

void say_it(void *words)
{
    say("%s", (const char *)words);
}

void *text(const char *constant)
{
    union {
        const char *given;
        void *wanted;
    } both = {.given = constant};
    return both.wanted;
}

void turn(void)
{
    loop_run_once(&loop, 0);
    say("|");
}

void run(void)
{
    ck_assert_int_eq(loop_run_forever(&loop), 0);
}

void make_pair(int pair[2])
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, pair), 0);
}

bool keeps_signals_back(int backend)
{
    const char *flavour = getenv("FLAVOUR");
    return backend == SELECT && flavour != NULL &&
           strstr(flavour, "thread") != NULL;
}

void wait_for_sleep(int tid)
{
    char path[64];
    char state = '?';
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    while (state != 'S') {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        FILE *file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = '?';
        fclose(file);
    }
}
