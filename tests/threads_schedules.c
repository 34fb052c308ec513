/* schedules: what its transcript cannot show. The turns are given to real
 * threads that sleep meanwhile; and the game on a terminal, which here is a
 * pseudo-terminal whose keys the test presses.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "04_threads/models.h"
#include "04_threads/turns.h"
#include "tests/support.h"

/* --- Turns ----------------------------------------------------------------- */

static char order[16];
static int left;
static pthread_t threads[TURNS_THREADS];
static volatile pid_t tids[TURNS_THREADS];
static int turns[TURNS_THREADS];

/* Answers yes and no by turns. */
static bool note_turn(int who)
{
    strcat(order, who ? "B" : "A");
    threads[who] = pthread_self();
    tids[who] = gettid();
    return ++turns[who] % 2 == 1;
}

static void note_end(int who)
{
    ck_assert(pthread_equal(threads[who], pthread_self()));
    __atomic_fetch_add(&left, 1, __ATOMIC_SEQ_CST);
}

/* In that order, each by its own thread, and the answers come back. */
START_TEST(turns_are_given)
{
    ck_assert_int_eq(turns_start(note_turn, note_end), 0);
    ck_assert(turns_give(0));
    ck_assert(turns_give(1));
    ck_assert(!turns_give(1));
    ck_assert(turns_give(1));
    ck_assert(!turns_give(0));
    ck_assert_str_eq(order, "ABBBA");
    ck_assert_int_eq(left, 0);
    turns_end();
    ck_assert_int_eq(left, 2);
    ck_assert(!pthread_equal(threads[0], threads[1]));
    ck_assert_int_ne(tids[0], tids[1]);
    ck_assert_int_ne(tids[0], gettid());
    ck_assert_int_ne(tids[1], gettid());
}
END_TEST

/* Two threads a time, and none is left. */
START_TEST(turns_begin_anew)
{
    for (int i = 0; i < 100; i++) {
        order[0] = '\0';
        ck_assert_int_eq(turns_start(note_turn, note_end), 0);
        turns_give(i % 2);
        ck_assert_str_eq(order, i % 2 ? "B" : "A");
        turns_give(!(i % 2)); /* note_end wants each to have had a turn */
        turns_end();
        ck_assert_int_eq(left / 2, i + 1);
    }
}
END_TEST

/* Who waits for a turn sleeps: it gets no time of the CPU. */
START_TEST(waiting_is_sleeping)
{
    ck_assert_int_eq(turns_start(note_turn, note_end), 0);
    turns_give(0);
    turns_give(1);
    for (int i = 0; i < TURNS_THREADS; i++) {
        char path[64];
        char state = 'R';
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", tids[i]);
        while (state != 'S') { /* or the test's time is up */
            FILE *f = fopen(path, "r");
            ck_assert_ptr_nonnull(f);
            ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
            fclose(f);
        }
    }
    turns_end();
}
END_TEST

/* --- Models ---------------------------------------------------------------- */

/* A step that has to wait leaves all as it was; and so does one too many. */
START_TEST(waiting_changes_nothing)
{
    model_begin(&models[2]); /* deadlock */
    ck_assert_str_eq(models[2].name, "deadlock");
    ck_assert_int_eq(turns_start(model_go, model_leave), 0);
    ck_assert(turns_give(0));
    ck_assert(turns_give(1));
    ck_assert(!turns_give(0));
    ck_assert(!turns_give(1));
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(world.threads[i].next, 1);
    ck_assert_int_eq(world.locks[0].holder, 'A');
    ck_assert_int_eq(world.locks[1].holder, 'B');
    ck_assert_str_eq(model_next(0)->text, "lock 2");
    ck_assert_str_eq(model_next(1)->text, "lock 1");
    ck_assert(model_is_bad());
    turns_end();
    ck_assert_int_eq(world.locks[0].holder, 'A'); /* can still be read */
    for (int i = 0; i < LOCKS; i++) {             /* but they are free */
        ck_assert_int_eq(pthread_mutex_trylock(&world.locks[i].mutex), 0);
        pthread_mutex_unlock(&world.locks[i].mutex);
    }
}
END_TEST

START_TEST(no_step_behind_the_last)
{
    model_begin(&models[0]);
    ck_assert_int_eq(turns_start(model_go, model_leave), 0);
    for (int i = 0; i < 3; i++)
        ck_assert(turns_give(1));
    ck_assert(!turns_give(1));
    ck_assert_ptr_null(model_next(1));
    ck_assert_int_eq(world.counter, 1);
    ck_assert(model_is_bad()); /* A has not begun */
    turns_end();
}
END_TEST

/* --- The program ----------------------------------------------------------- */

/* Where there is room for no thread or for one alone, it says so and ends. The
 * sanitizers need more room than that themselves.
 */
START_TEST(no_threads_to_be_had)
{
    if (!plain_build())
        return;
    int refused = 0;
    for (int kilobytes = 4000; kilobytes <= 20000; kilobytes += 1000) {
        char command[64];
        snprintf(command, sizeof command, "ulimit -v %d; schedules", kilobytes);
        struct child child = run_shell(command);
        if (strstr(child.out.text, "schedules: two threads: ") != NULL) {
            ck_assert_int_eq(WEXITSTATUS(child.status), 1);
            refused++;
        }
        child_free(&child);
    }
    ck_assert_int_ge(refused, 2);
}
END_TEST

/* The same in each run, to the letter. */
START_TEST(always_the_same)
{
    struct child first = run_shell("schedules; schedules -m deadlock");
    for (int i = 0; i < 10; i++) {
        struct child again = run_shell("schedules; schedules -m deadlock");
        ck_assert_str_eq(first.out.text, again.out.text);
        child_free(&again);
    }
    child_free(&first);
}
END_TEST

/* --- The game -------------------------------------------------------------- */

static struct {
    pid_t pid;
    int fd, slave;
    char seen[1 << 17];
    size_t length, looked;
} game;

/* On a terminal of that type, with colours if it has any; by a shell command,
 * or else just so.
 */
static void start(const char *term, bool colour, const char *command)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    char *program = built("04_threads", "schedules");
    game.pid = forkpty(&game.fd, NULL, NULL, &size);
    if (game.pid == -1)
        err(1, "forkpty");
    if (game.pid == 0) {
        /* A test that runs in a shell's background has these ignored. */
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        setenv("TERM", term, 1);
        setenv("NO_COLOR", colour ? "" : "1", 1);
        setenv("SCHEDULES", program, 1);
        unsetenv("LINES");
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        if (command)
            execlp("bash", "bash", "-mc", command, NULL);
        execl(program, program, "--play", NULL);
        err(1, "%s", program);
    }
    /* As long as we hold it, it can be looked at, even after the end. */
    game.slave = open(ptsname(game.fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(game.slave, 0);
    free(program);
}

/* Waits until the text stands behind what was looked at before. */
static void expect(const char *text)
{
    char *found;
    while ((found = strstr(game.seen + game.looked, text)) == NULL) {
        struct pollfd p = {game.fd, POLLIN, 0};
        ck_assert_msg(poll(&p, 1, 30000) == 1, "'%s' never came; last was:\n%s",
                      text, game.seen + game.looked);
        size_t room = sizeof game.seen - 1 - game.length;
        ssize_t n = read(game.fd, game.seen + game.length, room);
        ck_assert_int_gt(n, 0);
        game.length += (size_t)n;
        game.seen[game.length] = '\0';
    }
    game.looked = (size_t)(found - game.seen) + strlen(text);
}

/* Presses keys one by one, each when it is asked for. */
static void press(const char *keys)
{
    for (; *keys; keys++) {
        expect("q: quit ");
        ck_assert_int_eq(write(game.fd, keys, 1), 1);
    }
}

static int end(void)
{
    int status;
    ck_assert_int_eq(waitpid(game.pid, &status, 0), game.pid);
    return status;
}

static tcflag_t modes(void)
{
    struct termios t;
    ck_assert_int_eq(tcgetattr(game.slave, &t), 0);
    return t.c_lflag & (ICANON | ECHO | ISIG);
}

START_TEST(race_is_broken)
{
    start("dumb", true, NULL);
    expect("race: each adds 1 to one counter, without a lock");
    expect("The aim: an update is lost");
    expect("> load counter          > load counter");
    expect("-        -        0");
    expect("Who goes?");
    press("a");
    expect("> add 1                   add 1");
    expect("0        -        0");
    press("a");
    press("b");
    expect("schedule AAB\r\n");
    press("bb");
    expect("1        1        1");
    expect("schedule AABBB\r\n");
    press("b");
    expect("B has no step left");
    press("a");
    expect("1        1        1");
    expect("Broken: an update is lost. The mend: n");
    press("q");
    ck_assert_int_eq(end(), 0);
    ck_assert_uint_eq(modes(), ICANON | ECHO | ISIG);
}
END_TEST

START_TEST(one_after_the_other_is_well)
{
    start("dumb", true, NULL);
    press("BBBAAA"); /* capitals will do */
    expect("schedule BBBAAA\r\n");
    expect("All is well. Another way? u or r");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

/* The lock's other side waits; and whatever order ends, it is well. */
START_TEST(mend_is_not_broken)
{
    start("dumb", true, NULL);
    press("n");
    expect("lock: ");
    expect("This is the mend.");
    expect("lock 1\r\n");
    press("a");
    expect("> lock 1 (waits)");
    press("b");
    expect("B has to wait.");
    press("a");
    expect("Who goes?");
    press("aa");
    expect("schedule AAAA\r\n");
    press("b");
    expect("B has to wait.");
    press("a");
    expect("> lock 1");
    press("bbbbb");
    expect("2        2     free");
    expect("All is well, as at the end of every order.");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(deadlock_and_wakeup_are_broken)
{
    start("dumb", true, NULL);
    press("nnab");
    expect("deadlock: ");
    expect("> lock 2 (waits)        > lock 1 (waits)");
    expect("A        B\r\n");
    expect("Broken: a deadlock");
    press("nnabba");
    expect("wakeup: ");
    expect("> wake up (waits)");
    expect("1   asleep");
    expect("Broken: A sleeps for ever");
    press("n");
    expect("wakeup_mended: ");
    press("n"); /* round to the first */
    expect("race: ");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

/* Undo makes the world as it was, step by step, and stops at the start. */
START_TEST(undo_and_restart)
{
    start("dumb", true, "\"$SCHEDULES\" --play -m lock");
    press("aaaa");
    expect("schedule AAAA\r\n");
    press("u");
    expect("1        -        0        A");
    expect("schedule AAA\r\n");
    press("uu");
    expect("schedule A\r\n");
    press("u");
    expect("-        -        0     free");
    expect("schedule \r\n");
    press("u");
    expect("schedule \r\n");
    press("bbu");
    expect("schedule B\r\n");
    press("bb");
    expect("schedule BBB\r\n");
    press("r");
    expect("-        -        0     free");
    expect("schedule \r\n");
    press("x"); /* means nothing */
    expect("schedule \r\n");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

/* Colours on a terminal that has them, unless they are not wanted. */
START_TEST(colours)
{
    start("xterm", true, NULL);
    press("abab");
    press("ab");
    expect("\033[1;31mBroken: an update is lost.\033[0m");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(no_colours)
{
    start(_i ? "dumb" : "xterm", _i, NULL);
    press("ababab");
    expect("\nBroken: an update is lost. The mend");
    press("q");
    ck_assert_int_eq(end(), 0);
    for (const char *p = game.seen; (p = strchr(p, '\033')) != NULL; p++)
        ck_assert_msg(_i == 0 && p[1] == '[' && p[2] == 'H',
                      "an escape sequence: %.5s", p + 1);
}
END_TEST

START_TEST(page_fits)
{
    start("dumb", true, NULL);
    for (int i = 0; i < MODELS; i++)
        press("ababaaabbbbbn");
    press("q");
    ck_assert_int_eq(end(), 0);
    int rows = 0;
    char *rest = game.seen;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        rows = strstr(line, "q: quit") ? 0 : rows + 1;
        ck_assert_int_lt(rows, 24);
        ck_assert_msg(strlen(line) <= 81, "%s", line); /* \r too */
    }
}
END_TEST

/* Ctrl-Z stops the job, with the terminal in order, and fg goes on. */
START_TEST(ctrl_z)
{
    start("dumb", true, "\"$SCHEDULES\" --play; echo stopped; stty -a; fg");
    press("a\032");
    expect("stopped");
    expect(" icanon ");
    expect(" echo ");
    expect("schedule A\r\n");
    press("b");
    expect("schedule AB\r\n");
    press("q");
    ck_assert_int_eq(end(), 0);
}
END_TEST

/* Ctrl-C ends it as it ends any program. */
START_TEST(ctrl_c)
{
    start("dumb", true, NULL);
    press("ab\3");
    int status = end();
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    ck_assert_uint_eq(modes(), ICANON | ECHO | ISIG);
}
END_TEST

START_TEST(signals)
{
    const int sig = (int[]){SIGTERM, SIGINT, SIGHUP, SIGQUIT}[_i];
    start("dumb", true, NULL);
    press("a");
    expect("q: quit ");
    ck_assert_uint_eq(modes(), 0); /* raw, while it waits for a key */
    kill(game.pid, sig);
    int status = end();
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), sig);
    ck_assert_uint_eq(modes(), ICANON | ECHO | ISIG);
}
END_TEST

/* Nobody is there any more: it does not stay. */
START_TEST(terminal_goes)
{
    start("dumb", true, NULL);
    press("a");
    expect("q: quit ");
    close(game.slave);
    close(game.fd);
    int status = end();
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}
END_TEST

TCase *threads_schedules(void)
{
    TCase *tc = tcase_create("schedules");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, turns_are_given);
    tcase_add_test(tc, turns_begin_anew);
    tcase_add_test(tc, waiting_is_sleeping);
    tcase_add_test(tc, waiting_changes_nothing);
    tcase_add_test(tc, no_step_behind_the_last);
    tcase_add_test(tc, no_threads_to_be_had);
    tcase_add_test(tc, always_the_same);
    tcase_add_test(tc, race_is_broken);
    tcase_add_test(tc, one_after_the_other_is_well);
    tcase_add_test(tc, mend_is_not_broken);
    tcase_add_test(tc, deadlock_and_wakeup_are_broken);
    tcase_add_test(tc, undo_and_restart);
    tcase_add_test(tc, colours);
    tcase_add_loop_test(tc, no_colours, 0, 2);
    tcase_add_test(tc, page_fits);
    tcase_add_test(tc, ctrl_z);
    tcase_add_test(tc, ctrl_c);
    tcase_add_loop_test(tc, signals, 0, 4);
    tcase_add_test(tc, terminal_goes);
    return tc;
}
