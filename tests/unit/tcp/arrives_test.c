/* SPDX-License-Identifier: BSD-2-Clause */
/** @file SEGMENT ARRIVES on constructed blocks: one step, one test. */
#include "fixture.h"

#include <criterion/criterion.h>

static const enum gn_state synchronised[] = {GN_ESTABLISHED, GN_FIN_WAIT_1, GN_FIN_WAIT_2,
                                             GN_CLOSE_WAIT,  GN_CLOSING,    GN_LAST_ACK,
                                             GN_TIME_WAIT};
#define N_SYNCHRONISED (sizeof synchronised / sizeof synchronised[0])

static uint32_t snd_nxt(const struct fixture *fx)
{
    return fx->tcb.snd.nxt.raw;
}

static uint32_t rcv_nxt(const struct fixture *fx)
{
    return fx->tcb.rcv.nxt.raw;
}

/* out: exactly <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and nothing more */
static void expect_ack(struct fixture *fx)
{
    cr_assert(fx_output(fx), "an ACK is owed in %s", gn_state_name(fx->tcb.state));
    cr_assert_eq(fx->out.ctl, CTL_ACK, "%s: ctl %x seq %u nxt %u", gn_state_name(fx->tcb.state),
                 fx->out.ctl, fx->out.seq.raw, snd_nxt(fx));
    cr_assert_eq(fx->out.seq.raw, snd_nxt(fx));
    cr_assert_eq(fx->out.ack.raw, rcv_nxt(fx));
    cr_assert_eq(fx->out.text_len, 0);
    cr_assert_not(fx_output(fx));
}

static void expect_nothing(struct fixture *fx)
{
    struct seg r;

    cr_assert_not(fx->tcb.ack_now);
    cr_assert_eq(fx_reply(fx, &r), 0);
}

/* MUST-10: SYN in SYN-SENT without ACK: SYN-RECEIVED, SYN,ACK with the same ISS (SC-SS-7, SCN-1) */
Test(arrives, simultaneous_open)
{
    struct fixture fx;
    uint32_t iss;

    fx_init(&fx, GN_SYN_SENT);
    fx.tcb.ecn_ok = true; /* offered */
    iss = fx.tcb.snd.iss.raw;
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN, FX_IRS, 0, "")), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_SYN_RECEIVED);
    cr_assert_not(fx.tcb.ecn_ok);  /* a crossed SYN is no answer to the offer */
    cr_assert_not(fx.tcb.passive); /* MUST-11 */
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.ctl, CTL_SYN | CTL_ACK);
    cr_assert_eq(fx.out.seq.raw, iss);
    cr_assert_eq(fx.out.ack.raw, FX_RCV);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK, FX_IRS, iss + 1, "")), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    expect_ack(&fx);
    fx_fini(&fx);
}

/* SC-SS-5 */
Test(arrives, syn_ack_establishes)
{
    struct fixture fx;

    fx_init(&fx, GN_SYN_SENT);
    fx.env.now += 50 * GN_MSEC;
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx.tcb.snd.iss.raw + 1, "")),
                 GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_assert(fx.tcb.events & GN_EV_CONNECTED);
    cr_assert_eq(fx.tcb.last_in, fx.env.now);
    expect_ack(&fx);
    fx_fini(&fx);
}

/* SC-SS-6: SYN,ACK with text and FIN: ESTABLISHED, then CLOSE-WAIT */
Test(arrives, syn_ack_with_text_and_fin)
{
    struct fixture fx;
    char buf[8];

    fx_init(&fx, GN_SYN_SENT);
    cr_assert_eq(
        fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK | CTL_FIN, FX_IRS, fx.tcb.snd.iss.raw + 1, "abc")),
        GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_CLOSE_WAIT);
    cr_assert_eq(rcv_nxt(&fx), FX_RCV + 4);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 3);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 0);
    expect_ack(&fx);
    fx_fini(&fx);
}

/* SC-SS-1, SC-SS-2: an ACK that does not cover our SYN */
Test(arrives, syn_sent_bad_ack)
{
    struct fixture fx;
    struct seg r;

    fx_init(&fx, GN_SYN_SENT);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx.tcb.snd.iss.raw, "")),
                 GN_DROP_SYN_SENT_BAD_ACK);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_assert_eq(r.ctl, CTL_RST);
    cr_assert_eq(r.seq.raw, fx.tcb.snd.iss.raw);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST | CTL_ACK, FX_IRS, fx.tcb.snd.iss.raw + 2, "")),
                 GN_DROP_SYN_SENT_BAD_ACK);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_assert_eq(fx.tcb.state, GN_SYN_SENT);
    fx_fini(&fx);
}

/* SC-SS-3, SC-SS-4 */
Test(arrives, syn_sent_reset)
{
    struct fixture fx;

    fx_init(&fx, GN_SYN_SENT);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, FX_IRS, 0, "")), GN_DROP_SYN_SENT_RST_NO_ACK);
    cr_assert_eq(fx.tcb.state, GN_SYN_SENT);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST | CTL_ACK, 0, fx.tcb.snd.iss.raw + 1, "")),
                 GN_DROP_RST_ACCEPTED);
    cr_assert_eq(fx.tcb.state, GN_CLOSED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "x", 1, 0), GN_E_REFUSED);
    fx_fini(&fx);
}

/* SG-09, SG-08, SG-07 with RFC 5961 3.2: outside silent, inside challenged, exact resets */
Test(arrives, reset_three_ways)
{
    for (unsigned i = 0; i < N_SYNCHRONISED; i++) {
        struct fixture fx;

        fx_init(&fx, synchronised[i]);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, rcv_nxt(&fx) + FX_WND, 0, "")),
                     GN_DROP_RST_OUT_OF_WINDOW);
        expect_nothing(&fx);
        if (synchronised[i] == GN_TIME_WAIT) { /* RFC 1337 */
            cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, rcv_nxt(&fx), 0, "")),
                         GN_DROP_RST_TIME_WAIT);
            cr_assert_eq(fx.tcb.state, GN_TIME_WAIT);
            fx_fini(&fx);
            continue;
        }
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, rcv_nxt(&fx) + 1, 0, "")),
                     GN_DROP_RST_CHALLENGED);
        cr_assert_eq(fx.tcb.state, synchronised[i]);
        expect_ack(&fx);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_RST, rcv_nxt(&fx), 77, "junk")),
                     GN_DROP_RST_ACCEPTED); /* SHLD-2, SG-10 */
        cr_assert_eq(fx.tcb.state, GN_CLOSED);
        cr_assert_not(fx_output(&fx));
        fx_fini(&fx);
    }
}

/* SG-11: a SYN in a synchronised state is challenged and changes nothing */
Test(arrives, syn_is_challenged)
{
    for (unsigned i = 0; i + 1 < N_SYNCHRONISED; i++) {
        struct fixture fx;

        fx_init(&fx, synchronised[i]);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_SYN, rcv_nxt(&fx), 0, "")), GN_DROP_SYN_CHALLENGED);
        cr_assert_eq(fx.tcb.state, synchronised[i]);
        expect_ack(&fx);
        fx_fini(&fx);
    }
}

/* SG-14: MAL-18 */
Test(arrives, no_ack_bit)
{
    for (unsigned i = 0; i < N_SYNCHRONISED; i++) {
        struct fixture fx;

        fx_init(&fx, synchronised[i]);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN, rcv_nxt(&fx), 0, "")), GN_DROP_NO_ACK_BIT);
        cr_assert_eq(fx.tcb.state, synchronised[i]);
        expect_nothing(&fx);
        fx_fini(&fx);
    }
}

/* SG-15, SG-16: MUST not be believed (MAY-12) */
Test(arrives, ack_out_of_range)
{
    for (unsigned i = 0; i < N_SYNCHRONISED; i++) {
        struct fixture fx;
        seq_t una;

        fx_init(&fx, synchronised[i]);
        una = fx.tcb.snd.una;
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, rcv_nxt(&fx), snd_nxt(&fx) + 1, "")),
                     GN_DROP_ACK_UNSENT);
        expect_ack(&fx);
        fx.env.now += GN_SEC;
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, rcv_nxt(&fx), una.raw - FX_WND - 1, "")),
                     GN_DROP_ACK_TOO_OLD);
        expect_ack(&fx);
        cr_assert(seq_eq(fx.tcb.snd.una, una));
        cr_assert_eq(fx.tcb.state, synchronised[i]);
        fx_fini(&fx);
    }
}

/* SG-24: where a FIN in order leads */
Test(arrives, fin_in_order)
{
    static const struct {
        enum gn_state from, to;
        uint32_t acks; /* of our octets beyond UNA */
    } row[] = {
        {GN_ESTABLISHED, GN_CLOSE_WAIT, 0},
        {GN_FIN_WAIT_1, GN_CLOSING, 0},
        {GN_FIN_WAIT_1, GN_TIME_WAIT, 1},
        {GN_FIN_WAIT_2, GN_TIME_WAIT, 0},
    };

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;

        fx_init(&fx, row[i].from);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV,
                                            fx.tcb.snd.una.raw + row[i].acks, "")),
                     GN_DROP_NONE);
        cr_assert_eq(fx.tcb.state, row[i].to, "%s -> %s, expected %s", gn_state_name(row[i].from),
                     gn_state_name(fx.tcb.state), gn_state_name(row[i].to));
        cr_assert_eq(rcv_nxt(&fx), FX_RCV + 1);
        cr_assert(fx.tcb.events & GN_EV_EOF);
        expect_ack(&fx);
        fx_fini(&fx);
    }
}

/* SG-20: our FIN acknowledged */
Test(arrives, ack_of_fin)
{
    static const struct {
        enum gn_state from, to;
    } row[] = {
        {GN_FIN_WAIT_1, GN_FIN_WAIT_2}, {GN_CLOSING, GN_TIME_WAIT}, {GN_LAST_ACK, GN_CLOSED}};

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;

        fx_init(&fx, row[i].from);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, rcv_nxt(&fx), snd_nxt(&fx), "")),
                     GN_DROP_NONE);
        cr_assert_eq(fx.tcb.state, row[i].to);
        expect_nothing(&fx);
        fx_fini(&fx);
    }
}

/* a FIN sent again in TIME-WAIT: acknowledged, 2MSL restarts (MUST-13, SG-24); anything else does
 * not restart it (TO-10) */
Test(arrives, fin_again_in_time_wait)
{
    struct fixture fx;
    gn_time first;

    fx_init(&fx, GN_TIME_WAIT);
    first = deadline_time(fx.tcb.state_at);
    fx.env.now += 10 * GN_SEC;
    (void)fx_arrives(&fx, fx_seg(CTL_ACK, rcv_nxt(&fx) - 1, snd_nxt(&fx), "x"));
    cr_assert_eq(deadline_time(fx.tcb.state_at), first);
    expect_ack(&fx);
    (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, rcv_nxt(&fx) - 1, snd_nxt(&fx), ""));
    cr_assert_geq(deadline_time(fx.tcb.state_at), first + 10 * GN_SEC - 2);
    fx_fini(&fx);
}

/* MUST-66, SG-05: with a closed window the text is refused, the ACK field counts */
Test(arrives, zero_window_takes_the_ack)
{
    struct fixture fx;

    fx_init(&fx, GN_FIN_WAIT_1);
    fx.tcb.rcv.edge = fx.tcb.rcv.max_edge = fx.tcb.rcv.nxt;
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, snd_nxt(&fx), "x")),
                 GN_DROP_WINDOW_CLOSED);
    cr_assert_eq(fx.tcb.state, GN_FIN_WAIT_2);
    cr_assert_eq(rcv_nxt(&fx), FX_RCV);
    cr_assert(fx.tcb.ack_now);
    fx_fini(&fx);
}

/* SG-22, SG-23, MAL-41: out of order (kept: SHLD-31, acknowledged at once: MAY-13), overlap, the
 * first accepted octet wins */
Test(arrives, out_of_order_text)
{
    struct fixture fx;
    char buf[16] = "";

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 3, FX_UNA, "def")), GN_DROP_NONE);
    expect_ack(&fx);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 8, FX_UNA, "ij")), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 3, FX_UNA, "XYZ")),
                 GN_DROP_DUPLICATE_DATA);
    cr_assert_eq(rcv_nxt(&fx), FX_RCV);
    /* bridges both ranges and reaches beyond the second */
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "abcXXXghXXk")), GN_DROP_NONE);
    cr_assert_eq(rcv_nxt(&fx), FX_RCV + 11);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 11);
    cr_assert_str_eq(buf, "abcdefghijk");
    fx_fini(&fx);
}

/* SHLD-31, CC-2018-2: what a queue that overflows leaves of a flight of 10 Gbit/s, every second
 * segment of some thousands, is kept, or all that follows is lost as well */
Test(arrives, thousands_of_holes)
{
    const uint32_t holes = 3000;
    struct fixture fx;
    char buf[1024];
    int64_t n, sum = 0;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.sack_ok = fx.tcb.rec.sack_ok = true;
    for (uint32_t i = 0; i < holes; i++) {
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 1 + 2 * i, FX_UNA, "x")),
                     GN_DROP_NONE, "hole %u", i);
        cr_assert(fx_output(&fx));
        cr_assert_eq(fx.out.opt.sack[0].l.raw, FX_RCV + 1 + 2 * i);
    }
    for (uint32_t i = 0; i < holes; i++) {
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, rcv_nxt(&fx), FX_UNA, "X")), GN_DROP_NONE);
        cr_assert_eq(rcv_nxt(&fx), FX_RCV + 2 * (i + 1));
    }
    while ((n = tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0)) > 0) {
        for (int64_t i = 0; i < n; i++)
            cr_assert_eq(buf[i], (sum + i) % 2 ? 'x' : 'X');
        sum += n;
    }
    cr_assert_eq(sum, 2 * holes);
    fx_fini(&fx);
}

/* SG-25, MAL-43: a FIN beyond a gap waits; text beyond it is cut off */
Test(arrives, fin_beyond_a_gap)
{
    struct fixture fx;
    char buf[16];

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV + 3, FX_UNA, "de")),
                 GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 5, FX_UNA, "evil"));
    (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV + 9, FX_UNA, ""));
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "abc")), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_CLOSE_WAIT);
    cr_assert_eq(rcv_nxt(&fx), FX_RCV + 6);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 5);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, sizeof buf, 0), 0); /* MUST-12 */
    fx_fini(&fx);
}

/* SHLD-3: text for a connection whose user has gone */
Test(arrives, text_after_close_resets)
{
    struct fixture fx;
    struct seg r;

    fx_init(&fx, GN_FIN_WAIT_2);
    tcp_detach(&fx.tcb, &fx.env);
    cr_assert(deadline_armed(fx.tcb.state_at)); /* TO-09 */
    cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, snd_nxt(&fx), "x")),
                 GN_DROP_DATA_AFTER_CLOSE);
    cr_assert_eq(fx.tcb.state, GN_CLOSED);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_assert_eq(r.ctl, CTL_RST | CTL_ACK);
    cr_assert_eq(r.seq.raw, FX_UNA + 1);
    fx_fini(&fx);
}

/* PAWS (SG-02), missing timestamp (SG-03), RST exempt (MAL-54), poisoning (MAL-53) */
Test(arrives, timestamps)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ts_ok = true;
    fx.tcb.ts.recent = 100;
    fx.tcb.ts.recent_at = fx.env.now;
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "x");
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NO_TIMESTAMP);
    expect_nothing(&fx);
    s.opt.has = OPT_TS;
    s.opt.tsval = 99;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_PAWS);
    cr_assert(fx_output(&fx));
    s.opt.tsval = 0x7fffffff;
    s.seq = seq(FX_RCV + FX_WND + 5);
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_BEYOND_WINDOW);
    cr_assert_eq(fx.tcb.ts.recent, 100);
    s = fx_seg(CTL_RST, FX_RCV, 0, "");
    s.opt.has = OPT_TS;
    s.opt.tsval = 1;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_RST_ACCEPTED);
    fx_fini(&fx);
}

/* OPT-TS-7, OPT-TS-10: it is the last update of TS.Recent that ages: a connection that talks is
 * protected for ever, one that was silent for 24 days is not locked out */
Test(arrives, what_ages_is_the_last_update)
{
    struct fixture fx;
    struct seg s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "x");

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ts_ok = true;
    fx.tcb.ts.recent = 100;
    fx.tcb.ts.recent_at = fx.env.now;
    s.opt.has = OPT_TS;
    s.opt.tsval = 200;
    fx.env.now += 20 * 86400 * GN_SEC;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    fx.env.now += 5 * 86400 * GN_SEC;
    s.seq = seq(FX_RCV + 1);
    s.opt.tsval = 199;
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_PAWS);
    fx.env.now += 20 * 86400 * GN_SEC;
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.ts.recent, 199);
    fx_fini(&fx);
}

/* SHLD-3: text that comes after the user has gone, or has shut both ways, is answered by RST; what
 * was read before, and comes again, is not */
Test(arrives, text_for_nobody)
{
    for (unsigned orphan = 0; orphan < 2; orphan++) {
        struct fixture fx;
        struct seg r;
        char b;

        fx_init(&fx, GN_ESTABLISHED);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "x")), GN_DROP_NONE);
        cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, &b, 1, 0), 1);
        if (orphan) {
            tcp_detach(&fx.tcb, &fx.env);
        } else {
            cr_assert_eq(tcp_close(&fx.tcb, &fx.env), GN_OK);
            cr_assert_eq(tcp_shutdown_read(&fx.tcb, &fx.env), GN_OK);
        }
        while (fx_output(&fx))
            ;
        (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, "x"));
        cr_expect_eq(fx.tcb.state, GN_FIN_WAIT_1, "old text");
        cr_expect_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 1, FX_UNA, "y")),
                     GN_DROP_DATA_AFTER_CLOSE);
        cr_expect_eq(fx.tcb.state, GN_CLOSED);
        cr_assert_geq(fx_reply(&fx, &r), 1);
        cr_expect_eq(r.ctl, CTL_RST | CTL_ACK);
        fx_fini(&fx);
    }
}

/* OPT-TS-1: the RST of an ABORT carries a timestamp, or the peer's PAWS would have to let it pass
 */
Test(arrives, timestamp_of_a_reset)
{
    struct fixture fx;
    struct seg r;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.ts_ok = true;
    fx.tcb.ts.recent = 77;
    tcp_abort(&fx.tcb, &fx.env, GN_CAUSE_ABORT_CALL, GN_OK);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_assert_eq(r.ctl, CTL_RST | CTL_ACK);
    cr_expect(r.opt.has & OPT_TS);
    cr_expect_eq(r.opt.tsecr, 77);
    cr_expect_eq(r.opt.tsval, ts_now(&fx.tcb, &fx.env));
    fx_fini(&fx);
}

/* OPT-WS-2: nor is that of the SYN,ACK for our SYN, and no more is sent at first */
Test(arrives, window_of_a_syn_ack)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_SYN_SENT);
    fx.tcb.ws_ok = true;
    s = fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx.tcb.snd.iss.raw + 1, "");
    s.wnd = 5;
    s.opt.has = OPT_WSCALE;
    s.opt.wscale = 7;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_expect_eq(fx.tcb.snd.wscale, 7);
    cr_expect_eq(fx.tcb.snd.wnd, 5);
    cr_expect_eq(fx.tcb.snd.max_wnd, 5);
    fx_fini(&fx);
}

/* OPT-WS-2: of a SYN,ACK that crosses ours the window is not scaled; that of the next segment is */
Test(arrives, window_of_a_crossed_syn_ack)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_SYN_SENT);
    fx.tcb.ws_ok = true;
    s = fx_seg(CTL_SYN, FX_IRS, 0, "");
    s.opt.has = OPT_WSCALE;
    s.opt.wscale = 3;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    s = fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx.tcb.snd.iss.raw + 1, "");
    s.wnd = 5000;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_expect_eq(fx.tcb.snd.wnd, 5000);
    cr_expect_eq(fx.tcb.snd.max_wnd, FX_WND, "as of its SYN");
    s = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.iss.raw + 1, "");
    s.wnd = 5000;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.snd.wnd, 40000);
    fx_fini(&fx);
}

/* ABORT after both FINs sends no RST (RFC 9293 3.10.5), but what the peer's FIN is owed still
 * leaves: it would be sent again after its timeout, to a closed port */
Test(arrives, abort_does_not_swallow_the_ack_of_a_fin)
{
    static const enum gn_state from[] = {GN_FIN_WAIT_1, GN_FIN_WAIT_2};

    for (unsigned i = 0; i < sizeof from / sizeof from[0]; i++) {
        struct fixture fx;
        struct seg r;

        fx_init(&fx, from[i]);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV, fx.tcb.snd.una.raw, "")),
                     GN_DROP_NONE);
        tcp_abort(&fx.tcb, &fx.env, GN_CAUSE_ABORT_CALL, GN_OK);
        cr_assert_eq(fx_reply(&fx, &r), 1);
        cr_assert_eq(r.ctl, CTL_ACK);
        cr_assert_eq(r.ack.raw, FX_RCV + 1);
        cr_assert_eq(r.seq.raw, fx.tcb.snd.nxt.raw);
        fx_fini(&fx);

        fx_init(&fx, from[i]); /* once it has left, not again */
        (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV, fx.tcb.snd.una.raw, ""));
        while (fx_output(&fx))
            ;
        tcp_abort(&fx.tcb, &fx.env, GN_CAUSE_ABORT_CALL, GN_OK);
        cr_assert_eq(fx_reply(&fx, &r), 0);
        fx_fini(&fx);
    }
}
