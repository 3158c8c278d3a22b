/* SPDX-License-Identifier: BSD-2-Clause */
/* The retransmission timer: RFC 6298, RFC 5681 3.1 after a timeout. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

static gn_time rto(void)
{
    return recovery_rto(&g.r, &g.env);
}

Test(rto, CC_6298_1_one_second_before_the_first_sample)
{
    rig_init(&g, false);
    cr_expect_eq(rto(), GN_SEC);
    rig_fini(&g);
}

Test(rto, CC_6298_2_first_sample)
{
    rig_open(&g, false, 100 * GN_MSEC);
    cr_expect_eq(g.r.rtt.srtt, 100 * GN_MSEC);
    cr_expect_eq(g.r.rtt.rttvar, 50 * GN_MSEC);
    cr_expect_eq(rto(), 300 * GN_MSEC);
    rig_fini(&g);
}

Test(rto, CC_6298_3_next_sample_uses_old_srtt_for_the_variance)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 1);
    rig_ack(&g, 1, 180); /* err 80: var = 50 + (80 - 50) / 4, srtt = 100 + 80 / 8 */
    cr_expect_eq(g.r.rtt.rttvar, 57500 * GN_USEC);
    cr_expect_eq(g.r.rtt.srtt, 110 * GN_MSEC);
    rig_fini(&g);
}

/* CC-6298-4, CC-6298-13 */
Test(rto, CC_6298_4_and_13_floor)
{
    struct rtt r = {0};

    rig_init(&g, false);
    rtt_sample(&r, 1 * GN_MSEC, 1);
    for (int i = 0; i < 100; i++)
        rtt_sample(&r, 1 * GN_MSEC, 1);
    cr_expect_geq(rtt_rto(&r, &g.conf), 200 * GN_MSEC);
    g.conf.tcp_rto_min = 0;
    cr_expect_geq(rtt_rto(&r, &g.conf), r.srtt + RTT_GRANULARITY);
    rig_fini(&g);
}

Test(rto, CC_6298_5_ceiling)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 1);
    for (int i = 0; i < 300; i++)
        rig_rto(&g);
    cr_expect_eq(rto(), g.conf.tcp_rto_max);
    cr_expect_eq(g.r.timeouts, 255);
    rig_fini(&g);
}

Test(rto, CC_6298_6_karn)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 1);
    rig_rto(&g);
    cr_expect_eq(rig_again(&g), 1);
    rig_ack(&g, 1, 50); /* of which transmission? */
    cr_expect_eq(g.ret.rtt, 0);
    cr_expect_eq(g.r.rtt.srtt, 100 * GN_MSEC);
    cr_expect_eq(g.r.backoff, 1, "the doubled RTO holds until there is a measurement");
    cr_expect_eq(g.r.timeouts, 0);
    rig_send(&g, 1);
    rig_ack(&g, 2, 100);
    cr_expect_eq(g.ret.rtt, 100 * GN_MSEC);
    cr_expect_eq(g.r.backoff, 0);
    rig_fini(&g);
}

Test(rto, CC_6298_6_karn_is_lifted_by_the_echo)
{
    struct rec_ack a = {.ack = rig_seq(MSS), .has_ts = true, .ts_rtt = 50 * GN_MSEC};

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 1);
    rig_rto(&g);
    rig_again(&g);
    g.env.now += 50 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect_eq(g.ret.rtt, 50 * GN_MSEC);
    rig_fini(&g);
}

Test(rto, CC_6298_7_every_ack_gives_a_sample)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 4);
    for (uint32_t i = 1; i <= 4; i++) {
        rig_ack(&g, i, i == 1 ? 100 : 1);
        cr_expect_neq(g.ret.rtt, 0);
    }
    rig_fini(&g);
}

Test(rto, CC_6298_8_never_sooner_than_an_rto_after_the_last_transmission)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 5);
    g.env.now += 250 * GN_MSEC;
    rig_dup(&g, 3, 0);
    cr_expect_eq(rig_again(&g), 1);
    cr_expect_eq(deadline_time(g.r.rto_at), (g.env.now + rto()) & ~(gn_time)1);
    rig_fini(&g);
}

Test(rto, CC_6298_9_start_restart_stop)
{
    rig_open(&g, false, 100 * GN_MSEC);
    cr_expect(!deadline_armed(g.r.rto_at));
    rig_send(&g, 2);
    gn_time first = deadline_time(g.r.rto_at);
    cr_expect_eq(first, g.env.now + rto());
    g.env.now += 10 * GN_MSEC;
    rig_send(&g, 1);
    cr_expect_eq(deadline_time(g.r.rto_at), first, "more data does not move it (5.1)");
    rig_ack(&g, 1, 90);
    cr_expect_eq(deadline_time(g.r.rto_at), (g.env.now + rto()) & ~(gn_time)1, "5.3");
    rig_ack(&g, 3, 10);
    cr_expect(!deadline_armed(g.r.rto_at), "5.2");
    rig_fini(&g);
}

Test(rto, CC_6298_10_expiry)
{
    seq_t start;
    uint32_t len;

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 4);
    rig_rto(&g);
    cr_assert(recovery_next_lost(&g.r, MSS, &start, &len));
    cr_expect(seq_eq(start, g.r.una) && len == MSS, "5.4: the earliest");
    cr_expect_eq(rto(), 600 * GN_MSEC, "5.5: doubled");
    cr_expect_eq(deadline_time(g.r.rto_at), g.env.now + rto(), "5.6: restarted");
    rig_fini(&g);
}

Test(rto, CC_6298_11_three_seconds_after_a_lost_syn)
{
    struct rec_ack a = {.ack = seq(ISS + 1)};

    rig_init(&g, false);
    cr_assert(recovery_reserve(&g.r, &g.env, 1));
    recovery_on_sent(&g.r, &g.env, seq(ISS), 1, true);
    rig_rto(&g);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS, "a lost SYN is no congestion");
    cr_expect_eq(rig_again(&g), 1);
    g.env.now += 100 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.r.rto_spans_syn);
    rig_send(&g, 1);
    cr_expect_geq(deadline_time(g.r.rto_at) - g.env.now, 3 * GN_SEC);
    rig_ack(&g, 1, 100);
    cr_expect_lt(rto(), GN_SEC);
    rig_fini(&g);
}

Test(rto, CC_5681_3_window_after_lost_syns)
{
    struct rec_ack a = {.ack = seq(ISS + 1)};

    for (unsigned lost = 0; lost < 3; lost++) {
        rig_init(&g, false);
        cr_assert(recovery_reserve(&g.r, &g.env, 1));
        recovery_on_sent(&g.r, &g.env, seq(ISS), 1, true);
        for (unsigned i = 0; i < lost; i++) {
            rig_rto(&g);
            cr_expect_eq(rig_again(&g), 1);
        }
        recovery_on_ack(&g.r, &g.env, &a, &g.ret);
        cr_expect_eq(g.r.cc.cwnd, lost > 1 ? MSS : 10 * MSS);
        cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX);
        rig_fini(&g);
    }
}

Test(rto, CC_5681_8_and_10_first_and_repeated_timeout)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_rto(&g);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    cr_expect_eq(g.r.cc.cwnd, MSS);
    cr_expect_eq(g.r.state, GN_RECOVERY_LOSS);
    rig_again(&g);
    rig_rto(&g);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS, "unchanged");
    cr_expect_eq(g.r.cc.cwnd, MSS);
    rig_fini(&g);
}

Test(rto, CC_5681_9_flight_and_not_window)
{
    rig_open(&g, false, 100 * GN_MSEC);
    g.r.cc.cwnd = 100 * MSS;
    rig_send(&g, 10);
    rig_rto(&g);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    rig_fini(&g);
}

Test(rto, slow_start_retransmission_of_all_that_was_lost)
{
    uint32_t acked = 0, want[] = {1, 2, 4, 3};

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_rto(&g);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t n = rig_again(&g);

        cr_expect_eq(n, want[i]);
        for (uint32_t k = 0; k < n; k++)
            rig_ack(&g, ++acked, k ? 0 : 100);
    }
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    rig_fini(&g);
}

Test(rto, CC_7323_RTT_gain_falls_with_the_samples_in_a_round_trip)
{
    struct rtt one = {0}, many = {0};

    rtt_sample(&one, 100 * GN_MSEC, 1);
    rtt_sample(&many, 100 * GN_MSEC, 1);
    rtt_sample(&one, 180 * GN_MSEC, 1);
    for (int i = 0; i < 8; i++)
        rtt_sample(&many, 180 * GN_MSEC, 16); /* a flight of 16: 8 ACKs */
    cr_expect_eq(one.srtt, 110 * GN_MSEC);
    cr_expect_geq(many.srtt, 109 * GN_MSEC);
    cr_expect_leq(many.srtt, 110 * GN_MSEC);
}

Test(rto, lowest_rtt_is_forgotten_after_its_window)
{
    struct rtt r = {0};

    rtt_sample_min(&r, 10, GN_SEC);
    rtt_sample_min(&r, 20, 2 * GN_SEC);
    cr_expect_eq(r.min, 10);
    rtt_sample_min(&r, 20, 2 * GN_SEC + RTT_MIN_WINDOW);
    rtt_sample_min(&r, 20, 3 * GN_SEC + 2 * RTT_MIN_WINDOW);
    cr_expect_eq(r.min, 20);
}

Test(rto, a_retransmission_may_be_cut_smaller)
{
    seq_t start;
    uint32_t len;

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 2);
    rig_rto(&g);
    for (uint32_t off = 0; off < 1000; off += 250) {
        cr_assert(recovery_next_lost(&g.r, 250, &start, &len));
        cr_expect(seq_eq(start, rig_seq(off)) && len == 250);
        recovery_on_sent(&g.r, &g.env, start, len, false);
        recovery_check(&g.r);
    }
    cr_assert(recovery_next_lost(&g.r, 5000, &start, &len));
    cr_expect(seq_eq(start, rig_seq(1000)) && len == 1000);
    rig_fini(&g);
}

Test(rto, smaller_path_mtu_sends_again_without_congestion)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 4);
    recovery_set_mss(&g.r, &g.env, 500);
    cr_expect_eq(g.r.cc.cwnd, 10 * 500, "CC-5681-19: the same number of segments");
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    cr_expect_eq(g.r.sent.resend, 4 * MSS);
    cr_expect_eq(recovery_in_flight(&g.r), 0);
    rig_fini(&g);
}

Test(rto, CC_5681_14_idle_restart)
{
    rig_open(&g, false, 100 * GN_MSEC);
    g.r.cc.cwnd = 40 * MSS;
    rig_send(&g, 40);
    rig_ack(&g, 40, 100);
    g.env.now += 100 * GN_MSEC;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_geq(g.r.cc.cwnd, 40 * MSS, "less than an RTO since the last *send*");
    g.env.now += GN_SEC;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    cr_expect_geq(g.r.cc.ssthresh, 30 * MSS, "CC-2861-1");
    rig_fini(&g);
}

Test(rto, first_unacked_is_the_time_of_the_first_transmission)
{
    rig_open(&g, false, 100 * GN_MSEC);
    cr_expect_eq(g.r.first_unacked, 0);
    gn_time t = g.env.now;
    rig_send(&g, 1);
    g.env.now += GN_MSEC;
    rig_send(&g, 1);
    rig_rto(&g);
    rig_again(&g);
    cr_expect_eq(g.r.first_unacked, t);
    rig_ack(&g, 1, 100);
    cr_expect_eq(g.r.first_unacked, t + GN_MSEC);
    rig_ack(&g, 2, 100);
    cr_expect_eq(g.r.first_unacked, 0);
    rig_fini(&g);
}

Test(rto, no_memory_is_told_and_changes_nothing)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 4);
    mem_set_budget(&g.mem, g.mem.taken);
    cr_expect(!recovery_reserve(&g.r, &g.env, 1 << 20));
    recovery_check(&g.r);
    rig_ack(&g, 4, 100);
    rig_fini(&g);
}

/* CC-6298-12: back-off leaves the measurements alone; the next sample ends it */
Test(rto, CC_6298_12_backoff_keeps_the_measurements)
{
    rig_open(&g, true, 100 * GN_MSEC);
    g.conf.tcp_early_retrans = 0;
    rig_send(&g, 2);
    for (unsigned i = 0; i < 6; i++) {
        rig_rto(&g);
        rig_again(&g);
    }
    cr_expect_eq(g.r.backoff, 6);
    cr_expect_eq(g.r.rtt.srtt, 100 * GN_MSEC);
    rig_ack(&g, 2, 100);
    rig_send(&g, 1);
    rig_ack(&g, 3, 100);
    cr_expect_eq(g.r.backoff, 0);
    cr_expect_leq(recovery_rto(&g.r, &g.env), 400 * GN_MSEC);
    rig_fini(&g);
}
