/* modes.c: what each mode of fopen does, observed and not believed.
 *
 * Cells: A11
 * Run:   make modes
 * Ask:   which modes empty a file that exists? which make a missing one?
 *        where does r+ write, where does a+?
 * Watch: the table is what happened just now, the flags too. Alone, x, b, t
 *        and + are no modes in C; b and t change nothing on this system.
 * See:   append.c, mode a at work; write_read.c, modes w and r
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"

static const char there[] = "there.txt";
static const char missing[] = "missing.txt";

/* The errors that a mode can bring about; any other ends the program. */
static const struct {
    int number;
    const char *name;
} errors[] = {
    {ENOENT, "ENOENT"},
    {EEXIST, "EEXIST"},
    {EINVAL, "EINVAL"},
    {EBADF, "EBADF"},
};
enum { ERRORS = sizeof errors / sizeof *errors };

static void print_error(const char *name)
{
    for (int i = 0; i < ERRORS; i++)
        if (errors[i].number == errno) {
            printf("%-11s", errors[i].name);
            return;
        }
    err(CLI_ERROR, "%s", name);
}

/* Returns how much there is. */
static size_t print_contents(const char *name)
{
    char text[5];
    FILE *f = fopen(name, "r");
    size_t n = f == NULL ? 0 : fread(text, 1, sizeof text, f);
    if (f == NULL || ferror(f))
        err(CLI_ERROR, "%s", name);
    fclose(f);
    printf("'%.*s'%*s", (int)n, text, 9 - (int)n, "");
    return n;
}

/* The kernel knows how a descriptor was opened. */
static int flags_of(FILE *f)
{
    int flags = fcntl(fileno(f), F_GETFL);
    if (flags == -1)
        err(CLI_ERROR, "F_GETFL");
    return flags & (O_ACCMODE | O_APPEND);
}

/* Returns the flags of open(2) that showed, or -1 where it is no mode. */
static int try_existing(const char *mode)
{
    FILE *f = fopen(there, "w");
    if (f == NULL || fputs("abc", f) == EOF || fclose(f) == EOF)
        err(CLI_ERROR, "%s", there);

    //> A file holds abc. Now it is opened in this mode: print mode.
    f = fopen(there, mode);
    if (f == NULL) {
        int flags = errno == EEXIST ? O_EXCL : -1;
        print_error(there);
        printf("%-11s", "");
        return flags;
    }
    int flags = flags_of(f);
    if (print_contents(there) == 0)
        flags |= O_TRUNC;
    //> Now an X is written: at the start, at the end, or not at all.
    if (write(fileno(f), "X", 1) == 1)
        print_contents(there);
    else
        print_error(there);
    fclose(f);
    return flags;
}

/* As above; but 0 where the file was not opened. */
static int try_missing(const char *mode)
{
    if (unlink(missing) == -1 && errno != ENOENT)
        err(CLI_ERROR, "%s", missing);
    FILE *f = fopen(missing, mode);
    if (f == NULL) {
        print_error(missing);
        return 0;
    }
    printf("%-11s", "created");
    int flags = flags_of(f);
    fclose(f);
    return flags | O_CREAT;
}

static void print_flags(int flags)
{
    if (flags == -1) {
        puts("none");
        return;
    }
    int access = flags & O_ACCMODE;
    printf("%s%s%s%s%s\n",
           access == O_RDWR     ? "O_RDWR"
           : access == O_WRONLY ? "O_WRONLY"
                                : "O_RDONLY",
           flags & O_CREAT ? "|O_CREAT" : "", flags & O_EXCL ? "|O_EXCL" : "",
           flags & O_TRUNC ? "|O_TRUNC" : "",
           flags & O_APPEND ? "|O_APPEND" : "");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "open a file that exists and one that does not, in each mode",
    };
    cli_parse(&cli, argc, argv);
    scratch_enter();

    static const char *const modes[] = {"r",  "w",  "x",  "a",  "b",  "t", "+",
                                        "wx", "rb", "rt", "r+", "w+", "a+"};
    printf("      file that holds abc   no file\n"
           "mode  opened     X written             flags of open(2)\n");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        printf("%-6s", modes[i]);
        int flags = try_existing(modes[i]);
        flags |= try_missing(modes[i]);
        print_flags(flags);
    }
    for (int i = 0; i < ERRORS; i++)
        printf("%s: %s\n", errors[i].name, strerror(errors[i].number));
    return CLI_OK;
}
