/* web: a web application on the loop, told as a table of routes.
 *
 *     static void hello(struct web_request *r)
 *     {
 *         web_print(r, "Hello, ");
 *         web_print_escaped(r, web_parameter(r, "name"));
 *     }
 *
 *     struct slow {
 *         struct gen gen;
 *         struct web_request *request;            set when it is called
 *         struct sleep_for sleep_for;
 *     };
 *
 *     static bool slow(void *frame, struct future **awaits)
 *     {
 *         struct slow *c = frame;
 *         ...AWAIT_CALL(c, sleep_for, .seconds = 1);
 *         web_print(c->request, "done");
 *     }
 *
 *     static const struct web_route routes[] = {
 *         {"GET", "/hello/:name", WEB_CALL(hello)},
 *         {"GET", "/slow", WEB_AWAIT(slow)},
 *         {"GET", "/style.css", WEB_TEXT("text/css", css, sizeof css - 1)},
 *         {0}};
 *
 *     struct web web = {.routes = routes};
 *     AWAIT_CALL(c, web_serve, .web = &web, .listener = fd);
 *
 * Each connection is a task: it reads a request, awaits its route, writes the
 * answer, and so on. What is not for the routes to say is said here: 400, 404,
 * 405, 408, 413, 414, 417, 431, 500, 501 and 505, each as a page; HEAD where
 * there is GET; OPTIONS everywhere; and 100 Continue.
 *
 * An answer is as long as what was printed. A route that flushes before its end
 * (web_flush) streams: it goes out in chunks, as they come.
 *
 * Where there is no memory, the program ends with a message, as the loop does.
 */
#ifndef WEB_H
#define WEB_H

#include <stddef.h>

#include "03_processes/http.h"
#include "03_processes/http_write.h"
#include "07_eventloop/stream.h"

/* --- The application ------------------------------------------------------- */

struct web_request;
typedef void web_call(struct web_request *r);

struct web_route {
    const char *method;  /* "GET" (and HEAD with it), "POST", ...; NULL: end */
    const char *pattern; /* "/hello/:name": one part of a path, not empty */
    const char *name;    /* of what answers; one of the next three: */
    web_call *call;      /* answers at once */
    coroutine *coroutine;
    size_t frame; /* bytes of the coroutine's struct */
    const char *text, *type;
    size_t length;
};

#define WEB_CALL(name) #name, .call = name
#define WEB_AWAIT(name) #name, .coroutine = name, .frame = sizeof(struct name)
#define WEB_TEXT(its_type, bytes, its_length)                                  \
    "a text", .text = bytes, .type = its_type, .length = its_length

struct web {
    /* Set these before; all that is left zero has its default. */
    const struct web_route *routes;
    int connections;  /* at once; more wait their turn; 0: 1,000. The limit of
                       * open descriptors is raised for them, if it can be */
    double patience;  /* seconds that a request may take to come, that its
                       * answer may take to go, and that a connection may
                       * stand idle; 0: 10 */
    double farewell;  /* seconds that answers have to end; 0: 2 */
    size_t body_most; /* bytes of a request's body: 413 beyond; 0: 65,536 */
    void *data;       /* for the routes */
    bool
        until_signal; /* Ctrl-C or SIGTERM stops it, and the second one ends the
                        * program */

    /* To be read. */
    int open;               /* connections */
    unsigned long requests; /* that were answered */

    /* Its own. */
    struct loop *loop;
    struct web_connection *first;
    bool stopping;
    unsigned tick; /* a clock that costs nothing to read */
    loop_handle ticker;
    struct future stop, place, empty;
    char *spare; /* the room of one answer, for the next */
    time_t date_of;
    char date[64];
};

/* Accepts connections at the listening socket, which it closes, until web_stop;
 * then idle connections end, and those that are answered as soon as that is
 * done, or its time over. A cancelled one does the same. Its error is one of
 * accept(2). The struct web stays until the loop is closed.
 */
struct web_serve {
    struct gen gen;
    struct web *web;
    int listener;
    struct stream stream; /* the rest is its own */
    struct task *acceptor;
    const char *error;
    loop_handle timer;
};
bool web_serve(void *frame, struct future **awaits);
void web_stop(struct web *web);

/* Where it goes on until_signal: signals that come from here on wait until it
 * is ready for them. For whoever tells that it listens before the loop runs.
 */
void web_defer_signals(void);

/* --- The request ----------------------------------------------------------- */

enum { WEB_PARAMETERS = 4, WEB_FIELDS_MAX = 512 };

struct web_request {
    struct web *web;
    const struct http *http; /* method, target, fields; until the answer ends */
    const struct web_route *route;
    const char *body; /* a NUL stands behind it */
    size_t length;
    int status; /* of the answer; 200 */

    /* Its own. */
    struct stream *stream;
    struct http_text parameters[WEB_PARAMETERS];
    struct web_word *words; /* decoded */
    const char *type;
    char *out; /* the fields, room for a head, then what was printed; NULL
                * while the request is waited for */
    size_t used, room;
    size_t fields_used;
    unsigned since; /* in ticks; when the wait for the client began */
    bool writing;   /* its wait is for the client to take the answer */
    bool to_head;   /* only the head is wanted */
    bool flushed;   /* the head has gone out */
    bool broken;    /* the client has gone */
    bool close;     /* the connection ends with it */
};

/* What the struct of a route begins with, if that is a coroutine. */
struct web_frame {
    struct gen gen;
    struct web_request *request;
};

/* Decoded: what stands for :name in the path; the first value of that name in
 * the query, or in the body of a form. NULL where there is none. Valid until
 * the answer ends.
 */
const char *web_parameter(struct web_request *r, const char *name);
const char *web_query(struct web_request *r, const char *name);
const char *web_form(struct web_request *r, const char *name);

/* --- The answer ------------------------------------------------------------ */

/* Adds to what is answered. */
void web_write(struct web_request *r, const char *bytes, size_t length);
void web_print(struct web_request *r, const char *text);
void web_printf(struct web_request *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As text of a page, and as a quoted value in one: & < > " ' are written as
 * what stands for them. NULL is as "".
 */
void web_print_escaped(struct web_request *r, const char *text);

/* Another type than text/html; charset=utf-8: a constant. */
void web_type(struct web_request *r, const char *type);

/* A field of the head. One that has a line end in it, or is too long, is
 * dropped, and stderr told.
 */
void web_field(struct web_request *r, const char *name, const char *value);

/* Instead of what was printed, a page that says so. */
void web_error(struct web_request *r, int status, const char *text);

/* Sends what was printed up to now. Ends by error_web_over where nobody wants
 * more: HEAD was asked, or the application stops; and by an error of errno
 * where the client has gone. Both may end the route: nothing more is sent, and
 * nobody is told.
 */
extern const char error_web_over[];
struct web_flush {
    struct gen gen;
    struct web_request *request;
    struct stream_write stream_write;
};
bool web_flush(void *frame, struct future **awaits);

#endif
