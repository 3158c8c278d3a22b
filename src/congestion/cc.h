/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cc.h  Congestion control: events in, numbers out. A const table of functions over a union in the struct; no allocation, no
 * connection, no clock. An algorithm can be switched in flight.
 */
#ifndef GN_CONGESTION_CC_H
#define GN_CONGESTION_CC_H

#include <gannet/types.h>

struct cc;

/** What one ACK means to congestion control (TRAP-13). Octets and nanoseconds. */
struct cc_ack {
    gn_time  now;
    uint32_t acked;          /* newly acknowledged cumulatively */
    uint32_t sacked;         /* newly SACKed */
    uint32_t lost;           /* newly marked lost */
    uint32_t in_flight_before, in_flight; /* before and after this ACK */
    gn_time  rtt;            /* sample, 0: none */
    gn_time  srtt, min_rtt;
    bool     ece;
    bool     cwnd_limited;   /* the window was the limit since the last round (CC-2861-2) */
    bool     in_recovery;
};

struct cc_ops {
    const char *name;
    void (*init)(struct cc *c, gn_time now);
    void (*on_ack)(struct cc *c, const struct cc_ack *a);                       /* not in recovery */
    void (*on_loss)(struct cc *c, uint32_t in_flight, gn_time now);             /* entering fast recovery: sets ssthresh, cwnd */
    void (*on_ece)(struct cc *c, uint32_t in_flight, gn_time now);              /* once per round trip */
    void (*on_recovered)(struct cc *c, uint32_t in_flight, gn_time now);        /* leaving fast recovery */
    void (*on_timeout)(struct cc *c, uint32_t in_flight, bool first, gn_time now);
    void (*on_undo)(struct cc *c, gn_time now);                                 /* the last reduction was spurious */
    void (*on_idle)(struct cc *c, gn_time idle, gn_time rto);                   /* RFC 5681 4.1 */
};

struct cc {
    const struct cc_ops *ops;
    uint32_t             cwnd, ssthresh; /* octets; ssthresh UINT32_MAX: not set */
    uint32_t             mss, iw;        /* octets */
    uint32_t             acked;          /* counted towards the next increase (RFC 3465) */
    uint32_t             undo_cwnd, undo_ssthresh;
    uint64_t             pacing_rate;    /* octets per second, 0: not paced */
    union {
        uint64_t space[8];
    } u;
};

/** cc_init() - @algorithm: 0 newreno, 1 cubic, 2 bbr (those not built in fall back to 0); initial window of RFC 6928 */
void cc_init(struct cc *c, unsigned algorithm, uint32_t mss, uint32_t iw_segments, gn_time now);
/** cc_name() / cc_find() - between numbers and names; NULL, -1: no such algorithm */
const char *cc_name(unsigned algorithm);
int         cc_find(const char *name);

extern const struct cc_ops cc_newreno;

#endif
