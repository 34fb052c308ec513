/* append.c: a file that closes itself at the end of its scope.
 *
 * Cells: A12
 * Run:   make append
 * Ask:   a function opens a file and returns early, from the middle: who
 *        closes the file?
 * Watch: every way out closes it. The attribute is of gcc and clang, and what
 *        it calls cannot return an error; goto is plain C, and can.
 * See:   write_read.c, why the result of fclose matters
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"

static const char name[] = "example.txt";

/* A descriptor that was closed is a number without meaning: EBADF. */
static void look(const char *where, int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags == -1 && errno != EBADF)
        err(CLI_ERROR, "F_GETFD of %s", name);
    printf("  %s: %s\n", where, flags == -1 ? "closed" : "open");
}

/* Gets the address of the variable whose scope ends. Where the last bytes do
 * not arrive there is no caller to tell, so the program ends.
 */
static void close_file(FILE **f)
{
    //> No line calls this: the compiler does, where the scope of f ends.
    int why = errno;
    if (*f != NULL && fclose(*f) == EOF)
        err(CLI_ERROR, "%s", name);
    errno = why;
}

static int append_scoped(const char *line, int *fd)
{
    __attribute__((cleanup(close_file))) FILE *f = fopen(name, "a");
    if (f == NULL)
        return -1;
    *fd = fileno(f);
    look("inside", *fd);
    if (strchr(line, '\n') == NULL) {
        errno = EINVAL;
        //> Out by the side door, and no fclose in sight.
        return -1; /* cppcheck-suppress resourceLeak */
    }
    return fputs(line, f) == EOF ? -1 : 0;
}

/* The same in plain C: one door, and the result of fclose goes through it. */
static int append_goto(const char *line, int *fd)
{
    FILE *f = fopen(name, "a");
    if (f == NULL)
        return -1;
    *fd = fileno(f);
    look("inside", *fd);
    int result = -1;
    int why = EINVAL;
    if (strchr(line, '\n') == NULL)
        goto out;
    result = fputs(line, f) == EOF ? -1 : 0;
    why = errno;
out:
    //> All paths meet here: close first, and see whether it worked.
    if (fclose(f) == EOF)
        return -1;
    errno = why;
    return result;
}

static void show(int append(const char *line, int *fd), const char *line)
{
    int fd = -1;
    int result = append(line, &fd);
    if (result == -1 && errno != EINVAL)
        err(CLI_ERROR, "%s", name);
    printf("  result: %s\n", result == -1 ? strerror(errno) : "appended");
    look("behind", fd);
}

static void print_file(void)
{
    FILE *f = fopen(name, "r");
    if (f == NULL)
        err(CLI_ERROR, "%s", name);
    for (int c; (c = getc(f)) != EOF;)
        putchar(c);
    if (ferror(f))
        err(CLI_ERROR, "%s", name);
    fclose(f);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "append lines to a file that closes itself",
    };
    cli_parse(&cli, argc, argv);
    scratch_enter();

    printf("append a line\n");
    show(append_scoped, "Технопарк\n");
    printf("append another\n");
    show(append_scoped, "МГТУ\n");
    printf("append what is no line: an error on the way\n");
    show(append_scoped, "no newline");
    printf("the same, with goto\n");
    show(append_goto, "no newline");
    printf("the file, as cat shows it\n");
    print_file();
    return CLI_OK;
}
