/* catalogue: all programs of the lecture, in its order.
 *
 * A program is a .c file with a main in a chapter's folder (01_files, ...).
 * The order is that of the rows in the chapter's README.md; what a program is
 * about stands in the comment at the head of its source. Both are written
 * once, and read from there.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

struct program {
    char *chapter; /* 04_threads */
    char *name;    /* race */
    char *path;    /* 04_threads/race.c */
    char *claim;   /* the sentence after the name, on one line */
    char *cells;   /* A41; these are "" where the comment has no such entry */
    char *run;
    char *ask;
    char *watch;
    char *see;
    char *broken;       /* what is wrong on purpose: race, deadlock, ... */
    int promised;       /* its exit status: 0, or 3 where it is Broken: hangs */
    int header_lines;   /* how many lines the comment at the head has */
    int lines;          /* the whole source */
    int stops;          /* blocks of remarks for the debugger */
    bool in_readme;     /* it has its row in the chapter's table */
    bool uses_check;    /* it is not built where Check is missing */
    char *readme_cells; /* the second column of its row; "" without one */
};

struct catalogue {
    struct program *programs;
    size_t count;
};

/* Reads the chapters below the working directory. Returns 0, or -1 with errno
 * and the name of what could not be read on stderr.
 */
int catalogue_read(struct catalogue *catalogue);
void catalogue_free(struct catalogue *catalogue);

/* The program of that name, or NULL. */
const struct program *catalogue_find(const struct catalogue *catalogue,
                                     const char *name);

#endif
