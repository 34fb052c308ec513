/* geo_service: the web service that geo asks, in a child process of ours. */
#ifndef GEO_SERVICE_H
#define GEO_SERVICE_H

#include <sys/types.h>

/* What it does wrong on purpose, to every request. */
enum geo_fault {
    FAULT_NONE,
    FAULT_NO_JSON,  /* answers with a page of HTML */
    FAULT_NO_FIELD, /* with JSON, but of other fields */
    FAULT_STATUS,   /* with status 500 */
    FAULT_NOT_HTTP, /* with a greeting of another protocol */
    FAULT_CLOSED,   /* reads the request and hangs up */
    FAULT_SHORT,    /* hangs up in the middle of the body */
    FAULT_LONG,     /* sends a body without end */
    FAULT_SILENT,   /* keeps the connection and says nothing */
    FAULT_DRIP,     /* keeps talking, but one byte every 100 ms */
    FAULTS
};

/* What an option calls them: "none", "no-json", ... */
extern const char *const geo_fault_names[FAULTS];

struct geo_service {
    pid_t pid;
    char url[32]; /* http://127.0.0.1:PORT */
};

/* Starts the service on a free port of 127.0.0.1; when this returns, requests
 * may come. 0, or -1 and errno.
 *
 *     GET /ip          {"origin": ADDRESS}: the address of whoever asks
 *     GET /json/IP     where that is; the field "city" is always Moscow
 *
 * It ends with geo_service_stop, and by itself when the thread that started
 * it ends, however that comes about.
 */
int geo_service_start(struct geo_service *service, enum geo_fault fault);

/* Ends it, and waits until it is gone. Leaves errno alone. */
void geo_service_stop(const struct geo_service *service);

#endif
