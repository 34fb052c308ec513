/* counter.c: one thread alone counts to a million, and all is well.
 *
 * Cells: A40
 * Run:   make counter; make tour-counter
 * Ask:   counter++ is one operator. How many steps does the machine make?
 * Watch: 1000000, each time. In the tour: load, add, store, three steps, and
 *        nobody comes between them here.
 * See:   race.c, the same with ten threads
 */
#include <stdio.h>

#include "01_files/cli.h"

static int increments = 1000000;
static long counter;

static void work(int n)
{
    for (int i = 0; i < n; i++)
        //> One operator, three instructions: x/3i $pc, then stepi, and
        //> p counter behind each.
        counter++;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "count, in one thread",
        .options = {{'n', "increments", "how many increments",
                     CLI_INT(&increments, 1, 1000000000)}},
    };
    cli_parse(&cli, argc, argv);

    work(increments);
    //> No other thread is here: info threads. Nothing was lost.
    printf("%ld\n", counter);
    return CLI_OK;
}
