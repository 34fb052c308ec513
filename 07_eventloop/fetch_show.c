#include "07_eventloop/fetch_show.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "01_files/scratch.h"
#include "07_eventloop/fetch_names.h"
#include "07_eventloop/mischief.h"

static const char list[] = "urls.txt";
static const char folder[] = "pages";

/* A line of the list, and what is to come of it. */
static const struct row {
    const char *line; /* a path of our server, or what stands there */
    int length;       /* of what comes; -1: it fails; -2: it is no URL at all */
    const char *why;
} rows[] = {
    {"# What comes, and has to be whole.", -2, NULL},
    {"/bytes/100000", 100000, NULL},
    {"/chunks/100000", 100000, NULL},
    {"/rest/100000", 100000, NULL},
    {"/none", 0, NULL},
    {"/interim", 13, NULL},
    {"/moved", 1000, NULL},
    {"/tired", 13, NULL},
    {"/flaky", 13, NULL},
    {"/bytes/0?of=../../etc/passwd", 0, NULL},
    {"", -2, NULL},
    {"# What must not.", -2, NULL},
    {"/short", -1, "ended after 13 of 100 bytes"},
    {"/cut", -1, "ended in mid-answer"},
    {"/cut-chunk", -1, "ended in mid-answer"},
    {"/bad-chunk", -1, "no HTTP"},
    {"/two-lengths", -1, "no HTTP"},
    {"/garbage", -1, "no HTTP"},
    {"/endless-head", -1, "no HTTP"},
    {"/endless-body", -1, "longer than 1000000 bytes"},
    {"/bytes/1000001", -1, "longer than 1000000 bytes"},
    {"/slow", -1, "not whole in"},
    {"/silence", -1, "not whole in"},
    {"/reset", -1, "reset"},
    {"/loop", -1, "more than 10 redirects"},
    {"/to-https", -1, "use curl"},
    {"/nowhere", -1, "302 Found"},
    {"/busy", -1, "503 Service Unavailable"},
    {"/missing", -1, "404 Not Found"},
    {"http://" /* a label is 63 letters long at most */
     "llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogochuchaf1"
     ".test/",
     -1, "no host of that name"},
    {"https://example.org/", -1, "use curl"},
    {"ftp://example.org/", -1, "use curl"},
    {"example.org", -1, "not a URL"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static struct mischief server;

static void url_of(const struct row *row, char *text, size_t size)
{
    snprintf(text, size, "%s%s", *row->line == '/' ? server.url : "",
             row->line);
}

const char *fetch_show_begin(const char **output)
{
    char url[256];
    scratch_enter();
    if (mischief_listen(&server, "127.0.0.1") == -1)
        err(CLI_ERROR, "127.0.0.1");
    mischief_start(&server);
    printf("server: %s\n\n", server.url);
    FILE *file = fopen(list, "w");
    if (file == NULL)
        err(CLI_ERROR, "%s", list);
    for (int i = 0; i < ROWS; i++) {
        url_of(&rows[i], url, sizeof url);
        fprintf(file, "%s\n", url);
    }
    if (fclose(file) != 0)
        err(CLI_ERROR, "%s", list);
    *output = folder;
    return list;
}

/* --- Whether it stood that ------------------------------------------------ */

static void check_file(const struct row *row)
{
    char url[256];
    char name[FETCH_NAME];
    char path[sizeof folder + FETCH_NAME];
    struct http_url parts;
    url_of(row, url, sizeof url);
    fetch_url(url, &parts);
    fetch_name(&parts, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);

    size_t length = (size_t)row->length;
    char *sent = malloc(length + 1);
    char *came = malloc(length + 1);
    if (sent == NULL || came == NULL)
        err(CLI_ERROR, "%s", path);
    if (length == strlen(mischief_hello))
        memcpy(sent, mischief_hello, length);
    else
        mischief_bytes(0, sent, length);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        err(CLI_ERROR, "%s", path);
    if (fread(came, 1, length + 1, file) != length ||
        memcmp(sent, came, length) != 0)
        errx(CLI_ERROR, "%s: differs from what was sent", path);
    fclose(file);
    free(sent);
    free(came);
}

static void check_failure(const struct fetch_report *r, unsigned long line)
{
    size_t i = 0;
    while (i < r->kept && r->failures[i].line != line)
        i++;
    if (i == r->kept)
        errx(CLI_ERROR, "line %lu: it should have failed", line);
    if (strstr(r->failures[i].why, rows[line - 1].why) == NULL)
        errx(CLI_ERROR, "%s: %s, and not: %s", r->failures[i].url,
             r->failures[i].why, rows[line - 1].why);
}

static int count_files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    if (d == NULL)
        err(CLI_ERROR, "%s", folder);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

void fetch_show_check(const struct fetch_report *r, int bound)
{
    int whole = 0;
    mischief_stop(&server);
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].length >= 0) {
            check_file(&rows[i]);
            whole++;
        }
        if (rows[i].length == -1)
            check_failure(r, (unsigned long)i + 1);
    }
    if (count_files() != whole)
        errx(CLI_ERROR, "%s: %d files, and %d should be there", folder,
             count_files(), whole);
    printf("files    %d, each whole, and no other\n", whole);
    printf("bound    %d at once\n", bound);
    printf("server   has seen at most %d at once\n", server.counts->most);
    printf("         %d connections for %d requests\n",
           server.counts->connections, server.counts->requests);
    if (server.counts->most > bound)
        errx(CLI_ERROR, "more at once than the bound");
}
