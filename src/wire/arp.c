/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arp.c  ARP for IPv4 over Ethernet.
 */
#include "wire/arp.h"

#include "base/bits.h"
#include "wire/eth.h"
#include "wire/ipv4.h"

#define HARDWARE_ETHERNET 1
#define OFF_HARDWARE      0
#define OFF_PROTOCOL      2
#define OFF_SIZES         4 /* of a hardware and a protocol address */
#define OFF_OP            6
#define OFF_SHA           8
#define OFF_SPA           14
#define OFF_THA           18
#define OFF_TPA           24
#define SIZES             0x0604

enum gn_drop arp_parse(const uint8_t *p, uint32_t len, struct arp *ret)
{
    if (len < ARP_LEN || get16(p + OFF_HARDWARE) != HARDWARE_ETHERNET ||
        get16(p + OFF_PROTOCOL) != ETH_IPV4 || get16(p + OFF_SIZES) != SIZES)
        return GN_DROP_ARP_BAD;
    uint16_t op = get16(p + OFF_OP);
    if (op != ARP_REQUEST && op != ARP_REPLY)
        return GN_DROP_ARP_BAD;
    if (p[OFF_SHA] & 1) /* a group address is nobody's (RFC 1812 3.3.2) */
        return GN_DROP_ARP_BAD;
    ret->op = op;
    memcpy(ret->sha, p + OFF_SHA, 6);
    memcpy(ret->tha, p + OFF_THA, 6);
    ret->spa = ipv4_load(p + OFF_SPA);
    ret->tpa = ipv4_load(p + OFF_TPA);
    return GN_DROP_NONE;
}

uint32_t arp_emit(const struct arp *a, uint8_t *p)
{
    put16(p + OFF_HARDWARE, HARDWARE_ETHERNET);
    put16(p + OFF_PROTOCOL, ETH_IPV4);
    put16(p + OFF_SIZES, SIZES);
    put16(p + OFF_OP, a->op);
    memcpy(p + OFF_SHA, a->sha, 6);
    memcpy(p + OFF_THA, a->tha, 6);
    ipv4_store(&a->spa, p + OFF_SPA);
    ipv4_store(&a->tpa, p + OFF_TPA);
    return ARP_LEN;
}
