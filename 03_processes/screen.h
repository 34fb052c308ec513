/* screen: the terminal as a page: its size, its colours, its keys.
 *
 *     screen_open();
 *     printf("%srace%s\n", screen_style(STYLE_TITLE), screen_style(STYLE_END));
 *     int key = screen_key();
 *
 * Without a terminal nothing here prints an escape sequence. The terminal is
 * in raw mode only while screen_key or screen_ask wait.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum style {
    STYLE_END,
    STYLE_TITLE,
    STYLE_DIM,
    STYLE_REMARK,
    STYLE_GOOD,
    STYLE_BAD
};

/* Keys that are no character. Page down and up are what a presenter's remote
 * control sends.
 */
enum screen_key {
    KEY_OTHER = 256, /* to be ignored */
    KEY_LEFT,
    KEY_RIGHT,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
};

/* Looks at descriptors 0 and 1 and at TERM and NO_COLOR. The terminal's
 * settings of this moment are put back at exit. Call it once, first.
 */
void screen_open(void);

/* Whether somebody sits there: keys can be read, and output is seen. */
bool screen_attended(void);

/* Whether standard output is a terminal. */
bool screen_is_terminal(void);

/* The size in characters: COLUMNS and LINES, or the terminal's own, or 80 by
 * 24.
 */
int screen_columns(void);
int screen_rows(void);

/* The sequence that starts a style, "" where there are no colours. */
const char *screen_style(enum style style);

/* Starts an empty page; what was there can be scrolled back to. */
void screen_clear(void);

/* Takes the unfinished line away that the cursor is in, or ends it. */
void screen_clear_line(void);

/* How many characters of UTF-8 text. */
int screen_length(const char *text);

/* Prints text without a newline, cut to so many columns if it is longer, with
 * the sign for that, and with blanks up to there if pad is set.
 */
void screen_cut(const char *text, int columns, bool pad);

/* Prints a word (or none, "") and, beside it, text broken into lines that fit,
 * of 80 columns at most. Prints nothing where the text is empty. Returns the
 * lines.
 */
int screen_paragraph(const char *word, const char *text);

/* A line across the page, with words in it, or NULL. */
void screen_rule(const char *words, enum style style);

/* Prints one byte of somebody else's text: controls other than tab and
 * newline come out as \x1b, carriage returns not at all.
 */
void screen_put(unsigned char byte);

/* Waits for a key. Ctrl-C is one like the others, and Ctrl-Z stops the job.
 * When the terminal is gone, the key is 'q'.
 */
int screen_key(void);

/* Reads a line, without its newline. False if it is empty or was ended by
 * Ctrl-C.
 */
bool screen_ask(const char *prompt, char *line, size_t size);

/* Makes the terminal fit for a program in the foreground that is watched:
 * Ctrl-Z would stop it, and nobody would continue it, so it is off.
 */
void screen_lend(void);

/* Makes a process group the terminal's foreground one: its Ctrl-C goes there
 * from now on.
 */
void screen_give(pid_t group);

/* Puts back what screen_open found, whatever a program has done to it, with
 * us in the foreground. Keys pressed meanwhile are forgotten if asked for. A
 * signal handler may call it.
 */
void screen_restore(bool forget_keys);

#endif
