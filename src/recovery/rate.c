/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rate.c  See rate.h.
 */
#include "recovery/rate.h"

#include "base/bits.h"
#include "recovery/internal.h"

/* tcp_pacing_ss_ratio and tcp_pacing_ca_ratio of Linux, percent: not in the way of growth */
#define SLOW_START_RATIO 200
#define AVOIDANCE_RATIO  120

bool rate_settle_any(struct recovery *r, const struct rec_env *e, uint64_t max)
{
    if (!rate_needed(r, e, max)) {
        rate_free(r, e->mem);
        return true;
    }
    if (!r->rate) {
        r->rate = mem_alloc(e->mem, sizeof(*r->rate));
        if (!r->rate)
            return false;
        *r->rate = (struct rate){.delivered_at = e->now, .first_sent = e->now};
    }
    r->rate->max = max;
    r->rate->next_send = 0; /* another rate holds from now on */
    r->rate->pace_at = deadline_none();
    return true;
}

void rate_free(struct recovery *r, struct mem *m)
{
    mem_free(m, r->rate, sizeof(*r->rate));
    r->rate = NULL;
    r->cc.pacing_rate = 0;
}

void rate_restart(struct recovery *r, gn_time now)
{
    r->rate->first_sent = r->rate->delivered_at = now;
    if (r->rate->app_limited && r->cc.ops->on_restart)
        r->cc.ops->on_restart(&r->cc, r->delivered, now);
}

void rate_snapshot(const struct recovery *r, struct sent *s)
{
    const struct rate *q = r->rate;
    gn_time span = s->xmit - min_u64(q->first_sent, s->xmit);

    s->delivered = (uint32_t)r->delivered;
    s->delivered_at = q->delivered_at;
    s->send_span = (uint32_t)min_u64(span >> SENT_SPAN_SHIFT, UINT32_MAX);
    s->lost = r->sent.lost_all;
    s->in_flight = recovery_in_flight(r);
    s->flags &= ~SENT_APP_LIMITED;
    if (q->app_limited || r->cc.slowed)
        s->flags |= SENT_APP_LIMITED;
}

void rate_bubble(struct recovery *r)
{
    r->rate->app_limited = max_u64(r->delivered + recovery_in_flight(r), 1);
}

void rate_delivered(struct recovery *r, gn_time now)
{
    r->rate->delivered_at = now;
    if (r->rate->app_limited && r->delivered > r->rate->app_limited)
        r->rate->app_limited = 0;
}

void rate_at_loss(const struct recovery *r, const struct sent *s, struct cc_ack *c)
{
    if (!s->delivered_at) /* sent when nobody wanted samples */
        return;
    c->sampled = true;
    c->prior_delivered = r->delivered - (uint32_t)((uint32_t)r->delivered - s->delivered);
    c->tx_in_flight = s->in_flight;
    c->lost_since = r->sent.lost_all - s->lost;
    c->app_limited = s->flags & SENT_APP_LIMITED;
}

void rate_sample(struct recovery *r, const struct sent *s, struct cc_ack *c)
{
    struct rate *q = r->rate;

    rate_at_loss(r, s, c);
    if (!c->sampled)
        return;
    c->interval = max_u64((gn_time)s->send_span << SENT_SPAN_SHIFT, c->now - s->delivered_at);
    q->first_sent = s->xmit;
    if (c->interval < max_u64(r->rtt.min, 1)) /* that of an original, taken for its copy's */
        c->interval = 0;
    if (!c->interval)
        return;
    q->latest = (c->delivered - c->prior_delivered) * GN_MSEC / max_u64(c->interval / 1000, 1);
    q->latest_app = c->app_limited;
}

uint64_t rate_pacing(const struct recovery *r)
{
    uint64_t rate = r->cc.pacing_rate;

    if (!r->rate)
        return 0;
    return r->rate->max && (!rate || rate > r->rate->max) ? r->rate->max : rate;
}

void rate_from_window(struct recovery *r)
{
    struct cc *c = &r->cc;
    uint32_t ratio = c->cwnd < c->ssthresh / 2 ? SLOW_START_RATIO : AVOIDANCE_RATIO;

    if (r->rtt.srtt)
        c->pacing_rate = max_u64((uint64_t)c->cwnd * ratio * (GN_SEC / 100) / r->rtt.srtt, 1);
}

void rate_pace(struct recovery *r, uint32_t len, gn_time now)
{
    struct rate *q = r->rate;
    uint64_t rate = rate_pacing(r);
    gn_time ahead;

    if (!rate)
        return;
    ahead = cc_send_quantum(rate, r->mss) * GN_SEC / rate;
    q->next_send = max_u64(q->next_send, now - min_u64(ahead + q->late, now));
    q->next_send += len * GN_SEC / rate;
    if (q->next_send >= now + ahead) {
        q->pace_at = deadline_at(q->next_send);
        q->late = 0;
    }
}

void rate_wake(struct recovery *r, gn_time now)
{
    struct rate *q = r->rate;

    q->late = min_u64(now - deadline_time(q->pace_at), r->rtt.srtt / 4);
    q->pace_at = deadline_none();
}

void rate_drained(struct recovery *r)
{
    struct rate *q = r->rate;

    if (recovery_in_flight(r) || (q->max && q->max < r->cc.pacing_rate))
        return;
    q->next_send = 0;
    q->pace_at = deadline_none();
}

uint32_t rate_room(const struct recovery *r, uint32_t room)
{
    uint64_t rate = rate_pacing(r);

    if (!rate)
        return room;
    return deadline_armed(r->rate->pace_at) ? 0 : min_u32(room, cc_send_quantum(rate, r->mss));
}

void rate_status(const struct recovery *r, struct gn_status *ret)
{
    const struct rate *q = r->rate;

    if (!q)
        return;
    ret->pacing_rate = rate_pacing(r);
    ret->max_pacing_rate = q->max;
    ret->delivery_rate = q->latest;
    ret->delivery_app_limited = q->latest_app;
}
