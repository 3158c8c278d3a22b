/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tlp.h  Tail loss probes (RFC 8985 7): when no ACK comes for two round trips, one segment
 * more is sent, so that its ACK shows what the silence means before the RTO does. Names are the
 * RFC's.
 */
#ifndef GN_RECOVERY_TLP_H
#define GN_RECOVERY_TLP_H

#include "base/time.h"
#include "recovery/rtt.h"

#include "base/seq.h"

struct tlp {
    seq_t end_seq;       /* with in_flight: TLP.end_seq */
    bool in_flight  : 1; /* a probe is not yet accounted for: TLP.end_seq is not None */
    bool is_retrans : 1; /* TLP.is_retrans */
    bool fresh      : 1; /* there was an RTT sample since the last probe */
};

/** tlp_init() - 7.1: no probe is in flight */
void tlp_init(struct tlp *t);
/** tlp_calc_pto() - 7.2: the probe timeout; @one: the flight is one segment, whose ACK may be
 * delayed */
gn_time tlp_calc_pto(const struct rtt *rtt, const struct gn_conf *conf, bool one);
/** tlp_may_probe() - 7.3: no other probe is in flight, and an RTT was measured since the last */
bool tlp_may_probe(const struct tlp *t);
/** tlp_sent() - a probe left; @nxt is SND.NXT after it, @retrans: it is no new data */
void tlp_sent(struct tlp *t, seq_t nxt, bool retrans);
/** tlp_process_ack() - 7.4.2; true: the probe has repaired a loss, congestion control must know
 *  @dsack: the ACK reports a duplicate that ends at the probe's end; @dup: duplicate without SACK
 */
bool tlp_process_ack(struct tlp *t, seq_t ack, bool dsack, bool dup);

#endif
