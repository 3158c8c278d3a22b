/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Probes of a closed window, and keep-alives (RFC 9293 3.8.6.1, 3.8.4). */
#include "fixture.h"

#include <criterion/criterion.h>

static const char zeros[2000];

static void answer(struct fixture *fx, uint16_t wnd)
{
    struct seg s = fx_seg(CTL_ACK, FX_RCV, fx->tcb.snd.nxt.raw, "");

    s.wnd = wnd;
    cr_assert_eq(fx_arrives(fx, s), GN_DROP_NONE);
}

/* text waits behind a closed window; nothing is out */
static void shut(struct fixture *fx)
{
    fx_init(fx, GN_ESTABLISHED);
    answer(fx, 0);
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, zeros, 100, 0), 100);
    cr_assert_not(fx_output(fx));
}

/* MUST-36: a closed window is probed; SHLD-29: first after one RTO, SHLD-30: then at intervals that
 * double, up to tcp_persist_max */
Test(probe, intervals)
{
    struct fixture fx;
    gn_time gap = GN_SEC, last;

    shut(&fx);
    last = fx.env.now;
    for (unsigned i = 0; i < 12; i++) {
        cr_assert(fx_wait(&fx, fx.env.now + 1000 * GN_SEC));
        cr_expect_eq((fx.env.now - last) / GN_MSEC, gap / GN_MSEC, "probe %u", i);
        cr_expect_eq(fx.out.text_len, 0);
        cr_expect(seq_lt(fx.out.seq, fx.tcb.rcv.irs) || seq_lt(fx.out.seq, fx.tcb.snd.una),
                  "it has to be answered");
        last = fx.env.now;
        gap = 2 * gap < 60 * GN_SEC ? 2 * gap : 60 * GN_SEC;
        answer(&fx, 0);
    }
    fx_fini(&fx);
}

/* MUST-36: the window opens while a probe is due and has not left: text leaves, and no probe */
Test(probe, opens_in_time)
{
    struct fixture fx;

    shut(&fx);
    fx_pass(&fx, 10 * GN_SEC);
    cr_assert(fx.tcb.wprobe_due);
    answer(&fx, 1000);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.text_len, 100);
    cr_expect_not(fx_output(&fx), "a probe of an open window");
    fx_fini(&fx);
}

/* MUST-37: with a user timeout it is time that decides, not the number of probes */
Test(probe, as_long_as_the_user_says)
{
    struct fixture fx;
    gn_time start;

    shut(&fx);
    start = fx.env.now;
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 3000 * GN_SEC), GN_OK);
    while (fx_wait(&fx, start + 10000 * GN_SEC))
        ;
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_geq(fx.env.now - start, 3000 * GN_SEC);
    cr_expect_leq(fx.env.now - start, 3100 * GN_SEC);
    fx_fini(&fx);
}

/* MUST-35: one that has shrunk to zero, text being out, is probed as well once that is acknowledged
 */
Test(probe, shrunk_to_zero)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_early_retrans = 0;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    cr_assert(fx_output(&fx));
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "");
    s.wnd = 0;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC)); /* what is out is the probe */
    cr_expect_eq(fx.out.seq.raw, FX_UNA);
    cr_expect_eq(fx.out.text_len, 100);
    answer(&fx, 0);
    cr_assert_not(fx_output(&fx));
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_expect_eq(fx.out.seq.raw, FX_UNA + 99);
    cr_expect_eq(fx.out.text_len, 0);
    answer(&fx, 1000); /* it opens */
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.seq.raw, FX_UNA + 100);
    cr_expect_eq(fx.out.text_len, 100);
    cr_expect_not(deadline_armed(fx.tcb.persist_at));
    fx_fini(&fx);
}

/* MUST-37: open as long as the probes are answered; not, if they are not */
Test(probe, open_as_long_as_answered)
{
    struct fixture fx;
    unsigned n = 0;

    shut(&fx);
    for (unsigned i = 0; i < 2000; i++) {
        cr_assert(fx_wait(&fx, fx.env.now + 1000 * GN_SEC), "given up after %u probes", i);
        answer(&fx, 0);
    }
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    while (fx_wait(&fx, fx.env.now + 1000 * GN_SEC))
        n++;
    cr_expect_eq(n, fx.conf.tcp_retries2);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    fx_fini(&fx);
}

/* --- keep-alives --- */

static void keep(struct fixture *fx, bool on)
{
    cr_assert_eq(tcp_set_option(&fx->tcb, &fx->env, GN_OPT_KEEPALIVE, on), GN_OK);
}

/* MUST-25: nothing is sent on an idle connection unless asked for; MUST-24, MAY-5: it can be turned
 * on, and off again; MUST-28: then the first comes after two hours */
Test(keepalive, off_on_off)
{
    struct fixture fx;
    gn_time start;

    fx_init(&fx, GN_ESTABLISHED);
    cr_expect_not(fx_wait(&fx, fx.env.now + 100000 * GN_SEC));
    keep(&fx, true);
    start = fx.env.now;
    fx.tcb.last_in = start;
    cr_assert(fx_wait(&fx, fx.env.now + 100000 * GN_SEC));
    cr_expect_geq(fx.env.now - start, 2 * 3600 * GN_SEC);
    cr_expect_lt(fx.env.now - start, 2 * 3600 * GN_SEC + GN_SEC);
    answer(&fx, FX_WND);
    keep(&fx, false);
    cr_expect_not(fx_wait(&fx, fx.env.now + 100000 * GN_SEC));
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    fx_fini(&fx);
}

/* SHLD-12: the probe is empty and old, so that every peer answers: <SEQ=SND.NXT-1><CTL=ACK> */
Test(keepalive, form)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    keep(&fx, true);
    cr_assert(fx_wait(&fx, fx.env.now + 100000 * GN_SEC));
    cr_expect_eq(fx.out.seq.raw, fx.tcb.snd.nxt.raw - 1);
    cr_expect_eq(fx.out.ack.raw, FX_RCV);
    cr_expect_eq(fx.out.ctl, CTL_ACK);
    cr_expect_eq(fx.out.text_len, 0);
    fx_fini(&fx);
}

/* MUST-26: not while something is out, nor before the interval has passed since something came;
 * MUST-27: the interval can be set */
Test(keepalive, only_when_idle)
{
    struct fixture fx;
    gn_time heard;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_early_retrans = 0;
    keep(&fx, true);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, 10 * GN_SEC), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPINTVL, 10 * GN_SEC), GN_OK);
    for (unsigned i = 0; i < 5; i++) {
        cr_expect_not(fx_wait(&fx, fx.env.now + 9 * GN_SEC));
        answer(&fx, FX_WND);
    }
    heard = fx.env.now;
    cr_assert(fx_wait(&fx, fx.env.now + 100 * GN_SEC));
    cr_expect_eq((fx.env.now - heard) / GN_MSEC, 10000);
    answer(&fx, FX_WND);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    cr_assert(fx_output(&fx));
    heard = fx.env.now;
    while (fx_wait(&fx, heard + 60 * GN_SEC))
        cr_expect_eq(fx.out.text_len, 100, "a keep-alive while text is out");
    cr_expect_eq(fx.stats.TCPKeepAlive, 1);
    fx_fini(&fx);
}

/* MUST-26: nor while a closed window keeps text back, which is probed anyway */
Test(keepalive, not_behind_a_closed_window)
{
    struct fixture fx;

    shut(&fx);
    keep(&fx, true);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, GN_SEC), GN_OK);
    for (unsigned i = 0; i < 5; i++)
        cr_assert(fx_wait(&fx, fx.env.now + 100 * GN_SEC));
    cr_expect_eq(fx.stats.TCPKeepAlive, 0);
    fx_fini(&fx);
}

/* MUST-29: a probe without an answer is repeated; the connection lives if any of them is answered,
 * and ends when all were in vain */
Test(keepalive, one_is_no_proof)
{
    struct fixture fx;
    unsigned n = 0;

    fx_init(&fx, GN_ESTABLISHED);
    keep(&fx, true);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 9; k++)
            cr_assert(fx_wait(&fx, fx.env.now + 100000 * GN_SEC), "probe %u", k);
        answer(&fx, FX_WND);
        cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    }
    while (fx_wait(&fx, fx.env.now + 100000 * GN_SEC))
        n++;
    cr_expect_eq(n, 9);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_eq(fx.tcb.error, GN_E_TIMED_OUT);
    fx_fini(&fx);
}

/* MUST-26: what is no answer does not put off the next probe either, such as a SYN from anywhere */
Test(keepalive, a_challenged_segment_is_no_answer)
{
    struct fixture fx;
    gn_time first;

    fx_init(&fx, GN_ESTABLISHED);
    keep(&fx, true);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, 100 * GN_SEC), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPINTVL, 10 * GN_SEC), GN_OK);
    cr_assert(fx_wait(&fx, fx.env.now + 200 * GN_SEC));
    first = fx.env.now;
    fx_pass(&fx, 5 * GN_SEC);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN, FX_RCV + 1, 0, "")), GN_DROP_SYN_CHALLENGED);
    while (fx_output(&fx))
        ;
    cr_assert(fx_wait(&fx, fx.env.now + 200 * GN_SEC));
    cr_expect_eq((fx.env.now - first) / GN_MSEC, 10000);
    cr_expect_eq(fx.stats.TCPKeepAlive, 2);
    fx_fini(&fx);
}

/* SO-10: with a user timeout it is time that decides, not the number of probes */
Test(keepalive, user_timeout)
{
    struct fixture fx;
    gn_time start;

    fx_init(&fx, GN_ESTABLISHED);
    start = fx.env.now;
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, 10 * GN_SEC), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPINTVL, 10 * GN_SEC), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 1000 * GN_SEC), GN_OK);
    keep(&fx, true);
    while (fx_wait(&fx, fx.env.now + 100000 * GN_SEC))
        ;
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_eq((fx.env.now - start) / GN_SEC, 1000);
    fx_fini(&fx);
}

/* MUST-29: not before it was asked at least once, however short that time is */
Test(keepalive, a_short_user_timeout)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, 100 * GN_SEC), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 10 * GN_SEC), GN_OK);
    keep(&fx, true);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert(fx_wait(&fx, fx.env.now + 200 * GN_SEC));
        answer(&fx, FX_WND);
    }
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    fx_fini(&fx);
}
