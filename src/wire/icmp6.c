/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp6.c  ICMPv6 messages.
 */
#include "wire/icmp6.h"

#include "wire/checksum.h"
#include "wire/ipv6.h"

#define PROTO_ICMP6   58
#define INFORMATIONAL 128 /* types from here on are no errors (RFC 4443 2.1) */

enum gn_drop icmp6_parse(const struct gn_addr *src, const struct gn_addr *dst, const uint8_t *p,
                         uint32_t len, struct icmp *ret)
{
    if (len < ICMP_HEADER ||
        csum_finish(ipv6_pseudo(src, dst, PROTO_ICMP6, len) + csum(p, len)) != 0)
        return GN_DROP_ICMP_BAD;
    icmp_read(p, len, ret);
    return GN_DROP_NONE;
}

uint32_t icmp6_emit(const struct gn_addr *src, const struct gn_addr *dst, const struct icmp *m,
                    uint8_t *p)
{
    return icmp_write(m, ipv6_pseudo(src, dst, PROTO_ICMP6, ICMP_HEADER + m->body_len), p);
}

bool icmp6_is_error(const struct icmp *m)
{
    return m->type < INFORMATIONAL;
}
