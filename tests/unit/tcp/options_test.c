/* SPDX-License-Identifier: BSD-2-Clause */
/** @file The MSS option, the size of segments, and what ECN adds (RFC 9293 3.7.1, 3.7.3, 3.8.2). */
#include "fixture.h"

#include <criterion/criterion.h>

static const char zeros[20000];

/* an address of IPv6 instead of the fixture's */
static struct gn_addr v6(uint8_t last)
{
    struct gn_addr a = {{0xfd}};

    a.b[15] = last;
    return a;
}

/* a connection about to be opened, on an interface with @mtu */
static void closed(struct fixture *fx, uint16_t mtu)
{
    fx_init(fx, GN_CLOSED);
    fx->env.mtu = mtu;
}

/* its SYN */
static void open_it(struct fixture *fx)
{
    tcp_open(&fx->tcb, &fx->env);
    cr_assert(fx_output(fx));
    cr_assert_eq(fx->out.ctl & CTL_SYN, CTL_SYN);
}

/* SYN,ACK of the peer, without options but those in @o */
static void answer(struct fixture *fx, struct tcpopt o)
{
    struct seg s = fx_seg(CTL_SYN | CTL_ACK, FX_IRS, fx->tcb.snd.iss.raw + 1, "");

    s.opt = o;
    s.wnd = 65535;
    cr_assert_eq(fx_arrives(fx, s), GN_DROP_NONE);
    cr_assert(fx_output(fx));
}

/* octets of text in the first of many segments */
static uint32_t first_segment(struct fixture *fx)
{
    cr_assert_gt(tcp_send(&fx->tcb, &fx->env, zeros, sizeof zeros, 0), 0);
    cr_assert(fx_output(fx));
    return fx->out.text_len;
}

/* MUST-14, SHLD-5, MAY-3: the MSS option is in every SYN, default size or not; MUST-67, SHLD-6: it
 * says what the interface takes at the least, less fixed headers, and so never more than can be
 * reassembled */
Test(options, mss_announced)
{
    static const uint16_t mtu[] = {576, 1280, 1500, 9000, 65535};

    for (unsigned i = 0; i < sizeof mtu / sizeof mtu[0]; i++) {
        struct fixture fx;
        struct seg syn = fx_seg(CTL_SYN, FX_IRS, 0, ""), r;
        struct half_open h;

        closed(&fx, mtu[i]);
        open_it(&fx);
        cr_expect(fx.out.opt.has & OPT_MSS);
        cr_expect_eq(fx.out.opt.mss, mtu[i] - 40, "timestamps do not count");
        half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
        half_open_reply(&h, &fx.env, &fx.tcb.opts);
        cr_assert_eq(fx_reply(&fx, &r), 1);
        cr_expect(r.opt.has & OPT_MSS);
        cr_expect_eq(r.opt.mss, mtu[i] - 40);
        fx_fini(&fx);
        if (mtu[i] < 1280)
            continue;
        closed(&fx, mtu[i]);
        fx.tcb.key.laddr = v6(1);
        fx.tcb.key.raddr = v6(2);
        fx.env.mtu_headers = 40;
        open_it(&fx);
        cr_expect_eq(fx.out.opt.mss, mtu[i] - 60);
        fx_fini(&fx);
    }
}

/* MUST-67: what the user asks for lowers it, and never takes it beyond what the interface takes */
Test(options, maxseg)
{
    static const struct {
        uint16_t maxseg, mss;
    } row[] = {{500, 500}, {1460, 1460}, {1461, 1460}, {9000, 1460}, {65495, 1460}};

    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture fx;

        closed(&fx, 1500);
        cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_MAXSEG, row[i].maxseg), GN_OK);
        open_it(&fx);
        cr_expect_eq(fx.out.opt.mss, row[i].mss, "%u", row[i].maxseg);
        answer(&fx, (struct tcpopt){.has = OPT_MSS, .mss = 9000});
        cr_expect_eq(first_segment(&fx), row[i].mss, "%u", row[i].maxseg);
        fx_fini(&fx);
    }
}

/* MUST-14: what the peer announces bounds our segments */
Test(options, mss_received)
{
    struct fixture fx;

    closed(&fx, 1500);
    open_it(&fx);
    answer(&fx, (struct tcpopt){.has = OPT_MSS, .mss = 700});
    cr_expect_eq(first_segment(&fx), 700);
    fx_fini(&fx);
}

/* MUST-15: 536 without the option over IPv4, 1220 over IPv6; passive opens, too */
Test(options, mss_default)
{
    struct fixture fx;
    struct half_open h;
    struct seg syn = fx_seg(CTL_SYN, FX_IRS, 0, "");

    closed(&fx, 1500);
    open_it(&fx);
    answer(&fx, (struct tcpopt){.has = 0});
    cr_expect_eq(first_segment(&fx), 536);
    half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
    cr_expect_eq(h.mss, 536);
    syn.key.laddr = v6(1);
    syn.key.raddr = v6(2);
    half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
    cr_expect_eq(h.mss, 1220);
    fx_fini(&fx);
}

/* MUST-16: min(SendMSS + 20, MMS_S) less TCP header and options (we send no IP options) */
Test(options, effective_send_mss)
{
    struct tcpopt o = {.has = OPT_MSS | OPT_TS | OPT_SACKOK, .mss = 1460, .tsval = 77};
    struct fixture fx;
    struct seg s;

    closed(&fx, 1500);
    open_it(&fx);
    answer(&fx, o);
    cr_expect_eq(first_segment(&fx), 1460 - 12);
    /* a gap: the SACK block takes its room from the text, not from the packet */
    s = fx_seg(CTL_ACK, FX_RCV + 100, fx.tcb.snd.nxt.raw, "x");
    s.opt = (struct tcpopt){.has = OPT_TS, .tsval = 77, .tsecr = fx.out.opt.tsval};
    s.wnd = 65535;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(tcp_header_len(&fx.out), 20 + 12 + 12);
    cr_expect_eq(fx.out.text_len, 1460 - 12 - 12);
    /* the path turns out to be narrower */
    cr_assert_eq(tcp_icmp_error(&fx.tcb, &fx.env, fx.tcb.snd.una, GN_E_TOO_LONG, false, 1000),
                 GN_DROP_NONE);
    while (fx_output(&fx))
        cr_expect_leq(20 + tcp_header_len(&fx.out) + fx.out.text_len, 1000);
    cr_expect_eq(tcp_mss(&fx.tcb, &fx.env), 1000 - 20 - 20 - 12);
    fx.env.mtu = 900; /* and then the interface */
    cr_expect_eq(tcp_mss(&fx.tcb, &fx.env), 900 - 20 - 20 - 12);
    fx_fini(&fx);

    closed(&fx, 1000); /* the peer could take more than our interface */
    open_it(&fx);
    answer(&fx, (struct tcpopt){.has = OPT_MSS, .mss = 9000});
    cr_expect_eq(first_segment(&fx), 1000 - 40);
    fx_fini(&fx);
}

/* SHLD-8: ECN (RFC 3168) as its client: offered, agreed on, text marked, marks echoed until CWR,
 * echoes obeyed */
Test(options, ecn)
{
    struct fixture fx;
    struct seg s;
    uint32_t cwnd;

    closed(&fx, 1500);
    fx.conf.tcp_ecn = 1;
    open_it(&fx);
    cr_expect_eq(fx.out.ctl, CTL_SYN | CTL_ECE | CTL_CWR);
    s = fx_seg(CTL_SYN | CTL_ACK | CTL_ECE, FX_IRS, fx.tcb.snd.iss.raw + 1, "");
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ecn, 0, "a bare ACK is not capable");
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 3000, 0), 3000);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ecn, 2);
    while (fx_output(&fx))
        ;
    s = fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.una.raw, "abc");
    s.ecn = 3;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    for (unsigned i = 0; i < 2; i++) {
        fx.tcb.ack_now = true;
        cr_assert(fx_output(&fx));
        cr_expect(fx.out.ctl & CTL_ECE);
    }
    s = fx_seg(CTL_ACK | CTL_CWR, FX_RCV + 3, fx.tcb.snd.una.raw, "d");
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    fx.tcb.ack_now = true;
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.ctl & CTL_ECE);
    cwnd = fx.tcb.rec.cc.cwnd;
    s = fx_seg(CTL_ACK | CTL_ECE, FX_RCV + 4, fx.tcb.snd.nxt.raw, "");
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_lt(fx.tcb.rec.cc.cwnd, cwnd);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 3000, 0), 3000);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.ctl & CTL_CWR);
    fx_fini(&fx);
}

/* SHLD-8: as its server; a peer that does not offer it gets none */
Test(options, ecn_passive)
{
    struct fixture fx;
    struct half_open h;
    struct seg syn = fx_seg(CTL_SYN | CTL_ECE | CTL_CWR, FX_IRS, 0, ""), r;

    fx_init(&fx, GN_CLOSED);
    half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
    half_open_reply(&h, &fx.env, &fx.tcb.opts);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_expect_eq(r.ctl, CTL_SYN | CTL_ACK | CTL_ECE);
    syn.ctl = CTL_SYN;
    half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
    half_open_reply(&h, &fx.env, &fx.tcb.opts);
    cr_assert_eq(fx_reply(&fx, &r), 2);
    cr_expect_eq(r.ctl, CTL_SYN | CTL_ACK);
    fx_fini(&fx);
}

/* CC-2018-2: a FIN beyond a gap is received too, and SACK says so: with text before it or alone */
Test(options, sack_covers_fin)
{
    static const char *const text[] = {"four", ""};

    for (unsigned i = 0; i < 2; i++) {
        uint32_t len = i == 0 ? 4 : 0;
        struct fixture fx;

        fx_init(&fx, GN_ESTABLISHED);
        fx.tcb.sack_ok = true;
        (void)fx_arrives(&fx, fx_seg(CTL_FIN | CTL_ACK, FX_RCV + 100, FX_UNA, text[i]));
        cr_assert(fx_output(&fx));
        cr_assert_eq(fx.out.ack.raw, FX_RCV);
        cr_assert_eq(fx.out.opt.n_sack, 1);
        cr_expect_eq(fx.out.opt.sack[0].l.raw, FX_RCV + 100);
        cr_expect_eq(fx.out.opt.sack[0].r.raw, FX_RCV + 100 + len + 1);
        fx_fini(&fx);
    }
}
