#include "01_files/sha1.h"

#include <string.h>

/* Names and numbers in comments are those of FIPS 180-4. */

/* 4.2.1: the constants, each for twenty steps */
static const uint32_t K[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

/* 3.2: rotate left */
static inline uint32_t rotl(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

/* 4.1.1: the functions, each for twenty steps: Ch (where x has a 1, the bit of
 * y, else that of z), Parity, Maj (what two or three of them have), Parity.
 */
static inline uint32_t f(size_t t, uint32_t x, uint32_t y, uint32_t z)
{
    if (t < 20)
        return z ^ (x & (y ^ z));
    if (t < 40)
        return x ^ y ^ z;
    if (t < 60)
        return (x & y) ^ (x & z) ^ (y & z);
    return x ^ y ^ z;
}

static inline uint32_t load_big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           (uint32_t)p[3];
}

/* 6.1.3, the schedule: the first 16 words are the block's, and each later one
 * is mixed from words before it. Only the last 16 are needed, so they go round
 * in a ring. Call it with t = 0, 1, 2... in turn.
 */
static inline uint32_t word(uint32_t w[16], const unsigned char *data, size_t t)
{
    if (t < 16) {
        w[t] = load_big_endian(data + 4 * t);
    } else {
        uint32_t mixed = w[(t - 3) % 16] ^ w[(t - 8) % 16] ^ w[(t - 14) % 16] ^
                         w[(t - 16) % 16];
        w[t % 16] = rotl(mixed, 1);
    }
    return w[t % 16];
}

/* 6.1.2, step 3: one of the eighty. After it, the standard has every word
 * move on by one place: e takes the value of d, d that of c, and so on, a the
 * new one. Here the words stay where they are and the next step is told other
 * names: what was e, and holds the new value, is its a.
 */
static inline void step(size_t t, uint32_t a, uint32_t *b, uint32_t c,
                        uint32_t d, uint32_t *e, uint32_t word_t)
{
    *e = rotl(a, 5) + f(t, *b, c, d) + *e + K[t / 20] + word_t;
    *b = rotl(*b, 30);
}

static void one_block(uint32_t h[5], const unsigned char *data)
{
    uint32_t w[16] = {0};
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    /* After five steps the names are back where they were. Written out by the
     * compiler to eighty steps in a row, every t is a constant and every test
     * of it is gone.
     */
#pragma GCC unroll 16
    for (size_t t = 0; t < 80; t += 5) {
        step(t, a, &b, c, d, &e, word(w, data, t));
        step(t + 1, e, &a, b, c, &d, word(w, data, t + 1));
        step(t + 2, d, &e, a, b, &c, word(w, data, t + 2));
        step(t + 3, c, &d, e, a, &b, word(w, data, t + 3));
        step(t + 4, b, &c, d, e, &a, word(w, data, t + 4));
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void portable_blocks(uint32_t h[5], const unsigned char *data,
                            size_t count)
{
    for (size_t i = 0; i < count; i++)
        one_block(h, data + i * SHA1_BLOCK);
}

void sha1_init_portable(struct sha1 *s)
{
    /* 5.3.1: the state before the first block */
    *s = (struct sha1){
        .h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
        .blocks = portable_blocks,
    };
}

void sha1_init(struct sha1 *s)
{
    sha1_init_portable(s);
#ifdef __x86_64__
    if (sha1_x86_present())
        s->blocks = sha1_x86_blocks;
#endif
}

/* Whole blocks are worked where they lie; only the rest is copied. */
void sha1_update(struct sha1 *s, const void *data, size_t n)
{
    const unsigned char *p = data;
    size_t used = s->length % SHA1_BLOCK;
    size_t room = SHA1_BLOCK - used;

    if (n == 0)
        return;
    s->length += n;
    if (used > 0 && n >= room) {
        memcpy(s->block + used, p, room);
        s->blocks(s->h, s->block, 1);
        p += room;
        n -= room;
        used = 0;
    }
    if (used == 0) {
        s->blocks(s->h, p, n / SHA1_BLOCK);
        p += n - n % SHA1_BLOCK;
        n %= SHA1_BLOCK;
    }
    memcpy(s->block + used, p, n);
}

/* 5.1.1: behind the message go a bit of 1, bits of 0 up to the last 8 bytes of
 * a block, and there the length of the message in bits.
 */
void sha1_final(struct sha1 *s, unsigned char digest[SHA1_DIGEST])
{
    static const unsigned char padding[SHA1_BLOCK] = {0x80};
    size_t used = s->length % SHA1_BLOCK;
    uint64_t bits = s->length * 8;
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));

    sha1_update(s, padding, (used < 56 ? 56 : 56 + SHA1_BLOCK) - used);
    sha1_update(s, length, sizeof length);
    for (int i = 0; i < SHA1_DIGEST; i++)
        digest[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
