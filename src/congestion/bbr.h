/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bbr.h  The state of BBR (draft-ietf-ccwg-bbr, version 3), and what its two files share:
 * bbr.c, the state machine and the control parameters, and bbr_model.c, the model of the path.
 *
 * Names are the draft's. Volumes in octets, rates in octets per second, gains and shares in
 * thousandths.
 */
#ifndef GN_CONGESTION_BBR_H
#define GN_CONGESTION_BBR_H

#include "base/bits.h"
#include "congestion/cc.h"

#define BBR_INFINITY         UINT32_MAX /* of a volume */
#define BBR_RATE_INFINITY    UINT64_MAX
#define BBR_RATE_MAX         UINT64_C(100000000000) /* so that products fit 64 bits */
#define BBR_LOSS_THRESH      20                     /* LossThresh (CC-BBR-5) */
#define BBR_BETA             700                    /* Beta */
#define BBR_ECN_BETA         850                    /* of RFC 8511, for the draft has none */
#define BBR_HEADROOM         150                    /* Headroom */
#define BBR_MIN_PIPE         4                      /* MinPipeCwnd, segments (CC-BBR-6) */
#define BBR_PACING_MARGIN    1                      /* PacingMarginPercent */
#define BBR_STARTUP_LOSS_CNT 6                      /* StartupFullLossCnt (CC-BBR-4) */
#define BBR_MIN_RTT_FILTER   (10 * GN_SEC)          /* MinRTTFilterLen (CC-BBR-3) */
#define BBR_PROBE_RTT_EVERY  (5 * GN_SEC)           /* ProbeRTTInterval */
#define BBR_PROBE_RTT_FOR    (200 * GN_MSEC)        /* ProbeRTTDuration */
#define BBR_MIN_RTT_NEAR     16   /* within this part of it a round-trip time is the lowest again */
#define BBR_DRAINED          6    /* rounds in which a probe's queue goes */
#define BBR_QUEUE_PROBE      2250 /* round-trip time to min_rtt that a probe makes: its cwnd_gain */
#define BBR_QUEUE_CRUISE     1250 /* and beyond which a queue stands later: its pacing_gain */
#define BBR_EXTRA_ACKED_HALF 5    /* rounds: half of ExtraAckedFilterLen (CC-BBR-7) */

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_DOWN, /* ProbeBW_DOWN, and so on */
    BBR_CRUISE,
    BBR_REFILL,
    BBR_UP,
    BBR_PROBE_RTT,
    BBR_NO_STATE /* of undo_state: none */
};

enum bbr_ack_phase {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_PROBE_STARTING,
    BBR_ACKS_PROBE_FEEDBACK,
    BBR_ACKS_PROBE_STOPPING
};

/** A block of its own; the union of struct cc leads to it. */
struct bbr {
    /* 2.9.1 the data rate model */
    uint64_t max_bw_filter[2]; /* highest of the ProbeBW cycle before this one, and of this */
    uint64_t max_bw;
    uint64_t bw_shortterm;
    uint64_t bw; /* the lower of the two */
    uint64_t bw_latest;
    /* 2.9.2 the data volume model */
    gn_time min_rtt, min_rtt_stamp; /* UINT64_MAX: none yet */
    uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
    uint32_t extra_acked_filter[2]; /* highest of the five rounds before these, and of these */
    uint32_t extra_acked_delivered;
    gn_time extra_acked_interval_start;
    /* 5.5.1 rounds */
    uint64_t next_round_delivered, loss_round_delivered;
    uint64_t delivered;  /* C.delivered at the last ACK */
    uint64_t round_lost; /* octets found lost since the first loss of this loss round */
    gn_time round_rtt;   /* lowest round-trip time in it; UINT64_MAX: none */
    uint32_t round_count, drain_start_round, extra_acked_round;
    /* 2.13 Startup, 2.14 ProbeBW */
    uint32_t bw_probe_up_acked, probe_up_acked_per_inc;
    uint64_t full_bw;
    gn_time cycle_stamp, bw_probe_wait;
    uint32_t rounds_since_probe_up;
    /* 2.15 undo, 2.16 ProbeRTT */
    uint32_t prior_cwnd;
    uint64_t undo_bw_shortterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    gn_time probe_rtt_min_delay, probe_rtt_min_stamp, probe_rtt_done_stamp;
    /* of the sample in hand */
    uint64_t rs_rate; /* RS.delivery_rate, 0: none */
    uint32_t rs_tx_in_flight, rs_lost, rs_delivered;
    uint8_t state; /* enum bbr_state */
    uint8_t undo_state;
    uint8_t ack_phase; /* enum bbr_ack_phase */
    uint8_t full_bw_count, bw_probe_up_rounds;
    uint8_t loss_events; /* times that losses were found in this round */
    bool rs_app_limited, rs_sack;
    bool round_start, loss_round_start;
    bool full_bw_now, full_bw_reached;
    bool is_loss_in_round, is_bw_probe_sample;
    bool prev_probe_too_high, prev_probe_precautionary;
    bool idle_restart, probe_rtt_expired, probe_rtt_round_done;
    bool in_recovery; /* the window before it is in prior_cwnd */
};

/* bbr_state() - BBR's block */
static inline struct bbr *bbr_state(const struct cc *c)
{
    return (struct bbr *)c->u.block;
}

/* bbr_volume() - what @rate is in @t ns; to the microsecond, at the most 100 s */
static inline uint64_t bbr_volume(uint64_t rate, gn_time t)
{
    return rate * clamp_u64(t / GN_USEC, 1, 100000000) / 1000000;
}

/* bbr_share() - @num / 1000 of @x */
static inline uint64_t bbr_share(uint64_t x, uint32_t num)
{
    return x * num / 1000;
}

/* bbr_in_probe_bw() - IsInAProbeBWState() */
static inline bool bbr_in_probe_bw(const struct bbr *b)
{
    return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

/** bbr_bdp() - BDPMultiple(@gain) (5.6.4.2) at the rate @bw */
uint32_t bbr_bdp(const struct cc *c, uint64_t bw, uint32_t gain);
/** bbr_target() - TargetInflight() (5.3.3.8.3) */
uint32_t bbr_target(const struct cc *c);
/** bbr_start_round() - StartRound() (5.5.1) */
void bbr_start_round(struct bbr *b, uint64_t delivered);
/** bbr_reset_signals() - ResetCongestionSignals() (5.5.10.3) */
void bbr_reset_signals(struct bbr *b);
/** bbr_reset_shortterm() - ResetShortTermModel() */
void bbr_reset_shortterm(struct bbr *b);
/** bbr_reset_full_bw() - ResetFullBW() (5.3.1.2), and @bw for the baseline */
void bbr_reset_full_bw(struct bbr *b, uint64_t bw);
/** bbr_save_on_loss() - SaveCwnd() and SaveStateUponLoss() (5.5.11.1, 5.6.4.4) */
void bbr_save_on_loss(struct cc *c);
/** bbr_save_cwnd() - SaveCwnd() */
void bbr_save_cwnd(struct cc *c);
/** bbr_note_loss() - NoteLoss() (5.5.10.2) of @lost octets */
void bbr_note_loss(struct cc *c, uint64_t delivered, uint32_t lost);
/** bbr_too_high() - IsInflightTooHigh() */
bool bbr_too_high(const struct cc *c);
/** bbr_take_sample() - the sample of an ACK: its round, rate and losses (4.1.2.3, 5.5.10.3) */
void bbr_take_sample(struct cc *c, const struct cc_ack *a);
/** bbr_advance_signals() - AdvanceLatestDeliverySignals(), BoundBWForModel() */
void bbr_advance_signals(struct bbr *b);
/** bbr_aggregation() - UpdateACKAggregation() (5.5.9) */
void bbr_aggregation(struct cc *c, const struct cc_ack *a);
/** bbr_advance_max_bw() - AdvanceMaxBwFilter() (5.5.6) */
void bbr_advance_max_bw(struct bbr *b);
/** bbr_update_min_rtt() - UpdateMinRTT() (5.3.4.3) */
void bbr_update_min_rtt(struct bbr *b, const struct cc_ack *a);

extern const struct cc_ops cc_bbr;

#endif
