/* server_threads: the same ten lines, a thread for each connection. */
#include "tests/servers.h"
#include "tests/support.h"

static void setup(void)
{
    servers_are_about("04_threads", "server_threads");
}

TCase *threads_server(void)
{
    TCase *tc = tcase_create("server");
    servers_add_tests(tc, setup);
    return tc;
}
