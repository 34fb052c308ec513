#include "01_files/scratch.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[PATH_MAX];
static pid_t owner;

/* Runs from a signal handler too, where nearly nothing of libc may be called;
 * starting rm is among the few things that may.
 */
static void remove_folder(void)
{
    if (getpid() != owner) /* a forked child that called exit */
        return;
    pid_t pid = _Fork();
    if (pid == 0) {
        /* A folder that may not be read must first be made readable. */
        execl("/bin/sh", "sh", "-c",
              "rm -rf -- \"$1\" 2>/dev/null || {"
              " chmod -R u+rwx -- \"$1\"; rm -rf -- \"$1\"; }",
              "sh", folder, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
}

static void end_by_signal(int sig)
{
    remove_folder();
    raise(sig); /* SA_RESETHAND has put the default action back */
}

void scratch_enter(void)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || *parent == '\0')
        parent = "/tmp";
    char *whole = realpath(parent, NULL);
    if (whole == NULL)
        err(1, "%s", parent);
    int length = snprintf(folder, sizeof folder, "%s/groundup.XXXXXX", whole);
    free(whole);
    if (length >= (int)sizeof folder)
        errx(1, "%s: too long for a name", parent);

    /* A signal between the making and the handler would leave the folder. */
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    sigset_t block, before;
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&block, signals[i]);
    sigprocmask(SIG_BLOCK, &block, &before);

    if (mkdtemp(folder) == NULL)
        err(1, "%s", folder);
    owner = getpid();
    if (atexit(remove_folder) != 0) {
        remove_folder();
        errx(1, "atexit: no room for another handler");
    }
    struct sigaction on_signal = {.sa_handler = end_by_signal,
                                  .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &on_signal, NULL);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (chdir(folder) == -1)
        err(1, "%s", folder);
}
