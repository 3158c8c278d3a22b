/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file eth.h  Ethernet II headers.
 */
#ifndef GN_WIRE_ETH_H
#define GN_WIRE_ETH_H

#include <gannet/types.h>

#define ETH_HEADER 14

enum eth_type {
    ETH_IPV4 = 0x0800,
    ETH_ARP = 0x0806,
    ETH_IPV6 = 0x86dd,
};

struct eth {
    uint8_t dst[6], src[6];
    uint16_t type; /* enum eth_type, or anything else: the caller judges it */
};

/** eth_parse() - GN_DROP_NONE, or _LINK_TRUNCATED */
enum gn_drop eth_parse(const uint8_t *p, uint32_t len, struct eth *ret);
/** eth_emit() - returns ETH_HEADER */
uint32_t eth_emit(const struct eth *e, uint8_t *p);

#endif
