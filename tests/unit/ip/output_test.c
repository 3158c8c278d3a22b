/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/ip/support.h"

/* the path to an address, and a header of a TCP packet of @len octets to it */
static struct ip_path path_to(struct world *w, struct gn_addr dst, uint32_t len,
                              struct ip_header *h)
{
    struct ip_path p;

    cr_assert_eq(ip_path(&w->ip, &w->e, &dst, &p), GN_OK);
    *h = (struct ip_header){.src = p.source,
                            .dst = dst,
                            .proto = IP_PROTO_TCP,
                            .tos = 0x2a,
                            .ttl = 33,
                            .len = len,
                            .dont_fragment = true};
    return p;
}

Test(output, ipv4_header)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct ip_header h;
    struct ip_path path = path_to(w, v4(10, 0, 0, 2), 1000, &h);
    uint8_t buf[20];
    struct ipv4 v;

    cr_assert_eq(ip_headers_len(&w->ip, 0, &h.dst), 20);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NONE);
    cr_assert_eq(ipv4_parse(buf, 20, 1020, &v), GN_DROP_NONE);
    ASSERT_ADDR(v.src, v4(10, 0, 0, 1));
    ASSERT_ADDR(v.dst, v4(10, 0, 0, 2));
    cr_assert_eq(v.proto, IP_PROTO_TCP);
    cr_assert_eq(v.tos, 0x2a);
    cr_assert_eq(v.ttl, 33);
    cr_assert(v.df);
    cr_assert_eq(v.ident, 0);
    cr_assert_eq(v.total_len, 1020);
    h.dont_fragment = false;
    uint16_t ident = w->ip.ident;
    for (uint16_t i = 0; i < 2; i++) {
        cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NONE);
        cr_assert_eq(ipv4_parse(buf, 20, 1020, &v), GN_DROP_NONE);
        cr_assert_eq(v.ident, (uint16_t)(ident + i), "distinct if it can be cut up");
    }
    cr_assert_eq(w->stats.IpOutRequests, 3);
    world_free(w);
}

Test(output, ipv6_header)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct ip_header h;
    struct ip_path path = path_to(w, v6("fd00::2"), 1000, &h);
    uint8_t buf[40];
    struct ipv6 v;

    cr_assert_eq(ip_headers_len(&w->ip, 0, &h.dst), 40);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NONE);
    cr_assert_eq(ipv6_parse(buf, 40, 1040, &v), GN_DROP_NONE);
    ASSERT_ADDR(v.dst, v6("fd00::2"));
    cr_assert_eq(v.tclass, 0x2a);
    cr_assert_eq(v.hlim, 33);
    cr_assert_eq(v.total_len, 1040);
    world_free(w);
}

Test(output, no_such_interface)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct ip_header h;
    struct ip_path path = path_to(w, v4(10, 0, 0, 2), 0, &h);
    uint8_t buf[34];

    path.iface = 1;
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_IP_NO_ROUTE);
    world_free(w);
}

/* emit a packet of @len octets to an unresolved neighbour and let it wait */
static enum gn_drop emit_and_hold(struct world *w, struct gn_addr dst, uint32_t len, uint8_t mark)
{
    struct ip_header h;
    struct ip_path path = path_to(w, dst, len, &h);
    uint32_t head = ip_headers_len(&w->ip, 0, &dst);
    uint8_t *buf = malloc(head + len);
    struct gn_frame f = {.data = buf, .len = head + len};
    enum gn_drop drop;

    memset(buf + head, mark, len);
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NEIGH_UNRESOLVED);
    drop = ip_hold(&w->ip, &w->e, &path, &f);
    free(buf);
    return drop;
}

/* an ARP reply from 10.0.0.2 */
static void arp_reply(struct world *w)
{
    struct arp a = {.op = ARP_REPLY, .spa = v4(10, 0, 0, 2), .tpa = v4(10, 0, 0, 1)};
    uint8_t p[ETH_HEADER + ARP_LEN];

    memcpy(a.sha, PEER_MAC, 6);
    memcpy(a.tha, OUR_MAC, 6);
    arp_emit(&a, p + make_eth(p, OUR_MAC, PEER_MAC, ETH_ARP));
    cr_assert_eq(input(w, p, sizeof p), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NONE);
}

Test(output, ethernet_asks_holds_and_releases)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct arp a;

    cr_assert_eq(emit_and_hold(w, v4(10, 0, 0, 2), 30, 1), GN_DROP_NONE);
    cr_assert_eq(emit_and_hold(w, v4(10, 0, 0, 2), 40, 2), GN_DROP_NONE);
    cr_assert(output(w));
    cr_assert_arr_eq(w->f.data, ALL_MAC, 6);
    cr_assert_eq(arp_parse(w->f.data + 14, w->f.len - 14, &a), GN_DROP_NONE);
    ASSERT_ADDR(a.tpa, v4(10, 0, 0, 2));
    ASSERT_ADDR(a.spa, v4(10, 0, 0, 1));
    cr_assert_not(output(w), "one request for two packets");
    arp_reply(w);
    for (uint8_t i = 1; i <= 2; i++) {
        cr_assert(output(w));
        cr_assert_arr_eq(w->f.data, PEER_MAC, 6);
        cr_assert_arr_eq(w->f.data + 6, OUR_MAC, 6);
        cr_assert_eq(w->f.len, 14 + 20 + 20 + 10 * i);
        cr_assert_eq(w->f.data[34], i);
    }
    cr_assert_not(output(w));
    struct ip_header h;
    struct ip_path path = path_to(w, v4(10, 0, 0, 2), 0, &h);
    uint8_t buf[34];
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NONE);
    cr_assert_arr_eq(buf, PEER_MAC, 6);
    world_free(w);
}

Test(output, requests_are_repeated_then_held_packets_are_counted)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    unsigned asked = 0;

    cr_assert_eq(emit_and_hold(w, v4(10, 0, 0, 2), 30, 1), GN_DROP_NONE);
    while (deadline_armed(ip_deadline(&w->ip))) {
        while (output(w))
            asked++;
        w->e.now = deadline_time(ip_deadline(&w->ip));
        ip_timeouts(&w->ip, &w->e);
    }
    cr_assert_eq(asked, 3);
    cr_assert_eq(w->stats.drop[GN_DROP_NEIGH_UNRESOLVED], 1);
    world_free(w);
}

Test(output, hold_keeps_metadata_and_gathers_tails)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct ip_header h;
    struct ip_path path = path_to(w, v4(10, 0, 0, 2), 60, &h);
    uint8_t buf[54] = {0}, one[15], two[25];
    struct gn_frame f = {.data = buf,
                         .len = 54,
                         .tail = {{one, 15}, {two, 25}},
                         .n_tail = 2,
                         .flags = GN_FRAME_CSUM_OWED,
                         .csum_start = 34,
                         .csum_offset = 16,
                         .gso_size = 20,
                         .hdr_len = 54};

    memset(one, 1, sizeof one);
    memset(two, 2, sizeof two);
    w->ip.iface[0].caps = GN_CAP_CSUM_TX | GN_CAP_TSO;
    cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NEIGH_UNRESOLVED);
    cr_assert_eq(ip_hold(&w->ip, &w->e, &path, &f), GN_DROP_NONE);
    output(w);
    arp_reply(w);
    cr_assert(output(w));
    cr_assert_eq(w->f.len, 94);
    cr_assert_arr_eq(w->f.data + 54, one, 15);
    cr_assert_arr_eq(w->f.data + 69, two, 25);
    cr_assert_eq(w->f.flags, GN_FRAME_CSUM_OWED);
    cr_assert_eq(w->f.csum_start, 34);
    cr_assert_eq(w->f.csum_offset, 16);
    cr_assert_eq(w->f.gso_size, 20);
    cr_assert_eq(w->f.hdr_len, 54);
    world_free(w);
}

/* what waited is not sent if the interface can no longer do what the packet was made for */
Test(output, held_for_an_interface_that_has_changed)
{
    const struct gn_iface now[] = {{.caps = GN_CAP_CSUM_TX, .mtu = 1500},
                                   {.caps = GN_CAP_CSUM_TX | GN_CAP_TSO, .mtu = 1500},
                                   {.caps = GN_CAP_CSUM_TX | GN_CAP_TSO, .mtu = 59},
                                   {.caps = 0, .mtu = 1500}};
    const bool sent[] = {false, true, false, false};

    for (unsigned i = 0; i < 4; i++) {
        struct world *w = world_new(GN_MEDIUM_ETHERNET);
        struct ip_header h;
        struct ip_path path = path_to(w, v4(10, 0, 0, 2), 60, &h);
        uint8_t buf[94] = {0};
        struct gn_frame f = {
            .data = buf, .len = 94, .flags = GN_FRAME_CSUM_OWED, .gso_size = 20, .hdr_len = 54};

        cr_assert_eq(ip_emit(&w->ip, &w->e, &path, &h, buf), GN_DROP_NEIGH_UNRESOLVED);
        cr_assert_eq(ip_hold(&w->ip, &w->e, &path, &f), GN_DROP_NONE);
        output(w);
        arp_reply(w);
        w->ip.iface[0].caps = now[i].caps;
        w->ip.iface[0].mtu = now[i].mtu;
        cr_expect_eq(output(w), sent[i], "%u", i);
        world_free(w);
    }
}

Test(output, hold_without_an_entry_or_memory)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct ip_header h;
    struct ip_path path = path_to(w, v4(10, 0, 0, 2), 0, &h);
    uint8_t buf[34] = {0}, big[4096] = {0};
    struct gn_frame f = {.data = buf, .len = sizeof buf};

    cr_assert_eq(ip_hold(&w->ip, &w->e, &path, &f), GN_DROP_NO_MEMORY, "nobody has asked");
    w->pages.fail_from = 1;
    f = (struct gn_frame){.data = big, .len = sizeof big};
    for (unsigned i = 0; i < 100; i++)
        if (!own_new(&w->mem, 4096))
            break; /* leaves nothing of that size */
    cr_assert_eq(ip_hold(&w->ip, &w->e, &path, &f), GN_DROP_NO_MEMORY);
    ip_fini(&w->ip, &w->e);
    mem_fini(&w->mem);
    free(w->in);
    free(w);
}

Test(output, small_room)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[1500], body[1200];
    struct gn_frame f = {.buf = w->out, .cap = GN_FRAME_HEAD};
    uint32_t len;

    memset(body, 0x77, sizeof body);
    len = make_icmp4(p, v4(10, 0, 0, 2), v4(10, 0, 0, 1), ICMP4_ECHO, 0, 0, body, sizeof body);
    input(w, p, len);
    cr_assert_not(ip_output_own(&w->ip, &w->e, &f));
    cr_assert_eq(w->stats.drop[GN_DROP_NO_MEMORY], 1, "dropped and counted");
    w->ip.iface[0].caps = GN_CAP_GATHER;
    input(w, p, len);
    cr_assert(ip_output_own(&w->ip, &w->e, &f));
    cr_assert_eq(f.len, GN_FRAME_HEAD);
    cr_assert_eq(f.n_tail, 1);
    cr_assert_eq(gn_frame_total(&f), len);
    cr_assert_eq(f.tail[0].ptr[0], 0x77);
    cr_assert_eq(w->ip.lent.n, 1);
    ip_timeouts(&w->ip, &w->e);
    cr_assert_eq(w->ip.lent.n, 0);
    world_free(w);
}

Test(output, own_packets_are_bounded)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make_icmp4(p, v4(10, 0, 0, 2), v4(10, 0, 0, 1), ICMP4_ECHO, 0, 0, NULL, 0);

    for (unsigned i = 0; i < IP_OWN_MAX + 10; i++)
        input(w, p, len);
    cr_assert_eq(w->ip.own.n, IP_OWN_MAX);
    cr_assert_eq(w->stats.drop[GN_DROP_QUEUE_FULL], 10);
    world_free(w);
}

Test(output, own_packets_without_memory)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make_icmp4(p, v4(10, 0, 0, 2), v4(10, 0, 0, 1), ICMP4_ECHO, 0, 0, NULL, 0);

    w->pages.fail_from = 1;
    for (unsigned i = 0; i < IP_OWN_MAX && w->stats.drop[GN_DROP_NO_MEMORY] == 0; i++) {
        while (own_new(&w->mem, 64))
            ;
        input(w, p, len);
    }
    cr_assert_eq(w->stats.drop[GN_DROP_NO_MEMORY], 1);
    ip_fini(&w->ip, &w->e);
    mem_fini(&w->mem);
    free(w->in);
    free(w);
}
