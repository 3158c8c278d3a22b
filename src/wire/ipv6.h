/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ipv6.h  IPv6 headers and extension headers (RFC 8200).
 */
#ifndef GN_WIRE_IPV6_H
#define GN_WIRE_IPV6_H

#include <gannet/types.h>

#define IPV6_HEADER      40
#define IPV6_FRAG_HEADER 8
#define IPV6_EXT_MAX     8 /* extension headers of a packet that we are willing to walk */

enum ipv6_next {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_NO_NEXT = 59,
    IPV6_DESTINATION = 60,
};

struct ipv6_frag {
    bool present; /* a fragment header is there (it may say "all of it": RFC 6946) */
    bool more;
    uint16_t off; /* octets, a multiple of 8 */
    uint32_t id;
};

struct ipv6 {
    struct gn_addr src, dst;
    uint8_t next;   /* the protocol after all extension headers; of a fragment: of its fragmentable
                       part */
    uint8_t tclass; /* all eight bits, ECN included */
    uint8_t hlim;
    uint32_t flow;       /* 20 bits */
    uint32_t header_len; /* octets up to what @next names; not used by ipv6_emit() */
    uint32_t total_len;  /* octets of the packet, all headers included */
    struct ipv6_frag frag;
};

/** What its sender is told about a packet that is of no use: ICMPv6 Parameter Problem (RFC 4443
 * 3.4). */
struct ipv6_problem {
    struct gn_addr src, dst; /* not judged */
    uint32_t total_len;
    uint32_t pointer; /* octets in front of what is wrong */
    uint8_t code;     /* enum icmp6_param */
    bool even_group;  /* also if the packet was sent to a group (RFC 8200 4.2) */
};

/** ipv6_is_fragment() - a part of a packet; an atomic fragment (RFC 6946) is a whole packet */
static inline bool ipv6_is_fragment(const struct ipv6 *h)
{
    return h->frag.more || h->frag.off != 0;
}

/**
 * ipv6_parse() - the headers of a packet
 * @p, @len:     contiguous octets; all headers up to the transport's must be among them
 * @frame_total: octets of the packet in all, contiguous or not, link padding included
 * @ret:         untouched on failure
 *
 * The walk ends at the transport header, or behind the fragment header of a true fragment: what the
 * reassembled packet begins with is then for ipv6_extensions(). Options that we do not know and
 * whose type says so, and routing headers with stops left, end the packet (RFC 8200 4.2, 4.4, RFC
 * 5095). No jumbograms.
 *
 * Returns GN_DROP_NONE, _IP_TRUNCATED, _IP_VERSION, _IP_OPTIONS, or _FRAG_BAD (see frag.h).
 * On success header_len <= len and header_len <= total_len <= frame_total.
 */
enum gn_drop ipv6_parse(const uint8_t *p, uint32_t len, uint32_t frame_total, struct ipv6 *ret);
/** ipv6_parse_quoted() - the same for a packet quoted by ICMPv6: it may end anywhere, total_len is
 * not checked */
enum gn_drop ipv6_parse_quoted(const uint8_t *p, uint32_t len, struct ipv6 *ret);
/** ipv6_skim() - the same, but nothing inside the extension headers is judged, and the packet may
 * end in one of them, which is then what @ret->next names. What a packet was about, when it is
 * refused */
enum gn_drop ipv6_skim(const uint8_t *p, uint32_t len, struct ipv6 *ret);
/**
 * ipv6_problem() - why a packet is of no use, if its sender is to hear that
 * @p, @len: as for ipv6_parse(), which has found the packet not truncated
 * @ret:     untouched if there is nothing to say
 *
 * For a packet that ipv6_parse() refuses: an unknown option, routing header or misplaced
 * hop-by-hop header (RFC 8200 4, 4.2, 4.4), an impossible fragment (4.5). For a good one that is
 * whole: its protocol is not known. Slow: the packet is walked anew, so that those which are
 * welcome need not remember anything.
 */
bool ipv6_problem(const uint8_t *p, uint32_t len, struct ipv6_problem *ret);
/**
 * ipv6_extensions() - walk what a reassembled packet begins with
 * @p, @len: the fragmentable part, contiguous as far as headers go
 * @next:    in: what it begins with; out: the transport protocol
 * @ret_len: octets of extension headers
 *
 * Returns GN_DROP_NONE or _IP_OPTIONS, also for a fragment header inside; both outputs are
 * untouched on failure.
 */
enum gn_drop ipv6_extensions(const uint8_t *p, uint32_t len, uint8_t *next, uint32_t *ret_len);
/** ipv6_emit() - fixed header, and a fragment header if frag.present; returns the octets written,
 * 40 or 48 */
uint32_t ipv6_emit(const struct ipv6 *h, uint8_t *p);
/** ipv6_pseudo() - sum of the pseudo-header in front of @len octets of transport (RFC 8200 8.1) */
uint64_t ipv6_pseudo(const struct gn_addr *src, const struct gn_addr *dst, uint8_t proto,
                     uint32_t len);

#endif
