/* page: one download, and whether it came.
 *
 *     struct page page;
 *     if (!page_get(url, 10, &page))
 *         errx(1, "download %d: %s", number, page.why);
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "03_processes/http_reply.h"

struct page {
    size_t length; /* of what came, in bytes */
    char why[200]; /* where nothing did: "127.0.0.1:8000: 404 Not Found" */
};

/* Gets the page by http_get of http_client, in that many seconds at most, and
 * drops what it says. Returns whether it came, with status 200. Any number of
 * threads may be in here.
 */
bool page_get(const char *url, double seconds, struct page *page);

/* The second half of it, for those who wait otherwise. */
bool page_came(const char *url, const struct http_reply *reply,
               struct page *page);

#endif
