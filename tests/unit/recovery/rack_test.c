/* SPDX-License-Identifier: BSD-2-Clause */
/* RACK-TLP: RFC 8985. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

static const struct sent *rec(uint32_t segment)
{
    return sent_at(&g.r.sent, sent_find(&g.r.sent, rig_seq(segment * MSS)));
}

static bool lost(uint32_t segment)
{
    return (rec(segment)->flags & (SENT_LOST | SENT_RETRANS)) == SENT_LOST;
}

/* @n segments, 1 ms apart */
static void spread(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        rig_send(&g, 1);
        g.env.now += GN_MSEC;
    }
}

static void fire_reorder(void)
{
    cr_assert(deadline_armed(g.r.reo_at));
    g.env.now = deadline_time(g.r.reo_at);
    recovery_on_reorder_timer(&g.r, &g.env);
    recovery_check(&g.r);
}

static void fire_pto(void)
{
    cr_assert(deadline_armed(g.r.pto_at));
    g.env.now = deadline_time(g.r.pto_at);
    recovery_on_pto(&g.r, &g.env);
    recovery_check(&g.r);
}

/* the probe as a retransmission */
static void probe(void)
{
    seq_t start;
    uint32_t len;

    cr_assert(g.r.probe_due);
    cr_expect_geq(recovery_room(&g.r), MSS, "CC-8985-12: one beyond the window");
    cr_assert(recovery_next_probe(&g.r, &start, &len));
    cr_expect(seq_eq(seq_add(start, len), g.r.nxt), "the highest segment");
    recovery_on_sent(&g.r, &g.env, start, len, true);
    recovery_check(&g.r);
}

Test(rack, CC_8985_1_records)
{
    rig_open(&g, true, 100 * GN_MSEC);
    spread(2);
    cr_expect_eq(rec(1)->xmit - rec(0)->xmit, GN_MSEC);
    g.r.pto_at = deadline_none();
    rig_rto(&g);
    rig_again(&g);
    cr_expect_eq(rec(0)->xmit, g.env.now);
    cr_expect(rec(0)->flags & SENT_EVER_RETRANS);
    rig_fini(&g);
}

Test(rack, CC_8985_6_waits_for_a_quarter_of_min_rtt)
{
    uint32_t b[][2] = {{1, 2}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect_eq(g.ret.lost, 0);
    cr_expect_eq(g.r.state, GN_RECOVERY_DISORDER);
    cr_assert(deadline_armed(g.r.reo_at));
    cr_expect_eq(deadline_time(g.r.reo_at) - g.env.now, 25 * GN_MSEC);
    fire_reorder();
    cr_expect(lost(0) && !lost(2) && !lost(4), "only what was sent before RACK.segment");
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    cr_expect_eq(rig_again(&g), 1);
    rig_fini(&g);
}

Test(rack, CC_8985_4_no_wait_with_dup_thresh_segments_sacked)
{
    uint32_t b[][2] = {{1, 4}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect(g.ret.entered && lost(0));
    cr_expect(!lost(4));
    rig_fini(&g);
}

Test(rack, CC_8985_4_window_for_reordering_even_with_dup_thresh)
{
    uint32_t b[][2] = {{3, 4}}, all[][2] = {{2, 4}}, later[][2] = {{5, 9}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 2, 100, b, 1);
    rig_sack(&g, 2, 1, all, 1);
    cr_expect(g.r.rack.reordering_seen, "CC-8985-3: 2 was sent once and came after 3");
    rig_sack(&g, 4, 0, later, 1);
    cr_expect(!g.ret.entered, "four SACKed, but there is reordering");
    fire_reorder();
    cr_expect(lost(4));
    rig_fini(&g);
}

Test(rack, CC_8985_3_retransmissions_are_no_reordering)
{
    uint32_t b[][2] = {{1, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 6);
    rig_sack(&g, 0, 100, b, 1);
    rig_again(&g);
    rig_ack(&g, 5, 100);
    cr_expect(!g.r.rack.reordering_seen);
    rig_fini(&g);
}

Test(rack, CC_8985_3_one_ack_for_all_is_no_reordering)
{
    uint32_t b[][2] = {{7, 9}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 5, 100, b, 1);
    cr_expect(!g.r.rack.reordering_seen);
    rig_fini(&g);
}

Test(rack, CC_8985_5_dsack_widens_the_window_for_16_recoveries)
{
    struct rack k;
    struct rtt rtt = {.srtt = 100, .min = 80};

    rack_init(&k, seq(0));
    k.reordering_seen = true;
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 20);
    rack_adapt(&k, seq(0), seq(100), true, false);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 40);
    rack_adapt(&k, seq(50), seq(100), true, false);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 40, "once per round trip");
    rack_adapt(&k, seq(100), seq(200), true, false);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 60);
    for (uint32_t i = 0; i < 10; i++)
        rack_adapt(&k, seq(200 + 100 * i), seq(300 + 100 * i), true, false);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 100, "SRTT at the most");
    for (int i = 0; i < 15; i++)
        rack_adapt(&k, seq(2000), seq(2000), false, true);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 100);
    rack_adapt(&k, seq(2000), seq(2000), false, true);
    cr_expect_eq(rack_reo_wnd(&k, &rtt, true), 20);
}

Test(rack, CC_8985_7_lost_retransmission)
{
    uint32_t b[][2] = {{1, 5}}, c[][2] = {{1, 7}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_sack(&g, 0, 100, b, 1);
    uint32_t ssthresh = g.r.cc.ssthresh;
    cr_expect_eq(rig_again(&g), 1);
    g.env.now += GN_MSEC;
    rig_send(&g, 2); /* sent after the retransmission, and delivered */
    rig_sack(&g, 0, 100, c, 1);
    cr_expect(lost(0), "lost again");
    cr_expect_eq(rig_again(&g), 1);
    cr_expect_lt(g.r.cc.ssthresh, ssthresh, "CC-5681-18: two reductions");
    cr_expect_eq(g.r.timeouts, 0);
    rig_fini(&g);
}

Test(rack, CC_8985_2_ack_of_the_original_is_no_sample)
{
    uint32_t b[][2] = {{1, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_sack(&g, 0, 100, b, 1);
    gn_time was = g.r.rack.xmit;
    rig_again(&g);
    rig_ack(&g, 5, 10); /* 10 ms after: less than min_RTT */
    cr_expect_eq(g.r.rack.xmit, was);
    cr_expect_geq(g.r.rack.rtt, 100 * GN_MSEC);
    rig_fini(&g);
}

Test(rack, CC_8985_8_rto_marks_the_head_and_what_is_old)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 3);
    rig_ack(&g, 1, 100);
    g.env.now = deadline_time(g.r.rto_at) - 10 * GN_MSEC;
    rig_send(&g, 2);
    g.r.pto_at = deadline_none();
    rig_rto(&g);
    cr_expect(lost(1) && lost(2) && !lost(3) && !lost(4));
    cr_expect_eq(rig_again(&g), 1, "the head leaves though two are in flight");
    rig_fini(&g);
}

Test(rack, CC_8985_14_in_order_acks_walk_nothing)
{
    rig_open(&g, true, 100 * GN_MSEC);
    g.r.cc.cwnd = 1000 * MSS;
    spread(1000);
    for (uint32_t i = 1; i <= 999; i++) {
        rig_ack(&g, i, 1);
        cr_expect_eq(g.r.rack.cursor, g.r.sent.head);
        cr_expect(!deadline_armed(g.r.reo_at));
    }
    rig_fini(&g);
}

Test(rack, the_window_of_reordering_can_be_static)
{
    uint32_t b[][2] = {{1, 4}}, dup[][2] = {{0, 1}};

    rig_open(&g, true, 100 * GN_MSEC);
    g.conf.tcp_recovery = 1 | 2;
    rig_send(&g, 8);
    rig_sack(&g, 0, 100, b, 1);
    cr_assert_eq(rig_again(&g), 1);
    rig_ack(&g, 4, 50);
    rig_sack(&g, 4, 1, dup, 1);
    cr_expect(g.ret.dsack);
    cr_expect_eq(g.r.rack.reo_wnd_mult, 1);
    g.conf.tcp_recovery = 1;
    rig_sack(&g, 4, 1, dup, 1);
    cr_expect_eq(g.r.rack.reo_wnd_mult, 2);
    rig_fini(&g);
}

Test(tlp, CC_8985_9_pto)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 2);
    cr_expect_eq(deadline_time(g.r.pto_at) - g.env.now, 202 * GN_MSEC, "2 SRTT");
    rig_ack(&g, 1, 100);
    cr_expect_leq(g.r.pto_at.raw, g.r.rto_at.raw, "never later than the RTO");
    cr_expect_eq(tlp_calc_pto(&(struct rtt){0}, &g.conf, false), GN_SEC);
    cr_expect_eq(tlp_calc_pto(&g.r.rtt, &g.conf, true) - tlp_calc_pto(&g.r.rtt, &g.conf, false),
                 40 * GN_MSEC, "TLP.max_ack_delay for a lone segment");
    rig_fini(&g);
}

Test(tlp, CC_8985_10_not_with_sacks_nor_in_recovery)
{
    uint32_t b[][2] = {{1, 2}}, c[][2] = {{1, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 6);
    cr_expect(deadline_armed(g.r.pto_at));
    rig_sack(&g, 0, 100, b, 1);
    cr_expect(!deadline_armed(g.r.pto_at));
    rig_sack(&g, 0, 1, c, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    rig_again(&g);
    rig_send(&g, 1);
    cr_expect(!deadline_armed(g.r.pto_at));
    rig_fini(&g);
}

Test(tlp, CC_8985_12_tail_loss_is_found_by_the_probe)
{
    uint32_t b[][2] = {{4, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_ack(&g, 2, 100); /* 2, 3, 4 are lost */
    fire_pto();
    cr_expect_eq(deadline_time(g.r.rto_at) - g.env.now, recovery_rto(&g.r, &g.env) & ~(gn_time)1);
    probe();
    rig_sack(&g, 2, 100, b, 1);
    cr_expect(g.ret.entered && lost(2) && lost(3));
    cr_expect_eq(g.r.timeouts, 0);
    rig_fini(&g);
}

Test(tlp, CC_8985_11_one_probe_and_a_fresh_sample)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 2);
    fire_pto();
    probe();
    cr_expect(!deadline_armed(g.r.pto_at));
    rig_send(&g, 1);
    cr_expect(!deadline_armed(g.r.pto_at), "one is in flight: the RTO must not wait for another");
    rig_rto(&g);
    cr_expect(!g.r.probe_due);
    cr_expect_eq(g.r.timeouts, 1);
    rig_fini(&g);
}

Test(tlp, CC_8985_12_new_data_is_a_probe)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    cr_expect_eq(recovery_room(&g.r), 0);
    fire_pto();
    cr_expect_eq(recovery_room(&g.r), MSS);
    rig_send(&g, 1);
    cr_expect(!g.r.probe_due && g.r.tlp.in_flight && !g.r.tlp.is_retrans);
    cr_expect_eq(recovery_room(&g.r), 0);
    rig_ack(&g, 11, 100);
    cr_expect(!g.r.tlp.in_flight);
    cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX, "nothing was lost");
    rig_fini(&g);
}

Test(tlp, CC_8985_13_a_loss_that_the_probe_repaired)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_ack(&g, 4, 100); /* 4 is lost */
    fire_pto();
    probe();
    rig_ack(&g, 5, 100);
    cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX, "not yet to be said");
    rig_send(&g, 1);
    rig_ack(&g, 6, 100);
    cr_expect_neq(g.r.cc.ssthresh, UINT32_MAX, "one answer of congestion control");
    rig_fini(&g);
}

Test(tlp, CC_8985_13_the_answer_is_to_the_flight_before_the_ack)
{
    rig_open(&g, true, 100 * GN_MSEC);
    g.r.cc.cwnd = 40 * MSS;
    rig_send(&g, 5);
    rig_ack(&g, 4, 100);
    fire_pto();
    probe();
    rig_ack(&g, 5, 100);
    rig_send(&g, 20);
    rig_ack(&g, 25, 100); /* one ACK for all: nothing is in flight any more */
    cr_expect_eq(g.r.cc.ssthresh, 10 * MSS);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    rig_fini(&g);
}

Test(tlp, CC_8985_13_dsack_shows_that_there_was_no_loss)
{
    uint32_t b[][2] = {{4, 5}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 5);
    rig_ack(&g, 4, 100);
    fire_pto();
    probe();
    rig_ack(&g, 5, 50);
    rig_sack(&g, 5, 50, b, 1);
    cr_expect(g.ret.dsack && !g.r.tlp.in_flight);
    rig_send(&g, 1);
    rig_ack(&g, 6, 100);
    cr_expect_eq(g.r.cc.ssthresh, UINT32_MAX);
    rig_fini(&g);
}

Test(tlp, the_probe_takes_the_place_of_an_rto_due_at_the_same_time)
{
    rig_open(&g, true, GN_MSEC);
    g.conf.tcp_max_ack_delay = 500 * GN_MSEC;
    rig_send(&g, 1);
    cr_expect_eq(g.r.pto_at.raw, g.r.rto_at.raw);
    rig_rto(&g);
    cr_expect(g.r.probe_due);
    cr_expect_eq(g.r.timeouts, 0);
    cr_expect_eq(g.r.state, GN_RECOVERY_OPEN);
    rig_fini(&g);
}
