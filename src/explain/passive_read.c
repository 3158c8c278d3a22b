/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_read.c  Headers of captured packets.
 *
 * An observer is more lenient than a host: checksums that hardware was still to write, lengths of
 * super-segments that are 0, text that was not captured and options that make no sense do not keep
 * it from saying what the ends did. Nothing outside the captured octets is read.
 */
#include "explain/passive_parts.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_ICMPV6 58

/** What an IP header says. */
struct network {
    struct gn_addr src, dst;
    uint8_t proto;
    bool fragment;
    uint16_t ident;
    uint32_t header; /* octets */
    uint32_t total;  /* octets of the packet; 0: not said (a super-segment) */
};

/** read_ip() - false: neither IPv4 nor IPv6, or cut off inside its headers */
static bool read_ip(const uint8_t *ip, uint32_t len, struct network *n)
{
    struct ipv4 v4;
    struct ipv6 v6;

    if (len == 0)
        return false;
    if (ip[0] >> 4 == 4 && ipv4_parse_quoted(ip, len, &v4) == GN_DROP_NONE) {
        *n = (struct network){v4.src,   v4.dst,        v4.proto,    ipv4_is_fragment(&v4),
                              v4.ident, v4.header_len, v4.total_len};
        return true;
    }
    if (ip[0] >> 4 == 6 && ipv6_parse_quoted(ip, len, &v6) == GN_DROP_NONE) {
        *n = (struct network){v6.src,
                              v6.dst,
                              v6.next,
                              ipv6_is_fragment(&v6),
                              0,
                              v6.header_len,
                              v6.total_len > IPV6_HEADER ? v6.total_len : 0};
        return true;
    }
    return false;
}

/** parse_tcp() - a header of which @len octets were captured, 20 at least; options that are cut off
 * or broken are left out; false: data offset below 5 */
static bool parse_tcp(const uint8_t *t, uint32_t len, struct seg *ret)
{
    uint8_t header[TCP_HEADER_MAX];
    uint32_t have = min_u32(len, TCP_HEADER_MAX) & ~3u;
    uint32_t words = t[12] >> 4;

    if (words * 4 < TCP_HEADER_MIN)
        return false;
    memcpy(header, t, have);
    if (words * 4 > have)
        header[12] = (uint8_t)(have / 4 << 4 | (header[12] & 15));
    else
        have = words * 4;
    if (tcp_parse(header, have, NULL, 0, ret) == GN_DROP_NONE)
        return true;
    header[12] = (uint8_t)(TCP_HEADER_MIN / 4 << 4 | (header[12] & 15));
    return tcp_parse(header, TCP_HEADER_MIN, NULL, 0, ret) == GN_DROP_NONE;
}

/** read_tcp() - behind the IP header: @have octets captured of @all */
static enum reading read_tcp(const uint8_t *t, uint32_t have, uint32_t all, struct sighting *s,
                             bool *ret_cut)
{
    if (have < TCP_HEADER_MIN || !parse_tcp(t, have, &s->seg))
        return READ_MALFORMED;
    uint32_t header = (uint32_t)(t[12] >> 4) * 4;
    if (header > all)
        return READ_MALFORMED;
    s->seg.text_len = all - header;
    s->seg.n_text = 0;
    s->src.port = s->seg.key.rport;
    s->dst.port = s->seg.key.lport;
    *ret_cut = have < all;
    return READ_TCP;
}

/** read_icmp() - is it an error about a TCP segment? */
static enum reading read_icmp(const uint8_t *p, uint32_t have, bool v6, struct sighting *s)
{
    struct icmp m;
    struct network n;

    if (have < ICMP_HEADER)
        return READ_MALFORMED;
    icmp_read(p, have, &m);
    if (!(v6 ? icmp6_is_error(&m) : icmp4_is_error(&m)))
        return READ_OTHER;
    if (!read_ip(m.body, m.body_len, &n) || n.proto != PROTO_TCP || n.header + 8 > m.body_len)
        return READ_OTHER;
    s->icmp = true;
    s->icmp_type = m.type;
    s->icmp_code = m.code;
    s->src = (struct gn_endpoint){n.src, get16(m.body + n.header)};
    s->dst = (struct gn_endpoint){n.dst, get16(m.body + n.header + 2)};
    s->seg = (struct seg){.seq = seq(get32(m.body + n.header + 4))};
    return READ_ICMP;
}

enum reading passive_read(const uint8_t *ip, uint32_t captured, uint32_t length,
                          struct sighting *ret, bool *ret_cut)
{
    struct network n;
    bool v6;

    *ret_cut = false;
    if (!read_ip(ip, min_u32(captured, length), &n))
        return READ_MALFORMED;
    v6 = ip[0] >> 4 == 6;
    if (n.total == 0) /* the length is left to hardware that cuts super-segments up */
        n.total = length;
    if (n.total < n.header || n.total > length)
        return READ_MALFORMED;
    if (n.fragment)
        return n.proto == PROTO_TCP ? READ_FRAGMENT : READ_OTHER;
    captured = min_u32(captured, n.total);
    ret->src.addr = n.src;
    ret->dst.addr = n.dst;
    ret->ident = n.ident;
    ret->icmp = false;
    if (n.proto == PROTO_TCP)
        return read_tcp(ip + n.header, captured - n.header, n.total - n.header, ret, ret_cut);
    if (n.proto == (v6 ? PROTO_ICMPV6 : PROTO_ICMP))
        return read_icmp(ip + n.header, captured - n.header, v6, ret);
    return READ_OTHER;
}
