/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sent.h  The log of transmissions: one record per segment between SND.UNA and SND.NXT, in
 * the order of the sequence numbers, without gaps.
 *
 * A ring of records in one block of memory that doubles when full and goes back when the log is
 * empty; the first record of a flight lies in the log itself, since many flights are one segment,
 * so a log must not be moved unless it is empty. Records are named by numbers that count up for
 * ever (modulo 2^32): growing the ring changes no name, so records may refer to each other. Pushing
 * at the end and popping at the front are O(1); finding a sequence number is a binary search.
 *
 * What a record says of itself:
 *  - SACKED: the receiver holds all of it. A record that SACK blocks cover only in part is not
 *    SACKed. Its `next` leads to a later record up to which all are SACKed, so that a run of
 *    thousands is passed in one or two steps (a disjoint-set forest with path compression).
 *  - LOST: believed lost; stays set while the retransmission is on its way.
 *  - RETRANS: the first `resent` octets were sent again and are believed to be in the network. The
 *    record is linked in the list of retransmissions, oldest first. A retransmission that is
 *    believed lost in turn loses this flag.
 *  - EVER_RETRANS: some octet was sent more than once (Karn).
 *
 * The log keeps the totals that the pipe is computed from (RFC 9937 6: SND.NXT - SND.UNA - SACKed -
 * lost + sent again), so nobody but these functions writes flags and lengths.
 */
#ifndef GN_RECOVERY_SENT_H
#define GN_RECOVERY_SENT_H

#include "base/mem.h"
#include "base/seq.h"

#include <stddef.h>
#include <string.h>

#define SENT_SACKED       1u
#define SENT_LOST         2u
#define SENT_RETRANS      4u
#define SENT_EVER_RETRANS 8u
#define SENT_APP_LIMITED  16u /* the rate sample of this segment is limited by the application */

#define SENT_SPAN_SHIFT   6 /* send_span counts 64 ns */

/** One segment: a cache line (CC-8985-1). */
struct sent {
    seq_t start;
    uint32_t len;         /* octets, SYN and FIN included; > 0 */
    gn_time xmit;         /* last transmission of any of it (RFC 8985 Segment.xmit_ts) */
    gn_time first_xmit;   /* first transmission */
    gn_time delivered_at; /* when the count below was reached; 0: these four are not known */
    uint32_t delivered;   /* octets delivered in all, when it was sent last; low bits */
    uint32_t lost;        /* the same for octets lost in all */
    uint32_t in_flight;   /* pipe after it was sent */
    uint32_t send_span;   /* since the first segment of the sampled flight, units of 64 ns */
    uint32_t resent;      /* octets sent again and not lost since; counted from start */
    uint32_t next;        /* RETRANS: the retransmission after this; SACKED: see above */
    uint32_t prev;        /* RETRANS: the one before */
    uint32_t flags;
};

_Static_assert(sizeof(struct sent) == 64, "a record is a cache line");

struct sent_log {
    struct sent *rec;          /* NULL: empty, no memory held; or `own` */
    uint32_t cap;              /* records, a power of two; 0 without any */
    uint32_t head, tail;       /* numbers of the first record and of the next to be pushed */
    uint32_t sacked;           /* octets of SACKED records */
    uint32_t lost;             /* octets of LOST records */
    uint32_t retrans;          /* octets sent again and believed to be in the network */
    uint32_t resend;           /* octets of LOST records that are to be sent again */
    uint32_t n_sacked;         /* SACKED records */
    uint32_t lost_all;         /* octets ever believed lost, modulo 2^32 */
    uint32_t lost_last;        /* with lost_new: number of the one of them sent last */
    uint32_t lost_new;         /* octets of lost_all that nobody was told of */
    uint32_t sacked_end;       /* with n_sacked > 0: number after the last SACKED record */
    uint32_t hole;             /* with resend > 0: the first record that has any of it */
    uint32_t rt_head, rt_tail; /* with retrans > 0: oldest and youngest retransmission */
    struct sent own;           /* room for one record */
};

/* how many records there are */
static inline uint32_t sent_count(const struct sent_log *l)
{
    return l->tail - l->head;
}

/* the record of number @no, which is in the log */
static inline struct sent *sent_at(const struct sent_log *l, uint32_t no)
{
    return &l->rec[no & (l->cap - 1)];
}

/* the sequence number after the record */
static inline seq_t sent_end(const struct sent *s)
{
    return seq_add(s->start, s->len);
}

/* some of it waits to be sent again */
static inline bool sent_pending(const struct sent *s)
{
    return (s->flags & SENT_LOST) && s->resent < s->len;
}

/** sent_grow() - sent_reserve() when there is not room enough */
bool sent_grow(struct sent_log *l, struct mem *m, uint32_t n);

/** sent_at_hand() - sent_reserve() without asking for memory: false if that has to be asked for */
static inline bool sent_at_hand(struct sent_log *l, uint32_t n)
{
    if (sent_count(l) + n <= l->cap)
        return true;
    if (l->rec || n > 1)
        return false;
    l->rec = &l->own;
    l->cap = 1;
    return true;
}

/** sent_reserve() - room for @n more records; false: out of memory, log unchanged */
static inline bool sent_reserve(struct sent_log *l, struct mem *m, uint32_t n)
{
    return sent_at_hand(l, n) || sent_grow(l, m, n);
}

/** sent_shed() - give the block of memory back that it has */
void sent_shed(struct sent_log *l, struct mem *m);

/** sent_release() - give all memory back; what was logged is forgotten */
static inline void sent_release(struct sent_log *l, struct mem *m)
{
    uint32_t no = l->tail; /* numbers count on, for those who remember one */

    if (!l->rec)
        return;
    if (l->rec != &l->own)
        sent_shed(l, m);
    memset(l, 0, offsetof(struct sent_log, own));
    l->head = l->tail = no;
}

/** sent_push() - a record for [start, start + len), first sent @now, at the end; room was reserved
 */
static inline struct sent *sent_push(struct sent_log *l, seq_t start, uint32_t len, gn_time now)
{
    struct sent *s;

    ASSERT(sent_count(l) < l->cap && len);
    s = sent_at(l, l->tail++);
    *s = (struct sent){.start = start, .len = len, .xmit = now, .first_xmit = now};
    return s;
}

/** sent_pop() - the first record is acknowledged */
void sent_pop(struct sent_log *l);
/** sent_trim() - the first @n octets of the first record are acknowledged, fewer than it has */
void sent_trim(struct sent_log *l, uint32_t n);
/** sent_find() - number of the record that holds @s, which is in the log */
uint32_t sent_find(const struct sent_log *l, seq_t s);
/** sent_unsacked() - the first record from @no on that is not SACKED; tail if there is none */
uint32_t sent_unsacked(struct sent_log *l, uint32_t no);
/** sent_sack() - the receiver holds record @no, which was not SACKED */
void sent_sack(struct sent_log *l, uint32_t no);
/** sent_lose() - record @no, or its retransmission, is believed lost; nothing happens to what is
 *  SACKED or waits already to be sent again */
void sent_lose(struct sent_log *l, uint32_t no);
/** sent_unlose() - nothing is believed lost any more (a spurious timeout or recovery) */
void sent_unlose(struct sent_log *l);
/** sent_renege() - the receiver may have thrown away what it had SACKed: no record is SACKED */
void sent_renege(struct sent_log *l);
/** sent_resend() - the octets of record @no before offset @upto (> 0) have been sent again @now */
void sent_resend(struct sent_log *l, uint32_t no, uint32_t upto, gn_time now);
/** sent_check() - order and totals agree with the records (INV-05); costly; ASSERTs */
void sent_check(const struct sent_log *l, seq_t una, seq_t nxt);

#endif
