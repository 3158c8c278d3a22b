/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file delivery.h  What one ACK delivers, gathered record by record while they are at hand, so
 * that round-trip time, RACK, F-RTO and rate samples need no walk of their own.
 */
#ifndef GN_RECOVERY_DELIVERY_H
#define GN_RECOVERY_DELIVERY_H

#include "base/bits.h"
#include "recovery/rtt.h"
#include "recovery/sent.h"

struct delivery {
    /* given */
    gn_time now, min_rtt;
    seq_t fack;   /* the highest that was delivered before this ACK */
    gn_time echo; /* time of the timestamp echoed, in ticks; ~0: none came */
    /* gathered */
    uint32_t octets;      /* never delivered before */
    gn_time oldest;       /* first transmission of the oldest sent but once; ~0: none */
    gn_time newest;       /* and of the newest */
    bool retrans;         /* something sent more than once was acknowledged cumulatively ... */
    gn_time resent;       /* ... and this is the last transmission of any such ... */
    gn_time resent_first; /* ... and the earliest of their last transmissions */
    bool reordered;       /* something sent but once was below fack (RFC 8985 6.2 step 3) */
    bool rack;            /* rack_xmit, rack_end are valid */
    gn_time rack_xmit;    /* the segment sent last among those delivered */
    seq_t rack_end;
    seq_t high;              /* the highest delivered, fack at least */
    const struct sent *rate; /* the record whose snapshot gives the rate sample */
};

/* sent_after() - RFC 8985 6.2: RACK_sent_after(); ties are broken by sequence */
static inline bool sent_after(gn_time t1, seq_t end1, gn_time t2, seq_t end2)
{
    return t1 > t2 || (t1 == t2 && seq_gt(end1, end2));
}

/* echo_before() - the echo shows a segment sent before @t. Times are compared in ticks: what was
 * sent in the same tick is not before */
static inline bool echo_before(const struct delivery *d, gn_time t)
{
    return d->echo != UINT64_MAX && d->echo < t / RTT_TS_TICK;
}

/* delivery_sent_once() - something came that was never sent again */
static inline bool delivery_sent_once(const struct delivery *d)
{
    return d->oldest != UINT64_MAX;
}

/* delivery_note_resent() - record @s, which was sent more than once, is acknowledged */
static inline void delivery_note_resent(struct delivery *d, const struct sent *s)
{
    d->resent_first = d->retrans ? min_u64(d->resent_first, s->xmit) : s->xmit;
    d->resent = max_u64(d->resent, s->xmit);
    d->retrans = true;
}

/* delivery_note() - record @s arrived, which was not known to */
static inline void delivery_note(struct delivery *d, const struct sent *s)
{
    seq_t end = sent_end(s);

    d->octets += s->len;
    d->high = seq_max(d->high, end);
    if (!d->rate || s->xmit >= d->rate->xmit)
        d->rate = s;
    if (!(s->flags & SENT_EVER_RETRANS)) { /* CC-6298-6 */
        d->oldest = min_u64(d->oldest, s->xmit);
        d->newest = max_u64(d->newest, s->xmit);
        d->reordered |= seq_lt(end, d->fack); /* CC-8985-3 */
    } else if (echo_before(d, s->xmit) || d->now - s->xmit < d->min_rtt) {
        return; /* CC-8985-2: it may be an earlier transmission that came */
    }
    if (!d->rack || sent_after(s->xmit, end, d->rack_xmit, d->rack_end)) {
        d->rack = true;
        d->rack_xmit = s->xmit;
        d->rack_end = end;
    }
}

#endif
