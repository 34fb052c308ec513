/* urls: a list of URLs, one a line, read no further than somebody asks.
 *
 *     struct urls urls;
 *     if (urls_open(&urls, "urls.txt") == -1)
 *         err(1, "urls.txt");
 *     ...
 *     AWAIT_CALL(c, urls_next, .urls = &urls, .text = c->text);
 *     if (!c->urls_next.ended && c->urls_next.why == NULL)
 *         ...c->urls_next.url
 *     ...
 *     urls_close(&urls);
 *
 * A buffer of one line is all that is kept of the list, be it ten URLs or a
 * million. A pipe or a terminal is waited for in the loop; a file in a thread,
 * since it can always be read, however long the disk takes.
 */
#ifndef URLS_H
#define URLS_H

#include "07_eventloop/fetch_names.h"
#include "07_eventloop/sync.h"
#include "07_eventloop/until_home.h"

enum { URLS_LINE = 4096 }; /* bytes of a line, at most */

struct urls {
    const char *name;   /* of the file */
    unsigned long line; /* the number of the last one that was read */
    int error;          /* the errno that ended it, or 0 */
    int fd;             /* the rest is its own */
    bool in_thread, at_end, too_long, comment;
    size_t first, end; /* of what is in the buffer */
    char bytes[URLS_LINE];
    struct lock lock;
};

/* "-" is stdin. Returns 0, or -1 with errno. */
int urls_open(struct urls *u, const char *name);
void urls_close(struct urls *u);

/* Waits for the next URL. White space around it is stripped; empty lines and
 * those that begin with # are skipped. A line that is none is told: why not,
 * and at least its beginning. Several may wait: each gets one of its own.
 */
struct urls_next {
    struct gen gen;
    struct urls *urls;
    char *text;          /* URLS_LINE bytes, for the line as it stands there; a
                            byte that no URL can have comes as '?' */
    unsigned long line;  /* its number */
    struct http_url url; /* the parts */
    const char *why;     /* a sentence; NULL: it is one */
    bool ended;          /* there is none; urls->error says if for an error */

    struct lock_acquire lock_acquire; /* the rest is its own */
    struct until_home until_home;
    struct future readable;
};
bool urls_next(void *frame, struct future **awaits);

#endif
