/* fork_lock_mended.c: a child that execs at once needs no lock, and handlers
 * see to it that one that does not finds them free.
 *
 * Cells: none
 * Run:   make fork_lock_mended; diff fork_lock.c fork_lock_mended.c
 * Ask:   when is it safe to fork, for a lock that some other thread uses?
 * Watch: when we hold it ourselves, for we are the thread that the child has.
 *        pthread_atfork takes it before each fork, and lets go on both sides.
 * See:   fork_lock.c
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t held, go_on;

/* The calls on threads return an error, those on semaphores leave it in errno.
 */
static void must(int error, const char *what)
{
    if (error != -1)
        errno = error;
    if (error != 0)
        err(CLI_ERROR, "%s", what);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) == -1 && errno == EINTR)
        continue;
}

static void *work(void *unused)
{
    must(pthread_mutex_lock(&lock), "lock");
    must(sem_post(&held), "semaphore");
    await(&go_on); /* it works under the lock */
    must(pthread_mutex_unlock(&lock), "unlock");
    return unused;
}

static void take(void)
{
    //> We fork no sooner than we have the lock ourselves: this waits for the
    //> worker.
    must(pthread_mutex_lock(&lock), "lock");
}

static void let_go(void)
{
    //> Each process has its copy, held by the thread that forked: both can
    //> let go.
    must(pthread_mutex_unlock(&lock), "unlock");
}

static void child_with_lock(void)
{
    printf("child:  takes the lock\n");
    must(pthread_mutex_lock(&lock), "lock");
    printf("child:  has it\n");
    must(pthread_mutex_unlock(&lock), "unlock");
    _exit(CLI_OK);
}

static void child_with_exec(void)
{
    execlp("echo", "echo", "child:  a new program, without our locks", NULL);
    warn("echo");
    _exit(CLI_ERROR);
}

static void fork_and_wait(void child(void))
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(CLI_ERROR);
        child();
    }
    int status;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "waitpid");
    if (status != 0)
        errx(CLI_ERROR, "the child did not do its work");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "fork while another thread holds a lock, and live",
    };
    cli_parse(&cli, argc, argv);
    must(sem_init(&held, 0, 0), "semaphore");
    must(sem_init(&go_on, 0, 0), "semaphore");

    pthread_t worker;
    must(pthread_create(&worker, NULL, work, NULL), "worker");
    must(pthread_detach(worker), "worker"); /* no child could join it */
    await(&held);
    printf("worker: holds the lock\n");
    //> The child will be a new program at once, as most are. To it the lock
    //> does not matter.
    fork_and_wait(child_with_exec);

    must(pthread_atfork(take, let_go, let_go), "handlers");
    must(sem_post(&go_on), "semaphore");
    fork_and_wait(child_with_lock);
    must(pthread_mutex_lock(&lock), "lock");
    printf("parent: has the lock, too\n");
    must(pthread_mutex_unlock(&lock), "unlock");
    return CLI_OK;
}
