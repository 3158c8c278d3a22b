/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sent.h  The log of transmissions: one record per segment between SND.UNA and SND.NXT, in the order of the
 * sequence numbers, without gaps.
 *
 * A ring of records in one block of memory that doubles when full and goes back when the log is empty. Records are
 * named by numbers that count up for ever (modulo 2^32): growing the ring changes no name, so records may refer to each
 * other. Pushing at the end and popping at the front are O(1); finding a sequence number is a binary search.
 *
 * What a record says of itself:
 *  - SACKED: the receiver holds all of it. A record that a SACK block covers in part is not SACKed.
 *  - LOST: believed lost; stays set while the retransmission is on its way.
 *  - RETRANS: the first `resent` octets were sent again and are believed to be in the network. The record is linked
 *    in the list of retransmissions, oldest first. A retransmission that is lost in turn loses this flag.
 *  - EVER_RETRANS: some octet was sent more than once (Karn).
 */
#ifndef GN_RECOVERY_SENT_H
#define GN_RECOVERY_SENT_H

#include "base/mem.h"
#include "base/seq.h"

#define SENT_SACKED       1u
#define SENT_LOST         2u
#define SENT_RETRANS      4u
#define SENT_EVER_RETRANS 8u
#define SENT_APP_LIMITED  16u /* the rate sample of this segment is limited by the application */

/** One segment: a cache line. */
struct sent {
    seq_t    start;
    uint32_t len;          /* octets, SYN and FIN included; > 0 */
    gn_time  xmit;         /* last transmission of any of it */
    gn_time  first_xmit;   /* first transmission */
    uint64_t delivered;    /* octets delivered in all, when it was sent last */
    gn_time  delivered_at; /* when that count was reached */
    gn_time  first_sent;   /* when the first segment of the sampled flight was sent */
    uint32_t resent;       /* octets sent again and not lost since; counted from start */
    uint32_t next;         /* RETRANS: the retransmission after this; SACKED: a record up to which all are SACKed */
    uint32_t prev;         /* RETRANS: the one before */
    uint32_t flags;
};

_Static_assert(sizeof(struct sent) == 64, "a record is a cache line");

struct sent_log {
    struct sent *rec;        /* NULL: empty, no memory held */
    uint32_t     cap;        /* records, a power of two; 0 without memory */
    uint32_t     head, tail; /* numbers of the first record and of the next one to be pushed */
};

static inline uint32_t sent_count(const struct sent_log *l)
{
    return l->tail - l->head;
}

/* the record of number @no, which is in the log */
static inline struct sent *sent_at(const struct sent_log *l, uint32_t no)
{
    return &l->rec[no & (l->cap - 1)];
}

static inline seq_t sent_end(const struct sent *s)
{
    return seq_add(s->start, s->len);
}

/** sent_reserve() - room for @n more records; false: out of memory, log unchanged */
bool sent_reserve(struct sent_log *l, struct mem *m, uint32_t n);
/** sent_push() - the next record, cleared; room was reserved */
struct sent *sent_push(struct sent_log *l);
/** sent_pop() - the first record is done with */
void sent_pop(struct sent_log *l);
/** sent_find() - number of the record that holds @s, which is in [una, nxt) */
uint32_t sent_find(const struct sent_log *l, seq_t s);
/** sent_release() - give the memory back; what was logged is forgotten */
void sent_release(struct sent_log *l, struct mem *m);

#endif
