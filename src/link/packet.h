/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file packet.h  Packets under way: owned copies of frames, waiting for a time or in line.
 */
#ifndef GN_LINK_PACKET_H
#define GN_LINK_PACKET_H

#include "link/gso.h"

#include <gannet/types.h>

#define PACKET_HOPS 3

struct packet {
    struct packet *next; /* in a fifo */
    gn_time at, sent;    /* when it comes out of where it is; when it was sent */
    uint64_t serial;     /* order among those with the same @at */
    uint64_t id;
    uint8_t from, to;         /* ports */
    uint8_t hop[PACKET_HOPS]; /* pipes still to pass, by index */
    uint8_t n_hop, next_hop;
    bool corrupted, duplicate;
    struct gn_frame frame; /* contiguous; data points at @bytes */
    uint8_t bytes[];
};

/** Account of the packets of one network. */
struct packet_pool {
    uint64_t bytes, max;
    size_t n;
};

/** packet_new() - room for @len octets; NULL: none, or the bound is reached */
struct packet *packet_new(struct packet_pool *pool, uint32_t len);
/** packet_clone() - all but @next; NULL as packet_new() */
struct packet *packet_clone(struct packet_pool *pool, const struct packet *p);
void packet_free(struct packet_pool *pool, struct packet *p);
/** packet_flip() - flip bit @bit (0 .. 8 * length - 1) */
void packet_flip(struct packet *p, uint32_t bit);

/** First in, first out. */
struct packet_fifo {
    struct packet *head, **tail; /* tail NULL: empty since it was zeroed */
};

void packet_append(struct packet_fifo *f, struct packet *p);
/** packet_pop() - NULL: empty */
struct packet *packet_pop(struct packet_fifo *f);
void packet_clear(struct packet_fifo *f, struct packet_pool *pool);

/** Earliest first: a binary heap by (at, serial). */
struct packet_heap {
    struct packet **v;
    size_t n, cap;
    uint64_t serial;
};

/** packet_heap_push() - false: no memory, @p stays the caller's */
bool packet_heap_push(struct packet_heap *h, struct packet *p);
/** packet_heap_pop() - the earliest if it is due at @now, else NULL */
struct packet *packet_heap_pop(struct packet_heap *h, gn_time now);
/** packet_heap_fini() - with all that is in it */
void packet_heap_fini(struct packet_heap *h, struct packet_pool *pool);

static inline struct gn_deadline packet_heap_deadline(const struct packet_heap *h)
{
    return h->n ? (struct gn_deadline){h->v[0]->at, true} : (struct gn_deadline){0, false};
}

/** Cutting a frame up into packets. */
struct cut {
    struct gso gso;
    bool whole, done;
    bool verified; /* what comes out has a right checksum: it was computed here, or somebody vouched
                    */
};

/** cut_begin() - @whole: one packet, super-segment and owed checksum kept; false: malformed */
bool cut_begin(struct cut *c, const struct gn_frame *f, enum gn_medium m, bool whole);
/** cut_more() - there is another packet */
bool cut_more(const struct cut *c);
/** cut_next() - the next packet, or NULL: no memory, this one is skipped */
struct packet *cut_next(struct cut *c, struct packet_pool *pool);

#endif
