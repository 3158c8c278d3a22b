/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hystart.c  HyStart++.
 */
#include "congestion/hystart.h"

#include "base/bits.h"

void hystart_init(struct hystart *h)
{
    memset(h, 0, sizeof(*h));
    h->last_min = h->current_min = h->css_baseline_min = UINT32_MAX;
}

/* next_round() - 4.2: "At the start of each round during standard slow start or CSS"; true: the
 * last round of CSS has ended */
static bool next_round(struct hystart *h, const struct cc_ack *a)
{
    h->window_end = (uint32_t)a->delivered + a->in_flight;
    h->last_min = h->current_min;
    h->current_min = UINT32_MAX;
    h->rtt_sample_count = 0;
    return h->css_rounds && h->css_rounds++ >= HYSTART_CSS_ROUNDS;
}

/* judge_rtt() - 4.2: enough samples: into CSS, or out of it again */
static void judge_rtt(struct hystart *h)
{
    uint32_t thresh;

    if (h->rtt_sample_count < HYSTART_N_RTT_SAMPLE || h->current_min == UINT32_MAX)
        return;
    if (h->css_rounds) {
        if (h->current_min < h->css_baseline_min) { /* spurious: standard slow start again */
            h->css_baseline_min = UINT32_MAX;
            h->css_rounds = 0;
        }
        return;
    }
    if (h->last_min == UINT32_MAX)
        return;
    thresh = clamp_u32(h->last_min / HYSTART_MIN_RTT_DIVISOR, HYSTART_MIN_RTT_THRESH,
                       HYSTART_MAX_RTT_THRESH);
    if (h->current_min >= h->last_min + thresh) {
        h->css_baseline_min = h->current_min;
        h->css_rounds = 1;
    }
}

uint32_t hystart_on_ack(struct hystart *h, const struct cc_ack *a, uint32_t limit, bool *ret_done)
{
    uint32_t grow = min_u32(a->acked, limit);

    if (!h->window_end)
        h->window_end = (uint32_t)a->delivered + a->in_flight;
    else if ((int32_t)((uint32_t)a->delivered - h->window_end) > 0)
        *ret_done = next_round(h, a);
    if (a->rtt) {
        h->current_min = min_u32(h->current_min, (uint32_t)min_u64(a->rtt / 1000, UINT32_MAX - 1));
        h->rtt_sample_count = (uint8_t)min_u32(h->rtt_sample_count + 1u, UINT8_MAX);
        judge_rtt(h);
    }
    return h->css_rounds ? grow / HYSTART_CSS_GROWTH_DIVISOR : grow;
}
