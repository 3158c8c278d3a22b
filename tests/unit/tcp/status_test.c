/* SPDX-License-Identifier: BSD-2-Clause */
/** @file What STATUS counts (RFC 9293 3.10.6). */
#include "fixture.h"
#include "tcp/rest.h"

#include <criterion/criterion.h>

static const char zeros[2000];

static struct gn_status status(const struct fixture *fx)
{
    struct gn_status st;

    tcb_status(&fx->tcb, &fx->env, &st);
    return st;
}

static void put(struct fixture *fx)
{
    cr_assert_eq(tcp_send(&fx->tcb, &fx->env, zeros, 1000, 0), 1000);
    cr_assert(fx_output(fx));
}

static void acked(struct fixture *fx, uint16_t flags, uint32_t ack)
{
    cr_assert_eq(fx_arrives(fx, fx_seg((uint16_t)(CTL_ACK | flags), FX_RCV, ack, "")),
                 GN_DROP_NONE);
}

/* segments that have arrived: by their ACK, before it by their SACK, each once; SYN and FIN count
 */
Test(status, delivered)
{
    struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_SYN_SENT);
    cr_expect_eq(status(&fx).delivered, 0);
    fx_fini(&fx);

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.nodelay = fx.tcb.sack_ok = fx.tcb.rec.sack_ok = true;
    cr_expect_eq(status(&fx).delivered, 1, "our SYN");
    for (unsigned i = 0; i < 3; i++)
        put(&fx);
    cr_expect_eq(status(&fx).delivered, 1);
    s = fx_seg(CTL_ACK, FX_RCV, FX_UNA, "");
    s.opt = (struct tcpopt){.has = OPT_SACK, .n_sack = 1};
    s.opt.sack[0] = (struct tcpopt_sack){seq(FX_UNA + 2000), seq(FX_UNA + 3000)};
    cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
    cr_expect_eq(status(&fx).delivered, 2);
    acked(&fx, 0, FX_UNA + 3000);
    cr_expect_eq(status(&fx).delivered, 4);
    put(&fx);
    acked(&fx, 0, FX_UNA + 4000);
    cr_expect_eq(status(&fx).delivered, 5, "the short way");
    cr_assert_eq(tcp_close(&fx.tcb, &fx.env), GN_OK);
    cr_assert(fx_output(&fx));
    acked(&fx, 0, FX_UNA + 4001);
    cr_expect_eq(status(&fx).delivered, 6);
    fx_fini(&fx);
}

/* RFC 3168: what ACKs with ECE have delivered; that is known after a rest, too */
Test(status, delivered_ce)
{
    struct fixture fx;
    struct tcb_rest r;
    struct tcp_key k;
    struct tcb_opts o;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.opts.nodelay = fx.tcb.ecn_ok = fx.tcb.accepted = true;
    for (unsigned i = 0; i < 4; i++)
        put(&fx);
    acked(&fx, 0, FX_UNA + 1000);
    cr_expect_eq(status(&fx).delivered_ce, 0);
    acked(&fx, CTL_ECE, FX_UNA + 3000);
    cr_expect_eq(status(&fx).delivered_ce, 2);
    acked(&fx, 0, FX_UNA + 4000);
    put(&fx); /* with CWR */
    acked(&fx, 0, FX_UNA + 5000);
    cr_expect_eq(status(&fx).delivered_ce, 2);
    fx.tcb.events = 0;
    fx.env.now += 1000 * GN_SEC;
    cr_assert(tcp_may_rest(&fx.tcb, &fx.env));
    fx.tcb.rec.marked += UINT16_MAX;
    cr_expect_not(tcp_may_rest(&fx.tcb, &fx.env), "no room for so many");
    fx.tcb.rec.marked -= UINT16_MAX;
    tcp_rest(&fx.tcb, &r);
    k = fx.tcb.key;
    o = fx.tcb.opts;
    tcp_wake(&r, &k, &o, fx.env.now, &fx.tcb);
    cr_expect_eq(status(&fx).delivered_ce, 2);
    cr_expect_eq(status(&fx).delivered, 6);
    fx_fini(&fx);
}

/* what we announce is our affair, whatever the peer does */
Test(status, adv_mss)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.tcb.send_mss = 536;
    options_mss_changed(&fx.tcb, &fx.env);
    cr_expect_eq(status(&fx).mss, 536);
    cr_expect_eq(status(&fx).adv_mss, 1460);
    fx_fini(&fx);
}
