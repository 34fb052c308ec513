/* platform.c: what compiled this program, and what it runs on now.
 *
 * Cells: A01, A02
 * Run:   make platform; make platform CC=clang
 * Ask:   Python tells its own version when asked; whom can C ask, and when?
 * Watch: the first block was fixed when it was compiled, the second is asked
 *        now: copy the binary to another machine, and only that one changes.
 * See:   streams.c, what else a program finds when it starts
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "01_files/cli.h"

static void print_compiled(void)
{
    printf("compiled\n");
    //> The compiler put these in as numbers: nobody is asked while it runs.
    printf("  language   C%ld (%ld)\n", __STDC_VERSION__ / 100 % 100,
           __STDC_VERSION__);
#if defined __clang__ /* which also says that it is gcc 4.2.1 */
    printf("  compiler   clang %d.%d.%d\n", __clang_major__, __clang_minor__,
           __clang_patchlevel__);
#elif defined __GNUC__
    printf("  compiler   gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__,
           __GNUC_PATCHLEVEL__);
#else
    printf("  compiler   has no macro that we know\n");
#endif
#ifdef __GLIBC__
    printf("  libc       glibc %d.%d\n", __GLIBC__, __GLIBC_MINOR__);
#else
    printf("  libc       not glibc; others have no macro for it\n");
#endif
}

/* Kernels for x86 name the processor in /proc/cpuinfo, others may not. */
static void print_processor(const char *machine)
{
    static const char path[] = "/proc/cpuinfo";
    const char *model = machine;
    char *line = NULL;
    size_t size = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL && errno != ENOENT)
        err(CLI_ERROR, "%s", path);
    while (f != NULL && model == machine && getline(&line, &size, f) != -1) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            line[strcspn(line, "\n")] = '\0';
            model = colon + 1 + strspn(colon + 1, " ");
        }
    }
    if (f != NULL && model == machine && !feof(f))
        err(CLI_ERROR, "%s", path);
    printf("  processor  %s\n", model);
    free(line);
    if (f != NULL)
        fclose(f);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "tell the compiler, and the system it runs on",
    };
    cli_parse(&cli, argc, argv);

    print_compiled();

    struct utsname name;
    //> Now the kernel fills in five fields: next, then print name.
    if (uname(&name) == -1)
        err(CLI_ERROR, "uname");
    printf("running\n");
#ifdef __GLIBC__
    //> The loader chose this libc as the program started.
    printf("  libc       glibc %s\n", gnu_get_libc_version());
#endif
    printf("  system     %s\n", name.sysname);
    printf("  node       %s\n", name.nodename);
    printf("  release    %s\n", name.release);
    printf("  version    %s\n", name.version);
    printf("  machine    %s\n", name.machine);
    print_processor(name.machine);
    return CLI_OK;
}
