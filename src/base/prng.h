/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file prng.h  Seeded PCG for simulations and jitter. Never for ISNs, cookies or anything an
 * outsider must not guess.
 */
#ifndef GN_BASE_PRNG_H
#define GN_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state, inc;
};

void prng_seed(struct prng *p, uint64_t seed, uint64_t stream);
uint32_t prng_u32(struct prng *p);
uint64_t prng_u64(struct prng *p);
/** prng_below() - uniform in 0 .. n-1, n >= 1 */
uint32_t prng_below(struct prng *p, uint32_t n);
/** prng_chance() - true with probability ppm / 1,000,000 */
bool prng_chance(struct prng *p, uint32_t ppm);

#endif
