/* support: what the tests of programs share. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <check.h>

#include "03_processes/catalogue.h"
#include "03_processes/child.h"

/* Every test file defines one case; the Makefile lists them. */
#ifdef CASES
#define X(suite, name) TCase *name(void);
CASES
#undef X
#endif

/* All programs, read once by main; and the one a test is about. */
extern struct catalogue programs;

/* The folder of what was built, absolute: $BUILD, or build. */
const char *build_folder(void);

/* Whether the programs carry a sanitizer or a profile, which a debugger and
 * some limits do not go with; from $FLAVOUR.
 */
bool plain_build(void);

/* The path of a built program, to be freed. */
char *built(const char *chapter, const char *name);

/* Runs a shell command as a transcript does: built programs on PATH, in a new
 * empty folder with TMPDIR an empty folder too, nothing on stdin, stdout and
 * stderr together. Fails the test where it cannot be started, takes over 60
 * seconds (300 with a sanitizer), or leaves a process or a file in TMPDIR behind. Free with
 * child_free.
 */
struct child run_shell(const char *command);

/* The same, with what else run_shell has no word for. */
struct shell_run {
    const char *command;
    const char *chapter; /* whose programs are found first; or NULL */
    const char *const *environment; /* as in struct child */
    bool empty_after; /* nothing may be left where it ran either */
    bool apart;       /* stderr by itself */
};
struct child run_shell_with(const struct shell_run *run);

/* A new folder for this test, removed when the tests are over. */
char *new_folder(void);

/* Compares what a command printed, and how it ended, with a block of a
 * transcript. Returns NULL if they agree, or a message to be freed.
 */
struct transcript_block {
    char *command;
    char **lines;
    size_t count;
    int status;
    int first_line; /* in the file */
};
struct transcript {
    char *path;
    struct transcript_block *blocks;
    size_t count;
    size_t torture; /* the block that is run with failing calls */
};

/* Reads tests/transcripts/CHAPTER/NAME.transcript. A file that is missing or
 * makes no sense fails the test.
 */
struct transcript transcript_read(const struct program *program);
void transcript_free(struct transcript *transcript);
char *transcript_compare(const struct transcript *transcript,
                         const struct transcript_block *block,
                         const struct child *child);

#endif
