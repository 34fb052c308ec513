/* alchemy.c: a flask into which one material too many is put.
 *
 * Cells: A24
 * Run:   make alchemy; make tour-alchemy
 * Ask:   C has no exceptions: how does the caller learn that it blew up? And
 *        what if it does not want to know?
 * Watch: the answer is a value that is returned, and it has to be looked at
 *        after every call; in the tour, gdb prints the flask as {Ca, H2O}.
 * See:   flask.c, the functions; flask.py, the printer; alchemy_test.c.
 */
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "02_testing/flask.h"

/* 2 Na + 2 H2O = 2 NaOH + H2, and the hydrogen burns. Not at home. */
static const struct material ca = {"Ca", NULL};
static const struct material h2o = {"H2O", (const char *const[]){"Na", NULL}};
static const struct material na = {"Na", (const char *const[]){"H2O", NULL}};

static void print_flask(const struct flask *flask)
{
    printf("  flask: {");
    for (size_t i = 0; i < flask->count; i++)
        printf("%s%s", i ? ", " : "", flask->materials[i]->name);
    printf("}\n");
}

static enum flask_result add(struct flask *flask,
                             const struct material *material)
{
    const struct material *culprit = NULL;
    //> Step into this call, or over it, and see: print *flask, then
    //> reactions flask.
    enum flask_result result = flask_add(flask, material, &culprit);
    printf("add %s\n", material->name);
    //> Python would have left this function by itself. Here someone has to
    //> ask: print result.
    if (result == FLASK_BOOM)
        printf("  boom:  %s + %s\n", culprit->name, material->name);
    print_flask(flask);
    return result;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "put materials into a flask"};
    cli_parse(&cli, argc, argv);

    struct flask flask = {.count = 0};
    if (add(&flask, &ca) != FLASK_OK || add(&flask, &h2o) != FLASK_OK)
        errx(CLI_NO_SHOW, "something blew up too early");
    //> So far so good: print flask. Now the sodium.
    if (add(&flask, &na) != FLASK_BOOM || flask.count != 0)
        errx(CLI_NO_SHOW, "nothing blew up");
    //> An empty flask, and we are here to print it.
    printf("we survive, everything in the flask is lost\n");
    return 0;
}
