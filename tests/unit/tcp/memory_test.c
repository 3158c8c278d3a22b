/* SPDX-License-Identifier: BSD-2-Clause */
/* There is no memory for text that arrives: it is not taken, and the peer hears that we live. */
#include "fixture.h"
#include "hoard.h"

#include <criterion/criterion.h>

static struct hoard hoard;

/** exhaust() - no memory for a buffer, or as much as it likes */
static void exhaust(struct fixture *fx, bool on)
{
    mem_set_budget(&fx->mem, on ? fx->mem.taken : (uint64_t)64 << 20);
    if (on)
        hoard_take(&hoard, &fx->mem, RING_MIN, 99);
    else
        hoard_give(&hoard);
}

/** repeated() - one bare ACK leaves, of what was acknowledged before, and the window ends where it
 * did */
static void repeated(struct fixture *fx)
{
    cr_assert(fx_output(fx));
    cr_expect_eq(fx->out.ctl, CTL_ACK);
    cr_expect_eq(fx->out.text_len, 0);
    cr_expect_eq(fx->out.seq.raw, fx->tcb.snd.nxt.raw);
    cr_expect_eq(fx->out.ack.raw, FX_RCV);
    cr_expect_eq(fx->out.wnd, FX_WND);
    cr_expect_not(fx_output(fx));
}

/** read_all() - what is readable is @text */
static void read_all(struct fixture *fx, const char *text)
{
    char buf[16] = {0};

    cr_expect_eq(tcp_recv(&fx->tcb, &fx->env, buf, sizeof(buf), 0), (int64_t)strlen(text));
    cr_expect_str_eq(buf, text);
}

/* each time that it comes, by the steps and by prediction, and its ACK field counts */
Test(memory, text_in_order)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "ours", 4, 0), 4);
    cr_assert(fx_output(&fx));
    exhaust(&fx, true);
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA + 2, "abc");
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NO_MEMORY);
    cr_expect_eq(fx.tcb.snd.una.raw, FX_UNA + 2);
    repeated(&fx);
    for (unsigned i = 0; i < 5; i++) {
        cr_expect_eq(tcp_predicted(&fx.tcb, &fx.env, &s, 1), 0);
        cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NO_MEMORY);
        repeated(&fx);
    }
    cr_expect_eq(fx.tcb.bytes_received, 0);
    exhaust(&fx, false);
    cr_expect_eq(tcp_predicted(&fx.tcb, &fx.env, &s, 1), 1);
    read_all(&fx, "abc");
    fx_fini(&fx);
}

/* MUST-58: a burst is answered once */
Test(memory, a_burst)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    exhaust(&fx, true);
    for (unsigned i = 0; i < 10; i++)
        (void)fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV + 3 * i, FX_UNA, "abc"));
    repeated(&fx);
    cr_expect_eq(fx.stats.TCPOFODrop, 9);
    exhaust(&fx, false);
    fx_fini(&fx);
}

/* the FIN behind such text is not taken, either; both come again */
Test(memory, text_and_fin)
{
    struct fixture fx;
    struct seg s = fx_seg(CTL_ACK | CTL_FIN, FX_RCV, FX_UNA, "abc");

    fx_init(&fx, GN_ESTABLISHED);
    exhaust(&fx, true);
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NO_MEMORY);
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    repeated(&fx);
    exhaust(&fx, false);
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_eq(fx.tcb.state, GN_CLOSE_WAIT);
    read_all(&fx, "abc");
    cr_expect_eq(tcp_recv(&fx.tcb, &fx.env, &s, 1, 0), 0);
    fx_fini(&fx);
}

/* beyond a gap: no SACK tells of what was not kept */
Test(memory, text_out_of_order)
{
    struct fixture fx;
    struct seg s = fx_seg(CTL_ACK, FX_RCV + 100, FX_UNA, "abc");

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.sack_ok = true;
    exhaust(&fx, true);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(fx_arrives(&fx, s), GN_DROP_OUT_OF_ORDER_LIMIT);
        repeated(&fx);
        cr_expect_eq(fx.out.opt.n_sack, 0);
    }
    exhaust(&fx, false);
    cr_expect_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.opt.n_sack, 1);
    fx_fini(&fx);
}

/** opens() - in @state, text comes with what acknowledges our SYN, which counts */
static void opens(enum gn_state state, uint16_t ctl, uint32_t seq)
{
    struct fixture fx;

    fx_init(&fx, state);
    exhaust(&fx, true);
    cr_expect_eq(fx_arrives(&fx, fx_seg(ctl, seq, fx.tcb.snd.nxt.raw, "abc")), GN_DROP_NO_MEMORY);
    cr_expect_eq(fx.tcb.state, GN_ESTABLISHED);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ctl, CTL_ACK);
    cr_expect_eq(fx.out.ack.raw, FX_RCV);
    cr_expect_not(fx_output(&fx));
    exhaust(&fx, false);
    fx_fini(&fx);
}

Test(memory, text_that_opens)
{
    opens(GN_SYN_RECEIVED, CTL_ACK, FX_RCV);
}

Test(memory, text_with_a_syn_ack)
{
    opens(GN_SYN_SENT, CTL_SYN | CTL_ACK, FX_IRS);
}

/* OPT-TFO-2: with a SYN and a good cookie: the SYN,ACK is of the SYN alone */
Test(memory, text_with_a_fast_syn)
{
    struct fixture fx;
    struct seg s = fx_seg(CTL_SYN, FX_IRS, 0, "abc");

    fx_init(&fx, GN_CLOSED);
    fx.env.tfo = &(struct tfo_keys){.n = 0};
    exhaust(&fx, true);
    tcp_open_fast(&fx.tcb, &fx.env, &s, false);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ctl, CTL_SYN | CTL_ACK);
    cr_expect_eq(fx.out.ack.raw, FX_RCV);
    cr_expect_not(fx_output(&fx));
    exhaust(&fx, false);
    cr_expect_eq(fx_arrives(&fx, fx_seg(CTL_ACK, FX_RCV, fx.tcb.snd.nxt.raw, "abc")), GN_DROP_NONE);
    read_all(&fx, "abc");
    fx_fini(&fx);
}
