/* server: the ten lines, a process for each connection; and server_child, which
 * starts it for others.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "03_processes/http_client.h"
#include "03_processes/server_child.h"
#include "tests/forked.h"
#include "tests/servers.h"
#include "tests/support.h"

static void setup(void)
{
    servers_are_about("03_processes", "server");
}

/* --- server_child ---------------------------------------------------------- */

static bool answers(const char *url)
{
    struct http_reply reply;
    bool yes = http_get(url, 20, &reply) == HTTP_GOT && reply.status == 200;
    http_reply_free(&reply);
    return yes;
}

START_TEST(servers_of_our_own)
{
    static const char *const programs_of_both[] = {"03_processes/server",
                                                   "04_threads/server_threads"};
    for (int i = 0; i < 2; i++) {
        struct server_child first = {.program = programs_of_both[i]};
        struct server_child second = {.program = programs_of_both[i],
                                      .delay = 0.2,
                                      .connections = 3,
                                      .address = "127.0.0.2",
                                      .name = "Apache/2.4 (Unix)"};
        struct http_reply reply;
        server_child_start(&first);
        server_child_start(&second);
        ck_assert(answers(first.url));
        ck_assert_int_eq(strncmp(second.url, "http://127.0.0.2:", 17), 0);
        ck_assert_int_eq(http_get(second.url, 20, &reply), HTTP_GOT);
        ck_assert_str_eq(http_field(&reply.head, "Server"),
                         "Apache/2.4 (Unix)");
        http_reply_free(&reply);

        /* A terminal's Ctrl-C, which is for us; Check gave us our group. */
        signal(SIGINT, SIG_IGN);
        if (getpgrp() == getpid())
            kill(0, SIGINT);
        ck_assert(answers(first.url));
        ck_assert(answers(first.url));
        server_child_stop(&first);
        ck_assert_int_eq(first.pid, 0);
        ck_assert(!answers(first.url));
        ck_assert(answers(second.url));
        server_child_stop(&second);
        server_child_stop(&second); /* once more is nothing */
        ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
        ck_assert_int_eq(errno, ECHILD);
    }
}
END_TEST

/* In a child of the test, which becomes the parent of the server. */
static void start_and_leave(const void *argument)
{
    const char *how = argument;
    const char *url = server_url(NULL, "03_processes/server", 0);
    fflush(stdout);
    if (fork() == 0)
        exit(0); /* a child's exit is not ours */
    while (wait(NULL) == -1 && errno == EINTR)
        continue;
    if (!answers(url))
        _exit(9);
    if (*how == 'k')
        raise(SIGKILL);
    exit(*how == 'e' ? 3 : 0);
}

/* Whether the process has ended or soon will. */
static bool ends(pid_t pid)
{
    for (int i = 0; i < 2000; i++) {
        if (kill(pid, 0) == -1)
            return true;
        while (waitpid(pid, NULL, WNOHANG) == -1 && errno == EINTR)
            continue;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return false;
}

/* It ends with whoever started it, however that ends; when that ends by
 * exit(3) it is reaped as well, which its being an orphan of ours would show.
 */
START_TEST(server_ends_with_its_parent)
{
    static const char *const how[] = {"return", "error", "killed"};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct forked f = run_forked(start_and_leave, how[_i]);
    ck_assert_msg(strncmp(f.out, "server: http://127.0.0.1:", 25) == 0, "%s%s",
                  f.out, f.err);
    if (_i == 2) {
        ck_assert(WIFSIGNALED(f.status));
        f.out[strcspn(f.out, "\n")] = '\0';
        pid_t orphan;
        while ((orphan = waitpid(-1, NULL, 0)) > 0)
            ck_assert(ends(orphan));
        ck_assert(!answers(f.out + strlen("server: ")));
    } else {
        ck_assert_int_eq(WEXITSTATUS(f.status), _i == 1 ? 3 : 0);
        ck_assert_str_eq(f.err, "");
        ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
    }
}
END_TEST

static void use_given(const void *argument)
{
    const char *given = argument;
    if (server_url(given, "03_processes/server", 0) != given)
        _exit(9);
}

START_TEST(server_that_is_given_is_used)
{
    struct forked f = run_forked(use_given, "http://x/");
    ck_assert_str_eq(f.out, "server: http://x/\n");
    ck_assert_int_eq(f.status, 0);
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
}
END_TEST

static void start_nothing(const void *argument)
{
    struct server_child server = {.program = argument};
    server_child_start(&server);
}

/* What is not built, what does not serve. */
START_TEST(server_that_does_not_start_is_named)
{
    struct forked f = run_forked(start_nothing, "03_processes/nothing");
    ck_assert_int_eq(WEXITSTATUS(f.status), 1);
    ck_assert_ptr_nonnull(
        strstr(f.err, "03_processes/nothing: No such file or directory\n"));
    ck_assert_ptr_nonnull(
        strstr(f.err, "03_processes/nothing: the server did not start\n"));
    f = run_forked(start_nothing, "01_files/platform");
    ck_assert_int_eq(WEXITSTATUS(f.status), 1);
    ck_assert_ptr_nonnull(strstr(f.err, "platform: the server did not start"));
    ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
}
END_TEST

TCase *processes_server(void)
{
    TCase *tc = tcase_create("server");
    servers_add_tests(tc, setup);
    tcase_add_test(tc, servers_of_our_own);
    tcase_add_loop_test(tc, server_ends_with_its_parent, 0, 3);
    tcase_add_test(tc, server_that_is_given_is_used);
    tcase_add_test(tc, server_that_does_not_start_is_named);
    return tc;
}
