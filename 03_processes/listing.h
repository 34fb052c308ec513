/* listing: a C source on the page, with its remarks set off from the code. */
#ifndef LISTING_H
#define LISTING_H

/* Prints the lines of the source at path, from the one numbered `from` on
 * (the first is 1), without blank lines at the start, as long as they fit into
 * so many rows of the screen; 0 rows: all of them. Comments are dim, the
 * debugger's remarks (those that start with //>) are coloured.
 *
 * Returns the number of the first line that is left, or 0 when none is, or -1
 * with errno when the source cannot be read.
 */
int listing_show(const char *path, int from, int rows);

#endif
