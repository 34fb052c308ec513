#include "07_eventloop/fetch_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "01_files/sha1.h"

#define ALPHANUMERIC                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* --- URLs ----------------------------------------------------------------- */

/* How long the scheme is: 5 of "https://". 0 where there is none. */
static size_t scheme_length(const char *text)
{
    size_t n = strspn(text, ALPHANUMERIC "+-.");
    return text[n] == ':' && isalpha((unsigned char)*text) ? n : 0;
}

const char *fetch_url(const char *text, struct http_url *url)
{
    size_t n = scheme_length(text);
    if (strncasecmp(text, "https://", 8) == 0)
        return "https:// is encrypted, which is not done here: use curl";
    if (n > 0 && strncmp(text + n, "://", 3) == 0 &&
        strncasecmp(text, "http:", 5) != 0)
        return "only http:// is fetched here: use curl";
    return http_url_split(text, url) ? NULL
                                     : "not a URL like http://host:port/path";
}

/* Takes "." and ".." out of a path that begins with a slash (RFC 3986, section
 * 5.2.4), up to its query.
 */
static void remove_dots(char *path)
{
    const char *from = path;
    const char *end = path + strcspn(path, "?");
    char *to = path;
    while (from < end) {
        size_t n = 1 + strcspn(from + 1, "/?");
        bool last = from + n == end;
        bool up = n == 3 && memcmp(from, "/..", 3) == 0;
        if (up || (n == 2 && memcmp(from, "/.", 2) == 0)) {
            while (up && to > path && *--to != '/')
                continue;
            if (last)
                *to++ = '/';
        } else {
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    memmove(to, end, strlen(end) + 1);
}

const char *fetch_redirect(struct http_url *url, const char *location)
{
    char text[sizeof url->authority + 2 * sizeof url->target + 16];
    const char *target = url->target;
    size_t kept; /* of our own target */
    if (*location == '/')
        kept = 0;
    else if (*location == '\0' || *location == '#')
        kept = strlen(target);
    else if (*location == '?')
        kept = strcspn(target, "?");
    else /* behind the last slash of the path */
        for (kept = strcspn(target, "?"); target[kept - 1] != '/';)
            kept--;

    int n;
    if (scheme_length(location) > 0)
        n = snprintf(text, sizeof text, "%s", location);
    else if (strncmp(location, "//", 2) == 0)
        n = snprintf(text, sizeof text, "http:%s", location);
    else
        n = snprintf(text, sizeof text, "http://%s%.*s%s", url->authority,
                     (int)kept, target, location);
    if (n >= (int)sizeof text)
        return "not a URL like http://host:port/path";
    const char *why = fetch_url(text, url);
    if (why == NULL)
        remove_dots(url->target);
    return why;
}

/* --- Names ---------------------------------------------------------------- */

/* Adds a part of the URL, and returns the name's new end. */
static char *add(char *end, const char *part)
{
    for (; *part != '\0'; part++)
        if (*part == '/')
            *end++ = ',';
        else if (strchr(ALPHANUMERIC ".-_=", *part) != NULL)
            *end++ = *part;
        else
            end += sprintf(end, "%%%02X", (unsigned char)*part);
    return end;
}

void fetch_name(const struct http_url *url, char name[FETCH_NAME])
{
    char whole[3 * (sizeof url->host + sizeof url->port + sizeof url->target)];
    char host[sizeof url->host];
    size_t n = 0;
    for (; url->host[n] != '\0'; n++)
        host[n] = (char)tolower((unsigned char)url->host[n]);
    host[n] = '\0';
    char *end = whole;
    bool hidden = *host == '.' || *host == '-';
    if (hidden)
        end += sprintf(end, "%%%02X", (unsigned char)*host);
    end = add(end, host + hidden);
    if (atoi(url->port) != 80)
        end += sprintf(end, "+%d", atoi(url->port));
    if (strcmp(url->target, "/") != 0)
        end = add(end, url->target);
    *end = '\0';

    n = (size_t)(end - whole);
    if (n < FETCH_NAME) {
        memcpy(name, whole, n + 1);
        return;
    }
    struct sha1 sha1;
    unsigned char digest[SHA1_DIGEST];
    sha1_init_portable(&sha1);
    sha1_update(&sha1, whole, n);
    sha1_final(&sha1, digest);
    n = FETCH_NAME - 1 - 2 * SHA1_DIGEST;
    memcpy(name, whole, n);
    name[n - 1] = '~';
    for (size_t i = 0; i < SHA1_DIGEST; i++)
        sprintf(name + n + 2 * i, "%02x", digest[i]);
}
