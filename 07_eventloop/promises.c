/* promises.c: append to a file in three steps: a chain of promises, and one
 * catch for all of them.
 *
 * Cells: E06
 * Run:   make promises; echo Hello >/tmp/test
 *        make promises ARGS=/tmp/test
 * Ask:   a step returns now, its result will come later. What can it return?
 * Watch: a future. The chain waits for that one before it goes on, and an error
 *        falls through it down to the catch. What is still missing is that it
 *        reads like plain lines: that is what await is for.
 * See:   promise.h, then and catch on a future; waterfall.c; gather.c, await
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "07_eventloop/file_steps.h"
#include "07_eventloop/promise.h"

struct appending {
    struct loop *loop;
    const char *path;
    char *text;
    int status;
};

/* A callback that keeps a promise: what libraries call promisifying. */
static void keep(void *promise, const char *error, char *text)
{
    if (error != NULL)
        future_set_error(promise, error);
    else
        future_set_result(promise, text);
    future_release(promise);
}

static struct future *read_text(struct appending *a)
{
    struct future *promise = future_new(a->loop);
    file_read(a->loop, a->path, keep, future_hold(promise));
    return promise;
}

static struct future *append_text(void *data, void *text)
{
    struct appending *a = data;
    struct future *promise = future_new(a->loop);
    printf("1. read it\n");
    a->text = file_append(text, "One line more.");
    printf("2. appended to it\n");
    file_write(a->loop, a->path, a->text, keep, future_hold(promise));
    //> A promise of its own is what it returns: print *promise, pending.
    return promise;
}

static struct future *notify_user(void *data, void *unused)
{
    struct appending *a = data;
    (void)unused;
    //> That one has been kept, and only now the chain has come to here.
    printf("3. wrote it\nAppended text!\n");
    a->status = CLI_OK;
    return NULL;
}

static void complain(void *data, const char *error)
{
    warnx("%s: %s", ((const struct appending *)data)->path, error);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "append to a file, by a chain of promises",
        .operands = "[FILE]",
    };
    int first = cli_parse(&cli, argc, argv);
    const char *path = first < argc ? argv[first] : file_example();

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct appending a = {&loop, path, .status = CLI_ERROR};
    struct future *p = read_text(&a);
    p = promise_then(p, append_text, &a);
    p = promise_then(p, notify_user, &a);
    p = promise_catch(p, complain, &a);
    //> The whole chain stands, and nothing has been done yet.
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    future_release(p);
    loop_close(&loop);
    free(a.text);
    if (a.status == CLI_OK)
        file_show(path);
    return a.status;
}
