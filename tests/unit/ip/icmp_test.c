/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/icmp.h"

#include "unit/ip/support.h"

#define PEER   v4(10, 0, 0, 2)
#define US     v4(10, 0, 0, 1)
#define ROUTER v4(10, 0, 0, 254)
#define PEER6  v6("fd00::2")
#define US6    v6("fd00::1")

/* a TCP packet of ours as routers quote it: IP header and @n octets 0, 1, 2 ... of a segment of 100
 */
static uint32_t quote4(uint8_t *p, uint32_t n)
{
    make4(p, US, PEER, IP_PROTO_TCP, 100);
    return IPV4_HEADER + n;
}

static uint32_t quote6(uint8_t *p, uint32_t n)
{
    make6(p, US6, PEER6, IP_PROTO_TCP, 100);
    return IPV6_HEADER + n;
}

/* an ICMP error that quotes @n octets at @q */
static enum ip_verdict error4(struct world *w, uint8_t type, uint8_t code, uint32_t rest,
                              const uint8_t *q, uint32_t n)
{
    uint8_t p[1500];

    return input(w, p, make_icmp4(p, ROUTER, US, type, code, rest, q, n));
}

static enum ip_verdict error6(struct world *w, uint8_t type, uint8_t code, uint32_t rest,
                              const uint8_t *q, uint32_t n)
{
    uint8_t p[1500];

    return input(w, p, make_icmp6(p, v6("fd00::fe"), US6, type, code, rest, q, n));
}

/* the quoted segment is what the layer above gets: MUST-54 */
static void assert_quoted(struct world *w, uint32_t n)
{
    cr_assert_eq(w->drop, GN_DROP_NONE);
    cr_assert_eq(w->got.proto, IP_PROTO_TCP);
    cr_assert_eq(w->got.len, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(w->got.p[i], i);
}

Test(ip_icmp, echo_ipv4)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[1500], body[1000];
    struct icmp m;
    struct ipv4 h;

    memset(body, 0x5a, sizeof body);
    cr_assert_eq(input(w, p, make_icmp4(p, PEER, US, ICMP4_ECHO, 0, 0x12340001, body, sizeof body)),
                 IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    cr_assert(output(w));
    cr_assert_eq(ipv4_parse(w->f.data, w->f.len, w->f.len, &h), GN_DROP_NONE);
    ASSERT_ADDR(h.src, US);
    ASSERT_ADDR(h.dst, PEER);
    cr_assert_eq(icmp4_parse(w->f.data + 20, w->f.len - 20, &m), GN_DROP_NONE);
    cr_assert_eq(m.type, ICMP4_ECHO_REPLY);
    cr_assert_eq(m.rest, 0x12340001);
    cr_assert_eq(m.body_len, sizeof body);
    cr_assert_arr_eq(m.body, body, sizeof body);
    cr_assert_eq(w->stats.IcmpInMsgs, 1);
    cr_assert_eq(w->stats.IcmpOutMsgs, 1);
    world_free(w);
}

Test(ip_icmp, echo_ipv6)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[200];
    struct icmp m;
    struct ipv6 h;

    for (unsigned i = 0; i < 2; i++) {
        struct gn_addr src = PEER6;

        input(w, p, make_icmp6(p, src, i ? v6("ff02::1") : US6, ICMP6_ECHO, 0, 7, "hello", 5));
        cr_assert_eq(w->drop, GN_DROP_NONE);
        cr_assert(output(w));
        cr_assert_eq(ipv6_parse(w->f.data, w->f.len, w->f.len, &h), GN_DROP_NONE);
        ASSERT_ADDR(h.src, US6); /* never the group: RFC 4443 4.2 */
        ASSERT_ADDR(h.dst, PEER6);
        cr_assert_eq(icmp6_parse(&h.src, &h.dst, w->f.data + 40, w->f.len - 40, &m), GN_DROP_NONE);
        cr_assert_eq(m.type, ICMP6_ECHO_REPLY);
        cr_assert_arr_eq(m.body, "hello", 5);
    }
    world_free(w);
}

/* a request that is too long for one packet, as reassembled, comes back in fragments which make up
 * the same again: fed to the reassembly of another host, they are the reply. The number of them */
static unsigned answered_in_fragments(bool ipv4, uint32_t len, uint32_t most)
{
    struct world *w = world_new(GN_MEDIUM_IP), *peer = world_new(GN_MEDIUM_IP);
    uint8_t *p = malloc(70000), *body = malloc(len);
    unsigned n = 0;
    struct icmp m;

    for (uint32_t i = 0; i < len; i++)
        body[i] = (uint8_t)(i * 7 + i / 256);
    peer->ip.addr[ipv4 ? 0 : 1].addr = ipv4 ? PEER : PEER6;
    input(w, p,
          ipv4 ? make_icmp4(p, PEER, US, ICMP4_ECHO, 0, 0x12340001, body, len)
               : make_icmp6(p, PEER6, US6, ICMP6_ECHO, 0, 0x12340001, body, len));
    cr_assert_eq(w->drop, GN_DROP_NONE);
    for (; output(w); n++) {
        cr_assert_leq(w->f.len, most);
        input(peer, w->f.data, w->f.len);
    }
    cr_assert_eq(peer->drop, GN_DROP_ICMP_IGNORED, "nobody asked there");
    cr_assert_eq(peer->stats.IpReasmOKs, 1);
    cr_assert_eq(
        ipv4 ? icmp4_parse(peer->got.p, peer->got.pseudo_len, &m)
             : icmp6_parse(&peer->got.src, &peer->got.dst, peer->got.p, peer->got.pseudo_len, &m),
        GN_DROP_NONE);
    cr_assert_eq(m.type, ipv4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY);
    cr_assert_eq(m.rest, 0x12340001);
    cr_assert_eq(m.body_len, len);
    cr_assert_arr_eq(m.body, body, len);
    world_free(peer);
    world_free(w);
    free(body);
    free(p);
    return n;
}

/* RFC 1122 3.2.2.6, RFC 4443 4.2: all that came goes back */
Test(ip_icmp, echo_longer_than_a_packet)
{
    cr_expect_eq(answered_in_fragments(true, 1473, 1500), 2);
    cr_expect_eq(answered_in_fragments(true, 2 * 1480 - 8, 1500), 2, "the last one is full");
    cr_expect_eq(answered_in_fragments(true, 65507, 1500), 45);
    cr_expect_eq(answered_in_fragments(false, 1453, 1280), 2);
    cr_expect_eq(answered_in_fragments(false, 65527 - 40, 1280), 54);
}

Test(ip_icmp, echo_in_pieces)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[200];
    uint32_t len = make_icmp4(p, PEER, US, ICMP4_ECHO, 0, 7, "hello, world", 12);
    struct gn_frame f = {
        .data = p, .len = 25, .tail = {{p + 25, 4}, {p + 29, len - 29}}, .n_tail = 2};

    cr_assert_eq(ip_input(&w->ip, &w->e, &f, &w->got, &w->drop), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    cr_assert(output(w));
    cr_assert_arr_eq(w->f.data + 28, "hello, world", 12);
    cr_assert_not_null(w->ip.gathered);
    input(w, p, 0);
    cr_assert_null(w->ip.gathered, "freed by the next");
    world_free(w);
}

Test(ip_icmp, echo_not_answered)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[200];
    uint32_t len;

    input(w, p, make_icmp4(p, PEER, v4(10, 0, 0, 255), ICMP4_ECHO, 0, 0, NULL, 0));
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED, "to a broadcast address");
    len = make_icmp4(p, PEER, US, ICMP4_ECHO, 0, 0, NULL, 0);
    p[22] ^= 1;
    input(w, p, len);
    cr_assert_eq(w->drop, GN_DROP_ICMP_BAD, "checksum");
    input(w, p, make_icmp6(p, v6("::"), US6, ICMP6_ECHO, 0, 0, NULL, 0));
    cr_assert_eq(w->drop, GN_DROP_IP_BAD_SOURCE);
    w->ip.routes.n = 0;
    input(w, p, make_icmp4(p, PEER, US, ICMP4_ECHO, 0, 0, NULL, 0));
    cr_assert_eq(w->drop, GN_DROP_IP_NO_ROUTE);
    cr_assert_not(output(w));
    world_free(w);
}

/* MUST-54, MUST-56, SHLD-25, SHLD-26: every kind of error, what it means, and whether it is hard */
Test(ip_icmp, errors_ipv4)
{
    static const struct {
        uint8_t type, code;
        enum gn_err error;
        bool hard;
    } row[] = {
        {ICMP4_UNREACHABLE, 0, GN_E_NET_UNREACHABLE, false},  /* MUST-56 */
        {ICMP4_UNREACHABLE, 1, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP4_UNREACHABLE, 2, GN_E_PROTOCOL, true},          /* SHLD-26 */
        {ICMP4_UNREACHABLE, 3, GN_E_REFUSED, true},           /* SHLD-26 */
        {ICMP4_UNREACHABLE, 5, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP4_UNREACHABLE, 6, GN_E_NET_UNREACHABLE, false},
        {ICMP4_UNREACHABLE, 13, GN_E_HOST_UNREACHABLE, false},
        {ICMP4_UNREACHABLE, 255, GN_E_HOST_UNREACHABLE, false},
        {ICMP4_TIME_EXCEEDED, 0, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP4_TIME_EXCEEDED, 1, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP4_PARAM_PROBLEM, 0, GN_E_PROTOCOL, false},         /* MUST-56 */
    };
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint32_t n = quote4(q, 8);

        cr_assert_eq(error4(w, row[i].type, row[i].code, 0, q, n), IP_ERROR, "row %u", i);
        assert_quoted(w, 8);
        ASSERT_ADDR(w->got.src, US);
        ASSERT_ADDR(w->got.dst, PEER);
        cr_assert_eq(w->got.error, row[i].error, "row %u", i); /* SHLD-25 */
        cr_assert_eq(w->got.hard, row[i].hard, "row %u", i);
        cr_assert_eq(w->got.mtu, 0);
    }
    world_free(w);
}

Test(ip_icmp, errors_ipv6)
{
    static const struct {
        uint8_t type, code;
        enum gn_err error;
        bool hard;
    } row[] = {
        {ICMP6_UNREACHABLE, 0, GN_E_NET_UNREACHABLE, false}, /* MUST-56 */
        {ICMP6_UNREACHABLE, 1, GN_E_ACCESS, true},
        {ICMP6_UNREACHABLE, 2, GN_E_HOST_UNREACHABLE, false},
        {ICMP6_UNREACHABLE, 3, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP6_UNREACHABLE, 4, GN_E_REFUSED, true},
        {ICMP6_TIME_EXCEEDED, 0, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP6_TIME_EXCEEDED, 1, GN_E_HOST_UNREACHABLE, false}, /* MUST-56 */
        {ICMP6_PARAM_PROBLEM, 0, GN_E_PROTOCOL, false},         /* MUST-56 */
        {ICMP6_PARAM_PROBLEM, 1, GN_E_PROTOCOL, false},         /* MUST-56 */
        {ICMP6_PARAM_PROBLEM, 2, GN_E_PROTOCOL, false},         /* MUST-56 */
    };
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint32_t n = quote6(q, 8);

        cr_assert_eq(error6(w, row[i].type, row[i].code, 0, q, n), IP_ERROR, "row %u", i);
        assert_quoted(w, 8);
        ASSERT_ADDR(w->got.src, US6);
        ASSERT_ADDR(w->got.dst, PEER6);
        cr_assert_eq(w->got.error, row[i].error, "row %u", i); /* SHLD-25 */
        cr_assert_eq(w->got.hard, row[i].hard, "row %u", i);
    }
    world_free(w);
}

/* MAL-55, RFC 1191 */
Test(ip_icmp, fragmentation_needed)
{
    static const struct {
        uint16_t said, quoted;
        uint32_t mtu; /* 0: refused */
    } row[] = {{1400, 1500, 1400}, {68, 1500, 68},       {67, 1500, 0},
               {1, 1500, 0},       {65535, 1500, 65535}, {0, 1500, 1492},
               {0, 1492, 1006},    {0, 100, 68},         {0, 40000, 32000}};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint32_t n = quote4(q, 8);

        put16(q + 2, row[i].quoted);
        finish4(q);
        if (error4(w, ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, row[i].said, q, n) == IP_ERROR) {
            cr_assert_eq(w->got.mtu, row[i].mtu, "row %u: %u", i, w->got.mtu);
            cr_assert_eq(w->got.error, GN_E_TOO_LONG);
            cr_assert_not(w->got.hard);
        } else {
            cr_assert_eq(row[i].mtu, 0, "row %u", i);
            cr_assert_eq(w->drop, GN_DROP_ICMP_BAD);
        }
    }
    world_free(w);
}

/* MAL-55, RFC 8201 4 */
Test(ip_icmp, packet_too_big)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];
    uint32_t n = quote6(q, 20);

    cr_assert_eq(error6(w, ICMP6_PACKET_TOO_BIG, 0, 1280, q, n), IP_ERROR);
    cr_assert_eq(w->got.mtu, 1280);
    cr_assert_eq(w->got.error, GN_E_TOO_LONG);
    assert_quoted(w, 20);
    cr_assert_eq(error6(w, ICMP6_PACKET_TOO_BIG, 0, 1279, q, n), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_BAD);
    cr_assert_eq(error6(w, ICMP6_PACKET_TOO_BIG, 0, 0, q, n), IP_CONSUMED);
    world_free(w);
}

/* MUST-55: Source Quench is silently discarded; and so is all that we do not know */
Test(ip_icmp, source_quench_and_others_ignored)
{
    static const uint8_t type[] = {
        ICMP4_ECHO_REPLY, ICMP4_SOURCE_QUENCH, ICMP4_REDIRECT, 9, 10, 13, 14, 15, 17, 40, 255};
    static const uint8_t type6[] = {0, 5, 100, 127, 129, 130, 131, 133, 134, 137, 143, 255};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];
    uint32_t n = quote4(q, 20);

    for (unsigned i = 0; i < sizeof type; i++) {
        cr_assert_eq(error4(w, type[i], 0, 0, q, n), IP_CONSUMED);
        cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED, "%u", type[i]);
    }
    n = quote6(q, 20);
    for (unsigned i = 0; i < sizeof type6; i++) {
        cr_assert_eq(error6(w, type6[i], 0, 0, q, n), IP_CONSUMED);
        cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED, "%u", type6[i]);
    }
    cr_assert_not(output(w));
    world_free(w);
}

/* MAL-56: quotes that are too short, carry options, or are of no use */
Test(ip_icmp, quotes)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];
    uint32_t n = quote4(q, 100);

    for (uint32_t i = 0; i < n; i++) {
        enum ip_verdict v = error4(w, ICMP4_UNREACHABLE, 3, 0, q, i);

        cr_assert_eq(v, i < 28 ? IP_CONSUMED : IP_ERROR, "%u", i);
        if (i < 28)
            cr_assert_eq(w->drop, GN_DROP_ICMP_BAD, "%u", i);
        else
            assert_quoted(w, i - 20);
    }
    n = quote6(q, 100);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(error6(w, ICMP6_UNREACHABLE, 4, 0, q, i), i < 48 ? IP_CONSUMED : IP_ERROR);

    n = quote4(q, 100); /* a router's padding behind the packet */
    put16(q + 2, 40);
    finish4(q);
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, n), IP_ERROR);
    assert_quoted(w, 20);
    put16(q + 2, 27);
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, n), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_BAD);
    put16(q + 2, 19);
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, n), IP_CONSUMED);

    n = quote4(q, 100); /* IP options in it */
    q[0] = 0x47;
    memmove(q + 28, q + 20, 60);
    memset(q + 20, 1, 8);
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, 36), IP_ERROR);
    assert_quoted(w, 8);
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, 35), IP_CONSUMED);

    n = quote4(q, 100); /* not the first fragment */
    q[7] = 5;
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, n), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED);
    world_free(w);
}

Test(ip_icmp, ipv6_quote_of_a_later_fragment)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200] = {0};
    struct ipv6 h = {.src = US6,
                     .dst = PEER6,
                     .next = IP_PROTO_TCP,
                     .total_len = 100,
                     .frag = {.present = true, .off = 64}};

    ipv6_emit(&h, q);
    cr_assert_eq(error6(w, ICMP6_UNREACHABLE, 4, 0, q, 100), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED);
    world_free(w);
}

/* MAL-55: a quote of what we cannot have sent */
Test(ip_icmp, quote_of_anothers_packet)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t q[200];
    uint32_t n = quote4(q, 20);

    q[15] = 77;
    cr_assert_eq(error4(w, ICMP4_UNREACHABLE, 3, 0, q, n), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_NO_CONNECTION);
    n = quote6(q, 20);
    q[23] = 77;
    cr_assert_eq(error6(w, ICMP6_UNREACHABLE, 4, 0, q, n), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_ICMP_NO_CONNECTION);
    world_free(w);
}

Test(ip_icmp, errors_to_groups_are_not_believed)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[300], q[200];
    uint32_t n = quote4(q, 20);

    input(w, p, make_icmp4(p, ROUTER, v4(10, 0, 0, 255), ICMP4_UNREACHABLE, 3, 0, q, n));
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED);
    n = quote6(q, 20);
    input(w, p, make_icmp6(p, PEER6, v6("ff02::1"), ICMP6_UNREACHABLE, 4, 0, q, n));
    cr_assert_eq(w->drop, GN_DROP_ICMP_IGNORED);
    world_free(w);
}

Test(ip_icmp, port_unreachable)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[1500];
    uint32_t len = make4(p, PEER, US, IP_PROTO_UDP, 1000);
    struct icmp m;

    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    ip_send_port_unreachable(&w->ip, &w->e, &w->got);
    cr_assert(output(w));
    cr_assert_eq(w->f.len, 576, "RFC 1812 4.3.2.3");
    cr_assert_eq(icmp4_parse(w->f.data + 20, w->f.len - 20, &m), GN_DROP_NONE);
    cr_assert_eq(m.type, ICMP4_UNREACHABLE);
    cr_assert_eq(m.code, ICMP4_PORT);
    cr_assert_arr_eq(m.body, p, m.body_len);
    len = make6(p, PEER6, US6, IP_PROTO_UDP, 1400);
    cr_assert_eq(input(w, p, len), IP_TRANSPORT);
    ip_send_port_unreachable(&w->ip, &w->e, &w->got);
    cr_assert(output(w));
    cr_assert_eq(w->f.len, 1280, "RFC 4443 2.4 (c)");
    struct gn_addr src = US6, dst = PEER6;
    cr_assert_eq(icmp6_parse(&src, &dst, w->f.data + 40, w->f.len - 40, &m), GN_DROP_NONE);
    cr_assert_eq(m.type, ICMP6_UNREACHABLE);
    cr_assert_eq(m.code, ICMP6_PORT);
    cr_assert_arr_eq(m.body, p, m.body_len);
    world_free(w);
}

/* RFC 1122 3.2.2: no error about what came from, or went to, more than one */
Test(ip_icmp, no_error_about_groups)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[100];
    struct ip_packet q = {.src = v4(224, 0, 0, 1), .dst = US, .whole = p, .whole_len = 28};

    make4(p, PEER, US, IP_PROTO_UDP, 8);
    ip_send_port_unreachable(&w->ip, &w->e, &q);
    q.src = PEER;
    q.dst = v4(10, 0, 0, 255);
    ip_send_port_unreachable(&w->ip, &w->e, &q);
    cr_assert_not(output(w));
    world_free(w);
}

/* SEC-RL-1, RFC 4443 2.4 (f) */
Test(ip_icmp, errors_are_rate_limited)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[100];
    uint32_t len = make4(p, PEER, US, IP_PROTO_UDP, 8);
    unsigned sent = 0;

    w->conf.icmp_ratelimit = 10;
    input(w, p, len);
    w->e.now += GN_SEC;
    for (unsigned i = 0; i < 100; i++) {
        ip_send_port_unreachable(&w->ip, &w->e, &w->got);
        while (output(w))
            sent++;
        w->e.now += 10 * GN_MSEC;
    }
    cr_assert(sent >= 19 && sent <= 20, "%u", sent);
    cr_assert_eq(w->stats.drop[GN_DROP_RATE_LIMITED], 100 - sent);
    w->conf.icmp_ratelimit = 0;
    w->e.now += 10 * GN_SEC;
    ip_send_port_unreachable(&w->ip, &w->e, &w->got);
    cr_assert_not(output(w));
    world_free(w);
}

/* an IPv6 packet of @n octets behind the fixed header, which says @next; returns its length */
static uint32_t make_chain6(uint8_t *p, struct gn_addr src, struct gn_addr dst, uint8_t next,
                            const uint8_t *octets, uint32_t n)
{
    uint32_t len = make6(p, src, dst, next, n);

    memcpy(p + IPV6_HEADER, octets, n);
    return len;
}

/* the @len octets at @p are dropped for @why, and their sender, PEER6, gets one Parameter Problem
 * of ours with @code and @pointer, and the packet in it */
static void assert_problem(struct world *w, const uint8_t *p, uint32_t len, enum gn_drop why,
                           uint8_t code, uint32_t pointer)
{
    struct gn_addr src = US6, dst = PEER6;
    struct icmp m;
    struct ipv6 h;

    cr_assert_eq(input(w, p, len), IP_CONSUMED);
    cr_assert_eq(w->drop, why);
    cr_assert(output(w));
    cr_assert_eq(ipv6_parse(w->f.data, w->f.len, w->f.len, &h), GN_DROP_NONE);
    ASSERT_ADDR(h.src, src);
    ASSERT_ADDR(h.dst, dst);
    cr_assert_eq(icmp6_parse(&src, &dst, w->f.data + 40, w->f.len - 40, &m), GN_DROP_NONE);
    cr_assert(m.type == ICMP6_PARAM_PROBLEM && m.code == code && m.rest == pointer, "%u %u %u",
              m.type, m.code, m.rest);
    cr_assert_eq(m.body_len, len < 1232 ? len : 1232);
    cr_assert_arr_eq(m.body, p, m.body_len);
    cr_assert_not(output(w));
}

/* the @len octets at @p are dropped for @why, and nothing is said */
static void assert_silence(struct world *w, const uint8_t *p, uint32_t len, enum gn_drop why)
{
    cr_assert_eq(input(w, p, len), IP_CONSUMED);
    cr_assert_eq(w->drop, why);
    cr_assert_not(output(w));
}

static const uint8_t option_80[8] = {IP_PROTO_TCP, 0, 0x80, 4}, option_c0[8] = {6, 0, 0xc0, 4},
                     option_40[8] = {IP_PROTO_TCP, 0, 0x40, 4};

/* RFC 8200 4, 4.2, 4.4, 4.5: what is not understood is said */
Test(ip_icmp, parameter_problem)
{
    static const uint8_t routing[8] = {IP_PROTO_TCP, 0, 99, 1}, sctp[8] = {132, 0, 1, 4},
                         misplaced[16] = {IPV6_HOP_BY_HOP, 0, 1, 4, [8] = IP_PROTO_TCP, 0, 1, 4};
    uint8_t fragment[8 + 40] = {IP_PROTO_UDP, 0, 0, 1, 0, 0, 0, 7};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[1500], big[1400] = {IP_PROTO_TCP, 0, 0x80, 4};

    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, sctp, 8), GN_DROP_IP_PROTOCOL,
                   ICMP6_BAD_NEXT, 40);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, misplaced, 16),
                   GN_DROP_IP_OPTIONS, ICMP6_BAD_NEXT, 40);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_HOP_BY_HOP, option_80, 8),
                   GN_DROP_IP_OPTIONS, ICMP6_BAD_OPTION, 42);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, option_c0, 8),
                   GN_DROP_IP_OPTIONS, ICMP6_BAD_OPTION, 42);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, big, 1400),
                   GN_DROP_IP_OPTIONS, ICMP6_BAD_OPTION, 42);
    assert_silence(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, option_40, 8),
                   GN_DROP_IP_OPTIONS);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_ROUTING, routing, 8), GN_DROP_IP_OPTIONS,
                   ICMP6_BAD_FIELD, 42);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, fragment, 8 + 39),
                   GN_DROP_FRAG_BAD, ICMP6_BAD_FIELD, 4);
    put16(fragment + 2, 0xfff8);
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, fragment, 8 + 8),
                   GN_DROP_FRAG_BAD, ICMP6_BAD_FIELD, 42);
    put16(fragment + 2, 1);
    fragment[0] = IP_PROTO_TCP;
    assert_problem(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, fragment, 8 + 16),
                   GN_DROP_FRAG_BAD, ICMP6_INCOMPLETE, 0);
    world_free(w);
}

/* link padding is no part of the packet that is quoted; what is cut on its way is not answered */
Test(ip_icmp, parameter_problem_of_padded_and_truncated_packets)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[100];
    uint32_t len = make_chain6(p, PEER6, US6, IPV6_DESTINATION, option_80, 8);

    p[len] = 0xee;
    cr_assert_eq(input(w, p, len + 1), IP_CONSUMED);
    cr_assert(output(w) && w->f.len == 48 + len);
    put16(p + 4, 9);
    assert_silence(w, p, len, GN_DROP_IP_TRUNCATED);
    world_free(w);
}

/* the fragments are gone by then: it is about the packet that they made */
Test(ip_icmp, parameter_problem_of_a_reassembled_packet)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t f[8 + 16] = {IPV6_DESTINATION, 0, 0, 1, 0, 0, 0, 7, 132, 0, 1, 4}, p[100];

    cr_assert_eq(input(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, f, sizeof f)), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_NONE);
    put16(f + 2, 16);
    cr_assert_eq(input(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, f, 12)), IP_CONSUMED);
    cr_assert_eq(w->drop, GN_DROP_IP_PROTOCOL);
    cr_assert(output(w) && w->f.len == 48 + 40 + 20);
    cr_assert(w->f.data[41] == ICMP6_BAD_NEXT && get32(w->f.data + 44) == 40);
    cr_assert_eq(w->f.data[48 + 6], IPV6_DESTINATION);
    world_free(w);
}

/* RFC 4443 2.4 (e.3) to (e.6): of what went to many only an option with 10 is told, in the name of
 * an address of ours; nobody and many are not told, and who is not meant says nothing */
Test(ip_icmp, parameter_problem_and_groups)
{
    static const char *const nobody[] = {"::", "::1", "ff02::1", "::ffff:10.0.0.2"};
    static const uint8_t routing[8] = {IP_PROTO_TCP, 0, 99, 1};
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_addr all = v6("ff02::1");
    uint8_t p[100];

    assert_problem(w, p, make_chain6(p, PEER6, all, IPV6_DESTINATION, option_80, 8),
                   GN_DROP_IP_OPTIONS, ICMP6_BAD_OPTION, 42);
    assert_silence(w, p, make_chain6(p, PEER6, all, IPV6_DESTINATION, option_c0, 8),
                   GN_DROP_IP_OPTIONS);
    assert_silence(w, p, make_chain6(p, PEER6, all, IPV6_ROUTING, routing, 8), GN_DROP_IP_OPTIONS);
    assert_silence(w, p, make6(p, PEER6, all, 132, 20), GN_DROP_IP_PROTOCOL);
    assert_silence(w, p, make_chain6(p, PEER6, v6("ff02::77"), IPV6_DESTINATION, option_80, 8),
                   GN_DROP_IP_OPTIONS);
    assert_silence(w, p, make_chain6(p, PEER6, v6("fd00::77"), IPV6_DESTINATION, option_80, 8),
                   GN_DROP_IP_OPTIONS);
    assert_silence(w, p, make_chain6(p, PEER6, US, IPV6_DESTINATION, option_80, 8),
                   GN_DROP_IP_OPTIONS);
    for (unsigned i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
        assert_silence(w, p, make_chain6(p, v6(nobody[i]), US6, IPV6_DESTINATION, option_80, 8),
                       GN_DROP_IP_OPTIONS);
    world_free(w);
}

/* (e.4), (e.5): the link's groups are as good as the network's */
Test(ip_icmp, parameter_problem_and_groups_of_the_link)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    uint8_t p[200];
    uint32_t at = make_eth(p, ALL_MAC, PEER_MAC, ETH_IPV6), len;

    len = at + make_chain6(p + at, PEER6, US6, IPV6_DESTINATION, option_c0, 8);
    input(w, p, len);
    cr_assert_not(output(w));
    p[at + 42] = 0x80;
    input(w, p, len);
    cr_assert(output(w), "its sender is not known yet");
    cr_assert_eq(w->f.data[14 + 40], ICMP6_NEIGHBOUR_SOLICIT);
    world_free(w);
}

/* RFC 4443 2.4 (e.1), (e.2): not about errors, wherever they are in the packet */
Test(ip_icmp, no_parameter_problem_about_errors)
{
    static const struct {
        uint8_t type;
        bool said;
    } row[] = {{ICMP6_UNREACHABLE, false},
               {ICMP6_PARAM_PROBLEM, false},
               {100, false},
               {127, false},
               {ICMP6_REDIRECT, false},
               {ICMP6_ECHO, true},
               {ICMP6_ECHO_REPLY, true},
               {255, true}};
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[100];

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint8_t chain[24] = {IPV6_ROUTING, 0, 0x80, 4, [8] = IP_PROTO_ICMP6, 0, 9, 9};
        uint32_t len;

        chain[16] = row[i].type;
        len = make_chain6(p, PEER6, US6, IPV6_DESTINATION, chain, 24);
        if (row[i].said)
            assert_problem(w, p, len, GN_DROP_IP_OPTIONS, ICMP6_BAD_OPTION, 42);
        else
            assert_silence(w, p, len, GN_DROP_IP_OPTIONS);
        assert_silence(w, p, make_chain6(p, PEER6, US6, IPV6_DESTINATION, chain, 16),
                       GN_DROP_IP_OPTIONS);
    }
    world_free(w);
}

/* a fragment of an error is given up without a word, in both families */
Test(ip_icmp, no_time_exceeded_about_errors)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t f[8 + 48] = {IP_PROTO_ICMP6, 0, 0, 1, 0, 0, 0, 7}, p[100];

    for (unsigned i = 0; i < 2; i++) {
        unsigned said = 0;

        f[8] = i ? ICMP6_ECHO : ICMP6_UNREACHABLE;
        input(w, p, make_chain6(p, PEER6, US6, IPV6_FRAGMENT, f, sizeof f));
        cr_assert_eq(w->drop, GN_DROP_NONE);
        make4(p, PEER, US, IP_PROTO_ICMP, 48);
        p[6] = 0x20;
        p[20] = i ? ICMP4_ECHO : ICMP4_UNREACHABLE;
        finish4(p);
        input(w, p, 68);
        cr_assert_eq(w->drop, GN_DROP_NONE);
        w->e.now += 60 * GN_SEC;
        ip_timeouts(&w->ip, &w->e);
        cr_assert_eq(w->stats.drop[GN_DROP_FRAG_TIMEOUT], 2 * (i + 1));
        while (output(w))
            said++;
        cr_assert_eq(said, 2 * i);
    }
    world_free(w);
}

/* out of the one bucket of all errors */
Test(ip_icmp, parameter_problems_are_rate_limited)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    uint8_t p[100];
    uint32_t len = make_chain6(p, PEER6, US6, IPV6_DESTINATION, option_80, 8);
    unsigned sent = 0;

    w->conf.icmp_ratelimit = 10;
    w->e.now += GN_SEC;
    for (unsigned i = 0; i < 100; i++) {
        input(w, p, len);
        while (output(w))
            sent++;
    }
    cr_assert_eq(sent, 10);
    cr_assert_eq(w->stats.drop[GN_DROP_RATE_LIMITED], 90);
    world_free(w);
}
