/* The end of a timeline: the chart on stdout, the files that were asked for. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "03_processes/timeline_read.h"

const char *timeline_svg_file, *timeline_trace_file;

/* Where they are to be written. */
static char svg_path[PATH_MAX], trace_path[PATH_MAX];

/* Puts the absolute name of the file into path, the first time. */
static void find_file(const char *option, const char *file, char *path)
{
    if (file == NULL || *path != '\0')
        return;
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    char folder[PATH_MAX];
    char whole[PATH_MAX];
    snprintf(folder, sizeof folder, "./%.*s", (int)(name - file), file);
    if (realpath(*file == '/' ? folder + 2 : folder, whole) == NULL)
        err(CLI_ERROR, "%s '%s'", option, file);
    if (snprintf(path, PATH_MAX, "%s/%s", whole, name) >= PATH_MAX)
        errx(CLI_ERROR, "%s '%s': too long for a name", option, file);
}

void timeline_find_files(void)
{
    find_file("--svg", timeline_svg_file, svg_path);
    find_file("--trace", timeline_trace_file, trace_path);
}

static bool print_into(int fd, void (*print)(FILE *))
{
    FILE *out = fdopen(fd, "w");
    if (out == NULL) {
        close(fd);
        return false;
    }
    print(out);
    bool failed = ferror(out) != 0;
    return fclose(out) == 0 && !failed;
}

/* Under another name until all of it is written. What is no plain file (a
 * pipe, a terminal) is written to as it is: a rename would replace it.
 */
static void write_file(const char *option, const char *file, const char *path,
                       void (*print)(FILE *))
{
    if (file == NULL)
        return;
    struct stat st;
    bool there = lstat(path, &st) == 0;
    if (!there && errno != ENOENT)
        err(CLI_ERROR, "%s '%s'", option, file);
    bool replace = !there || S_ISREG(st.st_mode);
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replace ? O_EXCL : O_TRUNC);
    char part[PATH_MAX + 32];
    snprintf(part, sizeof part, replace ? "%s.%ld.part" : "%s", path,
             (long)getpid());
    int fd = open(part, flags, 0666);
    if (fd != -1 && print_into(fd, print) &&
        (!replace || rename(part, path) == 0))
        return;
    int why = errno;
    if (fd != -1 && replace)
        unlink(part);
    errno = why;
    err(CLI_ERROR, "%s '%s'", option, file);
}

/* What the terminal has; a shell's own COLUMNS is seldom exported. */
static int columns(void)
{
    const char *text = getenv("COLUMNS");
    int n = text ? atoi(text) : 0;
    struct winsize size;
    if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        n = size.ws_col;
    return n > 0 ? n : 80;
}

void timeline_finish(void)
{
    if (timeline_lanes() == 0)
        return;
    timeline_draw(stdout, columns());
    write_file("--svg", timeline_svg_file, svg_path, timeline_svg);
    write_file("--trace", timeline_trace_file, trace_path, timeline_trace);
}
