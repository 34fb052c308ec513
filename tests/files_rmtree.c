/* rmtree: what goes, and above all what must stay.
 *
 * The program and its module are compiled into this file with a step before
 * each system call, at which a test can do what somebody else might do just
 * then. (The module's functions are found here by all the other tests too;
 * without a test's wish a step does nothing.)
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/forked.h"
#include "tests/support.h"

/* The attack comes at this step, counted from 1; 0: never. */
static int attack_at;
static void (*attack)(void);
static int steps;

static void step(void)
{
    if (++steps != attack_at)
        return;
    attack();
    close(open("attacked", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* So many calls succeed, and then the disk is broken. */
static int good_opens = INT_MAX;
static int good_reads = INT_MAX;

static void *input_error(void)
{
    errno = EIO;
    return NULL;
}

/* A child that should refuse must not be the end of this machine. */
static bool must_refuse;

static void harmless(void)
{
    if (must_refuse)
        _exit(99);
}

#define openat(...) (step(), openat(__VA_ARGS__))
#define fstat(...) (step(), fstat(__VA_ARGS__))
#define fstatat(...) (step(), fstatat(__VA_ARGS__))
#define fdopendir(fd) (step(), good_opens-- > 0 ? fdopendir(fd) : input_error())
#define readdir(dir) (step(), good_reads-- > 0 ? readdir(dir) : input_error())
#define unlinkat(...) (step(), harmless(), unlinkat(__VA_ARGS__))
#define main rmtree_main
int rmtree_main(int argc, char **argv);
#include "01_files/rmtree.c"
#include "01_files/tree.c"
#undef main
#undef unlinkat
#undef readdir
#undef fdopendir
#undef fstatat
#undef fstat
#undef openat

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
}

static void tear_down(void)
{
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
}

/* Makes what is named, a folder where the name ends in a slash. */
static void make(const char *const *names)
{
    for (; *names != NULL; names++) {
        int made = (*names)[strlen(*names) - 1] == '/'
                       ? mkdir(*names, 0777)
                       : mknod(*names, S_IFREG | 0666, 0);
        ck_assert_msg(made == 0, "%s: %s", *names, strerror(errno));
    }
}

static bool is_there(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void run_rmtree(const void *dir)
{
    static char name[] = "rmtree";
    char *argv[] = {name, strdup(dir), NULL};
    program_invocation_short_name = name;
    exit(rmtree_main(2, argv));
}

static void check_rmtree(void (*body)(const void *), const char *dir,
                         int exit_status, const char *complaints)
{
    struct forked run = run_forked(body, dir);
    ck_assert_str_eq(run.err, complaints);
    ck_assert_str_eq(run.out, "");
    ck_assert(WIFEXITED(run.status));
    ck_assert_int_eq(WEXITSTATUS(run.status), exit_status);
}

START_TEST(a_whole_tree_goes_and_nothing_else)
{
    make((const char *[]){"t/", "t/a/", "t/a/b/", "t/a/b/file", "t/.hidden",
                          "t/empty/", "t/new\nline", "u/", "u/file", NULL});
    ck_assert_int_eq(mkfifo("t/fifo", 0600), 0);
    ck_assert_int_eq(chmod("t/.hidden", 0), 0);
    check_rmtree(run_rmtree, "t", 0, "");
    ck_assert(!is_there("t"));
    ck_assert(is_there("u/file"));
}
END_TEST

START_TEST(links_go_and_their_targets_stay)
{
    make((const char *[]){"t/", "u/", "u/file", NULL});
    ck_assert_int_eq(symlink("../u", "t/folder"), 0);
    ck_assert_int_eq(symlink("../u/file", "t/file"), 0);
    ck_assert_int_eq(symlink("nowhere", "t/broken"), 0);
    ck_assert_int_eq(link("u/file", "t/hard"), 0);
    check_rmtree(run_rmtree, "t", 0, "");
    ck_assert(!is_there("t"));
    ck_assert(is_there("u/file"));
}
END_TEST

START_TEST(a_path_may_lead_to_the_tree)
{
    make((const char *[]){"u/", "u/t/", "u/t/file", "u/v/", "u/v/file", NULL});
    check_rmtree(run_rmtree, "u/./t//", 0, "");
    ck_assert(!is_there("u/t"));
    char *path = realpath("u/v", NULL);
    check_rmtree(run_rmtree, path, 0, "");
    ck_assert(!is_there("u/v"));
    ck_assert(is_there("u"));
    free(path);
}
END_TEST

static void refuse(const void *dir)
{
    must_refuse = true;
    run_rmtree(dir);
}

START_TEST(roots_and_dots_are_refused)
{
    make((const char *[]){"t/", NULL});
    static const char *const refused[][2] = {
        {"", ""},
        {"/", "/"},
        {"//", "/"},
        {"///", "/"},
        {".", "."},
        {"./", "."},
        {"..", ".."},
        {"../", ".."},
        {"t/.", "t/."},
        {"t/..", "t/.."},
        {"t/../", "t/.."},
        {"t/./", "t/."},
        {"/.", "/."},
        {"/..", "/.."},
        {"/../..", "/../.."},
        {"/usr/..//", "/usr/.."},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char message[64];
        snprintf(message, sizeof message,
                 "rmtree: '%s': refused, as are /, . and ..\n", refused[i][1]);
        check_rmtree(refuse, refused[i][0], 2, message);
    }
    ck_assert(is_there("t"));
}
END_TEST

START_TEST(what_is_no_tree_is_refused)
{
    make((const char *[]){"t/", "t/file", "file", NULL});
    ck_assert_int_eq(symlink("t", "link"), 0);
    ck_assert_int_eq(symlink("/", "root"), 0);
    check_rmtree(run_rmtree, "link", 1,
                 "rmtree: 'link': a symbolic link is not followed\n");
    check_rmtree(run_rmtree, "link/", 1,
                 "rmtree: 'link': a symbolic link is not followed\n");
    check_rmtree(run_rmtree, "root", 1,
                 "rmtree: 'root': a symbolic link is not followed\n");
    check_rmtree(run_rmtree, "file", 1, "rmtree: 'file': Not a directory\n");
    check_rmtree(run_rmtree, "missing", 1,
                 "rmtree: 'missing': No such file or directory\n");
    check_rmtree(run_rmtree, "missing/t", 1,
                 "rmtree: 'missing/t': No such file or directory\n");
    check_rmtree(run_rmtree, "file/t", 1,
                 "rmtree: 'file/t': Not a directory\n");
    ck_assert(is_there("t/file"));
    ck_assert(is_there("link"));
    ck_assert(is_there("file"));
}
END_TEST

/* Root may do everything to every file, unless it gives that up. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version =
                                                  _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (syscall(SYS_capset, &header, none) == -1)
        err(99, "capset");
}

static void run_without_capabilities(const void *dir)
{
    drop_capabilities();
    run_rmtree(dir);
}

START_TEST(what_cannot_be_removed_is_reported_and_the_rest_goes)
{
    make((const char *[]){"t/", "t/a/", "t/closed/", "t/closed/file",
                          "t/empty/", "t/fixed/", "t/fixed/b/",
                          "t/fixed/b/file", "t/fixed/file", "t/z", NULL});
    ck_assert_int_eq(chmod("t/closed", 0), 0);
    ck_assert_int_eq(chmod("t/empty", 0), 0);
    ck_assert_int_eq(chmod("t/fixed", 0500), 0);
    check_rmtree(run_without_capabilities, "t", 1,
                 "rmtree: 't/closed': Permission denied\n"
                 "rmtree: 't/fixed/b': Permission denied\n"
                 "rmtree: 't/fixed/file': Permission denied\n"
                 "rmtree: 't/fixed': Directory not empty\n"
                 "rmtree: 't': Directory not empty\n");
    ck_assert_int_eq(chmod("t/closed", 0700), 0);
    ck_assert_int_eq(chmod("t/fixed", 0700), 0);
    ck_assert(is_there("t/closed/file"));
    ck_assert(is_there("t/fixed/b"));
    ck_assert(!is_there("t/fixed/b/file"));
    ck_assert(!is_there("t/a"));
    ck_assert(!is_there("t/empty"));
    ck_assert(!is_there("t/z"));
}
END_TEST

/* It can be read and not searched: nothing in it can be named, and there is no
 * ".." to come back by.
 */
START_TEST(a_folder_without_a_way_back_is_left)
{
    make((const char *[]){"t/", "t/a/", "t/a/b/", "t/a/b/file", "t/a/c", NULL});
    ck_assert_int_eq(chmod("t/a/b", 0600), 0);
    check_rmtree(run_without_capabilities, "t", 1,
                 "rmtree: 't/a/b/file': Permission denied\n"
                 "rmtree: 't/a/b': Directory not empty\n"
                 "rmtree: 't/a': Directory not empty\n"
                 "rmtree: 't': Directory not empty\n");
    ck_assert_int_eq(chmod("t/a/b", 0700), 0);
    ck_assert(is_there("t/a/b/file"));
    ck_assert(!is_there("t/a/c"));
}
END_TEST

static void run_on_broken_disk(const void *dir)
{
    struct rlimit few = {10, 10};
    if (setrlimit(RLIMIT_NOFILE, &few) == -1)
        err(99, "setrlimit");
    run_rmtree(dir);
}

/* A descriptor forgotten at each failure would soon be one too many. */
START_TEST(what_cannot_be_read_leaves_no_descriptor_open)
{
    make((const char *[]){"t/", NULL});
    for (int i = 0; i < 26; i++) {
        char c = "abcdefghijklmnopqrstuvwxyz"[i];
        char folder[] = {'t', '/', c, '/', '\0'};
        char file[] = {'t', '/', c, '/', 'f', '\0'};
        make((const char *[]){folder, file, NULL});
    }
    if (_i == 0)
        good_opens = 1; /* of t itself */
    else
        good_reads = 26 + 3; /* with . and .. and the end */
    struct forked run = run_forked(run_on_broken_disk, "t");
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    ck_assert_ptr_null(strstr(run.err, strerror(EMFILE)));
    ck_assert_ptr_nonnull(strstr(run.err, "'t/z': Input/output error\n"));
    good_opens = INT_MAX;
    good_reads = INT_MAX;
}
END_TEST

/* Among mounts of its own a child may mount; false where not even that is
 * allowed.
 */
static bool enter_namespace(void)
{
    return unshare(CLONE_NEWNS) == 0 ||
           unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
}

enum { MAY_NOT_MOUNT = 77 };

static void mount_and_run(const void *dir)
{
    if (!enter_namespace() ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("u", "t/mounted", NULL, MS_BIND, NULL) == -1)
        exit(MAY_NOT_MOUNT);
    run_rmtree(dir);
}

START_TEST(what_is_mounted_in_the_tree_stays)
{
    make((const char *[]){"t/", "t/mounted/", "u/", "u/file", NULL});
    struct forked run = run_forked(mount_and_run, "t");
    if (WEXITSTATUS(run.status) == MAY_NOT_MOUNT)
        return;
    ck_assert_str_eq(run.err, "rmtree: 't/mounted': Device or resource busy\n"
                              "rmtree: 't': Directory not empty\n");
    ck_assert(is_there("u/file"));
    run = run_forked(mount_and_run, "t/mounted");
    ck_assert_str_eq(run.err, "rmtree: 't/mounted': Device or resource busy\n");
    ck_assert(is_there("u/file"));
}
END_TEST

/* The leak sanitizer wants to look into /proc, which is out of reach. */
static void leave(int exit_status, void *unused)
{
    (void)unused;
    _exit(exit_status);
}

/* Nothing but t is in reach, and again is the root by another name. */
static void mount_root_and_run(const void *dir)
{
    on_exit(leave, NULL);
    if (!enter_namespace() || chroot("t") == -1 || chdir("/") == -1 ||
        mount("/", "/again", NULL, MS_BIND, NULL) == -1)
        exit(MAY_NOT_MOUNT);
    refuse(dir);
}

START_TEST(the_root_is_refused_by_whatever_name)
{
    make((const char *[]){"t/", "t/again/", "t/file", NULL});
    struct forked run = run_forked(mount_root_and_run, "/again");
    if (WEXITSTATUS(run.status) == MAY_NOT_MOUNT)
        return;
    ck_assert_str_eq(run.err, "rmtree: '/again': refused, it is the root\n");
    ck_assert_int_eq(WEXITSTATUS(run.status), 2);
    ck_assert(is_there("t/file"));
}
END_TEST

/* The attacks. In the tree t is a, in a is b; outside is a victim with files
 * of the same names. An attack that comes too late fails, which is no harm.
 */
static void link_for_top(void)
{
    if (rename("t", "stash") == 0)
        (void)!symlink("victim", "t");
}

static void link_for_a(void)
{
    if (rename("t/a", "stash") == 0)
        (void)!symlink("../victim", "t/a");
}

static void link_for_b(void)
{
    if (rename("t/a/b", "stash") == 0)
        (void)!symlink("../../victim", "t/a/b");
}

static void a_into_victim(void)
{
    (void)!rename("t/a", "victim/moved");
}

static void b_into_victim(void)
{
    (void)!rename("t/a/b", "victim/moved");
}

static void b_into_victim_and_link_for_a(void)
{
    b_into_victim();
    link_for_a();
}

static void b_into_victim_and_link_for_top(void)
{
    b_into_victim();
    link_for_top();
}

static void somebody_else_removes_it(void)
{
    (void)!system("rm -rf t");
}

static const struct {
    void (*attack)(void);
    bool exits_0; /* what was to go has gone */
} attacks[] = {
    {link_for_top, false},
    {link_for_a, false},
    {link_for_b, false},
    {a_into_victim, false},
    {b_into_victim, false},
    {b_into_victim_and_link_for_a, false},
    {b_into_victim_and_link_for_top, false},
    {somebody_else_removes_it, true},
};

static void make_tree_and_victim(void)
{
    make((const char *[]){"t/", "t/a/", "t/a/b/", "t/a/b/c", "t/a/c", "t/c",
                          NULL});
    make((const char *[]){"victim/", "victim/b/", "victim/b/c", "victim/c",
                          NULL});
}

static void check_victim(void)
{
    ck_assert(is_there("victim/b/c"));
    ck_assert(is_there("victim/c"));
}

/* Before each system call in turn, so that no moment is left out. */
START_TEST(no_attack_succeeds_at_any_step)
{
    attack = attacks[_i].attack;
    for (attack_at = 1;; attack_at++) {
        make_tree_and_victim();
        struct forked run = run_forked(run_rmtree, "t");
        ck_assert(WIFEXITED(run.status));
        ck_assert_int_le(WEXITSTATUS(run.status), 1);
        check_victim();
        if (!is_there("attacked"))
            break;
        if (attacks[_i].exits_0 && attack_at > 1)
            ck_assert_msg(run.status == 0, "%s", run.err);
        tear_down();
        set_up();
    }
    ck_assert_int_gt(attack_at, 30); /* it has that many steps at least */
    ck_assert(!is_there("t"));
}
END_TEST

/* The same without a plan: another process exchanges a folder and a link as
 * fast as it can, while the tree is removed again and again.
 */
static void exchange_for_ever(atomic_int *count)
{
    for (;;)
        if (renameat2(AT_FDCWD, "t/a", AT_FDCWD, "link", RENAME_EXCHANGE) == 0)
            ++*count;
}

START_TEST(no_race_is_lost)
{
    const int flags = MAP_SHARED | MAP_ANONYMOUS;
    /* cppcheck-suppress invalidFunctionArg; -1 is right, there is no file */
    atomic_int *count = mmap(NULL, sizeof *count, PROT_WRITE, flags, -1, 0);
    ck_assert_ptr_ne(count, MAP_FAILED);
    for (int i = 0; i < 50; i++) {
        make_tree_and_victim();
        ck_assert_int_eq(symlink("../victim", "link"), 0);
        pid_t racer = fork();
        ck_assert_int_ne(racer, -1);
        if (racer == 0)
            exchange_for_ever(count);
        struct forked run = run_forked(run_rmtree, "t");
        ck_assert_int_eq(kill(racer, SIGKILL), 0);
        ck_assert_int_eq(waitpid(racer, NULL, 0), racer);
        ck_assert(WIFEXITED(run.status));
        ck_assert_int_le(WEXITSTATUS(run.status), 1);
        check_victim();
        tear_down();
        set_up();
    }
    ck_assert_int_gt(*count, 100);
    munmap(count, sizeof *count);
}
END_TEST

enum { DEEP = 3000 }; /* 6 KB of path, where PATH_MAX is 4 KB */

/* Ten descriptors, and a stack on which no level has even 100 bytes. */
START_TEST(no_depth_is_too_deep)
{
    make((const char *[]){"t/", NULL});
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
             "cd %s && (ulimit -n 10 && ulimit -s %d && exec rmtree t);"
             "echo exit $?; ls; rm -rf t",
             here, plain_build() ? 256 : 8192);
    struct child child = run_shell(command);
    ck_assert_str_eq(child.out.text, "exit 0\n");
    child_free(&child);
    free(here);
}
END_TEST

TCase *files_rmtree(void)
{
    TCase *tc = tcase_create("rmtree");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_whole_tree_goes_and_nothing_else);
    tcase_add_test(tc, links_go_and_their_targets_stay);
    tcase_add_test(tc, a_path_may_lead_to_the_tree);
    tcase_add_test(tc, roots_and_dots_are_refused);
    tcase_add_test(tc, what_is_no_tree_is_refused);
    tcase_add_test(tc, what_cannot_be_removed_is_reported_and_the_rest_goes);
    tcase_add_test(tc, a_folder_without_a_way_back_is_left);
    tcase_add_loop_test(tc, what_cannot_be_read_leaves_no_descriptor_open, 0,
                        2);
    tcase_add_test(tc, what_is_mounted_in_the_tree_stays);
    tcase_add_test(tc, the_root_is_refused_by_whatever_name);
    tcase_add_loop_test(tc, no_attack_succeeds_at_any_step, 0,
                        sizeof attacks / sizeof *attacks);
    tcase_add_test(tc, no_race_is_lost);
    tcase_add_test(tc, no_depth_is_too_deep);
    return tc;
}
