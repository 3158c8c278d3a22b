/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cwv.h  Congestion window validation (RFC 7661): how much of the window was really used.
 *
 * A sender that has less to say than its window allows keeps the window, but does not know whether
 * the path would still carry it. pipeACK is what was acknowledged in a round trip, the highest of
 * the last second or three round trips; while it is less than half of the window, the window is not
 * validated. Then it does not grow, a loss is answered from what was used, and after five minutes
 * it is halved. Names are the RFC's. Bursts (4.4.2) are pacing's to spread (rate.h).
 */
#ifndef GN_RECOVERY_CWV_H
#define GN_RECOVERY_CWV_H

#include "base/seq.h"

#include <gannet/types.h>

#define CWV_NVP (300 * GN_SEC) /* non-validated period (4.4) */

struct cwv {
    seq_t round_end; /* the sample is complete when this is acknowledged */
    uint32_t sample; /* octets acknowledged since the round began */
    uint32_t
        high[2]; /* highest samples of this half of the sampling period, and of the one before */
    gn_time half_at;    /* when this half began */
    gn_time since;      /* the non-validated phase began; 0: the window is validated */
    uint32_t loss_pipe; /* in a recovery that began in it: max(pipeACK, LossFlightSize); else 0 */
    bool known;         /* pipeACK is not "undefined" */
    bool in_round;      /* round_end is valid */
};

/** cwv_reset() - pipeACK is undefined: the standard rules hold until it is known again */
void cwv_reset(struct cwv *v);
/** cwv_pipe_ack() - pipeACK; 0: undefined */
uint32_t cwv_pipe_ack(const struct cwv *v);
/** cwv_on_ack() - @acked octets were acknowledged, up to @una; not in fast recovery. True: a sample
 * is complete, cwv_judge() has something to judge */
bool cwv_on_ack(struct cwv *v, uint32_t acked, seq_t una, seq_t nxt, gn_time srtt, gn_time now);
/** cwv_judge() - which phase, with a window of @cwnd; how often NVP has passed since it was asked
 */
uint32_t cwv_judge(struct cwv *v, uint32_t cwnd, gn_time srtt, gn_time now);

#endif
