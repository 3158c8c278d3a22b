/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.h  What recovery and congestion control must know of a connection with nothing in
 * flight and nothing being mended: the rest is as it is at the beginning, or follows.
 *
 * Waking makes a value that behaves as the one put to rest would have, for ever. What has become of
 * the old flight is left out (all of it is below UNA), as are names of records (the log is empty).
 */
#ifndef GN_RECOVERY_REST_H
#define GN_RECOVERY_REST_H

#include "recovery/recovery.h"

/** rest_ms() - a point in time in 32 bits, in units of 1.05 ms: known for 52 days */
static inline uint32_t rest_ms(gn_time t)
{
    return (uint32_t)(t >> 20);
}

/** rest_ms_back() - the latest point in time that it can mean @now */
static inline gn_time rest_ms_back(uint32_t ms, gn_time now)
{
    gn_time age = (uint32_t)((now >> 20) - ms);

    return now >> 20 > age ? ((now >> 20) - age) << 20 : 0;
}

#define REST_CC_WORDS 5 /* of struct cc.u: who needs more does not rest */

struct recovery_rest {
    const struct cc_ops *ops;
    uint64_t cc[REST_CC_WORDS];
    gn_time last_sent;
    uint32_t min_at, half_at, since; /* rest_ms(); since: 0 is never */
    uint32_t delivered;              /* low bits: who needs all has a struct rate */
    uint32_t high[2];
    uint32_t srtt, rttvar, min, min_next; /* ns */
    uint32_t rack_rtt;                    /* ns */
    uint32_t cwnd, ssthresh, iw, acked;
    uint32_t retransmits;
    uint16_t mss;
    uint8_t backoff;
    uint8_t reo_wnd_mult, reo_wnd_persist;
    uint8_t flags; /* of rest.c */
    uint16_t marked;
};

/** recovery_may_rest() - is there nothing else to know of it than what recovery_rest() keeps? */
bool recovery_may_rest(const struct recovery *r, gn_time now);
/** recovery_rest() - of one that may */
void recovery_rest(const struct recovery *r, struct recovery_rest *ret);
/** recovery_wake() - the value again, in @ret, which is all zero; @una: SND.UNA and SND.NXT */
void recovery_wake(const struct recovery_rest *k, seq_t una, gn_time now, struct recovery *ret);

#endif
