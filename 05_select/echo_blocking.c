/* echo_blocking.c: a server that waits for one client at a time keeps all the
 * others waiting.
 *
 * Cells: C01
 * Run:   make echo_blocking
 *        make echo_blocking ARGS='-p 15000', and `nc 127.0.0.1 15000` twice
 * Ask:   two clients come, and the first one says nothing. Who is answered?
 * Watch: the second hears nothing until the first has left, though the server
 *        has nothing to do: it waits, for the wrong one.
 * See:   echo_select.c, which waits for both; 04_threads/server_threads.c,
 *        which has somebody to wait for each; echo.c, what is answered
 */
#include <stddef.h>

#include "01_files/cli.h"
#include "05_select/echo.h"
#include "05_select/echo_server.h"

static struct echo_server server = ECHO_SERVER_DEFAULTS;

static void serve(int fd)
{
    struct echo *client = echo_open(fd);
    if (client == NULL)
        return;
    //> A step is recv, then send. This one waits in recv, for the first client
    //> alone; that the second has come and says something, nobody looks at.
    while (echo_step(client) != ECHO_OVER)
        continue;
    //> The first has left. Only now does anybody accept the second.
    echo_close(client);
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "echo in upper case, one client after the other",
        .options = {ECHO_SERVER_OPTIONS(server)},
    };
    cli_parse(&cli, argc, argv);
    server.blocking = true;
    echo_server_start(&server);

    int fd;
    //> accept waits, too: until somebody comes, or has come meanwhile.
    while ((fd = echo_server_accept(&server)) != -1)
        serve(fd);
    return echo_server_finish(&server);
}
