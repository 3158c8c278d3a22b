/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file recovery.h  Loss recovery as a value: ranges sent and acknowledged go in, what to send and
 * when to wake comes out.
 *
 * Knows sequence numbers (SYN and FIN are octets of the stream like any other), times and the
 * congestion controller; knows neither connections nor segments nor buffers. SND.NXT never goes
 * back: what has to be sent again is *marked* lost in the log of transmissions (sent.h), and
 * recovery_next_lost() names it. One mechanism serves timeouts, NewReno, SACK and RACK.
 *
 * The pipe (RFC 6675 4) takes the place of the window inflated by duplicate ACKs: with
 * pipe = SND.NXT - SND.UNA - SACKed - lost + sent again, and without SACK one segment counted as
 * SACKed for each duplicate ACK, "cwnd - pipe" is octet for octet what RFC 5681 3.2 and RFC
 * 6582 3.2 get from inflating, deflating and adding back.
 */
#ifndef GN_RECOVERY_RECOVERY_H
#define GN_RECOVERY_RECOVERY_H

#include "base/mem.h"
#include "base/seq.h"
#include "base/time.h"
#include "congestion/cc.h"
#include "recovery/cwv.h"
#include "recovery/prr.h"
#include "recovery/rack.h"
#include "recovery/rtt.h"
#include "recovery/sack.h"
#include "recovery/sent.h"
#include "recovery/tlp.h"
#include "recovery/undo.h"

#include <gannet/conf.h>
#include <gannet/status.h>

struct rec_env {
    gn_time now;
    const struct gn_conf *conf;
    struct mem *mem;
};

struct rate;

/** What is known of the one segment larger than SMSS, whose loss is no sign of congestion (RFC
 * 4821). */
enum mtu_probe {
    MTU_PROBE_NONE,
    MTU_PROBE_DUE,     /* the next new data are it */
    MTU_PROBE_OUT,     /* it has left */
    MTU_PROBE_ARRIVED, /* acknowledged, sent but once */
    MTU_PROBE_LOST,    /* and nothing else */
    MTU_PROBE_TIMEOUT, /* nothing came after it until the RTO */
    MTU_PROBE_UNCLEAR  /* other segments were lost as well, or it was sent again */
};

/** In the order of how often they are looked at: first what only recovery from a loss needs, and at
 * the end, towards what is behind this struct in a block, what every segment and ACK does. */
struct recovery {
    struct undo undo;
    struct prr prr;
    seq_t recover;         /* RFC 6582 recover, RFC 6675 RecoveryPoint */
    seq_t cwr_end;         /* with ece_seen: no second answer to ECE before this is acked */
    seq_t mtu_probe_start; /* with mtu_probe: first octet of the probe, and the one after it */
    seq_t mtu_probe_end;
    uint32_t retransmits; /* segments sent again, in all */
    uint32_t marked;      /* segments delivered by ACKs with ECE (RFC 3168), in all */
    gn_time since;        /* when the present recovery began */
    struct cwv cwv;
    struct rack rack;
    struct cc cc;
    struct rtt rtt;
    uint64_t delivered;    /* octets acknowledged or SACKed, in all */
    struct sent_log sent;  /* what is between una and nxt, one record per segment */
    gn_time first_unacked; /* when what is at una was sent first; 0: nothing in flight */
    gn_time last_sent;     /* last transmission of anything; 0: none yet */
    seq_t limited_end;     /* `limited` and max_flight hold until this is acknowledged */
    uint32_t max_flight;   /* largest pipe in that time */
    struct tlp tlp;
    uint32_t reno_sacked;   /* without SACK: octets that duplicate ACKs stand for */
    bool sack_ok       : 1; /* SACK negotiated */
    bool rto_spans_syn : 1; /* SYN timed out: RFC 6298 5.7 */
    bool ece_seen      : 1; /* cwr_end is valid */
    bool rescued       : 1; /* this recovery had its rescue retransmission (RescueRxt) */
    bool limited;           /* the window was the limit when last looked at */
    struct rate *rate;      /* samples and pacing (rate.h); NULL: neither */
    union {
        struct {
            uint16_t dup_acks;
            uint8_t state;        /* enum gn_recovery_state */
            uint8_t frto;         /* enum frto */
            uint8_t mtu_probe;    /* enum mtu_probe */
            uint8_t backoff;      /* RTO doublings, until an RTT is measured (Karn) */
            uint8_t timeouts;     /* RTOs in a row without una advancing: for R1 and R2 */
            bool handshake   : 1; /* nothing was acknowledged yet: the SYN is at una */
            bool probe_due   : 1; /* PTO fired: recovery_next_probe() */
            bool probe_again : 1; /* what it named leaves next */
            bool force       : 1; /* one segment may leave whatever the window says */
            bool partial     : 1; /* a partial ACK came in this recovery (RFC 6582 3.2) */
            bool ece_hold    : 1; /* ECE at a window of one segment: wait for the RTO */
            bool rescue      : 1; /* recovery_next_rescue() may find something */
        };
        uint64_t unusual; /* all these at once: 0 nearly always, see plain.c */
    };
    seq_t una, nxt;
    uint32_t mss; /* SMSS: payload octets of a full segment */
    deadline_t rto_at, pto_at, reo_at;
};

/** What one arriving ACK says. */
struct rec_ack {
    seq_t ack;
    bool dup;       /* RFC 5681 2's duplicate ACK (no text, window unchanged, ...) */
    bool has_ts;    /* ts_rtt is valid: echo of a timestamp, already judged sane (RFC 7323 4) */
    bool ece;       /* ECN-Echo on a connection that negotiated ECN */
    bool can_send;  /* text never sent waits, and only congestion control may hold it (RFC 5682) */
    gn_time ts_rtt; /* now less the time of the echo, whole ticks of RTT_TS_TICK */
    uint8_t n_sack;
    struct rec_sack sack[4]; /* as received, not yet judged (CC-2018-8) */
};

struct rec_result {
    uint32_t acked;     /* octets newly acknowledged cumulatively */
    uint32_t sacked;    /* octets newly SACKed */
    uint32_t lost;      /* octets newly marked lost */
    bool dsack;         /* the ACK reported a duplicate */
    bool entered, left; /* fast recovery */
    bool spurious;      /* an earlier timeout or recovery was found spurious and undone */
    bool cwr;           /* ECE was answered: CWR is due on the next new text (RFC 3168 6.1.2) */
    gn_time rtt;        /* sample taken, 0: none */
};

/**
 * recovery_init() - nothing sent yet, next octet is @iss; cc is the algorithm's index. @r is all
 * zero, as it is in a new block
 *
 * What is sent first is taken for a SYN until it is acknowledged: its loss does not touch the
 * window (RFC 6928 2). For a connection whose SYN went out before there was a control block, give
 * the octet after it and call recovery_on_open().
 */
void recovery_init(struct recovery *r, const struct rec_env *e, seq_t iss, uint32_t mss,
                   unsigned cc);
void recovery_free(struct recovery *r, const struct rec_env *e);
/** recovery_set_cc() - another congestion control from now on; @cc is its index */
void recovery_set_cc(struct recovery *r, const struct rec_env *e, unsigned cc);
/** recovery_set_max_pacing() - no more than @max octets per second leave from now on, 0: no limit;
 *  false: no memory, nothing has changed */
bool recovery_set_max_pacing(struct recovery *r, const struct rec_env *e, uint64_t max);
/** recovery_on_open() - the handshake was made elsewhere: the SYN,ACK was sent again @retries
 * times; its round-trip time is @rtt, 0 if not known */
void recovery_on_open(struct recovery *r, const struct rec_env *e, uint32_t retries, gn_time rtt);
/** recovery_set_mss() - path MTU or option set changed. Segments in flight that are now too large
 *  are to be sent again; no congestion (RFC 1191 6.4). @mss as it was: nothing happens */
void recovery_set_mss(struct recovery *r, const struct rec_env *e, uint32_t mss);
/** recovery_lose_all() - nothing that is in flight has arrived, and the network is not to blame: it
 *  is to be sent again at once (RFC 7413 4.2.1) */
void recovery_lose_all(struct recovery *r);
/** recovery_reserve() - room for @n more records; false: no memory, so less may be sent now. One
 * needs none when nothing is in flight */
bool recovery_reserve(struct recovery *r, const struct rec_env *e, uint32_t n);
/**
 * recovery_on_sent() - [start, start + len) leaves now
 * New data (start == nxt) is logged in records of at most mss octets each, so that a super-segment
 * is one call; anything below nxt is a retransmission of whole records or of their front part. Arms
 * RTO, PTO. Room for the records was reserved.
 * @app_limited: nothing more is waiting behind it
 */
void recovery_on_sent(struct recovery *r, const struct rec_env *e, seq_t start, uint32_t len,
                      bool app_limited);
/** recovery_on_ack() - @a->ack is in [una, nxt] */
void recovery_on_ack(struct recovery *r, const struct rec_env *e, const struct rec_ack *a,
                     struct rec_result *ret);
/**
 * recovery_on_plain_ack() - an ACK of something new, that says nothing but this: no SACK blocks, no
 * ECN-Echo. What recovery_on_ack() would do, if all is well; there is nothing to tell then. False,
 * and nothing has happened, if not: it is for recovery_on_ack()
 */
bool recovery_on_plain_ack(struct recovery *r, const struct rec_env *e, seq_t ack);
/**
 * recovery_send_plain() - [nxt, nxt + @len), no more than a full segment, leaves now if all is
 * well: recovery_reserve(), recovery_on_idle_restart(), recovery_room() and recovery_on_sent() in
 * one. False, and nothing has happened, if something is unusual, or there is no room
 */
bool recovery_send_plain(struct recovery *r, const struct rec_env *e, uint32_t len);
/**
 * recovery_on_last_ack() - an ACK of nxt, and nothing will ever be sent after it: what round-trip
 * time and congestion control would make of it is of use to nobody. False, and nothing has
 * happened, if recovery has something going on: then it is for recovery_on_ack()
 */
bool recovery_on_last_ack(struct recovery *r, const struct rec_env *e);
/** recovery_on_rto() - the RTO has expired: everything outstanding that RFC 6298/8985 says is lost
 * is marked; RTO doubled and armed again; backoff incremented. A PTO that is due at the same time
 * goes first: then this is recovery_on_pto(), and `timeouts` does not change */
void recovery_on_rto(struct recovery *r, const struct rec_env *e);
void recovery_on_pto(struct recovery *r, const struct rec_env *e);
void recovery_on_reorder_timer(struct recovery *r, const struct rec_env *e);
/** recovery_pace_at() - when pacing lets the next burst go; not armed: at any time */
deadline_t recovery_pace_at(const struct recovery *r);
/** recovery_on_pace() - that time has come; @app_limited: and nothing waits */
void recovery_on_pace(struct recovery *r, const struct rec_env *e, bool app_limited);
/** recovery_mtu_probe() - the next new data, @len octets, leave as one segment larger than mss:
 * what becomes of it is told by `mtu_probe` */
void recovery_mtu_probe(struct recovery *r, uint32_t len);
/** recovery_lose_mtu_probe() - a router says that it was too large: it is to be sent again */
void recovery_lose_mtu_probe(struct recovery *r);
/** recovery_next_lost() - the lowest run of octets marked lost and not sent again since; at most
 *  @max octets; false: none */
bool recovery_next_lost(const struct recovery *r, uint32_t max, seq_t *ret_start,
                        uint32_t *ret_len);
/**
 * recovery_next_rescue() - when nothing lost is to be sent again and nothing new may leave: what
 * RFC 6675 4 NextSeg (3) and (4) allows to be sent again though it is not known to be lost; at most
 * @max octets. False: nothing, until the next ACK
 */
bool recovery_next_rescue(struct recovery *r, uint32_t max, seq_t *ret_start, uint32_t *ret_len);
/** recovery_next_probe() - after PTO, when there is no new data: the last segment sent; clears
 *  probe_due */
bool recovery_next_probe(struct recovery *r, seq_t *ret_start, uint32_t *ret_len);
/** recovery_segments() - how many segments an ACK of @ack, in [una, nxt], covers that no SACK block
 * has told of before */
uint32_t recovery_segments(const struct recovery *r, seq_t ack);
/** recovery_in_flight() - pipe: octets believed to be in the network */
uint32_t recovery_in_flight(const struct recovery *r);
/** recovery_room() - octets that congestion control lets us send now (cwnd, PRR, limited transmit,
 * pacing); 0: none. A segment leaves if it fits whole; it is not cut to fit (RFC 6675 5 (C),
 *  CC-6675-7). The peer's window is the caller's to heed (CC-3042-1) */
uint32_t recovery_room(const struct recovery *r);
/** recovery_room_for() - the same for one segment of @len octets: whenever pacing lets any go, it
 * may be larger than what pacing lets go at once */
uint32_t recovery_room_for(const struct recovery *r, uint32_t len);
/** recovery_on_idle_restart() - about to send after an idle time: RFC 5681 4.1, or RFC 7661 4.4.3
 */
void recovery_on_idle_restart(struct recovery *r, const struct rec_env *e);
/** recovery_rto() - the timeout now, with back-off */
gn_time recovery_rto(const struct recovery *r, const struct rec_env *e);
/** recovery_status() - fill the recovery part of a status */
void recovery_status(const struct recovery *r, const struct rec_env *e, struct gn_status *ret);
/** recovery_check() - invariants (INV-04, INV-05, INV-07), costly; ASSERTs */
/** recovery_memory() - octets that it holds outside of the block, but for the log */
uint32_t recovery_memory(const struct recovery *r);
void recovery_check(const struct recovery *r);

#endif
