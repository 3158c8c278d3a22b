/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arp.h  ARP for IPv4 over Ethernet (RFC 826).
 */
#ifndef GN_WIRE_ARP_H
#define GN_WIRE_ARP_H

#include <gannet/types.h>

#define ARP_LEN 28

enum arp_op {
    ARP_REQUEST = 1,
    ARP_REPLY = 2,
};

struct arp {
    uint16_t op;             /* enum arp_op; arp_parse() gives no other */
    uint8_t sha[6];          /* link address of the sender */
    uint8_t tha[6];          /* of the target; means nothing in a request */
    struct gn_addr spa, tpa; /* IPv4 addresses, mapped form */
};

/** arp_parse() - GN_DROP_NONE, or _ARP_BAD: short, other hardware or protocol, other operation */
enum gn_drop arp_parse(const uint8_t *p, uint32_t len, struct arp *ret);
/** arp_emit() - returns ARP_LEN */
uint32_t arp_emit(const struct arp *a, uint8_t *p);

#endif
