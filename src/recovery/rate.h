/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rate.h  How fast: delivery rate samples (draft-ietf-ccwg-bbr 4.1) and pacing (5.6.2).
 *
 * Both live in a block of their own, which only those have that need it: who has a congestion
 * control that lives on samples, a largest pacing rate, or the knob tcp_pacing. All others pay for
 * a pointer.
 *
 * A sample sets what was delivered since a segment was sent against the longer of two times: how
 * long sending that much took, and how long its ACKs took to come. What a segment was sent with is
 * in its record (struct sent).
 *
 * There is no timer per packet. `next_send` is when all that has left would have left at the pacing
 * rate; up to a quantum ahead of it may go in a burst. Then `pace_at` is armed, and holds back all
 * but what is forced. A process that has to share its processor wakes up late, by milliseconds at
 * times; what that loses is made up for at once, up to a quarter of a round trip's worth, which is
 * what a probe for bandwidth adds to the flight.
 */
#ifndef GN_RECOVERY_RATE_H
#define GN_RECOVERY_RATE_H

#include "recovery/recovery.h"

struct rate {
    gn_time delivered_at; /* C.delivered_time: when recovery.delivered was reached */
    gn_time first_sent;   /* C.first_send_time: of the flight that the next sample measures */
    uint64_t app_limited; /* C.app_limited: `delivered` at which the bubble has left; 0: none */
    gn_time next_send;    /* C.next_send_time */
    deadline_t pace_at;
    gn_time late;    /* that the wake-up came after pace_at: so much is made up for */
    uint64_t max;    /* octets per second (SO_MAX_PACING_RATE); 0: no limit */
    uint64_t latest; /* the last sample, octets per second; 0: none */
    bool latest_app; /* it was limited by the application */
};

/** rate_needed() - does anybody want samples or pacing? @max: as in the struct */
static inline bool rate_needed(const struct recovery *r, const struct rec_env *e, uint64_t max)
{
    return r->cc.ops->own_recovery || max || e->conf->tcp_pacing;
}
/** rate_settle_any() - rate_settle() where there is something to take or to give back */
__attribute__((noinline)) bool rate_settle_any(struct recovery *r, const struct rec_env *e,
                                               uint64_t max);
/** rate_settle() - take or give back the block, as it is needed now or not; @max: as in the struct.
 *  false: it is needed, and there is no memory */
static inline bool rate_settle(struct recovery *r, const struct rec_env *e, uint64_t max)
{
    return (!r->rate && !rate_needed(r, e, max)) || rate_settle_any(r, e, max);
}
/** rate_free() - give the block back */
void rate_free(struct recovery *r, struct mem *m);
/** rate_restart() - something is about to leave, and nothing is in flight */
void rate_restart(struct recovery *r, gn_time now);
/** rate_snapshot() - note in @s, which has just been sent, what its sample needs to know of now */
void rate_snapshot(const struct recovery *r, struct sent *s);
/** rate_bubble() - the application has nothing more to send though it might */
void rate_bubble(struct recovery *r);
/** rate_delivered() - recovery.delivered has grown */
void rate_delivered(struct recovery *r, gn_time now);
/** rate_sample() - into @c, the sample of @s, the segment sent last of those that an ACK has
 *  delivered. It may have left the log */
void rate_sample(struct recovery *r, const struct sent *s, struct cc_ack *c);
/** rate_at_loss() - into @c, how much was in flight when @s was sent, and how much was lost since
 */
void rate_at_loss(const struct recovery *r, const struct sent *s, struct cc_ack *c);
/** rate_pacing() - octets per second; 0: not paced */
uint64_t rate_pacing(const struct recovery *r);
/** rate_from_window() - the pacing rate of a congestion control that has none of its own */
void rate_from_window(struct recovery *r);
/** rate_pace() - @len octets leave @now: when may the next ones? */
void rate_pace(struct recovery *r, uint32_t len, gn_time now);
/** rate_wake() - pace_at has come */
void rate_wake(struct recovery *r, gn_time now);
/** rate_drained() - if nothing is in flight any more, a wait is over, unless the user has bounded
 * the rate: there is nothing to keep a distance from, and a rate that is wrong for a moment
 * (measured across an outage, or in a handshake of seconds) must not make a connection stand still
 */
void rate_drained(struct recovery *r);
/** rate_room() - of @room octets, how many pacing lets go at a time; 0: none before pace_at */
uint32_t rate_room(const struct recovery *r, uint32_t room);
/** rate_status() - for STATUS */
void rate_status(const struct recovery *r, struct gn_status *ret);

#endif
