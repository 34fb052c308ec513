#include "01_files/sha1.h"

/* The SHA extensions of x86: an instruction does four of the eighty steps.
 * Read sha1.c first; this is the same in registers of four words, in which the
 * first word of memory (a, or the block's w0) stands highest.
 *
 * Source: Intel's Software Developer's Manual, volume 2, on SHA1RNDS4 (four
 * steps), SHA1NEXTE (rotates and adds), SHA1MSG1 and SHA1MSG2 (the schedule).
 */
#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

/* This file's functions may use these instructions, the rest of the program
 * may not: it has to start on every CPU.
 */
#define WITH_SHA __attribute__((target("sha,ssse3")))

bool sha1_x86_present(void)
{
    unsigned a, b, c, d;
    bool ssse3 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) != 0;
    return ssse3 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b & bit_SHA) != 0;
}

/* Four words of the block: big-endian, and the first of them highest. */
WITH_SHA static inline __m128i load(const unsigned char *p)
{
    const __m128i reversed =
        _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm_shuffle_epi8(_mm_loadu_si128((const void *)p), reversed);
}

/* The schedule: the four words that follow the last sixteen. */
WITH_SHA static inline __m128i next_words(__m128i w0, __m128i w4, __m128i w8,
                                          __m128i w12)
{
    __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w0, w4), w8);
    return _mm_sha1msg2_epu32(mixed, w12);
}

/* Four steps with the words in w0, in whose place then come the next ones. The
 * e of the first step was the a of four steps ago: SHA1NEXTE rotates it by 30
 * bits and adds it to the words. A macro, because f, which says what function
 * and constant to use, is a part of the instruction.
 */
#define FOUR_STEPS(f, w0, w4, w8, w12)                                         \
    do {                                                                       \
        __m128i e_and_words = _mm_sha1nexte_epu32(four_ago, w0);               \
        four_ago = abcd;                                                       \
        abcd = _mm_sha1rnds4_epu32(abcd, e_and_words, f);                      \
        (w0) = next_words(w0, w4, w8, w12);                                    \
    } while (0)

WITH_SHA void sha1_x86_blocks(uint32_t h[5], const unsigned char *data,
                              size_t count)
{
    __m128i abcd = _mm_set_epi32((int)h[0], (int)h[1], (int)h[2], (int)h[3]);
    __m128i e = _mm_set_epi32((int)h[4], 0, 0, 0);

    for (size_t i = 0; i < count; i++, data += SHA1_BLOCK) {
        const __m128i abcd_before = abcd, e_before = e;
        __m128i w0 = load(data), w4 = load(data + 16);
        __m128i w8 = load(data + 32), w12 = load(data + 48);

        /* The first four have an e of their own, rotated already. */
        __m128i four_ago = abcd;
        abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32(e, w0), 0);
        (w0) = next_words(w0, w4, w8, w12);
        FOUR_STEPS(0, w4, w8, w12, w0);
        FOUR_STEPS(0, w8, w12, w0, w4);
        FOUR_STEPS(0, w12, w0, w4, w8);
        FOUR_STEPS(0, w0, w4, w8, w12);

        FOUR_STEPS(1, w4, w8, w12, w0);
        FOUR_STEPS(1, w8, w12, w0, w4);
        FOUR_STEPS(1, w12, w0, w4, w8);
        FOUR_STEPS(1, w0, w4, w8, w12);
        FOUR_STEPS(1, w4, w8, w12, w0);

        FOUR_STEPS(2, w8, w12, w0, w4);
        FOUR_STEPS(2, w12, w0, w4, w8);
        FOUR_STEPS(2, w0, w4, w8, w12);
        FOUR_STEPS(2, w4, w8, w12, w0);
        FOUR_STEPS(2, w8, w12, w0, w4);

        FOUR_STEPS(3, w12, w0, w4, w8);
        FOUR_STEPS(3, w0, w4, w8, w12);
        FOUR_STEPS(3, w4, w8, w12, w0);
        FOUR_STEPS(3, w8, w12, w0, w4);
        FOUR_STEPS(3, w12, w0, w4, w8);

        e = _mm_sha1nexte_epu32(four_ago, e_before);
        abcd = _mm_add_epi32(abcd, abcd_before);
    }
    uint32_t dcba[4], e_highest[4];
    _mm_storeu_si128((void *)dcba, abcd);
    _mm_storeu_si128((void *)e_highest, e);
    for (int i = 0; i < 4; i++)
        h[i] = dcba[3 - i];
    h[4] = e_highest[3];
}

#endif
