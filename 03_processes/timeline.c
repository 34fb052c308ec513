/* Recording, and reading what was recorded. */
#include "03_processes/timeline.h"

#include <err.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "03_processes/timeline_read.h"

/* A mark is one word: the time in ns, and in the lowest 8 bits the state. Each
 * lane has a list of chunks taken from one pool, so that there is room for one
 * lane with a million marks as for ten thousand lanes with thirty. No cache
 * line belongs to two lanes: those who mark at the same time on two cores do
 * not slow each other down.
 */
enum { LINE = 64, IN_CHUNK = 31, POOL = 1 << 15, NAME = 40 };

struct chunk {
    alignas(LINE) uint64_t marks[IN_CHUNK];
    struct chunk *next;
};

struct lane {
    alignas(LINE) struct chunk *first;
    struct chunk *last;
    enum timeline_state state;
    /* Stored last, with release: whoever sees the number, in another thread
     * or process, sees the marks.
     */
    _Atomic uint32_t count;
    _Atomic uint32_t lost;
    alignas(LINE) char name[NAME];
};

/* How many have been asked for, which may be more than there are. */
struct taken {
    alignas(LINE) _Atomic uint64_t chunks;
    _Atomic uint32_t lanes;
};

/* What the pointers lead to is memory that forked children share with their
 * parent, at the same address, so that even the pointers in it hold for all.
 */
static struct {
    uint64_t zero; /* CLOCK_MONOTONIC at the start */
    uint64_t end;  /* 0: nobody has asked yet */
    uint32_t most_lanes, most_chunks;
    size_t size;
    struct taken *taken; /* NULL before the start */
    struct chunk *pool;
    struct lane *lanes;
} board;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void timeline_start(int lanes)
{
    timeline_find_files();
    if (board.taken != NULL)
        munmap(board.taken, board.size);
    board.most_lanes = (uint32_t)lanes;
    board.most_chunks = POOL + board.most_lanes;
    board.size = sizeof *board.taken + board.most_chunks * sizeof *board.pool +
                 board.most_lanes * sizeof *board.lanes;
    /* Pages that nobody touches cost nothing. */
    void *memory = mmap(NULL, board.size, PROT_READ | PROT_WRITE,
                        /* cppcheck-suppress invalidFunctionArg */
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        err(CLI_ERROR, "memory for a timeline of %d lanes", lanes);
    board.taken = memory;
    board.pool = (struct chunk *)(board.taken + 1);
    board.lanes = (struct lane *)(board.pool + board.most_chunks);
    board.end = 0;
    board.zero = now();
}

/* How many bytes the first character takes, or 0 where it is none to be shown:
 * no valid UTF-8 (RFC 3629), or a control character.
 */
static size_t shown_character(const unsigned char *s)
{
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool bad = s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0) ||
               (s[0] == 0xe0 && s[1] < 0xa0) || /* too long */
               (s[0] == 0xed && s[1] > 0x9f) || /* half of a pair of UTF-16 */
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : n;
}

/* A name may come from outside, and goes to terminals and into files. */
static void make_showable(char *name)
{
    for (char *s = name; *s != '\0';) {
        size_t n = shown_character((const unsigned char *)s);
        if (n == 0)
            *s = '?';
        s += n ? n : 1;
    }
}

int timeline_lane(const char *format, ...)
{
    if (board.taken == NULL)
        return -1;
    uint32_t n = atomic_fetch_add(&board.taken->lanes, 1);
    if (n >= board.most_lanes)
        return -1;
    va_list values;
    va_start(values, format);
    vsnprintf(board.lanes[n].name, NAME, format, values);
    va_end(values);
    make_showable(board.lanes[n].name);
    return (int)n;
}

/* The next chunk of the pool, for good; NULL when all are taken. */
static struct chunk *take_chunk(void)
{
    uint64_t n = atomic_fetch_add(&board.taken->chunks, 1);
    return n < board.most_chunks ? &board.pool[n] : NULL;
}

void timeline_mark(int lane, enum timeline_state state)
{
    if (board.taken == NULL || lane < 0)
        return;
    struct lane *l = &board.lanes[lane];
    if (l->state == state)
        return;
    uint32_t n = atomic_load_explicit(&l->count, memory_order_relaxed);
    if (n % IN_CHUNK == 0) {
        struct chunk *chunk = take_chunk();
        if (chunk == NULL) {
            atomic_fetch_add(&l->lost, 1);
            return;
        }
        if (n == 0)
            l->first = chunk;
        else
            l->last->next = chunk;
        l->last = chunk;
    }
    l->last->marks[n % IN_CHUNK] = (now() - board.zero) << 8 | state;
    l->state = state;
    atomic_store_explicit(&l->count, n + 1, memory_order_release);
}

static uint32_t marks_of(int lane)
{
    return atomic_load_explicit(&board.lanes[lane].count, memory_order_acquire);
}

int timeline_lanes(void)
{
    if (board.taken == NULL)
        return 0;
    uint32_t n = atomic_load(&board.taken->lanes);
    return (int)(n < board.most_lanes ? n : board.most_lanes);
}

const char *timeline_name(int lane)
{
    return board.lanes[lane].name;
}

uint32_t timeline_lanes_lost(void)
{
    return atomic_load(&board.taken->lanes) - (uint32_t)timeline_lanes();
}

uint64_t timeline_marks_lost(void)
{
    uint64_t lost = 0;
    for (int i = 0; i < timeline_lanes(); i++)
        lost += atomic_load(&board.lanes[i].lost);
    return lost;
}

/* From the first chunk on, since who is killed in the midst of a mark may have
 * left the last one empty.
 */
static uint64_t last_mark(int lane)
{
    uint32_t count = marks_of(lane);
    if (count == 0)
        return 0;
    const struct chunk *chunk = board.lanes[lane].first;
    for (uint32_t i = IN_CHUNK; i < count; i += IN_CHUNK)
        chunk = chunk->next;
    return chunk->marks[(count - 1) % IN_CHUNK];
}

uint64_t timeline_end(void)
{
    if (board.end != 0)
        return board.end;
    uint64_t end = 1; /* never 0, since all is divided by it */
    for (int i = 0; i < timeline_lanes(); i++) {
        uint64_t last = last_mark(i);
        uint64_t ended =
            (last & 0xff) == TIMELINE_IDLE ? last >> 8 : now() - board.zero;
        if (ended > end)
            end = ended;
    }
    return board.end = end;
}

bool timeline_next(struct timeline_interval *it)
{
    uint32_t count = marks_of(it->lane);
    if (it->next > count)
        return false;
    it->from = it->to;
    it->state = it->next_state;
    it->to = timeline_end();
    if (it->next < count) {
        const struct chunk *chunk = it->chunk;
        if (it->next % IN_CHUNK == 0)
            chunk = chunk ? chunk->next : board.lanes[it->lane].first;
        uint64_t mark = chunk->marks[it->next % IN_CHUNK];
        if (mark >> 8 < it->to) /* the rest was marked after the end */
            it->to = mark >> 8;
        it->next_state = (enum timeline_state)(mark & 0xff);
        it->chunk = chunk;
    }
    it->next++;
    return true;
}
