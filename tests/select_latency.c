/* latency: what holds on any machine, and the picture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "05_select/latency_chart.h"
#include "05_select/probe.h"
#include "tests/support.h"

static struct child measured;

/* In seconds; -1 where it was not measured. */
static double seconds(const char *text, int *length)
{
    double value;
    char unit[8];
    if (sscanf(text, " %lf %7s%n", &value, unit, length) != 2)
        return -1;
    switch (*unit) {
    case 'n':
        return value * 1e-9;
    case 'u':
        return value * 1e-6;
    case 'm':
        return value * 1e-3;
    default:
        return value;
    }
}

/* What stands in its row on this machine, which is in order. */
static double took(const char *name)
{
    const char *row = strstr(measured.out.text, "on this machine");
    ck_assert_ptr_nonnull(row);
    row = strstr(row, name);
    ck_assert_msg(row != NULL, "no row of %s:\n%s", name, measured.out.text);
    double time[3];
    const char *at = row + strlen(name);
    for (int i = 0; i < 3; i++) {
        int length = 0;
        time[i] = seconds(at, &length);
        if (time[i] < 0)
            return -1;
        at += length;
    }
    ck_assert_msg(time[1] <= time[0] && time[0] <= time[2],
                  "%s: %g s is not between %g and %g", name, time[0], time[1],
                  time[2]);
    return time[0];
}

static void expect_less(const char *one, const char *other)
{
    double x = took(one);
    double y = took(other);
    if (x >= 0 && y >= 0)
        ck_assert_msg(x < y, "%s takes %g s, %s %g s", one, x, other, y);
}

/* Not more than that: how many system calls a load from memory is worth, say,
 * is different on each machine.
 */
START_TEST(some_things_hold_on_any_machine)
{
    measured = run_shell("latency -n 24");
    ck_assert_int_eq(WEXITSTATUS(measured.status), 0);
    /* Or nothing was loaded: at 5 GHz a load would take one cycle. */
    ck_assert_double_gt(took("L1 cache"), 2e-10);
    /* Or it was fetched ahead. With a sanitizer a load is more than a load. */
    if (plain_build())
        ck_assert_double_gt(took("main memory"), 10 * took("L1 cache"));
    expect_less("L1 cache", "main memory");
    expect_less("L1 cache", "system call");
    expect_less("main memory", "1 MB from memory");
    /* A byte through a pipe is two calls, and a switch besides. */
    expect_less("system call", "switch on one core");
    expect_less("system call", "switch to another core");
    expect_less("system call", "loopback round trip");
    expect_less("system call", "1 MB from the page cache");
    /* It comes through the page cache, too. */
    expect_less("1 MB from the page cache", "1 MB from the disk here");
    expect_less("system call", "4 KB written, and fsync");
    child_free(&measured);
}
END_TEST

/* More than the caches hold is slower than what they hold: so the walk does
 * reach the memory, and nothing has been optimised away.
 */
START_TEST(more_memory_is_slower)
{
    measured = run_shell("latency -n 3 -m 1");
    double little = took("main memory");
    child_free(&measured);
    measured = run_shell("latency -n 3 -m 256");
    double much = took("main memory");
    ck_assert_msg(little < much, "%g s, and %g s", little, much);
    child_free(&measured);
}
END_TEST

/* What the kernel has had to fetch for this process, in bytes; -1 where it does
 * not count.
 */
static long fetched(void)
{
    char line[128];
    long bytes = -1;
    FILE *f = fopen("/proc/self/io", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "read_bytes: %ld", &bytes);
    if (f != NULL)
        fclose(f);
    return bytes;
}

START_TEST(disk_is_read_from_the_disk)
{
    char *folder = new_folder();
    ck_assert_int_eq(chdir(folder), 0);
    probe_start(1);
    for (int i = 0; i < 20 && probe_missing(PROBE_MB_DISK) == NULL; i++) {
        long before = fetched();
        probe_run(PROBE_MB_DISK);
        long got = fetched() - before;
        ck_assert_msg(before == -1 || got >= 1000000, "%ld bytes", got);
        /* Nor more: what is read ahead may still be on its way when all is to
         * be dropped, and stay.
         */
        ck_assert_msg(before == -1 || got <= 1100000, "%ld bytes", got);
        probe_run(PROBE_MB_CACHED); /* fetches it, the first time */
        before = fetched();
        probe_run(PROBE_MB_CACHED);
        ck_assert_int_eq(fetched(), before);
    }
    probe_stop();
    free(folder);
}
END_TEST

START_TEST(picture_is_well_formed)
{
    struct child child = run_shell(
        "latency -n 1 -m 1 --svg l.svg >/dev/null || exit\n"
        "if command -v xmllint >/dev/null; then xmllint --noout l.svg\n"
        "elif command -v python3 >/dev/null; then python3 -c \\\n"
        "    'import xml.dom.minidom as m; m.parse(\"l.svg\")'; fi");
    ck_assert_str_eq(child.out.text, "");
    ck_assert_int_eq(WEXITSTATUS(child.status), 0);
    child_free(&child);
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} times[] = {
    {1e-10, "0.1 ns"},  {0.5e-9, "0.5 ns"},  {999.4e-9, "999 ns"},
    {999.6e-9, "1 us"}, {100e-6, "100 us"},  {0.99999, "1 s"},
    {59.9, "59.9 s"},   {60, "1 min"},       {7200, "2 h"},
    {5e5, "5.79 days"}, {3e8, "9.51 years"},
};

START_TEST(times_have_their_unit)
{
    char text[LATENCY_TEXT];
    ck_assert_str_eq(latency_text(times[_i].seconds, text), times[_i].text);
}
END_TEST

static char *drawn(const struct latency *row)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    latency_draw(out, row, 1);
    fclose(out);
    *strchr(text, '\n') = '\0';
    return text;
}

/* Four cells are ten times as much. */
static const struct {
    struct latency row;
    const char *line;
} lines[] = {
    {{.name = "a", .recorded = 1e-10},
     "|o                                        |"},
    {{.name = "b", .recorded = 1},
     "|                                        o|"},
    {{.name = "c", .recorded = 1e-9, .least = 1e-8, .middle = 1e-7, .most = 1},
     "|    o   ----#----------------------------|"},
    {{.name = "d",
      .recorded = 2e-5,
      .least = 2e-5,
      .middle = 2e-5,
      .most = 2e-5},
     "|                     @                   |"},
    /* What is beyond the scale stands at its end. */
    {{.name = "e", .least = 1e-12, .middle = 1e-5, .most = 1e5},
     "|--------------------#--------------------|"},
    {{.name = "f"}, "|                                         |"},
};

START_TEST(rows_are_to_scale)
{
    char *text = drawn(&lines[_i].row);
    ck_assert_str_eq(strchr(text, '|'), lines[_i].line);
    free(text);
}
END_TEST

TCase *select_latency(void)
{
    TCase *tc = tcase_create("latency");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, some_things_hold_on_any_machine);
    tcase_add_test(tc, more_memory_is_slower);
    tcase_add_test(tc, disk_is_read_from_the_disk);
    tcase_add_test(tc, picture_is_well_formed);
    tcase_add_loop_test(tc, times_have_their_unit, 0,
                        sizeof times / sizeof *times);
    tcase_add_loop_test(tc, rows_are_to_scale, 0, sizeof lines / sizeof *lines);
    return tc;
}
