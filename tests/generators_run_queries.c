/* run_queries and run_queries_turns: servers that fail them, and more sockets
 * than select can hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/fakeserver.h"
#include "tests/support.h"

static const char *const programs_under_test[] = {"run_queries",
                                                  "run_queries_turns"};

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

/* Each query says what happened to it, and none is dropped for another. */
START_TEST(server_dies_in_mid_answer)
{
    char command[160];
    snprintf(command, sizeof command, "%s -n 3 -u %s", programs_under_test[_i],
             fakeserver_start(
                 "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes."));
    struct child child = run_shell(command);
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_int_eq(count(child.out.text, ": it ended in the middle\n"),
                     _i == 0 ? 3 : 6);
    ck_assert_ptr_nonnull(strstr(child.out.text, ": query 3: 127.0.0.1:"));
    child_free(&child);
}
END_TEST

START_TEST(server_talks_nonsense)
{
    char command[160];
    snprintf(command, sizeof command, "%s -n 1 -u %s", programs_under_test[_i],
             fakeserver_start("\a\a\a\r\n\r\n"));
    struct child child = run_shell(command);
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_ptr_nonnull(strstr(child.out.text, "not one of HTTP\n"));
    child_free(&child);
}
END_TEST

/* The first recv is that of the slow one, so nobody has its answer before a
 * second is over; however slow the machine is, not earlier.
 */
START_TEST(in_turn_all_wait_for_the_first)
{
    struct child child = run_shell("run_queries_turns");
    const char *at = child.out.text;
    for (int i = 1; i <= 5; i++) {
        char name[16];
        snprintf(name, sizeof name, "query %d ", i);
        at = strstr(at, name);
        ck_assert_ptr_nonnull(at);
        ck_assert_double_ge(atof(at + strlen(name)), 0.99);
    }
    child_free(&child);
}
END_TEST

/* Some hundred more: they are told so, one by one, and all others are served. */
START_TEST(more_than_select_can_hold)
{
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    if (files.rlim_max < 2000)
        return;
    struct child child =
        run_shell("ulimit -n 2000; run_queries -n 1100 -d 0.1");
    int refused =
        count(child.out.text, ": its socket is too high for select\n");
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_msg(refused >= 79 && refused < 100, "%s", child.out.text);
    ck_assert_int_eq(count(child.out.text, "run_queries: query "), refused);
    ck_assert_ptr_nonnull(strstr(child.out.text, "\nresumed       2200 times"));
    child_free(&child);
}
END_TEST

TCase *generators_run_queries(void)
{
    TCase *tc = tcase_create("run_queries");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, server_dies_in_mid_answer, 0, 2);
    tcase_add_loop_test(tc, server_talks_nonsense, 0, 2);
    tcase_add_test(tc, in_turn_all_wait_for_the_first);
    tcase_add_test(tc, more_than_select_can_hold);
    return tc;
}
