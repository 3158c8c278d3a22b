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
 * TLP.max_ack_delay is taken from tcp_rto_min, which is where the user says how late a sound peer
 * may be. With more segments than one, two ticks allow for the timers of both sides on short paths.
 */
gn_time tlp_calc_pto(const struct rtt *rtt, const struct gn_conf *conf, bool one)
{
    if (!rtt->srtt)
        return GN_SEC;
    return 2 * rtt->srtt + (one ? conf->tcp_rto_min : 2 * RTT_GRANULARITY); /* CC-8985-9 */
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
