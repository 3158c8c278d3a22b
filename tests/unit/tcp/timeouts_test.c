/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Retransmission timeouts, R1 and R2, the user timeout (RFC 9293 3.8.1, 3.8.2, 3.8.3). */
#include "fixture.h"

#include <criterion/criterion.h>

#define MSS 1460

static const char zeros[20000];

static void ack_all(struct fixture *fx)
{
    cr_assert_eq(fx_arrives(fx, fx_seg(CTL_ACK, FX_RCV, fx->tcb.snd.nxt.raw, "")), GN_DROP_NONE);
}

/* ESTABLISHED, no loss probes, @n octets sent; nothing comes back */
static void sent(struct fixture *fx, uint32_t n)
{
    fx_init(fx, GN_ESTABLISHED);
    fx->conf.tcp_early_retrans = 0;
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, zeros, n, 0), n);
    while (fx_output(fx))
        ;
}

/* MUST-18: the ACK of a segment that was sent again gives no round-trip time, that of one sent once
 * does (Karn); the timeout is RFC 6298's */
Test(timeouts, karn)
{
    struct fixture fx;

    sent(&fx, 100);
    cr_expect_eq(recovery_rto(&fx.tcb.rec, &fx.env.rec), GN_SEC);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_expect_eq(fx.out.seq.raw, FX_UNA);
    fx.env.now += 300 * GN_MSEC;
    ack_all(&fx);
    cr_expect_eq(fx.tcb.rec.rtt.srtt, 0);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    cr_assert(fx_output(&fx));
    fx.env.now += 300 * GN_MSEC;
    ack_all(&fx);
    cr_expect_eq(fx.tcb.rec.rtt.srtt, 300 * GN_MSEC);
    cr_expect_eq(recovery_rto(&fx.tcb.rec, &fx.env.rec), 300 * GN_MSEC + 4 * (150 * GN_MSEC));
    fx_fini(&fx);
}

/* the smoothed round trip after an ACK of what was sent twice, 300 ms after the second time, that
 * echoes the time stamp of that, and @off */
static gn_time srtt_by_echo(int64_t off)
{
    struct fixture fx;
    struct seg s;
    gn_time srtt;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ts_ok = true;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    cr_assert(fx_output(&fx));
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_assert(fx.out.opt.has & OPT_TS);
    fx.env.now += 300 * GN_MSEC;
    s = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "");
    s.opt.has = OPT_TS;
    s.opt.tsval = 1;
    s.opt.tsecr = off == INT64_MAX ? 0 : fx.out.opt.tsval + (uint32_t)off;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    srtt = fx.tcb.rec.rtt.srtt;
    fx_fini(&fx);
    return srtt;
}

/* CC-6298-6, RFC 7323 4: where Karn's rule forbids to measure, the echo of a time stamp tells the
 * round-trip time; not if it is none, of a time to come or of long ago */
Test(timeouts, the_echo_of_a_time_stamp)
{
    cr_expect_eq(srtt_by_echo(0), 300 * GN_MSEC);
    cr_expect_eq(srtt_by_echo(-1000), 1300 * GN_MSEC);
    cr_expect_eq(srtt_by_echo(INT64_MAX), 0, "no echo");
    cr_expect_eq(srtt_by_echo(301), 0, "of the future");
    cr_expect_eq(srtt_by_echo(-599700), 600 * GN_SEC);
    cr_expect_eq(srtt_by_echo(-599701), 0, "of more than ten minutes ago");
}

/* MUST-19: the timeout doubles, up to its bound */
Test(timeouts, backoff)
{
    struct fixture fx;
    gn_time gap = GN_SEC, last;

    sent(&fx, 100);
    last = fx.env.now;
    for (unsigned i = 0; i < 10; i++) {
        cr_assert(fx_wait(&fx, fx.env.now + 1000 * GN_SEC));
        cr_expect_eq((fx.env.now - last) / GN_MSEC, gap / GN_MSEC, "timeout %u", i);
        last = fx.env.now;
        gap = 2 * gap < 120 * GN_SEC ? 2 * gap : 120 * GN_SEC;
    }
    fx_fini(&fx);
}

/* MUST-19: slow start after a timeout, from one segment to half of what was in flight; then one
 * segment a round trip */
Test(timeouts, slow_start_and_congestion_avoidance)
{
    struct fixture fx;
    uint32_t cwnd;

    sent(&fx, 8 * MSS);
    cr_assert_eq(fx.tcb.snd.nxt.raw, FX_UNA + 6 * MSS, "the window is %u", FX_WND);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_expect_eq(fx.tcb.rec.cc.cwnd, MSS);
    cr_expect_eq(fx.tcb.rec.cc.ssthresh, 3 * MSS);
    cr_expect_not(fx_output(&fx)); /* one segment, no more */
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA + MSS, "")), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.rec.cc.cwnd, 2 * MSS);
    ack_all(&fx);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_expect_geq(cwnd, 3 * MSS);
    for (unsigned i = 0; i < 3; i++) { /* round trips with a full window */
        cr_assert_gt(tcp_send(&fx.tcb, &fx.env, zeros, 4 * MSS, 0), 0);
        while (fx_output(&fx))
            ;
        fx.env.now += 10 * GN_MSEC;
        ack_all(&fx);
        cr_expect_leq(fx.tcb.rec.cc.cwnd, cwnd + MSS, "round trip %u", i);
        cwnd = fx.tcb.rec.cc.cwnd;
    }
    cr_expect_gt(cwnd, 3 * MSS);
    fx_fini(&fx);
}

/* what a connection went through until it was given up */
struct life {
    unsigned again;       /* retransmissions */
    unsigned told_after;  /* ... before the user heard of the trouble; 0: never */
    unsigned doubt_after; /* ... before the host heard of it */
    gn_time lasted;
};

static struct life live(struct fixture *fx, gn_time limit)
{
    struct life l = {0};
    gn_time start = fx->env.now;

    while (fx->tcb.state != GN_CLOSED && fx->env.now < start + limit) {
        bool again = fx_wait(fx, start + limit);

        if (l.told_after == 0 && (fx->tcb.events & GN_EV_SOFT_ERROR))
            l.told_after = l.again;
        if (l.doubt_after == 0 && fx->tcb.doubt_path)
            l.doubt_after = l.again;
        l.again += again;
        if (fx->tcb.state == GN_CLOSED)
            break;
    }
    l.lasted = fx->env.now - start;
    return l;
}

/* MUST-20: after R1 retransmissions IP is advised, at R2 the connection is closed. SHLD-9: the user
 * hears of it in between. SHLD-10: R1 is 3 at least, SHLD-11: R2 is 100 seconds at least */
Test(timeouts, r1_and_r2)
{
    struct fixture fx;
    struct gn_status st;
    struct life l;

    sent(&fx, 100);
    l = live(&fx, 10000 * GN_SEC);
    cr_expect_eq(l.doubt_after, fx.conf.tcp_retries1);
    cr_expect_eq(l.told_after, 3);
    cr_expect_eq(l.again, fx.conf.tcp_retries2);
    cr_expect_gt(l.lasted, 100 * GN_SEC);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.error, GN_E_TIMED_OUT);
    cr_expect(fx.tcb.events & GN_EV_ERROR);
    cr_expect_eq(st.history[st.n_history - 1].cause, GN_CAUSE_RETRIES);
    fx_fini(&fx);

    sent(&fx, 100); /* with the shortest timeout that there is, too (SHLD-11) */
    fx.tcb.rec.rtt.srtt = 1;
    l = live(&fx, 10000 * GN_SEC);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_gt(l.lasted, 100 * GN_SEC, "gave up after %u s", (unsigned)(l.lasted / GN_SEC));
    fx_fini(&fx);
}

/* SHLD-9: the trouble is over with the next ACK */
Test(timeouts, trouble_passes)
{
    struct fixture fx;
    struct gn_status st;

    sent(&fx, 100);
    for (unsigned i = 0; i < 4; i++)
        cr_assert(fx_wait(&fx, fx.env.now + 100 * GN_SEC));
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.soft_error, GN_E_TIMED_OUT);
    ack_all(&fx);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.soft_error, GN_OK);
    cr_expect_eq(fx.tcb.rec.timeouts, 0);
    fx_fini(&fx);
}

/* MUST-21: the user sets R2 of its connection: shorter than the retries, longer, or none */
Test(timeouts, user_timeout)
{
    struct fixture fx;
    uint64_t v;

    sent(&fx, 100);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 5 * GN_SEC), GN_OK);
    cr_expect_eq(live(&fx, 10000 * GN_SEC).lasted / GN_SEC, 5);
    cr_expect_eq(fx.tcb.error, GN_E_TIMED_OUT);
    fx_fini(&fx);

    sent(&fx, 100);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 5000 * GN_SEC), GN_OK);
    cr_expect_eq(live(&fx, 10000 * GN_SEC).lasted / GN_SEC, 5000);
    fx_fini(&fx);

    sent(&fx, 100);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, UINT64_MAX), GN_OK);
    cr_assert_eq(tcp_get_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, &v), GN_OK);
    cr_expect_eq(v, UINT64_MAX);
    (void)live(&fx, 100000 * GN_SEC);
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    ack_all(&fx);
    cr_expect_eq(fx.tcb.sndbuf.len, 0);
    fx_fini(&fx);
}

/* MUST-21: longer from now on, though the shorter one was running behind a closed window; and its
 * bounds */
Test(timeouts, user_timeout_made_longer)
{
    struct fixture fx;
    struct seg shut;
    gn_time start;

    sent(&fx, 100);
    shut = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "");
    shut.wnd = 0;
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 10 * GN_SEC), GN_OK);
    cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    start = fx.env.now;
    cr_assert(fx_wait(&fx, start + 5 * GN_SEC));
    cr_assert(deadline_armed(fx.tcb.user_at));
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 100 * GN_SEC), GN_OK);
    while (fx_wait(&fx, start + 1000 * GN_SEC))
        cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_geq(fx.env.now - start, 100 * GN_SEC);
    cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, UINT32_MAX * GN_MSEC),
                 GN_E_INVALID);
    cr_expect_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, (UINT32_MAX - 1) * GN_MSEC),
                 GN_OK);
    fx_fini(&fx);
}

/* SO-10: the user timeout counts for what a closed window keeps back, from the first probe on, and
 * starts anew with every progress */
Test(timeouts, user_timeout_of_a_closed_window)
{
    struct fixture fx;
    struct seg shut;
    gn_time start;

    sent(&fx, 100);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 50 * GN_SEC), GN_OK);
    for (unsigned i = 0; i < 2; i++) { /* 40 s shut, open, 40 s shut: no 50 s without progress */
        shut = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "");
        shut.wnd = 0;
        start = fx.env.now;
        cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
        cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
        while (fx_wait(&fx, start + 40 * GN_SEC))
            cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
        cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
        ack_all(&fx); /* opens the window */
        cr_assert(fx_output(&fx));
        cr_assert_eq(fx.out.text_len, 100);
    }
    shut = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "");
    shut.wnd = 0;
    start = fx.env.now;
    cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 100, 0), 100);
    while (fx_wait(&fx, fx.env.now + 1000 * GN_SEC))
        cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_geq(fx.env.now - start, 50 * GN_SEC);
    cr_expect_leq(fx.env.now - start, 52 * GN_SEC); /* from the first probe on */
    fx_fini(&fx);
}

/* MUST-22: a SYN is sent again by the same rules: R1 advises IP and tells the user, R2 ends the
 * OPEN, and the user is told why */
Test(timeouts, syn)
{
    struct fixture fx;
    struct life l;

    fx_init(&fx, GN_SYN_SENT);
    l = live(&fx, 10000 * GN_SEC);
    cr_expect_eq(l.doubt_after, 3);
    cr_expect_eq(l.told_after, 3);
    cr_expect_eq(l.again, fx.conf.tcp_syn_retries);
    cr_expect_eq(l.lasted / GN_SEC, 1 + 2 + 4 + 8 + 16 + 32 + 64);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_eq(fx.tcb.error, GN_E_TIMED_OUT);
    fx_fini(&fx);
}

/* MUST-23: three minutes can be had, for the host and for one connection; the default is Linux's */
Test(timeouts, syn_for_three_minutes)
{
    struct fixture fx;

    fx_init(&fx, GN_SYN_SENT);
    fx.conf.tcp_syn_retries = 7;
    cr_expect_geq(live(&fx, 10000 * GN_SEC).lasted, 180 * GN_SEC);
    fx_fini(&fx);
    fx_init(&fx, GN_SYN_SENT);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_SYNCNT, 7), GN_OK);
    cr_expect_geq(live(&fx, 10000 * GN_SEC).lasted, 180 * GN_SEC);
    fx_fini(&fx);
    fx_init(&fx, GN_SYN_SENT); /* and less, if the application likes */
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_USER_TIMEOUT, 10 * GN_SEC), GN_OK);
    cr_expect_eq(live(&fx, 10000 * GN_SEC).lasted / GN_SEC, 10);
    fx_fini(&fx);
}

/* MUST-47, MUST-56: an ICMP error is told to the user and ends nothing; what is out is sent again
 * as if nothing had come */
Test(timeouts, soft_error)
{
    struct fixture fx;
    struct gn_status st;

    sent(&fx, 100);
    fx.tcb.events = 0;
    cr_expect_eq(tcp_icmp_error(&fx.tcb, &fx.env, seq(FX_UNA), GN_E_HOST_UNREACHABLE, true, 0),
                 GN_DROP_NONE);
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_expect_eq(fx.tcb.events, GN_EV_SOFT_ERROR);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.soft_error, GN_E_HOST_UNREACHABLE);
    cr_expect_eq(st.error, GN_OK);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    ack_all(&fx);
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.soft_error, GN_OK);
    fx_fini(&fx);

    sent(&fx, 100); /* nobody answers any more: then it is what the user hears in the end */
    (void)tcp_icmp_error(&fx.tcb, &fx.env, seq(FX_UNA), GN_E_HOST_UNREACHABLE, false, 0);
    (void)live(&fx, 10000 * GN_SEC);
    cr_expect_eq(fx.tcb.error, GN_E_HOST_UNREACHABLE);
    fx_fini(&fx);
}

/* SHLD-20: a user that does not want these reports gets none, by ICMP or by R1 */
Test(timeouts, soft_errors_off)
{
    struct fixture fx;
    uint64_t v;

    sent(&fx, 100);
    cr_assert_eq(tcp_get_option(&fx.tcb, &fx.env, GN_OPT_SOFT_ERRORS, &v), GN_OK);
    cr_expect_eq(v, 1);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_SOFT_ERRORS, 0), GN_OK);
    (void)tcp_icmp_error(&fx.tcb, &fx.env, seq(FX_UNA), GN_E_HOST_UNREACHABLE, false, 0);
    cr_expect_eq(live(&fx, 10000 * GN_SEC).told_after, 0);
    cr_expect_not(fx.tcb.events & GN_EV_SOFT_ERROR);
    cr_expect(fx.tcb.events & GN_EV_ERROR); /* the end is told all the same */
    fx_fini(&fx);
}

/* MUST-13, KNOB-08: the user goes in TIME-WAIT: 2MSL and not the time of an orphan's FIN-WAIT-2 */
Test(timeouts, an_orphan_in_time_wait)
{
    struct fixture fx;

    fx_init(&fx, GN_TIME_WAIT);
    fx.conf.tcp_fin_timeout = 5 * GN_SEC;
    timeouts_on_time_wait(&fx.tcb, &fx.env);
    tcp_detach(&fx.tcb, &fx.env);
    fx.env.now += 50 * GN_SEC;
    tcp_timeouts(&fx.tcb, &fx.env);
    cr_expect_eq(fx.tcb.state, GN_TIME_WAIT);
    fx.env.now += 11 * GN_SEC;
    tcp_timeouts(&fx.tcb, &fx.env);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    fx_fini(&fx);
}

/* INV-04: what is CLOSED waits for nothing, its user gone or not */
Test(timeouts, an_orphan_that_is_closed)
{
    struct fixture fx;

    fx_init(&fx, GN_SYN_SENT);
    tcp_detach(&fx.tcb, &fx.env);
    cr_assert_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_not(deadline_armed(tcp_deadline(&fx.tcb)));
    fx_fini(&fx);
}

/* MUST-13: in TIME-WAIT no timer runs but 2MSL, whatever ran before */
Test(timeouts, time_wait_has_one_timer)
{
    struct fixture fx;

    fx_init(&fx, GN_FIN_WAIT_2);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPALIVE, 1), GN_OK);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_KEEPIDLE, 10 * GN_SEC), GN_OK);
    cr_assert(deadline_armed(fx.tcb.keepalive_at));
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "")),
                 GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_TIME_WAIT);
    cr_assert(fx_output(&fx));
    cr_expect_eq(deadline_time(tcp_deadline(&fx.tcb)), fx.env.now + 2 * fx.conf.tcp_msl);
    cr_expect_not(fx_wait(&fx, fx.env.now + 50 * GN_SEC), "nothing is sent");
    fx_fini(&fx);
}

/* what is sent again is counted, in segments and octets */
Test(timeouts, what_goes_again_is_counted)
{
    struct fixture fx;
    struct gn_status st;

    sent(&fx, MSS);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    tcb_status(&fx.tcb, &fx.env, &st);
    cr_expect_eq(st.bytes_retrans, MSS);
    cr_expect_eq(fx.stats.RetransSegs, 1);
    fx_fini(&fx);
}

/* the peer answers whatever is sent, or did but for the last @silent times, and acknowledges
 * nothing new; in the end the connection is given up: is a RST left for it? */
static bool told(unsigned silent)
{
    struct fixture fx;
    unsigned n = 0;
    struct seg r;
    bool rst;

    sent(&fx, 100);
    fx.conf.tcp_retries2 = 5;
    while (fx_wait(&fx, fx.env.now + 1000 * GN_SEC)) {
        cr_assert_leq(++n, 5);
        fx.env.now += 50 * GN_MSEC;
        if (n + silent <= 5)
            (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, ""));
    }
    cr_expect_eq(n, 5);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_eq(fx.tcb.error, GN_E_TIMED_OUT);
    rst = fx_reply(&fx, &r) == 1;
    if (rst) {
        cr_expect_eq(r.ctl, CTL_RST | CTL_ACK);
        cr_expect_eq(r.seq.raw, FX_UNA + 100);
    }
    fx_fini(&fx);
    return rst;
}

/* one who is there but takes nothing, for want of memory, hears that it is over: it may have
 * nothing to send by which it would find out. One who has gone gets nothing */
Test(timeouts, who_answers_is_told)
{
    cr_expect(told(0));
    cr_expect_not(told(1));
    cr_expect_not(told(5));
}
