/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file packets.h  Frames to test with, made and checked by simple code of the tests' own.
 */
#ifndef TEST_LINK_PACKETS_H
#define TEST_LINK_PACKETS_H

#include <gannet/frame.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a TCP frame is made of; zero fields are fine. */
struct recipe {
    enum gn_medium medium;
    bool v6;
    bool owed;        /* leave the checksum to be finished */
    uint8_t dst_host; /* last octet of the destination, 0: 2 */
    uint8_t ctl;
    uint8_t options; /* octets, a multiple of 4 */
    uint16_t ident;
    uint16_t gso_size;
    uint32_t seq, text;
    uint32_t tail0, tail1; /* of the text, what lies in the tails */
};

/** A frame with its own memory. */
struct made {
    struct gn_frame f;
    uint8_t bytes[66 * 1024];
    uint8_t tail[2][66 * 1024];
};

/** make() - fill *ret; text octet i is text_octet(i) */
void make(struct made *ret, const struct recipe *r);
uint8_t text_octet(uint32_t i);

/** What a wire packet says, read by plain code. */
struct seen {
    bool ok; /* lengths and all checksums are right */
    bool v6;
    uint16_t ident, sport, dport;
    uint8_t ctl;
    uint32_t seq, text_len;
    const uint8_t *text;
};
struct seen look(const uint8_t *p, uint32_t len, enum gn_medium m);

/** sum16() - folded ones' complement sum, not complemented, the slow way */
uint16_t sum16(uint32_t start, const uint8_t *p, size_t len);

#endif
