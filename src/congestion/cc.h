/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cc.h  Congestion control: events in, numbers out.
 *
 * A const table of functions over a union in the struct; no connection, no clock. An algorithm
 * with a large state has a block of its own, which only starting and ending it allocate and free.
 * An algorithm can be switched in flight. "Flight" below is RFC 5681's FlightSize, what was sent
 * and is not acknowledged cumulatively, but without what limited transmit added (RFC 5681 3.2 step
 * 2).
 */
#ifndef GN_CONGESTION_CC_H
#define GN_CONGESTION_CC_H

#include "base/bits.h"
#include "base/mem.h"

#include <gannet/status.h>

struct cc;

/** What one ACK means to congestion control. Octets and nanoseconds. */
struct cc_ack {
    gn_time now;
    uint32_t acked;     /* newly acknowledged cumulatively */
    uint32_t in_flight; /* pipe after it */
    gn_time rtt;        /* sample of the youngest segment it delivered, 0: none */
    gn_time srtt;
    uint64_t delivered; /* octets delivered in all, this ACK included */
    bool cwnd_limited;  /* the window was the limit in the last round (CC-2861-2) */
    bool in_recovery;   /* slow start after a timeout */

    /* for those that want rate samples; nobody else looks at what follows */
    bool sampled;             /* prior_delivered, tx_in_flight and lost_since are valid */
    bool app_limited;         /* that sample is limited by the application */
    bool fast;                /* fast recovery; only with own_recovery */
    bool sack;                /* SACK was negotiated: each loss is seen */
    uint32_t lost;            /* newly marked lost */
    uint64_t prior_delivered; /* `delivered` when the youngest segment delivered was sent: a round
                                 ends when this reaches what `delivered` was at its start */
    gn_time interval; /* delivery rate = (delivered - prior_delivered) / interval; 0: none */
    uint32_t newly_delivered; /* octets, for the first time */
    uint32_t tx_in_flight;    /* pipe when the segment of the sample was sent, itself included */
    uint32_t lost_since;      /* octets lost from then until now */
};

struct cc_ops {
    const char *name;
    uint32_t block;     /* octets of state in a block of its own, 0: the union is enough */
    uint32_t undo_only; /* octets at the end of the union that nothing but an undo needs */
    bool own_recovery;  /* the window is the algorithm's in fast recovery too, not PRR's: on_ack
                           comes for every ACK that delivers something */
    void (*init)(struct cc *c, gn_time now);                     /* also when switched in flight */
    void (*on_ack)(struct cc *c, const struct cc_ack *a);        /* see own_recovery */
    void (*on_loss)(struct cc *c, uint32_t flight, gn_time now); /* entering it */
    void (*on_ece)(struct cc *c, uint32_t flight, gn_time now);  /* once per round trip */
    void (*on_recovered)(struct cc *c, uint32_t flight, gn_time now); /* leaving fast recovery */
    void (*on_timeout)(struct cc *c, uint32_t flight, bool first, gn_time now);
    void (*on_undo)(struct cc *c, gn_time now); /* the last reduction was spurious */
    /* RFC 5681 4.1; @idle: since the last transmission. Without pacing it may be left out in the
     * first slow start (ssthresh is not set) if @idle is @rto or less */
    void (*on_idle)(struct cc *c, gn_time idle, gn_time rto, gn_time now);
    /* may be NULL */
    void (*on_open)(struct cc *c, gn_time srtt, gn_time now); /* handshake over; 0: not known */
    /* segments were found lost: `lost` octets; the sample is of the one of them sent last */
    void (*on_lost)(struct cc *c, const struct cc_ack *a);
    /* the first segment after a time without anything in flight, for want of text, is leaving */
    void (*on_restart)(struct cc *c, uint64_t delivered, gn_time now);
    /* for STATUS */
    void (*tell)(const struct cc *c, struct gn_bbr *ret);
};

/** As struct recovery, what is needed most often is at the end. */
struct cc {
    uint32_t undo_cwnd, undo_ssthresh; /* before the last reduction */
    uint32_t acked;                    /* counted towards the next increase (RFC 3465) */
    uint32_t iw;                       /* octets */
    union {
        uint64_t space[8];
        void *block;
    } u;
    uint64_t pacing_rate;    /* octets per second, 0: not paced */
    bool slowed;             /* samples of what is sent now show no limit of the path */
    uint8_t loss_spread;     /* tcp_bbr_loss_spread */
    uint32_t mss;            /* octets */
    uint32_t cwnd, ssthresh; /* octets; ssthresh UINT32_MAX: not set */
    const struct cc_ops *ops;
};

#define CC_NEWRENO  0
#define CC_CUBIC    1
#define CC_BBR      2

#define CC_CWND_MAX ((uint32_t)1 << 30) /* the largest window that RFC 7323 allows */

/** cc_init() - @algorithm: CC_*; one that is not built in falls back to NewReno, as does one for
 *  whose block @m has no memory. The window is the initial one of RFC 6928 for @iw_segments
 *  segments of @mss octets; @c is all zero */
void cc_init(struct cc *c, unsigned algorithm, uint32_t mss, uint32_t iw_segments, struct mem *m,
             gn_time now);
/** cc_switch() - another algorithm goes on from the window that there is */
void cc_switch(struct cc *c, unsigned algorithm, struct mem *m, gn_time now);
/** cc_fini() - the block, if there is one, goes back to @m; what remains is NewReno */
void cc_fini(struct cc *c, struct mem *m);
/** cc_set_mss() - segments of @mss octets from now on. Before anything was sent (@fresh) the window
 *  is the initial one for them; later a smaller size keeps the window's number of segments
 *  (RFC 5681 3.1) */
void cc_set_mss(struct cc *c, uint32_t mss, uint32_t iw_segments, bool fresh);
/** cc_name() - of an algorithm; NULL: no such algorithm, or not built in */
const char *cc_name(unsigned algorithm);
/** cc_find() - the number of a name; -1: no such algorithm, or not built in */
int cc_find(const char *name);

static inline bool cc_in_slow_start(const struct cc *c)
{
    return c->cwnd < c->ssthresh;
}

/* cc_send_quantum() - octets that leave at a time when paced: a millisecond's worth, but no more
 * than a super-segment and no less than two segments (draft-ietf-ccwg-bbr 5.6.3) */
static inline uint32_t cc_send_quantum(uint64_t rate, uint32_t mss)
{
    return max_u32((uint32_t)min_u64(rate / 1000, 65536), 2 * mss);
}

/* for the algorithms */

/** cc_grow() - cwnd + @octets, not beyond CC_CWND_MAX */
void cc_grow(struct cc *c, uint32_t octets);
/** cc_slow_start() - RFC 5681 3.1 with RFC 3465's limit of @limit octets per ACK, not beyond
 *  ssthresh; what is left of @acked for congestion avoidance */
uint32_t cc_slow_start(struct cc *c, uint32_t acked, uint32_t limit);
/** cc_avoid() - one more segment per @window octets acknowledged */
void cc_avoid(struct cc *c, uint32_t acked, uint32_t window);
/** cc_save() - remember the window for an undo */
void cc_save(struct cc *c);
/** cc_restore() - the saved window again, unless the present one is larger */
void cc_restore(struct cc *c);
/** cc_share() - @num / 1024 of @octets */
uint32_t cc_share(uint32_t octets, uint32_t num);
/** cc_restart() - after an idle time: RFC 5681 4.1, keeping what was learnt in ssthresh */
void cc_restart(struct cc *c, gn_time idle, gn_time rto);

extern const struct cc_ops cc_newreno;

#endif
