/* servers: what every server of the ten lines has to pass. */
#ifndef SERVERS_H
#define SERVERS_H

#include <check.h>

/* Adds the tests; setup is a fixture that calls servers_are_about. */
void servers_add_tests(TCase *tc, void (*setup)(void));

/* Which program the tests are about: "03_processes", "server". */
void servers_are_about(const char *chapter, const char *name);

#endif
