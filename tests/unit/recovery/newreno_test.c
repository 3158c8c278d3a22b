/* SPDX-License-Identifier: BSD-2-Clause */
/* Fast retransmit and fast recovery without SACK: RFC 5681 3.2, RFC 6582, RFC 3042. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

Test(newreno, CC_5681_11_third_duplicate)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 2, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_DISORDER);
    cr_expect_eq(rig_again(&g), 0);
    rig_dup(&g, 1, 1);
    cr_expect(g.ret.entered);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    cr_expect_eq(rig_again(&g), 1, "the first segment, at once");
    rig_fini(&g);
}

/* CC-5681-1, CC-5681-7, CC-5681-13, CC-3042-1 */
Test(newreno, CC_5681_13_limited_transmit)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    cr_expect_eq(recovery_room(&g.r), 0);
    for (unsigned i = 0; i < 2; i++) {
        rig_dup(&g, 1, 1);
        cr_expect_eq(recovery_room(&g.r), MSS);
        rig_send(&g, 1);
        cr_expect_eq(recovery_room(&g.r), 0);
    }
    rig_dup(&g, 1, 1);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS, "CC-6675-5: without the two of limited transmit");
    rig_fini(&g);
}

Test(newreno, CC_5681_12_no_more_duplicates_than_segments)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 1000, 0);
    cr_expect_leq(g.r.reno_sacked, 9 * MSS);
    cr_expect_leq(recovery_room(&g.r), 5 * MSS, "SEC-CC-1: never more than ssthresh");
    rig_fini(&g);
}

/* CC-6582-2, CC-6582-3 */
Test(newreno, CC_6582_2_and_3_full_ack)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 3, 1);
    cr_expect(seq_eq(g.r.recover, g.r.nxt));
    rig_again(&g);
    rig_dup(&g, 6, 1);
    rig_ack(&g, 10, 90);
    cr_expect(g.ret.left);
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    cr_expect_eq(g.r.cc.cwnd, 2 * MSS, "min(ssthresh, max(0, SMSS) + SMSS)");
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    rig_fini(&g);
}

Test(newreno, CC_6582_4_partial_ack)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 3, 1); /* 1 and 5 are lost */
    rig_again(&g);
    rig_dup(&g, 5, 1);
    rig_ack(&g, 4, 90);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    seq_t start;
    uint32_t len;
    cr_assert(recovery_next_lost(&g.r, MSS, &start, &len));
    cr_expect(seq_eq(start, rig_seq(4 * MSS)), "the first not acknowledged");
    cr_expect_eq(rig_again(&g), 1);
    rig_ack(&g, 10, 100);
    cr_expect(g.ret.left);
    rig_fini(&g);
}

Test(newreno, CC_6582_5_rto_is_restarted_by_the_first_partial_ack_only)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 3, 1);
    rig_again(&g);
    deadline_t was = g.r.rto_at;
    rig_ack(&g, 2, 50);
    cr_expect_neq(g.r.rto_at.raw, was.raw);
    was = g.r.rto_at;
    rig_ack(&g, 4, 50); /* nothing was sent again meanwhile */
    cr_expect_eq(g.r.rto_at.raw, was.raw);
    rig_fini(&g);
}

/* CC-6582-1, CC-6582-6 */
Test(newreno, CC_6582_1_and_6_no_fast_retransmit_below_recover)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_rto(&g);
    cr_expect(seq_eq(g.r.recover, g.r.nxt));
    rig_again(&g);
    rig_ack(&g, 10, 100); /* the others had arrived: what is sent again now brings duplicates */
    rig_send(&g, 2);
    rig_dup(&g, 5, 1);
    cr_expect_neq(g.r.state, GN_RECOVERY_FAST);
    rig_ack(&g, 12, 100);
    rig_send(&g, 2);
    rig_ack(&g, 13, 100);
    rig_send(&g, 2);
    rig_dup(&g, 3, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST, "the ACK covers more than recover");
    rig_fini(&g);
}

/* nothing was lost for more than half of the sequence numbers */
Test(newreno, CC_6582_1_recover_falls_behind_and_does_not_come_back)
{
    rig_open(&g, false, 100 * GN_MSEC);
    g.r.recover = seq_sub(g.r.una, 0x90000000u);
    rig_send(&g, 10);
    g.env.now += 100 * GN_MSEC;
    rig_dup(&g, 3, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    rig_fini(&g);
}

Test(newreno, CC_3168_4_the_last_answer_falls_behind_and_does_not_come_back)
{
    struct rec_ack a = {.ack = rig_seq(10 * MSS), .ece = true};

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    g.r.ece_seen = true;
    g.r.cwr_end = seq_sub(g.r.una, 0x90000000u);
    g.env.now += 100 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.ret.cwr);
    cr_expect_eq(g.r.cc.cwnd, 5 * MSS);
    rig_fini(&g);
}

Test(newreno, CC_3168_4_ece_once_per_round_trip)
{
    struct rec_ack a = {.ack = rig_seq(1 * MSS), .ece = true};

    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    g.env.now += 100 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.ret.cwr);
    uint32_t cwnd = g.r.cc.cwnd;
    cr_expect_lt(cwnd, 10 * MSS);
    a.ack = rig_seq(9 * MSS);
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(!g.ret.cwr);
    cr_expect_geq(g.r.cc.cwnd, cwnd);
    rig_send(&g, 1);
    a.ack = rig_seq(10 * MSS);
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.ret.cwr, "the next round trip");
    rig_fini(&g);
}

/* CC-3168-5, CC-9438-10 */
Test(newreno, CC_3168_5_ece_at_a_window_of_one)
{
    struct rec_ack a = {.ack = rig_seq(1 * MSS), .ece = true};

    rig_open(&g, false, 100 * GN_MSEC);
    g.r.cc.cwnd = MSS;
    rig_send(&g, 1);
    g.env.now += 100 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect_eq(recovery_room(&g.r), 0);
    rig_rto(&g);
    cr_expect_eq(recovery_room(&g.r), MSS);
    cr_expect(!deadline_armed(g.r.rto_at));
    rig_fini(&g);
}

Test(newreno, CC_2861_2_no_growth_without_use)
{
    rig_open(&g, false, 100 * GN_MSEC);
    for (uint32_t i = 1; i <= 20; i++) {
        rig_send(&g, 1);
        rig_ack(&g, i, 100);
    }
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    rig_fini(&g);
}
