/* SPDX-License-Identifier: BSD-2-Clause */
/** @file How text is cut into segments: Nagle, silly windows, PSH (RFC 9293 3.7.4, 3.8.6.2.1,
 * 3.9.1.2). */
#include "fixture.h"

#include <criterion/criterion.h>

#define MSS 1460

static const char text[20000];

static void put(struct fixture *fx, size_t n, unsigned flags)
{
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, text, n, flags), (int64_t)n);
}

/* the next segment carries @n octets */
static void expect_text(struct fixture *fx, uint32_t n)
{
    cr_assert(fx_output(fx), "%u octets should leave", n);
    cr_assert_eq(fx->out.text_len, n, "%u octets left, not %u", fx->out.text_len, n);
}

/* the peer acknowledges all, with a window of @wnd */
static void ack_all(struct fixture *fx, uint16_t wnd)
{
    struct seg s = fx_seg(CTL_ACK, FX_RCV, fx->tcb.snd.nxt.raw, "");

    s.wnd = wnd;
    cr_assert_eq(fx_arrives(fx, s), GN_DROP_NONE);
}

/* SHLD-7: a short segment waits while anything is in flight; MAY-16: what is sent meanwhile joins
 * it */
Test(send, nagle)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    put(&fx, 100, 0);
    expect_text(&fx, 100);
    put(&fx, 100, 0);
    cr_assert_not(fx_output(&fx));
    put(&fx, 150, 0);
    cr_assert_not(fx_output(&fx));
    ack_all(&fx, FX_WND);
    expect_text(&fx, 250);
    /* a full segment need not wait, what is left over must */
    put(&fx, MSS + 10, 0);
    expect_text(&fx, MSS);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* MUST-17: it can be turned off, for this connection, at any time */
Test(send, nagle_off)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    put(&fx, 100, 0);
    expect_text(&fx, 100);
    put(&fx, 100, 0);
    cr_assert_not(fx_output(&fx));
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_NODELAY, 1), GN_OK);
    expect_text(&fx, 100);
    put(&fx, 1, 0);
    expect_text(&fx, 1);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_NODELAY, 0), GN_OK);
    put(&fx, 1, 0);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* MUST-61: PSH on the last octet of the queue; SHLD-27: the ends of the SENDs before it do not
 * show; SHLD-28: all segments but the last are full */
Test(send, psh_and_full_segments)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    put(&fx, 1000, 0);
    put(&fx, 1000, 0);
    put(&fx, 1000, 0);
    put(&fx, 3 * MSS - 3000, 0);
    for (unsigned i = 0; i < 3; i++) {
        expect_text(&fx, MSS);
        cr_expect_eq(!!(fx.out.ctl & CTL_PSH), i == 2, "segment %u", i);
    }
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* MUST-60: nothing makes text wait for ever: neither Nagle with an ACK that comes, nor the promise
 * of more, nor a cork */
Test(send, nothing_waits_for_ever)
{
    struct fixture fx;

    for (unsigned i = 0; i < 2; i++) {
        gn_time start;

        fx_init(&fx, GN_ESTABLISHED);
        if (i == 0)
            cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_CORK, 1), GN_OK);
        put(&fx, 100, i == 1 ? GN_SEND_MORE : 0);
        cr_assert_not(fx_output(&fx));
        start = fx.env.now;
        fx_pass(&fx, 10 * GN_SEC);
        expect_text(&fx, 100);
        cr_expect(fx.out.ctl & CTL_PSH);
        cr_expect_leq(fx.env.now - start, GN_SEC);
        fx_fini(&fx);
    }
}

/* MUST-38: no segment that is small because the peer's window is: it waits for a full segment, half
 * of the largest window ever seen, or the override timer (0.1 to 1 s) */
Test(send, silly_window)
{
    struct fixture fx;
    gn_time start;

    fx_init(&fx, GN_ESTABLISHED);
    ack_all(&fx, 500);
    put(&fx, 3000, 0);
    cr_assert_not(fx_output(&fx));
    start = fx.env.now;
    fx_pass(&fx, 10 * GN_SEC);
    expect_text(&fx, 500);
    cr_expect_geq(fx.env.now - start, 100 * GN_MSEC);
    cr_expect_leq(fx.env.now - start, GN_SEC + GN_MSEC);
    ack_all(&fx, MSS - 1); /* the next one has to wait anew */
    cr_assert_not(fx_output(&fx));
    ack_all(&fx, MSS);
    expect_text(&fx, MSS);
    fx_fini(&fx);

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.snd.max_wnd = 1000; /* a peer whose buffer is small */
    ack_all(&fx, 499);
    put(&fx, 3000, 0);
    cr_assert_not(fx_output(&fx));
    ack_all(&fx, 500);
    expect_text(&fx, 500);
    fx_fini(&fx);
}

/* CC-6675-7: what is sent again leaves whole or not at all: never beyond the congestion window */
Test(send, retransmissions_stay_within_the_window)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    put(&fx, 4 * MSS, 0);
    for (unsigned i = 0; i < 4; i++)
        expect_text(&fx, MSS);
    recovery_lose_all(&fx.tcb.rec);
    fx.tcb.rec.cc.cwnd = 2 * MSS + MSS / 2;
    expect_text(&fx, MSS);
    expect_text(&fx, MSS);
    cr_expect_not(fx_output(&fx));
    fx.tcb.rec.cc.cwnd = 3 * MSS;
    expect_text(&fx, MSS);
    fx_fini(&fx);
}

/* SHLD-28: what the congestion window has no room for waits; no short segment fills the rest of it
 */
Test(send, the_congestion_window_cuts_no_segments)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.nodelay = true;
    fx.tcb.rec.cc.cwnd = 2 * MSS + 700;
    put(&fx, 6 * MSS, 0);
    expect_text(&fx, MSS);
    expect_text(&fx, MSS);
    cr_assert_not(fx_output(&fx), "%u octets", fx.out.text_len);
    fx_fini(&fx);
}

/* MUST-60, TO-15: what a cork or GN_SEND_MORE holds back waits for 200 ms, not for an ACK of what
 * is out */
Test(send, held_back_behind_text_in_flight)
{
    for (unsigned corked = 0; corked < 2; corked++) {
        struct fixture fx;
        gn_time start;

        fx_init(&fx, GN_ESTABLISHED);
        put(&fx, 100, 0);
        expect_text(&fx, 100);
        fx.tcb.opts.cork = corked;
        put(&fx, 50, corked ? 0 : GN_SEND_MORE);
        cr_assert_not(fx_output(&fx));
        start = fx.env.now;
        cr_assert(fx_wait(&fx, start + 10 * GN_SEC));
        cr_expect_eq(fx.out.text_len, 50);
        cr_expect_eq((fx.env.now - start) / GN_MSEC, 200);
        fx_fini(&fx);
    }
}

/* SHLD-28: not even one of half the largest window, which silly-window avoidance would let go */
Test(send, nor_does_it_for_a_small_window)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.nodelay = true;
    fx.tcb.rec.cc.cwnd = MSS;
    fx.tcb.snd.wnd = fx.tcb.snd.max_wnd = 2600;
    put(&fx, 100, 0);
    expect_text(&fx, 100);
    put(&fx, 5000, 0);
    cr_assert_not(fx_output(&fx), "%u octets", fx.out.text_len);
    fx.tcb.rec.cc.cwnd = MSS + 100;
    expect_text(&fx, MSS);
    fx_fini(&fx);
}

/* 4 GiB after the SYN, SND.UNA and SND.NXT are its number again; text leaves all the same, and is
 * sent again as text */
Test(send, four_gib_on)
{
    struct fixture fx;
    struct tcb *t = &fx.tcb;

    fx_init(&fx, GN_ESTABLISHED);
    t->snd.iss = t->snd.una;
    cr_assert_eq(sndbuf_base(t).raw, FX_UNA);
    put(&fx, 100, 0);
    cr_assert(tcp_wants_output(t));
    expect_text(&fx, 100);
    cr_assert_eq(sndbuf_unsent(t), 0);
    fx_pass(&fx, 10 * GN_SEC);
    cr_assert_eq(t->rec.timeouts, 1);
    expect_text(&fx, 100);
    cr_assert_eq(fx.out.ctl & CTL_SYN, 0);
    ack_all(&fx, FX_WND);
    put(&fx, 50, 0);
    expect_text(&fx, 50);
    fx_fini(&fx);
}

/* SEC-MEM-3: when memory is short, as much is taken as there is room for, and nothing of it is lost
 */
Test(send, takes_what_memory_has_room_for)
{
    struct fixture fx;
    uint32_t taken = 0;
    int64_t n;

    fx_init(&fx, GN_ESTABLISHED);
    mem_set_budget(&fx.mem, fx.mem.used + 1000);
    cr_expect_eq(tcp_send(&fx.tcb, &fx.env, text, 20000, 0), GN_E_NO_MEMORY);
    mem_set_budget(&fx.mem, fx.mem.used + 9000);
    while ((n = tcp_send(&fx.tcb, &fx.env, text + taken, 20000 - taken, 0)) > 0)
        taken += (uint32_t)n;
    cr_expect_eq(n, GN_E_WOULD_BLOCK, "what is acknowledged will make room");
    cr_expect(taken >= RING_MIN && taken == fx.tcb.sndbuf.cap, "all that fits, not %u", taken);
    cr_expect_eq(fx.tcb.sndbuf.len, taken);
    mem_set_budget(&fx.mem, (uint64_t)1 << 30);
    cr_expect_eq(tcp_send(&fx.tcb, &fx.env, text + taken, 20000 - taken, 0), 20000 - taken);
    fx_fini(&fx);
}
