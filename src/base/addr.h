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
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(a, mapped, sizeof mapped) == 0;
}

#endif
