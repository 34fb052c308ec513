/* find_sum.c: stopped inside a function, the debugger knows its arguments.
 *
 * Cells: A20
 * Run:   make find_sum; make tour-find_sum; make tour-find_sum OPT=1
 * Ask:   what do you add to a program in order to look inside it?
 * Watch: the cell has to call the debugger from its code, and to take the call
 *        out again. Here nothing is added: it is the compiler's -g that keeps
 *        names and lines, and gdb that stops where it is told to. With OPT=1
 *        the sum is done when the program is compiled: no find_sum is left.
 * See:   tour.py, which makes a stop of every remark.
 */
#include <stdio.h>

#include "01_files/cli.h"

static int find_sum(int a, int b)
{
    //> Inside find_sum. `list` shows its source, `info args` a and b, `up` who
    //> called it; `c` continues.
    return a + b;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "add 1 and 4, for the debugger to watch",
    };
    cli_parse(&cli, argc, argv);

    int sum = find_sum(1, 4);
    //> Back in main: what find_sum returned is in sum.
    printf("%d\n", sum);
    return 0;
}
