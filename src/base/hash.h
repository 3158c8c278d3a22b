/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hash.h  SipHash (Aumasson and Bernstein, 2012): the one keyed function behind demux, ISN,
 * ports, timestamps and cookies.
 */
#ifndef GN_BASE_HASH_H
#define GN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k[2];
};

/** siphash24() - the full-strength variant, for what outsiders see (ISN, cookies, ports,
 * timestamps) */
uint64_t siphash24(const struct siphash_key *k, const void *data, size_t len);
/** siphash13() - the fast variant, for tables only */
uint64_t siphash13(const struct siphash_key *k, const void *data, size_t len);
/** siphash24_words() - the same of @n words of four octets, the least significant first */
uint64_t siphash24_words(const struct siphash_key *k, const uint32_t *word, unsigned n);
/** What SipHash makes of a key before the first word, for a key that is used for each packet. */
struct siphash_start {
    uint64_t v0, v1, v2, v3;
};
/** siphash_start() - of @k */
struct siphash_start siphash_start(const struct siphash_key *k);
/** siphash13_3() - siphash13() of the twelve octets of three words, least significant first */
uint64_t siphash13_3(const struct siphash_start *s, uint32_t a, uint32_t b, uint32_t c);
/** siphash_derive() - the @n-th sub-key of a 32-octet secret */
struct siphash_key siphash_derive(const uint8_t secret[32], uint64_t n);

#endif
