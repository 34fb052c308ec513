/* Every call that can fail, failing in turn.
 *
 * The linker's --wrap leads the calls of our own code here (those inside libc
 * stay as they are). The one whose turn it is fails as the real one could;
 * the others go through.
 *
 *     TORTURE=7       the seventh call fails, once
 *     TORTURE=7+      the seventh and all after it
 *     TORTURE_LOG=F   added to file F: "call 7, mmap: made to fail"; or, of a
 *                     program that ends before, how many calls it makes
 *
 * The Makefile takes the names to wrap from here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static atomic_int calls;

/* Where a program forks, each process goes on counting by itself. What the
 * busiest of them has come to lies in memory that they share.
 */
static atomic_int *most = &calls;
static pid_t self;

/* Not through a FILE: a program that is to fail may hold its locks. */
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    const char *log = getenv("TORTURE_LOG");
    if (log == NULL)
        return;
    char line[256];
    va_list values;
    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log,
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)!syscall(SYS_write, fd, line, strlen(line));
    syscall(SYS_close, fd);
}

__attribute__((constructor)) static void begin(void)
{
    self = getpid();
    long shared = syscall(SYS_mmap, 0L, sizeof *most, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
    if (shared != -1) {
        most = (atomic_int *)shared;
        *most = calls;
    }
}

static void count_most(int n)
{
    int last = *most;
    while (n > last && !atomic_compare_exchange_weak(most, &last, n))
        continue;
}

/* Of the process that was started, not of those that it forks. */
__attribute__((destructor)) static void end(void)
{
    const char *turn = getenv("TORTURE");
    if (turn != NULL && *most < atoi(turn) && getpid() == self)
        note("%s makes only %d calls that can fail\n",
             program_invocation_short_name, *most);
}

/* Whether this call is to fail. Nothing in here may be wrapped itself. An
 * interruption (EINTR) comes once: for ever would be another error.
 */
static bool fails(const char *name, int why)
{
    const char *turn = getenv("TORTURE");
    int n = ++calls;
    count_most(n);
    if (turn == NULL || n < atoi(turn) ||
        (n > atoi(turn) && (why == EINTR || strchr(turn, '+') == NULL)))
        return false;
    note("call %d, %s: made to fail\n", n, name);
    return true;
}

#define WRAP(type, failure, why, name, parameters, arguments)                  \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters                                              \
    {                                                                          \
        if (!fails(#name, why))                                                \
            return __real_##name arguments;                                    \
        errno = why;                                                           \
        return failure;                                                        \
    }

/* A table of the calls, one a line. */
/* clang-format off */
WRAP(void *, NULL, ENOMEM, malloc, (size_t n), (n))
WRAP(void *, NULL, ENOMEM, calloc, (size_t m, size_t n), (m, n))
WRAP(void *, NULL, ENOMEM, realloc, (void *p, size_t n), (p, n))
WRAP(void *, NULL, ENOMEM, reallocarray, (void *p, size_t m, size_t n), (p, m, n))
WRAP(char *, NULL, ENOMEM, strdup, (const char *s), (s))
WRAP(char *, NULL, ENOMEM, strndup, (const char *s, size_t n), (s, n))
WRAP(FILE *, NULL, EMFILE, fopen, (const char *f, const char *m), (f, m))
WRAP(FILE *, NULL, ENOMEM, fdopen, (int fd, const char *m), (fd, m))
WRAP(FILE *, NULL, EMFILE, freopen, (const char *f, const char *m, FILE *s), (f, m, s))
WRAP(FILE *, NULL, ENOMEM, open_memstream, (char **p, size_t *n), (p, n))
WRAP(ssize_t, -1, EIO, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, -1, ENOSPC, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(int, -1, EMFILE, dup, (int fd), (fd))
WRAP(int, -1, EMFILE, dup2, (int a, int b), (a, b))
WRAP(int, -1, EMFILE, pipe, (int p[2]), (p))
WRAP(int, -1, EMFILE, pipe2, (int p[2], int flags), (p, flags))
WRAP(int, -1, ENOSPC, mkdir, (const char *d, mode_t m), (d, m))
WRAP(int, -1, ENOSPC, mkdirat, (int fd, const char *d, mode_t m), (fd, d, m))
WRAP(int, -1, ENOSPC, mknod, (const char *f, mode_t m, dev_t d), (f, m, d))
WRAP(int, -1, EBUSY, rmdir, (const char *d), (d))
WRAP(int, -1, EBUSY, unlink, (const char *f), (f))
WRAP(int, -1, EBUSY, unlinkat, (int fd, const char *f, int flags), (fd, f, flags))
WRAP(int, -1, EIO, chdir, (const char *d), (d))
WRAP(int, -1, EIO, fchdir, (int fd), (fd))
WRAP(int, -1, ENOSPC, symlink, (const char *a, const char *b), (a, b))
WRAP(int, -1, ENOSPC, linkat, (int a, const char *f, int b, const char *g, int flags), (a, f, b, g, flags))
WRAP(int, -1, ENOSPC, renameat, (int a, const char *f, int b, const char *g), (a, f, b, g))
WRAP(int, -1, EIO, stat, (const char *f, struct stat *s), (f, s))
WRAP(int, -1, EIO, lstat, (const char *f, struct stat *s), (f, s))
WRAP(int, -1, EIO, fstat, (int fd, struct stat *s), (fd, s))
WRAP(int, -1, EIO, fstatat, (int fd, const char *f, struct stat *s, int flags), (fd, f, s, flags))
WRAP(DIR *, NULL, EMFILE, opendir, (const char *d), (d))
WRAP(DIR *, NULL, ENOMEM, fdopendir, (int fd), (fd))
WRAP(struct dirent *, NULL, EIO, readdir, (DIR * d), (d))
WRAP(char *, NULL, EIO, realpath, (const char *f, char *p), (f, p))
WRAP(char *, NULL, ENOSPC, mkdtemp, (char *t), (t))
WRAP(int, -1, EFAULT, uname, (struct utsname * n), (n))
WRAP(int, -1, ENOMEM, atexit, (void (*f)(void)), (f))
WRAP(pid_t, -1, EAGAIN, fork, (void), ())
WRAP(pid_t, -1, EINTR, waitpid, (pid_t p, int *s, int o), (p, s, o))
WRAP(int, -1, ENOENT, execv, (const char *f, char *const *a), (f, a))
WRAP(int, -1, ENOENT, execve, (const char *f, char *const *a, char *const *e), (f, a, e))
WRAP(int, -1, EMFILE, socket, (int d, int t, int p), (d, t, p))
WRAP(int, -1, EMFILE, socketpair, (int d, int t, int p, int s[2]), (d, t, p, s))
WRAP(int, -1, EADDRINUSE, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, -1, EADDRINUSE, listen, (int fd, int n), (fd, n))
WRAP(int, -1, ECONNABORTED, accept, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(int, -1, EMFILE, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f))
WRAP(int, -1, ECONNREFUSED, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, -1, ENOBUFS, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(int, -1, ENOTCONN, getpeername, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
WRAP(int, -1, EMFILE, signalfd, (int fd, const sigset_t *s, int flags), (fd, s, flags))
WRAP(int, -1, ENOMEM, setsockopt, (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n))
WRAP(ssize_t, -1, ECONNRESET, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, -1, ECONNRESET, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(int, EAI_MEMORY, 0, getaddrinfo, (const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r), (n, s, h, r))
WRAP(int, EAGAIN, 0, pthread_create, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *x), (t, a, f, x))
WRAP(int, -1, ENOSPC, sem_init, (sem_t *s, int shared, unsigned n), (s, shared, n))
WRAP(void *, MAP_FAILED, ENOMEM, mmap, (void *p, size_t n, int r, int f, int fd, off_t o), (p, n, r, f, fd, o))
WRAP(int, -1, ENOENT, execvp, (const char *f, char *const *a), (f, a))
WRAP(int, -1, ENOMEM, poll, (struct pollfd * p, nfds_t n, int t), (p, n, t))
WRAP(int, -1, ENOMEM, select, (int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *t), (n, r, w, x, t))
WRAP(int, -1, EMFILE, epoll_create1, (int flags), (flags))
WRAP(int, -1, ENOSPC, epoll_ctl, (int e, int what, int fd, struct epoll_event *v), (e, what, fd, v))
WRAP(int, -1, EINTR, epoll_wait, (int e, struct epoll_event *v, int n, int t), (e, v, n, t))
WRAP(int, -1, EMFILE, eventfd, (unsigned n, int flags), (n, flags))
WRAP(ssize_t, -1, EIO, pread, (int fd, void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(ssize_t, -1, ENOSPC, pwrite, (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))
WRAP(int, -1, EIO, fsync, (int fd), (fd))
WRAP(int, -1, EAGAIN, mincore, (void *p, size_t n, unsigned char *v), (p, n, v))
WRAP(ssize_t, -1, EIO, readlink, (const char *f, char *p, size_t n), (f, p, n))
WRAP(int, EAI_MEMORY, 0, getnameinfo, (const struct sockaddr *a, socklen_t n, char *h, socklen_t hn, char *s, socklen_t sn, int f), (a, n, h, hn, s, sn, f))
WRAP(int, -1, EINVAL, sched_getaffinity, (pid_t p, size_t n, cpu_set_t *s), (p, n, s))
WRAP(int, EINVAL, 0, pthread_setaffinity_np, (pthread_t t, size_t n, const cpu_set_t *s), (t, n, s))
WRAP(int, -1, EINTR, sem_wait, (sem_t *s), (s))
WRAP(int, -1, EINTR, sigtimedwait, (const sigset_t *s, siginfo_t *i, const struct timespec *t), (s, i, t))
WRAP(int, -1, ENOMEM, getcontext, (ucontext_t *c), (c))
WRAP(int, -1, ENOMEM, swapcontext, (ucontext_t *from, const ucontext_t *to), (from, to))

/* These report no errno of their own, or have more to them. */
size_t __real_fread(void *p, size_t size, size_t n, FILE *f);
size_t __wrap_fread(void *p, size_t size, size_t n, FILE *f);
ssize_t __real_getline(char **line, size_t *room, FILE *f);
ssize_t __wrap_getline(char **line, size_t *room, FILE *f);
int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
/* clang-format on */

/* A stream's own mark of an error can only be made by an error: reading from
 * a stream after its descriptor has been turned into a folder is one.
 */
static void spoil(FILE *f)
{
    int folder = (int)syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_CLOEXEC);
    syscall(SYS_dup3, folder, fileno(f), 0);
    syscall(SYS_close, folder);
}

size_t __wrap_fread(void *p, size_t size, size_t n, FILE *f)
{
    if (fails("fread", EISDIR))
        spoil(f);
    return __real_fread(p, size, n, f);
}

ssize_t __wrap_getline(char **line, size_t *room, FILE *f)
{
    if (fails("getline", EISDIR))
        spoil(f);
    return __real_getline(line, room, f);
}

/* The stream is closed all the same, as the standard has it. */
int __wrap_fclose(FILE *f)
{
    bool failing = fails("fclose", ENOSPC);
    int result = __real_fclose(f);
    if (!failing)
        return result;
    errno = ENOSPC;
    return EOF;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (!fails("open", EMFILE))
        return __real_open(path, flags, mode);
    errno = EMFILE;
    return -1;
}

int __wrap_openat(int fd, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (!fails("openat", EMFILE))
        return __real_openat(fd, path, flags, mode);
    errno = EMFILE;
    return -1;
}

/* It cannot fail, but nothing comes after it. */
void __wrap__exit(int status)
{
    end();
    __real__exit(status);
}
