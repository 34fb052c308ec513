/* Runs the suites, one for each chapter and one for the house as a whole.
 *
 *     build/tests/run             all
 *     build/tests/run files       one suite
 *     build/tests/run walk        one case: a module's, or a program's
 *
 * A file tests/files_sha1.c defines TCase *files_sha1(void) and is in the
 * suite "files". Every program has a case of its own besides: its transcript,
 * its options, its tour.
 */
#include <err.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"

/* One block of the program's transcript: _i counts through all of them. */
START_TEST(transcript)
{
    const struct program *program = &programs.programs[_i];
    struct transcript t = transcript_read(program);
    for (size_t i = 0; i < t.count; i++) {
        struct transcript_block *b = &t.blocks[i];
        struct child child = run_shell_with(&(struct shell_run){
            .command = b->command,
            .chapter = program->chapter,
            /* Without arguments nothing at all may stay. */
            .empty_after = strcmp(b->command, program->name) == 0});
        char *message = transcript_compare(&t, b, &child);
        ck_assert_msg(message == NULL, "%s", message);
        child_free(&child);
    }
    transcript_free(&t);
}
END_TEST

START_TEST(help_is_there)
{
    const struct program *program = &programs.programs[_i];
    char command[128];
    char usage[128];
    /* A name may also be a word of the shell's: wait. */
    snprintf(command, sizeof command, "env %s --help", program->name);
    snprintf(usage, sizeof usage, "usage: %s", program->name);
    struct child child = run_shell_with(
        &(struct shell_run){.command = command, .chapter = program->chapter});
    ck_assert_msg(strncmp(child.out.text, usage, strlen(usage)) == 0,
                  "%s: does not begin with '%s': %s", command, usage,
                  child.out.text);
    ck_assert_int_eq(child.status, 0);
    for (const char *line = child.out.text; *line != '\0';) {
        int width = (int)strcspn(line, "\n");
        ck_assert_msg(width <= 80, "%s: wider than 80 columns: %.*s", command,
                      width, line);
        line += width + (line[width] != '\0');
    }
    child_free(&child);
}
END_TEST

START_TEST(unknown_option_is_refused)
{
    const struct program *program = &programs.programs[_i];
    char command[128];
    snprintf(command, sizeof command, "env %s --no-such-option", program->name);
    struct child child = run_shell_with(
        &(struct shell_run){.command = command, .chapter = program->chapter});
    ck_assert_ptr_nonnull(strstr(child.out.text, "no-such-option"));
    ck_assert_int_eq(WEXITSTATUS(child.status), 2);
    child_free(&child);
}
END_TEST

/* Every remark is spoken: tour.py ends with 1 if a stop was not reached. */
START_TEST(tour)
{
    const struct program *program = &programs.programs[_i];
    char *path = built(program->chapter, program->name);
    char *root = realpath(".", NULL);
    char *command = NULL;
    /* The lecture would tour the whole house. */
    const char *arguments =
        strcmp(program->name, "lecture") == 0 ? " --only platform" : "";
    if (asprintf(
            &command,
            "cd '%s' && gdb -nx -q -batch -x 02_testing/tour.py --args %s%s",
            root, path, arguments) == -1)
        err(1, "%s", path);
    struct child child = run_shell(command);
    ck_assert_msg(child.status == 0, "%s\n%s", command, child.out.text);
    char summary[64];
    snprintf(summary, sizeof summary, "tour: %d of %d stops reached",
             program->stops, program->stops);
    ck_assert_msg(strstr(child.out.text, summary) != NULL, "not '%s':\n%s",
                  summary, child.out.text);
    child_free(&child);
    free(command);
    free(root);
    free(path);
}
END_TEST

/* Compares what was printed: stdout and then stderr, where the transcript has
 * lines of both, or only the one; a program may say on stderr what went wrong,
 * and do what it promises all the same. Returns NULL, or a message to be freed.
 */
static char *compare_apart(const struct transcript *t,
                           const struct transcript_block *block,
                           const struct child *child)
{
    struct child both = *child;
    char *text = NULL;
    int n = asprintf(&text, "%s%s", child->out.text, child->err.text);
    if (n == -1)
        err(1, "torture");
    both.out = (struct child_output){.text = text, .length = (size_t)n};
    char *message = transcript_compare(t, block, &both);
    if (message != NULL && child->err.length > 0) {
        free(message);
        message = transcript_compare(t, block, child);
    }
    free(text);
    return message;
}

/* Runs a command with its Nth call failing. Returns whether it had so many;
 * fails the test unless it ended by itself, with the right answer or with an
 * error that it put into words, and without a finding of the sanitizers.
 */
static bool survives(const struct program *program, const struct transcript *t,
                     const char *turn)
{
    const struct transcript_block *block = &t->blocks[t->torture];
    char *folder = new_folder();
    char torture[32];
    char log[512];
    char *failed_call = NULL;
    snprintf(torture, sizeof torture, "TORTURE=%s", turn);
    snprintf(log, sizeof log, "TORTURE_LOG=%s/log", folder);
    struct child child = run_shell_with(&(struct shell_run){
        .command = block->command,
        .chapter = program->chapter,
        .environment =
            (const char *[]){torture, log, "ASAN_OPTIONS=exitcode=99",
                             "UBSAN_OPTIONS=exitcode=99", NULL},
        .apart = true,
        .empty_after = true});
    /* A server that it starts notes in the same file that it had fewer. */
    FILE *file = fopen(log + strlen("TORTURE_LOG="), "r");
    size_t room = 0;
    bool had_so_many = false;
    while (file != NULL && !had_so_many &&
           getline(&failed_call, &room, file) > 0)
        had_so_many = strncmp(failed_call, "call ", strlen("call ")) == 0;
    if (file != NULL)
        fclose(file);
    if (had_so_many) {
        char ending[64];
        child_ending(&child, ending);
        int status = WIFEXITED(child.status) ? WEXITSTATUS(child.status) : -1;
        char *message = status == program->promised && status == block->status
                            ? compare_apart(t, block, &child)
                            : NULL;
        ck_assert_msg(message == NULL, "%s %s: %s%s", torture, block->command,
                      failed_call, message);
        ck_assert_msg(
            status != -1 && status != 99 &&
                (status == 0 || child.err.length > 0 || child.out.length > 0),
            "%s %s: %s%s; it printed:\n%s%s", torture, block->command,
            failed_call, ending, child.out.text, child.err.text);
    }
    free(failed_call);
    child_free(&child);
    free(folder);
    return had_so_many;
}

START_TEST(torture)
{
    const struct program *program = &programs.programs[_i];
    struct transcript t = transcript_read(program);
    char turn[16] = "1";
    /* Every one of the first hundred; a sample of what comes after. */
    for (int n = 1; survives(program, &t, turn); n += n < 100 ? 1 : n / 10) {
        strcat(turn, "+");
        survives(program, &t, turn);
        snprintf(turn, sizeof turn, "%d", n + (n < 100 ? 1 : n / 10));
    }
    transcript_free(&t);
}
END_TEST

static TCase *torture_case(int i)
{
    TCase *tc = tcase_create(programs.programs[i].name);
    tcase_set_timeout(tc, 600);
    tcase_add_loop_test(tc, torture, i, i + 1);
    return tc;
}

static TCase *program_case(int i, bool tours)
{
    TCase *tc = tcase_create(programs.programs[i].name);
    tcase_set_timeout(tc, plain_build() ? 120 : 900);
    /* What the thread sanitizer says of a bug on purpose is no news here. */
    const char *flavour = getenv("FLAVOUR");
    bool reported = *programs.programs[i].broken != '\0' && flavour != NULL &&
                    strstr(flavour, "thread") != NULL;
    if (!reported)
        tcase_add_loop_test(tc, transcript, i, i + 1);
    tcase_add_loop_test(tc, help_is_there, i, i + 1);
    tcase_add_loop_test(tc, unknown_option_is_refused, i, i + 1);
    if (tours)
        tcase_add_loop_test(tc, tour, i, i + 1);
    return tc;
}

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *where)
{
    (void)st;
    (void)where;
    if (type == FTW_DNR)
        chmod(path, 0700);
    return remove(path);
}

static struct {
    const char *name;
    Suite *suite;
} suites[16];

static struct {
    const char *suite;
    const char *name;
} cases[512];
static int case_count;

/* The suite of that name; made when first asked for. */
static Suite *suite_of(SRunner **runner, const char *name)
{
    int i = 0;
    while (suites[i].name != NULL && strcmp(suites[i].name, name) != 0)
        i++;
    if (suites[i].name == NULL) {
        suites[i].name = name;
        suites[i].suite = suite_create(name);
        if (*runner == NULL)
            *runner = srunner_create(suites[i].suite);
        else
            srunner_add_suite(*runner, suites[i].suite);
    }
    return suites[i].suite;
}

/* Adds a case, unless the word on the command line asks for others; NULL is
 * one that has nothing to test in this flavour.
 */
static void add(SRunner **runner, const char *word, const char *suite,
                const char *name, TCase *tcase)
{
    if (tcase == NULL)
        return;
    suite_add_tcase(suite_of(runner, suite), tcase);
    if (word != NULL && strcmp(word, suite) != 0 && strcmp(word, name) != 0)
        return;
    /* A program and its module's tests may share a name: run together. */
    for (int i = 0; i < case_count; i++)
        if (strcmp(cases[i].suite, suite) == 0 &&
            strcmp(cases[i].name, name) == 0)
            return;
    if (case_count == sizeof cases / sizeof *cases)
        errx(1, "more cases than expected");
    cases[case_count].suite = suite;
    cases[case_count++].name = name;
}

static SRunner *collect(const char *word)
{
    SRunner *runner = NULL;
    const char *flavour = getenv("FLAVOUR");
    if (flavour != NULL && strstr(flavour, "torture") != NULL) {
        for (size_t i = 0; i < programs.count; i++)
            if (!programs.programs[i].uses_check &&
                strcmp(programs.programs[i].name, "lecture") != 0)
                add(&runner, word, programs.programs[i].chapter + 3,
                    programs.programs[i].name, torture_case((int)i));
        return runner;
    }
    bool tours = plain_build() && system("gdb -v >/dev/null 2>&1") == 0;
    if (!tours)
        printf("(tours are not tested: %s)\n", plain_build()
                                                   ? "gdb is missing; make deps"
                                                   : "only in the plain build");
        /* A case files_sha1 is asked for as sha1. */
#define X(suite, name)                                                         \
    add(&runner, word, #suite, &#name[sizeof #suite], name());
    CASES
#undef X
    for (size_t i = 0; i < programs.count; i++)
        add(&runner, word, programs.programs[i].chapter + 3,
            programs.programs[i].name, program_case((int)i, tours));
    return runner;
}

/* --- Several at a time: most tests wait, and few compute ---------------- */

enum { WORKERS = 6 };

/* What the workers tell each other and the parent. */
static struct shared {
    atomic_int next; /* the first case that nobody has taken yet */
    atomic_int ran, failures, errors;
} * shared;

static void run_case(SRunner *runner, int i)
{
    int before = srunner_ntests_run(runner);
    srunner_run(runner, cases[i].suite, cases[i].name, CK_SILENT);
    /* Check finds nothing wrong with a name that nobody has. */
    if (srunner_ntests_run(runner) == before) {
        printf("%s: no test ran: is it called so in tcase_create?\n",
               cases[i].name);
        shared->errors++;
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%d of %d ", i + 1, case_count);
}

/* Takes one case after the other; what fails is written into the file. */
static void work(SRunner *runner, const char *report)
{
    for (int i; (i = shared->next++) < case_count;)
        run_case(runner, i);
    int failed = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);
    for (int i = 0; i < failed; i++)
        if (tr_rtype(failures[i]) == CK_ERROR)
            shared->errors++;
        else
            shared->failures++;
    shared->ran += srunner_ntests_run(runner);
    free(failures);
    if (report != NULL && freopen(report, "w", stdout) == NULL)
        err(1, "%s", report);
    srunner_print(runner, CK_NORMAL);
    fflush(stdout);
}

static void print_report(const char *name)
{
    char *line = NULL;
    size_t room = 0;
    FILE *report = fopen(name, "r");
    if (report == NULL) /* the worker was interrupted */
        return;
    /* The first line is the worker's own sum. */
    for (int n = 0; getline(&line, &room, report) > 0; n++)
        if (n > 0)
            fputs(line, stdout);
    free(line);
    fclose(report);
}

/* Ctrl-C reaches the workers too, and each ends its tests. */
static void run_all(SRunner *runner)
{
    char *reports[WORKERS];
    signal(SIGINT, SIG_IGN);
    for (int i = 0; i < WORKERS; i++) {
        if (asprintf(&reports[i], "%s/report.%d", getenv("TEST_FOLDER"), i) ==
            -1)
            err(1, "asprintf");
        fflush(stdout);
        pid_t pid = fork();
        if (pid == -1)
            err(1, "fork");
        if (pid == 0) {
            signal(SIGINT, SIG_DFL);
            work(runner, reports[i]);
            _exit(0);
        }
    }
    bool all_ended_well = true;
    for (int status; wait(&status) > 0;)
        all_ended_well &= status == 0;
    if (isatty(STDERR_FILENO))
        fputs("\r             \r", stderr);
    for (int i = 0; i < WORKERS; i++) {
        print_report(reports[i]);
        free(reports[i]);
    }
    if (!all_ended_well) {
        shared->errors++;
        puts("interrupted");
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    /* Whoever started us may ignore it, as Python does; a shell does not. */
    signal(SIGPIPE, SIG_DFL);
    char folder[] = "/tmp/groundup-tests.XXXXXX";
    if (mkdtemp(folder) == NULL)
        err(1, "%s", folder);
    setenv("TEST_FOLDER", folder, 1);
    /* What a program printed is part of the message when it is not right. */
    setenv("CK_MAX_MSG_SIZE", "65536", 0);
    /* Where six cases share two cores, 50 ms are soon over. */
    setenv("LOOP_SLOW_CALLBACK", "0.4", 1);
    if (catalogue_read(&programs) == -1)
        return 1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        err(1, "mmap");
    const char *word = argc > 1 ? argv[1] : NULL;
    SRunner *runner = collect(word);

    /* In the debugger all is in this one process. */
    const char *fork_them = getenv("CK_FORK");
    if (case_count > 0 && fork_them != NULL && strcmp(fork_them, "no") == 0)
        work(runner, NULL);
    else if (case_count > 0)
        run_all(runner);
    int ran = shared->ran;
    int failed = shared->failures + shared->errors;
    srunner_free(runner);
    catalogue_free(&programs);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (ran == 0)
        errx(1, "%s: no suite or case of that name", word ? word : "tests");
    /* As Check would say it of all of them together. */
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n",
           100 * (ran - failed) / ran, ran, shared->failures, shared->errors);
    return failed == 0 ? 0 : 1;
}
