/* SPDX-License-Identifier: BSD-2-Clause */
/* BBR (draft-ietf-ccwg-bbr) by hand-written ACKs: a path of 10 MB/s and 20 ms, 200 segments. */
#include "congestion/bbr.h"

#include "unit/base/pages.h"

#include <criterion/criterion.h>

#define MSS 1000
#define RTT (20 * GN_MSEC)
#define BW  UINT64_C(10000000)

static struct cc c;
static struct pages pages;
static struct mem mem;
static gn_time now;
static uint64_t delivered;

static struct bbr *b(void)
{
    return bbr_state(&c);
}

static void start(void)
{
    now = GN_SEC;
    delivered = 0;
    mem_init(&mem, pages_source(&pages), 1 << 20);
    c = (struct cc){0};
    cc_init(&c, CC_BBR, MSS, 10, &mem, now);
    c.ops->on_open(&c, RTT, now);
}

/* with tcp_bbr_loss_spread=2; start() alone leaves it at 0, the draft's way */
static void start_tolerant(void)
{
    start();
    c.loss_spread = 2;
}

static void stop(void)
{
    cc_fini(&c, &mem);
    cr_expect_eq(mem.used, 0);
    mem_fini(&mem);
}

/* an ACK of @n octets that ends a round in which @flight were delivered at @bw */
static struct cc_ack round_ack(uint32_t n, uint32_t flight, uint64_t bw)
{
    struct cc_ack a = {.now = now,
                       .acked = n,
                       .newly_delivered = n,
                       .rtt = RTT,
                       .srtt = RTT,
                       .sampled = true,
                       .sack = true,
                       .cwnd_limited = true};

    a.prior_delivered = delivered;
    delivered += flight;
    a.delivered = delivered;
    a.interval = flight * GN_SEC / bw;
    if (a.interval < RTT)
        a.interval = RTT;
    a.in_flight = a.tx_in_flight = flight;
    return a;
}

/* one round trip: the whole @flight is acknowledged by one ACK */
static void round_trip(uint32_t flight, uint64_t bw)
{
    struct cc_ack a;

    now += RTT;
    a = round_ack(flight, flight, bw);
    c.ops->on_ack(&c, &a);
}

/* until the pipe is full and the queue of Startup has gone */
static void to_probe_bw(void)
{
    for (unsigned i = 0; i < 12 && b()->state == BBR_STARTUP; i++)
        round_trip(c.cwnd, BW);
    cr_assert_eq(b()->state, BBR_DRAIN);
    round_trip(200 * MSS, BW);
    cr_assert(bbr_in_probe_bw(b()));
}

/* rounds until @state, at most @n; the time that took */
static gn_time until(enum bbr_state state, unsigned n)
{
    gn_time from = now;

    for (; n && b()->state != state; n--)
        round_trip(150 * MSS, BW);
    cr_assert_eq(b()->state, state);
    return now - from;
}

Test(bbr, sec_5_6_2_CC_BBR_10_the_first_rate_is_that_of_the_initial_window)
{
    start();
    cr_expect_eq(c.pacing_rate, 2770 * (10 * MSS * GN_SEC / RTT) / 1000);
    cr_expect_eq(b()->min_rtt, RTT);
    stop();
}

Test(bbr, sec_5_3_1_and_2_CC_BBR_1_startup_doubles_and_drain_halves)
{
    start();
    cr_expect_eq(b()->state, BBR_STARTUP);
    round_trip(10 * MSS, BW);
    cr_expect_eq(c.cwnd, 20 * MSS, "all of it was new: the window doubles");
    cr_expect_eq(c.pacing_rate, 1385000, "grows only while it measures more");
    round_trip(20 * MSS, BW);
    cr_expect_eq(c.pacing_rate, 1000000 * 277 / 100);
    for (unsigned i = 0; i < 12 && b()->state == BBR_STARTUP; i++)
        round_trip(c.cwnd, BW);
    cr_expect_eq(b()->state, BBR_DRAIN);
    cr_expect_eq(b()->bw, BW);
    cr_expect_eq(c.pacing_rate, BW / 2);
    cr_expect_eq(c.cwnd, 400 * MSS + b()->extra_acked_filter[1]);
    stop();
}

Test(bbr, sec_5_3_1_2_CC_BBR_4_full_after_three_rounds_without_growth)
{
    start();
    round_trip(200 * MSS, BW);
    round_trip(250 * MSS, BW * 5 / 4);
    cr_expect_eq(b()->full_bw_count, 0, "a quarter more is growth");
    for (unsigned i = 0; i < 2; i++)
        round_trip(250 * MSS, BW * 5 / 4);
    cr_expect(!b()->full_bw_reached);
    round_trip(300 * MSS, BW * 3 / 2);
    cr_expect(b()->full_bw_reached);
    stop();
}

Test(bbr, sec_5_5_4_CC_BBR_10_application_limited_samples_do_not_count)
{
    start();
    round_trip(200 * MSS, BW);
    for (unsigned i = 0; i < 10; i++) {
        struct cc_ack a;

        now += RTT;
        a = round_ack(20 * MSS, 20 * MSS, BW / 10);
        a.app_limited = true;
        c.ops->on_ack(&c, &a);
    }
    cr_expect(!b()->full_bw_reached);
    cr_expect_eq(b()->max_bw, BW);
    stop();
}

/* @n losses of one segment each, then the ACK that ends their round, in fast recovery */
static void losses(unsigned n)
{
    struct cc_ack a;

    for (unsigned i = 0; i < n; i++) {
        struct cc_ack l = {.now = now,
                           .delivered = delivered,
                           .lost = MSS,
                           .sack = true,
                           .lost_since = (i + 1) * MSS,
                           .tx_in_flight = 200 * MSS,
                           .sampled = true};

        c.ops->on_lost(&c, &l);
    }
    now += RTT;
    a = round_ack(200 * MSS, 200 * MSS, BW);
    a.fast = true;
    a.lost_since = n * MSS;
    c.ops->on_ack(&c, &a);
}

Test(bbr, sec_5_3_1_3_CC_BBR_4_startup_ends_by_six_losses_of_two_percent)
{
    start();
    round_trip(200 * MSS, BW);
    losses(5);
    cr_expect_eq(b()->state, BBR_STARTUP, "five are too few");
    losses(6);
    cr_expect_eq(b()->full_bw_reached, true);
    cr_expect_eq(b()->inflight_longterm, 200 * MSS, "the BDP is safe");
    c.ops->on_undo(&c, now);
    cr_expect_eq(b()->state, BBR_STARTUP, "CC-BBR-9: they were none");
    cr_expect_eq(b()->inflight_longterm, BBR_INFINITY);
    stop();
}

Test(bbr, sec_5_3_3_CC_BBR_2_CC_BBR_8_the_cycle)
{
    gn_time took;

    start();
    to_probe_bw();
    took = until(BBR_CRUISE, 5);
    cr_expect_eq(c.pacing_rate, BW);
    took += until(BBR_REFILL, 200);
    cr_expect(took > GN_SEC && took <= 3100 * GN_MSEC, "63 rounds, or 2 to 3 s");
    cr_expect_eq(c.pacing_rate, BW);
    (void)until(BBR_UP, 3);
    cr_expect_eq(c.pacing_rate, BW * 5 / 4);
    cr_expect(b()->is_bw_probe_sample);
    (void)until(BBR_DOWN, 10);
    cr_expect_eq(c.pacing_rate, BW * 9 / 10);
    stop();
}

/** probe_loses() - one more segment is lost, @n in all of 220 that were in flight */
static void probe_loses(uint32_t n)
{
    struct cc_ack l = {.now = now,
                       .delivered = delivered,
                       .lost = MSS,
                       .sack = true,
                       .lost_since = n * MSS,
                       .tx_in_flight = 220 * MSS,
                       .sampled = true};

    c.ops->on_lost(&c, &l);
}

Test(bbr, sec_5_5_10_2_CC_BBR_5_a_probe_that_loses_too_much)
{
    start();
    to_probe_bw();
    (void)until(BBR_UP, 250);
    probe_loses(4);
    cr_expect_eq(b()->state, BBR_UP, "4 of 220 are less than 2 %%");
    probe_loses(5);
    cr_expect_eq(b()->state, BBR_DOWN);
    cr_expect(b()->inflight_longterm >= 219 * MSS && b()->inflight_longterm <= 220 * MSS);
    (void)until(BBR_CRUISE, 5);
    cr_expect_leq(c.cwnd, 187 * MSS, "CC-BBR-5: a headroom of 15 %%");
    stop();
}

Test(bbr, sec_5_5_10_3_CC_BBR_5_losses_while_cruising_lower_the_short_term_model)
{
    struct cc_ack a;

    start();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    round_trip(100 * MSS, BW / 2);
    bbr_note_loss(&c, delivered, MSS);
    now += RTT;
    a = round_ack(100 * MSS, 100 * MSS, BW / 2);
    c.ops->on_ack(&c, &a);
    cr_expect_eq(b()->bw_shortterm, BW * 7 / 10, "beta is 0.7, what arrives is less");
    cr_expect_eq(b()->bw, BW * 7 / 10);
    cr_expect_eq(b()->max_bw, BW, "the long-term model stays");
    stop();
}

/* one round trip of 200 segments in which @n are lost */
static void lossy_round(uint32_t n)
{
    bbr_note_loss(&c, delivered, n * MSS);
    round_trip((200 - n) * MSS, BW);
}

Test(bbr, sec_5_5_10_3_losses_that_chance_explains_leave_the_short_term_model_alone)
{
    uint32_t window;

    start_tolerant();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    for (unsigned i = 0; i < 30; i++)
        lossy_round(7);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY, "4 of 200 are 2 %%, 4 + 2 sqrt(4) are 8");
    cr_expect_eq(b()->inflight_shortterm, BBR_INFINITY);
    window = c.cwnd;
    lossy_round(9);
    cr_expect_eq(b()->bw_shortterm, 193 * MSS * UINT64_C(50), "what arrived, more than beta");
    cr_expect_eq(b()->inflight_shortterm, window * 7 / 10, "beta, more than what arrives");
    cr_expect_eq(c.cwnd, b()->inflight_shortterm);
    stop();
}

Test(bbr, sec_5_5_10_3_the_losses_of_one_round_are_not_held_against_the_next)
{
    start_tolerant();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    lossy_round(7);
    round_trip(200 * MSS, BW);
    lossy_round(7);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY);
    stop();
}

Test(bbr, sec_5_5_10_3_each_loss_of_a_small_flight_counts)
{
    start_tolerant();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    bbr_note_loss(&c, delivered, MSS);
    round_trip(49 * MSS, BW / 4);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY, "one of fifty are 2 %%");
    bbr_note_loss(&c, delivered, MSS);
    round_trip(48 * MSS, BW / 4);
    cr_expect_eq(b()->bw_shortterm, BW * 7 / 10, "one of 49 are more");
    stop();
}

/* lossy_round() with round-trip times of @rtt */
static void lossy_round_in_queue(uint32_t n, gn_time rtt)
{
    struct cc_ack a;

    bbr_note_loss(&c, delivered, n * MSS);
    now += rtt;
    a = round_ack((200 - n) * MSS, (200 - n) * MSS, BW);
    a.rtt = rtt;
    c.ops->on_ack(&c, &a);
}

Test(bbr, sec_5_5_10_3_chance_is_no_excuse_where_a_queue_of_others_stands)
{
    start_tolerant();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    for (unsigned i = 0; i < 10; i++)
        round_trip(150 * MSS, BW);
    lossy_round_in_queue(7, RTT * 5 / 4);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY, "a probe's pacing makes as much");
    lossy_round_in_queue(4, RTT * 3 / 2);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY, "2 %% are not more than LossThresh");
    lossy_round_in_queue(5, RTT * 3 / 2);
    cr_expect_lt(b()->bw_shortterm, BW);
    stop();
}

Test(bbr, sec_5_5_10_3_the_queue_of_a_probe_is_its_own)
{
    start_tolerant();
    to_probe_bw();
    (void)until(BBR_UP, 250);
    (void)until(BBR_DOWN, 10);
    cr_assert_leq(b()->rounds_since_probe_up, 1);
    lossy_round_in_queue(7, RTT * 9 / 4);
    cr_expect_eq(b()->bw_shortterm, BBR_RATE_INFINITY);
    lossy_round_in_queue(7, RTT * 5 / 2);
    cr_expect_lt(b()->bw_shortterm, BW, "no window of ours makes that");
    stop();
}

Test(bbr, sec_5_5_10_2_a_probe_goes_on_after_losses_that_chance_explains)
{
    start_tolerant();
    to_probe_bw();
    (void)until(BBR_UP, 250);
    probe_loses(8);
    cr_expect_eq(b()->state, BBR_UP, "4.4 + 2 sqrt(4.4) are 8.6");
    probe_loses(9);
    cr_expect_eq(b()->state, BBR_DOWN);
    cr_expect_eq(b()->inflight_longterm, 219 * MSS);
    stop();
}

Test(bbr, sec_5_3_4_CC_BBR_3_probe_rtt)
{
    gn_time from, rtt = 0;

    start();
    to_probe_bw();
    for (unsigned i = 0; i < 400 && b()->state != BBR_PROBE_RTT; i++) {
        struct cc_ack a;

        now += RTT;
        a = round_ack(150 * MSS, 150 * MSS, BW);
        rtt = a.rtt = RTT + 2 * GN_MSEC; /* a queue that stands */
        c.ops->on_ack(&c, &a);
    }
    cr_assert_eq(b()->state, BBR_PROBE_RTT);
    cr_expect(now - GN_SEC > 5 * GN_SEC && now - GN_SEC < 6 * GN_SEC);
    cr_expect(c.slowed, "what is sent now is marked");
    cr_expect_leq(c.cwnd, 110 * MSS, "half of the BDP");
    from = now;
    while (b()->state == BBR_PROBE_RTT && now < from + GN_SEC)
        round_trip(50 * MSS, BW / 2);
    cr_expect(now - from >= 200 * GN_MSEC && now - from <= 300 * GN_MSEC);
    cr_expect_gt(rtt, b()->min_rtt);
    cr_expect(c.cwnd > 150 * MSS && !c.slowed, "the window before it");
    stop();
}

Test(bbr, sec_5_3_4_no_probe_rtt_while_the_path_is_seen_without_a_queue)
{
    start();
    to_probe_bw();
    for (unsigned i = 0; i < 1000; i++) {
        struct cc_ack a;

        now += RTT;
        a = round_ack(150 * MSS, 150 * MSS, BW);
        a.rtt = i % 200 ? RTT + 2 * GN_MSEC : RTT + RTT / 16;
        c.ops->on_ack(&c, &a);
        cr_assert_neq(b()->state, BBR_PROBE_RTT, "round %u", i);
    }
    cr_expect_eq(b()->min_rtt, RTT, "what is near does not raise the estimate");
    stop();
}

Test(bbr, sec_5_6_2_CC_BBR_6_the_margin_is_for_a_queue)
{
    struct cc_ack a;

    start();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    cr_expect_eq(c.pacing_rate, BW, "there is none");
    for (unsigned i = 0; i < 3; i++) {
        now += RTT;
        a = round_ack(150 * MSS, 150 * MSS, BW);
        a.rtt = RTT + RTT / 16 + 1;
        c.ops->on_ack(&c, &a);
        cr_expect_eq(c.pacing_rate, i ? BW / 100 * 99 : BW, "after a round trip, round %u", i);
    }
    round_trip(150 * MSS, BW);
    cr_expect_eq(c.pacing_rate, BW, "gone");
    cr_expect_eq(b()->state, BBR_CRUISE);
    stop();
}

Test(bbr, sec_5_6_4_3_CC_BBR_6_never_less_than_four_segments)
{
    start();
    for (unsigned i = 0; i < 60; i++)
        round_trip(MSS, 50000);
    cr_expect_geq(c.cwnd, 4 * MSS);
    c.ops->on_timeout(&c, 4 * MSS, true, now);
    cr_expect_eq(c.cwnd, MSS, "but for a timeout");
    round_trip(MSS, 50000);
    cr_expect_geq(c.cwnd, 4 * MSS);
    stop();
}

Test(bbr, sec_5_5_6_CC_BBR_7_a_maximum_is_forgotten_after_two_cycles)
{
    start();
    to_probe_bw();
    for (unsigned i = 0; i < 1000; i++)
        round_trip(75 * MSS, BW / 2);
    cr_expect_leq(b()->max_bw, BW / 2);
    cr_expect_gt(b()->max_bw, BW / 4);
    stop();
}

Test(bbr, sec_5_6_4_4_CC_BBR_9_window_comes_back_after_recovery)
{
    uint32_t before;

    start();
    to_probe_bw();
    before = c.cwnd;
    c.ops->on_timeout(&c, before, true, now);
    cr_expect_eq(c.cwnd, MSS);
    c.ops->on_undo(&c, now);
    cr_expect_eq(c.cwnd, before);
    stop();
}

Test(bbr, sec_5_4_1_idle_restart_paces_at_the_bandwidth)
{
    start();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    now += 60 * GN_SEC;
    c.ops->on_restart(&c, delivered, now);
    cr_expect_eq(c.pacing_rate, BW / 100 * 99);
    round_trip(20 * MSS, BW / 10);
    cr_expect_neq(b()->state, BBR_PROBE_RTT, "the idle time has emptied the queue");
    stop();
}

Test(bbr, no_memory_no_bbr)
{
    mem_init(&mem, pages_source(&pages), 0);
    c = (struct cc){0};
    cc_init(&c, CC_BBR, MSS, 10, &mem, now);
    cr_expect_str_eq(c.ops->name, "newreno");
    mem_fini(&mem);
}

Test(bbr, sec_3_7_a_mark_ends_startup)
{
    start();
    round_trip(100 * MSS, BW / 2);
    c.ops->on_ece(&c, 100 * MSS, now);
    cr_expect(b()->full_bw_reached);
    cr_expect_eq(b()->inflight_longterm, 100 * MSS, "what it held just now");
    round_trip(100 * MSS, BW / 2);
    cr_expect_neq(b()->state, BBR_STARTUP);
    stop();
}

Test(bbr, sec_3_7_a_mark_while_cruising_lowers_what_is_in_flight)
{
    start();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    c.ops->on_ece(&c, 200 * MSS, now);
    cr_expect_eq(b()->inflight_shortterm, 170 * MSS, "RFC 8511: 0.85");
    c.ops->on_ece(&c, 200 * MSS, now);
    cr_expect_eq(b()->inflight_shortterm, 144500);
    round_trip(140 * MSS, BW);
    cr_expect_leq(c.cwnd, 144500);
    (void)until(BBR_REFILL, 200);
    cr_expect_eq(b()->inflight_shortterm, BBR_INFINITY, "the next probe begins anew");
    stop();
}

Test(bbr, sec_3_7_a_mark_ends_a_probe)
{
    start();
    to_probe_bw();
    (void)until(BBR_UP, 250);
    c.ops->on_ece(&c, 230 * MSS, now);
    cr_expect_eq(b()->state, BBR_DOWN);
    cr_expect_eq(b()->inflight_longterm, 230 * MSS);
    cr_expect(b()->prev_probe_too_high);
    stop();
}

Test(bbr, sec_5_5_9_extra_acked_by_bursts_of_acks)
{
    start();
    to_probe_bw();
    (void)until(BBR_CRUISE, 5);
    for (unsigned i = 0; i < 30; i++) /* smooth: a hundredth of the flight each 200 us */
        round_trip(2 * MSS, BW);
    for (unsigned i = 0; i < 12; i++) {
        struct cc_ack a = round_ack(10 * MSS, 200 * MSS, BW);

        c.ops->on_ack(&c, &a); /* all at the same time */
    }
    cr_expect_geq(b()->extra_acked_filter[1], 100 * MSS);
    cr_expect_geq(c.cwnd, 300 * MSS, "the window makes room for them");
    stop();
}

Test(bbr, sec_5_5_7_the_lowest_round_trip_time_is_forgotten_after_ten_seconds)
{
    start();
    to_probe_bw();
    for (unsigned i = 0; i < 1200; i++) {
        struct cc_ack a;

        now += RTT;
        a = round_ack(150 * MSS, 150 * MSS, BW);
        a.rtt = 2 * RTT; /* the path has become longer */
        c.ops->on_ack(&c, &a);
    }
    cr_expect_eq(b()->min_rtt, 2 * RTT);
    stop();
}

Test(bbr, what_status_tells)
{
    struct gn_bbr m;

    start();
    to_probe_bw();
    (void)until(BBR_UP, 250);
    c.ops->tell(&c, &m);
    cr_expect_eq(m.phase, GN_BBR_PROBE_BW_UP);
    cr_expect_eq(m.bw, BW);
    cr_expect_eq(m.min_rtt, RTT);
    cr_expect_eq(m.pacing_gain, 1250);
    cr_expect_eq(m.cwnd_gain, 2250);
    stop();
}
