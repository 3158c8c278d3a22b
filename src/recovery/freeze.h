/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.h  What recovery and congestion control keep when a connection moves: what was
 * measured and what was counted.
 *
 * What was believed of each segment in flight is left behind: which arrived, which were lost, when
 * each was sent. ACKs that came meanwhile are gone, so it is stale; a probe asks the peer anew, and
 * until then nothing is taken for lost (MIG-F-16, MIG-P-14, MIG-P-15). An episode of recovery is
 * over. Congestion control begins anew with ssthresh as it was, and with the window as it was if
 * the path is the same (MIG-F-18).
 */
#ifndef GN_RECOVERY_FREEZE_H
#define GN_RECOVERY_FREEZE_H

#include "recovery/recovery.h"

struct recovery_kept {
    gn_time srtt, rttvar, min; /* spans; 0: not measured */
    gn_time first_unacked;     /* a point in time; 0: nothing is in flight */
    gn_time last_sent;         /* a point in time; 0: nothing was sent yet */
    uint64_t delivered;        /* octets */
    uint32_t segments;         /* delivered in all, as in STATUS */
    uint32_t cwnd, ssthresh;
    uint32_t retransmits, marked;
    uint8_t backoff, timeouts;
    uint8_t reo_wnd_mult;
    bool handshake; /* our SYN is at SND.UNA */
    bool rto_spans_syn, reordering_seen;
};

/** How recovery_thaw() is to begin. */
struct recovery_start {
    seq_t una, nxt;
    uint32_t mss;
    unsigned cc;         /* index of the algorithm */
    bool sack_ok;        /* negotiated */
    bool same_path;      /* the congestion window holds */
    uint64_t max_pacing; /* as for recovery_set_max_pacing() */
};

/** recovery_freeze() - of any recovery */
void recovery_freeze(const struct recovery *r, struct recovery_kept *ret);
/** recovery_thaw() - a recovery that goes on from there, in @r, which is all zero. Whatever @k says
 * of times and windows, it is no worse than a fresh one. False: no memory; recovery_free() is to
 * follow */
bool recovery_thaw(struct recovery *r, const struct rec_env *e, const struct recovery_kept *k,
                   const struct recovery_start *s);
/** recovery_resume() - a recovery that was not looked at for @span until now goes on where it is:
 * timers have as much left as they had. What is in flight tells no round-trip time any more, and if
 * nothing is being mended one probe finds out what has arrived */
void recovery_resume(struct recovery *r, const struct rec_env *e, gn_time span);

#endif
