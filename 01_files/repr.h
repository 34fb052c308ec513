/* repr: text and bytes as quoted literals, the way Python's repr shows them.
 *
 *     repr(stdout, "it's\n", 5);            prints "it's\n"
 *     repr_bytes(stdout, "\xd0\xa2", 2);    prints b'\xd0\xa2'
 *
 * What was printed this way can be told from the text around it whatever it
 * holds: no newline, no escape sequence for the terminal, nothing invisible
 * and nothing that turns the direction of writing comes through.
 */
#ifndef REPR_H
#define REPR_H

#include <stddef.h>
#include <stdio.h>

/* Prints the n bytes at s, UTF-8 text, as a str literal. Zero bytes are
 * characters like any other.
 *
 * The quotes are single, or double where the text holds single ones and no
 * double. Backslash, the quote, \n, \r and \t are escaped by name; controls,
 * separators other than the space, formats, private use and noncharacters by
 * number, \x1b, \u202e or \U000e0001; all else stands as it is.
 *
 * Two differences from Python 3. A byte that is not valid UTF-8 is printed as
 * \xNN (Python reads file names so that it would be \udcNN): it looks like the
 * control character U+0080 to U+009F. And a code point that the Unicode
 * standard may assign one day is printed as it is, or the outcome would hang
 * on the version of a table.
 *
 * An error of the stream stays in ferror(out).
 */
void repr(FILE *out, const char *s, size_t n);

/* Prints the n bytes at s as a bytes literal: all that is not printable ASCII
 * is escaped as \n, \r, \t or \xNN.
 */
void repr_bytes(FILE *out, const void *s, size_t n);

#endif
