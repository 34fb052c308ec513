/* fork_lock.c: a process is forked while one of its threads holds a lock, and
 * the child waits for a thread that it does not have.
 *
 * Cells: none
 * Run:   make fork_lock; make fork_lock ARGS=--hang
 * Ask:   fork copies all memory. Does it copy all threads?
 * Watch: only the one that called it. The lock came along locked, and whoever
 *        could unlock it did not.
 * See:   fork_lock_mended.c, exec at once, or handlers
 * Broken: hangs
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "01_files/cli.h"
#include "04_threads/watchdog.h"

static bool hang;

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

/* What printf needs is safe: glibc sees to the locks of malloc and stdio when
 * it forks. Nobody sees to ours.
 */
static void child(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* stuck it may be, left behind never */
    if (getppid() != parent)
        _exit(CLI_ERROR);
    watchdog_start(hang);
    printf("child:  takes the lock\n");
    must(pthread_mutex_lock(&lock), "lock");
    printf("child:  has it\n");
    must(pthread_mutex_unlock(&lock), "unlock");
    _exit(CLI_OK);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            err(CLI_ERROR, "waitpid");
    return status;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "fork while another thread holds a lock",
        .options = {{0, "hang", "leave it stuck, for the debugger",
                     CLI_FLAG(&hang)}},
    };
    cli_parse(&cli, argc, argv);
    watchdog_mutex("lock", &lock);
    must(sem_init(&held, 0, 0), "semaphore");
    must(sem_init(&go_on, 0, 0), "semaphore");

    pthread_t worker;
    must(pthread_create(&worker, NULL, work, NULL), "worker");
    must(pthread_detach(worker), "worker"); /* no child could join it */
    await(&held);
    printf("worker: holds the lock\n");
    pid_t parent = getpid();
    //> Now comes the fork: two threads here, and one in the child; info
    //> threads. The lock has its owner noted: p lock.__data.__owner
    pid_t pid = fork();
    if (pid == -1)
        err(CLI_ERROR, "fork");
    if (pid == 0)
        child(parent);
    must(sem_post(&go_on), "semaphore");
    //> Here the worker lets go. The child has a copy of the lock, and there
    //> nobody lets go of it.
    int status = wait_for(pid);
    must(pthread_mutex_lock(&lock), "lock");
    printf("parent: has the lock, nothing simpler than that\n");
    must(pthread_mutex_unlock(&lock), "unlock");
    if (WIFEXITED(status) && WEXITSTATUS(status) == CLI_OK)
        errx(CLI_NO_SHOW, "the child did not hang");
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_ERROR;
}
