#include "tests/forked.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_all(int fd, char text[8192])
{
    size_t length = 0;
    ssize_t n;
    while ((n = read(fd, text + length, 8191 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    close(fd);
}

struct forked run_forked(void (*body)(const void *argument),
                         const void *argument)
{
    struct forked result;
    int out[2];
    int err[2];
    fflush(stdout);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        close(null);
        close(out[0]);
        close(out[1]);
        close(err[0]);
        close(err[1]);
        body(argument);
        exit(0);
    }
    close(out[1]);
    close(err[1]);
    read_all(out[0], result.out);
    read_all(err[0], result.err);
    while (waitpid(pid, &result.status, 0) == -1)
        ck_assert_int_eq(errno, EINTR);
    return result;
}
