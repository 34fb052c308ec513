/* json: one string out of a JSON object (RFC 8259).
 *
 * What a web service answers is checked whole, and the one member that is
 * asked for is copied out. No tree is built and no memory is taken.
 */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

enum json_result {
    JSON_OK,
    JSON_MALFORMED,  /* the text is no JSON, or nested deeper than 100 */
    JSON_NO_MEMBER,  /* it is no object, or has no member of that name */
    JSON_NOT_STRING, /* there is one, but it is a number, a list, ... */
    JSON_UNFIT,      /* longer than the room for it, or with a NUL inside */
};

/* Looks in text (length bytes, which need not end in a NUL) for the member
 * name of the outermost object. Its value goes to value (size bytes, at least
 * 1) as a string with all escapes undone, in UTF-8; on any other result value
 * is the empty string. A name is compared with its escapes undone too; one
 * that occurs twice counts where it stands last, as in Python; one of 64 bytes
 * or more is never found.
 *
 * Bytes from 0x80 up are passed on as they are, whether UTF-8 or not.
 */
enum json_result json_string(const char *text, size_t length, const char *name,
                             char *value, size_t size);

#endif
