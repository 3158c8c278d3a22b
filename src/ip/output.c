/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file output.c  Link and IP headers for what goes out; the layer's own packets and those held for
 * a neighbour.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "ip/ip.h"
#include "ip/parts.h"
#include "wire/eth.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

uint32_t ip_headers_len(const struct ip *ip, unsigned iface, const struct gn_addr *dst)
{
    return (ip->iface[iface].medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0u) +
           (addr_v4(dst) ? IPV4_HEADER : IPV6_HEADER);
}

/* the neighbour cache has given up held packets: count them */
static void count_dropped(struct ip *ip, const struct ip_env *e)
{
    e->stats->drop[GN_DROP_NEIGH_UNRESOLVED] += ip->neigh.n_dropped;
    ip->neigh.n_dropped = 0;
}

/* the link address of the next hop into @mac: GN_DROP_NONE, or _NEIGH_UNRESOLVED (zeros; asked for)
 */
static enum gn_drop resolve(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                            uint8_t mac[6])
{
    struct neigh *n;
    enum neigh_use use;

    if (path->next_hop.b[0] == 0xff) { /* IPv6 group: RFC 2464 7; a mapped address begins with 0 */
        mac[0] = mac[1] = 0x33;
        memcpy(mac + 2, path->next_hop.b + 12, 4);
        return GN_DROP_NONE;
    }
    use = neigh_use(&ip->neigh, e->mem, e->now, path->iface, &path->next_hop, &n);
    if (use == NEIGH_USE_SEND) {
        memcpy(mac, n->mac, 6);
        return GN_DROP_NONE;
    }
    count_dropped(ip, e);
    memset(mac, 0, 6);
    if (use == NEIGH_USE_ASK) {
        if (addr_v4(&path->next_hop))
            ip_arp_ask(ip, e, path->iface, &path->next_hop, NULL);
        else
            ip_nd_ask(ip, e, path->iface, &path->next_hop, false);
    }
    return GN_DROP_NEIGH_UNRESOLVED;
}

/* the IPv6 header */
static void emit6(const struct ip_header *h, uint8_t *p)
{
    struct ipv6 v = {.src = h->src,
                     .dst = h->dst,
                     .next = h->proto,
                     .tclass = h->tos,
                     .hlim = h->ttl,
                     .total_len = IPV6_HEADER + h->len};

    ASSERT(h->len <= UINT16_MAX);
    if (h->fragment) {
        v.frag = (struct ipv6_frag){
            .present = true, .more = h->more, .off = (uint16_t)h->off, .id = h->id};
        v.total_len += IPV6_FRAG_HEADER;
    }
    ipv6_emit(&v, p);
}

enum gn_drop ip_emit_any(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                         const struct ip_header *h, uint8_t *buf)
{
    enum gn_drop drop = GN_DROP_NONE;
    bool v4 = addr_v4(&h->dst);

    if (path->iface >= ip->n_iface)
        return GN_DROP_IP_NO_ROUTE;
    if (ip->iface[path->iface].medium == GN_MEDIUM_ETHERNET) {
        struct eth eth = {.type = v4 ? ETH_IPV4 : ETH_IPV6};

        memcpy(eth.src, ip->iface[path->iface].mac, 6);
        memcpy(eth.dst, eth.src, 6);
        if (!path->loops)
            drop = resolve(ip, e, path, eth.dst);
        buf += eth_emit(&eth, buf);
    }
    if (v4)
        ip_emit4(ip, h, buf);
    else
        emit6(h, buf);
    e->stats->IpOutRequests++;
    return path->loops ? GN_DROP_NEIGH_UNRESOLVED : drop; /* no frame for outside, but for hold() */
}

/* --- held packets --- */

/* let a packet to ourselves wait until the host takes it in; takes @o */
static enum gn_drop turn_round(struct ip *ip, const struct ip_env *e, struct ip_own *o)
{
    if (ip->loop.n >= IP_LOOP_MAX || ip->loop.bytes + o->len > IP_LOOP_BYTES) {
        own_free(e->mem, o);
        return GN_DROP_QUEUE_FULL;
    }
    own_push(&ip->loop, o);
    return GN_DROP_NONE;
}

/* a contiguous copy of a frame, metadata included; NULL: out of memory */
static struct ip_own *copy_frame(const struct ip_env *e, const struct gn_frame *f, uint8_t iface)
{
    struct ip_own *o = own_new(e->mem, gn_frame_total(f));
    uint32_t at = f->len;

    if (!o)
        return NULL;
    memcpy(o->data, f->data, f->len);
    for (unsigned i = 0; i < f->n_tail; i++) {
        memcpy(o->data + at, f->tail[i].ptr, f->tail[i].len);
        at += f->tail[i].len;
    }
    o->iface = iface;
    o->flags = f->flags;
    o->csum_start = f->csum_start;
    o->csum_offset = f->csum_offset;
    o->gso_size = f->gso_size;
    o->hdr_len = f->hdr_len;
    return o;
}

/* let a packet wait for its next hop; takes @o */
static enum gn_drop hold(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                         struct ip_own *o)
{
    struct neigh *n;

    if (path->loops)
        return turn_round(ip, e, o);
    n = neigh_find(&ip->neigh, path->iface, &path->next_hop);
    if (!n || n->state != NEIGH_INCOMPLETE) {
        own_free(e->mem, o);
        return n ? GN_DROP_NEIGH_UNRESOLVED : GN_DROP_NO_MEMORY;
    }
    neigh_hold(&ip->neigh, e->mem, n, o);
    count_dropped(ip, e);
    return GN_DROP_NONE;
}

enum gn_drop ip_hold(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                     const struct gn_frame *f)
{
    struct ip_own *o = copy_frame(e, f, path->iface);

    return o ? hold(ip, e, path, o) : GN_DROP_NO_MEMORY;
}

void ip_release(struct ip *ip, struct neigh *n)
{
    struct ip_own *o;

    while ((o = neigh_take(&ip->neigh, n))) {
        memcpy(o->data, n->mac, 6);
        own_push(&ip->own, o);
    }
}

/* --- own packets --- */

struct ip_own *ip_own_frame(struct ip *ip, const struct ip_env *e, unsigned iface, uint32_t len)
{
    struct ip_own *o;

    if (ip->own.n >= IP_OWN_MAX || ip->own.bytes + len > IP_OWN_BYTES) {
        ip_count(e, GN_DROP_QUEUE_FULL);
        return NULL;
    }
    o = own_new(e->mem, len);
    if (!o) {
        ip_count(e, GN_DROP_NO_MEMORY);
        return NULL;
    }
    o->iface = (uint8_t)iface;
    return o;
}

struct ip_own *ip_own_packet(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                             const struct ip_header *h, uint8_t **ret_payload)
{
    uint32_t head = ip_headers_len(ip, path->iface, &h->dst) +
                    (h->fragment && !addr_v4(&h->dst) ? IPV6_FRAG_HEADER : 0);
    struct ip_own *o = ip_own_frame(ip, e, path->iface, head + h->len);

    if (o)
        *ret_payload = o->data + head;
    return o;
}

void ip_own_send(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                 const struct ip_header *h, struct ip_own *o)
{
    enum gn_drop drop = ip_emit(ip, e, path, h, o->data);

    if (drop == GN_DROP_NONE) {
        own_push(&ip->own, o);
        return;
    }
    drop = hold(ip, e, path, o);
    if (drop != GN_DROP_NONE)
        ip_count(e, drop);
}

void ip_own_fragments(struct ip *ip, const struct ip_env *e, const struct ip_path *path,
                      const struct ip_header *h, const uint8_t *payload)
{
    struct ip_header part = *h;
    uint32_t room = addr_v4(&h->dst) ? path->mtu - IPV4_HEADER
                                     : IPV6_MTU_LEAST - IPV6_HEADER - IPV6_FRAG_HEADER;

    part.fragment = true;
    part.id = ip->ident++;
    for (part.off = 0; part.off < h->len; part.off += part.len) {
        struct ip_own *o;
        uint8_t *at;

        part.more = h->len - part.off > room;
        part.len = part.more ? room & ~7u : h->len - part.off;
        o = ip_own_packet(ip, e, path, &part, &at);
        if (!o)
            return; /* counted; without this one the others are of no use */
        memcpy(at, payload + part.off, part.len);
        ip_own_send(ip, e, path, &part, o);
    }
}

/* can the interface still carry what was made for it a while ago? */
static bool carries(const struct gn_iface *i, const struct ip_own *o)
{
    uint32_t link = i->medium == GN_MEDIUM_ETHERNET ? ETH_HEADER : 0;

    if ((o->flags & GN_FRAME_CSUM_OWED) && !(i->caps & GN_CAP_CSUM_TX))
        return false;
    return o->gso_size ? (i->caps & GN_CAP_TSO) && o->gso_size + o->hdr_len <= i->mtu + link
                       : o->len <= i->mtu + link;
}

/* fill @f with @o; false: does not fit. Takes @o */
static bool hand_out(struct ip *ip, const struct ip_env *e, struct ip_own *o, struct gn_frame *f)
{
    uint32_t head = min_u32(o->len, f->cap);
    bool whole = head == o->len;

    if (!carries(&ip->iface[o->iface], o) ||
        (!whole && (f->cap < GN_FRAME_HEAD || !(ip->iface[o->iface].caps & GN_CAP_GATHER)))) {
        own_free(e->mem, o);
        return false;
    }
    memcpy(f->buf, o->data, head);
    f->data = f->buf;
    f->len = head;
    f->n_tail = whole ? 0 : 1;
    f->iface = o->iface;
    f->flags = o->flags;
    f->csum_start = o->csum_start;
    f->csum_offset = o->csum_offset;
    f->gso_size = o->gso_size;
    f->hdr_len = o->hdr_len;
    if (whole) {
        own_free(e->mem, o);
    } else {
        f->tail[0] = (struct gn_span){o->data + head, o->len - head};
        own_push(&ip->lent, o);
    }
    return true;
}

bool ip_output_own(struct ip *ip, const struct ip_env *e, struct gn_frame *f)
{
    struct ip_own *o;

    while ((o = own_pop(&ip->own))) {
        if (hand_out(ip, e, o, f))
            return true;
        ip_count(e, GN_DROP_NO_MEMORY);
    }
    return false;
}
