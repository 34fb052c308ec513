/* callback_hell.c: append to a file in three steps, each in the callback of the
 * step before.
 *
 * Cells: E05, E06
 * Run:   make callback_hell; echo Hello >/tmp/test
 *        make callback_hell ARGS=/tmp/test
 * Ask:   in JavaScript each callback stands inside the one before it, and sees
 *        its variables. C has no closures. What must we write?
 * Watch: by hand what they are: for each level a struct of what its callback is
 *        to see of those around it, made and freed there. And the innermost
 *        comes first: read from the bottom up.
 * See:   callback_named.c, waterfall.c, promises.c: the same steps
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "07_eventloop/file_steps.h"

static int status = CLI_ERROR; /* until the last callback says otherwise */

/* What the third level sees of the second: the text, which is to be freed. */
struct third {
    const char *path;
    char *text;
};

static void on_written(void *data, const char *error, char *unused)
{
    struct third *seen = data;
    (void)unused;
    //> The third level: backtrace. Where are the two that it stands in?
    if (error != NULL) {
        warnx("%s: %s", seen->path, error);
    } else {
        printf("3. wrote it\nAppended text!\n");
        status = CLI_OK;
    }
    free(seen->text);
    free(seen);
}

/* What the second level sees of the first. */
struct second {
    struct loop *loop;
    const char *path;
};

static void on_read(void *data, const char *error, char *text)
{
    struct second *seen = data;
    if (error != NULL) {
        warnx("%s: %s", seen->path, error);
        free(seen);
        return;
    }
    printf("1. read it\n");
    struct third *inner = malloc(sizeof *inner);
    if (inner == NULL)
        err(CLI_ERROR, "%s", seen->path);
    *inner = (struct third){seen->path, file_append(text, "One line more.")};
    printf("2. appended to it\n");
    //> The third level, as asked for by the second: print *inner.
    file_write(seen->loop, seen->path, inner->text, on_written, inner);
    free(seen);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "append to a file, by callbacks in callbacks",
        .operands = "[FILE]",
    };
    int first = cli_parse(&cli, argc, argv);
    const char *path = first < argc ? argv[first] : file_example();

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct second *inner = malloc(sizeof *inner);
    if (inner == NULL)
        err(CLI_ERROR, "%s", path);
    *inner = (struct second){&loop, path};
    //> The first level asks for the second, and does not wait for it.
    file_read(&loop, path, on_read, inner);
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    loop_close(&loop);
    if (status == CLI_OK)
        file_show(path);
    return status;
}
