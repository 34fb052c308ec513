/* tiny_loop and its broken twin: the one loses a request in each run, on one
 * core as on many, and the other none.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/fakeserver.h"
#include "tests/support.h"

#define QUICKLY " -n 3 -d 0.05 --every 0.02"

static void run_often(const char *command, const char *says)
{
    for (int i = 0; i < 20; i++) {
        struct child child = run_shell(command);
        ck_assert_msg(child.status == 0 && strstr(child.out.text, says) != NULL,
                      "run %d: %s", i + 1, child.out.text);
        child_free(&child);
    }
}

static void stay_on_one_core(void)
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
}

START_TEST(racy_loses_a_request)
{
    run_often("tiny_loop_racy" QUICKLY, "\nasked for  3 requests\nlost ");
}
END_TEST

START_TEST(racy_loses_a_request_on_one_core)
{
    stay_on_one_core();
    run_often("tiny_loop_racy" QUICKLY, "\nasked for  3 requests\nlost ");
}
END_TEST

START_TEST(the_mend_loses_none)
{
    stay_on_one_core();
    run_often("tiny_loop -n 20 -d 0 --every 0 | sort -k 2 -n", "\nrequest 20 ");
}
END_TEST

/* The proof. Of the mend it has nothing to say: its transcript is run under
 * this sanitizer, too.
 */
START_TEST(the_thread_sanitizer_sees_the_race)
{
    struct child child = run_shell("tiny_loop_racy" QUICKLY);
    ck_assert_msg(
        strstr(child.out.text, "WARNING: ThreadSanitizer: data race") != NULL,
        "%s", child.out.text);
    ck_assert_ptr_nonnull(strstr(child.out.text, "tiny_add_task"));
    child_free(&child);
}
END_TEST

START_TEST(a_server_that_dies_fails_its_request_only)
{
    char command[160];
    snprintf(command, sizeof command, "tiny_loop -n 2 --every 0.01 -u %s",
             fakeserver_start(
                 "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes."));
    struct child child = run_shell(command);
    ck_assert_int_eq(WEXITSTATUS(child.status), 1);
    ck_assert_ptr_nonnull(strstr(child.out.text, ": request 1: 127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(child.out.text, ": request 2: 127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(child.out.text, "it ended in the middle\n"));
    child_free(&child);
}
END_TEST

TCase *generators_tiny_loop(void)
{
    TCase *tc = tcase_create("tiny_loop");
    const char *flavour = getenv("FLAVOUR");
    bool sees_races = flavour != NULL && strcmp(flavour, "thread") == 0;
    tcase_set_timeout(tc, 120);
    if (sees_races) {
        tcase_add_test(tc, the_thread_sanitizer_sees_the_race);
    } else {
        tcase_add_test(tc, racy_loses_a_request);
        tcase_add_test(tc, racy_loses_a_request_on_one_core);
    }
    tcase_add_test(tc, the_mend_loses_none);
    tcase_add_test(tc, a_server_that_dies_fails_its_request_only);
    return tc;
}
