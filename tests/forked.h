/* forked: run a function in a child of the test, and catch what it prints.
 *
 * For what ends the process or changes it for good: exit, a signal, a closed
 * descriptor, a folder entered.
 */
#ifndef FORKED_H
#define FORKED_H

struct forked {
    int status; /* as waitpid(2) has it */
    char out[8192];
    char err[8192];
};

/* In the child stdin is /dev/null, stdout and stderr are pipes, and the body
 * runs; where it returns, the child ends with exit(0).
 */
struct forked run_forked(void (*body)(const void *argument),
                         const void *argument);

#endif
