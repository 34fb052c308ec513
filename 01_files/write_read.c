/* write_read.c: what was written may be lost as late as in fclose.
 *
 * Cells: A09, A10
 * Run:   make write_read
 * Ask:   Технопарк and a newline: how many characters, how many bytes? and
 *        when are they in the file?
 * Watch: the file is empty until fclose; and on a full disk all goes well
 *        until fclose, which is the only one to tell.
 * See:   modes.c, what "w" and "r" mean; append.c, who calls fclose
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"

static const char text[] = "Технопарк\n";

/* In UTF-8 each character has one byte that does not start with the bits 10. */
static size_t count_characters(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++)
        if ((*s & 0xc0) != 0x80)
            n++;
    return n;
}

static void print_size(const char *name, const char *when)
{
    struct stat status;
    if (stat(name, &status) == -1)
        err(CLI_ERROR, "%s", name);
    printf("%s fclose: %lld bytes in the file\n", when,
           (long long)status.st_size);
}

static void write_file(const char *name)
{
    FILE *f = fopen(name, "w");
    if (f == NULL)
        err(CLI_ERROR, "%s", name);
    if (fprintf(f, "%s", text) < 0)
        err(CLI_ERROR, "%s", name);
    print_size(name, "before");
    //> The text waits in a buffer of this process. Now fclose will hand it
    //> to the kernel.
    if (fclose(f) == EOF)
        err(CLI_ERROR, "%s", name);
    print_size(name, "after");
}

/* Returns all that is in the file, to be freed, with a '\0' behind it. Its size
 * is not asked beforehand: it may grow meanwhile, and files in /proc have none.
 */
static char *read_file(const char *name)
{
    FILE *f = fopen(name, "r");
    if (f == NULL)
        err(CLI_ERROR, "%s", name);
    char *data = NULL;
    size_t length = 0;
    do {
        data = realloc(data, length + BUFSIZ + 1);
        if (data == NULL)
            err(CLI_ERROR, "%s", name);
        //> fread returns how much came: at the end, less than asked for.
        length += fread(data + length, 1, BUFSIZ, f);
    } while (!feof(f) && !ferror(f));
    if (ferror(f))
        err(CLI_ERROR, "%s", name);
    data[length] = '\0';
    fclose(f); /* nothing written: nothing that could be lost */
    return data;
}

/* The kernel has a device that behaves like a full disk. Opened by open(2),
 * without O_CREAT: where it is missing, no file may take its place.
 */
static int write_to_full_disk(void)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    FILE *f = fd == -1 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        err(CLI_ERROR, "/dev/full");
    int written = fprintf(f, "%s", text);
    if (written < 0)
        err(CLI_ERROR, "/dev/full");
    printf("full disk, fprintf: %d bytes\n", written);
    //> fprintf was content. Who does not look at this result loses the text.
    if (fclose(f) == 0) {
        printf("full disk, fclose: content too\n");
        return CLI_NO_SHOW;
    }
    printf("full disk, fclose: %s\n", strerror(errno));
    return CLI_OK;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "write a file, read it back, write to a full disk",
    };
    cli_parse(&cli, argc, argv);
    scratch_enter();

    write_file("example.txt");
    char *data = read_file("example.txt");
    printf("%zu characters, %zu bytes written\n", count_characters(data),
           strlen(data));
    printf("%s", data);
    free(data);
    return write_to_full_disk();
}
