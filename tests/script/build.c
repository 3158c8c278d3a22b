/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file build.c  Packets for the stack.
 */
#include "packet.h"

#include <string.h>

#define TTL 255

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/** sum16() - one's complement sum of octets, added to @sum */
static uint32_t sum16(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/** transport_sum() - over pseudo-header and @len octets at @p; 0xffff if a checksum inside is right
 */
static uint32_t transport_sum(const struct tuple *t, uint8_t proto, const uint8_t *p, uint32_t len)
{
    uint32_t n = t->v6 ? 16 : 4, sum = sum16(0, t->src, n);
    uint8_t rest[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};

    return sum16(sum16(sum16(sum, t->dst, n), rest, 4), p, len);
}

/** put_ip() - a header for @len octets of @proto; its length */
static uint32_t put_ip(const struct packet_spec *s, const struct tuple *t, uint8_t proto,
                       uint32_t len, uint8_t *p)
{
    uint8_t ttl = s->ttl < 0 ? TTL : (uint8_t)s->ttl;

    if (t->v6) {
        put32(p, 6u << 28 | (uint32_t)s->tos << 20);
        put16(p + 4, len);
        p[6] = proto;
        p[7] = ttl;
        memcpy(p + 8, t->src, 16);
        memcpy(p + 24, t->dst, 16);
        return 40;
    }
    memset(p, 0, 20);
    p[0] = 0x45;
    p[1] = s->tos;
    put16(p + 2, 20 + len);
    p[6] = 0x40; /* do not fragment */
    p[8] = ttl;
    p[9] = proto;
    memcpy(p + 12, t->src, 4);
    memcpy(p + 16, t->dst, 4);
    put16(p + 10, ~sum16(0, p, 20) & 0xffff);
    return 20;
}

/** put_option() - one; its length */
static uint32_t put_option(const struct option *o, uint8_t *p)
{
    uint32_t n = 2;

    p[0] = o->kind;
    if (o->kind == OPTION_EOL || o->kind == OPTION_NOP)
        return 1;
    if (o->len) {
        memcpy(p + n, o->raw, o->len);
        n += o->len;
    } else if (o->kind == OPTION_MSS) {
        put16(p + n, o->num[0]);
        n += 2;
    } else if (o->kind == OPTION_WSCALE) {
        p[n++] = (uint8_t)o->num[0];
    } else if (o->kind == OPTION_TS) {
        put32(p + 2, o->num[0]);
        put32(p + 6, o->num[1]);
        n += 8;
    } else if (o->kind == OPTION_SACK) {
        for (unsigned i = 0; i < o->n; i++, n += 4)
            put32(p + n, o->num[i]);
    }
    p[1] = (uint8_t)n;
    return n;
}

/** put_options() - all of them, padded with zeros; octets, or more than 40 */
static uint32_t put_options(const struct packet_spec *s, uint8_t p[128])
{
    uint32_t n = 0;

    memset(p, 0, 128);
    for (unsigned i = 0; i < s->n_option && n <= 40; i++)
        n += put_option(&s->option[i], p + n);
    return (n + 3) & ~3u;
}

/** put_tcp() - header, text and checksum; octets */
static uint32_t put_tcp(const struct script *s, int line, const struct packet_spec *spec,
                        const struct tuple *t, const uint8_t *text, uint8_t *p)
{
    uint8_t opt[128];
    uint32_t n = put_options(spec, opt), len = 20 + n + spec->len;

    if (n > 40)
        fail_at(s, line, "the TCP options need %u octets, 40 are the most", n);
    if (len > PACKET_MAX - 40)
        fail_at(s, line, "the packet would be too long");
    memset(p, 0, 20);
    put16(p, t->sport);
    put16(p + 2, t->dport);
    put32(p + 4, spec->seq);
    put32(p + 8, spec->ack);
    put16(p + 12, (20 + n) / 4 << 12 | spec->ctl);
    put16(p + 14, spec->win);
    put16(p + 18, spec->urg);
    memcpy(p + 20, opt, n);
    if (spec->len)
        memcpy(p + 20 + n, text, spec->len);
    put16(p + 16, ~transport_sum(t, 6, p, len) & 0xffff);
    return len;
}

/** put_icmp() - an error that quotes the beginning of a segment of the stack's */
static uint32_t put_icmp(const struct script *s, int line, const struct packet_spec *spec,
                         const struct tuple *t, uint8_t *p)
{
    struct packet_spec quoted = {.seq = spec->seq, .ttl = 60, .ctl = FLAG_ACK};
    struct tuple back = {.v6 = t->v6, .sport = t->dport, .dport = t->sport};
    uint8_t *q = p + 8;
    uint32_t n;

    if (!icmp_number(t->v6, spec->icmp_type, spec->icmp_code, &p[0], &p[1]))
        fail_at(s, line, "no such ICMP message: %s %s", spec->icmp_type,
                spec->icmp_code ? spec->icmp_code : "");
    memcpy(back.src, t->dst, 16);
    memcpy(back.dst, t->src, 16);
    put32(p + 2, 0);
    put32(p + 4, spec->icmp_mtu < 0 ? 0 : (uint32_t)spec->icmp_mtu);
    n = put_ip(&quoted, &back, 6, 20 + spec->len, q);
    memset(q + n, 0, 20);
    put16(q + n, back.sport);
    put16(q + n + 2, back.dport);
    put32(q + n + 4, spec->seq);
    put16(q + n + 12, 5u << 12 | FLAG_ACK);
    n += 8 + 20;
    put16(p + 2, 0);
    put16(p + 2, ~(t->v6 ? transport_sum(t, 58, p, n) : sum16(0, p, n)) & 0xffff);
    return n;
}

uint32_t packet_build(const struct script *s, int line, const struct packet_spec *p,
                      const struct tuple *t, const uint8_t *text, uint8_t *ret)
{
    uint32_t hl = t->v6 ? 40 : 20, n = 0;
    uint8_t proto = 6;

    switch (p->kind) {
    case PACKET_TCP: n = put_tcp(s, line, p, t, text, ret + hl); break;
    case PACKET_ICMP:
        n = put_icmp(s, line, p, t, ret + hl);
        proto = t->v6 ? 58 : 1;
        break;
    case PACKET_UDP:
        n = 8 + p->len;
        proto = 17;
        memset(ret + hl, 0, n);
        put16(ret + hl, t->sport);
        put16(ret + hl + 2, t->dport);
        put16(ret + hl + 4, n);
        put16(ret + hl + 6, ~transport_sum(t, proto, ret + hl, n) & 0xffff);
        break;
    }
    (void)put_ip(p, t, proto, n, ret);
    return hl + n;
}
