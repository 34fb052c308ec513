/* stopwatch: whose time counts. The time of a CPU does not depend on what else
 * the machine does, so that it can be tested; the time on the wall is only
 * known to be no shorter than a sleep.
 */
#include <err.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/stopwatch.h"
#include "tests/support.h"

static const double piece = 0.05;

/* Computes until this thread has had a piece of a CPU's time. */
static void burn(void)
{
    struct timespec start, t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    while ((double)(t.tv_sec - start.tv_sec) +
               (double)(t.tv_nsec - start.tv_nsec) / 1e9 <
           piece);
}

static pid_t start_child(void)
{
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid == 0) {
        burn();
        _exit(0);
    }
    return pid;
}

START_TEST(sleeping_takes_no_cpu)
{
    struct stopwatch watch;
    struct timespec pause = {0, (long)(piece * 1e9)};
    stopwatch_start(&watch);
    nanosleep(&pause, NULL);
    stopwatch_stop(&watch);
    ck_assert_double_ge(watch.wall, piece);
    ck_assert_double_ge(watch.cpu, 0);
    ck_assert_double_lt(watch.cpu, piece / 2);
    ck_assert_double_lt(stopwatch_cores(&watch), 0.5);
}
END_TEST

START_TEST(computing_takes_both)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    burn();
    stopwatch_stop(&watch);
    ck_assert_double_ge(watch.wall, piece * 0.99);
    ck_assert_double_ge(watch.cpu, piece * 0.9);
    ck_assert_double_lt(watch.cpu, piece * 1.5);
}
END_TEST

static void *burn_in_thread(void *argument)
{
    burn();
    return argument;
}

START_TEST(all_threads_count)
{
    struct stopwatch watch;
    pthread_t threads[3];
    stopwatch_start(&watch);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, burn_in_thread, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    stopwatch_stop(&watch);
    ck_assert_double_ge(watch.cpu, 3 * piece * 0.9);
}
END_TEST

START_TEST(reaped_children_count)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    waitpid(start_child(), NULL, 0);
    stopwatch_stop(&watch);
    ck_assert_double_ge(watch.cpu, piece * 0.9);
}
END_TEST

/* It has ended, but its time comes to us only when it is reaped. */
START_TEST(zombies_do_not_count)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    pid_t pid = start_child();
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    stopwatch_stop(&watch);
    waitpid(pid, NULL, 0);
    ck_assert_double_lt(watch.cpu, piece / 2);
}
END_TEST

/* What was before the start is not counted, and a watch can be used again. */
START_TEST(each_start_begins_anew)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    burn();
    waitpid(start_child(), NULL, 0);
    stopwatch_stop(&watch);
    stopwatch_start(&watch);
    stopwatch_stop(&watch);
    ck_assert_double_ge(watch.wall, 0);
    ck_assert_double_lt(watch.cpu, piece / 2);
}
END_TEST

START_TEST(cores_are_cpu_over_wall)
{
    ck_assert_double_eq(
        stopwatch_cores(&(struct stopwatch){.wall = 2, .cpu = 3}), 1.5);
    ck_assert_double_eq(
        stopwatch_cores(&(struct stopwatch){.wall = 0, .cpu = 0}), 0);
}
END_TEST

TCase *processes_stopwatch(void)
{
    TCase *tc = tcase_create("stopwatch");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sleeping_takes_no_cpu);
    tcase_add_test(tc, computing_takes_both);
    tcase_add_test(tc, all_threads_count);
    tcase_add_test(tc, reaped_children_count);
    tcase_add_test(tc, zombies_do_not_count);
    tcase_add_test(tc, each_start_begins_anew);
    tcase_add_test(tc, cores_are_cpu_over_wall);
    return tc;
}
