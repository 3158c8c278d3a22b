/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file support.h  What the tests of the IP layer share: a host's worth of IP on virtual time, and
 * packets to throw at it.
 */
#ifndef GN_TESTS_IP_SUPPORT_H
#define GN_TESTS_IP_SUPPORT_H

#include "base/bits.h"
#include "ip/ip.h"
#include "unit/base/pages.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define OUR_MAC   ((const uint8_t[6]){0x02, 0, 0, 0, 0, 0x01})
#define PEER_MAC  ((const uint8_t[6]){0x02, 0, 0, 0, 0, 0x02})
#define OTHER_MAC ((const uint8_t[6]){0x02, 0, 0, 0, 0, 0x03})
#define ALL_MAC   ((const uint8_t[6]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff})

/** One host's IP layer. */
struct world {
    struct pages pages;
    struct mem mem;
    struct gn_conf conf;
    struct gn_stats stats;
    struct ip_env e;
    struct ip ip;
    /* results of the last input(), the frame it was given, and the last frame taken out */
    struct ip_packet got;
    enum gn_drop drop;
    uint8_t *in;
    uint8_t out[2048];
    struct gn_frame f;
};

static inline struct gn_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return gn_addr_v4(a, b, c, d);
}

/** v6() - an address from text */
static inline struct gn_addr v6(const char *text)
{
    struct gn_addr a;

    cr_assert(gn_addr_parse(text, &a), "%s", text);
    return a;
}

#define ASSERT_ADDR(x, y) cr_assert_arr_eq((x).b, (y).b, 16)

/** world_new() - one interface of @medium, 10.0.0.1/24 and fd00::1/64, default routes to .254 and
 * ::fe; nothing is queued */
static inline struct world *world_new(enum gn_medium medium)
{
    static const uint8_t secret[32] = "thirty-two octets of pure secret";
    struct gn_iface i = {.medium = medium, .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500};
    struct world *w = calloc(1, sizeof *w);

    mem_init(&w->mem, pages_source(&w->pages), 64u << 20);
    gn_conf_default(&w->conf);
    w->e =
        (struct ip_env){.now = 1000 * GN_SEC, .conf = &w->conf, .mem = &w->mem, .stats = &w->stats};
    ip_init(&w->ip, &w->e, secret);
    cr_assert_eq(ip_add_iface(&w->ip, &i), 0);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 0, 0, 1), 24), GN_OK);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v6("fd00::1"), 64), GN_OK);
    cr_assert_eq(ip_add_route(&w->ip, 0, v4(0, 0, 0, 0), 0, v4(10, 0, 0, 254)), GN_OK);
    cr_assert_eq(ip_add_route(&w->ip, 0, v6("::"), 0, v6("fd00::fe")), GN_OK);
    own_clear(&w->ip.own, &w->mem);
    memset(&w->stats, 0, sizeof w->stats);
    return w;
}

/** world_free() - and nothing may have leaked */
static inline void world_free(struct world *w)
{
    ip_fini(&w->ip, &w->e);
    cr_assert_eq(w->mem.used, 0, "leaked %lu", (unsigned long)w->mem.used);
    mem_fini(&w->mem);
    cr_assert_eq(w->pages.out, 0);
    free(w->in);
    free(w);
}

/** input() - give @p to the layer in a block of exactly its size, so that ASan sees any read beyond
 */
static inline enum ip_verdict input(struct world *w, const void *p, uint32_t len)
{
    struct gn_frame f = {.len = len};

    free(w->in);
    w->in = malloc(len ? len : 1);
    memcpy(w->in, p, len);
    f.data = w->in;
    return ip_input(&w->ip, &w->e, &f, &w->got, &w->drop);
}

/** output() - the next packet of the layer's own into w->f; false: none */
static inline bool output(struct world *w)
{
    w->f = (struct gn_frame){.buf = w->out, .cap = sizeof w->out};
    return ip_output_own(&w->ip, &w->e, &w->f);
}

/** make4() - an IPv4 packet with a payload of @len octets 0, 1, 2 ... at @p; returns its length */
static inline uint32_t make4(uint8_t *p, struct gn_addr src, struct gn_addr dst, uint8_t proto,
                             uint32_t len)
{
    struct ipv4 h = {.src = src,
                     .dst = dst,
                     .proto = proto,
                     .ttl = 64,
                     .total_len = (uint16_t)(IPV4_HEADER + len)};
    uint32_t at = ipv4_emit(&h, p);

    for (uint32_t i = 0; i < len; i++)
        p[at + i] = (uint8_t)i;
    return at + len;
}

/** make6() - the same for IPv6 */
static inline uint32_t make6(uint8_t *p, struct gn_addr src, struct gn_addr dst, uint8_t proto,
                             uint32_t len)
{
    struct ipv6 h = {
        .src = src, .dst = dst, .next = proto, .hlim = 255, .total_len = IPV6_HEADER + len};
    uint32_t at = ipv6_emit(&h, p);

    for (uint32_t i = 0; i < len; i++)
        p[at + i] = (uint8_t)i;
    return at + len;
}

/** make_eth() - an Ethernet header at @p; returns its length */
static inline uint32_t make_eth(uint8_t *p, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
    struct eth e = {.type = type};

    memcpy(e.dst, dst, 6);
    memcpy(e.src, src, 6);
    return eth_emit(&e, p);
}

/** finish4() - the checksum of a header that a test has changed */
static inline void finish4(uint8_t *p)
{
    put16(p + 10, 0);
    put16(p + 10, csum_finish(csum(p, (p[0] & 15u) * 4u)));
}

/** make_icmp4() - an ICMP packet; returns its length */
static inline uint32_t make_icmp4(uint8_t *p, struct gn_addr src, struct gn_addr dst, uint8_t type,
                                  uint8_t code, uint32_t rest, const void *body, uint32_t len)
{
    struct icmp m = {.type = type, .code = code, .rest = rest, .body = body, .body_len = len};

    make4(p, src, dst, IP_PROTO_ICMP, ICMP_HEADER + len);
    return IPV4_HEADER + icmp4_emit(&m, p + IPV4_HEADER);
}

/** make_icmp6() - an ICMPv6 packet; returns its length */
static inline uint32_t make_icmp6(uint8_t *p, struct gn_addr src, struct gn_addr dst, uint8_t type,
                                  uint8_t code, uint32_t rest, const void *body, uint32_t len)
{
    struct icmp m = {.type = type, .code = code, .rest = rest, .body = body, .body_len = len};

    make6(p, src, dst, IP_PROTO_ICMP6, ICMP_HEADER + len);
    return IPV6_HEADER + icmp6_emit(&src, &dst, &m, p + IPV6_HEADER);
}

#endif
