/* platform.c: what this program was compiled by, and what it runs on.
 *
 * Cells: A01, A02
 * Run:   make platform; make platform CC=clang
 * Ask:   Python can tell its own version when asked; whom can C ask, and when?
 * Watch: the first block was fixed when it was compiled, the second is asked
 *        of the kernel now: copy the binary elsewhere, and only that changes.
 */
#include <err.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "01_files/cli.h"

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "tell the compiler and the system",
    };
    cli_parse(&cli, argc, argv);

    //> The compiler wrote these into the binary: no call is made for them.
    printf("language:  C%ld\n", __STDC_VERSION__ / 100 % 100);
    printf("compiler:  %s\n", __VERSION__);

    struct utsname name;
    if (uname(&name) == -1)
        err(1, "uname");
    //> These five the kernel has just filled in: print name.
    printf("system:    %s\n", name.sysname);
    printf("node:      %s\n", name.nodename);
    printf("release:   %s\n", name.release);
    printf("version:   %s\n", name.version);
    printf("machine:   %s\n", name.machine);
    return 0;
}
