/* http, http_write, http_client: messages of HTTP/1.1 (RFC 9112, RFC 9110). */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "03_processes/http.h"
#include "03_processes/http_client.h"
#include "03_processes/http_write.h"
#include "tests/support.h"

static const char *const framings[] = {"none", "length", "chunked", "close"};

static void print_head(FILE *out, const struct http *h)
{
    const char *at = NULL;
    const char *name;
    const char *value;
    if (h->kind == HTTP_REQUEST)
        fprintf(out, "%s|%s|%.*s|%.*s|%.*s", h->method, h->target,
                (int)h->host.length, h->host.at, (int)h->path.length,
                h->path.at, (int)h->query.length, h->query.at);
    else
        fprintf(out, "%d|%s", h->status, h->reason);
    fprintf(out, "|1.%d|%s|%s", h->minor, h->keep_alive ? "keep" : "close",
            framings[h->framing]);
    if (h->framing == HTTP_LENGTH)
        fprintf(out, " %lld", (long long)h->length);
    if (h->expects_continue)
        fprintf(out, "|expects");
    while (http_each_field(h, &at, &name, &value))
        fprintf(out, "|%s=%s", name, value);
    fputc('\n', out);
}

/* Feeds n bytes in pieces that end at the cuts, and at n; each piece is a
 * block of memory of just its size, so that the address sanitizer sees any
 * byte that is read behind it. Returns, to be freed, all that was reported;
 * the pieces of a body as one. At HTTP_DONE what was reported with the head
 * must still stand.
 */
static char *play(enum http_kind kind, bool to_head, const char *bytes,
                  size_t n, const size_t *cuts, size_t count)
{
    char *text = NULL;
    size_t size;
    size_t at = 0;
    bool in_body = false;
    bool failed = false;
    char *head = NULL;
    FILE *out = open_memstream(&text, &size);
    struct http h;
    http_init(&h, kind);
    h.to_head = to_head;
    for (size_t i = 0; i <= count && !failed; i++) {
        size_t end = cuts != NULL && i < count ? cuts[i] : n;
        char *piece = malloc(end > at ? end - at : 1);
        ck_assert_ptr_nonnull(piece);
        memcpy(piece, bytes + at, end - at);
        const char *p = piece;
        enum http_event event;
        while ((event = http_feed(&h, &p, piece + (end - at))) != HTTP_MORE) {
            ck_assert(p <= piece + (end - at));
            if (in_body && event != HTTP_BODY)
                fprintf(out, "'\n");
            if (event == HTTP_BODY) {
                ck_assert_uint_gt(h.piece.length, 0);
                fputs(in_body ? "" : "'", out);
                for (size_t b = 0; b < h.piece.length; b++)
                    putc(h.piece.at[b] ? h.piece.at[b] : '@', out);
            }
            in_body = event == HTTP_BODY;
            if (event == HTTP_HEAD) {
                size_t length;
                FILE *copy = open_memstream(&head, &length);
                print_head(copy, &h);
                fclose(copy);
                fputs(head, out);
            }
            if (event == HTTP_DONE) {
                char *again = NULL;
                size_t length;
                FILE *copy = open_memstream(&again, &length);
                print_head(copy, &h);
                fclose(copy);
                ck_assert_str_eq(head, again);
                free(again);
                free(head);
                head = NULL;
                fprintf(out, "done\n");
            }
            if (event == HTTP_FAILED) {
                fprintf(out, "%d: %s\n", http_status_of(h.error),
                        http_error_text(h.error));
                failed = true;
                break;
            }
        }
        ck_assert(failed || p == piece + (end - at));
        free(piece);
        at = end;
    }
    bool idle = http_idle(&h);
    enum http_event event = http_end(&h);
    if (in_body && !failed)
        fprintf(out, "'\n");
    ck_assert_int_eq(event == HTTP_MORE, idle);
    if (event == HTTP_DONE)
        fprintf(out, "done at the end\n");
    if (event == HTTP_FAILED && !failed)
        fprintf(out, "%s\n", http_error_text(h.error));
    ck_assert_int_eq(event == HTTP_FAILED, h.state == HTTP_AT_FAILED);
    fclose(out);
    free(head);
    http_free(&h);
    return text;
}

/* The same as play, and however the bytes are cut, the same comes out. */
static char *play_all_ways(enum http_kind kind, bool to_head, const char *bytes,
                           size_t n, bool every_two)
{
    char *whole = play(kind, to_head, bytes, n, NULL, 0);
    size_t *cuts = malloc(sizeof *cuts * (n + 1));
    ck_assert_ptr_nonnull(cuts);
    for (size_t i = 0; i < n; i++)
        cuts[i] = i;
    char *single = play(kind, to_head, bytes, n, cuts, n);
    ck_assert_str_eq(whole, single);
    free(single);
    for (size_t cut = 0; every_two && cut <= n; cut++) {
        char *two = play(kind, to_head, bytes, n, &cut, 1);
        ck_assert_msg(strcmp(whole, two) == 0, "cut at %zu:\n%s\nnot\n%s", cut,
                      two, whole);
        free(two);
    }
    free(cuts);
    return whole;
}

/* --- What is read ---------------------------------------------------------- */

static const struct {
    const char *bytes;
    const char *said;
} requests[] = {
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
     "GET|/|x|/||1.1|keep|none|Host=x\ndone\n"},
    {"GET /a/b?c=d&e HTTP/1.1\r\nhost:h:8000\r\nUser-Agent:\t a  b \r\n\r\n",
     "GET|/a/b?c=d&e|h:8000|/a/b|c=d&e|1.1|keep|none|host=h:8000|"
     "User-Agent=a  b\ndone\n"},
    /* typed by hand: bare line feeds; and empty lines before it */
    {"\r\n\r\n\nGET / HTTP/1.1\nHost: x\n\n",
     "GET|/|x|/||1.1|keep|none|Host=x\ndone\n"},
    /* versions and what becomes of the connection */
    {"GET / HTTP/1.0\r\n\r\n", "GET|/||/||1.0|close|none\ndone\n"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     "GET|/||/||1.0|keep|none|Connection=Keep-Alive\ndone\n"},
    {"GET / HTTP/1.1\r\nHost:\r\nConnection: a, CLOSE\r\n\r\n",
     "GET|/||/||1.1|close|none|Host=|Connection=a, CLOSE\ndone\n"},
    {"GET / HTTP/1.1\r\nHost:\r\nConnection: keep-alive\r\n"
     "Connection: ,close\r\n\r\n",
     "GET|/||/||1.1|close|none|Host=|Connection=keep-alive|"
     "Connection=,close\ndone\n"},
    {"GET / HTTP/1.1\r\nHost:\r\nConnection: closed, not close\r\n\r\n",
     "GET|/||/||1.1|keep|none|Host=|Connection=closed, not close\ndone\n"},
    {"GET / HTTP/1.7\r\nHost: x\r\n\r\n",
     "GET|/|x|/||1.7|keep|none|Host=x\ndone\n"},
    /* the other forms of a target; the host in it comes before the field */
    {"GET http://Y:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n",
     "GET|http://Y:1/p?q|Y:1|/p|q|1.1|keep|none|Host=x\ndone\n"},
    {"GET HTTP://y?q HTTP/1.1\r\nHost: x\r\n\r\n",
     "GET|HTTP://y?q|y|/|q|1.1|keep|none|Host=x\ndone\n"},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
     "OPTIONS|*|x|*||1.1|keep|none|Host=x\ndone\n"},
    {"CONNECT y:443 HTTP/1.1\r\nHost: x\r\n\r\n",
     "CONNECT|y:443|x|||1.1|keep|none|Host=x\ndone\n"},
    {"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
     "GET|/|[::1]:8000|/||1.1|keep|none|Host=[::1]:8000\ndone\n"},
    /* bodies */
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
     "POST|/|x|/||1.1|keep|length 5|Host=x|Content-Length=5\n'hello'\ndone\n"},
    {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
     "POST|/|x|/||1.1|keep|length 0|Host=x|Content-Length=0\ndone\n"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
     "5\r\nhello\r\n0a;name=\"v\"\r\n, world!!!\r\n000\r\n\r\n",
     "POST|/|x|/||1.1|keep|chunked|Host=x|Transfer-Encoding=Chunked\n"
     "'hello, world!!!'\ndone\n"},
    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: , chunked ,\r\n\r\n"
     "1 \r\n\r\r\n0 ; x\r\nA: b\r\nC:\r\n\r\n",
     "POST|/|x|/||1.1|keep|chunked|Host=x|Transfer-Encoding=, chunked ,\n"
     "'\r'\ndone\n"},
    {"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
     "Expect: 100-Continue\r\n\r\nab",
     "PUT|/|x|/||1.1|keep|length 2|expects|Host=x|Content-Length=2|"
     "Expect=100-Continue\n'ab'\ndone\n"},
    /* nothing to wait for */
    {"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
     "PUT|/|x|/||1.1|keep|none|Host=x|Expect=100-continue\ndone\n"},
    {"PUT / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab",
     "PUT|/||/||1.0|close|length 2|Content-Length=2|Expect=100-continue\n"
     "'ab'\ndone\n"},
    /* pipelined */
    {"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
     "POST /2 HTTP/1.1\r\nHost: y\r\nContent-Length: 3\r\n\r\nGET"
     "\r\nGET /3 HTTP/1.0\r\n\r\n",
     "GET|/1|x|/1||1.1|keep|none|Host=x\ndone\n"
     "POST|/2|y|/2||1.1|keep|length 3|Host=y|Content-Length=3\n'GET'\ndone\n"
     "GET|/3||/3||1.0|close|none\ndone\n"},
    /* other letters than ASCII stand in values as they are */
    {"GET / HTTP/1.1\r\nHost: x\r\nX: \xd0\xa2\xff\r\n\r\n",
     "GET|/|x|/||1.1|keep|none|Host=x|X=\xd0\xa2\xff\ndone\n"},
};

START_TEST(requests_are_read_however_they_come)
{
    const char *bytes = requests[_i].bytes;
    char *said = play_all_ways(HTTP_REQUEST, false, bytes, strlen(bytes), true);
    ck_assert_str_eq(said, requests[_i].said);
    free(said);
}
END_TEST

static const struct {
    const char *bytes;
    const char *said;
    bool to_head;
} responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
     "200|OK|1.1|keep|length 2|Content-Length=2\n'hi'\ndone\n", false},
    {"HTTP/1.1 200 OK\r\n\r\nto the end",
     "200|OK|1.1|close|close\n'to the end'\ndone at the end\n", false},
    {"HTTP/1.1 200 OK\r\n\r\n", "200|OK|1.1|close|close\ndone at the end\n",
     false},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
     "200|OK|1.0|keep|length 1|Connection=keep-alive|Content-Length=1\n'x'\n"
     "done\n",
     false},
    {"HTTP/1.1 404 Not here, \xd0\xa2\nA: b\n\n",
     "404|Not here, \xd0\xa2|1.1|close|close|A=b\ndone at the end\n", false},
    /* without a reason, and without the space before it */
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
     "200||1.1|keep|length 0|Content-Length=0\ndone\n", false},
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
     "200||1.1|keep|length 0|Content-Length=0\ndone\n", false},
    /* no body, whatever the fields say */
    {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n"
     "Content-Length: 9\r\n\r\n",
     "204|No Content|1.1|keep|none\ndone\n"
     "304|Not Modified|1.1|keep|none|Content-Length=9\ndone\n",
     false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "200|OK|1.1|keep|none|Content-Length=99\ndone\n"
     "200|OK|1.1|keep|none|Transfer-Encoding=chunked\ndone\n",
     true},
    /* interim answers are skipped; switching protocols is the end of HTTP */
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
     "200|OK|1.1|keep|length 1|Content-Length=1\n'x'\ndone\n", false},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
     "101|Switching Protocols|1.1|close|none|Upgrade=x\ndone\n", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "A\r\n0123456789\r\nf\r\n0123456789abcde\r\n0\r\nX-Sum: 1\r\n\r\n",
     "200|OK|1.1|keep|chunked|Transfer-Encoding=chunked\n"
     "'01234567890123456789abcde'\ndone\n",
     false},
};

START_TEST(responses_are_read_however_they_come)
{
    const char *bytes = responses[_i].bytes;
    char *said = play_all_ways(HTTP_RESPONSE, responses[_i].to_head, bytes,
                               strlen(bytes), true);
    ck_assert_str_eq(said, responses[_i].said);
    free(said);
}
END_TEST

/* --- What is refused ------------------------------------------------------- */

#define HEAD11 "GET / HTTP/1.1\r\nHost: x\r\n"
#define POST11 "POST / HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST11 "Transfer-Encoding: chunked\r\n\r\n"
#define OK11 "HTTP/1.1 200 OK\r\n"
#define B(text) (text), sizeof(text) - 1

static const struct {
    enum http_kind kind;
    enum http_error error;
    const char *bytes;
    size_t n;
} refused[] = {
    /* the first line */
    {HTTP_REQUEST, HTTP_BAD_START, B("GET /\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/1.1 \r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET  / HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET /a b HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B(" GET / HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET\t/ HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("G@T / HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / http/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/1,1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/11\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/1.11\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/x.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/1.x\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET /\0 HTTP/1.1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("GET / HTTP/1.1\r\r\n")},
    {HTTP_REQUEST, HTTP_BAD_START, B("\x16\x03\x01\x02\x00\x01\n")},
    {HTTP_REQUEST, HTTP_BAD_VERSION, B("GET / HTTP/2.0\r\n")},
    {HTTP_REQUEST, HTTP_BAD_VERSION, B("GET / HTTP/0.9\r\n")},
    {HTTP_REQUEST, HTTP_BAD_VERSION, B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET, B("GET a HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET, B("GET * HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET, B("GET /#a HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET, B("GET /\xd0 HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET,
     B("GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TARGET,
     B("GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("SSH-2.0-OpenSSH_9.2\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1 20\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1 2000\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1 020 OK\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1 2x0 OK\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1  200 OK\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1\t200 OK\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("HTTP/1.1 200 O\0K\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_START, B("\r\nHTTP/1.1 200 OK\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_VERSION, B("HTTP/3.0 200 OK\r\n")},
    /* fields; a line that begins with a space is the last one, folded */
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: b\r\n c\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: b\r\n\tc\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B("GET / HTTP/1.1\r\n Host: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A : b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 ": b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A(: b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A\0: b\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: b\0c\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: b\rC: d\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: \x1b[31m\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "A: \x7f\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_FIELD, B(HEAD11 "\r\r\n")},
    {HTTP_REQUEST, HTTP_BAD_HOST, B("GET / HTTP/1.1\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_HOST, B(HEAD11 "Host: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_HOST,
     B("GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_HOST, B("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_HOST,
     B("GET http://y@z/ HTTP/1.1\r\nHost: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_EXPECTATION, B(HEAD11 "Expect: 200\r\n\r\n")},
    /* lengths */
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length:\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length: -1\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length: +1\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length: 0x1\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length: 1 2\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH, B(POST11 "Content-Length: 1, 1\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH,
     B(POST11 "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH,
     B(POST11 "Content-Length: 9223372036854775808\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_LENGTH,
     B(POST11 "Content-Length: 18446744073709551617\r\n\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_LENGTH, B(OK11 "Content-Length: 1.0\r\n\r\n")},
    {HTTP_REQUEST, HTTP_TWO_LENGTHS,
     B(POST11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {HTTP_REQUEST, HTTP_TWO_LENGTHS,
     B(POST11 "Transfer-Encoding: x\r\nContent-Length: 5\r\n\r\n")},
    {HTTP_RESPONSE, HTTP_TWO_LENGTHS,
     B(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")},
    /* codings */
    {HTTP_REQUEST, HTTP_BAD_CODING, B(POST11 "Transfer-Encoding:\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B(POST11 "Transfer-Encoding: gzip\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B(POST11 "Transfer-Encoding: chunked, gzip\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B(POST11 "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B(POST11 "Transfer-Encoding: chunked, chunked\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B(POST11 "Transfer-Encoding: xchunked\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CODING,
     B("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {HTTP_RESPONSE, HTTP_BAD_CODING,
     B("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {HTTP_REQUEST, HTTP_UNKNOWN_CODING,
     B(POST11 "Transfer-Encoding: gzip, chunked\r\n\r\n")},
    {HTTP_REQUEST, HTTP_UNKNOWN_CODING,
     B(POST11 "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {HTTP_RESPONSE, HTTP_UNKNOWN_CODING,
     B(OK11 "Transfer-Encoding: gzip\r\n\r\n")},
    /* chunks */
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "x\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "-1\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "0x1\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED " 1\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1 1\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED ";a\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1;\0\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1;\r\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1\r\na\n0\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "1\r\nab\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "2\r\na\r\n0\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "8000000000000000\r\n")},
    {HTTP_REQUEST, HTTP_BAD_CHUNK, B(CHUNKED "10000000000000001\r\na\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TRAILER, B(CHUNKED "0\r\nA\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TRAILER, B(CHUNKED "0\r\nA: b\r\n c\r\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TRAILER, B(CHUNKED "0\r\nA: b\n\r\n")},
    {HTTP_REQUEST, HTTP_BAD_TRAILER, B(CHUNKED "0\r\n\n")},
    {HTTP_REQUEST, HTTP_BAD_TRAILER, B(CHUNKED "0\r\nA: \0\r\n\r\n")},
};

START_TEST(broken_messages_are_refused)
{
    char wanted[128];
    char *said = play_all_ways(refused[_i].kind, false, refused[_i].bytes,
                               refused[_i].n, true);
    snprintf(wanted, sizeof wanted, "%d: %s\n",
             http_status_of(refused[_i].error),
             http_error_text(refused[_i].error));
    size_t length = strlen(said);
    ck_assert_msg(length >= strlen(wanted) &&
                      strcmp(said + length - strlen(wanted), wanted) == 0,
                  "%s\n%s\nnot %s", refused[_i].bytes, said, wanted);
    free(said);
}
END_TEST

/* The biggest length there is: nothing adds up to something small. */
START_TEST(lengths_up_to_the_biggest_are_read)
{
    static const char most[] =
        POST11 "Content-Length: 9223372036854775807\r\n\r\nab";
    char *said = play_all_ways(HTTP_REQUEST, false, B(most), true);
    ck_assert_ptr_nonnull(strstr(said, "|length 9223372036854775807|"));
    ck_assert_ptr_nonnull(strstr(said, "\n'ab'\nit ended in the middle\n"));
    free(said);
    static const char chunk[] = CHUNKED "7fffffffffffffff\r\nab";
    said = play_all_ways(HTTP_REQUEST, false, B(chunk), true);
    ck_assert_ptr_nonnull(strstr(said, "\n'ab'\nit ended in the middle\n"));
    free(said);
}
END_TEST

/* Every beginning of a message is cut short; an answer without a length is
 * whole whenever it ends.
 */
START_TEST(the_end_in_the_middle_is_an_error)
{
    static const char message[] = CHUNKED "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (size_t n = 1; n < sizeof message - 1; n++) {
        char *said = play(HTTP_REQUEST, false, message, n, NULL, 0);
        ck_assert_msg(strstr(said, "it ended in the middle\n") != NULL,
                      "%zu bytes: %s", n, said);
        free(said);
    }
    char *nothing = play(HTTP_REQUEST, false, "\r\n", 2, NULL, 0);
    ck_assert_str_eq(nothing, "");
    free(nothing);
}
END_TEST

/* --- Limits ---------------------------------------------------------------- */

/* A text with n times the letter in its middle, to be freed. */
static char *stretch(const char *before, size_t n, const char *after)
{
    char *text = malloc(strlen(before) + n + strlen(after) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, before);
    memset(text + strlen(before), 'a', n);
    strcpy(text + strlen(before) + n, after);
    return text;
}

static const struct {
    const char *before;
    size_t n;
    const char *after;
    const char *error;
} limits[] = {
    {"GET /", HTTP_LINE_MAX - 16, " HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
    {"GET /", HTTP_LINE_MAX - 15, " HTTP/1.1\r\nHost: x\r\n\r\n", "414: "},
    {"GET /", HTTP_LINE_MAX, "", "414: "},
    {"", HTTP_LINE_MAX + 1, "", "414: "},
    {HEAD11 "A: ", HTTP_FIELDS_MAX - 16, "\r\n\r\n", NULL},
    {HEAD11 "A: ", HTTP_FIELDS_MAX - 15, "\r\n\r\n", "431: "},
    {HEAD11 "A: ", HTTP_FIELDS_MAX, "", "431: "},
    {CHUNKED "1;", 4096 - 4, "\r\nx\r\n0\r\n\r\n", NULL},
    {CHUNKED "1;", 4096 - 3, "\r\nx\r\n0\r\n\r\n", "400: "},
    {CHUNKED "0\r\nA: ", 4096 - 7, "\r\n\r\n", NULL},
    {CHUNKED "0\r\nA: ", 4096 - 6, "\r\n\r\n", "431: "},
};

START_TEST(what_is_too_long_is_refused)
{
    char *text = stretch(limits[_i].before, limits[_i].n, limits[_i].after);
    char *said = play_all_ways(HTTP_REQUEST, false, text, strlen(text), false);
    const char *last =
        strstr(said, limits[_i].error ? limits[_i].error : "\ndone\n");
    ck_assert_msg(last != NULL && strchr(last + 1, '\n') != NULL, "%.60s",
                  said);
    free(said);
    free(text);
}
END_TEST

/* Many short lines are too many as well, in the trailer too. */
START_TEST(many_fields_are_too_large_together)
{
    static const char *const heads[] = {HEAD11, CHUNKED "0\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct http h;
        http_init(&h, HTTP_REQUEST);
        const char *p = heads[i];
        const char *end = p + strlen(p);
        enum http_event event;
        while ((event = http_feed(&h, &p, end)) != HTTP_MORE)
            ck_assert_int_eq(event, HTTP_HEAD);
        int lines = 0;
        do {
            p = "A:\r\n";
            event = http_feed(&h, &p, p + 4);
        } while (event == HTTP_MORE && ++lines < HTTP_FIELDS_MAX);
        ck_assert_int_eq(event, HTTP_FAILED);
        ck_assert_int_eq(h.error, HTTP_FIELDS_TOO_LARGE);
        p = "\r\n";
        ck_assert_int_eq(http_feed(&h, &p, p + 2), HTTP_FAILED);
        http_free(&h);
    }
}
END_TEST

/* --- Noise ----------------------------------------------------------------- */

/* xorshift64: the same numbers in each run. */
static unsigned long long seed = 0x9e3779b97f4a7c15;
static size_t random_below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % n);
}

/* Messages with some bytes changed, put in, taken out and moved, read in
 * random pieces: the pieces change nothing, whatever it is.
 */
START_TEST(noise_is_read_the_same_in_any_pieces)
{
    static const char bytes[] = " \t\r\n\n:;,0159afHT/\0\x7f\x80-";
    enum { CASES_OF_EACH = sizeof requests / sizeof *requests };
    for (int round = 0; round < 20000; round++) {
        enum http_kind kind = round % 3 ? HTTP_REQUEST : HTTP_RESPONSE;
        const char *from =
            kind == HTTP_REQUEST
                ? requests[random_below(CASES_OF_EACH)].bytes
                : responses[random_below(sizeof responses / sizeof *responses)]
                      .bytes;
        char text[512];
        size_t n = (size_t)snprintf(text, sizeof text, "%s", from);
        for (size_t i = random_below(5); i > 0; i--) {
            size_t at = random_below(n);
            char byte = bytes[random_below(sizeof bytes - 1)];
            switch (random_below(3)) {
            case 0:
                text[at] = byte;
                break;
            case 1:
                memmove(text + at + 1, text + at, n++ - at);
                text[at] = byte;
                break;
            default:
                memmove(text + at, text + at + 1, --n - at);
            }
        }
        size_t cuts[8];
        size_t at = 0;
        for (size_t i = 0; i < 8; i++)
            cuts[i] = at += random_below(n - at + 1) / 2;
        char *whole = play(kind, false, text, n, NULL, 0);
        char *pieces = play(kind, false, text, n, cuts, 8);
        ck_assert_msg(strcmp(whole, pieces) == 0, "%.*s\n%s\nnot\n%s", (int)n,
                      text, pieces, whole);
        free(whole);
        free(pieces);
    }
}
END_TEST

/* --- Fields ---------------------------------------------------------------- */

START_TEST(fields_are_found_without_case)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nServer: a/1\r\nX: 1\r\n"
                               "X: 2, Three ,,four\r\n\r\n";
    struct http h;
    http_init(&h, HTTP_RESPONSE);
    ck_assert_ptr_null(http_field(&h, "Server"));
    const char *p = text;
    ck_assert_int_eq(http_feed(&h, &p, text + sizeof text - 1), HTTP_HEAD);
    ck_assert_str_eq(http_field(&h, "sERVER"), "a/1");
    ck_assert_str_eq(http_field(&h, "x"), "1");
    ck_assert_ptr_null(http_field(&h, "Serve"));
    ck_assert_ptr_null(http_field(&h, "Servers"));
    ck_assert(http_field_has(&h, "x", "2"));
    ck_assert(http_field_has(&h, "X", "tHREE"));
    ck_assert(http_field_has(&h, "X", "four"));
    ck_assert(!http_field_has(&h, "X", "fo"));
    ck_assert(!http_field_has(&h, "X", ""));
    ck_assert(!http_field_has(&h, "Y", "four"));
    http_free(&h);
}
END_TEST

/* --- What goes out --------------------------------------------------------- */

static const struct {
    const char *text, *host, *port, *authority, *target;
} urls[] = {
    {"http://127.0.0.1:8000/", "127.0.0.1", "8000", "127.0.0.1:8000", "/"},
    {"http://x", "x", "80", "x", "/"},
    {"HTTP://x.y-z:65535?q=1#part", "x.y-z", "65535", "x.y-z:65535", "/?q=1"},
    {"http://x:/a?b#c?d", "x", "80", "x:", "/a?b"},
    {"http://x#/a", "x", "80", "x", "/"},
    {"http://[::1]:80/%20//a", "::1", "80", "[::1]:80", "/%20//a"},
    {"http://[fe80::1.2.3.4]", "fe80::1.2.3.4", "80", "[fe80::1.2.3.4]", "/"},
};

START_TEST(urls_are_taken_apart)
{
    struct http_url url;
    ck_assert(http_url_split(urls[_i].text, &url));
    ck_assert_str_eq(url.host, urls[_i].host);
    ck_assert_str_eq(url.port, urls[_i].port);
    ck_assert_str_eq(url.authority, urls[_i].authority);
    ck_assert_str_eq(url.target, urls[_i].target);
}
END_TEST

static const char *const no_urls[] = {
    "",
    "x",
    "/",
    "https://x/",
    "http:/x",
    "http://",
    "http:///",
    "http://:80/",
    "http://x:0",
    "http://x:65536",
    "http://x:a",
    "http://x:1a",
    "http://x:-1",
    "http://x:000080",
    "http://u@x",
    "http://u:p@x/",
    "http://x y",
    "http://x/a b",
    "http://x/\n",
    "http://x/\xd0\xa2",
    "http://[::1x:80/",
    "http://[::1",
    "http://[]",
    "http://[::1]x",
    "http://[x]/",
    "http://::1/",
    "http://x\r\n/",
    "http://x/\x7f",
};

START_TEST(what_is_no_url_is_refused)
{
    struct http_url url;
    ck_assert_msg(!http_url_split(no_urls[_i], &url), "%s", no_urls[_i]);
}
END_TEST

START_TEST(long_urls_fit_or_are_refused)
{
    struct http_url url;
    char *text = stretch("http://", 255, "/");
    ck_assert(http_url_split(text, &url));
    ck_assert_uint_eq(strlen(url.host), 255);
    free(text);
    text = stretch("http://", 256, "/");
    ck_assert(!http_url_split(text, &url));
    free(text);
    text = stretch("http://x?", 2045, "#b");
    ck_assert(http_url_split(text, &url));
    ck_assert_uint_eq(strlen(url.target), 2047);
    free(text);
    text = stretch("http://x?", 2046, "#b");
    ck_assert(!http_url_split(text, &url));
    free(text);
    text = stretch("http://x/", 2047, "");
    ck_assert(!http_url_split(text, &url));
    free(text);
}
END_TEST

/* What is written fits to the byte, or nothing is promised. */
START_TEST(heads_are_written_and_read_again)
{
    static const char request[] =
        "GET /a?b HTTP/1.1\r\nHost: x:81\r\nA: b\r\n\r\n";
    static const char answer[] =
        "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 7\r\n\r\n";
    struct http_url url;
    char out[256];
    ck_assert(http_url_split("http://x:81/a?b", &url));
    ck_assert_uint_eq(
        http_write_request(out, sizeof request, "GET", &url, "A: b\r\n"),
        sizeof request - 1);
    ck_assert_str_eq(out, request);
    ck_assert_uint_eq(
        http_write_request(out, sizeof request - 1, "GET", &url, "A: b\r\n"),
        0);
    ck_assert_uint_eq(http_write_answer(out, sizeof answer, 404, "A: b\r\n", 7),
                      sizeof answer - 1);
    ck_assert_str_eq(out, answer);
    ck_assert_uint_eq(
        http_write_answer(out, sizeof answer - 1, 404, "A: b\r\n", 7), 0);
    http_write_answer(out, sizeof out, 299, "", -1);
    ck_assert_str_eq(out, "HTTP/1.1 299 \r\n\r\n");
}
END_TEST

/* Every error has a status and words, every such status its reason. */
START_TEST(errors_have_words)
{
    for (enum http_error e = HTTP_OK; e < HTTP_ERRORS; e++) {
        ck_assert_ptr_nonnull(http_error_text(e));
        ck_assert_str_ne(http_reason(http_status_of(e)), "");
    }
    ck_assert_int_eq(http_status_of(HTTP_LINE_TOO_LONG), 414);
    ck_assert_int_eq(http_status_of(HTTP_FIELDS_TOO_LARGE), 431);
    ck_assert_int_eq(http_status_of(HTTP_BAD_VERSION), 505);
    ck_assert_int_eq(http_status_of(HTTP_UNKNOWN_CODING), 501);
    ck_assert_int_eq(http_status_of(HTTP_BAD_EXPECTATION), 417);
    ck_assert_int_eq(http_status_of(HTTP_TWO_LENGTHS), 400);
    ck_assert_str_eq(http_reason(408), "Request Timeout");
    ck_assert_str_eq(http_reason(999), "");
}
END_TEST

/* The example of RFC 9110, section 5.6.7, and two edges. */
START_TEST(dates_are_written)
{
    char text[HTTP_DATE_SIZE];
    http_date(784111777, text);
    ck_assert_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    http_date(0, text);
    ck_assert_str_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_date(1709251199, text);
    ck_assert_str_eq(text, "Thu, 29 Feb 2024 23:59:59 GMT");
}
END_TEST

/* --- The client ------------------------------------------------------------ */

/* A server of one connection, in a child: it says the words one by one, the
 * first at once and each other one after the client has sent something or a
 * tenth of a second is over, and then hangs up. A last word of "..." means
 * that it repeats the one before for ever, "wait" that it waits for ever.
 */
struct peer {
    pid_t pid;
    char url[64];
};

static struct peer peer;

static void talk(int fd, const char *const *words)
{
    char bytes[4096];
    struct pollfd polled = {fd, POLLIN, 0};
    poll(&polled, 1, -1);
    (void)!recv(fd, bytes, sizeof bytes, 0);
    for (; *words != NULL; words++) {
        if (strcmp(*words, "...") == 0)
            words--;
        if (strcmp(*words, "wait") == 0)
            pause();
        if (send(fd, *words, strlen(*words), MSG_NOSIGNAL) == -1)
            break;
        if (words[1] != NULL && strlen(*words) < 1000 &&
            poll(&polled, 1, 100) == 1)
            (void)!recv(fd, bytes, sizeof bytes, 0);
    }
}

static void start_peer(const char *const *words)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ne(listener, -1);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, size), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    snprintf(peer.url, sizeof peer.url, "http://127.0.0.1:%d/",
             ntohs(a.sin_port));
    peer.pid = fork();
    ck_assert_int_ne(peer.pid, -1);
    if (peer.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = accept(listener, NULL, NULL);
        close(listener);
        talk(fd, words);
        _exit(0);
    }
    close(listener);
}

static void stop_peer(void)
{
    if (peer.pid > 0) {
        kill(peer.pid, SIGKILL);
        waitpid(peer.pid, NULL, 0);
    }
    peer.pid = 0;
}

static const struct {
    const char *words[5];
    enum http_outcome outcome;
    const char *why; /* in it; or the body */
} talks[] = {
    {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, HTTP_GOT, "hello"},
    {{"HTTP/1.1 200 OK\r\nConte", "nt-Length: 5\r\n\r\nhel", "lo"},
     HTTP_GOT,
     "hello"},
    {{"HTTP/1.0 200 OK\r\n\r\nhello"}, HTTP_GOT, "hello"},
    {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "5\r\nhello\r\n0\r\n\r\n", "wait"},
     HTTP_GOT,
     "hello"},
    {{"HTTP/1.1 204 No Content\r\n\r\n", "wait"}, HTTP_GOT, ""},
    {{NULL}, HTTP_HUNG_UP, "hung up"},
    {{"HTTP/1.1 20"}, HTTP_HUNG_UP, "hung up"},
    {{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"}, HTTP_HUNG_UP, "hung"},
    {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
     HTTP_HUNG_UP,
     "hung"},
    {{"SSH-2.0-OpenSSH\r\n", "wait"}, HTTP_NO_SENSE, "no HTTP: the first line"},
    {{"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "wait"}, HTTP_NO_SENSE, "no HTTP"},
    {{"wait"}, HTTP_TIMED_OUT, "in time"},
    {{"HTTP/1.1 200 OK\r\n\r\n", "x", "..."}, HTTP_TIMED_OUT, "in time"},
    {{"HTTP/1.1 100 Continue\r\n\r\n", "..."}, HTTP_TIMED_OUT, "in time"},
};

START_TEST(client_says_what_came_of_it)
{
    struct http_reply reply;
    start_peer(talks[_i].words);
    bool times_out = talks[_i].outcome == HTTP_TIMED_OUT;
    enum http_outcome outcome = http_get(peer.url, times_out ? 1 : 30, &reply);
    ck_assert_msg(outcome == talks[_i].outcome, "%d: %s", (int)outcome,
                  reply.why);
    ck_assert_int_eq(reply.outcome, outcome);
    if (outcome == HTTP_GOT) {
        ck_assert_str_eq(reply.body, talks[_i].why);
        ck_assert_uint_eq(reply.length, strlen(talks[_i].why));
        ck_assert_int_eq(reply.status / 100, 2);
        ck_assert_str_eq(reply.why, "");
    } else {
        ck_assert_ptr_null(reply.body);
        ck_assert_uint_eq(reply.length, 0);
        ck_assert_msg(strstr(reply.why, talks[_i].why) != NULL, "%s",
                      reply.why);
        ck_assert_ptr_nonnull(strstr(reply.why, "127.0.0.1:"));
    }
    http_reply_free(&reply);
    stop_peer();
}
END_TEST

START_TEST(client_does_not_take_too_much)
{
    static const char promise[] = "HTTP/1.1 200 OK\r\n\r\n";
    char *much = stretch("", 1 << 20, "");
    const char *const words[] = {promise, much, "...", NULL};
    struct http_reply reply;
    start_peer(words);
    ck_assert_int_eq(http_get(peer.url, 30, &reply), HTTP_TOO_LONG);
    ck_assert_ptr_null(reply.body);
    http_reply_free(&reply);
    stop_peer();
    free(much);
}
END_TEST

/* Bytes beyond the answer are the next one's; what the server says about the
 * connection is believed.
 */
START_TEST(connections_are_used_again)
{
    static const char *const words[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 ",
        "200 OK\r\nContent-Length: 99\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3",
        "wait", NULL};
    struct http_url url;
    struct http_connection c;
    struct http_reply reply;
    start_peer(words);
    ck_assert(http_url_split(peer.url, &url));
    ck_assert_int_eq(http_connect(&c, &url, 30, &reply), HTTP_GOT);
    http_reply_free(&reply);
    ck_assert_int_eq(http_exchange(&c, "GET", true, 30, &reply), HTTP_GOT);
    ck_assert_str_eq(reply.body, "1");
    http_reply_free(&reply);
    ck_assert_int_ne(c.fd, -1);
    ck_assert_int_eq(http_exchange(&c, "HEAD", true, 30, &reply), HTTP_GOT);
    ck_assert_str_eq(reply.body, "");
    http_reply_free(&reply);
    ck_assert_int_ne(c.fd, -1);
    ck_assert_int_eq(http_exchange(&c, "GET", true, 30, &reply), HTTP_GOT);
    ck_assert_str_eq(reply.body, "3");
    http_reply_free(&reply);
    ck_assert_int_eq(c.fd, -1);
    http_disconnect(&c);
    stop_peer();
}
END_TEST

/* Nobody listens at a port that was just given back. */
START_TEST(client_tells_who_is_not_there)
{
    struct http_reply reply;
    static const char *const nothing[] = {NULL};
    start_peer(nothing);
    stop_peer();
    ck_assert_int_eq(http_get(peer.url, 30, &reply), HTTP_UNREACHED);
    ck_assert_ptr_nonnull(strstr(reply.why, "Connection refused"));
    http_reply_free(&reply);
    ck_assert_int_eq(http_get("ftp://x/", 30, &reply), HTTP_BAD_URL);
    ck_assert_ptr_nonnull(strstr(reply.why, "ftp://x/"));
    http_reply_free(&reply);
}
END_TEST

/* However often it is called, no descriptor stays open. */
START_TEST(client_leaves_no_descriptor)
{
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        struct http_reply reply;
        if (talks[i].outcome == HTTP_TIMED_OUT)
            continue;
        start_peer(talks[i].words);
        http_get(peer.url, 30, &reply);
        http_reply_free(&reply);
        stop_peer();
    }
    int after = dup(0);
    ck_assert_int_eq(before, after);
    close(after);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

TCase *processes_http(void)
{
    TCase *tc = tcase_create("http");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, stop_peer);
    tcase_add_loop_test(tc, requests_are_read_however_they_come, 0,
                        COUNT(requests));
    tcase_add_loop_test(tc, responses_are_read_however_they_come, 0,
                        COUNT(responses));
    tcase_add_loop_test(tc, broken_messages_are_refused, 0, COUNT(refused));
    tcase_add_test(tc, lengths_up_to_the_biggest_are_read);
    tcase_add_test(tc, the_end_in_the_middle_is_an_error);
    tcase_add_loop_test(tc, what_is_too_long_is_refused, 0, COUNT(limits));
    tcase_add_test(tc, many_fields_are_too_large_together);
    tcase_add_test(tc, noise_is_read_the_same_in_any_pieces);
    tcase_add_test(tc, fields_are_found_without_case);
    tcase_add_loop_test(tc, urls_are_taken_apart, 0, COUNT(urls));
    tcase_add_loop_test(tc, what_is_no_url_is_refused, 0, COUNT(no_urls));
    tcase_add_test(tc, long_urls_fit_or_are_refused);
    tcase_add_test(tc, heads_are_written_and_read_again);
    tcase_add_test(tc, errors_have_words);
    tcase_add_test(tc, dates_are_written);
    tcase_add_loop_test(tc, client_says_what_came_of_it, 0, COUNT(talks));
    tcase_add_test(tc, client_does_not_take_too_much);
    tcase_add_test(tc, connections_are_used_again);
    tcase_add_test(tc, client_tells_who_is_not_there);
    tcase_add_test(tc, client_leaves_no_descriptor);
    return tc;
}
