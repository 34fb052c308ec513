/* survey_threads and survey_locked: on one core as on many the first loses
 * portals, and the second none, with no more connections than it was given.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

/* The first of the cores that we may use, or all that there are. */
static void use_cores(bool one)
{
    cpu_set_t cores;
    if (!one)
        return;
    ck_assert_int_eq(sched_getaffinity(0, sizeof cores, &cores), 0);
    size_t core = 0;
    while (!CPU_ISSET(core, &cores))
        core++;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    ck_assert_int_eq(sched_setaffinity(0, sizeof cores, &cores), 0);
}

/* The end of what it printed; all of it is more than Check takes. */
static const char *tail(const struct child *child)
{
    size_t most = 1000;
    size_t skip = child->out.length > most ? child->out.length - most : 0;
    return child->out.text + skip;
}

/* The number behind the word in the output. */
static int number_behind(const char *word, const struct child *child)
{
    const char *at = strstr(child->out.text, word);
    ck_assert_msg(at != NULL, "no '%s' in: %s", word, tail(child));
    return atoi(at + strlen(word));
}

START_TEST(unguarded_portals_are_lost)
{
    use_cores(_i == 1);
    for (int i = 0; i < 5; i++) {
        struct child child = run_shell("survey_threads -w 0.1");
        ck_assert_msg(child.status == 0, "run %d: %s", i + 1, tail(&child));
        ck_assert_int_lt(number_behind("counted ", &child), 100);
        child_free(&child);
    }
}
END_TEST

/* Of what the farm tells, most must be there at the same time. */
START_TEST(all_are_asked_at_once)
{
    struct child child = run_shell("survey_threads -d 0.5 -w 1");
    ck_assert_int_eq(number_behind("open at once ", &child), 99);
    child_free(&child);
}
END_TEST

START_TEST(guarded_portals_are_all_there)
{
    static const int connections[] = {1, 10};
    char command[64];
    int most = connections[_i / 2];
    use_cores(_i % 2 == 1);
    snprintf(command, sizeof command, "survey_locked -d 0.002 -w 0.2 -c %d",
             most);
    struct child child = run_shell(command);
    ck_assert_int_eq(number_behind("counted ", &child), 100);
    ck_assert_int_le(number_behind("open at once ", &child), most);
    child_free(&child);
}
END_TEST

/* And it takes all that it is given: while all wait, they are that many. */
START_TEST(no_place_stays_free)
{
    struct child child = run_shell("survey_locked -d 0.2 -c 50");
    ck_assert_int_eq(number_behind("open at once ", &child), 50);
    child_free(&child);
}
END_TEST

/* There is no room for so many stacks: those that were started are called off
 * and joined, and the error is said.
 */
START_TEST(too_many_threads_are_an_error)
{
    static const char *const commands[] = {"survey_threads", "survey_locked"};
    char command[64];
    snprintf(command, sizeof command, "ulimit -v 300000; %s", commands[_i]);
    struct child child = run_shell(command);
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_msg(strstr(child.out.text, ": thread ") != NULL &&
                      strstr(child.out.text, "temporarily unavailable") != NULL,
                  "%s", tail(&child));
    ck_assert_ptr_null(strstr(child.out.text, "portal-")); /* nobody is asked */
    child_free(&child);
}
END_TEST

/* A hundred connections need as many descriptors, and ten only ten; those of
 * the farm are limited as well, and it goes on.
 */
START_TEST(few_descriptors)
{
    struct child many = run_shell("ulimit -n 40; survey_threads -w 0.2");
    struct child few = run_shell("ulimit -n 40; survey_locked");
    ck_assert_int_eq(WEXITSTATUS(many.status), 1);
    ck_assert_ptr_nonnull(strstr(many.out.text, "of 100 hosts not asked: "));
    ck_assert_ptr_nonnull(strstr(many.out.text, ": Too many open files\n"));
    ck_assert_msg(few.status == 0, "%s", tail(&few));
    child_free(&many);
    child_free(&few);
}
END_TEST

TCase *threads_survey(void)
{
    TCase *tc = tcase_create("survey");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, guarded_portals_are_all_there, 0, 4);
    tcase_add_test(tc, no_place_stays_free);
    /* Sanitizers need more memory and descriptors than a limit leaves them,
     * and report the race, which is their job and not what is asked here.
     */
    if (plain_build()) {
        tcase_add_loop_test(tc, unguarded_portals_are_lost, 0, 2);
        tcase_add_test(tc, all_are_asked_at_once);
        tcase_add_loop_test(tc, too_many_threads_are_an_error, 0, 2);
        tcase_add_test(tc, few_descriptors);
    }
    return tc;
}
