/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file router.c  See router.h. The router has the address of the packet's destination with another
 * last octet, so errors come from where they would.
 */
#include "link/router.h"

#include "base/bits.h"
#include "wire/checksum.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

#define ECN_CE      3u
#define ROUTER_HOST 254 /* last octet of its addresses */
#define PROTO_ICMP  1
#define PROTO_ICMP6 58

bool router_ect(const uint8_t *ip, uint32_t len)
{
    if (len >= IPV4_HEADER && ip[0] >> 4 == 4)
        return (ip[1] & ECN_CE) != 0;
    return len >= IPV6_HEADER && ip[0] >> 4 == 6 && (ip[1] >> 4 & ECN_CE) != 0;
}

void router_mark(uint8_t *ip)
{
    if (ip[0] >> 4 == 6) {
        ip[1] |= ECN_CE << 4;
        return;
    }
    ip[1] |= ECN_CE;
    put16(ip + 10, 0);
    put16(ip + 10, csum_finish(csum(ip, (ip[0] & 15u) * 4)));
}

/** too_big4() - router_too_big() of IPv4; a packet that may be cut up gets no answer */
static uint32_t too_big4(const uint8_t *ip, uint32_t len, uint16_t mtu, uint8_t *ret)
{
    struct icmp m = {.type = ICMP4_UNREACHABLE,
                     .code = ICMP4_FRAG_NEEDED,
                     .rest = mtu,
                     .body = ip,
                     .body_len = min_u32(len, ROUTER_ERROR_MAX - IPV4_HEADER - ICMP_HEADER)};
    struct ipv4 h, out = {.proto = PROTO_ICMP, .ttl = 64};

    if (ipv4_parse(ip, len, len, &h) || !h.df || h.frag_off != 0 || h.proto == PROTO_ICMP)
        return 0;
    out.dst = h.src;
    out.src = h.dst;
    out.src.b[15] = ROUTER_HOST;
    out.total_len = (uint16_t)(IPV4_HEADER + icmp4_emit(&m, ret + IPV4_HEADER));
    (void)ipv4_emit(&out, ret);
    return out.total_len;
}

/** too_big6() - router_too_big() of IPv6 */
static uint32_t too_big6(const uint8_t *ip, uint32_t len, uint16_t mtu, uint8_t *ret)
{
    struct icmp m = {.type = ICMP6_PACKET_TOO_BIG,
                     .rest = mtu,
                     .body = ip,
                     .body_len = min_u32(len, ROUTER_ERROR_MAX - IPV6_HEADER - ICMP_HEADER)};
    struct ipv6 h, out = {.next = PROTO_ICMP6, .hlim = 64};

    if (ipv6_parse(ip, len, len, &h) || h.next == PROTO_ICMP6)
        return 0;
    out.dst = h.src;
    out.src = h.dst;
    out.src.b[15] = ROUTER_HOST;
    out.total_len = IPV6_HEADER + icmp6_emit(&out.src, &out.dst, &m, ret + IPV6_HEADER);
    (void)ipv6_emit(&out, ret);
    return out.total_len;
}

uint32_t router_too_big(const uint8_t *ip, uint32_t len, uint16_t mtu,
                        uint8_t ret[ROUTER_ERROR_MAX])
{
    if (len > 0 && ip[0] >> 4 == 4)
        return too_big4(ip, len, mtu, ret);
    return len > 0 && ip[0] >> 4 == 6 ? too_big6(ip, len, mtu, ret) : 0;
}
