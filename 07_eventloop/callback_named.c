/* callback_named.c: append to a file in three steps, by callbacks that are
 * declared beforehand.
 *
 * Cells: E06
 * Run:   make callback_named; echo Hello >/tmp/test
 *        make callback_named ARGS=/tmp/test
 * Ask:   it reads from top to bottom again. What has been gained besides?
 * Watch: one struct for all that the steps share, and one end. Each step still
 *        names the next one, and looks for the error by itself.
 * See:   callback_hell.c, inside out; waterfall.c, no step names the next
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "01_files/cli.h"
#include "07_eventloop/file_steps.h"

struct appending {
    struct loop *loop;
    const char *path;
    char *text;
    int status;
};

static void append_text(void *data, const char *error, char *text);
static void notify_user(void *data, const char *error, char *unused);

static void read_text(struct appending *a)
{
    file_read(a->loop, a->path, append_text, a);
}

static void append_text(void *data, const char *error, char *text)
{
    struct appending *a = data;
    //> The loop calls with what was read: print text, print *a.
    if (error != NULL) {
        warnx("%s: %s", a->path, error);
        return;
    }
    printf("1. read it\n");
    a->text = file_append(text, "One line more.");
    printf("2. appended to it\n");
    file_write(a->loop, a->path, a->text, notify_user, a);
}

static void notify_user(void *data, const char *error, char *unused)
{
    struct appending *a = data;
    (void)unused;
    //> A turn later, with the same struct.
    if (error != NULL) {
        warnx("%s: %s", a->path, error);
        return;
    }
    printf("3. wrote it\nAppended text!\n");
    a->status = CLI_OK;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "append to a file, by callbacks with names",
        .operands = "[FILE]",
    };
    int first = cli_parse(&cli, argc, argv);
    const char *path = first < argc ? argv[first] : file_example();

    struct loop loop;
    if (loop_init(&loop) == -1)
        err(CLI_ERROR, "loop");
    struct appending a = {&loop, path, .status = CLI_ERROR};
    read_text(&a);
    if (loop_run_forever(&loop) == -1)
        err(CLI_ERROR, "loop");
    loop_close(&loop);
    free(a.text);
    if (a.status == CLI_OK)
        file_show(path);
    return a.status;
}
