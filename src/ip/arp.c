/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arp.c  ARP (RFC 826, RFC 5227): what the neighbour cache says and hears on IPv4 links.
 */
#include "wire/arp.h"

#include "ip/parts.h"
#include "wire/eth.h"

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* queue one ARP packet to station @to */
static void send(struct ip *ip, const struct ip_env *e, unsigned iface, const uint8_t to[6],
                 const struct arp *a)
{
    struct ip_own *o = ip_own_frame(ip, e, iface, ETH_HEADER + ARP_LEN);
    struct eth eth = {.type = ETH_ARP};

    if (!o)
        return;
    memcpy(eth.dst, to, 6);
    memcpy(eth.src, a->sha, 6);
    eth_emit(&eth, o->data);
    arp_emit(a, o->data + ETH_HEADER);
    own_push(&ip->own, o);
}

void ip_arp_ask(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *target,
                const uint8_t *mac)
{
    const struct gn_addr *source = ip_source(ip, iface, target);
    struct arp a = {.op = ARP_REQUEST, .tpa = *target};

    if (!source)
        return;
    memcpy(a.sha, ip->iface[iface].mac, 6);
    a.spa = *source;
    send(ip, e, iface, mac ? mac : broadcast, &a);
}

void ip_arp_announce(struct ip *ip, const struct ip_env *e, unsigned iface, const struct gn_addr *a)
{
    struct arp arp = {.op = ARP_REQUEST, .spa = *a, .tpa = *a};

    memcpy(arp.sha, ip->iface[iface].mac, 6);
    send(ip, e, iface, broadcast, &arp);
}

/* answer a request for one of our addresses, straight to who asked: no neighbour entry is needed
 * for that */
static void reply(struct ip *ip, const struct ip_env *e, unsigned iface, const struct arp *q)
{
    struct arp a = {.op = ARP_REPLY, .spa = q->tpa, .tpa = q->spa};

    memcpy(a.sha, ip->iface[iface].mac, 6);
    memcpy(a.tha, q->sha, 6);
    send(ip, e, iface, q->sha, &a);
}

/*
 * A sender is noted only if it asks for us and lives on this link; otherwise what is known already
 * is updated (RFC 826, "merge"). A probe (RFC 5227 1.1) comes from 0.0.0.0: it is answered, but
 * tells nothing. Who claims an address of ours is not believed.
 */
enum gn_drop ip_arp_input(struct ip *ip, const struct ip_env *e, unsigned iface, const uint8_t *p,
                          uint32_t len, bool to_us)
{
    struct arp a;
    enum gn_drop drop = arp_parse(p, len, &a);
    bool for_us;

    if (drop != GN_DROP_NONE)
        return drop;
    for_us = a.op == ARP_REQUEST && ip_has_addr(ip, iface, &a.tpa);
    if (!gn_addr_is_any(&a.spa)) {
        struct neigh_news news = {.mac = a.sha,
                                  .is_advert = a.op == ARP_REPLY,
                                  .solicited = a.op == ARP_REPLY && to_us,
                                  .override = true};
        struct neigh *n;

        if (!ip_is_unicast(ip, &a.spa) || ip_has_addr(ip, iface, &a.spa))
            return GN_DROP_ARP_BAD;
        n = neigh_learn(&ip->neigh, e->mem, e->now, iface, &a.spa, &news,
                        for_us && ip_is_on_link(ip, iface, &a.spa));
        if (n)
            ip_release(ip, n);
    }
    if (for_us)
        reply(ip, e, iface, &a);
    return GN_DROP_NONE;
}
