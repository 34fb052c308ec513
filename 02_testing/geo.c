#include "02_testing/geo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "02_testing/json.h"

const char *geo_strerror(enum geo_error error)
{
    switch (error) {
    case GEO_OK:
        return "no error";
    case GEO_SYSTEM:
    case GEO_NO_SERVICE:
        return strerror(errno);
    case GEO_BAD_URL:
        return "not a URL of the form http://HOST[:PORT][/PATH]";
    case GEO_NO_NAME:
        return "no address for that host";
    case GEO_TIMEOUT:
        return "the service took too long";
    case GEO_CLOSED:
        return "the service hung up without an answer";
    case GEO_NOT_HTTP:
        return "the answer is not HTTP/1";
    case GEO_STATUS:
        return "the service reports an error: its status is not 200";
    case GEO_CODING:
        return "the answer is in a transfer coding, which is not read here";
    case GEO_SHORT:
        return "the service hung up in the middle of its answer";
    case GEO_TOO_LONG:
        return "the answer is too long";
    case GEO_NO_JSON:
        return "the answer is not JSON";
    case GEO_NO_FIELD:
        return "the answer lacks the field that was asked for";
    }
    return "unknown error";
}

/* Asks the service for a path, and takes one field out of the answer. */
static enum geo_error get_field(const struct geo *geo, const char *path,
                                const char *field, char *value, size_t size)
{
    char url[1024];
    int base = (int)strlen(geo->url);
    if (base > 0 && geo->url[base - 1] == '/')
        base--;
    int length = snprintf(url, sizeof url, "%.*s%s", base, geo->url, path);
    if (length < 0 || length >= (int)sizeof url)
        return GEO_BAD_URL;

    struct geo_answer answer;
    enum geo_error error = geo->get(url, &answer);
    if (error != GEO_OK)
        return error;
    switch (json_string(answer.body, answer.length, field, value, size)) {
    case JSON_OK:
        return GEO_OK;
    case JSON_MALFORMED:
        return GEO_NO_JSON;
    case JSON_UNFIT:
        return GEO_TOO_LONG;
    case JSON_NO_MEMBER:
    case JSON_NOT_STRING:
        break;
    }
    return GEO_NO_FIELD;
}

enum geo_error get_ip(const struct geo *geo, char *ip, size_t size)
{
    return get_field(geo, "/ip", "origin", ip, size);
}

enum geo_error get_location_city(const struct geo *geo, const char *ip,
                                 char *city, size_t size)
{
    char path[128];
    int length = snprintf(path, sizeof path, "/json/%s", ip);
    if (length < 0 || length >= (int)sizeof path)
        return GEO_BAD_URL;
    return get_field(geo, path, "city", city, size);
}
