/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file input.c  A frame's way up: link header, IP header, whose it is, fragments, and to whom it
 * goes.
 *
 * Fragments that cannot be honest (tiny first ones: MAL-57) end in the parsers of the wire layer,
 * what they do to each other is judged by reass.c. A TCP segment for an address of ours on an IP
 * interface passes straight through ip_input(), packet4() or packet6(), and demux().
 */
#include "base/assert.h"
#include "base/bits.h"
#include "ip/ip.h"
#include "ip/parts.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

/* A packet on its way through this file. */
struct arrival {
    struct ip *ip;
    const struct ip_env *e;
    const struct gn_frame *f;
    uint32_t at;      /* octets of @f before the IP header */
    bool group;       /* link or IP destination is a broadcast or multicast address */
    bool reassembled; /* may not be a fragment again */
    struct ip_packet *ret;
    enum gn_drop *ret_drop;
};

static enum ip_verdict packet4(struct arrival *a);
static enum ip_verdict packet6(struct arrival *a);

/* note why the packet ends here */
static enum ip_verdict drop(const struct arrival *a, enum gn_drop why)
{
    *a->ret_drop = why;
    return IP_CONSUMED;
}

/* fill the parts of @ret that say where the octets are: @header octets of IP header, @total with
 * it; link padding is cut off */
static void set_octets(const struct arrival *a, uint32_t header, uint32_t total)
{
    const struct gn_frame *f = a->f;
    struct ip_packet *p = a->ret;
    uint32_t here = min_u32(f->len - a->at, total), rest = total - here;

    p->whole = f->data + a->at;
    p->whole_len = here;
    p->p = p->whole + header;
    p->len = here - header;
    p->pseudo_len = total - header;
    p->n_tail = 0;
    for (unsigned i = 0; i < f->n_tail && rest > 0; i++) {
        uint32_t take = min_u32(f->tail[i].len, rest);

        p->tail[p->n_tail++] = (struct gn_span){f->tail[i].ptr, take};
        rest -= take;
    }
}

/* make an ICMP message contiguous; false: out of memory */
static bool gather(const struct arrival *a)
{
    struct ip_packet *p = a->ret;
    struct ip_own *o;
    uint32_t at = p->len;

    if (p->n_tail == 0)
        return true;
    o = own_new(a->e->mem, p->pseudo_len);
    if (!o)
        return false;
    memcpy(o->data, p->p, p->len);
    for (unsigned i = 0; i < p->n_tail; i++) {
        memcpy(o->data + at, p->tail[i].ptr, p->tail[i].len);
        at += p->tail[i].len;
    }
    p->p = o->data;
    p->len = at;
    p->n_tail = 0;
    a->ip->gathered = o;
    ip_again_forget(a->ip); /* it goes with the next ip_input() */
    return true;
}

/* what is neither for the transport nor ICMP of the right family */
static enum ip_verdict unknown_protocol(const struct arrival *a)
{
    if (!a->group && a->ret->proto != IPV6_NO_NEXT)
        ip_send_protocol_unreachable(a->ip, a->e, a->ret);
    return drop(a, GN_DROP_IP_PROTOCOL);
}

/* Neighbour Discovery, which must not come in fragments (RFC 6980 5) */
static bool is_nd(const struct ip_packet *p)
{
    return p->len > 0 && p->p[0] >= ICMP6_ROUTER_SOLICIT && p->p[0] <= ICMP6_REDIRECT;
}

/* to the protocol */
static enum ip_verdict demux(const struct arrival *a)
{
    uint8_t proto = a->ret->proto;

    if (proto == IP_PROTO_TCP || proto == IP_PROTO_UDP) {
        if (a->group) /* MUST-57: silently, as all other segments */
            return drop(a, GN_DROP_NOT_UNICAST);
        return IP_TRANSPORT;
    }
    if (proto == (addr_v4(&a->ret->dst) ? IP_PROTO_ICMP : IP_PROTO_ICMP6)) {
        if (a->reassembled && proto == IP_PROTO_ICMP6 && is_nd(a->ret))
            return drop(a, GN_DROP_ND_BAD);
        if (!gather(a))
            return drop(a, GN_DROP_NO_MEMORY);
        return ip_icmp_input(a->ip, a->e, a->group, a->ret, a->ret_drop);
    }
    return unknown_protocol(a);
}

/* --- fragments --- */

/* write an IP header in front of a reassembled payload; false: too long for one */
static bool rebuild(const struct reass_whole *w, struct gn_frame *ret)
{
    if (w->key.v4) {
        struct ipv4 h = {.src = w->key.src,
                         .dst = w->key.dst,
                         .proto = w->info.next,
                         .tos = w->info.tos,
                         .ttl = w->info.ttl,
                         .ident = (uint16_t)w->key.id,
                         .total_len = (uint16_t)(IPV4_HEADER + w->len)};

        if (w->len > UINT16_MAX - IPV4_HEADER)
            return false;
        ret->data = w->payload - IPV4_HEADER;
        ret->len = ipv4_emit(&h, w->payload - IPV4_HEADER) + w->len;
    } else {
        struct ipv6 h = {.src = w->key.src,
                         .dst = w->key.dst,
                         .next = w->info.next,
                         .tclass = w->info.tos,
                         .hlim = w->info.ttl,
                         .total_len = IPV6_HEADER + w->len};

        ret->data = w->payload - IPV6_HEADER;
        ret->len = ipv6_emit(&h, w->payload - IPV6_HEADER) + w->len;
    }
    return true;
}

/* give a fragment, its payload named by @ret, to reassembly; a packet that it completes goes its
 * way */
static enum ip_verdict fragment(const struct arrival *a, struct reass_frag *f)
{
    const struct ip_packet *p = a->ret;
    struct gn_frame made = {.iface = p->iface};
    struct arrival whole = *a;
    struct reass_whole w;
    enum gn_drop why;

    if (a->reassembled)
        return drop(a, GN_DROP_FRAG_BAD);
    if (a->group)
        return drop(a, GN_DROP_NOT_UNICAST);
    ip_again_forget(a->ip); /* what may come of it goes with the next ip_input() */
    f->key.src = p->src;
    f->key.dst = p->dst;
    f->key.iface = p->iface;
    f->len = p->pseudo_len;
    f->part[0] = (struct gn_span){p->p, p->len};
    memcpy(&f->part[1], p->tail, p->n_tail * sizeof p->tail[0]);
    f->n_part = (uint8_t)(1 + p->n_tail);
    why = reass_add(&a->ip->reass, a->e->mem, a->e->now, f, &w);
    if (why != GN_DROP_NONE || !w.payload)
        return drop(a, why);
    if (!rebuild(&w, &made))
        return drop(a, GN_DROP_FRAG_BAD);
    a->e->stats->IpReasmOKs++;
    whole.f = &made;
    whole.at = 0;
    whole.reassembled = true;
    whole.ret->csum_ok = false;
    whole.ret->gso_size = 0;
    return w.key.v4 ? packet4(&whole) : packet6(&whole);
}

/* may this address be in the packet? Loopback's only if it never left the host (RFC 1122 3.2.1.3,
 * RFC 4291 2.5.3) */
static bool looped(const struct arrival *a, const struct gn_addr *addr)
{
    return (a->f->flags & IP_FRAME_LOOPED) && ip_is_loopback(addr);
}

/* --- IPv4 --- */

/* a destination that is none of our addresses: a group (true), or not for us */
static bool is_group4(const struct ip *ip, const struct gn_addr *dst)
{
    uint32_t v = get32(dst->b + 12);

    if (v == UINT32_MAX || v == 0xe0000001) /* limited broadcast, all hosts */
        return true;
    for (unsigned i = 0; i < ip->n_broadcast4; i++)
        if (ip->broadcast4[i] == v)
            return true;
    return dst->b[12] >= 224 && dst->b[12] < 240;
}

/* the addresses of a header. A copy of those that were just made from it would have to wait until
 * all pieces of them are in cache */
static inline void load_addrs(const uint8_t *head, struct gn_addr *ret_src, struct gn_addr *ret_dst)
{
    *ret_src = ipv4_load(head + IPV4_OFF_SRC);
    *ret_dst = ipv4_load(head + IPV4_OFF_DST);
}

/* may packets like @h, which has gone to the transport, go straight there? Not if its destination
 * is ours by a knob alone */
static void remember4(const struct arrival *a, const struct ipv4 *h)
{
    struct ip_again *r = &a->ip->again;

    if (h->header_len != IPV4_HEADER || a->group || a->reassembled || a->e->conf->ip_anyaddr ||
        (a->f->flags & IP_FRAME_LOOPED))
        return;
    memcpy(r->head, a->f->data + a->at, IPV4_HEADER);
    load_addrs(r->head, &r->src, &r->dst);
    r->sum = ipv4_pseudo(&h->src, &h->dst, 0, 0);
    r->tos = h->tos & 0xfc;
    r->ecn = h->tos & 3;
    r->iface = a->f->iface;
    r->bare = a->at == 0 ? a->f->iface : IP_IFACE_NONE;
}

/* is it a packet like the one before? Then *a->ret describes it */
static bool again4(struct arrival *a)
{
    const struct ip_again *r = &a->ip->again;
    const struct gn_frame *f = a->f;
    const uint8_t *head = f->data + a->at;
    struct ip_packet *p = a->ret;
    uint32_t total;

    if (r->iface != f->iface || f->len < a->at + IPV4_HEADER || a->group || !ip_alike4(r, head))
        return false;
    total = get16(head + 2);
    if (total < IPV4_HEADER || total > gn_frame_total(f) - a->at)
        return false;
    p->src = r->src;
    p->dst = r->dst;
    p->proto = head[9];
    p->ecn = r->ecn;
    p->tos = r->tos;
    p->ttl = head[8];
    set_octets(a, IPV4_HEADER, total);
    return true;
}

/* one IPv4 packet. Its options are ignored, understood or not (MUST-50), but for source routes,
 * which are dropped (RFC 7126 4.3, 4.4); malformed ones end in ipv4_parse() */
static enum ip_verdict packet4(struct arrival *a)
{
    const struct gn_frame *f = a->f;
    const uint8_t *head = f->data + a->at;
    struct ip_packet *p = a->ret;
    enum gn_drop why;
    struct ipv4 h;

    if (again4(a))
        return IP_TRANSPORT;
    why = ipv4_parse(head, f->len - a->at, gn_frame_total(f) - a->at, &h);
    if (why != GN_DROP_NONE)
        return drop(a, why);
    if (h.source_route)
        return drop(a, GN_DROP_IP_SOURCE_ROUTE);
    if (!ip_is_unicast(a->ip, &h.src) && !looped(a, &h.src)) /* MUST-63, RFC 1122 3.2.1.3 */
        return drop(a, GN_DROP_IP_BAD_SOURCE);
    if (!ip_is_ours(a->ip, a->e, &h.dst) && !looped(a, &h.dst)) {
        if (!is_group4(a->ip, &h.dst))
            return drop(a, GN_DROP_IP_NOT_OURS);
        a->group = true;
    }
    load_addrs(head, &p->src, &p->dst);
    p->proto = h.proto;
    p->ecn = h.tos & 3;
    p->tos = h.tos & 0xfc;
    p->ttl = h.ttl;
    set_octets(a, h.header_len, h.total_len);
    if (ipv4_is_fragment(&h)) {
        struct reass_frag frag = {.key = {.id = h.ident, .proto = h.proto, .v4 = 1},
                                  .info = {.next = h.proto, .tos = h.tos, .ttl = h.ttl},
                                  .more = h.more,
                                  .off = h.frag_off};

        return fragment(a, &frag);
    }
    if (h.proto == IP_PROTO_TCP)
        remember4(a, &h);
    return demux(a);
}

/* --- IPv6 --- */

/* may this be the source of an IPv6 packet? Nobody (::) may, for Duplicate Address Detection;
 * mapped ones never travel */
static bool is_source6(const struct ip *ip, const struct ipv6 *h)
{
    if (addr_v4(&h->src))
        return false;
    return ip_is_unicast(ip, &h->src) || (h->next == IP_PROTO_ICMP6 && gn_addr_is_any(&h->src));
}

/* a group that we are in: all nodes, or the solicited-node group of an address of ours on this
 * interface */
static bool is_group6(const struct ip *ip, unsigned iface, const struct gn_addr *dst)
{
    static const struct gn_addr all_nodes = {{0xff, 2, [15] = 1}};

    if (addr_same(dst, &all_nodes))
        return true;
    for (unsigned i = 0; dst->b[0] == 0xff && i < ip->n_addr; i++) {
        struct gn_addr group = nd_solicited_node(&ip->addr[i].addr);

        if (ip->addr[i].iface == iface && addr_same(dst, &group))
            return true;
    }
    return false;
}

/* one that ipv6_parse() refuses: its sender is told if there are words for it, and it was for us */
static enum ip_verdict unfit6(const struct arrival *a, enum gn_drop why)
{
    const struct gn_frame *f = a->f;
    struct ip_packet *p = a->ret;
    struct ipv6_problem problem;
    bool to_group;

    if ((why != GN_DROP_IP_OPTIONS && why != GN_DROP_FRAG_BAD) ||
        !ipv6_problem(f->data + a->at, f->len - a->at, &problem))
        return drop(a, why);
    p->src = problem.src;
    p->dst = problem.dst;
    set_octets(a, IPV6_HEADER, problem.total_len);
    to_group = is_group6(a->ip, p->iface, &p->dst);
    if ((!a->group && !to_group) || problem.even_group)
        ip_send_parameter_problem(a->ip, a->e, p, &problem, to_group);
    return drop(a, why);
}

/* one IPv6 packet */
static enum ip_verdict packet6(struct arrival *a)
{
    const struct gn_frame *f = a->f;
    struct ip_packet *p = a->ret;
    struct ipv6 h;
    enum gn_drop why = ipv6_parse(f->data + a->at, f->len - a->at, gn_frame_total(f) - a->at, &h);

    if (why != GN_DROP_NONE)
        return unfit6(a, why);
    if (!is_source6(a->ip, &h) && !looped(a, &h.src)) /* MUST-63 */
        return drop(a, GN_DROP_IP_BAD_SOURCE);
    if (addr_v4(&h.dst) || (!ip_is_ours(a->ip, a->e, &h.dst) && !looped(a, &h.dst))) {
        if (!is_group6(a->ip, p->iface, &h.dst))
            return drop(a, GN_DROP_IP_NOT_OURS);
        a->group = true;
    }
    p->src = h.src;
    p->dst = h.dst;
    p->proto = h.next;
    p->ecn = h.tclass & 3;
    p->tos = h.tclass & 0xfc;
    p->ttl = h.hlim;
    set_octets(a, h.header_len, h.total_len);
    if (ipv6_is_fragment(&h)) {
        struct reass_frag frag = {.key = {.id = h.frag.id},
                                  .info = {.next = h.next, .tos = h.tclass, .ttl = h.hlim},
                                  .more = h.frag.more,
                                  .off = h.frag.off};

        return fragment(a, &frag);
    }
    return demux(a);
}

/* --- the link --- */

/* one IP packet; @type: what the link calls it, 0: nothing */
static enum ip_verdict packet(struct arrival *a, uint16_t type)
{
    unsigned version;

    a->e->stats->IpInReceives++;
    if (a->f->len <= a->at)
        return drop(a, GN_DROP_IP_TRUNCATED);
    version = a->f->data[a->at] >> 4;
    if (version == 4 && type != ETH_IPV6)
        return packet4(a);
    if (version == 6 && type != ETH_IPV4)
        return packet6(a);
    return drop(a, GN_DROP_IP_VERSION);
}

/* one Ethernet frame */
static enum ip_verdict ethernet(struct arrival *a)
{
    struct eth eth;
    enum gn_drop why = eth_parse(a->f->data, a->f->len, &eth);
    const uint8_t *mac = a->ip->iface[a->f->iface].mac;
    bool to_us = why == GN_DROP_NONE && memcmp(eth.dst, mac, 6) == 0;

    if (why != GN_DROP_NONE)
        return drop(a, why);
    if (!to_us && !(eth.dst[0] & 1))
        return drop(a, GN_DROP_LINK_NOT_OURS);
    a->at = ETH_HEADER;
    a->group = !to_us; /* RFC 1122 3.3.6: a link broadcast is no way to reach one host */
    switch (eth.type) {
    case ETH_IPV4:
    case ETH_IPV6: return packet(a, eth.type);
    case ETH_ARP:
        return drop(a, ip_arp_input(a->ip, a->e, a->f->iface, a->f->data + ETH_HEADER,
                                    a->f->len - ETH_HEADER, to_us));
    default: return drop(a, GN_DROP_LINK_TYPE);
    }
}

enum ip_verdict ip_input(struct ip *ip, const struct ip_env *e, const struct gn_frame *f,
                         struct ip_packet *ret, enum gn_drop *ret_drop)
{
    struct arrival a = {.ip = ip, .e = e, .f = f, .ret = ret, .ret_drop = ret_drop};

    ASSERT(f->iface < ip->n_iface);
    *ret_drop = GN_DROP_NONE;
    if (ip->reass.done)
        reass_release(&ip->reass, e->mem);
    if (ip->gathered) {
        own_free(e->mem, ip->gathered);
        ip->gathered = NULL;
    }
    ret->iface = f->iface;
    ret->csum_ok = f->flags & (GN_FRAME_CSUM_OK | GN_FRAME_CSUM_OWED);
    ret->gso_size = f->gso_size;
    ret->error = GN_OK;
    ret->hard = false;
    ret->mtu = 0;
    if (ip->iface[f->iface].medium == GN_MEDIUM_ETHERNET)
        return ethernet(&a);
    return packet(&a, 0);
}
