/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/nd.h"

#include "unit/ip/support.h"

#define PEER6 v6("fd00::2")
#define US6   v6("fd00::1")
#define GROUP v6("ff02::1:ff00:1") /* the solicited-node group of ours */

static const uint8_t group_mac[6] = {0x33, 0x33, 0xff, 0, 0, 1};

/* one ND message from PEER_MAC; the reason of a drop, or NONE */
static enum gn_drop nd_in(struct world *w, struct gn_addr src, struct gn_addr dst,
                          const struct nd *n, uint8_t hlim)
{
    uint8_t p[ETH_HEADER + IPV6_HEADER + ND_LEN_MAX];
    uint32_t at = make_eth(p, dst.b[0] == 0xff ? group_mac : OUR_MAC, PEER_MAC, ETH_IPV6);
    uint32_t len = nd_emit(n, &src, &dst, p + at + IPV6_HEADER);
    struct ipv6 h = {
        .src = src, .dst = dst, .next = IP_PROTO_ICMP6, .hlim = hlim, .total_len = 40 + len};

    ipv6_emit(&h, p + at);
    cr_assert_eq(input(w, p, at + IPV6_HEADER + len), IP_CONSUMED);
    return w->drop;
}

/* a solicitation for @target, with PEER_MAC in it */
static struct nd solicit(struct gn_addr target)
{
    return (struct nd){.type = ICMP6_NEIGHBOUR_SOLICIT,
                       .has_lladdr = true,
                       .lladdr = {2, 0, 0, 0, 0, 2},
                       .target = target};
}

/* the next packet out as an ND message; its IPv6 header into *h */
static struct nd nd_out(struct world *w, struct ipv6 *h)
{
    struct icmp m;
    struct nd n;

    cr_assert(output(w));
    cr_assert_eq(ipv6_parse(w->f.data + 14, w->f.len - 14, w->f.len - 14, h), GN_DROP_NONE);
    cr_assert_eq(icmp6_parse(&h->src, &h->dst, w->f.data + 54, w->f.len - 54, &m), GN_DROP_NONE);
    cr_assert_eq(nd_parse(&m, &h->src, &h->dst, h->hlim, &n), GN_DROP_NONE);
    cr_assert(n.has_lladdr);
    cr_assert_arr_eq(n.lladdr, OUR_MAC, 6);
    return n;
}

static struct neigh *find(struct world *w, struct gn_addr a)
{
    return neigh_find(&w->ip.neigh, 0, &a);
}

Test(ip_nd, solicitation_is_answered_and_noted)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct nd q = solicit(US6), n;
    struct ipv6 h;

    cr_assert_eq(nd_in(w, PEER6, GROUP, &q, 255), GN_DROP_NONE);
    n = nd_out(w, &h);
    cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
    ASSERT_ADDR(h.dst, PEER6);
    ASSERT_ADDR(h.src, US6);
    cr_assert_eq(n.type, ICMP6_NEIGHBOUR_ADVERT);
    cr_assert(n.solicited && n.override && !n.router);
    ASSERT_ADDR(n.target, US6);
    cr_assert_not_null(find(w, PEER6));
    world_free(w);
}

Test(ip_nd, link_local_address_is_answered_too)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct nd q = solicit(v6("fe80::ff:fe00:1"));
    struct ipv6 h;

    cr_assert_eq(nd_in(w, v6("fe80::2"), v6("ff02::1:ff00:1"), &q, 255), GN_DROP_NONE);
    ASSERT_ADDR(nd_out(w, &h).target, q.target);
    world_free(w);
}

/* RFC 4862 5.4.3: somebody wants our address; all nodes are told that it is taken */
Test(ip_nd, duplicate_address_detection)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct nd q = solicit(US6), n;
    struct ipv6 h;

    q.has_lladdr = false;
    cr_assert_eq(nd_in(w, v6("::"), GROUP, &q, 255), GN_DROP_NONE);
    n = nd_out(w, &h);
    ASSERT_ADDR(h.dst, v6("ff02::1"));
    cr_assert_arr_eq(w->f.data, ((uint8_t[]){0x33, 0x33, 0, 0, 0, 1}), 6);
    cr_assert_not(n.solicited);
    cr_assert_null(find(w, v6("::")));
    world_free(w);
}

Test(ip_nd, illegitimate)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct nd q = solicit(US6);

    cr_assert_eq(nd_in(w, PEER6, GROUP, &q, 254), GN_DROP_ND_BAD, "has crossed a router");
    cr_assert_eq(nd_in(w, US6, GROUP, &q, 255), GN_DROP_ND_BAD, "from ourselves");
    q.lladdr[0] = 1;
    cr_assert_eq(nd_in(w, PEER6, GROUP, &q, 255), GN_DROP_ND_BAD, "a group's station address");
    q = solicit(v6("fd00::9"));
    cr_assert_eq(nd_in(w, PEER6, US6, &q, 255), GN_DROP_ICMP_IGNORED, "not our address");
    q.type = ICMP6_NEIGHBOUR_ADVERT;
    q.target = US6;
    cr_assert_eq(nd_in(w, PEER6, US6, &q, 255), GN_DROP_ND_BAD, "a claim to our address");
    cr_assert_not(output(w));
    world_free(w);
}

Test(ip_nd, not_on_an_ip_interface)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[IPV6_HEADER + ND_LEN_MAX];
    struct nd q = solicit(US6);
    struct gn_addr src = PEER6, dst = US6;

    make6(p, src, dst, IP_PROTO_ICMP6, ND_LEN_MAX);
    nd_emit(&q, &src, &dst, p + IPV6_HEADER);
    cr_assert_eq(input(w, p, sizeof p), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED);
    world_free(w);
}

/* RFC 6980 5 */
Test(ip_nd, not_in_fragments)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    uint8_t p[128], m[ND_LEN_MAX];
    struct nd q = solicit(US6);
    struct gn_addr src = PEER6, dst = US6;

    nd_emit(&q, &src, &dst, m);
    for (unsigned i = 0; i < 2; i++) {
        struct ipv6 h = {.src = src,
                         .dst = dst,
                         .next = IP_PROTO_ICMP6,
                         .hlim = 255,
                         .total_len = 64,
                         .frag = {.present = true, .more = i == 0, .off = (uint16_t)(i * 16)}};
        uint32_t at = make_eth(p, OUR_MAC, PEER_MAC, ETH_IPV6);

        at += ipv6_emit(&h, p + at);
        memcpy(p + at, m + i * 16, 16);
        input(w, p, at + 16);
    }
    cr_assert_eq(w->drop, GN_DROP_ND_BAD);
    cr_assert_null(find(w, PEER6));
    world_free(w);
}

Test(ip_nd, stranger_without_link_address_is_asked_back)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct nd q = solicit(US6);
    struct ipv6 h;

    q.has_lladdr = false;
    cr_assert_eq(nd_in(w, PEER6, US6, &q, 255), GN_DROP_NONE);
    cr_assert_eq(nd_out(w, &h).type, ICMP6_NEIGHBOUR_SOLICIT);
    cr_assert_not(output(w), "the answer waits");
    struct nd a = {.type = ICMP6_NEIGHBOUR_ADVERT,
                   .solicited = true,
                   .override = true,
                   .has_lladdr = true,
                   .lladdr = {2, 0, 0, 0, 0, 2},
                   .target = PEER6};
    cr_assert_eq(nd_in(w, PEER6, US6, &a, 255), GN_DROP_NONE);
    cr_assert_eq(nd_out(w, &h).type, ICMP6_NEIGHBOUR_ADVERT);
    cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
    world_free(w);
}

Test(ip_nd, resolution_and_probe)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_addr peer = PEER6;
    struct ip_path path;
    struct ip_header hd = {.src = US6, .dst = PEER6, .proto = IP_PROTO_TCP, .ttl = 64};
    struct nd n, a = {.type = ICMP6_NEIGHBOUR_ADVERT,
                      .router = true,
                      .has_lladdr = true,
                      .lladdr = {2, 0, 0, 0, 0, 2},
                      .target = PEER6};
    struct ipv6 h;
    uint8_t buf[54];

    cr_assert_eq(ip_path(&w->ip, &w->e, &peer, &path), GN_OK);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &hd, buf), GN_DROP_NEIGH_UNRESOLVED);
    n = nd_out(w, &h);
    cr_assert_arr_eq(w->f.data, ((uint8_t[]){0x33, 0x33, 0xff, 0, 0, 2}), 6);
    ASSERT_ADDR(h.dst, v6("ff02::1:ff00:2"));
    ASSERT_ADDR(n.target, peer);
    cr_assert_eq(nd_in(w, PEER6, US6, &a, 255), GN_DROP_NONE);
    cr_assert_eq(find(w, PEER6)->state, NEIGH_STALE, "not solicited");
    cr_assert(find(w, PEER6)->router);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &hd, buf), GN_DROP_NONE);
    cr_assert_arr_eq(buf, PEER_MAC, 6);
    w->e.now = deadline_time(ip_deadline(&w->ip));
    ip_timeouts(&w->ip, &w->e);
    n = nd_out(w, &h);
    cr_assert_eq(n.type, ICMP6_NEIGHBOUR_SOLICIT);
    ASSERT_ADDR(h.dst, peer);
    cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
    world_free(w);
}

Test(ip_nd, new_address_is_announced)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct ipv6 h;
    struct nd n;

    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v6("fd00::9"), 64), GN_OK);
    n = nd_out(w, &h);
    cr_assert_eq(n.type, ICMP6_NEIGHBOUR_ADVERT);
    ASSERT_ADDR(h.dst, v6("ff02::1"));
    ASSERT_ADDR(n.target, v6("fd00::9"));
    cr_assert(n.override && !n.solicited);
    world_free(w);
}
