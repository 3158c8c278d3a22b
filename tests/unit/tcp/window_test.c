/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Windows that are large, shrink, close and open (RFC 9293 3.1, 3.8.6, 3.8.6.2.2). */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define MSS 1460

static const char zeros[20000];

/* an ACK of octet @una (of our stream) with a window of @wnd */
static enum gn_drop ack(struct fixture *fx, uint32_t una, uint16_t wnd)
{
    struct seg s = fx_seg(CTL_ACK, FX_RCV, FX_UNA + una, "");

    s.wnd = wnd;
    return fx_arrives(fx, s);
}

/* everything that may leave now; the number of segments */
static unsigned drain(struct fixture *fx)
{
    unsigned n = 0;

    while (fx_output(fx))
        n++;
    return n;
}

/* MUST-1: windows from 0x8000 up are large, not negative; REC-1: scaled, they need 32 bits */
Test(window, unsigned)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(ack(&fx, 0, 0x8000), GN_DROP_NONE);
    cr_expect_eq(window_usable(&fx.tcb), 0x8000);
    cr_assert_eq(ack(&fx, 0, 0xffff), GN_DROP_NONE);
    cr_expect_eq(window_usable(&fx.tcb), 0xffff);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, MSS, 0), MSS);
    cr_expect_eq(drain(&fx), 1);
    fx.tcb.snd.wscale = 14;
    cr_assert_eq(ack(&fx, 0, 0xffff), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.snd.wnd, 0xffffu << 14);
    cr_expect_eq(window_usable(&fx.tcb), (0xffffu << 14) - MSS);
    fx_fini(&fx);
}

/* five full segments are out; the rest of 8000 octets waits for company */
static void five_out(struct fixture *fx)
{
    fx_init(fx, GN_ESTABLISHED);
    fx->conf.tcp_early_retrans = 0;
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, zeros, 8000, 0), 8000);
    cr_assert_eq(drain(fx), 5);
}

/* MUST-34: the usable window may be negative; SHLD-15: then nothing new is sent until it has opened
 * beyond what is out */
Test(window, shrinks_below_what_is_out)
{
    struct fixture fx;

    five_out(&fx);
    cr_assert_eq(ack(&fx, 0, 2000), GN_DROP_NONE);
    cr_expect_eq(window_usable(&fx.tcb), 0);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 5000, 0), 5000);
    cr_expect_eq(drain(&fx), 0);
    cr_assert_eq(ack(&fx, MSS, 2000), GN_DROP_NONE);
    cr_expect_eq(drain(&fx), 0);
    cr_assert_eq(ack(&fx, 5 * MSS, 4000), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.seq.raw, FX_UNA + 5 * MSS);
    cr_expect_eq(fx.out.text_len, MSS);
    fx_fini(&fx);
}

/* SHLD-16: what lies inside the shrunk window goes on being sent again; SHLD-15: nothing that is
 * beyond it */
Test(window, retransmission_inside)
{
    struct fixture fx;

    five_out(&fx);
    cr_assert_eq(ack(&fx, 0, 2 * MSS), GN_DROP_NONE);
    fx.tcb.rec.cc.cwnd = 10 * MSS;
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_expect_eq(fx.out.seq.raw, FX_UNA);
    cr_expect_eq(fx.out.text_len, MSS);
    fx.tcb.rec.cc.cwnd = 10 * MSS; /* the congestion window shall not be what holds back */
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.seq.raw, FX_UNA + MSS);
    cr_expect_not(fx_output(&fx));
    fx_fini(&fx);
}

/* MAY-7: taken for the first segment alone: it goes even if the window has shrunk into it, and asks
 * the peer for its window */
Test(window, retransmission_beyond)
{
    struct fixture fx;

    five_out(&fx);
    cr_assert_eq(ack(&fx, 0, 100), GN_DROP_NONE);
    cr_assert(fx_wait(&fx, fx.env.now + 10 * GN_SEC));
    cr_expect_eq(fx.out.seq.raw, FX_UNA);
    cr_expect_eq(fx.out.text_len, MSS);
    cr_expect_not(fx_output(&fx));
    fx_fini(&fx);
}

/* SHLD-17: a peer that answers and keeps its window shut over what is out is not given up; one that
 * does not answer is */
Test(window, shut_is_not_dead)
{
    struct fixture fx;
    unsigned n = 0;

    five_out(&fx);
    cr_assert_eq(ack(&fx, 0, 0), GN_DROP_NONE);
    for (; n < 40; n++) {
        cr_assert(fx_wait(&fx, fx.env.now + 1000 * GN_SEC), "given up after %u", n);
        cr_assert_eq(fx.out.seq.raw, FX_UNA);
        cr_assert_eq(ack(&fx, 0, 0), GN_DROP_NONE);
    }
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    while (fx_wait(&fx, fx.env.now + 1000 * GN_SEC))
        cr_assert_lt(n++, 100);
    cr_expect_eq(fx.tcb.state, GN_CLOSED);
    cr_expect_eq(fx.tcb.error, GN_E_TIMED_OUT);
    fx_fini(&fx);
}

/* --- ours --- */

/* @n octets of text arrive at RCV.NXT */
static void take(struct fixture *fx, uint32_t n)
{
    char text[MSS + 1];
    struct seg s;

    memset(text, 'x', sizeof text);
    text[n] = '\0';
    s = fx_seg(CTL_ACK, fx->tcb.rcv.nxt.raw, FX_UNA, text);
    cr_assert_eq(fx_arrives(fx, s), GN_DROP_NONE);
}

/* the edge that an ACK sent now announces */
static uint32_t announce(struct fixture *fx)
{
    fx->tcb.ack_now = true;
    cr_assert(fx_output(fx));
    return fx->out.ack.raw + ((uint32_t)fx->out.wnd << fx->tcb.rcv.wscale);
}

/* SHLD-14: the right edge never moves left: not by text that nobody reads, nor by a smaller buffer,
 * nor by the rounding of the scale. What that adds for which there is no buffer is not promised */
Test(window, edge_never_moves_left)
{
    for (uint8_t shift = 0; shift <= 14; shift += 7) {
        struct fixture fx;
        uint32_t edge, wire, now;

        fx_init(&fx, GN_ESTABLISHED);
        fx.tcb.rcv.wscale = shift;
        wire = announce(&fx);
        edge = fx.tcb.rcv.edge.raw;
        for (unsigned i = 0; i < 9; i++) {
            take(&fx, 333);
            if (i == 4)
                cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_RCVBUF, 2048), GN_OK);
            now = announce(&fx);
            cr_expect_geq((int32_t)(fx.tcb.rcv.edge.raw - edge), 0, "shift %u", shift);
            edge = fx.tcb.rcv.edge.raw;
            cr_expect_geq((int32_t)(now - (i < 4 ? wire : edge)), 0, "shift %u, %u", shift, i);
            wire = now;
        }
        fx_fini(&fx);
    }
}

/* RFC 7323 2.4, SEC-MEM-3: text in pieces smaller than a unit of the scale, which nobody reads:
 * rounding must not keep the window open for ever. What was promised stays promised, and all that
 * was ever announced is taken */
Test(window, OPT_WS_5_rounding_holds_no_window_open)
{
    static const struct {
        uint8_t shift;
        uint32_t piece;
    } row[] = {{14, MSS}, {14, 100}, {10, 600}, {7, 100}, {7, 1}};

    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        uint32_t unit = 1u << row[i].shift, most, edge, wire;
        struct fixture fx;

        fx_init(&fx, GN_ESTABLISHED);
        fx.tcb.rcv.wscale = row[i].shift;
        fx.tcb.opts.rcvbuf = 100000;
        most = fx.tcb.opts.rcvbuf + fx.tcb.opts.rcvbuf / 8 + unit;
        edge = wire = announce(&fx);
        while (seq_lt(fx.tcb.rcv.nxt, seq(wire)) && fx.tcb.rcvbuf.len < 2 * most) {
            take(&fx, min_u32(row[i].piece, seq_span(fx.tcb.rcv.nxt, seq(wire))));
            wire = announce(&fx);
            cr_assert(seq_ge(fx.tcb.rcv.edge, seq(edge)), "shift %u", row[i].shift);
            cr_assert(seq_ge(seq(wire), fx.tcb.rcv.edge), "shift %u", row[i].shift);
            cr_assert_lt(seq_span(fx.tcb.rcv.edge, seq(wire)), unit);
            edge = fx.tcb.rcv.edge.raw;
        }
        cr_expect_geq(fx.tcb.rcvbuf.len, fx.tcb.opts.rcvbuf - unit, "shift %u", row[i].shift);
        cr_expect_leq(fx.tcb.rcvbuf.len, most, "shift %u, pieces of %u: %u octets wait",
                      row[i].shift, row[i].piece, fx.tcb.rcvbuf.len);
        cr_expect_eq(fx.out.wnd, 0);
        fx_fini(&fx);
    }
}

/* MUST-39: a closed window opens by a full segment or half the buffer, not by each octet read */
Test(window, receiver_silly_window)
{
    struct fixture fx;
    char buf[MSS];
    uint32_t edge;

    fx_init(&fx, GN_ESTABLISHED);
    for (unsigned i = 0; i < 10; i++)
        take(&fx, 1000);
    edge = announce(&fx);
    cr_assert_eq(fx.out.wnd, 0);
    for (unsigned i = 0; i < 14; i++) {
        cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 100, 0), 100);
        cr_expect_not(fx_output(&fx));
        cr_expect_eq(announce(&fx), edge, "%u octets are free", 100 * (i + 1));
    }
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 60, 0), 60);
    cr_expect_eq(announce(&fx), edge + MSS);
    cr_expect_eq(fx.out.wnd, MSS);
    fx_fini(&fx);

    fx_init(&fx, GN_ESTABLISHED); /* a small buffer: half of it */
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_RCVBUF, 2048), GN_OK);
    fx.tcb.rcv.edge = fx.tcb.rcv.max_edge = seq(FX_RCV + 2048);
    take(&fx, 1024);
    take(&fx, 1024);
    edge = announce(&fx);
    cr_assert_eq(fx.out.wnd, 0);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 1023, 0), 1023);
    cr_expect_eq(announce(&fx), edge);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 1, 0), 1);
    cr_expect_eq(announce(&fx), edge + 1024);
    fx_fini(&fx);
}

/* MAY-8: taken: as long as nobody reads, the window stays closed; probes are answered, for days */
Test(window, closed_without_limit)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    for (unsigned i = 0; i < 10; i++)
        take(&fx, 1000);
    (void)announce(&fx);
    for (unsigned i = 0; i < 2000; i++) {
        fx_pass(&fx, 60 * GN_SEC);
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 10000, FX_UNA, "x")),
                     GN_DROP_WINDOW_CLOSED);
        cr_assert(fx_output(&fx), "probe %u", i);
        cr_assert_eq(fx.out.wnd, 0);
        cr_assert_eq(fx.out.ack.raw, FX_RCV + 10000);
    }
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    fx_fini(&fx);
}

/* a keep-alive may be what brings the news that all was received, and how little may follow: the
 * window of an older segment must not be counted from the new SND.UNA (MUST-34) */
Test(window, an_ack_from_left_of_the_window_brings_its_own)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "abcdef", 6, 0), 6);
    cr_assert(fx_output(&fx));
    (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA, ""));
    s = fx_seg(CTL_ACK, FX_RCV - 1, FX_UNA + 6, "");
    s.wnd = 10;
    (void)fx_arrives(&fx, s);
    cr_assert_eq(fx.tcb.snd.una.raw, FX_UNA + 6);
    cr_assert_eq(fx.tcb.snd.wnd, 10);
    cr_assert_eq(fx.tcb.snd.wl1.raw, FX_RCV, "older than what came before in this respect");
    s = fx_seg(CTL_ACK, FX_RCV - 1, FX_UNA + 6, ""); /* and nothing new: an old window */
    s.wnd = 20;
    (void)fx_arrives(&fx, s);
    cr_assert_eq(fx.tcb.snd.wnd, 10);
    tcp_abort(&fx.tcb, &fx.env, GN_CAUSE_ABORT_CALL, GN_OK);
    fx_fini(&fx);
}

/* a window that can only be small opens all the same: SWS avoidance goes by what there is (RFC 9293
 * 3.8.6.2.2), and less than a unit of the scale is one */
Test(window, a_small_one_opens_again)
{
    static const struct {
        uint32_t rcvbuf, clamp;
        uint8_t shift;
        uint32_t held;
        uint16_t field;
    } row[] = {
        {100000, 1200, 0, 0, 1200},      {100000, 100, 0, 0, 100},
        {100000, 100, 7, 0, 1},          {100000, 1, 7, 0, 1},
        {4096, UINT32_MAX, 13, 0, 1},    {4096, UINT32_MAX, 13, 1000, 1},
        {4096, UINT32_MAX, 13, 3000, 0}, {4096, UINT32_MAX, 13, 4096, 0},
    };

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;
        struct tcb *t = &fx.tcb;

        fx_init(&fx, GN_ESTABLISHED);
        t->opts.rcvbuf = row[i].rcvbuf;
        t->opts.window_clamp = row[i].clamp;
        t->rcv.wscale = row[i].shift;
        t->rcvbuf.len = row[i].held;
        t->rcv.edge = t->rcv.max_edge = t->rcv.nxt;
        cr_expect_eq(window_worth_telling(t, &fx.env), row[i].field > 0, "row %u", i);
        cr_expect_eq(window_announce(t, &fx.env, false), row[i].field, "row %u", i);
        t->rcvbuf.len = 0;
        fx_fini(&fx);
    }
}
