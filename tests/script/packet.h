/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file packet.h  Packets as octets and as text. Written apart from the stack, so that the two
 * check each other.
 */
#ifndef GN_SCRIPT_PACKET_H
#define GN_SCRIPT_PACKET_H

#include "script.h"

#define PACKET_MAX 65535

/** Who talks to whom; IPv4 addresses take the first four octets. */
struct tuple {
    bool v6;
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
};

/** A packet as it was seen, with the stack's own numbers. */
struct seen {
    struct tuple tuple;
    struct packet_spec spec; /* numbers as on the wire; tos is the whole octet */
    const uint8_t *text;     /* spec.len octets */
    uint8_t icmp_type, icmp_code;
};

/** packet_build() - the octets of a packet whose numbers are already the stack's, with @text; the
 * length. ICMP quotes the packet that the stack has sent at @quote_seq (@t is from the
 * peer to the stack, as for all others) */
uint32_t packet_build(const struct script *s, int line, const struct packet_spec *p,
                      const struct tuple *t, const uint8_t *text, uint8_t *ret);
/** packet_dissect() - octets that the stack has sent; NULL, or what is wrong with them */
const char *packet_dissect(const uint8_t *p, uint32_t len, struct seen *ret);
/** packet_print() - in the notation of scripts, into @room octets */
void packet_print(const struct packet_spec *p, char *text, size_t room);

/** icmp_number() - type and code by name: "unreachable", "frag_needed"; false: no such names */
bool icmp_number(bool v6, const char *type, const char *code, uint8_t *ret_type, uint8_t *ret_code);

#endif
