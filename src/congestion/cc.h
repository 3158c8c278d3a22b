/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cc.h  Congestion control: events in, numbers out.
 *
 * A const table of functions over a union in the struct; no allocation, no connection, no clock. An
 * algorithm can be switched in flight. "Flight" below is RFC 5681's FlightSize, what was sent and
 * is not acknowledged cumulatively, but without what limited transmit added (RFC 5681 3.2 step 2).
 */
#ifndef GN_CONGESTION_CC_H
#define GN_CONGESTION_CC_H

#include <gannet/types.h>

struct cc;

/** What one ACK means to congestion control. Octets and nanoseconds. */
struct cc_ack {
    gn_time now;
    uint32_t acked;            /* newly acknowledged cumulatively */
    uint32_t sacked;           /* newly SACKed */
    uint32_t lost;             /* newly marked lost */
    uint32_t in_flight_before; /* pipe before this ACK */
    uint32_t in_flight;        /* and after it */
    gn_time rtt;               /* sample of the youngest segment it delivered, 0: none */
    gn_time srtt, min_rtt;
    uint64_t delivered;       /* octets delivered in all, this ACK included */
    uint64_t prior_delivered; /* the same when the youngest segment delivered was sent: a round
                                 ends when this reaches what `delivered` was at its start */
    gn_time interval; /* delivery rate = (delivered - prior_delivered) / interval; 0: none */
    bool app_limited; /* that sample is limited by the application */
    bool ece;
    bool cwnd_limited; /* the window was the limit in the last round (CC-2861-2) */
    bool in_recovery;  /* slow start after a timeout (fast recovery does not call) */
};

struct cc_ops {
    const char *name;
    void (*init)(struct cc *c, gn_time now);                     /* also when switched in flight */
    void (*on_ack)(struct cc *c, const struct cc_ack *a);        /* not in fast recovery */
    void (*on_loss)(struct cc *c, uint32_t flight, gn_time now); /* entering it */
    void (*on_ece)(struct cc *c, uint32_t flight, gn_time now);  /* once per round trip */
    void (*on_recovered)(struct cc *c, uint32_t flight, gn_time now); /* leaving fast recovery */
    void (*on_timeout)(struct cc *c, uint32_t flight, bool first, gn_time now);
    void (*on_undo)(struct cc *c, gn_time now);               /* the last reduction was spurious */
    void (*on_idle)(struct cc *c, gn_time idle, gn_time rto); /* RFC 5681 4.1 */
};

struct cc {
    const struct cc_ops *ops;
    uint32_t cwnd, ssthresh;           /* octets; ssthresh UINT32_MAX: not set */
    uint32_t mss, iw;                  /* octets */
    uint32_t acked;                    /* counted towards the next increase (RFC 3465) */
    uint32_t undo_cwnd, undo_ssthresh; /* before the last reduction */
    uint64_t pacing_rate;              /* octets per second, 0: not paced */
    union {
        uint64_t space[8];
    } u;
};

#define CC_NEWRENO  0
#define CC_CUBIC    1
#define CC_BBR      2

#define CC_CWND_MAX ((uint32_t)1 << 30) /* the largest window that RFC 7323 allows */

/** cc_init() - @algorithm: CC_*; one that is not built in falls back to NewReno. The window is the
 *  initial one of RFC 6928 for @iw_segments segments of @mss octets */
void cc_init(struct cc *c, unsigned algorithm, uint32_t mss, uint32_t iw_segments, gn_time now);
/** cc_switch() - another algorithm goes on from the window that there is */
void cc_switch(struct cc *c, unsigned algorithm, gn_time now);
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
