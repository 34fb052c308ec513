/* words: the words of a sentence. */
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

/* A part of a sentence, not a copy of it: there is no NUL after its last byte,
 * and it is gone when the sentence is.
 */
struct word {
    const char *start;
    size_t bytes;
    size_t characters; /* code points of UTF-8, as Python's len counts them */
};

/* The word with the most characters, the first of equals. A word ends at white
 * space: the six characters of isspace(3) in the C locale, so that a no-break
 * space does not end it. A sentence without words gives one whose start is
 * NULL. Bytes that are not UTF-8 are counted somehow, and never read past.
 */
struct word longest_word(const char *sentence);

#endif
