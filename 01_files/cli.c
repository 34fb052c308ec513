#include "01_files/cli.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* getopt_long reports the option it found as its place in the table, so that
 * letters and long names need no second look-up.
 */
enum { FIRST_OPTION = 256, HELP = FIRST_OPTION + CLI_MAX };

static int count_options(const struct cli *cli)
{
    int n = 0;
    while (n < CLI_MAX && cli->options[n].name != NULL)
        n++;
    return n;
}

/* The word in braces in the help line is how the value is called. */
static const char *value_word(const struct cli_option *o, char word[32])
{
    const char *open = strchr(o->help, '{');
    const char *close = open ? strchr(open, '}') : NULL;
    if (open == NULL || close == NULL)
        return o->type == CLI_T_TEXT ? "TEXT" : "N";
    snprintf(word, 32, "%.*s", (int)(close - open - 1), open + 1);
    return word;
}

/* A default outside of the range is none: the option was not given. */
static void print_range(const struct cli_option *o, double value, int digits)
{
    printf(" (%.*g to %.*g", digits, o->min, digits, o->max);
    if (value >= o->min && value <= o->max)
        printf("; %.*g", digits, value);
    putchar(')');
}

static void print_option(const struct cli_option *o)
{
    char word[32];
    char left[64];
    const char *name = o->type == CLI_T_FLAG ? "" : value_word(o, word);
    int n = o->letter ? snprintf(left, sizeof left, "-%c, ", o->letter)
                      : snprintf(left, sizeof left, "    ");
    snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name,
             *name ? " " : "", name);
    printf("  %-24s ", left);
    for (const char *p = o->help; *p; p++)
        if (*p != '{' && *p != '}')
            putchar(*p);
    if (o->type == CLI_T_INT)
        print_range(o, *(int *)o->value, 10);
    if (o->type == CLI_T_DOUBLE)
        print_range(o, *(double *)o->value, 6);
    putchar('\n');
}

static void print_usage(FILE *out, const struct cli *cli)
{
    bool options = count_options(cli) > 0;
    fprintf(out, "usage: %s%s%s%s%s\n", program_invocation_short_name,
            options ? " [options]" : "", cli->operands ? " " : "",
            cli->operands ? cli->operands : "",
            options && out == stderr ? " (-h lists the options)" : "");
}

static void print_help(const struct cli *cli)
{
    print_usage(stdout, cli);
    printf("%s\n\n", cli->about);
    for (int i = 0; i < count_options(cli); i++)
        print_option(&cli->options[i]);
    printf("  %-24s %s\n", "-h, --help", "show this, and end");
}

/* As the user wrote it: -t or --threads. */
static void refuse(const struct cli_option *o, const char *text)
{
    char dashed[40];
    if (o->letter)
        snprintf(dashed, sizeof dashed, "-%c", o->letter);
    else
        snprintf(dashed, sizeof dashed, "--%s", o->name);
    errx(CLI_USAGE, "%s '%s': %s is a%s number from %.*f to %.*f", dashed, text,
         o->name, o->type == CLI_T_INT ? " whole" : "",
         o->type == CLI_T_INT ? 0 : 3, o->min, o->type == CLI_T_INT ? 0 : 3,
         o->max);
}

static void set_option(const struct cli_option *o, const char *text)
{
    char *end = NULL;
    errno = 0;
    switch (o->type) {
    case CLI_T_FLAG:
        *(bool *)o->value = true;
        break;
    case CLI_T_TEXT:
        *(const char **)o->value = text;
        break;
    case CLI_T_INT: {
        long n = strtol(text, &end, 10);
        if (end == text || *end != '\0' || errno != 0 || (double)n < o->min ||
            (double)n > o->max)
            refuse(o, text);
        *(int *)o->value = (int)n;
        break;
    }
    case CLI_T_DOUBLE: {
        double x = strtod(text, &end);
        /* Written so that a NaN, which compares false, is refused. */
        if (end == text || *end != '\0' || !(x >= o->min && x <= o->max))
            refuse(o, text);
        *(double *)o->value = x;
        break;
    }
    }
}

/* A program that starts with stdout closed would be given descriptor 1 for
 * the first file it opens, and print into that file. A descriptor opened the
 * wrong way round keeps the place, and every use of it still fails.
 */
static void take_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            err(CLI_ERROR, "/dev/null");
}

/* A full disk or a closed stdout shows only now, when the last of the output
 * is written. exit() may not be called again in here, so _exit.
 */
static void check_stdout(void)
{
    bool before = ferror(stdout) != 0;
    bool now = fflush(stdout) != 0;
    if (!before && !now)
        return;
    /* Where it failed some time ago, errno is another's by now. Writing
     * nothing asks again, and some files answer.
     */
    if (now || write(STDOUT_FILENO, "", 0) == -1)
        warn("standard output");
    else
        warnx("standard output: not all could be written");
    _exit(CLI_ERROR);
}

int cli_parse(const struct cli *cli, int argc, char **argv)
{
    take_standard_descriptors();
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (atexit(check_stdout) != 0)
        errx(CLI_ERROR, "atexit: no room for another handler");

    struct option longs[CLI_MAX + 2] = {0};
    char letters[2 * CLI_MAX + 2] = "h";
    char *letter = letters + 1;
    int n = count_options(cli);
    for (int i = 0; i < n; i++) {
        const struct cli_option *o = &cli->options[i];
        longs[i] = (struct option){o->name, o->type != CLI_T_FLAG, NULL,
                                   FIRST_OPTION + i};
        if (o->letter)
            *letter++ = o->letter;
        if (o->letter && o->type != CLI_T_FLAG)
            *letter++ = ':';
    }
    longs[n] = (struct option){"help", no_argument, NULL, HELP};

    /* So that getopt_long and err(3) call the program by the same name. */
    argv[0] = program_invocation_short_name;
    for (int c; (c = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (c == 'h' || c == HELP) {
            print_help(cli);
            exit(CLI_OK);
        }
        if (c == '?') { /* getopt_long has said what is wrong */
            print_usage(stderr, cli);
            exit(CLI_USAGE);
        }
        int i = 0;
        while (i < n && c != cli->options[i].letter && c != FIRST_OPTION + i)
            i++;
        set_option(&cli->options[i], optarg);
    }
    if (cli->operands == NULL && optind < argc) {
        warnx("'%s': takes no operands", argv[optind]);
        print_usage(stderr, cli);
        exit(CLI_USAGE);
    }
    return optind;
}
