#include "05_select/probe.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MB = 1000 * 1000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *missing[PROBES];

/* Xorshift, after Marsaglia: the same numbers in every run. */
static uint64_t random_number(void)
{
    static uint64_t x = 88172645463325252;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

/* --- Memory ---------------------------------------------------------------- */

/* One fills a line of the cache. The nodes of an area are linked to one circle
 * in random order: the next address is known only when the load before has
 * come, and nothing can fetch it ahead.
 */
struct node {
    _Alignas(64) struct node *next;
};

enum {
    NEAR = 16 * 1024 / sizeof(struct node), /* half of a small first cache */
    UNROLLED = 16,
};

static struct node near[NEAR];
static struct node *far;
static size_t far_count;
static struct node *volatile far_place; /* where the next walk goes on */
static struct node *volatile near_place = near;

/* What is read from first to last: so many stretches of 1 MB. */
enum { STRETCHES = 32 };
static char *area;
static int next_stretch;

static struct node *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        err(1, "memory for a probe");
    /* Big pages, where there are any: it is the memory that is to be measured,
     * not the table of where it is.
     */
    madvise(p, size, MADV_HUGEPAGE);
    return p;
}

/* Sattolo's shuffle: each turn joins another node to the circle. */
static void link_circle(struct node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        nodes[i].next = &nodes[i];
    for (size_t i = count - 1; i > 0; i--) {
        struct node *other = &nodes[random_number() % i];
        struct node *next = other->next;
        other->next = nodes[i].next;
        nodes[i].next = next;
    }
}

/* Sixteen steps in one expression, so that also at -O0 nothing but loads stands
 * between them.
 */
static struct node *walk(struct node *p, size_t steps)
{
    for (size_t i = 0; i < steps; i += UNROLLED)
        p = p->next->next->next->next->next->next->next->next->next->next->next
                ->next->next->next->next->next;
    return p;
}

static double time_walk(struct node *volatile *place, size_t steps)
{
    double start = now();
    *place = walk(*place, steps);
    return (now() - start) / (double)steps;
}

static double run_l1(void)
{
    walk(near, NEAR);
    return time_walk(&near_place, 65536);
}

static double run_memory(void)
{
    return time_walk(&far_place, 32768);
}

/* The search is libc's, which looks at each byte, and does not find it. */
static const char *search(const char *bytes)
{
    return memchr(bytes, 1, MB);
}

static double run_mb_memory(void)
{
    const char *stretch = area + (size_t)next_stretch * MB;
    next_stretch = (next_stretch + 1) % STRETCHES;
    double start = now();
    const char *found = search(stretch);
    double took = now() - start;
    if (found != NULL)
        errx(1, "memory that changes by itself");
    return took;
}

static void start_memory(int mebibytes)
{
    far_count = (size_t)mebibytes * 1024 * 1024 / sizeof *far;
    area = (char *)map((size_t)STRETCHES * MB);
    far = map(far_count * sizeof *far);
    memset(area, 2, (size_t)STRETCHES * MB);
    link_circle(near, NEAR);
    link_circle(far, far_count);
    /* Once round: after that the caches hold what will be wanted last. */
    far_place = walk(far, far_count);
}

/* --- The kernel ------------------------------------------------------------ */

static double run_call(void)
{
    enum { CALLS = 4096 };
    long answers = 0;
    double start = now();
    /* Not getppid(), whose answer a libc might keep. */
    for (int i = 0; i < CALLS; i++)
        answers |= syscall(SYS_getppid);
    double took = now() - start;
    if (answers < 0)
        err(1, "getppid");
    return took / CALLS;
}

/* --- Another thread -------------------------------------------------------- */

/* It sends back each byte it gets, until there are no more. Where it cannot, it
 * closes its end: only one thread may say so and end the program.
 */
struct peer {
    pthread_t thread;
    int in, out;  /* its own */
    int to, from; /* ours */
};
static struct peer piped, dialled;

static cpu_set_t all_cores;
static size_t cores[2];

static void *echo(void *argument)
{
    const struct peer *p = argument;
    char byte;
    for (;;) {
        ssize_t n = read(p->in, &byte, 1);
        if (n == 0)
            return NULL;
        if (n == 1)
            n = write(p->out, &byte, 1);
        if (n == -1 && errno != EINTR) {
            close(p->out);
            return NULL;
        }
    }
}

static void start_peer(struct peer *p)
{
    errno = pthread_create(&p->thread, NULL, echo, p);
    if (errno != 0)
        err(1, "a thread to switch to");
}

static double time_round_trips(const struct peer *p, int count)
{
    char byte = 'x';
    double start = now();
    for (int i = 0; i < count; i++) {
        if (write(p->to, &byte, 1) != 1)
            err(1, "a byte to another thread");
        ssize_t n = read(p->from, &byte, 1);
        if (n == -1)
            err(1, "a byte from another thread");
        if (n == 0)
            errx(1, "a byte from another thread: it has hung up");
    }
    return (now() - start) / count;
}

static void stay_on(pthread_t thread, const cpu_set_t *set)
{
    errno = pthread_setaffinity_np(thread, sizeof *set, set);
    if (errno != 0)
        err(1, "a core for a thread");
}

/* There and back are two switches. */
static double time_switches(size_t core, int count)
{
    cpu_set_t ours, its;
    CPU_ZERO(&ours);
    CPU_ZERO(&its);
    CPU_SET(cores[0], &ours);
    CPU_SET(core, &its);
    stay_on(pthread_self(), &ours);
    stay_on(piped.thread, &its);
    time_round_trips(&piped, 1);
    double took = time_round_trips(&piped, count) / 2;
    stay_on(pthread_self(), &all_cores);
    return took;
}

static double run_switch(void)
{
    return time_switches(cores[0], 500);
}

static double run_switch_other(void)
{
    return time_switches(cores[1], 200);
}

static double run_loopback(void)
{
    return time_round_trips(&dialled, 200);
}

/* The first two that this process may run on. */
static void find_cores(void)
{
    int found = 0;
    if (sched_getaffinity(0, sizeof all_cores, &all_cores) == -1)
        err(1, "the cores of this machine");
    for (size_t i = 0; i < CPU_SETSIZE && found < 2; i++)
        if (CPU_ISSET(i, &all_cores))
            cores[found++] = i;
    if (found < 2)
        missing[PROBE_SWITCH_OTHER] = "there is one core only";
}

static void dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    const int yes = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    dialled.to = dialled.from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener == -1 || dialled.to == -1 ||
        bind(listener, (struct sockaddr *)&a, sizeof a) == -1 ||
        listen(listener, 1) == -1 ||
        getsockname(listener, (struct sockaddr *)&a, &size) == -1 ||
        connect(dialled.to, (struct sockaddr *)&a, sizeof a) == -1)
        err(1, "a connection to ourselves");
    dialled.in = dialled.out = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    /* A byte is to go out at once, not to wait for more to go with. */
    if (dialled.in == -1 ||
        setsockopt(dialled.to, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) ==
            -1 ||
        setsockopt(dialled.in, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) ==
            -1)
        err(1, "a connection to ourselves");
    close(listener);
}

static void start_peers(void)
{
    int there[2];
    int back[2];
    find_cores();
    if (pipe2(there, O_CLOEXEC) == -1 || pipe2(back, O_CLOEXEC) == -1)
        err(1, "pipe");
    piped.to = there[1];
    piped.in = there[0];
    piped.out = back[1];
    piped.from = back[0];
    dial();
    start_peer(&piped);
    start_peer(&dialled);
}

static void stop_peers(void)
{
    close(piped.to);
    shutdown(dialled.to, SHUT_WR);
    pthread_join(piped.thread, NULL);
    pthread_join(dialled.thread, NULL);
    close(piped.from);
    close(piped.in);
    close(piped.out);
    close(dialled.to);
    close(dialled.in);
}

/* --- A file ---------------------------------------------------------------- */

enum { FILE_MB = 8, BLOCK = 4096 };
static int file = -1;
static char *bytes; /* 1 MB */
static int next_mb;

static double time_read(int mb)
{
    double start = now();
    for (ssize_t n, got = 0; got < MB; got += n) {
        n = pread(file, bytes + got, (size_t)(MB - got), (off_t)mb * MB + got);
        if (n == -1)
            err(1, "a file of our own");
        if (n == 0)
            errx(1, "a file of our own: it has become shorter");
    }
    return now() - start;
}

static double run_mb_cached(void)
{
    time_read(0);
    return time_read(0);
}

/* Asks the kernel to forget what it holds of the file. Returns whether it did:
 * what lies in memory only has nowhere else to be.
 */
static bool drop_file(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (size_t)FILE_MB * MB;
    unsigned char held[FILE_MB * MB / 4096 + 1] = {0};
    if (posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
        return false;
    void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (p == MAP_FAILED)
        err(1, "a file of our own");
    bool known = mincore(p, size, held) == 0;
    munmap(p, size);
    size_t pages = 0;
    for (size_t i = 0; i < size / page; i++)
        pages += held[i] & 1;
    return known && pages == 0;
}

static double run_mb_disk(void)
{
    drop_file();
    /* Another one each time: also disks have caches. */
    next_mb = (next_mb + 1) % FILE_MB;
    return time_read(next_mb);
}

static double run_sync(void)
{
    double start = now();
    if (pwrite(file, bytes, BLOCK, 0) != BLOCK || fsync(file) == -1)
        err(1, "a file of our own");
    return now() - start;
}

static void start_file(void)
{
    const char *path = "probe";
    file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file == -1)
        err(1, "%s", path);
    bytes = malloc(MB);
    if (bytes == NULL)
        err(1, "memory for a probe");
    for (int i = 0; i < MB; i++)
        bytes[i] = (char)
            random_number(); /* or it might be stored as next to nothing */
    const off_t size = (off_t)FILE_MB * MB;
    for (off_t n, at = 0; at < size; at += n) {
        n = pwrite(file, bytes + at % MB, (size_t)(MB - at % MB), at);
        if (n == -1)
            err(1, "%s", path);
    }
    if (fsync(file) == -1)
        err(1, "%s", path);
    /* No reading ahead: pages that are on their way would not be dropped, and
     * then be there already when their turn comes to be read from the disk.
     */
    errno = posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
    if (errno != 0)
        err(1, "%s", path);
    if (!drop_file())
        missing[PROBE_MB_DISK] = missing[PROBE_SYNC] =
            "the temporary folder is in memory";
}

/* --- All of them ----------------------------------------------------------- */

void probe_start(int mebibytes)
{
    start_file();
    start_peers();
    start_memory(mebibytes);
}

void probe_stop(void)
{
    stop_peers();
    munmap(area, (size_t)STRETCHES * MB);
    munmap(far, far_count * sizeof *far);
    free(bytes);
    close(file);
}

const char *probe_missing(enum probe probe)
{
    return missing[probe];
}

double probe_run(enum probe probe)
{
    static double (*const runs[PROBES])(void) = {
        [PROBE_L1] = run_l1,
        [PROBE_MEMORY] = run_memory,
        [PROBE_CALL] = run_call,
        [PROBE_SWITCH] = run_switch,
        [PROBE_SWITCH_OTHER] = run_switch_other,
        [PROBE_LOOPBACK] = run_loopback,
        [PROBE_MB_MEMORY] = run_mb_memory,
        [PROBE_MB_CACHED] = run_mb_cached,
        [PROBE_MB_DISK] = run_mb_disk,
        [PROBE_SYNC] = run_sync,
    };
    return runs[probe]();
}
