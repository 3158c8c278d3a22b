/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp.h  What ICMP and ICMPv6 messages have in common.
 */
#ifndef GN_WIRE_ICMP_H
#define GN_WIRE_ICMP_H

#include <gannet/types.h>

#define ICMP_HEADER 8

struct icmp {
    uint8_t type, code;
    uint32_t rest; /* octets 4 to 7: echo identifier and sequence; MTU (ICMP: low 16 bits); pointer;
                      ND flags */
    const uint8_t
        *body; /* what follows, borrowed: echo data, the quoted packet, the rest of an ND message */
    uint32_t body_len;
};

/** icmp_read() - fields of a message of at least ICMP_HEADER octets, checksum already judged */
void icmp_read(const uint8_t *p, uint32_t len, struct icmp *ret);
/** icmp_write() - header, body and checksum; @pseudo: sum of the pseudo-header, 0 for ICMP; returns
 * the length */
uint32_t icmp_write(const struct icmp *m, uint64_t pseudo, uint8_t *p);

#endif
