/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Options of one connection: when they count, and what they change. */
#include "fixture.h"

#include <criterion/criterion.h>

static void set(struct fixture *fx, enum gn_opt o, uint64_t v)
{
    cr_assert_eq(tcp_set_option(&fx->tcb, &fx->env, o, v), GN_OK);
}

/* SO-12, SO-18: what is set between OPEN and the SYN's leaving is what the SYN announces */
Test(sockopt, options_before_the_syn)
{
    struct fixture fx;

    fx_init(&fx, GN_CLOSED);
    fx.conf.tcp_rmem_max = 64 << 20;
    tcp_open(&fx.tcb, &fx.env);
    set(&fx, GN_OPT_RCVBUF, 30000);
    set(&fx, GN_OPT_MAXSEG, 600);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.opt.wscale, 0, "30000 octets fit without a scale");
    cr_assert_eq(fx.out.opt.mss, 600);
    cr_assert_eq(fx.out.wnd, 30000);
    /* OPT-WS-7: too late now */
    set(&fx, GN_OPT_RCVBUF, 1 << 20);
    cr_assert_eq(fx.tcb.rcv.wscale, 0);
    fx_fini(&fx);
}

Test(sockopt, a_large_buffer_before_the_syn)
{
    struct fixture fx;

    fx_init(&fx, GN_CLOSED);
    fx.conf.tcp_rmem_max = 1 << 30;
    fx.tcb.opts.rcvbuf_fixed = true;
    tcp_open(&fx.tcb, &fx.env);
    set(&fx, GN_OPT_RCVBUF, 1 << 20);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.opt.wscale, 5); /* 2^20 >> 4 is 65536, one too many */
    fx_fini(&fx);
}

/* SO-13, MAY-18: another algorithm takes over where the old one stands */
Test(sockopt, congestion_control_in_flight)
{
    struct fixture fx;
    uint32_t cwnd;

    fx_init(&fx, GN_ESTABLISHED);
    set(&fx, GN_OPT_CONGESTION, CC_NEWRENO);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_assert_str_eq(fx.tcb.rec.cc.ops->name, "newreno");
    set(&fx, GN_OPT_CONGESTION, CC_CUBIC);
    cr_assert_str_eq(fx.tcb.rec.cc.ops->name, "cubic");
    cr_assert_eq(fx.tcb.rec.cc.cwnd, cwnd);
    set(&fx, GN_OPT_CONGESTION, CC_BBR);
    cr_assert_str_eq(fx.tcb.rec.cc.ops->name, "bbr");
    cr_assert_eq(fx.tcb.rec.cc.cwnd, cwnd);
    set(&fx, GN_OPT_CONGESTION, CC_CUBIC);
    cr_assert_str_eq(fx.tcb.rec.cc.ops->name, "cubic");
    fx_fini(&fx);
}

/* SO_MAX_PACING_RATE: whatever the congestion control, and at any time */
Test(sockopt, max_pacing_rate)
{
    struct fixture fx;
    struct gn_status st;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_null(fx.tcb.rec.rate, "nobody pays for what he does not use");
    set(&fx, GN_OPT_MAX_PACING_RATE, 50000);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_assert_eq(st.pacing_rate, 50000);
    cr_assert_eq(st.max_pacing_rate, 50000);
    set(&fx, GN_OPT_MAX_PACING_RATE, UINT64_MAX);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_assert_eq(st.pacing_rate, 0);
    cr_assert_null(fx.tcb.rec.rate);
    fx_fini(&fx);
}

/* SO-16: writable, and SEND, stop at so much unsent text; sending it, not only its acknowledgment,
 * makes room, and so does another limit */
Test(sockopt, notsent_lowat)
{
    static char text[8000];
    struct fixture fx;
    struct tcb *t = &fx.tcb;

    fx_init(&fx, GN_ESTABLISHED);
    set(&fx, GN_OPT_NOTSENT_LOWAT, 4000);
    cr_assert(tcp_readiness(t, &fx.env) & GN_EV_WRITABLE);
    cr_assert_eq(t->events, GN_EV_WRITABLE, "as on Linux, which tells whenever it is set");
    t->events = 0;
    cr_assert_eq(tcp_send(t, &fx.env, text, sizeof text, 0), 4000);
    cr_assert_not(tcp_readiness(t, &fx.env) & GN_EV_WRITABLE);
    cr_assert_eq(tcp_send(t, &fx.env, text, 1, 0), GN_E_WOULD_BLOCK);
    cr_assert_not(t->events & GN_EV_WRITABLE);
    cr_assert(fx_output(&fx));
    cr_assert(t->events & GN_EV_WRITABLE);
    cr_assert(tcp_readiness(t, &fx.env) & GN_EV_WRITABLE);
    cr_assert_eq(sndbuf_room(t, &fx.env), 1460); /* what was sent, and it is a full segment */
    t->events = 0;
    set(&fx, GN_OPT_NOTSENT_LOWAT, 1);
    cr_assert_eq(t->events, 0);
    set(&fx, GN_OPT_NOTSENT_LOWAT, 8000);
    cr_assert_eq(t->events, GN_EV_WRITABLE);
    fx_fini(&fx);
}

/* a wish to write is granted at once if there is room, and once if there is not */
Test(sockopt, want_write)
{
    static char text[9000];
    struct fixture fx;
    struct tcb *t = &fx.tcb;

    fx_init(&fx, GN_ESTABLISHED);
    set(&fx, GN_OPT_SNDBUF, 4500);
    tcp_want_write(t, &fx.env);
    cr_assert(t->events & GN_EV_WRITABLE);
    t->events = 0;
    cr_assert_eq(tcp_send(t, &fx.env, text, 4400, 0), 4400);
    tcp_want_write(t, &fx.env);
    cr_assert_eq(t->events, 0);
    while (fx_output(&fx))
        ;
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA + 2920, ""));
    cr_assert(t->events & GN_EV_WRITABLE);
    fx_fini(&fx);
}

/* IP_MTU_DISCOVER: Don't Fragment in the segments of a connection, unless routers may cut them up
 */
Test(sockopt, dont_fragment)
{
    for (unsigned v = 0; v < GN_PMTU_COUNT; v++) {
        bool fragment = v == GN_PMTU_DONT || v == GN_PMTU_INTERFACE || v == GN_PMTU_OMIT;
        struct fixture fx;
        uint64_t was;

        fx_init(&fx, GN_ESTABLISHED);
        cr_expect_eq(tcp_get_option(&fx.tcb, &fx.env, GN_OPT_PMTU, &was), GN_OK);
        cr_expect_eq(was, GN_PMTU_WANT);
        cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_PMTU, v), GN_OK);
        cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_PMTU, GN_PMTU_COUNT), GN_E_INVALID);
        cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "x", 1, 0), 1);
        cr_assert(fx_output(&fx));
        cr_expect_eq(fx.out.fragment, fragment, "%u", v);
        fx_fini(&fx);
    }
}

/* MUST-48, MUST-49, SHLD-21: what fits its field is taken at any time, and nothing else; the ECN
 * bits stay TCP's */
Test(sockopt, diffserv_and_ttl)
{
    struct fixture fx;
    uint64_t v;

    fx_init(&fx, GN_ESTABLISHED);
    cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_TOS, 256), GN_E_INVALID);
    cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_TTL, 256), GN_E_INVALID);
    cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_TTL, 0), GN_E_INVALID);
    set(&fx, GN_OPT_TOS, 255);
    set(&fx, GN_OPT_TTL, 255);
    cr_assert_eq(tcp_get_option(&fx.tcb, &fx.env, GN_OPT_TOS, &v), GN_OK);
    cr_expect_eq(v, 0xfc);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "x", 1, 0), 1);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.tos, 0xfc);
    cr_expect_eq(fx.out.ttl, 255);
    fx_fini(&fx);
}
