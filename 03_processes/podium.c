#include "03_processes/podium.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "03_processes/listing.h"
#include "03_processes/screen.h"

enum { ENTER = '\n', CTRL_C = 3, CTRL_D = 4 };

/* --- What a word means ------------------------------------------------- */

const char *podium_name(const struct podium *podium, const char *text,
                        char **why)
{
    const char *found = NULL;
    size_t several = 0;
    size_t length = 0;
    FILE *list = open_memstream(why, &length);
    if (list == NULL)
        err(CLI_ERROR, "the lecture");
    for (size_t i = 0; i < 2 * podium->count; i++) {
        const struct program *p = podium->steps[i / 2].program;
        const char *name = i % 2 ? p->name : p->chapter;
        if (strcmp(name, text) == 0) {
            fclose(list);
            free(*why);
            *why = NULL;
            return name;
        }
        /* Those of one chapter stand one behind the other. */
        bool seen =
            i > 1 && i % 2 == 0 &&
            strcmp(name, podium->steps[i / 2 - 1].program->chapter) == 0;
        if (*text == '\0' || seen || strncmp(name, text, strlen(text)) != 0)
            continue;
        fprintf(list, "%s%s", several++ > 0 ? ", " : "may be ", name);
        found = name;
    }
    if (several == 0)
        fprintf(list, "no program or chapter here has this name");
    fclose(list);
    if (several != 1)
        return NULL;
    free(*why);
    *why = NULL;
    return found;
}

size_t podium_step(const struct podium *podium, const char *name)
{
    size_t i = 0;
    while (strcmp(podium->steps[i].program->name, name) != 0 &&
           strcmp(podium->steps[i].program->chapter, name) != 0)
        i++;
    return i;
}

/* --- What a page shows -------------------------------------------------- */

int podium_title(const struct podium *podium)
{
    const struct program *p = podium->steps[podium->at].program;
    char title[256];
    snprintf(title, sizeof title, "[%zu/%zu] %s/%s", podium->at + 1,
             podium->count, p->chapter, p->name);
    screen_rule(title, STYLE_TITLE);
    int lines = 2 + screen_paragraph("", p->claim);
    lines += screen_paragraph("Cells", p->cells);
    putchar('\n');
    return lines;
}

int podium_source(const struct step *s, int from, int rows)
{
    const struct program *p = s->program;
    int next = listing_show(p->path, from ? from : p->header_lines + 1, rows);
    if (next == -1)
        warn("%s", p->path);
    return next == -1 ? 0 : next;
}

void podium_ask(const struct step *s)
{
    if (*s->program->ask)
        putchar('\n');
    screen_paragraph("Ask", s->program->ask);
}

static enum style style_of(const struct step *s)
{
    return s->outcome == KEPT     ? STYLE_GOOD
           : s->outcome == BROKEN ? STYLE_BAD
                                  : STYLE_DIM;
}

void podium_ending(const struct step *s)
{
    char words[128];
    snprintf(words, sizeof words, "%s, %.3f s", s->did, s->seconds);
    screen_rule(words, style_of(s));
    screen_paragraph("Watch", s->program->watch);
    screen_paragraph("Try", s->program->run);
    screen_paragraph("See", s->program->see);
}

/* --- Sums --------------------------------------------------------------- */

struct sums {
    size_t of[LEFT_OUT + 1]; /* by outcome */
    double seconds;
};

static struct sums sum_up(const struct podium *podium)
{
    struct sums sums = {0};
    for (size_t i = 0; i < podium->count; i++) {
        sums.of[podium->steps[i].outcome]++;
        sums.seconds += podium->steps[i].seconds;
    }
    return sums;
}

static void print_sums(const struct sums *sums)
{
    printf("%zu kept %s promise, %zu did not", sums->of[KEPT],
           sums->of[KEPT] == 1 ? "its" : "their", sums->of[BROKEN]);
    if (sums->of[LEFT_OUT] > 0)
        printf(", %zu left out", sums->of[LEFT_OUT]);
    printf("; %.3f s\n", sums->seconds);
}

void podium_progress(const struct podium *podium)
{
    struct sums sums = sum_up(podium);
    printf("\n[%zu/%zu] ", podium->at + 1, podium->count);
    print_sums(&sums);
    putchar('\n');
}

/* A row is name, time, claim and outcome, where they fit, and else a line for
 * each. The outcome stands at the right edge, and the claim takes the rest.
 */
static void print_row(const struct step *s, int names)
{
    enum { LEAST_CLAIM = 16 };
    char left[128];
    int n = snprintf(left, sizeof left, "  %-*s %7.3f s  ", names,
                     s->program->name, s->seconds);
    int room = screen_columns() - n - 2 - screen_length(s->did);
    bool fits = room >= LEAST_CLAIM;
    printf("%s", left);
    if (fits)
        screen_cut(s->program->claim, room, true);
    printf("%s%s", fits ? "  " : "\n    ", screen_style(style_of(s)));
    screen_cut(s->did, screen_columns() - 4, false);
    printf("%s\n", screen_style(STYLE_END));
    if (!fits) {
        printf("    ");
        screen_cut(s->program->claim, screen_columns() - 4, false);
        putchar('\n');
    }
}

bool podium_table(const struct podium *podium)
{
    const char *chapter = "";
    int names = 0;
    for (size_t i = 0; i < podium->count; i++) {
        int length = screen_length(podium->steps[i].program->name);
        if (podium->steps[i].outcome != NOT_RUN && length > names)
            names = length;
    }
    for (size_t i = 0; i < podium->count; i++) {
        const struct step *s = &podium->steps[i];
        if (s->outcome == NOT_RUN)
            continue;
        if (strcmp(s->program->chapter, chapter) != 0) {
            chapter = s->program->chapter;
            screen_rule(chapter, STYLE_TITLE);
        }
        print_row(s, names);
    }
    struct sums sums = sum_up(podium);
    if (sums.of[NOT_RUN] < podium->count) {
        screen_rule(NULL, STYLE_DIM);
        print_sums(&sums);
    }
    return sums.of[BROKEN] == 0;
}

void podium_list(const struct catalogue *c)
{
    int widths[3] = {0};
    for (size_t i = 0; i < c->count; i++) {
        const char *columns[] = {c->programs[i].chapter, c->programs[i].name,
                                 c->programs[i].cells};
        for (int k = 0; k < 3; k++)
            if (screen_length(columns[k]) > widths[k])
                widths[k] = screen_length(columns[k]);
    }
    int room = screen_columns() - widths[0] - widths[1] - widths[2] - 6;
    for (size_t i = 0; i < c->count; i++) {
        const struct program *p = &c->programs[i];
        if (!screen_is_terminal() || room >= 20) {
            printf("%-*s  %-*s  %-*s  ", widths[0], p->chapter, widths[1],
                   p->name, widths[2], p->cells);
            screen_cut(p->claim, screen_is_terminal() ? room : INT_MAX, false);
        } else {
            char title[256];
            snprintf(title, sizeof title, "%s/%s %s", p->chapter, p->name,
                     p->cells);
            screen_cut(title, screen_columns(), false);
            printf("\n  ");
            screen_cut(p->claim, screen_columns() - 2, false);
        }
        putchar('\n');
    }
}

/* --- With a terminal ---------------------------------------------------- */

/* How far the page has come: what Enter does next. */
enum stage { READING, READY, DONE };

struct page {
    enum stage stage;
    int from; /* the first line of the source that is not shown yet */
};

/* Runs a shell command, $1 of which is the word, in the foreground and with
 * the terminal: make, the debugger, an editor. Returns its exit status, or -1
 * where it had none.
 */
static int foreground(const char *command, const char *word)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == -1) {
        warn("fork");
        return -1;
    }
    if (pid == 0) {
        setpgid(0, 0);
        screen_give(getpid());
        signal(SIGPIPE, SIG_DFL);
        execlp("sh", "sh", "-c", command, "sh", word, (char *)NULL);
        warn("sh");
        _exit(127);
    }
    int status = 0;
    for (;;) {
        pid_t n = waitpid(pid, &status, WUNTRACED);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 || !WIFSTOPPED(status))
            break;
        /* Ctrl-Z stopped it: the whole job stops, and later goes on. */
        screen_restore(false);
        kill(0, SIGTSTP);
        screen_give(pid);
        kill(-pid, SIGCONT);
    }
    screen_restore(true);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Shows more of the source, and behind its end the question. */
static void turn_page(struct podium *podium, struct page *page, int used)
{
    const struct step *s = &podium->steps[podium->at];
    int below = 3 + screen_length(s->program->ask) / screen_columns();
    int rows = screen_rows() - used - below;
    page->from = podium_source(s, page->from, rows < 3 ? 3 : rows);
    page->stage = page->from ? READING : READY;
    if (page->stage == READY)
        podium_ask(s);
}

static void open_page(struct podium *podium, struct page *page, size_t at)
{
    podium->at = at;
    *page = (struct page){READING, 0};
    screen_clear();
    turn_page(podium, page, podium_title(podium));
}

static void run_page(struct podium *podium, struct page *page)
{
    struct step *s = &podium->steps[podium->at];
    podium->run(s);
    podium_ending(s);
    page->stage = DONE;
}

static void tour(const struct step *s)
{
    foreground("exec make -s \"tour-$1\"", s->program->name);
    screen_rule("back from the tour", STYLE_DIM);
}

/* The headers may have been edited; the steps keep their outcomes. */
static void read_again(struct podium *podium)
{
    struct catalogue fresh;
    if (catalogue_read(&fresh) == -1)
        return;
    bool all = true;
    for (size_t i = 0; i < podium->count; i++)
        all &= catalogue_find(&fresh, podium->steps[i].program->name) != NULL;
    if (!all) { /* it is no program any more: its page stays as it was */
        catalogue_free(&fresh);
        return;
    }
    for (size_t i = 0; i < podium->count; i++) {
        const struct program **p = &podium->steps[i].program;
        *p = catalogue_find(&fresh, (*p)->name);
    }
    catalogue_free(podium->catalogue);
    *podium->catalogue = fresh;
}

static void edit(struct podium *podium, struct page *page)
{
    const struct program *p = podium->steps[podium->at].program;
    char target[PATH_MAX];
    snprintf(target, sizeof target, "%s/%s/%s", podium->build, p->chapter,
             p->name);
    if (foreground("exec ${VISUAL:-${EDITOR:-vi}} \"$1\"", p->path) != 0) {
        screen_rule("the editor failed", STYLE_BAD);
        return;
    }
    bool built = foreground("exec make -s \"$1\"", target) == 0;
    read_again(podium);
    if (built)
        open_page(podium, page, podium->at);
    else
        screen_rule("it does not build: e edits again", STYLE_BAD);
}

static void jump(struct podium *podium, struct page *page)
{
    char name[128];
    if (!screen_ask("jump to: ", name, sizeof name))
        return;
    char *why = NULL;
    const char *meant = podium_name(podium, name, &why);
    if (meant != NULL) {
        open_page(podium, page, podium_step(podium, meant));
        return;
    }
    for (const char *c = name; *c; c++)
        screen_put((unsigned char)*c);
    printf(": %s\n", why);
    free(why);
}

static void help(void)
{
    screen_paragraph("Enter",
                     "more of the source, then the run, then the next program");
    screen_paragraph("n, b", "the next program, back to the one before");
    screen_paragraph("r", "run it, or run it again");
    screen_paragraph("t", "tour: step through it in gdb");
    screen_paragraph("e", "edit its source, and rebuild it");
    screen_paragraph("j", "jump to a program or chapter by its name, or the "
                          "beginning of it");
    screen_paragraph("q", "quit");
    screen_paragraph("Ctrl-C", "ends a program that runs");
}

/* The line at the bottom: where we are, what Enter does, and the keys: with a
 * word as many as fit, and the letters of the others.
 */
static int prompt(const struct podium *podium, const struct page *page)
{
    static const char *const enter[] = {[READING] = "enter: more",
                                        [READY] = "enter: run",
                                        [DONE] = "enter: next"};
    static const char *const keys[] = {"n next", "b back", "r run", "t tour",
                                       "e edit", "j jump", "q quit"};
    enum { KEYS = sizeof keys / sizeof *keys };
    static const char help_key[] = "  ? help ";
    const char *goes_on = enter[page->stage];
    char place[64];
    snprintf(place, sizeof place, "[%zu/%zu] ", podium->at + 1, podium->count);
    const char *name = podium->steps[podium->at].program->name;
    int room = screen_columns() - screen_length(place) - screen_length(name) -
               2 - screen_length(goes_on) - (int)sizeof help_key;
    printf("%s%s", screen_style(STYLE_TITLE), place);
    screen_cut(name, screen_length(name) + (room < 0 ? room : 0), false);
    printf("%s  %s%s", screen_style(STYLE_END), screen_style(STYLE_DIM),
           goes_on);
    for (int i = 0; i < KEYS; i++)
        if (room >= 2 + screen_length(keys[i]) + 2 * (KEYS - 1 - i))
            room -= printf("  %s", keys[i]);
        else if (room >= 3)
            room -= printf("%s%c", i > 0 ? " " : "  ", keys[i][0]);
    printf("%s%s", help_key, screen_style(STYLE_END));
    int key = screen_key();
    screen_clear_line();
    return key;
}

/* What Enter does depends on how far the page has come. */
static int meaning_of(int key, const struct page *page)
{
    if (key != ENTER && key != ' ' && key != KEY_RIGHT && key != KEY_PAGE_DOWN)
        return key == KEY_LEFT || key == KEY_PAGE_UP ? 'b' : key;
    return page->stage == READING ? ENTER : page->stage == READY ? 'r' : 'n';
}

void podium_walk(struct podium *podium)
{
    struct page page;
    open_page(podium, &page, podium->at);
    for (;;) {
        switch (meaning_of(prompt(podium, &page), &page)) {
        case ENTER:
            turn_page(podium, &page, 0);
            break;
        case 'r':
            run_page(podium, &page);
            break;
        case 'n':
            if (podium->at + 1 == podium->count) {
                putchar('\n');
                return;
            }
            open_page(podium, &page, podium->at + 1);
            break;
        case 'b':
            if (podium->at > 0)
                open_page(podium, &page, podium->at - 1);
            break;
        case 't':
            tour(&podium->steps[podium->at]);
            break;
        case 'e':
            edit(podium, &page);
            break;
        case 'j':
            jump(podium, &page);
            break;
        case '?':
        case 'h':
        case CTRL_C: /* ends a program, not the lecture: what does, then? */
            help();
            break;
        case 'q':
        case CTRL_D:
            putchar('\n');
            return;
        default:
            break;
        }
        if (ferror(stdout))
            return;
    }
}
