/* podium: what the class sees of the lecture: pages, keys, the closing table.
 */
#ifndef PODIUM_H
#define PODIUM_H

#include <stdbool.h>
#include <stddef.h>

#include "03_processes/catalogue.h"

enum outcome { NOT_RUN, KEPT, BROKEN, LEFT_OUT };

/* One program of the lecture, and how its last run went. */
struct step {
    const struct program *program;
    enum outcome outcome;
    char did[80]; /* in words, "kept its promise" */
    double seconds;
};

struct podium {
    struct catalogue *catalogue; /* what the steps point into */
    struct step *steps;
    size_t count;
    size_t at;                  /* the step that is shown */
    const char *build;          /* the folder of the built programs */
    void (*run)(struct step *); /* runs a program before the class */
};

/* The name of a program or chapter among the steps that a text means: the same,
 * or one that begins so, where no other does. Otherwise NULL, and *why says
 * what is wrong, to be freed.
 */
const char *podium_name(const struct podium *podium, const char *text,
                        char **why);

/* The first step of that name, from 0; there is one. */
size_t podium_step(const struct podium *podium, const char *name);

/* Where the lecture stands, the program's name, claim and cells. Returns the
 * lines.
 */
int podium_title(const struct podium *podium);

/* The source from a line on (0: where the code starts), in so many rows (0:
 * any). Returns the first line that is left, or 0.
 */
int podium_source(const struct step *step, int from, int rows);

/* The question to put before the run. */
void podium_ask(const struct step *step);

/* How the run ended, and what there was to see. */
void podium_ending(const struct step *step);

/* A line for those who wait: how far, and how well so far. */
void podium_progress(const struct podium *podium);

/* Walks through the programs as the keys say. */
void podium_walk(struct podium *podium);

/* The closing table of what was run. Returns whether every promise was kept;
 * what could not be built for lack of an optional tool broke none.
 */
bool podium_table(const struct podium *podium);

/* What `make list` prints. */
void podium_list(const struct catalogue *catalogue);

#endif
