/* walk: what it lists, what it does not enter, and what it survives.
 *
 * The program runs inside of the test, so that a test can come between two of
 * its steps.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/tree.h"
#include "tests/forked.h"
#include "tests/support.h"

/* What happens just before walk goes down into the entry at hand, and what
 * just after it has read the names of a directory.
 */
static void (*before_down)(const struct tree *t);
static void (*after_reading)(const struct tree *t);

static bool watched_tree_open(struct tree *t, int fd, const char *path)
{
    bool good = tree_open(t, fd, path);
    if (good && after_reading != NULL)
        after_reading(t);
    return good;
}

static bool watched_tree_down(struct tree *t)
{
    if (before_down != NULL)
        before_down(t);
    bool good = tree_down(t);
    if (good && after_reading != NULL)
        after_reading(t);
    return good;
}

#define tree_open watched_tree_open
#define tree_down watched_tree_down
#define main walk_main
int walk_main(int argc, char **argv);
#include "01_files/walk.c"
#undef main
#undef tree_down
#undef tree_open

/* Each test is in a folder of its own. */
static int home;

static void set_up(void)
{
    build_folder(); /* it may be known by a name that is good only here */
    char *folder = new_folder();
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ne(home, -1);
    ck_assert_int_eq(chdir(folder), 0);
    free(folder);
    before_down = NULL;
    after_reading = NULL;
}

static void tear_down(void)
{
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
}

static void make_folder(const char *path)
{
    ck_assert_msg(mkdir(path, 0777) == 0, "%s: %s", path, strerror(errno));
}

static void make_file(const char *path)
{
    ck_assert_msg(mknod(path, S_IFREG | 0666, 0) == 0, "%s: %s", path,
                  strerror(errno));
}

static void make_link(const char *target, const char *path)
{
    ck_assert_msg(symlink(target, path) == 0, "%s: %s", path, strerror(errno));
}

/* Root may read and search everything, unless it gives that up. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version =
                                                  _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) == -1)
        err(99, "capset");
}

static void walk_there(const void *dir)
{
    static char name[] = "walk";
    static char top[64];
    char *argv[] = {name, top, NULL};
    snprintf(top, sizeof top, "%s", (const char *)dir);
    program_invocation_short_name = name;
    drop_capabilities();
    exit(walk_main(2, argv));
}

static void walk_there_in_one(const void *dir)
{
    if (dup2(STDOUT_FILENO, STDERR_FILENO) == -1)
        err(99, "dup2");
    walk_there(dir);
}

static void check_walk(const char *dir, int exit_status, const char *out,
                       const char *complaints)
{
    struct forked run = run_forked(walk_there, dir);
    ck_assert_str_eq(run.err, complaints);
    ck_assert_str_eq(run.out, out);
    ck_assert(WIFEXITED(run.status));
    ck_assert_int_eq(WEXITSTATUS(run.status), exit_status);
}

/* All others come after all of one directory: depth first, and from the top. */
START_TEST(triples_come_from_the_top_down)
{
    make_folder("t");
    make_folder("t/b");
    make_folder("t/b/deep");
    make_folder("t/a");
    make_file("t/b/deep/1");
    make_file("t/c");
    check_walk("t", 0,
               "[('t', ['a', 'b'], ['c']),\n"
               " ('t/a', [], []),\n"
               " ('t/b', ['deep'], []),\n"
               " ('t/b/deep', [], ['1'])]\n",
               "");
}
END_TEST

/* And not as a language would have it: Z before a, both before é. */
START_TEST(names_are_in_byte_order)
{
    make_folder("t");
    make_file("t/é");
    make_file("t/a");
    make_file("t/Z");
    make_file("t/a.b");
    make_file("t/aa");
    check_walk("t", 0,
               "[('t',\n"
               "  [],\n"
               "  ['Z',\n"
               "   'a',\n"
               "   'a.b',\n"
               "   'aa',\n"
               "   'é'])]\n",
               "");
}
END_TEST

/* Each of these would make a plain list say something that is not so. */
START_TEST(names_cannot_deceive)
{
    make_folder("t");
    make_folder("t/it's");
    make_file("t/it's/\x1b[2J");
    make_file("t/a', 'b");
    check_walk("t", 0,
               "[('t', [\"it's\"], [\"a', 'b\"]),\n"
               " (\"t/it's\", [], ['\\x1b[2J'])]\n",
               "");
    make_folder("u");
    make_folder("u/x'], []),\n ('passwd");
    check_walk("u", 0,
               "[('u', [\"x'], []),\\n ('passwd\"], []),\n"
               " (\"u/x'], []),\\n ('passwd\", [], [])]\n",
               "");
    make_folder("v");
    make_file("v/\u202etxt.exe"); /* NOLINT(misc-misleading-bidirectional) */
    make_file("v/\xff");
    check_walk("v", 0, "[('v', [], ['\\u202etxt.exe', '\\xff'])]\n", "");
}
END_TEST

START_TEST(links_are_listed_and_not_entered)
{
    make_folder("t");
    make_folder("t/folder");
    make_file("t/folder/file");
    make_link("folder", "t/to_folder");
    make_link("..", "t/up");
    make_link("folder/file", "t/to_file");
    make_link("nowhere", "t/broken");
    make_link("loop", "t/loop");
    check_walk("t", 0,
               "[('t',\n"
               "  ['folder',\n"
               "   'to_folder',\n"
               "   'up'],\n"
               "  ['broken',\n"
               "   'loop',\n"
               "   'to_file']),\n"
               " ('t/folder', [], ['file'])]\n",
               "");
}
END_TEST

START_TEST(the_top_may_be_a_link)
{
    make_folder("t");
    make_file("t/file");
    make_link("t", "link");
    check_walk("link", 0, "[('link', [], ['file'])]\n", "");
}
END_TEST

static void forget_types(const struct tree *t)
{
    const struct tree_level *level = &t->levels[t->depth];
    for (size_t i = 0; i < level->count; i++)
        level->entries[i]->type = DT_UNKNOWN;
}

START_TEST(a_file_system_need_not_tell_the_types)
{
    make_folder("t");
    make_folder("t/folder");
    make_link("folder", "t/link");
    make_file("t/file");
    after_reading = forget_types;
    check_walk("t", 0,
               "[('t', ['folder', 'link'], ['file']),\n"
               " ('t/folder', [], [])]\n",
               "");
}
END_TEST

/* The line on stdout has ended before the complaint. */
START_TEST(what_cannot_be_read_is_reported)
{
    make_folder("t");
    make_folder("t/a");
    make_folder("t/b");
    make_folder("t/b/c");
    make_folder("t/d");
    ck_assert_int_eq(chmod("t/a", 0), 0);
    ck_assert_int_eq(chmod("t/b/c", 0300), 0);
    check_walk("t", 1,
               "[('t',\n"
               "  ['a',\n"
               "   'b',\n"
               "   'd'],\n"
               "  []),\n"
               " ('t/b', ['c'], []),\n"
               " ('t/d', [], [])]\n",
               "walk: 't/a': Permission denied\n"
               "walk: 't/b/c': Permission denied\n");
}
END_TEST

/* It can be read and not searched: there is no ".." to come back by. */
START_TEST(a_folder_without_a_way_back_is_left)
{
    make_folder("t");
    make_folder("t/a");
    make_folder("t/a/b");
    make_folder("t/a/b/c");
    make_folder("t/a/d");
    ck_assert_int_eq(chmod("t/a/b", 0600), 0);
    check_walk("t", 1,
               "[('t', ['a'], []),\n"
               " ('t/a', ['b', 'd'], []),\n"
               " ('t/a/b', ['c'], []),\n"
               " ('t/a/d', [], [])]\n",
               "walk: 't/a/b/c': Permission denied\n");
    ck_assert_int_eq(chmod("t/a/b", 0700), 0);
}
END_TEST

static void remove_b(const struct tree *t)
{
    if (strcmp(t->entry->name, "b") == 0 && rmdir("t/b") == -1)
        err(99, "t/b");
}

START_TEST(a_folder_that_vanishes_is_reported)
{
    make_folder("t");
    make_folder("t/b");
    make_folder("t/c");
    before_down = remove_b;
    check_walk("t", 1,
               "[('t', ['b', 'c'], []),\n"
               " ('t/c', [], [])]\n",
               "walk: 't/b': No such file or directory\n");
}
END_TEST

/* Also where both outputs go to one place that is no terminal. */
START_TEST(a_complaint_stands_where_it_belongs)
{
    make_folder("t");
    make_folder("t/b");
    make_folder("t/c");
    before_down = remove_b;
    struct forked run = run_forked(walk_there_in_one, "t");
    ck_assert_str_eq(run.out, "[('t', ['b', 'c'], []),\n"
                              "walk: 't/b': No such file or directory\n"
                              " ('t/c', [], [])]\n");
}
END_TEST

static void swap_b(const struct tree *t)
{
    if (strcmp(t->entry->name, "b") == 0 &&
        (rename("t/b", "was_b") == -1 || symlink("../other", "t/b") == -1))
        err(99, "t/b");
}

START_TEST(a_link_that_takes_a_folders_place_is_not_entered)
{
    make_folder("t");
    make_folder("t/b");
    make_folder("other");
    make_file("other/file");
    before_down = swap_b;
    check_walk("t", 1, "[('t', ['b'], []),\n]\n",
               "walk: 't/b': Not a directory\n");
}
END_TEST

/* Inside of t/a/b, b is moved away: ".." leads elsewhere now. */
static void move_b(const struct tree *t)
{
    if (strcmp(t->path, "t/a/b") == 0 && rename("t/a/b", "other/b") == -1)
        err(99, "t/a/b");
}

START_TEST(a_folder_moved_while_we_are_in_it_does_not_lead_astray)
{
    make_folder("t");
    make_folder("t/a");
    make_folder("t/a/b");
    make_folder("t/a/c");
    make_folder("other");
    make_folder("other/c");
    make_file("other/c/wrong");
    after_reading = move_b;
    check_walk("t", 0,
               "[('t', ['a'], []),\n"
               " ('t/a', ['b', 'c'], []),\n"
               " ('t/a/b', [], []),\n"
               " ('t/a/c', [], [])]\n",
               "");
}
END_TEST

/* Both are moved, and apart: there is no way back to a at all. */
static void move_a_and_b(const struct tree *t)
{
    if (strcmp(t->path, "t/a/b") == 0 &&
        (rename("t/a/b", "other/b") == -1 || rename("t/a", "moved") == -1))
        err(99, "t/a");
}

START_TEST(a_way_back_that_is_lost_is_reported)
{
    make_folder("t");
    make_folder("t/a");
    make_folder("t/a/b");
    make_folder("t/a/c");
    make_folder("t/d");
    make_folder("other");
    after_reading = move_a_and_b;
    check_walk("t", 1,
               "[('t', ['a', 'd'], []),\n"
               " ('t/a', ['b', 'c'], []),\n"
               " ('t/a/b', [], []),\n"
               " ('t/d', [], [])]\n",
               "walk: 't/a': was lost on the way back up\n");
}
END_TEST

/* And where another folder has a's name by now, it is not taken for a. */
static void replace_a(const struct tree *t)
{
    move_a_and_b(t);
    if (strcmp(t->path, "t/a/b") == 0 &&
        (mkdir("t/a", 0777) == -1 || mkdir("t/a/c", 0777) == -1))
        err(99, "t/a");
}

START_TEST(the_way_back_is_known_by_more_than_names)
{
    make_folder("t");
    make_folder("t/a");
    make_folder("t/a/b");
    make_folder("t/a/c");
    make_folder("other");
    after_reading = replace_a;
    check_walk("t", 1,
               "[('t', ['a'], []),\n"
               " ('t/a', ['b', 'c'], []),\n"
               " ('t/a/b', [], []),\n"
               "]\n",
               "walk: 't/a': was lost on the way back up\n");
}
END_TEST

enum { DEEP = 3000 }; /* 6 KB of path, where PATH_MAX is 4 KB */

/* Ten descriptors, and a stack on which no level has even 100 bytes. */
START_TEST(no_depth_is_too_deep)
{
    make_folder("t");
    int fd = open("t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEEP; i++) {
        ck_assert_int_eq(mkdirat(fd, "d", 0777), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ne(next, -1);
        close(fd);
        fd = next;
    }
    close(fd);
    char *here = getcwd(NULL, 0);
    char command[512];
    snprintf(command, sizeof command,
             "cd %s && (ulimit -n 10 && ulimit -s %d && exec walk t) >list;"
             "echo exit $?; grep -c \"('t\" list; tail -n 1 list | wc -c;"
             "rm -rf t",
             here, plain_build() ? 256 : 8192);
    struct child child = run_shell(command);
    char expected[64];
    snprintf(expected, sizeof expected, "exit 0\n%d\n%zu\n", DEEP + 1,
             strlen(" ('t', [], [])]\n") + 2UL * DEEP);
    ck_assert_str_eq(child.out.text, expected);
    child_free(&child);
    free(here);
}
END_TEST

TCase *files_walk(void)
{
    TCase *tc = tcase_create("walk");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, triples_come_from_the_top_down);
    tcase_add_test(tc, names_are_in_byte_order);
    tcase_add_test(tc, names_cannot_deceive);
    tcase_add_test(tc, links_are_listed_and_not_entered);
    tcase_add_test(tc, the_top_may_be_a_link);
    tcase_add_test(tc, a_file_system_need_not_tell_the_types);
    tcase_add_test(tc, what_cannot_be_read_is_reported);
    tcase_add_test(tc, a_folder_without_a_way_back_is_left);
    tcase_add_test(tc, a_folder_that_vanishes_is_reported);
    tcase_add_test(tc, a_complaint_stands_where_it_belongs);
    tcase_add_test(tc, a_link_that_takes_a_folders_place_is_not_entered);
    tcase_add_test(tc, a_folder_moved_while_we_are_in_it_does_not_lead_astray);
    tcase_add_test(tc, a_way_back_that_is_lost_is_reported);
    tcase_add_test(tc, the_way_back_is_known_by_more_than_names);
    tcase_add_test(tc, no_depth_is_too_deep);
    return tc;
}
