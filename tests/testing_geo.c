/* geo: what is asked for, and what is made of an answer, with no network. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "02_testing/geo.h"
#include "02_testing/mock.h"
#include "tests/support.h"

static struct mock get;
static const char *body;

static enum geo_error fake_get(const char *url, struct geo_answer *answer)
{
    memset(answer, '"', sizeof *answer); /* what is there counts, no more */
    answer->length = strlen(body);
    memcpy(answer->body, body, answer->length);
    return (enum geo_error)mock_called(&get, "'%s'", url);
}

static struct geo geo;

static void set_up(void)
{
    get = (struct mock){.name = "get"};
    geo = (struct geo){.url = "http://host:8000", .get = fake_get};
    body = "{\"origin\": \"::1\", \"city\": \"Москва\"}";
}

START_TEST(asks_for_the_right_page)
{
    char value[64];
    ck_assert_int_eq(get_ip(&geo, value, sizeof value), GEO_OK);
    ck_assert_str_eq(value, "::1");
    mock_assert_called_with(&get, "'%s'", "http://host:8000/ip");
    ck_assert_int_eq(get_location_city(&geo, "::1", value, sizeof value),
                     GEO_OK);
    ck_assert_str_eq(value, "Москва");
    mock_assert_called_with(&get, "'%s'", "http://host:8000/json/::1");

    geo.url = "http://host/";
    get_ip(&geo, value, sizeof value);
    mock_assert_called_with(&get, "'%s'", "http://host/ip");
    geo.url = "http://host/api/";
    get_ip(&geo, value, sizeof value);
    mock_assert_called_with(&get, "'%s'", "http://host/api/ip");
    ck_assert_uint_eq(get.calls, 4);
}
END_TEST

/* Every error of the way comes through, and each has words of its own. */
START_TEST(passes_errors_on)
{
    char value[64];
    get.returns = _i;
    ck_assert_int_eq((int)get_ip(&geo, value, sizeof value), _i);
    ck_assert_int_eq((int)get_location_city(&geo, "::1", value, sizeof value),
                     _i);
    errno = ENOTTY;
    const char *words = geo_strerror((enum geo_error)_i);
    ck_assert_str_ne(words, "unknown error");
    bool by_errno = _i == GEO_SYSTEM || _i == GEO_NO_SERVICE;
    ck_assert_int_eq(strcmp(words, strerror(ENOTTY)) == 0, by_errno);
    for (int other = 0; other < _i && !by_errno; other++)
        ck_assert_str_ne(words, geo_strerror((enum geo_error)other));
}
END_TEST

static const struct {
    const char *body;
    enum geo_error error;
} bodies[] = {
    {"", GEO_NO_JSON},
    {"127.0.0.1", GEO_NO_JSON},
    {"{\"origin\": \"127.0.0.1\"", GEO_NO_JSON},
    {"{}", GEO_NO_FIELD},
    {"[\"origin\"]", GEO_NO_FIELD},
    {"{\"city\": \"127.0.0.1\"}", GEO_NO_FIELD},
    {"{\"origin\": null}", GEO_NO_FIELD},
    {"{\"origin\": \"12345678\"}", GEO_TOO_LONG},
    {"{\"origin\": \"1\\u0000\"}", GEO_TOO_LONG},
    {"{\"origin\": \"1234567\"}", GEO_OK},
};

START_TEST(judges_the_body)
{
    char value[8] = "before";
    body = bodies[_i].body;
    ck_assert_int_eq(get_ip(&geo, value, sizeof value), bodies[_i].error);
    ck_assert_str_eq(value, bodies[_i].error == GEO_OK ? "1234567" : "");
}
END_TEST

/* Too long for a path, or for a URL: it is not asked for, not even in part. */
START_TEST(asks_for_the_whole_or_nothing)
{
    char text[2000];
    char value[8];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(get_location_city(&geo, text, value, sizeof value),
                     GEO_BAD_URL);
    geo.url = text;
    ck_assert_int_eq(get_ip(&geo, value, sizeof value), GEO_BAD_URL);
    mock_assert_not_called(&get);
}
END_TEST

TCase *testing_geo(void)
{
    TCase *tc = tcase_create("geo");
    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, asks_for_the_right_page);
    tcase_add_loop_test(tc, passes_errors_on, GEO_SYSTEM, GEO_NO_FIELD + 1);
    tcase_add_loop_test(tc, judges_the_body, 0, sizeof bodies / sizeof *bodies);
    tcase_add_test(tc, asks_for_the_whole_or_nothing);
    return tc;
}
