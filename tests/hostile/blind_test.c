/* SPDX-License-Identifier: BSD-2-Clause */
/* Who cannot see the connection guesses: resets, SYNs, text, acknowledgments, ICMP; RFC 5961, RFC
 * 5927, RFC 6528. */
#include "base/prng.h"
#include "foe.h"

#include <criterion/criterion.h>
#include <string.h>

static struct foe f;
static const struct gn_endpoint any;

/** up() - an established connection with the options @has */
static void up(unsigned has)
{
    foe_init(&f);
    foe_up(&f);
    foe_open(&f, has, 1460);
}

/** in_flight() - the host has sent @n octets that are not acknowledged */
static void in_flight(uint32_t n)
{
    static char text[4096];

    cr_assert_eq(gn_host_send(f.host, f.c, text, n, 0, f.now), n);
    foe_pull(&f);
}

/* MAL-26, SEC-5961-1: only a reset at RCV.NXT counts. A sweep over 2^32 in steps of a window finds
 * nothing; within the window each try is a challenge, and few of these are sent */
Test(hostile, t_MAL_26_reset_sweep, .timeout = 60)
{
    uint64_t sent;
    unsigned challenged = 0, out = 0, n = 0;

    up(FOE_ALL);
    sent = f.sent;
    for (; n < 66000; n++) { /* steps of 65003: once around */
        struct seg s = foe_seg(&f, CTL_RST);
        enum gn_drop d;

        s.seq = seq(f.nxt + 1 + n * 65003);
        d = foe_arrives(&f, &s, NULL);
        challenged += d == GN_DROP_RST_CHALLENGED;
        out += d == GN_DROP_RST_OUT_OF_WINDOW;
    }
    cr_expect_eq(challenged + out, n);
    cr_expect_geq(challenged, 1);
    challenged = n = 0;
    for (unsigned i = 1; i < 60000; i += 7, n++) { /* all of it inside the window */
        struct seg s = foe_seg(&f, i % 2 ? CTL_RST : CTL_RST | CTL_ACK);

        s.seq = seq(f.nxt + i);
        challenged += foe_arrives(&f, &s, NULL) == GN_DROP_RST_CHALLENGED;
    }
    cr_expect_eq(challenged, n);
    cr_expect_eq(f.sent - sent, 1, "one challenge ACK in a moment");
    cr_expect_eq(foe_stats(&f).TCPChallengeACK, 1);
    foe_alive(&f);
    foe_pass(&f, GN_SEC);
    sent = f.sent;
    for (unsigned i = 1; i <= 100; i++) { /* and two a second over time */
        struct seg s = foe_seg(&f, CTL_RST);

        s.seq = seq(f.nxt + i);
        foe_arrives(&f, &s, NULL);
        foe_pass(&f, 100 * GN_MSEC);
    }
    cr_expect_leq(f.sent - sent, 20);
    foe_alive(&f);
    foe_say(&f, CTL_RST, NULL, 0);
    cr_expect_eq(foe_state(&f), GN_CLOSED);
    foe_fini(&f);
}

/* MAL-27, SEC-5961-2: no SYN, wherever it is, with ACK or not, does more than to be challenged */
Test(hostile, t_MAL_27_syn_sweep, .timeout = 60)
{
    unsigned taken = 0;
    uint64_t sent;

    up(0);
    sent = f.sent;
    for (uint32_t at = f.nxt - 70000, i = 0; i < 20000; at += 7, i++) {
        struct seg s = foe_seg(&f, i % 2 ? CTL_SYN : CTL_SYN | CTL_ACK);

        s.seq = seq(at);
        taken += foe_arrives(&f, &s, NULL) == GN_DROP_NONE;
    }
    cr_expect_eq(taken, 0);
    cr_expect_eq(f.sent - sent, 1);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
    foe_alive(&f);
    foe_fini(&f);
}

/** acknowledged() - the host sends @n full segments, and we acknowledge each */
static void acknowledged(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct seg s;

        in_flight(1460);
        s = foe_seg(&f, CTL_ACK);
        cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    }
}

/** never_sent() - our window makes nothing an old ACK that is one of what came before the host's
 * SYN
 */
static void never_sent(void)
{
    uint32_t iss = foe_status(&f).snd.iss;
    struct seg s = foe_seg(&f, CTL_ACK);

    s.text_len = 1;
    s.ack = seq(iss);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_TOO_OLD);
    s.ack = seq(iss - 60000);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_TOO_OLD);
}

/* MAL-28, SEC-5961-3: text in the window counts only with an ACK that is possible; of 2^32 numbers
 * these are MAX.SND.WND + what is in flight */
Test(hostile, t_MAL_28_injection, .timeout = 60)
{
    unsigned taken = 0;
    struct prng rng;
    char buf[64];

    prng_seed(&rng, 28, 1);
    up(0);
    in_flight(1000);
    for (unsigned i = 0; i < 20000; i++) {
        struct seg s = foe_seg(&f, CTL_ACK);
        uint32_t ack = prng_below(&rng, UINT32_MAX);

        s.text_len = 10;
        s.ack = seq(ack);
        if (foe_arrives(&f, &s, NULL) == GN_DROP_NONE)
            taken++;
        f.nxt = f.acked;
    }
    cr_expect_leq(taken, 4, "expected: 20000 * 1001 / 2^32 = 0.005");
    for (unsigned i = 0; i < taken; i++)
        (void)gn_host_recv(f.host, f.c, buf, sizeof(buf), 0, f.now);
    never_sent();
    acknowledged(50);
    in_flight(1000);
    for (unsigned i = 0; i < 4; i++) { /* the edges */
        struct seg s = foe_seg(&f, CTL_ACK);
        uint32_t una = foe_status(&f).snd.una;
        const uint32_t ack[] = {una - 65535, una - 65536, f.heard, f.heard + 1};
        static const enum gn_drop want[] = {GN_DROP_NONE, GN_DROP_ACK_TOO_OLD, GN_DROP_NONE,
                                            GN_DROP_ACK_UNSENT};

        s.text_len = 1;
        s.ack = seq(ack[i]);
        cr_expect_eq(foe_arrives(&f, &s, NULL), want[i], "edge %u", i);
        f.nxt += want[i] == GN_DROP_NONE;
    }
    cr_expect_eq(gn_host_recv(f.host, f.c, buf, sizeof(buf), 0, f.now), 2);
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-4953-1: the largest window there is, an eighth of all sequence numbers and more, is no larger
 * target: a blind one hits it with each eighth guess, and has nothing by that */
Test(hostile, t_SEC_4953_1_large_window, .timeout = 60)
{
    static const unsigned ctl[] = {CTL_RST, CTL_SYN, CTL_ACK, CTL_RST | CTL_ACK, CTL_FIN | CTL_ACK};
    unsigned inside = 0, taken = 0, answers = 0;
    struct prng rng;
    uint32_t nxt;

    prng_seed(&rng, 4953, 1);
    foe_init(&f);
    f.conf.tcp_rmem_default = f.conf.tcp_rmem_max = 1 << 30;
    foe_up(&f);
    f.my_wnd = 500;
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f); /* the window of a SYN,ACK is not scaled */
    cr_assert_geq(f.wnd << foe_status(&f).rcv.wscale, 1u << 29);
    in_flight(1000);
    nxt = f.nxt;
    for (unsigned i = 0; i < 30000; i++) {
        struct seg s = foe_seg(&f, ctl[i % 5]);
        uint64_t sent = f.sent;

        s.seq = seq(nxt + 1 + prng_below(&rng, UINT32_MAX));
        s.ack = seq(prng_below(&rng, UINT32_MAX));
        s.opt.tsval = f.tsval + prng_below(&rng, 1u << 31); /* or it is an old duplicate */
        s.text_len = s.ctl & (CTL_SYN | CTL_RST) ? 0 : 10;
        inside += s.seq.raw - nxt < 1u << 29;
        taken += foe_arrives(&f, &s, NULL) == GN_DROP_NONE;
        if (s.ctl & (CTL_SYN | CTL_RST))
            answers += f.sent > sent;
    }
    cr_expect_geq(inside, 3000);
    cr_expect_leq(taken, 2, "expected: 12000 / 8 * 65000 / 2^32 = 0.02");
    cr_expect_leq(answers, 1, "challenges, in a moment");
    cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
    f.nxt = nxt;
    foe_say(&f, CTL_ACK, NULL, 0); /* what is in flight */
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-30, SEC-CC-2: what was not sent cannot be acknowledged */
Test(hostile, t_MAL_30_optimistic_ack, .timeout = 60)
{
    struct gn_status was;

    up(FOE_ALL);
    in_flight(1000);
    was = foe_status(&f);
    for (unsigned bit = 0; bit < 31; bit++) {
        struct seg s = foe_seg(&f, CTL_ACK);

        s.ack = seq(f.heard + (1u << bit));
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_UNSENT, "bit %u", bit);
        s = foe_seg(&f, CTL_ACK);
        s.ack = seq(f.heard + (2u << bit) - 1);
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_UNSENT, "bit %u", bit);
    }
    cr_expect_eq(foe_status(&f).snd.una, was.snd.una);
    cr_expect_eq(foe_status(&f).cwnd, was.cwnd);
    cr_expect_eq(foe_status(&f).send_q, was.send_q);
    foe_say(&f, CTL_ACK, NULL, 0);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-31: the ACK of everything while the numbers wrap; an ACK 2^31 away; MAL-76: text so long that
 * its end wraps to RCV.NXT */
Test(hostile, t_MAL_31_wrap, .timeout = 60)
{
    up(0);
    for (unsigned i = 0; i < 10; i++) {
        uint32_t una = foe_status(&f).snd.una;
        struct seg s = foe_seg(&f, CTL_ACK);

        in_flight(1000);
        s.ack = seq(una - 0x80000000u);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        s.ack = seq(una + 0x7fffffffu);
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_UNSENT);
        cr_expect_eq(foe_status(&f).snd.una, una);
        s = foe_seg(&f, CTL_ACK);
        s.text_len = 1400;
        s.seq = seq(f.nxt - 1400);
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_OLD_SEQ);
        s.seq = seq(f.nxt - 0x80000000u);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        s.seq = seq(f.nxt + 0x7ffffff0u);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        cr_expect_eq(foe_status(&f).recv_q, 0);
        foe_say(&f, CTL_ACK, NULL, 0);
        foe_alive(&f);
    }
    foe_fini(&f);
}

/* MAL-31, at host level: a stream long enough that both directions' numbers wrap */
Test(hostile, t_MAL_31_whole_circle, .timeout = 60)
{
    static char text[1400], buf[4096];
    struct seg s;

    foe_init(&f);
    foe_up(&f);
    foe_open(&f, 0, 1460);
    foe_drop(&f);
    f.key.lport++;
    f.nxt = UINT32_MAX - 3000; /* our side wraps after two segments */
    s = foe_seg(&f, CTL_SYN);
    f.nxt++;
    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    cr_assert_eq(foe_say(&f, CTL_ACK, NULL, 0), GN_DROP_NONE);
    cr_assert_eq(gn_host_accept(f.host, f.listener, &f.c), GN_OK);
    for (unsigned i = 0; i < 5; i++) {
        cr_expect_eq(foe_say(&f, CTL_ACK, text, 1400), GN_DROP_NONE);
        cr_expect_eq(gn_host_recv(f.host, f.c, buf, sizeof(buf), 0, f.now), 1400);
        cr_expect_eq(f.acked, f.nxt);
    }
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-52, MAL-53: timestamps from nowhere: neither does TS.Recent move by what is not acceptable,
 * nor is an absurd round-trip time believed, nor does the connection freeze */
Test(hostile, t_MAL_52_timestamps, .timeout = 60)
{
    static const uint32_t echo[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t recent;
    struct seg s;

    up(FOE_ALL);
    foe_pass(&f, 20 * GN_MSEC);
    recent = foe_status(&f).ts_recent;
    s = foe_seg(&f, CTL_ACK);
    s.opt.tsval += 0x7ffffff0u; /* far ahead, but outside the window, or with an impossible ACK */
    s.seq = seq(f.nxt + 200000000);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_BEYOND_WINDOW);
    s.seq = seq(f.nxt - 1000);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_OLD_SEQ);
    s.seq = seq(f.nxt);
    s.ack = seq(f.heard + 1);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_ACK_UNSENT);
    s.ack = seq(f.heard);
    s.ctl = CTL_ACK | CTL_SYN;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_SYN_CHALLENGED);
    s.ctl = CTL_RST;
    s.seq = seq(f.nxt + 5);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_RST_CHALLENGED);
    cr_expect_eq(foe_status(&f).ts_recent, recent);
    foe_alive(&f);
    for (unsigned i = 0; i < 5; i++) {
        gn_time srtt = foe_status(&f).srtt;

        in_flight(100);
        foe_pass(&f, 10 * GN_MSEC);
        f.tsecr = echo[i];
        foe_say(&f, CTL_ACK, NULL, 0);
        cr_expect_leq(foe_status(&f).srtt, srtt + 200 * GN_MSEC, "echo %x", echo[i]);
        cr_expect_leq(foe_status(&f).rto, GN_SEC);
    }
    s = foe_seg(&f, CTL_ACK); /* backwards: refused, and the next good one counts */
    s.opt.tsval -= 100;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_PAWS);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-54: a reset at RCV.NXT counts however old its timestamp is */
Test(hostile, t_MAL_54_old_reset, .timeout = 60)
{
    struct seg s;

    up(FOE_ALL);
    s = foe_seg(&f, CTL_RST);
    s.opt.tsval = 1;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_RST_ACCEPTED);
    cr_expect_eq(foe_state(&f), GN_CLOSED);
    cr_expect_eq(gn_host_error(f.host, f.c), GN_E_RESET);
    foe_fini(&f);
}

/** icmp_storm() - every code at sequence number @at */
static void icmp_storm(const struct tcp_key *k, uint32_t at)
{
    static const uint16_t mtu[] = {0, 1, 68, 551, 65535};

    for (unsigned code = 0; code < 16; code++)
        for (unsigned i = 0; i < 5; i++)
            foe_icmp(&f, code, mtu[i], k, at, i < 3 ? 8 : 20);
}

/* MAL-55, SEC-5927-1, SEC-5927-2, SEC-5927-4, SEC-5927-5: ICMP errors that quote what is not in
 * flight do nothing at all; those that quote it are hints, and the segment size has a floor */
Test(hostile, t_MAL_55_icmp, .timeout = 60)
{
    struct tcp_key k, other;
    struct gn_status was;
    uint32_t mss;

    up(0);
    in_flight(1000);
    was = foe_status(&f);
    k = (struct tcp_key){f.key.raddr, f.key.laddr, f.key.rport, f.key.lport};
    icmp_storm(&k, was.snd.una - 1);
    icmp_storm(&k, was.snd.nxt);
    icmp_storm(&k, was.snd.una ^ 0x80000000u);
    other = k;
    other.lport++;
    icmp_storm(&other, was.snd.una);
    cr_expect_eq(foe_status(&f).mss, was.mss);
    cr_expect_eq(foe_status(&f).soft_error, GN_OK);
    cr_expect_eq(foe_icmp(&f, 0x400, 0, &k, was.snd.una, 8), GN_DROP_ICMP_IGNORED);
    cr_expect_eq(foe_status(&f).cwnd, was.cwnd, "SEC-5927-3");
    icmp_storm(&k, was.snd.una); /* a good guess */
    cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
    mss = foe_status(&f).mss;
    cr_expect(mss == 552 - 40 || mss == was.mss, "%u", mss);
    cr_expect_eq(foe_status(&f).rto, was.rto);
    cr_expect_eq(foe_status(&f).backoff, 0);
    foe_say(&f, CTL_ACK, NULL, 0);
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-5927-3, RFC 6633: source quench; SEC-5927-1: a SYN is refused only by an error that quotes it
 */
Test(hostile, t_SEC_5927_3_opening, .timeout = 60)
{
    struct gn_endpoint to = {gn_addr_v4(10, 0, 0, 2), 9};
    struct tcp_key k;
    uint32_t iss;

    foe_init(&f);
    foe_up(&f);
    cr_assert_eq(gn_host_connect(f.host, any, to, NULL, f.now, &f.c), GN_OK);
    foe_pull(&f);
    iss = foe_last(&f)->seq.raw;
    k = (struct tcp_key){gn_addr_v4(10, 0, 0, 1), to.addr, foe_last(&f)->key.rport, 9};
    for (unsigned i = 1; i < 32; i++)
        cr_expect_eq(foe_icmp(&f, 3, 0, &k, iss ^ 1u << i, 8), GN_DROP_ICMP_OUT_OF_WINDOW);
    cr_expect_eq(foe_icmp(&f, 1, 0, &k, iss, 8), GN_DROP_NONE); /* host unreachable: soft */
    cr_expect_eq(foe_state(&f), GN_SYN_SENT);
    cr_expect_eq(foe_icmp(&f, 0x400, 0, &k, iss, 8), GN_DROP_ICMP_IGNORED); /* source quench */
    cr_expect_eq(foe_state(&f), GN_SYN_SENT);
    cr_expect_eq(foe_icmp(&f, 3, 0, &k, iss, 8), GN_DROP_NONE); /* port unreachable: hard */
    cr_expect_eq(foe_state(&f), GN_CLOSED);
    foe_fini(&f);
}

/** isn_of() - the ISN of the next SYN,ACK to @port of @last */
static uint32_t isn_of(uint8_t last, uint16_t port)
{
    struct seg s = {.key = {gn_addr_v4(10, 0, 0, last), gn_addr_v4(10, 0, 0, 1), port, FOE_PORT},
                    .seq = seq(1),
                    .ctl = CTL_SYN,
                    .wnd = 65535};
    uint32_t iss;

    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    iss = foe_last(&f)->seq.raw;
    s.ctl = CTL_RST;
    s.seq = seq(2);
    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_RST_ACCEPTED);
    return iss;
}

/* MAL-61, SEC-6528-1, SEC-6528-2: 20000 ISNs of neighbouring tuples: each bit is fair, neighbours
 * differ in half of their bits, no two differences are alike; but one tuple's ISN grows by 250000 a
 * second */
Test(hostile, t_MAL_61_isn, .timeout = 60)
{
    unsigned ones[32] = {0}, flips = 0, same = 0, n = 20000;
    uint32_t last = 0, step = 0, iss;

    foe_init(&f);
    foe_up(&f);
    for (unsigned i = 0; i < n; i++) {
        iss = isn_of((uint8_t)(2 + i % 200), (uint16_t)(2000 + i / 200));
        for (unsigned bit = 0; bit < 32; bit++)
            ones[bit] += iss >> bit & 1;
        flips += (unsigned)__builtin_popcount(iss ^ last);
        same += iss - last == step;
        step = iss - last;
        last = iss;
    }
    for (unsigned bit = 0; bit < 32; bit++) /* 5 sigma */
        cr_expect(ones[bit] > 9646 && ones[bit] < 10354, "bit %u: %u", bit, ones[bit]);
    cr_expect(flips > 16 * n - 2000 && flips < 16 * n + 2000, "%u", flips);
    cr_expect_eq(same, 0);
    iss = isn_of(3, 3);
    f.now += 4 * GN_SEC;
    cr_expect_eq(isn_of(3, 3) - iss, 1000000);
    foe_fini(&f);
}

/* SEC-7323-1: timestamps begin anywhere, for each tuple elsewhere; one tuple's go on */
Test(hostile, t_SEC_7323_1_timestamps, .timeout = 60)
{
    unsigned flips = 0, n = 1000;
    uint32_t last = 0;

    foe_init(&f);
    foe_up(&f);
    for (unsigned i = 0; i < n; i++) {
        foe_open(&f, OPT_TS, 1460);
        flips += (unsigned)__builtin_popcount(f.tsecr ^ last);
        last = f.tsecr;
        foe_drop(&f);
    }
    cr_expect(flips > 16 * n - 500 && flips < 16 * n + 500, "%u", flips);
    f.port--;
    f.now += 5 * GN_SEC;
    foe_open(&f, OPT_TS, 1460);
    cr_expect_eq(f.tsecr - last, 5000);
    foe_fini(&f);
}

/* MAL-73, SEC-1337-1: what comes in TIME-WAIT: nothing ends it early, only the FIN prolongs it, and
 * only a SYN that is newer opens the next incarnation */
Test(hostile, t_MAL_73_time_wait, .timeout = 60)
{
    struct gn_stats st;
    struct seg s;

    up(OPT_TS);
    cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
    foe_pull(&f);
    foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
    cr_assert_eq(foe_stats(&f).state[GN_TIME_WAIT], 1);
    foe_pass(&f, 30 * GN_SEC);
    for (unsigned i = 0; i < 3000; i++) { /* assassination (RFC 1337) */
        s = foe_seg(&f, i % 2 ? CTL_RST : CTL_RST | CTL_ACK);
        s.seq = seq(f.nxt + i / 2 - 500);
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_RST_TIME_WAIT);
    }
    s = foe_seg(&f, CTL_ACK); /* old text */
    s.seq = seq(f.nxt - 100);
    s.text_len = 99;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_TIME_WAIT_OLD);
    s = foe_seg(&f, CTL_FIN | CTL_ACK); /* another FIN */
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_TIME_WAIT_OLD);
    s = foe_seg(&f, CTL_SYN); /* a SYN from before */
    s.opt.tsval -= 5000;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_TIME_WAIT_SYN);
    st = foe_stats(&f);
    cr_expect(st.state[GN_TIME_WAIT] == 1 && st.state[GN_SYN_RECEIVED] == 0);
    foe_pass(&f, 29 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 1);
    foe_pass(&f, 2 * GN_SEC); /* 2MSL from its beginning: nothing of all this has prolonged it */
    cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 0);
    foe_fini(&f);
}

/* MAL-79: 24 days of silence make TS.Recent void; the connection goes on with any timestamp */
Test(hostile, t_MAL_79_long_silence, .timeout = 60)
{
    up(FOE_ALL);
    f.now += 25 * 86400 * GN_SEC;
    foe_pull(&f);
    f.tsval -= 0x40000000u; /* the peer's clock has gone far beyond 2^31 meanwhile */
    foe_alive(&f);
    foe_fini(&f);
}
