/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Accurate ECN (RFC 9768): the arithmetic of its counters, and what they do. The negotiation
 * is in tests/script/ecn. */
#include "fixture.h"

#include <criterion/criterion.h>

#define MSS   1460
#define ACE_5 (CTL_AE | CTL_ECE)

static struct fixture fx;
static const char zeros[40 * MSS];

static void open_accurate(void)
{
    fx_init(&fx, GN_ESTABLISHED);
    accecn_begin(&fx.tcb, 0);
    fx.tcb.acc.demand = 0;
    fx.tcb.opts.nodelay = true;
    fx.tcb.snd.wnd = fx.tcb.snd.max_wnd = sizeof zeros;
}

/* @n full segments leave */
static void send_segments(unsigned n)
{
    fx.tcb.rec.cc.cwnd = (n + 1) * MSS;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, n * MSS, 0), (int64_t)(n * MSS));
    for (unsigned i = 0; i < n; i++) {
        cr_assert(fx_output(&fx));
        cr_assert_eq(fx.out.text_len, MSS);
    }
}

/* an ACK of @n segments in all with ACE @ace */
static struct seg an_ack(unsigned n, unsigned ace)
{
    struct seg s = fx_seg((uint16_t)(CTL_ACK | accecn_flags(ace)), FX_RCV, FX_UNA + n * MSS, "");

    s.wnd = UINT16_MAX;
    return s;
}

/* the same with a SACK block of the segments from @from up to @to */
static struct seg a_sack(unsigned n, unsigned ace, unsigned from, unsigned to)
{
    struct seg s = an_ack(n, ace);

    s.opt.has |= OPT_SACK;
    s.opt.n_sack = 1;
    s.opt.sack[0].l = seq(FX_UNA + from * MSS);
    s.opt.sack[0].r = seq(FX_UNA + to * MSS);
    return s;
}

/* text at @at with IP-ECN field @ecn */
static enum gn_drop text(uint32_t at, uint8_t ecn)
{
    struct seg s = fx_seg(CTL_ACK | ACE_5, FX_RCV + at, FX_UNA, "0123456789");

    s.ecn = ecn;
    return fx_arrives(&fx, s);
}

static struct tcpopt option(unsigned order, unsigned n, uint32_t a, uint32_t b, uint32_t c)
{
    return (struct tcpopt){
        .has = OPT_ACCECN, .acc_order = order & 1, .n_acc = (uint8_t)n, .acc = {a, b, c}};
}

/* an_ack() with @o arrives */
static enum gn_drop tells(unsigned n, unsigned ace, struct tcpopt o)
{
    struct seg s = an_ack(n, ace);

    s.opt = o;
    return fx_arrives(&fx, s);
}

/* CC-9768-7, CC-9768-2: three bits of a counter of any length; beyond seven segments the safest
 * likely number */
Test(accecn, CC_9768_7_marks)
{
    for (uint32_t cep = 0; cep < 20; cep++)
        for (uint32_t d = 0; d < 8; d++) {
            cr_expect_eq(accecn_marks(cep, (cep + d) & 7, 7, false, 0, MSS), d);
            cr_expect_eq(accecn_marks(UINT32_MAX - 3 + cep, (cep + d - 4) & 7, 7, false, 0, MSS),
                         d);
        }
    cr_expect_eq(accecn_marks(5, 6, 8, false, 0, MSS), 1, "nine would be more than eight");
    cr_expect_eq(accecn_marks(5, 6, 9, false, 0, MSS), 9, "gone round");
    cr_expect_eq(accecn_marks(5, 6, 16, false, 0, MSS), 9);
    cr_expect_eq(accecn_marks(5, 6, 17, false, 0, MSS), 17);
    cr_expect_eq(accecn_marks(5, 4, 40, false, 0, MSS), 39);
    cr_expect_eq(accecn_marks(5, 5, 7, false, 0, MSS), 0);
    cr_expect_eq(accecn_marks(5, 5, 8, false, 0, MSS), 8, "all of them");
    cr_expect_eq(accecn_marks(5, 5, 40, false, 0, MSS), 40);
}

/* the octets of the option say which of the likely numbers it was */
Test(accecn, CC_9768_8_marks_by_octets)
{
    cr_expect_eq(accecn_marks(5, 6, 17, true, MSS, MSS), 1);
    cr_expect_eq(accecn_marks(5, 6, 17, true, 9 * MSS, MSS), 9);
    cr_expect_eq(accecn_marks(5, 6, 17, true, 9 * MSS + 1, MSS), 17);
    cr_expect_eq(accecn_marks(5, 5, 40, true, 0, MSS), 0);
    cr_expect_eq(accecn_marks(5, 5, 40, true, 8 * MSS, MSS), 8);
    cr_expect_eq(accecn_marks(5, 7, 3, true, 0, MSS), 2, "marks on segments without text");
    cr_expect_eq(accecn_marks(0, 0, 3, true, 0x7fffff, 1), 0x800000, "the most that one can tell");
}

/* the same by the definition: the least number that ACE allows and that holds the octets */
Test(accecn, CC_9768_8_least_likely)
{
    for (uint32_t ace = 0; ace < 8; ace++)
        for (uint32_t ceb = 0; ceb < 300; ceb++)
            for (uint32_t mss = 1; mss < 12; mss++) {
                uint32_t n = ace;

                while (n * mss < ceb)
                    n += 8;
                cr_assert_eq(accecn_marks(0, ace, 1, true, ceb, mss), n);
            }
}

/* CC-9768-7 (3.2.2.5.2, A.2.1): ACE as it was, after more segments than it can count, and no
 * option: where ACKs came for two each, ACKs are lost, and all may have been marked */
Test(accecn, CC_9768_7_many_at_once)
{
    uint32_t cwnd;

    open_accurate();
    send_segments(20);
    for (unsigned n = 2; n <= 6; n += 2)
        cr_assert_eq(fx_arrives(&fx, an_ack(n, 5)), GN_DROP_NONE);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_expect_eq(fx.tcb.acc.s_cep, 5);
    cr_assert_eq(fx_arrives(&fx, an_ack(15, 5)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 13);
    cr_expect_lt(fx.tcb.rec.cc.cwnd, cwnd);
    fx_fini(&fx);
}

/* not where ACKs for many are usual, from the first on */
Test(accecn, CC_9768_7_many_each_time)
{
    open_accurate();
    send_segments(36);
    for (unsigned n = 9; n <= 36; n += 9)
        cr_assert_eq(fx_arrives(&fx, an_ack(n, 5)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 5);
    fx_fini(&fx);
}

/* nor where the peer's options get through: the next tells; and not for what SACK blocks told of */
Test(accecn, CC_9768_7_many_told_otherwise)
{
    open_accurate();
    fx.tcb.sack_ok = fx.tcb.rec.sack_ok = true;
    send_segments(36);
    cr_assert_eq(fx_arrives(&fx, an_ack(2, 5)), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, a_sack(2, 5, 3, 12)), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, an_ack(12, 5)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 5);
    cr_assert_eq(tells(14, 5, option(0, 3, 1 + 14 * MSS, 0, 1)), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, an_ack(24, 5)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 5);
    cr_assert_eq(tells(26, 5, option(0, 3, 1 + 18 * MSS, 8 * MSS, 1)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 13);
    fx_fini(&fx);
}

/* CC-9768-8 (3.2.3.2.5): the octets of an option are also of marks that ACE has told of since the
 * last one */
Test(accecn, CC_9768_8_octets_of_marks_already_told)
{
    open_accurate();
    send_segments(10);
    cr_assert_eq(fx_arrives(&fx, an_ack(2, 6)), GN_DROP_NONE);
    cr_assert_eq(tells(4, 6, option(0, 3, 1 + 3 * MSS, MSS, 1)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 6);
    cr_assert_eq(tells(6, 7, option(0, 3, 1 + 4 * MSS, 2 * MSS, 1)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 7);
    fx_fini(&fx);
}

/* one answer in a round trip, to as many marks as there are; and no CWR */
Test(accecn, CC_9768_7_congestion)
{
    uint32_t cwnd;

    open_accurate();
    send_segments(10);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_assert_eq(fx_arrives(&fx, an_ack(2, 5)), GN_DROP_NONE);
    cr_expect_geq(fx.tcb.rec.cc.cwnd, cwnd);
    cr_assert_eq(fx_arrives(&fx, an_ack(4, 7)), GN_DROP_NONE);
    cr_expect_lt(fx.tcb.rec.cc.cwnd, cwnd);
    cr_expect_eq(fx.tcb.acc.s_cep, 7);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_assert_eq(fx_arrives(&fx, an_ack(6, 1)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 9);
    cr_expect_geq(fx.tcb.rec.cc.cwnd, cwnd, "the same round trip");
    cr_expect_not(fx.tcb.ecn_echo);
    fx_fini(&fx);
}

/* CC-9768-8: what an older ACK tells is no news, and would look like seven marks */
Test(accecn, CC_9768_8_superseded)
{
    open_accurate();
    send_segments(6);
    cr_assert_eq(fx_arrives(&fx, an_ack(2, 6)), GN_DROP_NONE);
    (void)fx_arrives(&fx, an_ack(1, 5));
    (void)fx_arrives(&fx, an_ack(2, 5));
    cr_expect_eq(fx.tcb.acc.s_cep, 6);
    fx_fini(&fx);
}

/* CC-9768-8: what SACKs more is news as well, what repeats a block is none */
Test(accecn, CC_9768_8_sacks)
{
    open_accurate();
    fx.tcb.sack_ok = fx.tcb.rec.sack_ok = true;
    send_segments(6);
    cr_assert_eq(fx_arrives(&fx, a_sack(0, 6, 1, 2)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 6, "one segment met congestion, and the hole stays");
    (void)fx_arrives(&fx, a_sack(0, 5, 1, 2));
    cr_expect_eq(fx.tcb.acc.s_cep, 6, "an older one with the same block");
    cr_assert_eq(fx_arrives(&fx, a_sack(0, 7, 1, 3)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 7);
    fx_fini(&fx);
}

/* CC-9768-3: a path that clears ACE: no ECT, no answer to feedback */
Test(accecn, CC_9768_3_cleared)
{
    uint32_t cwnd;

    open_accurate();
    send_segments(4);
    cr_expect_eq(fx.out.ecn, 2);
    cwnd = fx.tcb.rec.cc.cwnd;
    cr_assert_eq(fx_arrives(&fx, an_ack(4, 0)), GN_DROP_NONE);
    cr_expect_geq(fx.tcb.rec.cc.cwnd, cwnd);
    send_segments(1);
    cr_expect_eq(fx.out.ecn, 0);
    cr_expect_eq(fx.out.ctl & (CTL_AE | CTL_CWR | CTL_ECE), ACE_5, "our feedback goes on");
    fx_fini(&fx);
}

/* the same three marks as an ACE that goes round: zero later on is only a number */
Test(accecn, CC_9768_2_zero_is_a_number)
{
    open_accurate();
    send_segments(6);
    cr_assert_eq(fx_arrives(&fx, an_ack(2, 5)), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, an_ack(6, 0)), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.s_cep, 8);
    cr_expect_not(fx.tcb.acc.no_ect);
    fx_fini(&fx);
}

/* CC-9768-7: the first mark is told at once, later ones every other; CC-9768-2: r.cep in each */
Test(accecn, CC_9768_7_acks)
{
    open_accurate();
    cr_assert_eq(text(0, 2), GN_DROP_NONE);
    while (fx_output(&fx)) /* the first text of a connection may be acknowledged at once */
        ;
    cr_assert_eq(text(10, 3), GN_DROP_NONE);
    cr_assert(fx_output(&fx), "the change");
    cr_expect_eq(accecn_ace(fx.out.ctl), 6);
    cr_expect(fx.out.opt.has & OPT_ACCECN);
    cr_assert_eq(text(20, 3), GN_DROP_NONE);
    cr_assert_eq(text(30, 3), GN_DROP_NONE);
    cr_assert(fx_output(&fx), "two marks");
    cr_expect_eq(accecn_ace(fx.out.ctl), 0);
    cr_expect_eq(fx.tcb.acc.r_cep, 8);
    cr_expect_eq(fx.tcb.acc.r_byte[1], 30);
    fx_fini(&fx);
}

/* bare segments that are marked: three call for an ACK, so that ACKs cannot go to and fro */
Test(accecn, CC_9768_7_bare)
{
    struct seg s;

    open_accurate();
    s = an_ack(0, 5);
    s.ecn = 3;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
        cr_assert_not(fx_output(&fx));
    }
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(accecn_ace(fx.out.ctl), 0);
    fx_fini(&fx);
}

/* a super-segment counts as what it was on the wire */
Test(accecn, CC_9768_2_super_segments)
{
    struct seg s;

    open_accurate();
    s = fx_seg(CTL_ACK | ACE_5, FX_RCV, FX_UNA, "0123456789");
    s.gso_size = 4;
    s.ecn = 3;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.acc.r_cep, 8);
    fx_fini(&fx);
}

/* CC-9768-8: either order, any number of counters, 24 bits that go round, none that goes back */
Test(accecn, CC_9768_8_options)
{
    struct accecn *x = &fx.tcb.acc;
    open_accurate();
    send_segments(20);
    cr_assert_eq(tells(2, 6, option(0, 3, 1 + MSS, MSS, 1)), GN_DROP_NONE);
    cr_expect(x->s_byte[0] == 1 + MSS && x->s_byte[1] == MSS && x->s_byte[2] == 1);
    cr_expect(x->opt_heard && x->s_cep == 6);
    cr_assert_eq(tells(4, 7, option(1, 2, 1, 2 * MSS, 0)), GN_DROP_NONE);
    cr_expect(x->s_byte[0] == 1 + MSS && x->s_byte[1] == 2 * MSS && x->s_byte[2] == 1);
    cr_assert_eq(tells(16, 0, option(0, 2, 1, 3 * MSS, 0)), GN_DROP_NONE);
    cr_expect_eq(x->s_byte[0], 1 + MSS, "not back");
    cr_expect_eq(x->s_cep, 8, "one mark, though twelve segments would allow for nine");
    x->s_byte[1] = 0xfffff0;
    cr_assert_eq(tells(17, 1, option(0, 2, 1 + MSS, 0x10, 0)), GN_DROP_NONE);
    cr_expect_eq(x->s_byte[1], 0x1000010, "around 2^24");
    fx_fini(&fx);
}

/* a path that clears the option shows that in the first */
Test(accecn, CC_9768_8_cleared_option)
{
    open_accurate();
    send_segments(4);
    cr_assert_eq(tells(2, 5, option(0, 3, 0, 0, 0)), GN_DROP_NONE);
    cr_expect(fx.tcb.acc.opt_bad && !fx.tcb.acc.no_ect);
    cr_assert_eq(text(0, 3), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_ACCECN, "ours may fare better (3.2.3.2.3)");
    fx_fini(&fx);
}

/* CC-9768-8: in what room the others leave, whether one of the peer's was heard or not; the knob
 * decides */
Test(accecn, CC_9768_8_when_sent)
{
    struct tcb *t = &fx.tcb;

    open_accurate();
    t->ts_ok = true;
    t->acc.demand = 2;
    t->acc.heard = true;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_ACCECN);
    cr_expect_eq(fx.out.opt.n_acc, 3);
    cr_expect_eq(t->acc.demand, 1);
    t->sack_ok = t->rec.sack_ok = true;
    t->dsack = (struct range){seq(FX_RCV - 20), seq(FX_RCV - 10)};
    t->ooo_fin = true;
    t->fin_seq = seq(FX_RCV + 100);
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.opt.n_sack, 2);
    cr_expect_eq(fx.out.opt.n_acc, 2, "eight octets are left");
    t->ooo_fin = false;
    cr_expect_eq(t->acc.demand, 0);
    fx.env.now += GN_SEC;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.opt.has & OPT_ACCECN, "nothing new");
    t->acc.r_byte[0] += 1000;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_ACCECN, "octets, now and then");
    fx.conf.tcp_ecn_option = 1;
    fx.env.now += 10 * GN_SEC;
    t->acc.r_byte[0] += 1000;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.opt.has & OPT_ACCECN);
    fx.conf.tcp_ecn_option = 3;
    send_segments(0);
    cr_assert_eq(tcp_send(t, &fx.env, zeros, 10, 0), 10);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_ACCECN, "always, with text too");
    fx.conf.tcp_ecn_option = 0;
    t->acc.demand = 2;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.opt.has & OPT_ACCECN);
    fx_fini(&fx);
}

/* CC-9768-8 (3.2.3.3): what has changed since the last option is in it, or there is none */
Test(accecn, CC_9768_8_what_changed_has_room)
{
    struct tcb *t = &fx.tcb;

    open_accurate();
    t->ts_ok = t->sack_ok = t->rec.sack_ok = true; /* with two blocks eight octets are left */
    t->ooo_fin = true;
    t->fin_seq = seq(FX_RCV + 100);
    for (unsigned changed = 0; changed < 8; changed++) {
        t->dsack = (struct range){seq(FX_RCV - 20), seq(FX_RCV - 10)};
        t->acc.demand = 2;
        t->acc.changed = changed & 7;
        ack_at_once(t);
        cr_assert(fx_output(&fx));
        cr_assert_eq(!(fx.out.opt.has & OPT_ACCECN), (changed & 5) == 5, "%u", changed);
        if (fx.out.opt.has & OPT_ACCECN)
            cr_assert(fx.out.opt.n_acc == 2 && fx.out.opt.acc_order == changed >> 2);
    }
    t->ooo_fin = false;
    fx_fini(&fx);
}

/* CC-9768-3 (3.2.2.3): a path that marks all there is. It slows us down for four round trips */
Test(accecn, CC_9768_3_all_marked)
{
    for (unsigned honest = 0; honest < 2; honest++) {
        unsigned ace = 5, n = 0, cwnd;

        open_accurate();
        for (unsigned i = 0; i < 4; i++) {
            send_segments(8);
            cr_expect_eq(fx.out.ecn, 2, "%u", i);
            for (unsigned k = 0; k < 8; k += 2) {
                n += 2;
                ace += honest && n == 30 ? 1 : 2;
                cr_assert_eq(fx_arrives(&fx, an_ack(n, ace & 7)), GN_DROP_NONE);
            }
        }
        cr_expect_eq(fx.tcb.acc.deaf, !honest);
        send_segments(2);
        cr_expect_eq(fx.out.ecn, honest ? 2 : 0);
        cwnd = fx.tcb.rec.cc.cwnd;
        cr_assert_eq(fx_arrives(&fx, an_ack(n + 2, (ace + 2) & 7)), GN_DROP_NONE);
        cr_expect_eq(fx.tcb.rec.cc.cwnd < cwnd, honest, "what is marked then is not heeded");
        fx_fini(&fx);
    }
}

/* marks that go on are told in each ACK, and any counter before it has gone far (3.2.3.3) */
Test(accecn, CC_9768_8_marks_that_go_on)
{
    struct tcb *t = &fx.tcb;

    open_accurate();
    fx.conf.tcp_ecn_option = 1;
    t->acc.last_ecn = 3;
    t->acc.last_ce = true;
    for (uint32_t at = 0; at < 60; at += 20) {
        cr_assert_eq(text(at, 3), GN_DROP_NONE);
        cr_assert_eq(text(at + 10, 3), GN_DROP_NONE);
        while (fx_output(&fx))
            cr_expect(fx.out.opt.has & OPT_ACCECN);
    }
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.opt.has & OPT_ACCECN);
    t->acc.r_byte[0] += 1u << 21;
    ack_at_once(t);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_ACCECN);
    fx_fini(&fx);
}

/* an option that seems to take the ACK with it, three times in turn, is given up (3.2.3.2.2) */
Test(accecn, CC_9768_8_options_are_lost)
{
    bool has;

    open_accurate();
    for (uint32_t at = 0; at < 60; at += 10) {
        fx.env.now += GN_SEC;
        cr_assert_eq(text(at, 2), GN_DROP_NONE);
        ack_at_once(&fx.tcb);
        cr_assert(fx_output(&fx));
        has = fx.out.opt.has & OPT_ACCECN;
        cr_expect_eq(has, at < 50, "%u", at);
        if (at == 10) /* this one was heard */
            continue;
        (void)text(at, 2);
        cr_assert(fx_output(&fx));
    }
    fx_fini(&fx);
}

/* CC-9768-3 (3.2.2.1): how the SYN,ACK came is told by a bare ACK, though text waits */
Test(accecn, CC_9768_3_text_waits)
{
    struct seg s;

    fx_init(&fx, GN_SYN_SENT);
    s = fx_seg(CTL_SYN | CTL_ACK | CTL_CWR, FX_IRS, fx.tcb.snd.iss.raw + 1, "");
    fx.tcb.acc.on = true;
    fx.tcb.opts.nodelay = true;
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 10, 0), 10);
    s.ecn = 2;
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.text_len, 0);
    cr_expect_eq(accecn_ace(fx.out.ctl), 4);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.text_len, 10);
    cr_expect_eq(accecn_ace(fx.out.ctl), 5);
    cr_expect(fx.out.opt.has & OPT_ACCECN, "the first text of a client (3.2.3.2.1)");
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, zeros, 10, 0), 10);
    cr_assert(fx_output(&fx));
    cr_expect_not(fx.out.opt.has & OPT_ACCECN);
    fx_fini(&fx);
}

/* CC-9768-6: duplicates are reported whatever tcp_dsack says */
Test(accecn, CC_9768_6_dsack)
{
    open_accurate();
    fx.tcb.sack_ok = fx.tcb.rec.sack_ok = true;
    fx.conf.tcp_dsack = 0;
    cr_assert_eq(text(0, 0), GN_DROP_NONE);
    cr_expect_neq(text(0, 0), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect(fx.out.opt.has & OPT_SACK);
    fx_fini(&fx);
}

/* CC-9768-2: an ACK of a half-open connection carries the counter, which stands where it begins */
Test(accecn, CC_9768_2_half_open)
{
    enum half_open_verdict verdict;
    struct half_open h;
    struct seg s = fx_seg(CTL_SYN | CTL_AE | CTL_CWR | CTL_ECE, FX_IRS, 0, ""), r;
    struct tcb_opts o;

    fx_init(&fx, GN_CLOSED);
    fx.conf.tcp_ecn = 5;
    tcb_opts_default(&o, &fx.conf);
    half_open_init(&h, &fx.env, &s, &o, 0);
    cr_assert(h.accecn);
    s = fx_seg(CTL_ACK, FX_IRS - 100000, h.iss + 1, "old text");
    cr_expect_neq(half_open_arrives(&h, &fx.env, &s, &o, &verdict), GN_DROP_NONE);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_expect(r.ctl & CTL_ACK);
    cr_expect_eq(accecn_ace(r.ctl), 5);
    fx_fini(&fx);
}

/* CC-9768-1: a cookie keeps it: the third ACK tells by itself */
Test(accecn, CC_9768_1_cookie)
{
    struct half_open h;
    struct seg s = fx_seg(CTL_SYN | CTL_AE | CTL_CWR | CTL_ECE, FX_IRS, 0, ""), r;
    struct cookie_scale scale = {0};
    struct tcb_opts o;

    fx_init(&fx, GN_CLOSED);
    fx.conf.tcp_ecn = 5;
    tcb_opts_default(&o, &fx.conf);
    syncookie_reply(&fx.env, &s, &o, &scale);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_expect_eq(accecn_ace(r.ctl), 2);
    s = fx_seg((uint16_t)(CTL_ACK | accecn_flags(2)), FX_IRS + 1, r.seq.raw + 1, "");
    cr_assert(syncookie_check(&fx.env, &s, &scale, 0, &h));
    cr_expect(h.accecn);
    s.ctl = CTL_ACK;
    cr_assert(syncookie_check(&fx.env, &s, &scale, 0, &h));
    cr_expect_not(h.accecn);
    fx_fini(&fx);
}

/* CC-3168-1, CC-9768-1: what a cookie remembers is RFC 3168; the third ACK is lost, and the next
 * segment has CWR, which is half of a counter to those who count */
Test(accecn, CC_9768_1_cookie_of_the_old_kind)
{
    struct half_open h;
    struct seg s = fx_seg(CTL_SYN | CTL_CWR | CTL_ECE, FX_IRS, 0, ""), r;
    struct cookie_scale scale = {0};
    struct tcb_opts o;

    fx_init(&fx, GN_CLOSED);
    fx.conf.tcp_ecn = 5;
    tcb_opts_default(&o, &fx.conf);
    s.opt = (struct tcpopt){.has = OPT_TS, .tsval = 7};
    syncookie_reply(&fx.env, &s, &o, &scale);
    cr_assert_eq(fx_reply(&fx, &r), 1);
    cr_expect_eq(accecn_ace(r.ctl), 1);
    s = fx_seg(CTL_ACK | CTL_CWR, FX_IRS + 1, r.seq.raw + 1, "text");
    s.opt = (struct tcpopt){.has = OPT_TS, .tsval = 8, .tsecr = r.opt.tsval};
    cr_assert(syncookie_check(&fx.env, &s, &scale, 0, &h));
    cr_expect(h.flags & HALF_OPEN_ECN);
    cr_expect_not(h.accecn);
    fx_fini(&fx);
}
