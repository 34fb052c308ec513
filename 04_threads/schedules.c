/* schedules.c: two threads run in every order that there is, and the orders
 * that break them are named.
 *
 * Cells: none
 * Run:   make schedules; make schedules ARGS='-m race'; make schedules
 *        ARGS='-s AABBBA'; make schedules ARGS=--play
 * Ask:   two threads, three steps each: how many orders are there, and in how
 *        many of them is no update lost?
 * Watch: 20, and in 2. A test tries some orders, this tries all: so it can say
 *        of a mend that nothing breaks it.
 * See:   models.c, the steps; turns.c, how threads are given turns; race.c,
 *        where nobody gives turns
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "04_threads/models.h"
#include "04_threads/play.h"
#include "04_threads/turns.h"

enum { ROOM = 20, WIDTH = 60, MOST_LETTERS = 100 };

static struct {
    bool each; /* show every schedule with its end, or only name the bad ones */
    int schedules, bad;
    int column; /* of the names */
} report;

/* --- One schedule ---------------------------------------------------------- */

/* Starts two threads, real ones, and gives them turns as the schedule says, a
 * letter for each: "AAB". Returns false where the last of them could not go.
 * No two ever go at the same time, and each sees all that was done before it,
 * so the end is the same on every run. (And so there is no data race here, and
 * the thread sanitizer is silent. The lost update is none the less lost.)
 */
static bool run(const struct model *model, const char *schedule)
{
    model_begin(model);
    if (turns_start(model_go, model_leave) == -1)
        err(CLI_ERROR, "two threads");
    bool went = true;
    for (const char *who = schedule; *who && went; who++)
        //> Both threads are there and sleep until it is their turn: info
        //> threads. Whose is it? p *who. What do they share? p world
        went = turns_give(*who - 'A');
    turns_end();
    return went;
}

/* Adds a step of this thread, if it can go. There is no way back in time, so
 * all is run again from the start. If it cannot go, the schedule and the world
 * are as they were before.
 */
static bool extend(const struct model *model, char *schedule, char who)
{
    size_t n = strlen(schedule);
    if (n + 1 == ROOM)
        errx(CLI_ERROR, "%s: no end after '%s'", model->name, schedule);
    memcpy(schedule + n, (char[]){who, '\0'}, 2);
    bool went = run(model, schedule);
    if (!went)
        schedule[n] = '\0';
    return went;
}

/* --- How it ended ---------------------------------------------------------- */

/* Nobody can go any more. Who has a step left waits for ever. */
static void print_end(void)
{
    printf("%s", model_is_bad() ? world.model->fault : "all is well");
    const char *between = ": ";
    for (int i = 0; i < THREADS; i++)
        if (model_next(i) != NULL) {
            printf("%s%c waits at %s", between, 'A' + i, model_next(i)->text);
            between = ", ";
        }
    putchar('\n');
}

static void judge(const char *schedule)
{
    bool bad = model_is_bad();
    report.schedules++;
    report.bad += bad;
    if (report.each) {
        printf("  %-10s", schedule);
        model_print_values(false);
        printf("  ");
        print_end();
    } else if (bad) {
        if (report.column > WIDTH) {
            putchar('\n');
            report.column = 0;
        }
        report.column += printf("%s%s", report.column ? " " : "  ", schedule);
    }
}

/* --- All schedules --------------------------------------------------------- */

/* Goes on from a schedule in every way there is, and judges those at whose end
 * nobody can go. An order in which somebody goes who has to wait cannot happen,
 * and is not counted.
 */
static void explore(const struct model *model, char *schedule)
{
    size_t n = strlen(schedule);
    bool at_end = true;
    for (const char *who = "AB"; *who; who++) {
        //> From here either A goes on or B, if it need not wait; and from
        //> there again: p schedule, p *who, bt
        if (extend(model, schedule, *who)) {
            at_end = false;
            explore(model, schedule);
            schedule[n] = '\0';
        }
    }
    if (at_end)
        //> Nobody can go. Is all done? Or does each wait for the other? p world
        judge(schedule);
}

static void print_steps(const struct model *model)
{
    printf("%s: %s\n", model->name, model->about);
    for (int i = 0; i < THREADS; i++) {
        printf("  %c  ", 'A' + i);
        for (const struct step *s = model->steps[i]; s->text; s++)
            printf("%s%s", s->text, s[1].text ? ", " : "\n");
    }
}

static void run_all(const struct model *model, bool each)
{
    report.each = each;
    report.schedules = report.bad = report.column = 0;
    print_steps(model);
    if (each) {
        printf("\n  %-10s", "schedule");
        model_begin(model);
        model_print_values(true);
        putchar('\n');
    }
    char schedule[ROOM] = "";
    explore(model, schedule);
    //> That was all of them: p report
    printf("%s  %d of %d schedules: %s\n", report.column ? "\n" : "",
           report.bad, report.schedules, model->fault);
    if (report.schedules != model->schedules || report.bad != model->bad)
        errx(CLI_NO_SHOW, "%s: not the %d of %d that were promised",
             model->name, model->bad, model->schedules);
}

/* --- The one that was asked for: -s ---------------------------------------- */

static bool can_go(const struct model *model, const char *schedule, char who)
{
    char longer[ROOM];
    snprintf(longer, sizeof longer, "%s", schedule);
    return extend(model, longer, who);
}

/* Ends the program where the letters do not lead from the start to an end. */
static void check(const struct model *model, const char *letters)
{
    char schedule[ROOM] = "";
    size_t good = strspn(letters, "AB");
    if (letters[good] != '\0')
        errx(CLI_USAGE, "-s '%s': letter %zu is neither A nor B", letters,
             good + 1);
    if (good > MOST_LETTERS)
        errx(CLI_USAGE, "-s: too long: %zu letters, at most %d", good,
             MOST_LETTERS);
    for (size_t i = 0; letters[i] != '\0'; i++)
        if (!extend(model, schedule, letters[i]) &&
            model_next(letters[i] - 'A') == NULL)
            errx(CLI_USAGE, "-s '%s': too long: at letter %zu %c has ended",
                 letters, i + 1, letters[i]);
    bool can_a = can_go(model, schedule, 'A');
    bool can_b = can_go(model, schedule, 'B');
    run(model, schedule);
    if (can_a || can_b)
        errx(CLI_USAGE, "-s '%s': too short:%s%s%s%s%s", letters,
             can_a ? " A can go on with " : "",
             can_a ? model_next(0)->text : "", can_a && can_b ? "," : "",
             can_b ? " B can go on with " : "",
             can_b ? model_next(1)->text : "");
}

/* A column for each thread, then the values. */
static void print_turn(const char *a, const char *b)
{
    printf("  %-15s%-13s", a, b);
    model_print_values(false);
}

/* Who is given a turn and has to wait stays where it is. */
static void show(const struct model *model, const char *letters)
{
    char schedule[ROOM] = "";
    printf("%s %s: %s\n\n  %-15s%-13s", model->name, letters, model->about, "A",
           "B");
    run(model, schedule);
    model_print_values(true);
    putchar('\n');
    print_turn("", "");
    putchar('\n');
    for (; *letters; letters++) {
        const char *step = model_next(*letters - 'A')->text;
        bool went = extend(model, schedule, *letters);
        print_turn(*letters == 'A' ? step : "", *letters == 'B' ? step : "");
        puts(went ? "" : "  has to wait");
    }
    printf("\n  ");
    print_end();
}

static const struct model *find(const char *name)
{
    for (int i = 0; i < MODELS; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    errx(CLI_USAGE, "-m '%s': %s, %s, %s, %s, %s or %s", name, models[0].name,
         models[1].name, models[2].name, models[3].name, models[4].name,
         models[5].name);
}

int main(int argc, char **argv)
{
    static const char *name, *letters;
    static bool by_hand;
    static const struct cli cli = {
        .about = "run two threads in every order that there is",
        .options = {{'m', "model", "only {NAME}, and each of its schedules",
                     CLI_TEXT(&name)},
                    {'s', "schedule", "only this one, such as {AABBBA}",
                     CLI_TEXT(&letters)},
                    {0, "play", "give the turns yourself, by the keys a and b",
                     CLI_FLAG(&by_hand)}}};
    cli_parse(&cli, argc, argv);
    if (by_hand && letters)
        errx(CLI_USAGE, "-s '%s': not together with --play", letters);

    const struct model *one = name ? find(name) : &models[0];
    if (by_hand) {
        play_model(one, run);
    } else if (letters) {
        check(one, letters);
        show(one, letters);
    } else if (name) {
        run_all(one, true);
    } else {
        for (int i = 0; i < MODELS; i++) {
            fputs(i ? "\n" : "", stdout);
            run_all(&models[i], false);
        }
    }
    return CLI_OK;
}
