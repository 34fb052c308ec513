/* The options of a program: what is read, what is refused, what the exit
 * status says.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "tests/forked.h"
#include "tests/support.h"

static int threads = 4;
static int any = 0;
static double delay = 0.5;
static const char *url = "none";
static bool loud;

static const struct cli bump = {
    .about = "bump one counter from many threads",
    .operands = "[FILE...]",
    .options =
        {
            {'t', "threads", "how many threads", CLI_INT(&threads, 1, 10)},
            {'d', "delay", "{seconds} to wait", CLI_DOUBLE(&delay, 0, 2)},
            {'u', "url", "{URL} to ask", CLI_TEXT(&url)},
            {'l', "loud", "say it loud", CLI_FLAG(&loud)},
            {0, "any", "any int", CLI_INT(&any, INT_MIN, INT_MAX)},
        },
};
static const struct cli bare = {.about = "take nothing"};

/* getopt names the first word of argv, err(3) what the process was started as;
 * both must outlive the exit handlers.
 */
static char *program_name(void)
{
    static char name[] = "bump";
    program_invocation_short_name = name;
    return name;
}

/* The body of most tests: parses a command line that ends at NULL, and prints
 * all values and operands.
 */
static void parse(const struct cli *cli, const char *const *words)
{
    static char *argv[16]; /* the values may point into it to the end */
    argv[0] = program_name();
    int argc = 1;
    for (; *words != NULL; words++)
        argv[argc++] = strdup(*words);
    int first = cli_parse(cli, argc, argv);
    printf("%d %g %s %d %d", threads, delay, url, loud, any);
    for (int i = first; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\n");
}

static void parse_bump(const void *words)
{
    parse(&bump, words);
}

static void parse_bare(const void *words)
{
    parse(&bare, words);
}

#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})

static int exit_of(struct forked run)
{
    return WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
}

static void check_reads(const char *const *words, const char *values)
{
    struct forked run = run_forked(parse_bump, words);
    ck_assert_str_eq(run.err, "");
    ck_assert_str_eq(run.out, values);
    ck_assert_int_eq(exit_of(run), CLI_OK);
}

static void check_refuses(const char *const *words, const char *message)
{
    struct forked run = run_forked(parse_bump, words);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.err, message) == run.err, "not '%s' but '%s'",
                  message, run.err);
    ck_assert_int_eq(exit_of(run), CLI_USAGE);
}

START_TEST(without_options_the_defaults_stay)
{
    check_reads(WORDS(NULL), "4 0.5 none 0 0\n");
}
END_TEST

START_TEST(letters_and_long_names_are_the_same)
{
    const char *values = "7 1.5 http://a 1 -3\n";
    check_reads(
        WORDS("-t", "7", "-d", "1.5", "-u", "http://a", "-l", "--any", "-3"),
        values);
    check_reads(WORDS("-t7", "-d1.5", "-uhttp://a", "-l", "--any=-3"), values);
    check_reads(WORDS("--threads=7", "--delay=1.5", "--url=http://a", "--loud",
                      "--any", "-3"),
                values);
    check_reads(WORDS("-lt", "7", "-d", "1.5", "--url", "http://a", "--any=-3"),
                values);
}
END_TEST

START_TEST(the_last_of_two_wins)
{
    check_reads(WORDS("-t", "7", "--threads", "8"), "8 0.5 none 0 0\n");
}
END_TEST

START_TEST(both_ends_of_a_range_are_in_it)
{
    check_reads(WORDS("-t", "1", "-d", "0"), "1 0 none 0 0\n");
    check_reads(WORDS("-t", "10", "-d", "2"), "10 2 none 0 0\n");
    check_reads(WORDS("--any", "2147483647"), "4 0.5 none 0 2147483647\n");
    check_reads(WORDS("--any", "-2147483648"), "4 0.5 none 0 -2147483648\n");
}
END_TEST

static const char *const no_int[] = {
    "0",  "11",         "-1",  "",    " ",   "x",      "3x",
    "3 ", "3.0",        "1e0", "0x3", "nan", "1e9999", "99999999999999999999",
    "--", "4294967297", /* 2 to the 32nd and 1 */
};

START_TEST(what_is_no_whole_number_in_range_is_refused)
{
    char message[128];
    snprintf(message, sizeof message,
             "bump: -t '%s': threads is a whole number from 1 to 10\n",
             no_int[_i]);
    check_refuses(WORDS("-t", no_int[_i]), message);
    check_refuses(WORDS("--threads", no_int[_i]), message);
}
END_TEST

static const char *const no_double[] = {
    "-0.001", "2.0001", "-1",     "",    "x",    "1x",     "1,5",     "1.5.",
    "nan",    "-nan",   "nan(1)", "inf", "-inf", "1e9999", "-1e9999", "1 ",
};

START_TEST(what_is_no_number_in_range_is_refused)
{
    char message[128];
    snprintf(message, sizeof message,
             "bump: -d '%s': delay is a number from 0.000 to 2.000\n",
             no_double[_i]);
    check_refuses(WORDS("-d", no_double[_i]), message);
}
END_TEST

START_TEST(more_than_an_int_is_refused)
{
    check_refuses(WORDS("--any", "2147483648"),
                  "bump: --any '2147483648': any is a whole number from "
                  "-2147483648 to 2147483647\n");
    check_refuses(WORDS("--any", "-2147483649"), "bump: --any ");
    check_refuses(WORDS("--any", "9223372036854775808"), "bump: --any ");
}
END_TEST

#define USAGE "usage: bump [options] [FILE...] (-h lists the options)\n"

START_TEST(a_missing_value_is_named)
{
    check_refuses(WORDS("-t"),
                  "bump: option requires an argument -- 't'\n" USAGE);
    check_refuses(WORDS("--url"),
                  "bump: option '--url' requires an argument\n" USAGE);
}
END_TEST

START_TEST(an_unknown_option_is_named)
{
    check_refuses(WORDS("-x"), "bump: invalid option -- 'x'\n" USAGE);
    check_refuses(WORDS("--nope"),
                  "bump: unrecognized option '--nope'\n" USAGE);
    check_refuses(WORDS("--loud=very"), "bump: option '--loud' doesn't "
                                        "allow an argument\n" USAGE);
}
END_TEST

START_TEST(operands_come_last_wherever_they_stood)
{
    check_reads(WORDS("a", "-t", "2", "-", "-l", "b"),
                "2 0.5 none 1 0 [a] [-] [b]\n");
    check_reads(WORDS("-t", "2", "--", "-l", "--"),
                "2 0.5 none 0 0 [-l] [--]\n");
    check_reads(WORDS(""), "4 0.5 none 0 0 []\n");
}
END_TEST

START_TEST(operands_are_refused_where_none_are_taken)
{
    struct forked run = run_forked(parse_bare, WORDS("x", "y"));
    ck_assert_str_eq(run.out, "");
    ck_assert_str_eq(run.err, "bump: 'x': takes no operands\nusage: bump\n");
    ck_assert_int_eq(exit_of(run), CLI_USAGE);
}
END_TEST

START_TEST(help_shows_the_table_with_ranges_and_defaults)
{
    const char *help =
        "usage: bump [options] [FILE...]\n"
        "bump one counter from many threads\n"
        "\n"
        "  -t, --threads N          how many threads (1 to 10; 4)\n"
        "  -d, --delay seconds      seconds to wait (0 to 2; 0.5)\n"
        "  -u, --url URL            URL to ask\n"
        "  -l, --loud               say it loud\n"
        "      --any N              any int (-2147483648 to 2147483647; "
        "0)\n"
        "  -h, --help               show this, and end\n";
    check_reads(WORDS("-h"), help);
    check_reads(WORDS("--help"), help);
    check_reads(WORDS("a", "--help", "--nope"), help);
}
END_TEST

static void ask_for_help_without_defaults(const void *words)
{
    threads = 0;
    delay = -1;
    parse_bump(words);
}

START_TEST(help_shows_no_default_that_is_out_of_range)
{
    struct forked run =
        run_forked(ask_for_help_without_defaults, WORDS("--help"));
    ck_assert_ptr_nonnull(strstr(run.out, "how many threads (1 to 10)\n"));
    ck_assert_ptr_nonnull(strstr(run.out, "seconds to wait (0 to 2)\n"));
}
END_TEST

static bool flags[CLI_MAX];
static const struct cli full = {
    .about = "as many options as there may be",
    .options = {{'a', "aa", "", CLI_FLAG(&flags[0])},
                {'b', "bb", "", CLI_FLAG(&flags[1])},
                {'c', "cc", "", CLI_FLAG(&flags[2])},
                {'d', "dd", "", CLI_FLAG(&flags[3])},
                {'e', "ee", "", CLI_FLAG(&flags[4])},
                {'f', "ff", "", CLI_FLAG(&flags[5])},
                {'g', "gg", "", CLI_FLAG(&flags[6])},
                {'i', "ii", "", CLI_FLAG(&flags[7])},
                {'j', "jj", "", CLI_FLAG(&flags[8])},
                {'k', "kk", "", CLI_FLAG(&flags[9])},
                {'l', "ll", "", CLI_INT(&threads, 1, 10)},
                {'m', "mm", "", CLI_INT(&any, 1, 10)}},
};

static void parse_full(const void *words)
{
    parse(&full, words);
}

START_TEST(a_full_table_works_to_its_last_row)
{
    struct forked run = run_forked(parse_full, WORDS("-l", "5", "--mm", "6"));
    ck_assert_str_eq(run.out, "5 0.5 none 0 6\n");
    run = run_forked(parse_full, WORDS("-m", "7", "--ll=8"));
    ck_assert_str_eq(run.out, "8 0.5 none 0 7\n");
    run = run_forked(parse_full, WORDS("--help"));
    ck_assert_ptr_nonnull(strstr(run.out, "-m, --mm N "));
    ck_assert_ptr_nonnull(strstr(run.out, "-h, --help "));
}
END_TEST

/* From here on: what cli_parse does for the rest of the program. */

static void cli_parse_bare(void)
{
    cli_parse(&bare, 1, (char *[]){program_name(), NULL});
}

static void point_stdout_to(const char *path)
{
    int fd = open(path, O_WRONLY);
    dup2(fd, STDOUT_FILENO);
    close(fd);
}

static void print_to_full_disk(const void *status)
{
    point_stdout_to("/dev/full");
    cli_parse_bare();
    printf("lost");
    exit(*(const int *)status);
}

START_TEST(a_full_disk_is_an_error_whatever_else_was)
{
    struct forked run = run_forked(print_to_full_disk, &(int){_i});
    ck_assert_str_eq(run.err,
                     "bump: standard output: No space left on device\n");
    ck_assert_int_eq(exit_of(run), CLI_ERROR);
}
END_TEST

static void print_and_fail_at_something_else(const void *unused)
{
    (void)unused;
    point_stdout_to("/dev/full");
    cli_parse_bare();
    printf("lost here\n");
    unlink("/missing/file");
}

/* The error may be long ago; errno may be another's by now. */
START_TEST(what_was_lost_early_is_not_put_down_to_another_error)
{
    struct forked run = run_forked(print_and_fail_at_something_else, NULL);
    ck_assert_ptr_nonnull(strstr(run.err, "bump: standard output: "));
    ck_assert_ptr_null(strstr(run.err, "No such file"));
    ck_assert_int_eq(exit_of(run), CLI_ERROR);
}
END_TEST

static void print_to_closed_stdout(const void *unused)
{
    (void)unused;
    close(STDOUT_FILENO);
    cli_parse_bare();
    printf("lost\n");
}

START_TEST(a_closed_stdout_is_an_error_for_those_who_print)
{
    struct forked run = run_forked(print_to_closed_stdout, NULL);
    ck_assert_str_eq(run.err, "bump: standard output: Bad file descriptor\n");
    ck_assert_int_eq(exit_of(run), CLI_ERROR);
}
END_TEST

static void say_nothing(const void *unused)
{
    (void)unused;
    close(STDOUT_FILENO);
    cli_parse_bare();
}

START_TEST(a_closed_stdout_is_none_for_those_who_do_not)
{
    struct forked run = run_forked(say_nothing, NULL);
    ck_assert_str_eq(run.err, "");
    ck_assert_int_eq(exit_of(run), CLI_OK);
}
END_TEST

static void ask_for_help_with_stdout_closed(const void *unused)
{
    (void)unused;
    close(STDOUT_FILENO);
    parse_bump(WORDS("--help"));
}

START_TEST(help_that_nobody_gets_is_an_error)
{
    struct forked run = run_forked(ask_for_help_with_stdout_closed, NULL);
    ck_assert_int_eq(exit_of(run), CLI_ERROR);
}
END_TEST

static void open_with_standard_closed(const void *which)
{
    int closed = *(const int *)which; /* 3: all */
    int report = fcntl(STDOUT_FILENO, F_DUPFD, 9);
    for (int fd = 0; fd <= 2; fd++)
        if (closed == fd || closed == 3)
            close(fd);
    cli_parse_bare();
    char c;
    bool above = open("/dev/null", O_RDONLY) > 2;
    ssize_t in = read(STDIN_FILENO, &c, 1);
    ssize_t out = write(STDOUT_FILENO, "", 0);
    ssize_t err = write(STDERR_FILENO, "", 0);
    dprintf(report, "%s %zd %zd %zd", above ? "above" : "among", in, out, err);
}

/* With a standard descriptor closed, the next file must not get its number,
 * and using it must fail as before.
 */
START_TEST(no_file_takes_the_place_of_a_standard_descriptor)
{
    static const char *const expected[] = {"above -1 0 0", "above 0 -1 0",
                                           "above 0 0 -1", "above -1 -1 -1"};
    struct forked run = run_forked(open_with_standard_closed, &(int){_i});
    ck_assert_str_eq(run.out, expected[_i]);
}
END_TEST

static void print_into_closed_pipe(const void *handler)
{
    int pipe[2];
    if (pipe2(pipe, 0) == -1)
        exit(99);
    dup2(pipe[1], STDOUT_FILENO);
    close(pipe[0]);
    close(pipe[1]);
    signal(SIGPIPE, handler == NULL ? SIG_DFL : SIG_IGN);
    cli_parse_bare();
    printf("lost");
}

START_TEST(a_closed_pipe_ends_by_signal_or_is_an_error_where_that_is_ignored)
{
    struct forked run = run_forked(print_into_closed_pipe, NULL);
    ck_assert(WIFSIGNALED(run.status));
    ck_assert_int_eq(WTERMSIG(run.status), SIGPIPE);
    run = run_forked(print_into_closed_pipe, "ignore");
    ck_assert_str_eq(run.err, "bump: standard output: Broken pipe\n");
    ck_assert_int_eq(exit_of(run), CLI_ERROR);
}
END_TEST

static void leave_with_4(const void *unused)
{
    (void)unused;
    cli_parse_bare();
    printf("shown\n");
    exit(CLI_NO_SHOW);
}

START_TEST(the_exit_status_stays_where_all_was_printed)
{
    struct forked run = run_forked(leave_with_4, NULL);
    ck_assert_str_eq(run.out, "shown\n");
    ck_assert_int_eq(exit_of(run), CLI_NO_SHOW);
}
END_TEST

static void print_and_vanish(const void *unused)
{
    (void)unused;
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ); /* as a process starts in a pipe */
    cli_parse_bare();
    printf("a whole line\nand a half");
    raise(SIGKILL); /* a sanitizer's _exit would write the rest */
}

START_TEST(stdout_is_line_buffered_in_a_pipe_too)
{
    struct forked run = run_forked(print_and_vanish, NULL);
    ck_assert_str_eq(run.out, "a whole line\n");
}
END_TEST

TCase *files_cli(void)
{
    TCase *tc = tcase_create("cli");
    tcase_add_test(tc, without_options_the_defaults_stay);
    tcase_add_test(tc, letters_and_long_names_are_the_same);
    tcase_add_test(tc, the_last_of_two_wins);
    tcase_add_test(tc, both_ends_of_a_range_are_in_it);
    tcase_add_loop_test(tc, what_is_no_whole_number_in_range_is_refused, 0,
                        sizeof no_int / sizeof *no_int);
    tcase_add_loop_test(tc, what_is_no_number_in_range_is_refused, 0,
                        sizeof no_double / sizeof *no_double);
    tcase_add_test(tc, more_than_an_int_is_refused);
    tcase_add_test(tc, a_missing_value_is_named);
    tcase_add_test(tc, an_unknown_option_is_named);
    tcase_add_test(tc, operands_come_last_wherever_they_stood);
    tcase_add_test(tc, operands_are_refused_where_none_are_taken);
    tcase_add_test(tc, help_shows_the_table_with_ranges_and_defaults);
    tcase_add_test(tc, help_shows_no_default_that_is_out_of_range);
    tcase_add_test(tc, a_full_table_works_to_its_last_row);
    tcase_add_loop_test(tc, a_full_disk_is_an_error_whatever_else_was, 0, 5);
    tcase_add_test(tc, what_was_lost_early_is_not_put_down_to_another_error);
    tcase_add_test(tc, a_closed_stdout_is_an_error_for_those_who_print);
    tcase_add_test(tc, a_closed_stdout_is_none_for_those_who_do_not);
    tcase_add_test(tc, help_that_nobody_gets_is_an_error);
    tcase_add_loop_test(tc, no_file_takes_the_place_of_a_standard_descriptor, 0,
                        4);
    tcase_add_test(
        tc, a_closed_pipe_ends_by_signal_or_is_an_error_where_that_is_ignored);
    tcase_add_test(tc, the_exit_status_stays_where_all_was_printed);
    tcase_add_test(tc, stdout_is_line_buffered_in_a_pipe_too);
    return tc;
}
