/* http_write: what goes out in HTTP/1.1: URLs taken apart, heads put together.
 *
 *     struct http_url url;
 *     if (!http_url_split("http://127.0.0.1:8000/", &url))
 *         errx(1, "no such URL");
 *     n = http_write_request(out, sizeof out, "GET", &url,
 *                            "Connection: close\r\n");
 */
#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* "Not Found"; "" for a status that is not known. */
const char *http_reason(int status);

/* The parts of http://host:port/path?query. */
struct http_url {
    char host[256];      /* to be looked up; an IPv6 address is without [] */
    char port[6];        /* "80" where there is none */
    char authority[268]; /* host and port as they stand in the URL */
    char target[2048];   /* "/path?query": never empty, without #fragment */
};

/* Returns whether it is such a URL, all of whose parts fit. */
bool http_url_split(const char *text, struct http_url *url);

/* Writes the head of a request, or of an answer, with the further fields that
 * are given as lines, each with its "\r\n"; a length of -1 stands for none.
 * Returns how many bytes, or 0 where they do not fit.
 */
size_t http_write_request(char *out, size_t size, const char *method,
                          const struct http_url *url, const char *fields);
size_t http_write_answer(char *out, size_t size, int status, const char *fields,
                         int64_t length);

/* "Sun, 06 Nov 1994 08:49:37 GMT", for the field Date. */
enum { HTTP_DATE_SIZE = 30 };
void http_date(time_t t, char text[HTTP_DATE_SIZE]);

#endif
