/* portals and farm, on which the surveys stand: hosts one by one from a file,
 * the name of a server, what is said of one that has none; and whether the
 * farm counts right and goes away.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03_processes/farm.h"
#include "03_processes/http_client.h"
#include "03_processes/portals.h"
#include "tests/fakeserver.h"
#include "tests/forked.h"
#include "tests/support.h"

/* --- The file of hosts ----------------------------------------------------- */

/* portals_open says where the hosts are from; not here. */
static void be_quiet(void)
{
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
}

static struct portals portals;
static char host[PORTALS_HOST];

static void open_text(const char *text, size_t length)
{
    static char path[512];
    char *folder = new_folder();
    snprintf(path, sizeof path, "%s/hosts", folder);
    free(folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    portals_open(&portals, path, 0);
}

static void check_next(const char *expected, int line)
{
    ck_assert(portals_next(&portals, host));
    ck_assert_str_eq(host, expected);
    ck_assert_int_eq(portals.line, line);
}

/* The lines of the cell; and what a file from elsewhere may hold. */
START_TEST(hosts_come_one_by_one)
{
    static const char text[] = "vbox7.com\n"
                               "# tyxo.bg\n"
                               "vesti.bg\n"
                               "  # unacs.bg\n"
                               "\n"
                               " \t zamunda.net \v\f\r\n"
                               "#\n"
                               "   \n"
                               "localhost:8000 # not a comment\n"
                               "#no end";
    open_text(text, strlen(text));
    check_next("vbox7.com", 1);
    check_next("vesti.bg", 3);
    check_next("zamunda.net", 6);
    check_next("localhost:8000 # not a comment", 9);
    ck_assert(!portals_next(&portals, host));
    ck_assert(!portals_next(&portals, host));
    ck_assert_int_eq(portals.hosts, 4);
    portals_close(&portals);
}
END_TEST

START_TEST(the_last_line_needs_no_end)
{
    open_text("a\nb", 3);
    check_next("a", 1);
    check_next("b", 2);
    ck_assert(!portals_next(&portals, host));
    portals_close(&portals);
}
END_TEST

/* Nothing that a terminal would obey, and no NUL, comes through. */
START_TEST(bytes_of_no_name_are_question_marks)
{
    open_text("a\0b\x1b[1m\xc3\xa4\x7f\n", 11);
    check_next("a?b?[1m???", 1);
    portals_close(&portals);
}
END_TEST

/* However long a comment is, it takes no room. */
START_TEST(the_longest_lines)
{
    enum { COMMENT = 1000000 };
    static char text[COMMENT + 1000];
    memset(text, '#', COMMENT);
    text[COMMENT] = '\n';
    memset(text + COMMENT + 1, 'a', PORTALS_HOST - 1);
    text[COMMENT + PORTALS_HOST] = '\n';
    memset(text + COMMENT + PORTALS_HOST + 1, 'a', PORTALS_HOST);
    open_text(text, COMMENT + 1 + PORTALS_HOST + PORTALS_HOST);
    ck_assert(portals_next(&portals, host));
    ck_assert_uint_eq(strlen(host), PORTALS_HOST - 1);
    ck_assert(!portals_next(&portals, host));
    ck_assert_str_eq(portals.error, "line 3 is too long for a host");
}
END_TEST

/* --- The name of a server -------------------------------------------------- */

START_TEST(a_name_ends_at_a_slash)
{
    static const char *const fields[][2] = {
        {"nginx/1.22.1", "nginx"},
        {"Apache/2.4.54 (Debian) PHP/8.2", "Apache"},
        {"Microsoft-IIS/10.0", "Microsoft-IIS"},
        {"cloudflare", "cloudflare"},
        {"Zope Corp. (2.1)", "Zope Corp. (2.1)"},
        {"", "(no header)"},
        {"/2.0", "(no header)"},
        {"\x1b[31mred\xc3\xa4/1", "?[31mred??"},
        {"0123456789012345678901234567890123456789",
         "012345678901234567890123456789012345678"}};
    char server[PORTALS_SERVER];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        portals_name(fields[i][0], server);
        ck_assert_str_eq(server, fields[i][1]);
    }
    portals_name(NULL, server);
    ck_assert_str_eq(server, "(no header)");
}
END_TEST

/* "http://127.0.0.1:1234/" without what is around the host. */
static const char *host_of(const char *url)
{
    snprintf(host, sizeof host, "%s", url + strlen("http://"));
    host[strcspn(host, "/")] = '\0';
    return host;
}

#define ok "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"

START_TEST(answers_and_what_they_are_called)
{
    static const char *const answers[][2] = {
        {ok "Server: nginx/1.22.1\r\n\r\n", "nginx"},
        {ok "sErVeR:nginx\r\n\r\n", "nginx"},
        {ok "Server:\r\n\r\n", "(no header)"},
        {ok "X-Server: nginx\r\nObserver: me\r\n\r\n", "(no header)"},
        {ok "Server: one\r\nServer: two\r\n\r\n", "one"},
        {"HTTP/1.0 500 No\nserver: old/1\n\nuntil the end", "old"},
        {"", "(hung up)"},
        {"HTTP/1.1 200 OK\r\nServer: nginx\r\n", "(hung up)"},
        {"220 ready for mail\r\n", "(no HTTP)"}};
    char server[PORTALS_SERVER];
    portals_ask(host_of(fakeserver_start(answers[_i][0])), 20, server);
    ck_assert_str_eq(server, answers[_i][1]);
}
END_TEST

START_TEST(hosts_that_are_none)
{
    static const char *const hosts[] = {
        "",        "a b", "a/b",  "a?b", "a#b",    "a:0",     "a:b",
        "a:99999", ":80", "[::1", "u@h", "a\r\nb", "\xc3\xa4"};
    char server[PORTALS_SERVER];
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        portals_ask(hosts[i], 20, server);
        ck_assert_str_eq(server, "(no name)");
    }
}
END_TEST

/* --- The farm -------------------------------------------------------------- */

/* Every host is asked, though the silent one for a moment only: what they say
 * is what farm_count tells.
 */
START_TEST(all_of_the_farm)
{
    static const char *const names[] = {
        "Apache",   "nginx",        "Microsoft-IIS", "cloudflare", "LiteSpeed",
        "lighttpd", farm_no_header, farm_silent,     farm_down};
    enum { NAMES = sizeof names / sizeof *names };
    int counted[NAMES] = {0};
    int sum = 0;
    char server[PORTALS_SERVER];
    portals_open(&portals, NULL, 0);
    while (portals_next(&portals, host)) {
        portals_ask(host, strcmp(host, "portal-007.test") == 0 ? 0.05 : 20,
                    server);
        bool known = false;
        for (int i = 0; i < NAMES; i++)
            if (strcmp(names[i], server) == 0) {
                counted[i]++;
                known = true;
            }
        ck_assert_msg(known, "%s: %s", host, server);
    }
    for (int i = 0; i < NAMES; i++) {
        ck_assert_int_eq(counted[i], farm_count(names[i]));
        sum += counted[i];
    }
    ck_assert_int_eq(sum, FARM_HOSTS);
    ck_assert_int_eq(farm_count("Apache"), 34);
    ck_assert_int_eq(farm_count("nginx"), 31);
    ck_assert_int_eq(farm_count("thttpd"), 0);
    ck_assert_int_eq(farm_most(), 1);
    portals_close(&portals);
}
END_TEST

static bool located(const char *name, struct http_url *url)
{
    char text[64];
    snprintf(text, sizeof text, "http://%s/", name);
    ck_assert(http_url_split(text, url));
    return farm_locate(url);
}

START_TEST(strangers_are_not_located)
{
    static const char *const names[] = {"portal-000.test",  "portal-101.test",
                                        "portal-1.test",    "portal-0001.test",
                                        "portal-001.tests", "portal-001.tes",
                                        "xportal-001.test", "127.0.0.1"};
    struct http_url url;
    char server[PORTALS_SERVER];
    ck_assert(!located("portal-001.test", &url)); /* there is no farm yet */
    ck_assert_str_eq(url.host, "portal-001.test");
    farm_start(0);
    ck_assert(located("portal-001.test", &url));
    ck_assert_str_eq(url.host, "127.0.0.1");
    ck_assert_str_eq(url.authority, "portal-001.test");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert(!located(names[i], &url));
        ck_assert_str_eq(url.host, names[i]);
    }
    /* And whoever asks the farm itself for one is not answered. */
    portals_ask(host_of(farm_url()), 20, server);
    ck_assert_str_eq(server, "(hung up)");
    farm_stop();
}
END_TEST

static void connect_to(struct http_connection *c, const struct http_url *url)
{
    struct http_reply reply;
    ck_assert_int_eq(http_connect(c, url, 20, &reply), HTTP_GOT);
    http_reply_free(&reply);
}

/* They are accepted in their order: once the last is answered, all are
 * counted. Then they are closed one by one, each before the next is made, and
 * so there are never more.
 */
START_TEST(the_farm_counts_its_connections)
{
    enum { OPEN = 9 };
    struct http_connection c[OPEN];
    struct http_url url;
    char server[PORTALS_SERVER];
    farm_start(0);
    ck_assert_int_eq(farm_most(), 0);
    ck_assert(located("portal-001.test", &url));
    for (int i = 0; i < OPEN; i++)
        connect_to(&c[i], &url);
    portals_ask("portal-001.test", 20, server);
    ck_assert_int_eq(farm_most(), OPEN + 1);
    for (int round = 0; round < 500; round++) {
        http_disconnect(&c[round % OPEN]);
        connect_to(&c[round % OPEN], &url);
    }
    portals_ask("portal-001.test", 20, server);
    ck_assert_str_eq(server, "Microsoft-IIS");
    ck_assert_int_eq(farm_most(), OPEN + 1);
    for (int i = 0; i < OPEN; i++)
        http_disconnect(&c[i]);
    farm_stop();
}
END_TEST

/* More than it has room for: they wait, and are answered when others go. */
START_TEST(a_full_farm_goes_on)
{
    enum { OPEN = 300 };
    static struct http_connection c[OPEN];
    struct http_url url;
    char server[PORTALS_SERVER];
    farm_start(0);
    ck_assert(located("portal-001.test", &url));
    for (int i = 0; i < OPEN; i++)
        connect_to(&c[i], &url);
    portals_ask("portal-001.test", 0.2, server);
    ck_assert_str_eq(server, farm_silent);
    for (int i = 0; i < OPEN; i++)
        http_disconnect(&c[i]);
    portals_ask("portal-001.test", 20, server);
    ck_assert_str_eq(server, "Microsoft-IIS");
    farm_stop();
}
END_TEST

/* What came in several pieces, or not at all, is no trouble. */
START_TEST(the_farm_reads_in_pieces)
{
    static const char request[] =
        "OPTIONS / HTTP/1.1\r\nHost: portal-002.test\r\n\r\n";
    struct http_connection c;
    struct http_url url;
    char answer[512] = "";
    size_t length = 0;
    farm_start(0);
    ck_assert(located("portal-002.test", &url));
    connect_to(&c, &url);
    for (const char *p = request; *p != '\0'; p++)
        ck_assert_int_eq(write(c.fd, p, 1), 1);
    while (length < sizeof answer - 1) {
        ssize_t n = read(c.fd, answer + length, sizeof answer - 1 - length);
        if (n == -1 && errno == EAGAIN)
            continue;
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    ck_assert_msg(strstr(answer, "\r\nSERVER: Apache/2.4.54 (Debian)\r\n"),
                  "%s", answer);
    http_disconnect(&c);
    farm_stop();
}
END_TEST

static int children_of(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid,
             (int)pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return child;
}

static void lose_the_farm(const void *unused)
{
    (void)unused;
    farm_start(0);
    pid_t farm = children_of(getpid());
    siginfo_t info;
    kill(farm, SIGUSR1); /* Check catches others, and a fork inherits that */
    waitid(P_PID, (id_t)farm, &info, WEXITED | WNOWAIT);
    farm_stop();
}

START_TEST(a_farm_that_ended_is_an_error)
{
    struct forked run = run_forked(lose_the_farm, NULL);
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    ck_assert_ptr_nonnull(strstr(run.err, "the farm: it ended before we did"));
}
END_TEST

static void leave_the_farm(const void *how)
{
    farm_start(0);
    printf("%d\n", children_of(getpid()));
    fflush(stdout);
    if (fork() == 0)
        exit(0); /* a child's exit is not ours */
    while (wait(NULL) == -1 && errno == EINTR)
        continue;
    char server[PORTALS_SERVER];
    portals_ask("portal-001.test", 20, server);
    if (strcmp(server, "Microsoft-IIS") != 0)
        errx(1, "the farm went with another");
    if (strcmp(how, "killed") == 0)
        raise(SIGKILL);
    if (strcmp(how, "err") == 0)
        errx(7, "an error");
}

/* Whichever way we end. */
START_TEST(the_farm_goes_with_us)
{
    static const char *const ways[] = {"exit", "err", "killed"};
    struct forked run = run_forked(leave_the_farm, ways[_i]);
    ck_assert_msg(strstr(run.err, "went with") == NULL, "%s", run.err);
    pid_t farm = atoi(run.out);
    ck_assert_int_gt(farm, 0);
    /* Killed by the kernel it takes a moment; the test has a time-out. */
    while (kill(farm, 0) == 0 && waitpid(farm, NULL, WNOHANG) != farm)
        usleep(1000);
}
END_TEST

/* --- The table ------------------------------------------------------------- */

struct tabled {
    struct portals portals;
    struct portals_row rows[3];
};

static void check_table(const void *argument)
{
    struct tabled t;
    memcpy(&t, argument, sizeof t);
    portals_check(&t.portals, t.rows, 3);
    portals_print(t.rows, 3);
}

START_TEST(tables_are_checked)
{
    static const struct tabled tables[] = {
        {{.hosts = 9}, {{"b", 2}, {"a", 2}, {"c", 5}}},
        {{.hosts = 10}, {{"b", 2}, {"a", 2}, {"c", 5}}},
        {{.hosts = 66, .own = true},
         {{"nginx", 30}, {"Apache", 35}, {"(down)", 1}}}};
    struct forked run = run_forked(check_table, &tables[0]);
    ck_assert_str_eq(run.out, "c                5\n"
                              "a                2\n"
                              "b                2\n");
    ck_assert_int_eq(run.status, 0);
    run = run_forked(check_table, &tables[1]);
    ck_assert_ptr_nonnull(
        strstr(run.err, "10 hosts were asked, and 9 counted"));
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
    run = run_forked(check_table, &tables[2]);
    ck_assert_ptr_nonnull(
        strstr(run.err, "nginx: counted 30 times, and the farm has 31"));
    ck_assert_int_eq(WEXITSTATUS(run.status), 1);
}
END_TEST

/* --- survey ---------------------------------------------------------------- */

/* Real hosts, as far as a test may have them: a port of this machine each. */
START_TEST(a_file_of_ones_own)
{
    char command[1024];
    const char *fake =
        host_of(fakeserver_start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                 "Server: mine/1\r\n\r\n"));
    snprintf(command, sizeof command,
             "printf '%s\\n%s\\n127.0.0.1:1\\n' >hosts;"
             " survey -f hosts | grep -v -e '|' -e ' s$' -e waits",
             fake, fake);
    struct child child = run_shell(command);
    char expected[1024];
    snprintf(expected, sizeof expected,
             "hosts: hosts\n"
             "%-16s mine\n%-16s mine\n"
             "127.0.0.1:1      (down)\n"
             "mine             2\n"
             "(down)           1\n"
             "counted        3 of 3\n"
             "recorded       Apache 34, nginx 31, ... (Python, 2015)\n",
             fake, fake);
    ck_assert_str_eq(child.out.text, expected);
    child_free(&child);
}
END_TEST

TCase *processes_survey(void)
{
    TCase *tc = tcase_create("survey");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, be_quiet, NULL);
    tcase_add_test(tc, hosts_come_one_by_one);
    tcase_add_test(tc, the_last_line_needs_no_end);
    tcase_add_test(tc, bytes_of_no_name_are_question_marks);
    tcase_add_test(tc, the_longest_lines);
    tcase_add_test(tc, a_name_ends_at_a_slash);
    tcase_add_loop_test(tc, answers_and_what_they_are_called, 0, 9);
    tcase_add_test(tc, hosts_that_are_none);
    tcase_add_test(tc, all_of_the_farm);
    tcase_add_test(tc, strangers_are_not_located);
    tcase_add_test(tc, the_farm_counts_its_connections);
    tcase_add_test(tc, a_full_farm_goes_on);
    tcase_add_test(tc, the_farm_reads_in_pieces);
    tcase_add_test(tc, a_farm_that_ended_is_an_error);
    tcase_add_loop_test(tc, the_farm_goes_with_us, 0, 3);
    tcase_add_test(tc, tables_are_checked);
    tcase_add_test(tc, a_file_of_ones_own);
    return tc;
}
