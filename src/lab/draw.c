/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file draw.c  See draw.h.
 */
#include "lab/draw.h"

uint64_t draw_between(struct prng *p, uint64_t lo, uint64_t hi)
{
    uint64_t n = hi - lo + 1;

    if (hi <= lo)
        return lo;
    return lo + (n ? prng_u64(p) % n : prng_u64(p));
}

uint64_t draw_scale(struct prng *p, uint64_t lo, uint64_t hi)
{
    unsigned low = 63 - (unsigned)__builtin_clzll(lo | 1);
    unsigned high = 63 - (unsigned)__builtin_clzll(hi | 1);
    unsigned bit = (unsigned)draw_between(p, low, high);
    uint64_t from = UINT64_C(1) << bit, to = from - 1 + from;

    if (lo == 0 && bit == 0)
        from = 0;
    return draw_between(p, from > lo ? from : lo, to < hi ? to : hi);
}

bool draw_one_in(struct prng *p, uint32_t n)
{
    return prng_below(p, n) == 0;
}

uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t word;

    hash = hash_u64(hash, len);
    for (; len >= 8; len -= 8, p += 8) {
        word = (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
               (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
               (uint64_t)p[7] << 56;
        hash = hash_u64(hash, word);
    }
    for (word = 0; len > 0; len--)
        word = word << 8 | *p++;
    return hash_u64(hash, word);
}
