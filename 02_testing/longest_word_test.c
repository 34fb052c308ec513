/* longest_word_test.c: a test of longest_word, which fails, and is right.
 *
 * Cells: A22
 * Run:   make longest_word_test
 * Ask:   the function passed every trial so far: what did nobody try?
 * Watch: the first sentence passes, the second does not: its full stop has
 *        been counted into the word. The report names file, line and values.
 * See:   words.c, where one line mends it; longest_word.c; assertions.c.
 */
#include <check.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "02_testing/words.h"

START_TEST(sentences)
{
    static const char *const examples[][2] = {
        {"Beautiful is better than ugly.", "Beautiful"},
        {"Complex is better than complicated.", "complicated"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const char *expected = examples[i][1];
        //> One function call, one comparison: that is all a test is.
        struct word word = longest_word(examples[i][0]);
        char longest[64];
        snprintf(longest, sizeof longest, "%.*s", (int)word.bytes, word.start);
        //> Where the two differ, Check writes down the line and both values,
        //> and the test ends here. Now: print longest, print expected.
        ck_assert_str_eq(longest, expected);
    }
}
END_TEST

/* The one failure that this program is here to show. */
static const char reason[] =
    "longest == \"complicated.\", expected == \"complicated\"";

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "test longest_word with Check"};
    cli_parse(&cli, argc, argv);

    TCase *tcase = tcase_create("sentences");
    tcase_add_test(tcase, sentences);
    Suite *suite = suite_create("longest_word");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    //> Each test runs in a process of its own: one that crashes takes none
    //> with it. (Not now: under the debugger all run in this one.)
    srunner_run_all(runner, CK_NORMAL);

    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);
    bool shown = failed == 1 && strstr(tr_msg(failures[0]), reason) != NULL;
    free(failures);
    srunner_free(runner);

    if (run == 1 && failed == 0)
        errx(CLI_NO_SHOW, "the failure is gone: longest_word is mended");
    if (run != 1 || !shown)
        errx(CLI_NO_SHOW, "this is not the failure that was to be shown");
    //> The failure was the aim: this program ends with 0, where a real test
    //> would end with 1, and make would stop.
    printf("1 test run, 1 failure: 'complicated.' is not 'complicated'\n");
    return 0;
}
