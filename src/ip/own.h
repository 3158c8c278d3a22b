/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file own.h  Packets that the IP layer keeps in memory of its own: its own messages waiting to
 * leave, transport packets waiting for a neighbour's link address. Bounded by the lists that hold
 * them.
 */
#ifndef GN_IP_OWN_H
#define GN_IP_OWN_H

#include "base/mem.h"

#include <gannet/frame.h>

/** One packet, link header included; freed by own_free(). */
struct ip_own {
    struct ip_own *next;
    uint32_t len; /* octets in @data */
    uint8_t iface;
    uint8_t flags; /* GN_FRAME_CSUM_OWED or 0 */
    uint16_t csum_start, csum_offset;
    uint16_t gso_size, hdr_len;
    uint8_t data[];
};

/** First in, first out, with an account. All zero: empty. */
struct own_list {
    struct ip_own *head, *tail;
    uint32_t n;
    uint32_t bytes; /* of @data in all */
};

/** own_new() - a packet of @len octets, data not cleared, everything else zero but @len; NULL: out
 * of memory */
struct ip_own *own_new(struct mem *m, uint32_t len);
/** own_free() - give a packet that is in no list back */
void own_free(struct mem *m, struct ip_own *o);
/** own_push() - append; the list owns @o from now on */
void own_push(struct own_list *l, struct ip_own *o);
/** own_pop() - take the oldest out, the caller's from now on; NULL: empty */
struct ip_own *own_pop(struct own_list *l);
/** own_clear() - free all */
void own_clear(struct own_list *l, struct mem *m);

#endif
