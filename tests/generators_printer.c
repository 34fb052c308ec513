/* gen.py: how gdb shows a struct gen. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

struct question {
    const char *command, *prints; /* @ in them is the line of the yield */
};

static int line_of(const char *path, const char *text)
{
    char line[256];
    int number = 0;
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        if (strstr(line, text) != NULL) {
            fclose(file);
            return number;
        }
    }
    ck_abort_msg("%s: no %s", path, text);
}

static void put(FILE *out, const char *text, int line)
{
    for (; *text != '\0'; text++)
        if (*text == '@')
            fprintf(out, "%d", line);
        else
            putc(*text, out);
}

/* One run of gdb for all of them; each answer stands behind a mark. */
static void ask_gdb(const char *program, int line, const struct question *all)
{
    char *root = realpath(".", NULL);
    char *path = built("06_generators", program);
    char *command = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&command, &length);
    if (out == NULL)
        err(1, "open_memstream");
    fprintf(out,
            "cd '%s' && gdb -nx -q -batch -iex 'set debuginfod enabled off'"
            " -iex 'set width 0' -x 06_generators/gen.py",
            root);
    for (int i = 0; all[i].command != NULL; i++) {
        fprintf(out, " -ex 'echo <%d>\\n' -ex '", i);
        put(out, all[i].command, line);
        fprintf(out, "'");
    }
    fprintf(out, " --args %s", path);
    fclose(out);

    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, "Python Exception") == NULL &&
                      strstr(child.out.text, "Traceback") == NULL,
                  "%s", child.out.text);
    char *answer = child.out.text;
    for (int i = 0; all[i].command != NULL; i++) {
        char mark[16];
        char expected[256] = "";
        snprintf(mark, sizeof mark, "<%d>\n", i);
        FILE *text = fmemopen(expected, sizeof expected, "w");
        if (text == NULL)
            err(1, "fmemopen");
        put(text, all[i].prints, line);
        fclose(text);
        answer = strstr(answer, mark);
        ck_assert_msg(answer != NULL, "no %s in: %s", mark, child.out.text);
        answer += strlen(mark);
        ck_assert_msg(strncmp(answer, expected, strlen(expected)) == 0,
                      "%s: not '%s' but: %s", all[i].command, expected, answer);
    }
    child_free(&child);
    free(command);
    free(path);
    free(root);
}

START_TEST(each_state_has_its_words)
{
    static const struct question all[] = {
        {"break multiples_next", ""},
        {"run", ""},
        {"print *g", "$1 = {gen = not begun, n = 1, factor = 2}\n"},
        {"next", ""},
        {"print g->gen", "$2 = running since its beginning\n"},
        {"finish", ""},
        {"print g",
         "$4 = {gen = asleep at line @: GEN_TRY_YIELD(g), n = 2, factor = 2}"},
        {"print/r g.gen", "$5 = {line = @, thrown = 0x0, error = 0x0}\n"},
        {"continue", ""},
        {"next", ""},
        {"print g->gen", "$6 = running since line @\n"},
        {"set var g->gen.thrown = gen_exit", ""},
        {"print g->gen", "$7 = running since line @ (thrown: GeneratorExit)"},
        {"set var g->gen.line = @", ""},
        {"print g->gen",
         "$8 = asleep at line @: GEN_TRY_YIELD(g) (thrown: GeneratorExit)\n"},
        {"set var g->gen.thrown = 0", ""},
        {"set var g->gen.line = -1", ""},
        {"print g->gen", "$9 = ended\n"},
        {"set var g->gen.error = gen_exit", ""},
        {"print g->gen", "$10 = ended by GeneratorExit\n"},
        /* memory that is not what it should be */
        {"set var g->gen.error = (char *)1", ""},
        {"print g->gen", "$11 = ended by ?\n"},
        {"set var g->gen.line = 1", ""},
        {"print g->gen", "$12 = asleep at line 1\n"},
        {"set var g->gen.line = 1000000", ""},
        {"print g->gen", "$13 = asleep at line 1000000\n"},
        {"print *(struct gen *)0", "Cannot access memory at address 0x0\n"},
        /* loading it again changes nothing */
        {"source 06_generators/gen.py", ""},
        {"print g->gen", "$14 = asleep at line 1000000\n"},
        {NULL, NULL},
    };
    ask_gdb("multiples",
            line_of("06_generators/multiples.c", "GEN_TRY_YIELD(g);"), all);
}
END_TEST

/* Where no function of that file is being called, its yields are found too. */
START_TEST(finds_the_file_among_all)
{
    static const struct question all[] = {
        {"print main::generators[0].gen", "$1 = not begun\n"},
        {"starti", ""},
        {"set var main::generators[0].gen.line = @", ""},
        {"print main::generators[0].gen",
         "$2 = asleep at line @: GEN_YIELD(g)\n"},
        {NULL, NULL},
    };
    ask_gdb("requests_gen",
            line_of("06_generators/requests_gen.c", "GEN_YIELD(g);"), all);
}
END_TEST

TCase *generators_printer(void)
{
    if (!plain_build() || system("gdb -v >/dev/null 2>&1") != 0)
        return NULL;
    TCase *tc = tcase_create("printer");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_state_has_its_words);
    tcase_add_test(tc, finds_the_file_among_all);
    return tc;
}
