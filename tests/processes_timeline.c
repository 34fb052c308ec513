/* timeline: what is marked is read, from threads and processes alike; and
 * what was read is drawn. Here the clock stands still until a test sets it.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/timeline.h"
#include "03_processes/timeline_read.h"
#include "tests/forked.h"
#include "tests/support.h"

/* In front of libc's for all of the tests, which only notice where one of this
 * file has stopped the clock. Check itself asks it how long a test took, so it
 * stands near the true time.
 */
static bool stopped;
static struct timespec start, faked;

int clock_gettime(clockid_t id, struct timespec *t)
{
    if (!stopped || id != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, id, t);
    *t = faked;
    return 0;
}

/* Sets the clock to so many ns since the start of the test. */
static void at_ns(long long ns)
{
    if (!stopped)
        clock_gettime(CLOCK_MONOTONIC, &start);
    stopped = true;
    ns += start.tv_nsec;
    faked.tv_sec = start.tv_sec + (time_t)(ns / 1000000000);
    faked.tv_nsec = (long)(ns % 1000000000);
}

static void at(double ms)
{
    at_ns((long long)(ms * 1e6));
}

static void add_ns(long ns)
{
    faked.tv_nsec += ns;
    faked.tv_sec += faked.tv_nsec / 1000000000;
    faked.tv_nsec %= 1000000000;
}

static void begin(int lanes)
{
    at(0);
    timeline_start(lanes);
}

static void mark_at(double ms, int lane, enum timeline_state state)
{
    at(ms);
    timeline_mark(lane, state);
}

static char *text_of(void (*print)(FILE *))
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(out);
    print(out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static int columns = 40;

static void draw(FILE *out)
{
    timeline_draw(out, columns);
}

#define ck_assert_chart(expected)                                              \
    do {                                                                       \
        char *chart = text_of(draw);                                           \
        ck_assert_str_eq(chart, expected);                                     \
        free(chart);                                                           \
    } while (0)

/* --- Recording --------------------------------------------------------- */

START_TEST(without_a_start_nothing_happens)
{
    int lane = timeline_lane("nobody");
    ck_assert_int_eq(lane, -1);
    timeline_mark(lane, TIMELINE_RUN);
    timeline_mark(0, TIMELINE_RUN);
    ck_assert_int_eq(timeline_lanes(), 0);
    timeline_finish();
    ck_assert_chart("");
}
END_TEST

START_TEST(a_timeline_without_lanes_draws_nothing)
{
    begin(3);
    ck_assert_chart("");
}
END_TEST

static void check_interval(struct timeline_interval *it,
                           enum timeline_state state, uint64_t from,
                           uint64_t to)
{
    ck_assert(timeline_next(it));
    ck_assert_int_eq(it->state, state);
    ck_assert_uint_eq(it->from, from);
    ck_assert_uint_eq(it->to, to);
}

START_TEST(intervals_have_no_gap)
{
    begin(2);
    int a = timeline_lane("a");
    int b = timeline_lane("lane %d", 2);
    ck_assert_int_eq(a, 0);
    ck_assert_int_eq(b, 1);
    ck_assert_str_eq(timeline_name(a), "a");
    ck_assert_str_eq(timeline_name(b), "lane 2");
    mark_at(1, a, TIMELINE_RUN);
    mark_at(2, a, TIMELINE_RUN); /* nothing new */
    mark_at(3, b, TIMELINE_BLOCKED);
    mark_at(5, a, TIMELINE_WAIT);
    mark_at(8, a, TIMELINE_IDLE);
    mark_at(9, b, TIMELINE_IDLE);
    at(1000);
    ck_assert_uint_eq(timeline_end(), 9000000);

    struct timeline_interval it = {.lane = a};
    check_interval(&it, TIMELINE_IDLE, 0, 1000000);
    check_interval(&it, TIMELINE_RUN, 1000000, 5000000);
    check_interval(&it, TIMELINE_WAIT, 5000000, 8000000);
    check_interval(&it, TIMELINE_IDLE, 8000000, 9000000);
    ck_assert(!timeline_next(&it));
    it = (struct timeline_interval){.lane = b};
    check_interval(&it, TIMELINE_IDLE, 0, 3000000);
    check_interval(&it, TIMELINE_BLOCKED, 3000000, 9000000);
    check_interval(&it, TIMELINE_IDLE, 9000000, 9000000);
    ck_assert(!timeline_next(&it));
}
END_TEST

/* It may hang, or have been killed: it lasts until somebody looks. */
START_TEST(what_is_not_idle_lasts_until_now)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(1, lane, TIMELINE_BLOCKED);
    at(50);
    ck_assert_uint_eq(timeline_end(), 50000000);
    /* All drawings of one timeline end at the same time. */
    mark_at(60, lane, TIMELINE_RUN);
    ck_assert_uint_eq(timeline_end(), 50000000);
    struct timeline_interval it = {.lane = lane};
    check_interval(&it, TIMELINE_IDLE, 0, 1000000);
    check_interval(&it, TIMELINE_BLOCKED, 1000000, 50000000);
    check_interval(&it, TIMELINE_RUN, 50000000, 50000000);
    ck_assert(!timeline_next(&it));
}
END_TEST

START_TEST(a_new_start_begins_anew)
{
    begin(1);
    mark_at(5, timeline_lane("old"), TIMELINE_RUN);
    at(9);
    timeline_start(3);
    ck_assert_int_eq(timeline_lanes(), 0);
    int lane = timeline_lane("new");
    ck_assert_int_eq(lane, 0);
    mark_at(10, lane, TIMELINE_RUN);
    mark_at(12, lane, TIMELINE_IDLE);
    ck_assert_uint_eq(timeline_end(), 3000000);
}
END_TEST

START_TEST(lanes_without_room_are_counted)
{
    begin(2);
    ck_assert_int_eq(timeline_lane("a"), 0);
    ck_assert_int_eq(timeline_lane("b"), 1);
    ck_assert_int_eq(timeline_lane("c"), -1);
    ck_assert_int_eq(timeline_lane("d"), -1);
    timeline_mark(-1, TIMELINE_RUN);
    ck_assert_int_eq(timeline_lanes(), 2);
    mark_at(0, 0, TIMELINE_RUN);
    mark_at(40, 0, TIMELINE_IDLE);
    columns = 24;
    ck_assert_chart("a |####################|\n"
                    "b |                    |\n"
                    "   0 s           0.04 s\n"
                    "   # runs\n"
                    "   2 lanes had no room\n");
}
END_TEST

/* The first ones stay as they are, and the rest is counted. */
START_TEST(marks_without_room_are_counted)
{
    begin(2);
    int lane = timeline_lane("a");
    int other = timeline_lane("b");
    const int most = 2000000;
    for (int i = 0; i < most; i++) {
        add_ns(1);
        timeline_mark(lane, i % 2 ? TIMELINE_WAIT : TIMELINE_RUN);
    }
    timeline_mark(other, TIMELINE_RUN);
    uint64_t marks = 0;
    uint64_t wrong = 0;
    struct timeline_interval it = {.lane = lane};
    check_interval(&it, TIMELINE_IDLE, 0, 1);
    while (timeline_next(&it)) {
        wrong += it.state != (marks % 2 ? TIMELINE_WAIT : TIMELINE_RUN);
        wrong += it.from != ++marks;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(marks, 1000000);
    ck_assert_uint_lt(marks, (uint64_t)most);
    /* A mark that was lost leaves the state, so that every other mark after
     * it changes nothing.
     */
    ck_assert_uint_ge(timeline_marks_lost(), ((uint64_t)most - marks) / 2);
    char words[64];
    snprintf(words, sizeof words, "%ju marks had no room\n",
             (uintmax_t)timeline_marks_lost());
    char *chart = text_of(draw);
    ck_assert_ptr_nonnull(strstr(chart, words));
    free(chart);
}
END_TEST

enum { ACTORS = 4, MARKS = 200000, LANES = 25000, ALL = ACTORS * LANES };

static void mark_often(int lane)
{
    for (int i = 0; i < MARKS / 2; i++) {
        timeline_mark(lane, TIMELINE_RUN);
        timeline_mark(lane, TIMELINE_WAIT);
    }
}

static void check_often_marked(int lane)
{
    struct timeline_interval it = {.lane = lane};
    uint64_t last = 0;
    int wrong = 0;
    ck_assert(timeline_next(&it));
    for (int i = 0; i < MARKS; i++) {
        ck_assert_msg(timeline_next(&it), "only %d marks", i);
        wrong += it.state != (i % 2 ? TIMELINE_WAIT : TIMELINE_RUN);
        wrong += it.from < last;
        last = it.from;
    }
    ck_assert_int_eq(wrong, 0);
    ck_assert(!timeline_next(&it));
}

/* All of them begin at the same moment. */
static pthread_barrier_t barrier;

static void start_threads(void *run(void *))
{
    pthread_t threads[ACTORS];
    int numbers[ACTORS];
    pthread_barrier_init(&barrier, NULL, ACTORS);
    for (int i = 0; i < ACTORS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run, &numbers[i]),
                         0);
    }
    for (int i = 0; i < ACTORS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static void *run_marking(void *number)
{
    pthread_barrier_wait(&barrier);
    mark_often(*(int *)number);
    return NULL;
}

START_TEST(threads_mark_at_the_same_time)
{
    timeline_start(ACTORS);
    for (int i = 0; i < ACTORS; i++)
        timeline_lane("thread %d", i);
    start_threads(run_marking);
    for (int i = 0; i < ACTORS; i++)
        check_often_marked(i);
    ck_assert_uint_eq(timeline_marks_lost(), 0);
}
END_TEST

static void *run_making(void *number)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < LANES; i++)
        timeline_lane("%d", *(int *)number * LANES + i);
    return NULL;
}

/* Each lane is there, once. */
START_TEST(threads_make_lanes_at_the_same_time)
{
    static bool there[ALL];
    timeline_start(ALL);
    start_threads(run_making);
    ck_assert_int_eq(timeline_lanes(), ALL);
    for (int i = 0; i < ALL; i++) {
        int n = atoi(timeline_name(i));
        ck_assert_msg(*timeline_name(i) != '\0' && !there[n], "lane %d: '%s'",
                      i, timeline_name(i));
        there[n] = true;
    }
    ck_assert_uint_eq(timeline_lanes_lost(), 0);
}
END_TEST

/* As coroutines do it. */
START_TEST(one_thread_marks_many_lanes)
{
    enum { TASKS = 10000 };
    timeline_start(TASKS);
    for (int i = 0; i < TASKS; i++)
        timeline_lane("task %d", i);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < TASKS; i++) {
            timeline_mark(i, TIMELINE_RUN);
            timeline_mark(i, TIMELINE_IDLE);
        }
    for (int i = 0; i < TASKS; i++) {
        struct timeline_interval it = {.lane = i};
        for (int j = 0; j < 7; j++) {
            ck_assert(timeline_next(&it));
            ck_assert_int_eq(it.state, j % 2 ? TIMELINE_RUN : TIMELINE_IDLE);
        }
        ck_assert(!timeline_next(&it));
    }
    ck_assert_uint_eq(timeline_marks_lost(), 0);
}
END_TEST

START_TEST(children_mark_for_their_parent)
{
    timeline_start(ACTORS);
    pid_t pids[ACTORS];
    for (int i = 0; i < ACTORS; i++) {
        pids[i] = fork();
        ck_assert_int_ne(pids[i], -1);
        if (pids[i] == 0) {
            mark_often(timeline_lane("process %d", i));
            _exit(0);
        }
    }
    for (int i = 0; i < ACTORS; i++)
        waitpid(pids[i], NULL, 0);
    ck_assert_int_eq(timeline_lanes(), ACTORS);
    bool named[ACTORS] = {false};
    for (int i = 0; i < ACTORS; i++) {
        int number = 0;
        ck_assert_int_eq(sscanf(timeline_name(i), "process %d", &number), 1);
        ck_assert(!named[number]);
        named[number] = true;
        check_often_marked(i);
    }
}
END_TEST

/* A child is killed while it marks, again and again, at whatever place: what
 * it had marked can be read, and others go on marking.
 */
START_TEST(killed_children_leave_nothing_locked)
{
    timeline_start(40);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        ck_assert_int_ne(pid, -1);
        if (pid == 0)
            for (int lane = timeline_lane("child");;)
                mark_often(lane);
        struct timespec moment = {0, i * 50000L};
        nanosleep(&moment, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        int lane = timeline_lane("parent");
        ck_assert_int_ge(lane, 0);
        timeline_mark(lane, TIMELINE_RUN);
    }
    for (int i = 0; i < timeline_lanes(); i++) {
        struct timeline_interval it = {.lane = i};
        uint64_t last = 0;
        int wrong = 0;
        while (timeline_next(&it)) {
            wrong += it.from != last || it.to < it.from;
            last = it.to;
        }
        ck_assert_int_eq(wrong, 0);
        ck_assert_uint_eq(last, timeline_end());
    }
}
END_TEST

/* --- The chart ---------------------------------------------------------- */

START_TEST(the_chart_of_two_requests)
{
    begin(2);
    int a = timeline_lane("request 1");
    int b = timeline_lane("request 2");
    mark_at(0, a, TIMELINE_RUN);
    mark_at(40, b, TIMELINE_RUN);
    mark_at(80, a, TIMELINE_WAIT);
    mark_at(120, b, TIMELINE_WAIT);
    mark_at(1040, a, TIMELINE_RUN);
    mark_at(1040, b, TIMELINE_RUN);
    mark_at(1120, a, TIMELINE_IDLE);
    mark_at(1120, b, TIMELINE_IDLE);
    ck_assert_chart("request 1 |##........................##|\n"
                    "request 2 | ##.......................##|\n"
                    "           0 s                   1.12 s\n"
                    "           # runs   . waits\n");
}
END_TEST

START_TEST(each_state_has_its_sign)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(10, lane, TIMELINE_RUN);
    mark_at(20, lane, TIMELINE_WAIT);
    mark_at(30, lane, TIMELINE_BLOCKED);
    at(40);
    columns = 24;
    ck_assert_chart("a |     #####.....-----|\n"
                    "   0 s           0.04 s\n"
                    "   # runs   . waits   - waits for its turn\n");
}
END_TEST

/* In all three drawings. */
START_TEST(a_program_names_its_states)
{
    begin(1);
    int lane = timeline_lane("a");
    timeline_legend(TIMELINE_RUN, "has the lock");
    timeline_legend(TIMELINE_BLOCKED, "waits for it");
    mark_at(10, lane, TIMELINE_BLOCKED);
    mark_at(20, lane, TIMELINE_RUN);
    mark_at(30, lane, TIMELINE_WAIT);
    at(40);
    columns = 24;
    ck_assert_chart("a |     -----#####.....|\n"
                    "   0 s           0.04 s\n"
                    "   # has the lock   . waits   - waits for it\n");
    char *trace = text_of(timeline_trace);
    ck_assert_ptr_nonnull(strstr(trace, "\"name\": \"has the lock\""));
    ck_assert_ptr_nonnull(strstr(trace, "\"name\": \"waits for it\""));
    ck_assert_ptr_null(strstr(trace, "\"runs\""));
    free(trace);
    char *picture = text_of(timeline_svg);
    ck_assert_ptr_nonnull(strstr(picture, ">has the lock</text>"));
    ck_assert_ptr_nonnull(
        strstr(picture, "<title>a: has the lock 0.0100 s, waits 0.0100 s, "
                        "waits for it 0.0100 s</title>"));
    free(picture);
}
END_TEST

/* Cells of 1 ms, and a state of 3 ns in one of them: wherever it lies. */
static const struct {
    double ms;
    const char *chart;
} moments[] = {
    {0.5, "a |#...................|\n"},
    {7, "a |.......#............|\n"},
    {7.0000005, "a |.......#............|\n"},
    {9.5, "a |.........#..........|\n"},
    {9.999999, "a |..........#.........|\n"},
    {19.5, "a |...................#|\n"},
    {19.999999, "a |...................#|\n"},
};

START_TEST(what_is_short_shows)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(0, lane, TIMELINE_WAIT);
    mark_at(moments[_i].ms, lane, TIMELINE_RUN);
    add_ns(3);
    timeline_mark(lane, TIMELINE_WAIT);
    mark_at(20, lane, TIMELINE_IDLE);
    columns = 24;
    char *chart = text_of(draw);
    ck_assert_msg(strncmp(chart, moments[_i].chart, 24) == 0, "%s", chart);
    free(chart);
}
END_TEST

/* A wait that interrupts work shows as well as work between waits. */
START_TEST(a_short_wait_shows)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(0, lane, TIMELINE_RUN);
    mark_at(4.2, lane, TIMELINE_WAIT);
    mark_at(4.3, lane, TIMELINE_RUN);
    mark_at(20, lane, TIMELINE_IDLE);
    columns = 24;
    ck_assert_chart("a |####.###############|\n"
                    "   0 s           0.02 s\n"
                    "   # runs   . waits\n");
}
END_TEST

/* A hundred requests on twenty cells: no state hides the other for long. */
START_TEST(many_short_ones_alternate)
{
    begin(1);
    int lane = timeline_lane("a");
    for (int i = 0; i < 100; i++) {
        mark_at(i * 10, lane, TIMELINE_RUN);
        mark_at(i * 10 + 1, lane, TIMELINE_WAIT);
    }
    mark_at(1000, lane, TIMELINE_IDLE);
    columns = 24;
    ck_assert_chart("a |#.#.#.#.#.#.#.#.#.#.|\n"
                    "   0 s              1 s\n"
                    "   # runs   . waits\n");
}
END_TEST

/* Otherwise a cell shows what took most of it. */
START_TEST(the_longest_wins_a_cell)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(2.4, lane, TIMELINE_RUN); /* to 3: most of its cell */
    mark_at(9.6, lane, TIMELINE_WAIT);
    mark_at(15.6, lane, TIMELINE_RUN);
    mark_at(20, lane, TIMELINE_IDLE);
    columns = 24;
    ck_assert_chart("a |  ########......####|\n"
                    "   0 s           0.02 s\n"
                    "   # runs   . waits\n");
}
END_TEST

static int count_lines(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void make_lanes(int n)
{
    begin(n);
    for (int i = 0; i < n; i++) {
        int lane = timeline_lane("request %d", i + 1);
        mark_at(i, lane, TIMELINE_RUN);
        mark_at(i + 1, lane, TIMELINE_IDLE);
    }
}

START_TEST(many_lanes_are_cut)
{
    make_lanes(100);
    char *chart = text_of(draw);
    ck_assert_int_eq(count_lines(chart), 12 + 1 + 12 + 2);
    ck_assert_ptr_nonnull(strstr(chart, "\nrequest 12  |"));
    ck_assert_ptr_null(strstr(chart, "\nrequest 13  |"));
    ck_assert_ptr_nonnull(strstr(chart, "|\n             and 76 more\nreq"));
    ck_assert_ptr_null(strstr(chart, "\nrequest 88  |"));
    ck_assert_ptr_nonnull(strstr(chart, "\nrequest 89  |"));
    ck_assert_ptr_nonnull(strstr(chart, "\nrequest 100 |"));
    free(chart);
}
END_TEST

/* A line that says "and 1 more" would take as much room as the lane. */
START_TEST(a_few_lanes_are_not_cut)
{
    make_lanes(25);
    char *chart = text_of(draw);
    ck_assert_int_eq(count_lines(chart), 25 + 2);
    ck_assert_ptr_nonnull(strstr(chart, "\nrequest 13 |"));
    free(chart);
}
END_TEST

static int characters_of(const char *line)
{
    int n = 0;
    for (; *line != '\0' && *line != '\n'; line++)
        n += (*line & 0xc0) != 0x80;
    return n;
}

/* Every lane's line is as wide as was asked for, whatever its name. */
START_TEST(the_chart_fits)
{
    static const char *const names[] = {
        "", "a", "Технопарк", "МГТУ им. Баумана, лекция",
        "a name that is longer than there is room for it"};
    begin(5);
    for (int i = 0; i < 5; i++)
        timeline_mark(timeline_lane("%s", names[i]), TIMELINE_RUN);
    at(10);
    for (columns = 20; columns <= 300; columns++) {
        char *chart = text_of(draw);
        char *line = chart;
        for (int i = 0; i < 5; i++, line = strchr(line, '\n') + 1)
            ck_assert_int_eq(characters_of(line), columns);
        ck_assert_int_lt(characters_of(line), columns);
        free(chart);
    }
    columns = 40;
    char *chart = text_of(draw);
    ck_assert_ptr_nonnull(strstr(chart, "\na             |"));
    ck_assert_ptr_nonnull(strstr(chart, "\nТехнопарк     |"));
    ck_assert_ptr_nonnull(strstr(chart, "\nМГТУ им. Бау… |"));
    ck_assert_ptr_nonnull(strstr(chart, "\na name that … |"));
    free(chart);
}
END_TEST

/* Too narrow or too wide a terminal is no reason to fail. */
START_TEST(any_width_is_drawn)
{
    begin(1);
    timeline_mark(timeline_lane("abc"), TIMELINE_RUN);
    at(10);
    static const int widths[] = {-1, 0, 1, 10, 1000, 100000, 2147483647};
    for (int i = 0; i < 7; i++) {
        columns = widths[i];
        char *chart = text_of(draw);
        int n = characters_of(chart);
        ck_assert(n >= 20 && n <= 1000);
        free(chart);
    }
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} times[] = {{0.00000123, "1.23e-06 s"},
             {0.0456, "0.0456 s"},
             {1, "1 s"},
             {1.0449, "1.04 s"},
             {10.73, "10.7 s"},
             {100, "100 s"},
             {1234, "1234 s"}};

START_TEST(times_are_short)
{
    char text[32];
    ck_assert_str_eq(timeline_seconds(times[_i].seconds, text), times[_i].text);
}
END_TEST

/* --- The files ----------------------------------------------------------- */

START_TEST(names_can_be_shown_everywhere)
{
    static const struct {
        const char *name, *shown;
    } names[] = {
        {"МГТУ \xe2\x82\xac \xf0\x9f\x98\x80",
         "МГТУ \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"tab\tline\nescape\033[31m", "tab?line?escape?[31m"},
        {"\x7f\xc2\x85", "???"},                     /* controls */
        {"\x80\xff\xc0\x80\xc1\xbf", "??????"},      /* never in UTF-8 */
        {"\xe0\x80\x80\xf0\x80\x80\x80", "???????"}, /* longer than need be */
        {"\xed\xa0\x80\xf4\x90\x80\x80", "???????"}, /* beyond Unicode */
        {"a\xd0", "a?"},
        /* Cut after 39 bytes, in the middle of a character. */
        {"123456789 123456789 123456789 12345678\xd0\xa2",
         "123456789 123456789 123456789 12345678?"},
    };
    enum { NAMES = sizeof names / sizeof *names };
    begin(NAMES);
    for (int i = 0; i < NAMES; i++) {
        ck_assert_int_eq(timeline_lane("%s", names[i].name), i);
        ck_assert_str_eq(timeline_name(i), names[i].shown);
    }
}
END_TEST

static void make_example(void)
{
    begin(2);
    int a = timeline_lane("<\"a\" & \\b>");
    int b = timeline_lane("б");
    mark_at(0, a, TIMELINE_RUN);
    mark_at(1.5, a, TIMELINE_WAIT);
    mark_at(2.000001, a, TIMELINE_IDLE);
    mark_at(4, b, TIMELINE_BLOCKED);
    mark_at(1200, b, TIMELINE_IDLE);
}

START_TEST(the_trace)
{
    make_example();
    char *text = text_of(timeline_trace);
    char expected[2000];
    snprintf(
        expected, sizeof expected,
        "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n"
        "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": 1, \"tid\": 0, "
        "\"args\": {\"name\": \"%s\"}},\n"
        "{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": 1, \"tid\": 1, "
        "\"args\": {\"name\": \"<\\\"a\\\" & \\\\b>\"}},\n"
        "{\"ph\": \"M\", \"name\": \"thread_sort_index\", \"pid\": 1, "
        "\"tid\": 1, \"args\": {\"sort_index\": 1}},\n"
        "{\"ph\": \"X\", \"name\": \"runs\", \"pid\": 1, \"tid\": 1, "
        "\"ts\": 0.000, \"dur\": 1500.000},\n"
        "{\"ph\": \"X\", \"name\": \"waits\", \"pid\": 1, \"tid\": 1, "
        "\"ts\": 1500.000, \"dur\": 500.001},\n"
        "{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": 1, \"tid\": 2, "
        "\"args\": {\"name\": \"б\"}},\n"
        "{\"ph\": \"M\", \"name\": \"thread_sort_index\", \"pid\": 1, "
        "\"tid\": 2, \"args\": {\"sort_index\": 2}},\n"
        "{\"ph\": \"X\", \"name\": \"waits for its turn\", \"pid\": 1, "
        "\"tid\": 2, \"ts\": 4000.000, \"dur\": 1196000.000}\n"
        "]}\n",
        program_invocation_short_name);
    ck_assert_str_eq(text, expected);
    free(text);
}
END_TEST

/* Times of a week in us still have their ns. */
START_TEST(the_trace_is_exact)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(0, lane, TIMELINE_RUN);
    at_ns(604800123456789);
    timeline_mark(lane, TIMELINE_IDLE);
    stopped = false; /* or Check would find that the test took a week */
    char *text = text_of(timeline_trace);
    ck_assert_ptr_nonnull(strstr(text, "\"dur\": 604800123456.789}"));
    free(text);
}
END_TEST

START_TEST(the_picture)
{
    make_example();
    char *text = text_of(timeline_svg);
    static const char *const parts[] = {
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1200 ",
        "role=\"img\" aria-labelledby=\"title\">\n<title id=\"title\">",
        ": who runs and who waits</title>",
        ">runs</text>",
        ">waits</text>",
        ">waits for its turn</text>",
        "<title>&lt;\"a\" &amp; \\b&gt;: runs 0.0015 s, waits 0.0005 s</title>",
        "text-anchor=\"end\">&lt;\"a\" &amp; \\b&gt;</text>",
        "<title>б: waits for its turn 1.1960 s</title>",
        ">0 s</text>",
        ">0.2 s</text>",
        ">1 s</text>",
        ">1.2 s</text>\n",
        "</g>\n</svg>\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no %s in:\n%s", parts[i],
                      text);
    free(text);
}
END_TEST

/* A state of a ns in a second is a rectangle of its own in the picture too. */
START_TEST(the_picture_shows_what_is_short)
{
    begin(1);
    int lane = timeline_lane("a");
    mark_at(0, lane, TIMELINE_WAIT);
    mark_at(500, lane, TIMELINE_RUN);
    add_ns(1);
    timeline_mark(lane, TIMELINE_WAIT);
    mark_at(1000, lane, TIMELINE_IDLE);
    char *text = text_of(timeline_svg);
    int rectangles = 0;
    for (const char *p = text; (p = strstr(p, "<rect ")) != NULL; p++)
        rectangles++;
    /* The ground, two in the legend, and three in the lane. */
    ck_assert_int_eq(rectangles, 6);
    free(text);
}
END_TEST

/* A million marks make no picture of a million rectangles. */
START_TEST(the_picture_stays_small)
{
    begin(1);
    int lane = timeline_lane("a");
    for (int i = 0; i < 500000; i++) {
        mark_at(i, lane, TIMELINE_RUN);
        mark_at(i + 0.5, lane, TIMELINE_WAIT);
    }
    char *text = text_of(timeline_svg);
    ck_assert_uint_lt(strlen(text), 200000);
    free(text);
}
END_TEST

/* --- The options of a program -------------------------------------------- */

static void check_shell(const char *command, int status, const char *printed)
{
    struct child child = run_shell(command);
    ck_assert_msg(
        WIFEXITED(child.status) && WEXITSTATUS(child.status) == status,
        "%s: exit %d\n%s", command, WEXITSTATUS(child.status), child.out.text);
    ck_assert_str_eq(child.out.text, printed);
    child_free(&child);
}

START_TEST(files_are_written_whole)
{
    check_shell("count_threads -n 9 --svg a.svg --trace ./b.json >/dev/null &&"
                "ls -A && head -c4 a.svg && tail -n1 a.svg &&"
                "head -c3 b.json && tail -n1 b.json",
                0, "a.svg\nb.json\n<svg</svg>\n{\"d]}\n");
}
END_TEST

/* As umask(2) has it, not for the owner alone, as temporary files are. */
START_TEST(files_have_the_usual_mode)
{
    check_shell("umask 022; count_threads -n 9 --svg a >/dev/null &&"
                "umask 027; count_threads -n 9 --svg b >/dev/null &&"
                "stat -c '%a' a b",
                0, "644\n640\n");
}
END_TEST

/* Another name of the old file shows that the new one is another file. */
START_TEST(files_are_replaced_whole)
{
    check_shell("echo old >a; ln a b; count_threads -n 9 --svg a >/dev/null &&"
                "cat b && head -c4 a && echo && ls -A",
                0, "old\n<svg\na\nb\n");
}
END_TEST

/* On a full disk the old file stays, and nothing else does. */
START_TEST(or_not_at_all)
{
    check_shell("echo old >a; trap '' XFSZ; ulimit -f 0;"
                "count_threads -n 9 --svg a 2>&1 >/dev/null;"
                "echo $?; cat a; ls -A",
                0, "count_threads: --svg 'a': File too large\n1\nold\na\n");
}
END_TEST

/* Known before the first step is counted: nothing is printed. */
START_TEST(a_missing_folder_is_named)
{
    check_shell("count_threads -n 2000000000 --trace no/such", 1,
                "count_threads: --trace 'no/such': "
                "No such file or directory\n");
}
END_TEST

START_TEST(a_folder_is_no_file)
{
    check_shell("mkdir a; count_threads -n 9 --svg a >/dev/null", 1,
                "count_threads: --svg 'a': Is a directory\n");
    check_shell("count_threads -n 9 --svg '' >/dev/null", 1,
                "count_threads: --svg '': Is a directory\n");
}
END_TEST

/* What is no plain file is written to, and stays what it was. */
START_TEST(a_pipe_stays_a_pipe)
{
    check_shell("mkfifo a; tail -n1 a & count_threads -n 9 --svg a >/dev/null;"
                "wait; test -p a && ls -A",
                0, "</svg>\na\n");
    check_shell("ln -s b a; count_threads -n 9 --svg a >/dev/null;"
                "test -L a && tail -n1 b",
                0, "</svg>\n");
}
END_TEST

START_TEST(the_chart_is_as_wide_as_the_terminal)
{
    check_shell("COLUMNS=40 count_threads -n 9 | sed -n 1p | wc -L;"
                "COLUMNS= count_threads -n 9 | sed -n 1p | wc -L;"
                "COLUMNS=word count_threads -n 9 | sed -n 1p | wc -L",
                0, "40\n80\n80\n");
}
END_TEST

/* Programs that enter a folder of their own do so after the start. */
static void change_folder(const void *folder)
{
    timeline_svg_file = "a.svg";
    timeline_trace_file = "sub/b.json";
    if (chdir(folder) == -1 || mkdir("sub", 0777) == -1 ||
        mkdir("other", 0777) == -1)
        err(1, "%s", (const char *)folder);
    timeline_start(1);
    timeline_mark(timeline_lane("a"), TIMELINE_RUN);
    if (chdir("other") == -1)
        err(1, "other");
    timeline_finish();
    /* Once more, as programs do that draw several charts. */
    timeline_start(1);
    timeline_mark(timeline_lane("second"), TIMELINE_RUN);
    timeline_finish();
}

START_TEST(names_are_of_the_folder_of_the_start)
{
    char *folder = new_folder();
    struct forked run = run_forked(change_folder, folder);
    ck_assert_msg(run.status == 0, "%s", run.err);
    char command[512];
    snprintf(command, sizeof command,
             "cd '%s' && find . -type f | sort; grep -c second sub/b.json",
             folder);
    check_shell(command, 0, "./a.svg\n./sub/b.json\n1\n");
    free(folder);
}
END_TEST

static void exhaust_memory(const void *lanes)
{
    timeline_start(*(const int *)lanes);
}

START_TEST(no_memory_is_an_error)
{
    static const int lanes = 2147483647;
    if (!plain_build())
        return;
    struct rlimit limit = {1 << 30, 1 << 30};
    setrlimit(RLIMIT_AS, &limit);
    struct forked run = run_forked(exhaust_memory, &lanes);
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    ck_assert_ptr_nonnull(
        strstr(run.err, "memory for a timeline of 2147483647 lanes: "));
}
END_TEST

TCase *processes_timeline(void)
{
    TCase *tc = tcase_create("timeline");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, without_a_start_nothing_happens);
    tcase_add_test(tc, a_timeline_without_lanes_draws_nothing);
    tcase_add_test(tc, intervals_have_no_gap);
    tcase_add_test(tc, what_is_not_idle_lasts_until_now);
    tcase_add_test(tc, a_new_start_begins_anew);
    tcase_add_test(tc, lanes_without_room_are_counted);
    tcase_add_test(tc, marks_without_room_are_counted);
    tcase_add_test(tc, threads_mark_at_the_same_time);
    tcase_add_test(tc, threads_make_lanes_at_the_same_time);
    tcase_add_test(tc, one_thread_marks_many_lanes);
    tcase_add_test(tc, children_mark_for_their_parent);
    tcase_add_test(tc, killed_children_leave_nothing_locked);
    tcase_add_test(tc, the_chart_of_two_requests);
    tcase_add_test(tc, each_state_has_its_sign);
    tcase_add_test(tc, a_program_names_its_states);
    tcase_add_loop_test(tc, what_is_short_shows, 0,
                        sizeof moments / sizeof *moments);
    tcase_add_test(tc, a_short_wait_shows);
    tcase_add_test(tc, many_short_ones_alternate);
    tcase_add_test(tc, the_longest_wins_a_cell);
    tcase_add_test(tc, many_lanes_are_cut);
    tcase_add_test(tc, a_few_lanes_are_not_cut);
    tcase_add_test(tc, the_chart_fits);
    tcase_add_test(tc, any_width_is_drawn);
    tcase_add_loop_test(tc, times_are_short, 0, sizeof times / sizeof *times);
    tcase_add_test(tc, names_can_be_shown_everywhere);
    tcase_add_test(tc, the_trace);
    tcase_add_test(tc, the_trace_is_exact);
    tcase_add_test(tc, the_picture);
    tcase_add_test(tc, the_picture_shows_what_is_short);
    tcase_add_test(tc, the_picture_stays_small);
    tcase_add_test(tc, files_are_written_whole);
    tcase_add_test(tc, files_have_the_usual_mode);
    tcase_add_test(tc, files_are_replaced_whole);
    tcase_add_test(tc, or_not_at_all);
    tcase_add_test(tc, a_missing_folder_is_named);
    tcase_add_test(tc, a_folder_is_no_file);
    tcase_add_test(tc, a_pipe_stays_a_pipe);
    tcase_add_test(tc, the_chart_is_as_wide_as_the_terminal);
    tcase_add_test(tc, names_are_of_the_folder_of_the_start);
    tcase_add_test(tc, no_memory_is_an_error);
    return tc;
}
