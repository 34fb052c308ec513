/* child: start a program, feed it, read what it says, reap it.
 *
 *     struct child child = {.argv = (const char *[]){"ls", "-l", NULL},
 *                           .seconds = 5};
 *     if (child_run(&child) == -1)
 *         err(1, "ls");
 *     fwrite(child.out.text, 1, child.out.length, stdout);
 *     child_free(&child);
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What came through one pipe. */
struct child_output {
    int fd;     /* our end, non-blocking; -1 once it has ended */
    char *text; /* never NULL after child_run; a NUL stands behind the bytes */
    size_t length;
};

struct child {
    /* Set these before the start; all that is left zero has its default. */
    const char *const *argv; /* argv[0] is looked up in PATH; ends with NULL */
    const char *const *environment; /* "NAME=value" to add; may be NULL */
    const char *directory;          /* where it runs; NULL: where we are */
    const char *input;  /* text for its stdin, sent whole; NULL: /dev/null */
    double seconds;     /* how long it may take; 0: for ever */
    bool merge;         /* its stderr goes where its stdout goes */
    bool keep_terminal; /* stdin is ours, and our terminal its own meanwhile */

    /* Set by the start and by the end. */
    pid_t pid;      /* also the number of its process group; 0 once reaped */
    int status;     /* as waitpid(2) has it, after the end */
    bool timed_out; /* it was killed for its time */
    int pidfd;      /* readable once the program has ended */
    int in;         /* our end of its stdin, non-blocking; -1 once closed */
    struct child_output out, err;
};

/* Starts the program in a process group of its own, so that what it starts in
 * turn can be ended with it. Our ends of the pipes are close-on-exec and
 * non-blocking. Returns 0, or -1 with errno where there was no process or
 * pipe to be had, or where execvp(3) failed in the child.
 */
int child_start(struct child *child);

/* Feeds the input and reads both outputs as they come (neither can block the
 * other, however much either holds), until the program has ended or its time
 * is up; kills its group then, reaps it and sets the status. Returns 0, or -1
 * with errno, and no child is left either way.
 */
int child_finish(struct child *child);

/* Kills the process group (or not), waits, closes what is open, and sets the
 * status. For those who read child->out.fd themselves.
 */
void child_end(struct child *child, bool kill_first);

/* child_start and child_finish. */
int child_run(struct child *child);

/* Frees the texts. */
void child_free(struct child *child);

/* Says how it ended: "exit 1", "killed by signal 11, ...", "timed out". */
const char *child_ending(const struct child *child, char text[64]);

#endif
