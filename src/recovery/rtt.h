/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rtt.h  Round-trip time and the retransmission timeout that follows from it (RFC 6298).
 *
 * Every acknowledgment gives a sample, so the gains are scaled down by the samples expected in a
 * round trip (RFC 7323 App. G); by a power of two, so that no division is needed. The lowest
 * round-trip time is that of the last five to ten minutes (RFC 8985 6.2 step 1).
 */
#ifndef GN_RECOVERY_RTT_H
#define GN_RECOVERY_RTT_H

#include <gannet/conf.h>

/** One tick of the timestamp clock (RFC 7323 5.4): echoes are compared in ticks of now. */
#define RTT_TS_TICK GN_MSEC

/** G of RFC 6298: what timers may be late by. */
#define RTT_GRANULARITY GN_MSEC

#define RTT_MIN_WINDOW  (300 * GN_SEC)

struct rtt {
    gn_time srtt, rttvar; /* srtt 0: no measurement yet */
    gn_time min;          /* lowest of this window and the one before; 0: no measurement yet */
    gn_time min_next;     /* lowest of this window */
    gn_time min_at;       /* when this window began */
};

/** rtt_sample() - a measurement of @sample ns (at least 1) from a flight of @segments segments */
void rtt_sample(struct rtt *r, gn_time sample, uint32_t segments);
/** rtt_sample_min() - @sample may be the lowest; needs less certainty than a sample for the timeout
 */
void rtt_sample_min(struct rtt *r, gn_time sample, gn_time now);
/* CC-6298-12 (MAY): what was measured is never thrown away, however often the timeout was doubled
 */
/** rtt_on_spurious() - a timeout was spurious: the round trip took @sample (RFC 4015 3.2 (ADAPT))
 */
void rtt_on_spurious(struct rtt *r, gn_time sample);
/** rtt_rto() - the timeout before back-off, between tcp_rto_min and tcp_rto_max */
gn_time rtt_rto(const struct rtt *r, const struct gn_conf *conf);

#endif
