/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ranges.h  A bounded, sorted set of disjoint sequence ranges [a, b): what has arrived out of
 * order.
 *
 * Holds no memory while empty. Insertion is O(log n) comparisons and one memmove of at most
 * RANGES_MAX entries, 32 KiB, whatever the peer sends (CVE-2018-5390). The bound is not to be met
 * by what a path does: who sends beyond it loses not a segment but all that follows, a flight. 10
 * Gbit/s and 20 ms are 16,666 segments, as many again in the queue, of which a start-up that
 * overruns it loses a thousand and more, and 1 % leaves hundreds of holes at any time.
 */
#ifndef GN_BASE_RANGES_H
#define GN_BASE_RANGES_H

#include "base/mem.h"
#include "base/seq.h"

#define RANGES_MAX 4096

struct range {
    seq_t a, b; /* a < b, within 2^31 of every other */
};

struct ranges {
    struct range *r; /* sorted, neither overlapping nor touching */
    uint16_t n, cap;
};

/** ranges_add() - unite with [a, b); *ret (may be NULL) is the whole range that now contains it,
 * *ret_new (may be NULL) the number of octets that were not in the set. false: RANGES_MAX or memory
 * reached, set unchanged */
bool ranges_add(struct ranges *s, struct mem *m, seq_t a, seq_t b, struct range *ret,
                uint32_t *ret_new);
/** ranges_cut() - remove everything before @a; memory goes back when nothing is left */
void ranges_cut(struct ranges *s, struct mem *m, seq_t a);
/** ranges_find() - the range that contains @x, or NULL */
const struct range *ranges_find(const struct ranges *s, seq_t x);
/** ranges_next() - the range that contains @x, or else the first after it; NULL if there is none */
const struct range *ranges_next(const struct ranges *s, seq_t x);
/** ranges_covers() - is all of [a, b) in the set? */
bool ranges_covers(const struct ranges *s, seq_t a, seq_t b);
uint32_t ranges_octets(const struct ranges *s);
void ranges_free(struct ranges *s, struct mem *m);

#endif
