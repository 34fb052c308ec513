#include "03_processes/http_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALPHANUMERIC                                                           \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{100, "Continue"},
                   {101, "Switching Protocols"},
                   {200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {301, "Moved Permanently"},
                   {302, "Found"},
                   {303, "See Other"},
                   {304, "Not Modified"},
                   {307, "Temporary Redirect"},
                   {308, "Permanent Redirect"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {411, "Length Required"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {417, "Expectation Failed"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/* Copies n bytes as a string; says whether they fit. */
static bool copy(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

/* "host", "host:port", "[::1]:port" */
static bool split_authority(struct http_url *url)
{
    const char *host = url->authority;
    bool bracket = *host == '[';
    host += bracket;
    size_t n = bracket ? strspn(host, "0123456789abcdefABCDEF:.")
                       : strspn(host, ALPHANUMERIC "-._~");
    const char *port = host + n;
    if (n == 0 || !copy(url->host, sizeof url->host, host, n) ||
        (bracket && *port++ != ']'))
        return false;
    if (*port == '\0' || strcmp(port, ":") == 0)
        return copy(url->port, sizeof url->port, "80", 2);
    n = strlen(++port);
    return port[-1] == ':' && strspn(port, "0123456789") == n &&
           copy(url->port, sizeof url->port, port, n) && atoi(port) > 0 &&
           atoi(port) < 65536;
}

bool http_url_split(const char *text, struct http_url *url)
{
    if (strncasecmp(text, "http://", 7) != 0)
        return false;
    text += 7;
    size_t n = strcspn(text, "/?#");
    if (!copy(url->authority, sizeof url->authority, text, n) ||
        !split_authority(url))
        return false;
    text += n;
    bool no_path = *text != '/';
    n = strcspn(text, "#");
    *url->target = '/';
    if (!copy(url->target + no_path, sizeof url->target - no_path, text, n))
        return false;
    for (const char *p = url->target; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return true;
}

static size_t fits(int n, size_t size)
{
    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

size_t http_write_request(char *out, size_t size, const char *method,
                          const struct http_url *url, const char *fields)
{
    return fits(snprintf(out, size, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
                         method, url->target, url->authority, fields),
                size);
}

size_t http_write_answer(char *out, size_t size, int status, const char *fields,
                         int64_t length)
{
    char line[48] = "";
    if (length >= 0)
        snprintf(line, sizeof line, "Content-Length: %lld\r\n",
                 (long long)length);
    return fits(snprintf(out, size, "HTTP/1.1 %d %s\r\n%s%s\r\n", status,
                         http_reason(status), fields, line),
                size);
}

/* strftime(3) would name the days in the language of the user. */
void http_date(time_t t, char text[HTTP_DATE_SIZE])
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed",
                                   "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    strftime(text, HTTP_DATE_SIZE, "..., %d ... %Y %T GMT", &tm);
    memcpy(text, days[tm.tm_wday], 3);
    memcpy(text + 8, months[tm.tm_mon], 3);
}
