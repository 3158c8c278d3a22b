/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ip.h  The IP layer of one host: interfaces, addresses, routes, neighbours, fragments, ICMP;
 * knows no TCP.
 *
 * Frames go in; a transport packet or an ICMP error about one comes out, or the layer answers by
 * itself (ARP, ND, echo) with packets that ip_output_own() hands out later.
 */
#ifndef GN_IP_IP_H
#define GN_IP_IP_H

#include "base/addr.h"
#include "base/assert.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "ip/neigh.h"
#include "ip/own.h"
#include "ip/reass.h"
#include "ip/route.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <gannet/host.h>

#define IP_ADDR_MAX   32
#define IP_OWN_MAX    64           /* packets of the layer's own that wait to leave */
#define IP_OWN_BYTES  (256u << 10) /* ... octets of them */
#define IP_LOOP_MAX   1024         /* packets to ourselves that wait to come in */
#define IP_LOOP_BYTES (4u << 20)   /* ... octets of them */
#define IP_FRAME_LOOPED \
    0x80 /* gn_frame.flags: it has not been outside, so its addresses may be loopback's */
#define IP_PROTO_ICMP  1
#define IP_PROTO_TCP   6
#define IP_PROTO_UDP   17
#define IP_PROTO_ICMP6 58

struct ip_env {
    gn_time now;
    const struct gn_conf *conf;
    struct mem *mem;
    struct gn_stats *stats;
};

/** What arrived for the layer above. */
enum ip_verdict {
    IP_CONSUMED,  /* answered or noted here, or dropped (then *ret_drop says why) */
    IP_TRANSPORT, /* a packet for a transport protocol */
    IP_ERROR,     /* an ICMP error that quotes a packet of ours */
};

struct ip_packet {
    struct gn_addr src, dst;
    uint8_t proto;
    uint8_t ecn, tos, ttl;
    uint8_t iface;
    bool csum_ok;      /* transport checksum need not be verified */
    uint16_t gso_size; /* the frame was a super-segment of segments of this size, else 0 */
    const uint8_t *p;  /* transport header; at least its fixed part is contiguous */
    uint32_t len;      /* contiguous octets at p */
    struct gn_span tail[GN_FRAME_TAILS];
    uint8_t n_tail;
    uint32_t pseudo_len; /* transport octets in all, for the pseudo-header */
    /* IP_ERROR: p, len are the quoted transport header (8 octets at least), src and dst of the
     * quoted packet (src is ours) */
    enum gn_err error; /* what it means to an opening connection */
    bool hard;
    uint32_t mtu; /* frag-needed, packet-too-big; else 0 */
    /* the whole packet as received, for ICMP errors in answer to it */
    const uint8_t *whole;
    uint32_t whole_len;
};

#define IP_IFACE_NONE UINT16_MAX

/** The IPv4 header of a packet that went straight to the transport: another that differs from it in
 * length, identification and checksum alone goes there, too, and need not be judged anew. */
struct ip_again {
    uint8_t head[20];
    uint16_t iface; /* IP_IFACE_NONE: there was none */
    uint16_t bare;  /* the same if it has no link headers, else IP_IFACE_NONE */
    struct gn_addr src, dst;
    uint64_t sum; /* of both */
    uint8_t tos, ecn;
};

/** ip_alike4() - is @head, 20 octets, that of a packet like the one before, and whole? */
static inline bool ip_alike4(const struct ip_again *r, const uint8_t *head)
{
    static const uint8_t in_first[8] = {0xff, 0xff, [6] = 0xff, 0xff}, in_mid[4] = {0xff, 0xff};
    uint64_t first, last, was_first, was_last, first_mask;
    uint32_t mid, was_mid, mid_mask;

    memcpy(&first, head, 8);
    memcpy(&mid, head + 8, 4);
    memcpy(&last, head + 12, 8);
    memcpy(&was_first, r->head, 8);
    memcpy(&was_mid, r->head + 8, 4);
    memcpy(&was_last, r->head + 12, 8);
    memcpy(&first_mask, in_first, 8);
    memcpy(&mid_mask, in_mid, 4);
    if (((first ^ was_first) & first_mask) | ((mid ^ was_mid) & mid_mask) | (last ^ was_last))
        return false;
    return ipv4_sum20(head);
}

struct ip_addr {
    struct gn_addr addr;
    uint8_t iface, prefix_len;
};

struct ip {
    struct gn_iface iface[GN_IFACE_MAX];
    uint8_t n_iface;
    struct ip_addr addr[IP_ADDR_MAX];
    uint8_t n_addr;
    struct route_table routes;
    struct neigh_cache neigh;
    struct reass reass;
    struct own_list own;  /* may leave now */
    struct own_list loop; /* to ourselves: the host takes them in, as frames that arrive */
    struct own_list lent; /* handed out as a tail of a frame; freed by the next ip_timeouts() */
    uint32_t broadcast4[IP_ADDR_MAX]; /* directed broadcast addresses of our subnets */
    uint8_t n_broadcast4;
    struct ip_own
        *gathered; /* an ICMP message that came in pieces; lives until the next ip_input() */
    struct ip_again again;
    uint32_t icmp_tokens; /* rate limit of ICMP errors */
    gn_time icmp_refill;
    uint16_t ident; /* IPv4 identification */
};

void ip_init(struct ip *ip, const struct ip_env *e, const uint8_t secret[32]);
void ip_fini(struct ip *ip, const struct ip_env *e);
int ip_add_iface(struct ip *ip, const struct gn_iface *i);
/** ip_set_iface() - another MTU, other capabilities; GN_E_INVALID as gn_host_set_iface() */
enum gn_err ip_set_iface(struct ip *ip, int iface, const struct gn_iface *i);
enum gn_err ip_add_addr(struct ip *ip, const struct ip_env *e, int iface, struct gn_addr a,
                        unsigned prefix_len);
enum gn_err ip_add_route(struct ip *ip, int iface, struct gn_addr dst, unsigned prefix_len,
                         struct gn_addr gateway);

/** ip_input() - one frame. IP_CONSUMED with *ret_drop != GN_DROP_NONE: dropped, not yet counted
 * (the host counts). Super-segments and tails are handed through. A reassembled packet lives until
 * the next ip_input() */
enum ip_verdict ip_input(struct ip *ip, const struct ip_env *e, const struct gn_frame *f,
                         struct ip_packet *ret, enum gn_drop *ret_drop);

/** ip_again() - is @f a packet like the one before, for which ip_input() would say IP_TRANSPORT, on
 * an interface without link headers, and in one piece? Its octets, padding left out, IPV4_HEADER at
 * least; or 0: ip_input() has to see it. The addresses are in @ip->again */
static inline uint32_t ip_again(const struct ip *ip, const struct gn_frame *f)
{
    uint32_t total;

    if (f->iface != ip->again.bare || f->len < IPV4_HEADER || !ip_alike4(&ip->again, f->data))
        return 0;
    total = get16(f->data + 2);
    return total >= IPV4_HEADER && total <= f->len ? total : 0;
}

/** ip_is_ours() - one of our unicast addresses (any unicast one with knob ip_anyaddr) */
bool ip_is_ours(const struct ip *ip, const struct ip_env *e, const struct gn_addr *a);
/** ip_is_unicast() - could be a host's: not any, multicast, limited or a subnet's broadcast.
 * Loopback is refused from the wire */
bool ip_is_unicast(const struct ip *ip, const struct gn_addr *a);

/** ip_is_loopback() - 127.0.0.0/8 or ::1: this host, whichever it is; never seen outside */
bool ip_is_loopback(const struct gn_addr *a);
/** ip_is_local() - one of ours, or loopback's */
bool ip_is_local(const struct ip *ip, const struct ip_env *e, const struct gn_addr *a);

/** Where a packet to @dst goes. */
struct ip_path {
    uint8_t iface;
    bool bare4; /* dst is an IPv4 address, and packets to it have no link header */
    bool plain; /* and the interface wants text and checksum in the frame */
    bool loops; /* dst is local: packets turn round at the interface */
    struct gn_addr next_hop;
    struct gn_addr source; /* our address on that interface, of dst's family */
    uint16_t mtu;
    unsigned caps;
};
/** ip_path() - GN_E_NO_ROUTE, GN_E_NOT_AVAILABLE (no source address of that family) */
enum gn_err ip_path(const struct ip *ip, const struct ip_env *e, const struct gn_addr *dst,
                    struct ip_path *ret);

/** ip_doubt() - packets on @path get no answer: ask its next hop whether it is there */
void ip_doubt(struct ip *ip, const struct ip_env *e, const struct ip_path *path);

/** What to put in front of a transport packet. */
struct ip_header {
    struct gn_addr src, dst;
    uint8_t proto, tos /* ECN bits included */, ttl;
    uint32_t len; /* of the transport packet; of a fragment: of this part of it */
    bool dont_fragment;
    bool fragment, more; /* not all of a packet; another part comes behind this one */
    uint32_t off, id;    /* fragment: where in the packet, a multiple of 8; and of which */
};
/** ip_emit4() - the IPv4 header alone. An atomic packet needs no identification (RFC 6864 4.1) */
static inline void ip_emit4(struct ip *ip, const struct ip_header *h, uint8_t *p)
{
    struct ipv4 v = {.src = h->src,
                     .dst = h->dst,
                     .proto = h->proto,
                     .tos = h->tos,
                     .ttl = h->ttl,
                     .df = h->dont_fragment,
                     .total_len = (uint16_t)(IPV4_HEADER + h->len)};

    ASSERT(h->len <= UINT16_MAX - IPV4_HEADER);
    if (h->fragment) {
        v.ident = (uint16_t)h->id;
        v.frag_off = (uint16_t)h->off;
        v.more = h->more;
    } else if (!h->dont_fragment) {
        v.ident = ip->ident++;
    }
    ipv4_emit(&v, p);
}
/** ip_emit_any() - ip_emit() for all families and media */
enum gn_drop ip_emit_any(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                         const struct ip_header *h, uint8_t *buf);
/** ip_headers_len() - octets of link and IP header, not of a fragment, on interface @iface for
 * destination @dst */
uint32_t ip_headers_len(const struct ip *ip, unsigned iface, const struct gn_addr *dst);
/**
 * ip_emit() - write link and IP header into @buf (ip_headers_len() octets)
 * Returns GN_DROP_NONE; or GN_DROP_NEIGH_UNRESOLVED: the next hop's link address is not known yet,
 * a request has been queued, and the caller may hand the finished packet to ip_hold(); or
 * GN_DROP_IP_NO_ROUTE
 */
static inline enum gn_drop ip_emit(struct ip *ip, const struct ip_env *e,
                                   const struct ip_path *path, const struct ip_header *h,
                                   uint8_t *buf)
{
    if (!path->bare4 || path->iface >= ip->n_iface)
        return ip_emit_any(ip, e, path, h, buf);
    ip_emit4(ip, h, buf);
    e->stats->IpOutRequests++;
    return GN_DROP_NONE;
}
/** ip_hold() - keep a copy of a finished frame (link header to be filled in) until @next_hop is
 * resolved; a few per neighbour */
enum gn_drop ip_hold(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                     const struct gn_frame *f);

/**
 * ip_output_own() - the next packet of the layer's own (ARP, ND, ICMP, held packets that can go
 * now); false: none
 * @f: buf and cap set by the caller. What does not fit is put into a tail if the interface has
 * GN_CAP_GATHER (valid until the next ip_timeouts()), or dropped and counted
 */
bool ip_output_own(struct ip *ip, const struct ip_env *e, struct gn_frame *f);
/** ip_send_port_unreachable() - ICMP port unreachable and the like in answer to @p (rate limited)
 */
void ip_send_port_unreachable(struct ip *ip, const struct ip_env *e, const struct ip_packet *p);
/** ip_timeouts_any() - ip_timeouts() where there is anything at all */
void ip_timeouts_any(struct ip *ip, const struct ip_env *e);
/** ip_timeouts() - what is due by now. Cheap when nothing is: call it at the beginning of every
 * gn_host_output(), because it also frees what ip_output_own() had lent */
static inline void ip_timeouts(struct ip *ip, const struct ip_env *e)
{
    if (ip->lent.n || ip->neigh.t || ip->reass.n)
        ip_timeouts_any(ip, e);
}
/** ip_deadline() - call ip_timeouts() no later than this */
deadline_t ip_deadline(const struct ip *ip);

/** ip_pseudo() - sum of the pseudo-header of a transport packet (not folded), for checksum.h */
static inline uint64_t ip_pseudo(const struct gn_addr *src, const struct gn_addr *dst,
                                 uint8_t proto, uint32_t len)
{
    return addr_v4(dst) ? ipv4_pseudo(src, dst, proto, len) : ipv6_pseudo(src, dst, proto, len);
}

#endif
