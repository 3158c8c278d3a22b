/* SPDX-License-Identifier: BSD-2-Clause */
/* Congestion window validation (RFC 7661): windows that are not used. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;
static uint32_t acked; /* segments */

/* @n segments are sent, and acknowledged 100 ms later */
static void flight(unsigned n)
{
    rig_send(&g, n);
    acked += n;
    rig_ack(&g, acked, 100);
}

/* a window of 100 segments of which 50 are used, then 10 in each round trip for 2 s */
static void open_unused(void)
{
    acked = 0;
    rig_open(&g, true, 100 * GN_MSEC);
    g.conf.tcp_slow_start_after_idle = 0;
    g.r.cc.cwnd = 100 * MSS;
    g.r.cc.ssthresh = 100 * MSS;
    flight(50);
    cr_assert_eq(g.r.cwv.since, 0, "half of it is enough");
    for (unsigned i = 0; i < 20; i++)
        flight(10);
}

Test(cwv, CC_7661_1_less_than_half)
{
    acked = 0;
    rig_open(&g, true, 100 * GN_MSEC);
    cr_expect_eq(cwv_pipe_ack(&g.r.cwv), 0);
    g.r.cc.cwnd = 100 * MSS;
    flight(60);
    cr_expect_eq(cwv_pipe_ack(&g.r.cwv), 60 * MSS);
    flight(10);
    cr_expect_eq(cwv_pipe_ack(&g.r.cwv), 60 * MSS, "the highest of the period");
    cr_expect_eq(g.r.cwv.since, 0);
    for (unsigned i = 0; i < 15; i++)
        flight(10);
    cr_expect_eq(cwv_pipe_ack(&g.r.cwv), 10 * MSS);
    cr_expect_neq(g.r.cwv.since, 0);
    flight(60);
    cr_expect_eq(g.r.cwv.since, 0, "validated again");
    rig_fini(&g);
}

/* a bulk sender is never in that phase, not even in slow start */
Test(cwv, CC_7661_1_not_in_slow_start)
{
    acked = 0;
    rig_open(&g, true, 100 * GN_MSEC);
    for (unsigned i = 0; i < 6; i++) {
        unsigned n = g.r.cc.cwnd / MSS;

        rig_send(&g, n);
        for (unsigned k = 0; k < n; k += 2) {
            acked += n - k < 2 ? 1 : 2;
            rig_ack(&g, acked, k ? 0 : 100);
            cr_expect_eq(g.r.cwv.since, 0);
        }
    }
    cr_expect_geq(g.r.cc.cwnd, 300 * MSS);
    rig_fini(&g);
}

Test(cwv, CC_7661_2_no_growth)
{
    open_unused();
    cr_expect_eq(g.r.cc.cwnd, 100 * MSS, "neither grown nor shrunk");
    g.r.cc.ssthresh = UINT32_MAX;
    flight(49);
    cr_expect_eq(g.r.cc.cwnd, 100 * MSS);
    rig_fini(&g);
}

/* the answer to a loss comes from what was used, less what was lost; then the standard rules hold
 */
Test(cwv, CC_7661_3_loss)
{
    uint32_t b[1][2];

    open_unused();
    rig_send(&g, 6);
    b[0][0] = acked + 2;
    b[0][1] = acked + 6;
    rig_sack(&g, acked, 100, b, 1);
    cr_assert(g.ret.entered);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS, "half of pipeACK, for the flight is less");
    cr_expect_eq(rig_again(&g), 2);
    acked += 6;
    rig_ack(&g, acked, 100);
    cr_assert(g.ret.left);
    cr_expect_eq(g.r.cc.cwnd, 4 * MSS, "(pipeACK - R) / 2");
    cr_expect_eq(cwv_pipe_ack(&g.r.cwv), 0, "undefined");
    rig_fini(&g);
}

/* a validated window loses no more than by the standard */
Test(cwv, CC_7661_3_not_when_validated)
{
    uint32_t b[1][2] = {{2, 10}};

    acked = 0;
    rig_open(&g, true, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_sack(&g, 0, 100, b, 1);
    rig_again(&g);
    rig_ack(&g, 10, 100);
    cr_expect_eq(g.r.cc.cwnd, 5 * MSS);
    rig_fini(&g);
}

/* CC-7661-4: after five minutes the window is halved, in an idle time too; not below the initial
 * one */
Test(cwv, CC_7661_4_non_validated_period)
{
    gn_time since;

    open_unused();
    since = g.r.cwv.since;
    while (g.env.now < since + 299 * GN_SEC) {
        g.env.now += GN_SEC;
        flight(10);
    }
    cr_expect_eq(g.r.cc.cwnd, 100 * MSS);
    g.env.now += 2 * GN_SEC;
    flight(10);
    cr_expect_eq(g.r.cc.cwnd, 50 * MSS);
    cr_expect_eq(g.r.cc.ssthresh, 100 * MSS);
    g.env.now += 700 * GN_SEC;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_eq(g.r.cc.cwnd, 12 * MSS + MSS / 2, "twice more");
    g.env.now += 700 * GN_SEC;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    rig_fini(&g);
}

/* with tcp_slow_start_after_idle an idle RTO is enough (RFC 5681 4.1) */
Test(cwv, CC_5681_14_or_the_restart)
{
    open_unused();
    g.env.now += 5 * GN_SEC;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_eq(g.r.cc.cwnd, 100 * MSS, "kept");
    g.conf.tcp_slow_start_after_idle = 1;
    recovery_on_idle_restart(&g.r, &g.env);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS);
    rig_fini(&g);
}

/* CC-7661-3: a timeout ends the phase */
Test(cwv, CC_7661_3_timeout)
{
    open_unused();
    rig_send(&g, 6);
    g.conf.tcp_early_retrans = 0;
    g.r.pto_at = deadline_none();
    rig_rto(&g);
    cr_expect_eq(g.r.cc.ssthresh, 5 * MSS);
    cr_expect_eq(g.r.cwv.since, 0);
    rig_fini(&g);
}
