#include "04_threads/play.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "03_processes/screen.h"

enum { MOST_TURNS = 20, COLUMN = 24, CTRL_C = 3 };

static struct game {
    const struct model *model;
    bool (*run)(const struct model *model, const char *schedule);
    char schedule[MOST_TURNS + 1];
    bool can_go[THREADS];
    char refused; /* who was told to go just now and could not, or 0 */
} game;

/* --- The page -------------------------------------------------------------- */

static int count(const struct step *steps)
{
    int n = 0;
    while (steps[n].text != NULL)
        n++;
    return n;
}

/* A row of a thread's column: its next step is marked. */
static void draw_step(int who, int row)
{
    const struct step *steps = game.model->steps[who];
    int next = world.threads[who].next;
    char cell[COLUMN + 1] = "";
    if (row < count(steps))
        snprintf(cell, sizeof cell, "%s %s%s", row == next ? ">" : " ",
                 steps[row].text,
                 row == next && !game.can_go[who] ? " (waits)" : "");
    printf("%s%-*s%s", screen_style(row < next ? STYLE_DIM : STYLE_END), COLUMN,
           cell, screen_style(STYLE_END));
}

static void draw_verdict(void)
{
    const struct model *model = game.model;
    bool over = !game.can_go[0] && !game.can_go[1];
    if (over && model_is_bad())
        printf("%sBroken: %s.%s The mend: n\n", screen_style(STYLE_BAD),
               model->fault, screen_style(STYLE_END));
    else if (over)
        printf("%sAll is well%s%s\n", screen_style(STYLE_GOOD),
               screen_style(STYLE_END),
               model->bad ? ". Another way? u or r"
                          : ", as at the end of every order.");
    else if (game.refused)
        printf("%c %s.\n", game.refused,
               model_next(game.refused - 'A') ? "has to wait"
                                              : "has no step left");
    else
        printf("Who goes?\n");
}

static void draw(void)
{
    const struct model *model = game.model;
    screen_clear();
    printf("%s%s%s: %s\n%s %s\n\n  %-*sB\n", screen_style(STYLE_TITLE),
           model->name, screen_style(STYLE_END), model->about,
           model->bad ? "Break it. The aim:"
                      : "This is the mend. Break it, if you can:",
           model->fault, COLUMN, "A");
    for (int i = 0; i < count(model->steps[0]) || i < count(model->steps[1]);
         i++) {
        draw_step(0, i);
        draw_step(1, i);
        putchar('\n');
    }
    putchar('\n');
    model_print_values(true);
    putchar('\n');
    model_print_values(false);
    printf("\n\nschedule %s\n\n", game.schedule);
    draw_verdict();
    printf("a, b: a turn   u: undo   r: restart   n: next model   q: quit ");
}

/* --- The game -------------------------------------------------------------- */

/* Returns whether the thread could go; if not, nothing has changed. */
static bool go(char who)
{
    size_t n = strlen(game.schedule);
    if (n == MOST_TURNS)
        return false;
    memcpy(game.schedule + n, (char[]){who, '\0'}, 2);
    bool went = game.run(game.model, game.schedule);
    if (!went)
        game.schedule[n] = '\0';
    return went;
}

static void undo(void)
{
    size_t n = strlen(game.schedule);
    if (n > 0)
        game.schedule[n - 1] = '\0';
}

/* Who could go is found by letting each go, and taking it back. */
static void look_ahead(void)
{
    for (int i = 0; i < THREADS; i++) {
        game.can_go[i] = go((char)('A' + i));
        if (game.can_go[i])
            undo();
    }
    game.run(game.model, game.schedule);
}

static void end_at_once(int sig)
{
    screen_restore(false);
    raise(sig); /* SA_RESETHAND has put the default action back */
}

static void catch_signals(void)
{
    const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction end = {.sa_handler = end_at_once,
                            .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (sigaction(ending[i], NULL, &before) == 0 &&
            before.sa_handler != SIG_IGN) /* nohup: what is ignored stays so */
            sigaction(ending[i], &end, NULL);
}

static void begin(const struct model *model)
{
    game.model = model;
    game.schedule[0] = '\0';
}

void play_model(const struct model *model,
                bool (*run)(const struct model *model, const char *schedule))
{
    screen_open();
    if (!screen_attended())
        errx(1, "--play: needs a terminal");
    catch_signals();
    game.run = run;
    begin(model);
    for (;;) {
        look_ahead();
        draw();
        game.refused = 0;
        int key = screen_key();
        if (key >= 'A' && key <= 'Z')
            key += 'a' - 'A';
        switch (key) {
        case 'a':
        case 'b':
            if (!go((char)(key - 'a' + 'A')))
                game.refused = (char)(key - 'a' + 'A');
            break;
        case 'u':
            undo();
            break;
        case 'r':
            begin(game.model);
            break;
        case 'n':
            begin(&models[(game.model - models + 1) % MODELS]);
            break;
        case CTRL_C:
        case 'q':
            putchar('\n');
            if (key == CTRL_C)
                raise(SIGINT);
            return;
        default: /* also Ctrl-Z: the job has been stopped, and goes on */
            break;
        }
    }
}
