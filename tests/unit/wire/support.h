/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file support.h  What the tests of the wire layer share.
 */
#ifndef GN_TESTS_WIRE_SUPPORT_H
#define GN_TESTS_WIRE_SUPPORT_H

#include "base/prng.h"

#include <gannet/types.h>

#include <stdlib.h>
#include <string.h>

/** exact() - a copy that ends where its malloc block ends, so that ASan sees any read beyond it;
 * for free() */
static inline uint8_t *exact(const void *p, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy)
        abort();
    if (len)
        memcpy(copy, p, len);
    return copy;
}

/** fill() - random octets */
static inline void fill(struct prng *r, void *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)p)[i] = (uint8_t)prng_u32(r);
}

/** random_addr6() - fd00::/8, so neither multicast nor mapped */
static inline struct gn_addr random_addr6(struct prng *r)
{
    struct gn_addr a;
    fill(r, a.b, sizeof a.b);
    a.b[0] = 0xfd;
    return a;
}

/** random_addr4() - mapped */
static inline struct gn_addr random_addr4(struct prng *r)
{
    struct gn_addr a = {.b = {[10] = 0xff, [11] = 0xff}};
    fill(r, a.b + 12, 4);
    return a;
}

/** same_addr() - octet for octet */
static inline bool same_addr(const struct gn_addr *a, const struct gn_addr *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/** untouched() - is all of an output still the 0xa5 that spoil() put there? */
static inline bool untouched(const void *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((const uint8_t *)p)[i] != 0xa5)
            return false;
    return true;
}

/** spoil() - mark an output, for untouched() */
static inline void spoil(void *p, size_t len)
{
    memset(p, 0xa5, len);
}

/** OCTETS() - pointer and length of a byte list */
#define OCTETS(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#endif
