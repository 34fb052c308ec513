/* farm: a hundred portals on this machine, so that a survey need not ask
 * anybody outside.
 *
 *     farm_start(0.02);
 *     farm_locate(&url);            http://portal-001.test/ is asked here
 *     ...
 *     farm_stop();
 *
 * They are virtual hosts, as on many a real machine: one process on one port
 * of 127.0.0.1 reads from the field Host which of them is meant. Each answers
 * with the field Server of its kind after the same delay; one answers without
 * that field, one never, and one has nobody who listens.
 */
#ifndef FARM_H
#define FARM_H

#include <stdbool.h>
#include <stdio.h>

#include "03_processes/http_write.h"

enum { FARM_HOSTS = 100 };

/* Starts the process; when this returns it listens. It never outlives us: it
 * is ended and reaped at exit, and the kernel kills it when we are killed.
 * Ends the program with a message where it cannot be started. Once per
 * process, and before there are threads: it forks.
 */
void farm_start(double delay);

/* Ends it now. Ends the program with a message where it had ended before by
 * itself. Without a farm it does nothing.
 */
void farm_stop(void);

/* "http://127.0.0.1:39213/" */
const char *farm_url(void);

/* Writes the names of the hosts, one a line, with comments in between. */
void farm_write_hosts(FILE *out);

/* Sets host and port of the URL to where its name is served; the name itself
 * stays in url->authority. False without a farm or for a stranger, and the URL
 * is as it was.
 */
bool farm_locate(struct http_url *url);

/* How many of the hosts are of the kind with that name: "Apache" 34. */
int farm_count(const char *name);
extern const char farm_no_header[], farm_silent[], farm_down[];

/* The most connections that were open at the same time until now, as the farm
 * itself has counted them: from accept to close.
 */
int farm_most(void);

#endif
