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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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
    snprintf(command, sizeof command, "%s --help", program->name);
    snprintf(usage, sizeof usage, "usage: %s", program->name);
    struct child child = run_shell(command);
    ck_assert_msg(strncmp(child.out.text, usage, strlen(usage)) == 0,
                  "%s: does not begin with '%s': %s", command, usage,
                  child.out.text);
    ck_assert_int_eq(child.status, 0);
    child_free(&child);
}
END_TEST

START_TEST(unknown_option_is_refused)
{
    const struct program *program = &programs.programs[_i];
    char command[128];
    snprintf(command, sizeof command, "%s --no-such-option", program->name);
    struct child child = run_shell(command);
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

/* Runs the program with its Nth call failing. Returns whether it had so many;
 * fails the test unless it ended by itself, with the right answer or with an
 * error that it put into words, and without a finding of the sanitizers.
 */
static bool survives(const struct program *program, const char *turn)
{
    char *folder = new_folder();
    char torture[32];
    char log[512];
    char *failed_call = NULL;
    snprintf(torture, sizeof torture, "TORTURE=%s", turn);
    snprintf(log, sizeof log, "TORTURE_LOG=%s/log", folder);
    struct child child = run_shell_with(&(struct shell_run){
        .command = program->name,
        .environment =
            (const char *[]){torture, log, "ASAN_OPTIONS=exitcode=99",
                             "UBSAN_OPTIONS=exitcode=99", NULL},
        .empty_after = true});
    FILE *file = fopen(log + strlen("TORTURE_LOG="), "r");
    size_t room = 0;
    bool had_so_many = file != NULL;
    if (had_so_many) {
        ck_assert_int_gt(getline(&failed_call, &room, file), 0);
        fclose(file);
        char ending[64];
        child_ending(&child, ending);
        char *message = NULL;
        if (child.status == 0) {
            struct transcript t = transcript_read(program);
            message = transcript_compare(&t, &t.blocks[0], &child);
            transcript_free(&t);
        }
        ck_assert_msg(message == NULL, "%s %s, its call of %sfailed: %s",
                      torture, program->name, failed_call, message);
        ck_assert_msg(
            WIFEXITED(child.status) && WEXITSTATUS(child.status) != 99 &&
                (child.status == 0 || child.out.length > 0),
            "%s %s: %s after its call of %sfailed; it printed:\n%s", torture,
            program->name, ending, failed_call, child.out.text);
        free(failed_call);
    }
    child_free(&child);
    free(folder);
    return had_so_many;
}

START_TEST(torture)
{
    const struct program *program = &programs.programs[_i];
    char turn[16];
    for (int n = 1;
         snprintf(turn, sizeof turn, "%d", n), survives(program, turn); n++) {
        strcat(turn, "+");
        survives(program, turn);
    }
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
    tcase_set_timeout(tc, 120);
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

/* One suite, or one case of whichever suite has it; a line says what came of
 * it. Check adds up the figures of all runs of a runner.
 */
static void run(SRunner *runner, const char *suite, const char *tcase)
{
    int ran = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    srunner_run(runner, suite, tcase, CK_SILENT);
    clock_gettime(CLOCK_MONOTONIC, &end);
    ran = srunner_ntests_run(runner) - ran;
    failed = srunner_ntests_failed(runner) - failed;
    if (ran > 0)
        printf("%-12s %4d checks, %d failed, %.1f s\n", suite ? suite : tcase,
               ran, failed,
               (double)(end.tv_sec - start.tv_sec) +
                   (double)(end.tv_nsec - start.tv_nsec) / 1e9);
}

static SRunner *collect(void)
{
    SRunner *runner = NULL;
    const char *flavour = getenv("FLAVOUR");
    if (flavour != NULL && strstr(flavour, "torture") != NULL) {
        for (size_t i = 0; i < programs.count; i++)
            if (!programs.programs[i].uses_check &&
                strcmp(programs.programs[i].name, "lecture") != 0)
                suite_add_tcase(
                    suite_of(&runner, programs.programs[i].chapter + 3),
                    torture_case((int)i));
        return runner;
    }
    bool tours = plain_build() && system("gdb -v >/dev/null 2>&1") == 0;
    if (!tours)
        printf("(tours are not tested: %s)\n", plain_build()
                                                   ? "gdb is missing; make deps"
                                                   : "only in the plain build");
#define X(suite, name) suite_add_tcase(suite_of(&runner, #suite), name());
    CASES
#undef X
    for (size_t i = 0; i < programs.count; i++)
        suite_add_tcase(suite_of(&runner, programs.programs[i].chapter + 3),
                        program_case((int)i, tours));
    return runner;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    char folder[] = "/tmp/groundup-tests.XXXXXX";
    if (mkdtemp(folder) == NULL)
        err(1, "%s", folder);
    setenv("TEST_FOLDER", folder, 1);
    if (catalogue_read(&programs) == -1)
        return 1;
    SRunner *runner = collect();

    const char *word = argc > 1 ? argv[1] : NULL;
    for (int i = 0; suites[i].name != NULL; i++)
        if (word == NULL || strcmp(word, suites[i].name) == 0)
            run(runner, suites[i].name, NULL);
    if (word != NULL && srunner_ntests_run(runner) == 0)
        run(runner, NULL, word);
    int ran = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    if (ran > 0)
        srunner_print(runner, CK_NORMAL);
    srunner_free(runner);
    catalogue_free(&programs);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (ran == 0)
        errx(1, "%s: no suite or case of that name", word ? word : "tests");
    return failed == 0 ? 0 : 1;
}
