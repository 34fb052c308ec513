/* subprocess.c: run another program: give it arguments, catch what it says,
 * see how it ended, and do not wait for ever.
 *
 * Cells: A63, A64
 * Run:   make subprocess; make subprocess ARGS='-- ls -l /nowhere'
 *        make subprocess ARGS='-w 1 -- sleep 60'
 * Ask:   a program writes a megabyte to its standard error, then one to its
 *        output. We read the output first. What happens?
 * Watch: a pipe holds 64 KiB, so both would wait for ever, for each other;
 *        child reads whichever has something. Nothing is left of any of them.
 * See:   child.c, the fork and the exec; pipeline.c, the pipe without a shell
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "01_files/scratch.h"
#include "03_processes/child.h"
#include "03_processes/stopwatch.h"

enum { SHOWN_MAX = 4096 };

static double seconds = 30;

static void print_output(const char *name, const struct child_output *o)
{
    printf("%s: ", name);
    if (o->length <= SHOWN_MAX)
        repr_bytes(stdout, o->text, o->length);
    else
        printf("%zu bytes", o->length);
    putchar('\n');
}

/* Runs a program to its end, and prints what it said and how it ended. */
static void run(const char *const *argv, double limit)
{
    struct child child = {.argv = argv, .seconds = limit};
    char ending[64];
    printf("$");
    for (const char *const *word = argv; *word != NULL; word++)
        printf(strchr(*word, ' ') ? " '%s'" : " %s", *word);
    putchar('\n');
    //> Into child_run: a fork, in the child an exec, and here a poll on the
    //> pipes to both outputs until they have ended. What the program says goes
    //> nowhere but into child.
    if (child_run(&child) == -1)
        err(CLI_ERROR, "%s", argv[0]);
    print_output("out", &child.out);
    print_output("err", &child.err);
    //> print child: what came, and the status, which waitpid has told.
    printf("%s\n\n", child_ending(&child, ending));
    child_free(&child);
}

static void run_shell(const char *text)
{
    run((const char *[]){"sh", "-c", text, NULL}, seconds);
}

/* Some of what lay in the notebook's folder. */
static void make_files(void)
{
    static const struct {
        const char *name;
        off_t size;
    } files[] = {{"README.md", 0}, {"debugging.py", 600}, {"server.go", 1190}};
    scratch_enter();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int fd = open(files[i].name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd == -1 || ftruncate(fd, files[i].size) == -1)
            err(CLI_ERROR, "%s", files[i].name);
        close(fd);
    }
}

static void sleep_too_long(void)
{
    struct stopwatch watch;
    stopwatch_start(&watch);
    //> It would sleep for a minute. After 0.1 s its process group is killed,
    //> and with it whatever it had started.
    run((const char *[]){"sleep", "60", NULL}, 0.1);
    stopwatch_stop(&watch);
    printf("that took %.2f s\n\n", watch.wall);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run programs, and catch what they say",
        .operands = "[-- PROGRAM [ARGUMENT...]]",
        .options = {{'w', "timeout", "kill it after {seconds}",
                     CLI_DOUBLE(&seconds, 0.001, 3600)}},
    };
    int first = cli_parse(&cli, argc, argv);
    if (first < argc) {
        run((const char *const *)(argv + first), seconds);
        return CLI_OK;
    }
    make_files();
    run((const char *[]){"ls", "-l", NULL}, seconds);
    //> The shell forks twice and makes the pipe; we start the shell.
    run_shell("ls -l | grep debug");
    run_shell("ls nothing | grep debug");
    run_shell("head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero");
    run_shell("exit 3");
    run_shell("kill -TERM $$");
    sleep_too_long();
    //> child_run holds six ends of pipes open, and the child is left with 0, 1
    //> and 2: all else is close-on-exec. The fourth one is its own, the folder
    //> that it lists.
    run((const char *[]){"ls", "/proc/self/fd", NULL}, seconds);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        errx(CLI_ERROR, "a child was left behind");
    printf("no child is left, neither running nor as a zombie\n");
    return CLI_OK;
}
