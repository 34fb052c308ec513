/* waterfall.c: append to a file in three steps that stand in a list; a helper
 * runs one after the other.
 *
 * Cells: E06
 * Run:   make waterfall; echo Hello >/tmp/test
 *        make waterfall ARGS=/tmp/test
 * Ask:   no step names the next one any more. Who does, and who looks for the
 *        error?
 * Watch: waterfall_next, which each step is given as its callback: the order
 *        stands in one list, and an error goes to the end at once, past all
 *        steps that are left.
 * See:   callback_named.c, chained by hand; promises.c, a chain of values
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "07_eventloop/file_steps.h"

struct waterfall;
typedef void waterfall_step(struct waterfall *w, char *text);

struct waterfall {
    struct loop *loop;
    waterfall_step *const *steps; /* NULL behind the last */
    void (*end)(struct waterfall *w, const char *error, char *text);
    const char *path; /* the rest is for the steps */
    char *text;
    int status;
};

/* A file_callback, and what a step that need not wait calls by itself. */
static void waterfall_next(void *data, const char *error, char *text)
{
    struct waterfall *w = data;
    //> A step is done: print *w->steps is the next one, 0x0 the end.
    if (error != NULL || *w->steps == NULL) {
        w->end(w, error, text);
        return;
    }
    waterfall_step *step = *w->steps++;
    step(w, text);
}

static void read_text(struct waterfall *w, char *unused)
{
    (void)unused;
    file_read(w->loop, w->path, waterfall_next, w);
}

static void append_text(struct waterfall *w, char *text)
{
    printf("1. read it\n");
    //> No callback and no error to be seen here: only what the step does.
    w->text = file_append(text, "One line more.");
    printf("2. appended to it\n");
    waterfall_next(w, NULL, w->text);
}

static void write_text(struct waterfall *w, char *text)
{
    file_write(w->loop, w->path, text, waterfall_next, w);
}

static void notify_user(struct waterfall *w, const char *error, char *unused)
{
    (void)unused;
    if (error != NULL) {
        warnx("%s: %s", w->path, error);
        return;
    }
    printf("3. wrote it\nAppended text!\n");
    w->status = CLI_OK;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "append to a file, by a list of steps",
        .operands = "[FILE]",
    };
    static waterfall_step *const steps[] = {read_text, append_text, write_text,
                                            NULL};
    int first = cli_parse(&cli, argc, argv);
    const char *path = first < argc ? argv[first] : file_example();

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct waterfall w = {&loop, steps, notify_user, path, .status = CLI_ERROR};
    waterfall_next(&w, NULL, NULL);
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    loop_close(&loop);
    free(w.text);
    if (w.status == CLI_OK)
        file_show(path);
    return w.status;
}
