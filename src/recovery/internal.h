/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file internal.h  What the files of the façade share: recovery.c (sending), ack.c (ACKs), plain.c
 * (the short way of both), timers.c (timers), states.c (Open, Disorder, Fast, Loss, and the ways
 * between them).
 */
#ifndef GN_RECOVERY_INTERNAL_H
#define GN_RECOVERY_INTERNAL_H

#include "recovery/rate.h"
#include "recovery/recovery.h"

/* bits of tcp_recovery, as Linux has them */
#define RECOVERY_RACK           1
#define RECOVERY_STATIC_REO_WND 2
#define RECOVERY_NO_DUP_THRESH  4

/* fast recovery or recovery after a timeout */
static inline bool recovery_active(const struct recovery *r)
{
    return r->state == GN_RECOVERY_FAST || r->state == GN_RECOVERY_LOSS;
}

_Static_assert(GN_RECOVERY_OPEN == 0 && FRTO_OFF == 0 && MTU_PROBE_NONE == 0 &&
                   sizeof(((struct recovery *)0)->unusual) == 8,
               "what is usual is 0");

/* segments that have arrived, as far as is known, our SYN and FIN included; modulo 2^32 */
static inline uint32_t recovery_delivered(const struct recovery *r)
{
    return r->sent.head + r->sent.n_sacked;
}

/* is @mark ahead of una, in what is in flight? What was passed 2 GiB ago would be ahead of it again
 * to seq_lt() alone */
static inline bool recovery_ahead(const struct recovery *r, seq_t mark)
{
    return seq_lt(r->una, mark) && seq_le(mark, r->nxt);
}

/* RACK judges losses, and tail loss probes may be sent (RFC 8985 3: needs SACK) */
static inline bool recovery_has_rack(const struct recovery *r, const struct rec_env *e)
{
    return r->sack_ok && (e->conf->tcp_recovery & RECOVERY_RACK);
}

/** recovery_drained() - nothing is in flight, and nothing was unusual before: nothing to wait for,
 * nothing to remember */
static inline void recovery_drained(struct recovery *r, const struct rec_env *e)
{
    r->first_unacked = 0;
    r->rto_at = r->reo_at = r->pto_at = deadline_none();
    sent_release(&r->sent, e->mem);
}
/** recovery_handshake_done() - the SYN is acknowledged; it had been sent again @retries times. No
 * more of that is among what is unusual */
void recovery_handshake_done(struct recovery *r, const struct rec_env *e, uint32_t retries);
/** recovery_tell_lost() - tell congestion control what was found lost since the last time */
void recovery_tell_lost(struct recovery *r, const struct rec_env *e);
/** recovery_arm_rto() - the retransmission timer starts now */
void recovery_arm_rto(struct recovery *r, const struct rec_env *e);
/** recovery_arm_pto() - the probe timer starts now, if there is to be one (RFC 8985 7.2) */
void recovery_arm_pto(struct recovery *r, const struct rec_env *e);
/** recovery_pto() - when a tail loss probe would leave; never after the RTO (CC-8985-9) */
static inline deadline_t recovery_pto(const struct recovery *r, const struct rec_env *e)
{
    bool one = sent_count(&r->sent) == 1;

    return deadline_min(deadline_at(e->now + tlp_calc_pto(&r->rtt, e->conf, one)), r->rto_at);
}
/** recovery_flight_size() - what a reduction is computed from: FlightSize without the octets of
 *  limited transmit, which are those beyond the window. In recovery the window is that aimed at */
uint32_t recovery_flight_size(const struct recovery *r);
/** recovery_validate() - has too much of the window gone unused for too long? (RFC 7661 4.4.3) */
void recovery_validate(struct recovery *r, const struct rec_env *e);
/** recovery_cwnd_limited() - the window was used up in this round trip */
bool recovery_cwnd_limited(const struct recovery *r);
/** recovery_note_limit() - does the window, and not the peer or the application, limit us
 * (CC-2861-2)? @flight is the pipe */
static inline void recovery_note_limit(struct recovery *r, uint32_t flight)
{
    bool limited = flight + r->mss > r->cc.cwnd;

    /* the answer holds for a round trip, unless a larger flight or the limit is met before */
    if (limited || flight > r->max_flight || seq_ge(r->una, r->limited_end)) {
        r->limited = limited;
        r->max_flight = flight;
        r->limited_end = r->nxt;
    }
}
/** recovery_reo_wnd() - RACK's reordering window in the present state */
gn_time recovery_reo_wnd(const struct recovery *r, const struct rec_env *e);
/** recovery_detect() - mark what SACK or RACK shows to be lost; true: a retransmission of this
 *  recovery was lost in turn. Arms the reordering timer */
bool recovery_detect(struct recovery *r, const struct rec_env *e);
/** recovery_spare_mtu_probe() - of what was marked lost since `resend` was @resend, is the MTU
 * probe all? Then it is no sign of congestion. Notes what has become of the probe */
bool recovery_spare_mtu_probe(struct recovery *r, uint32_t resend);
/** recovery_enter_fast() - a loss was found, by an ACK that delivered @delivered octets */
void recovery_enter_fast(struct recovery *r, const struct rec_env *e, uint32_t delivered);
/** recovery_take_over() - the congestion control of now was not there when fast recovery began, and
 *  the one that was had no ssthresh for it to end at */
void recovery_take_over(struct recovery *r, const struct rec_env *e);
/** recovery_leave_fast() - all that was outstanding when it began is acknowledged */
void recovery_leave_fast(struct recovery *r, const struct rec_env *e);
/** recovery_enter_loss() - the answer to a timeout; @first: of a row of timeouts */
void recovery_enter_loss(struct recovery *r, const struct rec_env *e, bool first);
/** recovery_undo() - the present or last recovery was spurious */
void recovery_undo(struct recovery *r, const struct rec_env *e);
/** recovery_keep_room() - the pipe has changed from @in_flight without a delivery: in fast recovery
 *  what may leave stays what it was */
void recovery_keep_room(struct recovery *r, uint32_t in_flight);

#endif
