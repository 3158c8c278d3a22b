/* SPDX-License-Identifier: BSD-2-Clause */
/** @file SEGMENT ARRIVES at the edges of the window: what counts although the segment is refused,
 * and what does not count although it is not. */
#include "fixture.h"

#include <criterion/criterion.h>

static void close_window(struct fixture *fx)
{
    fx->tcb.rcv.edge = fx->tcb.rcv.max_edge = fx->tcb.rcv.nxt;
}

/* MUST-66, SG-07: with a closed window a RST at RCV.NXT resets, whatever else is in the segment */
Test(arrives_edge, reset_with_a_closed_window)
{
    static const struct {
        uint16_t ctl;
        const char *text;
    } row[] = {{CTL_RST, ""}, {CTL_RST, "x"}, {CTL_RST | CTL_FIN, ""}, {CTL_RST | CTL_SYN, "x"}};

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;

        fx_init(&fx, GN_ESTABLISHED);
        close_window(&fx);
        cr_assert_eq(fx_arrives(&fx, fx_seg(row[i].ctl, FX_RCV, 0, row[i].text)),
                     GN_DROP_RST_ACCEPTED, "row %u", i);
        cr_assert_eq(fx.tcb.state, GN_CLOSED);
        fx_fini(&fx);
    }
}

/* a peer has filled our window, but the first segment is lost: all its ACKs come from the right
 * edge, and count */
Test(arrives_edge, ack_from_the_right_edge)
{
    struct fixture fx;
    struct seg s = fx_seg(CTL_ACK, FX_RCV + FX_WND - 1, FX_UNA, "x");

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "hello", 5, 0), 5);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    s = fx_seg(CTL_ACK, FX_RCV + FX_WND, FX_UNA + 5, "");
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect(seq_eq(fx.tcb.snd.una, fx.tcb.snd.nxt));
    cr_expect_not(fx_output(&fx), "nothing to answer");
    s.seq = seq_add(s.seq, 1);
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_BEYOND_WINDOW);
    tcp_prune(&fx.tcb, &fx.env);
    fx_fini(&fx);
}

/* SG-09, SG-10, RFC 5961 3.2: a RST left of the window is not in it because its text reaches in */
Test(arrives_edge, reset_counts_by_seq_alone)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, FX_RCV - 1, 0, "xyz")), GN_DROP_RST_OUT_OF_WINDOW);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* MUST-66: with a closed window the URG field counts, the text does not */
Test(arrives_edge, urgent_with_a_closed_window)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    close_window(&fx);
    s = fx_seg(CTL_ACK | CTL_URG, FX_RCV, FX_UNA, "x");
    s.up = 5;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_WINDOW_CLOSED);
    cr_assert(fx.tcb.events & GN_EV_URGENT);
    cr_assert_eq(fx.tcb.rcv.nxt.raw, FX_RCV);
    fx_fini(&fx);
}

/* MUST-66: a SYN there counts for nothing, not its ACK field either: one answer, no challenge */
Test(arrives_edge, syn_with_a_closed_window)
{
    static const struct {
        uint32_t at;
        enum gn_drop why;
    } row[] = {{FX_RCV - 1, GN_DROP_OLD_SEQ}, {FX_RCV, GN_DROP_BEYOND_WINDOW}};

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;

        fx_init(&fx, GN_ESTABLISHED);
        close_window(&fx);
        cr_expect_eq(fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK, row[i].at, FX_UNA, "")), row[i].why);
        cr_expect_eq(fx.stats.TCPChallengeACK, 0);
        cr_assert(fx_output(&fx));
        cr_expect_eq(fx.out.ctl, CTL_ACK);
        cr_assert_not(fx_output(&fx));
        fx_fini(&fx);
    }
}

/* SG-12: the SYN,ACK of a simultaneous open with a bad ACK is challenged, and gets no RST as well
 */
Test(arrives_edge, crossed_syn_ack_with_a_bad_ack)
{
    struct fixture fx;
    struct seg r;

    fx_init(&fx, GN_SYN_RECEIVED);
    (void)fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx.tcb.snd.nxt.raw + 1, ""));
    cr_assert_eq(fx.tcb.state, GN_SYN_RECEIVED);
    cr_assert_eq(fx_reply(&fx, &r), 0);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.ctl, CTL_ACK);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* SG-06: in SYN-RECEIVED an old segment gets one answer, not an ACK and a RST */
Test(arrives_edge, keepalive_in_syn_received)
{
    struct fixture fx;
    struct seg r;

    fx_init(&fx, GN_SYN_RECEIVED);
    (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV - 1, fx.tcb.snd.una.raw, ""));
    cr_assert_eq(fx_reply(&fx, &r), 0);
    cr_assert(fx_output(&fx));
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* OPT-TS-4, MAL-53: a segment whose ACK is bad does not set TS.Recent */
Test(arrives_edge, bad_ack_does_not_move_ts_recent)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ts_ok = true;
    fx.tcb.ts.recent = 100;
    fx.tcb.ts.recent_at = fx.env.now;
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA + 1, "x");
    s.opt.has = OPT_TS;
    s.opt.tsval = 1u << 30;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_ACK_UNSENT);
    cr_assert_eq(fx.tcb.ts.recent, 100);
    s.ack = seq(FX_UNA);
    s.opt.tsval = 101;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.ts.recent, 101);
    fx_fini(&fx);
}

/* step 5 on "the idealized segment": text that begins left of RCV.NXT brings its window along */
Test(arrives_edge, window_of_a_straddling_segment)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "")), GN_DROP_NONE);
    s = fx_seg(CTL_ACK, FX_RCV - 1, FX_UNA, "xy");
    s.wnd = 2000;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.snd.wnd, 2000);
    fx_fini(&fx);
}

/* PL-04, TW-4, TW-7: a SYN that does not qualify meets silence in TIME-WAIT, wherever it lies */
Test(arrives_edge, syn_in_time_wait)
{
    static const uint32_t at[] = {FX_RCV - 1, FX_RCV, FX_RCV + 1, FX_RCV + 2 * FX_WND};

    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct fixture fx;

        fx_init(&fx, GN_TIME_WAIT);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN, at[i], 0, "")), GN_DROP_TIME_WAIT_SYN);
        cr_assert_not(fx_output(&fx));
        fx_fini(&fx);
    }
}

/* SG-26, MAL-43: a FIN in order is taken, whatever has been heard from beyond it */
Test(arrives_edge, fin_in_order_wins)
{
    static const struct {
        uint16_t ctl;
        uint32_t at;
        const char *text;
    } row[] = {{CTL_ACK, 9, "evil"},       {CTL_ACK, 3, "evil"},
               {CTL_ACK, 1, "evil"},       {CTL_ACK | CTL_FIN, 9, ""},
               {CTL_ACK | CTL_FIN, 2, ""}, {CTL_ACK | CTL_FIN, 3, "evil"}};

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;
        char buf[16];

        fx_init(&fx, GN_ESTABLISHED);
        (void)fx_arrives(&fx, fx_seg(row[i].ctl, FX_RCV + row[i].at, FX_UNA, row[i].text));
        (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV, FX_UNA, "abc"));
        cr_assert_eq(fx.tcb.state, GN_CLOSE_WAIT, "row %u", i);
        cr_assert_eq(fx.tcb.rcv.nxt.raw, FX_RCV + 4);
        cr_assert_eq(fx.tcb.ooo.n, 0);
        cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 3);
        cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 0);
        fx_fini(&fx);
    }
}

/* SG-26, MAL-43: a FIN out of order does not cut text in order short, and keeps no other away */
Test(arrives_edge, text_in_order_wins)
{
    struct fixture fx;
    char buf[16];

    fx_init(&fx, GN_ESTABLISHED);
    (void)fx_arrives(&fx, fx_seg(CTL_ACK | CTL_FIN, FX_RCV + 2, FX_UNA, "x"));
    (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "abcdef"));
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_assert_eq(fx.tcb.rcv.nxt.raw, FX_RCV + 6);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 6);
    (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV + 6, FX_UNA, ""));
    cr_assert_eq(fx.tcb.state, GN_CLOSE_WAIT);
    fx_fini(&fx);
}

/* SG-20: our FIN is acknowledged, and there is no memory for the text before the peer's */
Test(arrives_edge, ack_of_fin_without_room_for_text)
{
    struct fixture fx;

    fx_init(&fx, GN_FIN_WAIT_1);
    mem_set_budget(&fx.mem, fx.mem.used);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "abc")),
                 GN_DROP_NO_MEMORY);
    cr_assert_eq(fx.tcb.state, GN_FIN_WAIT_2);
    fx_fini(&fx);
}

/* TO-10: 2MSL starts again for a FIN only if its ACK is one that we would take */
Test(arrives_edge, fin_again_with_a_bad_ack)
{
    struct fixture fx;
    gn_time first;

    fx_init(&fx, GN_TIME_WAIT);
    first = deadline_time(fx.tcb.state_at);
    fx.env.now += 10 * GN_SEC;
    (void)fx_arrives(&fx,
                     fx_seg(CTL_FIN | CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw + 1, "")); /* unsent */
    (void)fx_arrives(&fx, fx_seg(CTL_FIN, FX_RCV, 0, ""));                           /* none */
    cr_assert_eq(deadline_time(fx.tcb.state_at), first);
    fx_fini(&fx);
}

/* SG-17, SG-14: a TIME-WAIT record is silent to an empty segment at RCV.NXT, and answers the rest
 */
Test(arrives_edge, time_wait_record)
{
    struct fixture fx;
    struct time_wait w;
    enum time_wait_verdict v;
    struct seg s, r;

    fx_init(&fx, GN_TIME_WAIT);
    time_wait_init(&w, &fx.env, &fx.tcb);
    s = fx_seg(CTL_ACK, w.rcv_nxt, w.snd_nxt - 1, "");
    (void)time_wait_arrives(&w, &fx.env, &s, &v);
    cr_assert_eq(fx_reply(&fx, &r), 0);
    s = fx_seg(CTL_ACK, w.rcv_nxt, w.snd_nxt + 1, "");
    (void)time_wait_arrives(&w, &fx.env, &s, &v);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_assert_eq(r.ctl, CTL_ACK);
    s = fx_seg(0, w.rcv_nxt, 0, "x");
    (void)time_wait_arrives(&w, &fx.env, &s, &v);
    cr_assert_eq(fx_reply(&fx, &r), 2);
    cr_assert_eq(v, TIME_WAIT_KEEP);
    fx_fini(&fx);
}
