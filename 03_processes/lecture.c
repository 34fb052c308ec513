/* lecture.c: shows every program's source, runs it, and tells how it went.
 *
 * Cells: none
 * Run:   make lecture; make lecture FROM=04_threads; make lecture ONLY=race
 * Ask:   what could a program do to the one that started it: crash, hang,
 *        flood it, switch the terminal's echo off, leave children behind?
 * Watch: none of them harms the lecture: it reads until the pipe is empty,
 *        has a clock, kills the whole group, and puts the terminal back.
 * See:   child.c, which starts and reaps; screen.c, which has the keys.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/catalogue.h"
#include "03_processes/child.h"
#include "03_processes/podium.h"
#include "03_processes/screen.h"

enum { MOST_BYTES = 64 * 1024, BY_CTRL_C = 128 + SIGINT };

/* What a program is given to clean up, once it has been told to end. */
static const double grace = 2;

/* What a signal handler must know: the group to end before we end. */
static pid_t self;
static volatile pid_t running; /* 0: none */
static volatile int running_fd;
static volatile sig_atomic_t over; /* Ctrl-C twice: no more programs */

static char *build; /* the folder of what was built */
static int most_seconds = 60;
static int most_lines = 200;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- Leaving nothing behind --------------------------------------------- */

/* Who loses its parent becomes our child, even if it has left its group, and so
 * is found; an editor that goes on in a window of its own is let go.
 */
static void adopt_orphans(bool yes)
{
    prctl(PR_SET_CHILD_SUBREAPER, yes ? 1L : 0L);
}

/* Kills our children until there are none. Made of system calls only, since a
 * signal handler calls it.
 */
static void kill_children(void)
{
    for (bool killed = true; killed;) {
        char list[4096] = "";
        int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
        if (fd == -1 || read(fd, list, sizeof list - 1) == -1)
            list[0] = '\0'; /* a system without: the group is all we know */
        if (fd != -1)
            close(fd);
        killed = false;
        char *last = strrchr(list, ' '); /* behind it: nothing, or half a pid */
        pid_t pid = 0;
        for (const char *p = list; last && p <= last; p++)
            if (*p != ' ') {
                pid = pid * 10 + (*p - '0');
            } else {
                if (kill(pid, SIGKILL) == 0) {
                    killed = true;
                    waitpid(pid, NULL, 0);
                }
                pid = 0;
            }
    }
}

static void end_at_once(int sig)
{
    if (getpid() == self) {
        adopt_orphans(true);
        struct pollfd end = {running_fd, POLLIN, 0};
        if (running > 0 && kill(-running, SIGTERM) == 0)
            poll(&end, 1, (int)(grace * 1000));
        if (running > 0)
            kill(-running, SIGKILL);
        kill_children();
        screen_restore(false);
    }
    raise(sig); /* SA_RESETHAND has put the default action back */
}

/* Ctrl-C ends the program; a second one within a second, the lecture. With a
 * terminal of its own the program has had it already, and we do not get it.
 */
static void interrupt(int sig)
{
    static double last;
    if (getpid() != self)
        return;
    double t = now();
    over |= !screen_attended() && t - last < 1;
    last = t;
    if (running > 0)
        kill(-running, sig);
}

static void catch_signals(void)
{
    const int ending[] = {SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction end = {.sa_handler = end_at_once,
                            .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (sigaction(ending[i], NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN) /* nohup: what is ignored stays so */
            sigaction(ending[i], &end, NULL);
    struct sigaction ctrl_c = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &ctrl_c, NULL);
    signal(SIGPIPE, SIG_IGN); /* stdout says so itself, see attend */
}

/* While a process is between "started" and "known to the handlers". */
static void hold_signals(bool hold)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigaddset(&set, SIGINT);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* --- Running one program ------------------------------------------------ */

/* Shows what came of a program's output, up to a limit; the rest is only
 * counted, so that a program that floods us can end all the same.
 */
struct shown {
    size_t bytes;
    long lines, hidden; /* of hidden ones the number, be they shown in part */
    bool in_line, in_hidden_line;
};

static void show(struct shown *s, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool newline = text[i] == '\n';
        if (s->lines < most_lines && s->bytes < MOST_BYTES) {
            screen_put((unsigned char)text[i]);
            s->bytes++;
            s->lines += newline;
            s->in_line = !newline;
        } else {
            s->hidden += !s->in_hidden_line;
            s->in_hidden_line = !newline;
        }
    }
    fflush(stdout);
}

static void show_end(const struct shown *s)
{
    if (s->in_line)
        putchar('\n');
    if (s->hidden > 0)
        printf("%s… %ld more line%s not shown%s\n", screen_style(STYLE_DIM),
               s->hidden, s->hidden == 1 ? "" : "s", screen_style(STYLE_END));
}

/* Reads until the program has ended and its pipe is empty, even if somebody
 * else still holds the other end. Returns whether it ended in its time.
 */
static bool attend(struct child *c)
{
    struct shown shown = {0};
    double deadline = now() + most_seconds;
    bool told = false;
    bool ended = false;
    while (!ended) {
        double left = deadline - now();
        if (ferror(stdout)) /* nobody looks any more */
            over = 1;
        if (left <= 0 || (over && !told)) {
            if (told)
                break;
            c->timed_out = !over;
            told = true;
            kill(-c->pid, SIGTERM);
            deadline = now() + grace;
            continue;
        }
        struct pollfd from[] = {{c->out.fd, POLLIN, 0}, {c->pidfd, POLLIN, 0}};
        int wait = left < 1 ? (int)(left * 1000) + 1 : 1000;
        //> We sleep here until the program says something, ends, or is late.
        int n = poll(from, 2, wait);
        if (n == -1 && errno != EINTR) {
            warn("poll");
            break;
        }
        if (n <= 0)
            continue;
        char text[4096];
        //> A full pipe would hold the program up, so we always read.
        ssize_t got = c->out.fd == -1 ? 0 : read(c->out.fd, text, sizeof text);
        if (got > 0)
            show(&shown, text, (size_t)got);
        if (got == 0 && c->out.fd != -1) {
            close(c->out.fd);
            c->out.fd = -1;
        }
        /* Once it has ended, it writes no more: then empty means all. */
        ended = from[1].revents && got <= 0;
    }
    show_end(&shown);
    return ended;
}

/* What the exit statuses of 01_files/cli.h mean. */
static void judge(struct step *s, const struct child *c)
{
    static const char *const meaning[] = {
        [CLI_OK] = "kept its promise",
        [CLI_ERROR] = "exit 1: an error",
        [CLI_USAGE] = "exit 2: wrong usage",
        [CLI_WATCHDOG] = "exit 3: its watchdog ended it",
        [CLI_NO_SHOW] = "exit 4: the bug did not show"};
    const size_t known = sizeof meaning / sizeof *meaning;
    s->outcome = BROKEN;
    char ending[64];
    if (c->timed_out)
        snprintf(s->did, sizeof s->did, "timed out after %d s", most_seconds);
    else if (WIFEXITED(c->status) && (size_t)WEXITSTATUS(c->status) < known)
        snprintf(s->did, sizeof s->did, "%s", meaning[WEXITSTATUS(c->status)]);
    else
        snprintf(s->did, sizeof s->did, "%s", child_ending(c, ending));
    /* What is there to hang is ended by its watchdog, as it promises. */
    if (!c->timed_out && WIFEXITED(c->status) &&
        WEXITSTATUS(c->status) == s->program->promised) {
        snprintf(s->did, sizeof s->did, "%s", meaning[CLI_OK]);
        s->outcome = KEPT;
    }
}

static void run(struct step *s)
{
    const struct program *p = s->program;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s/%s", build, p->chapter, p->name);
    struct child c = {.argv = (const char *[]){path, NULL},
                      .merge = true,
                      .keep_terminal = screen_attended()};
    printf("\n%s$ %s%s\n", screen_style(STYLE_TITLE), path,
           screen_style(STYLE_END));
    double start = now();
    screen_lend();
    adopt_orphans(true);
    hold_signals(true);
    //> The program starts, leader of a process group of its own.
    int started = child_start(&c);
    int why = errno;
    running_fd = c.pidfd;
    running = c.pid;
    hold_signals(false);
    s->seconds = 0;
    if (started == 0) {
        bool ended = attend(&c);
        hold_signals(true);
        running = 0;
        //> Reaped: its status comes, and what is left of its group goes.
        child_end(&c, !ended);
        hold_signals(false);
        s->seconds = now() - start;
        kill_children();
        judge(s, &c);
        if (WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGINT &&
            screen_is_terminal())
            putchar('\n'); /* behind the ^C that the terminal has shown */
    } else if (why == ENOENT && p->uses_check) {
        s->outcome = LEFT_OUT;
        snprintf(s->did, sizeof s->did, "not built: needs Check; make deps");
    } else {
        s->outcome = BROKEN;
        snprintf(s->did, sizeof s->did, "not started: %s",
                 why == ENOENT ? "not built" : strerror(why));
    }
    adopt_orphans(false);
    screen_restore(true);
}

/* --- The walk ----------------------------------------------------------- */

static void walk(struct podium *podium)
{
    for (; podium->at < podium->count && !over; podium->at++) {
        struct step *s = &podium->steps[podium->at];
        podium_title(podium);
        podium_source(s, 0, 0);
        podium_ask(s);
        run(s);
        podium_ending(s);
        podium_progress(podium);
    }
}

/* Ends the program where the word is no name. */
static const char *name_of(const struct podium *podium, const char *option,
                           const char *text)
{
    char *why = NULL;
    const char *name = podium_name(podium, text, &why);
    if (name == NULL)
        errx(CLI_USAGE, "%s '%s': %s", option, text, why);
    return name;
}

/* The programs of the lecture: all, or those that `only` names. It is no step
 * of itself.
 */
static void choose(struct podium *podium, const char *from, const char *only)
{
    const struct catalogue *c = podium->catalogue;
    podium->steps = calloc(c->count, sizeof *podium->steps);
    if (podium->steps == NULL)
        err(CLI_ERROR, "the lecture");
    for (size_t i = 0; i < c->count; i++) {
        const struct program *p = &c->programs[i];
        if (strcmp(p->name, "lecture") != 0)
            podium->steps[podium->count++].program = p;
    }
    const char *chosen = only ? name_of(podium, "--only", only) : NULL;
    size_t count = 0;
    for (size_t i = 0; i < podium->count; i++) {
        const struct program *p = podium->steps[i].program;
        if (!chosen || strcmp(p->name, chosen) == 0 ||
            strcmp(p->chapter, chosen) == 0)
            podium->steps[count++].program = p;
    }
    podium->count = count;
    if (from)
        podium->at = podium_step(podium, name_of(podium, "--from", from));
}

int main(int argc, char **argv)
{
    static bool list;
    static const char *from, *only;
    static const struct cli cli = {
        .about = "walk through the programs of all chapters",
        .options = {
            {0, "list", "list the programs, and end", CLI_FLAG(&list)},
            {0, "from", "begin at {NAME}, a program or chapter",
             CLI_TEXT(&from)},
            {0, "only", "only {NAME}, a program or chapter", CLI_TEXT(&only)},
            {0, "seconds", "how long a program may take",
             CLI_INT(&most_seconds, 1, 86400)},
            {0, "lines", "how many output lines are shown",
             CLI_INT(&most_lines, 1, 1000000)},
        }};
    cli_parse(&cli, argc, argv);

    struct catalogue catalogue;
    if (catalogue_read(&catalogue) == -1)
        return CLI_ERROR;
    if (catalogue.count == 0)
        errx(CLI_ERROR, "no chapters here (01_files, 02_testing, ...): "
                        "run me from the project's folder, or make lecture");
    screen_open();
    if (list) {
        podium_list(&catalogue);
        catalogue_free(&catalogue);
        return CLI_OK;
    }
    const char *folder = getenv("BUILD");
    build = strdup(folder ? folder : "build");
    if (build == NULL)
        err(CLI_ERROR, "the lecture");
    unsetenv("BUILD"); /* our business, none of the programs' */
    struct podium podium = {
        .catalogue = &catalogue, .build = build, .run = run};
    choose(&podium, from, only);

    self = getpid();
    catch_signals();
    if (screen_attended())
        podium_walk(&podium);
    else
        walk(&podium);
    bool all_kept = podium_table(&podium);
    free(podium.steps);
    free(build);
    catalogue_free(&catalogue);
    if (over && !ferror(stdout))
        return BY_CTRL_C;
    return all_kept ? CLI_OK : CLI_ERROR;
}
