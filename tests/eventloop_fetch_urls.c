/* urls: a list is read line by line, from a file or a pipe, and no further than
 * somebody asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "07_eventloop/gathering.h"
#include "07_eventloop/sleep_for.h"
#include "07_eventloop/urls.h"
#include "tests/loops.h"
#include "tests/support.h"

static struct urls urls;

/* Says all that it gets, as "line:text", and ! where that is no URL. */
struct reader {
    struct gen gen;
    int most; /* it asks for; 0: all */
    char text[URLS_LINE];
    struct urls_next urls_next;
};

static bool reader(void *frame, struct future **awaits)
{
    struct reader *c = frame;
    GEN_BEGIN(c);
    do {
        AWAIT_CALL(c, urls_next, .urls = &urls, .text = c->text);
        if (c->urls_next.ended)
            break;
        say("%lu:%s%s", c->urls_next.line, c->text,
            c->urls_next.why != NULL ? "!" : "");
    } while (--c->most != 0);
    GEN_END(c);
    return false;
}

/* Reads all of a text, from a file or from a pipe that has it all. */
static void read_all(const char *text, size_t length, bool from_pipe)
{
    char *folder = new_folder();
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s/urls", folder), 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
    close(fd);
    ck_assert_int_eq(urls_open(&urls, path), 0);
    if (from_pipe) {
        int pipes[2];
        close(urls.fd);
        ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
        ck_assert_int_eq(write(pipes[1], text, length), (ssize_t)length);
        close(pipes[1]);
        urls.fd = pipes[0];
        urls.in_thread = false;
    }
    task_release(task_create(&loop, reader, .most = 0));
    run();
    ck_assert_int_eq(urls.error, 0);
    urls_close(&urls);
    free(path);
    free(folder);
}

START_TEST(lines)
{
    static const struct {
        const char *text, *says;
    } lists[] = {
        {"", ""},
        {"\n\n\n", ""},
        {"http://a/\nhttp://b/\n", "1:http://a/ 2:http://b/"},
        {"http://a/\nhttp://b/", "1:http://a/ 2:http://b/"},
        {"# one\n\n  \t\n  # two\nhttp://a/#x\n", "5:http://a/#x"},
        {" \thttp://a/ \t\r\n", "1:http://a/"},
        {"http://a b/\nhttp://c/", "1:http://a?b/! 2:http://c/"},
        {"\xef\xbb\xbf"
         "http://a/\n\x1b[2J\n",
         "1:???http://a/! 2:?[2J!"},
        {"https://a/\na\n", "1:https://a/! 2:a!"},
    };
    begin_loop(_i % BACKENDS);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        read_all(lists[i].text, strlen(lists[i].text), _i >= BACKENDS);
        expect_said(lists[i].says);
    }
    end_loop();
}
END_TEST

START_TEST(a_byte_of_zero_ends_no_url)
{
    static const char text[] = "http://a/\0b\nhttp://c/\n";
    begin_loop(_i % BACKENDS);
    read_all(text, sizeof text - 1, _i >= BACKENDS);
    expect_said("1:http://a/?b! 2:http://c/");
    end_loop();
}
END_TEST

/* Of any length: what is too long for a URL, comments, white space. */
START_TEST(long_lines)
{
    static const size_t lengths[] = {
        URLS_LINE - 60, URLS_LINE - 10, URLS_LINE - 9,     URLS_LINE - 8,
        URLS_LINE + 9,  2 * URLS_LINE,  5 * URLS_LINE + 33};
    begin_loop(_i % BACKENDS);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *text = malloc(lengths[i] + 64);
        size_t n = (size_t)sprintf(text, "http://a/");
        memset(text + n, 'x', lengths[i]);
        strcpy(text + n + lengths[i], "\nhttp://b/\n");
        read_all(text, strlen(text), _i >= BACKENDS);
        char says[URLS_LINE + 64];
        /* Too long for us, or for http_write.h; the reader is told alike. */
        snprintf(says, sizeof says, "1:%.*s! 2:http://b/",
                 n + lengths[i] >= URLS_LINE ? 40 : (int)(n + lengths[i]),
                 text);
        expect_said(says);

        text[0] = '#';
        read_all(text, strlen(text), _i >= BACKENDS);
        expect_said("2:http://b/");

        memset(text, ' ', n + lengths[i]);
        strcpy(text + n + lengths[i], " http://c/ \nhttp://b/\n");
        read_all(text, strlen(text), _i >= BACKENDS);
        expect_said("1:http://c/ 2:http://b/");
        free(text);
    }
    end_loop();
}
END_TEST

/* Each gets lines of its own; together they get all. */
START_TEST(several_readers)
{
    char text[2000];
    size_t n = 0;
    for (int i = 0; i < 100; i++)
        n += (size_t)sprintf(text + n, "http://%d/\n", i);
    begin_loop(_i % BACKENDS);
    struct task *others[3];
    int fd = memfd_create("urls", MFD_CLOEXEC);
    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    urls = (struct urls){.name = "urls", .fd = fd, .in_thread = true};
    for (int i = 0; i < 3; i++)
        others[i] = task_create(&loop, reader, .most = 10);
    run();
    for (int i = 0; i < 3; i++)
        task_release(others[i]);
    ck_assert_uint_eq(urls.line, 30); /* and nobody has read on */
    task_release(task_create(&loop, reader, .most = 0));
    run();
    ck_assert_uint_eq(urls.line, 100);
    urls_close(&urls);
    end_loop();
}
END_TEST

/* --- A pipe that is slow -------------------------------------------------- */

static int pipes[2];

static void open_pipe(void)
{
    ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
    urls = (struct urls){.name = "urls", .fd = pipes[0]};
}

static void put(const char *text)
{
    size_t n = strlen(text);
    ck_assert_int_eq(write(pipes[1], text, n), (ssize_t)n);
    for (int i = 0; i < 5; i++)
        loop_run_once(&loop, 0);
}

START_TEST(a_pipe_is_waited_for)
{
    begin_loop(_i);
    open_pipe();
    task_release(task_create(&loop, reader, .most = 0));
    put("http://a/\nhttp:");
    expect_said("1:http://a/");
    put("//b");
    put("/");
    expect_said("");
    put("\n\n#");
    expect_said("2:http://b/");
    put("\nhttp://c/");
    expect_said("");
    close(pipes[1]);
    run();
    expect_said("5:http://c/");
    urls_close(&urls);
    end_loop();
}
END_TEST

/* The one who waited is gone; the next one hears of the line. */
START_TEST(whoever_is_cancelled_takes_no_line_along)
{
    begin_loop(_i);
    open_pipe();
    struct task *one = task_create(&loop, reader, .most = 0);
    struct task *other = task_create(&loop, reader, .most = 1);
    put("http");
    future_cancel(&one->future);
    put("://a/\n");
    ck_assert(future_cancelled(&one->future));
    ck_assert(future_done(&other->future));
    expect_said("1:http://a/");
    run(); /* nothing of it is alive */
    task_release(one);
    task_release(other);
    close(pipes[1]);
    urls_close(&urls);
    end_loop();
}
END_TEST

START_TEST(a_folder_is_no_list)
{
    begin_loop(_i);
    ck_assert_int_eq(urls_open(&urls, "/"), 0);
    task_release(task_create(&loop, reader, .most = 0));
    run();
    ck_assert_int_eq(urls.error, EISDIR);
    urls_close(&urls);
    ck_assert_int_eq(urls_open(&urls, "/no/such/list"), -1);
    ck_assert_int_eq(errno, ENOENT);
    end_loop();
}
END_TEST

TCase *eventloop_fetch_urls(void)
{
    TCase *tc = tcase_create("fetch_urls");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, lines, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, a_byte_of_zero_ends_no_url, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, long_lines, 0, 2 * BACKENDS);
    tcase_add_loop_test(tc, several_readers, 0, BACKENDS);
    tcase_add_loop_test(tc, a_pipe_is_waited_for, 0, BACKENDS);
    tcase_add_loop_test(tc, whoever_is_cancelled_takes_no_line_along, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, a_folder_is_no_list, 0, BACKENDS);
    return tc;
}
