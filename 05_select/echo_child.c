#include "05_select/echo_child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"

static pid_t running, owner;

static int end(pid_t pid)
{
    int status = 0;
    kill(pid, SIGTERM);
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        continue;
    return status;
}

static void end_at_exit(void)
{
    if (running != 0 && owner == getpid())
        end(running);
}

/* What was built stands side by side. */
static void find_program(const char *program, char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (n == -1)
        err(CLI_ERROR, "/proc/self/exe");
    path[n] = '\0';
    char *name = strrchr(path, '/') + 1;
    size_t room = (size_t)(path + PATH_MAX - name);
    if (snprintf(name, room, "%s", program) >= (int)room)
        errx(CLI_ERROR, "%s: its path is too long", program);
}

static void become(char *path, int out, pid_t parent)
{
    char option[] = "-p0";
    char *argv[] = {path, option, NULL};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
        _exit(CLI_ERROR);
    if (dup2(out, STDOUT_FILENO) != -1)
        execv(path, argv);
    warn("%s", path);
    _exit(127);
}

void echo_child_start(struct echo_child *child, const char *program)
{
    char path[PATH_MAX];
    int out[2];
    pid_t parent = getpid();
    find_program(program, path);
    if (owner != parent && atexit(end_at_exit) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");
    owner = parent;
    if (pipe2(out, O_CLOEXEC) == -1)
        err(CLI_ERROR, "pipe");
    child->pid = fork();
    if (child->pid == -1)
        err(CLI_ERROR, "fork");
    if (child->pid == 0)
        become(path, out[1], parent);
    running = child->pid;
    close(out[1]);
    /* Its first line: "nc 127.0.0.1 39213". */
    FILE *said = fdopen(out[0], "r");
    if (said == NULL)
        err(CLI_ERROR, "%s", program);
    if (fscanf(said, "nc %*s %d", &child->port) != 1)
        errx(CLI_ERROR, "%s: the server did not start", program);
    fclose(said);
}

void echo_child_stop(struct echo_child *child)
{
    int status = end(child->pid);
    child->pid = running = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != CLI_OK)
        errx(CLI_ERROR, "the server ended with status %d", status);
}
