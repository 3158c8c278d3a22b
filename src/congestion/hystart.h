/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hystart.h  HyStart++ (RFC 9406): the first slow start ends when round trips grow longer,
 * before the queue overflows. Names and constants are the RFC's.
 *
 * When a round's lowest RTT exceeds that of the round before by RttThresh, growth goes on at a
 * quarter of the speed (Conservative Slow Start). If the RTT falls again, it was jitter; if not,
 * after five rounds congestion avoidance begins.
 */
#ifndef GN_CONGESTION_HYSTART_H
#define GN_CONGESTION_HYSTART_H

#include "congestion/cc.h"

#define HYSTART_MIN_RTT_THRESH     4000  /* us */
#define HYSTART_MAX_RTT_THRESH     16000 /* us */
#define HYSTART_MIN_RTT_DIVISOR    8
#define HYSTART_N_RTT_SAMPLE       8
#define HYSTART_CSS_GROWTH_DIVISOR 4
#define HYSTART_CSS_ROUNDS         5
#define HYSTART_L                  8 /* segments per ACK; paced: infinity */

struct hystart {
    uint32_t
        window_end; /* the round ends when what is sent now is delivered; low bits of the count */
    uint32_t last_min, current_min, css_baseline_min; /* us, UINT32_MAX: infinity */
    uint8_t rtt_sample_count;
    uint8_t css_rounds; /* 0: not in CSS; else counts up to CSS_ROUNDS */
};

/** hystart_init() - at the start of the first round (4.2) */
void hystart_init(struct hystart *h);
/** hystart_limit() - L * SMSS: the most that one ACK may add, so that what it lets leave at once is
 * no long burst */
static inline uint32_t hystart_limit(const struct cc *c)
{
    return c->pacing_rate ? CC_CWND_MAX : HYSTART_L * c->mss;
}

/** hystart_on_ack() - octets by which the window may grow, @limit at the most before CSS;
 *  *@ret_done: slow start is over */
uint32_t hystart_on_ack(struct hystart *h, const struct cc_ack *a, uint32_t limit, bool *ret_done);

#endif
