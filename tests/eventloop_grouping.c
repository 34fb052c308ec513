/* grouping: nobody leaves the block before all have ended, whatever happens.
 *
 * What a test expects, turn by turn, is what the same scene in Python has said,
 * with CPython 3.11, 3.12 and 3.13, unless a comment names one; but for two
 * things. Where several members are cancelled, Python's order is any: ours is
 * the one in which they came. And where Python makes a group of several errors,
 * ours is the first.
 */
#include <string.h>

#include "07_eventloop/grouping.h"
#include "07_eventloop/sleep_for.h"
#include "tests/forked.h"
#include "tests/loops.h"
#include "tests/support.h"

static const char boom[] = "boom";
static const char bang[] = "bang";
static const char spite[] = "spite";

static struct task_group *group; /* the outer one of the test */

/* Works for some turns, -1: for ever; cleans up for some when cancelled, and
 * may then come to an error.
 */
struct works {
    struct gen gen;
    const char *name;
    int turns, clean;
    const char *error, *spite;
    int i;
    struct sleep_for sleep_for;
};

static bool works(void *frame, struct future **awaits)
{
    struct works *c = frame;
    GEN_BEGIN(c);
    say("%s begin", c->name);
    for (c->i = 0; c->i != c->turns; c->i++) {
        AWAIT_CALL_TRY(c, sleep_for, .seconds = c->turns == -1 ? 600 : 0);
        if (c->gen.thrown != NULL)
            break;
    }
    if (gen_catch(&c->gen) != NULL) {
        say("%s cancelled", c->name);
        for (c->i = 0; c->i < c->clean; c->i++)
            AWAIT_TURN(c);
        if (c->clean > 0)
            say("%s cleaned", c->name);
        GEN_RAISE(c, c->spite != NULL ? c->spite : error_cancelled);
    }
    say("%s end", c->name);
    if (c->error != NULL)
        GEN_RAISE(c, c->error);
    GEN_END(c);
    return false;
}

/* Adds another member, at once or when it is cancelled. */
struct adds {
    struct gen gen;
    double seconds;
    struct sleep_for sleep_for;
};

static bool adds(void *frame, struct future **awaits)
{
    struct adds *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL(c, sleep_for, .seconds = c->seconds);
    GEN_END(c);
    say("adds");
    task_release(task_group_create(group, works, .name = "c", .turns = 3));
    return false;
}

/* async with TaskGroup: some members, a body that takes some turns and then may
 * fail, or refuse to be cancelled; and behind it a turn more.
 */
struct opens {
    struct gen gen;
    struct works members[3]; /* those with a name */
    bool adds, refuses, then;
    double seconds; /* of adds */
    int body;       /* turns; -1: for ever */
    int clean;      /* turns, when the body is cancelled */
    const char *error;
    struct task_group group;
    int i;
    const char *thrown;
    struct sleep_for sleep_for;
    struct task_group_leave task_group_leave;
};

static struct task *members[8]; /* those of the test; end releases them */
static int member_count;

static void add_members(struct opens *c)
{
    if (c->adds)
        members[member_count++] =
            task_group_create(&c->group, adds, .seconds = c->seconds);
    for (int i = 0; i < 3 && c->members[i].name != NULL; i++)
        members[member_count++] = task_group_add(
            &c->group, task_new(loop_running(), works, "works", &c->members[i],
                                sizeof c->members[i]));
}

static bool opens(void *frame, struct future **awaits)
{
    struct opens *c = frame;
    GEN_BEGIN(c);
    task_group_begin(&c->group);
    group = &c->group;
    add_members(c);
    for (c->i = 0; c->i != c->body; c->i++) {
        AWAIT_CALL_TRY(c, sleep_for, .seconds = c->body == -1 ? 600 : 0);
        if (c->gen.thrown != NULL)
            break;
    }
    c->thrown = gen_catch(&c->gen);
    if (c->thrown != NULL) {
        say("body cancelled");
        for (c->i = 0; c->i < c->clean; c->i++)
            AWAIT_TURN(c);
        if (c->clean > 0)
            say("body cleaned");
    }
    if (c->refuses)
        c->thrown = NULL;
    else if (c->error != NULL)
        c->thrown = c->error;
    AWAIT_CALL_TRY(c, task_group_leave, .group = &c->group, .error = c->thrown);
    c->thrown = gen_catch(&c->gen);
    if (c->thrown != NULL)
        say("-> %s", c->thrown);
    else
        say("left");
    if (c->thrown == error_cancelled)
        GEN_RAISE(c, c->thrown);
    if (c->then) {
        AWAIT_CALL_TRY(c, sleep_for, .seconds = 0);
        say(gen_catch(&c->gen) != NULL ? "then cancelled" : "then");
    }
    GEN_END(c);
    return false;
}

static struct task *parent;

static void finish(void)
{
    while (loop.tasks != NULL)
        turn();
}

static void end(void)
{
    while (member_count > 0)
        task_release(members[--member_count]);
    task_release(parent);
    parent = NULL;
    end_loop();
}

#define OPEN(...) (parent = task_create(&loop, opens, __VA_ARGS__))

static void turns(int n)
{
    while (n-- > 0)
        turn();
}

/* --- All goes well -------------------------------------------------------- */

START_TEST(leaves_when_all_have_ended)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = 2}, {.name = "b", .turns = 4}});
    finish();
    expect_said("| a begin b begin | | a end | | b end | | left |");
    ck_assert_ptr_null(future_error(&parent->future));
    end();
}
END_TEST

START_TEST(of_none_and_of_those_who_ended_before)
{
    begin_loop(_i);
    OPEN(.body = 0);
    finish();
    expect_said("left |");
    task_release(parent);
    OPEN(.members = {{.name = "a"}}, .body = 4);
    finish();
    expect_said("| a begin a end | | | left |");
    end();
}
END_TEST

START_TEST(a_member_adds_another)
{
    begin_loop(_i);
    OPEN(.adds = true);
    finish();
    expect_said("| | adds | c begin | | | c end | | left |");
    end();
}
END_TEST

/* --- One fails ------------------------------------------------------------ */

START_TEST(one_fails_and_cancels_the_others)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = -1, .clean = 3},
                     {.name = "c", .turns = -1}});
    finish();
    expect_said("| a begin b begin c begin | | a end | | "
                "b cancelled c cancelled | | | b cleaned | | -> boom |");
    ck_assert_ptr_null(future_error(&parent->future));
    end();
}
END_TEST

/* It cancels the body, too, where that awaits something; and that cancelling is
 * over when the block is left.
 */
START_TEST(one_fails_and_cancels_the_body)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = -1, .clean = 3}},
         .body = -1, .then = true);
    finish();
    expect_said("| a begin b begin | | a end | | b cancelled body cancelled | "
                "| | b cleaned | | -> boom | then |");
    ck_assert_ptr_null(future_error(&parent->future));
    task_release(parent);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = -1, .clean = 3}},
         .body = 50, .then = true);
    finish();
    expect_said("| a begin b begin | | a end | body cancelled | b cancelled | "
                "| | b cleaned | | -> boom | then |");
    task_release(parent);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = -1}},
         .body = -1, .refuses = true, .then = true);
    finish();
    expect_said("| a begin b begin | | a end | | b cancelled body cancelled | "
                "| -> boom | then |");
    end();
}
END_TEST

START_TEST(the_body_fails)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = -1, .clean = 2}}, .body = 2,
         .error = bang);
    finish();
    expect_said("| a begin | | a cancelled | | a cleaned | | -> bang |");
    end();
}
END_TEST

/* Ours: the first error comes out. The others are for who asks their tasks. */
static void two_fail(const void *data)
{
    const bool *take = data;
    begin_loop(EPOLL);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = 2, .error = bang}});
    finish();
    expect_said("| a begin b begin | | a end b end | | -> boom |");
    if (*take)
        ck_assert_str_eq(future_error(&members[1]->future), bang);
    end();
}

static void body_and_member_fail(const void *data)
{
    (void)data;
    begin_loop(EPOLL);
    OPEN(.members = {{.name = "a", .turns = -1, .clean = 2, .spite = spite}},
         .body = 2, .error = bang);
    finish();
    expect_said("| a begin | | a cancelled | | a cleaned | | -> bang |");
    end();
}

START_TEST(the_first_error_comes_out)
{
    struct forked f = run_forked(two_fail, &(bool){false});
    ck_assert_msg(f.status == 0, "%s", f.out);
    ck_assert(strstr(f.err, "nobody took its error: bang") != NULL);
    f = run_forked(two_fail, &(bool){true});
    ck_assert_msg(f.status == 0, "%s", f.out);
    ck_assert_str_eq(f.err, "");
    f = run_forked(body_and_member_fail, NULL);
    ck_assert_msg(f.status == 0, "%s", f.out);
    ck_assert(strstr(f.err, "nobody took its error: spite") != NULL);
}
END_TEST

/* A second failure leaves the body alone, which cleans up. Ours: of several
 * errors, the body's own one included, it is the first that comes out.
 */
static void second_failure(const void *data)
{
    (void)data;
    begin_loop(EPOLL);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom},
                     {.name = "b", .turns = -1, .clean = 2, .spite = spite}},
         .body = -1, .clean = 8);
    finish();
    expect_said("| a begin b begin | | a end | | b cancelled body cancelled | "
                "| b cleaned | | | | | | body cleaned -> boom |");
    task_release(parent);
    OPEN(.members = {{.name = "a", .turns = 2, .error = boom}}, .body = -1,
         .error = bang);
    finish();
    expect_said("| a begin | | a end | | body cancelled -> boom |");
    end();
}

START_TEST(a_second_failure)
{
    struct forked f = run_forked(second_failure, NULL);
    ck_assert_msg(f.status == 0, "%s", f.out);
    ck_assert(strstr(f.err, "nobody took its error: spite") != NULL);
}
END_TEST

/* One that is cancelled by itself has not failed. */
START_TEST(one_is_cancelled_alone)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = -1}, {.name = "b", .turns = 4}});
    turns(2);
    future_cancel(&members[0]->future);
    finish();
    expect_said("| a begin b begin | a cancelled | | | b end | | left |");
    end();
}
END_TEST

/* Ours: who is added when the others are cancelled never begins. (asyncio
 * raises RuntimeError.) And so it is when the block has been left.
 */
START_TEST(added_too_late)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = 1, .error = boom}}, .adds = true,
         .seconds = 600);
    finish();
    expect_said("| a begin | a end | | adds | | | -> boom |");
    task_release(parent);
    OPEN(.members = {{.name = "a"}});
    finish();
    expect_said("| a begin a end | | left |");
    struct task *late = task_group_add(
        group, coroutine_new(&loop, works, .name = "late", .turns = 0));
    finish();
    expect_said("|");
    ck_assert_ptr_eq(future_error(&late->future), error_cancelled);
    task_release(late);
    end();
}
END_TEST

/* --- The parent is cancelled ---------------------------------------------- */

START_TEST(parent_cancelled)
{
    begin_loop(_i);
    const int bodies[] = {0, -1};
    const char *const said[] = {
        "| a begin b begin | | | a cancelled b cancelled | | | a cleaned | | "
        "-> CancelledError |",
        "| a begin b begin | | body cancelled | a cancelled b cancelled | | | "
        "a cleaned | | -> CancelledError |"};
    for (int i = 0; i < 2; i++) {
        OPEN(.members = {{.name = "a", .turns = -1, .clean = 3},
                         {.name = "b", .turns = -1}},
             .body = bodies[i]);
        turns(3);
        future_cancel(&parent->future);
        finish();
        expect_said(said[i]);
        ck_assert(future_cancelled(&parent->future));
        if (i == 0)
            task_release(parent);
    }
    end();
}
END_TEST

/* Twice: who cleans up is not disturbed. */
START_TEST(parent_cancelled_twice)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = -1, .clean = 5}});
    turns(3);
    future_cancel(&parent->future);
    turns(2);
    future_cancel(&parent->future);
    finish();
    expect_said("| a begin | | | a cancelled | | | | | a cleaned | | "
                "-> CancelledError |");
    ck_assert(future_cancelled(&parent->future));
    end();
}
END_TEST

START_TEST(parent_cancelled_when_the_last_had_ended)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = 2}});
    turns(4);
    expect_said("| a begin | | a end |");
    future_cancel(&parent->future);
    finish();
    expect_said("-> CancelledError |");
    end();
}
END_TEST

/* The rule of 3.13: an error of a member comes out, and the cancelling is not
 * lost: it comes at the next await. (Before 3.13 it was lost.)
 */
START_TEST(parent_cancelled_and_a_member_fails)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = -1, .clean = 2, .spite = spite}},
         .then = true);
    turns(3);
    future_cancel(&parent->future);
    finish();
    expect_said("| a begin | | | a cancelled | | a cleaned | | -> spite | "
                "then cancelled |");
    task_release(parent);
    OPEN(.members = {{.name = "a", .turns = -1, .clean = 2, .spite = spite}},
         .body = -1, .then = true);
    turns(3);
    future_cancel(&parent->future);
    finish();
    expect_said("| a begin | | body cancelled | a cancelled | | a cleaned | | "
                "-> spite | then cancelled |");
    task_release(parent);
    OPEN(.members = {{.name = "a", .turns = 1, .error = boom},
                     {.name = "b", .turns = -1, .clean = 6}},
         .then = true);
    turns(5);
    future_cancel(&parent->future);
    finish();
    expect_said("| a begin b begin | a end | | b cancelled | | | | | | "
                "b cleaned | | -> boom | then cancelled |");
    end();
}
END_TEST

/* --- Groups in groups ----------------------------------------------------- */

struct nests {
    struct gen gen;
    const char *name;
    struct task_group group;
    struct task_group_leave task_group_leave;
};

static bool nests(void *frame, struct future **awaits)
{
    struct nests *c = frame;
    GEN_BEGIN(c);
    task_group_begin(&c->group);
    task_release(
        task_group_create(&c->group, opens,
                          .members = {{.name = "i", .turns = -1, .clean = 2},
                                      {.name = "j", .turns = -1}}));
    task_release(task_group_create(&c->group, works, .name = "a", .turns = 3,
                                   .error = boom));
    AWAIT_CALL(c, task_group_leave, .group = &c->group);
    GEN_END(c);
    say("%s -> %s", c->name, c->gen.error);
    return false;
}

START_TEST(a_group_in_a_group)
{
    begin_loop(_i);
    parent = task_create(&loop, nests, .name = "outer");
    finish();
    expect_said("| a begin | i begin j begin | | a end | | | "
                "i cancelled j cancelled | | i cleaned | | -> CancelledError "
                "| | outer -> boom |");
    ck_assert_str_eq(future_error(&parent->future), boom);
    end();
}
END_TEST

/* Ours: a loop that is closed ends all of it. */
START_TEST(closed_in_the_block)
{
    begin_loop(_i);
    OPEN(.members = {{.name = "a", .turns = -1}}, .adds = true, .seconds = 600);
    turns(3);
    expect_said("| a begin | |");
    while (member_count > 0)
        task_release(members[--member_count]);
    task_release(parent);
    parent = NULL;
    end_loop();
    expect_said("a cancelled adds -> CancelledError");
}
END_TEST

TCase *eventloop_grouping(void)
{
    TCase *tc = tcase_create("grouping");
    tcase_add_loop_test(tc, leaves_when_all_have_ended, 0, BACKENDS);
    tcase_add_loop_test(tc, of_none_and_of_those_who_ended_before, 0, BACKENDS);
    tcase_add_loop_test(tc, a_member_adds_another, 0, BACKENDS);
    tcase_add_loop_test(tc, one_fails_and_cancels_the_others, 0, BACKENDS);
    tcase_add_loop_test(tc, one_fails_and_cancels_the_body, 0, BACKENDS);
    tcase_add_loop_test(tc, the_body_fails, 0, BACKENDS);
    tcase_add_test(tc, the_first_error_comes_out);
    tcase_add_test(tc, a_second_failure);
    tcase_add_loop_test(tc, one_is_cancelled_alone, 0, BACKENDS);
    tcase_add_loop_test(tc, added_too_late, 0, BACKENDS);
    tcase_add_loop_test(tc, parent_cancelled, 0, BACKENDS);
    tcase_add_loop_test(tc, parent_cancelled_twice, 0, BACKENDS);
    tcase_add_loop_test(tc, parent_cancelled_when_the_last_had_ended, 0,
                        BACKENDS);
    tcase_add_loop_test(tc, parent_cancelled_and_a_member_fails, 0, BACKENDS);
    tcase_add_loop_test(tc, a_group_in_a_group, 0, BACKENDS);
    tcase_add_loop_test(tc, closed_in_the_block, 0, BACKENDS);
    return tc;
}
