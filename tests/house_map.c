/* The map: what the READMEs, the sources, the transcripts and the catalogue
 * of cells say of each other is so.
 */
#include <err.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support.h"

/* Complaints are gathered, so that one run names them all. */
static char *complaints;
static size_t complaints_length;
static FILE *complain;

static void begin(void)
{
    complain = open_memstream(&complaints, &complaints_length);
    if (complain == NULL)
        err(1, "open_memstream");
}

static void finish(void)
{
    fclose(complain);
    ck_assert_msg(complaints_length == 0, "\n%s", complaints);
    free(complaints);
}

/* Calls back for each line of a file. */
static void each_line(const char *path,
                      void (*f)(const char *path, int number, char *line))
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(complain, "%s: cannot be read\n", path);
        return;
    }
    char *line = NULL;
    size_t room = 0;
    for (int number = 1; getline(&line, &room, file) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        f(path, number, line);
    }
    free(line);
    fclose(file);
}

/* Whether a list such as "A01, B" holds the word. */
static bool holds(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

START_TEST(every_program_has_its_header)
{
    begin();
    for (size_t i = 0; i < programs.count; i++) {
        const struct program *p = &programs.programs[i];
        const char *needed[] = {p->claim, p->cells, p->run, p->ask, p->watch};
        const char *names[] = {"claim", "Cells:", "Run:", "Ask:", "Watch:"};
        for (int j = 0; j < 5; j++)
            if (*needed[j] == '\0')
                fprintf(complain, "%s: no %s in its header\n", p->path,
                        names[j]);
        if (*p->claim && p->claim[strlen(p->claim) - 1] != '.')
            fprintf(complain, "%s: the claim is no sentence\n", p->path);
        if (p->header_lines > 14)
            fprintf(complain, "%s: a header of %d lines\n", p->path,
                    p->header_lines);
        if (p->stops == 0)
            fprintf(complain, "%s: no stop for the debugger\n", p->path);
    }
    finish();
}
END_TEST

START_TEST(every_program_has_its_row)
{
    begin();
    for (size_t i = 0; i < programs.count; i++) {
        const struct program *p = &programs.programs[i];
        if (!p->in_readme)
            fprintf(complain, "%s: no row in %s/README.md\n", p->path,
                    p->chapter);
        else if (strcmp(p->readme_cells, p->cells) != 0)
            fprintf(complain, "%s: cells '%s', but '%s' in its row\n", p->path,
                    p->cells, p->readme_cells);
    }
    finish();
}
END_TEST

START_TEST(every_program_has_its_transcript)
{
    begin();
    for (size_t i = 0; i < programs.count; i++) {
        const struct program *p = &programs.programs[i];
        char path[256];
        snprintf(path, sizeof path, "tests/transcripts/%s/%s.transcript",
                 p->chapter, p->name);
        if (access(path, R_OK) != 0)
            fprintf(complain, "%s: no %s\n", p->path, path);
    }
    finish();
}
END_TEST

/* And no transcript is left of a program that has gone. */
START_TEST(every_transcript_has_its_program)
{
    begin();
    glob_t found;
    ck_assert_int_eq(glob("tests/transcripts/*/*", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *name = strrchr(found.gl_pathv[i], '/') + 1;
        char *dot = strrchr(name, '.');
        if (dot != NULL)
            *dot = '\0';
        if (catalogue_find(&programs, name) == NULL)
            fprintf(complain, "%s: there is no such program\n",
                    found.gl_pathv[i]);
    }
    globfree(&found);
    finish();
}
END_TEST

START_TEST(names_are_unique)
{
    begin();
    for (size_t i = 0; i < programs.count; i++)
        if (catalogue_find(&programs, programs.programs[i].name) !=
            &programs.programs[i])
            fprintf(complain, "%s: another program has that name\n",
                    programs.programs[i].path);
    finish();
}
END_TEST

/* The rows of the map in the README: | A41 | [race](04_threads/race.c) | */
static char mapped[512][2][40]; /* cell, program */
static size_t mapped_count;

static void read_map_row(const char *path, int number, char *line)
{
    char cell[40];
    char name[40];
    char chapter[40];
    char file[40];
    int n = sscanf(line, "| %39[A-E0-9b] | [%39[a-z0-9_]](%39[^/]/%39[^)])",
                   cell, name, chapter, file);
    if (n < 2)
        return;
    if (mapped_count == 512)
        errx(1, "%s:%d: more rows than expected", path, number);
    strcpy(mapped[mapped_count][0], cell);
    strcpy(mapped[mapped_count++][1], name);
    const struct program *p = catalogue_find(&programs, name);
    char target[128];
    snprintf(target, sizeof target, "%s/%s", chapter, file);
    if (p == NULL || strcmp(p->path, target) != 0)
        fprintf(complain, "%s:%d: no program %s\n", path, number, target);
    else if (!holds(p->cells, cell))
        fprintf(complain, "%s:%d: %s does not name the cell %s\n", path, number,
                p->path, cell);
}

START_TEST(every_cell_has_its_program)
{
    begin();
    mapped_count = 0;
    each_line("README.md", read_map_row);
    if (mapped_count == 0)
        fprintf(complain, "README.md: no map\n");
    for (size_t i = 0; i < programs.count; i++) {
        char *cells = strdup(programs.programs[i].cells);
        for (char *rest = cells, *cell; (cell = strsep(&rest, ", ")) != NULL;) {
            bool found = *cell == '\0' || strcmp(cell, "none") == 0;
            for (size_t j = 0; j < mapped_count && !found; j++)
                found = strcmp(mapped[j][0], cell) == 0 &&
                        strcmp(mapped[j][1], programs.programs[i].name) == 0;
            if (!found)
                fprintf(complain, "README.md: no row for %s and %s\n", cell,
                        programs.programs[i].name);
        }
        free(cells);
    }
    finish();
}
END_TEST

/* Chapter N stands on the chapters 1 to N and on no later one. */
static void check_include(const char *path, int number, char *line)
{
    char included[40];
    if (sscanf(line, " # include \"%39[^\"]\"", included) == 1 &&
        strncmp(included, path, 2) > 0)
        fprintf(complain, "%s:%d: includes %s of a later chapter\n", path,
                number, included);
}

START_TEST(includes_point_down_the_stairs)
{
    begin();
    glob_t found;
    ck_assert_int_eq(glob("0[1-9]_*/*.[ch]", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        each_line(found.gl_pathv[i], check_include);
    globfree(&found);
    finish();
}
END_TEST

TCase *house_map(void)
{
    TCase *tc = tcase_create("map");
    tcase_add_test(tc, every_program_has_its_header);
    tcase_add_test(tc, every_program_has_its_row);
    tcase_add_test(tc, every_program_has_its_transcript);
    tcase_add_test(tc, every_transcript_has_its_program);
    tcase_add_test(tc, names_are_unique);
    tcase_add_test(tc, every_cell_has_its_program);
    tcase_add_test(tc, includes_point_down_the_stairs);
    return tc;
}
