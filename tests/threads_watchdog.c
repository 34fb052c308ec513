/* watchdog: who is stuck and who is not, and what it says of it. The programs'
 * transcripts have the circles.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "04_threads/watchdog.h"
#include "tests/forked.h"
#include "tests/support.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void check(const struct forked *run, int status, const char *text)
{
    ck_assert_msg(WIFEXITED(run->status) && WEXITSTATUS(run->status) == status,
                  "status %x, not exit %d: %s%s", run->status, status, run->out,
                  run->err);
    ck_assert_msg(strcmp(run->out, text) == 0, "'%s', not '%s'", run->out,
                  text);
}

static void *take_it_along(void *unused)
{
    pthread_mutex_lock(&lock);
    return unused;
}

static void wait_for_the_dead(const void *unused)
{
    (void)unused;
    watchdog_mutex("lock", &lock);
    watchdog_start(false);
    pthread_t thread;
    pthread_create(&thread, NULL, take_it_along, NULL);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&lock);
}

/* A thread that ends with a lock in its hand leaves it locked. */
START_TEST(a_holder_that_has_ended)
{
    struct forked run = run_forked(wait_for_the_dead, NULL);
    check(&run, 3,
          "watchdog: nothing moves any more\n"
          "  main   waits for lock, held by no thread of this process\n"
          "watchdog: no circle: nobody is left who would wake them\n");
}
END_TEST

static void wait_without_a_name(const void *unused)
{
    (void)unused;
    watchdog_start(false);
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}

START_TEST(a_lock_without_a_name)
{
    struct forked run = run_forked(wait_without_a_name, NULL);
    check(&run, 3,
          "watchdog: nothing moves any more\n"
          "  main   waits for something without a name\n"
          "watchdog: no circle: nobody is left who would wake them\n");
}
END_TEST

static void *sleep_long(void *unused)
{
    pthread_setname_np(pthread_self(), "sleeper");
    sleep_ms(60000);
    return unused;
}

static void wait_beside_a_sleeper(const void *unused)
{
    (void)unused;
    watchdog_mutex("lock", &lock);
    watchdog_condition("changed", &changed);
    watchdog_start(false);
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_long, NULL);
    pthread_mutex_lock(&lock);
    pthread_cond_wait(&changed, &lock);
}

/* Somebody may still wake them, as far as it can tell. */
START_TEST(a_thread_that_waits_for_no_lock)
{
    struct forked run = run_forked(wait_beside_a_sleeper, NULL);
    check(&run, 3,
          "watchdog: nothing moves any more\n"
          "  main   waits for a signal on changed\n"
          "  sleeper waits for no lock\n");
}
END_TEST

static void work_for_long(const void *unused)
{
    (void)unused;
    watchdog_start(false);
    while (clock() < 3 * CLOCKS_PER_SEC / 2)
        continue;
}

START_TEST(who_works_is_not_stuck)
{
    struct forked run = run_forked(work_for_long, NULL);
    check(&run, 0, "");
}
END_TEST

static bool is_stopped(pid_t pid)
{
    char path[64];
    char text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    return state != NULL && state[2] == 'T';
}

/* It stops itself, as a debugger would stop it, and a child sets it going
 * again when the watchdog's second is long over.
 */
static void be_stopped(const void *unused)
{
    (void)unused;
    pid_t parent = getpid();
    pid_t helper = fork();
    if (helper == 0) {
        while (!is_stopped(parent))
            sleep_ms(10);
        sleep_ms(1500);
        kill(parent, SIGCONT);
        _exit(0);
    }
    watchdog_start(false);
    sleep_ms(100); /* its second has begun */
    raise(SIGSTOP);
    sleep_ms(200);
    waitpid(helper, NULL, 0);
}

START_TEST(a_second_in_the_debugger_does_not_count)
{
    struct forked run = run_forked(be_stopped, NULL);
    check(&run, 0, "");
}
END_TEST

static void hang(const void *unused)
{
    (void)unused;
    watchdog_start(true);
    sleep_ms(1500);
}

START_TEST(left_to_hang_when_asked)
{
    struct forked run = run_forked(hang, NULL);
    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(strstr(run.out, "gdb -p "));
    ck_assert_ptr_null(strstr(run.out, "watchdog:"));
}
END_TEST

static void name_too_many(const void *unused)
{
    (void)unused;
    for (int i = 0; i < 9; i++)
        watchdog_mutex(i < 8 ? "lock" : "the ninth", &lock);
}

START_TEST(too_many_names)
{
    struct forked run = run_forked(name_too_many, NULL);
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    ck_assert_ptr_nonnull(strstr(run.err, "no room for the ninth"));
}
END_TEST

TCase *threads_watchdog(void)
{
    TCase *tc = tcase_create("watchdog");
    tcase_set_timeout(tc, 60);
    /* The thread sanitizer has threads of its own, which it would list. */
    const char *flavour = getenv("FLAVOUR");
    if (flavour == NULL || strstr(flavour, "thread") == NULL) {
        tcase_add_test(tc, a_holder_that_has_ended);
        tcase_add_test(tc, a_lock_without_a_name);
        tcase_add_test(tc, a_thread_that_waits_for_no_lock);
    }
    tcase_add_test(tc, who_works_is_not_stuck);
    tcase_add_test(tc, a_second_in_the_debugger_does_not_count);
    tcase_add_test(tc, left_to_hang_when_asked);
    tcase_add_test(tc, too_many_names);
    return tc;
}
