/* sha1: the digest of FIPS 180-4, section 6.1, fed in pieces of any size.
 *
 *     struct sha1 s;
 *     unsigned char digest[SHA1_DIGEST];
 *
 *     sha1_init(&s);
 *     sha1_update(&s, "a", 1);
 *     sha1_update(&s, "bc", 2);
 *     sha1_final(&s, digest);
 *
 * However the message is cut, the digest is the same. A damaged file still
 * shows by it; but two files of one digest can be made on purpose by now.
 */
#ifndef SHA1_H
#define SHA1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA1_BLOCK = 64, SHA1_DIGEST = 20 }; /* bytes */

/* Works count blocks, one after the other, into the five words of state. */
typedef void sha1_blocks(uint32_t h[5], const unsigned char *data,
                         size_t count);

/* A digest under way. It owns nothing, so there is no call to free it, and a
 * copy of it goes on by itself from the same place.
 */
struct sha1 {
    uint32_t h[5];                   /* the state after all whole blocks */
    uint64_t length;                 /* bytes fed so far */
    unsigned char block[SHA1_BLOCK]; /* the length % SHA1_BLOCK of them left */
    sha1_blocks *blocks;             /* the implementation in use */
};

/* Starts a digest, with the fastest implementation that this CPU can run. It
 * asks the CPU, which in a virtual machine takes as long as a small file: for
 * many of them, init one and start each from a copy.
 */
void sha1_init(struct sha1 *s);

/* Starts a digest with the implementation in plain C, the same on any CPU. It
 * is the one to read and to step through; the digests are the same.
 */
void sha1_init_portable(struct sha1 *s);

/* Feeds n bytes; data may be NULL where n is 0. The standard gives digests to
 * messages of less than 2^64 bits; that a longer one was fed is not noticed.
 */
void sha1_update(struct sha1 *s, const void *data, size_t n);

/* Ends the message and gives its digest. s is used up: init it again. */
void sha1_final(struct sha1 *s, unsigned char digest[SHA1_DIGEST]);

#ifdef __x86_64__
/* What sha1_init chooses where it can: the instructions that newer x86 CPUs
 * have for SHA-1 (sha1_x86.c). On a CPU without them it would end in SIGILL.
 */
sha1_blocks sha1_x86_blocks;
bool sha1_x86_present(void);
#endif

#endif
