/* One line at a time means: in the memory of one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support.h"

enum { LINE = 64 << 10, LINES = 256 }; /* 16 MiB */

static char *make_large_file(void)
{
    char *folder = new_folder();
    char *path = NULL;
    ck_assert_int_ne(asprintf(&path, "%s/large", folder), -1);
    free(folder);
    char *line = malloc(LINE);
    FILE *f = fopen(path, "w");
    ck_assert(line != NULL && f != NULL);
    memset(line, 'x', LINE - 1);
    line[LINE - 1] = '\n';
    for (int i = 0; i < LINES; i++)
        ck_assert_uint_eq(fwrite(line, 1, LINE, f), LINE);
    ck_assert_int_eq(fclose(f), 0);
    free(line);
    return path;
}

/* Runs lines with these words, and returns the largest memory, in KiB, that
 * any child of this test has had so far.
 */
static long run_lines(const char *words)
{
    char *command = NULL;
    ck_assert_int_ne(asprintf(&command, "lines %s | tail -n 1", words), -1);
    struct child child = run_shell(command);
    ck_assert_int_eq(child.status, 0);
    ck_assert_ptr_nonnull(strstr(child.out.text, " lines\n"));
    child_free(&child);
    free(command);
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return usage.ru_maxrss;
}

START_TEST(the_loop_needs_the_memory_of_a_line_and_the_list_of_the_file)
{
    char *path = make_large_file();
    char *as_list = NULL;
    ck_assert_int_ne(asprintf(&as_list, "-l %s", path), -1);
    long small = run_lines("/dev/null");
    long each = run_lines(path);
    long list = run_lines(as_list);
    ck_assert_msg(each - small < 4 << 10, "%ld KiB, %ld for no line", each,
                  small);
    ck_assert_msg(list - small > 15 << 10, "%ld KiB, %ld for no line", list,
                  small);
    free(as_list);
    free(path);
}
END_TEST

TCase *files_lines(void)
{
    TCase *tc = tcase_create("lines");
    tcase_set_timeout(tc, 60);
    tcase_add_test(
        tc, the_loop_needs_the_memory_of_a_line_and_the_list_of_the_file);
    return tc;
}
