/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that no sane stack sends: headers, options and flags. None may disturb the connection
 * that they claim to belong to. */
#include "base/bits.h"
#include "foe.h"

#include <criterion/criterion.h>
#include <string.h>

static struct foe f;

/** header() - a TCP header with @n octets of options behind it, in sequence, at @p; its length */
static uint32_t header(uint8_t *p, uint16_t ctl, const uint8_t *opt, uint32_t n)
{
    memset(p, 0, 60);
    put16(p, f.key.lport);
    put16(p + 2, f.key.rport);
    put32(p + 4, f.nxt);
    put32(p + 8, ctl & CTL_ACK ? f.heard : 0);
    put16(p + 12, (uint16_t)((20 + (n + 3) / 4 * 4) / 4 << 12 | ctl));
    put16(p + 14, 65535);
    if (n)
        memcpy(p + 20, opt, n);
    return 20 + (n + 3) / 4 * 4;
}

/* MAL-01, MAL-02, MAL-03, MAL-60: lengths that do not fit each other; nothing is answered */
Test(hostile, t_MAL_01_lengths)
{
    uint8_t p[128];
    uint64_t sent;

    foe_init(&f);
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    sent = f.sent;
    for (uint32_t n = 0; n < 20; n++) {
        header(p, CTL_ACK, NULL, 0);
        cr_expect_eq(foe_tcp(&f, p, n), n < 18 ? GN_DROP_TCP_CHECKSUM : GN_DROP_TCP_TRUNCATED);
    }
    for (unsigned doff = 0; doff < 16; doff++) {
        header(p, CTL_ACK, NULL, 0);
        put16(p + 12, (uint16_t)(doff << 12 | CTL_ACK));
        if (doff != 5)
            cr_expect_eq(foe_tcp(&f, p, 20), GN_DROP_TCP_DATA_OFFSET, "offset %u", doff);
    }
    cr_expect_eq(f.sent, sent);
    foe_alive(&f);
    foe_fini(&f);
}

/* clang-format off */
static const struct {
    const char *name;
    uint8_t opt[40], n;
    bool broken; /* a SYN with it is dropped */
} lists[] = {
    {"MAL-04: length 0",           {253, 0, 1, 1}, 4, true},
    {"MAL-04: MSS of length 0",    {2, 0, 5, 0xb4}, 4, true},
    {"MAL-05: length 1",           {8, 1, 1, 1}, 4, true},
    {"MAL-06: beyond the end",     {253, 40, 0, 0}, 4, true},
    {"MAL-06: kind, no length",    {1, 1, 1, 253}, 4, true},
    {"MAL-07: MSS in 3 octets",    {1, 2, 4, 5}, 4, true},
    {"MAL-07: MSS in 2 octets",    {1, 1, 2, 4}, 4, true},
    {"MAL-07: MSS in 1 octet",     {1, 1, 1, 2}, 4, true},
    {"MAL-08: SACK of 2",          {5, 2, 1, 1}, 4, false},
    {"MAL-08: SACK of 3",          {5, 3, 0, 1}, 4, false},
    {"MAL-08: SACK of 9",          {5, 9, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1}, 12, false},
    {"MAL-08: SACK of 11",         {5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 12, false},
    {"MAL-08: SACK of 42",         {5, 42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 12, true},
    {"MAL-09: timestamp of 2",     {8, 2, 1, 1}, 4, false},
    {"MAL-09: timestamp of 9",     {8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}, 12, false},
    {"MAL-09: timestamp cut off",  {1, 1, 1, 1, 8, 10, 0, 0}, 8, true},
    {"MAL-11: MD5 of 2",           {19, 2, 1, 1}, 4, false},
    {"MAL-11: AO of 3",            {29, 3, 7, 1}, 4, false},
    {"MAL-11: AO beyond the end",  {29, 16, 1, 1}, 4, true},
    {"MAL-72: user timeout 0",     {28, 4, 0, 0}, 4, false},
    {"MAL-72: user timeout 1 s",   {28, 4, 0, 1}, 4, false},
    {"MAL-72: user timeout, most", {28, 4, 0xff, 0xff}, 4, false},
    {"40 of NOP", {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}, 40, false},
};
/* clang-format on */

/* MAL-04 to MAL-11: in an established connection the text behind a broken list counts all the
 * same, with URG and without; nobody can end it so. A SYN with such a list is dropped in silence */
Test(hostile, t_MAL_10_option_lists)
{
    char buf[8];
    uint8_t p[128];

    foe_init(&f);
    foe_up(&f);
    foe_open(&f, 0, 1460);
    cr_assert_eq(gn_host_set_option(f.host, f.c, GN_OPT_OOBINLINE, 1, f.now), GN_OK);
    for (unsigned i = 0; i < 2 * sizeof(lists) / sizeof(lists[0]); i++) {
        const uint8_t *o = lists[i / 2].opt;
        uint32_t n = header(p, CTL_ACK | (i % 2 ? CTL_URG : 0), o, lists[i / 2].n);

        put16(p + 18, i % 2 ? 4 : 0);
        memcpy(p + n, "text", 4);
        cr_expect_eq(foe_tcp(&f, p, n + 4), GN_DROP_NONE, "%s", lists[i / 2].name);
        f.nxt += 4;
        for (unsigned got = 0; got < 4;) { /* reads stop at the urgent octet */
            int64_t k = gn_host_recv(f.host, f.c, buf + got, 4 - got, 0, f.now);

            cr_assert_gt(k, 0, "%s", lists[i / 2].name);
            got += (unsigned)k;
        }
        cr_expect_arr_eq(buf, "text", 4);
        cr_expect_eq(f.acked, f.nxt);
    }
    foe_alive(&f);
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        uint64_t sent = f.sent;
        uint32_t n;

        f.key.lport = (uint16_t)(20000 + i);
        n = header(p, CTL_SYN, lists[i].opt, lists[i].n);
        cr_expect_eq(foe_tcp(&f, p, n), lists[i].broken ? GN_DROP_TCP_BAD_OPTIONS : GN_DROP_NONE,
                     "%s", lists[i].name);
        cr_expect_eq(f.sent - sent, !lists[i].broken, "%s", lists[i].name);
    }
    foe_fini(&f);
}

/* SEC-6093-1: a middlebox that takes the URG bit away, or moves the pointer, changes what is told
 * to be urgent. In line, the octets and their order stay what they are */
Test(hostile, t_SEC_6093_1_middlebox)
{
    static const struct {
        unsigned ctl;
        uint16_t up;
    } made[] = {{CTL_URG, 4}, {0, 0}, {0, 4}, {CTL_URG, 1}, {CTL_URG, 0}, {CTL_URG, 65535}};
    char got[64];

    foe_init(&f);
    foe_up(&f);
    for (unsigned i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        foe_open(&f, 0, 1460);
        cr_assert_eq(gn_host_set_option(f.host, f.c, GN_OPT_OOBINLINE, 1, f.now), GN_OK);
        for (unsigned k = 0; k < 3; k++) {
            struct seg s = foe_seg(&f, CTL_ACK | made[i].ctl);

            s.up = made[i].up;
            s.text_len = 4;
            cr_assert_eq(foe_arrives(&f, &s, &"abcdefghijkl"[4 * k]), GN_DROP_NONE);
            f.nxt += 4;
        }
        for (unsigned n = 0; n < 12;) {
            int64_t k = gn_host_recv(f.host, f.c, got + n, 12 - n, 0, f.now);

            cr_assert_gt(k, 0, "%u: stuck after %u", i, n);
            n += (unsigned)k;
        }
        cr_expect_arr_eq(got, "abcdefghijkl", 12);
        foe_alive(&f);
        foe_drop(&f);
    }
    foe_fini(&f);
}

/* MAL-12: the smallest MSS neither divides by zero nor makes a storm of tiny segments */
Test(hostile, t_MAL_12_mss)
{
    static const uint16_t mss[] = {1, 7, 8, 47, 48, 1460, 65535};
    static char text[4000];

    foe_init(&f);
    foe_up(&f);
    for (unsigned i = 0; i < 2 * sizeof(mss) / sizeof(mss[0]); i++) {
        uint16_t m = mss[i / 2];
        uint32_t want = m < 48 ? 48 : m > 1460 ? 1460 : m, start;

        foe_open(&f, i % 2 ? FOE_ALL : 0, m);
        want -= i % 2 ? 12 : 0;
        start = f.heard;
        cr_expect_eq(foe_status(&f).mss, want, "MSS %u: %u", m, foe_status(&f).mss);
        cr_assert_eq(gn_host_send(f.host, f.c, text, sizeof(text), 0, f.now), 4000);
        for (unsigned rounds = 0; f.heard - start < 4000; rounds++) {
            cr_assert_lt(rounds, 40, "MSS %u", m);
            foe_pull(&f);
            for (unsigned k = 0; k + 1 < f.n_out && k < FOE_OUT; k++)
                cr_assert_eq(f.out[k].text_len, want);
            foe_say(&f, CTL_ACK, NULL, 0);
        }
        foe_say(&f, CTL_ACK, NULL, 0);
        foe_alive(&f);
        foe_drop(&f);
    }
    foe_fini(&f);
}

/* MAL-13, OPT-WS-3: a shift above 14 is 14, never an undefined shift */
Test(hostile, t_MAL_13_window_shift)
{
    uint8_t p[64], opt[4] = {1, 3, 3, 0};

    foe_init(&f);
    foe_up(&f);
    for (unsigned shift = 13; shift < 256; shift += shift < 20 ? 1 : 47) {
        foe_open(&f, 0, 0); /* for the tuple */
        foe_drop(&f);
        f.nxt = FOE_IRS;
        opt[3] = (uint8_t)shift;
        cr_assert_eq(foe_tcp(&f, p, header(p, CTL_SYN, opt, 4)), GN_DROP_NONE);
        f.nxt++;
        cr_assert_eq(foe_say(&f, CTL_ACK, NULL, 0), GN_DROP_NONE);
        cr_assert_eq(gn_host_accept(f.host, f.listener, &f.c), GN_OK);
        cr_expect_eq(foe_status(&f).snd.wscale, shift < 14 ? shift : 14);
        cr_expect_eq(foe_status(&f).snd.wnd, 65535u << (shift < 14 ? shift : 14));
        foe_alive(&f);
        foe_drop(&f);
    }
    foe_fini(&f);
}

/* MAL-17: every combination of the eight flags. Outside the window nothing has any effect; to the
 * listener only a SYN without ACK and RST (and without FIN) makes anything */
Test(hostile, t_MAL_17_flags)
{
    foe_init(&f);
    f.conf.tcp_invalid_ratelimit = 0;
    foe_up(&f);
    foe_open(&f, 0, 1460);
    for (unsigned ctl = 0; ctl < 256; ctl++) {
        struct seg s = foe_seg(&f, ctl);
        struct gn_status was = foe_status(&f), is;

        s.seq = seq(f.nxt - 5000);
        s.up = 3;
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE, "flags %02x", ctl);
        s.seq = seq(f.nxt + 200000);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE, "flags %02x", ctl);
        is = foe_status(&f);
        cr_expect_eq(is.state, GN_ESTABLISHED, "flags %02x", ctl);
        cr_expect(is.snd.una == was.snd.una && is.rcv.nxt == was.rcv.nxt &&
                      is.snd.wnd == was.snd.wnd,
                  "flags %02x", ctl);
    }
    foe_alive(&f);
    for (unsigned ctl = 0; ctl < 256; ctl++) {
        bool syn = (ctl & (CTL_SYN | CTL_FIN | CTL_RST | CTL_ACK)) == CTL_SYN;
        uint64_t half = foe_stats(&f).state[GN_SYN_RECEIVED];
        struct seg s = foe_stranger(&f, ctl);

        s.ctl = (uint16_t)ctl;
        foe_arrives(&f, &s, NULL);
        cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED] - half, syn, "flags %02x", ctl);
        cr_expect_leq(f.n_out, 1);
        if ((ctl & CTL_RST) || !(ctl & (CTL_SYN | CTL_ACK)) || (ctl & CTL_ACK ? 0 : ctl & CTL_FIN))
            cr_expect_eq(f.n_out, 0, "flags %02x are answered", ctl);
    }
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-20: a SYN that claims to come from where it goes to does not make the host talk to itself */
Test(hostile, t_MAL_20_land)
{
    struct seg s;

    foe_init(&f);
    foe_up(&f);
    s = foe_stranger(&f, 1);
    s.key.laddr = s.key.raddr;
    s.key.lport = FOE_PORT;
    for (unsigned ctl = 0; ctl < 64; ctl++) {
        s.ctl = (uint16_t)ctl;
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    }
    s.ctl = CTL_SYN;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_LAND);
    cr_expect_eq(f.sent, 0);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
    /* nor does a user reach its own end */
    cr_expect_eq(gn_host_connect(f.host, (struct gn_endpoint){s.key.raddr, 80},
                                 (struct gn_endpoint){s.key.raddr, 80}, NULL, f.now, &f.c),
                 GN_E_INVALID);
    foe_fini(&f);
}

/* MAL-21: nobody who cannot be a host gets an answer, nor does a group */
Test(hostile, t_MAL_21_no_hosts)
{
    static const uint8_t from[][4] = {{0, 0, 0, 0},         {127, 0, 0, 1},  {224, 0, 0, 1},
                                      {255, 255, 255, 255}, {10, 0, 0, 255}, {240, 1, 2, 3}};
    static const uint8_t to[][4] = {
        {10, 0, 0, 255}, {255, 255, 255, 255}, {224, 0, 0, 1}, {127, 0, 0, 1}, {0, 0, 0, 0}};

    foe_init(&f);
    foe_up(&f);
    for (unsigned i = 0; i < sizeof(from) / 4; i++) {
        struct seg s = foe_stranger(&f, i);

        s.key.laddr = gn_addr_v4(from[i][0], from[i][1], from[i][2], from[i][3]);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE, "from %u.x", from[i][0]);
    }
    for (unsigned i = 0; i < sizeof(to) / 4; i++) {
        struct seg s = foe_stranger(&f, i);

        s.key.raddr = gn_addr_v4(to[i][0], to[i][1], to[i][2], to[i][3]);
        cr_expect_neq(foe_arrives(&f, &s, NULL), GN_DROP_NONE, "to %u.x", to[i][0]);
    }
    cr_expect_eq(f.sent, 0);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
    foe_fini(&f);
}

/* MAL-70: ECN bits of a SYN: 11 asks for ECN, and so does 111 (AccECN), as its third bit is a
 * reserved one here, to be ignored; a SYN,ACK that reflects our flags is no consent */
Test(hostile, t_MAL_70_ecn_bits)
{
    static const uint16_t bits[] = {CTL_ECE | CTL_CWR,          CTL_ECE,          CTL_CWR,
                                    CTL_AE | CTL_CWR | CTL_ECE, CTL_AE | CTL_ECE, CTL_AE};
    struct seg s;

    foe_init(&f);
    f.conf.tcp_ecn = 1;
    foe_up(&f);
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        s = foe_stranger(&f, i);
        s.ctl |= bits[i];
        cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        cr_expect_eq(foe_last(&f)->ctl & (CTL_ECE | CTL_CWR | CTL_AE),
                     i == 0 || i == 3 ? CTL_ECE : 0, "bits %03x: %03x", bits[i], foe_last(&f)->ctl);
    }
    for (unsigned i = 0; i < 6; i++) {
        cr_assert_eq(gn_host_connect(f.host, (struct gn_endpoint){.port = 0},
                                     (struct gn_endpoint){gn_addr_v4(10, 0, 0, 2), 9}, NULL, f.now,
                                     &f.c),
                     GN_OK);
        foe_pull(&f);
        cr_expect_eq(foe_last(&f)->ctl & (CTL_ECE | CTL_CWR), CTL_ECE | CTL_CWR);
        f.key = (struct tcp_key){gn_addr_v4(10, 0, 0, 2), gn_addr_v4(10, 0, 0, 1), 9,
                                 foe_last(&f)->key.rport};
        f.heard = foe_last(&f)->seq.raw + 1;
        f.nxt = FOE_IRS;
        f.has = 0;
        foe_say(&f, CTL_SYN | CTL_ACK | bits[i], NULL, 0);
        cr_expect_eq(foe_status(&f).opt_ecn, i == 1 || i == 4, "bits %03x", bits[i]);
        foe_alive(&f);
        foe_drop(&f);
    }
    foe_fini(&f);
}
