/* location.c: two functions ask a web service for my address, and for the city
 * that it is in.
 *
 * Cells: A26
 * Run:   make location; make location ARGS='--fault silent'
 *        make location ARGS='-u http://127.0.0.1:8000'
 * Ask:   in the cell each function is two lines. What can go wrong in them?
 * Watch: no-json, no-field, 500, not-http, closed, short, long, silent, drip:
 *        each --fault of the service comes back as an error with a name.
 * See:   geo.c, the two functions; location_test.c, which needs no service.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/cli.h"
#include "02_testing/geo.h"
#include "02_testing/geo_get.h"
#include "02_testing/geo_service.h"

static const char *url;
static const char *fault = "none";

static enum geo_fault fault_of(const char *name)
{
    for (int i = 0; i < FAULTS; i++)
        if (strcmp(name, geo_fault_names[i]) == 0)
            return (enum geo_fault)i;
    warnx("--fault '%s': not one of these:", name);
    for (int i = 0; i < FAULTS; i++)
        fprintf(stderr, "%s%s", geo_fault_names[i],
                i < FAULTS - 1 ? ", " : "\n");
    exit(CLI_USAGE);
}

static enum geo_error find_myself(const struct geo *geo)
{
    char ip[64];
    char city[64];
    //> Nothing in ip and city yet: what such a function returns is its error,
    //> the answer comes through a pointer. Step in (s), but mind the clock:
    //> two seconds after it began, geo_get gives up.
    enum geo_error error = get_ip(geo, ip, sizeof ip);
    if (error != GEO_OK)
        return error;
    puts(ip);
    //> p ip: the service saw us come from this address. Where is that?
    error = get_location_city(geo, ip, city, sizeof city);
    if (error != GEO_OK)
        return error;
    puts(city);
    return GEO_OK;
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "ask a web service for my address and its city",
        .options =
            {
                {'u', "url", "ask the service at {URL}", CLI_TEXT(&url)},
                {0, "fault", "have our own service do {NAME} wrong",
                 CLI_TEXT(&fault)},
            },
    };
    cli_parse(&cli, argc, argv);
    enum geo_fault f = fault_of(fault);
    if (url != NULL && f != FAULT_NONE)
        errx(CLI_USAGE, "--fault is for our own service, not for that of -u");

    struct geo_service service = {0};
    if (url == NULL) {
        if (geo_service_start(&service, f) == -1)
            err(1, "starting the service");
        url = service.url;
        printf("a child serves at %s\n", url);
    }
    //> The seam: geo asks through a pointer, and here it points to geo_get, a
    //> real client. In location_test.c it points to a function that pretends.
    struct geo geo = {.url = url, .get = geo_get};
    enum geo_error error = find_myself(&geo);
    if (error != GEO_OK)
        warnx("%s: %s", url, geo_strerror(error));
    if (service.pid != 0)
        geo_service_stop(&service);
    return error == GEO_OK ? CLI_OK : CLI_ERROR;
}
