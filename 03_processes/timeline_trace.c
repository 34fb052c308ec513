/* The timeline for a browser's trace viewer, as its "Trace Event Format" has
 * it: complete events (X) with a time and a duration in microseconds, and
 * metadata (M) that names the rows. A lane is what the viewer calls a thread.
 */
#include <errno.h>
#include <stdio.h>

#include "03_processes/timeline_read.h"

/* Names hold no control characters, so these two are all. */
static void print_string(FILE *out, const char *s)
{
    putc('"', out);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            putc('\\', out);
        putc(*s, out);
    }
    putc('"', out);
}

static void print_name(FILE *out, const char *what, int lane, const char *name)
{
    fprintf(out,
            "{\"ph\": \"M\", \"name\": \"%s\", \"pid\": 1, \"tid\": %d, "
            "\"args\": {\"name\": ",
            what, lane);
    print_string(out, name);
    fputs("}}", out);
}

static void print_lane(FILE *out, int lane)
{
    fputs(",\n", out);
    print_name(out, "thread_name", lane + 1, timeline_name(lane));
    fprintf(out,
            ",\n{\"ph\": \"M\", \"name\": \"thread_sort_index\", \"pid\": 1, "
            "\"tid\": %d, \"args\": {\"sort_index\": %d}}",
            lane + 1, lane + 1);
    struct timeline_interval it = {.lane = lane};
    while (timeline_next(&it))
        if (it.state != TIMELINE_IDLE)
            fprintf(out,
                    ",\n{\"ph\": \"X\", \"name\": \"%s\", \"pid\": 1, "
                    "\"tid\": %d, \"ts\": %.3f, \"dur\": %.3f}",
                    timeline_state_names[it.state], lane + 1,
                    (double)it.from / 1e3, (double)(it.to - it.from) / 1e3);
}

void timeline_trace(FILE *out)
{
    fputs("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n", out);
    print_name(out, "process_name", 0, program_invocation_short_name);
    for (int lane = 0; lane < timeline_lanes(); lane++)
        print_lane(out, lane);
    fputs("\n]}\n", out);
}
