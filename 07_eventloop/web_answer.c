#include "07_eventloop/web_answer.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "01_files/cli.h"

enum {
    HEAD_ROOM = 1024, /* more than all that a head can have */
    TAIL_ROOM = 16,   /* what ends a chunk, and all chunks */
    FIRST_ROOM = 1024,
    TYPE_MAX = 128
};

struct web_word {
    struct web_word *next;
    char text[];
};

/* --- Decoding -------------------------------------------------------------- */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool web_is_encoded(struct http_text text)
{
    const char *end = text.at + text.length;
    for (const char *p = text.at; p < end; p++)
        if (*p == '\0' ||
            (*p == '%' && (end - p < 3 || digit(p[1]) < 0 || digit(p[2]) < 0 ||
                           (p[1] == '0' && p[2] == '0'))))
            return false;
    return true;
}

/* The next byte, of a text that web_is_encoded. */
static char decode(const char **p, bool is_form)
{
    char c = *(*p)++;
    if (c == '+' && is_form)
        return ' ';
    if (c != '%')
        return c;
    *p += 2;
    return (char)(digit((*p)[-2]) * 16 + digit((*p)[-1]));
}

static const char *decoded(struct web_request *r, struct http_text text,
                           bool is_form)
{
    struct web_word *word = malloc(sizeof *word + text.length + 1);
    if (word == NULL)
        err(CLI_ERROR, "web");
    char *out = word->text;
    for (const char *p = text.at; p < text.at + text.length;)
        *out++ = decode(&p, is_form);
    *out = '\0';
    word->next = r->words;
    r->words = word;
    return word->text;
}

/* The value of that name in "name=value&name=value". */
static const char *find(struct web_request *r, struct http_text pairs,
                        const char *name)
{
    const char *end = pairs.at + pairs.length;
    for (const char *p = pairs.at; p < end; p++) {
        const char *wanted = name;
        while (p < end && *p != '=' && *p != '&' && *wanted != '\0') {
            const char *before = p;
            if (decode(&p, true) != *wanted++) {
                p = before;
                break;
            }
        }
        bool found = *wanted == '\0' && (p == end || *p == '=' || *p == '&');
        while (p < end && *p != '=' && *p != '&')
            p++;
        const char *value = p < end && *p == '=' ? p + 1 : p;
        while (p < end && *p != '&')
            p++;
        if (found)
            return decoded(r, (struct http_text){value, (size_t)(p - value)},
                           true);
    }
    return NULL;
}

const char *web_query(struct web_request *r, const char *name)
{
    return find(r, r->http->query, name);
}

bool web_is_form(const struct web_request *r)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = http_field(r->http, "Content-Type");
    return type != NULL && strncasecmp(type, form, sizeof form - 1) == 0 &&
           strchr(" \t;", type[sizeof form - 1]) != NULL;
}

const char *web_form(struct web_request *r, const char *name)
{
    if (!web_is_form(r))
        return NULL;
    return find(r, (struct http_text){r->body, r->length}, name);
}

/* --- Routes ---------------------------------------------------------------- */

/* Whether "/hello/:name" fits "/hello/Ann": part by part, before it is
 * decoded, so that a %2F in a name is none of the lines between parts.
 */
static bool fits(struct web_request *r, const char *pattern)
{
    const char *p = r->http->path.at;
    const char *end = p + r->http->path.length;
    int n = 0;
    while (*pattern != '\0') {
        if (*pattern == ':' && n < WEB_PARAMETERS) {
            const char *from = p;
            while (p < end && *p != '/')
                p++;
            if (p == from)
                return false;
            r->parameters[n++] = (struct http_text){from, (size_t)(p - from)};
            pattern += strcspn(pattern, "/");
        } else {
            size_t length = strcspn(pattern, ":");
            if (length == 0 || (size_t)(end - p) < length ||
                memcmp(p, pattern, length) != 0)
                return false;
            p += length;
            pattern += length;
        }
    }
    return p == end;
}

const char *web_parameter(struct web_request *r, const char *name)
{
    size_t length = strlen(name);
    const char *p = r->route != NULL ? r->route->pattern : "";
    for (int n = 0; (p = strchr(p, ':')) != NULL && n < WEB_PARAMETERS; n++) {
        p++;
        if (strcspn(p, "/") == length && memcmp(p, name, length) == 0)
            return decoded(r, r->parameters[n], false);
    }
    return NULL;
}

static bool is_method(const struct web_request *r, const char *method)
{
    return r->http->method != NULL && strcmp(r->http->method, method) == 0;
}

/* Whether HTTP knows it at all. */
static bool is_known(const struct web_request *r)
{
    static const char *const known[] = {"GET",     "HEAD",  "POST",
                                        "PUT",     "PATCH", "DELETE",
                                        "OPTIONS", "TRACE", "CONNECT"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_method(r, known[i]))
            return true;
    return false;
}

/* No route has both this path and this method. */
static void say_what_is_allowed(struct web_request *r)
{
    char allowed[128] = "";
    size_t n = 0;
    bool any = r->http->path.length == 1 && *r->http->path.at == '*';
    for (const struct web_route *o = r->web->routes; o->method != NULL; o++) {
        if (!fits(r, o->pattern) || n + strlen(o->method) + 32 > sizeof allowed)
            continue;
        any = true;
        n += (size_t)sprintf(allowed + n, "%s%s, ", o->method,
                             strcmp(o->method, "GET") == 0 ? ", HEAD" : "");
    }
    strcpy(allowed + n, "OPTIONS");
    if (!is_known(r)) {
        web_error(r, 501, "HTTP has no such method.");
        return;
    }
    if (!any && !is_method(r, "CONNECT")) {
        web_error(r, 404, "Nothing is there.");
        return;
    }
    if (is_method(r, "OPTIONS")) {
        r->status = 204;
        web_field(r, "Allow", allowed);
        return;
    }
    web_error(r, 405, "What is there cannot be asked for in this way.");
    web_field(r, "Allow", allowed);
}

const struct web_route *web_answer_route(struct web_request *r)
{
    r->to_head = is_method(r, "HEAD");
    const char *method = r->to_head ? "GET" : r->http->method;
    if (!web_is_encoded(r->http->path) || !web_is_encoded(r->http->query)) {
        web_error(r, 400, "A % in the path has no two digits behind it.");
        return NULL;
    }
    for (const struct web_route *o = r->web->routes; o->method != NULL; o++)
        if (strcmp(o->method, method) == 0 && fits(r, o->pattern))
            return o;
    say_what_is_allowed(r);
    return NULL;
}

/* --- Printing -------------------------------------------------------------- */

static char *new_room(char *old, size_t room)
{
    char *out = realloc(old, HEAD_ROOM + room + TAIL_ROOM);
    if (out == NULL)
        err(CLI_ERROR, "web");
    return out;
}

void web_answer_begin(struct web_request *r)
{
    r->out = r->web->spare != NULL ? r->web->spare : new_room(NULL, FIRST_ROOM);
    r->web->spare = NULL;
    r->room = FIRST_ROOM;
    r->status = 200;
    r->type = "text/html; charset=utf-8";
    r->used = r->fields_used = 0;
    r->to_head = r->flushed = r->broken = r->close = false;
}

void web_answer_end(struct web_request *r)
{
    struct web_word *next;
    for (struct web_word *word = r->words; word != NULL; word = next) {
        next = word->next;
        free(word);
    }
    r->words = NULL;
    if (r->web->spare == NULL && r->room == FIRST_ROOM)
        r->web->spare = r->out;
    else
        free(r->out);
    r->out = NULL;
    r->room = 0;
}

static char *reserve(struct web_request *r, size_t length)
{
    if (r->room - r->used < length) {
        size_t room = r->room;
        while (room - r->used < length)
            room *= 2;
        r->out = new_room(r->out, room);
        r->room = room;
    }
    return r->out + HEAD_ROOM + r->used;
}

void web_write(struct web_request *r, const char *bytes, size_t length)
{
    memcpy(reserve(r, length), bytes, length);
    r->used += length;
}

void web_print(struct web_request *r, const char *text)
{
    web_write(r, text, strlen(text));
}

void web_printf(struct web_request *r, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    int n = vsnprintf(NULL, 0, format, rest);
    va_end(rest);
    if (n < 0)
        err(CLI_ERROR, "web");
    va_start(rest, format);
    vsnprintf(reserve(r, (size_t)n + 1), (size_t)n + 1, format, rest);
    va_end(rest);
    r->used += (size_t)n;
}

void web_print_escaped(struct web_request *r, const char *text)
{
    static const char special[] = "&<>\"'";
    static const char *const written[] = {"&amp;", "&lt;", "&gt;", "&quot;",
                                          "&#39;"};
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, special);
        web_write(r, text, n);
        text += n;
        if (*text != '\0')
            web_print(r, written[strchr(special, *text++) - special]);
    }
}

void web_type(struct web_request *r, const char *type)
{
    if (strlen(type) < TYPE_MAX)
        r->type = type;
}

void web_field(struct web_request *r, const char *name, const char *value)
{
    char *out = r->out + r->fields_used;
    size_t room = WEB_FIELDS_MAX - r->fields_used;
    if (strpbrk(value, "\r\n") != NULL ||
        strlen(name) + strlen(value) + 5 > room) {
        warnx("web: the field %s was dropped", name);
        return;
    }
    r->fields_used += (size_t)sprintf(out, "%s: %s\r\n", name, value);
}

void web_error(struct web_request *r, int status, const char *text)
{
    const char *reason = http_reason(status);
    r->used = r->fields_used = 0;
    r->status = status;
    r->type = "text/html; charset=utf-8";
    web_printf(r,
               "<!DOCTYPE html>\n"
               "<html lang=\"en\">\n"
               "<meta charset=\"utf-8\">\n"
               "<meta name=\"viewport\" content=\"width=device-width\">\n"
               "<meta name=\"color-scheme\" content=\"light dark\">\n"
               "<title>%d %s</title>\n"
               "<style>body { font: 1.25rem/1.5 system-ui, sans-serif; "
               "max-width: 40rem; margin: 10vh auto; padding: 0 1rem }"
               "</style>\n"
               "<h1>%d %s</h1>\n"
               "<p>",
               status, reason, status, reason);
    web_print_escaped(r, text);
    web_print(r, "</p>\n");
}

/* --- The head -------------------------------------------------------------- */

/* Of a constant: its length is one, too. */
static inline char *add(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

static char *add_number(char *out, size_t number, unsigned base)
{
    char digits[24];
    char *p = digits + sizeof digits - 1;
    *p = '\0';
    do
        *--p = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    return stpcpy(out, p);
}

/* What changes but once a second is not put together for each answer. */
static const char *server_and_date(struct web *web)
{
    time_t now = time(NULL);
    if (web->date_of != now) {
        web->date_of = now;
        strcpy(web->date, "\r\nServer: groundup\r\nDate: ");
        http_date(now, web->date + strlen(web->date));
    }
    return web->date;
}

/* Writes the head; returns its end. The sum of all parts is below HEAD_ROOM. */
static char *write_head(struct web_request *r, char *out, bool last)
{
    bool has_body = r->status >= 200 && r->status != 204 && r->status != 304;
    if (r->status == 200)
        out = add(out, "HTTP/1.1 200 OK");
    else
        out +=
            sprintf(out, "HTTP/1.1 %d %s", r->status, http_reason(r->status));
    out = stpcpy(out, server_and_date(r->web));
    if (has_body) {
        out = add(out, "\r\nContent-Type: ");
        out = stpcpy(out, r->type);
    }
    if (has_body && last) {
        out = add(out, "\r\nContent-Length: ");
        out = add_number(out, r->used, 10);
    } else if (has_body && r->http->minor > 0) {
        out = add(out, "\r\nTransfer-Encoding: chunked");
    } else if (has_body) {
        r->close = true;
    }
    if (r->close)
        out = add(out, "\r\nConnection: close");
    else if (r->http->minor == 0)
        out = add(out, "\r\nConnection: keep-alive");
    out = add(out, "\r\n");
    memcpy(out, r->out, r->fields_used);
    return add(out + r->fields_used, "\r\n");
}

struct http_text web_answer_take(struct web_request *r, bool last)
{
    char head[HEAD_ROOM];
    char *end = head;
    char *out = r->out + HEAD_ROOM;
    size_t length = r->used;
    bool chunks = (r->flushed || !last) && r->http->minor > 0;
    if (!r->flushed)
        end = write_head(r, end, last);
    if (r->to_head || r->status == 204 || r->status == 304) {
        length = 0;
        chunks = false;
    }
    if (chunks && length > 0) {
        end = add_number(end, length, 16);
        end = add(end, "\r\n");
        length = (size_t)(add(out + length, "\r\n") - out);
    }
    if (chunks && last)
        length = (size_t)(add(out + length, "0\r\n\r\n") - out);
    size_t n = (size_t)(end - head);
    memcpy(out - n, head, n);
    r->used = 0;
    r->flushed = true;
    return (struct http_text){out - n, n + length};
}

/* --- Streaming ------------------------------------------------------------- */

const char error_web_over[] = "nobody wants more of it";

bool web_flush(void *frame, struct future **awaits)
{
    struct web_flush *c = frame;
    struct web_request *r = c->request;
    struct http_text text;
    GEN_BEGIN(c);
    if (r->web->stopping)
        GEN_RAISE(c, error_web_over);
    text = web_answer_take(r, false);
    r->writing = true;
    r->since = r->web->tick;
    AWAIT_CALL_TRY(c, stream_write, .stream = r->stream, .bytes = text.at,
                   .length = text.length);
    r->broken = c->gen.thrown != NULL;
    r->writing = false;
    if (!r->broken && r->to_head)
        GEN_RAISE(c, error_web_over);
    GEN_END(c);
    return false;
}
