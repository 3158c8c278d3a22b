/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bbr.c  BBR version 3 (draft-ietf-ccwg-bbr): the state machine, and the pacing rate and
 * window that follow from the model of the path (bbr_model.c).
 *
 * Startup doubles the rate each round trip until the delivery rate grows no more or losses are
 * high; Drain empties the queue that this made. Then ProbeBW goes round: DOWN a little below the
 * bandwidth, CRUISE at it, REFILL for one round, UP above it to look for more. Every five seconds
 * without a low round-trip time ProbeRTT halves the flight for a moment to measure one.
 *
 * Three departures:
 *
 * Losses. The draft lowers the short-term bounds after every round with any loss at all, and calls
 * the flight of a probe too high as soon as a count of losses is above LossThresh. It says itself
 * what that costs where losses come at random (5.3.3.8.3): with 1 %, (1 - 1 %) to the power of the
 * rounds between two probes; and chance alone takes more than 2 % of a few hundred segments now and
 * then. Here both ask for a count that LossThresh would hardly give by chance: its average and two
 * standard deviations (tcp_bbr_loss_spread; 0: the draft's way). What overflows a queue is beyond
 * that within a round trip. In a flight of less than 1 / LossThresh segments each loss counts, as
 * in the draft: there a rate cannot be told by counting, and others who share the path need it. And
 * chance is no excuse where a queue stands that is not our own: then whatever is above LossThresh
 * counts between probes, for those who make it wait for room. A queue is not our own when the
 * lowest round-trip time of a round is beyond what a probe's window can make (its cwnd_gain), or,
 * when DOWN has had six rounds to drain that, beyond what its pacing_gain can.
 *
 * ProbeRTT. The draft enters it when no *lower* round-trip time was seen for five seconds, which
 * takes 2 % of the rate from a flow that is alone and has no queue: its lowest cannot be undercut.
 * Here a round-trip time that comes within a sixteenth of the lowest, about what the flow's own
 * quanta make at the rates where it matters, shows that the queue is gone, which is all that
 * ProbeRTT is to bring about, and the five seconds begin anew. The estimate itself stays; it grows
 * only after ProbeRTT, as in the draft. Flows that share a queue do not see it empty, and meet in
 * ProbeRTT.
 *
 * Pacing margin. The draft paces 1 % below the bandwidth at all times, so that a queue drains in
 * the end. Here only if no such round-trip time was seen within the last one: while the queue is
 * gone there is nothing to drain, and the percent would be given away. Should the bandwidth be
 * taken for too high, a queue of a sixteenth of the lowest brings the margin back.
 *
 * A rate is sampled in fast recovery as well, so the window is BBR's there too and does not follow
 * PRR. What the draft calls per-packet steps upon loss (5.2.4) is done once for the segments that
 * one event shows to be lost, with the one of them that was sent last.
 */
#include "congestion/bbr.h"

#include "base/prng.h"

#define STARTUP_PACING_GAIN 2770 /* CC-BBR-1 */
#define DEFAULT_CWND_GAIN   2000

/* 5.6.1: gains of each state (CC-BBR-1, CC-BBR-2, CC-BBR-3) */
static const struct {
    uint16_t pacing, cwnd;
} gains[] = {
    [BBR_STARTUP] = {STARTUP_PACING_GAIN, DEFAULT_CWND_GAIN},
    [BBR_DRAIN] = {500, DEFAULT_CWND_GAIN},
    [BBR_DOWN] = {900, DEFAULT_CWND_GAIN},
    [BBR_CRUISE] = {1000, DEFAULT_CWND_GAIN},
    [BBR_REFILL] = {1000, DEFAULT_CWND_GAIN},
    [BBR_UP] = {1250, 2250},
    [BBR_PROBE_RTT] = {1000, 500},
};

/* set_state() - the next state; the pacing of ProbeRTT marks what is sent as limited */
static void set_state(struct cc *c, enum bbr_state state)
{
    bbr_state(c)->state = (uint8_t)state;
    c->slowed = state == BBR_PROBE_RTT;
}

/* min_pipe() - MinPipeCwnd (CC-BBR-6) */
static uint32_t min_pipe(const struct cc *c)
{
    return BBR_MIN_PIPE * c->mss;
}

/* with_budget() - QuantizationBudget() (5.6.4.2) */
static uint32_t with_budget(const struct cc *c, uint32_t inflight_cap)
{
    inflight_cap = max_u32(
        inflight_cap, 3 * cc_send_quantum(c->pacing_rate, c->mss)); /* offload_budget (5.5.8) */
    inflight_cap = max_u32(inflight_cap, min_pipe(c));
    return inflight_cap + (bbr_state(c)->state == BBR_UP ? 2 * c->mss : 0);
}

/* with_headroom() - InflightWithHeadroom() (5.3.3.9, CC-BBR-5) */
static uint32_t with_headroom(const struct cc *c)
{
    uint32_t limit = bbr_state(c)->inflight_longterm;

    if (limit == BBR_INFINITY)
        return BBR_INFINITY;
    limit -= min_u32(limit, max_u32(c->mss, (uint32_t)bbr_share(limit, BBR_HEADROOM)));
    return max_u32(limit, min_pipe(c));
}

/* 5.3.3: ProbeBW */

/* pick_probe_wait() - PickProbeWait() (5.3.3.8.3): 2 to 3 s (CC-BBR-8). Fairness, not secrecy,
 * hangs on this, so the history of the connection is random enough */
static void pick_probe_wait(struct bbr *b, const struct cc_ack *a)
{
    struct prng rnd;

    prng_seed(&rnd, a->now, a->delivered);
    b->rounds_since_probe_up = prng_below(&rnd, 2);
    b->bw_probe_wait = 2 * GN_SEC + prng_below(&rnd, 1000) * GN_MSEC;
}

/* start_down() - StartProbeBW_DOWN() */
static void start_down(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    bbr_reset_signals(b);
    b->probe_up_acked_per_inc = BBR_INFINITY;
    pick_probe_wait(b, a);
    b->cycle_stamp = a->now;
    b->ack_phase = BBR_ACKS_PROBE_STOPPING;
    bbr_start_round(b, a->delivered);
    set_state(c, BBR_DOWN);
}

/* start_refill() - StartProbeBW_REFILL() */
static void start_refill(struct cc *c, uint64_t delivered)
{
    struct bbr *b = bbr_state(c);

    bbr_reset_shortterm(b);
    b->bw_probe_up_rounds = 0;
    b->bw_probe_up_acked = 0;
    b->prev_probe_precautionary = false;
    b->ack_phase = BBR_ACKS_REFILLING;
    bbr_start_round(b, delivered);
    set_state(c, BBR_REFILL);
}

/* raise_slope() - RaiseInflightLongtermSlope() */
static void raise_slope(struct cc *c)
{
    struct bbr *b = bbr_state(c);

    b->probe_up_acked_per_inc = max_u32(c->cwnd >> b->bw_probe_up_rounds, c->mss);
    b->bw_probe_up_rounds = (uint8_t)min_u32(b->bw_probe_up_rounds + 1u, 30);
}

/* start_up() - StartProbeBW_UP() */
static void start_up(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    b->ack_phase = BBR_ACKS_PROBE_STARTING;
    bbr_start_round(b, a->delivered);
    bbr_reset_full_bw(b, b->rs_rate);
    set_state(c, BBR_UP);
    raise_slope(c);
}

/* too_high() - HandleInflightTooHigh() (5.5.10.2) */
static void too_high(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    b->prev_probe_too_high = true;
    b->is_bw_probe_sample = false;
    if (!b->rs_app_limited)
        b->inflight_longterm =
            max_u32(b->rs_tx_in_flight, (uint32_t)bbr_share(bbr_target(c), BBR_BETA));
    if (b->state != BBR_UP)
        return;
    b->undo_state = BBR_UP;
    start_down(c, a);
}

/* probe_upward() - ProbeInflightLongtermUpward() */
static void probe_upward(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (!a->cwnd_limited || c->cwnd < b->inflight_longterm)
        return;
    b->bw_probe_up_acked += a->newly_delivered;
    if (b->bw_probe_up_acked >= b->probe_up_acked_per_inc) {
        uint32_t delta = b->bw_probe_up_acked / b->probe_up_acked_per_inc;

        b->bw_probe_up_acked -= delta * b->probe_up_acked_per_inc;
        b->inflight_longterm = min_u32(b->inflight_longterm + delta * c->mss, CC_CWND_MAX);
    }
    if (b->round_start)
        raise_slope(c);
}

/* end_of_probe() - the last samples of a probe have come; true: the next begins at once
 * (precautionary probing, 5.3.3.6) */
static bool end_of_probe(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    b->is_bw_probe_sample = false;
    b->ack_phase = BBR_ACKS_INIT;
    if (!bbr_in_probe_bw(b))
        return false;
    if (!b->rs_app_limited)
        bbr_advance_max_bw(b);
    if (!b->prev_probe_precautionary || b->prev_probe_too_high)
        return false;
    start_refill(c, a->delivered);
    return true;
}

/* adapt_longterm() - AdaptLongTermModel(); true: it has decided on the next state */
static bool adapt_longterm(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (b->ack_phase == BBR_ACKS_PROBE_STARTING && b->round_start)
        b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
    if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && b->round_start && end_of_probe(c, a))
        return true;
    if (bbr_too_high(c) || b->inflight_longterm == BBR_INFINITY)
        return false;
    b->inflight_longterm = max_u32(b->inflight_longterm, b->rs_tx_in_flight);
    if (b->state == BBR_UP)
        probe_upward(c, a);
    return false;
}

/* time_to_probe() - IsTimeToProbeBW() (5.3.3.8.3): by the clock, or when Reno would have lost
 * (CC-BBR-8) */
static bool time_to_probe(const struct cc *c, const struct cc_ack *a)
{
    const struct bbr *b = bbr_state(c);

    return a->now > b->cycle_stamp + b->bw_probe_wait ||
           b->rounds_since_probe_up >= min_u32(bbr_target(c) / c->mss, 63);
}

/* time_to_go_down() - IsTimeToGoDown() */
static bool time_to_go_down(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (b->prev_probe_too_high && a->in_flight >= b->inflight_longterm) {
        b->prev_probe_precautionary = true;
        return true;
    }
    if (a->cwnd_limited && c->cwnd >= b->inflight_longterm)
        bbr_reset_full_bw(b, b->rs_rate);
    else if (b->full_bw_now)
        return true;
    return false;
}

/* time_to_cruise() - IsTimeToCruise() */
static bool time_to_cruise(const struct cc *c, const struct cc_ack *a)
{
    return a->in_flight <= with_headroom(c) &&
           a->in_flight <= with_budget(c, bbr_bdp(c, bbr_state(c)->max_bw, 1000));
}

/* update_cycle() - UpdateProbeBWCyclePhase() */
static void update_cycle(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (!b->full_bw_reached || adapt_longterm(c, a))
        return;
    if (b->state == BBR_DOWN || b->state == BBR_CRUISE) {
        if (time_to_probe(c, a))
            start_refill(c, a->delivered);
        else if (b->state == BBR_DOWN && time_to_cruise(c, a))
            set_state(c, BBR_CRUISE);
    } else if (b->state == BBR_REFILL && b->round_start) {
        b->is_bw_probe_sample = true;
        start_up(c, a);
    } else if (b->state == BBR_UP && time_to_go_down(c, a)) {
        b->prev_probe_too_high = false;
        start_down(c, a);
    }
}

/* 5.3.1, 5.3.2: Startup and Drain */

/* check_full_bw() - CheckFullBWReached() (CC-BBR-4) */
static void check_full_bw(struct bbr *b)
{
    if (b->full_bw_now || !b->round_start || b->rs_app_limited)
        return;
    if (b->rs_rate * 4 >= b->full_bw * 5) {
        bbr_reset_full_bw(b, b->rs_rate);
        return;
    }
    b->full_bw_count++;
    b->full_bw_now = b->full_bw_count >= 3;
    b->full_bw_reached |= b->full_bw_now;
}

/* leave_startup() - the path is full, and what it held just now is safe; Drain follows */
static void leave_startup(struct cc *c)
{
    struct bbr *b = bbr_state(c);

    b->full_bw_reached = true;
    b->inflight_longterm = max_u32(bbr_bdp(c, b->bw, 1000), b->inflight_latest);
}

/* check_startup_loss() - CheckStartupHighLoss() (5.3.1.3, CC-BBR-4) */
static void check_startup_loss(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);
    bool many = b->loss_round_start && b->loss_events >= BBR_STARTUP_LOSS_CNT && bbr_too_high(c);

    if (b->full_bw_reached || !a->fast || !(a->sack ? many : b->loss_events > 0))
        return;
    b->undo_state = BBR_STARTUP;
    leave_startup(c);
}

/* check_startup_and_drain() - CheckStartupDone(), CheckDrainDone() */
static void check_startup_and_drain(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (b->state == BBR_STARTUP) {
        check_startup_loss(c, a);
        if (b->full_bw_reached) {
            set_state(c, BBR_DRAIN);
            b->drain_start_round = b->round_count;
        }
    }
    if (b->state == BBR_DRAIN && (a->in_flight <= with_budget(c, bbr_bdp(c, b->bw, 1000)) ||
                                  b->round_count > b->drain_start_round + 3))
        start_down(c, a);
}

/* 5.3.4: ProbeRTT (CC-BBR-3) */

/* probe_rtt_cwnd() - ProbeRTTCwnd() */
static uint32_t probe_rtt_cwnd(const struct cc *c)
{
    return max_u32(bbr_bdp(c, bbr_state(c)->bw, gains[BBR_PROBE_RTT].cwnd), min_pipe(c));
}

/* check_probe_rtt_done() - CheckProbeRTTDone(), ExitProbeRTT() */
static void check_probe_rtt_done(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (!b->probe_rtt_done_stamp || a->now <= b->probe_rtt_done_stamp)
        return;
    b->probe_rtt_min_stamp = a->now;
    c->cwnd = max_u32(c->cwnd, b->prior_cwnd);
    bbr_reset_shortterm(b);
    if (b->full_bw_reached) {
        start_down(c, a);
        set_state(c, BBR_CRUISE);
    } else {
        set_state(c, BBR_STARTUP);
    }
}

/* handle_probe_rtt() - HandleProbeRTT() */
static void handle_probe_rtt(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (!b->probe_rtt_done_stamp && a->in_flight <= probe_rtt_cwnd(c)) {
        b->probe_rtt_done_stamp = a->now + BBR_PROBE_RTT_FOR;
        b->probe_rtt_round_done = false;
        bbr_start_round(b, a->delivered);
    } else if (b->probe_rtt_done_stamp) {
        b->probe_rtt_round_done |= b->round_start;
        if (b->probe_rtt_round_done)
            check_probe_rtt_done(c, a);
    }
}

/* check_probe_rtt() - CheckProbeRTT() */
static void check_probe_rtt(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
        bbr_save_cwnd(c);
        set_state(c, BBR_PROBE_RTT);
        b->probe_rtt_done_stamp = 0;
        b->ack_phase = BBR_ACKS_PROBE_STOPPING;
        bbr_start_round(b, a->delivered);
    }
    if (b->state == BBR_PROBE_RTT)
        handle_probe_rtt(c, a);
    if (b->rs_delivered)
        b->idle_restart = false;
}

/* 5.6: control parameters */

/* pacing_margin() - PacingMarginPercent (CC-BBR-6), where a queue is to drain by it */
static uint32_t pacing_margin(const struct bbr *b, gn_time now)
{
    return now - b->probe_rtt_min_stamp > b->min_rtt ? BBR_PACING_MARGIN : 0;
}

/* set_pacing_rate() - SetPacingRateWithGain() (5.6.2) */
static void set_pacing_rate(struct cc *c, uint32_t gain, gn_time now)
{
    const struct bbr *b = bbr_state(c);
    uint64_t rate = bbr_share(b->bw, gain) / 100 * (100 - pacing_margin(b, now));

    if (rate && (b->full_bw_reached || rate > c->pacing_rate))
        c->pacing_rate = rate;
}

/* init_pacing_rate() - InitPacingRate() (CC-BBR-10); a window of the algorithm before counts */
static void init_pacing_rate(struct cc *c, gn_time srtt)
{
    uint64_t bw = (uint64_t)c->cwnd * GN_SEC / (srtt ? srtt : GN_MSEC);

    c->pacing_rate = max_u64(bbr_share(min_u64(bw, BBR_RATE_MAX), STARTUP_PACING_GAIN), 1);
}

/* bound_for_model() - BoundCwndForModel() (5.6.4.7) */
static void bound_for_model(struct cc *c)
{
    const struct bbr *b = bbr_state(c);
    uint32_t cap = BBR_INFINITY;

    if (b->state == BBR_CRUISE || b->state == BBR_PROBE_RTT)
        cap = with_headroom(c);
    else if (bbr_in_probe_bw(b))
        cap = b->inflight_longterm;
    cap = max_u32(min_u32(cap, b->inflight_shortterm), min_pipe(c));
    c->cwnd = min_u32(c->cwnd, cap);
}

/* set_cwnd() - UpdateMaxInflight(), SetCwnd() (5.6.4) */
static void set_cwnd(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);
    uint32_t extra = max_u32(b->extra_acked_filter[0], b->extra_acked_filter[1]);
    uint32_t max_inflight =
        with_budget(c, min_u32(bbr_bdp(c, b->bw, gains[b->state].cwnd) + extra, CC_CWND_MAX));

    if (b->full_bw_reached || c->cwnd < max_inflight || a->delivered < c->iw)
        cc_grow(c, a->newly_delivered);
    if (b->full_bw_reached)
        c->cwnd = min_u32(c->cwnd, max_inflight);
    c->cwnd = max_u32(c->cwnd, min_pipe(c));
    if (b->state == BBR_PROBE_RTT)
        c->cwnd = min_u32(c->cwnd, probe_rtt_cwnd(c));
    bound_for_model(c);
}

/* restore_cwnd() - RestoreCwnd(): loss recovery is over */
static void restore_cwnd(struct cc *c)
{
    struct bbr *b = bbr_state(c);

    c->cwnd = max_u32(c->cwnd, b->prior_cwnd);
    b->in_recovery = false;
}

/* The table */

/* bbr_init() - OnInit() (5.2.1) */
static void bbr_init(struct cc *c, gn_time now)
{
    struct bbr *b = bbr_state(c);

    memset(b, 0, sizeof(*b));
    b->min_rtt = b->probe_rtt_min_delay = b->round_rtt = UINT64_MAX;
    b->min_rtt_stamp = b->probe_rtt_min_stamp = b->extra_acked_interval_start = now;
    b->inflight_longterm = b->probe_up_acked_per_inc = BBR_INFINITY;
    b->undo_state = BBR_NO_STATE;
    b->undo_bw_shortterm = BBR_RATE_INFINITY;
    bbr_reset_shortterm(b);
    set_state(c, BBR_STARTUP);
    init_pacing_rate(c, 0);
}

/* bbr_on_open() - the first round-trip time is known */
static void bbr_on_open(struct cc *c, gn_time srtt, gn_time now)
{
    struct bbr *b = bbr_state(c);

    if (!srtt || b->min_rtt != UINT64_MAX)
        return;
    b->min_rtt = srtt;
    b->min_rtt_stamp = now;
    init_pacing_rate(c, srtt);
}

/* bbr_on_ack() - UpdateOnACK() (5.2.3), in recovery too (CC-BBR-9) */
static void bbr_on_ack(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    if (b->in_recovery && !a->in_recovery && !a->fast)
        restore_cwnd(c);
    bbr_take_sample(c, a);
    bbr_aggregation(c, a);
    check_full_bw(b);
    check_startup_and_drain(c, a);
    update_cycle(c, a);
    bbr_update_min_rtt(b, a);
    check_probe_rtt(c, a);
    bbr_advance_signals(b);
    set_pacing_rate(c, gains[b->state].pacing, a->now);
    set_cwnd(c, a);
}

/* inflight_at_loss() - InflightAtLoss(): where, within what was just lost, losses have crossed
 * LossThresh */
static uint32_t inflight_at_loss(const struct bbr *b, uint32_t size)
{
    uint32_t inflight_prev = b->rs_tx_in_flight - min_u32(size, b->rs_tx_in_flight);
    uint32_t lost_prev = b->rs_lost - min_u32(size, b->rs_lost);
    uint64_t allowed = bbr_share(inflight_prev, BBR_LOSS_THRESH);

    if (allowed <= lost_prev)
        return inflight_prev;
    return inflight_prev + (uint32_t)((allowed - lost_prev) * 1000 / (1000 - BBR_LOSS_THRESH));
}

/* bbr_on_lost() - HandleLostPacket() (5.5.10.2) */
static void bbr_on_lost(struct cc *c, const struct cc_ack *a)
{
    struct bbr *b = bbr_state(c);

    bbr_note_loss(c, a->delivered, a->lost);
    if (!b->is_bw_probe_sample)
        return;
    b->rs_tx_in_flight = a->tx_in_flight;
    b->rs_lost = a->lost_since;
    b->rs_app_limited = a->app_limited;
    b->rs_sack = a->sack;
    if (!bbr_too_high(c))
        return;
    b->rs_tx_in_flight = inflight_at_loss(b, a->lost);
    too_high(c, a);
}

/* bbr_on_loss() - OnEnterFastRecovery() (5.6.4.4) */
static void bbr_on_loss(struct cc *c, uint32_t flight, gn_time now)
{
    (void)flight;
    (void)now;
    bbr_save_on_loss(c);
    bbr_state(c)->in_recovery = true;
}

/* bbr_on_ece() - the draft demands an answer and has none (3.7): as a loss rate beyond LossThresh
 * while probing, else less in flight until the next probe, for nothing shows it in what arrives */
static void bbr_on_ece(struct cc *c, uint32_t flight, gn_time now)
{
    struct bbr *b = bbr_state(c);
    const struct cc_ack a = {.now = now, .delivered = b->delivered};

    if (b->state == BBR_STARTUP) {
        leave_startup(c);
    } else if (b->is_bw_probe_sample) {
        b->rs_tx_in_flight = flight;
        b->rs_app_limited = false;
        too_high(c, &a);
    } else {
        flight = min_u32(flight, b->inflight_shortterm);
        b->inflight_shortterm = max_u32((uint32_t)bbr_share(flight, BBR_ECN_BETA), min_pipe(c));
    }
}

/* bbr_on_recovered() - the window before the recovery */
static void bbr_on_recovered(struct cc *c, uint32_t flight, gn_time now)
{
    (void)flight;
    (void)now;
    restore_cwnd(c);
}

/* bbr_on_timeout() - OnEnterRTO() (5.6.4.4): one segment, whatever is believed to be in flight */
static void bbr_on_timeout(struct cc *c, uint32_t flight, bool first, gn_time now)
{
    (void)flight;
    (void)first;
    (void)now;
    bbr_save_on_loss(c);
    bbr_state(c)->in_recovery = true;
    c->cwnd = c->mss;
}

/* bbr_on_undo() - HandleSpuriousLossDetection() (5.5.11.2) */
static void bbr_on_undo(struct cc *c, gn_time now)
{
    struct bbr *b = bbr_state(c);

    (void)now;
    restore_cwnd(c);
    b->is_loss_in_round = false;
    bbr_reset_full_bw(b, 0);
    b->bw_shortterm = max_u64(b->bw_shortterm, b->undo_bw_shortterm);
    b->inflight_shortterm = max_u32(b->inflight_shortterm, b->undo_inflight_shortterm);
    b->inflight_longterm = max_u32(b->inflight_longterm, b->undo_inflight_longterm);
    if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
        b->full_bw_reached = false;
        if (b->state != BBR_PROBE_RTT)
            set_state(c, BBR_STARTUP);
    } else if (b->undo_state == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
        start_refill(c, b->next_round_delivered);
    }
    b->undo_state = BBR_NO_STATE;
}

/* bbr_on_idle() - the model outlives an idle time: no cut (5.4.2) */
static void bbr_on_idle(struct cc *c, gn_time idle, gn_time rto, gn_time now)
{
    (void)c;
    (void)idle;
    (void)rto;
    (void)now;
}

/* bbr_on_restart() - HandleRestartFromIdle() (5.4.1) */
static void bbr_on_restart(struct cc *c, uint64_t delivered, gn_time now)
{
    struct bbr *b = bbr_state(c);
    const struct cc_ack a = {.now = now, .delivered = delivered};

    b->idle_restart = true;
    b->extra_acked_interval_start = now;
    if (bbr_in_probe_bw(b))
        set_pacing_rate(c, 1000, now);
    else if (b->state == BBR_PROBE_RTT)
        check_probe_rtt_done(c, &a);
}

/* bbr_tell() - what ss shows of it, and the state */
static void bbr_tell(const struct cc *c, struct gn_bbr *ret)
{
    const struct bbr *b = bbr_state(c);

    *ret = (struct gn_bbr){.phase = (enum gn_bbr_phase)(b->state + GN_BBR_STARTUP),
                           .bw = b->bw,
                           .min_rtt = b->min_rtt,
                           .pacing_gain = gains[b->state].pacing,
                           .cwnd_gain = gains[b->state].cwnd};
}

const struct cc_ops cc_bbr = {
    .name = "bbr",
    .block = sizeof(struct bbr),
    .own_recovery = true,
    .init = bbr_init,
    .on_open = bbr_on_open,
    .on_ack = bbr_on_ack,
    .on_lost = bbr_on_lost,
    .on_loss = bbr_on_loss,
    .on_ece = bbr_on_ece,
    .on_recovered = bbr_on_recovered,
    .on_timeout = bbr_on_timeout,
    .on_undo = bbr_on_undo,
    .on_idle = bbr_on_idle,
    .on_restart = bbr_on_restart,
    .tell = bbr_tell,
};
