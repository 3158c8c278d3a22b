/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_forge.c  Packets that no host of ours would send: for demonstrations of attacks, and
 * to end a capture.
 */
#include "cli/demo.h"

#include <string.h>

/** put16() - in the order of the wire */
static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/** put32() - in the order of the wire */
static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xFFFF);
}

/** sum() - one's complement sum of an even number of octets (RFC 1071) */
static uint32_t sum(const uint8_t *p, size_t n, uint32_t start)
{
    for (size_t i = 0; i < n; i += 2)
        start += (uint32_t)(p[i] << 8 | p[i + 1]);
    return start;
}

/** fold() - the checksum of a sum */
static uint32_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xFFFF) + (s >> 16);
    return ~s & 0xFFFF;
}

/** forge_ip() - the IP header of @len octets of @protocol in @p, all zero there; where these begin.
 * *@ret_sum: of the pseudo-header */
static uint8_t *forge_ip(const struct gn_addr *src, const struct gn_addr *dst, uint8_t protocol,
                         size_t len, uint8_t *p, uint32_t *ret_sum)
{
    bool v4 = gn_addr_is_v4(dst);
    size_t ip = v4 ? 20 : 40, alen = v4 ? 4 : 16;
    uint8_t *at = p + (v4 ? 12 : 8);
    memset(p, 0, ip + len);
    memcpy(at, src->b + 16 - alen, alen);
    memcpy(at + alen, dst->b + 16 - alen, alen);
    if (v4) {
        p[0] = 0x45;
        put16(p + 2, (uint32_t)(ip + len));
        p[8] = 64;
        p[9] = protocol;
        put16(p + 10, fold(sum(p, 20, 0)));
    } else {
        p[0] = 0x60;
        put16(p + 4, (uint32_t)len);
        p[6] = protocol;
        p[7] = 64;
    }
    *ret_sum = sum(at, 2 * alen, protocol + (uint32_t)len);
    return p + ip;
}

size_t forge(const struct glance *g, uint8_t *p)
{
    uint32_t pseudo;
    uint8_t *t = forge_ip(&g->src.addr, &g->dst.addr, 6, 20, p, &pseudo);
    put16(t, g->src.port);
    put16(t + 2, g->dst.port);
    put32(t + 4, g->seq);
    put32(t + 8, g->ack);
    t[12] = 5 << 4;
    t[13] = (uint8_t)g->ctl;
    put16(t + 14, g->wnd);
    put16(t + 16, fold(sum(t, 20, pseudo)));
    return (size_t)(t - p) + 20;
}

size_t forge_echo(const struct gn_addr *src, const struct gn_addr *dst, uint8_t *p)
{
    bool v4 = gn_addr_is_v4(dst);
    uint32_t pseudo;
    uint8_t *t = forge_ip(src, dst, v4 ? 1 : 58, 8, p, &pseudo);
    t[0] = v4 ? 8 : 128;
    put16(t + 2, fold(sum(t, 8, v4 ? 0 : pseudo)));
    return (size_t)(t - p) + 8;
}
