/* The trap that a transcript cannot show: what the compiler says to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support.h"

/* Compiles a program with these flags, from the root, without linking it. */
static struct child compile(const char *compiler, const char *flags,
                            const char *program)
{
    char command[512];
    char *root = realpath(".", NULL);
    snprintf(command, sizeof command,
             "cd '%s' && LC_ALL=C %s -std=c17 -D_GNU_SOURCE -I. %s"
             " -c -o /dev/null 06_generators/%s.c",
             root, compiler, flags, program);
    free(root);
    return run_shell(command);
}

static bool is_there(const char *compiler)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null", compiler);
    return system(command) == 0;
}

static const char *const compilers[] = {"cc", "gcc", "clang", "musl-gcc"};
enum { COMPILERS = sizeof compilers / sizeof *compilers };

START_TEST(two_yields_on_a_line_do_not_compile)
{
    const char *compiler = compilers[_i];
    if (!is_there(compiler))
        return;
    struct child mended = compile(compiler, "-Wall -Werror", "two_yields");
    ck_assert_msg(mended.status == 0, "%s", mended.out.text);
    child_free(&mended);
    struct child broken = compile(compiler, "-DTWO_ON_A_LINE", "two_yields");
    ck_assert_msg(WIFEXITED(broken.status) && WEXITSTATUS(broken.status) == 1,
                  "%s compiled it", compiler);
    ck_assert_msg(strstr(broken.out.text, "duplicate case") != NULL, "%s",
                  broken.out.text);
    child_free(&broken);
}
END_TEST

TCase *generators_traps(void)
{
    TCase *tc = tcase_create("traps");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, two_yields_on_a_line_do_not_compile, 0, COMPILERS);
    return tc;
}
