/* rmtree.c: a whole tree is removed, and nothing but the tree, whatever
 * somebody else does to it meanwhile.
 *
 * Cells: A07
 * Run:   make rmtree; make rmtree ARGS=DIR
 * Ask:   the tree holds a link to a folder outside: what goes, and what stays?
 *        what if a link takes a folder's place the moment after we looked?
 * Watch: no path is used twice: every name is looked up in a directory that is
 *        held open, and never through a link.
 * See:   tree.h, how to come back up; walk.c; directories.c
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "01_files/tree.h"

static int status = CLI_OK;

static void complain(struct tree *t, const char *what)
{
    tree_complain(t, what);
    status = CLI_ERROR;
}

/* Removes the entry at hand, or goes down into it, if it is a directory that
 * holds something. It does not ask first what it is: the answer may be out of
 * date by the next call.
 */
static void remove_entry(struct tree *t)
{
    const char *name = t->entry->name;
    //> A file goes now, and so does a link: itself, not what it points to.
    if (unlinkat(t->here, name, 0) == 0)
        return;
    int why = errno;
    //> It is a directory then. An empty one goes, even if we may not read it.
    if (unlinkat(t->here, name, AT_REMOVEDIR) == 0)
        return;
    /* EBUSY is a mount point: what hangs there is another tree. */
    if (errno != EBUSY && tree_down(t))
        return;
    if (errno == ENOTDIR)
        errno = why;
    if (errno != ENOENT) /* somebody else was faster */
        complain(t, strerror(errno));
}

static void remove_entries(struct tree *t)
{
    for (;;) {
        if (tree_next(t)) {
            remove_entry(t);
        } else if (t->depth > 0) {
            if (!tree_up(t)) {
                complain(t, "was lost on the way back up");
                continue;
            }
            //> Up again: now t->entry should be empty, and can go too.
            if (unlinkat(t->here, t->entry->name, AT_REMOVEDIR) == -1 &&
                errno != ENOENT)
                complain(t, strerror(errno));
        } else {
            break;
        }
    }
}

static void remove_tree(char *dir)
{
    for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
        dir[n - 1] = '\0'; /* link/ would be what the link points to */
    char *slash = strrchr(dir, '/');
    const char *name = slash ? slash + 1 : dir;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        errx(CLI_USAGE, "'%s': refused, as are /, . and ..", dir);

    char *above = strndup(dir, (size_t)(name - dir));
    if (above == NULL)
        err(CLI_ERROR, "'%s'", dir);
    int fd = open(*above ? above : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    struct stat root;
    if (fd == -1 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
        stat("/", &root) == -1)
        err(CLI_ERROR, "'%s'", dir);
    if (S_ISLNK(st.st_mode))
        errx(CLI_ERROR, "'%s': a symbolic link is not followed", dir);
    if (!S_ISDIR(st.st_mode))
        errx(CLI_ERROR, "'%s': %s", dir, strerror(ENOTDIR));
    if (st.st_dev == root.st_dev && st.st_ino == root.st_ino)
        errx(CLI_USAGE, "'%s': refused, it is the root", dir);

    struct tree tree;
    if (!tree_open_one(&tree, fd, above, name))
        err(CLI_ERROR, "'%s'", dir);
    remove_entries(&tree);
    tree_close(&tree);
    free(above);
}

static void make_example(void)
{
    char names[] = "precious/ precious/thesis.txt park-python/ "
                   "park-python/lectures/ park-python/lectures/04/ "
                   "park-python/lectures/04/notebook.ipynb";
    scratch_enter();
    for (char *rest = names, *name; (name = strsep(&rest, " ")) != NULL;) {
        bool folder = name[strlen(name) - 1] == '/';
        int made = folder ? mkdir(name, 0777) : mknod(name, S_IFREG | 0666, 0);
        if (made == -1)
            err(CLI_ERROR, "%s", name);
    }
    if (symlink("../../../precious", "park-python/lectures/04/link") == -1)
        err(CLI_ERROR, "park-python/lectures/04/link");
    puts("park-python/lectures/04/link points to precious");
}

static void look_at(const char *name)
{
    bool there = access(name, F_OK) == 0;
    printf("%s: %s\n", name, there ? "still there" : "removed");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "remove a tree of directories; without DIR, an example",
        .operands = "[DIR]",
    };
    int first = cli_parse(&cli, argc, argv);
    if (argc - first > 1)
        errx(CLI_USAGE, "'%s': one tree at a time", argv[first + 1]);
    if (first < argc) {
        remove_tree(argv[first]);
        return status;
    }
    make_example();
    char example[] = "park-python";
    remove_tree(example);
    look_at(example);
    look_at("precious/thesis.txt");
    return status;
}
