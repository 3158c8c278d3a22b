/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file icmp6.h  ICMPv6 messages (RFC 4443).
 */
#ifndef GN_WIRE_ICMP6_H
#define GN_WIRE_ICMP6_H

#include "wire/icmp.h"

enum icmp6_type {
    ICMP6_UNREACHABLE = 1,
    ICMP6_PACKET_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAM_PROBLEM = 4,
    ICMP6_ECHO = 128,
    ICMP6_ECHO_REPLY = 129,
    ICMP6_ROUTER_SOLICIT = 133,
    ICMP6_ROUTER_ADVERT = 134,
    ICMP6_NEIGHBOUR_SOLICIT = 135,
    ICMP6_NEIGHBOUR_ADVERT = 136,
    ICMP6_REDIRECT = 137,
};

enum icmp6_unreachable {
    ICMP6_NO_ROUTE = 0,
    ICMP6_PROHIBITED = 1,
    ICMP6_BEYOND_SCOPE = 2,
    ICMP6_ADDRESS = 3,
    ICMP6_PORT = 4,
};

enum icmp6_param {
    ICMP6_BAD_FIELD = 0,
    ICMP6_BAD_NEXT = 1,
    ICMP6_BAD_OPTION = 2,
    ICMP6_INCOMPLETE = 3, /* a first fragment without all headers (RFC 7112) */
};

/** icmp6_parse() - one whole message, contiguous; GN_DROP_NONE, or _ICMP_BAD: short or bad checksum
 */
enum gn_drop icmp6_parse(const struct gn_addr *src, const struct gn_addr *dst, const uint8_t *p,
                         uint32_t len, struct icmp *ret);
/** icmp6_emit() - header, body and checksum; returns ICMP_HEADER + body_len. m->body may lie where
 * it goes, p + ICMP_HEADER */
uint32_t icmp6_emit(const struct gn_addr *src, const struct gn_addr *dst, const struct icmp *m,
                    uint8_t *p);
/** icmp6_is_error() - a message that quotes a packet, and must not be answered by another error
 * (RFC 4443 2.1) */
bool icmp6_is_error(const struct icmp *m);

#endif
