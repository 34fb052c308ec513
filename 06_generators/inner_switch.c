/* inner_switch.c: a yield inside a switch of one's own becomes a case of that
 * one, and cannot be found again.
 *
 * Cells: none
 * Run:   make inner_switch
 *        cc -E -P -I. 06_generators/inner_switch.c | sed -n '/lost_next/,/^}/p'
 * Ask:   GEN_BEGIN opens a switch, GEN_YIELD is a case of it. Of which, if
 *        there are two?
 * Watch: of the inner one, which is not open when the next call comes in. The
 *        outer one has no such line, and GEN_END's default: says so and
 *        aborts. Without it the generator would just end, and nobody would
 *        know.
 * See:   gen.h, GEN_END; two_yields.c, lost_local.c, the other two traps
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "06_generators/gen.h"

struct light {
    struct gen gen;
    int red; /* were it an enum, the compiler would wonder at the cases */
};

static bool lost_next(struct light *g, const char **value)
{
    GEN_BEGIN(g);
    while (true) {
        switch (g->red) {
        case 1:
            *value = "stop";
            GEN_YIELD(g);
            break;
        default:
            *value = "go";
            GEN_YIELD(g);
        }
        g->red = !g->red;
    }
    GEN_END(g);
    return false;
}

/* Decide in the switch, yield behind it. */
static bool found_next(struct light *g, const char **value)
{
    GEN_BEGIN(g);
    while (true) {
        switch (g->red) {
        case 1:
            *value = "stop";
            break;
        default:
            *value = "go";
        }
        //> This yield is a case of GEN_BEGIN's switch: step to see it found.
        GEN_YIELD(g);
        g->red = !g->red;
    }
    GEN_END(g);
    return false;
}

static void show(bool (*next)(struct light *, const char **))
{
    struct light g = {.red = 1};
    const char *value;
    for (int i = 0; i < 3 && next(&g, &value); i++)
        printf("  %s\n", value);
}

/* What the child says on stderr goes to our stdout, below what it printed. */
static void run_broken(void)
{
    const struct rlimit no_core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) == -1 || dup2(1, 2) == -1)
        err(CLI_ERROR, "child");
    show(lost_next);
    _exit(CLI_OK);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "yield inside a switch, in a child, since it aborts",
    };
    cli_parse(&cli, argc, argv);

    printf("a yield in the switch:\n");
    //> A child makes the broken calls; the second of them ends it.
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "fork");
    if (pid == 0)
        run_broken();
    int status;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "waitpid");
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        errx(CLI_NO_SHOW, "the child did not abort");
    printf("  (child: %s)\n", strsignal(WTERMSIG(status)));

    printf("behind the switch:\n");
    show(found_next);
    return CLI_OK;
}
