/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_link.h  Link-layer headers of captures: how far it is to the IP header.
 */
#ifndef GN_EXPLAIN_PASSIVE_LINK_H
#define GN_EXPLAIN_PASSIVE_LINK_H

#include <gannet/types.h>

/** Link types as captures number them (LINKTYPE_*); those that differ from system to system (raw
 * IP) appear under every number. */
enum link_type {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_PPP = 9,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276
};

/** passive_link_known() - can packets of that type be read? */
bool passive_link_known(int type);
/** passive_link_ip() - octets before the IP header, VLAN tags and MPLS labels included; false: it
 * holds none, or is too short */
bool passive_link_ip(int type, const uint8_t *p, uint32_t len, uint32_t *ret);

#endif
