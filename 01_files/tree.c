#include "01_files/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/repr.h"

/* O_DIRECTORY also keeps open from waiting at a FIFO. */
enum { FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

static void close_quietly(int fd)
{
    int why = errno;
    close(fd);
    errno = why;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tree_entry *const *left = a;
    const struct tree_entry *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static void forget_entries(struct tree_level *level)
{
    while (level->count > 0)
        free(level->entries[--level->count]);
    free(level->entries);
    level->entries = NULL;
}

static bool add_entry(struct tree_level *level, const char *name,
                      unsigned char type)
{
    size_t n = level->count;
    if ((n & (n - 1)) == 0) { /* the room is the next power of two */
        size_t room = n == 0 ? 1 : 2 * n;
        struct tree_entry **more =
            reallocarray(level->entries, room, sizeof(struct tree_entry *));
        if (more == NULL)
            return false;
        level->entries = more;
    }
    size_t size = strlen(name) + 1;
    struct tree_entry *entry = malloc(sizeof *entry + size);
    if (entry == NULL)
        return false;
    entry->type = type;
    memcpy(entry->name, name, size);
    level->entries[level->count++] = entry;
    return true;
}

/* Reads the names and the identity of fd; false with errno. A copy of fd is
 * read, since closedir(3) also closes what it read from.
 */
static bool read_level(int fd, struct tree_level *level)
{
    struct stat st;
    if (fstat(fd, &st) == -1)
        return false;
    level->device = st.st_dev;
    level->inode = st.st_ino;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy == -1)
        return false;
    DIR *dir = fdopendir(copy);
    if (dir == NULL) {
        close_quietly(copy);
        return false;
    }
    const struct dirent *d;
    bool room = true;
    while (room && (errno = 0, d = readdir(dir)) != NULL)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            room = add_entry(level, d->d_name, d->d_type);
    int why = room ? errno : ENOMEM;
    closedir(dir);
    if (level->count > 0)
        qsort(level->entries, level->count, sizeof(struct tree_entry *),
              by_bytes);
    errno = why;
    return why == 0;
}

static bool is_level(int fd, const struct tree_level *level)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_dev == level->device &&
           st.st_ino == level->inode;
}

/* Sees to it that a path of that length has room, and an entry's behind it. */
static bool reserve_path(struct tree *t, size_t length)
{
    size_t need = length + NAME_MAX + 2;
    if (need <= t->path_room)
        return true;
    char *more = realloc(t->path, 2 * need);
    if (more == NULL)
        return false;
    t->path = more;
    t->path_room = 2 * need;
    return true;
}

/* Writes a name behind the path, which is that long; returns its new length. */
static size_t append_path(struct tree *t, size_t length, const char *name)
{
    bool slash = length > 0 && t->path[length - 1] != '/';
    snprintf(t->path + length, t->path_room - length, "%s%s", slash ? "/" : "",
             name);
    return length + strlen(t->path + length);
}

static void cut_path(struct tree *t)
{
    t->path[t->levels[t->depth].path_length] = '\0';
}

/* Makes the directory fd the place. */
static void stand_in(struct tree *t, int fd)
{
    if (t->here != t->top)
        close(t->here);
    t->here = fd;
}

/* Adds the level of the directory fd, which has that name, and goes there;
 * false without memory.
 */
static bool push(struct tree *t, int fd, struct tree_level level,
                 const char *name)
{
    size_t depth = t->level_room == 0 ? 0 : t->depth + 1;
    size_t length = depth > 0 ? t->levels[t->depth].path_length : 0;
    if (depth == t->level_room) {
        struct tree_level *more =
            reallocarray(t->levels, 2 * depth + 1, sizeof *more);
        if (more == NULL)
            return false;
        t->levels = more;
        t->level_room = 2 * depth + 1;
    }
    if (!reserve_path(t, length + 1 + strlen(name)))
        return false;
    level.path_length = append_path(t, length, name);
    t->levels[depth] = level;
    t->depth = depth;
    stand_in(t, fd);
    return true;
}

static bool start(struct tree *t, int fd, const char *path, const char *only)
{
    *t = (struct tree){.here = fd, .top = fd};
    struct tree_level level = {0};
    if ((only ? add_entry(&level, only, DT_UNKNOWN) : read_level(fd, &level)) &&
        push(t, fd, level, path))
        return true;
    forget_entries(&level);
    free(t->levels);
    free(t->path);
    close_quietly(fd);
    return false;
}

bool tree_open(struct tree *t, int fd, const char *path)
{
    return start(t, fd, path, NULL);
}

bool tree_open_one(struct tree *t, int fd, const char *path, const char *name)
{
    return start(t, fd, path, name);
}

bool tree_next(struct tree *t)
{
    struct tree_level *level = &t->levels[t->depth];
    if (level->next == level->count)
        return false;
    t->entry = level->entries[level->next++];
    return true;
}

bool tree_down(struct tree *t)
{
    struct tree_level level = {0};
    int fd = openat(t->here, t->entry->name, FLAGS);
    if (fd == -1)
        return false;
    if (read_level(fd, &level) && push(t, fd, level, t->entry->name))
        return true;
    forget_entries(&level);
    close_quietly(fd);
    return false;
}

/* The entry by which we went down from this level. */
static struct tree_entry *way_down(const struct tree_level *level)
{
    return level->entries[level->next - 1];
}

/* Goes from the top to levels[depth] once more, as far as there is a way. */
static void start_again(struct tree *t, size_t depth)
{
    stand_in(t, t->top);
    for (t->depth = 0; t->depth < depth; t->depth++) {
        const struct tree_level *level = &t->levels[t->depth];
        int fd = openat(t->here, way_down(level)->name, FLAGS);
        if (fd == -1)
            break;
        if (!is_level(fd, level + 1)) {
            close(fd);
            break;
        }
        stand_in(t, fd);
    }
    for (; depth > t->depth; depth--)
        forget_entries(&t->levels[depth]);
}

bool tree_up(struct tree *t)
{
    forget_entries(&t->levels[t->depth]);
    size_t depth = --t->depth;
    int fd = depth == 0 ? t->top : openat(t->here, "..", FLAGS);
    if (depth == 0 || (fd != -1 && is_level(fd, &t->levels[depth]))) {
        stand_in(t, fd);
    } else {
        if (fd != -1)
            close(fd);
        start_again(t, depth);
    }
    cut_path(t);
    t->entry = way_down(&t->levels[t->depth]);
    return t->depth == depth;
}

void tree_complain(struct tree *t, const char *what)
{
    size_t length =
        append_path(t, t->levels[t->depth].path_length, t->entry->name);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    repr(stderr, t->path, length);
    fprintf(stderr, ": %s\n", what);
    cut_path(t);
}

void tree_close(struct tree *t)
{
    for (size_t i = 0; i <= t->depth; i++)
        forget_entries(&t->levels[i]);
    stand_in(t, t->top);
    close(t->top);
    free(t->levels);
    free(t->path);
}
