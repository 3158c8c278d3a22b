/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file router.h  What routers on a path do to IP packets besides forwarding them.
 */
#ifndef GN_LINK_ROUTER_H
#define GN_LINK_ROUTER_H

#include <gannet/types.h>

#define ROUTER_ERROR_MAX 576 /* octets of an ICMP error made here */

/** router_ect() - does the sender of the IP packet of @len octets at @ip speak ECN (RFC 3168 5)?
 * False for all that is not IP */
bool router_ect(const uint8_t *ip, uint32_t len);
/** router_mark() - Congestion Experienced; of a packet for which router_ect() holds */
void router_mark(uint8_t *ip);
/** router_too_big() - the ICMP error that says that the packet does not fit @mtu (RFC 1191 4, RFC
 * 4443 3.2); its octets, 0: it must not be answered, or is fragmented silently by some other
 * router */
uint32_t router_too_big(const uint8_t *ip, uint32_t len, uint16_t mtu,
                        uint8_t ret[ROUTER_ERROR_MAX]);

#endif
