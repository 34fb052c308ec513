/* words: the longest word, by characters, the first of equals. */
#include <stdlib.h>
#include <string.h>

#include "02_testing/words.h"
#include "tests/support.h"

static const struct {
    const char *sentence;
    const char *word; /* NULL: none */
    ptrdiff_t at;     /* its first byte */
    size_t characters;
} examples[] = {
    {"Beautiful is better than ugly.", "Beautiful", 0, 9},
    {"Complex is better than complicated.", "complicated.", 23, 12},
    /* none */
    {"", NULL, 0, 0},
    {" ", NULL, 0, 0},
    {" \t\n\v\f\r", NULL, 0, 0},
    /* the first of equals; a longer one behind it wins all the same */
    {"one two six", "one", 0, 3},
    {"a bb cc", "bb", 2, 2},
    {"bb ccc a", "ccc", 3, 3},
    /* blanks at either end, and each kind of white space */
    {"  lead", "lead", 2, 4},
    {"trail  ", "trail", 0, 5},
    {"a\tbb", "bb", 2, 2},
    {"a\nbb", "bb", 2, 2},
    {"a\vbb", "bb", 2, 2},
    {"a\fbb", "bb", 2, 2},
    {"a\rbb", "bb", 2, 2},
    {"a \t\r\n bb \n ", "bb", 6, 2},
    /* what is no white space: punctuation, the no-break space, controls */
    {"a,b c-d/e", "c-d/e", 4, 5},
    {"don't stop", "don't", 0, 5},
    {"1\u00A0000 roubles", "roubles", 7, 7},
    {"a\u00A0b c", "a\u00A0b", 0, 3},
    {"\x01\x1f\x7f ab", "\x01\x1f\x7f", 0, 3},
    /* characters, not bytes */
    {"Технопарк", "Технопарк", 0, 9},
    {"МГТУ words", "words", 9, 5},
    {"words МГТУ", "words", 0, 5},
    {"слово words", "слово", 0, 5},
    {"€€ abc", "abc", 7, 3},
    {"\U0001F600\U0001F600 abc", "abc", 9, 3},
    /* not UTF-8: a stray byte, one that never occurs, a character cut off */
    {"\x80", "\x80", 0, 0},
    {"\x80\x80\x80 a", "a", 4, 1},
    {"\xff\xfe a", "\xff\xfe", 0, 2},
    {"a \xd0", "a", 0, 1},
    {"\xf0\x9f", "\xf0\x9f", 0, 1},
};

START_TEST(finds_the_word)
{
    /* A copy of just that size, so that the address sanitizer sees any byte
     * that is read behind the end.
     */
    char *sentence = strdup(examples[_i].sentence);
    struct word word = longest_word(sentence);
    if (examples[_i].word == NULL) {
        ck_assert_ptr_null(word.start);
        ck_assert_uint_eq(word.bytes, 0);
        ck_assert_uint_eq(word.characters, 0);
    } else {
        ck_assert_ptr_nonnull(word.start);
        ck_assert_int_eq(word.start - sentence, examples[_i].at);
        ck_assert_uint_eq(word.bytes, strlen(examples[_i].word));
        ck_assert_mem_eq(word.start, examples[_i].word, word.bytes);
        ck_assert_uint_eq(word.characters, examples[_i].characters);
    }
    free(sentence);
}
END_TEST

/* No limit to the length of a word or of a sentence. */
START_TEST(words_may_be_long)
{
    enum { LONG = 1 << 20 };
    char *sentence = malloc(2 * LONG + 2);
    ck_assert_ptr_nonnull(sentence);
    memset(sentence, 'a', 2 * LONG + 1);
    sentence[LONG] = ' ';
    sentence[2 * LONG + 1] = '\0';
    struct word word = longest_word(sentence);
    ck_assert_ptr_eq(word.start, sentence);
    ck_assert_uint_eq(word.bytes, LONG);
    sentence[0] = ' ';
    ck_assert_ptr_eq(longest_word(sentence).start, sentence + LONG + 1);
    free(sentence);
}
END_TEST

TCase *testing_words(void)
{
    TCase *tc = tcase_create("words");
    tcase_add_loop_test(tc, finds_the_word, 0,
                        sizeof examples / sizeof *examples);
    tcase_add_test(tc, words_may_be_long);
    return tc;
}
