/* The folder of a run: there while it runs, gone however it ends. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/scratch.h"
#include "tests/forked.h"
#include "tests/support.h"

/* Where the folders of one test are made; fresh for each. */
static char *parent;

static void set_up(void)
{
    parent = new_folder();
    setenv("TMPDIR", parent, 1);
}

static void tear_down(void)
{
    free(parent);
}

static int count_entries(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    ck_assert_msg(n != -1, "%s: %s", path, strerror(errno));
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    return n - 2; /* . and .. */
}

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        err(99, "%s", path);
    close(fd);
}

/* In the child: the folder, with something in it. */
static void enter_and_fill(void)
{
    scratch_enter();
    make_file("example.txt");
    if (mkdir("folder", 0700) == -1)
        err(99, "folder");
    make_file("folder/example.txt");
}

static void check_clean(void)
{
    ck_assert_int_eq(count_entries(parent), 0);
}

static void check_exit(struct forked run, int status)
{
    ck_assert_msg(WIFEXITED(run.status), "signal %d", WTERMSIG(run.status));
    ck_assert_msg(WEXITSTATUS(run.status) == status, "exit %d: %s",
                  WEXITSTATUS(run.status), run.err);
}

static void describe(const void *unused)
{
    (void)unused;
    scratch_enter();
    struct stat st;
    char *cwd = getcwd(NULL, 0);
    if (cwd == NULL || stat(".", &st) == -1)
        err(99, ".");
    printf("%.*s %o %d", (int)strlen(parent), cwd, st.st_mode & 07777,
           count_entries("."));
    free(cwd);
}

START_TEST(it_is_new_empty_ours_alone_and_where_we_are)
{
    struct forked run = run_forked(describe, NULL);
    char expected[PATH_MAX + 16];
    snprintf(expected, sizeof expected, "%s 700 0", parent);
    ck_assert_str_eq(run.out, expected);
    check_exit(run, 0);
    check_clean();
}
END_TEST

static void fill_and_exit(const void *status)
{
    enter_and_fill();
    exit(*(const int *)status);
}

START_TEST(it_goes_at_exit_and_the_status_stays)
{
    check_exit(run_forked(fill_and_exit, &(int){_i}), _i);
    check_clean();
}
END_TEST

static void fill_and_fail(const void *unused)
{
    (void)unused;
    enter_and_fill();
    err(1, "something");
}

START_TEST(it_goes_at_an_error)
{
    check_exit(run_forked(fill_and_fail, NULL), 1);
    check_clean();
}
END_TEST

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void fill_and_raise(const void *sig)
{
    enter_and_fill();
    raise(*(const int *)sig);
    exit(98); /* not reached */
}

/* And whoever waits for the program sees the signal. */
START_TEST(it_goes_when_a_signal_ends_the_program)
{
    struct forked run = run_forked(fill_and_raise, &signals[_i]);
    ck_assert(WIFSIGNALED(run.status));
    ck_assert_int_eq(WTERMSIG(run.status), signals[_i]);
    check_clean();
}
END_TEST

static void fill_and_be_killed_from_outside(const void *sig)
{
    enter_and_fill();
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == -1)
        err(99, "fork");
    if (pid == 0) {
        kill(self, *(const int *)sig);
        _exit(0);
    }
    for (;;)
        pause();
}

START_TEST(it_goes_when_the_signal_interrupts_a_call)
{
    struct forked run =
        run_forked(fill_and_be_killed_from_outside, &signals[_i]);
    ck_assert(WIFSIGNALED(run.status));
    ck_assert_int_eq(WTERMSIG(run.status), signals[_i]);
    check_clean();
}
END_TEST

static void ignore_then_raise(const void *sig)
{
    int number = *(const int *)sig;
    signal(number, SIG_IGN);
    enter_and_fill();
    raise(number);
    printf("%d", count_entries("."));
}

/* nohup(1) must go on working, and so must ignoring SIGPIPE. */
START_TEST(an_ignored_signal_stays_ignored)
{
    struct forked run = run_forked(ignore_then_raise, &signals[_i]);
    check_exit(run, 0);
    ck_assert_str_eq(run.out, "2");
    check_clean();
}
END_TEST

static void block_then_raise(const void *sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, *(const int *)sig);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(*(const int *)sig);
    enter_and_fill();
    printf("%d", count_entries("."));
}

START_TEST(a_blocked_signal_stays_blocked)
{
    struct forked run = run_forked(block_then_raise, &signals[_i]);
    check_exit(run, 0);
    ck_assert_str_eq(run.out, "2");
    check_clean();
}
END_TEST

static void wait_for(pid_t pid)
{
    while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
        continue;
}

static void fork_a_child_that_ends(const void *sig)
{
    enter_and_fill();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == -1)
        err(99, "fork");
    if (pid == 0) {
        if (sig != NULL)
            raise(*(const int *)sig);
        exit(0);
    }
    wait_for(pid);
    printf("%d", count_entries("."));
}

START_TEST(the_end_of_a_forked_child_is_not_the_end_of_the_run)
{
    struct forked run = run_forked(fork_a_child_that_ends, NULL);
    check_exit(run, 0);
    ck_assert_str_eq(run.out, "2");
    check_clean();
}
END_TEST

START_TEST(nor_is_its_end_by_a_signal)
{
    struct forked run = run_forked(fork_a_child_that_ends, &signals[_i]);
    check_exit(run, 0);
    ck_assert_str_eq(run.out, "2");
    check_clean();
}
END_TEST

static void leave_the_folder(const void *unused)
{
    (void)unused;
    enter_and_fill();
    if (chdir("/") == -1)
        err(99, "/");
}

START_TEST(it_goes_from_wherever_we_are)
{
    check_exit(run_forked(leave_the_folder, NULL), 0);
    check_clean();
}
END_TEST

static void enter_from_a_relative_tmpdir(const void *unused)
{
    (void)unused;
    if (chdir(parent) == -1 || mkdir("tmp dir", 0700) == -1)
        err(99, "%s", parent);
    setenv("TMPDIR", "tmp dir", 1);
    enter_and_fill();
    if (chdir("folder") == -1)
        err(99, "folder");
}

START_TEST(a_relative_tmpdir_is_meant_from_where_we_started)
{
    check_exit(run_forked(enter_from_a_relative_tmpdir, NULL), 0);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/tmp dir", parent);
    ck_assert_int_eq(count_entries(path), 0);
}
END_TEST

static void enter_with_tmpdir(const void *value)
{
    setenv("TMPDIR", value, 1);
    scratch_enter();
    char *cwd = getcwd(NULL, 0);
    if (cwd == NULL)
        err(99, ".");
    printf("%.14s", cwd);
    free(cwd);
}

START_TEST(an_empty_tmpdir_is_none)
{
    struct forked run = run_forked(enter_with_tmpdir, "");
    check_exit(run, 0);
    ck_assert_str_eq(run.out, "/tmp/groundup.");
}
END_TEST

START_TEST(a_missing_tmpdir_is_named)
{
    struct forked run = run_forked(enter_with_tmpdir, "/missing folder");
    check_exit(run, 1);
    ck_assert_ptr_nonnull(
        strstr(run.err, "/missing folder: No such file or directory\n"));
}
END_TEST

START_TEST(a_tmpdir_that_is_a_file_is_named)
{
    struct forked run = run_forked(enter_with_tmpdir, "/dev/null");
    check_exit(run, 1);
    ck_assert_ptr_nonnull(strstr(run.err, "/dev/null"));
    ck_assert_ptr_nonnull(strstr(run.err, "Not a directory\n"));
}
END_TEST

/* Root may write anywhere, so become nobody. */
static void become_nobody(void)
{
    if (geteuid() == 0 && (setgid(65534) == -1 || setuid(65534) == -1))
        err(99, "setuid");
}

/* The folder in which those of all tests lie is ours alone. */
static void let_nobody_through(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/..", parent);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static void enter_as_nobody(const void *unused)
{
    (void)unused;
    become_nobody();
    scratch_enter();
}

START_TEST(a_tmpdir_that_may_not_be_written_is_named)
{
    ck_assert_int_eq(chmod(parent, 0555), 0);
    let_nobody_through();
    struct forked run = run_forked(enter_as_nobody, NULL);
    chmod(parent, 0700);
    check_exit(run, 1);
    ck_assert_ptr_nonnull(strstr(run.err, parent));
    ck_assert_ptr_nonnull(strstr(run.err, "Permission denied\n"));
    check_clean();
}
END_TEST

static void leave_what_is_hard_to_remove(const void *unused)
{
    (void)unused;
    become_nobody();
    enter_and_fill();
    if (symlink("../../outside", "link") == -1 || mkdir("-rf", 0700) == -1 ||
        chmod("folder/example.txt", 0) == -1 || chmod("folder", 0) == -1)
        err(99, "folder");
}

/* A folder that may not be read, a name like an option, and a link out of the
 * folder, which must not be followed.
 */
START_TEST(it_goes_whatever_is_in_it)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/outside", parent);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(chmod(parent, 0777), 0);
    let_nobody_through();
    struct forked run = run_forked(leave_what_is_hard_to_remove, NULL);
    check_exit(run, 0);
    ck_assert_str_eq(run.err, "");
    ck_assert_int_eq(count_entries(parent), 1);
    ck_assert_int_eq(count_entries(path), 0);
}
END_TEST

static void ignore_children(const void *unused)
{
    (void)unused;
    signal(SIGCHLD, SIG_IGN);
    enter_and_fill();
}

START_TEST(it_goes_where_nobody_waits_for_children)
{
    check_exit(run_forked(ignore_children, NULL), 0);
    check_clean();
}
END_TEST

static void tick(int sig)
{
    (void)sig;
}

/* Removing so many files takes longer than a tick, so that whoever waits for it
 * is interrupted. With the pipes closed nobody but a waiting parent holds up
 * the test until they are gone.
 */
static void fill_much_and_be_interrupted(const void *unused)
{
    (void)unused;
    scratch_enter();
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        make_file(name);
    }
    struct sigaction action = {.sa_handler = tick};
    sigaction(SIGALRM, &action, NULL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    struct itimerval often = {{0, 1000}, {0, 1000}};
    if (setitimer(ITIMER_REAL, &often, NULL) == -1)
        err(99, "setitimer");
}

START_TEST(it_is_gone_before_the_program_is)
{
    check_exit(run_forked(fill_much_and_be_interrupted, NULL), 0);
    check_clean();
}
END_TEST

TCase *files_scratch(void)
{
    TCase *tc = tcase_create("scratch");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, it_is_new_empty_ours_alone_and_where_we_are);
    tcase_add_loop_test(tc, it_goes_at_exit_and_the_status_stays, 0, 5);
    tcase_add_test(tc, it_goes_at_an_error);
    tcase_add_loop_test(tc, it_goes_when_a_signal_ends_the_program, 0, SIGNALS);
    tcase_add_loop_test(tc, it_goes_when_the_signal_interrupts_a_call, 0,
                        SIGNALS);
    tcase_add_loop_test(tc, an_ignored_signal_stays_ignored, 0, SIGNALS);
    tcase_add_loop_test(tc, a_blocked_signal_stays_blocked, 0, SIGNALS);
    tcase_add_test(tc, the_end_of_a_forked_child_is_not_the_end_of_the_run);
    tcase_add_loop_test(tc, nor_is_its_end_by_a_signal, 0, SIGNALS);
    tcase_add_test(tc, it_goes_from_wherever_we_are);
    tcase_add_test(tc, a_relative_tmpdir_is_meant_from_where_we_started);
    tcase_add_test(tc, an_empty_tmpdir_is_none);
    tcase_add_test(tc, a_missing_tmpdir_is_named);
    tcase_add_test(tc, a_tmpdir_that_is_a_file_is_named);
    tcase_add_test(tc, a_tmpdir_that_may_not_be_written_is_named);
    tcase_add_test(tc, it_goes_whatever_is_in_it);
    tcase_add_test(tc, it_goes_where_nobody_waits_for_children);
    tcase_add_test(tc, it_is_gone_before_the_program_is);
    return tc;
}
