/* SPDX-License-Identifier: BSD-2-Clause */
/* What routers on a path do: mark, say that a packet is too big. Through a pipe and through the
 * simulated network. */
#include "link/pipe.h"
#include "link/router.h"

#include "unit/link/packets.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#include <criterion/criterion.h>
#include <gannet/link.h>

/** packet4() - an IPv4 packet of @len octets, mostly zero */
static void packet4(uint8_t *p, uint16_t len, uint8_t tos, bool df)
{
    struct ipv4 h = {.src = gn_addr_v4(10, 0, 0, 1),
                     .dst = gn_addr_v4(10, 9, 0, 2),
                     .proto = 6,
                     .tos = tos,
                     .ttl = 64,
                     .df = df,
                     .total_len = len};

    memset(p, 0, len);
    (void)ipv4_emit(&h, p);
}

/** packet6() - the same of IPv6 */
static void packet6(uint8_t *p, uint16_t len, uint8_t tclass)
{
    struct ipv6 h = {.next = 6, .tclass = tclass, .hlim = 64, .total_len = len};

    (void)gn_addr_parse("fd00::1", &h.src);
    (void)gn_addr_parse("fd00::2", &h.dst);
    memset(p, 0, len);
    (void)ipv6_emit(&h, p);
}

Test(router, marks_only_who_speaks_ecn)
{
    uint8_t p[100];
    struct ipv4 h4;
    struct ipv6 h6;

    packet4(p, sizeof p, 0xb8, true);
    cr_assert_not(router_ect(p, sizeof p));
    packet4(p, sizeof p, 0xb8 | 2, true);
    cr_assert(router_ect(p, sizeof p));
    cr_assert_not(router_ect(p, 19));
    router_mark(p);
    cr_assert_eq(ipv4_parse(p, sizeof p, sizeof p, &h4), GN_DROP_NONE, "the checksum is right");
    cr_assert_eq(h4.tos, 0xb8 | 3);

    packet6(p, sizeof p, 0xb8);
    cr_assert_not(router_ect(p, sizeof p));
    packet6(p, sizeof p, 0xb8 | 1);
    cr_assert(router_ect(p, sizeof p));
    cr_assert_not(router_ect(p, 39));
    router_mark(p);
    cr_assert_eq(ipv6_parse(p, sizeof p, sizeof p, &h6), GN_DROP_NONE);
    cr_assert_eq(h6.tclass, 0xb8 | 3);

    memset(p, 0xff, sizeof p); /* neither */
    cr_assert_not(router_ect(p, sizeof p));
}

Test(router, says_too_big_over_ipv4)
{
    uint8_t p[1500], e[ROUTER_ERROR_MAX];
    struct gn_addr host = gn_addr_v4(10, 0, 0, 1), router = gn_addr_v4(10, 9, 0, 254);
    struct icmp m;
    struct ipv4 h;
    uint32_t len;

    packet4(p, sizeof p, 0, true);
    len = router_too_big(p, sizeof p, 1300, e);
    cr_assert_eq(len, 576);
    cr_assert_eq(ipv4_parse(e, len, len, &h), GN_DROP_NONE);
    cr_assert(gn_addr_eq(&h.dst, &host));
    cr_assert(gn_addr_eq(&h.src, &router));
    cr_assert_eq(icmp4_parse(e + h.header_len, len - h.header_len, &m), GN_DROP_NONE);
    cr_assert_eq(m.type, ICMP4_UNREACHABLE);
    cr_assert_eq(m.code, ICMP4_FRAG_NEEDED);
    cr_assert_eq(m.rest, 1300);
    cr_assert_eq(memcmp(m.body, p, m.body_len), 0);

    packet4(p, sizeof p, 0, false);
    cr_assert_eq(router_too_big(p, sizeof p, 1300, e), 0, "it may be cut up");
    packet4(p, sizeof p, 0, true);
    p[9] = 1;
    cr_assert_eq(router_too_big(p, sizeof p, 1300, e), 0, "no error about what may be an error");
}

Test(router, says_too_big_over_ipv6)
{
    uint8_t p[1500], e[ROUTER_ERROR_MAX];
    struct icmp m;
    struct ipv6 h;
    uint32_t len;

    packet6(p, sizeof p, 0);
    len = router_too_big(p, sizeof p, 1300, e);
    cr_assert_eq(len, 576);
    cr_assert_eq(ipv6_parse(e, len, len, &h), GN_DROP_NONE);
    cr_assert_eq(icmp6_parse(&h.src, &h.dst, e + h.header_len, len - h.header_len, &m),
                 GN_DROP_NONE);
    cr_assert_eq(m.type, ICMP6_PACKET_TOO_BIG);
    cr_assert_eq(m.rest, 1300);
    p[6] = 58;
    cr_assert_eq(router_too_big(p, sizeof p, 1300, e), 0);
    cr_assert_eq(router_too_big(p, 0, 1300, e), 0);
}

/** offer_burst() - @n packets at once to a pipe with AQM; how many are lost to it, how many marked
 */
static void offer_burst(unsigned n, uint8_t tos, unsigned *ret_lost, unsigned *ret_marked)
{
    /* 1500 octets take 1 ms */
    struct gn_pipe_config c = {.rate = 12000000, .aqm_from = 10 * GN_MSEC, .aqm_to = 30 * GN_MSEC};
    uint8_t p[1500];
    struct pipe pipe;

    packet4(p, sizeof p, tos, true);
    *ret_lost = *ret_marked = 0;
    cr_assert(pipe_init(&pipe, &c, 1, 1));
    for (unsigned i = 0; i < n; i++) {
        struct pipe_verdict v = pipe_offer(&pipe, p, sizeof p, 0);

        *ret_lost += v.loss == GN_LOSS_AQM;
        *ret_marked += v.mark;
    }
    pipe_fini(&pipe);
}

Test(router, a_long_queue_marks_or_loses)
{
    unsigned lost, marked;

    offer_burst(11, 0, &lost, &marked); /* the last one waits 10 ms */
    cr_assert_eq(lost + marked, 0);
    offer_burst(60, 2, &lost, &marked);
    cr_assert_eq(lost, 0);
    cr_assert_geq(marked, 60 - 30, "all beyond 30 ms");
    cr_assert_lt(marked, 60 - 11, "not all below");
    offer_burst(1000, 0, &lost, &marked);
    cr_assert_eq(marked, 0);
    cr_assert_geq(lost, 1000 - 31, "the queue does not grow beyond 30 ms");
    cr_assert_lt(lost, 1000 - 11);
}

Test(router, the_simulated_network_marks_and_says_too_big)
{
    struct gn_sim_config c = {
        .ports = 2, .too_big = true, .pipe = {{.rate = 12000000, .aqm_to = 1}}};
    struct gn_sim *s = gn_sim_new(&c);
    uint8_t p[1500];
    struct gn_frame out = {.data = p, .len = sizeof p}, in[4];
    struct ipv4 h;

    packet4(p, sizeof p, 2, true);
    cr_assert_eq(gn_link_tx(gn_sim_port(s, 0), &out, 1, 0), 1);
    cr_assert_eq(gn_link_tx(gn_sim_port(s, 0), &out, 1, 0), 1);
    cr_assert_eq(gn_link_rx(gn_sim_port(s, 1), in, 4, 2 * GN_MSEC), 2);
    cr_assert_eq(ipv4_parse(in[0].data, in[0].len, in[0].len, &h), GN_DROP_NONE);
    cr_assert_eq(h.tos, 2, "nothing was before it");
    cr_assert_eq(ipv4_parse(in[1].data, in[1].len, in[1].len, &h), GN_DROP_NONE);
    cr_assert_eq(h.tos, 3);

    gn_sim_set_mtu(s, 1400);
    cr_assert_eq(gn_link_tx(gn_sim_port(s, 0), &out, 1, 5 * GN_MSEC), 1);
    cr_assert_eq(gn_link_rx(gn_sim_port(s, 1), in, 4, GN_SEC), 0);
    cr_assert_eq(gn_link_rx(gn_sim_port(s, 0), in, 4, GN_SEC), 1);
    cr_assert_eq(ipv4_parse(in[0].data, in[0].len, in[0].len, &h), GN_DROP_NONE);
    cr_assert_eq(h.proto, 1);
    gn_sim_free(s);
}
