/* http: messages of HTTP/1.1 (RFC 9112), read as they come, in any pieces.
 *
 * Nothing in here waits, reads or sends: whoever has bytes feeds them, be it
 * a process, a thread or a callback of an event loop.
 *
 *     struct http h;
 *     http_init(&h, HTTP_REQUEST);
 *     while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
 *         const char *p = bytes;
 *         enum http_event event;
 *         while ((event = http_feed(&h, &p, bytes + n)) != HTTP_MORE)
 *             if (event == HTTP_FAILED)
 *                 ...answer with http_status_of(h.error), and hang up
 *             else if (event == HTTP_DONE)
 *                 ...answer what stands in h
 *     }
 *     http_free(&h);
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_LINE_MAX = 8192,    /* bytes of the first line: 414 beyond */
    HTTP_FIELDS_MAX = 16384, /* bytes of all fields together: 431 beyond */
};

enum http_kind { HTTP_REQUEST, HTTP_RESPONSE };

enum http_event {
    HTTP_MORE,   /* all bytes are taken, and more are needed */
    HTTP_HEAD,   /* the first line and the fields are there */
    HTTP_BODY,   /* a piece of the body is in h.piece */
    HTTP_DONE,   /* the message is whole; the next call begins the next one */
    HTTP_FAILED, /* h.error says why; nothing more can be read here */
};

enum http_error {
    HTTP_OK,
    HTTP_BAD_START,        /* no request line, or no status line */
    HTTP_BAD_VERSION,      /* HTTP, but not 1.x */
    HTTP_BAD_TARGET,       /* neither /path nor http://host/path nor * */
    HTTP_BAD_FIELD,        /* no "Name: value", or folded over two lines */
    HTTP_BAD_HOST,         /* a request of HTTP/1.1 has exactly one */
    HTTP_BAD_LENGTH,       /* Content-Length is no number, too big, or twice */
    HTTP_BAD_CODING,       /* Transfer-Encoding does not end in chunked */
    HTTP_UNKNOWN_CODING,   /* more than chunked */
    HTTP_TWO_LENGTHS,      /* Transfer-Encoding and Content-Length */
    HTTP_BAD_CHUNK,        /* no size, too big, or no line end behind it */
    HTTP_BAD_TRAILER,      /* what follows the last chunk are no fields */
    HTTP_BAD_EXPECTATION,  /* Expect is not 100-continue */
    HTTP_LINE_TOO_LONG,    /* HTTP_LINE_MAX */
    HTTP_FIELDS_TOO_LARGE, /* HTTP_FIELDS_MAX */
    HTTP_CUT_SHORT,        /* the bytes ended in mid-message */
    HTTP_NO_MEMORY,
    HTTP_ERRORS
};

/* How the end of the body is known. */
enum http_framing {
    HTTP_NO_BODY,
    HTTP_LENGTH, /* h.length bytes */
    HTTP_CHUNKED,
    HTTP_UNTIL_CLOSE
};

/* Where the next byte belongs. */
enum http_state {
    HTTP_AT_START, /* nothing of the message has come */
    HTTP_AT_FIRST_LINE,
    HTTP_AT_FIELDS,
    HTTP_AT_BODY, /* of known length */
    HTTP_AT_REST, /* a body until the end of the connection */
    HTTP_AT_CHUNK_SIZE,
    HTTP_AT_CHUNK,
    HTTP_AT_CHUNK_END, /* the empty rest of its last line */
    HTTP_AT_TRAILER,   /* fields behind the last chunk, which are dropped */
    HTTP_AT_END,       /* whole, and not yet told */
    HTTP_AT_FAILED,
    HTTP_STATES
};

/* Not NUL-terminated: printf("%.*s", (int)text.length, text.at). */
struct http_text {
    const char *at;
    size_t length;
};

struct http {
    enum http_kind kind;
    bool to_head; /* set it where HEAD was asked: the answer has no body */

    /* Valid from HTTP_HEAD until the call after HTTP_DONE. */
    const char *method; /* of a request: "GET" */
    const char *target; /* as it came: "/path?query" */
    struct http_text host, path, query;
    bool expects_continue; /* it waits for "100 Continue" before its body */
    int status;            /* of an answer: 200 */
    const char *reason;    /* "OK"; may be empty */
    int minor;             /* HTTP/1.minor */
    bool keep_alive;       /* another message may follow on the connection */
    enum http_framing framing;
    int64_t length; /* with HTTP_LENGTH; 0 otherwise */

    struct http_text piece; /* at HTTP_BODY: where in the bytes it was given */
    enum http_error error;  /* at HTTP_FAILED */

    /* Its own. */
    enum http_state state;
    char *head; /* "GET\0target\0...\0Name\0value\0Name\0value\0" */
    size_t used, room;
    size_t fields;  /* where the first field begins */
    size_t line;    /* where the line begins that is coming in; after the last
                    * field, the fields end there */
    bool bare_lf;   /* it ended so, not in CR LF */
    unsigned known; /* which fields have come, of those it knows */
    unsigned hosts; /* how many of them are Host, and where the last one's */
    size_t host_value; /* value is in head */
    size_t taken;      /* bytes so far of what has a limit */
    int64_t left;      /* of the body, or of the chunk */
};

/* Messages of one connection in one direction, from its first byte on. */
void http_init(struct http *h, enum http_kind kind);
void http_free(struct http *h);

/* Reads on from *bytes up to end, to the next event, and moves *bytes behind
 * what it took. Call it until it says HTTP_MORE (with no byte left it may
 * still have something to say), or HTTP_FAILED, which stays.
 *
 * As RFC 9112 leaves it open: the lines of a head may end in a bare LF, so
 * that one can type them (section 2.2), those of the chunks may not; a few
 * empty lines before a request are skipped; answers of 1xx are skipped, but
 * for 101; lines folded into two are refused (section 5.2), and so is a
 * message with both lengths (section 6.1) or with one twice.
 */
enum http_event http_feed(struct http *h, const char **bytes, const char *end);

/* The other side has closed. HTTP_DONE where that was the end of the body,
 * HTTP_MORE where no message had begun, else HTTP_FAILED.
 */
enum http_event http_end(struct http *h);

/* Whether no byte of the next message has come yet. */
bool http_idle(const struct http *h);

/* The value of the first field of that name, upper or lower case; NULL where
 * there is none.
 */
const char *http_field(const struct http *h, const char *name);

/* All fields in their order: begin with *at = NULL; false after the last. */
bool http_each_field(const struct http *h, const char **at, const char **name,
                     const char **value);

/* Whether the word is in one of the lists of that name: in "Connection:
 * Upgrade, close" are upgrade and close.
 */
bool http_field_has(const struct http *h, const char *name, const char *word);

/* What a server answers to it: 400, 414, 431, ...; and what it is in words. */
int http_status_of(enum http_error error);
const char *http_error_text(enum http_error error);

#endif
