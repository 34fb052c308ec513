/* fetch_show: what the fetcher shows without a list: a server of its own that
 * does all that servers must not, and whether the fetcher stood it.
 */
#ifndef FETCH_SHOW_H
#define FETCH_SHOW_H

#include "07_eventloop/fetch_report.h"

enum { FETCH_SHOW_BYTES = 1000000 }; /* its --max-bytes */

/* Starts the server in a child, goes to a scratch folder and writes a list
 * there. Returns its name, and the folder's for the files. Before there are
 * threads: it forks.
 */
const char *fetch_show_begin(const char **folder);

/* Ends the server, and prints what it has counted. Ends the program with a
 * message where a file differs from what was sent, or is there that should not
 * be; where something failed for another reason than it had; or where the
 * server has seen more of us at once than the bound.
 */
void fetch_show_check(const struct fetch_report *r, int bound);

#endif
