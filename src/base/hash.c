/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hash.c  SipHash-c-d on little-endian 64-bit words; the round counts are compile-time
 * constants of two wrappers.
 */
#include "base/hash.h"

#include <string.h>

/** rotl() - @x rotated left by @b bits, 1..63 */
static inline uint64_t rotl(uint64_t x, unsigned b)
{
    return x << b | x >> (64 - b);
}

/** sip_rounds() - @n SipRounds */
static inline void sip_rounds(struct siphash_start *s, unsigned n)
{
    while (n--) {
        s->v0 += s->v1;
        s->v1 = rotl(s->v1, 13) ^ s->v0;
        s->v0 = rotl(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotl(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotl(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotl(s->v1, 17) ^ s->v2;
        s->v2 = rotl(s->v2, 32);
    }
}

/** load_le64() - eight octets at any alignment, least significant first (compilers make it one
 * load) */
static inline uint64_t load_le64(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/** sip_begin() - before the first word */
static inline struct siphash_start sip_begin(const struct siphash_key *k)
{
    return (struct siphash_start){
        .v0 = k->k[0] ^ 0x736f6d6570736575u,
        .v1 = k->k[1] ^ 0x646f72616e646f6du,
        .v2 = k->k[0] ^ 0x6c7967656e657261u,
        .v3 = k->k[1] ^ 0x7465646279746573u,
    };
}

/** sip_word() - the next eight octets; @c rounds */
static inline void sip_word(struct siphash_start *s, uint64_t w, unsigned c)
{
    s->v3 ^= w;
    sip_rounds(s, c);
    s->v0 ^= w;
}

/** sip_end() - @d rounds, and what comes out */
static inline uint64_t sip_end(struct siphash_start *s, unsigned d)
{
    s->v2 ^= 0xff;
    sip_rounds(s, d);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/** siphash() - @c rounds a word, @d rounds at the end */
static inline uint64_t siphash(const struct siphash_key *k, const uint8_t *p, size_t len,
                               unsigned c, unsigned d)
{
    struct siphash_start s = sip_begin(k);
    uint64_t last = (uint64_t)len << 56;

    for (; len >= 8; len -= 8, p += 8)
        sip_word(&s, load_le64(p), c);
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)p[i] << 8 * i;
    sip_word(&s, last, c);
    return sip_end(&s, d);
}

/** siphash_12() - the same of twelve octets: two words, @first and the half @last */
static inline uint64_t siphash_12(struct siphash_start s, uint64_t first, uint32_t last, unsigned c,
                                  unsigned d)
{
    sip_word(&s, first, c);
    sip_word(&s, (uint64_t)12 << 56 | last, c);
    return sip_end(&s, d);
}

uint64_t siphash24(const struct siphash_key *k, const void *data, size_t len)
{
    return siphash(k, data, len, 2, 4);
}

uint64_t siphash13(const struct siphash_key *k, const void *data, size_t len)
{
    return siphash(k, data, len, 1, 3);
}

/** sip_words() - siphash24_words(). What was written in pieces of four octets is read so: a read of
 * eight would have to wait until both are in cache */
static inline __attribute__((always_inline)) uint64_t sip_words(const struct siphash_key *k,
                                                                const uint32_t *word, unsigned n)
{
    struct siphash_start s = sip_begin(k);
    uint64_t last = (uint64_t)n << 58; /* octets */
    unsigned i = 0;

    for (; i + 2 <= n; i += 2)
        sip_word(&s, word[i] | (uint64_t)word[i + 1] << 32, 2);
    sip_word(&s, i < n ? last | word[i] : last, 2);
    return sip_end(&s, 4);
}

uint64_t siphash24_words(const struct siphash_key *k, const uint32_t *word, unsigned n)
{
    switch (n) {
    case 3: return sip_words(k, word, 3); /* an IPv4 tuple */
    case 6: return sip_words(k, word, 6); /* and what a SYN cookie adds to it */
    default: return sip_words(k, word, n);
    }
}

struct siphash_start siphash_start(const struct siphash_key *k)
{
    return sip_begin(k);
}

uint64_t siphash13_3(const struct siphash_start *s, uint32_t a, uint32_t b, uint32_t c)
{
    return siphash_12(*s, a | (uint64_t)b << 32, c, 1, 3);
}

/*
 * The first half of the secret keys a hash over the second half and the number: knowing one sub-key
 * tells nothing about the others.
 */
struct siphash_key siphash_derive(const uint8_t secret[32], uint64_t n)
{
    struct siphash_key master = {{load_le64(secret), load_le64(secret + 8)}};
    uint8_t in[32] = {0};
    struct siphash_key ret;

    memcpy(in, secret + 16, 16);
    for (unsigned i = 0; i < 8; i++)
        in[16 + i] = (uint8_t)(n >> 8 * i);
    ret.k[0] = siphash24(&master, in, sizeof(in));
    in[24] = 1;
    ret.k[1] = siphash24(&master, in, sizeof(in));
    return ret;
}
