/* The same three steps four ways: whatever the file, all four print the same,
 * leave the same in it and end alike.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support.h"

static const char *const ways[] = {"callback_hell", "callback_named",
                                   "waterfall", "promises"};
enum { WAYS = sizeof ways / sizeof *ways };

/* $WAY is one of them. */
static const char *const commands[] = {
    "$WAY",
    "printf 'a\\nb\\n' >f && $WAY f; echo $?; cat f",
    ": >f && $WAY f; echo $?; cat f",
    "printf 'no end' >f && $WAY f; echo $?; cat f",
    "printf 'a\\0b\\n' >f && $WAY f; echo $?; od -c f",
    "$WAY missing; echo $?",
    "mkdir d && $WAY d; echo $?",
    "printf 'a\\n' >f && $WAY f && $WAY f && cat f",
    "seq 100000 >f && $WAY f | cksum; cksum f",
};

static char *run_way(const char *command, const char *way)
{
    char *line = NULL;
    char *out = NULL;
    size_t length = 0;
    if (asprintf(&line, "WAY=%s; %s", way, command) == -1)
        err(1, "asprintf");
    struct child child = run_shell(line);
    /* Its name in its messages is the one thing that differs. */
    FILE *text = open_memstream(&out, &length);
    if (text == NULL)
        err(1, "open_memstream");
    const char *at = child.out.text;
    for (const char *name; (name = strstr(at, way)) != NULL;) {
        fprintf(text, "%.*sWAY", (int)(name - at), at);
        at = name + strlen(way);
    }
    fprintf(text, "%s(status %d)", at, child.status);
    fclose(text);
    child_free(&child);
    free(line);
    return out;
}

START_TEST(all_four_do_the_same)
{
    char *first = run_way(commands[_i], ways[0]);
    for (int i = 1; i < WAYS; i++) {
        char *other = run_way(commands[_i], ways[i]);
        ck_assert_msg(strcmp(first, other) == 0, "%s:\n%s\n%s:\n%s", ways[0],
                      first, ways[i], other);
        free(other);
    }
    free(first);
}
END_TEST

TCase *eventloop_four_ways(void)
{
    TCase *tc = tcase_create("four_ways");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, all_four_do_the_same, 0,
                        (int)(sizeof commands / sizeof *commands));
    return tc;
}
