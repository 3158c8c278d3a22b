/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip/ip.h"

#include "base/prng.h"
#include "unit/ip/support.h"

#define PEER  v4(10, 0, 0, 2)
#define US    v4(10, 0, 0, 1)
#define PEER6 v6("fd00::2")
#define US6   v6("fd00::1")

/* a dropped packet: the reason */
static enum gn_drop dropped(struct world *w, const uint8_t *p, uint32_t len)
{
    cr_assert_eq(input(w, p, len), IP_CONSUMED);
    cr_assert_neq(w->drop, GN_DROP_NONE);
    return w->drop;
}

Test(input, transport_packet_ipv4)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make4(p, PEER, US, IP_PROTO_TCP, 20);

    p[1] = 0xbb;
    finish4(p);
    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    ASSERT_ADDR(w->got.src, PEER);
    ASSERT_ADDR(w->got.dst, US);
    cr_assert_eq(w->got.proto, IP_PROTO_TCP);
    cr_assert_eq(w->got.ecn, 3);
    cr_assert_eq(w->got.tos, 0xb8);
    cr_assert_eq(w->got.ttl, 64);
    cr_assert_eq(w->got.len, 20);
    cr_assert_eq(w->got.pseudo_len, 20);
    cr_assert_eq(w->got.p, w->in + 20);
    cr_assert_eq(w->got.whole, w->in);
    cr_assert_eq(w->got.whole_len, 40);
    cr_assert_eq(w->got.n_tail, 0);
    cr_assert_not(w->got.csum_ok);
    cr_assert_eq(w->stats.IpInReceives, 1);
    world_free(w);
}

Test(input, transport_packet_ipv6)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make6(p, PEER6, US6, IP_PROTO_TCP, 20);

    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    ASSERT_ADDR(w->got.src, PEER6);
    ASSERT_ADDR(w->got.dst, US6);
    cr_assert_eq(w->got.p, w->in + 40);
    cr_assert_eq(w->got.pseudo_len, 20);
    world_free(w);
}

/* a super-segment with tails is handed through; padding behind the packet is cut off both */
Test(input, tails_and_padding)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64], one[1000], two[1000];
    struct gn_frame f = {.data = p,
                         .tail = {{one, 1000}, {two, 1000}},
                         .n_tail = 2,
                         .flags = GN_FRAME_CSUM_OWED,
                         .gso_size = 500};

    f.len = make4(p, PEER, US, IP_PROTO_TCP, 20);
    put16(p + 2, 20 + 20 + 1000 + 900);
    finish4(p);
    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_TRANSPORT);
    cr_assert(w->got.csum_ok);
    cr_assert_eq(w->got.gso_size, 500);
    cr_assert_eq(w->got.len, 20);
    cr_assert_eq(w->got.pseudo_len, 1920);
    cr_assert_eq(w->got.n_tail, 2);
    cr_assert_eq(w->got.tail[0].len, 1000);
    cr_assert_eq(w->got.tail[1].ptr, two);
    cr_assert_eq(w->got.tail[1].len, 900);
    put16(p + 2, 20 + 20);
    finish4(p);
    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_TRANSPORT);
    cr_assert_eq(w->got.n_tail, 0);
    cr_assert_eq(w->got.pseudo_len, 20);
    put16(p + 2, 20 + 20 + 2001);
    finish4(p);
    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_IP_TRUNCATED);
    world_free(w);
}

Test(input, every_truncation)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make4(p, PEER, US, IP_PROTO_TCP, 20);

    for (uint32_t i = 0; i < len; i++)
        cr_assert_eq(dropped(w, p, i), GN_DROP_IP_TRUNCATED, "%u", i);
    len = make6(p, PEER6, US6, IP_PROTO_TCP, 20);
    for (uint32_t i = 0; i < len; i++)
        cr_assert_eq(dropped(w, p, i), GN_DROP_IP_TRUNCATED, "%u", i);
    world_free(w);
}

Test(input, bad_headers)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make4(p, PEER, US, IP_PROTO_TCP, 20);

    p[0] = 0x55;
    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_VERSION);
    p[0] = 0x44;
    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_HEADER_LEN);
    p[0] = 0x45;
    p[8]++;
    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_CHECKSUM);
    world_free(w);
}

/* MUST-50: options are ignored, those that we do not know too, and Record Route and Timestamp;
 * broken ones are no options; source routes make the packet unwelcome */
Test(input, ipv4_options)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];

    make4(p, PEER, US, IP_PROTO_TCP, 24);
    p[0] = 0x46;
    memcpy(p + 20, (uint8_t[]){0xde, 4, 1, 2}, 4);
    finish4(p);
    cr_assert_eq(input(w, p, 44), IP_TRANSPORT);
    cr_assert_eq(w->got.p, w->in + 24);
    cr_assert_eq(w->got.pseudo_len, 20);
    p[21] = 9;
    finish4(p);
    cr_assert_eq(dropped(w, p, 44), GN_DROP_IP_OPTIONS);
    /* Record Route and Timestamp are passed over (MAY-11, MAY-10); packets with a loose or strict
     * source route are dropped (MUST-51, MUST-53) */
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t kind[] = {7, 68, 131, 137};

        memcpy(p + 20, (uint8_t[]){kind[i], 3, 4, 0}, 4);
        finish4(p);
        if (i < 2)
            cr_assert_eq(input(w, p, 44), IP_TRANSPORT);
        else
            cr_assert_eq(dropped(w, p, 44), GN_DROP_IP_SOURCE_ROUTE);
    }
    world_free(w);
}

Test(input, ipv6_extension_headers)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[80];
    uint32_t len = make6(p, PEER6, US6, IPV6_DESTINATION, 28);

    memcpy(p + 40, (uint8_t[]){IP_PROTO_TCP, 0, 1, 4, 0, 0, 0, 0}, 8);
    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    cr_assert_eq(w->got.proto, IP_PROTO_TCP);
    cr_assert_eq(w->got.p, w->in + 48);
    p[41] = 9; /* MAL-58: longer than the packet */
    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_OPTIONS);
    world_free(w);
}

/* MUST-63, MAL-21: who cannot be a host is not answered */
Test(input, bad_sources)
{
    static const char *const bad[] = {"0.0.0.0",   "0.1.2.3",         "127.0.0.1", "224.0.0.1",
                                      "239.1.1.1", "255.255.255.255", "240.0.0.1", "10.0.0.255"};
    static const char *const bad6[] = {"::", "::1", "ff02::1", "ff05::2", "::ffff:10.0.0.2"};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t len = make4(p, v6(bad[i]), US, IP_PROTO_TCP, 20);

        cr_assert_eq(dropped(w, p, len), GN_DROP_IP_BAD_SOURCE, "%s", bad[i]);
    }
    for (unsigned i = 0; i < sizeof bad6 / sizeof bad6[0]; i++) {
        uint32_t len = make6(p, v6(bad6[i]), US6, IP_PROTO_TCP, 20);

        cr_assert_eq(dropped(w, p, len), GN_DROP_IP_BAD_SOURCE, "%s", bad6[i]);
    }
    cr_assert_not(output(w));
    world_free(w);
}

/* MUST-57, MAL-21: a segment to a group is discarded silently */
Test(input, groups)
{
    static const char *const group[] = {"224.0.0.1", "239.9.9.9", "255.255.255.255", "10.0.0.255"};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];

    for (unsigned i = 0; i < sizeof group / sizeof group[0]; i++)
        for (uint8_t proto = IP_PROTO_TCP; proto <= IP_PROTO_UDP;
             proto = (uint8_t)(proto + IP_PROTO_UDP - IP_PROTO_TCP)) {
            uint32_t len = make4(p, PEER, v6(group[i]), proto, 20);

            cr_assert_eq(dropped(w, p, len), GN_DROP_NOT_UNICAST, "%s", group[i]);
        }
    cr_assert_eq(dropped(w, p, make6(p, PEER6, v6("ff02::1"), IP_PROTO_TCP, 20)),
                 GN_DROP_NOT_UNICAST);
    cr_assert_eq(dropped(w, p, make6(p, PEER6, v6("ff02::1:ff00:1"), IP_PROTO_TCP, 20)),
                 GN_DROP_NOT_UNICAST);
    cr_assert_eq(dropped(w, p, make6(p, PEER6, v6("ff02::1:ff00:2"), IP_PROTO_TCP, 20)),
                 GN_DROP_IP_NOT_OURS, "a group that we are not in");
    cr_assert_not(output(w));
    world_free(w);
}

Test(input, not_ours_unless_any_address_is)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];
    uint32_t len = make4(p, PEER, v4(10, 0, 0, 77), IP_PROTO_TCP, 20);

    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_NOT_OURS);
    cr_assert_eq(dropped(w, p, make4(p, PEER, v4(127, 0, 0, 1), IP_PROTO_TCP, 20)),
                 GN_DROP_IP_NOT_OURS);
    cr_assert_eq(dropped(w, p, make6(p, PEER6, US, IP_PROTO_TCP, 20)), GN_DROP_IP_NOT_OURS,
                 "a mapped address in an IPv6 header");
    w->conf.ip_anyaddr = 1;
    len = make4(p, PEER, v4(10, 0, 0, 77), IP_PROTO_TCP, 20);
    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    ASSERT_ADDR(w->got.dst, v4(10, 0, 0, 77));
    cr_assert_eq(dropped(w, p, make6(p, PEER6, US, IP_PROTO_TCP, 20)), GN_DROP_IP_NOT_OURS);
    world_free(w);
}

Test(input, unknown_protocol_is_refused)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[64];

    cr_assert_eq(dropped(w, p, make4(p, PEER, US, 132, 20)), GN_DROP_IP_PROTOCOL);
    cr_assert(output(w));
    cr_assert_eq(w->f.data[20], ICMP4_UNREACHABLE);
    cr_assert_eq(w->f.data[21], ICMP4_PROTOCOL);
    cr_assert_eq(dropped(w, p, make6(p, PEER6, US6, 132, 20)), GN_DROP_IP_PROTOCOL);
    cr_assert(output(w));
    cr_assert_eq(w->f.data[40], ICMP6_PARAM_PROBLEM);
    cr_assert_eq(w->f.data[41], ICMP6_BAD_NEXT);
    cr_assert_eq(get32(w->f.data + 44), 6);
    cr_assert_eq(dropped(w, p, make4(p, PEER, v4(10, 0, 0, 255), 132, 20)), GN_DROP_IP_PROTOCOL);
    cr_assert_eq(dropped(w, p, make6(p, PEER6, US6, IPV6_NO_NEXT, 0)), GN_DROP_IP_PROTOCOL);
    cr_assert_eq(dropped(w, p, make4(p, PEER, US, IP_PROTO_ICMP6, 20)), GN_DROP_IP_PROTOCOL);
    cr_assert(output(w), "ICMPv6 in IPv4 is unknown");
    cr_assert_not(output(w));
    world_free(w);
}

Test(input, ethernet_frames)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    uint8_t p[128];
    uint32_t at = make_eth(p, OUR_MAC, PEER_MAC, ETH_IPV4);
    uint32_t len = at + make4(p + at, PEER, US, IP_PROTO_TCP, 20);

    memset(p + len, 0xee, 6);
    cr_assert_eq(input(w, p, len + 6), IP_TRANSPORT, "padded");
    cr_assert_eq(w->got.p, w->in + 34);
    cr_assert_eq(w->got.pseudo_len, 20);
    cr_assert_eq(w->got.whole, w->in + 14);
    cr_assert_eq(dropped(w, p, 13), GN_DROP_LINK_TRUNCATED);
    cr_assert_eq(dropped(w, p, 14), GN_DROP_IP_TRUNCATED);
    make_eth(p, OTHER_MAC, PEER_MAC, ETH_IPV4);
    cr_assert_eq(dropped(w, p, len), GN_DROP_LINK_NOT_OURS);
    make_eth(p, ALL_MAC, PEER_MAC, ETH_IPV4);
    cr_assert_eq(dropped(w, p, len), GN_DROP_NOT_UNICAST, "RFC 1122 3.3.6");
    make_eth(p, OUR_MAC, PEER_MAC, 0x88cc);
    cr_assert_eq(dropped(w, p, len), GN_DROP_LINK_TYPE);
    make_eth(p, OUR_MAC, PEER_MAC, ETH_IPV6);
    cr_assert_eq(dropped(w, p, len), GN_DROP_IP_VERSION);
    world_free(w);
}

/* octets [from, to) of a TCP packet of @total octets as an IPv4 fragment; returns its length */
static uint32_t cut4(uint8_t *p, uint32_t from, uint32_t to, bool more)
{
    struct ipv4 h = {.src = PEER,
                     .dst = US,
                     .proto = IP_PROTO_TCP,
                     .ttl = 60,
                     .ident = 7,
                     .more = more,
                     .frag_off = (uint16_t)from,
                     .total_len = (uint16_t)(IPV4_HEADER + to - from)};
    uint32_t at = ipv4_emit(&h, p);

    for (uint32_t i = from; i < to; i++)
        p[at++] = (uint8_t)i;
    return at;
}

/* the same for IPv6 */
static uint32_t cut6(uint8_t *p, uint8_t next, uint32_t from, uint32_t to, bool more)
{
    struct ipv6 h = {.src = PEER6,
                     .dst = US6,
                     .next = next,
                     .hlim = 60,
                     .total_len = IPV6_HEADER + IPV6_FRAG_HEADER + to - from,
                     .frag = {.present = true, .more = more, .off = (uint16_t)from, .id = 7}};
    uint32_t at = ipv6_emit(&h, p);

    for (uint32_t i = from; i < to; i++)
        p[at++] = (uint8_t)i;
    return at;
}

Test(input, fragments_ipv4)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256];

    cr_assert_eq(input(w, p, cut4(p, 104, 140, false)), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    cr_assert(deadline_armed(ip_deadline(&w->ip)));
    cr_assert_eq(input(w, p, cut4(p, 0, 104, true)), IP_TRANSPORT);
    cr_assert_eq(w->got.pseudo_len, 140);
    cr_assert_eq(w->got.len, 140);
    for (unsigned i = 0; i < 140; i++)
        cr_assert_eq(w->got.p[i], i);
    cr_assert_eq(w->got.whole_len, 160);
    cr_assert_eq(w->got.whole + 20, w->got.p);
    cr_assert_eq(w->got.ttl, 60);
    cr_assert_eq(w->stats.IpReasmOKs, 1);
    cr_assert_not(deadline_armed(ip_deadline(&w->ip)));
    world_free(w);
}

Test(input, fragments_ipv6)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256];

    cr_assert_eq(input(w, p, cut6(p, IP_PROTO_TCP, 0, 104, true)), IP_CONSUMED);
    cr_assert_eq(input(w, p, cut6(p, IP_PROTO_TCP, 104, 140, false)), IP_TRANSPORT);
    cr_assert_eq(w->got.pseudo_len, 140);
    ASSERT_ADDR(w->got.src, PEER6);
    cr_assert_eq(input(w, p, cut6(p, IP_PROTO_TCP, 0, 40, false)), IP_TRANSPORT,
                 "an atomic fragment is a packet (RFC 6946)");
    cr_assert_eq(w->got.len, 40);
    world_free(w);
}

/* MAL-57 */
Test(input, bad_fragments)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256];
    uint32_t len;

    cr_assert_eq(dropped(w, p, cut4(p, 0, 16, true)), GN_DROP_FRAG_BAD, "tiny");
    cr_assert_eq(dropped(w, p, cut4(p, 8, 48, false)), GN_DROP_FRAG_BAD, "inside the TCP header");
    cr_assert_eq(dropped(w, p, cut6(p, IP_PROTO_TCP, 0, 16, true)), GN_DROP_FRAG_BAD);
    input(w, p, cut4(p, 0, 48, true));
    cr_assert_eq(dropped(w, p, cut4(p, 40, 80, false)), GN_DROP_FRAG_OVERLAP);
    len = cut4(p, 0, 48, true);
    memcpy(p + 16, v4(10, 0, 0, 255).b + 12, 4);
    finish4(p);
    cr_assert_eq(dropped(w, p, len), GN_DROP_NOT_UNICAST, "to a group");
    world_free(w);
}

/* RFC 8200 4.5, RFC 7112: the headers must all be in the first fragment */
Test(input, ipv6_header_chain_must_be_in_the_first_fragment)
{
    static const uint8_t options[8] = {IP_PROTO_TCP, 0, 1, 4, 0, 0, 0, 0};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256];
    uint32_t len = cut6(p, IPV6_DESTINATION, 0, 24, true);

    memcpy(p + 48, options, 8);
    cr_assert_eq(dropped(w, p, len), GN_DROP_FRAG_BAD, "16 octets of TCP");
    p[49] = 3;
    cr_assert_eq(dropped(w, p, len), GN_DROP_FRAG_BAD, "not all of the options");
    len = cut6(p, IPV6_DESTINATION, 0, 32, true);
    memcpy(p + 48, options, 8);
    input(w, p, len);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    cr_assert_eq(input(w, p, cut6(p, IPV6_DESTINATION, 32, 48, false)), IP_TRANSPORT);
    cr_assert_eq(w->got.len, 40);
    world_free(w);
}

Test(input, fragments_within_fragments)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256];
    uint32_t len = cut6(p, IPV6_FRAGMENT, 0, 32, true);

    memcpy(p + 48, (uint8_t[]){IP_PROTO_TCP, 0, 0, 1, 0, 0, 0, 9}, 8);
    cr_assert_eq(dropped(w, p, len), GN_DROP_FRAG_BAD);
    world_free(w);
}

/* RFC 1122 3.3.2, RFC 8200 4.5: the sender is told, if the first fragment has come */
Test(input, reassembly_time_exceeded)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[256], first[256];
    uint32_t len = cut4(p, 0, 48, true);

    input(w, p, len);
    w->e.now += 30 * GN_SEC;
    ip_timeouts(&w->ip, &w->e);
    cr_assert_eq(w->stats.drop[GN_DROP_FRAG_TIMEOUT], 1);
    cr_assert(output(w));
    cr_assert_eq(w->f.data[20], ICMP4_TIME_EXCEEDED);
    cr_assert_eq(w->f.data[21], 1);
    cr_assert_eq(w->f.len, 28 + len);
    cr_assert_arr_eq(w->f.data + 28, p, len, "the fragment as it came");
    memcpy(first, p, len);
    len = cut6(p, IP_PROTO_TCP, 0, 48, true);
    input(w, p, len);
    input(w, first, cut4(first, 48, 96, true));
    w->e.now += 60 * GN_SEC;
    ip_timeouts(&w->ip, &w->e);
    cr_assert_eq(w->stats.drop[GN_DROP_FRAG_TIMEOUT], 3);
    cr_assert(output(w));
    cr_assert_eq(w->f.data[40], ICMP6_TIME_EXCEEDED);
    cr_assert_eq(w->f.data[41], 1);
    cr_assert_arr_eq(w->f.data + 48, p, len);
    cr_assert_not(output(w), "no complaint without the first fragment");
    world_free(w);
}

/* MAL-57: more payload than an IPv4 packet can hold ("ping of death") */
Test(input, ipv4_packet_too_long_when_reassembled)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t *p = malloc(65535);

    cr_assert_eq(input(w, p, cut4(p, 0, 32768, true)), IP_CONSUMED);
    input(w, p, cut4(p, 32768, 65528, true));
    input(w, p, cut4(p, 65528, 65535, false));
    cr_assert_eq(w->drop, GN_DROP_FRAG_BAD);
    free(p);
    world_free(w);
}

Test(input, icmp_in_pieces_without_memory)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[200], tail[4096] = {0};
    struct gn_frame f = {.data = p, .len = 40, .tail = {{tail, 4096}}, .n_tail = 1};

    make4(p, PEER, US, IP_PROTO_ICMP, 20);
    put16(p + 2, 40 + 4096);
    finish4(p);
    w->pages.fail_from = 1;
    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NO_MEMORY);
    w->pages.fail_from = 0;
    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_BAD);
    world_free(w); /* what was gathered goes with it */
}

/** quick() - what ip_again() says of the @len octets at @p */
static uint32_t quick(const struct world *w, const uint8_t *p, uint32_t len)
{
    struct gn_frame f = {.data = p, .len = len};

    return ip_again(&w->ip, &f);
}

/* the layer remembers the header of the last packet; a host that never does judges all alike. So
 * does who asks for what it remembers */
Test(input, a_header_like_the_last_is_judged_the_same)
{
    struct world *w = world_new(GN_MEDIUM_IP), *forgetful = world_new(GN_MEDIUM_IP);
    unsigned again = 0, quickly = 0;
    struct prng r;
    uint8_t p[256];

    prng_seed(&r, 7, 1);
    for (unsigned i = 0; i < 30000; i++) {
        uint32_t len = make4(p, PEER, US, IP_PROTO_TCP, 20 + prng_below(&r, 40));
        bool known = w->ip.again.iface != IP_IFACE_NONE;
        uint32_t whole;

        p[1] = prng_chance(&r, 900000) ? 0 : 3;
        put16(p + 4, (uint16_t)prng_u32(&r));
        if (prng_chance(&r, 300000))
            p[prng_below(&r, 20)] ^= (uint8_t)(1u << prng_below(&r, 8));
        if (prng_chance(&r, 950000) && (p[0] & 15) >= 5)
            finish4(p);
        if (prng_chance(&r, 1000)) {
            struct gn_addr a = v4(10, 0, (uint8_t)prng_below(&r, 200), 1);

            (void)ip_add_addr(&w->ip, &w->e, 0, a, 24);
            (void)ip_add_addr(&forgetful->ip, &forgetful->e, 0, a, 24);
        }
        w->conf.ip_anyaddr = forgetful->conf.ip_anyaddr = prng_chance(&r, 50000);
        forgetful->ip.again.iface = forgetful->ip.again.bare = IP_IFACE_NONE;
        len -= prng_chance(&r, 50000);
        cr_assert_eq(quick(forgetful, p, len), 0);
        whole = quick(w, p, len);
        cr_assert_eq(input(w, p, len), input(forgetful, p, len));
        cr_assert_eq(w->drop, forgetful->drop);
        if (whole) {
            quickly++;
            cr_assert(!w->drop && w->got.proto == IP_PROTO_TCP && w->got.n_tail == 0);
            cr_assert_eq(w->got.whole_len, whole);
            cr_assert_eq(w->got.p - w->got.whole, IPV4_HEADER);
            ASSERT_ADDR(w->got.src, w->ip.again.src);
            ASSERT_ADDR(w->got.dst, w->ip.again.dst);
        }
        if (w->drop)
            continue;
        again += known;
        ASSERT_ADDR(w->got.src, forgetful->got.src);
        ASSERT_ADDR(w->got.dst, forgetful->got.dst);
        cr_assert(w->got.proto == forgetful->got.proto && w->got.tos == forgetful->got.tos &&
                  w->got.ecn == forgetful->got.ecn && w->got.ttl == forgetful->got.ttl);
        cr_assert(w->got.len == forgetful->got.len && w->got.n_tail == forgetful->got.n_tail &&
                  w->got.pseudo_len == forgetful->got.pseudo_len &&
                  w->got.whole_len == forgetful->got.whole_len);
        cr_assert_eq(w->got.p - w->in, forgetful->got.p - forgetful->in);
    }
    cr_assert_gt(again, 10000);
    cr_assert_gt(quickly, 10000);
    world_free(w);
    world_free(forgetful);
}

/* any octets whatever: no over-read (ASan), no leak, and the deadline is never in the past for long
 */
Test(input, random_octets)
{
    for (unsigned medium = 0; medium < 2; medium++) {
        struct world *w = world_new(medium ? GN_MEDIUM_ETHERNET : GN_MEDIUM_IP);
        struct prng r;
        uint8_t p[256];

        prng_seed(&r, 1, medium);
        for (unsigned i = 0; i < 20000; i++) {
            uint32_t at = medium ? make_eth(p, OUR_MAC, PEER_MAC,
                                            prng_chance(&r, 500000) ? ETH_IPV4 : ETH_IPV6)
                                 : 0;
            uint32_t len = at;

            if (prng_chance(&r, 500000))
                len += make4(p + at, PEER, US, (uint8_t)prng_below(&r, 20), prng_below(&r, 100));
            else
                len +=
                    make6(p + at, PEER6, US6, (uint8_t)(prng_below(&r, 64)), prng_below(&r, 100));
            for (unsigned k = prng_below(&r, 8); k > 0 && len > at; k--)
                p[at + prng_below(&r, len - at)] = (uint8_t)prng_u32(&r);
            if ((p[at] >> 4) == 4 && len >= at + 60 && (p[at] & 15) >= 5)
                finish4(p + at);
            input(w, p, len - (prng_chance(&r, 100000) && len > at ? 1 : 0));
            w->e.now += prng_below(&r, 100) * GN_MSEC;
            ip_timeouts(&w->ip, &w->e);
            cr_assert_not(deadline_due(ip_deadline(&w->ip), w->e.now));
            while (output(w))
                ;
        }
        world_free(w);
    }
}
