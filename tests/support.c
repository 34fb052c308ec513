#include "tests/support.h"

#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct catalogue programs;

const char *build_folder(void)
{
    static char folder[PATH_MAX];
    const char *name = getenv("BUILD");
    if (*folder == '\0' && realpath(name ? name : "build", folder) == NULL)
        err(1, "%s", name ? name : "build");
    return folder;
}

bool plain_build(void)
{
    const char *flavour = getenv("FLAVOUR");
    return flavour == NULL || *flavour == '\0';
}

char *built(const char *chapter, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s/%s", build_folder(), chapter, name) == -1)
        err(1, "%s", name);
    return path;
}

/* All of them lie in one folder, which main removes (TEST_FOLDER). */
char *new_folder(void)
{
    char *path = NULL;
    if (asprintf(&path, "%s/XXXXXX", getenv("TEST_FOLDER")) == -1 ||
        mkdtemp(path) == NULL)
        err(1, "%s", path);
    return path;
}

static int count_entry(const char *path, const struct stat *st, int type,
                       struct FTW *where)
{
    (void)st;
    (void)type;
    if (where->level > 0)
        fprintf(stderr, "left behind: %s\n", path);
    return where->level > 0;
}

static bool is_empty(const char *folder)
{
    return nftw(folder, count_entry, 8, FTW_PHYS) == 0;
}

/* PATH=build/06_generators:/usr/bin:build/01_files:build/02_testing:...: a
 * chapter's own programs, then the system's, and then all others: chapter 6 has
 * a grep.
 */
static char *search_path(const char *chapter)
{
    char *path = NULL;
    size_t length;
    FILE *out = open_memstream(&path, &length);
    if (out == NULL)
        err(1, "open_memstream");
    fputs("PATH=", out);
    if (chapter != NULL)
        fprintf(out, "%s/%s:", build_folder(), chapter);
    fputs(getenv("PATH"), out);
    for (size_t i = 0; i < programs.count; i++)
        if (i == 0 || strcmp(programs.programs[i].chapter,
                             programs.programs[i - 1].chapter) != 0)
            fprintf(out, ":%s/%s", build_folder(),
                    programs.programs[i].chapter);
    fclose(out);
    return path;
}

/* Reaps all orphans, which are ours, dead or alive. Returns whether one of them
 * was left behind. That is one in the shell's process group, which was killed
 * only by us; and in a group of its own one that is alive, unless it has just
 * been killed: then its parent, killed with it, could not reap it.
 */
static bool reap_orphans(pid_t group)
{
    bool left = false;
    int alive = WNOHANG;
    siginfo_t orphan = {0};
    while (waitid(P_ALL, 0, &orphan, WEXITED | WNOWAIT | alive) == 0) {
        if (orphan.si_pid == 0) {
            alive = 0;
            continue;
        }
        bool killed =
            orphan.si_code == CLD_KILLED && orphan.si_status == SIGKILL;
        if (getpgid(orphan.si_pid) == group || (alive == 0 && !killed))
            left = true;
        waitpid(orphan.si_pid, NULL, 0);
        orphan.si_pid = 0;
    }
    return left;
}

struct child run_shell_with(const struct shell_run *run)
{
    char *work = new_folder();
    char *temporary = new_folder();
    char *path = search_path(run->chapter);
    char *tmpdir = NULL;
    if (asprintf(&tmpdir, "TMPDIR=%s", temporary) == -1)
        err(1, "%s", run->command);

    const char *environment[16] = {path, tmpdir, "LC_ALL=C.UTF-8",
                                   "COLUMNS=80"};
    size_t n = 4;
    for (const char *const *e = run->environment; e && *e && n < 15; e++)
        environment[n++] = *e;
    struct child child = {
        .argv = (const char *[]){"sh", "-c", run->command, NULL},
        .environment = environment,
        .directory = work,
        .merge = !run->apart,
        /* Sanitizers make programs slower by ten times and more. */
        .seconds = plain_build() ? 60 : 300};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (child_start(&child) == -1)
        ck_abort_msg("%s: %s", run->command, strerror(errno));
    pid_t group = child.pid;
    if (child_finish(&child) == -1)
        ck_abort_msg("%s: %s", run->command, strerror(errno));
    bool left_behind = reap_orphans(group);
    ck_assert_msg(!child.timed_out, "%s: it does not end; printed:\n%s",
                  run->command, child.out.text);
    ck_assert_msg(!left_behind, "%s: left a process behind; printed:\n%s",
                  run->command, child.out.text);
    ck_assert_msg(is_empty(temporary), "%s: left a file in TMPDIR behind",
                  run->command);
    ck_assert_msg(!run->empty_after || is_empty(work),
                  "%s: left a file behind where it ran", run->command);
    free(path);
    free(tmpdir);
    free(work);
    free(temporary);
    return child;
}

struct child run_shell(const char *command)
{
    return run_shell_with(&(struct shell_run){.command = command});
}
