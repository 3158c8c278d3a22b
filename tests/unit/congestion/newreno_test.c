/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 5681, 3465, 6928, 8511 as numbers. */
#include "congestion/cc.h"

#include <criterion/criterion.h>

#define MSS 1000

static struct cc c;

static void ack(uint32_t octets, bool limited, bool after_rto)
{
    struct cc_ack a = {.acked = octets, .cwnd_limited = limited, .in_recovery = after_rto};

    c.ops->on_ack(&c, &a);
}

static void start(uint32_t cwnd, uint32_t ssthresh)
{
    c = (struct cc){0};
    cc_init(&c, CC_NEWRENO, MSS, 10, NULL, 0);
    c.cwnd = cwnd * MSS;
    c.ssthresh = ssthresh * MSS;
}

Test(cc, names)
{
    cr_expect_eq(cc_find("newreno"), CC_NEWRENO);
    cr_expect_eq(cc_find("cubic"), CC_CUBIC);
    cr_expect_eq(cc_find("cubi"), -1);
    cr_expect_eq(cc_find("vegas"), -1);
    cr_expect_str_eq(cc_name(CC_NEWRENO), "newreno");
    cr_expect_null(cc_name(77));
    c = (struct cc){0};
    cc_init(&c, 77, MSS, 10, NULL, 0);
    cr_expect_eq(c.ops, &cc_newreno);
}

/* CC-5681-2, CC-5681-4 */
Test(cc, CC_5681_2_and_4_initial_window)
{
    static const uint32_t want[][2] = {{1000, 10000}, {1460, 14600}, {1500, 14600},
                                       {2000, 14600}, {9000, 18000}, {536, 5360}};

    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        c = (struct cc){0};
        cc_init(&c, CC_NEWRENO, want[i][0], 10, NULL, 0);
        cr_expect_eq(c.cwnd, want[i][1]);
        cr_expect_eq(c.ssthresh, UINT32_MAX);
    }
}

Test(cc, CC_5681_19_smaller_segments_keep_their_number)
{
    start(40, 20);
    cc_set_mss(&c, 500, 10, false);
    cr_expect_eq(c.cwnd, 20000);
    cc_set_mss(&c, 1000, 10, false);
    cr_expect_eq(c.cwnd, 20000);
}

Test(cc, switched_in_flight_keeps_the_window)
{
    start(40, 20);
    cc_switch(&c, CC_CUBIC, NULL, 1);
    cr_expect_str_eq(c.ops->name, "cubic");
    cr_expect_eq(c.cwnd, 40 * MSS);
    cr_expect_eq(c.ssthresh, 20 * MSS);
    c.ops->on_loss(&c, 40 * MSS, 1);
    cr_expect(c.ssthresh > 27900 && c.ssthresh < 28100);
    cc_switch(&c, CC_NEWRENO, NULL, 2);
    ack(MSS, true, false);
}

Test(newreno, CC_5681_5_slow_start_counts_octets_not_acks)
{
    start(10, 100);
    for (int i = 0; i < 10; i++)
        ack(MSS / 10, true, false); /* SEC-CC-1: ACK division gains nothing */
    cr_expect_eq(c.cwnd, 11 * MSS);
}

Test(newreno, CC_3465_1_limit_of_two_segments_and_of_one_after_a_timeout)
{
    start(10, 100);
    ack(50 * MSS, true, false);
    cr_expect_eq(c.cwnd, 12 * MSS);
    ack(50 * MSS, true, true);
    cr_expect_eq(c.cwnd, 13 * MSS);
}

Test(newreno, CC_5681_6_a_segment_per_round_trip)
{
    start(10, 10);
    for (int rtt = 1; rtt <= 5; rtt++) {
        for (uint32_t n = c.cwnd / MSS; n; n--)
            ack(MSS, true, false);
        cr_expect_eq(c.cwnd, (uint32_t)(10 + rtt) * MSS);
    }
}

Test(newreno, slow_start_ends_at_ssthresh)
{
    start(9, 10);
    ack(2 * MSS, true, false);
    cr_expect_eq(c.cwnd, 10 * MSS);
}

Test(newreno, CC_2861_2_no_growth_while_not_limited)
{
    start(10, 100);
    ack(MSS, false, false);
    cr_expect_eq(c.cwnd, 10 * MSS);
}

Test(newreno, CC_5681_8_loss_and_timeout)
{
    start(20, 100);
    c.ops->on_loss(&c, 20 * MSS, 0);
    cr_expect_eq(c.ssthresh, 10 * MSS);
    c.ops->on_loss(&c, 1 * MSS, 0);
    cr_expect_eq(c.ssthresh, 2 * MSS, "INV-07");
    start(20, 100);
    c.ops->on_timeout(&c, 20 * MSS, true, 0);
    cr_expect(c.ssthresh == 10 * MSS && c.cwnd == MSS);
    c.ops->on_timeout(&c, 20 * MSS, false, 0);
    cr_expect(c.ssthresh == 10 * MSS && c.cwnd == MSS, "CC-5681-10");
    c.ops->on_undo(&c, 0);
    cr_expect(c.cwnd == 20 * MSS && c.ssthresh == 100 * MSS);
}

Test(newreno, CC_8511_1_milder_for_ecn_in_congestion_avoidance)
{
    start(20, 10);
    c.ops->on_ece(&c, 20 * MSS, 0);
    cr_expect(c.cwnd > 15900 && c.cwnd <= 16000);
    start(20, 100);
    c.ops->on_ece(&c, 20 * MSS, 0);
    cr_expect_eq(c.cwnd, 10 * MSS, "slow start: as for a loss");
    start(1, 2);
    c.ops->on_ece(&c, MSS, 0);
    cr_expect(c.cwnd == MSS && c.ssthresh == 2 * MSS);
}

Test(newreno, CC_5681_14_and_2861_1_idle)
{
    start(40, 20);
    c.ops->on_idle(&c, GN_SEC, 2 * GN_SEC, 0);
    cr_expect_eq(c.cwnd, 40 * MSS);
    c.ops->on_idle(&c, 3 * GN_SEC, 2 * GN_SEC, 0);
    cr_expect(c.cwnd == 10 * MSS && c.ssthresh == 30 * MSS);
}

Test(newreno, window_has_a_ceiling)
{
    start(10, 4000000);
    c.cwnd = CC_CWND_MAX - 1;
    ack(2 * MSS, true, false);
    cr_expect_eq(c.cwnd, CC_CWND_MAX);
}
