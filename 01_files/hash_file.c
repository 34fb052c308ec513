/* hash_file.c: twenty bytes tell whether a file is still the same.
 *
 * Cells: A15
 * Run:   make hash_file; make hash_file ARGS='Makefile -' <README.md
 *        make tour-hash_file ARGS=--portable, then break one_block
 * Ask:   how much memory does the SHA-1 of a file of a terabyte take?
 * Watch: a chunk and the 104 bytes of s, for any file. Twice the same digest;
 *        with one byte more it is another from end to end.
 * See:   sha1.c and sha1_x86.c, the arithmetic; lines.c; sha1sum(1)
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "01_files/sha1.h"

/* Reading by 1,024 takes as long as the SHA-1 does with the CPU's help. */
enum { CHUNK = 1024, LARGE_CHUNK = 128 * 1024 };

/* What every digest starts as: which code does the work is chosen once. */
static struct sha1 start;

/* Returns whether all of it could be read; errno says why if not. */
static bool digest_of(int fd, size_t chunk, unsigned char digest[SHA1_DIGEST])
{
    static unsigned char buffer[LARGE_CHUNK];
    struct sha1 s = start;
    ssize_t n;
    while ((n = read(fd, buffer, chunk)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return false;
        //> n bytes came; the file may hold more, and only another read tells.
        sha1_update(&s, buffer, (size_t)n);
    }
    //> A read gave 0: the end. What made no whole block of 64 bytes is still in
    //> s.block, and s.blocks is the code that works: print s
    sha1_final(&s, digest);
    return true;
}

/* As sha1sum(1) does it: a name with a newline in it must not look like two
 * lines. A backslash in front says that there are backslashes in the name.
 */
static void print_line(const unsigned char digest[SHA1_DIGEST],
                       const char *name)
{
    if (strpbrk(name, "\\\n\r") != NULL)
        putchar('\\');
    for (int i = 0; i < SHA1_DIGEST; i++)
        printf("%02x", digest[i]);
    printf("  ");
    for (; *name != '\0'; name++)
        if (*name == '\\')
            printf("\\\\");
        else if (*name == '\n')
            printf("\\n");
        else if (*name == '\r')
            printf("\\r");
        else
            putchar(*name);
    putchar('\n');
}

/* Returns whether the file could be read; says on stderr why if not. */
static bool hash_file(const char *name, size_t chunk)
{
    int fd = strcmp(name, "-") == 0 ? STDIN_FILENO
                                    : open(name, O_RDONLY | O_CLOEXEC);
    unsigned char digest[SHA1_DIGEST];
    bool whole = fd != -1 && digest_of(fd, chunk, digest);
    if (whole)
        print_line(digest, name);
    else
        warn("%s", name);
    if (fd > STDIN_FILENO)
        close(fd);
    return whole;
}

static void write_text(const char *name, const char *mode, const char *text)
{
    FILE *f = fopen(name, mode);
    if (f == NULL || fputs(text, f) == EOF || fclose(f) == EOF)
        err(CLI_ERROR, "%s", name);
}

int main(int argc, char **argv)
{
    static bool portable;
    static const struct cli cli = {
        .about = "print the SHA-1 of files; - is standard input",
        .operands = "[FILE...]",
        .options = {{0, "portable", "leave the CPU's SHA instructions alone",
                     CLI_FLAG(&portable)}},
    };
    int first = cli_parse(&cli, argc, argv);
    (portable ? sha1_init_portable : sha1_init)(&start);

    bool whole = true;
    if (first == argc) {
        scratch_enter();
        write_text("example.txt", "w", "Технопарк\nМГТУ\n");
        whole &= hash_file("example.txt", CHUNK);
        whole &= hash_file("example.txt", CHUNK);
        //> Twice the same. Now one byte comes at the end, and all changes.
        write_text("example.txt", "a", "1");
        whole &= hash_file("example.txt", CHUNK);
    }
    for (int i = first; i < argc; i++)
        whole &= hash_file(argv[i], LARGE_CHUNK);
    return whole ? CLI_OK : CLI_ERROR;
}
