#include "03_processes/listing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "03_processes/screen.h"

/* With numbers, a line of 80 columns takes so many. */
enum { NUMBER = 5, WITH_NUMBERS = 80 + NUMBER };

/* What a character of the source belongs to. */
enum place { CODE, STRING, CHARACTER, COMMENT, REST };

/* Where the two characters at p lead, and whether both belong there. */
static enum place next_place(enum place at, const char *p, bool *both)
{
    *both = false;
    switch (at) {
    case CODE:
        *both = p[0] == '/' && (p[1] == '*' || p[1] == '/');
        if (*both)
            return p[1] == '*' ? COMMENT : REST;
        return p[0] == '"' ? STRING : p[0] == '\'' ? CHARACTER : CODE;
    case STRING:
    case CHARACTER:
        *both = p[0] == '\\' && p[1] != '\0';
        return p[0] == (at == STRING ? '"' : '\'') ? CODE : at;
    case COMMENT:
        *both = p[0] == '*' && p[1] == '/';
        return *both ? CODE : COMMENT;
    case REST:
        break;
    }
    return at;
}

/* Prints a line that starts inside of a comment or in code; returns where the
 * next one starts.
 */
static enum place show_line(const char *line, enum place at, bool print)
{
    bool remark = strncmp(line + strspn(line, " "), "//>", 3) == 0;
    enum style style = remark ? STYLE_REMARK : STYLE_DIM;
    if (print && at == COMMENT)
        fputs(screen_style(style), stdout);
    for (const char *p = line; *p; p++) {
        bool both;
        enum place next = next_place(at, p, &both);
        if (print && at == CODE && (next == COMMENT || next == REST))
            fputs(screen_style(style), stdout);
        if (print)
            screen_put((unsigned char)p[0]);
        if (both)
            p++;
        if (print && both)
            screen_put((unsigned char)p[0]);
        if (print && at == COMMENT && next == CODE)
            fputs(screen_style(STYLE_END), stdout);
        at = next;
    }
    if (print && (at == COMMENT || at == REST))
        fputs(screen_style(STYLE_END), stdout);
    if (print)
        putchar('\n');
    return at == COMMENT ? COMMENT : CODE;
}

int listing_show(const char *path, int from, int rows)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    int columns = screen_columns();
    bool numbers = !screen_is_terminal() || columns >= WITH_NUMBERS;
    char *line = NULL;
    size_t room = 0;
    int number = 1;
    int used = 0;
    bool full = false;
    enum place at = CODE;
    while (!full && getline(&line, &room, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        bool wanted = number >= from && (used > 0 || *line != '\0');
        int width = screen_length(line) + (numbers ? NUMBER : 0);
        int needed = width == 0 ? 1 : (width + columns - 1) / columns;
        full = wanted && rows > 0 && used > 0 && used + needed > rows;
        if (full)
            break;
        if (wanted && numbers)
            printf("%s%*d%s%s", screen_style(STYLE_DIM), NUMBER - 2, number,
                   screen_style(STYLE_END), *line ? "  " : "");
        at = show_line(line, at, wanted);
        used += wanted ? needed : 0;
        number++;
    }
    int result = full ? number : ferror(file) ? -1 : 0;
    free(line);
    fclose(file);
    return result;
}
