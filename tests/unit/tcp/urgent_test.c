/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Urgent data, both ways (RFC 9293 3.8.5). */
#include "fixture.h"

#include <criterion/criterion.h>

/* a segment at RCV.NXT whose urgent pointer is @up */
static enum gn_drop urgent(struct fixture *fx, uint32_t at, uint16_t up, const char *text)
{
    struct seg s = fx_seg(CTL_ACK | CTL_URG, at, FX_UNA, text);

    s.up = up;
    return fx_arrives(fx, s);
}

/* read: the next piece is exactly this */
static void reads(struct fixture *fx, const char *want)
{
    char buf[64];
    int64_t n = tcp_recv(&fx->tcb, &fx->env, buf, sizeof buf, 0);

    cr_assert_eq(n, (int64_t)strlen(want), "%lld octets, not \"%s\"", (long long)n, want);
    cr_assert_arr_eq(buf, want, (size_t)n);
    tcb_check(&fx->tcb);
}

static int64_t take(struct fixture *fx, char *ret)
{
    return tcp_recv(&fx->tcb, &fx->env, ret, 1, GN_RECV_URGENT);
}

/* MUST-30, OPT-URG-1: reads stop at the mark, pass over the octet, and it can be had alone */
Test(urgent, out_of_band)
{
    struct fixture fx;
    uint32_t at;
    char c = 0;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(take(&fx, &c), GN_E_INVALID);
    cr_assert_eq(urgent(&fx, FX_RCV, 3, "abcdef"), GN_DROP_NONE);
    cr_assert(fx.tcb.events & GN_EV_URGENT); /* MUST-32 */
    cr_assert(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_URGENT);
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 2); /* MUST-33 */
    reads(&fx, "ab");
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 0);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, &c, 1, GN_RECV_URGENT | GN_RECV_PEEK), 1);
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'c');
    cr_assert_not(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_URGENT);
    cr_assert_eq(take(&fx, &c), GN_E_INVALID, "once");
    reads(&fx, "def");
    cr_assert_not(tcp_mark(&fx.tcb, &at));
    fx_fini(&fx);
}

/* MUST-32: after one urgent octet was taken, the next one is there to be taken, too; a pointer that
 * has moved on does not move back */
Test(urgent, one_after_the_other)
{
    struct fixture fx;
    uint32_t at;
    char c = 0;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(urgent(&fx, FX_RCV, 1, "a"), GN_DROP_NONE);
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'a');
    cr_assert_eq(urgent(&fx, FX_RCV + 1, 1, "b"), GN_DROP_NONE);
    cr_assert(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_URGENT);
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'b');
    cr_assert_eq(urgent(&fx, FX_RCV + 2, 9, "cd"), GN_DROP_NONE);
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 8, "%u", at);
    fx.tcb.events = 0;
    cr_assert_eq(urgent(&fx, FX_RCV + 4, 3, "ef"), GN_DROP_NONE);
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 8, "%u", at);
    cr_assert_not(fx.tcb.events & GN_EV_URGENT);
    fx_fini(&fx);
}

/* MUST-31: no octet, no urgent data */
Test(urgent, sending_nothing)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "ab", 2, 0), 2);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "", 0, GN_SEND_URGENT), 0);
    cr_assert_eq(tcp_send_commit(&fx.tcb, &fx.env, 0, GN_SEND_URGENT), 0);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ctl & CTL_URG, 0);
    fx_fini(&fx);
}

Test(urgent, in_line)
{
    struct fixture fx;
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.oobinline = true;
    urgent(&fx, FX_RCV, 3, "abcdef");
    cr_assert_eq(take(&fx, &c), GN_E_INVALID);
    reads(&fx, "ab");
    reads(&fx, "cdef");
    fx_fini(&fx);
}

/* the octet that nobody takes is passed over, also by the calls without a copy */
Test(urgent, alone_and_without_a_copy)
{
    struct fixture fx;
    struct gn_span s[2];
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    urgent(&fx, FX_RCV, 1, "!");
    cr_assert_not(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_READABLE);
    cr_assert_eq(tcp_recv_data(&fx.tcb, s), GN_E_WOULD_BLOCK);
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 1, FX_UNA, "xy"));
    cr_assert(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_READABLE);
    cr_assert_eq(tcp_recv_data(&fx.tcb, s), 1);
    cr_assert_eq(s[0].len, 2);
    cr_assert_eq(s[0].ptr[0], 'x');
    cr_assert_eq(tcp_recv_done(&fx.tcb, &fx.env, 3), GN_E_INVALID);
    cr_assert_eq(tcp_recv_done(&fx.tcb, &fx.env, 2), GN_OK);
    cr_assert_eq(fx.tcb.rcvbuf.len, 0);
    cr_assert_eq(take(&fx, &c), GN_E_INVALID); /* as on Linux: it is gone with the mark */
    fx_fini(&fx);
}

/* MUST-31, MUST-32: urgent data of any length; the pointer moves on, what it named before becomes
 * ordinary, and each move is told */
Test(urgent, the_pointer_moves_on)
{
    struct fixture fx;
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    urgent(&fx, FX_RCV, 2, "ab");
    fx.tcb.events = 0;
    urgent(&fx, FX_RCV + 2, 2, "cd");
    cr_assert(fx.tcb.events & GN_EV_URGENT);
    fx.tcb.events = 0;
    urgent(&fx, FX_RCV, 1, "ab"); /* never back */
    cr_assert_not(fx.tcb.events & GN_EV_URGENT);
    reads(&fx, "abc");
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'd');
    /* at the mark, with the octet taken: the next one does not bring it back */
    urgent(&fx, FX_RCV + 4, 2, "ef");
    reads(&fx, "e");
    fx_fini(&fx);
}

/* MAL-14: a pointer of 0 names nothing */
Test(urgent, pointer_zero)
{
    struct fixture fx;
    uint32_t at;

    fx_init(&fx, GN_ESTABLISHED);
    urgent(&fx, FX_RCV, 0, "abc");
    cr_assert_not(tcp_mark(&fx.tcb, &at));
    reads(&fx, "abc");
    fx_fini(&fx);
}

/* MAL-15: far ahead it waits, for octets or for their end; behind it means nothing */
Test(urgent, pointer_beyond)
{
    struct fixture fx;
    uint32_t at;
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    urgent(&fx, FX_RCV, 65535, "abc");
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 65534);
    cr_assert_not(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_URGENT);
    cr_assert_eq(take(&fx, &c), GN_E_WOULD_BLOCK);
    reads(&fx, "abc");
    fx_arrives(&fx, fx_seg(CTL_ACK | CTL_FIN, FX_RCV + 3, FX_UNA, ""));
    cr_assert_eq(take(&fx, &c), 0);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, &c, 1, 0), 0);
    fx_fini(&fx);
}

/* OPT-URG-1: with tcp_stdurg the pointer names the octet itself */
Test(urgent, stdurg)
{
    struct fixture fx;
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_stdurg = 1;
    urgent(&fx, FX_RCV, 0, "abc");
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'a');
    fx_fini(&fx);
}

/* MAL-16: with a SYN,ACK the pointer counts from the SYN's octet */
Test(urgent, with_the_syn)
{
    struct fixture fx;
    struct seg s;
    char c;

    fx_init(&fx, GN_SYN_SENT);
    s = fx_seg(CTL_SYN | CTL_ACK | CTL_URG, FX_IRS, fx.tcb.snd.iss.raw + 1, "abc");
    s.up = 3;
    fx_arrives(&fx, s);
    cr_assert_eq(take(&fx, &c), 1);
    cr_assert_eq(c, 'b');
    fx_fini(&fx);
}

/* MUST-66: URG counts although the window is closed */
Test(urgent, closed_window)
{
    struct fixture fx;
    uint32_t at;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.rcv.edge = fx.tcb.rcv.max_edge = fx.tcb.rcv.nxt;
    fx.tcb.opts.rcvbuf = 0;
    cr_assert_eq(urgent(&fx, FX_RCV, 9, "abc"), GN_DROP_WINDOW_CLOSED);
    cr_assert(tcp_mark(&fx.tcb, &at) && at == 8);
    fx_fini(&fx);
}

/* MUST-31, MUST-62: out: URG up to the urgent octet, the pointer names the one after it */
Test(urgent, sending)
{
    static char text[3000];
    struct fixture fx;
    struct tcb *t = &fx.tcb;

    fx_init(&fx, GN_ESTABLISHED);
    fx.env.segs_max = UINT16_MAX;
    cr_assert_eq(tcp_send(t, &fx.env, text, 3000, GN_SEND_URGENT), 3000);
    for (uint32_t left = 3000; left > 0; left -= fx.out.text_len) {
        cr_assert(fx_output(&fx));
        cr_assert(fx.out.ctl & CTL_URG);
        cr_assert_eq(fx.out.up, left);
        cr_assert_leq(fx.out.text_len, 1460, "no super-segment: each has its own pointer");
    }
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, FX_UNA + 3000, ""));
    cr_assert_not(t->urg_snd);
    cr_assert_eq(tcp_send(t, &fx.env, text, 10, 0), 10);
    cr_assert(fx_output(&fx));
    cr_assert_not(fx.out.ctl & CTL_URG);
    fx_fini(&fx);
}

/* MUST-62: URG alone makes the field mean something; with tcp_stdurg it names the octet itself */
Test(urgent, pointer_sent)
{
    for (unsigned std = 0; std < 2; std++) {
        struct fixture fx;

        fx_init(&fx, GN_ESTABLISHED);
        fx.conf.tcp_stdurg = std;
        fx.tcb.opts.nodelay = true;
        cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "abc", 3, 0), 3);
        cr_assert(fx_output(&fx));
        cr_expect_eq(fx.out.up, 0);
        cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "def", 3, GN_SEND_URGENT), 3);
        cr_assert(fx_output(&fx));
        cr_expect(fx.out.ctl & CTL_URG);
        cr_expect_eq(fx.out.up, 3 - std);
        fx_fini(&fx);
    }
}

/* MUST-62: the octet may be further ahead than 16 bits reach: as far as they do, and again */
Test(urgent, sending_far_ahead)
{
    static char text[70000];
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.sndbuf = sizeof text;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, sizeof text, GN_SEND_URGENT), sizeof text);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert(fx_output(&fx));
        cr_expect(fx.out.ctl & CTL_URG);
        cr_expect_eq(fx.out.up, min_u32(sizeof text - i * 1460, UINT16_MAX), "segment %u", i);
    }
    fx_fini(&fx);
}

/* MUST-66: behind a closed window, where no text can bring it, the peer still hears of it: with
 * each probe once */
Test(urgent, sending_behind_a_closed_window)
{
    struct fixture fx;
    struct seg shut = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "");

    fx_init(&fx, GN_ESTABLISHED);
    shut.wnd = 0;
    cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "abc", 3, GN_SEND_URGENT), 3);
    cr_assert_not(fx_output(&fx));
    for (unsigned i = 0; i < 3; i++) {
        cr_assert(fx_wait(&fx, fx.env.now + 100 * GN_SEC));
        cr_expect_eq(fx.out.ctl, CTL_ACK, "the probe");
        cr_assert(fx_output(&fx));
        cr_expect_eq(fx.out.ctl, CTL_ACK | CTL_URG);
        cr_expect_eq(fx.out.seq.raw, FX_UNA);
        cr_expect_eq(fx.out.up, 3);
        cr_expect_eq(fx.out.text_len, 0);
        cr_assert_not(fx_output(&fx));
        cr_assert_eq(fx_arrives(&fx, shut), GN_DROP_NONE);
    }
    fx_fini(&fx);
}

/* a SEND that was short has not taken the urgent octet */
Test(urgent, a_short_send)
{
    static char text[5000];
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.sndbuf = 4000;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, text, 5000, GN_SEND_URGENT), 4000);
    cr_assert_not(fx.tcb.urg_snd);
    fx_fini(&fx);
}

/* UC-SHUT-R: what has arrived stays readable, what comes later is acknowledged, not kept, and
 * leaves the window open */
Test(urgent, shutdown_read)
{
    static char text[1001];
    struct fixture fx;
    uint32_t at = FX_RCV + 3, mem;
    char c;

    fx_init(&fx, GN_ESTABLISHED);
    urgent(&fx, FX_RCV, 2, "abc");
    cr_assert_eq(tcp_shutdown_read(&fx.tcb, &fx.env), GN_OK);
    mem = fx.tcb.rcvbuf.cap;
    memset(text, 'x', 1000);
    for (unsigned i = 0; i < 50; i++, at += 1000) {
        cr_assert_eq(fx_arrives(&fx, fx_seg(CTL_ACK, at, FX_UNA, text)), GN_DROP_NONE);
        while (fx_output(&fx))
            cr_assert_geq(tcb_rcv_wnd(&fx.tcb), 2000);
        if (i == 40)
            reads(&fx, "abc");
    }
    cr_assert_eq(fx.tcb.rcv.nxt.raw, at);
    cr_assert_leq(fx.tcb.rcvbuf.cap, mem);
    cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, &c, 1, 0), 0);
    fx_fini(&fx);
}

/* an urgent octet that was read by itself, or passed over, does not come again as an ordinary one
 */
Test(urgent, shutdown_read_brings_nothing_back)
{
    static char text[201];
    char c, buf[64];

    memset(text, 'x', 200);
    text[0] = 'w';
    for (unsigned read = 0; read < 3; read++) { /* it, all before it, or both */
        struct fixture fx;
        uint32_t n = 0;

        fx_init(&fx, GN_ESTABLISHED);
        cr_assert_eq(urgent(&fx, FX_RCV, 200, text), GN_DROP_NONE);
        if (read != 1)
            cr_assert_eq(take(&fx, &c), 1);
        for (; read != 0 && n < 199; n += 1)
            cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 1, 0), 1);
        cr_assert_eq(tcp_shutdown_read(&fx.tcb, &fx.env), GN_OK);
        for (; n < 199; n += 1) {
            cr_assert_eq(tcp_recv(&fx.tcb, &fx.env, buf, 1, 0), 1);
            cr_assert_eq(buf[0], text[n]);
        }
        cr_expect_eq(tcp_recv(&fx.tcb, &fx.env, &c, 1, 0), 0, "%u", read);
        fx_fini(&fx);
    }
}

/* MUST-32: of what nobody will read nobody is told, and the urgent octet is thrown away like the
 * rest */
Test(urgent, after_shutdown_read)
{
    struct fixture fx;
    uint32_t at;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_shutdown_read(&fx.tcb, &fx.env), GN_OK);
    fx.tcb.events = 0;
    cr_assert_eq(urgent(&fx, FX_RCV, 3, "abc"), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.rcv.nxt.raw, FX_RCV + 3);
    cr_expect_not(fx.tcb.events & GN_EV_URGENT);
    cr_expect_not(tcp_readiness(&fx.tcb, &fx.env) & GN_EV_URGENT);
    cr_expect_not(tcp_mark(&fx.tcb, &at));
    fx_fini(&fx);
}
