#include "03_processes/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of the line before a chunk (its size, and extensions nobody uses), and
 * of the trailer.
 */
enum { CHUNK_LINE_MAX = 4096 };

/* What bytes are good for: one look-up each, where strspn(3) would make such a
 * table at each call. Those beyond ASCII are for values only.
 */
enum { IN_TOKEN = 1, IN_HOST = 2, IN_NO_VALUE = 4 };
/* clang-format off */
static const unsigned char bytes_are[256] = {
    4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 4, 4, 4, 4, 4, 4,   /* control */
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,   /* control */
    0, 3, 0, 1, 3, 3, 3, 3, 2, 2, 3, 3, 2, 3, 3, 0,   /*  !"#$%&'()*+,-./ */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 0, 2, 0, 0,   /* 0123456789:;<=>? */
    0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,   /* @ABCDEFGHIJKLMNO */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 0, 2, 1, 3,   /* PQRSTUVWXYZ[\]^_ */
    1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,   /* `abcdefghijklmno */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 1, 0, 3, 4,   /* pqrstuvwxyz{|}~ */
};
/* clang-format on */

/* How many bytes of the text are good for that, from its start. */
static size_t span(const char *text, int use)
{
    size_t n = 0;
    while ((bytes_are[(unsigned char)text[n]] & use) != 0)
        n++;
    return n;
}

void http_init(struct http *h, enum http_kind kind)
{
    *h = (struct http){.kind = kind};
}

void http_free(struct http *h)
{
    free(h->head);
    http_init(h, h->kind);
}

bool http_idle(const struct http *h)
{
    return h->state == HTTP_AT_START ||
           (h->state == HTTP_AT_FIRST_LINE && h->used == 0);
}

static enum http_event fail(struct http *h, enum http_error error)
{
    h->error = error;
    h->state = HTTP_AT_FAILED;
    h->keep_alive = false;
    return HTTP_FAILED;
}

/* --- Fields ---------------------------------------------------------------- */

bool http_each_field(const struct http *h, const char **at, const char **name,
                     const char **value)
{
    if (h->head == NULL)
        return false;
    const char *p = *at == NULL ? h->head + h->fields : *at;
    if (p == h->head + h->line)
        return false;
    *name = p;
    *value = p + strlen(p) + 1;
    *at = *value + strlen(*value) + 1;
    return true;
}

const char *http_field(const struct http *h, const char *wanted)
{
    const char *at = NULL;
    const char *name;
    const char *value;
    while (http_each_field(h, &at, &name, &value))
        if (strcasecmp(name, wanted) == 0)
            return value;
    return NULL;
}

/* The next word of a list such as "gzip, chunked"; of length 0 at its end. */
static struct http_text next_word(const char **list)
{
    *list += strspn(*list, ", \t");
    struct http_text word = {*list, strcspn(*list, ",")};
    *list += word.length;
    while (word.length > 0 && strchr(" \t", word.at[word.length - 1]) != NULL)
        word.length--;
    return word;
}

static bool equals(struct http_text word, const char *text)
{
    return strlen(text) == word.length &&
           strncasecmp(word.at, text, word.length) == 0;
}

bool http_field_has(const struct http *h, const char *wanted, const char *word)
{
    const char *at = NULL;
    const char *name;
    const char *value;
    while (http_each_field(h, &at, &name, &value))
        if (strcasecmp(name, wanted) == 0)
            for (struct http_text w; (w = next_word(&value)).length > 0;)
                if (equals(w, word))
                    return true;
    return false;
}

/* --- Lines of the head ----------------------------------------------------- */

static bool reserve(struct http *h, size_t more)
{
    size_t room = h->room ? h->room : 512;
    while (room < h->used + more)
        room *= 2;
    if (room == h->room)
        return true;
    char *bigger = realloc(h->head, room);
    if (bigger == NULL)
        return false;
    h->head = bigger;
    h->room = room;
    return true;
}

/* Adds bytes to the head, up to the end of the line. Where that has come,
 * *whole is set, and the line stands as a string from h->line on.
 */
static enum http_error take_line(struct http *h, const char **bytes,
                                 const char *end, bool *whole)
{
    static const struct {
        size_t bytes;
        enum http_error error;
    } limits[HTTP_STATES] = {
        [HTTP_AT_FIRST_LINE] = {HTTP_LINE_MAX, HTTP_LINE_TOO_LONG},
        [HTTP_AT_FIELDS] = {HTTP_FIELDS_MAX, HTTP_FIELDS_TOO_LARGE},
        [HTTP_AT_CHUNK_SIZE] = {CHUNK_LINE_MAX, HTTP_BAD_CHUNK},
        [HTTP_AT_CHUNK_END] = {2, HTTP_BAD_CHUNK},
        [HTTP_AT_TRAILER] = {CHUNK_LINE_MAX, HTTP_FIELDS_TOO_LARGE},
    };
    const char *lf = memchr(*bytes, '\n', (size_t)(end - *bytes));
    size_t n = (size_t)((lf ? lf + 1 : end) - *bytes);
    if (h->taken + n > limits[h->state].bytes)
        return limits[h->state].error;
    if (!reserve(h, n + 2))
        return HTTP_NO_MEMORY;
    memcpy(h->head + h->used, *bytes, n);
    h->used += n;
    h->taken += n;
    *bytes += n;
    *whole = lf != NULL;
    if (*whole) {
        h->used--;
        h->bare_lf = h->used == h->line || h->head[h->used - 1] != '\r';
        if (!h->bare_lf)
            h->used--;
        h->head[h->used] = '\0';
    }
    return HTTP_OK;
}

/* Whether there are only bytes that a value may have: no control character
 * but the tab, neither NUL nor a CR that ends no line.
 */
static bool is_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((bytes_are[(unsigned char)text[i]] & IN_NO_VALUE) != 0)
            return false;
    return true;
}

/* "HTTP/1.1" at the beginning of the text. */
static enum http_error read_version(const char *text, int *minor)
{
    if (strncmp(text, "HTTP/", 5) != 0 || text[5] < '0' || text[5] > '9' ||
        text[6] != '.' || text[7] < '0' || text[7] > '9')
        return HTTP_BAD_START;
    *minor = text[7] - '0';
    return text[5] == '1' ? HTTP_OK : HTTP_BAD_VERSION;
}

/* "GET /path HTTP/1.1" becomes "GET\0/path\0HTTP/1.1\0". */
static enum http_error read_request_line(struct http *h)
{
    size_t method = span(h->head, IN_TOKEN);
    char *target = h->head + method + 1;
    if (method == 0 || target[-1] != ' ')
        return HTTP_BAD_START;
    size_t length = strcspn(target, " ");
    char *version = target + length + 1;
    if (length == 0 || version[-1] != ' ' || version + 8 != h->head + h->used)
        return HTTP_BAD_START;
    target[-1] = version[-1] = '\0';
    return read_version(version, &h->minor);
}

/* "HTTP/1.1 200 OK" becomes "HTTP/1.1 200\0OK\0"; the reason may be missing,
 * and, since so many servers do it, the space before it too.
 */
static enum http_error read_status_line(struct http *h)
{
    enum { STATUS = 9, REASON = 13 };
    enum http_error error = read_version(h->head, &h->minor);
    if (error != HTTP_OK)
        return error;
    if (!is_value(h->head, h->used))
        return HTTP_BAD_START;
    if (h->head[STATUS - 1] != ' ' ||
        strspn(h->head + STATUS, "0123456789") != 3 || h->head[STATUS] == '0' ||
        strchr(" ", h->head[REASON - 1]) == NULL)
        return HTTP_BAD_START;
    h->status = atoi(h->head + STATUS);
    if (h->used < REASON)
        h->head[h->used++ + 1] = '\0';
    h->head[REASON - 1] = '\0';
    return HTTP_OK;
}

static enum http_error read_first_line(struct http *h)
{
    if (h->used == 0 && h->kind == HTTP_REQUEST)
        return HTTP_OK; /* an empty line before it: as if it had not come */
    enum http_error error =
        h->kind == HTTP_REQUEST ? read_request_line(h) : read_status_line(h);
    h->line = h->fields = ++h->used;
    h->taken = 0;
    h->state = HTTP_AT_FIELDS;
    return error;
}

/* The fields that say something to us: most messages have but one or two, and
 * need not be searched for the others.
 */
enum { CONNECTION = 1, HOST = 2, EXPECT = 4, LENGTH = 8, CODING = 16 };

static unsigned known_field(const char *name, size_t length)
{
    static const struct {
        unsigned field;
        size_t length;
        const char *name;
    } known[] = {{HOST, 4, "Host"},
                 {EXPECT, 6, "Expect"},
                 {CONNECTION, 10, "Connection"},
                 {LENGTH, 14, "Content-Length"},
                 {CODING, 17, "Transfer-Encoding"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].length == length && strcasecmp(known[i].name, name) == 0)
            return known[i].field;
    return 0;
}

/* "Name:  value " becomes "Name\0value\0". */
static enum http_error read_field(struct http *h)
{
    char *name = h->head + h->line;
    char *end = h->head + h->used;
    char *colon = name + span(name, IN_TOKEN);
    if (colon == name || *colon != ':')
        return HTTP_BAD_FIELD;
    char *value = colon + 1;
    if (!is_value(value, (size_t)(end - value)))
        return HTTP_BAD_FIELD;
    while (*value == ' ' || *value == '\t')
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *colon = '\0';
    unsigned known = known_field(name, (size_t)(colon - name));
    h->known |= known;
    if (known == HOST) {
        h->hosts++;
        h->host_value = (size_t)(colon + 1 - h->head);
    }
    memmove(colon + 1, value, (size_t)(end - value));
    h->used = h->line = (size_t)(colon + 1 + (end - value) + 1 - h->head);
    h->head[h->used - 1] = '\0';
    return HTTP_OK;
}

/* --- The head as a whole --------------------------------------------------- */

static enum http_error read_length(const char *text, int64_t *length)
{
    *length = 0;
    if (*text == '\0')
        return HTTP_BAD_LENGTH;
    for (; *text >= '0' && *text <= '9'; text++) {
        int digit = *text - '0';
        if (*length > (INT64_MAX - digit) / 10)
            return HTTP_BAD_LENGTH;
        *length = *length * 10 + digit;
    }
    return *text == '\0' ? HTTP_OK : HTTP_BAD_LENGTH;
}

/* How long the body is (RFC 9112, section 6.3). What two readers could
 * understand in two ways is refused: an attacker has the second one take the
 * end of a body for a request.
 */
static enum http_error read_framing(struct http *h)
{
    int lengths = 0;
    int codings = 0; /* lines, then words */
    int chunked = 0;
    bool chunked_last = false;
    const char *at = NULL;
    const char *name;
    const char *value;
    while ((h->known & (LENGTH | CODING)) != 0 &&
           http_each_field(h, &at, &name, &value)) {
        if (strcasecmp(name, "Content-Length") == 0 &&
            (lengths++ > 0 || read_length(value, &h->length) != HTTP_OK))
            return HTTP_BAD_LENGTH;
        if (strcasecmp(name, "Transfer-Encoding") != 0)
            continue;
        codings++;
        for (struct http_text w; (w = next_word(&value)).length > 0;) {
            chunked_last = equals(w, "chunked");
            chunked += chunked_last;
            codings += !chunked_last;
        }
    }
    if (lengths > 0 && codings > 0)
        return HTTP_TWO_LENGTHS;
    if (codings > 0) {
        if (h->minor == 0 || chunked > 1 ||
            (!chunked_last && h->kind == HTTP_REQUEST))
            return HTTP_BAD_CODING;
        if (codings > 1 || !chunked_last)
            return HTTP_UNKNOWN_CODING;
        h->framing = HTTP_CHUNKED;
        /* Room for the lines of the chunks, so that the head, into which
         * pointers will go now, need not move again.
         */
        if (!reserve(h, CHUNK_LINE_MAX + 2))
            return HTTP_NO_MEMORY;
    } else if (lengths > 0) {
        h->framing = HTTP_LENGTH;
    } else if (h->kind == HTTP_RESPONSE) {
        h->framing = HTTP_UNTIL_CLOSE;
    }
    return HTTP_OK;
}

/* A target is /path?query, or http://host/path?query, or the * of OPTIONS, or
 * the host:port of CONNECT (RFC 9112, section 3.2).
 */
static enum http_error read_target(struct http *h)
{
    for (const char *p = h->target; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || *p == '#')
            return HTTP_BAD_TARGET;
    const char *path = h->target;
    h->path = h->query = (struct http_text){"", 0};
    if (*path == '*' && path[1] == '\0' && strcmp(h->method, "OPTIONS") == 0) {
        h->path = (struct http_text){path, 1};
        return HTTP_OK;
    }
    if (strcmp(h->method, "CONNECT") == 0)
        return HTTP_OK;
    if (*path != '/' && strncasecmp(path, "http://", 7) == 0) {
        h->host = (struct http_text){path + 7, strcspn(path + 7, "/?")};
        path = h->host.at + h->host.length;
        if (h->host.length == 0)
            return HTTP_BAD_TARGET;
    } else if (*path != '/') {
        return HTTP_BAD_TARGET;
    }
    h->path = (struct http_text){path, strcspn(path, "?")};
    path += h->path.length;
    if (h->path.length == 0)
        h->path = (struct http_text){"/", 1};
    if (*path == '?')
        h->query = (struct http_text){path + 1, strlen(path + 1)};
    return HTTP_OK;
}

static enum http_error read_host(struct http *h)
{
    const char *value = h->hosts > 0 ? h->head + h->host_value : "";
    size_t length = span(value, IN_HOST);
    if (h->hosts > 1 || (h->hosts == 0 && h->minor > 0) ||
        value[length] != '\0')
        return HTTP_BAD_HOST;
    if (h->host.at == NULL)
        h->host = (struct http_text){value, length};
    else if (span(h->host.at, IN_HOST) < h->host.length)
        return HTTP_BAD_HOST;
    return HTTP_OK;
}

static enum http_error read_expectation(struct http *h)
{
    const char *value =
        (h->known & EXPECT) != 0 ? http_field(h, "Expect") : NULL;
    if (value == NULL || h->minor == 0)
        return HTTP_OK;
    if (strcasecmp(value, "100-continue") != 0)
        return HTTP_BAD_EXPECTATION;
    h->expects_continue = h->framing == HTTP_CHUNKED || h->length > 0;
    return HTTP_OK;
}

static enum http_error read_request_head(struct http *h)
{
    enum http_error error = read_framing(h);
    h->method = h->head;
    h->target = h->method + strlen(h->method) + 1;
    if (error == HTTP_OK)
        error = read_target(h);
    if (error == HTTP_OK)
        error = read_host(h);
    if (error == HTTP_OK)
        error = read_expectation(h);
    return error;
}

static enum http_error read_response_head(struct http *h)
{
    /* Some have no body, whatever their fields say. */
    bool no_body =
        h->to_head || h->status < 200 || h->status == 204 || h->status == 304;
    enum http_error error = no_body ? HTTP_OK : read_framing(h);
    h->reason = h->head + strlen(h->head) + 1;
    return error;
}

/* The empty line has come. */
static enum http_error read_head(struct http *h)
{
    static const enum http_state next[] = {[HTTP_NO_BODY] = HTTP_AT_END,
                                           [HTTP_LENGTH] = HTTP_AT_BODY,
                                           [HTTP_CHUNKED] = HTTP_AT_CHUNK_SIZE,
                                           [HTTP_UNTIL_CLOSE] = HTTP_AT_REST};
    enum http_error error =
        h->kind == HTTP_REQUEST ? read_request_head(h) : read_response_head(h);
    if (error != HTTP_OK)
        return error;
    bool interim =
        h->kind == HTTP_RESPONSE && h->status < 200 && h->status != 101;
    bool says = (h->known & CONNECTION) != 0;
    h->keep_alive = h->framing != HTTP_UNTIL_CLOSE && h->status != 101 &&
                    !(says && http_field_has(h, "Connection", "close")) &&
                    (h->minor > 0 ||
                     (says && http_field_has(h, "Connection", "keep-alive")));
    h->left = h->length;
    h->taken = 0;
    h->state = interim ? HTTP_AT_START : next[h->framing];
    if (h->state == HTTP_AT_BODY && h->length == 0)
        h->state = HTTP_AT_END;
    return HTTP_OK;
}

/* --- The body -------------------------------------------------------------- */

static enum http_event feed_data(struct http *h, const char **bytes,
                                 const char *end)
{
    size_t n = (size_t)(end - *bytes);
    if (h->state != HTTP_AT_REST) {
        if ((uint64_t)h->left < n)
            n = (size_t)h->left;
        h->left -= (int64_t)n;
        if (h->left == 0)
            h->state =
                h->state == HTTP_AT_CHUNK ? HTTP_AT_CHUNK_END : HTTP_AT_END;
    }
    h->piece = (struct http_text){*bytes, n};
    *bytes += n;
    return HTTP_BODY;
}

/* "1f;name=value" */
static enum http_error read_chunk_size(struct http *h)
{
    const char *line = h->head + h->line;
    const char *digits = line + strspn(line, "0");
    size_t n = strspn(digits, "0123456789abcdefABCDEF");
    const char *rest = digits + n + strspn(digits + n, " \t");
    unsigned long long size = strtoull(digits, NULL, 16);
    if (digits + n == line || size > INT64_MAX ||
        (*rest != '\0' && *rest != ';') || !is_value(line, h->used - h->line) ||
        h->bare_lf)
        return HTTP_BAD_CHUNK;
    h->used = h->line;
    h->taken = 0;
    h->left = (int64_t)size;
    h->state = size > 0 ? HTTP_AT_CHUNK : HTTP_AT_TRAILER;
    return HTTP_OK;
}

static enum http_error read_chunk_end(struct http *h)
{
    bool empty = h->used == h->line && !h->bare_lf;
    h->taken = 0;
    h->state = HTTP_AT_CHUNK_SIZE;
    return empty ? HTTP_OK : HTTP_BAD_CHUNK;
}

static enum http_error read_trailer(struct http *h)
{
    size_t line = h->line;
    enum http_error error = HTTP_OK;
    if (h->used == line)
        h->state = HTTP_AT_END;
    else
        error = read_field(h);
    h->used = h->line = line;
    return error != HTTP_OK || h->bare_lf ? HTTP_BAD_TRAILER : HTTP_OK;
}

/* --- All of it ------------------------------------------------------------- */

static enum http_error read_line(struct http *h)
{
    if (h->state == HTTP_AT_FIRST_LINE)
        return read_first_line(h);
    if (h->state == HTTP_AT_FIELDS)
        return h->used == h->line ? read_head(h) : read_field(h);
    if (h->state == HTTP_AT_CHUNK_SIZE)
        return read_chunk_size(h);
    return h->state == HTTP_AT_CHUNK_END ? read_chunk_end(h) : read_trailer(h);
}

/* Here and below HTTP_MORE stands for "go on". */
static enum http_event feed_line(struct http *h, const char **bytes,
                                 const char *end)
{
    bool whole = false;
    bool in_head = h->state == HTTP_AT_FIELDS;
    enum http_error error = take_line(h, bytes, end, &whole);
    if (error == HTTP_OK && whole)
        error = read_line(h);
    if (error != HTTP_OK)
        return fail(h, error);
    /* An interim answer (1xx) is over with its head: on to the next one. */
    return in_head && h->state != HTTP_AT_FIELDS && h->state != HTTP_AT_START
               ? HTTP_HEAD
               : HTTP_MORE;
}

/* The next message begins: all that was known of the last one goes. */
static void begin(struct http *h)
{
    *h = (struct http){.kind = h->kind,
                       .to_head = h->to_head,
                       .state = HTTP_AT_FIRST_LINE,
                       .head = h->head,
                       .room = h->room};
}

enum http_event http_feed(struct http *h, const char **bytes, const char *end)
{
    enum http_event event = HTTP_MORE;
    while (event == HTTP_MORE) {
        if (h->state == HTTP_AT_FAILED)
            return HTTP_FAILED;
        if (h->state == HTTP_AT_END) {
            h->state = HTTP_AT_START;
            return HTTP_DONE;
        }
        if (*bytes == end)
            return HTTP_MORE;
        if (h->state == HTTP_AT_START)
            begin(h);
        event = h->state == HTTP_AT_BODY || h->state == HTTP_AT_REST ||
                        h->state == HTTP_AT_CHUNK
                    ? feed_data(h, bytes, end)
                    : feed_line(h, bytes, end);
    }
    return event;
}

enum http_event http_end(struct http *h)
{
    if (h->state == HTTP_AT_FAILED)
        return HTTP_FAILED;
    if (http_idle(h))
        return HTTP_MORE;
    if (h->state != HTTP_AT_END && h->state != HTTP_AT_REST)
        return fail(h, HTTP_CUT_SHORT);
    h->state = HTTP_AT_START;
    return HTTP_DONE;
}

/* --- Words ----------------------------------------------------------------- */

static const struct {
    int status;
    const char *text;
} errors[HTTP_ERRORS] = {
    [HTTP_OK] = {200, "no error"},
    [HTTP_BAD_START] = {400, "the first line is not one of HTTP"},
    [HTTP_BAD_VERSION] = {505, "not HTTP/1.0 or HTTP/1.1"},
    [HTTP_BAD_TARGET] = {400, "the target is not a path"},
    [HTTP_BAD_FIELD] = {400, "a field is not of the form 'Name: value'"},
    [HTTP_BAD_HOST] = {400, "not exactly one field 'Host' with a host"},
    [HTTP_BAD_LENGTH] = {400, "Content-Length is not one number"},
    [HTTP_BAD_CODING] = {400, "Transfer-Encoding does not end in 'chunked'"},
    [HTTP_UNKNOWN_CODING] = {501, "Transfer-Encoding is more than 'chunked'"},
    [HTTP_TWO_LENGTHS] = {400, "Content-Length and Transfer-Encoding at once"},
    [HTTP_BAD_CHUNK] = {400, "a chunk is not a size, bytes and a line end"},
    [HTTP_BAD_TRAILER] = {400, "no fields follow on the last chunk"},
    [HTTP_BAD_EXPECTATION] = {417, "Expect is not '100-continue'"},
    [HTTP_LINE_TOO_LONG] = {414, "the first line is too long"},
    [HTTP_FIELDS_TOO_LARGE] = {431, "the fields are too large"},
    [HTTP_CUT_SHORT] = {400, "it ended in the middle"},
    [HTTP_NO_MEMORY] = {503, "out of memory"},
};

int http_status_of(enum http_error error)
{
    return errors[error].status;
}

const char *http_error_text(enum http_error error)
{
    return errors[error].text;
}
