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

/* The peer, behind a path that swallows what is larger than @mtu without a word. */
struct path {
    uint32_t mtu;
    uint32_t nxt, l, r; /* what it has: all before nxt, and [l, r) */
    struct seg ack[64];
    unsigned acks;
    unsigned probes; /* segments larger than the others */
};

/* what one segment of ours brings about there */
static void path_carry(struct path *p, const struct fixture *fx)
{
    uint32_t at = fx->out.seq.raw, end = at + fx->out.text_len;
    struct seg *s;

    cr_assert_leq(fx->out.text_len + 40, 1500);
    p->probes += fx->out.text_len > fx->tcb.rec.mss;
    if (fx->out.text_len + 40 > p->mtu)
        return;
    if (at > p->nxt) {
        p->l = p->l < p->r ? p->l : at;
        p->r = max_u32(p->r, end);
    } else {
        p->nxt = max_u32(p->nxt, end);
    }
    if (p->nxt >= p->l) { /* the hole is filled */
        p->nxt = max_u32(p->nxt, p->r);
        p->l = p->r = 0;
    }
    cr_assert_lt(p->acks, 64);
    s = &p->ack[p->acks++];
    *s = fx_seg(CTL_ACK, FX_RCV, p->nxt, "");
    s->wnd = FX_WND;
    if (fx->tcb.sack_ok && p->l < p->r && p->nxt < p->l) {
        s->opt.has |= OPT_SACK;
        s->opt.n_sack = 1;
        s->opt.sack[0] = (struct tcpopt_sack){seq(p->l), seq(p->r)};
    }
}

/* a round trip of 10 ms: what may leave leaves, and its ACKs arrive; false: nothing left */
static bool round_trip(struct fixture *fx, struct path *p)
{
    p->acks = 0;
    while (fx_output(fx))
        path_carry(p, fx);
    fx->env.now += 10 * GN_MSEC;
    for (unsigned i = 0; i < p->acks; i++)
        fx_arrives(fx, p->ack[i]);
    return p->acks > 0;
}

/* hand over @octets to a path of @mtu: all arrive, without a timeout; the number of probes */
static unsigned talk(struct fixture *fx, uint32_t mtu, uint32_t octets)
{
    struct path p = {.mtu = mtu, .nxt = fx->tcb.snd.una.raw};
    uint32_t end = p.nxt + fx->tcb.sndbuf.len + octets;

    while (octets > 0 || fx->tcb.sndbuf.len > 0) {
        int64_t taken = tcp_send(&fx->tcb, &fx->env, text, min_u32(octets, sizeof text), 0);

        octets -= taken > 0 ? (uint32_t)taken : 0;
        if (!round_trip(fx, &p))
            fx_pass(fx, 100 * GN_MSEC);
    }
    cr_assert_eq(p.nxt, end);
    return p.probes;
}

/* ESTABLISHED, as tcp_mtu_probing=2 has it */
static void searching(struct fixture *fx, bool sack)
{
    fx_init(fx, GN_ESTABLISHED);
    fx->conf.tcp_mtu_probing = 2;
    fx->conf.tcp_early_retrans = 0;
    fx->tcb.sack_ok = fx->tcb.rec.sack_ok = sack;
    pmtu_on_open(&fx->tcb, &fx->env);
    options_mss_changed(&fx->tcb, &fx->env);
    cr_assert_eq(fx->tcb.rec.mss, 1024);
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
    cr_assert_eq(fx.tcb.rec.mss, 256, "only probes lead back");
    talk(&fx, 1500, 200000);
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

/* RFC 4821 7.3, OPT-MSS-4: half way to the top, and half way again, and the very top at last */
Test(pmtu, search)
{
    static const uint32_t sizes[] = {1242, 1351, 1405, 1432, 1446, 1453, 1460};
    struct fixture fx;
    struct path p = {.mtu = 1500, .nxt = FX_UNA};

    searching(&fx, true);
    fx.tcb.opts.sndbuf = 200000;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0];) {
        uint32_t mss = fx.tcb.rec.mss, cwnd = fx.tcb.rec.cc.cwnd;

        (void)tcp_send(&fx.tcb, &fx.env, text, sizeof text, 0);
        cr_assert(round_trip(&fx, &p));
        cr_assert_geq(fx.tcb.rec.cc.cwnd, cwnd);
        if (fx.tcb.rec.mss != mss) /* not more than once in a round trip */
            cr_assert_eq(fx.tcb.rec.mss, sizes[i++]);
    }
    cr_assert_eq(fx.stats.TCPMTUPSuccess, 7);
    cr_assert_eq(fx.stats.TCPMTUPFail, 0);
    cr_assert_eq(p.probes, 7);
    (void)talk(&fx, 1500, 0);
    cr_assert_eq(talk(&fx, 1500, 100000), 0, "it has found what it looked for");
    fx_fini(&fx);
}

/* a probe that is larger than what pacing lets go at once leaves all the same: or segments would
 * stay small for ever, and text would wait for it in each round trip */
Test(pmtu, search_while_paced)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_mtu_probing = 2;
    fx.conf.tcp_base_mss = 50;
    fx.conf.tcp_early_retrans = 0;
    pmtu_on_open(&fx.tcb, &fx.env);
    options_mss_changed(&fx.tcb, &fx.env);
    cr_assert_eq(fx.tcb.rec.mss, 50);
    cr_assert_eq(tcp_set_option(&fx.tcb, &fx.env, GN_OPT_MAX_PACING_RATE, 50000), GN_OK);
    fx.tcb.rec.cc.cwnd = 20000;
    cr_expect_gt(talk(&fx, 1500, 100000), 4);
    cr_expect_eq(fx.tcb.rec.mss, 1460);
    cr_expect_eq(fx.stats.TCPTimeouts, 0);
    fx_fini(&fx);
}

/* RFC 4821 7.6.2: a lost probe is no sign of congestion; the search narrows down to what gets
 * through, and begins anew after tcp_probe_interval (RFC 8899 5.1.1) */
Test(pmtu, search_below_the_top)
{
    struct fixture fx;

    for (unsigned sack = 0; sack < 2; sack++) {
        searching(&fx, sack);
        cr_assert_gt(talk(&fx, 1300, 3000000), 4);
        cr_assert_leq(fx.tcb.rec.mss, 1260);
        cr_assert_gt(fx.tcb.rec.mss, 1260 - 8);
        cr_assert_gt(fx.stats.TCPMTUPFail, 1);
        cr_assert_eq(fx.stats.TCPSackRecovery + fx.stats.TCPRenoRecovery, 0);
        cr_assert_eq(fx.stats.TCPTimeouts, 0);
        cr_assert_gt(fx.tcb.rec.cc.ssthresh, 1u << 30, "never any congestion");
        cr_assert_eq(talk(&fx, 1500, 100000), 0);
        fx.env.now += 601 * GN_SEC;
        cr_assert_gt(talk(&fx, 1500, 300000), 3);
        cr_assert_eq(fx.tcb.rec.mss, 1460);
        fx_fini(&fx);
    }
}

/* RFC 4821 7.6.2: MUST NOT probe again before about the next sign of congestion: here ten round
 * trips, one for each segment of the window */
Test(pmtu, pause_after_a_failure)
{
    struct fixture fx;
    struct path p = {.mtu = 1100, .nxt = FX_UNA};
    unsigned rounds = 0;
    gn_time failed;

    searching(&fx, true);
    fx.tcb.opts.sndbuf = 400000;
    for (; fx.stats.TCPMTUPFail == 0; rounds++) {
        cr_assert_gt(tcp_send(&fx.tcb, &fx.env, text, 20000, 0), 0);
        cr_assert(round_trip(&fx, &p));
    }
    cr_assert_eq(rounds, 1);
    failed = fx.env.now;
    while (p.probes < 2) {
        (void)tcp_send(&fx.tcb, &fx.env, text, 20000, 0);
        cr_assert(round_trip(&fx, &p));
    }
    cr_assert_geq(fx.env.now - failed, 10 * fx.tcb.rec.rtt.srtt / 10 * 9);
    cr_assert_leq(fx.env.now - failed, 30 * fx.tcb.rec.rtt.srtt);
    (void)talk(&fx, 1500, 0);
    fx_fini(&fx);
}

/* a probe is out, and @n segments behind it */
static void probing(struct fixture *fx, unsigned n)
{
    searching(fx, true);
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, text, 9000, 0), 9000);
    for (unsigned i = 0; i <= n; i++)
        cr_assert(fx_output(fx));
    cr_assert_eq(fx->tcb.search.size, 1282);
}

/* RFC 4821 7.6.4: other segments are lost, too: that is congestion, and says nothing of the size */
Test(pmtu, probe_inconclusive)
{
    struct fixture fx;
    struct seg s;

    probing(&fx, 5);
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "");
    s.opt.has |= OPT_SACK;
    s.opt.n_sack = 1;
    s.opt.sack[0] = (struct tcpopt_sack){seq(FX_UNA + 1242 + 1024), seq(FX_UNA + 1242 + 5120)};
    fx_arrives(&fx, s);
    cr_assert_eq(fx.tcb.rec.state, GN_RECOVERY_FAST);
    cr_assert_eq(fx.stats.TCPSackRecovery, 1);
    cr_assert_eq(fx.stats.TCPMTUPFail, 0);
    cr_assert_eq(fx.tcb.search.high, 1500);
    cr_assert_eq(fx.tcb.search.size, 0);
    cr_assert_leq(drain(&fx), 1024);
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
    fx_fini(&fx);
}

/* RFC 4821 7.6.3: a probe whose loss only a timeout shows costs a window, so that the next is far
 * off */
Test(pmtu, probe_timeout)
{
    struct fixture fx;

    probing(&fx, 5);
    fx.tcb.rec.rtt.srtt = 10 * GN_MSEC;
    fx_pass(&fx, 5 * GN_SEC);
    cr_assert_eq(fx.tcb.rec.state, GN_RECOVERY_LOSS);
    cr_assert_eq(fx.stats.TCPMTUPFail, 1);
    cr_assert_eq(fx.tcb.search.high, 1281);
    cr_assert_eq(fx.tcb.rec.mss, 1024);
    cr_assert_geq(fx.tcb.search.at, fx.env.now + 50 * GN_MSEC);
    cr_assert_leq(drain(&fx), 1024);
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
    fx_fini(&fx);
}

/* RFC 4821 7.6.2: the router that dropped the probe says so: it goes again at once, in segments
 * that get through; those are not made smaller */
Test(pmtu, probe_too_big)
{
    struct fixture fx;
    uint32_t cwnd;

    probing(&fx, 0);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_assert_eq(too_big(&fx, FX_UNA, 1290), GN_DROP_ICMP_IGNORED, "it was smaller");
    cr_assert_eq(too_big(&fx, FX_UNA, 1200), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.search.high, 1200);
    cr_assert_eq(fx.tcb.rec.mss, 1024);
    cr_assert_eq(fx.tcb.rec.cc.cwnd, cwnd);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx.out.seq.raw, FX_UNA);
    cr_assert_eq(fx.out.text_len, 1024);
    (void)drain(&fx);
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
    fx_fini(&fx);

    probing(&fx, 0); /* and if even the others are too large */
    cr_assert_eq(too_big(&fx, FX_UNA, 1000), GN_DROP_NONE);
    cr_assert_eq(fx.tcb.search.high, 1000);
    cr_assert_eq(fx.tcb.rec.mss, 960);
    cr_assert_eq(drain(&fx), 960);
    fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
    fx_fini(&fx);
}

/* RFC 4821 7.4: no probe without enough text, window or congestion window behind it, nor if routers
 * may cut it up */
Test(pmtu, probe_preconditions)
{
    struct fixture fx;
    const uint32_t needed = 1242 + 4 * 1024;

    for (unsigned i = 0; i < 6; i++) {
        searching(&fx, true);
        if (i == 1)
            fx.tcb.snd.wnd = needed - 1;
        if (i == 2)
            fx.tcb.rec.cc.cwnd = needed - 1;
        if (i == 3)
            fx.tcb.opts.pmtu = GN_PMTU_DONT;
        if (i == 4)
            fx.conf.tcp_probe_threshold = 1500;
        cr_assert_gt(tcp_send(&fx.tcb, &fx.env, text, i == 0 ? needed - 1 : 9000, 0), 0);
        cr_assert(fx_output(&fx));
        cr_assert_eq(fx.out.text_len, i == 5 ? 1242 : i == 4 ? 1460 : 1024, "case %u", i);
        cr_assert_eq(fx.out.gso_size, 0);
        fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
        (void)drain(&fx);
        fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
        (void)drain(&fx);
        fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, ""));
        fx_fini(&fx);
    }
}
