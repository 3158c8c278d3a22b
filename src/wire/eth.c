/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file eth.c  Ethernet II headers.
 */
#include "wire/eth.h"

#include "base/bits.h"

enum gn_drop eth_parse(const uint8_t *p, uint32_t len, struct eth *ret)
{
    if (len < ETH_HEADER)
        return GN_DROP_LINK_TRUNCATED;
    memcpy(ret->dst, p, 6);
    memcpy(ret->src, p + 6, 6);
    ret->type = get16(p + 12);
    return GN_DROP_NONE;
}

uint32_t eth_emit(const struct eth *e, uint8_t *p)
{
    memcpy(p, e->dst, 6);
    memcpy(p + 6, e->src, 6);
    put16(p + 12, e->type);
    return ETH_HEADER;
}
