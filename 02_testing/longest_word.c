/* longest_word.c: the longest word of a sentence, the first of equals.
 *
 * Cells: A21
 * Run:   make longest_word; make longest_word ARGS="'one two three' 'four'"
 * Ask:   which is the longer word, Технопарк or programming? By what measure?
 * Watch: the word is no copy: it is a place in the sentence and a length. And
 *        a length in bytes is one thing, in characters another.
 * See:   words.c, the function; longest_word_test.c, which finds fault with it.
 */
#include <stdio.h>
#include <string.h>

#include "01_files/cli.h"
#include "01_files/repr.h"
#include "02_testing/words.h"

static void show(const char *sentence)
{
    //> Try step, then finish: the answer is an address and two lengths, and
    //> what stands at the address runs on to the end of the sentence.
    struct word word = longest_word(sentence);
    printf("sentence: ");
    repr(stdout, sentence, strlen(sentence));
    if (word.start != NULL) {
        printf("\nlongest:  ");
        //> No NUL ends the word: who prints it must be told where to stop.
        //> Try: print word, print word.start - sentence.
        repr(stdout, word.start, word.bytes);
        printf("\n          %zu characters in %zu bytes, from byte %td\n\n",
               word.characters, word.bytes, word.start - sentence);
        return;
    }
    //> Python's None is a word that starts nowhere: print word.
    printf("\nlongest:  none\n\n");
}

int main(int argc, char **argv)
{
    static const struct cli cli = {
        .about = "find the longest word of each sentence",
        .operands = "[SENTENCE...]",
    };
    int first = cli_parse(&cli, argc, argv);

    for (int i = first; i < argc; i++)
        show(argv[i]);
    if (first < argc)
        return 0;
    show("Beautiful is better than ugly.");
    show("Complex is better than complicated.");
    show("");
    show("Технопарк teaches programming");
    return 0;
}
