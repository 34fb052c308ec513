/* flask: what reacts, what stays, and how gdb shows it. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "02_testing/flask.h"
#include "tests/support.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct flask flask;
static const struct material *culprit;

static const struct material ca = {"Ca", NULL};
static const struct material c = {"C", NULL};
static const struct material f = {"F", NULL};

static void set_up(void)
{
    flask = (struct flask){.count = 0};
    culprit = NULL;
}

/* It holds these, in this order, and no others; the list ends with NULL. */
static void holds(const struct material *const *expected)
{
    size_t n = 0;
    for (; expected[n] != NULL; n++) {
        ck_assert_uint_lt(n, flask.count);
        ck_assert_ptr_eq(flask.materials[n], expected[n]);
    }
    ck_assert_uint_eq(flask.count, n);
}
#define HOLDS(...) holds((const struct material *const[]){__VA_ARGS__, NULL})

START_TEST(keeps_the_order)
{
    ck_assert_int_eq(flask_add(&flask, &ca, &culprit), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &c, &culprit), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &f, &culprit), FLASK_OK);
    HOLDS(&ca, &c, &f);
    ck_assert_ptr_null(culprit);
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_OK);
    HOLDS(&ca, &f);
    ck_assert_int_eq(flask_remove(&flask, &ca), FLASK_OK);
    HOLDS(&f);
}
END_TEST

START_TEST(removes_one_of_two)
{
    ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &f, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_OK);
    HOLDS(&f, &c);
}
END_TEST

/* The material itself, not one that has its name. */
START_TEST(what_is_absent_cannot_be_removed)
{
    const struct material namesake = {"C", NULL};
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_ABSENT);
    ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_int_eq(flask_remove(&flask, &namesake), FLASK_ABSENT);
    HOLDS(&c);
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_OK);
    ck_assert_int_eq(flask_remove(&flask, &c), FLASK_ABSENT);
}
END_TEST

/* One of the two names the other, among others: the flask's, or the new one. */
START_TEST(either_side_is_enough)
{
    const struct material reacts = {"K", NAMES("O2", "H2O")};
    const struct material inert = {"H2O", NULL};
    const struct material *both[] = {&reacts, &inert};
    ck_assert_int_eq(flask_add(&flask, &ca, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, both[_i], NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, both[1 - _i], &culprit), FLASK_BOOM);
    ck_assert_ptr_eq(culprit, both[_i]);
    ck_assert_uint_eq(flask.count, 0);
    /* and it can be used again */
    ck_assert_int_eq(flask_add(&flask, both[1 - _i], NULL), FLASK_OK);
    HOLDS(both[1 - _i]);
}
END_TEST

/* The names are compared whole, and as text: another material of that name,
 * its letters at another address, reacts as well.
 */
START_TEST(names_are_compared_as_text)
{
    char same[] = "Na";
    const struct material h2o = {"H2O", NAMES("Na")};
    const struct material longer = {"NaCl", NULL};
    const struct material shorter = {"N", NULL};
    const struct material namesake = {same, NULL};
    ck_assert_int_eq(flask_add(&flask, &h2o, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &longer, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &shorter, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &namesake, NULL), FLASK_BOOM);
}
END_TEST

START_TEST(the_first_that_reacts_is_named)
{
    const struct material one = {"one", NULL};
    const struct material two = {"two", NULL};
    const struct material foe = {"foe", NAMES("two", "one")};
    ck_assert_int_eq(flask_add(&flask, &one, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &two, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &foe, &culprit), FLASK_BOOM);
    ck_assert_ptr_eq(culprit, &one);
}
END_TEST

START_TEST(a_material_may_react_with_itself)
{
    const struct material critical = {"U", NAMES("U")};
    ck_assert_int_eq(flask_add(&flask, &critical, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &critical, NULL), FLASK_BOOM);
}
END_TEST

START_TEST(full_is_full)
{
    const struct material foe = {"foe", NAMES("F")};
    for (int i = 0; i < FLASK_MAX - 1; i++)
        ck_assert_int_eq(flask_add(&flask, &c, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &f, NULL), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &ca, &culprit), FLASK_FULL);
    ck_assert_uint_eq(flask.count, FLASK_MAX);
    ck_assert_ptr_eq(flask.materials[FLASK_MAX - 1], &f);
    ck_assert_ptr_null(culprit);
    /* The last leaves: nothing behind it is moved. */
    ck_assert_int_eq(flask_remove(&flask, &f), FLASK_OK);
    ck_assert_int_eq(flask_add(&flask, &f, NULL), FLASK_OK);
    /* A full flask blows up all the same. */
    ck_assert_int_eq(flask_add(&flask, &foe, &culprit), FLASK_BOOM);
    ck_assert_ptr_eq(culprit, &f);
    ck_assert_uint_eq(flask.count, 0);
}
END_TEST

/* What gdb prints with flask.py loaded, stopped before the sodium goes in. */
static const struct {
    const char *command, *prints;
} printed[] = {
    {"print *flask", "$1 = {Ca, H2O}\n"},
    {"reactions flask", "Ca: nothing\nH2O: Na\n"},
    {"reactions *flask", "Ca: nothing\nH2O: Na\n"},
    {"print/r *flask", "$2 = {materials = {"},
    {"up 2", ""},
    {"print flask", "$3 = {Ca, H2O}\n"},
    {"down 2", ""},
    /* loading it again changes nothing */
    {"source 02_testing/flask.py", ""},
    {"print *flask", "$4 = {Ca, H2O}\n"},
    /* bad words */
    {"reactions", "usage: reactions FLASK\n"},
    {"reactions material", "material is no struct flask\n"},
    {"reactions 3", "3 is no struct flask\n"},
    {"reactions nonsense", "nonsense: No symbol \"nonsense\""},
    /* memory that is not what it should be */
    {"print *(struct flask *)0", "Cannot access memory at address 0x"},
    {"set var flask->count = 0", ""},
    {"print *flask", "$5 = {}\n"},
    {"set var flask->count = 9", ""},
    {"print *flask", "$6 = {not set up yet: count is 9}\n"},
    {"reactions flask", "flask: not set up yet: count is 9\n"},
    {"set var flask->count = 2", ""},
    {"set var flask->materials[0] = (void *)1", ""},
    {"print *flask", "$7 = {?, H2O}\n"},
    {"reactions flask", "flask: Cannot access memory at address 0x"},
};
enum { PRINTED = sizeof printed / sizeof *printed };

/* One run of gdb for all of them; each answer stands behind a mark. */
START_TEST(gdb_prints_it)
{
    char *root = realpath(".", NULL);
    char *alchemy = built("02_testing", "alchemy");
    char *command = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&command, &length);
    if (out == NULL)
        err(1, "open_memstream");
    fprintf(out,
            "cd '%s' && gdb -nx -q -batch -iex 'set debuginfod enabled off'"
            " -x 02_testing/flask.py -ex 'break flask_add if flask->count == 2'"
            " -ex run",
            root);
    for (int i = 0; i < PRINTED; i++)
        fprintf(out, " -ex 'echo <%d>\\n' -ex '%s'", i, printed[i].command);
    fprintf(out, " --args %s", alchemy);
    fclose(out);

    struct child child = run_shell(command);
    ck_assert_msg(strstr(child.out.text, "Traceback") == NULL &&
                      strstr(child.out.text, "Python Exception") == NULL,
                  "%s", child.out.text);
    char *answer = child.out.text;
    for (int i = 0; i < PRINTED; i++) {
        char mark[16];
        snprintf(mark, sizeof mark, "<%d>\n", i);
        answer = strstr(answer, mark);
        ck_assert_msg(answer != NULL, "no %s in: %s", mark, child.out.text);
        answer += strlen(mark);
        ck_assert_msg(
            strncmp(answer, printed[i].prints, strlen(printed[i].prints)) == 0,
            "%s: not '%s' but: %s", printed[i].command, printed[i].prints,
            answer);
    }
    child_free(&child);
    free(command);
    free(alchemy);
    free(root);
}
END_TEST

TCase *testing_flask(void)
{
    TCase *tc = tcase_create("flask");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, keeps_the_order);
    tcase_add_test(tc, removes_one_of_two);
    tcase_add_test(tc, what_is_absent_cannot_be_removed);
    tcase_add_loop_test(tc, either_side_is_enough, 0, 2);
    tcase_add_test(tc, names_are_compared_as_text);
    tcase_add_test(tc, the_first_that_reacts_is_named);
    tcase_add_test(tc, a_material_may_react_with_itself);
    tcase_add_test(tc, full_is_full);
    if (!plain_build())
        return tc;
    if (system("command -v gdb >/dev/null") == 0)
        tcase_add_test(tc, gdb_prints_it);
    else
        printf("(flask.py is not tested: gdb is missing; make deps)\n");
    return tc;
}
