/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rtt.c  Round-trip time and retransmission timeout.
 */
#include "recovery/rtt.h"

#include "base/bits.h"

/* toward() - x + (to - x) / 2^shift for unsigned numbers */
static gn_time toward(gn_time x, gn_time to, unsigned shift)
{
    return to >= x ? x + ((to - x) >> shift) : x - ((x - to) >> shift);
}

/* excess_samples() - log2, rounded up, of the samples a round trip gives beyond one: an ACK for
 * every other segment (RFC 7323 App. G: ExpectedSamples = ceil(FlightSize / (SMSS * 2))) */
static unsigned excess_samples(uint32_t segments)
{
    unsigned shift = 0;

    while (shift < 12 && ((uint32_t)2 << shift) < segments)
        shift++;
    return shift;
}

void rtt_sample(struct rtt *r, gn_time sample, uint32_t segments)
{
    if (!r->srtt) { /* CC-6298-2 */
        r->srtt = sample;
        r->rttvar = sample / 2;
        return;
    }
    unsigned shift = excess_samples(segments); /* CC-7323-RTT */
    gn_time err = r->srtt > sample ? r->srtt - sample : sample - r->srtt;

    r->rttvar = toward(r->rttvar, err, 2 + shift); /* CC-6298-3: first, with the old SRTT */
    r->srtt = max_u64(toward(r->srtt, sample, 3 + shift), 1);
}

void rtt_sample_min(struct rtt *r, gn_time sample, gn_time now)
{
    if (!r->min || sample <= r->min) {
        r->min = sample;
        r->min_next = sample;
        r->min_at = now;
        return;
    }
    r->min_next = min_u64(r->min_next, sample);
    if (now - r->min_at > RTT_MIN_WINDOW) { /* CC-8985-3 */
        r->min = r->min_next;
        r->min_next = sample;
        r->min_at = now;
    }
}

void rtt_on_spurious(struct rtt *r, gn_time sample)
{
    r->srtt = max_u64(r->srtt, sample);
    r->rttvar = max_u64(r->rttvar, sample / 2);
}

/*
 * The floor is applied to the term of the variance and not to the sum: on a steady path the
 * variance goes to nothing, and a timeout of barely more than SRTT would fire at the first delayed
 * ACK. The result is never below tcp_rto_min either way (CC-6298-4), nor below SRTT + G
 * (CC-6298-13).
 */
gn_time rtt_rto(const struct rtt *r, const struct gn_conf *conf)
{
    gn_time var = max_u64(max_u64(4 * r->rttvar, conf->tcp_rto_min), RTT_GRANULARITY);

    if (!r->srtt)
        return conf->tcp_rto_initial;                                             /* CC-6298-1 */
    return min_u64(r->srtt + var, max_u64(conf->tcp_rto_max, conf->tcp_rto_min)); /* CC-6298-5 */
}
