/* location_test.c: a test of get_ip that needs neither service nor network.
 *
 * Cells: A28
 * Run:   make location_test
 * Ask:   get_ip asks a web service. How do we test it on a train?
 * Watch: Python puts a Mock in the place of requests.get, from outside. C does
 *        it where the module lets us: here, a pointer in struct geo. Nothing
 *        was sent, and yet we know which URL was asked for, and how often.
 * See:   location.c, the real thing; monkey_patch.c, seams without asking;
 *        mock.h, the record.
 */
#include <check.h>
#include <err.h>
#include <stdio.h>

#include "01_files/cli.h"
#include "02_testing/geo.h"
#include "02_testing/mock.h"

static struct mock get = {.name = "get", .returns = GEO_OK};

/* In the place of geo_get: the answer that the cell's FakeIPResponse gives. */
static enum geo_error fake_get(const char *url, struct geo_answer *answer)
{
    answer->length = (size_t)snprintf(answer->body, sizeof answer->body,
                                      "{\"origin\": \"127.0.0.1\"}");
    //> bt 2: get_ip has come here, and takes this for the web.
    return (enum geo_error)mock_called(&get, "'%s'", url);
}

START_TEST(ip)
{
    char origin[64];
    struct geo geo = {.url = "http://no.such.host", .get = fake_get};
    //> The pointer is set to fake_get: p geo. The host does not exist.
    ck_assert_int_eq(get_ip(&geo, origin, sizeof origin), GEO_OK);
    puts(origin);
    ck_assert_str_eq(origin, "127.0.0.1");
    //> What came back was right. Was it asked for in the right way?
    mock_assert_called_once(&get);
    mock_assert_called_with(&get, "'%s'", "http://no.such.host/ip");
}
END_TEST

int main(int argc, char **argv)
{
    static const struct cli cli = {.about = "test get_ip with a mock"};
    cli_parse(&cli, argc, argv);

    TCase *tcase = tcase_create("get_ip");
    tcase_add_test(tcase, ip);
    Suite *suite = suite_create("location");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);

    int run = srunner_ntests_run(runner);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (run != 1 || failed != 0)
        errx(CLI_ERROR, "%d tests run, %d failed", run, failed);
    printf("1 test, OK\n");
    return 0;
}
