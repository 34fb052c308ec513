/* fakeserver: a server that says what a test wants it to say.
 *
 * It is a thread of the test and ends with it: no process that run_shell could
 * take for one that was left behind.
 */
#ifndef FAKESERVER_H
#define FAKESERVER_H

/* From now on every request gets these bytes and then the end of the
 * connection. Returns the URL, valid until the end of the test.
 */
const char *fakeserver_start(const char *answer);

#endif
