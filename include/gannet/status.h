/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file status.h  STATUS (RFC 9293 sec. 3.10.6): all that can be said of one connection, as one
 * plain value.
 */
#ifndef GANNET_STATUS_H
#define GANNET_STATUS_H

#include <gannet/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One remembered transition. */
struct gn_transition {
    gn_time at; /* microsecond resolution */
    enum gn_state from, to;
    enum gn_cause cause;
};
#define GN_HISTORY 8 /* transitions remembered per connection; the oldest go first */

enum gn_timer {
    GN_TIMER_RTO,     /* retransmission, SYN and SYN,ACK included */
    GN_TIMER_PROBE,   /* tail loss probe (PTO) */
    GN_TIMER_REORDER, /* RACK */
    GN_TIMER_PERSIST,
    GN_TIMER_KEEPALIVE,
    GN_TIMER_DELACK,
    GN_TIMER_SWS, /* override of silly-window avoidance, cork */
    GN_TIMER_PACE,
    GN_TIMER_USER, /* user timeout */
    GN_TIMER_FIN_WAIT_2,
    GN_TIMER_TIME_WAIT,
    GN_TIMER_COUNT
};

enum gn_recovery_state {
    GN_RECOVERY_OPEN,
    GN_RECOVERY_DISORDER,
    GN_RECOVERY_FAST,
    GN_RECOVERY_LOSS
};

/** States of BBR (draft-ietf-ccwg-bbr 5.1). */
enum gn_bbr_phase {
    GN_BBR_NONE, /* another congestion control */
    GN_BBR_STARTUP,
    GN_BBR_DRAIN,
    GN_BBR_PROBE_BW_DOWN,
    GN_BBR_PROBE_BW_CRUISE,
    GN_BBR_PROBE_BW_REFILL,
    GN_BBR_PROBE_BW_UP,
    GN_BBR_PROBE_RTT
};

/** The model of BBR. */
struct gn_bbr {
    enum gn_bbr_phase phase;
    uint64_t bw;                     /* octets per second */
    gn_time min_rtt;                 /* UINT64_MAX: not measured yet */
    uint16_t pacing_gain, cwnd_gain; /* thousandths */
};

/** What kind of object a status describes: the three sizes of connection, and the listener. */
enum gn_kind { GN_KIND_CONNECTION, GN_KIND_LISTENER, GN_KIND_HALF_OPEN, GN_KIND_TIME_WAIT };

struct gn_status {
    enum gn_kind kind;
    gn_handle handle; /* GN_NO_HANDLE for half-open entries, TIME-WAIT records and orphans */
    enum gn_state state;
    struct gn_endpoint local, remote;
    bool orphan;       /* its user has gone */
    bool passive;      /* opened by a listener */
    bool frozen;       /* it may be moving (freeze.h) */
    enum gn_err error; /* pending, GN_OK if none */
    /* an ICMP error or R1 retransmissions since the last good ACK; GN_OK: no trouble known */
    enum gn_err soft_error;
    void *user;

    /* listeners: recv_q = connections waiting for accept, send_q = backlog, as ss shows it;
     * the queue is full when recv_q is above it */
    uint32_t recv_q;    /* octets received and not yet read */
    uint32_t send_q;    /* octets not yet acknowledged */
    uint32_t not_sent;  /* of send_q, those never sent */
    uint32_t half_open; /* listeners: half-open entries */
    uint32_t backlog;   /* listeners: as it was told, within somaxconn */

    struct {
        uint32_t una, nxt, wnd, wl1, wl2, iss, max_wnd;
        uint8_t wscale;
    } snd;
    struct {
        uint32_t nxt, wnd, irs, edge; /* edge: right edge announced */
        uint8_t wscale;
        uint32_t out_of_order; /* octets held beyond nxt */
    } rcv;

    bool opt_timestamps, opt_sack, opt_wscale;
    bool opt_ecn, opt_accecn; /* RFC 3168, or accurate ECN (RFC 9768) */
    /* segments of ours that were marked CE: as the peer counts them (accurate ECN), or all that was
     * delivered by ACKs with ECE (RFC 3168); and of the peer's (accurate ECN) */
    uint32_t delivered_ce, received_ce;
    bool syn_text;     /* Fast Open: text went or came with the SYN, and was accepted */
    uint32_t path_mtu; /* octets of the largest packet, as far as is known */
    uint32_t mss;      /* payload octets per segment now, options counted */
    uint32_t peer_mss; /* as announced */
    uint32_t adv_mss;  /* what we announce, options not counted */
    uint32_t rcv_mss;  /* octets of the largest segment that came; 0: no text yet */
    uint32_t ts_recent;

    char cc[12];
    enum gn_recovery_state recovery;
    uint32_t cwnd, ssthresh, in_flight, sacked, lost,
        retrans_out; /* octets; ssthresh UINT32_MAX: not set */
    uint32_t dup_acks, backoff,
        retransmits;    /* backoff: RTO doublings in a row; retransmits: in all, segments */
    uint32_t delivered; /* in all, segments, SYN and FIN included; modulo 2^32 */
    gn_time srtt, rttvar, rto, min_rtt; /* 0: no measurement yet */
    uint64_t pacing_rate;               /* octets per second, 0: not paced */
    uint64_t max_pacing_rate;           /* 0: no limit */
    uint64_t delivery_rate;             /* the last sample, 0: none was taken */
    bool delivery_app_limited;          /* by the application, not by the path */
    struct gn_bbr bbr;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retrans;
    uint64_t segs_in, segs_out;
    uint32_t sndbuf, rcvbuf;
    uint32_t memory; /* octets held, the block itself included */
    uint8_t probes;  /* unanswered keep-alive or window probes */

    gn_time created, last_in, last_out;
    gn_time last_text; /* from the peer, in order; 0: none yet */
    struct gn_deadline timer[GN_TIMER_COUNT];

    struct gn_transition history[GN_HISTORY]; /* oldest first */
    uint8_t n_history;
};

#ifdef __cplusplus
}
#endif
#endif
