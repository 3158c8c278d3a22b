/* SPDX-License-Identifier: BSD-2-Clause */
/* Proportional Rate Reduction: RFC 9937. */
#include "unit/recovery/rig.h"

#include <criterion/criterion.h>

static struct rig g;

Test(prr, CC_9937_5_proportional)
{
    struct prr p;
    uint32_t inflight = 20 * MSS, out = 0;

    prr_start(&p, 20 * MSS);
    for (uint32_t i = 0; i < 20 && inflight > 10 * MSS; i++) {
        inflight -= MSS;
        uint32_t n = prr_on_ack(&p, MSS, false, inflight, 10 * MSS, MSS) / MSS * MSS;
        p.prr_out += n;
        inflight += n;
        out += n;
    }
    cr_expect_eq(inflight, 10 * MSS);
    cr_expect(out >= 8 * MSS && out <= 10 * MSS, "about one for two: %u", out);
}

/* CC-9937-4, CC-9937-6 */
Test(prr, CC_9937_6_below_ssthresh)
{
    struct prr p;

    prr_start(&p, 20 * MSS);
    p.prr_out = MSS;
    p.prr_delivered = MSS;
    cr_expect_eq(prr_on_ack(&p, MSS, false, 2 * MSS, 10 * MSS, MSS), MSS, "conservation");
    cr_expect_eq(prr_on_ack(&p, MSS, true, 2 * MSS, 10 * MSS, MSS), 3 * MSS, "SafeACK: one more");
    cr_expect_eq(prr_on_ack(&p, 5 * MSS, true, 9 * MSS, 10 * MSS, MSS), MSS, "not beyond ssthresh");
}

Test(prr, CC_9937_7_forced_fast_retransmit)
{
    struct prr p;

    prr_start(&p, 20 * MSS);
    cr_expect_eq(prr_on_ack(&p, 0, false, 19 * MSS, 10 * MSS, MSS), MSS);
    p.prr_out = MSS;
    cr_expect_eq(prr_on_ack(&p, 0, false, 19 * MSS, 10 * MSS, MSS), 0);
}

Test(prr, CC_9937_9_large_numbers_and_no_flight)
{
    struct prr p;

    prr_start(&p, 0);
    cr_expect_eq(p.recover_fs, 1);
    prr_start(&p, 1 << 30);
    p.prr_out = MSS;
    cr_expect_eq(prr_on_ack(&p, 1 << 29, false, 1 << 29, 1 << 28, MSS), (1 << 27) - MSS);
}

/* CC-9937-1, CC-9937-2, CC-9937-3, CC-9937-8 */
Test(prr, CC_9937_1_to_8_an_episode)
{
    uint32_t b[][2] = {{1, 4}};

    rig_open(&g, true, 100 * GN_MSEC);
    g.r.cc.cwnd = 20 * MSS;
    rig_send(&g, 20);
    rig_sack(&g, 0, 100, b, 1);
    cr_expect(g.ret.entered);
    cr_expect_eq(g.r.prr.recover_fs, 20 * MSS, "CC-9937-1");
    cr_expect_eq(g.r.prr.prr_delivered, 3 * MSS, "CC-9937-2");
    cr_expect_eq(recovery_in_flight(&g.r), 16 * MSS, "CC-9937-3");
    uint32_t sent = rig_again(&g);
    cr_expect_eq(sent, 1);
    for (uint32_t i = 5; i <= 20; i++) {
        b[0][1] = i;
        rig_sack(&g, 0, 0, b, 1);
        for (; recovery_room(&g.r) >= MSS; sent++)
            rig_send(&g, 1);
        cr_expect_geq(recovery_in_flight(&g.r), 9 * MSS);
    }
    cr_expect(sent >= 9 && sent <= 11, "half of what was delivered");
    cr_expect_eq(recovery_in_flight(&g.r), 10 * MSS);
    rig_ack(&g, 20, 100);
    cr_expect(g.ret.left);
    cr_expect_eq(g.r.cc.cwnd, 10 * MSS, "CC-9937-8");
    rig_fini(&g);
}

Test(prr, CC_9937_2_duplicates_stand_for_segments)
{
    rig_open(&g, false, 100 * GN_MSEC);
    rig_send(&g, 10);
    rig_dup(&g, 1000, 0);
    cr_expect_leq(g.r.prr.prr_delivered, g.r.prr.recover_fs);
    rig_fini(&g);
}
