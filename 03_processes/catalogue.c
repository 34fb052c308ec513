#include "03_processes/catalogue.h"

#include <err.h>
#include <errno.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *xstrdup(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        err(1, "the catalogue");
    return copy;
}

/* Adds a line to an entry that runs over several, with one blank between. */
static void append(char **entry, const char *text)
{
    while (*text == ' ')
        text++;
    char *joined = NULL;
    if (asprintf(&joined, "%s%s%s", *entry, **entry ? " " : "", text) == -1)
        err(1, "the catalogue");
    free(*entry);
    *entry = joined;
}

static char **entry_of(struct program *p, const char *line)
{
    const struct {
        const char *key;
        char **entry;
    } entries[] = {{"Cells:", &p->cells}, {"Run:", &p->run},
                   {"Ask:", &p->ask},     {"Watch:", &p->watch},
                   {"See:", &p->see},     {"Broken:", &p->broken}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strncmp(line, entries[i].key, strlen(entries[i].key)) == 0)
            return entries[i].entry;
    return NULL;
}

/* One line of the comment at the head: the first holds name and claim, a
 * blank one ends the claim, and "Ask:" and the like start an entry.
 */
static void read_header_line(struct program *p, char *line, char ***entry)
{
    char *end = strstr(line, "*/");
    if (end != NULL)
        *end = '\0';
    p->header_lines++;
    if (p->header_lines == 1) {
        char *colon = strchr(line, ':');
        append(&p->claim, colon ? colon + 1 : line);
        *entry = &p->claim;
        return;
    }
    char *text = line + strspn(line, " *");
    char **next = entry_of(p, text);
    if (*text == '\0' || *text == '/')
        *entry = NULL;
    if (next != NULL) {
        *entry = next;
        text = strchr(text, ':') + 1;
    }
    if (*entry != NULL)
        append(*entry, text);
}

/* Reads one source. Returns 1 if it is a program, 0 if it has no main, -1
 * with errno if it could not be read.
 */
static int read_source(struct program *p)
{
    FILE *file = fopen(p->path, "r");
    if (file == NULL)
        return -1;
    char *line = NULL;
    size_t room = 0;
    bool in_header = true;
    bool in_stop = false;
    bool has_main = false;
    char **entry = NULL;
    while (getline(&line, &room, file) > 0) {
        p->lines++;
        line[strcspn(line, "\n")] = '\0';
        if (p->lines == 1)
            in_header = strncmp(line, "/*", 2) == 0;
        bool last = in_header && strstr(line, "*/") != NULL;
        if (in_header)
            read_header_line(p, line, &entry);
        in_header &= !last;
        bool stop = strncmp(line + strspn(line, " \t"), "//>", 3) == 0;
        p->stops += stop && !in_stop;
        in_stop = stop;
        has_main |= strncmp(line, "int main(", 9) == 0;
        p->uses_check |= strncmp(line, "#include", 8) == 0 &&
                         (strstr(line, "<check.h>") != NULL ||
                          strstr(line, "/mock.h\"") != NULL);
    }
    free(line);
    fclose(file);
    return has_main;
}

static void free_program(struct program *p)
{
    char *texts[] = {p->chapter, p->name,   p->path,        p->claim,
                     p->cells,   p->run,    p->ask,         p->watch,
                     p->see,     p->broken, p->readme_cells};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}

/* Takes in chapter/name.c, unless it is there already or no program. */
static int add_source(struct catalogue *c, const char *chapter,
                      const char *name, bool in_readme,
                      const char *readme_cells)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->programs[i].name, name) == 0 &&
            strcmp(c->programs[i].chapter, chapter) == 0)
            return 0;
    struct program p = {.chapter = xstrdup(chapter),
                        .name = xstrdup(name),
                        .claim = xstrdup(""),
                        .cells = xstrdup(""),
                        .run = xstrdup(""),
                        .ask = xstrdup(""),
                        .watch = xstrdup(""),
                        .see = xstrdup(""),
                        .broken = xstrdup(""),
                        .in_readme = in_readme,
                        .readme_cells = xstrdup(readme_cells)};
    if (asprintf(&p.path, "%s/%s.c", chapter, name) == -1)
        err(1, "the catalogue");
    int is_program = read_source(&p);
    if (is_program != 1) {
        if (is_program == -1)
            warn("%s", p.path);
        free_program(&p);
        return is_program;
    }
    p.promised = strncmp(p.broken, "hangs", 5) == 0 ? 3 : 0;
    struct program *bigger =
        realloc(c->programs, (c->count + 1) * sizeof *bigger);
    if (bigger == NULL)
        err(1, "the catalogue");
    c->programs = bigger;
    c->programs[c->count++] = p;
    return 0;
}

/* The rows of the chapter's table: | [race](race.c) | A41 | ... */
static int read_rows(struct catalogue *c, const char *chapter)
{
    char *path = NULL;
    if (asprintf(&path, "%s/README.md", chapter) == -1)
        err(1, "the catalogue");
    FILE *file = fopen(path, "r");
    if (file == NULL) { /* a chapter without a table has no order either */
        free(path);
        return errno == ENOENT ? 0 : -1;
    }
    regex_t row;
    regcomp(&row, "^\\| \\[([a-z0-9_]+)\\]\\(([a-z0-9_]+)\\.c\\) *\\| ([^|]*)",
            REG_EXTENDED);
    char *line = NULL;
    size_t size = 0;
    int result = 0;
    while (result == 0 && getline(&line, &size, file) > 0) {
        regmatch_t m[4];
        if (regexec(&row, line, 4, m, 0) != 0)
            continue;
        line[m[1].rm_eo] = '\0';
        line[m[3].rm_eo] = '\0';
        while (m[3].rm_eo > m[3].rm_so && line[m[3].rm_eo - 1] == ' ')
            line[--m[3].rm_eo] = '\0';
        result =
            add_source(c, chapter, line + m[1].rm_so, true, line + m[3].rm_so);
    }
    regfree(&row);
    free(line);
    free(path);
    fclose(file);
    return result;
}

/* The programs that no row names come after the others, by their names. */
static int read_chapter(struct catalogue *c, const char *chapter)
{
    if (read_rows(c, chapter) == -1)
        return -1;
    char *pattern = NULL;
    if (asprintf(&pattern, "%s/*.c", chapter) == -1)
        err(1, "the catalogue");
    glob_t found;
    int result = 0;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && result == 0; i++) {
            char *name = strrchr(found.gl_pathv[i], '/') + 1;
            name[strlen(name) - 2] = '\0';
            result = add_source(c, chapter, name, false, "");
        }
        globfree(&found);
    }
    free(pattern);
    return result;
}

int catalogue_read(struct catalogue *catalogue)
{
    *catalogue = (struct catalogue){0};
    glob_t chapters;
    int result = 0;
    if (glob("0[1-9]_*", 0, NULL, &chapters) == 0) {
        for (size_t i = 0; i < chapters.gl_pathc && result == 0; i++)
            result = read_chapter(catalogue, chapters.gl_pathv[i]);
        globfree(&chapters);
    }
    if (result == -1)
        catalogue_free(catalogue);
    return result;
}

void catalogue_free(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        free_program(&catalogue->programs[i]);
    free(catalogue->programs);
    *catalogue = (struct catalogue){0};
}

const struct program *catalogue_find(const struct catalogue *catalogue,
                                     const char *name)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (strcmp(catalogue->programs[i].name, name) == 0)
            return &catalogue->programs[i];
    return NULL;
}
