/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bbr_model.c  BBR's model of the path (draft-ietf-ccwg-bbr 5.5): how much it carries
 * (max_bw), how long it is (min_rtt), how bursty its ACKs are (extra_acked), and what recent losses
 * say against that for a while (bw_shortterm, inflight_shortterm).
 */
#include "congestion/bbr.h"

/* infinite() - no RTT was measured yet */
static bool infinite(const struct bbr *b)
{
    return b->min_rtt == UINT64_MAX;
}

uint32_t bbr_bdp(const struct cc *c, uint64_t bw, uint32_t gain)
{
    const struct bbr *b = bbr_state(c);

    if (infinite(b))
        return c->iw;
    return (uint32_t)min_u64(bbr_share(bbr_volume(bw, b->min_rtt), gain), CC_CWND_MAX);
}

uint32_t bbr_target(const struct cc *c)
{
    return min_u32(bbr_bdp(c, bbr_state(c)->bw, 1000), c->cwnd);
}

void bbr_start_round(struct bbr *b, uint64_t delivered)
{
    b->next_round_delivered = delivered;
}

void bbr_reset_signals(struct bbr *b)
{
    b->is_loss_in_round = false;
    b->bw_latest = 0;
    b->inflight_latest = 0;
}

void bbr_reset_shortterm(struct bbr *b)
{
    b->bw_shortterm = BBR_RATE_INFINITY;
    b->inflight_shortterm = BBR_INFINITY;
}

void bbr_reset_full_bw(struct bbr *b, uint64_t bw)
{
    b->full_bw = bw;
    b->full_bw_count = 0;
    b->full_bw_now = false;
}

void bbr_save_cwnd(struct cc *c)
{
    struct bbr *b = bbr_state(c);

    if (!b->in_recovery && b->state != BBR_PROBE_RTT)
        b->prior_cwnd = c->cwnd;
    else
        b->prior_cwnd = max_u32(b->prior_cwnd, c->cwnd);
}

void bbr_save_on_loss(struct cc *c)
{
    struct bbr *b = bbr_state(c);

    bbr_save_cwnd(c);
    b->undo_state = BBR_NO_STATE;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_inflight_shortterm = b->inflight_shortterm;
    b->undo_inflight_longterm = b->inflight_longterm;
}

void bbr_note_loss(struct cc *c, uint64_t delivered, uint32_t lost)
{
    struct bbr *b = bbr_state(c);

    if (!b->is_loss_in_round) {
        b->loss_round_delivered = delivered;
        b->round_lost = 0;
        bbr_save_on_loss(c);
    }
    b->is_loss_in_round = true;
    b->round_lost += lost;
    if (b->loss_events < UINT8_MAX)
        b->loss_events++;
}

/* lossy() - do @lost of @sent octets show a loss rate above LossThresh? Where this allows whole
 * segments, the count must not be chance, either (bbr.c): with each of n segments lost by
 * LossThresh, n LossThresh are on average, with a standard deviation of about its root; it is to be
 * @spread of these beyond. Thousandths of a segment */
static bool lossy(const struct cc *c, uint64_t lost, uint64_t sent, uint64_t spread)
{
    uint64_t seen = lost * 1000 / c->mss, mean = sent * BBR_LOSS_THRESH / c->mss;
    uint64_t over = seen > mean ? seen - mean : 0;

    if (mean < 1000)
        return over;
    return over * over > spread * spread * 1000 * mean;
}

bool bbr_too_high(const struct cc *c)
{
    const struct bbr *b = bbr_state(c);

    return lossy(c, b->rs_lost, b->rs_tx_in_flight, c->loss_spread) ||
           (b->rs_lost && !b->rs_sack); /* CC-BBR-5 */
}

/* generate_sample() - GenerateRateSample() (4.1.2.3). An interval below the lowest round trip is
 * that of an original taken for its retransmission */
static void generate_sample(struct bbr *b, const struct cc_ack *a)
{
    uint64_t n = a->sampled ? min_u64(a->delivered - a->prior_delivered, UINT32_MAX) : 0;

    b->delivered = a->delivered;
    b->rs_rate = 0;
    b->rs_delivered = (uint32_t)n;
    b->rs_tx_in_flight = a->tx_in_flight;
    b->rs_lost = a->lost_since;
    b->rs_app_limited = a->app_limited;
    b->rs_sack = a->sack;
    if (n && a->interval && (infinite(b) || a->interval >= b->min_rtt))
        b->rs_rate = min_u64(n * GN_SEC / a->interval, BBR_RATE_MAX);
}

/* update_max_bw() - 5.5.5: what the application limits never lowers the maximum (CC-BBR-10) */
static void update_max_bw(struct bbr *b, const struct cc_ack *a)
{
    b->round_start = a->sampled && a->prior_delivered >= b->next_round_delivered;
    if (b->round_start) { /* UpdateRound() */
        bbr_start_round(b, a->delivered);
        b->round_count++;
        b->rounds_since_probe_up++;
    }
    if (b->rs_rate && (b->rs_rate >= b->max_bw || !b->rs_app_limited))
        b->max_bw_filter[1] = max_u64(b->max_bw_filter[1], b->rs_rate);
    b->max_bw = max_u64(b->max_bw_filter[0], b->max_bw_filter[1]);
}

/* crowded() - did a queue stand all through the last loss round that is not of our own making? */
static bool crowded(const struct bbr *b)
{
    uint32_t own = b->rounds_since_probe_up > BBR_DRAINED ? BBR_QUEUE_CRUISE : BBR_QUEUE_PROBE;

    return b->round_rtt != UINT64_MAX && b->round_rtt > b->min_rtt / 1000 * own;
}

/* forgiven() - the losses of a round in which @delivered octets arrived show nothing; without SACK
 * one loss a round is all that can be seen */
static bool forgiven(const struct cc *c, uint64_t delivered)
{
    const struct bbr *b = bbr_state(c);

    return c->loss_spread && b->rs_sack &&
           !lossy(c, b->round_lost, delivered + b->round_lost, crowded(b) ? 0 : c->loss_spread);
}

/* adapt_lower_bounds() - AdaptLowerBoundsFromCongestion() (5.5.10.3): once a round with losses, in
 * which @delivered octets arrived, while not probing */
static void adapt_lower_bounds(struct cc *c, uint64_t delivered)
{
    struct bbr *b = bbr_state(c);

    if (b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP ||
        !b->is_loss_in_round || forgiven(c, delivered))
        return;
    if (b->bw_shortterm == BBR_RATE_INFINITY)
        b->bw_shortterm = b->max_bw;
    if (b->inflight_shortterm == BBR_INFINITY)
        b->inflight_shortterm = c->cwnd;
    b->bw_shortterm = max_u64(b->bw_latest, bbr_share(b->bw_shortterm, BBR_BETA));
    b->inflight_shortterm =
        max_u32(b->inflight_latest, (uint32_t)bbr_share(b->inflight_shortterm, BBR_BETA));
}

void bbr_take_sample(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);
    uint64_t delivered = a->delivered - b->loss_round_delivered;

    generate_sample(b, a);
    if (a->rtt)
        b->round_rtt = min_u64(b->round_rtt, a->rtt);
    b->bw_latest = max_u64(b->bw_latest, b->rs_rate); /* UpdateLatestDeliverySignals() */
    b->inflight_latest = max_u32(b->inflight_latest, b->rs_delivered);
    b->loss_round_start = a->sampled && a->prior_delivered >= b->loss_round_delivered;
    if (b->loss_round_start)
        b->loss_round_delivered = a->delivered;
    update_max_bw(b, a);
    if (!b->loss_round_start)
        return;
    adapt_lower_bounds(c, delivered);
    b->is_loss_in_round = false;
    b->round_rtt = UINT64_MAX;
}

void bbr_advance_signals(struct bbr *b)
{
    if (b->loss_round_start) {
        b->bw_latest = b->rs_rate;
        b->inflight_latest = b->rs_delivered;
        b->loss_events = 0;
    }
    b->bw = min_u64(b->max_bw, b->bw_shortterm);
}

/* note_extra() - the maximum of ten rounds, five at a time; in Startup of this round (CC-BBR-7) */
static void note_extra(struct bbr *b, uint32_t extra)
{
    uint32_t half = b->full_bw_reached ? BBR_EXTRA_ACKED_HALF : 1;

    if (b->round_start && b->round_count - b->extra_acked_round >= half) {
        b->extra_acked_round = b->round_count;
        b->extra_acked_filter[0] = b->full_bw_reached ? b->extra_acked_filter[1] : 0;
        b->extra_acked_filter[1] = 0;
    }
    b->extra_acked_filter[1] = max_u32(b->extra_acked_filter[1], extra);
}

void bbr_aggregation(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);
    uint64_t expected = bbr_volume(b->bw, a->now - b->extra_acked_interval_start);

    if (b->extra_acked_delivered <= expected) { /* the ACKs come no faster than that: anew */
        b->extra_acked_delivered = 0;
        b->extra_acked_interval_start = a->now;
        expected = 0;
    }
    b->extra_acked_delivered += a->newly_delivered;
    note_extra(b, min_u32((uint32_t)(b->extra_acked_delivered - expected), c->cwnd));
}

void bbr_advance_max_bw(struct bbr *b)
{
    b->max_bw_filter[0] = b->max_bw_filter[1];
    b->max_bw_filter[1] = 0;
}

void bbr_update_min_rtt(struct bbr *b, const struct cc_ack *a)
{
    b->probe_rtt_expired = a->now > b->probe_rtt_min_stamp + BBR_PROBE_RTT_EVERY;
    if (a->rtt && (a->rtt < b->probe_rtt_min_delay || b->probe_rtt_expired)) {
        b->probe_rtt_min_delay = a->rtt;
        b->probe_rtt_min_stamp = a->now;
    } else if (a->rtt &&
               a->rtt - b->probe_rtt_min_delay <= b->probe_rtt_min_delay / BBR_MIN_RTT_NEAR) {
        b->probe_rtt_min_stamp = a->now; /* seen again: the path has no queue (bbr.c) */
    }
    if (b->probe_rtt_min_delay < b->min_rtt || a->now > b->min_rtt_stamp + BBR_MIN_RTT_FILTER) {
        b->min_rtt = b->probe_rtt_min_delay; /* CC-BBR-3 */
        b->min_rtt_stamp = b->probe_rtt_min_stamp;
    }
}
