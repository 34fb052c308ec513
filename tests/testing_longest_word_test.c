/* longest_word_test: what the README says mends it does mend it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

/* Makes the change to a copy of words.c, and builds the program with it. */
START_TEST(the_mend_of_the_readme_mends)
{
    char *root = realpath(".", NULL);
    ck_assert_ptr_nonnull(root);
    setenv("ROOT", root, 1);
    struct child child = run_shell(
        "sed 's/f\\\\r\"/f\\\\r.,;:!?\"/' \"$ROOT/02_testing/words.c\" "
        ">words.c;"
        "diff \"$ROOT/02_testing/words.c\" words.c;"
        "${CC:-cc} -std=c17 -D_GNU_SOURCE -I\"$ROOT\" -o mended words.c"
        "    \"$ROOT/02_testing/longest_word_test.c\" \"$ROOT/01_files/cli.c\""
        "    $(pkg-config --libs check || echo -lcheck -lsubunit -lm -lrt)"
        "    -pthread && ./mended");
    const char *const said[] = {
        "< static const char separators[] = \" \\t\\n\\v\\f\\r\";\n",
        "> static const char separators[] = \" \\t\\n\\v\\f\\r.,;:!?\";\n",
        "100%: Checks: 1, Failures: 0, Errors: 0\n",
        "mended: the failure is gone: longest_word is mended\n",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        ck_assert_msg(strstr(child.out.text, said[i]) != NULL,
                      "does not say '%s': %s", said[i], child.out.text);
    ck_assert(WIFEXITED(child.status));
    ck_assert_int_eq(WEXITSTATUS(child.status), 4);
    child_free(&child);
    free(root);
}
END_TEST

TCase *testing_longest_word_test(void)
{
    TCase *tc = tcase_create("longest_word_test");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_mend_of_the_readme_mends);
    return tc;
}
