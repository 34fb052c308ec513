/* directories: the parents that are made, and what can be in their way. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support.h"

/* What somebody else does just before the next mkdir. */
static void (*before_mkdir)(const char *path);

static int watched_mkdir(const char *path, mode_t mode)
{
    if (before_mkdir != NULL)
        before_mkdir(path);
    return mkdir(path, mode);
}

#define mkdir watched_mkdir
#define main directories_main
int directories_main(int argc, char **argv);
#include "01_files/directories.c"
#undef main
#undef mkdir

/* Each test is in a folder of its own. */
static int home;

static void set_up(void)
{
    char *folder = new_folder();
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ne(home, -1);
    ck_assert_int_eq(chdir(folder), 0);
    free(folder);
    before_mkdir = NULL;
}

static void tear_down(void)
{
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
}

static void check_made(const char *path)
{
    struct stat st;
    ck_assert_msg(make_parents(path) == 0, "%s: %s", path, strerror(errno));
    ck_assert_msg(stat(path, &st) == 0 && S_ISDIR(st.st_mode),
                  "%s: is not there", path);
}

static void check_error(const char *path, int expected)
{
    ck_assert_int_eq(make_parents(path), -1);
    ck_assert_msg(errno == expected, "%s: %s", path, strerror(errno));
}

START_TEST(all_that_are_missing_are_made)
{
    check_made("a/b/c");
    check_made("a/b/c");
    check_made("a/d/e");
    check_made("f");
}
END_TEST

START_TEST(slashes_and_dots_do_no_harm)
{
    check_made("a/b/");
    check_made("c//d///");
    check_made("./e/../f/.");
    check_made(".");
    check_made("/");
    char *here = getcwd(NULL, 0);
    char path[512];
    snprintf(path, sizeof path, "/%s/g/h", here);
    check_made(path);
    free(here);
}
END_TEST

START_TEST(a_link_to_a_folder_is_a_folder)
{
    check_made("a");
    ck_assert_int_eq(symlink("a", "link"), 0);
    check_made("link/b");
    check_made("a/b");
    ck_assert_int_eq(symlink("nowhere", "broken"), 0);
    check_error("broken", EEXIST);
    check_error("broken/b", ENOTDIR);
}
END_TEST

START_TEST(a_file_in_the_way_is_an_error)
{
    ck_assert_int_eq(mknod("file", S_IFREG | 0600, 0), 0);
    check_error("file", EEXIST);
    check_error("file/a", ENOTDIR);
    check_error("file/a/b", ENOTDIR);
    check_error("", ENOENT);
}
END_TEST

/* The error of mkdir, not that of the look afterwards. */
START_TEST(the_reason_is_that_of_mkdir)
{
    char name[300];
    memset(name, 'x', 299);
    name[299] = '\0';
    check_error(name, ENAMETOOLONG);
    check_error("/proc/self/no-such/a", ENOENT);
}
END_TEST

static void be_faster(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(somebody_else_may_make_it_first)
{
    before_mkdir = be_faster;
    check_made("a/b/c");
}
END_TEST

TCase *files_directories(void)
{
    TCase *tc = tcase_create("directories");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, all_that_are_missing_are_made);
    tcase_add_test(tc, slashes_and_dots_do_no_harm);
    tcase_add_test(tc, a_link_to_a_folder_is_a_folder);
    tcase_add_test(tc, a_file_in_the_way_is_an_error);
    tcase_add_test(tc, the_reason_is_that_of_mkdir);
    tcase_add_test(tc, somebody_else_may_make_it_first);
    return tc;
}
