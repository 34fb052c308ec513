/* fetch: one URL and its file, as a coroutine.
 *
 *     struct fetching all = {.folder = folder, .retries = 2};
 *     fetch_pool_init(&all.pool, 10);
 *     ...
 *     AWAIT_CALL(c, fetch, .all = &all, .wanted = url);
 *     switch (c->fetch.outcome) ...
 *
 * The name is looked up, and the file written, in the executor; the rest waits
 * in the loop. There is no limit of time: wait_for has one. Whoever is
 * cancelled leaves no half file behind.
 *
 * What counts as come is an answer of 200 to 299, but for 206, a part. One that
 * has no body (204) leaves an empty file.
 */
#ifndef FETCH_H
#define FETCH_H

#include <stdint.h>

#include "07_eventloop/fetch_names.h"
#include "07_eventloop/fetch_pool.h"
#include "07_eventloop/task.h"
#include "07_eventloop/until_home.h"

enum { FETCH_REDIRECTS = 10 }; /* at most */

/* What all fetches share. */
struct fetching {
    struct fetch_pool pool;
    int folder;        /* where the files go */
    int retries;       /* how often, after the first time */
    int64_t max_bytes; /* of a body; 0: any number */
    bool sync;         /* as with a sink */
    bool only_missing; /* what is there already is not fetched */
    int64_t bytes;     /* so many have come for files, all together */
};

enum fetch_outcome {
    FETCH_FAILED,
    FETCH_CAME,
    FETCH_THERE, /* already */
};

struct fetch {
    struct gen gen;
    struct fetching *all;
    struct http_url wanted;

    /* What comes of it. */
    enum fetch_outcome outcome;
    char name[FETCH_NAME]; /* of the file */
    int64_t length;        /* of what has come for it */
    int tries;
    char why[160]; /* it failed */

    struct http_url url; /* the rest is its own */
    bool moved, again;
    int redirects;
    struct task *attempt;
    struct until_home until_home;
    struct sleep_for sleep_for;
};

bool fetch(void *frame, struct future **awaits);

/* Whether a thread may be asking for a name: nothing ends that but the
 * resolver's own patience, and loop_close waits for it.
 */
bool fetch_asks(void);

#endif
