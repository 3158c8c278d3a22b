/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file draw.h  Random choices as simulations make them, and a running hash of what came of them.
 */
#ifndef GN_LAB_DRAW_H
#define GN_LAB_DRAW_H

#include "base/prng.h"

#include <stddef.h>

/** draw_between() - uniform in @lo .. @hi, both included */
uint64_t draw_between(struct prng *p, uint64_t lo, uint64_t hi);
/** draw_scale() - @lo .. @hi, each order of magnitude equally likely */
uint64_t draw_scale(struct prng *p, uint64_t lo, uint64_t hi);
/** draw_one_in() - true once in @n times */
bool draw_one_in(struct prng *p, uint32_t n);

/** mix64() - a good scrambling of 64 bits (the finisher of MurmurHash3) */
static inline uint64_t mix64(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/** hash_u64() - one more value into a running hash */
static inline uint64_t hash_u64(uint64_t hash, uint64_t value)
{
    return mix64(hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

/** hash_bytes() - @len octets into a running hash; the same on every machine */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len);

#endif
