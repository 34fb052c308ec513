/* monkey_patch.c: replace sqrt by a function that says 42, call it, put it
 * back: the three seams that C has for it, and what each does not reach.
 *
 * Cells: A27
 * Run:   make monkey_patch; make monkey_patch OPT=1
 *        make monkey_patch OPT=1 CFLAGS=-fno-builtin
 * Ask:   Python looks sqrt up in math at every call. When does C?
 * Watch: when it is compiled, when it is linked, when it is started: a seam is
 *        where the name still stands for something; what was settled before,
 *        stays. The two calls on trial differ with compiler and -O.
 * See:   sqrt_preload.c, the library; location_test.c, a seam put to use.
 */
#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"

static bool new;
static int status = CLI_OK;

/* Volatile, or the compiler does the sum itself and no call is left. */
static volatile double three = 3, four = 4, sixteen = 16;
static double (*volatile square_root)(double) = sqrt;

static double fake_sqrt(double x)
{
    (void)x;
    return 42;
}

/* The Makefile links this program with --wrap=sqrt: in its object files sqrt
 * becomes __wrap_sqrt, and __real_sqrt is the way to the library's.
 */
static bool wrapped;
double __wrap_sqrt(double x);
double __real_sqrt(double x);

double __wrap_sqrt(double x)
{
    return wrapped ? fake_sqrt(x) : __real_sqrt(x);
}

/* A call such as all programs make, in code that gcc is to make fast. */
__attribute__((hot, noinline)) static double sqrt_by_name(double x)
{
    return sqrt(x);
}

static void show(double answer, double promised, const char *what)
{
    printf(answer == 42 ? "%-4.0f %s\n" : "%-4.1f %s\n", answer, what);
    if (answer == promised)
        return;
    printf("     which is not the promised %g\n", promised);
    status = CLI_NO_SHOW;
}

static void patch_pointer(void)
{
    puts("a pointer, which the caller goes through");
    //> p square_root: the address of sqrt. Now it will be that of fake_sqrt.
    square_root = fake_sqrt;
    show(square_root(sixteen), 42, "replaced");
    show(sqrt_by_name(sixteen), 4.0, "out of reach: a call by name");
    square_root = sqrt;
    show(square_root(sixteen), 4.0, "put back");
}

static void patch_by_linker(void)
{
    puts("--wrap, when the program is linked");
    void *address = dlsym(RTLD_DEFAULT, "sqrt");
    double (*from_library)(double);
    memcpy(&from_library, &address, sizeof address);
    if (address == NULL)
        errx(1, "dlsym: %s", dlerror());
    //> p square_root, p from_library: the linker has led the name sqrt in our
    //> code to __wrap_sqrt; the library's is where it was.
    wrapped = true;
    show(square_root(sixteen), 42, "replaced");
    show(from_library(sixteen), 4.0, "out of reach: the library's own");
    double plain = sqrt_by_name(sixteen);
    double constant = sqrt(16.0);
    wrapped = false;
    show(square_root(sixteen), 4.0, "put back");
    show(plain, plain, "on trial: sqrt(x), a call or an instruction?");
    show(constant, constant, "on trial: sqrt(16.0), a call or a constant?");
}

/* The folder of this program, where the library stands too. Its path may hold
 * a blank or a colon, which in LD_PRELOAD end a name: so we go there.
 */
static void enter_own_folder(char program[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", program, PATH_MAX - 1);
    if (n == -1)
        err(1, "/proc/self/exe");
    program[n] = '\0';
    char *folder = strndup(program, (size_t)(strrchr(program, '/') - program));
    if (folder == NULL || chdir(folder) == -1)
        err(1, "the folder of %s", program);
    free(folder);
}

static void be_new_process(void)
{
    if (getenv("LD_PRELOAD") == NULL) {
        show(square_root(sixteen), 4.0, "put back, in the next");
        return;
    }
    show(square_root(sixteen), 42, "replaced, in a new process");
    show(hypot(three, four), 5.0, "out of reach: libm's own, in hypot");
}

/* Runs this program anew, with the environment as it is now. */
static void run_new_process(const char *program)
{
    pid_t pid = fork();
    if (pid == -1)
        err(1, "fork");
    if (pid == 0) {
        execl(program, program, "--new", (char *)NULL);
        warn("%s", program);
        _exit(CLI_ERROR);
    }
    int how;
    while (waitpid(pid, &how, 0) == -1)
        if (errno != EINTR)
            err(1, "waitpid");
    if (how != 0)
        status = WIFEXITED(how) ? WEXITSTATUS(how) : CLI_ERROR;
}

static void patch_by_preload(void)
{
    char program[PATH_MAX];
    const char *library = "./sqrt_preload.so";
    puts("LD_PRELOAD, when a process is started");
    enter_own_folder(program);
    if (access(library, R_OK) == -1)
        err(1, "%s (make builds it) beside %s", library, program);
    //> The next lines change the environment. This process has read it when it
    //> was started; those that it starts from now on will.
    if (setenv("LD_PRELOAD", library, 1) == -1 ||
        /* for SAN=address alone, whose library wants to be the first */
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1) == -1)
        err(1, "setenv");
    show(square_root(sixteen), 4.0, "out of reach: a process that runs");
    run_new_process(program);
    unsetenv("LD_PRELOAD");
    run_new_process(program);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "replace sqrt, call it, put it back",
        .options =
            {
                {0, "new", "be one of the new processes", CLI_FLAG(&new)},
            },
    };
    cli_parse(&cli, argc, argv);
    if (new) {
        be_new_process();
        return status;
    }
    patch_pointer();
    patch_by_linker();
    patch_by_preload();
    return status;
}
