/* SPDX-License-Identifier: BSD-2-Clause */
/* Listeners, half-open entries, cookies, and the limits of all of them. */
#include "world.h"

#include "host/host.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

Test(listen, listen_errors_and_wildcards)
{
    struct gn_endpoint e = any;
    gn_handle l1, l2, l3, c, s;
    struct gn_status st;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    e.port = 80;
    cr_assert_eq(gn_host_listen(w.h[1], e, 4, NULL, &l1), GN_OK);
    cr_expect_eq(gn_host_listen(w.h[1], e, 4, NULL, &l2), GN_E_IN_USE);
    cr_expect_eq(gn_host_listen(w.h[1], world_end(0, false, 80), 4, NULL, &l2), GN_E_NOT_AVAILABLE);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 4, NULL, &l2), GN_OK);
    cr_assert_eq(gn_host_listen(w.h[1], any, 4, NULL, &l3), GN_OK);
    cr_assert_eq(gn_host_status(w.h[1], l3, w.now, &st), GN_OK);
    cr_expect(st.local.port >= 32768 && st.kind == GN_KIND_LISTENER && st.state == GN_LISTEN);
    cr_expect_eq(world_stats(&w, 1).state[GN_LISTEN], 3);
    /* the specific address wins; the IPv6 wildcard takes both families */
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_accept(w.h[1], l1, &s), GN_E_WOULD_BLOCK);
    cr_expect_eq(gn_host_accept(w.h[1], l2, &s), GN_OK);
    cr_expect_eq(gn_host_close(w.h[1], l2, w.now), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, true, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_accept(w.h[1], l1, &s), GN_OK);
    cr_expect_eq(gn_host_accept(w.h[1], l1, &s), GN_OK);
    cr_expect_eq(gn_host_accept(w.h[1], l2, &s), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_accept(w.h[1], s, &s), GN_E_INVALID);
    world_fini(&w);
}

/* several listeners on one port share the clients */
Test(listen, reuseport)
{
    unsigned got[2] = {0, 0};
    gn_handle l[2], c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l[0]), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[1], l[0], GN_OPT_REUSEPORT, 1, w.now), GN_OK);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l[1]), GN_OK);
    for (unsigned i = 0; i < 60; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    for (unsigned i = 0; i < 2; i++)
        while (!gn_host_accept(w.h[1], l[i], &s))
            got[i]++;
    cr_expect_eq(got[0] + got[1], 60);
    cr_expect(got[0] > 10 && got[1] > 10, "%u and %u", got[0], got[1]);
    world_fini(&w);
}

/* OPT-WS-7: the scale is what the SYN,ACK said, whatever is done to the listener or to the knobs
 * before the third ACK comes */
Test(listen, scale_of_a_half_open_connection_stays)
{
    struct gn_status before, st;
    gn_handle l, c, s;

    for (unsigned what = 0; what < 3; what++) {
        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 9, NULL, &l), GN_OK);
        cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_DEFER_ACCEPT, GN_SEC, w.now), GN_OK);
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
        world_flush(&w);
        cr_assert_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 1);
        if (what == 0)
            cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_RCVBUF, 30000, w.now), GN_OK);
        else if (what == 1)
            cr_assert_eq(gn_host_set_knob(w.h[1], "tcp_rmem_max", "256k"), GN_OK);
        else
            cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_WINDOW_CLAMP, 20000, w.now), GN_OK);
        cr_assert_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
        cr_assert_eq(gn_host_status(w.h[0], c, w.now, &before), GN_OK);
        cr_assert_eq(gn_host_status(w.h[1], s, w.now, &st), GN_OK);
        cr_expect_eq(st.rcv.wscale, before.snd.wscale, "%u: %u here, %u there", what, st.rcv.wscale,
                     before.snd.wscale);
        cr_expect_eq(gn_host_recv(w.h[1], s, &(char){0}, 1, 0, w.now), 1);
        world_transfer(&w, 0, c, s, 100000);
        world_fini(&w);
    }
}

/* the accept queue is full: the third ACK is dropped, the entry stays, SYN,ACK is sent again, and
 * the connection is there once there is room */
Test(listen, accept_queue_full)
{
    gn_handle l, c[5], s;
    struct gn_status st;
    unsigned got = 0;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 1, NULL, &l),
                 GN_OK); /* one more may wait */
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    cr_assert_eq(gn_host_status(w.h[1], l, w.now, &st), GN_OK);
    cr_expect_eq(st.backlog, 1);
    cr_expect_eq(st.send_q, 1);
    cr_expect_eq(st.recv_q, 2);
    cr_expect_eq(world_stats(&w, 1).state[GN_ESTABLISHED], 2);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 1);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_ACCEPT_QUEUE_FULL], 1);
    cr_expect_eq(world_stats(&w, 1).ListenOverflows, 1);
    /* a new SYN finds no room at all */
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[3]), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_ACCEPT_QUEUE_FULL], 2);
    cr_expect_eq(world_state(&w, 0, c[3]), GN_SYN_SENT);
    while (!gn_host_accept(w.h[1], l, &s))
        got++;
    cr_expect_eq(got, 2);
    world_run(&w, 8 * GN_SEC);
    while (!gn_host_accept(w.h[1], l, &s))
        got++;
    cr_expect_eq(got, 4);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    world_fini(&w);
}

Test(listen, abort_on_overflow)
{
    struct gn_conf conf;
    gn_handle l, c[2];

    gn_conf_default(&conf);
    conf.tcp_abort_on_overflow = 1;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 0, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c[0]), GN_ESTABLISHED);
    cr_expect_eq(world_state(&w, 0, c[1]), GN_CLOSED);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    world_fini(&w);
}

/* SEC-4987-1: SYN,ACKs are sent 1 + tcp_synack_retries times, at 1, 3, 7, 15, 31 s; then the entry
 * goes at 63 s */
Test(listen, half_open_retransmission)
{
    gn_time at[8];
    unsigned n = 0;
    gn_handle l;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l), GN_OK);
    w.cut[0] = true;
    world_inject(&w, 1, world_end(0, false, 1234), world_end(1, false, 80), 100, 0, CTL_SYN);
    for (gn_time t0 = w.now, out = 0; w.now < t0 + 70 * GN_SEC && n < 8;) {
        world_run(&w, 10 * GN_MSEC);
        if (world_stats(&w, 1).OutSegs != out) {
            out = world_stats(&w, 1).OutSegs;
            at[n++] = w.now - t0;
        }
    }
    cr_assert_eq(n, 6);
    for (unsigned i = 1; i < 6; i++)
        cr_expect_leq(at[i] / (10 * GN_MSEC) - ((1u << i) - 1) * 100, 1, "retry %u at %lu", i,
                      (unsigned long)at[i]); /* the times of half-open entries are rounded up */
    cr_expect_eq(world_stats(&w, 1).TCPSynRetrans, 5);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(world_stats(&w, 1).AttemptFails, 1);
    world_nothing_left(&w, 1);
    world_fini(&w);
}

/* tcp_rto_initial: an entry that waits already follows the knob */
Test(listen, half_open_retransmission_follows_the_knob)
{
    gn_handle l;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l), GN_OK);
    w.cut[0] = true;
    world_inject(&w, 1, world_end(0, false, 1234), world_end(1, false, 80), 100, 0, CTL_SYN);
    world_run(&w, 300 * GN_MSEC);
    cr_expect_eq(world_stats(&w, 1).TCPSynRetrans, 0);
    cr_assert_eq(gn_host_set_knob(w.h[1], "tcp_rto_initial", "200ms"), GN_OK);
    world_run(&w, 20 * GN_MSEC);
    cr_expect_eq(world_stats(&w, 1).TCPSynRetrans, 1);
    world_fini(&w);
}

/* MAL-23, SEC-4987: a flood fills the queue; clients are served by cookies; forged ACKs are not */
Test(listen, cookies)
{
    struct gn_conf conf;
    gn_handle l, c[20], s;
    unsigned got = 0;

    gn_conf_default(&conf);
    conf.tcp_max_syn_backlog = 50;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 200; i++) {
        struct gn_endpoint e = {gn_addr_v4(10, 9, 9, (uint8_t)i), 1234};

        world_inject(&w, 1, e, world_end(1, false, 80), 100, 0, CTL_SYN);
        if (i % 50 == 49)
            world_flush(&w);
    }
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 50);
    cr_expect_eq(world_stats(&w, 1).SyncookiesSent, 150);
    cr_expect_eq(world_stats(&w, 1).TCPReqQFullDoCookies, 150);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    for (; !gn_host_accept(w.h[1], l, &s); got++)
        cr_expect_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    cr_expect_eq(got, 20);
    cr_expect_eq(world_stats(&w, 1).SyncookiesRecv, 20);
    world_transfer(&w, 1, s, c[19], 100000);
    /* a forged one costs an RST */
    world_inject(&w, 1, world_end(0, false, 999), world_end(1, false, 80), 5, 6, CTL_ACK);
    cr_expect_eq(world_stats(&w, 1).SyncookiesFailed, 1);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_COOKIE_BAD], 1);
    /* SEC-4987-5: and is not even looked at two minutes after the last cookie */
    world_run(&w, 200 * GN_SEC);
    world_inject(&w, 1, world_end(0, false, 999), world_end(1, false, 80), 5, 6, CTL_ACK);
    cr_expect_eq(world_stats(&w, 1).SyncookiesFailed, 1);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_LISTEN_ACK], 2);
    world_fini(&w);
}

/* the timestamp offset of an entry is that of its tuple, be it remembered or hashed again: there
 * are more entries than are remembered */
Test(listen, ts_offset_of_half_open_connections)
{
    const struct pool *p;
    struct gn_conf conf;
    unsigned n = 0;
    gn_handle l;

    gn_conf_default(&conf);
    conf.tcp_max_syn_backlog = 1000;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    p = &w.h[1]->syncache.pool;
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l), GN_OK);
    for (unsigned i = 0; i < SYNCACHE_OFFSETS + 50; i++) {
        struct gn_endpoint e = {gn_addr_v4(10, 9, (uint8_t)(i >> 8), (uint8_t)i), 1234};

        world_inject(&w, 1, e, world_end(1, false, 80), 100, 0, CTL_SYN);
        world_flush(&w);
    }
    for (uint32_t i = pool_next(p, 0); i != UINT32_MAX; i = pool_next(p, i + 1), n++) {
        const struct half_open *o = pool_at(p, i);

        cr_expect_eq(syncache_ts_offset(w.h[1], i, o), tcp_ts_offset(&w.h[1]->env, &o->key));
    }
    cr_expect_eq(n, SYNCACHE_OFFSETS + 50);
    world_fini(&w);
}

/* window and number of the last SYN,ACK that host 1 has sent */
static unsigned announced;
static uint32_t synack;

static void look_at_window(struct packet *p)
{
    if ((p->data[33] & (CTL_SYN | CTL_ACK)) == (CTL_SYN | CTL_ACK)) {
        announced = get16(p->data + 34);
        synack = get32(p->data + 24);
    }
}

static const struct gn_endpoint strangers = {.addr = {{[10] = 0xff, 0xff, 10, 9, 9, 9}}};

/** window_told() - what is told to one more stranger, who does not answer, or to one who asks again
 */
static unsigned window_told(uint16_t port)
{
    struct gn_endpoint e = {strangers.addr, port};

    announced = 0;
    world_inject(&w, 1, e, world_end(1, false, 80), 100, 0, CTL_SYN);
    world_flush(&w);
    return announced;
}

/** window_had() - with what window does the connection of that stranger begin, who answers now? */
static uint32_t window_had(gn_handle l, uint16_t port, uint32_t iss)
{
    struct gn_endpoint e = {strangers.addr, port};
    struct gn_status st;
    gn_handle c;

    world_inject(&w, 1, e, world_end(1, false, 80), 101, iss + 1, CTL_ACK);
    cr_assert_eq(gn_host_accept(w.h[1], l, &c), GN_OK);
    cr_assert_eq(gn_host_status(w.h[1], c, w.now, &st), GN_OK);
    (void)gn_host_abort(w.h[1], c, w.now);
    (void)gn_host_close(w.h[1], c, w.now);
    return st.rcv.edge - 101;
}

static void set_rcvbuf(gn_handle l, unsigned octets)
{
    cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_RCVBUF, octets, w.now), GN_OK);
}

/* SHLD-14: a listener's buffer shrinks: SYN,ACKs that announced the old window keep to it, when
 * they are sent again and when they are answered. Newcomers are told of the new one, however many
 * of the others there are and whatever was told before */
Test(listen, a_smaller_buffer)
{
    for (unsigned cookies = 0; cookies <= 2; cookies += 2) {
        struct gn_conf conf;
        uint32_t iss[4];
        gn_handle l;

        gn_conf_default(&conf);
        conf.tcp_syncookies = cookies;
        world_init(&w, &conf, 0, GN_MEDIUM_IP);
        w.bend = look_at_window;
        cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l), GN_OK);
        set_rcvbuf(l, 50000);
        set_rcvbuf(l, 40000);
        cr_expect_eq(window_told(1001), 40000, "nobody has heard of 50000");
        iss[0] = synack;
        set_rcvbuf(l, 4000);
        cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_NODELAY, 1, w.now), GN_OK);
        cr_expect_eq(window_told(1002), 4000);
        iss[1] = synack;
        set_rcvbuf(l, 3000);
        cr_expect_eq(window_told(1003), 3000);
        iss[2] = synack;
        cr_expect_eq(window_told(1001), cookies ? 3000 : 40000, "an entry knows");
        cr_expect_eq(window_had(l, 1001, iss[0]), 40000);
        cr_expect_geq(window_had(l, 1002, iss[1]), 4000);
        cr_expect_eq(window_had(l, 1003, iss[2]), cookies ? 40000 : 3000, "a cookie may be old");
        set_rcvbuf(l, 45000);
        cr_expect_eq(window_told(1004), 45000, "more may be announced at any time");
        iss[3] = synack;
        set_rcvbuf(l, 4000);
        for (unsigned i = 0; i < 13; i++) { /* never quiet */
            world_run(&w, 10 * GN_SEC);
            cr_expect_eq(window_told((uint16_t)(3000 + i)), 4000);
            cr_expect_eq(window_told((uint16_t)(2000 + i)), 4000);
            cr_expect_eq(window_had(l, (uint16_t)(2000 + i), synack),
                         cookies && i < 11 ? 45000 : 4000, "%u", i);
            if (i == 0)
                cr_expect_eq(window_had(l, 1004, iss[3]), 45000);
        }
        world_fini(&w);
    }
}

Test(listen, no_cookies)
{
    struct gn_conf conf;
    gn_handle l;

    gn_conf_default(&conf);
    conf.tcp_max_syn_backlog = 5;
    conf.tcp_syncookies = 0;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 9; i++)
        world_inject(&w, 1, world_end(0, false, (uint16_t)(1000 + i)), world_end(1, false, 80), 100,
                     0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_SYN_QUEUE_FULL], 4);
    cr_expect_eq(world_stats(&w, 1).TCPReqQFullDrop, 4);
    /* the listener goes, and they with it */
    cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(world_stats(&w, 1).state[GN_LISTEN], 0);
    world_fini(&w);
}

/* a listener that closes resets what waits to be accepted */
Test(listen, listener_closes)
{
    gn_handle l, c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_poll(w.h[1], l), GN_EV_ACCEPT);
    cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_CLOSED);
    world_nothing_left(&w, 1);
    cr_expect_eq(world_stats(&w, 1).state[GN_LISTEN], 0);
    world_fini(&w);
}

/* RSTs for closed ports are bounded by tcp_rst_ratelimit */
Test(listen, rst_rate_limit)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_rst_ratelimit = 3;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 10; i++)
        world_inject(&w, 1, world_end(0, false, 5), world_end(1, false, 80), i, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_CLOSED_PORT], 3);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_RATE_LIMITED], 7);
    w.now += GN_SEC;
    world_inject(&w, 1, world_end(0, false, 5), world_end(1, false, 80), 1, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_CLOSED_PORT], 4);
    world_fini(&w);
}

/* options of a listener are those of what it accepts */
Test(listen, options_are_inherited)
{
    gn_handle l, c, s;
    uint64_t v = 0;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l), GN_OK);
    cr_expect_eq(gn_host_set_option(w.h[1], l, GN_OPT_NODELAY, 1, w.now), GN_OK);
    cr_expect_eq(gn_host_set_option(w.h[1], l, GN_OPT_TTL, 7, w.now), GN_OK);
    cr_expect_eq(gn_host_set_option(w.h[1], l, GN_OPT_TTL, 700, w.now), GN_E_INVALID);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_expect_eq(gn_host_get_option(w.h[1], s, GN_OPT_NODELAY, &v), GN_OK);
    cr_expect_eq(v, 1);
    cr_expect_eq(gn_host_get_option(w.h[1], s, GN_OPT_TTL, &v), GN_OK);
    cr_expect_eq(v, 7);
    cr_expect_eq(gn_host_get_option(w.h[1], l, GN_OPT_TTL, &v), GN_OK);
    cr_expect_eq(v, 7);
    world_fini(&w);
}
