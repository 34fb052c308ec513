/* What streams says where a transcript cannot put it: on a terminal, on a
 * socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/forked.h"
#include "tests/support.h"

/* In the child: the descriptor takes the place of those in the list. */
struct places {
    int fd;
    bool in, out, err;
};

static void run_streams(const void *argument)
{
    const struct places *places = argument;
    if (places->in)
        dup2(places->fd, STDIN_FILENO);
    if (places->out)
        dup2(places->fd, STDOUT_FILENO);
    if (places->err)
        dup2(places->fd, STDERR_FILENO);
    char *path = built("01_files", "streams");
    execl(path, "streams", (char *)NULL);
    _exit(99);
}

static void open_terminal(int *keyboard, int *terminal)
{
    *keyboard = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ne(*keyboard, -1);
    ck_assert_int_eq(grantpt(*keyboard), 0);
    ck_assert_int_eq(unlockpt(*keyboard), 0);
    *terminal = open(ptsname(*keyboard), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ne(*terminal, -1);
}

START_TEST(on_a_terminal)
{
    int keyboard;
    int terminal;
    open_terminal(&keyboard, &terminal);
    struct forked run =
        run_forked(run_streams, &(struct places){terminal, true, true, true});
    ck_assert_int_eq(run.status, 0);
    close(terminal);

    char text[4096];
    size_t length = 0;
    ssize_t n;
    while ((n = read(keyboard, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)n;
    ck_assert_int_eq(errno, EIO); /* how a terminal's other end says it */
    text[length] = '\0';
    close(keyboard);
    const char *expected = "stream  mode  descriptor  behind it\r\n"
                           "stdin   r     0           a terminal\r\n"
                           "stdout  w     1           a terminal\r\n"
                           "stderr  w     2           a terminal\r\n";
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "'where am I'"));
}
END_TEST

START_TEST(with_the_output_led_away_from_the_terminal)
{
    int keyboard;
    int terminal;
    open_terminal(&keyboard, &terminal);
    struct forked run =
        run_forked(run_streams, &(struct places){terminal, true, false, true});
    ck_assert_int_eq(run.status, 0);
    const char *expected = "stream  mode  descriptor  behind it\n"
                           "stdin   r     0           a terminal\n"
                           "stdout  w     1           a pipe\n"
                           "stderr  w     2           a terminal\n";
    ck_assert_msg(strncmp(run.out, expected, strlen(expected)) == 0, "%s",
                  run.out);
    close(keyboard);
    close(terminal);
}
END_TEST

START_TEST(on_a_socket)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    struct forked run =
        run_forked(run_streams, &(struct places){pair[0], true, false, false});
    ck_assert_int_eq(run.status, 0);
    ck_assert_ptr_nonnull(
        strstr(run.out, "stdin   r     0           a socket\n"));
    close(pair[0]);
    close(pair[1]);
}
END_TEST

TCase *files_streams(void)
{
    TCase *tc = tcase_create("streams");
    tcase_add_test(tc, on_a_terminal);
    tcase_add_test(tc, with_the_output_led_away_from_the_terminal);
    tcase_add_test(tc, on_a_socket);
    return tc;
}
