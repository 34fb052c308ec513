/* directories.c: make a directory, remove it, and what the system says when
 * it cannot.
 *
 * Cells: A03, A04, A05, A06
 * Run:   make directories
 * Ask:   what does rmdir say to a directory that is not there? to one that
 *        is not empty? and where does Python get its exception from?
 * Watch: the text after Errno is the system's own, and Python only hands it
 *        on. The number of an error differs from system to system.
 * See:   rmtree.c, for the directory that is not empty
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"

/* Makes one directory. That it is there already is no error, whoever made it:
 * to look first and make it then would leave a gap for somebody else.
 */
static int make_one(const char *path)
{
    struct stat st;
    if (mkdir(path, 0777) == 0)
        return 0;
    int why = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    errno = why;
    return -1;
}

/* Makes a directory, and above it all that are missing. Returns 0, or -1 with
 * errno: EEXIST where the path is that of a file, ENOTDIR where it leads
 * through one.
 */
static int make_parents(const char *path)
{
    char *part = strdup(path);
    if (part == NULL)
        return -1;
    int result = 0;
    char *slash = part;
    while (result == 0 && (slash = strchr(slash, '/')) != NULL) {
        *slash = '\0';
        if (slash > part) /* else it would be the root, or nothing */
            result = make_one(part);
        if (result == -1 && errno == EEXIST)
            errno = ENOTDIR; /* what is there is no directory */
        *slash++ = '/';
    }
    int why = errno;
    free(part);
    errno = why;
    return result == 0 ? make_one(path) : -1;
}

/* Tries what must fail, and prints the error as the notebook's except does. */
static void fail_to_remove(const char *path, int expected)
{
    printf("rmdir %s\n", path);
    if (rmdir(path) == 0)
        errx(CLI_NO_SHOW, "%s: was removed", path);
    if (errno != expected)
        err(CLI_ERROR, "%s", path);
    //> No exception: a -1, and errno. The text is looked up only to be shown.
    printf("[Errno %d] %s: '%s'\n", errno, strerror(errno), path);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "make directories and remove them",
    };
    cli_parse(&cli, argc, argv);
    scratch_enter();

    printf("mkdir park-python\n");
    if (mkdir("park-python", 0777) == -1)
        err(CLI_ERROR, "park-python");

    printf("rmdir park-python\n");
    if (rmdir("park-python") == -1)
        err(CLI_ERROR, "park-python");
    //> It has gone: what will a second rmdir say?
    fail_to_remove("park-python", ENOENT);

    const char *deep = "park-python/lectures/04";
    for (int i = 0; i < 2; i++) {
        printf("mkdir %s, with its parents\n", deep);
        //> Three calls of mkdir. The second time all find it made already.
        if (make_parents(deep) == -1)
            err(CLI_ERROR, "%s", deep);
    }

    //> This time it is there, and lectures is in it.
    fail_to_remove("park-python", ENOTEMPTY);
    printf("(the notebook's Mac: 66; programs compare with ENOTEMPTY)\n");
    return 0;
}
