/* walk.c: a tree of directories from the top down, a triple for each of them:
 * its path, the directories in it, the files in it.
 *
 * Cells: A08
 * Run:   make walk; make walk ARGS=02_testing
 * Ask:   is a link to a directory a directory? what could the name of a file
 *        hold, so that a list like this one lies to its reader?
 * Watch: it is a Python literal, as in the notebook: a newline or a quote in
 *        a name ends neither the line nor the name.
 * See:   tree.h, how to come back up from any depth; rmtree.c
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "01_files/scratch.h"
#include "01_files/tree.h"

static const char *before = "["; /* what stands before the next triple */
static int status = CLI_OK;

static void complain(struct tree *t, const char *what)
{
    if (*before == ',') { /* the last line has not ended yet */
        puts(",");
        before = " ";
    }
    fflush(stdout);
    tree_complain(t, what);
    status = CLI_ERROR;
}

/* Leaves DT_DIR for a directory and DT_LNK for a link to one: os.walk lists
 * both among the directories. Some file systems do not tell readdir(3).
 */
static void find_type(const struct tree *t, struct tree_entry *e)
{
    struct stat st;
    if (e->type == DT_UNKNOWN &&
        fstatat(t->here, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        e->type = (unsigned char)IFTODT(st.st_mode);
    if (e->type == DT_LNK &&
        (fstatat(t->here, e->name, &st, 0) == -1 || !S_ISDIR(st.st_mode)))
        e->type = DT_REG;
}

static bool is_folder(const struct tree_entry *e)
{
    return e->type == DT_DIR || e->type == DT_LNK;
}

static void print_list(const struct tree_level *level, bool folders,
                       const char *comma)
{
    const char *between = "[";
    for (size_t i = 0; i < level->count; i++) {
        const struct tree_entry *e = level->entries[i];
        if (is_folder(e) != folders)
            continue;
        fputs(between, stdout);
        repr(stdout, e->name, strlen(e->name));
        between = comma;
    }
    fputs(between == comma ? "]" : "[]", stdout);
}

/* A list of more than two names has a line for each of them. */
static void print_triple(const struct tree *t)
{
    const struct tree_level *level = &t->levels[t->depth];
    size_t folders = 0;
    for (size_t i = 0; i < level->count; i++) {
        find_type(t, level->entries[i]);
        folders += is_folder(level->entries[i]);
    }
    size_t files = level->count - folders;
    const char *comma = folders > 2 || files > 2 ? ",\n  " : ", ";
    printf("%s(", before);
    repr(stdout, t->path, strlen(t->path));
    fputs(comma, stdout);
    print_list(level, true, folders > 2 ? ",\n   " : ", ");
    fputs(comma, stdout);
    print_list(level, false, files > 2 ? ",\n   " : ", ");
    putchar(')');
    before = ",\n ";
}

static void walk(struct tree *t)
{
    print_triple(t);
    for (;;) {
        if (tree_next(t)) {
            if (t->entry->type != DT_DIR)
                continue;
            //> Down into t->entry: by one name, and never through a link.
            if (tree_down(t))
                print_triple(t);
            else
                complain(t, strerror(errno));
        } else if (t->depth > 0) {
            //> All names here are done. Up, by "..", and then a second look.
            if (!tree_up(t))
                complain(t, "was lost on the way back up");
        } else {
            break;
        }
    }
    puts("]");
}

/* The notebook's own folder, as it was when the cell was run. */
static void make_example(void)
{
    char names[] =
        "README.md debugging.py notebook.ipynb server server.go slides.pdf "
        "img/ img/g1.png img/g2.png img/g3.png img/g4.png img/g5.png "
        "img/loop.jpg img/threads.jpg "
        ".ipynb_checkpoints/ .ipynb_checkpoints/notebook-checkpoint.ipynb";
    scratch_enter();
    for (char *rest = names, *name; (name = strsep(&rest, " ")) != NULL;) {
        bool folder = name[strlen(name) - 1] == '/';
        /* mknod(2) makes plain files too, and leaves nothing to close. */
        int made = folder ? mkdir(name, 0777) : mknod(name, S_IFREG | 0666, 0);
        if (made == -1)
            err(CLI_ERROR, "%s", name);
    }
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "list a tree of directories; without DIR, the notebook's own",
        .operands = "[DIR]",
    };
    int first = cli_parse(&cli, argc, argv);
    if (argc - first > 1)
        errx(CLI_USAGE, "'%s': one folder at a time", argv[first + 1]);
    /* On a terminal line by line; else that would take half of the time. */
    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    if (first == argc)
        make_example();

    const char *dir = first < argc ? argv[first] : ".";
    //> The top is opened by its path, which may be a link: the user named it.
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct tree tree;
    if (fd == -1 || !tree_open(&tree, fd, dir))
        err(CLI_ERROR, "'%s'", dir);
    walk(&tree);
    tree_close(&tree);
    return status;
}
