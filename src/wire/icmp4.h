/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp4.h  ICMP messages (RFC 792, RFC 1191).
 */
#ifndef GN_WIRE_ICMP4_H
#define GN_WIRE_ICMP4_H

#include "wire/icmp.h"

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_SOURCE_QUENCH = 4,
    ICMP4_REDIRECT = 5,
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAM_PROBLEM = 12,
};

enum icmp4_unreachable {
    ICMP4_NET = 0,
    ICMP4_HOST = 1,
    ICMP4_PROTOCOL = 2,
    ICMP4_PORT = 3,
    ICMP4_FRAG_NEEDED = 4,
    ICMP4_SOURCE_ROUTE = 5,
    ICMP4_PROHIBITED = 13,
};

/** icmp4_parse() - one whole message, contiguous; GN_DROP_NONE, or _ICMP_BAD: short or bad checksum
 */
enum gn_drop icmp4_parse(const uint8_t *p, uint32_t len, struct icmp *ret);
/** icmp4_emit() - header, body and checksum; returns ICMP_HEADER + body_len. m->body may lie where
 * it goes, p + ICMP_HEADER */
uint32_t icmp4_emit(const struct icmp *m, uint8_t *p);
/** icmp4_is_error() - a message that quotes a packet, and must not be answered by another error
 * (RFC 1122 3.2.2) */
bool icmp4_is_error(const struct icmp *m);

#endif
