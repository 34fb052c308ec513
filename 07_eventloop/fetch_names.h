/* fetch_names: what the text of a URL says: whether it can be fetched, where a
 * redirect leads, and under which name its file stands.
 */
#ifndef FETCH_NAMES_H
#define FETCH_NAMES_H

#include "03_processes/http_write.h"

/* Takes a URL apart. Returns NULL, or a sentence that says why it cannot be
 * fetched, and what to use instead.
 */
const char *fetch_url(const char *text, struct http_url *url);

/* Goes to the Location of a redirect: a URL, or one that is relative to where
 * we are (RFC 3986, section 5.2). Returns NULL, or a sentence, and the URL is
 * of no use then.
 */
const char *fetch_redirect(struct http_url *url, const char *location);

/* The longest name that a file may have, and a NUL. */
enum { FETCH_NAME = 256 };

/* The name of the file: host, port if it is not 80, path and query.
 *
 *     http://127.0.0.1:8000/a/b.html?n=1      127.0.0.1+8000,a,b.html%3Fn=1
 *
 * Letters, digits and . - _ = stand for themselves; a slash is a comma, and all
 * else %XX, so that two URLs never have the same name, and whoever wants the
 * URL can read it from the name. None begins with a dot or a dash, none holds
 * a slash: it is always a file of the folder. What is too long for a name is
 * cut, and has a ~ and the SHA-1 of the whole at its end.
 */
void fetch_name(const struct http_url *url, char name[FETCH_NAME]);

#endif
