/* lockgraph.py: on programs that hang, live and as a core file, with the debug
 * symbols of libc and without.
 */
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/support.h"

static const struct hanging {
    const char *program;
    int threads;
    const char *lines[8]; /* must be in what lockgraph says */
} hanging[] = {
    {"deadlock",
     1,
     {"\n1 main  waits for lock, held by itself\n",
      "        in print_counter, 04_threads/deadlock.c:",
      "\nlock    held by 1 main\n", "\ncircle: 1 main -> lock -> 1 main\n"}},
    {"lock_order",
     3,
     {"\n1 main   waits for the end of 2 left\n",
      "         in main, 04_threads/lock_order.c:",
      "\n2 left   waits for b.lock, held by 3 right\n",
      "\n3 right  waits for a.lock, held by 2 left\n",
      "         in transfer, 04_threads/lock_order.c:",
      "\na.lock   held by 2 left\n",
      "\ncircle: 2 left -> b.lock -> 3 right -> a.lock -> 2 left\n"}},
    {"lost_wakeup",
     1,
     {"\n1 main  waits in pthread_cond_wait for changed\n",
      "        in wait_until_ready, 04_threads/lost_wakeup.c:",
      "\nno circle\n"}},
};
enum { HANGING = sizeof hanging / sizeof *hanging };

static bool is_asleep_in_futex(pid_t pid, const char *tid)
{
    char path[64];
    char state = '?';
    long call = -1;
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/stat", pid, tid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = '?';
        fclose(file);
    }
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/syscall", pid, tid);
    file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%ld", &call) != 1)
            call = -1;
        fclose(file);
    }
    return state == 'S' && call == SYS_futex;
}

/* Whether all its threads are there, and each waits in the kernel. */
static bool is_stuck(pid_t pid, int threads)
{
    char path[64];
    int there = 0;
    int stuck = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *d = opendir(path);
    /* cppcheck-suppress readdirCalled */
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (*e->d_name != '.') {
            there++;
            stuck += is_asleep_in_futex(pid, e->d_name);
        }
    if (d != NULL)
        closedir(d);
    return there == threads && stuck == threads;
}

static struct child run_gdb(const char *const *arguments)
{
    const char *argv[32] = {"gdb", "-nx", "-q", "-batch"};
    size_t n = 4;
    for (; *arguments != NULL; arguments++)
        argv[n++] = *arguments;
    struct child child = {.argv = argv, .merge = true, .seconds = 60};
    if (child_run(&child) == -1)
        err(1, "gdb");
    return child;
}

static void check(const struct hanging *h, const struct child *gdb)
{
    for (int i = 0; h->lines[i] != NULL; i++)
        ck_assert_msg(strstr(gdb->out.text, h->lines[i]) != NULL,
                      "%s: not '%s' in:\n%s", h->program, h->lines[i],
                      gdb->out.text);
}

/* gdb needs no symbols of libc: the second time it looks for them where there
 * are none.
 */
START_TEST(on_a_hanging_program)
{
    const struct hanging *h = &hanging[_i % HANGING];
    const char *symbols =
        _i < HANGING ? "set confirm off" : "set debug-file-directory /missing";
    char *folder = new_folder();
    char *path = built("04_threads", h->program);
    char attach[32];
    char core[512];
    char dump[600];
    snprintf(core, sizeof core, "%s/core", folder);
    snprintf(dump, sizeof dump, "generate-core-file %s", core);

    struct child program = {.argv = (const char *[]){path, "--hang", NULL}};
    if (child_start(&program) == -1)
        err(1, "%s", path);
    for (int i = 0; i < 1000 && !is_stuck(program.pid, h->threads); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    snprintf(attach, sizeof attach, "%d", program.pid);
    struct child live = run_gdb((const char *[]){
        "-iex", symbols, "-p", attach, "-x", "04_threads/lockgraph.py", "-ex",
        "lockgraph", "-ex", dump, NULL});
    child_end(&program, true);
    child_free(&program);
    check(h, &live);
    child_free(&live);

    struct child dead = run_gdb(
        (const char *[]){"-iex", symbols, path, core, "-x",
                         "04_threads/lockgraph.py", "-ex", "lockgraph", NULL});
    check(h, &dead);
    child_free(&dead);
    free(path);
    free(folder);
}
END_TEST

START_TEST(without_a_program)
{
    struct child gdb = run_gdb((const char *[]){"-x", "04_threads/lockgraph.py",
                                                "-ex", "lockgraph", NULL});
    ck_assert_ptr_nonnull(
        strstr(gdb.out.text, "lockgraph: there is no process and no core\n"));
    child_free(&gdb);
}
END_TEST

/* race.gdb: both threads load the same, and one update is lost. */
START_TEST(an_update_is_lost_by_hand)
{
    char *path = built("04_threads", "race");
    struct child gdb = run_gdb(
        (const char *[]){"-x", "02_testing/tour.py", "--args", path, NULL});
    long value[2] = {-1, -2};
    long counter[2] = {-1, -2};
    char *place = gdb.out.text;
    for (int i = 0; i < 2 && (place = strstr(place, "value is ")); i++)
        value[i] = strtol(place + strlen("value is "), &place, 10);
    place = gdb.out.text;
    for (int i = 0; i < 2 && (place = strstr(place, "counter is ")); i++)
        counter[i] = strtol(place + strlen("counter is "), &place, 10);
    ck_assert_msg(value[0] == value[1] && counter[0] == value[0] + 1 &&
                      counter[1] == counter[0],
                  "%s", gdb.out.text);
    child_free(&gdb);
    free(path);
}
END_TEST

/* lock_order.gdb stops the watchdog in front of its look. When all threads run
 * on, it must not look before the others are back where they hang.
 */
START_TEST(the_watchdog_sees_the_circle_after_gdb)
{
    char *path = built("04_threads", "lock_order");
    for (int i = 0; i < 3; i++) {
        struct child gdb = run_gdb(
            (const char *[]){"-x", "02_testing/tour.py", "--args", path, NULL});
        ck_assert_msg(strstr(gdb.out.text, "\nwatchdog: a circle: ") != NULL,
                      "%s", gdb.out.text);
        child_free(&gdb);
    }
    free(path);
}
END_TEST

TCase *threads_lockgraph(void)
{
    if (!plain_build() || system("gdb -v >/dev/null 2>&1") != 0)
        return NULL;
    TCase *tc = tcase_create("lockgraph");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, on_a_hanging_program, 0, 2 * HANGING);
    tcase_add_test(tc, without_a_program);
    tcase_add_test(tc, an_update_is_lost_by_hand);
    tcase_add_test(tc, the_watchdog_sees_the_circle_after_gdb);
    return tc;
}
