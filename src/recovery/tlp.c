/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tlp.c  Tail loss probes.
 */
#include "recovery/tlp.h"

void tlp_init(struct tlp *t)
{
    t->in_flight = false;
    t->is_retrans = false;
}

/*
 * The peer may keep the ACK of a lone segment back, for TLP.max_ack_delay: by default what most
 * stacks take, and so much sooner than the RTO that the probe is of use on short paths. Two ticks
 * allow for the timers of both sides.
 */
gn_time tlp_calc_pto(const struct rtt *rtt, const struct gn_conf *conf, bool one)
{
    if (!rtt->srtt)
        return GN_SEC;
    return 2 * rtt->srtt + 2 * RTT_GRANULARITY +
           (one ? conf->tcp_max_ack_delay : 0); /* CC-8985-9 */
}

bool tlp_may_probe(const struct tlp *t)
{
    return !t->in_flight && t->fresh; /* CC-8985-11 */
}

void tlp_sent(struct tlp *t, seq_t nxt, bool retrans)
{
    t->end_seq = nxt;
    t->in_flight = true;
    t->is_retrans = retrans;
    t->fresh = false;
}

bool tlp_process_ack(struct tlp *t, seq_t ack, bool dsack, bool dup)
{
    bool repaired = false;

    if (!t->in_flight || seq_lt(ack, t->end_seq))
        return false;
    if (t->is_retrans && !dsack) { /* CC-8985-13 */
        repaired = seq_gt(ack, t->end_seq);
        if (!repaired && !dup)
            return false;
    }
    t->in_flight = false;
    return repaired;
}
