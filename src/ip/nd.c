/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file nd.c  Neighbour Discovery (RFC 4861): solicitations and advertisements, ours and others'.
 *
 * Router discovery and redirects are not taken up: routes are configured.
 */
#include "wire/nd.h"

#include "ip/parts.h"

static const struct gn_addr all_nodes = {{0xff, 2, [15] = 1}};

/* queue one ND message from @src to @dst on @iface */
static void send(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *src,
                 const struct gn_addr *dst, struct nd *n)
{
    struct ip_path path = {.iface = (uint8_t)iface, .next_hop = *dst, .source = *src};
    struct ip_header h = {
        .src = *src, .dst = *dst, .proto = IP_PROTO_ICMP6, .ttl = ND_HLIM, .len = ND_LEN_MAX};
    uint8_t *payload;
    struct ip_own *o = ip_own_packet(ip, e, &path, &h, &payload);

    if (!o)
        return;
    n->has_lladdr = true;
    memcpy(n->lladdr, ip->iface[iface].mac, 6);
    nd_emit(n, src, dst, payload);
    e->stats->IcmpOutMsgs++;
    ip_own_send(ip, e, &path, &h, o);
}

void ip_nd_ask(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *target,
               bool probe)
{
    const struct gn_addr *source = ip_source(ip, iface, target);
    struct gn_addr dst = probe ? *target : nd_solicited_node(target);
    struct nd n = {.type = ICMP6_NEIGHBOUR_SOLICIT, .target = *target};

    if (source)
        send(ip, e, iface, source, &dst, &n);
}

void ip_nd_announce(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *a)
{
    struct nd n = {.type = ICMP6_NEIGHBOUR_ADVERT, .override = true, .target = *a};

    send(ip, e, iface, a, &all_nodes, &n);
}

/* note who asks, if it says where it lives and lives here: true */
static void learn_sender(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                         const struct nd *q)
{
    struct neigh_news news = {.mac = q->has_lladdr ? q->lladdr : NULL};
    struct neigh *n = neigh_learn(&ip->neigh, e->mem, e->now, p->iface, &p->src, &news,
                                  ip_is_on_link(ip, p->iface, &p->src));

    if (n)
        ip_release(ip, n);
}

/* a solicitation for one of our addresses: RFC 4861 7.2.3, 7.2.4 */
static void answer(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                   const struct nd *q)
{
    struct nd n = {.type = ICMP6_NEIGHBOUR_ADVERT, .override = true, .target = q->target};
    bool dad = gn_addr_is_any(&p->src); /* somebody tries to take our address: RFC 4862 5.4.3 */

    n.solicited = !dad;
    send(ip, e, p->iface, &q->target, dad ? &all_nodes : &p->src, &n);
}

enum gn_drop ip_nd_input(struct ip *ip, const struct ip_env *e, const struct ip_packet *p,
                         const struct icmp *m)
{
    struct nd n;
    enum gn_drop drop = nd_parse(m, &p->src, &p->dst, p->ttl, &n);
    bool target_ours;

    if (drop != GN_DROP_NONE)
        return drop;
    if (ip->iface[p->iface].medium != GN_MEDIUM_ETHERNET)
        return GN_DROP_ICMP_IGNORED;
    target_ours = ip_has_addr(ip, p->iface, &n.target);
    if (n.type == ICMP6_NEIGHBOUR_SOLICIT) {
        if (!target_ours)
            return GN_DROP_ICMP_IGNORED;
        if (ip_has_addr(ip, p->iface, &p->src))
            return GN_DROP_ND_BAD;
        if (!gn_addr_is_any(&p->src))
            learn_sender(ip, e, p, &n);
        answer(ip, e, p, &n);
    } else {
        struct neigh_news news = {.mac = n.has_lladdr ? n.lladdr : NULL,
                                  .is_advert = true,
                                  .solicited = n.solicited,
                                  .override = n.override,
                                  .router = n.router};
        struct neigh *entry;

        if (target_ours) /* another station claims our address: not believed */
            return GN_DROP_ND_BAD;
        entry = neigh_learn(&ip->neigh, e->mem, e->now, p->iface, &n.target, &news, false);
        if (entry)
            ip_release(ip, entry);
    }
    return GN_DROP_NONE;
}
