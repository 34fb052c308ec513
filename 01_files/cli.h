/* cli: the options of a program, told in one table.
 *
 *     static int threads = 10;
 *
 *     static const struct cli cli = {
 *         .about = "bump one counter from many threads",
 *         .options = {
 *             {'t', "threads", "how many threads", CLI_INT(&threads, 1, 1000)},
 *         },
 *     };
 *
 *     int main(int argc, char **argv)
 *     {
 *         cli_parse(&cli, argc, argv);
 *
 * The parsing itself is getopt_long(3).
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

/* What the exit status of every program here means; err(3) gives 1. */
enum cli_status {
    CLI_OK = 0,       /* it showed what it promises */
    CLI_ERROR = 1,    /* something failed; stderr says what */
    CLI_USAGE = 2,    /* it was called with the wrong words */
    CLI_WATCHDOG = 3, /* it hung, and its watchdog ended it */
    CLI_NO_SHOW = 4,  /* the bug it is there to show did not show */
};

enum cli_type { CLI_T_FLAG = 1, CLI_T_INT, CLI_T_DOUBLE, CLI_T_TEXT };

/* One option. A letter of 0 means that it has only its long name. */
struct cli_option {
    char letter;
    const char *name; /* the long name, without the dashes */
    const char *help; /* one line; {unit} or {FILE} in it names the value */
    enum cli_type type;
    void *value;     /* where it goes; what stands there is the default, or
                        that it was not given, where it is out of range */
    double min, max; /* both allowed; for numbers only */
};

/* The last three members of an option. */
#define CLI_FLAG(bool_pointer) CLI_T_FLAG, (bool_pointer), 0, 0
#define CLI_INT(int_pointer, min, max) CLI_T_INT, (int_pointer), (min), (max)
#define CLI_DOUBLE(double_pointer, min, max)                                   \
    CLI_T_DOUBLE, (double_pointer), (min), (max)
#define CLI_TEXT(const_char_pointer_pointer)                                   \
    CLI_T_TEXT, (const_char_pointer_pointer), 0, 0

enum { CLI_MAX = 12 };

struct cli {
    const char *about;    /* what the program does, for --help */
    const char *operands; /* such as "[FILE...]"; NULL where it takes none */
    struct cli_option options[CLI_MAX]; /* ends at the first without a name */
};

/* Reads the command line into the table's values, and returns the index in
 * argv of the first operand. Call it first in main: it also makes stdout
 * line-buffered, sees to it that descriptors 0 to 2 are taken, and checks at
 * exit that what was printed arrived (status 1 and a message if it did not).
 *
 * -h and --help print the table and end with 0. An unknown option, a value
 * that is no number or out of its range, or an operand too many is named on
 * stderr and ends with 2. Not thread-safe; once per process.
 */
int cli_parse(const struct cli *cli, int argc, char **argv);

#endif
