/* mischief: a server that behaves well on some paths, and on others in every
 * way that one has to be ready for.
 *
 *     struct mischief server;
 *     mischief_listen(&server, "127.0.0.1");
 *     mischief_start(&server);                 in a child process
 *     ...server.url, and then the path: "http://127.0.0.1:39213/slow"
 *
 * The paths that behave well:
 *
 *     /bytes/N       N bytes, of a known length
 *     /chunks/N      the same in chunks
 *     /rest/N        the same, until the connection ends
 *     /none          204: no body
 *     /interim       two answers of 1xx before the one that counts
 *     /moved         a redirect to a relative path
 *     /hops/N        N redirects
 *     /tired         answers, and closes though it said it would not
 *     /flaky         a reset the first time, and an answer every other time
 *
 * And the others: /part /short /long /late /cut /bad-chunk /cut-chunk
 * /two-lengths /endless-head /endless-body /endless-interim /slow /reset
 * /silence /loop /to-https /nowhere /garbage /busy; what it does not know is
 * 404.
 */
#ifndef MISCHIEF_H
#define MISCHIEF_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mischief {
    char url[64]; /* "http://127.0.0.1:39213", without a slash */
    int listener;
    pid_t pid;
    struct mischief_counts {
        atomic_int most;        /* connections at the same time */
        atomic_int connections; /* that were made */
        atomic_int requests;
        atomic_llong sent; /* bytes of /bytes, /chunks, /rest */
    } * counts;            /* in memory that processes share */
};

/* Listens at an address of this machine, on a free port. Returns 0, or -1 with
 * errno.
 */
int mischief_listen(struct mischief *m, const char *address);

/* Serves, for ever, on a loop of this thread. */
_Noreturn void mischief_serve(struct mischief *m);

/* The same in a child, which never outlives us. Ends the program with a message
 * where there can be none. Before there are threads: it forks.
 */
void mischief_start(struct mischief *m);

/* Ends the child. Ends the program with a message where it had ended before by
 * itself.
 */
void mischief_stop(struct mischief *m);

/* The bytes that stand at that place in the body of /bytes, /chunks, /rest. */
void mischief_bytes(int64_t place, char *bytes, size_t length);

/* What the small answers say, such as that of /interim. */
extern const char mischief_hello[];

#endif
