/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Initial sequence numbers. */
#include "fixture.h"

#include <criterion/criterion.h>

static uint32_t isn(const struct fixture *fx)
{
    return tcp_isn(&fx->env, &fx->tcb.key).raw;
}

/* MUST-8: a clock of 4 microseconds is in it, for as long as it runs */
Test(isn, the_clock)
{
    struct fixture fx;
    uint32_t at_start;

    fx_init(&fx, GN_CLOSED);
    at_start = isn(&fx);
    fx.env.now += 4 * GN_USEC;
    cr_expect_eq(isn(&fx), at_start + 1);
    fx.env.now += GN_SEC;
    cr_expect_eq(isn(&fx), at_start + 1 + 250000);
    fx.env.now += (gn_time)4 * GN_USEC << 32;
    cr_expect_eq(isn(&fx), at_start + 1 + 250000); /* it wraps every 4.77 hours */
    fx_fini(&fx);
}

/* SHLD-1: a function of each part of the tuple is added, the same for the same tuple */
Test(isn, the_tuple)
{
    struct fixture fx;
    uint32_t was;

    fx_init(&fx, GN_CLOSED);
    was = isn(&fx);
    cr_expect_eq(isn(&fx), was);
    fx.tcb.key.lport++;
    cr_expect_neq(isn(&fx), was);
    fx.tcb.key.lport--;
    fx.tcb.key.rport++;
    cr_expect_neq(isn(&fx), was);
    fx.tcb.key.rport--;
    fx.tcb.key.laddr.b[15]++;
    cr_expect_neq(isn(&fx), was);
    fx.tcb.key.laddr.b[15]--;
    fx.tcb.key.raddr.b[15]++;
    cr_expect_neq(isn(&fx), was);
    fx_fini(&fx);
}

/* MUST-9: whoever knows clock and tuple, but not the secret, knows nothing: each bit of the secret
 * decides, and the numbers of neighbouring tuples have nothing in common */
Test(isn, the_secret)
{
    struct fixture fx;
    uint32_t was, last = 0, steps[64];

    fx_init(&fx, GN_CLOSED);
    was = isn(&fx);
    for (unsigned i = 0; i < 8 * sizeof fx.secrets.numbers; i++) {
        ((uint8_t *)&fx.secrets.numbers)[i / 8] ^= (uint8_t)(1u << i % 8);
        cr_expect_neq(isn(&fx), was, "bit %u does not matter", i);
        ((uint8_t *)&fx.secrets.numbers)[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    cr_expect_eq(isn(&fx), was);
    for (unsigned i = 0; i < 64; i++) {
        fx.tcb.key.rport++;
        steps[i] = isn(&fx) - last;
        last = isn(&fx);
        for (unsigned k = 0; k < i; k++)
            cr_expect_neq(steps[i], steps[k], "a regular step from port to port");
    }
    fx_fini(&fx);
}

/* the ISS of our SYN, and of a half-open connection's SYN,ACK, are such numbers (MUST-8) */
Test(isn, is_what_leaves)
{
    struct fixture fx;
    struct half_open h;
    struct seg syn = fx_seg(CTL_SYN, FX_IRS, 0, "");

    fx_init(&fx, GN_CLOSED);
    tcp_open(&fx.tcb, &fx.env);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.seq.raw, isn(&fx));
    half_open_init(&h, &fx.env, &syn, &fx.tcb.opts, 0);
    cr_expect_eq(h.iss, tcp_isn(&fx.env, &syn.key).raw);
    fx_fini(&fx);
}

/* what is hashed of a tuple: 3 words for IPv4, 9 for IPv6; nothing of it is lost */
Test(isn, words_of_tuples)
{
    struct tcp_key k[4] = {{gn_addr_v4(10, 0, 0, 1), gn_addr_v4(10, 0, 0, 2), 80, 40000}};
    static const uint32_t want[3] = {0x0100000a, 0x0200000a, 0x409c5000};
    uint32_t w[4][KEY_WORDS];

    for (unsigned i = 1; i < 4; i++)
        k[i] = k[0];
    k[1].laddr = gn_addr_v4(10, 0, 0, 3);
    k[2].rport = 40001;
    k[3].laddr.b[0] = k[3].raddr.b[0] = 0xfd;
    for (unsigned i = 0; i < 4; i++)
        cr_assert_eq(key_words(&k[i], w[i]), i < 3 ? 3 : 9);
    cr_assert_arr_eq(w[0], want, sizeof(want));
    cr_assert(memcmp(w[0], w[1], sizeof(want)) && memcmp(w[0], w[2], sizeof(want)));
    cr_expect_eq(w[3][0], 0x000000fd);
    cr_expect_eq(w[3][7], 0x0200000a);
}
