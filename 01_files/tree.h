/* tree: a place in a tree of directories, and the way down to it.
 *
 *     struct tree t;
 *     if (!tree_open(&t, fd, "lectures"))
 *         err(1, "lectures");
 *     while (tree_next(&t))
 *         if (t.entry->type == DT_DIR && tree_down(&t)) {
 *             ...                        now t.here is that directory
 *             tree_up(&t);
 *         }
 *     tree_close(&t);
 *
 * The tree may be as deep as the disk allows. The obvious ways end early: a
 * path cannot be opened where it is longer than PATH_MAX, a descriptor for
 * each level runs out after a thousand levels, and a call for each level fills
 * the stack after some ten thousand.
 *
 * So two descriptors are held at any depth, the top's and that of the place.
 * Down goes openat(2), one name at a time and never through a symbolic link.
 * Of the levels above, their names and their identity (device and inode) wait
 * on the heap. Up goes "..", and then a look whether that is the directory
 * from which we came: somebody may have moved the one we were in, and ".." is
 * wherever it is now. If so, or where ".." may not be opened, we start at the
 * top and go down again by the names, with the same look at each level. Thus
 * no step is ever made out of the tree, and a step up costs no more in a deep
 * tree than in a flat one.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tree_entry {
    unsigned char type; /* as readdir(3) has it: DT_DIR, ..., DT_UNKNOWN */
    char name[];
};

/* A directory on the way from the top to the place. */
struct tree_level {
    dev_t device;
    ino_t inode;
    struct tree_entry **entries; /* in byte order, without "." and ".." */
    size_t count;
    size_t next;        /* the first that tree_next has not returned yet */
    size_t path_length; /* of its path in tree.path */
};

struct tree {
    int here;                  /* the directory of the place, for openat(2) */
    struct tree_entry *entry;  /* the one at hand in it */
    char *path;                /* for messages: may be too long for open(2) */
    size_t depth;              /* 0 at the top */
    struct tree_level *levels; /* levels[depth] is that of the place */
    int top;
    size_t path_room, level_room;
};

/* Starts in the directory fd, which belongs to the tree from now on, and reads
 * its names. The path is what messages call it. Returns false with errno where
 * it cannot be read or memory is short; nothing needs closing then.
 */
bool tree_open(struct tree *tree, int fd, const char *path);

/* The same, but as if there were nothing in the directory but this one name:
 * it is not read, and O_PATH is enough.
 */
bool tree_open_one(struct tree *tree, int fd, const char *path,
                   const char *name);

/* Takes the next entry of the place in hand; false after the last. */
bool tree_next(struct tree *tree);

/* Goes into the entry at hand and reads its names. Returns false with errno,
 * and stays, where it cannot; ENOTDIR also for a symbolic link.
 */
bool tree_down(struct tree *tree);

/* Leaves the place for the directory above, not to be called at the top; what
 * was left is the entry at hand there. Returns false where that directory is
 * not to be found any more, and goes to the nearest above it that is: the
 * entry at hand has been moved away then, with what was below.
 */
bool tree_up(struct tree *tree);

/* Says on stderr what is wrong with the entry at hand:
 * walk: 'lectures/04': Permission denied
 */
void tree_complain(struct tree *tree, const char *what);

void tree_close(struct tree *tree);

#endif
