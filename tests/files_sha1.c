/* sha1: the published vectors, every way to cut a message, and the two
 * implementations against each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "01_files/sha1.h"
#include "tests/support.h"

/* Most tests run once for each, by _i. Where the CPU has no instructions for
 * SHA-1, both are the same code.
 */
static void (*const inits[])(struct sha1 *) = {sha1_init_portable, sha1_init};
enum { BOTH = 2 };

static void assert_digest(const unsigned char digest[SHA1_DIGEST],
                          const char *hex, const char *of)
{
    char text[2 * SHA1_DIGEST + 1];
    for (size_t i = 0; i < SHA1_DIGEST; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    ck_assert_msg(strcmp(text, hex) == 0, "%s: %s instead of %s", of, text,
                  hex);
}

/* The n bytes in a block of memory of just that size, so that the address
 * sanitizer sees any byte that is read behind the end.
 */
static unsigned char *exactly(const void *data, size_t n)
{
    unsigned char *copy = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, n);
    return copy;
}

/* The message in pieces of one size, the last one shorter. */
static void digest_in_pieces(int init, const unsigned char *message, size_t n,
                             size_t piece, unsigned char digest[SHA1_DIGEST])
{
    struct sha1 s;
    inits[init](&s);
    for (size_t at = 0; at < n; at += piece) {
        size_t length = n - at < piece ? n - at : piece;
        unsigned char *copy = exactly(message + at, length);
        sha1_update(&s, copy, length);
        free(copy);
    }
    sha1_final(&s, digest);
}

/* No pattern repeats in it, and it is the same on every run (xorshift). */
static void fill(unsigned char *data, size_t n)
{
    uint32_t x = 2463534242;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (unsigned char)(x >> 24);
    }
}

/* The examples of FIPS 180 and of RFC 3174 (section 7.3), and two besides that
 * every list of them has: nothing at all, and 112 bytes.
 */
static const struct {
    const char *text;
    int times;
    const char *hex;
} vectors[] = {
    {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
     "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     1, "a49b2446a02c645bf419f995b67091253a04a259"},
    {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    {"0123456701234567012345670123456701234567012345670123456701234567", 10,
     "dea356a2cddd90c7a7ecedc5ebb563934f460452"},
};
enum { VECTORS = sizeof vectors / sizeof *vectors };

START_TEST(published_vectors)
{
    for (int i = 0; i < VECTORS; i++) {
        unsigned char digest[SHA1_DIGEST];
        struct sha1 s;
        inits[_i](&s);
        for (int j = 0; j < vectors[i].times; j++)
            sha1_update(&s, vectors[i].text, strlen(vectors[i].text));
        sha1_final(&s, digest);
        assert_digest(digest, vectors[i].hex, vectors[i].text);
    }
}
END_TEST

/* So many times an 'a': on either side of where the padding needs one block
 * more (55 to 56, 119 to 120) and where a block is full. From sha1sum.
 */
static const struct {
    size_t length;
    const char *hex;
} edges[] = {
    {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
    {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
    {57, "f08f24908d682555111be7ff6f004e78283d989a"},
    {58, "5ee0f8895f4e1aae6a6661de5c432e34188a5a2d"},
    {59, "dbc8b8f59ff85a2b1448ed873484b14bf0507246"},
    {60, "13d956033d9af449bfe2c4ef78c17c20469c4bf1"},
    {61, "aeab141db28af3353283b5ccb2a322df0b9b5f56"},
    {62, "67b4b3923fa178d788a9611b76446c96431071f2"},
    {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
    {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
    {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
    {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
    {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
    {121, "fa6b5a6f8ac27182f838fe7841ec6d2aef3ade29"},
    {122, "05f805d3faea526f0d347b023b22042c89f63bf5"},
    {123, "c78e6ef1050c8626772a175c11d0acc5ebc33326"},
    {124, "29d2b14f43c797d078249ea7968fd19ea2a3608c"},
    {125, "3ec5ca1d740852128d4ef51e3f881f7af5c233f2"},
    {126, "1af933b8607e22788537e7350785c1a44c075512"},
    {127, "89d95fa32ed44a7c610b7ee38517ddf57e0bb975"},
    {128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
    {129, "d96debf1bdcbc896e6c134ea76e8141f40d78536"},
};
enum { EDGES = sizeof edges / sizeof *edges };

START_TEST(lengths_around_the_padding)
{
    unsigned char message[130];
    memset(message, 'a', sizeof message);
    for (int i = 0; i < EDGES; i++) {
        unsigned char digest[SHA1_DIGEST];
        char of[32];
        snprintf(of, sizeof of, "%zu times a", edges[i].length);
        digest_in_pieces(_i, message, edges[i].length, edges[i].length, digest);
        assert_digest(digest, edges[i].hex, of);
        digest_in_pieces(_i, message, edges[i].length, 1, digest);
        assert_digest(digest, edges[i].hex, of);
    }
}
END_TEST

START_TEST(any_cut_in_two)
{
    unsigned char message[200], whole[SHA1_DIGEST], cut[SHA1_DIGEST];
    fill(message, sizeof message);
    digest_in_pieces(_i, message, sizeof message, sizeof message, whole);
    for (size_t first = 0; first <= sizeof message; first++) {
        struct sha1 s;
        unsigned char *head = exactly(message, first);
        unsigned char *tail = exactly(message + first, sizeof message - first);
        inits[_i](&s);
        sha1_update(&s, head, first);
        sha1_update(&s, tail, sizeof message - first);
        sha1_final(&s, cut);
        ck_assert_msg(memcmp(cut, whole, SHA1_DIGEST) == 0,
                      "cut behind byte %zu", first);
        free(head);
        free(tail);
    }
}
END_TEST

START_TEST(any_size_of_pieces)
{
    unsigned char message[1000], whole[SHA1_DIGEST], cut[SHA1_DIGEST];
    fill(message, sizeof message);
    digest_in_pieces(_i, message, sizeof message, sizeof message, whole);
    for (size_t piece = 1; piece < 260; piece++) {
        digest_in_pieces(_i, message, sizeof message, piece, cut);
        ck_assert_msg(memcmp(cut, whole, SHA1_DIGEST) == 0,
                      "in pieces of %zu bytes", piece);
    }
}
END_TEST

/* At the start, inside a block and behind a full one; NULL is allowed. */
START_TEST(nothing_changes_nothing)
{
    unsigned char message[64] = {0}, with[SHA1_DIGEST], without[SHA1_DIGEST];
    struct sha1 s;
    digest_in_pieces(_i, message, sizeof message, sizeof message, without);
    inits[_i](&s);
    sha1_update(&s, NULL, 0);
    sha1_update(&s, message, 1);
    sha1_update(&s, NULL, 0);
    sha1_update(&s, message + 1, sizeof message - 1);
    sha1_update(&s, NULL, 0);
    sha1_final(&s, with);
    ck_assert_mem_eq(with, without, SHA1_DIGEST);
}
END_TEST

START_TEST(data_may_lie_anywhere)
{
    unsigned char message[192], aligned[SHA1_DIGEST], digest[SHA1_DIGEST];
    unsigned char room[sizeof message + 16];
    fill(message, sizeof message);
    digest_in_pieces(_i, message, sizeof message, sizeof message, aligned);
    for (size_t offset = 0; offset < 16; offset++) {
        struct sha1 s;
        memcpy(room + offset, message, sizeof message);
        inits[_i](&s);
        sha1_update(&s, room + offset, sizeof message);
        sha1_final(&s, digest);
        ck_assert_msg(memcmp(digest, aligned, SHA1_DIGEST) == 0,
                      "at offset %zu", offset);
    }
}
END_TEST

START_TEST(a_copy_goes_on_by_itself)
{
    unsigned char digest[SHA1_DIGEST];
    struct sha1 s, copy;
    inits[_i](&s);
    sha1_update(&s, "ab", 2);
    copy = s;
    sha1_update(&s, "c", 1);
    sha1_final(&s, digest);
    assert_digest(digest, vectors[1].hex, "abc");
    sha1_update(&copy, "c", 1);
    sha1_final(&copy, digest);
    assert_digest(digest, vectors[1].hex, "abc by a copy");
}
END_TEST

/* A message of 2^61 - 64 bytes takes long. Its last block, which is padding
 * and length alone, is the same whatever stood before it.
 */
START_TEST(length_has_64_bits)
{
    unsigned char block[SHA1_BLOCK] = {0x80, [56] = 0x09, 0x1a, 0x2b, 0x3c,
                                       0x4d, 0x5e,        0x6e, 0x00};
    unsigned char digest[SHA1_DIGEST];
    char expected[2 * SHA1_DIGEST + 1];
    struct sha1 s;
    inits[_i](&s);
    s.blocks(s.h, block, 1);
    for (size_t i = 0; i < 5; i++)
        snprintf(expected + 8 * i, 9, "%08x", s.h[i]);

    inits[_i](&s);
    s.length = 0x091a2b3c4d5e6e00 / 8;
    sha1_final(&s, digest);
    assert_digest(digest, expected, "a very long message");
}
END_TEST

/* The same of both for many lengths, in pieces that start anywhere in a block
 * and hold none, some or many whole ones.
 */
START_TEST(implementations_agree)
{
    static unsigned char data[20000];
    fill(data, sizeof data);
    for (size_t n = 0; n < sizeof data; n += 1 + n / 50) {
        unsigned char digests[BOTH][SHA1_DIGEST];
        for (int init = 0; init < BOTH; init++)
            digest_in_pieces(init, data, n, 1 + data[n] % 7 * (n / 5 + 1),
                             digests[init]);
        ck_assert_msg(memcmp(digests[0], digests[1], SHA1_DIGEST) == 0,
                      "they differ on %zu bytes", n);
    }
}
END_TEST

/* Without this, a choice that always falls on the portable code would pass all
 * other tests. The kernel says on its own what the CPU has.
 */
START_TEST(init_chooses_the_instructions)
{
    struct sha1 portable, chosen;
    sha1_init_portable(&portable);
    sha1_init(&chosen);
    bool has_sha = false;
#ifdef __x86_64__
    has_sha = system("grep -qsw '^flags.*ssse3.*sha_ni' /proc/cpuinfo") == 0;
#endif
    ck_assert_int_eq(chosen.blocks != portable.blocks, has_sha);
}
END_TEST

TCase *files_sha1(void)
{
    TCase *tc = tcase_create("sha1");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, published_vectors, 0, BOTH);
    tcase_add_loop_test(tc, lengths_around_the_padding, 0, BOTH);
    tcase_add_loop_test(tc, any_cut_in_two, 0, BOTH);
    tcase_add_loop_test(tc, any_size_of_pieces, 0, BOTH);
    tcase_add_loop_test(tc, nothing_changes_nothing, 0, BOTH);
    tcase_add_loop_test(tc, data_may_lie_anywhere, 0, BOTH);
    tcase_add_loop_test(tc, a_copy_goes_on_by_itself, 0, BOTH);
    tcase_add_loop_test(tc, length_has_64_bits, 0, BOTH);
    tcase_add_test(tc, implementations_agree);
    tcase_add_test(tc, init_chooses_the_instructions);
    return tc;
}
