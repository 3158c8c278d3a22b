/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_link.c  See passive_link.h. What follows a link header is judged by its own version
 * field in the end, so an EtherType is only asked whether it is IP.
 */
#include "explain/passive_link.h"

#include "base/bits.h"
#include "wire/eth.h"

#define TAGS_MAX 8 /* VLAN tags and MPLS labels that we are willing to walk */

enum {
    TYPE_VLAN = 0x8100,
    TYPE_QINQ = 0x88a8,
    TYPE_QINQ_OLD = 0x9100,
    TYPE_MPLS = 0x8847,
    TYPE_PPPOE = 0x8864,
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
};

#define SLL_HEADER   16
#define SLL2_HEADER  20
#define PPPOE_HEADER 6
#define MPLS_BOTTOM  0x100

bool passive_link_known(int type)
{
    uint32_t at;
    static const uint8_t none[1];

    switch (type) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_PPP:
    case LINK_LOOP:
    case LINK_SLL:
    case LINK_SLL2: return true;
    default: return passive_link_ip(type, none, 0, &at);
    }
}

/** mpls() - walk labels from @at to the one at the bottom of the stack */
static bool mpls(const uint8_t *p, uint32_t len, uint32_t at, uint32_t *ret)
{
    for (unsigned n = 0; n < TAGS_MAX && len >= at + 4; n++, at += 4) {
        if (get32(p + at) & MPLS_BOTTOM) {
            *ret = at + 4;
            return true;
        }
    }
    return false;
}

/** ppp() - a PPP protocol number stands at @at */
static bool ppp(const uint8_t *p, uint32_t len, uint32_t at, uint32_t *ret)
{
    if (len < at + 2)
        return false;
    *ret = at + 2;
    return get16(p + at) == PPP_IPV4 || get16(p + at) == PPP_IPV6;
}

/** ethertype() - @type says what stands at @at */
static bool ethertype(uint16_t type, const uint8_t *p, uint32_t len, uint32_t at, uint32_t *ret)
{
    for (unsigned n = 0; n < TAGS_MAX; n++) {
        switch (type) {
        case TYPE_VLAN:
        case TYPE_QINQ:
        case TYPE_QINQ_OLD:
            if (len < at + 4)
                return false;
            type = get16(p + at + 2);
            at += 4;
            break;
        case TYPE_MPLS: return mpls(p, len, at, ret);
        case TYPE_PPPOE: return ppp(p, len, at + PPPOE_HEADER, ret);
        default: *ret = at; return type == ETH_IPV4 || type == ETH_IPV6;
        }
    }
    return false;
}

bool passive_link_ip(int type, const uint8_t *p, uint32_t len, uint32_t *ret)
{
    switch (type) {
    case LINK_ETHERNET:
        return len >= ETH_HEADER && ethertype(get16(p + 12), p, len, ETH_HEADER, ret);
    case LINK_SLL: return len >= SLL_HEADER && ethertype(get16(p + 14), p, len, SLL_HEADER, ret);
    case LINK_SLL2: return len >= SLL2_HEADER && ethertype(get16(p), p, len, SLL2_HEADER, ret);
    case LINK_NULL: /* an address family of the capturing machine, in its byte order */
    case LINK_LOOP: *ret = 4; return len >= 4;
    case LINK_PPP: return len >= 2 && ppp(p, len, p[0] == 0xff && p[1] == 0x03 ? 2 : 0, ret);
    case LINK_RAW:
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_IPV4:
    case LINK_IPV6: *ret = 0; return true;
    default: return false;
    }
}
