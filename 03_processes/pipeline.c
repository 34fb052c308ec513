/* pipeline.c: ls -l | grep debug without a shell: two forks, and a pipe between
 * them.
 *
 * Cells: A64
 * Run:   make pipeline; make pipeline ARGS=server; make pipeline ARGS="'; exit'"
 * Ask:   how does grep know that there is no more to come? how does yes know
 *        that head has seen enough?
 * Watch: one line, as from the shell; but we learn how each of both ended, where
 *        a shell tells of the last. And a pattern cannot become a command, for
 *        nobody here reads it as one.
 * See:   subprocess.c, which leaves this to a shell; child.c
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "01_files/scratch.h"

static pid_t children[2]; /* 0 once reaped */

/* Starts a program with these three as its 0, 1 and 2. */
static pid_t start(const char *const argv[], int in, int out, int errors)
{
    //> Two processes will come back from this, and each has all descriptors.
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "%s: fork", argv[0]);
    if (pid > 0)
        return pid;
    /* If we ignore it, the program would too: yes would fail to write, and
     * say so.
     */
    signal(SIGPIPE, SIG_DFL);
    union { /* exec's prototype is older than const */
        const char *const *given;
        char *const *wanted;
    } words = {.given = argv};
    /* What else is open, be it ours or left to us, is none of its business. */
    if (dup2(in, 0) != -1 && dup2(out, 1) != -1 && dup2(errors, 2) != -1 &&
        syscall(SYS_close_range, 3, ~0U, 0) != -1)
        execvp(argv[0], words.wanted);
    warn("%s", argv[0]);
    _exit(127);
}

static int reap(pid_t *pid)
{
    int status = 0;
    while (waitpid(*pid, &status, 0) == -1 && errno == EINTR)
        continue;
    *pid = 0;
    return status;
}

/* Whichever way we end, no child stays behind. */
static void end_children(void)
{
    for (int i = 0; i < 2; i++)
        if (children[i] > 0) {
            kill(children[i], SIGKILL);
            reap(&children[i]);
        }
}

/* Reads up to the end, and prints it; what does not fit is left. */
static void print_all(const char *name, int fd)
{
    static char text[65536];
    size_t length = 0;
    while (length < sizeof text) {
        ssize_t n = read(fd, text + length, sizeof text - length);
        if (n == -1 && errno != EINTR)
            err(CLI_ERROR, "%s", name);
        if (n == 0)
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    printf("%s: ", name);
    repr_bytes(stdout, text, length);
    putchar('\n');
}

static void print_end(const char *name, int status)
{
    if (WIFSIGNALED(status))
        printf("%s: killed by signal %d, %s\n", name, WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    else
        printf("%s: exit %d\n", name, WEXITSTATUS(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        errx(CLI_ERROR, "%s: could not be started", name);
}

static void run(const char *const first[], const char *const second[])
{
    int between[2];
    int out[2];
    if (pipe2(between, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
        err(CLI_ERROR, "pipe");
    /* Errors go into a file without a name: unlike a second pipe it is never
     * full, and can be read when the first has ended.
     */
    int errors = memfd_create("errors", MFD_CLOEXEC);
    if (errors == -1)
        err(CLI_ERROR, "memfd_create");
    fflush(stdout);
    children[0] = start(first, STDIN_FILENO, between[1], errors);
    children[1] = start(second, between[0], out[1], errors);
    //> Both run. A pipe ends when nobody can write into it any more, and we
    //> still can. Leave out one of the two lines that close [1], and see.
    close(between[1]);
    close(out[1]);
    /* Nor would yes be killed while we could read what it writes. */
    close(between[0]);
    printf("%s | %s\n", first[0], second[0]);
    print_all("out", out[0]);
    //> It has ended, so both have closed it, or ended themselves. What is left
    //> of them is how.
    int ends[] = {reap(&children[0]), reap(&children[1])};
    if (lseek(errors, 0, SEEK_SET) == -1)
        err(CLI_ERROR, "err");
    print_all("err", errors);
    print_end(first[0], ends[0]);
    print_end(second[0], ends[1]);
    putchar('\n');
}

/* Some of what lay in the notebook's folder. */
static void make_files(void)
{
    static const char *const names[] = {"README.md", "debugging.py",
                                        "server.go"};
    scratch_enter();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int fd = open(names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd == -1 || close(fd) == -1)
            err(CLI_ERROR, "%s", names[i]);
    }
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "run two programs, joined by a pipe",
        .operands = "[PATTERN]",
    };
    int first = cli_parse(&cli, argc, argv);
    if (argc - first > 1)
        errx(CLI_USAGE, "'%s': one pattern at a time", argv[first + 1]);
    const char *pattern = first < argc ? argv[first] : "debug";
    if (atexit(end_children) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    make_files();

    run((const char *[]){"ls", "-l", NULL},
        (const char *[]){"grep", "-e", pattern, NULL});
    //> The first of these would never end by itself.
    run((const char *[]){"yes", NULL}, (const char *[]){"head", "-n1", NULL});
    return CLI_OK;
}
