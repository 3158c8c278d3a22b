/* SPDX-License-Identifier: BSD-2-Clause */
/* SACK blocks judged and used: RFC 2018, 2883, and 6675 with RACK off. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

static void open_6675(void)
{
    rig_open(&g, true, 100 * GN_MSEC);
    g.conf.tcp_recovery = 0;
}

static bool lost(uint32_t segment)
{
    return sent_at(&g.r.sent, sent_find(&g.r.sent, rig_seq(segment * MSS)))->flags & SENT_LOST;
}

static void raw(uint32_t ack, uint32_t l, uint32_t r)
{
    struct rec_ack a = {.ack = rig_seq(ack), .n_sack = 1};

    a.sack[0] = (struct rec_sack){rig_seq(l), rig_seq(r)};
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    recovery_check(&g.r);
}

Test(sack, CC_2018_8_bogus_blocks_are_ignored)
{
    static const uint32_t bogus[][2] = {
        {5000, 5000},              /* empty */
        {6000, 5000},              /* backwards */
        {5000, 10001},             /* beyond nxt */
        {20000, 30000},            /* all beyond */
        {(uint32_t)-1000, 3000},   /* from below una */
        {0x7fffffff, 0x80000001u}, /* far away */
        {1000, 0x80000500u},       /* longer than any window */
        {0, 0xffffffffu},
    };

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    for (size_t i = 0; i < sizeof(bogus) / sizeof(bogus[0]); i++) {
        raw(0, bogus[i][0], bogus[i][1]);
        cr_expect_eq(g.ret.sacked, 0);
        cr_expect_eq(g.r.sent.sacked, 0);
    }
    rig_ack(&g, 10, 1);
    raw(10 * MSS, 10 * MSS, 11 * MSS); /* nothing is outstanding */
    cr_expect_eq(g.ret.sacked, 0);
    rig_fini(&g);
}

Test(sack, OPT_SACK_1_without_permission_ignored)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    raw(0, 1000, 10000);
    cr_expect_eq(g.ret.sacked, 0);
    rig_fini(&g);
}

Test(sack, a_segment_covered_in_part_waits)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    raw(0, 2500, 4500);
    cr_expect_eq(g.ret.sacked, 1000);
    raw(0, 2500, 5000);
    cr_expect_eq(g.ret.sacked, 1000);
    raw(0, 2000, 5000);
    cr_expect_eq(g.ret.sacked, 1000);
    rig_fini(&g);
}

/* CC-2883-2, CC-2883-3 */
Test(sack, CC_2883_2_and_3_dsack)
{
    struct rec_ack a = {.ack = rig_seq(3 * MSS), .n_sack = 2};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_ack(&g, 3, 100);
    raw(3 * MSS, 1 * MSS, 2 * MSS);
    cr_expect(g.ret.dsack && !g.ret.sacked, "below the ACK");
    a.sack[0] = (struct rec_sack){rig_seq(6 * MSS), rig_seq(7 * MSS)};
    a.sack[1] = (struct rec_sack){rig_seq(5 * MSS), rig_seq(8 * MSS)};
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(g.ret.dsack, "inside the second block");
    cr_expect_eq(g.ret.sacked, 3 * MSS);
    a.sack[0] = (struct rec_sack){rig_seq(9 * MSS), rig_seq(10 * MSS)};
    recovery_on_ack(&g.r, &g.env, &a, &g.ret);
    cr_expect(!g.ret.dsack);
    cr_expect_eq(g.ret.sacked, MSS);
    rig_fini(&g);
}

Test(sack, CC_2018_6_only_the_cumulative_ack_frees)
{
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    raw(0, 1000, 10000);
    cr_expect_eq(sent_count(&g.r.sent), 10);
    cr_expect(seq_eq(g.r.una, rig_seq(0)));
    rig_fini(&g);
}

Test(sack, CC_2018_5_reneging)
{
    uint32_t none[1][2] = {{0, 0}};
    seq_t start;
    uint32_t len;

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    raw(0, 1000, 10000);
    rig_again(&g);
    rig_sack(&g, 1, 100, none, 0); /* the hole is filled, and yet the ACK does not go beyond */
    rig_rto(&g);
    cr_assert(recovery_next_lost(&g.r, MSS, &start, &len));
    cr_expect(seq_eq(start, rig_seq(1 * MSS)), "always again from una");
    cr_expect_eq(g.r.sent.sacked, 0);
    for (uint32_t acked = 1; acked < 10;) {
        uint32_t n = rig_again(&g);

        cr_assert_gt(n, 0);
        acked += n;
        rig_ack(&g, acked, 100);
    }
    rig_fini(&g);
}

Test(sack, CC_6675_1_three_ranges)
{
    uint32_t two[][2] = {{2, 3}, {4, 5}}, three[][2] = {{6, 7}, {4, 5}, {2, 3}};

    open_6675();
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, two, 2);
    cr_expect_eq(g.ret.lost, 0);
    rig_sack(&g, 0, 1, three, 3);
    cr_expect(g.ret.entered);
    cr_expect(lost(0) && lost(1) && !lost(3) && !lost(5) && !lost(8));
    rig_fini(&g);
}

Test(sack, CC_6675_1_octets_above)
{
    uint32_t two[][2] = {{1, 3}}, three[][2] = {{1, 4}};

    open_6675();
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, two, 1);
    cr_expect_eq(g.ret.lost, 0, "not *more* than two segments");
    rig_sack(&g, 0, 1, three, 1);
    cr_expect(lost(0) && !lost(4));
    rig_fini(&g);
}

/* CC-6675-2, CC-6675-7 */
Test(sack, CC_6675_2_pipe)
{
    uint32_t b[][2] = {{1, 4}};

    open_6675();
    rig_send(&g, 10);
    cr_expect_eq(recovery_in_flight(&g.r), 10 * MSS);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect_eq(recovery_in_flight(&g.r), 6 * MSS, "neither SACKed nor lost");
    cr_expect_eq(rig_again(&g), 1);
    cr_expect_eq(recovery_in_flight(&g.r), 7 * MSS, "sent again");
    rig_fini(&g);
}

/* CC-6675-5, CC-6675-6 */
Test(sack, CC_6675_5_and_6_entry_and_end)
{
    uint32_t b[][2] = {{1, 4}}, more[][2] = {{11, 12}};

    open_6675();
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect(seq_eq(g.r.recover, rig_seq(10 * MSS)));
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    cr_expect_eq(rig_again(&g), 1, "at once");
    rig_send(&g, 2);
    rig_sack(&g, 9, 100, more, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    rig_sack(&g, 10, 1, more, 1);
    cr_expect(g.ret.left);
    cr_expect_eq(g.r.sent.sacked, MSS, "what is SACKed above is kept");
    cr_expect_eq(g.r.state, GN_RECOVERY_DISORDER);
    rig_fini(&g);
}

/* what the last resorts give goes out; the segment's number, 999: nothing */
static unsigned rescue(void)
{
    seq_t start;
    uint32_t len;

    if (!g.r.rescue || !recovery_next_rescue(&g.r, MSS, &start, &len))
        return 999;
    recovery_on_sent(&g.r, &g.env, start, len, false);
    recovery_check(&g.r);
    cr_expect_eq(len, MSS);
    return seq_span(rig_seq(0), start) / MSS;
}

/* CC-6675-3: what lies below the highest SACKed octet, though it is not known to be lost;
 * CC-6675-4: then once the highest that is not SACKed */
Test(sack, CC_6675_3_and_4_last_resorts)
{
    uint32_t b[][2] = {{1, 4}}, c[][2] = {{6, 7}, {1, 4}}, d[][2] = {{5, 9}, {1, 4}};
    uint32_t e[][2] = {{5, 9}};

    open_6675();
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect_eq(rescue(), 999, "something is lost: NextSeg (1)");
    cr_expect_eq(rig_again(&g), 1);
    cr_expect_eq(rescue(), 999, "the pipe is full");
    rig_sack(&g, 0, 1, c, 2);
    cr_expect_eq(rescue(), 4, "NextSeg (3)");
    uint32_t flight = recovery_in_flight(&g.r);
    rig_sack(&g, 0, 1, d, 2);
    cr_expect_lt(recovery_in_flight(&g.r), flight);
    cr_expect_eq(rescue(), 9, "NextSeg (4)");
    rig_sack(&g, 4, 1, e, 1);
    cr_expect_eq(rescue(), 999, "once in a recovery");
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    rig_rto(&g);
    cr_expect_eq(rescue(), 999);
    rig_fini(&g);
}

/* RACK finds these losses by itself */
Test(sack, CC_6675_4_no_rescue_with_rack)
{
    uint32_t b[][2] = {{1, 4}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    rig_again(&g);
    cr_expect_eq(g.r.state, GN_RECOVERY_FAST);
    cr_expect(!g.r.rescue);
    rig_fini(&g);
}

Test(sack, CC_6675_8_no_recovery_below_the_recovery_point_after_rto)
{
    uint32_t b[][2] = {{5, 9}};

    open_6675();
    rig_send(&g, 10);
    rig_rto(&g);
    uint32_t ssthresh = g.r.cc.ssthresh;
    rig_again(&g);
    rig_sack(&g, 2, 100, b, 1);
    cr_expect_eq(g.r.state, GN_RECOVERY_LOSS);
    cr_expect_eq(g.r.cc.ssthresh, ssthresh);
    rig_fini(&g);
}

Test(sack, CC_5681_13_limited_transmit_takes_new_sack_information)
{
    uint32_t b[][2] = {{1, 2}};

    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 5, 1); /* bare duplicates say nothing */
    cr_expect_eq(recovery_room(&g.r), 0);
    rig_sack(&g, 0, 1, b, 1);
    cr_expect_eq(recovery_room(&g.r), MSS);
    rig_sack(&g, 0, 0, b, 1);
    cr_expect_eq(recovery_room(&g.r), MSS);
    rig_fini(&g);
}

Test(sack, retransmission_takes_runs)
{
    uint32_t b[][2] = {{4, 9}};
    seq_t start;
    uint32_t len;

    open_6675();
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    cr_assert(recovery_next_lost(&g.r, 64 * MSS, &start, &len));
    cr_expect(seq_eq(start, rig_seq(0)) && len == 4 * MSS);
    cr_assert(recovery_next_lost(&g.r, 1500, &start, &len));
    cr_expect_eq(len, 1500);
    rig_fini(&g);
}
