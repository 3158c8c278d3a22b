/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file prng.c  PCG-XSH-RR 64/32 (O'Neill, 2014): 64 bits of state, a stream number, the same
 * numbers on every machine.
 */
#include "base/prng.h"

void prng_seed(struct prng *p, uint64_t seed, uint64_t stream)
{
    p->state = 0;
    p->inc = stream << 1 | 1;
    prng_u32(p);
    p->state += seed;
    prng_u32(p);
}

uint32_t prng_u32(struct prng *p)
{
    uint64_t old = p->state;
    uint32_t x = (uint32_t)((old >> 18 ^ old) >> 27);
    uint32_t rot = (uint32_t)(old >> 59);

    p->state = old * 6364136223846793005u + p->inc;
    return x >> rot | x << (-rot & 31);
}

uint64_t prng_u64(struct prng *p)
{
    uint64_t hi = prng_u32(p);

    return hi << 32 | prng_u32(p);
}

uint32_t prng_below(struct prng *p, uint32_t n)
{
    uint64_t m = (uint64_t)prng_u32(p) * n;

    /* Lemire's rejection: only the few lowest products are biased, and only those pay for a
     * division */
    if ((uint32_t)m < n) {
        uint32_t reject = -n % n;

        while ((uint32_t)m < reject)
            m = (uint64_t)prng_u32(p) * n;
    }
    return (uint32_t)(m >> 32);
}

bool prng_chance(struct prng *p, uint32_t ppm)
{
    return prng_below(p, 1000000) < ppm;
}
