/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bits.h  Big-endian loads and stores at any alignment; min, max, clamp.
 */
#ifndef GN_BASE_BITS_H
#define GN_BASE_BITS_H

#include <stdint.h>
#include <string.h>

/* Octet by octet would say the same, but compilers do not always see that it is one load or store
 */

static inline uint16_t net16(uint16_t v)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? v : __builtin_bswap16(v);
}

static inline uint32_t net32(uint32_t v)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? v : __builtin_bswap32(v);
}

static inline uint64_t net64(uint64_t v)
{
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? v : __builtin_bswap64(v);
}

static inline uint16_t get16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return net16(v);
}

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return net32(v);
}

static inline uint8_t *put16(uint8_t *p, uint16_t v)
{
    v = net16(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
    v = net32(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static inline uint8_t *put64(uint8_t *p, uint64_t v)
{
    v = net64(v);
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t clamp_u32(uint32_t x, uint32_t lo, uint32_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static inline uint64_t clamp_u64(uint64_t x, uint64_t lo, uint64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/** prefetch() - a hint for @n cache lines from @p on */
static inline void prefetch(const void *p, unsigned n)
{
#pragma GCC unroll 32
    for (unsigned i = 0; i < n; i++)
        __builtin_prefetch((const char *)p + 64 * i);
}

#endif
