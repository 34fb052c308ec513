/* The timeline as a picture. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "03_processes/timeline_read.h"

/* All in units of the picture's own, which is scaled to any screen. The lanes
 * share HIGHEST; where there are many of them they get thin, and only those
 * get a name for which there is a line's room.
 */
enum {
    WIDTH = 1200,
    EDGE = 20,
    TOP = 60,
    BOTTOM = 50,
    LETTER = 11, /* about the width of one */
    LINE = 22,
    LANE = 34,
    HIGHEST = 680,
};

/* Colours that also those can tell apart who see no red or no green; heights,
 * as parts of a lane, for those who print without colours.
 */
static const struct {
    const char *colour;
    double height;
} looks[TIMELINE_STATES] = {
    [TIMELINE_RUN] = {"#0072b2", 0.8},
    [TIMELINE_WAIT] = {"#e69f00", 0.25},
    [TIMELINE_BLOCKED] = {"#b03a76", 0.5},
};

struct page {
    FILE *out;
    double left, bottom; /* edges of the chart itself */
    double lane;         /* height of one */
    int names;           /* every how many lanes there is room for a name */
    double cell;         /* width of one */
};

static void print_text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++)
        switch (*s) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            putc(*s, out);
        }
}

static void print_rectangle(FILE *out, enum timeline_state state, double x,
                            double width, double middle, double lane)
{
    double height = looks[state].height * lane;
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\" "
            "fill=\"%s\"/>\n",
            x, middle - height / 2, width, height, looks[state].colour);
}

static void print_lane(const struct page *page, int lane)
{
    double seconds[TIMELINE_STATES] = {0};
    struct timeline_interval it = {.lane = lane};
    while (timeline_next(&it))
        seconds[it.state] += (double)(it.to - it.from) / 1e9;
    fputs("<g>\n<title>", page->out);
    print_text(page->out, timeline_name(lane));
    const char *colon = ": ";
    for (int s = TIMELINE_RUN; s < TIMELINE_STATES; s++)
        if (seconds[s] > 0) {
            fprintf(page->out, "%s%s %.4f s", colon, timeline_state_names[s],
                    seconds[s]);
            colon = ", ";
        }
    fputs("</title>\n", page->out);

    double middle = TOP + (lane + 0.5) * page->lane;
    if (lane % page->names == 0) {
        fprintf(page->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
                page->left - 10, middle + 7);
        print_text(page->out, timeline_name(lane));
        fputs("</text>\n", page->out);
    }
    enum timeline_state shown[TIMELINE_CELLS];
    timeline_cells(lane, TIMELINE_CELLS, shown);
    for (int i = 0, start = 0; i < TIMELINE_CELLS; i++)
        if (i + 1 == TIMELINE_CELLS || shown[i + 1] != shown[start]) {
            if (shown[start] != TIMELINE_IDLE)
                print_rectangle(
                    page->out, shown[start], page->left + start * page->cell,
                    (i + 1 - start) * page->cell, middle, page->lane);
            start = i + 1;
        }
    fputs("</g>\n", page->out);
}

/* The distance of two ticks: 1, 2 or 5 with zeros, so that there are about five
 * of them.
 */
static double tick(double seconds)
{
    double step = 1e-9;
    while (step * 50 <= seconds)
        step *= 10;
    if (step * 25 <= seconds)
        return step * 5;
    return step * 10 <= seconds ? step * 2 : step;
}

static void print_axis(const struct page *page)
{
    double seconds = (double)timeline_end() / 1e9;
    double wide = TIMELINE_CELLS * page->cell;
    double step = tick(seconds);
    char text[32];
    for (int i = 0; i * step <= seconds; i++) {
        double x = page->left + i * step / seconds * wide;
        fprintf(page->out, "<path d=\"M%.1f %d V%.1f\" stroke=\"#cccccc\"/>\n",
                x, TOP, page->bottom + 6);
        /* The end's own label needs its room. */
        if (x < page->left + wide - 130)
            fprintf(page->out,
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s"
                    "</text>\n",
                    x, page->bottom + 30, timeline_seconds(i * step, text));
    }
    fprintf(page->out,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            page->left + wide, page->bottom + 30,
            timeline_seconds(seconds, text));
}

static void print_legend(const struct page *page)
{
    bool occurs[TIMELINE_STATES];
    timeline_occurring(occurs);
    double x = page->left;
    for (int s = TIMELINE_RUN; s < TIMELINE_STATES; s++)
        if (occurs[s]) {
            print_rectangle(page->out, (enum timeline_state)s, x, 40, TOP - 26,
                            LANE);
            fprintf(page->out, "<text x=\"%.1f\" y=\"%d\">%s</text>\n", x + 50,
                    TOP - 19, timeline_state_names[s]);
            x += 50 + LETTER * (double)strlen(timeline_state_names[s]) + 30;
        }
}

static double widest_name(void)
{
    size_t most = 0;
    for (int lane = 0; lane < timeline_lanes(); lane++) {
        size_t n = strlen(timeline_name(lane));
        most = n > most ? n : most;
    }
    return (double)most * LETTER;
}

void timeline_svg(FILE *out)
{
    int lanes = timeline_lanes();
    struct page page = {.out = out, .left = EDGE + widest_name() + 10};
    page.lane = lanes * LANE <= HIGHEST ? LANE : (double)HIGHEST / lanes;
    page.bottom = TOP + lanes * page.lane;
    page.names = 1;
    while (page.names * page.lane < LINE)
        page.names++;
    page.cell = (WIDTH - EDGE - page.left) / TIMELINE_CELLS;
    double height = page.bottom + BOTTOM;

    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" "
            "font-family=\"sans-serif\" font-size=\"20\" fill=\"#222222\" "
            "role=\"img\" aria-labelledby=\"title\">\n"
            "<title id=\"title\">",
            WIDTH, height);
    print_text(out, program_invocation_short_name);
    fprintf(out,
            ": who runs and who waits</title>\n"
            "<rect width=\"%d\" height=\"%.0f\" fill=\"white\"/>\n",
            WIDTH, height);
    print_legend(&page);
    print_axis(&page);
    for (int lane = 0; lane < lanes; lane++)
        print_lane(&page, lane);
    fputs("</svg>\n", out);
}
