#include "04_threads/watchdog.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "01_files/cli.h"

enum { LOOKS = 20, NANOSECONDS = 50000000, NAMED = 8, THREADS = 64 };

/* FUTEX_PRIVATE_FLAG, of the kernel's own headers: no other process waits. */
enum { PRIVATE = 128 };

static struct named {
    const char *name;
    uintptr_t start, end;         /* where it lies */
    const pthread_mutex_t *mutex; /* NULL: it is a condition variable */
} named[NAMED];
static int named_count;

static pthread_t watchdog;
static sem_t over; /* posted at exit */

/* Why something about a thread could not be found out, and then nothing that
 * was found is to be trusted. A thread that has ended meanwhile is no reason.
 */
static int unseen;

static void cannot_see(void)
{
    if (errno != ENOENT && errno != ESRCH)
        unseen = errno;
}

/* A thread, and what it waits for. */
struct waiter {
    pid_t tid;
    char name[32];
    bool waits;
    const struct named *object; /* NULL: nothing that has a name */
    pid_t whom;                 /* the thread it waits for; 0: unknown */
};

static void add_name(struct named object)
{
    if (named_count == NAMED)
        errx(CLI_ERROR, "watchdog: no room for %s", object.name);
    named[named_count++] = object;
}

void watchdog_mutex(const char *name, const pthread_mutex_t *mutex)
{
    uintptr_t start = (uintptr_t)mutex;
    add_name(
        (struct named){name, start, start + sizeof(pthread_mutex_t), mutex});
}

void watchdog_condition(const char *name, const pthread_cond_t *condition)
{
    uintptr_t start = (uintptr_t)condition;
    add_name((struct named){name, start, start + sizeof(pthread_cond_t), NULL});
}

/* --- Looking ------------------------------------------------------------- */

/* The thread that holds the lock; 0 if it is free, or the library keeps no such
 * note. Without the lock that is nobody's to read, so the kernel reads it.
 */
static pid_t holder(const pthread_mutex_t *mutex)
{
#ifdef __GLIBC__
    pthread_mutex_t copy = PTHREAD_MUTEX_INITIALIZER;
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        cannot_see();
        return 0;
    }
    ssize_t n = pread(fd, &copy, sizeof copy, (off_t)(uintptr_t)mutex);
    if (n == -1)
        cannot_see();
    close(fd);
    return n == sizeof copy ? copy.__data.__owner : 0;
#else
    (void)mutex;
    return 0;
#endif
}

/* Without stdio: a thread that is stuck may hold its locks. */
static void read_file(pid_t tid, const char *what, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd == -1 ? -1 : read(fd, text, size - 1);
    if (n == -1)
        cannot_see();
    if (fd != -1)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static struct waiter look_at(pid_t tid)
{
    struct waiter w = {.tid = tid};
    if (tid == getpid())
        strcpy(w.name, "main");
    else
        read_file(tid, "comm", w.name, sizeof w.name);

    /* "202 0x55d0c8 0x80 0x2 ...": the number of the system call and its
     * arguments; "running", or -1, where it is in none. So is each thread that
     * a debugger has stopped and now lets go, until it is back in its call: we
     * may have been let go first.
     */
    char text[256];
    long call = -1;
    unsigned long address = 0, operation = 0, value = 0;
    for (int tries = 0; call == -1 && tries < 100; tries++) {
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        read_file(tid, "syscall", text, sizeof text);
        if (*text == '\0') /* it has ended, or cannot be seen */
            break;
        sscanf(text, "%ld %lx %lx %lx", &call, &address, &operation, &value);
    }
    w.waits = call == SYS_futex;
    if (!w.waits)
        return w;
    for (int i = 0; i < named_count; i++)
        if (address >= named[i].start && address < named[i].end)
            w.object = &named[i];
    if (w.object != NULL && w.object->mutex != NULL)
        w.whom = holder(w.object->mutex);
    /* pthread_join(3) waits until the kernel clears the number of the thread,
     * which it does for waiters in any process.
     */
    if (w.object == NULL && (operation & PRIVATE) == 0)
        w.whom = (pid_t)value;
    return w;
}

static int look(struct waiter waiters[THREADS])
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    if (d == NULL) {
        cannot_see();
        return 0;
    }
    /* cppcheck-suppress readdirCalled // the folder is this thread's own */
    for (struct dirent *e;
         errno = 0, n < THREADS && (e = readdir(d)) != NULL;) {
        pid_t tid = (pid_t)atoi(e->d_name);
        if (tid > 0 && tid != gettid())
            waiters[n++] = look_at(tid);
    }
    if (errno != 0)
        cannot_see();
    closedir(d);
    return n;
}

/* --- Telling ------------------------------------------------------------- */

static const struct waiter *find(const struct waiter *waiters, int n, pid_t tid)
{
    for (int i = 0; i < n; i++)
        if (waiters[i].tid == tid)
            return &waiters[i];
    return NULL;
}

static bool holder_is_unknown(const struct waiter *w)
{
    return w->object != NULL && w->object->mutex != NULL && w->whom == 0;
}

static void tell(const struct waiter *waiters, int n, const struct waiter *w)
{
    const struct waiter *whom = find(waiters, n, w->whom);
    dprintf(STDOUT_FILENO, "  %-6s ", w->name);
    if (!w->waits)
        dprintf(STDOUT_FILENO, "waits for no lock\n");
    else if (w->object == NULL && whom != NULL)
        dprintf(STDOUT_FILENO, "waits for the end of %s\n", whom->name);
    else if (w->object == NULL)
        dprintf(STDOUT_FILENO, "waits for something without a name\n");
    else if (w->object->mutex == NULL)
        dprintf(STDOUT_FILENO, "waits for a signal on %s\n", w->object->name);
    else if (whom != NULL)
        dprintf(STDOUT_FILENO, "waits for %s, held by %s\n", w->object->name,
                whom == w ? "itself" : whom->name);
    else
        dprintf(STDOUT_FILENO, "waits for %s, held by %s\n", w->object->name,
                holder_is_unknown(w) ? "a thread unknown"
                                     : "no thread of this process");
}

/* From one to the next, until it comes back to where it began. Whom it leads
 * past on the way into the circle is not in the circle.
 */
static bool tell_circle(const struct waiter *waiters, int n)
{
    for (int i = 0; i < n; i++) {
        const struct waiter *w = &waiters[i];
        int steps = 0;
        do {
            w = find(waiters, n, w->whom);
            steps++;
        } while (w != NULL && w != &waiters[i] && steps <= n);
        if (w != &waiters[i])
            continue;
        dprintf(STDOUT_FILENO, "watchdog: a circle: %s", w->name);
        do {
            if (w->object != NULL)
                dprintf(STDOUT_FILENO, " -> %s", w->object->name);
            w = find(waiters, n, w->whom);
            dprintf(STDOUT_FILENO, " -> %s", w->name);
        } while (w != &waiters[i]);
        dprintf(STDOUT_FILENO, "\n");
        return true;
    }
    return false;
}

/* A place for a breakpoint: who stops here sees all threads stuck. */
static void bark(void)
{
    struct waiter waiters[THREADS];
    int n = look(waiters);
    int waiting = 0;
    if (dprintf(STDOUT_FILENO, "watchdog: nothing moves any more\n") < 0) {
        warn("standard output");
        _exit(CLI_ERROR);
    }
    if (unseen != 0) {
        errno = unseen;
        warn("watchdog: who waits for whom: /proc/self/task");
        _exit(CLI_ERROR);
    }
    for (int i = 0; i < n; i++) {
        tell(waiters, n, &waiters[i]);
        waiting += waiters[i].waits && !holder_is_unknown(&waiters[i]);
    }
    if (!tell_circle(waiters, n) && n > 0 && waiting == n)
        dprintf(STDOUT_FILENO,
                "watchdog: no circle: nobody is left who would wake them\n");
    _exit(CLI_WATCHDOG);
}

/* --- Waiting ------------------------------------------------------------- */

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What all threads but this one have used of the processor. */
static int64_t used_by_others(void)
{
    return nanoseconds(CLOCK_PROCESS_CPUTIME_ID) -
           nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

/* The end of a look: whether the program has ended meanwhile. */
static bool over_meanwhile(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += NANOSECONDS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int result;
    while ((result = sem_timedwait(&over, &until)) == -1 && errno == EINTR)
        continue;
    return result == 0;
}

/* It looks often and briefly: when a debugger stops the process for an hour,
 * one look is late, and the others are still to come.
 */
static void *watch(void *unused)
{
    pthread_setname_np(pthread_self(), "watchdog");
    const int64_t working = 10000000; /* sanitizers do a little unasked */
    int64_t last = used_by_others();
    for (int quiet = 0; quiet < LOOKS; quiet++) {
        if (over_meanwhile())
            return unused;
        int64_t now = used_by_others();
        if (now - last > working) {
            last = now;
            quiet = 0;
        }
    }
    bark();
    return unused;
}

/* At exit. */
static void stop(void)
{
    sem_post(&over);
    pthread_join(watchdog, NULL);
}

static void wait_for_debugger(void)
{
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where all may anyway */
    printf("it will hang, for the debugger; Ctrl-C ends it\n");
    printf("gdb -p %d -x 04_threads/lockgraph.py -ex lockgraph\n", getpid());
}

void watchdog_start(bool hang)
{
    if (hang) {
        wait_for_debugger();
        return;
    }
    if (sem_init(&over, 0, 0) == -1)
        err(CLI_ERROR, "watchdog");
    /* Signals are for the threads of the program. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&watchdog, NULL, watch, NULL);
    if (errno != 0)
        err(CLI_ERROR, "watchdog");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (atexit(stop) != 0)
        errx(CLI_ERROR, "watchdog: no room for an exit handler");
}
