/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection as octets, thawed by a clock that shows another time. */
#include "fixture.h"
#include "tcp/freeze.h"

#include <criterion/criterion.h>
#include <string.h>

#define IMAGE 65536

static struct fixture here, there;
static uint8_t image[IMAGE];
static size_t octets;

/** go() - the block of `here` to `there`, where the clock shows @now */
static enum gn_err go(gn_time now, bool same_path)
{
    octets = tcp_freeze(&here.tcb, &here.env, image, sizeof(image));
    cr_assert_leq(octets, sizeof(image));
    fx_init(&there, GN_CLOSED);
    there.env.now = now;
    tcb_init(&there.tcb, &there.env, &here.tcb.key);
    return tcp_thaw(&there.tcb, &there.env, image, octets, same_path);
}

static void fini(void)
{
    fx_fini(&here);
    fx_fini(&there);
}

/** segment() - @n octets of new text have left */
static void segment(struct fixture *fx, size_t n)
{
    static const uint8_t text[2000];

    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, text, n, 0), (int64_t)n);
    cr_assert(fx_output(fx));
}

/* MIG-F-10, MIG-P-07, MIG-P-08: our timestamps go on from where they were, wherever the clock is */
static void timestamps(gn_time now)
{
    uint32_t was;

    fx_init(&here, GN_ESTABLISHED);
    here.tcb.ts_ok = true;
    here.tcb.ts.recent = 777;
    here.tcb.ts.recent_at = here.env.now - 5 * GN_SEC;
    options_mss_changed(&here.tcb, &here.env);
    here.tcb.opts.nodelay = true;
    segment(&here, 100);
    was = here.out.opt.tsval;
    cr_assert_eq(go(now, false), GN_OK);
    segment(&there, 100);
    cr_expect_eq(there.out.opt.tsval, was);
    cr_expect_eq(there.out.opt.tsecr, 777);
    there.env.now += 3 * GN_SEC;
    there.tcb.ack_now = true;
    cr_assert(fx_output(&there));
    cr_expect_eq(there.out.opt.tsval, was + 3000);
    cr_expect_eq(there.env.now - there.tcb.ts.recent_at, 8 * GN_SEC);
    fini();
}

Test(tcp_freeze, timestamps_go_on)
{
    timestamps(20 * GN_SEC);
    timestamps(1000 * GN_SEC);
    timestamps(5000000 * GN_SEC);
}

/* MIG-F-19: what timers have left, they have left there, too */
Test(tcp_freeze, timers)
{
    fx_init(&here, GN_ESTABLISHED);
    cr_assert_eq(tcp_set_option(&here.tcb, &here.env, GN_OPT_KEEPALIVE, 1), GN_OK);
    here.env.now += 1000 * GN_SEC;
    cr_assert_eq(go(50 * GN_SEC, false), GN_OK);
    cr_expect_eq(deadline_time(there.tcb.keepalive_at), (50 + 7200 - 1000) * GN_SEC);
    fini();

    fx_init(&here, GN_TIME_WAIT);
    here.env.now += 10 * GN_SEC;
    cr_assert_eq(go(7 * GN_SEC, false), GN_OK);
    cr_expect_eq(deadline_time(there.tcb.state_at), 57 * GN_SEC);
    cr_expect_not(fx_output(&there), "TIME-WAIT says nothing of itself");
    fini();
}

/* MIG-P-16, MIG-S-16: the first word is an ACK with the window, whether one was owed or not */
Test(tcp_freeze, first_word)
{
    fx_init(&here, GN_ESTABLISHED);
    fx_arrives(&here, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "text"));
    cr_assert_eq(go(1 * GN_SEC, false), GN_OK);
    cr_assert(fx_output(&there));
    cr_expect_eq(there.out.ack.raw, FX_RCV + 4);
    cr_expect_eq(there.out.seq.raw, FX_UNA);
    cr_expect_neq(there.out.wnd, 0);
    cr_expect_not(fx_output(&there));
    cr_expect(there.tcb.events & GN_EV_READABLE);
    fini();
}

/* MIG-F-06, MIG-P-04, MIG-P-14, MIG-P-15: what was in flight is in flight: its ACK is good, gives
 * no round-trip time, and does not make anything be lost; one probe asks for it */
static void flight(bool sack)
{
    gn_time srtt;

    fx_init(&here, GN_ESTABLISHED);
    here.tcb.sack_ok = here.tcb.rec.sack_ok = sack;
    here.tcb.opts.nodelay = true;
    for (unsigned i = 0; i < 3; i++)
        segment(&here, 1000);
    here.env.now += 20 * GN_MSEC;
    fx_arrives(&here, fx_seg(CTL_ACK, FX_RCV, FX_UNA + 1000, ""));
    srtt = here.tcb.rec.rtt.srtt;
    cr_assert_gt(srtt, 0);
    cr_assert_eq(tcp_send(&here.tcb, &here.env, "more", 4, GN_SEND_MORE), 4);
    cr_assert_eq(go(3 * GN_SEC, true), GN_OK);
    cr_expect_eq(there.tcb.snd.una.raw, FX_UNA + 1000);
    cr_expect_eq(there.tcb.snd.nxt.raw, FX_UNA + 3000);
    cr_expect_eq(there.tcb.rec.rtt.srtt, srtt);
    cr_expect_eq(there.tcb.rec.cc.cwnd, here.tcb.rec.cc.cwnd);
    tcb_check(&there.tcb);
    tcp_timeouts(&there.tcb, &there.env);
    cr_assert(fx_output(&there));
    cr_expect_eq(there.out.text_len > 0, sack, "without SACK there are no probes");
    there.env.now += 1 * GN_MSEC;
    fx_arrives(&there, fx_seg(CTL_ACK, FX_RCV, FX_UNA + 3000, ""));
    cr_expect_eq(there.tcb.rec.rtt.srtt, srtt, "Karn");
    cr_expect_eq(there.tcb.rec.sent.lost, 0);
    tcb_check(&there.tcb);
    fini();
}

Test(tcp_freeze, flight)
{
    flight(true);
    flight(false);
}

/* MIG-F-18: by another path the window begins anew, what was learnt of congestion is kept */
Test(tcp_freeze, another_path)
{
    uint32_t fresh;

    fx_init(&here, GN_ESTABLISHED);
    fresh = here.tcb.rec.cc.cwnd;
    here.tcb.path_mtu = 1000;
    here.tcb.pmtu_at = deadline_at(here.env.now + GN_SEC);
    options_mss_changed(&here.tcb, &here.env);
    here.tcb.rec.cc.cwnd = 50 * 1460;
    here.tcb.rec.cc.ssthresh = 40 * 1460;
    cr_assert_eq(go(3 * GN_SEC, true), GN_OK);
    cr_expect_eq(there.tcb.rec.cc.cwnd, 50 * 1460);
    cr_expect_eq(there.tcb.path_mtu, 1000);
    fx_fini(&there);
    cr_assert_eq(go(3 * GN_SEC, false), GN_OK);
    cr_expect_eq(there.tcb.rec.cc.cwnd, fresh);
    cr_expect_eq(there.tcb.rec.cc.ssthresh, 40 * 1460);
    cr_expect_eq(there.tcb.path_mtu, 0, "MIG-P-17");
    cr_expect_eq(there.tcb.rec.mss, 1460);
    fini();
}

/* what cannot be frozen */
Test(tcp_freeze, refused)
{
    fx_init(&here, GN_ESTABLISHED);
    cr_expect_eq(tcp_may_freeze(&here.tcb), GN_OK);
    here.tcb.fast_child = true;
    cr_expect_eq(tcp_may_freeze(&here.tcb), GN_E_UNSUPPORTED);
    here.tcb.fast_child = false;
    here.tcb.syn_waits = true;
    cr_expect_eq(tcp_may_freeze(&here.tcb), GN_E_UNSUPPORTED);
    here.tcb.state = GN_CLOSED;
    cr_expect_eq(tcp_may_freeze(&here.tcb), GN_E_NOT_CONNECTED);
}
