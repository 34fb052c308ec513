#include "02_testing/words.h"

#include <string.h>

/* What stands between two words. */
static const char separators[] = " \t\n\v\f\r";

/* In UTF-8 all bytes of a character but the first look like 10xxxxxx. */
static size_t count_characters(const char *start, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        if (((unsigned char)start[i] & 0xC0) != 0x80)
            n++;
    return n;
}

struct word longest_word(const char *sentence)
{
    struct word longest = {.start = NULL};
    const char *rest = sentence + strspn(sentence, separators);
    while (*rest != '\0') {
        struct word word = {.start = rest, .bytes = strcspn(rest, separators)};
        word.characters = count_characters(word.start, word.bytes);
        if (longest.start == NULL || word.characters > longest.characters)
            longest = word;
        rest += word.bytes;
        rest += strspn(rest, separators);
    }
    return longest;
}
