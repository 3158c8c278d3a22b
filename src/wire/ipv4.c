/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ipv4.c  IPv4 headers.
 */
#include "wire/ipv4.h"

#include "base/bits.h"
#include "wire/checksum.h"
#include "wire/frag.h"

#define OFF_VERSION 0
#define OFF_TOS     1
#define OFF_TOTAL   2
#define OFF_IDENT   4
#define OFF_FRAG    6
#define OFF_TTL     8
#define OFF_PROTO   9
#define FRAG_MASK   0x1fff

enum option {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_LSRR = 131,
    OPTION_SSRR = 137,
};

/** walk_options() - false: a length of 0 or 1, or one beyond the end. Unknown options are passed
 * over (MUST-50) */
static bool walk_options(const uint8_t *p, const uint8_t *end, bool *ret_source_route)
{
    bool source_route = false;

    while (p < end && p[0] != OPTION_END) {
        if (p[0] == OPTION_NOP) {
            p++;
            continue;
        }
        if (end - p < 2 || p[1] < 2 || p[1] > end - p)
            return false;
        if (p[0] == OPTION_LSRR || p[0] == OPTION_SSRR)
            source_route = true;
        p += p[1];
    }
    *ret_source_route = source_route;
    return true;
}

/** check() - is there a whole header? *ret_source_route: with such an option */
static enum gn_drop check(const uint8_t *p, uint32_t len, bool *ret_source_route)
{
    uint32_t header_len;

    *ret_source_route = false;
    if (len < IPV4_HEADER)
        return GN_DROP_IP_TRUNCATED;
    if (p[OFF_VERSION] >> 4 != 4)
        return GN_DROP_IP_VERSION;
    header_len = (p[OFF_VERSION] & 15u) * 4;
    if (header_len < IPV4_HEADER)
        return GN_DROP_IP_HEADER_LEN;
    if (header_len > len)
        return GN_DROP_IP_TRUNCATED;
    if (header_len > IPV4_HEADER &&
        !walk_options(p + IPV4_HEADER, p + header_len, ret_source_route))
        return GN_DROP_IP_OPTIONS;
    return GN_DROP_NONE;
}

/** decode() - a header that is there as a value. It is written once, where it will be read: a copy
 * of what was made piece by piece would have to wait for all of them */
static void decode(const uint8_t *p, bool source_route, struct ipv4 *ret)
{
    uint16_t frag = get16(p + OFF_FRAG);

    ret->header_len = (uint16_t)((p[OFF_VERSION] & 15) * 4);
    ret->source_route = source_route;
    ret->df = frag & IPV4_DF;
    ret->more = frag & IPV4_MORE;
    ret->frag_off = (uint16_t)((frag & FRAG_MASK) * 8);
    ret->tos = p[OFF_TOS];
    ret->total_len = get16(p + OFF_TOTAL);
    ret->ident = get16(p + OFF_IDENT);
    ret->ttl = p[OFF_TTL];
    ret->proto = p[OFF_PROTO];
    ret->src = ipv4_load(p + IPV4_OFF_SRC);
    ret->dst = ipv4_load(p + IPV4_OFF_DST);
}

enum gn_drop ipv4_parse(const uint8_t *p, uint32_t len, uint32_t frame_total, struct ipv4 *ret)
{
    uint32_t header_len, total_len;
    bool source_route;
    enum gn_drop drop = check(p, len, &source_route);
    uint16_t frag;

    if (drop != GN_DROP_NONE)
        return drop;
    header_len = (p[OFF_VERSION] & 15u) * 4;
    if (header_len == IPV4_HEADER ? !ipv4_sum20(p) : csum_finish(csum(p, header_len)) != 0)
        return GN_DROP_IP_CHECKSUM;
    /* MAL-01, MAL-60: what the header claims must be there; more than that is link padding */
    total_len = get16(p + OFF_TOTAL);
    if (total_len < header_len || total_len > frame_total)
        return GN_DROP_IP_TRUNCATED;
    frag = get16(p + OFF_FRAG);
    if (frag & (FRAG_MASK | IPV4_MORE)) {
        struct frag f = {(frag & FRAG_MASK) * 8u, total_len - header_len, frag & IPV4_MORE};

        drop = frag_check(&f, p[OFF_PROTO]);
        if (drop != GN_DROP_NONE)
            return drop;
    }
    decode(p, source_route, ret);
    return GN_DROP_NONE;
}

enum gn_drop ipv4_parse_quoted(const uint8_t *p, uint32_t len, struct ipv4 *ret)
{
    bool source_route;
    enum gn_drop drop = check(p, len, &source_route);

    if (drop == GN_DROP_NONE)
        decode(p, source_route, ret);
    return drop;
}
