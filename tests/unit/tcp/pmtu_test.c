/* SPDX-License-Identifier: BSD-2-Clause */
/** @file The path MTU: ICMP, black holes, and the way back (OPT-MSS-4, SEC-5927-4). */
#include "fixture.h"

#include <criterion/criterion.h>

static char text[20000];

/* let all that can be sent leave; the largest segment's octets of text */
static uint32_t drain(struct fixture *fx)
{
    uint32_t most = 0;

    while (fx_output(fx))
        most = max_u32(most, fx->out.text_len);
    return most;
}

static enum gn_drop too_big(struct fixture *fx, uint32_t at, uint32_t mtu)
{
    enum gn_drop d = tcp_icmp_error(&fx->tcb, &fx->env, seq(at), GN_E_TOO_LONG, false, mtu);

    tcb_check(&fx->tcb);
    return d;
}

/* RFC 1191 6.3: down at once and what was too large goes again; up again after ten minutes */
Test(pmtu, packet_too_big)
{
    struct fixture fx;
    uint32_t cwnd;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, 2920, 0), 2920);
    cr_assert_eq(drain(&fx), 1460);
    cwnd = fx.tcb.rec.cc.ssthresh;
    cr_assert_eq(too_big(&fx, FX_UNA, 1000), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.rec.mss, 960);
    cr_assert_eq(drain(&fx), 960);
    cr_assert_eq(fx.tcb.rec.cc.ssthresh, cwnd, "it was no congestion");
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA + 2920, ""));
    fx_pass(&fx, 601 * GN_SEC);
    cr_assert_eq(fx.tcb.rec.mss, 1460);
    fx_fini(&fx);
}

/* SEC-5927-1, SEC-5927-4: what does not fit the facts changes nothing */
Test(pmtu, lies)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, 1560, 0), 1560);
    fx.tcb.opts.nodelay = true;
    (void)drain(&fx);
    cr_assert_eq(too_big(&fx, FX_UNA - 1, 1000), GN_DROP_ICMP_OUT_OF_WINDOW);
    cr_assert_eq(too_big(&fx, FX_UNA, 1500), GN_DROP_ICMP_IGNORED);
    cr_assert_eq(too_big(&fx, FX_UNA, 9000), GN_DROP_ICMP_IGNORED);
    cr_assert_eq(too_big(&fx, FX_UNA + 1460, 1000), GN_DROP_ICMP_IGNORED, "100 octets");
    cr_assert_eq(fx.tcb.rec.mss, 1460);
    cr_assert_eq(too_big(&fx, FX_UNA, 68), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.rec.mss, 552 - 40); /* the floor */
    cr_assert_eq(too_big(&fx, FX_UNA, 1000), GN_DROP_ICMP_IGNORED, "never up");
    fx_fini(&fx);
}

/* RFC 4821, RFC 8899: large segments vanish; after tcp_retries1 timeouts the base size is tried,
 * then half of it */
Test(pmtu, black_hole)
{
    struct fixture fx;
    unsigned timeouts[3] = {0};

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_mtu_probing = 1;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, 8000, 0), 8000);
    (void)drain(&fx);
    for (unsigned i = 0; i < 8 && fx.tcb.rec.mss > 500; i++) {
        unsigned step = fx.tcb.rec.mss > 1024 ? 0 : fx.tcb.rec.mss > 512 ? 1 : 2;

        fx_pass(&fx, 200 * GN_SEC);
        timeouts[step]++;
        (void)drain(&fx);
    }
    cr_assert_geq(timeouts[0], 3);
    cr_assert_eq(timeouts[1], 1);
    cr_assert_eq(timeouts[2], 1);
    cr_assert_eq(fx.tcb.rec.mss, 256);
    cr_assert_eq(fx.stats.TCPMTUPFail, 3);
    /* and the rest gets through */
    while (fx.tcb.sndbuf.len > 0) {
        fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
        cr_assert_leq(drain(&fx), 256);
    }
    fx_pass(&fx, 601 * GN_SEC);
    cr_assert_eq(fx.tcb.rec.mss, 1460);
    fx_fini(&fx);
}

/* a peer that is gone, small segments that are lost, or the knob off: the size stays */
Test(pmtu, no_black_hole)
{
    struct fixture fx;

    for (unsigned probing = 0; probing < 2; probing++) {
        fx_init(&fx, GN_ESTABLISHED);
        fx.conf.tcp_mtu_probing = probing;
        cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, probing ? 300 : 3000, 0),
                     probing ? 300 : 3000);
        for (unsigned i = 0; i < 8; i++) {
            (void)drain(&fx);
            fx_pass(&fx, 200 * GN_SEC);
        }
        cr_assert_gt(fx.tcb.rec.timeouts, 4);
        cr_assert_eq(fx.tcb.rec.mss, 1460);
        fx_fini(&fx);
    }
}
