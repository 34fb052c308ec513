#include "03_processes/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_Z = 26, ESCAPE = 27, READABLE = 80 };

static bool attended, terminal, moves, colours;
static struct termios cooked; /* as it was when we came */
static int input_flags, output_flags;

static void restore_at_exit(void)
{
    screen_restore(false);
}

void screen_open(void)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    terminal = isatty(STDOUT_FILENO);
    moves = terminal && term && *term && strcmp(term, "dumb") != 0;
    colours = moves && !(no_color && *no_color);
    attended = terminal && tcgetattr(STDIN_FILENO, &cooked) == 0 &&
               atexit(restore_at_exit) == 0;
    input_flags = fcntl(STDIN_FILENO, F_GETFL);
    output_flags = fcntl(STDOUT_FILENO, F_GETFL);
}

bool screen_attended(void)
{
    return attended;
}

bool screen_is_terminal(void)
{
    return terminal;
}

static int size_of(const char *variable, bool rows)
{
    const char *text = getenv(variable);
    int n = text ? atoi(text) : 0;
    struct winsize size;
    if (n <= 0 && terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        n = rows ? size.ws_row : size.ws_col;
    if (n <= 0)
        n = rows ? 24 : 80;
    return n < 10 ? 10 : n;
}

int screen_columns(void)
{
    return size_of("COLUMNS", false);
}

int screen_rows(void)
{
    return size_of("LINES", true);
}

const char *screen_style(enum style style)
{
    static const char *const sequences[] = {
        [STYLE_END] = "\033[0m",   [STYLE_TITLE] = "\033[1m",
        [STYLE_DIM] = "\033[2m",   [STYLE_REMARK] = "\033[1;35m",
        [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m"};
    return colours ? sequences[style] : "";
}

/* Scrolls instead of erasing: what was there stays in the terminal's memory. */
void screen_clear(void)
{
    for (int i = screen_rows(); moves && i > 0; i--)
        putchar('\n');
    fputs(moves ? "\033[H" : "\n", stdout);
}

void screen_clear_line(void)
{
    fputs(moves ? "\r\033[K" : "\n", stdout);
    fflush(stdout);
}

/* The bytes 10xxxxxx continue a character, all others start one. */
static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

int screen_length(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += starts_character(*text);
    return n;
}

void screen_cut(const char *text, int columns, bool pad)
{
    int length = screen_length(text);
    int whole = length <= columns ? length : columns - 1;
    int n = 0;
    for (; *text && (n < whole || !starts_character(*text)); text++) {
        n += starts_character(*text);
        putchar(*text);
    }
    if (length > columns && columns > 0) {
        fputs("…", stdout);
        n++;
    }
    for (; pad && n < columns; n++)
        putchar(' ');
}

static int readable_columns(void)
{
    int columns = screen_columns();
    return columns < READABLE ? columns : READABLE;
}

int screen_paragraph(const char *word, const char *text)
{
    const int indent = *word ? 7 : 0;
    if (*text == '\0')
        return 0;
    printf("%s%-*s%s", screen_style(STYLE_TITLE), indent, word,
           screen_style(STYLE_END));
    int lines = 1;
    int at = indent;
    while (*text) {
        char part[256];
        size_t n = strcspn(text, " ");
        snprintf(part, sizeof part, "%.*s", (int)n, text);
        int length = screen_length(part);
        if (at > indent && at + 1 + length > readable_columns()) {
            printf("\n%*s", indent, "");
            lines++;
            at = indent;
        }
        if (at > indent)
            at += printf(" ");
        at += length;
        fputs(part, stdout);
        text += n;
        text += strspn(text, " ");
    }
    putchar('\n');
    return lines;
}

void screen_rule(const char *words, enum style style)
{
    int columns = readable_columns();
    int at = 0;
    if (words != NULL) {
        int room = columns - 4;
        printf("%s── %s%s", screen_style(STYLE_DIM), screen_style(STYLE_END),
               screen_style(style));
        screen_cut(words, room, false);
        printf("%s ", screen_style(STYLE_END));
        at = 4 + (screen_length(words) < room ? screen_length(words) : room);
    }
    fputs(screen_style(STYLE_DIM), stdout);
    for (; at < columns; at++)
        fputs("─", stdout);
    printf("%s\n", screen_style(STYLE_END));
}

/* A terminal takes orders from the bytes 0 to 31 and 127, and from 128 to 159
 * where they do not continue a character, or make one with c2.
 */
void screen_put(unsigned char byte)
{
    static int expected; /* how many more bytes the character may have */
    bool control =
        byte < 32 || byte == 127 || (byte >= 128 && byte < 160 && !expected);
    if (byte == '\n' || byte == '\t' || !control)
        putchar(byte);
    else if (byte != '\r')
        printf("\\x%02x", byte);
    if (byte >= 0x80 && byte < 0xc0)
        expected -= expected > 0;
    else
        expected = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc3;
}

/* The next byte of a key; 0 where none follows at once. */
static char next_byte(void)
{
    struct pollfd more = {STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    if (poll(&more, 1, 20) != 1 || read(STDIN_FILENO, &byte, 1) != 1)
        return 0;
    return byte;
}

/* Which key it was. A terminal sends the keys that are no character as several
 * bytes: escape, [ or O, digits, and a letter or ~.
 */
static int after_escape(void)
{
    static const struct {
        const char *sent;
        int key;
    } keys[] = {{"[C", KEY_RIGHT},    {"OC", KEY_RIGHT},
                {"[D", KEY_LEFT},     {"OD", KEY_LEFT},
                {"[5~", KEY_PAGE_UP}, {"[6~", KEY_PAGE_DOWN}};
    char sent[8] = {next_byte()};
    if (*sent != '[' && *sent != 'O')
        return KEY_OTHER;
    for (size_t n = 1; n < sizeof sent - 1; n++) {
        sent[n] = next_byte();
        if (sent[n] == 0 || (sent[n] >= '@' && sent[n] <= '~'))
            break;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(sent, keys[i].sent) == 0)
            return keys[i].key;
    return KEY_OTHER;
}

int screen_key(void)
{
    struct termios raw = cooked;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    fflush(stdout); /* a prompt appears once keys are taken */
    unsigned char byte;
    ssize_t n;
    do
        n = read(STDIN_FILENO, &byte, 1);
    while (n == -1 && errno == EINTR);
    int key = n == 1 ? byte : 'q';
    if (key == ESCAPE)
        key = after_escape();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    if (key == CTRL_Z)
        kill(0, SIGTSTP); /* as the terminal would: make stops with us */
    return key;
}

bool screen_ask(const char *prompt, char *line, size_t size)
{
    struct termios by_line = cooked;
    by_line.c_lflag |= ICANON | ECHO;
    by_line.c_lflag &= ~(tcflag_t)ISIG;
    by_line.c_cc[VEOL] = CTRL_C; /* it ends the line like a newline */
    tcsetattr(STDIN_FILENO, TCSADRAIN, &by_line);
    printf("%s", prompt);
    fflush(stdout);
    ssize_t n;
    do
        n = read(STDIN_FILENO, line, size - 1);
    while (n == -1 && errno == EINTR);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    bool cancelled = n > 0 && line[n - 1] == CTRL_C;
    screen_clear_line();
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    return *line != '\0' && !cancelled;
}

void screen_lend(void)
{
    struct termios lent = cooked;
    lent.c_cc[VSUSP] = _POSIX_VDISABLE;
    /* We print what it says while we are in the background. */
    lent.c_lflag &= ~(tcflag_t)TOSTOP;
    if (attended)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &lent);
}

/* Who is in the background and does this is stopped, unless it holds the
 * signal off.
 */
void screen_give(pid_t group)
{
    sigset_t ttou, before;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    sigprocmask(SIG_BLOCK, &ttou, &before);
    tcsetpgrp(STDIN_FILENO, group);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Descriptors that were inherited share their flags: a program that set its
 * stdin non-blocking has done so to ours.
 */
void screen_restore(bool forget_keys)
{
    if (!attended)
        return;
    screen_give(getpgrp());
    tcsetattr(STDIN_FILENO, forget_keys ? TCSAFLUSH : TCSANOW, &cooked);
    fcntl(STDIN_FILENO, F_SETFL, input_flags);
    fcntl(STDOUT_FILENO, F_SETFL, output_flags);
    if (colours)
        (void)!write(STDOUT_FILENO, "\033[0m", 4);
}
