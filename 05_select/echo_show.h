/* echo_show: two clients of an echo server, the first of which is silent.
 */
#ifndef ECHO_SHOW_H
#define ECHO_SHOW_H

#include <sys/types.h>

#include "05_select/echo_server.h"

/* Starts them in a child process: the first comes and says nothing, the second
 * comes and says something; if the server is a blocking one it will hear
 * nothing before the first has left. They print what they hear. Returns the
 * process, which ends with 0 if all was as it should be.
 */
pid_t echo_show(const struct echo_server *s);

#endif
