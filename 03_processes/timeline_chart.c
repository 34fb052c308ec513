/* The timeline as text. */
#include <stdio.h>
#include <string.h>

#include "03_processes/timeline_read.h"

/* Of more lanes than FIRST + LAST + 1 the middle ones are left out. */
enum { FIRST = 12, LAST = 12 };

static const char signs[TIMELINE_STATES] = {' ', '#', '.', '-'};

const char *timeline_state_names[TIMELINE_STATES] = {
    [TIMELINE_IDLE] = "idle",
    [TIMELINE_RUN] = "runs",
    [TIMELINE_WAIT] = "waits",
    [TIMELINE_BLOCKED] = "waits for its turn",
};

void timeline_legend(enum timeline_state state, const char *words)
{
    timeline_state_names[state] = words;
}

struct cell {
    double time[TIMELINE_STATES]; /* in cells */
    bool brief[TIMELINE_STATES];  /* one that is shorter than a cell is here */
};

static int at_most(int n, int most)
{
    return n < most ? n : most;
}

static void add_interval(struct cell *cells, int count,
                         const struct timeline_interval *it)
{
    double scale = (double)count / (double)timeline_end();
    double from = (double)it->from * scale;
    double to = (double)it->to * scale;
    for (int i = at_most((int)from, count - 1); i < count && i < to; i++)
        cells[i].time[it->state] +=
            (i + 1 < to ? i + 1 : to) - (i > from ? i : from);
    /* Not to be there is nothing to be seen. */
    if (to - from < 1 && it->state != TIMELINE_IDLE)
        cells[at_most((int)((from + to) / 2), count - 1)].brief[it->state] =
            true;
}

static int choose(const struct cell *cell, const int seen[TIMELINE_STATES])
{
    int chosen = -1;
    for (int s = 0; s < TIMELINE_STATES; s++)
        if (cell->brief[s] && (chosen == -1 || seen[s] < seen[chosen]))
            chosen = s;
    if (chosen != -1)
        return chosen;
    chosen = 0;
    for (int s = 1; s < TIMELINE_STATES; s++)
        if (cell->time[s] > cell->time[chosen])
            chosen = s;
    return chosen;
}

void timeline_cells(int lane, int count, enum timeline_state *shown)
{
    struct cell cells[TIMELINE_CELLS] = {0};
    struct timeline_interval it = {.lane = lane};
    while (timeline_next(&it))
        add_interval(cells, count, &it);
    int seen[TIMELINE_STATES] = {-1, -1, -1, -1};
    for (int i = 0; i < count; i++) {
        int s = choose(&cells[i], seen);
        seen[s] = i;
        shown[i] = (enum timeline_state)s;
    }
}

void timeline_occurring(bool occurs[TIMELINE_STATES])
{
    for (int s = 0; s < TIMELINE_STATES; s++)
        occurs[s] = false;
    for (int lane = 0; lane < timeline_lanes(); lane++) {
        struct timeline_interval it = {.lane = lane};
        while (timeline_next(&it))
            occurs[it.state] = true;
    }
}

const char *timeline_seconds(double seconds, char text[32])
{
    snprintf(text, 32, seconds < 1000 ? "%.3g s" : "%.0f s", seconds);
    return text;
}

static bool starts_character(char c)
{
    return (c & 0xc0) != 0x80; /* the rest of a character in UTF-8: 10xxxxxx */
}

static int characters(const char *s)
{
    int n = 0;
    for (; *s != '\0'; s++)
        n += starts_character(*s);
    return n;
}

/* The name on so many columns, cut if it is longer. */
static void print_name(FILE *out, const char *name, int columns)
{
    int n = characters(name);
    int whole = n <= columns ? n : columns - 1;
    for (int i = 0; *name != '\0'; name++) {
        i += starts_character(*name);
        if (i > whole)
            break;
        putc(*name, out);
    }
    if (n > columns)
        fputs("…", out);
    fprintf(out, "%*s", n < columns ? columns - n : 0, "");
}

static void print_lane(FILE *out, int lane, int left, int cells)
{
    enum timeline_state shown[TIMELINE_CELLS];
    timeline_cells(lane, cells, shown);
    print_name(out, timeline_name(lane), left);
    fputs(" |", out);
    for (int i = 0; i < cells; i++)
        putc(signs[shown[i]], out);
    fputs("|\n", out);
}

static void print_legend(FILE *out, int left)
{
    bool occurs[TIMELINE_STATES];
    timeline_occurring(occurs);
    fprintf(out, "%*s", left + 2, "");
    const char *gap = "";
    for (int s = TIMELINE_RUN; s < TIMELINE_STATES; s++)
        if (occurs[s]) {
            fprintf(out, "%s%c %s", gap, signs[s], timeline_state_names[s]);
            gap = "   ";
        }
    putc('\n', out);
    if (timeline_lanes_lost() > 0)
        fprintf(out, "%*s%u lanes had no room\n", left + 2, "",
                timeline_lanes_lost());
    if (timeline_marks_lost() > 0)
        fprintf(out, "%*s%ju marks had no room\n", left + 2, "",
                (uintmax_t)timeline_marks_lost());
}

void timeline_draw(FILE *out, int columns)
{
    int lanes = timeline_lanes();
    if (lanes == 0)
        return;
    columns = columns < 20 ? 20 : at_most(columns, TIMELINE_CELLS);
    int first = lanes <= FIRST + LAST + 1 ? lanes : FIRST;
    int last = lanes <= FIRST + LAST + 1 ? 0 : LAST;

    int left = 0;
    for (int lane = 0; lane < lanes; lane++)
        if (lane < first || lane >= lanes - last) {
            int n = characters(timeline_name(lane));
            left = n > left ? n : left;
        }
    left = at_most(left, columns / 3);
    int cells = columns - left - 3;

    for (int lane = 0; lane < first; lane++)
        print_lane(out, lane, left, cells);
    if (last > 0)
        fprintf(out, "%*sand %d more\n", left + 2, "", lanes - first - last);
    for (int lane = lanes - last; lane < lanes; lane++)
        print_lane(out, lane, left, cells);

    char end[32];
    fprintf(out, "%*s0 s%*s\n", left + 2, "", cells - 3,
            timeline_seconds((double)timeline_end() / 1e9, end));
    print_legend(out, left);
}
