/* fetch_names: which URLs are fetched, where redirects lead, and that no URL
 * comes to another's file, nor out of the folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "07_eventloop/fetch_names.h"
#include "tests/support.h"

static struct http_url url_of(const char *text)
{
    struct http_url url;
    const char *why = fetch_url(text, &url);
    ck_assert_msg(why == NULL, "%s: %s", text, why);
    return url;
}

static const char *name_of(const char *text)
{
    static char name[FETCH_NAME];
    struct http_url url = url_of(text);
    fetch_name(&url, name);
    return name;
}

START_TEST(what_cannot_be_fetched_is_told_what_to_use)
{
    static const char *const refused[][2] = {
        {"https://example.org/", "use curl"},
        {"HTTPS://example.org/", "use curl"},
        {"ftp://example.org/", "use curl"},
        {"file:///etc/passwd", "use curl"},
        {"example.org/", "not a URL"},
        {"localhost:8000/", "not a URL"},
        {"//example.org/", "not a URL"},
        {"http:example.org/", "not a URL"},
        {"http://", "not a URL"},
        {"http:///", "not a URL"},
        {"http://me@example.org/", "not a URL"},
        {"http://example.org:0/", "not a URL"},
        {"http://example.org:65536/", "not a URL"},
        {"http://[::1/", "not a URL"},
        {"", "not a URL"},
    };
    struct http_url url;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *why = fetch_url(refused[i][0], &url);
        ck_assert_msg(why != NULL && strstr(why, refused[i][1]) != NULL,
                      "%s: %s", refused[i][0], why ? why : "is taken");
    }
}
END_TEST

START_TEST(names_that_can_be_read)
{
    static const char *const names[][2] = {
        {"http://example.org", "example.org"},
        {"http://example.org/", "example.org"},
        {"HTTP://Example.ORG:80/#top", "example.org"},
        {"http://example.org:080/", "example.org"},
        {"http://example.org/A", "example.org,A"},
        {"http://example.org/a/", "example.org,a,"},
        {"http://example.org//", "example.org,,"},
        {"http://127.0.0.1:8000/a/b.html?n=1", "127.0.0.1+8000,a,b.html%3Fn=1"},
        {"http://[::1]:8000/a_b-c", "%3A%3A1+8000,a_b-c"},
        {"http://h/a%20b", "h,a%2520b"},
        {"http://h?q", "h,%3Fq"},
        {"http://h/~me", "h,%7Eme"},
        {"http://h/a,b+c", "h,a%2Cb%2Bc"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_str_eq(name_of(names[i][0]), names[i][1]);
}
END_TEST

/* Whatever it says, it is a file of the folder, and one that can be seen. */
START_TEST(no_name_leads_out_of_the_folder)
{
    static const char *const urls[] = {
        "http://../..",
        "http://..",
        "http://.",
        "http://./.fetcher-1-1",
        "http://-rf/",
        "http://.fetcher-1-1",
        "http://h/../../../etc/passwd",
        "http://h/..%2f..%2fetc%2fpasswd",
        "http://h/?../../x",
        "http://~/",
        "http://h/\\..\\x",
        "http://h/$(reboot)`x`;'\"|<>*",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const char *name = name_of(urls[i]);
        ck_assert_msg(strchr(name, '/') == NULL && *name != '.' &&
                          *name != '-' && *name != '\0',
                      "%s: %s", urls[i], name);
        ck_assert_msg(name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
                                        "KLMNOPQRSTUVWXYZ0123456789.,_=%+-")] ==
                          '\0',
                      "%s: %s", urls[i], name);
    }
}
END_TEST

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Hosts, ports and paths made of the bytes that stand for something in a name,
 * and as many names as there are URLs.
 */
START_TEST(two_urls_never_have_one_name)
{
    static const char *const hosts[] = {"h",      "h.",     "a.h",  "[::1]",
                                        "[::18]", "[1::2]", "[1::]"};
    static const char *const ports[] = {"", ":8", ":2", ":88"};
    static const char bytes[] = "a/,+%~?2C";
    enum { HOSTS = 7, PORTS = 4, PATHS = 1 + 9 + 81 + 729 };
    static char names[HOSTS * PORTS * PATHS][FETCH_NAME];
    size_t n = 0;
    for (int h = 0; h < HOSTS; h++)
        for (int p = 0; p < PORTS; p++)
            for (int length = 0, many = 1; length <= 3; length++, many *= 9)
                for (int i = 0; i < many; i++) {
                    char text[64];
                    int used = snprintf(text, sizeof text, "http://%s%s/",
                                        hosts[h], ports[p]);
                    for (int k = 0, rest = i; k < length; k++, rest /= 9)
                        text[used++] = bytes[rest % 9];
                    text[used] = '\0';
                    strcpy(names[n++], name_of(text));
                }
    ck_assert_uint_eq(n, sizeof names / sizeof *names);
    qsort(names, n, sizeof *names, compare);
    for (size_t i = 1; i < n; i++)
        ck_assert_str_ne(names[i - 1], names[i]);
}
END_TEST

/* File names end after 255 bytes. What is cut differs all the same, and from
 * what is not cut, since that has no ~.
 */
START_TEST(long_names_are_cut_and_differ)
{
    char text[2000] = "http://h/";
    char first[FETCH_NAME];
    memset(text + strlen(text), 'x', 253);
    ck_assert_uint_eq(strlen(name_of(text)), 255);
    ck_assert_ptr_null(strchr(name_of(text), '~'));
    for (size_t n = strlen(text); n < 1900; n = strlen(text)) {
        strcpy(text + n, "y");
        strcpy(first, name_of(text));
        ck_assert_uint_eq(strlen(first), 255);
        ck_assert_int_eq(first[214], '~');
        strcpy(text + n, "z");
        ck_assert_str_ne(name_of(text), first);
        ck_assert_str_eq(name_of(text), name_of(text));
        strcpy(text + n, "%3F");
        ck_assert_str_ne(name_of(text), first);
    }
}
END_TEST

/* The examples of RFC 3986, sections 5.4.1 and 5.4.2, but for those that are no
 * URLs of HTTP.
 */
START_TEST(redirects_lead_where_the_standard_says)
{
    static const char *const leads[][2] = {
        {"g", "/b/c/g"},
        {"./g", "/b/c/g"},
        {"g/", "/b/c/g/"},
        {"/g", "/g"},
        {"?y", "/b/c/d;p?y"},
        {"g?y", "/b/c/g?y"},
        {"#s", "/b/c/d;p?q"},
        {"g#s", "/b/c/g"},
        {"g?y#s", "/b/c/g?y"},
        {";x", "/b/c/;x"},
        {"g;x", "/b/c/g;x"},
        {"g;x?y#s", "/b/c/g;x?y"},
        {"", "/b/c/d;p?q"},
        {".", "/b/c/"},
        {"./", "/b/c/"},
        {"..", "/b/"},
        {"../", "/b/"},
        {"../g", "/b/g"},
        {"../..", "/"},
        {"../../", "/"},
        {"../../g", "/g"},
        {"../../../g", "/g"},
        {"../../../../g", "/g"},
        {"/./g", "/g"},
        {"/../g", "/g"},
        {"g.", "/b/c/g."},
        {".g", "/b/c/.g"},
        {"g..", "/b/c/g.."},
        {"..g", "/b/c/..g"},
        {"./../g", "/b/g"},
        {"./g/.", "/b/c/g/"},
        {"g/./h", "/b/c/g/h"},
        {"g/../h", "/b/c/h"},
        {"g;x=1/./y", "/b/c/g;x=1/y"},
        {"g;x=1/../y", "/b/c/y"},
        {"g?y/./x", "/b/c/g?y/./x"},
        {"g?y/../x", "/b/c/g?y/../x"},
    };
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        struct http_url url = url_of("http://a:8/b/c/d;p?q");
        ck_assert_ptr_null(fetch_redirect(&url, leads[i][0]));
        ck_assert_str_eq(url.authority, "a:8");
        ck_assert_msg(strcmp(url.target, leads[i][1]) == 0, "%s: %s",
                      leads[i][0], url.target);
    }
    struct http_url url = url_of("http://a:8/b/c/d;p?q");
    ck_assert_ptr_null(fetch_redirect(&url, "//g"));
    ck_assert_str_eq(url.authority, "g");
    ck_assert_str_eq(url.target, "/");
    ck_assert_ptr_null(fetch_redirect(&url, "http://[::1]:7/x/../y"));
    ck_assert_str_eq(url.host, "::1");
    ck_assert_str_eq(url.port, "7");
    ck_assert_str_eq(url.target, "/y");
}
END_TEST

START_TEST(redirects_that_lead_nowhere)
{
    static char far[8000];
    memset(far, 'x', sizeof far - 1);
    const char *const refused[] = {"https://a/", "mailto:me", "http://", "//",
                                   "a b",        "\x7f",      far};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct http_url url = url_of("http://a/b");
        ck_assert_ptr_nonnull(fetch_redirect(&url, refused[i]));
    }
}
END_TEST

TCase *eventloop_fetch_names(void)
{
    TCase *tc = tcase_create("fetch_names");
    tcase_add_test(tc, what_cannot_be_fetched_is_told_what_to_use);
    tcase_add_test(tc, names_that_can_be_read);
    tcase_add_test(tc, no_name_leads_out_of_the_folder);
    tcase_add_test(tc, two_urls_never_have_one_name);
    tcase_add_test(tc, long_names_are_cut_and_differ);
    tcase_add_test(tc, redirects_lead_where_the_standard_says);
    tcase_add_test(tc, redirects_that_lead_nowhere);
    return tc;
}
