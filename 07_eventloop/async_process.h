/* async_process: another program, run and awaited; asyncio's subprocess.
 *
 *     AWAIT_CALL(c, async_process, .child = {.argv = list, .seconds = 5});
 *     struct child *child = &c->async_process.child;
 *     fwrite(child->out.text, 1, child->out.length, stdout);
 *     child_free(child);
 *
 * This is 03_processes/child on the loop: what can be asked of a child, and how
 * it is told what came of it, stands in child.h. There child_run waits in a poll
 * of its own, and whoever called it waits too; here the pipes are among the
 * descriptors of the loop, and so is the child itself, by a pidfd that can be
 * read once it has ended. Its end needs no signal and no thread.
 *
 * It is what create_subprocess_exec, communicate(input) and wait() are together
 * in asyncio; returncode is child.status. The input is fed and both outputs are
 * read as they come, whichever has something: neither side can wait for the
 * other for ever. It ends when the program has ended, even if something that
 * this one had started keeps the pipes open: that is killed with its process
 * group.
 *
 * How the program ended is no error: child.status tells, or child.timed_out
 * where its time was up and it was killed. Errors are those of errno, as
 * errno_error tells them: no such program, no process, pipe or memory to be
 * had. Where this is cancelled (by wait_for, say) the program is killed, and
 * this ends when that has: no zombie stays, nor a descriptor. (asyncio lets it
 * run on.) After an error there are no texts; if not, they are the caller's, for
 * child_free.
 *
 * Starting it takes a millisecond or so, in which the loop stands still: a fork,
 * and the child's exec, which may fail.
 */
#ifndef ASYNC_PROCESS_H
#define ASYNC_PROCESS_H

#include "03_processes/child.h"
#include "07_eventloop/task.h"

struct async_process {
    struct gen gen;
    struct child child; /* argv and environment are looked at at once, the
                         * input has to stay until the end */
    struct future end;  /* the rest is its own */
    loop_handle timer;
    const char *error;
    size_t sent;    /* of the input */
    size_t room[2]; /* for child.out.text, for child.err.text */
};

bool async_process(void *frame, struct future **awaits);

#endif
