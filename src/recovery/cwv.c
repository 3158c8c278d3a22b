/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cwv.c  Congestion window validation.
 */
#include "recovery/cwv.h"

#include "base/bits.h"

void cwv_reset(struct cwv *v)
{
    memset(v, 0, sizeof(*v));
}

uint32_t cwv_pipe_ack(const struct cwv *v)
{
    return v->known ? max_u32(v->high[0], v->high[1]) : 0;
}

/* half_period() - 4.2: the sampling period is max(3 RTT, 1 s) */
static gn_time half_period(gn_time srtt)
{
    return max_u64(3 * srtt, GN_SEC) / 2;
}

/* age() - samples older than the sampling period, to half of that, do not count */
static void age(struct cwv *v, gn_time half, gn_time now)
{
    gn_time gone = now - v->half_at;

    if (gone < half)
        return;
    v->high[1] = gone < 2 * half ? v->high[0] : 0;
    v->high[0] = 0;
    v->half_at = now;
}

bool cwv_on_ack(struct cwv *v, uint32_t acked, seq_t una, seq_t nxt, gn_time srtt, gn_time now)
{
    if (!v->in_round) {
        v->in_round = true;
        v->round_end = nxt;
        v->sample = 0;
        v->half_at = v->known ? v->half_at : now;
    }
    v->sample += acked;
    if (seq_lt(una, v->round_end))
        return false;
    age(v, half_period(srtt), now);
    v->high[0] = max_u32(v->high[0], v->sample);
    v->known = true;
    v->in_round = false;
    return true;
}

uint32_t cwv_judge(struct cwv *v, uint32_t cwnd, gn_time srtt, gn_time now)
{
    gn_time half = half_period(srtt), end = v->half_at + 2 * half;
    uint32_t n;

    if (v->known)
        age(v, half, now);
    if (!v->known || cwv_pipe_ack(v) >= cwnd / 2) { /* CC-7661-1 */
        v->since = 0;
        return 0;
    }
    if (!v->since) /* in an idle time: when the last sample ceased to count */
        v->since = min_u64(end, now);
    if (now - v->since < CWV_NVP)
        return 0;
    n = (uint32_t)min_u64((now - v->since) / CWV_NVP, 31);
    v->since += n * CWV_NVP;
    return n;
}
