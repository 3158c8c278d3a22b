/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp4.c  ICMP messages.
 */
#include "wire/icmp4.h"

#include "base/bits.h"
#include "wire/checksum.h"

enum gn_drop icmp4_parse(const uint8_t *p, uint32_t len, struct icmp *ret)
{
    if (len < ICMP_HEADER || csum_finish(csum(p, len)) != 0)
        return GN_DROP_ICMP_BAD;
    icmp_read(p, len, ret);
    return GN_DROP_NONE;
}

uint32_t icmp4_emit(const struct icmp *m, uint8_t *p)
{
    return icmp_write(m, 0, p);
}

bool icmp4_is_error(const struct icmp *m)
{
    switch (m->type) {
    case ICMP4_UNREACHABLE:
    case ICMP4_SOURCE_QUENCH:
    case ICMP4_REDIRECT:
    case ICMP4_TIME_EXCEEDED:
    case ICMP4_PARAM_PROBLEM: return true;
    default: /* a number from the wire, not an enumerator */ return false;
    }
}
