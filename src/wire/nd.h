/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nd.h  Neighbour solicitations and advertisements (RFC 4861) over Ethernet.
 */
#ifndef GN_WIRE_ND_H
#define GN_WIRE_ND_H

#include "wire/icmp6.h"

#define ND_LEN_MAX 32  /* what nd_emit() writes at most */
#define ND_HLIM    255 /* of every ND packet: it has crossed no router */

struct nd {
    uint8_t type;                     /* ICMP6_NEIGHBOUR_SOLICIT or _ADVERT */
    bool router, solicited, override; /* advertisements only */
    bool has_lladdr;
    uint8_t lladdr[6]; /* solicitation: the sender's; advertisement: the target's */
    struct gn_addr target;
};

/**
 * nd_parse() - a message that icmp6_parse() has given, checked as RFC 4861 7.1.1 and 7.1.2 demand
 * @hlim: of the packet
 *
 * Returns GN_DROP_NONE or _ND_BAD, also for another type. Options other than the link address are
 * skipped.
 */
enum gn_drop nd_parse(const struct icmp *m, const struct gn_addr *src, const struct gn_addr *dst,
                      uint8_t hlim, struct nd *ret);
/** nd_emit() - the whole ICMPv6 message, checksum included; returns its length, 24 or 32 */
uint32_t nd_emit(const struct nd *n, const struct gn_addr *src, const struct gn_addr *dst,
                 uint8_t *p);
/** nd_solicited_node() - the multicast group ff02::1:ffXX:XXXX of an address (RFC 4291 2.7.1) */
struct gn_addr nd_solicited_node(const struct gn_addr *a);

#endif
