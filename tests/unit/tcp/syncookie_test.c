/* SPDX-License-Identifier: BSD-2-Clause */
/** @file What SYN cookies remember (RFC 4987 3.6). */
#include "fixture.h"

#include <criterion/criterion.h>

#define SLOT (64 * GN_SEC)

static struct fixture fx;
static struct tcb_opts o;
static struct cookie_scale scale;

static void begin(void)
{
    fx_init(&fx, GN_CLOSED);
    tcb_opts_default(&o, &fx.conf);
    scale = (struct cookie_scale){0};
    fx.env.now = 100 * SLOT + GN_SEC;
}

/* the SYN of a client with timestamps and other options; what our SYN,ACK says */
static struct tcpopt offer_with(uint8_t others, uint8_t wscale, struct seg *ret_ack)
{
    struct seg s = fx_seg(CTL_SYN | CTL_CWR | CTL_ECE, FX_IRS, 0, ""), r = {.seq = seq(0)};

    s.opt = (struct tcpopt){
        .has = (uint8_t)(OPT_MSS | OPT_TS | others), .mss = 1460, .wscale = wscale, .tsval = 7};
    syncookie_reply(&fx.env, &s, &o, &scale);
    (void)fx_reply(&fx, &r);
    fx.replies.n = 0;
    *ret_ack = fx_seg(CTL_ACK, FX_IRS + 1, r.seq.raw + 1, "");
    ret_ack->opt = (struct tcpopt){.has = OPT_TS, .tsval = 8, .tsecr = r.opt.tsval};
    return r.opt;
}

/* of one that can do all */
static struct tcpopt offer(struct seg *ret_ack)
{
    return offer_with(OPT_SACKOK | OPT_WSCALE, 9, ret_ack);
}

/* SEC-4987-6, OPT-WS-7: our window scale is the one that the SYN,ACK announced, though the buffer
 * has grown since; what is new holds from the next slot on */
Test(syncookie, our_window_scale)
{
    struct seg ack[2];
    struct half_open h;
    uint8_t was, is;

    begin();
    was = offer(&ack[0]).wscale;
    fx.conf.tcp_rmem_max = (uint64_t)1 << 30;
    is = window_shift(&fx.env, &o);
    cr_assert_gt(is, was);
    cr_assert(syncookie_check(&fx.env, &ack[0], &scale, 0, &h));
    cr_expect_eq(h.rcv_wscale, was);
    cr_expect_eq(offer(&ack[1]).wscale, was, "one slot, one scale");
    fx.env.now += SLOT;
    cr_expect_eq(offer(&ack[1]).wscale, is);
    fx.conf.tcp_rmem_max = 4096;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert(syncookie_check(&fx.env, &ack[i], &scale, 0, &h));
        cr_expect_eq(h.rcv_wscale, i == 0 ? was : is);
    }
    fx.env.now += SLOT;
    cr_expect_not(syncookie_check(&fx.env, &ack[0], &scale, 0, &h), "too old");
    cr_assert(syncookie_check(&fx.env, &ack[1], &scale, 0, &h));
    cr_expect_eq(h.rcv_wscale, is);
    fx_fini(&fx);
}

/* SEC-4987-6: what was agreed on holds, though the knobs would not agree any more */
Test(syncookie, knobs_have_changed)
{
    struct seg ack;
    struct half_open h;

    begin();
    fx.conf.tcp_ecn = 1;
    (void)offer(&ack);
    fx.conf.tcp_window_scaling = fx.conf.tcp_sack = fx.conf.tcp_ecn = fx.conf.tcp_timestamps = 0;
    cr_assert(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    cr_expect_eq(h.flags, HALF_OPEN_TS | HALF_OPEN_WSCALE | HALF_OPEN_SACK | HALF_OPEN_ECN);
    cr_expect_eq(h.wscale, 9);
    cr_expect_eq(h.ts_recent, 8);
    fx_fini(&fx);
}

/* SEC-4987-6: and nothing else does: an echo that tells of other options, or none, is no answer */
Test(syncookie, another_echo)
{
    struct seg ack;
    struct half_open h;

    begin();
    (void)offer(&ack);
    for (unsigned bit = 0; bit < 6; bit++) {
        struct seg bad = ack;

        bad.opt.tsecr ^= 1u << bit;
        cr_expect_not(syncookie_check(&fx.env, &bad, &scale, 0, &h), "bit %u", bit);
    }
    scale.shift[0] ^= 1; /* as of another listener that has taken the port over */
    cr_expect_not(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    scale.shift[0] ^= 1;
    cr_expect(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    ack.opt.has = 0;
    cr_expect_not(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    fx_fini(&fx);

    begin(); /* all of these bits are 0 */
    fx.conf.tcp_ecn = 0;
    fx.conf.tcp_rmem_max = 65535;
    o.rcvbuf = 65535;
    cr_expect_eq(offer_with(OPT_WSCALE, 0, &ack).wscale, 0);
    ack.opt.has = 0;
    cr_expect_not(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    fx_fini(&fx);
}

/* SEC-4987-6: without timestamps nothing would bring options back, so none is agreed on */
Test(syncookie, no_timestamps)
{
    struct seg ack;
    struct half_open h;

    begin();
    fx.conf.tcp_timestamps = 0;
    cr_expect_eq(offer(&ack).has, OPT_MSS);
    ack.opt.has = 0;
    cr_assert(syncookie_check(&fx.env, &ack, &scale, 0, &h));
    cr_expect_eq(h.flags, 0);
    cr_expect_eq(h.mss, 1460);
    fx_fini(&fx);
}
