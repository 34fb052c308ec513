#include "07_eventloop/urls.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* So much is shown of a line that is too long. */
enum { SHOWN = 40 };

int urls_open(struct urls *u, const char *name)
{
    struct stat st;
    bool given = strcmp(name, "-") == 0;
    *u = (struct urls){.name = given ? "stdin" : name};
    u->fd = given ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (u->fd == -1)
        return -1;
    u->in_thread = fstat(u->fd, &st) == 0 && S_ISREG(st.st_mode);
    return 0;
}

void urls_close(struct urls *u)
{
    if (u->fd != STDIN_FILENO)
        close(u->fd);
}

/* --- Lines ---------------------------------------------------------------- */

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The line becomes the caller's text. Returns whether there is one in it. */
static bool take(struct urls *u, struct urls_next *c, size_t length)
{
    const char *line = u->bytes + u->first;
    u->line++;
    while (length > 0 && is_white(*line)) {
        line++;
        length--;
    }
    while (length > 0 && is_white(line[length - 1]))
        length--;
    if (u->comment || (!u->too_long && (length == 0 || *line == '#')))
        return false;
    if (u->too_long && length > SHOWN)
        length = SHOWN;
    for (size_t i = 0; i < length; i++)
        c->text[i] = line[i] > ' ' && line[i] <= '~' ? line[i] : '?';
    c->text[length] = '\0';
    c->line = u->line;
    if (u->too_long)
        c->why = "the line is too long for a URL";
    else if (strncmp(c->text, line, length) != 0)
        c->why = "no URL: it has a byte that none can have";
    else
        c->why = fetch_url(c->text, &c->url);
    return true;
}

/* The buffer is full, and the line not at its end: only its beginning is kept,
 * to be shown.
 */
static void cut_line(struct urls *u)
{
    size_t white = 0;
    if (!u->too_long && !u->comment) {
        while (white < u->end && is_white(u->bytes[white]))
            white++;
        u->comment = white < u->end && u->bytes[white] == '#';
        u->too_long = white < u->end && !u->comment;
        memmove(u->bytes, u->bytes + white, u->end - white);
        u->end -= white;
    }
    if (u->end > SHOWN && (u->too_long || u->comment))
        u->end = SHOWN;
}

/* Returns whether there is a URL, or the end, without reading on. */
static bool next_line(struct urls *u, struct urls_next *c)
{
    for (;;) {
        size_t left = u->end - u->first;
        const char *lf = memchr(u->bytes + u->first, '\n', left);
        size_t length = lf != NULL ? (size_t)(lf - u->bytes) - u->first : left;
        if (lf == NULL && !(u->at_end && left > 0)) {
            c->ended = u->at_end;
            return c->ended;
        }
        bool taken = take(u, c, length);
        u->first += length + (lf != NULL);
        u->too_long = u->comment = false;
        if (taken)
            return true;
    }
}

/* --- Reading on ----------------------------------------------------------- */

struct read_on {
    struct urls *urls;
};

static const char *read_on(void *frame)
{
    struct urls *u = ((struct read_on *)frame)->urls;
    memmove(u->bytes, u->bytes + u->first, u->end - u->first);
    u->end -= u->first;
    u->first = 0;
    if (u->end == sizeof u->bytes)
        cut_line(u);
    ssize_t n = read(u->fd, u->bytes + u->end, sizeof u->bytes - u->end);
    if (n > 0)
        u->end += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        u->at_end = true;
        u->error = n == 0 ? 0 : errno;
    }
    return NULL;
}

static const struct future_kind kind = {.name = "more URLs"};

static void can_read(void *data)
{
    struct urls_next *c = data;
    loop_remove_reader(c->readable.loop, c->urls->fd);
    future_set_result(&c->readable, NULL);
}

bool urls_next(void *frame, struct future **awaits)
{
    struct urls_next *c = frame;
    struct urls *u = c->urls;
    GEN_BEGIN(c);
    AWAIT_CALL(c, lock_acquire, .lock = &c->urls->lock);
    while (!next_line(u, c)) {
        future_init(&c->readable, loop_running(), &kind);
        /* epoll takes no /dev/null, for instance. */
        if (!u->in_thread &&
            loop_add_reader(loop_running(), u->fd, can_read, c) == -1)
            u->in_thread = true;
        if (u->in_thread) {
            AWAIT_CALL(c, until_home,
                       .job =
                           run_in_executor(loop_running(), read_on, .urls = u));
        } else {
            AWAIT_TRY(c, &c->readable);
            loop_remove_reader(loop_running(), u->fd);
            if (c->gen.thrown != NULL)
                goto gen_end;
            read_on(&(struct read_on){u});
        }
    }
    GEN_END(c);
    lock_leave(&c->lock_acquire);
    return false;
}
