/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_forge.c  Packets that no TCP of ours would send, for demonstrations of attacks.
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

size_t forge(const struct glance *g, uint8_t *p)
{
    bool v4 = gn_addr_is_v4(&g->dst.addr);
    size_t ip = v4 ? 20 : 40, alen = v4 ? 4 : 16;
    uint8_t *src = p + (v4 ? 12 : 8), *t = p + ip;
    memset(p, 0, ip + 20);
    memcpy(src, g->src.addr.b + 16 - alen, alen);
    memcpy(src + alen, g->dst.addr.b + 16 - alen, alen);
    if (v4) {
        p[0] = 0x45;
        put16(p + 2, 40);
        p[8] = 64;
        p[9] = 6;
        put16(p + 10, fold(sum(p, 20, 0)));
    } else {
        p[0] = 0x60;
        put16(p + 4, 20);
        p[6] = 6;
        p[7] = 64;
    }
    put16(t, g->src.port);
    put16(t + 2, g->dst.port);
    put32(t + 4, g->seq);
    put32(t + 8, g->ack);
    t[12] = 5 << 4;
    t[13] = (uint8_t)g->ctl;
    put16(t + 14, g->wnd);
    put16(t + 16, fold(sum(t, 20, sum(src, 2 * alen, 6 + 20))));
    return ip + 20;
}
