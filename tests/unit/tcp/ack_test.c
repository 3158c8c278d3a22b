/* SPDX-License-Identifier: BSD-2-Clause */
/** @file When we acknowledge (RFC 9293 3.8.6.3, 3.10.7.4). */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static char text[1001];

/* @n octets at the @at-th of the peer's stream */
static struct seg piece(uint32_t at, uint32_t n)
{
    struct seg s;

    memset(text, 'x', sizeof text);
    text[n] = '\0';
    s = fx_seg(CTL_ACK, FX_RCV + at, FX_UNA, text);
    return s;
}

/* SHLD-18: the ACK of one segment waits for company; MUST-40, CC-5681-17: less than half a second
 */
Test(ack, delayed)
{
    struct fixture fx;
    gn_time start;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_quickacks = 0;
    cr_assert_eq(fx_arrives(&fx, piece(0, 1000)), GN_DROP_NONE);
    cr_assert_not(fx_output(&fx));
    start = fx.env.now;
    fx_pass(&fx, 10 * GN_SEC);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ack.raw, FX_RCV + 1000);
    cr_expect_gt(fx.env.now, start);
    cr_expect_lt(fx.env.now - start, 500 * GN_MSEC);
    /* nobody can ask for longer */
    cr_expect_neq(gn_conf_set(&fx.conf, "tcp_delack", "500ms"), GN_OK);
    cr_expect_eq(gn_conf_set(&fx.conf, "tcp_delack", "499ms"), GN_OK);
    fx_fini(&fx);
}

/* MUST-40: octets that drip in do not put the ACK off: it waits no longer for the first of them */
Test(ack, a_drip_does_not_put_it_off)
{
    struct fixture fx;
    uint32_t at = 0;
    gn_time start;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_quickacks = 0;
    fx.tcb.rcv_mss_guess = 1000;
    start = fx.env.now;
    do {
        cr_assert_eq(fx_arrives(&fx, piece(at++, 1)), GN_DROP_NONE);
        fx_pass(&fx, fx.conf.tcp_delack / 4);
        cr_assert_lt(at, 20, "it waits for ever");
    } while (!fx_output(&fx));
    cr_expect_lt(fx.env.now - start, fx.conf.tcp_delack + GN_MSEC);
    fx_fini(&fx);
}

/* SHLD-18, and yet: the first so many go at once, as a peer that begins to send needs them; and
 * again after a pause. Not once our text answers the peer's (RFC 5681 4.2) */
Test(ack, at_once_when_the_peer_begins)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_quickacks = 2;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(fx_arrives(&fx, piece(i * 500, 500)), GN_DROP_NONE);
        cr_expect_eq(fx_output(&fx), i < 2, "segment %u", i);
    }
    fx_pass(&fx, 10 * GN_SEC);
    cr_assert(fx_output(&fx));
    fx.env.now += 10 * GN_SEC;
    cr_assert_eq(fx_arrives(&fx, piece(1500, 500)), GN_DROP_NONE);
    cr_assert(fx_output(&fx)); /* after a pause */
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "answer", 6, 0), 6);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx_arrives(&fx, piece(2000, 500)), GN_DROP_NONE);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* whose text answered the peer's once does not wait for ever for such text */
Test(ack, at_once_again_when_no_text_came_to_ride_on)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, piece(0, 500)), GN_DROP_NONE);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "answer", 6, 0), 6);
    cr_assert(fx_output(&fx));
    cr_assert_eq(fx_arrives(&fx, piece(500, 500)), GN_DROP_NONE);
    cr_assert_not(fx_output(&fx), "an answer may come");
    fx_pass(&fx, fx.conf.tcp_delack + GN_MSEC);
    cr_assert(fx_output(&fx), "none came");
    cr_assert_eq(fx_arrives(&fx, piece(1000, 500)), GN_DROP_NONE);
    cr_assert(fx_output(&fx), "and none is waited for");
    fx_fini(&fx);
}

/* text of ours takes the ACK along: none goes by itself (SHLD-18) */
Test(ack, rides_on_text)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    cr_assert_eq(fx_arrives(&fx, piece(0, 1000)), GN_DROP_NONE);
    cr_assert_eq(tcp_send(&fx.tcb, &fx.env, "answer", 6, 0), 6);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.text_len, 6);
    cr_expect_eq(fx.out.ack.raw, FX_RCV + 1000);
    cr_expect_not(deadline_armed(fx.tcb.delack_at));
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* SHLD-19: every second full segment at the latest; in octets, too */
Test(ack, every_second_segment)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    fx.conf.tcp_quickacks = 0;
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(fx_arrives(&fx, piece(2 * i * 1000, 1000)), GN_DROP_NONE);
        cr_assert_not(fx_output(&fx), "pair %u", i);
        cr_assert_eq(fx_arrives(&fx, piece((2 * i + 1) * 1000, 1000)), GN_DROP_NONE);
        cr_assert(fx_output(&fx), "pair %u", i);
        cr_expect_eq(fx.out.ack.raw, FX_RCV + 2000 * (i + 1));
        cr_assert_not(fx_output(&fx));
    }
    cr_assert_eq(fx_arrives(&fx, piece(8000, 500)), GN_DROP_NONE);
    cr_assert_eq(fx_arrives(&fx, piece(8500, 500)), GN_DROP_NONE);
    cr_assert_not(fx_output(&fx));
    cr_assert_eq(fx_arrives(&fx, piece(9000, 1000)), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    fx_fini(&fx);
}

/* MUST-58, MUST-59: however many segments a burst has, all of them are processed before there is
 * one ACK, for all; CC-5681-16: and never more than one */
Test(ack, one_for_a_burst)
{
    struct fixture fx;

    fx_init(&fx, GN_ESTABLISHED);
    for (uint32_t i = 0; i < 8; i++)
        cr_assert_eq(fx_arrives(&fx, piece(i * 1000, 1000)), GN_DROP_NONE);
    cr_assert(fx_output(&fx));
    cr_expect_eq(fx.out.ack.raw, FX_RCV + 8000);
    cr_assert_not(fx_output(&fx));
    fx_fini(&fx);
}

/* what an interface has put together is counted as it was on the wire, predicted or not, and what
 * is empty is one */
Test(ack, segments_on_the_wire)
{
    static struct fixture fx;
    struct seg s;

    fx_init(&fx, GN_ESTABLISHED);
    for (unsigned predict = 0; predict < 2; predict++) {
        uint64_t was = fx.tcb.segs_in;

        s = fx_seg(CTL_ACK, fx.tcb.rcv.nxt.raw, FX_UNA, "0123456789");
        s.gso_size = 4;
        if (predict)
            cr_assert_eq(tcp_predicted(&fx.tcb, &fx.env, &s, 1), 1);
        else
            cr_assert_eq(fx_arrives(&fx, s), GN_DROP_NONE);
        cr_expect_eq(fx.tcb.segs_in, was + 3);
    }
    s = fx_seg(CTL_ACK, fx.tcb.rcv.nxt.raw, FX_UNA, "");
    s.gso_size = 4;
    cr_expect_eq(seg_on_wire(&s), 1);
    fx_fini(&fx);
}
