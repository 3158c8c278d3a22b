/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file dissect.c  Packets from the stack: checked, and taken apart.
 */
#include "packet.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
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

/** take_raw() - the octets of an option whose meaning is not ours */
static void take_raw(struct option *o, const uint8_t *p, uint32_t n)
{
    o->len = (uint8_t)n;
    memcpy(o->raw, p, n);
}

/** take_option() - one with a length, @n octets behind it */
static void take_option(struct option *o, const uint8_t *p, uint32_t n)
{
    if (o->kind == OPTION_MSS && n == 2) {
        o->num[0] = get16(p);
    } else if (o->kind == OPTION_WSCALE && n == 1) {
        o->num[0] = p[0];
    } else if (o->kind == OPTION_TS && n == 8) {
        o->num[0] = get32(p);
        o->num[1] = get32(p + 4);
    } else if (o->kind == OPTION_SACK && n % 8 == 0 && n / 4 <= 2 * MAX_BLOCKS) {
        for (o->n = 0; 4u * o->n < n; o->n++)
            o->num[o->n] = get32(p + 4 * o->n);
    } else {
        take_raw(o, p, n);
    }
}

/** take_options() - MUST-64, MUST-68, MUST-69: well-formed to the end, padded with zeros */
static const char *take_options(const uint8_t *p, uint32_t n, struct packet_spec *ret)
{
    uint32_t i = 0;

    while (i < n) {
        struct option *o = &ret->option[ret->n_option];

        if (ret->n_option == MAX_OPTIONS)
            return "more options than this program can hold";
        o->kind = p[i];
        if (p[i] == OPTION_EOL)
            break;
        ret->n_option++;
        if (p[i] == OPTION_NOP) {
            i++;
            continue;
        }
        if (i + 2 > n || p[i + 1] < 2 || i + p[i + 1] > n)
            return "an option with a bad length";
        take_option(o, p + i + 2, p[i + 1] - 2u);
        i += p[i + 1];
    }
    for (; i < n; i++)
        if (p[i])
            return "padding that is not zero";
    return NULL;
}

/** take_tcp() - header and options */
static const char *take_tcp(const uint8_t *p, uint32_t len, struct seen *ret)
{
    struct packet_spec *s = &ret->spec;
    uint32_t hl;

    s->kind = PACKET_TCP;
    if (len < 20)
        return "a TCP header cut off";
    hl = (uint32_t)(p[12] >> 4) * 4;
    if (hl < 20 || hl > len)
        return "a bad data offset";
    ret->tuple.sport = get16(p);
    ret->tuple.dport = get16(p + 2);
    s->seq = get32(p + 4);
    s->ack = get32(p + 8);
    s->ctl = get16(p + 12) & 0x1ff;
    s->win = get16(p + 14);
    s->urg = get16(p + 18);
    s->has_ack = (s->ctl & FLAG_ACK) != 0;
    s->has_urg = (s->ctl & FLAG_URG) != 0;
    s->has_win = true;
    s->len = len - hl;
    s->seq_end = s->seq + s->len;
    ret->text = p + hl;
    if (get16(p + 12) & 0xe00)
        return "reserved bits that are not zero";
    if (!s->has_ack && s->ack)
        return "an acknowledgment number without the ACK flag";
    return take_options(p + 20, hl - 20, s);
}

/** take_transport() - whatever the IP header says comes */
static const char *take_transport(uint8_t proto, const uint8_t *p, uint32_t len, struct seen *ret)
{
    const struct tuple *t = &ret->tuple;
    uint32_t n = t->v6 ? 16 : 4;
    uint8_t rest[4] = {0, proto, (uint8_t)(len >> 8), (uint8_t)len};
    uint32_t sum = sum16(sum16(sum16(0, t->src, n), t->dst, n), rest, 4);

    if (sum16(proto == 1 ? 0 : sum, p, len) != 0xffff)
        return "a bad checksum"; /* MUST-2 */
    if (proto == 6)
        return take_tcp(p, len, ret);
    if (proto != 1 && proto != 58)
        return "neither TCP nor ICMP";
    if (len < 8)
        return "an ICMP message cut off";
    ret->spec.kind = PACKET_ICMP;
    ret->icmp_type = p[0];
    ret->icmp_code = p[1];
    return NULL;
}

const char *packet_dissect(const uint8_t *p, uint32_t len, struct seen *ret)
{
    struct tuple *t = &ret->tuple;

    memset(ret, 0, sizeof(*ret));
    ret->spec.icmp_mtu = -1;
    if (len >= 40 && p[0] >> 4 == 6) {
        t->v6 = true;
        memcpy(t->src, p + 8, 16);
        memcpy(t->dst, p + 24, 16);
        ret->spec.tos = (uint8_t)(get16(p) >> 4);
        ret->spec.ttl = p[7];
        if (get16(p + 4) + 40u != len)
            return "a wrong IPv6 payload length";
        return take_transport(p[6], p + 40, len - 40, ret);
    }
    if (len < 20 || p[0] != 0x45)
        return "neither IPv4 (without options) nor IPv6";
    memcpy(t->src, p + 12, 4);
    memcpy(t->dst, p + 16, 4);
    ret->spec.tos = p[1];
    ret->spec.ttl = p[8];
    if (get16(p + 2) != len)
        return "a wrong IPv4 total length";
    if (sum16(0, p, 20) != 0xffff)
        return "a bad IPv4 header checksum";
    if (get16(p + 6) & 0x3fff)
        return "a fragment";
    return take_transport(p[9], p + 20, len - 20, ret);
}
