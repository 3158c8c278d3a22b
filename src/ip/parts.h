/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file parts.h  What the files of this layer share among themselves.
 */
#ifndef GN_IP_PARTS_H
#define GN_IP_PARTS_H

#include "base/addr.h"
#include "ip/ip.h"
#include "wire/icmp.h"

#include <string.h>

#define IPV6_MTU_LEAST 1280 /* that every path carries (RFC 8200 5) */

/** addr_link_local6() - fe80::/10 */
static inline bool addr_link_local6(const struct gn_addr *a)
{
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/** ip_count() - a drop that nobody above will see */
static inline void ip_count(const struct ip_env *e, enum gn_drop why)
{
    e->stats->drop[why]++;
}

/** ip_again_forget() - the next packet is to be judged by itself */
static inline void ip_again_forget(struct ip *ip)
{
    ip->again.iface = ip->again.bare = IP_IFACE_NONE;
}

/* ip.c */

/** ip_source() - our address on @iface that suits @dst best (RFC 6724 sec. 5 rules 1, 2, 5, 8),
 * without one there any other of ours, or NULL */
const struct gn_addr *ip_source(const struct ip *ip, unsigned iface, const struct gn_addr *dst);
/** ip_has_addr() - is @a one of ours on this very interface? */
bool ip_has_addr(const struct ip *ip, unsigned iface, const struct gn_addr *a);
/** ip_is_on_link() - would a packet to @a go to its owner directly, out of @iface? */
bool ip_is_on_link(const struct ip *ip, unsigned iface, const struct gn_addr *a);

/* output.c */

/**
 * ip_own_packet() - begin a packet of our own on a path
 * @ret_payload: where h->len octets of payload belong; not cleared
 * NULL: too many wait already, or no memory; counted
 */
struct ip_own *ip_own_packet(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                             const struct ip_header *h, uint8_t **ret_payload);
/** ip_own_send() - headers in front, then into the queue, or to the neighbour's held packets. Takes
 * @o */
void ip_own_send(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                 const struct ip_header *h, struct ip_own *o);
/** ip_own_fragments() - a packet that is too long for @path, in as many fragments as it takes. The
 * MTU of a path is not kept: those of IPv6 are as small as any path carries (RFC 8200 5), those of
 * IPv4 may be fragmented further */
void ip_own_fragments(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                      const struct ip_header *h, const uint8_t *payload);
/** ip_own_frame() - room for a frame of @len octets on @iface, to be queued by own_push(&ip->own);
 * NULL as ip_own_packet() */
struct ip_own *ip_own_frame(struct ip *ip, const struct ip_env *e, unsigned iface, uint32_t len);
/** ip_release() - what was held for @n may go: its link address is known */
void ip_release(struct ip *ip, struct neigh *n);

/* arp.c, nd.c */

/** ip_arp_input() - an ARP packet. @to_us: its frame was addressed to our station alone */
enum gn_drop ip_arp_input(struct ip *ip, const struct ip_env *e, unsigned iface, const uint8_t *p,
                          uint32_t len, bool to_us);
/** ip_arp_ask() - request the link address of @target; @mac: ask this station (a probe), NULL: all
 */
void ip_arp_ask(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *target,
                const uint8_t *mac);
/** ip_arp_announce() - tell the link about our address (RFC 5227 sec. 3) */
void ip_arp_announce(struct ip *ip, const struct ip_env *e, unsigned iface,
                     const struct gn_addr *a);
/** ip_nd_input() - a neighbour solicitation or advertisement */
enum gn_drop ip_nd_input(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                         const struct icmp *m);
/** ip_nd_ask() - solicit @target: its solicited-node group, or, with @probe, itself */
void ip_nd_ask(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *target,
               bool probe);
/** ip_nd_announce() - unsolicited advertisement of our address (RFC 4861 sec. 7.2.6) */
void ip_nd_announce(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *a);

/* icmp.c */

/** ip_icmp_input() - an ICMP or ICMPv6 message, contiguous. @group: it was not sent to us alone.
 * Results as ip_input() */
enum ip_verdict ip_icmp_input(struct ip *ip, const struct ip_env *e, bool group,
                              struct ip_packet *p, enum gn_drop *ret_drop);
/** ip_send_protocol_unreachable() - in answer to @p; for IPv6, Parameter Problem says that */
void ip_send_protocol_unreachable(struct ip *ip, const struct ip_env *e, const struct ip_packet *p);
/** ip_send_parameter_problem() - in answer to @p, an IPv6 packet. @to_group: that it went to a
 * group of ours is no reason to be silent */
void ip_send_parameter_problem(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                               const struct ipv6_problem *problem, bool to_group);
/** ip_send_reassembly_timeout() - in answer to @p, the first fragment as it came */
void ip_send_reassembly_timeout(struct ip *ip, const struct ip_env *e, const struct ip_packet *p);

#endif
