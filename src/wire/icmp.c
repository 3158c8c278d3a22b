/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp.c  The header that ICMP and ICMPv6 share.
 */
#include "wire/icmp.h"

#include "base/bits.h"
#include "wire/checksum.h"

#define OFF_TYPE 0
#define OFF_CODE 1
#define OFF_SUM  2
#define OFF_REST 4

void icmp_read(const uint8_t *p, uint32_t len, struct icmp *ret)
{
    *ret = (struct icmp){.type = p[OFF_TYPE],
                         .code = p[OFF_CODE],
                         .rest = get32(p + OFF_REST),
                         .body = p + ICMP_HEADER,
                         .body_len = len - ICMP_HEADER};
}

uint32_t icmp_write(const struct icmp *m, uint64_t pseudo, uint8_t *p)
{
    uint32_t len = ICMP_HEADER + m->body_len;

    if (m->body_len > 0)
        memmove(p + ICMP_HEADER, m->body, m->body_len);
    p[OFF_TYPE] = m->type;
    p[OFF_CODE] = m->code;
    put16(p + OFF_SUM, 0);
    put32(p + OFF_REST, m->rest);
    put16(p + OFF_SUM, csum_finish(pseudo + csum(p, len)));
    return len;
}
