/* lines.c: all lines in a list, or one at a time in the same memory.
 *
 * Cells: A13, A14
 * Run:   make lines; make lines ARGS=Makefile; make lines ARGS='-l Makefile'
 * Ask:   the file is larger than the memory: which of the two still works?
 * Watch: the same lines come twice. The list has a block of memory for each;
 *        the loop has one, which getline lets grow with the longest line.
 * See:   append.c, how such a file is made; hash_file.c, reading in chunks
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "01_files/scratch.h"

/* A line with its newline (the last of a file may have none). It may hold
 * '\0', so its length stands beside it.
 */
struct line {
    char *text;
    size_t size; /* of the block, which getline lets grow */
    size_t length;
};

struct list {
    struct line *lines;
    size_t length, room;
};

/* False at the end of the file, and where the reading failed: no feof then. */
static bool read_line(FILE *f, struct line *line)
{
    ssize_t n = getline(&line->text, &line->size, f);
    line->length = n == -1 ? 0 : (size_t)n;
    return n != -1 && !ferror(f);
}

static void add_line(struct list *list, struct line line)
{
    if (list->length == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->lines =
            reallocarray(list->lines, list->room, sizeof *list->lines);
        if (list->lines == NULL)
            err(CLI_ERROR, "a list of %zu lines", list->room);
    }
    list->lines[list->length++] = line;
}

/* Input without end must not be read on when the output has failed. */
static void print_line(struct line line, const char *end)
{
    repr(stdout, line.text, line.length);
    fputs(end, stdout);
    if (ferror(stdout))
        exit(CLI_ERROR); /* cli says on the way out what is wrong */
}

/* This and the next return how many lines there are. */
static size_t show_list(FILE *f)
{
    struct list list = {0};
    struct line line = {0};
    while (read_line(f, &line)) {
        add_line(&list, line);
        //> The list has that block now; for the next line getline makes one.
        line = (struct line){0};
    }
    int why = errno;
    free(line.text);
    putchar('[');
    for (size_t i = 0; i < list.length; i++) {
        print_line(list.lines[i], i + 1 < list.length ? ", " : "");
        free(list.lines[i].text);
    }
    printf("]\n");
    free(list.lines);
    errno = why;
    return list.length;
}

static size_t show_each(FILE *f)
{
    struct line line = {0};
    size_t n = 0;
    while (read_line(f, &line)) {
        //> One block for all lines: the next will overwrite this one.
        print_line(line, "\n");
        n++;
    }
    free(line.text);
    return n;
}

/* Returns whether all of the file could be read. */
static bool show_file(const char *name, size_t show(FILE *f))
{
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    size_t n = f == NULL ? 0 : show(f);
    bool whole = f != NULL && feof(f) && !ferror(f);
    if (!whole)
        warn("%s", name);
    else
        printf("%zu line%s\n", n, n == 1 ? "" : "s");
    if (f != NULL && f != stdin)
        fclose(f);
    return whole;
}

static void make_example(const char *name)
{
    FILE *f = fopen(name, "w");
    if (f == NULL || fputs("Технопарк\nМГТУ\n", f) == EOF || fclose(f) == EOF)
        err(CLI_ERROR, "%s", name);
}

int main(int argc, char **argv)
{
    static bool as_list;
    static const struct cli cli = {
        .about = "show the lines of files as quoted literals",
        .operands = "[FILE...]",
        .options = {{'l', "list", "read all lines first", CLI_FLAG(&as_list)}},
    };
    int first = cli_parse(&cli, argc, argv);

    bool whole = true;
    if (first == argc) {
        scratch_enter();
        make_example("example.txt");
        whole = show_file("example.txt", show_list) &&
                show_file("example.txt", show_each);
    }
    for (int i = first; i < argc; i++)
        whole &= show_file(argv[i], as_list ? show_list : show_each);
    return whole ? CLI_OK : CLI_ERROR;
}
