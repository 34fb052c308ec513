/* lecture: walks through a small tree of programs that behave as badly as
 * programs can, with a terminal (a pseudo-terminal, whose keys the test
 * presses and whose screen it reads) and without.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/support.h"

/* --- A tree of programs --------------------------------------------------- */

static char *tree;

static void write_file(const char *path, mode_t mode, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", tree, path);
    FILE *file = fopen(whole, "w");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) == EOF ||
        chmod(whole, mode) == -1)
        err(1, "%s", whole);
}

static void remove_file(const char *path)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", tree, path);
    if (unlink(whole) == -1)
        err(1, "%s", whole);
}

/* A program: its source for the lecture to show, and a script to be run. */
static void add(const char *path, const char *claim, const char *script)
{
    char text[2048];
    char file[128];
    const char *name = strrchr(path, '/') + 1;
    snprintf(text, sizeof text,
             "/* %s.c: %s\n *\n * Cells: X%s\n * Run:   make %s\n"
             " * Ask:   what will %s do?\n * Watch: %s did it.\n */\n"
             "#include <stdio.h>\n\nint main(void)\n{\n"
             "    //> Remark of %s.\n    puts(\"/* no comment\"); // but this\n"
             "    return 0;\n}\n",
             name, claim, name, name, name, name, name);
    snprintf(file, sizeof file, "%s.c", path);
    write_file(file, 0644, text);
    snprintf(file, sizeof file, "build/%s", path);
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    write_file(file, 0755, text);
}

/* One that prints a line, and waits for ever as a plain program does (a shell
 * may lose a signal that comes between its own commands).
 */
static void add_hanging(const char *path, const char *before)
{
    char script[256];
    char text[128];
    snprintf(script, sizeof script, "%s; exec tail -f \"$0.text\"", before);
    snprintf(text, sizeof text, "build/%s.text", path);
    add(path, "hangs.", script);
    write_file(text, 0644, "hanging\n");
}

static void setup(void)
{
    static const char *const folders[] = {"01_files", "02_testing", "build",
                                          "build/01_files", "build/02_testing"};
    tree = new_folder();
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", tree, folders[i]);
        if (mkdir(path, 0755) == -1)
            err(1, "%s", path);
    }
}

static void teardown(void)
{
    free(tree);
}

/* --- Lectures under watch -------------------------------------------------- */

/* A lecture, what it has printed so far, and how far that was looked at. */
struct watched {
    struct child child; /* where it has no terminal */
    pid_t pid;
    int fd;
    char seen[1 << 18];
    size_t length, looked;
    int status;
};

static const char *const plain[] = {"TERM=dumb",
                                    "COLUMNS=", "LINES=", "NO_COLOR=", NULL};

/* Waits for more; false at the end, or where none comes for a long time. */
static bool more(struct watched *w)
{
    struct pollfd p = {w->fd, POLLIN, 0};
    if (w->fd == -1 || w->length == sizeof w->seen - 1 ||
        poll(&p, 1, 30000) != 1)
        return false;
    ssize_t n =
        read(w->fd, w->seen + w->length, sizeof w->seen - 1 - w->length);
    if (n == -1 && errno != EIO) /* EIO: nobody has the terminal any more */
        err(1, "reading what the lecture prints");
    w->length += n > 0 ? (size_t)n : 0;
    w->seen[w->length] = '\0';
    return n > 0;
}

/* Reads until a text stands behind what was looked at before. */
static void expect(struct watched *w, const char *text)
{
    char *found;
    while ((found = strstr(w->seen + w->looked, text)) == NULL)
        ck_assert_msg(more(w), "'%s' never came; last was:\n%s", text,
                      w->seen + w->looked);
    w->looked = (size_t)(found - w->seen) + strlen(text);
}

static void press(const struct watched *w, const char *keys)
{
    ck_assert_int_eq(write(w->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* A number that a program has printed behind a text. */
static pid_t expect_pid(struct watched *w, const char *text)
{
    expect(w, text);
    char *at = w->seen + w->looked;
    while (strchr(at, '\n') == NULL)
        ck_assert(more(w));
    return (pid_t)atoi(at);
}

static void ck_gone(pid_t pid)
{
    ck_assert_int_gt(pid, 0);
    /* A zombie is gone too; only its parent has not looked yet. */
    char path[64], state[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    (void)!fgets(state, sizeof state, file);
    fclose(file);
    ck_assert_msg(strstr(state, ") Z ") != NULL, "still there: %s", state);
}

static int ended(struct watched *w)
{
    while (more(w))
        continue;
    if (w->child.pid > 0) {
        child_end(&w->child, false);
        w->status = w->child.status;
    } else {
        waitpid(w->pid, &w->status, 0);
        close(w->fd);
    }
    w->fd = -1;
    return WIFEXITED(w->status) ? WEXITSTATUS(w->status) : -WTERMSIG(w->status);
}

/* execvp and putenv change no word, but were declared before const was. */
static char *const *words(const char *const *given)
{
    const union {
        const char *const *given;
        char *const *wanted;
    } words = {given};
    return words.wanted;
}

/* Starts a lecture that reads and prints to a terminal of that size. */
static struct watched *on_terminal(int rows, int columns,
                                   const char *const *environment,
                                   const char *const *argv)
{
    struct watched *w = calloc(1, sizeof *w);
    if (w == NULL)
        err(1, "calloc");
    struct winsize size = {.ws_row = (unsigned short)rows,
                           .ws_col = (unsigned short)columns};
    char *lecture = built("03_processes", "lecture");
    w->pid = forkpty(&w->fd, NULL, NULL, &size);
    if (w->pid == -1)
        err(1, "forkpty");
    if (w->pid == 0) {
        if (chdir(tree) == -1)
            err(1, "%s", tree);
        setenv("LECTURE", lecture, 1);
        setenv("BUILD", "build", 1);
        for (; *environment; environment++)
            putenv(*words(environment));
        execvp(argv[0], words(argv));
        err(1, "%s", argv[0]);
    }
    free(lecture);
    return w;
}

#define ARGUMENTS(...) ((const char *const[]){"lecture", __VA_ARGS__, NULL})

/* The program's own path stands first in place of its name. */
static char *with_path(const char *const *arguments, const char *argv[16])
{
    char *path = built("03_processes", "lecture");
    argv[0] = path;
    for (int i = 1; (argv[i] = arguments[i]) != NULL; i++)
        continue;
    return path;
}

static struct watched *lecture_with(int columns, const char *const *environment,
                                    const char *const *arguments)
{
    const char *argv[16];
    char *path = with_path(arguments, argv);
    struct watched *w = on_terminal(24, columns, environment, argv);
    free(path);
    return w;
}

/* Starts one that has no terminal. */
static struct watched *unattended(const char *const *arguments)
{
    const char *argv[16];
    char *path = with_path(arguments, argv);
    struct watched *w = calloc(1, sizeof *w);
    if (w == NULL)
        err(1, "calloc");
    w->child = (struct child){
        .argv = argv,
        .environment = (const char *[]){"BUILD=build", "COLUMNS=80", NULL},
        .directory = tree,
        .merge = true};
    if (child_start(&w->child) == -1)
        err(1, "%s", path);
    w->fd = w->child.out.fd;
    w->pid = w->child.pid;
    free(path);
    return w;
}

/* Runs one to its end. */
static struct watched *straight(const char *const *arguments, int status)
{
    struct watched *w = unattended(arguments);
    int got = ended(w);
    ck_assert_msg(got == status, "exit %d, not %d:\n%s", got, status, w->seen);
    return w;
}

static void done(struct watched *w)
{
    child_free(&w->child);
    free(w);
}

static bool has(const struct watched *w, const char *text)
{
    return strstr(w->seen, text) != NULL;
}

static int count(const struct watched *w, const char *text)
{
    int n = 0;
    for (const char *p = w->seen; (p = strstr(p, text)) != NULL; p++)
        n++;
    return n;
}

/* --- Without a terminal ---------------------------------------------------- */

/* A page has all that the class is to see, in the order it is to see it. */
START_TEST(page)
{
    add("01_files/ok", "all is well.", "echo it works; echo so it does >&2");
    struct watched *w = straight(ARGUMENTS("--from", "01_files"), 0);
    expect(w, "[1/1] 01_files/ok");
    expect(w, "all is well.");
    expect(w, "Xok");
    expect(w, " 8  #include <stdio.h>");
    expect(w, "12      //> Remark of ok.");
    expect(w, "13      puts(\"/* no comment\"); // but this");
    expect(w, "what will ok do?");
    expect(w, "$ build/01_files/ok\nit works\nso it does\n");
    expect(w, "kept its promise");
    expect(w, "ok did it.");
    expect(w, "[1/1] 1 kept its promise, 0 did not");
    expect(w, "01_files");
    expect(w, "all is well.");
    expect(w, "kept its promise\n");
    expect(w, "1 kept its promise, 0 did not; 0.");
    ck_assert_int_eq(count(w, "Xok"), 1); /* the head is not shown twice */
    ck_assert(!has(w, "\033"));
    done(w);
}
END_TEST

/* Each way to end has its word in the table, none ends the lecture, and one
 * broken promise makes its status 1.
 */
START_TEST(endings)
{
    add("01_files/a_crash", "dies.", "kill -SEGV $$");
    add("01_files/b_error", "fails.", "echo before; exit 1");
    add("01_files/c_usage", "misused.", "exit 2");
    add("01_files/d_watchdog", "hung.", "exit 3");
    add("01_files/e_no_show", "no bug.", "exit 4");
    add("01_files/f_odd", "odd.", "exit 77");
    add("01_files/g_hang", "hangs.", "sleep 1000");
    add("01_files/h_format", "no program.", "");
    write_file("build/01_files/h_format", 0644, "");
    add("01_files/i_missing", "not there.", "");
    remove_file("build/01_files/i_missing");
    add("02_testing/ok", "fine.", "");
    struct watched *w = straight(ARGUMENTS("--seconds", "1"), 1);
    expect(w, "[10/10] 02_testing/ok");
    expect(w, "[10/10] 1 kept its promise, 9 did not");
    static const char *const table[] = {
        "killed by signal 11",          "exit 1: an error",
        "exit 2: wrong usage",          "exit 3: its watchdog ended it",
        "exit 4: the bug did not show", "exit 77",
        "timed out after 1 s",          "not started: Permission denied",
        "not started: not built",       "kept its promise"};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(w, table[i]);
    done(w);
}
END_TEST

/* What needs Check is left out without it, and breaks no promise. */
START_TEST(left_out)
{
    add("01_files/ok", "fine.", "");
    write_file("02_testing/needs.c", 0644,
               "/* needs.c: tests.\n */\n#include <check.h>\n"
               "int main(void)\n{\n}\n");
    struct watched *w = straight(ARGUMENTS("--lines", "9"), 0);
    expect(w, "02_testing/needs");
    expect(w, "not built: needs Check; make deps");
    expect(w, "1 kept its promise, 0 did not, 1 left out");
    done(w);
}
END_TEST

/* The time-out ends what the program has started in its turn as well, in its
 * group, out of its group, and where it holds the pipe open.
 */
START_TEST(hang_is_killed_whole)
{
    add("01_files/hang", "hangs.",
        "sleep 1000 & echo in $!\nsetsid sleep 1000 & echo out $!\n"
        "trap '' TERM\necho self $$; while :; do sleep 1000; done");
    struct watched *w = straight(ARGUMENTS("--seconds", "1"), 1);
    ck_gone(expect_pid(w, "in "));
    ck_gone(expect_pid(w, "out "));
    ck_gone(expect_pid(w, "self "));
    expect(w, "timed out after 1 s");
    done(w);
}
END_TEST

/* A program whose time is up may still put its things away. */
START_TEST(hang_is_told_first)
{
    add("01_files/hang", "hangs.",
        "trap 'echo cleaned; exit 0' TERM; while :; do sleep 1000 & wait; "
        "done");
    struct watched *w = straight(ARGUMENTS("--seconds", "1"), 1);
    expect(w, "cleaned");
    expect(w, "timed out after 1 s");
    done(w);
}
END_TEST

/* What a program leaves running neither holds the lecture up nor stays. */
START_TEST(strays_are_killed)
{
    add("01_files/daemon", "leaves.",
        "sleep 1000 & echo in $!\nsetsid sleep 1000 & echo out $!\n"
        "while ! grep -q sleep /proc/$!/comm; do :; done");
    struct watched *w = straight(ARGUMENTS("--seconds", "20"), 0);
    ck_gone(expect_pid(w, "in "));
    ck_gone(expect_pid(w, "out "));
    done(w);
}
END_TEST

/* Of many lines so many are shown, and the others counted; the program ends
 * by itself, for its pipe is emptied all the time.
 */
START_TEST(flood_is_cut)
{
    add("01_files/a_flood", "floods.", "seq 100000");
    add("01_files/b_just", "just fits.", "seq 101 103");
    add("01_files/c_one", "one too many.", "printf '111\\n112\\n113\\n114'");
    struct watched *w = straight(ARGUMENTS("--lines", "3"), 0);
    expect(w, "\n3\n… 99997 more lines not shown\n");
    expect(w, "\n103\n── kept");
    expect(w, "\n113\n… 1 more line not shown\n");
    ck_assert(!has(w, "114"));
    done(w);
}
END_TEST

/* A line without end is cut too, and costs no memory. */
START_TEST(endless_line_is_cut)
{
    add("01_files/line", "one line.",
        "head -c 50000000 /dev/zero | tr '\\0' x");
    add("01_files/yes", "for ever.", "yes");
    struct watched *w = straight(ARGUMENTS("--seconds", "1"), 1);
    expect(w, "x\n… 1 more line not shown\n");
    ck_assert_uint_lt(w->looked, 80000);
    expect(w, " more lines not shown");
    expect(w, "timed out");
    done(w);
}
END_TEST

/* No order to the terminal comes through; other characters do. */
START_TEST(escapes_are_shown)
{
    add("01_files/red", "in red.",
        "printf '\\033[31mред\\a \\302\\233x \\233 МГТУ\\t|\\r\\n\\000'");
    struct watched *w = straight(ARGUMENTS("--lines", "9"), 0);
    expect(w, "\\x1b[31mред\\x07 \xc2\\x9bx \\x9b МГТУ\t|\n\\x00\n");
    done(w);
}
END_TEST

/* Nothing of how the lecture was called reaches the programs: no BUILD, no
 * input, no signal that is blocked or ignored. (Only the first 28 are looked
 * at: make may be linked with a glibc whose posix_spawn leaves 32 and 33, its
 * own two, ignored, and nobody but the libc can change that.)
 */
START_TEST(programs_start_clean)
{
    add("01_files/clean", "clean.",
        "echo build ${BUILD-unset}; cat;"
        "sed -nE 's/(Sig(Blk|Ign):).*(.{7})$/\\1 \\3/p' /proc/self/status");
    struct watched *w = straight(ARGUMENTS("--lines", "9"), 0);
    expect(w, "build unset\nSigBlk: 0000000\n");
    expect(w, "SigIgn: 0000000\n");
    done(w);
}
END_TEST

START_TEST(from_and_only)
{
    add("01_files/one", "first.", "");
    add("01_files/two", "second.", "");
    add("02_testing/three", "third.", "");
    struct watched *w = straight(ARGUMENTS("--from", "two"), 0);
    ck_assert(!has(w, "[1/3]") && has(w, "[2/3]") && has(w, "[3/3]"));
    done(w);
    w = straight(ARGUMENTS("--from", "02_testing"), 0);
    ck_assert(!has(w, "[2/3]") && has(w, "[3/3] 02_testing/three"));
    done(w);
    w = straight(ARGUMENTS("--only", "01_files"), 0);
    ck_assert(has(w, "[2/2] 01_files/two") && !has(w, "three"));
    done(w);
    w = straight(ARGUMENTS("--only", "two"), 0);
    ck_assert(has(w, "[1/1] 01_files/two") && !has(w, "one"));
    done(w);
    w = straight(ARGUMENTS("--only", "01_files", "--from", "two"), 0);
    ck_assert(has(w, "[2/2] 01_files/two") && !has(w, "[1/2]"));
    done(w);
    /* A beginning does, where there is one name with it. */
    w = straight(ARGUMENTS("--only", "01", "--from", "tw"), 0);
    ck_assert(has(w, "[2/2] 01_files/two") && !has(w, "[1/2]"));
    done(w);
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    add("01_files/lock", "first.", "");
    add("01_files/lock_kinds", "second.", "");
    add("02_testing/lock_order", "third.", "");
    struct watched *w = straight(ARGUMENTS("--from", "05_select"), 2);
    expect(w, "--from '05_select': no program or chapter here has this name\n");
    done(w);
    w = straight(ARGUMENTS("--only", "lo"), 2);
    expect(w, "--only 'lo': may be lock, lock_kinds, lock_order\n");
    done(w);
    w = straight(ARGUMENTS("--only", "0"), 2);
    expect(w, "--only '0': may be 01_files, 02_testing\n");
    done(w);
    w = straight(ARGUMENTS("--only", "01", "--from", "lock_o"), 2);
    expect(w, "--from 'lock_o': no program or chapter here has this name\n");
    done(w);
    w = straight(ARGUMENTS("--only", ""), 2);
    expect(w, "--only '': no program or chapter here has this name\n");
    done(w);
    w = straight(ARGUMENTS("--only", "lock"), 0); /* the whole name wins */
    expect(w, "[1/1] 01_files/lock");
    done(w);
    w = straight(ARGUMENTS("--seconds", "0"), 2);
    expect(w, "--seconds '0'");
    done(w);
}
END_TEST

/* The lecture stands in its own list, and is no step of itself. */
START_TEST(not_itself)
{
    add("01_files/lecture", "this.", "echo never");
    add("01_files/ok", "fine.", "");
    struct watched *w = straight(ARGUMENTS("--seconds", "9"), 0);
    ck_assert(has(w, "[1/1] 01_files/ok") && !has(w, "never"));
    done(w);
    w = straight(ARGUMENTS("--list"), 0);
    expect(w, "01_files  lecture  Xlecture  this.\n");
    done(w);
}
END_TEST

static const char long_claim[] =
    "a claim that is longer than any terminal on any wall has ever been wide, "
    "и дальше по-русски, until this very end.";

/* Whole into a pipe, for grep; on a terminal each line fits, whatever a
 * character has in bytes.
 */
START_TEST(list_fits)
{
    add("01_files/long", long_claim, "");
    add("01_files/ok", "Технопарк, МГТУ и много других слов, да и ещё.", "");
    struct watched *w = straight(ARGUMENTS("--list"), 0);
    expect(w, "01_files  long  Xlong  a claim");
    expect(w, "until this very end.\n");
    expect(w, "01_files  ok    Xok    Технопарк, МГТУ и");
    expect(w, "да и ещё.\n");
    done(w);
    w = lecture_with(80, plain, ARGUMENTS("--list"));
    ck_assert_int_eq(ended(w), 0);
    ck_assert_str_eq(
        w->seen,
        "01_files  long  Xlong  a claim that is longer than any terminal on "
        "any "
        "wall has…\r\n"
        "01_files  ok    Xok    Технопарк, МГТУ и много других слов, да и "
        "ещё.\r\n");
    done(w);
    w = lecture_with(40, plain, ARGUMENTS("--list"));
    ck_assert_int_eq(ended(w), 0);
    ck_assert_str_eq(w->seen, "01_files/long Xlong\r\n"
                              "  a claim that is longer than any termi…\r\n"
                              "01_files/ok Xok\r\n"
                              "  Технопарк, МГТУ и много других слов, …\r\n");
    done(w);
}
END_TEST

/* SIGTERM: the lecture ends at once, and with it all that it has started. */
START_TEST(terminated)
{
    add("01_files/hang", "hangs.",
        "trap 'rm \"$0.temporary\"; exit' TERM\ntouch \"$0.temporary\"\n"
        "setsid sleep 1000 & echo out $!\nsleep 1000 & echo in $!; wait");
    struct watched *w = unattended(ARGUMENTS("--seconds", "1000"));
    pid_t out = expect_pid(w, "out ");
    pid_t in = expect_pid(w, "in ");
    kill(w->pid, SIGTERM);
    ck_assert_int_eq(ended(w), -SIGTERM);
    ck_gone(out);
    ck_gone(in);
    remove_file("build/01_files/hang"); /* and nothing else is there */
    char folder[512];
    snprintf(folder, sizeof folder, "%s/build/01_files", tree);
    ck_assert_int_eq(rmdir(folder), 0);
    done(w);
}
END_TEST

/* Ctrl-C ends the program, and the lecture goes on. */
START_TEST(interrupted_once)
{
    add_hanging("01_files/hang", ":");
    add("02_testing/ok", "fine.", "echo after all");
    struct watched *w = unattended(ARGUMENTS("--seconds", "1000"));
    expect(w, "\nhanging\n");
    kill(w->pid, SIGINT);
    expect(w, "killed by signal 2");
    expect(w, "\nafter all\n");
    ck_assert_int_eq(ended(w), 1);
    done(w);
}
END_TEST

/* Two within a second end the lecture, with its table, even if the program
 * ignores them. Two that come too fast are one; so they go on until it ends.
 */
START_TEST(interrupted_twice)
{
    add_hanging("01_files/hang", "trap '' INT");
    add("02_testing/ok", "fine.", "echo after all");
    struct watched *w = unattended(ARGUMENTS("--seconds", "1000"));
    expect(w, "\nhanging\n");
    struct pollfd p = {w->fd, POLLIN, 0};
    do
        kill(w->pid, SIGINT);
    while (poll(&p, 1, 20) == 0);
    ck_assert_int_eq(ended(w), 130);
    ck_assert(!has(w, "after all"));
    expect(w, "0 kept their promise, 1 did not");
    done(w);
}
END_TEST

/* Who reads may go away: the program is ended, and the lecture. */
START_TEST(nobody_reads)
{
    add("01_files/talks", "talks.", "while echo more; do :; done");
    add("02_testing/second", "next.", "touch \"$0.ran\"");
    struct watched *w = unattended(ARGUMENTS("--lines", "1000000"));
    expect(w, "\nmore\n");
    close(w->child.out.fd);
    w->child.out.fd = -1;
    child_end(&w->child, false);
    ck_assert_int_eq(WEXITSTATUS(w->child.status), 1);
    char path[512];
    snprintf(path, sizeof path, "%s/build/02_testing/second.ran", tree);
    ck_assert_int_eq(access(path, F_OK), -1);
    done(w);
}
END_TEST

/* --- With a terminal ------------------------------------------------------- */

static const char *const coloured[] = {"TERM=xterm",
                                       "COLUMNS=", "LINES=", "NO_COLOR=", NULL};
static const char *const colourless[] = {
    "TERM=xterm", "COLUMNS=", "LINES=", "NO_COLOR=1", NULL};

static const tcflag_t cooked = ICANON | ECHO | ISIG;

static tcflag_t modes(const struct watched *w)
{
    struct termios t;
    ck_assert_int_eq(tcgetattr(w->fd, &t), 0);
    return t.c_lflag & cooked;
}

/* Enter alone leads from the first page to the closing table. */
START_TEST(enter_leads_through)
{
    add("01_files/one", "first.", "echo one runs");
    add("01_files/two", "second.", "echo two runs; exit 4");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
    expect(w, "[1/2] 01_files/one");
    expect(w, "what will one do?");
    expect(w, "[1/2] one  enter: run");
    ck_assert(!has(w, "one runs"));
    press(w, "\r");
    expect(w, "one runs");
    expect(w, "kept its promise");
    expect(w, "[1/2] one  enter: next");
    press(w, " ");
    expect(w, "[2/2] 01_files/two");
    expect(w, "[2/2] two  enter: run");
    press(w, "\033[6~"); /* page down */
    expect(w, "exit 4: the bug did not show");
    expect(w, "[2/2] two  enter: next");
    press(w, "\033[C"); /* right */
    expect(w, "kept its promise\r\n");
    expect(w, "exit 4: the bug did not show\r\n");
    expect(w, "1 kept its promise, 1 did not");
    ck_assert_int_eq(ended(w), 1);
    done(w);
}
END_TEST

/* A long source comes in pieces of one screen each. */
START_TEST(source_in_pages)
{
    add("01_files/long", "long.", "");
    char text[2048] = "/* long.c: long.\n */\nint main(void)\n{\n";
    for (int i = 5; i <= 50; i++)
        snprintf(text + strlen(text), 32, "    line(%d);\n", i);
    strcat(text, "}\n");
    write_file("01_files/long.c", 0644, text);
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
    for (int shown = 0; shown < 50;) {
        size_t start = w->looked;
        expect(w, "[1/1] long  enter: ");
        int rows = 0;
        for (const char *p = w->seen + start; p < w->seen + w->looked; p++)
            rows += *p == '\n';
        ck_assert_int_lt(rows, 24);
        int last = shown;
        for (const char *p = w->seen + start; (p = strstr(p, "line("));) {
            p += strlen("line(");
            int number = atoi(p);
            ck_assert(number == last + 1 || (last == 0 && number == 5));
            last = number;
        }
        ck_assert_int_gt(last, shown);
        shown = last;
        expect(w, shown < 50 ? "more" : "run");
        press(w, shown < 50 ? "\r" : "q");
    }
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

START_TEST(next_back_again)
{
    add("01_files/one", "first.", "echo one runs");
    add("01_files/two", "second.", "echo two runs");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--from", "two"));
    expect(w, "[2/2] two  enter");
    press(w, "b");
    expect(w, "[1/2] one  enter");
    press(w, "b"); /* nothing is before it */
    expect(w, "[1/2] one  enter");
    press(w, "n");
    expect(w, "[2/2] two  enter");
    press(w, "r");
    expect(w, "\r\ntwo runs");
    expect(w, "enter: next");
    press(w, "r");
    expect(w, "\r\ntwo runs");
    expect(w, "enter: next");
    press(w, "\033[5~"); /* page up */
    expect(w, "[1/2] one  enter");
    press(w, "x\033[A\033\xd0\xbd"); /* keys without meaning */
    press(w, "?");
    expect(w, "quit");
    press(w, "q");
    expect(w, "1 kept its promise, 0 did not");
    ck_assert_int_eq(count(w, "one runs"), 0);
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

START_TEST(jumps)
{
    add("01_files/one", "first.", "");
    add("01_files/two", "second.", "");
    add("02_testing/three", "third.", "");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
    expect(w, "[1/3] one  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "twx\177o\r"); /* a slip, put right */
    expect(w, "[2/3] 01_files/two");
    expect(w, "[2/3] two  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "02\r");
    expect(w, "[3/3] three  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "o\r");
    expect(w, "[1/3] one  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "t\r");
    expect(w, "t: may be two, three\r\n");
    expect(w, "[1/3] one  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "three\r");
    expect(w, "[3/3] three  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "four\r");
    expect(w, "four: no program or chapter here has this name");
    expect(w, "[3/3] three  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "two\3"); /* Ctrl-C: never mind */
    expect(w, "[3/3] three  enter");
    press(w, "j");
    expect(w, "jump to: ");
    press(w, "\r");
    expect(w, "[3/3] three  enter");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    ck_assert_int_eq(count(w, "no program"), 1);
    done(w);
}
END_TEST

/* Ctrl-C goes to the program alone; where none runs it says what to press. */
START_TEST(ctrl_c_ends_the_program)
{
    add_hanging("01_files/hang", ":");
    struct watched *w = on_terminal(
        24, 80, plain,
        (const char *const[]){
            "bash", "-c", "trap 'echo oops' INT; \"$LECTURE\"; exit $?", NULL});
    expect(w, "enter: run");
    press(w, "\r");
    expect(w, "hanging\r\n");
    press(w, "\3");
    expect(w, "killed by signal 2");
    expect(w, "enter: next");
    press(w, "\3");
    expect(w, "q      quit");
    expect(w, "enter: next");
    press(w, "\3");
    expect(w, "enter: next");
    press(w, "q");
    ck_assert_int_eq(ended(w), 1);
    ck_assert(!has(w, "oops"));
    done(w);
}
END_TEST

/* Programs read from the terminal, and can do to it what they like: modes,
 * the foreground group, and flags that we share with them.
 */
START_TEST(terminal_is_put_back)
{
    add("01_files/a_asks", "asks.", "echo your name; read n; echo hello $n");
    add("01_files/b_raw", "raw.", "stty raw -echo");
    add("01_files/c_nonblock", "flags.",
        "dd iflag=nonblock count=0 2>/dev/null");
    add("01_files/d_group", "group.",
        "bash -mc 'sleep 1000' & sleep 0; set -m; true");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--seconds", "20"));
    expect(w, "[1/4] a_asks  enter: run");
    ck_assert_uint_eq(modes(w), 0); /* raw, as it waits for a key */
    press(w, "\r");
    expect(w, "your name");
    press(w, "Иван\r");
    expect(w, "hello Иван");
    static const char *const next[] = {"[2/4] b_raw  enter: run",
                                       "[3/4] c_nonblock  enter: run",
                                       "[4/4] d_group  enter: run"};
    for (int i = 0; i < 3; i++) {
        expect(w, "enter: next");
        press(w, "n");
        expect(w, next[i]);
        press(w, "r");
        expect(w, "kept its promise");
    }
    expect(w, "enter: next");
    press(w, "j");
    expect(w, "jump to: ");
    ck_assert_uint_eq(modes(w), ICANON | ECHO);
    press(w, "b_raw\r");
    expect(w, "b_raw\r\n"); /* echoed */
    expect(w, "[2/4] b_raw  enter: run");
    press(w, "r");
    expect(w, "enter: next");
    press(w, "q");
    expect(w, "4 kept their promise, 0 did not");
    ck_assert_uint_eq(modes(w), cooked);
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

/* SIGTERM ends the lecture, what runs in front of it, and nothing else: the
 * terminal is as it was. The slave side is held open meanwhile, or the modes
 * would go with the last process that has it.
 */
static void ck_terminated(struct watched *w, int slave)
{
    kill(w->pid, SIGTERM);
    ck_assert_int_eq(waitpid(w->pid, &w->status, 0), w->pid);
    ck_assert(WIFSIGNALED(w->status));
    ck_assert_uint_eq(modes(w), cooked);
    close(slave);
    close(w->fd);
}

START_TEST(terminated_on_a_terminal)
{
    add("01_files/hang", "hangs.", "stty raw -echo; echo self $$; sleep 1000");
    write_file("Makefile", 0644,
               "tour-hang:\n\t@stty raw -echo; setsid sleep 1000 & "
               "echo stray $$!; echo self $$$$; sleep 1000\n");
    for (int when = 0; when < 3; when++) {
        struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
        int slave = open(ptsname(w->fd), O_RDWR | O_NOCTTY);
        pid_t self = 0, stray = 0;
        ck_assert_int_ge(slave, 0);
        expect(w, "enter: run");
        ck_assert_uint_eq(modes(w), 0);
        if (when == 1) {
            press(w, "\r");
            self = expect_pid(w, "self ");
        } else if (when == 2) {
            press(w, "t");
            stray = expect_pid(w, "stray ");
            self = expect_pid(w, "self ");
        }
        ck_terminated(w, slave);
        if (when > 0)
            ck_gone(self);
        if (when == 2)
            ck_gone(stray);
        done(w);
    }
}
END_TEST

/* Ctrl-Z at the prompt stops the job, terminal in order; fg goes on. */
START_TEST(ctrl_z_stops_the_job)
{
    add("01_files/ok", "fine.", "echo it works");
    struct watched *w = on_terminal(
        24, 80, plain,
        (const char *const[]){"bash", "-mc",
                              "\"$LECTURE\"; echo stopped; stty -a; fg", NULL});
    expect(w, "enter: run");
    press(w, "\032");
    expect(w, "stopped");
    expect(w, " icanon ");
    expect(w, " echo ");
    expect(w, "enter: run");
    press(w, "\r");
    expect(w, "it works");
    expect(w, "enter: next");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

/* While a program runs, Ctrl-Z is off: nobody would continue it. */
START_TEST(ctrl_z_stops_no_program)
{
    add("01_files/asks", "asks.", "echo ready; read line; echo got it");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
    expect(w, "enter: run");
    press(w, "\r");
    expect(w, "ready");
    press(w, "\032\r");
    expect(w, "got it");
    expect(w, "enter: next");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

static const char makefile[] =
    "tour-ok:\n\t@echo touring; read line; echo back with $$line\n"
    "build/01_files/ok: 01_files/ok.c\n"
    "\t@! grep -n 'oops' $< >&2\n"
    "\t@printf '#!/bin/sh\\necho rebuilt\\n' >$@\n";

/* The tour has the terminal; its Ctrl-C reaches nobody else of the job that
 * the lecture belongs to (make), and it is not stopped for being in the
 * background.
 */
START_TEST(tour_has_the_terminal)
{
    static const char job[] =
        "trap 'echo oops' INT; \"$LECTURE\"; echo status $?";
    static const char *const shells[] = {"-c", "-mc"};
    add("01_files/ok", "fine.", "");
    write_file("Makefile", 0644, makefile);
    for (int i = 0; i < 2; i++) {
        struct watched *w = on_terminal(
            24, 80, plain, (const char *const[]){"bash", shells[i], job, NULL});
        expect(w, "enter: run");
        press(w, "t");
        expect(w, "touring");
        press(w, "a word\r");
        expect(w, "back with a word");
        expect(w, "enter: run");
        press(w, "t");
        expect(w, "touring");
        press(w, "\3");
        expect(w, "back from the tour");
        expect(w, "enter: run");
        press(w, "q");
        expect(w, "status 0");
        ck_assert_int_eq(ended(w), 0);
        ck_assert_int_eq(count(w, "status"), 1);
        ck_assert(!has(w, "oops"));
        done(w);
    }
}
END_TEST

/* Ctrl-Z in the tour (or the editor) stops the whole job; fg goes on in it. */
START_TEST(ctrl_z_in_the_tour)
{
    add("01_files/ok", "fine.", "");
    write_file("Makefile", 0644, makefile);
    struct watched *w = on_terminal(
        24, 80, plain,
        (const char *const[]){"bash", "-mc",
                              "\"$LECTURE\"; echo stopped; stty -a; fg", NULL});
    expect(w, "enter: run");
    press(w, "t");
    expect(w, "touring");
    press(w, "\032");
    expect(w, "stopped");
    expect(w, "LECTURE"); /* fg says what it continues */
    press(w, "a word\r");
    expect(w, "back with a word");
    expect(w, "enter: run");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

/* After the editor the program is built anew, and its page shows the change;
 * where it does not build, the compiler has the word and the page stays.
 */
START_TEST(edit_and_rebuild)
{
    static const char *const environment[] = {
        "TERM=dumb", "VISUAL=sed -i -f edits", "EDITOR=false", NULL};
    add("01_files/ok", "fine.", "echo first");
    write_file("Makefile", 0644, makefile);
    write_file("edits", 0644, "s/: fine/: finer/\n5s/what/how/\n");
    struct watched *w =
        lecture_with(80, environment, ARGUMENTS("--lines", "9"));
    expect(w, "what will ok do");
    expect(w, "enter: run");
    press(w, "e");
    expect(w, "finer.");
    expect(w, "how will ok do");
    expect(w, "enter: run");
    press(w, "r");
    expect(w, "rebuilt");
    expect(w, "enter: next");
    write_file("edits", 0644, "s/return/oops/\n");
    press(w, "e");
    expect(w, "oops");
    expect(w, "it does not build: e edits again");
    expect(w, "enter: next");
    write_file("edits", 0644, "s/oops/return/\n");
    press(w, "e");
    expect(w, "[1/1] 01_files/ok");
    expect(w, "enter: run");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

/* An editor may give the terminal back and stay in a window of its own: it is
 * none of the processes that a program leaves behind.
 */
START_TEST(editor_may_stay)
{
    static const char *const environment[] = {"TERM=dumb", "VISUAL=./editor",
                                              NULL};
    add("01_files/ok", "fine.", "echo first");
    write_file("Makefile", 0644, makefile);
    write_file("editor", 0755,
               "#!/bin/sh\nsetsid sleep 1000 </dev/null >/dev/null 2>&1 &\n"
               "echo window $!\n");
    struct watched *w =
        lecture_with(80, environment, ARGUMENTS("--lines", "9"));
    expect(w, "enter: run");
    press(w, "r");
    expect(w, "enter: next");
    press(w, "e");
    pid_t window = expect_pid(w, "window ");
    expect(w, "enter: run");
    press(w, "r");
    expect(w, "enter: next");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    ck_assert_int_eq(kill(window, SIGKILL), 0);
    done(w);
}
END_TEST

START_TEST(editor_is_missing)
{
    static const char *const environment[] = {
        "TERM=dumb", "VISUAL=", "EDITOR=no-such-editor", NULL};
    add("01_files/ok", "fine.", "");
    struct watched *w =
        lecture_with(80, environment, ARGUMENTS("--lines", "9"));
    expect(w, "enter: run");
    press(w, "e");
    expect(w, "no-such-editor");
    expect(w, "the editor failed");
    expect(w, "enter: run");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    done(w);
}
END_TEST

/* The widest line, in characters. */
static int widest(const struct watched *w)
{
    int most = 0, n = 0;
    for (const char *p = w->seen; *p; p++) {
        n = *p == '\r' || *p == '\n' ? 0 : n + ((*p & 0xc0) != 0x80);
        most = n > most ? n : most;
    }
    return most;
}

/* Keys without room for their word are letters, and none is missing. */
START_TEST(the_bar_has_all_keys)
{
    add("01_files/ok", "fine.", "");
    add("01_files/its_name_is_of_so_many_letters", "fine.", "");
    struct watched *w = lecture_with(80, plain, ARGUMENTS("--lines", "9"));
    expect(w, "[1/2] its_name_is_of_so_many_letters  enter: run"
              "  n next b r t e j q  ? help ");
    press(w, "n");
    expect(w, "[2/2] ok  enter: run  n next  b back  r run  t tour"
              "  e edit  j jump q  ? help ");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    ck_assert_msg(widest(w) <= 80, "%d: %s", widest(w), w->seen);
    done(w);
}
END_TEST

START_TEST(narrow_terminal)
{
    add("01_files/a_program_with_a_name", long_claim, "echo it works");
    add("01_files/ok", "fine.", "kill -SEGV $$");
    struct watched *w = lecture_with(40, plain, ARGUMENTS("--lines", "9"));
    expect(w, "[1/2] a_program_w…  enter: run  ? help ");
    press(w, "\r");
    expect(w, "enter: next");
    press(w, "n");
    expect(w, "[2/2] ok  enter: run");
    press(w, "\r");
    expect(w, "enter: next");
    press(w, "q");
    expect(w, "a claim that is longer than any ter…\r\n");
    expect(w, "1 kept its promise, 1 did not");
    ck_assert_int_eq(ended(w), 1);
    ck_assert_msg(widest(w) <= 40, "%d: %s", widest(w), w->seen);
    done(w);
}
END_TEST

/* Remarks have a colour of their own, comments another, strings none. */
START_TEST(colours)
{
    add("01_files/ok", "fine.", "");
    struct watched *w = lecture_with(80, coloured, ARGUMENTS("--lines", "9"));
    expect(w, "enter: run");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    ck_assert(has(w, "    \033[1;35m//> Remark of ok.\033[0m\r\n"));
    ck_assert(has(w, "    puts(\"/* no comment\"); \033[2m// but this\033[0m"));
    done(w);
}
END_TEST

START_TEST(no_color)
{
    add("01_files/ok", "fine.", "");
    struct watched *w = lecture_with(80, colourless, ARGUMENTS("--lines", "9"));
    expect(w, "enter: run");
    press(w, "r");
    expect(w, "enter: next");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    for (const char *p = w->seen; (p = strchr(p, '\033')) != NULL; p++)
        ck_assert_int_ne(p[2 + strspn(p + 2, "0123456789;")], 'm');
    done(w);
    w = lecture_with(80, plain, ARGUMENTS("--lines", "9")); /* TERM=dumb */
    expect(w, "enter: run");
    press(w, "q");
    ck_assert_int_eq(ended(w), 0);
    ck_assert(!has(w, "\033"));
    done(w);
}
END_TEST

TCase *processes_lecture(void)
{
    TCase *tc = tcase_create("lecture");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, page);
    tcase_add_test(tc, endings);
    tcase_add_test(tc, left_out);
    tcase_add_test(tc, hang_is_killed_whole);
    tcase_add_test(tc, hang_is_told_first);
    tcase_add_test(tc, strays_are_killed);
    tcase_add_test(tc, flood_is_cut);
    tcase_add_test(tc, endless_line_is_cut);
    tcase_add_test(tc, escapes_are_shown);
    tcase_add_test(tc, programs_start_clean);
    tcase_add_test(tc, from_and_only);
    tcase_add_test(tc, unknown_names_are_refused);
    tcase_add_test(tc, not_itself);
    tcase_add_test(tc, list_fits);
    tcase_add_test(tc, terminated);
    tcase_add_test(tc, interrupted_once);
    tcase_add_test(tc, interrupted_twice);
    tcase_add_test(tc, nobody_reads);
    tcase_add_test(tc, enter_leads_through);
    tcase_add_test(tc, source_in_pages);
    tcase_add_test(tc, next_back_again);
    tcase_add_test(tc, jumps);
    tcase_add_test(tc, ctrl_c_ends_the_program);
    tcase_add_test(tc, terminal_is_put_back);
    tcase_add_test(tc, terminated_on_a_terminal);
    tcase_add_test(tc, ctrl_z_stops_the_job);
    tcase_add_test(tc, ctrl_z_stops_no_program);
    tcase_add_test(tc, tour_has_the_terminal);
    tcase_add_test(tc, ctrl_z_in_the_tour);
    tcase_add_test(tc, edit_and_rebuild);
    tcase_add_test(tc, editor_may_stay);
    tcase_add_test(tc, editor_is_missing);
    tcase_add_test(tc, the_bar_has_all_keys);
    tcase_add_test(tc, narrow_terminal);
    tcase_add_test(tc, colours);
    tcase_add_test(tc, no_color);
    return tc;
}
