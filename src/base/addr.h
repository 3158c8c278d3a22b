/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file addr.h  Questions about addresses that are asked for every packet.
 */
#ifndef GN_BASE_ADDR_H
#define GN_BASE_ADDR_H

#include <gannet/types.h>

#include <string.h>

/** addr_same() - gn_addr_eq() without a call */
static inline bool addr_same(const struct gn_addr *a, const struct gn_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/** addr_v4() - gn_addr_is_v4() without a call */
static inline bool addr_v4(const struct gn_addr *a)
{
    static const uint8_t mapped[4] = {[2] = 0xff, [3] = 0xff};
    uint64_t first;
    uint32_t then, want;

    memcpy(&first, a->b, 8);
    memcpy(&then, a->b + 8, 4);
    memcpy(&want, mapped, 4);
    return (first | (then ^ want)) == 0;
}

/** addr_is_any() - gn_addr_is_any() without a call */
static inline bool addr_is_any(const struct gn_addr *a)
{
    uint64_t first;
    uint32_t then, last;

    memcpy(&first, a->b, 8);
    memcpy(&then, a->b + 8, 4);
    memcpy(&last, a->b + 12, 4);
    return last == 0 && ((first | then) == 0 || addr_v4(a));
}

#endif
