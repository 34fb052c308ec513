#include "05_select/latency_chart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The scale: from 0.1 ns to 1 s, ten powers of ten. */
enum { DECADES = 10 };
static const double scale_start = 1e-10;

const char *latency_text(double seconds, char text[LATENCY_TEXT])
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{1e-9, "ns"},    {1e-6, "us"},       {1e-3, "ms"},
                 {1, "s"},        {60, "min"},        {3600, "h"},
                 {86400, "days"}, {31557600, "years"}};
    int last = sizeof units / sizeof *units - 1;
    int i = 0;
    /* Not 1e+03 us, nor 60 s: what would be printed so has a bigger unit. */
    while (i < last && seconds >= units[i + 1].seconds * 0.9995)
        i++;
    snprintf(text, LATENCY_TEXT, "%.3g %s", seconds / units[i].seconds,
             units[i].name);
    return text;
}

/* Where on the scale, from 0 to 1. The logarithm comes bit by bit: whose square
 * is ten or more is in the upper half.
 */
static double place(double seconds)
{
    double x = seconds / scale_start;
    double at = 0;
    double bit = 1;
    int whole = 0;
    while (x >= 10 && whole < DECADES) {
        x /= 10;
        whole++;
    }
    for (int i = 0; i < 12; i++) {
        bit /= 2;
        x *= x;
        if (x >= 10) {
            x /= 10;
            at += bit;
        }
    }
    at = (whole + at) / DECADES;
    return at < 1 ? at : 1;
}

/* --- In the terminal ------------------------------------------------------- */

enum { NAME = 31, CELLS = 4 * DECADES };

static int cell(double seconds)
{
    return (int)(place(seconds) * CELLS + 0.5);
}

static void draw_row(FILE *out, const struct latency *row)
{
    char line[CELLS + 2];
    memset(line, ' ', CELLS + 1);
    line[CELLS + 1] = '\0';
    if (row->middle > 0) {
        for (int i = cell(row->least); i <= cell(row->most); i++)
            line[i] = '-';
        line[cell(row->middle)] = '#';
    }
    if (row->recorded > 0) {
        int at = cell(row->recorded);
        line[at] = line[at] == '#' ? '@' : 'o';
    }
    fprintf(out, "%-*s |%s|\n", NAME, row->name, line);
}

void latency_draw(FILE *out, const struct latency *rows, int count)
{
    char text[LATENCY_TEXT];
    double seconds = scale_start;
    for (int i = 0; i < count; i++)
        draw_row(out, &rows[i]);
    fprintf(out, "%*s", NAME + 2, "");
    for (int i = 0; i < DECADES; i += 2) {
        fprintf(out, "%-*s", 2 * CELLS / DECADES, latency_text(seconds, text));
        seconds *= 100;
    }
    fprintf(out, "%s\n", latency_text(seconds, text));
    fprintf(out, "%*so recorded   # here, - least to most   @ both\n", NAME + 2,
            "");
}

/* --- As a picture ---------------------------------------------------------- */

enum { WIDTH = 1200, LEFT = 350, RIGHT = 1160, TOP = 60, ROW = 38 };

static double across(double seconds)
{
    return LEFT + place(seconds) * (RIGHT - LEFT);
}

static void print_text(FILE *out, double x, double y, const char *anchor,
                       const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
            x, y, anchor, text);
}

static void print_recorded(FILE *out, double x, double y)
{
    fprintf(out,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"8\" fill=\"none\" "
            "stroke=\"#e69f00\" stroke-width=\"4\"/>\n",
            x, y);
}

/* The range of the runs is a line, the middle one a dot on it. */
static void print_measured(FILE *out, double from, double x, double to,
                           double y)
{
    fprintf(out,
            "<path d=\"M%.1f %.1f H%.1f\" stroke=\"#0072b2\" "
            "stroke-width=\"6\" stroke-linecap=\"round\"/>\n"
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"7\" fill=\"#0072b2\"/>\n",
            from, y, to, x, y);
}

static void print_row(FILE *out, const struct latency *row, double y)
{
    char recorded[LATENCY_TEXT];
    char measured[LATENCY_TEXT];
    fprintf(out, "<g>\n<title>%s:%s%s%s%s</title>\n", row->name,
            row->recorded > 0 ? " recorded " : "",
            row->recorded > 0 ? latency_text(row->recorded, recorded) : "",
            row->middle > 0 ? " here " : "",
            row->middle > 0 ? latency_text(row->middle, measured) : "");
    print_text(out, LEFT - 20, y + 7, "end", row->name);
    if (row->recorded > 0)
        print_recorded(out, across(row->recorded), y);
    if (row->middle > 0)
        print_measured(out, across(row->least), across(row->middle),
                       across(row->most), y);
    fputs("</g>\n", out);
}

static void print_axis(FILE *out, double bottom)
{
    char text[LATENCY_TEXT];
    double seconds = scale_start;
    for (int i = 0; i <= DECADES; i++) {
        double x = LEFT + (double)i / DECADES * (RIGHT - LEFT);
        fprintf(out, "<path d=\"M%.1f %d V%.1f\" stroke=\"#cccccc\"/>\n", x,
                TOP, bottom);
        print_text(out, x, bottom + 28, "middle", latency_text(seconds, text));
        seconds *= 10;
    }
}

static void print_picture(FILE *out, const struct latency *rows, int count)
{
    double bottom = TOP + count * ROW;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" "
            "font-family=\"sans-serif\" font-size=\"20\" fill=\"#222222\" "
            "role=\"img\" aria-labelledby=\"title\">\n"
            "<title id=\"title\">What takes how long, each mark ten times the "
            "one before</title>\n"
            "<rect width=\"%d\" height=\"%.0f\" fill=\"white\"/>\n",
            WIDTH, bottom + 50, WIDTH, bottom + 50);
    print_recorded(out, LEFT + 10, 30);
    print_text(out, LEFT + 30, 37, "start", "recorded");
    print_measured(out, LEFT + 160, LEFT + 180, LEFT + 200, 30);
    print_text(out, LEFT + 215, 37, "start",
               "this machine: least, middle and most of all runs");
    print_axis(out, bottom);
    for (int i = 0; i < count; i++)
        print_row(out, &rows[i], TOP + (i + 0.5) * ROW);
    fputs("</svg>\n", out);
}

/* Under another name until all of it is written. What is no plain file (a
 * pipe, a terminal) is written to as it is: a rename would replace it.
 */
int latency_svg(const char *path, const struct latency *rows, int count)
{
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (!there && errno != ENOENT)
        return -1;
    bool replace = !there || S_ISREG(st.st_mode);
    char part[PATH_MAX + 32];
    if (snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid()) >=
        (int)sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const char *name = replace ? part : path;
    FILE *out = fopen(name, replace ? "wxe" : "we");
    if (out == NULL)
        return -1;
    print_picture(out, rows, count);
    bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed && (!replace || rename(part, path) == 0))
        return 0;
    int why = errno;
    if (replace)
        unlink(part);
    errno = why;
    return -1;
}
