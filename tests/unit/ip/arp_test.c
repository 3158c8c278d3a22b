/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/arp.h"

#include "unit/ip/support.h"

/* one ARP packet from PEER_MAC to @to; the reason of a drop, or NONE */
static enum gn_drop arp_in(struct world *w, const uint8_t *to, uint16_t op, struct gn_addr spa,
                           struct gn_addr tpa)
{
    struct arp a = {.op = op, .spa = spa, .tpa = tpa};
    uint8_t p[ETH_HEADER + ARP_LEN];

    memcpy(a.sha, PEER_MAC, 6);
    arp_emit(&a, p + make_eth(p, to, PEER_MAC, ETH_ARP));
    cr_assert_eq(input(w, p, sizeof p), IP_CONSUMED);
    return w->drop;
}

static struct neigh *find(struct world *w, struct gn_addr a)
{
    return neigh_find(&w->ip.neigh, 0, &a);
}

Test(ip_arp, request_for_us_is_answered_and_noted)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct arp a;

    cr_assert_eq(arp_in(w, ALL_MAC, ARP_REQUEST, v4(10, 0, 0, 2), v4(10, 0, 0, 1)), GN_DROP_NONE);
    cr_assert(output(w));
    cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
    cr_assert_arr_eq(w->f.data + 6, OUR_MAC, 6);
    cr_assert_eq(arp_parse(w->f.data + 14, w->f.len - 14, &a), GN_DROP_NONE);
    cr_assert_eq(a.op, ARP_REPLY);
    cr_assert_arr_eq(a.sha, OUR_MAC, 6);
    cr_assert_arr_eq(a.tha, PEER_MAC, 6);
    ASSERT_ADDR(a.spa, v4(10, 0, 0, 1));
    ASSERT_ADDR(a.tpa, v4(10, 0, 0, 2));
    cr_assert_eq(find(w, v4(10, 0, 0, 2))->state, NEIGH_STALE);
    world_free(w);
}

Test(ip_arp, request_for_others_or_from_afar_is_not_noted)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);

    arp_in(w, ALL_MAC, ARP_REQUEST, v4(10, 0, 0, 2), v4(10, 0, 0, 3));
    cr_assert_null(find(w, v4(10, 0, 0, 2)));
    cr_assert_not(output(w));
    w->conf.ip_anyaddr = 1;
    arp_in(w, ALL_MAC, ARP_REQUEST, v4(10, 0, 0, 2), v4(10, 0, 0, 3));
    cr_assert_not(output(w), "any address is ours, but the link is not told so");
    arp_in(w, ALL_MAC, ARP_REQUEST, v4(10, 9, 9, 9), v4(10, 0, 0, 1));
    cr_assert_null(find(w, v4(10, 9, 9, 9)), "not on this link");
    cr_assert(output(w));
    world_free(w);
}

Test(ip_arp, probe_tells_nothing)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);

    cr_assert_eq(arp_in(w, ALL_MAC, ARP_REQUEST, v4(0, 0, 0, 0), v4(10, 0, 0, 1)), GN_DROP_NONE);
    cr_assert(output(w), "RFC 5227: we defend our address");
    cr_assert_null(find(w, v4(0, 0, 0, 0)));
    world_free(w);
}

Test(ip_arp, bad_ones)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    uint8_t p[ETH_HEADER + ARP_LEN] = {0};

    cr_assert_eq(arp_in(w, ALL_MAC, ARP_REQUEST, v4(10, 0, 0, 1), v4(10, 0, 0, 1)), GN_DROP_ARP_BAD,
                 "our own address");
    cr_assert_eq(arp_in(w, ALL_MAC, ARP_REQUEST, v4(224, 0, 0, 5), v4(10, 0, 0, 1)),
                 GN_DROP_ARP_BAD);
    make_eth(p, ALL_MAC, PEER_MAC, ETH_ARP);
    for (uint32_t len = ETH_HEADER; len <= sizeof p; len++) {
        input(w, p, len);
        cr_assert_eq(w->drop, GN_DROP_ARP_BAD);
    }
    struct arp a = {.op = ARP_REQUEST, .sha = {1}, .spa = v4(10, 0, 0, 2), .tpa = v4(10, 0, 0, 1)};
    arp_emit(&a, p + 14);
    input(w, p, sizeof p);
    cr_assert_eq(w->drop, GN_DROP_ARP_BAD, "a group's station address");
    cr_assert_not(output(w));
    world_free(w);
}

Test(ip_arp, reply_to_us_confirms_and_broadcast_only_informs)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_addr peer = v4(10, 0, 0, 2);
    struct neigh *n;

    arp_in(w, OUR_MAC, ARP_REPLY, peer, v4(10, 0, 0, 1));
    cr_assert_null(find(w, peer), "not asked for");
    neigh_use(&w->ip.neigh, &w->mem, w->e.now, 0, &peer, &n);
    arp_in(w, ALL_MAC, ARP_REPLY, peer, peer);
    cr_assert_eq(n->state, NEIGH_STALE);
    arp_in(w, OUR_MAC, ARP_REPLY, peer, v4(10, 0, 0, 1));
    cr_assert_eq(n->state, NEIGH_REACHABLE);
    world_free(w);
}

Test(ip_arp, probe_of_a_known_neighbour_is_unicast)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_addr peer = v4(10, 0, 0, 2);
    struct neigh *n;

    arp_in(w, ALL_MAC, ARP_REQUEST, peer, v4(10, 0, 0, 1));
    while (output(w))
        ;
    cr_assert_eq(neigh_use(&w->ip.neigh, &w->mem, w->e.now, 0, &peer, &n), NEIGH_USE_SEND);
    w->e.now = deadline_time(ip_deadline(&w->ip));
    ip_timeouts(&w->ip, &w->e);
    cr_assert(output(w));
    cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
    cr_assert_eq(w->f.data[14 + 7], ARP_REQUEST);
    world_free(w);
}

Test(ip_arp, new_address_is_announced)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct arp a;

    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 0, 0, 9), 24), GN_OK);
    cr_assert(output(w));
    cr_assert_arr_eq(w->f.data, ALL_MAC, 6);
    cr_assert_eq(arp_parse(w->f.data + 14, w->f.len - 14, &a), GN_DROP_NONE);
    cr_assert_eq(a.op, ARP_REQUEST);
    ASSERT_ADDR(a.spa, v4(10, 0, 0, 9));
    ASSERT_ADDR(a.tpa, v4(10, 0, 0, 9));
    world_free(w);
}

/* an interface without an address asks in the name of another's; with none at all it cannot */
Test(ip_arp, without_an_address_nobody_is_asked)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_iface i = {.medium = GN_MEDIUM_ETHERNET, .mac = {2, 9}, .mtu = 1500};
    struct ip_path path = {.iface = 1, .next_hop = v4(10, 5, 0, 2)};
    struct ip_header h = {.src = v4(10, 0, 0, 1), .dst = v4(10, 5, 0, 2), .ttl = 1};
    uint8_t buf[34];
    struct arp a;

    cr_assert_eq(ip_add_iface(&w->ip, &i), 1);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NEIGH_UNRESOLVED);
    cr_assert(output(w));
    cr_assert_eq(arp_parse(w->f.data + 14, w->f.len - 14, &a), GN_DROP_NONE);
    ASSERT_ADDR(a.spa, v4(10, 0, 0, 1));
    w->ip.n_addr = 0;
    path.next_hop = h.dst = v4(10, 5, 0, 3);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NEIGH_UNRESOLVED);
    cr_assert_not(output(w));
    world_free(w);
}
