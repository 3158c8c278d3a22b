/* SPDX-License-Identifier: BSD-2-Clause */
/* A receiver that lies: ACK division, storms of duplicates, SACK blocks of all kinds, ECN. The
 * sender believes no more than it can know, and what was lost is sent again all the same. */
#include "base/bits.h"
#include "foe.h"

#include <criterion/criterion.h>
#include <string.h>

#define MSS 1000u

static struct foe f;
static uint8_t stream[4 << 20];

/** up() - an established connection with MSS 1000, and @n octets in its send buffer */
static void up(unsigned has, uint32_t n)
{
    foe_init(&f);
    f.conf.tcp_wmem_default = 4 << 20;
    foe_up(&f);
    foe_open(&f, has, has & OPT_TS ? MSS + 12 : MSS);
    for (uint32_t i = 0; i < sizeof(stream); i++)
        stream[i] = (uint8_t)(i * 2654435761u >> 13);
    if (n)
        cr_assert_eq(gn_host_send(f.host, f.c, stream, n, 0, f.now), n);
    foe_pull(&f);
}

/** ack() - an ACK of @at with @n SACK blocks, given in octets from @base */
static enum gn_drop ack(uint32_t at, uint32_t base, const uint32_t *block, unsigned n)
{
    struct seg s = foe_seg(&f, CTL_ACK);

    s.ack = seq(at);
    s.opt.has |= n ? OPT_SACK : 0;
    s.opt.n_sack = (uint8_t)n;
    for (unsigned i = 0; i < n; i++)
        s.opt.sack[i] =
            (struct tcpopt_sack){seq(base + block[2 * i]), seq(base + block[2 * i + 1])};
    return foe_arrives(&f, &s, NULL);
}

/** drain() - from now on an honest receiver, who has only what it has acknowledged: all of the
 * stream up to @n octets must come */
static void drain(uint32_t n)
{
    static uint8_t seen[sizeof(stream)];
    struct gn_status st = foe_status(&f);
    uint32_t start = st.snd.iss + 1, have = st.snd.una - start;

    memset(seen, 0, sizeof(seen));
    for (unsigned rounds = 0; have < n; rounds++) {
        cr_assert_lt(rounds, 20000, "stuck at %u of %u", have, n);
        if (!f.n_out)
            foe_pass(&f, 100 * GN_MSEC);
        for (unsigned i = 0; i < f.n_out && i < FOE_OUT; i++) {
            uint32_t at = f.out[i].seq.raw - start, len = f.out[i].text_len;

            cr_assert_leq(at + len, n);
            memset(seen + at, 1, len);
            cr_assert_arr_eq(f.text[i], stream + at, min_u32(len, 128));
        }
        while (have < n && seen[have])
            have++;
        f.now += GN_MSEC;
        ack(start + have, 0, NULL, 0);
    }
    foe_pass(&f, GN_SEC);
    foe_alive(&f);
}

/* MAL-32, SEC-CC-1: a thousand ACKs for what one would have covered open the window no faster, and
 * let no burst out */
Test(hostile, t_MAL_32_ack_division, .timeout = 60)
{
    for (unsigned divided = 0; divided < 2; divided++) {
        uint32_t cwnd, una, bursts = 0;

        up(0, 1000000);
        cwnd = foe_status(&f).cwnd;
        una = foe_status(&f).snd.una;
        for (unsigned round = 0; round < 4; round++) {
            uint32_t from = foe_status(&f).snd.una, to = f.heard;

            for (uint32_t at = from + (divided ? 1 : MSS); at - from <= to - from;
                 at += divided ? 1 : MSS) {
                ack(at, 0, NULL, 0);
                bursts += f.n_out > (divided ? 1u : 3u);
            }
        }
        cr_expect_eq(bursts, 0);
        cr_expect_leq(foe_status(&f).cwnd, cwnd + (foe_status(&f).snd.una - una));
        drain(1000000);
        foe_fini(&f);
    }
}

/* MAL-33: a storm of duplicate ACKs: one segment is sent again, and not a window more than the ACKs
 * can stand for */
Test(hostile, t_MAL_33_dup_acks, .timeout = 60)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t una, cwnd;
        uint64_t sent;

        up(i ? FOE_ALL : 0, 1000000);
        una = foe_status(&f).snd.una;
        cwnd = foe_status(&f).cwnd;
        sent = f.sent;
        for (unsigned n = 0; n < 100000; n++) {
            struct seg s = foe_seg(&f, CTL_ACK);

            s.ack = seq(una);
            foe_input(&f, &s, NULL);
            if (n % 100 == 99)
                foe_pull(&f);
        }
        cr_expect_leq(foe_status(&f).cwnd, cwnd);
        cr_expect_leq(f.sent - sent, 2 * cwnd / MSS, "%lu", (unsigned long)(f.sent - sent));
        drain(1000000);
        foe_fini(&f);
    }
}

/* MAL-34: an ACK that carries text, or changes the window, is no duplicate */
Test(hostile, t_MAL_34_no_dups, .timeout = 60)
{
    char buf[64];
    uint32_t una;

    up(0, 10000);
    una = foe_status(&f).snd.una;
    for (unsigned i = 0; i < 20; i++) {
        struct seg s = foe_seg(&f, CTL_ACK);

        s.ack = seq(una);
        s.wnd = (uint16_t)(60000 + i * 10);
        if (i % 2) {
            s.text_len = 1;
            f.nxt++;
        }
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    }
    cr_expect_eq(foe_status(&f).dup_acks, 0);
    cr_expect_eq(foe_stats(&f).RetransSegs, 0);
    cr_expect_eq(gn_host_recv(f.host, f.c, buf, 64, 0, f.now), 10);
    drain(10000);
    foe_fini(&f);
}

/* MAL-35: SACK blocks that cannot be are passed over; those that can, together, count once */
Test(hostile, t_MAL_35_sack_lies, .timeout = 60)
{
    static const uint32_t lies[][8] = {
        {3000, 2000},                       /* inverted */
        {2000, 2000},                       /* empty */
        {2000, 50000},                      /* beyond SND.NXT */
        {(uint32_t)-5000, (uint32_t)-1000}, /* below SND.UNA: looks like a D-SACK */
        {0, 0x80000000u},                   /* 2^31 wide */
        {0x7fffffff, 0x80000001u},
        {1, 999}, /* parts of a segment */
    };
    static const uint32_t good[] = {2000, 4000, 3000, 5000, 2000, 5000};
    uint32_t una;

    up(OPT_SACKOK, 100000);
    una = foe_status(&f).snd.una;
    cr_assert_eq(f.heard - una, 10 * MSS);
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        cr_expect_eq(ack(una, una, lies[i], 1), GN_DROP_NONE);
        cr_expect_eq(foe_status(&f).sacked, 0, "lie %u", i);
    }
    ack(una, una, good, 3); /* overlapping */
    cr_expect_eq(foe_status(&f).sacked, 3000);
    ack(una, una, good, 3);
    cr_expect_eq(foe_status(&f).sacked, 3000);
    drain(100000);
    foe_fini(&f);
}

/* MAL-36, MAL-37, SEC-MEM-4: every second segment, then every odd octet, is said to have come:
 * nothing is split, memory does not grow, the counters hold */
Test(hostile, t_MAL_36_sack_patterns, .timeout = 60)
{
    uint64_t memory;
    uint32_t una, n = 1000000;

    up(OPT_SACKOK | OPT_WSCALE, n);
    f.my_wnd = 65535;
    while (foe_status(&f).in_flight < 600 * MSS && foe_status(&f).not_sent)
        ack(f.heard, 0, NULL, 0);
    una = foe_status(&f).snd.una;
    memory = foe_stats(&f).memory;
    for (uint32_t at = MSS; at < 100 * MSS; at += 8 * MSS) {
        const uint32_t b[] = {at,           at + MSS,     at + 2 * MSS, at + 3 * MSS,
                              at + 4 * MSS, at + 5 * MSS, at + 6 * MSS, at + 7 * MSS};
        ack(una, una, b, 4);
    }
    for (uint32_t at = 101 * MSS; at < 102 * MSS; at += 8) { /* octets of one segment */
        const uint32_t b[] = {at, at + 1, at + 2, at + 3, at + 4, at + 5, at + 6, at + 7};

        ack(una, una, b, 4);
    }
    cr_expect_leq(foe_stats(&f).memory, memory);
    cr_expect_leq(foe_status(&f).sacked, 60 * MSS);
    drain(n);
    foe_fini(&f);
}

/* MAL-38: SACKed, then taken back: after the timeout all of it is sent again */
Test(hostile, t_MAL_38_renege, .timeout = 60)
{
    static const uint32_t b[] = {1000, 10000};
    uint32_t una;

    up(OPT_SACKOK, 50000);
    una = foe_status(&f).snd.una;
    ack(una, una, b, 1);
    cr_expect_eq(foe_status(&f).sacked, 9000);
    foe_pass(&f, 2 * GN_SEC); /* the receiver has thrown everything away */
    drain(50000);
    foe_fini(&f);
}

/* MAL-39: D-SACKs without number neither widen the reordering window beyond a round trip, nor undo
 * what they do not speak of, nor stop the sender from finding losses */
Test(hostile, t_MAL_39_dsack_storm, .timeout = 60)
{
    uint32_t cwnd, una;

    up(OPT_SACKOK, 200000);
    cwnd = foe_status(&f).cwnd;
    foe_pass(&f, 10 * GN_MSEC);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t b[4] = {(uint32_t)-1000 * (1 + i % 9), 0, 3000, 4000};

        una = foe_status(&f).snd.una;
        b[1] = b[0] + 1000;
        ack(una, una, b, 1 + i % 2);
    }
    cr_expect_leq(foe_status(&f).cwnd, cwnd + 10 * MSS);
    una = foe_status(&f).snd.una;
    {
        static const uint32_t b[] = {5000, 10000};

        ack(una, una, b, 1);
        foe_pass(&f, 60 * GN_MSEC); /* a few round trips of 10 ms */
        cr_expect_gt(foe_stats(&f).RetransSegs, 0);
    }
    drain(200000);
    foe_fini(&f);
}

/* MAL-69, CC-3168-8: ECE without agreement does nothing; with it, and on every ACK, the sender
 * slows down and never stops; CE on everything is echoed and otherwise harmless */
Test(hostile, t_MAL_69_ece_forever, .timeout = 60)
{
    for (unsigned agreed = 0; agreed < 2; agreed++) {
        gn_time start;
        uint32_t cwnd;

        foe_init(&f);
        f.conf.tcp_ecn = 1;
        f.conf.tcp_wmem_default = 4 << 20;
        foe_up(&f);
        cr_assert_eq(gn_host_connect(f.host, (struct gn_endpoint){.port = 0},
                                     (struct gn_endpoint){gn_addr_v4(10, 0, 0, 2), 9}, NULL, f.now,
                                     &f.c),
                     GN_OK);
        if (agreed) {
            foe_pull(&f);
            f.key = (struct tcp_key){gn_addr_v4(10, 0, 0, 2), gn_addr_v4(10, 0, 0, 1), 9,
                                     foe_last(&f)->key.rport};
            f.heard = foe_last(&f)->seq.raw + 1;
            f.nxt = FOE_IRS;
            foe_say(&f, CTL_SYN | CTL_ACK | CTL_ECE, NULL, 0);
        } else {
            foe_answer(&f, 0);
        }
        cr_assert_eq(foe_status(&f).opt_ecn, agreed);
        cwnd = foe_status(&f).cwnd;
        start = f.now;
        cr_assert_eq(gn_host_send(f.host, f.c, stream, 60000, 0, f.now), 60000);
        foe_pull(&f);
        for (unsigned rounds = 0; foe_status(&f).send_q; rounds++) {
            cr_assert_lt(rounds, 4000, "stuck with %u left", foe_status(&f).send_q);
            foe_say(&f, CTL_ACK | CTL_ECE, NULL, 0);
            if (!f.n_out)
                foe_pass(&f, 100 * GN_MSEC);
            cr_assert_geq(foe_status(&f).cwnd, 536);
        }
        if (agreed)
            cr_expect_lt(foe_status(&f).cwnd, cwnd);
        else
            cr_expect_gt(foe_status(&f).cwnd, cwnd);
        cr_expect_lt(f.now - start, 600 * GN_SEC);
        for (unsigned i = 0; i < 100; i++) { /* congestion experienced on everything */
            uint8_t buf[16];
            struct seg s = foe_seg(&f, CTL_ACK);

            s.ecn = 3;
            s.text_len = 10;
            f.nxt += 10;
            cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
            cr_expect_eq((foe_last(&f)->ctl & CTL_ECE) != 0, agreed);
            cr_assert_eq(gn_host_recv(f.host, f.c, buf, 16, 0, f.now), 10);
        }
        cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
        foe_alive(&f);
        foe_fini(&f);
    }
}
