/* The service that location starts, and the errors that it leads to. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "02_testing/geo.h"
#include "02_testing/geo_get.h"
#include "02_testing/geo_service.h"
#include "tests/support.h"

static const struct {
    const char *name;
    enum geo_error error;
} faults[FAULTS] = {
    [FAULT_NONE] = {"none", GEO_OK},
    [FAULT_NO_JSON] = {"no-json", GEO_NO_JSON},
    [FAULT_NO_FIELD] = {"no-field", GEO_NO_FIELD},
    [FAULT_STATUS] = {"500", GEO_STATUS},
    [FAULT_NOT_HTTP] = {"not-http", GEO_NOT_HTTP},
    [FAULT_CLOSED] = {"closed", GEO_CLOSED},
    [FAULT_SHORT] = {"short", GEO_SHORT},
    [FAULT_LONG] = {"long", GEO_TOO_LONG},
    [FAULT_SILENT] = {"silent", GEO_TIMEOUT},
    [FAULT_DRIP] = {"drip", GEO_TIMEOUT},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Each fault comes back as its error, from one function as from the other, and
 * the service is there for the next request.
 */
START_TEST(fault_has_its_error)
{
    struct geo_service service;
    char value[64];
    ck_assert_str_eq(geo_fault_names[_i], faults[_i].name);
    ck_assert_int_eq(geo_service_start(&service, (enum geo_fault)_i), 0);
    struct geo geo = {.url = service.url, .get = geo_get};
    double start = now();
    ck_assert_int_eq(get_ip(&geo, value, sizeof value), faults[_i].error);
    double seconds = now() - start;
    if (faults[_i].error == GEO_TIMEOUT) { /* and one such wait is enough */
        ck_assert_double_ge(seconds, GEO_SECONDS - 0.01);
        ck_assert_double_lt(seconds, GEO_SECONDS + 2);
        geo_service_stop(&service);
        return;
    }
    if (_i == FAULT_NONE)
        ck_assert_str_eq(value, "127.0.0.1");
    ck_assert_int_eq(get_location_city(&geo, "127.0.0.1", value, sizeof value),
                     faults[_i].error);
    if (_i == FAULT_NONE)
        ck_assert_str_eq(value, "Moscow");
    geo_service_stop(&service);
}
END_TEST

START_TEST(other_pages_are_not_found)
{
    static const char *const paths[] = {"", "/ipx", "/json/", "/json/<b>"};
    struct geo_service service;
    ck_assert_int_eq(geo_service_start(&service, FAULT_NONE), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char url[64];
        struct geo_answer answer;
        snprintf(url, sizeof url, "%s%s", service.url, paths[i]);
        ck_assert_int_eq(geo_get(url, &answer), GEO_STATUS);
    }
    geo_service_stop(&service);
}
END_TEST

START_TEST(stop_reaps)
{
    struct geo_service service;
    ck_assert_int_eq(geo_service_start(&service, FAULT_NONE), 0);
    errno = ENOTTY;
    geo_service_stop(&service);
    ck_assert_int_eq(errno, ENOTTY);
    ck_assert_int_eq(kill(service.pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
}
END_TEST

/* The service holds the writing end of a pipe, as does the one who starts it.
 * When that one is killed, nobody is left to hold it: the pipe ends.
 */
START_TEST(ends_with_its_parent)
{
    int alive[2];
    ck_assert_int_eq(pipe(alive), 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0) {
        struct geo_service service;
        if (geo_service_start(&service, FAULT_NONE) == 0 &&
            write(alive[1], "!", 1) == 1)
            pause();
        _exit(1);
    }
    close(alive[1]);
    char started;
    ck_assert_int_eq(read(alive[0], &started, 1), 1);
    struct pollfd p = {.fd = alive[0], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_int_eq(read(alive[0], &started, 1), 0);
}
END_TEST

/* The program, with a service that is there already; a slash does no harm. */
START_TEST(program_asks_a_service_that_runs)
{
    struct geo_service service;
    char url[64];
    char *path = built("02_testing", "location");
    ck_assert_int_eq(geo_service_start(&service, FAULT_NONE), 0);
    snprintf(url, sizeof url, "%s/", service.url);
    struct child child = {.argv = (const char *[]){path, "-u", url, NULL},
                          .merge = true,
                          .seconds = 20};
    ck_assert_int_eq(child_run(&child), 0);
    ck_assert_str_eq(child.out.text, "127.0.0.1\nMoscow\n");
    ck_assert_int_eq(child.status, 0);
    child_free(&child);
    geo_service_stop(&service);
    free(path);
}
END_TEST

/* Ended from outside while it waits for an answer. The service has its stdout
 * too, so that the pipe ends when both are gone.
 */
START_TEST(program_takes_its_service_along)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGKILL};
    char *path = built("02_testing", "location");
    struct child child = {
        .argv = (const char *[]){path, "--fault", "silent", NULL}};
    ck_assert_int_eq(child_start(&child), 0);
    struct pollfd p = {.fd = child.out.fd, .events = POLLIN};
    char line[128];
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_int_gt(read(child.out.fd, line, sizeof line), 0);
    double start = now();
    kill(child.pid, signals[_i]);
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_int_eq(read(child.out.fd, line, sizeof line), 0);
    ck_assert_double_lt(now() - start, GEO_SECONDS);
    child_end(&child, false);
    ck_assert(WIFSIGNALED(child.status));
    ck_assert_int_eq(WTERMSIG(child.status), signals[_i]);
    free(path);
}
END_TEST

TCase *testing_location(void)
{
    TCase *tc = tcase_create("location");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, fault_has_its_error, 0, FAULTS);
    tcase_add_test(tc, other_pages_are_not_found);
    tcase_add_test(tc, stop_reaps);
    tcase_add_test(tc, ends_with_its_parent);
    tcase_add_test(tc, program_asks_a_service_that_runs);
    tcase_add_loop_test(tc, program_takes_its_service_along, 0, 3);
    return tc;
}
