/* streams.c: three streams stand on descriptors, a fourth on nothing at all.
 *
 * Cells: A16, A17, A18, A19
 * Run:   build/01_files/streams; then with | cat, with >file, with >&-
 * Ask:   in a terminal, into a pipe, into a file: can a program know?
 * Watch: the streams stay the same, what is behind their descriptors does not.
 *        A stream in memory has no descriptor, and printf does not mind.
 * See:   write_read.c, the buffer between a stream and its descriptor
 */
#include <err.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/repr.h"

/* What whoever started us has put behind a descriptor. */
static const char *look_behind(int fd)
{
    struct stat it, null;
    if (fstat(fd, &it) == -1) {
        if (errno == EBADF)
            return "closed";
        err(CLI_ERROR, "descriptor %d", fd);
    }
    if (stat("/dev/null", &null) == -1)
        err(CLI_ERROR, "/dev/null");
    return isatty(fd)                   ? "a terminal"
           : S_ISFIFO(it.st_mode)       ? "a pipe"
           : S_ISREG(it.st_mode)        ? "a file"
           : S_ISDIR(it.st_mode)        ? "a directory"
           : S_ISSOCK(it.st_mode)       ? "a socket"
           : it.st_rdev == null.st_rdev ? "/dev/null"
                                        : "a device";
}

static void print_stream(FILE *out, const char *name, FILE *f,
                         const char *behind)
{
    const char *mode = !__fwritable(f) ? "r" : !__freadable(f) ? "w" : "r+";
    fprintf(out, "%-8s%-6s%-12d%s\n", name, mode, fileno(f), behind);
}

/* Redirects stdout as the notebook does: the next printf goes to memory. */
static void print_into(FILE *memory)
{
#ifdef __GLIBC__ /* here stdout is a variable; to other libcs a constant */
    FILE *before = stdout;
    stdout = memory;
    //> Now printf writes to stdout as ever. Where is that?
    printf("where am I");
    stdout = before;
#else
    fprintf(memory, "where am I");
#endif
}

static void show_memory(FILE *out)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL)
        err(CLI_ERROR, "open_memstream");
    //> No file, no pipe: no descriptor that fileno could return.
    if (fileno(memory) != -1)
        errx(CLI_NO_SHOW, "the stream in memory has a descriptor");
    fprintf(out, "memory's descriptor: %s\n", strerror(errno));

    print_into(memory);
    if (fclose(memory) == EOF)
        err(CLI_ERROR, "the stream in memory");
    fprintf(out, "printed, into the memory: ");
    repr(out, text, length);
    fprintf(out, "\n");
    free(text);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "tell what the standard streams are connected to",
    };
    //> cli_parse opens /dev/null where a descriptor is closed: look before.
    const char *behind[] = {look_behind(0), look_behind(1), look_behind(2)};
    cli_parse(&cli, argc, argv);

    //> Three descriptors, looked at: print behind. Who has connected them?
    FILE *out = strcmp(behind[1], "closed") == 0 ? stderr : stdout;
    fprintf(out, "stream  mode  descriptor  behind it\n");
    print_stream(out, "stdin", stdin, behind[0]);
    print_stream(out, "stdout", stdout, behind[1]);
    print_stream(out, "stderr", stderr, behind[2]);
    /* Where Python's streams decode, C's pass on what comes. */
    fprintf(out, "encoding of the streams: none, they carry bytes\n");
    setlocale(LC_CTYPE, "");
    fprintf(out, "encoding of the locale: %s\n", nl_langinfo(CODESET));
    show_memory(out);
    return ferror(out) ? CLI_ERROR : CLI_OK;
}
