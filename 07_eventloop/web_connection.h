/* web_connection: what web.c knows of web_connection.c, where one connection is
 * served. Nothing for routes.
 */
#ifndef WEB_CONNECTION_H
#define WEB_CONNECTION_H

#include "07_eventloop/web.h"

/* Serves it, in a task of its own. web->open counts it. */
void web_connection_start(struct web *web, int fd);

/* Ends the waits for clients that have lasted longer. */
void web_connections_expire(struct web *web, unsigned ticks);

/* Those that stand idle end. */
void web_connections_leave(struct web *web);

/* All are cancelled. */
void web_connections_cut(struct web *web);

#endif
