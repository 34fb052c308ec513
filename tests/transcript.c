/* What a program printed, held against a file that says what it should.
 *
 *     $ race -t 2
 *     an exact line
 *     lost {{[0-9]+}} of them      between the braces: an extended regex
 *     {{0x[0-9a-f]+}}+             one or more lines like that
 *     exit 0
 *
 * A comment is a line that starts with # before a command. "# Torture." marks
 * the command for make torture, where that is not the first one.
 */
#include <err.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

static void *grow(void *array, size_t count, size_t size)
{
    void *bigger = realloc(array, (count + 1) * size);
    if (bigger == NULL)
        err(1, "transcript");
    return bigger;
}

/* Reads the lines of one block up to its exit; false where that is missing. */
static bool read_block(struct transcript_block *b, FILE *file, int *line_number)
{
    char *line = NULL;
    size_t room = 0;
    bool ended = false;
    while (!ended && getline(&line, &room, file) > 0) {
        ++*line_number;
        line[strcspn(line, "\n")] = '\0';
        int after = 0;
        if (sscanf(line, "exit %d%n", &b->status, &after) == 1 &&
            line[after] == '\0') {
            ended = true;
        } else {
            b->lines = grow(b->lines, b->count, sizeof *b->lines);
            b->lines[b->count++] = strdup(line);
        }
    }
    free(line);
    return ended;
}

struct transcript transcript_read(const struct program *program)
{
    struct transcript t = {0};
    if (asprintf(&t.path, "tests/transcripts/%s/%s.transcript",
                 program->chapter, program->name) == -1)
        err(1, "transcript");
    FILE *file = fopen(t.path, "r");
    ck_assert_msg(file != NULL, "%s: %s", t.path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    int number = 0;
    while (getline(&line, &room, file) > 0) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "# Torture.") == 0)
            t.torture = t.count;
        if (*line == '\0' || strncmp(line, "# ", 2) == 0)
            continue;
        ck_assert_msg(strncmp(line, "$ ", 2) == 0,
                      "%s:%d: neither '$ command' nor '# comment': %s", t.path,
                      number, line);
        struct transcript_block b = {.command = strdup(line + 2),
                                     .first_line = number};
        ck_assert_msg(read_block(&b, file, &number),
                      "%s:%d: no 'exit N' ends this block", t.path,
                      b.first_line);
        t.blocks = grow(t.blocks, t.count, sizeof *t.blocks);
        t.blocks[t.count++] = b;
    }
    free(line);
    fclose(file);
    ck_assert_msg(t.count > 0, "%s: holds no command", t.path);
    return t;
}

void transcript_free(struct transcript *t)
{
    for (size_t i = 0; i < t->count; i++) {
        for (size_t j = 0; j < t->blocks[i].count; j++)
            free(t->blocks[i].lines[j]);
        free(t->blocks[i].lines);
        free(t->blocks[i].command);
    }
    free(t->blocks);
    free(t->path);
}

/* Makes the pattern of a whole line: what stands outside of {{ }} is quoted. */
static bool line_matches(const char *expected, const char *line)
{
    char *pattern = malloc(2 * strlen(expected) + 8);
    if (pattern == NULL)
        err(1, "transcript");
    char *p = pattern;
    *p++ = '^';
    while (*expected != '\0') {
        const char *close =
            strncmp(expected, "{{", 2) == 0 ? strstr(expected, "}}") : NULL;
        if (close != NULL) {
            *p++ = '(';
            p = mempcpy(p, expected + 2, (size_t)(close - expected) - 2);
            *p++ = ')';
            expected = close + 2;
        } else {
            if (strchr("^.[]$()|*+?{}\\", *expected) != NULL)
                *p++ = '\\';
            *p++ = *expected++;
        }
    }
    strcpy(p, "$");
    regex_t regex;
    int wrong = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
    ck_assert_msg(wrong == 0, "no regular expression: %s", pattern);
    bool matches = regexec(&regex, line, 0, NULL, 0) == 0;
    regfree(&regex);
    free(pattern);
    return matches;
}

/* {{regex}}+ as the whole line stands for one or more lines. */
static char *repeated(const char *expected)
{
    size_t n = strlen(expected);
    if (n < 5 || strncmp(expected, "{{", 2) != 0 ||
        strcmp(expected + n - 3, "}}+") != 0 ||
        strstr(expected, "}}") != expected + n - 3)
        return NULL;
    return strndup(expected, n - 1);
}

/* Both lists end at a NULL; *reached is the furthest line that agreed. */
static bool lines_match(char **expected, char **lines, char ***reached)
{
    if (lines > *reached)
        *reached = lines;
    if (*expected == NULL || *lines == NULL)
        return *expected == *lines;
    char *once = repeated(*expected);
    bool matches = line_matches(once ? once : *expected, *lines);
    if (matches && once != NULL)
        matches = lines_match(expected, lines + 1, reached) ||
                  lines_match(expected + 1, lines + 1, reached);
    else if (matches)
        matches = lines_match(expected + 1, lines + 1, reached);
    free(once);
    return matches;
}

char *transcript_compare(const struct transcript *t,
                         const struct transcript_block *b,
                         const struct child *child)
{
    char ending[64];
    char *message = NULL;
    char *text = strdup(child->out.text);
    char **expected = calloc(b->count + 1, sizeof *expected);
    char **lines = NULL;
    size_t count = 0;
    if (text == NULL || expected == NULL)
        err(1, "transcript");
    if (b->count > 0)
        memcpy(expected, b->lines, b->count * sizeof *expected);
    for (char *rest = text; *rest != '\0';) {
        lines = grow(lines, count, sizeof *lines);
        lines[count++] = strsep(&rest, "\n");
        if (rest == NULL)
            break;
    }
    lines = grow(lines, count, sizeof *lines);
    lines[count] = NULL;

    char **reached = lines;
    int wrong = 0;
    if (strlen(child->out.text) != child->out.length)
        wrong = asprintf(&message, "%s:%d: $ %s: printed a NUL byte", t->path,
                         b->first_line, b->command);
    else if (!lines_match(expected, lines, &reached))
        wrong = asprintf(&message,
                         "%s:%d: $ %s: not as it should be from its line %td "
                         "on:\n%s\nIt printed:\n%s(%s)",
                         t->path, b->first_line, b->command,
                         reached - lines + 1, *reached ? *reached : "(end)",
                         child->out.text, child_ending(child, ending));
    else if (!WIFEXITED(child->status) ||
             WEXITSTATUS(child->status) != b->status)
        wrong = asprintf(&message, "%s:%d: $ %s: %s, not exit %d", t->path,
                         b->first_line, b->command, child_ending(child, ending),
                         b->status);
    if (wrong == -1)
        err(1, "transcript");
    free(lines);
    free(expected);
    free(text);
    return message;
}
