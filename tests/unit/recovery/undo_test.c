/* SPDX-License-Identifier: BSD-2-Clause */
/* Spurious timeouts and recoveries: RFC 5682, 3522, 4015, 3708. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

/* an ACK of @segments, @ms after the last event, echoing what was sent @echo_ms ago (0: no echo) */
static void ack(uint32_t segments, uint32_t ms, uint32_t echo_ms, bool can_send)
{
    struct rec_ack a = {.ack = rig_seq(segments * MSS), .can_send = can_send};

    g.env.now += ms * GN_MSEC;
    a.has_ts = echo_ms;
    a.ts_rtt = echo_ms * GN_MSEC;
    a.dup = seq_eq(a.ack, g.r.una);
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    recovery_check(&g.r);
}

Test(undo, CC_4015_2_eifel_after_a_timeout)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    g.r.pto_at = deadline_none();
    rig_rto(&g); /* 300 ms */
    cr_expect_eq(rig_again(&g), 1);
    ack(1, 50, 350, true);
    cr_expect(g.ret.spurious);
    cr_expect_geq(g.r.cc.cwnd, 10 * MSS, "CC-4015-1");
    cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX);
    cr_expect_eq(g.r.sent.lost, 0);
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    cr_expect_geq(g.r.rtt.srtt, 350 * GN_MSEC, "the RTO adapts");
    rig_fini(&g);
}

Test(undo, CC_4015_2_the_echo_of_the_retransmission_is_no_witness)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    g.r.pto_at = deadline_none();
    rig_rto(&g);
    rig_again(&g);
    ack(1, 50, 50, false);
    cr_expect(!g.ret.spurious);
    cr_expect_eq(g.r.state, GN_RECOVERY_LOSS);
    rig_fini(&g);
}

/* what was sent again in one recovery and is acknowledged in the next speaks of the former */
Test(undo, CC_4015_2_what_an_earlier_recovery_sent_again_is_no_witness)
{
    rig_open(&g, true, 20 * GN_MSEC);
    g.r.cc.cwnd = 40 * MSS;
    rig_send(&g, 10);
    rig_sack(&g, 0, 20, (uint32_t[][2]){{1, 8}}, 1);
    cr_assert(g.ret.entered);
    cr_assert_eq(rig_again(&g), 1);
    rig_send(&g, 10); /* beyond `recover` */
    rig_sack(&g, 10, 20, (uint32_t[][2]){{11, 18}}, 1);
    cr_assert(g.ret.left);
    cr_assert(g.ret.entered || g.r.state == GN_RECOVERY_FAST, "the segment 10 is lost");
    cr_assert_eq(rig_again(&g), 1);
    rig_send(&g, 10); /* 20 to 29 */
    rig_sack(&g, 10, 10, (uint32_t[][2]){{11, 20}, {21, 28}}, 2);
    cr_assert_eq(rig_again(&g), 1, "the segment 20, 10 ms after the segment 10");
    ack(20, 10, 20, true); /* the first of these has arrived */
    cr_expect(!g.ret.spurious);
    g.env.now += GN_MSEC;
    ack(30, 9, 20, true); /* and the second, with its own time */
    cr_expect(!g.ret.spurious);
    rig_fini(&g);
}

Test(undo, CC_4015_2_eifel_in_fast_recovery)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 3, 34);
    cr_expect(g.ret.entered);
    rig_again(&g);
    ack(5, 5, 107, true); /* the first one was only late */
    cr_expect(g.ret.spurious);
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    cr_expect_geq(g.r.cc.cwnd, 10 * MSS);
    cr_expect(g.r.rack.reordering_seen);
    rig_fini(&g);
}

Test(undo, dsacks_for_all_that_was_sent_again)
{
    uint32_t b[][2] = {{2, 6}}, d0[][2] = {{0, 1}}, d1[][2] = {{1, 2}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect(g.ret.entered);
    cr_expect_eq(rig_again(&g), 1);
    rig_sack(&g, 0, 1, (uint32_t[][2]){{2, 10}}, 1);
    cr_expect_eq(rig_again(&g), 1);
    rig_ack(&g, 10, 5);
    cr_expect(g.ret.left);
    rig_sack(&g, 10, 95, d0, 1);
    cr_expect(g.ret.dsack && !g.ret.spurious);
    rig_sack(&g, 10, 1, d1, 1);
    cr_expect(g.ret.spurious, "after the end of the recovery, too");
    cr_expect_geq(g.r.cc.cwnd, 10 * MSS);
    cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX);
    rig_fini(&g);
}

/* what is saved is the window before the last reduction, whatever its cause */
Test(undo, of_a_recovery_does_not_take_back_the_answer_to_ece)
{
    uint32_t b[][2] = {{1, 10}}, d[][2] = {{0, 1}};
    struct rec_ack a = {.ack = rig_seq(11 * MSS), .ece = true};
    uint32_t cwnd;

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    cr_assert(g.ret.entered);
    cr_assert_eq(rig_again(&g), 1);
    rig_ack(&g, 10, 10);
    cr_assert(g.ret.left);
    rig_send(&g, 5);
    g.env.now += 20 * GN_MSEC;
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_assert(g.ret.cwr);
    cwnd = g.r.cc.cwnd;
    rig_sack(&g, 11, 1, d, 1);
    cr_expect(g.ret.dsack && !g.ret.spurious);
    cr_expect_eq(g.r.cc.cwnd, cwnd);
    rig_fini(&g);
}

static void timeout(bool sack)
{
    rig_open(&g, sack, 100 * GN_MSEC);
    rig_send(&g, 10);
    g.r.pto_at = deadline_none();
    rig_rto(&g);
}

Test(frto, CC_5682_1_only_the_first_segment)
{
    timeout(false);
    cr_expect_eq(rig_again(&g), 1);
    cr_expect_eq(g.r.frto, FRTO_FIRST);
    rig_rto(&g);
    cr_expect_eq(g.r.frto, FRTO_OFF, "not when an RTO recovery is running");
    rig_fini(&g);
}

Test(frto, CC_5682_1_not_out_of_fast_recovery_with_sack)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, (uint32_t[][2]){{1, 5}}, 1);
    cr_assert(g.ret.entered);
    cr_assert_geq(rig_again(&g), 1);
    rig_rto(&g); /* it was lost again */
    cr_expect_eq(g.r.frto, FRTO_OFF, "RecoveryPoint is ahead");
    cr_expect_eq(rig_again(&g), 1);
    ack(5, 50, 0, true);
    rig_again(&g);
    rig_sack(&g, 5, 1, (uint32_t[][2]){{7, 8}}, 1);
    cr_expect(!g.ret.spurious, "two losses of segment 0 were genuine");
    rig_fini(&g);
}

Test(frto, CC_5682_3_and_4_spurious)
{
    seq_t start;
    uint32_t len;

    timeout(false);
    rig_again(&g);
    ack(1, 50, 0, true); /* the original of the first */
    cr_expect(!recovery_next_lost(&g.r, MSS, &start, &len), "new text goes first");
    cr_expect_eq(recovery_room(&g.r), 2 * MSS);
    rig_send(&g, 2);
    cr_expect_lt(recovery_room(&g.r), MSS);
    ack(2, 1, 0, true);
    cr_expect(g.ret.spurious);
    cr_expect_eq(g.r.sent.lost, 0);
    cr_expect(seq_eq(g.r.recover, g.r.una));
    cr_expect_geq(g.r.cc.cwnd, 10 * MSS);
    rig_fini(&g);
}

Test(frto, CC_5682_2_duplicate_or_full_is_genuine)
{
    timeout(false);
    rig_again(&g);
    ack(0, 50, 0, true);
    cr_expect_eq(g.r.frto, FRTO_OFF);
    rig_fini(&g);
    timeout(false);
    rig_again(&g);
    ack(10, 50, 0, true);
    cr_expect(g.r.frto == FRTO_OFF && !g.ret.spurious && g.r.state == GN_RECOVERY_OPEN);
    rig_fini(&g);
}

Test(frto, CC_5682_3_nothing_new_to_send)
{
    timeout(false);
    rig_again(&g);
    ack(1, 50, 0, false);
    cr_expect_eq(g.r.frto, FRTO_OFF);
    cr_expect_eq(rig_again(&g), 2, "slow start");
    rig_fini(&g);
}

Test(frto, CC_5682_4_duplicate_in_step_3_is_genuine)
{
    timeout(false);
    rig_again(&g);
    ack(1, 50, 0, true);
    rig_send(&g, 2);
    ack(1, 50, 0, true);
    cr_expect_eq(g.r.frto, FRTO_OFF);
    cr_expect_leq(g.r.cc.cwnd, 3 * MSS);
    cr_expect_geq(rig_again(&g), 1);
    rig_fini(&g);
}

Test(frto, CC_5682_5_with_sack)
{
    uint32_t b[][2] = {{3, 4}}, news[][2] = {{10, 11}};
    struct rec_ack a = {.ack = rig_seq(1 * MSS), .n_sack = 1, .can_send = true};

    timeout(true);
    rig_again(&g);
    rig_sack(&g, 0, 10, b, 1);
    cr_expect_eq(g.r.frto, FRTO_FIRST, "duplicates wait in step 2");
    ack(1, 40, 0, true);
    cr_expect_eq(g.r.frto, FRTO_NEW);
    rig_send(&g, 2);
    a.sack[0] = (struct rec_sack){rig_seq(5 * MSS), rig_seq(6 * MSS)};
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.ret.spurious, "an original is SACKed");
    rig_fini(&g);
    timeout(true);
    rig_again(&g);
    ack(1, 50, 0, true);
    rig_send(&g, 2);
    rig_sack(&g, 1, 100, news, 1);
    cr_expect(!g.ret.spurious && g.r.frto == FRTO_OFF, "only the new text came");
    cr_expect_leq(g.r.cc.cwnd, 3 * MSS);
    rig_fini(&g);
}

/* what the network duplicated is no witness: neither of what we sent again nor of reordering */
Test(undo, duplicates_of_others_show_nothing)
{
    uint32_t b[][2] = {{5, 9}}, foreign[][2] = {{2, 3}, {5, 9}}, ours[][2] = {{4, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_ack(&g, 4, 100);
    rig_sack(&g, 4, 1, b, 1);
    cr_assert(g.ret.entered);
    cr_assert_eq(rig_again(&g), 1);
    rig_sack(&g, 4, 10, foreign, 2);
    cr_expect(g.ret.dsack && !g.ret.spurious);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    cr_expect_eq(g.r.rack.reo_wnd_mult, 1);
    rig_ack(&g, 10, 90);
    rig_sack(&g, 10, 1, ours, 1);
    cr_expect_eq(g.r.rack.reo_wnd_mult, 2, "this was ours");
    rig_fini(&g);
}

/*
 * The peer had it all, and all its ACKs were lost: what it echoes is from before the timeout. The
 * D-SACK says which transmission this ACK answers, and so how long a round trip takes.
 */
Test(undo, CC_6298_6_lost_acks_are_no_long_round_trip)
{
    struct rec_ack a = {.has_ts = true, .n_sack = 1};

    rig_open(&g, true, 10 * GN_MSEC);
    rig_send(&g, 4);
    g.r.pto_at = deadline_none();
    rig_rto(&g);
    cr_assert_eq(rig_again(&g), 1);
    rig_rto(&g);
    cr_assert_eq(rig_again(&g), 1);
    g.env.now += 10 * GN_MSEC;
    a.ack = rig_seq(4 * MSS);
    a.ts_rtt = 600 * GN_MSEC;
    a.sack[0] = (struct rec_sack){rig_seq(0), rig_seq(MSS)};
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect_eq(g.ret.rtt, 10 * GN_MSEC);
    cr_expect_leq(recovery_rto(&g.r, &g.env), 220 * GN_MSEC);
    rig_fini(&g);
}
