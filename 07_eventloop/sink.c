#include "07_eventloop/sink.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those that are open, for the end of the program. */
static struct sink *open_sinks;
static pid_t owner;

static void remove_all(void)
{
    for (const struct sink *s = open_sinks; s && owner == getpid(); s = s->next)
        if (s->named)
            unlinkat(s->folder, s->part, 0);
}

/* --- What the threads do -------------------------------------------------- */

/* A name may be left of one that was killed, and had our number: the next one
 * is taken.
 */
static void new_name(struct sink *s)
{
    static atomic_uint names;
    snprintf(s->part, sizeof s->part, ".fetcher-%d-%u", owner, ++names);
}

struct open_part {
    struct sink *sink;
};

/* A file without a name is gone when nobody has it open, and even kill -9 sees
 * to that. Not every file system has such; and it gets its name by way of /proc.
 */
static const char *open_part(void *frame)
{
    struct sink *s = ((struct open_part *)frame)->sink;
    if (access("/proc/self/fd", F_OK) == 0)
        s->fd = openat(s->folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
    while (s->fd == -1) {
        new_name(s);
        s->fd =
            openat(s->folder, s->part,
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        s->named = s->fd != -1;
        if (s->fd == -1 && errno != EEXIST)
            return errno_error(errno);
    }
    return NULL;
}

struct write_part {
    struct sink *sink;
};

static const char *write_part(void *frame)
{
    struct sink *s = ((struct write_part *)frame)->sink;
    size_t written = 0;
    while (written < s->length) {
        ssize_t n = write(s->fd, s->bytes + written, s->length - written);
        if (n == -1 && errno != EINTR)
            return errno_error(errno);
        written += n > 0 ? (size_t)n : 0;
    }
    s->length = 0;
    return NULL;
}

/* Returns whether the file that has none has one now. linkat(2) does not
 * replace a file, as rename(2) does: so it is another name yet.
 */
static bool give_name(struct sink *s)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
    do {
        new_name(s);
        s->named =
            linkat(AT_FDCWD, path, s->folder, s->part, AT_SYMLINK_FOLLOW) == 0;
    } while (!s->named && errno == EEXIST);
    return s->named;
}

struct close_part {
    struct sink *sink;
};

/* A file has its bytes on the disk when fsync(2) says so, and its name when
 * fsync of the folder does. (One without a name need not survive a power cut,
 * and so fsync has nothing to do for it: the name comes first.)
 */
static const char *close_part(void *frame)
{
    struct sink *s = ((struct close_part *)frame)->sink;
    const char *error = write_part(&(struct write_part){s});
    if (error != NULL)
        return error;
    if ((!s->named && !give_name(s)) || (s->sync && fsync(s->fd) == -1))
        return errno_error(errno);
    int fd = s->fd;
    s->fd = -1;
    if (close(fd) == -1 ||
        renameat(s->folder, s->part, s->folder, s->name) == -1)
        return errno_error(errno);
    s->named = false;
    return s->sync && fsync(s->folder) == -1 ? errno_error(errno) : NULL;
}

struct drop_part {
    struct sink *sink;
};

static const char *drop_part(void *frame)
{
    struct sink *s = ((struct drop_part *)frame)->sink;
    const char *error = NULL;
    if (s->fd != -1)
        close(s->fd);
    s->fd = -1;
    if (s->named && unlinkat(s->folder, s->part, 0) == -1)
        error = errno_error(errno);
    s->named = false;
    return error;
}

/* Neither a half file nor one that lacks its last name. */
static bool is_gone(const struct sink *s)
{
    return s->fd == -1 && !s->named;
}

/* --- What the loop does --------------------------------------------------- */

void sink_init(struct sink *s, int folder, const char *name, bool sync)
{
    *s = (struct sink){.folder = folder, .name = name, .sync = sync, .fd = -1};
}

/* Returns whether all is there that is needed. */
static bool prepare(struct sink *s)
{
    if (owner != getpid()) {
        if (atexit(remove_all) != 0)
            return false;
        owner = getpid();
        open_sinks = NULL;
    }
    s->bytes = malloc(SINK_BUFFER);
    if (s->bytes == NULL)
        return false;
    s->next = open_sinks;
    s->link = &open_sinks;
    if (s->next != NULL)
        s->next->link = &s->next;
    open_sinks = s;
    return true;
}

static void forget(struct sink *s)
{
    if (s->link != NULL) {
        *s->link = s->next;
        if (s->next != NULL)
            s->next->link = s->link;
    }
    s->link = NULL;
    free(s->bytes);
    s->bytes = NULL;
}

bool sink_open(void *frame, struct future **awaits)
{
    struct sink_open *c = frame;
    GEN_BEGIN(c);
    if (!prepare(c->sink))
        GEN_RAISE(c, errno_error(ENOMEM));
    AWAIT_CALL(c, until_home,
               .job =
                   run_in_executor(loop_running(), open_part, .sink = c->sink));
    GEN_END(c);
    return false;
}

bool sink_write(void *frame, struct future **awaits)
{
    struct sink_write *c = frame;
    GEN_BEGIN(c);
    while (c->length > 0) {
        struct sink *s = c->sink;
        size_t n = SINK_BUFFER - s->length;
        if (n > c->length)
            n = c->length;
        memcpy(s->bytes + s->length, c->bytes, n);
        s->length += n;
        c->bytes += n;
        c->length -= n;
        if (s->length == SINK_BUFFER)
            AWAIT_CALL(c, until_home,
                       .job = run_in_executor(loop_running(), write_part,
                                              .sink = c->sink));
    }
    GEN_END(c);
    return false;
}

bool sink_close(void *frame, struct future **awaits)
{
    struct sink_close *c = frame;
    GEN_BEGIN(c);
    AWAIT_CALL_TRY(
        c, until_home,
        .job = run_in_executor(loop_running(), close_part, .sink = c->sink));
    if (is_gone(c->sink) && c->gen.thrown == error_cancelled)
        gen_catch(&c->gen);
    GEN_END(c);
    return false;
}

bool sink_drop(void *frame, struct future **awaits)
{
    struct sink_drop *c = frame;
    GEN_BEGIN(c);
    if (is_gone(c->sink))
        goto gen_end;
    AWAIT_CALL_TRY(
        c, until_home,
        .job = run_in_executor(loop_running(), drop_part, .sink = c->sink));
    /* No thread came to it: better to wait than to leave half a file. */
    if (!is_gone(c->sink))
        drop_part(&(struct drop_part){c->sink});
    GEN_END(c);
    forget(c->sink);
    return false;
}
