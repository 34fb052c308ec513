#include "03_processes/portals.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/scratch.h"
#include "03_processes/farm.h"
#include "03_processes/http_client.h"

/* How many could not be asked, for want of descriptors or memory here; and
 * what was said of the first of them, which is written by one thread alone.
 */
static atomic_int not_asked;
static char why_not_asked[128];

/* --- The file -------------------------------------------------------------- */

static void make_file(const char *name)
{
    FILE *out = fopen(name, "w");
    if (out == NULL)
        err(1, "%s", name);
    farm_write_hosts(out);
    bool written = !ferror(out);
    if (fclose(out) == EOF || !written)
        err(1, "%s", name);
}

void portals_open(struct portals *p, const char *file, double delay)
{
    *p = (struct portals){.name = file, .own = file == NULL};
    if (p->own) {
        p->name = "hosts.txt";
        farm_start(delay);
        printf("server: %s for %d hosts\n", farm_url(), FARM_HOSTS);
        scratch_enter();
        make_file(p->name);
    }
    p->file = fopen(p->name, "re");
    if (p->file == NULL)
        err(1, "%s", p->name);
    if (!p->own) {
        /* Or one name could take half a minute where nobody knows names. */
        setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
        printf("hosts: %s\n", p->name);
    }
}

/* Reads a line, without the white space around it. Returns its length, 0 for
 * one without a host; or -1 where it is too long for one. *last is set to how
 * it ended: '\n' or EOF.
 */
static int read_line(FILE *file, char host[PORTALS_HOST], int *last)
{
    int n = 0;
    int c;
    do
        c = getc(file);
    while (c != '\n' && c != EOF && isspace(c));
    bool comment = c == '#';
    for (; c != '\n' && c != EOF; c = getc(file)) {
        if (comment)
            continue;
        if (n == PORTALS_HOST - 1)
            return -1;
        host[n++] = (char)(isgraph(c) || isspace(c) ? c : '?');
    }
    while (n > 0 && isspace((unsigned char)host[n - 1]))
        n--;
    host[n] = '\0';
    *last = c;
    return n;
}

bool portals_next(struct portals *p, char host[PORTALS_HOST])
{
    int n = 0;
    for (int last = '\n'; n == 0 && last == '\n';) {
        p->line++;
        n = read_line(p->file, host, &last);
    }
    if (ferror(p->file))
        snprintf(p->error, sizeof p->error, "%s", strerror(errno));
    else if (n == -1)
        snprintf(p->error, sizeof p->error, "line %d is too long for a host",
                 p->line);
    bool found = n > 0 && *p->error == '\0';
    p->hosts += found;
    return found;
}

void portals_close(struct portals *p)
{
    fclose(p->file);
    farm_stop();
    if (*p->error != '\0')
        errx(1, "%s: %s", p->name, p->error);
    if (p->hosts == 0)
        errx(1, "%s: no host in it", p->name);
    if (not_asked > 0)
        errx(1, "%d of %d hosts not asked: %s", not_asked, p->hosts,
             why_not_asked);
}

/* --- The question ---------------------------------------------------------- */

void portals_name(const char *field, char server[PORTALS_SERVER])
{
    size_t n = field ? strcspn(field, "/") : 0;
    if (n >= PORTALS_SERVER)
        n = PORTALS_SERVER - 1;
    for (size_t i = 0; i < n; i++)
        server[i] = field[i] >= ' ' && field[i] <= '~' ? field[i] : '?';
    server[n] = '\0';
    if (n == 0)
        strcpy(server, farm_no_header);
}

bool portals_url(const char *host, struct http_url *url)
{
    char text[PORTALS_HOST + 16];
    snprintf(text, sizeof text, "http://%s/", host);
    if (!http_url_split(text, url) || strcmp(url->authority, host) != 0)
        return false;
    farm_locate(url);
    return true;
}

void portals_server(const struct http_reply *reply, char server[PORTALS_SERVER])
{
    static const char *const instead[] = {
        [HTTP_BAD_URL] = "(no name)",   [HTTP_UNKNOWN] = "(unknown)",
        [HTTP_UNREACHED] = farm_down,   [HTTP_TIMED_OUT] = farm_silent,
        [HTTP_HUNG_UP] = "(hung up)",   [HTTP_NO_SENSE] = "(no HTTP)",
        [HTTP_TOO_LONG] = "(too long)", [HTTP_NO_MEANS] = "(not asked)",
    };
    if (reply->outcome == HTTP_GOT)
        portals_name(http_field(&reply->head, "Server"), server);
    else
        strcpy(server, instead[reply->outcome]);
    if (reply->outcome == HTTP_NO_MEANS && atomic_fetch_add(&not_asked, 1) == 0)
        snprintf(why_not_asked, sizeof why_not_asked, "%s", reply->why);
}

void portals_ask(const char *host, double seconds, char server[PORTALS_SERVER])
{
    struct http_url url;
    struct http_reply reply = {.outcome = HTTP_BAD_URL};
    if (portals_url(host, &url))
        http_ask("OPTIONS", &url, seconds, &reply);
    portals_server(&reply, server);
    http_reply_free(&reply);
}

/* --- The table ------------------------------------------------------------- */

static int compare(const void *x, const void *y)
{
    const struct portals_row *a = x;
    const struct portals_row *b = y;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return strcmp(a->server, b->server);
}

void portals_print(struct portals_row *table, int rows)
{
    qsort(table, (size_t)rows, sizeof *table, compare);
    for (int i = 0; i < rows; i++)
        printf("%-14s %3d\n", table[i].server, table[i].count);
}

int portals_sum(const struct portals_row *table, int rows)
{
    int sum = 0;
    for (int i = 0; i < rows; i++)
        sum += table[i].count;
    return sum;
}

void portals_check(const struct portals *p, const struct portals_row *table,
                   int rows)
{
    if (portals_sum(table, rows) != p->hosts)
        errx(1, "%d hosts were asked, and %d counted", p->hosts,
             portals_sum(table, rows));
    for (int i = 0; i < rows; i++)
        if (p->own && table[i].count != farm_count(table[i].server))
            errx(1, "%s: counted %d times, and the farm has %d",
                 table[i].server, table[i].count, farm_count(table[i].server));
}
