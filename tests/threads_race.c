/* race and its mends: updates are lost on one core as on many, and a thread
 * too many is an error, not a hang.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

static void run_often(int times)
{
    for (int i = 0; i < times; i++) {
        struct child child = run_shell("race");
        ck_assert_msg(child.status == 0, "run %d: %s", i + 1, child.out.text);
        child_free(&child);
    }
}

START_TEST(race_loses_updates)
{
    run_often(50);
}
END_TEST

/* Where only one thread runs at a time, and the work is done before any time
 * slice ends.
 */
START_TEST(race_loses_updates_on_one_core)
{
    cpu_set_t all;
    cpu_set_t one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    size_t core = 0;
    while (!CPU_ISSET(core, &all))
        core++;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    run_often(50);
}
END_TEST

/* Another amount each time: of 20 runs not all agree. */
START_TEST(race_loses_another_amount_each_time)
{
    struct child first = run_shell("race");
    bool differs = false;
    for (int i = 0; i < 19 && !differs; i++) {
        struct child child = run_shell("race");
        differs = strcmp(child.out.text, first.out.text) != 0;
        child_free(&child);
    }
    ck_assert(differs);
    child_free(&first);
}
END_TEST

/* There is no room for so many stacks. Those that were started are joined:
 * the error comes last, and by itself.
 */
START_TEST(too_many_threads_are_an_error)
{
    static const char *const commands[] = {"race -t 1000", "lock -t 1000",
                                           "mends -t 100"};
    char command[128];
    snprintf(command, sizeof command, "ulimit -v 200000; %s", commands[_i]);
    struct child child = run_shell(command);
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_msg(strstr(child.out.text, ": thread ") != NULL &&
                      strstr(child.out.text, "temporarily unavailable") != NULL,
                  "%s: %s", command, child.out.text);
    child_free(&child);
}
END_TEST

TCase *threads_race(void)
{
    TCase *tc = tcase_create("race");
    tcase_set_timeout(tc, 120);
    /* Sanitizers need more memory than a limit leaves them, and report the
     * race, which is their job and not what is asked here.
     */
    if (plain_build()) {
        tcase_add_test(tc, race_loses_updates);
        tcase_add_test(tc, race_loses_updates_on_one_core);
        tcase_add_test(tc, race_loses_another_amount_each_time);
        tcase_add_loop_test(tc, too_many_threads_are_an_error, 0, 3);
    }
    return tc;
}
