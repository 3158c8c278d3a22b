/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery rate samples and pacing (draft-ietf-ccwg-bbr 4.1, 5.6.2, 5.6.3). */
#include "recovery/rate.h"

#include "base/bits.h"
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

#define RTT (20 * GN_MSEC)
#define RATE \
    10000000 /* octets per second: a segment in 100 us, a quantum of ten in a millisecond */

static struct rig g;

/* an open connection of 20 ms that may send @cwnd segments, paced at RATE by its user */
static void paced(uint32_t cwnd)
{
    rig_open(&g, true, RTT);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, RATE));
    g.r.cc.cwnd = cwnd * MSS;
}

/* send as much as may go now; segments */
static uint32_t burst(void)
{
    uint32_t n = 0, room;

    while ((room = recovery_room(&g.r) / MSS) > 0) {
        rig_send(&g, room);
        n += room;
    }
    return n;
}

/* let time pass until pacing lets more go, and @late beyond */
static void wake(gn_time late)
{
    cr_assert(deadline_armed(recovery_pace_at(&g.r)));
    g.env.now = max_u64(g.env.now, deadline_time(recovery_pace_at(&g.r))) + late;
    recovery_on_pace(&g.r, &g.env, false);
}

Test(rate, only_those_that_need_it_have_the_block)
{
    rig_open(&g, true, RTT);
    cr_expect_null(g.r.rate);
    rig_send(&g, 10);
    cr_expect_not(deadline_armed(recovery_pace_at(&g.r)));
    cr_expect_eq(recovery_memory(&g.r), 0);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, RATE));
    cr_expect_not_null(g.r.rate);
    cr_expect(recovery_memory(&g.r) > 0);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, 0));
    cr_expect_null(g.r.rate);
    rig_fini(&g);
}

Test(rate, sec_5_6_3_send_quantum)
{
    cr_expect_eq(cc_send_quantum(RATE, MSS), 10000, "a millisecond");
    cr_expect_eq(cc_send_quantum(100000, MSS), 2 * MSS, "two segments at least");
    cr_expect_eq(cc_send_quantum(UINT64_C(1000000000), MSS), 65536, "a super-segment at most");
}

Test(rate, sec_5_6_2_one_quantum_a_deadline)
{
    gn_time from;
    uint32_t sent = 0;

    paced(1000);
    cr_expect_eq(burst(), 20, "what an idle time would have allowed, and one ahead");
    from = g.env.now;
    for (unsigned i = 0; i < 40; i++) {
        wake(0);
        sent += burst();
    }
    cr_expect_eq(sent, 400, "ten a millisecond");
    cr_expect_eq(g.env.now - from, 40 * GN_MSEC);
    rig_fini(&g);
}

/* wake up @late, fifty times: is the rate kept? */
static void keeps_rate(gn_time late)
{
    gn_time from = g.env.now, took;
    uint32_t sent = 0;

    for (unsigned i = 0; i < 50; i++) {
        wake(late);
        sent += burst();
    }
    took = g.env.now - from;
    cr_expect(sent * UINT64_C(100000) + 20 * UINT64_C(100000) >= took,
              "%u segments are less than the rate", sent);
    cr_expect(sent * UINT64_C(100000) <= took + 2 * GN_MSEC);
}

Test(rate, sec_5_6_2_what_a_late_wake_up_loses_is_made_up_for)
{
    paced(10000);
    burst();
    keeps_rate(GN_MSEC / 2);
    keeps_rate(5 * GN_MSEC);
    wake(GN_SEC);
    cr_expect_eq(burst(), 50 + 20, "a quarter of a round trip's worth, however late");
    rig_fini(&g);
}

/* BBR keeps no ssthresh; whoever follows it in the middle of a recovery must not end at none */
Test(rate, a_switch_in_fast_recovery_has_a_window_to_end_at)
{
    static const unsigned to[] = {CC_NEWRENO, CC_CUBIC};

    for (unsigned i = 0; i < 2; i++) {
        rig_open(&g, true, RTT);
        recovery_set_cc(&g.r, &g.env, CC_BBR);
        g.r.cc.cwnd = 20 * MSS;
        g.r.cc.pacing_rate = 100 * RATE;
        rig_send(&g, 20);
        rig_sack(&g, 0, 20, (uint32_t[][2]){{1, 8}}, 1);
        cr_assert(g.ret.entered);
        recovery_set_cc(&g.r, &g.env, to[i]);
        cr_expect_leq(g.r.cc.ssthresh, 14 * MSS + MSS);
        rig_again(&g);
        rig_sack(&g, 0, 5, (uint32_t[][2]){{1, 15}}, 1);
        rig_ack(&g, 20, 15);
        cr_expect(g.ret.left);
        cr_expect_eq(g.r.cc.cwnd, g.r.cc.ssthresh);
        rig_fini(&g);
    }
}

/* what a congestion control believes for a moment must not make a connection stand still */
Test(rate, nothing_waits_when_nothing_is_in_flight)
{
    rig_open(&g, true, RTT);
    recovery_set_cc(&g.r, &g.env, CC_BBR);
    g.r.cc.cwnd = 100 * MSS;
    g.r.cc.pacing_rate = 10; /* octets per second */
    cr_expect_eq(burst(), 4);
    cr_expect(deadline_time(recovery_pace_at(&g.r)) > g.env.now + 100 * GN_SEC);
    rig_ack(&g, 3, 20);
    cr_expect_eq(recovery_room(&g.r), 0, "one is on its way");
    rig_ack(&g, 4, 20);
    cr_expect_not(deadline_armed(recovery_pace_at(&g.r)));
    cr_expect(recovery_room(&g.r) >= 2 * MSS);
    rig_fini(&g);
}

Test(rate, what_is_lost_is_not_in_flight)
{
    rig_open(&g, true, RTT);
    recovery_set_cc(&g.r, &g.env, CC_BBR);
    g.r.cc.cwnd = 100 * MSS;
    g.r.cc.pacing_rate = 10;
    cr_expect_eq(burst(), 4);
    rig_rto(&g); /* the probe */
    rig_rto(&g);
    cr_expect_not(deadline_armed(recovery_pace_at(&g.r)));
    rig_fini(&g);
}

Test(rate, the_users_limit_holds_whatever_is_in_flight)
{
    rig_open(&g, true, RTT);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, 100));
    burst();
    rig_ack(&g, 2, 20);
    cr_expect(deadline_time(recovery_pace_at(&g.r)) >= g.env.now + 10 * GN_SEC);
    cr_expect_eq(recovery_room(&g.r), 0);
    rig_fini(&g);
}

Test(rate, pacing_does_not_hold_back_what_is_forced)
{
    paced(1000);
    burst();
    cr_expect_eq(recovery_room(&g.r), 0);
    g.r.force = true;
    cr_expect_geq(recovery_room(&g.r), MSS);
    rig_fini(&g);
}

Test(rate, the_window_still_limits)
{
    paced(5);
    cr_expect_eq(burst(), 5);
    cr_expect_not(deadline_armed(recovery_pace_at(&g.r)), "pacing is not what holds it back");
    rig_fini(&g);
}

Test(rate, tcp_pacing_follows_window_and_round_trip_time)
{
    rig_init(&g, true);
    g.conf.tcp_pacing = 1;
    recovery_free(&g.r, &g.env);
    memset(&g.r, 0, sizeof(g.r));
    recovery_init(&g.r, &g.env, seq(ISS), MSS, CC_NEWRENO);
    recovery_on_open(&g.r, &g.env, 0, RTT);
    g.r.una = g.r.nxt = rig_seq(0);
    g.r.sack_ok = true;
    cr_assert_not_null(g.r.rate);
    cr_expect_eq(rate_pacing(&g.r), 0, "no ACK was seen yet");
    rig_send(&g, 10);
    rig_ack(&g, 10, 20);
    cr_expect_eq(rate_pacing(&g.r), g.r.cc.cwnd * UINT64_C(2) * 50, "twice as fast in slow start");
    g.r.cc.ssthresh = g.r.cc.cwnd;
    rig_send(&g, 10);
    rig_ack(&g, 20, 20);
    cr_expect(rate_pacing(&g.r) >= g.r.cc.cwnd * UINT64_C(59) &&
              rate_pacing(&g.r) <= g.r.cc.cwnd * UINT64_C(60));
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, 1000));
    cr_expect_eq(rate_pacing(&g.r), 1000, "the user's limit is below that");
    rig_fini(&g);
}

Test(rate, sec_4_1_2_a_sample)
{
    paced(1000);
    rig_send(&g, 10);
    rig_ack(&g, 10, 20);
    cr_expect_eq(g.r.rate->latest, 10 * MSS * 50, "ten segments in 20 ms");
    cr_expect_not(g.r.rate->latest_app);
    rig_fini(&g);
}

Test(rate, sec_4_1_2_the_longer_of_the_send_and_the_ack_interval)
{
    uint64_t rate;

    paced(1000);
    rig_send(&g, 1);
    for (unsigned i = 1; i < 20; i++) { /* sent in 19 ms, a segment each */
        g.env.now += GN_MSEC;
        rig_send(&g, 1);
    }
    rig_ack(&g, 1, 1);
    rig_ack(&g, 20, 1); /* the ACKs of the others come all at once */
    rate = g.r.rate->latest;
    cr_expect(rate <= 20 * MSS * UINT64_C(1000) / 19, "%llu", (unsigned long long)rate);
    rig_fini(&g);
}

Test(rate, sec_4_1_2_4_nothing_for_the_application_to_send)
{
    paced(1000);
    cr_assert(recovery_reserve(&g.r, &g.env, 10));
    recovery_on_sent(&g.r, &g.env, g.r.nxt, 5 * MSS, true); /* nothing waits behind it */
    g.env.now += GN_MSEC;
    rig_send(&g, 1); /* sent in the bubble */
    rig_ack(&g, 5, 20);
    cr_expect_not(g.r.rate->latest_app, "what went before the bubble");
    rig_ack(&g, 6, 1);
    cr_expect(g.r.rate->latest_app);
    cr_expect_eq(g.r.rate->app_limited, 0, "the bubble has left");
    rig_fini(&g);
}

Test(rate, sec_4_1_2_4_whose_turn_it_is_not_is_not_limited_by_the_application)
{
    paced(1000);
    cr_assert(recovery_reserve(&g.r, &g.env, 30));
    recovery_on_sent(&g.r, &g.env, g.r.nxt, 20 * MSS, true);
    cr_expect(deadline_armed(recovery_pace_at(&g.r)));
    cr_expect_eq(g.r.rate->app_limited, 0);
    g.env.now = deadline_time(recovery_pace_at(&g.r));
    recovery_on_pace(&g.r, &g.env, true); /* and still nothing waits */
    cr_expect_eq(g.r.rate->app_limited, 20 * MSS);
    rig_fini(&g);
}

Test(rate, bbr_switched_on_and_off_in_flight)
{
    rig_open(&g, true, RTT);
    rig_send(&g, 10);
    recovery_set_cc(&g.r, &g.env, CC_BBR);
    cr_expect_str_eq(g.r.cc.ops->name, "bbr");
    cr_assert_not_null(g.r.rate);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    cr_expect(g.r.cc.pacing_rate > 0);
    rig_ack(&g, 10, 20); /* sent when nobody wanted samples: none comes of it */
    cr_expect_eq(g.r.rate->latest, 0);
    rig_send(&g, 10);
    rig_ack(&g, 20, 20);
    cr_expect(g.r.rate->latest > 0);
    rig_send(&g, 5);
    recovery_set_cc(&g.r, &g.env, CC_CUBIC);
    cr_expect_str_eq(g.r.cc.ops->name, "cubic");
    cr_expect_null(g.r.rate);
    cr_expect_eq(recovery_memory(&g.r), 0);
    rig_ack(&g, 25, 20);
    cr_expect(seq_eq(g.r.una, g.r.nxt));
    rig_fini(&g);
}

Test(rate, the_users_limit_outlives_the_algorithm)
{
    rig_open(&g, true, RTT);
    recovery_set_cc(&g.r, &g.env, CC_BBR);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, 5000));
    cr_expect_eq(rate_pacing(&g.r), 5000);
    recovery_set_cc(&g.r, &g.env, CC_CUBIC);
    cr_expect_eq(rate_pacing(&g.r), 5000);
    cr_assert(recovery_set_max_pacing(&g.r, &g.env, 0));
    cr_expect_null(g.r.rate);
    rig_fini(&g);
}

Test(rate, no_memory_for_samples_no_bbr)
{
    rig_open(&g, true, RTT);
    mem_set_budget(&g.mem, g.mem.taken); /* what is in the free lists may still do for one block */
    while (mem_alloc(&g.mem, sizeof(struct rate)))
        ;
    recovery_set_cc(&g.r, &g.env, CC_BBR);
    cr_expect_str_eq(g.r.cc.ops->name, "newreno");
    cr_expect_null(g.r.rate);
    cr_expect_not(recovery_set_max_pacing(&g.r, &g.env, 1000));
    recovery_free(&g.r, &g.env);
    mem_fini(&g.mem);
}
