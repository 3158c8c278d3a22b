/* SPDX-License-Identifier: BSD-2-Clause */
/** @file ECN-Echo at a window of one segment: nothing leaves before the RTO (RFC 3168 6.1.2). */
#include "fixture.h"

#include <criterion/criterion.h>

/* CC-3168-5, TO-18: the timer that holds text back and the persist timer exclude one another, and
 * neither is lost when the peer closes its window meanwhile */
Test(ece_hold, with_a_closed_window)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ecn_ok = true;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "abc", 3, 0), 3);
    cr_assert(fx_output(&fx));
    fx.tcb.rec.cc.cwnd = fx.tcb.rec.mss;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "def", 3, 0), 3);
    s = fx_seg(CTL_ACK | CTL_ECE, FX_RCV, FX_UNA + 3, "");
    s.wnd = 0;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    tcb_check(&fx.tcb);
    cr_assert_not(fx_output(&fx));
    cr_assert(fx.tcb.rec.ece_hold);
    cr_assert(deadline_armed(fx.tcb.rec.rto_at));
    cr_assert_not(deadline_armed(fx.tcb.persist_at));
    fx_pass(&fx, 10 * GN_SEC);
    while (fx_output(&fx))
        ;
    tcb_check(&fx.tcb);
    cr_assert_not(deadline_armed(fx.tcb.rec.rto_at));
    cr_assert(deadline_armed(fx.tcb.persist_at));
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA + 3, "");
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.text_len, 3);
    tcp_abort(&fx.tcb, &fx.env, GN_CAUSE_ABORT_CALL, GN_OK);
    fx_fini(&fx);
}

/* CC-3168-7: marks on what is not acceptable say nothing, nor does ECE there */
Test(ece_hold, marks_out_of_window)
{
    struct fixture fx;
    struct seg s;
    uint32_t cwnd;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ecn_ok = true;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "abc", 3, 0), 3);
    cr_assert(fx_output(&fx));
    cwnd = fx.tcb.rec.cc.cwnd;
    s = fx_seg(CTL_ACK | CTL_ECE, FX_RCV + 2 * FX_WND, FX_UNA, "text");
    s.ecn = 3;
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_BEYOND_WINDOW);
    cr_expect_not(fx.tcb.ecn_echo);
    cr_expect_eq(fx.tcb.rec.cc.cwnd, cwnd);
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "text");
    s.ecn = 3;
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect(fx.tcb.ecn_echo);
    fx_fini(&fx);
}
