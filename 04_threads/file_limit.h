/* file_limit: as many open files as may be had.
 *
 *     int files = file_limit_raise();
 *
 * A connection is a descriptor, and a process may have 1,024 of them only
 * because nobody has asked for more (`ulimit -n`): the soft limit of
 * getrlimit(2) may be raised up to the hard one (`ulimit -Hn`) by anybody.
 */
#ifndef FILE_LIMIT_H
#define FILE_LIMIT_H

/* Raises the soft limit to the hard one, for this process and for those that
 * it starts from here on. Returns how many files may be open now, INT_MAX at
 * most. Ends the program with a message where that cannot be done.
 */
int file_limit_raise(void);

#endif
