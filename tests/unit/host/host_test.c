/* SPDX-License-Identifier: BSD-2-Clause */
/* Two hosts: connections open, carry, close, and everything that can go wrong with that. */
#include "world.h"

#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

static struct gn_stats stats(unsigned i)
{
    struct gn_stats s;

    gn_host_stats(w.h[i], &s);
    return s;
}

/** nothing_left() - no connection in any state; listeners do not count */
static void nothing_left(unsigned i)
{
    struct gn_stats s = stats(i);

    for (unsigned k = 0; k < GN_STATE_COUNT; k++)
        cr_expect(k == GN_LISTEN || s.state[k] == 0, "host %u: %lu in %s", i,
                  (unsigned long)s.state[k], gn_state_name((enum gn_state)k));
    cr_expect_eq(s.orphans, 0);
}

static uint8_t octet(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

/** transfer() - @n octets from host @from to the other, compared */
static void transfer(unsigned from, gn_handle a, gn_handle b, size_t n)
{
    static uint8_t buf[20000];
    size_t sent = 0, got = 0;

    for (unsigned rounds = 0; got < n; rounds++) {
        int64_t k;

        cr_assert_lt(rounds, 100000, "stuck at %zu of %zu", got, n);
        do {
            size_t len = n - sent < sizeof(buf) ? n - sent : sizeof(buf);

            for (size_t i = 0; i < len; i++)
                buf[i] = octet(sent + i);
            k = len ? gn_host_send(w.h[from], a, buf, len, 0, w.now) : 0;
            sent += k > 0 ? (size_t)k : 0;
        } while (k > 0);
        world_run(&w, GN_MSEC);
        while ((k = gn_host_recv(w.h[1 - from], b, buf, sizeof(buf), 0, w.now)) > 0)
            for (int64_t i = 0; i < k; i++)
                cr_assert_eq(buf[i], octet(got++));
    }
}

/** both_ways() - handshake, a megabyte each way, orderly close, TIME-WAIT, nothing left */
static void both_ways(unsigned caps, enum gn_medium medium, bool v6)
{
    gn_handle l, c, s;
    uint8_t b;

    world_init(&w, NULL, caps, medium);
    world_pair(&w, v6, 80, &l, &c, &s);
    cr_assert_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_assert_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    transfer(0, c, s, 1 << 20);
    transfer(1, s, c, 1 << 20);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_FIN_WAIT_2);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSE_WAIT);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), 0);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_run(&w, GN_SEC);
    cr_expect_eq(world_state(&w, 0, c), GN_TIME_WAIT);
    nothing_left(1);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(stats(0).state[GN_TIME_WAIT], 1);
    cr_expect_eq(gn_host_recv(w.h[0], c, &b, 1, 0, w.now), GN_E_BAD_HANDLE);
    world_run(&w, 61 * GN_SEC);
    nothing_left(0);
    cr_expect_eq(stats(0).transition[GN_TIME_WAIT][GN_CLOSED], 1);
    cr_expect_eq(stats(0).InErrs + stats(1).InErrs, 0);
    world_fini(&w);
}

Test(host, both_ways_ipv4)
{
    both_ways(0, GN_MEDIUM_IP, false);
}

Test(host, both_ways_ipv6)
{
    both_ways(0, GN_MEDIUM_IP, true);
}

Test(host, both_ways_ethernet)
{
    both_ways(0, GN_MEDIUM_ETHERNET, false);
    both_ways(0, GN_MEDIUM_ETHERNET, true);
}

Test(host, both_ways_gather)
{
    both_ways(GN_CAP_GATHER, GN_MEDIUM_IP, false);
    both_ways(GN_CAP_GATHER, GN_MEDIUM_ETHERNET, true);
}

Test(host, both_ways_checksum_offload)
{
    both_ways(GN_CAP_CSUM_TX | GN_CAP_CSUM_RX, GN_MEDIUM_IP, true);
}

Test(host, both_ways_super_segments)
{
    both_ways(GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO, GN_MEDIUM_IP, false);
    both_ways(GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO | GN_CAP_GATHER, GN_MEDIUM_IP, true);
}

/* a port where nobody listens: RST, the user hears REFUSED once */
Test(host, refused)
{
    struct gn_event ev[4];
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 81), &c, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_CLOSED);
    cr_assert_eq(gn_host_events(w.h[0], ev, 4), 1);
    cr_expect_eq(ev[0].handle, c);
    cr_expect_eq(ev[0].user, &c);
    cr_expect(ev[0].what & GN_EV_ERROR);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_REFUSED);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_OK);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(stats(1).drop[GN_DROP_CLOSED_PORT], 1);
    cr_expect_eq(stats(1).OutRsts, 1);
    nothing_left(0);
    world_fini(&w);
}

/* what OPEN refuses before any segment leaves (MUST-46 and others) */
Test(host, connect_errors)
{
    struct gn_endpoint e = world_end(1, false, 80), l = any;
    gn_handle c = 0;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    e.port = 0;
    cr_expect_eq(gn_host_connect(w.h[0], any, e, NULL, w.now, &c), GN_E_INVALID);
    e = (struct gn_endpoint){gn_addr_v4(224, 0, 0, 1), 80};
    cr_expect_eq(gn_host_connect(w.h[0], any, e, NULL, w.now, &c), GN_E_INVALID);
    e = (struct gn_endpoint){gn_addr_v4(255, 255, 255, 255), 80};
    cr_expect_eq(gn_host_connect(w.h[0], any, e, NULL, w.now, &c), GN_E_INVALID);
    e = any;
    e.port = 80;
    cr_expect_eq(gn_host_connect(w.h[0], any, e, NULL, w.now, &c), GN_E_INVALID);
    e = world_end(1, true, 80);
    e.addr.b[0] = 0x20; /* no route to there */
    cr_expect_eq(gn_host_connect(w.h[0], any, e, NULL, w.now, &c), GN_E_NO_ROUTE);
    e = world_end(1, false, 80);
    l.addr = gn_addr_v4(10, 0, 0, 9);
    cr_expect_eq(gn_host_connect(w.h[0], l, e, NULL, w.now, &c), GN_E_NOT_AVAILABLE);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, true, 0), e, NULL, w.now, &c), GN_E_INVALID);
    cr_expect_eq(
        gn_host_connect(w.h[0], world_end(0, false, 5), world_end(0, false, 5), NULL, w.now, &c),
        GN_E_INVALID);
    cr_assert_eq(gn_host_connect(w.h[0], world_end(0, false, 5), e, NULL, w.now, &c), GN_OK);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, false, 5), e, NULL, w.now, &c), GN_E_IN_USE);
    world_fini(&w);
}

/* a connection attempt that nobody answers */
Test(host, connect_times_out)
{
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    w.cut[1] = true;
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_run(&w, 200 * GN_SEC);
    cr_expect_eq(world_state(&w, 0, c), GN_CLOSED);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_TIMED_OUT);
    cr_expect_eq(stats(0).TCPSynRetrans, 6);
    world_fini(&w);
}

Test(host, listen_errors_and_wildcards)
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
    cr_expect_eq(stats(1).state[GN_LISTEN], 3);
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
Test(host, reuseport)
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

/* the accept queue is full: the third ACK is dropped, the entry stays, SYN,ACK is sent again, and
 * the connection is there once there is room */
Test(host, accept_queue_full)
{
    gn_handle l, c[5], s;
    unsigned got = 0;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    cr_expect_eq(stats(1).state[GN_ESTABLISHED], 2);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 1);
    cr_expect_eq(stats(1).drop[GN_DROP_ACCEPT_QUEUE_FULL], 1);
    cr_expect_eq(stats(1).ListenOverflows, 1);
    /* a new SYN finds no room at all */
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[3]), GN_OK);
    world_flush(&w);
    cr_expect_eq(stats(1).drop[GN_DROP_ACCEPT_QUEUE_FULL], 2);
    cr_expect_eq(world_state(&w, 0, c[3]), GN_SYN_SENT);
    while (!gn_host_accept(w.h[1], l, &s))
        got++;
    cr_expect_eq(got, 2);
    world_run(&w, 8 * GN_SEC);
    while (!gn_host_accept(w.h[1], l, &s))
        got++;
    cr_expect_eq(got, 4);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 0);
    world_fini(&w);
}

Test(host, abort_on_overflow)
{
    struct gn_conf conf;
    gn_handle l, c[2];

    gn_conf_default(&conf);
    conf.tcp_abort_on_overflow = 1;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 1, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c[0]), GN_ESTABLISHED);
    cr_expect_eq(world_state(&w, 0, c[1]), GN_CLOSED);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 0);
    world_fini(&w);
}

/* SEC-4987-1: SYN,ACKs are sent 1 + tcp_synack_retries times, at 1, 3, 7, 15, 31 s; then the entry
 * goes at 63 s */
Test(host, half_open_retransmission)
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
        if (stats(1).OutSegs != out) {
            out = stats(1).OutSegs;
            at[n++] = w.now - t0;
        }
    }
    cr_assert_eq(n, 6);
    for (unsigned i = 1; i < 6; i++)
        cr_expect_eq(at[i] / (10 * GN_MSEC), ((1u << i) - 1) * 100 + (at[i] % (10 * GN_MSEC) != 0),
                     "retry %u at %lu", i, (unsigned long)at[i]);
    cr_expect_eq(stats(1).TCPSynRetrans, 5);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(stats(1).AttemptFails, 1);
    nothing_left(1);
    world_fini(&w);
}

/* MAL-23, SEC-4987: a flood fills the queue; clients are served by cookies; forged ACKs are not */
Test(host, cookies)
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
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 50);
    cr_expect_eq(stats(1).SyncookiesSent, 150);
    cr_expect_eq(stats(1).TCPReqQFullDoCookies, 150);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_flush(&w);
    for (; !gn_host_accept(w.h[1], l, &s); got++)
        cr_expect_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    cr_expect_eq(got, 20);
    cr_expect_eq(stats(1).SyncookiesRecv, 20);
    transfer(1, s, c[19], 100000);
    /* a forged one costs an RST */
    world_inject(&w, 1, world_end(0, false, 999), world_end(1, false, 80), 5, 6, CTL_ACK);
    cr_expect_eq(stats(1).SyncookiesFailed, 1);
    cr_expect_eq(stats(1).drop[GN_DROP_COOKIE_BAD], 1);
    /* SEC-4987-5: and is not even looked at two minutes after the last cookie */
    world_run(&w, 200 * GN_SEC);
    world_inject(&w, 1, world_end(0, false, 999), world_end(1, false, 80), 5, 6, CTL_ACK);
    cr_expect_eq(stats(1).SyncookiesFailed, 1);
    cr_expect_eq(stats(1).drop[GN_DROP_LISTEN_ACK], 2);
    world_fini(&w);
}

Test(host, no_cookies)
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
    cr_expect_eq(stats(1).drop[GN_DROP_SYN_QUEUE_FULL], 4);
    cr_expect_eq(stats(1).TCPReqQFullDrop, 4);
    /* the listener goes, and they with it */
    cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(stats(1).state[GN_LISTEN], 0);
    world_fini(&w);
}

/* ABORT: RST, the peer hears RESET and never an end of data (MUST-12) */
Test(host, abort)
{
    gn_handle l, c, s;
    uint8_t b;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_abort(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(gn_host_abort(w.h[0], c, w.now), GN_E_BAD_HANDLE);
    world_flush(&w);
    nothing_left(0);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), GN_E_RESET);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    nothing_left(1);
    world_fini(&w);
}

/* SHLD-3: CLOSE with unread data resets */
Test(host, close_unread)
{
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
    world_flush(&w);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_CLOSED);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_RESET);
    nothing_left(1);
    world_fini(&w);
}

/* a listener that closes resets what waits to be accepted */
Test(host, listener_closes)
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
    nothing_left(1);
    cr_expect_eq(stats(1).state[GN_LISTEN], 0);
    world_fini(&w);
}

/* an orphan goes through its states by itself; FIN-WAIT-2 is bounded by tcp_fin_timeout */
Test(host, orphan_in_fin_wait_2)
{
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(stats(0).state[GN_FIN_WAIT_2], 1);
    cr_expect_eq(stats(0).orphans, 1);
    world_run(&w, 61 * GN_SEC);
    nothing_left(0);
    world_fini(&w);
}

Test(host, too_many_orphans)
{
    struct gn_conf conf;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.tcp_max_orphans = 0;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(stats(0).TCPAbortOnMemory, 1);
    nothing_left(0);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
    world_fini(&w);
}

/** close_both() - the client closes first, then the server: a TIME-WAIT record on host 0 */
static uint16_t close_both(gn_handle c, gn_handle s)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[0], c, w.now, &st), GN_OK);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(stats(0).state[GN_TIME_WAIT], 1);
    return st.local.port;
}

/* RFC 6191: the tuple of a TIME-WAIT record may be used again by an active OPEN if timestamps tell
 * the incarnations apart, from one second on, and if the knob allows */
Test(host, time_wait_reuse_by_open)
{
    struct gn_conf conf;
    gn_handle l, c, s;
    uint16_t port;

    gn_conf_default(&conf);
    conf.tcp_tw_reuse = 1;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    port = close_both(c, s);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, false, port), world_end(1, false, 80), NULL,
                                 w.now, &c),
                 GN_E_IN_USE);
    world_run(&w, 2 * GN_SEC);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, false, port), world_end(1, false, 80), NULL,
                                 w.now, &c),
                 GN_OK);
    cr_expect_eq(stats(0).TWRecycled, 1);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    transfer(0, c, s, 5000);
    world_fini(&w);
}

/* TW-1: a SYN with a newer timestamp for a TIME-WAIT record of the passive side opens a new
 * incarnation; TW-9: if that was an old duplicate, the record is in force again */
Test(host, time_wait_and_syn)
{
    gn_handle l, c, s;
    struct gn_status st;
    struct gn_endpoint client;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    gn_host_status(w.h[0], c, w.now, &st);
    client = st.local;
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(stats(1).state[GN_TIME_WAIT], 1);
    nothing_left(0);
    /* TW-4/7: no timestamps, an old sequence number: dropped */
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.iss - 5, 0, CTL_SYN);
    cr_expect_eq(stats(1).drop[GN_DROP_TIME_WAIT_SYN], 1);
    /* TW-6 like: beyond the old one: accepted, and denied by an RST */
    w.cut[0] = true;
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.nxt + 100000, 0, CTL_SYN);
    world_flush(&w);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 1);
    cr_expect_eq(stats(1).state[GN_TIME_WAIT], 1);
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.nxt + 100001, 0, CTL_RST);
    cr_expect_eq(stats(1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(stats(1).state[GN_TIME_WAIT], 1);
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.iss - 5, 0, CTL_SYN);
    cr_expect_eq(stats(1).drop[GN_DROP_TIME_WAIT_SYN], 2);
    /* the real thing: the same port, a second later */
    w.cut[0] = false;
    world_run(&w, 2 * GN_SEC);
    cr_assert_eq(gn_host_connect(w.h[0], client, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_expect_eq(stats(1).state[GN_TIME_WAIT], 0);
    cr_expect_eq(stats(1).TWRecycled, 1);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    world_fini(&w);
}

/* the same while the user still holds the connection in TIME-WAIT: that one is over for it */
Test(host, time_wait_with_user_and_syn)
{
    gn_handle l, c, s;
    struct gn_status st;
    uint8_t b;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    gn_host_status(w.h[0], c, w.now, &st);
    cr_expect_eq(gn_host_shutdown(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 1, s), GN_TIME_WAIT);
    world_run(&w, 2 * GN_SEC);
    cr_assert_eq(gn_host_connect(w.h[0], st.local, world_end(1, false, 80), NULL, w.now, &c),
                 GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), 0);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    cr_expect_eq(stats(1).state[GN_TIME_WAIT], 0);
    cr_expect_eq(stats(1).state[GN_ESTABLISHED], 1);
    world_fini(&w);
}

/* tcp_max_tw_buckets: the oldest go first */
Test(host, time_wait_limit)
{
    struct gn_conf conf;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.tcp_max_tw_buckets = 3;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    close_both(c, s);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
        gn_host_close(w.h[0], c, w.now);
        world_flush(&w);
        gn_host_close(w.h[1], s, w.now);
        world_flush(&w);
    }
    cr_expect_eq(stats(0).state[GN_TIME_WAIT], 3);
    cr_expect_eq(stats(0).TimeWaitOverflow, 3);
    cr_expect_eq(gn_host_set_knob(w.h[0], "tcp_max_tw_buckets", "0"), GN_OK);
    world_run(&w, 70 * GN_SEC);
    nothing_left(0);
    world_fini(&w);
}

/* SEC-6056-2: all ports in use: an error, at once the second time, until one is free again */
Test(host, ports_run_out)
{
    struct gn_conf conf;
    gn_handle c[11], l;

    gn_conf_default(&conf);
    conf.ip_local_port_min = 2000;
    conf.ip_local_port_max = 2010;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    /* a port on which somebody listens is not given away */
    cr_assert_eq(gn_host_listen(w.h[0], world_end(0, false, 2005), 1, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    for (unsigned i = 0; i < 3; i++)
        cr_expect_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[10]),
                     GN_E_NO_PORTS);
    cr_expect_eq(gn_host_abort(w.h[0], c[3], w.now), GN_OK);
    cr_expect_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[10]), GN_OK);
    /* another destination has its own tuples */
    cr_expect_eq(gn_host_connect(w.h[0], any, world_end(1, false, 81), NULL, w.now, &c[3]), GN_OK);
    world_fini(&w);
}

/* RSTs for closed ports are bounded by tcp_rst_ratelimit */
Test(host, rst_rate_limit)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_rst_ratelimit = 3;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 10; i++)
        world_inject(&w, 1, world_end(0, false, 5), world_end(1, false, 80), i, 0, CTL_SYN);
    cr_expect_eq(stats(1).drop[GN_DROP_CLOSED_PORT], 3);
    cr_expect_eq(stats(1).drop[GN_DROP_RATE_LIMITED], 7);
    w.now += GN_SEC;
    world_inject(&w, 1, world_end(0, false, 5), world_end(1, false, 80), 1, 0, CTL_SYN);
    cr_expect_eq(stats(1).drop[GN_DROP_CLOSED_PORT], 4);
    world_fini(&w);
}

/* every object is found by a walk, once */
Test(host, walk)
{
    unsigned kind[4] = {0};
    struct gn_status st;
    uint64_t cursor = 0;
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    close_both(c, s);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, true, 80), NULL, w.now, &c), GN_OK);
    world_inject(&w, 1, world_end(0, false, 7), world_end(1, false, 80), 1, 0, CTL_SYN);
    while (gn_host_walk(w.h[0], &cursor, w.now, &st))
        kind[st.kind]++;
    cr_expect(kind[GN_KIND_CONNECTION] == 3 && kind[GN_KIND_TIME_WAIT] == 1);
    memset(kind, 0, sizeof(kind));
    for (cursor = 0; gn_host_walk(w.h[1], &cursor, w.now, &st);)
        kind[st.kind]++;
    cr_expect(kind[GN_KIND_LISTENER] == 1 && kind[GN_KIND_HALF_OPEN] == 1);
    cr_expect(!gn_host_walk(w.h[1], &cursor, w.now, &st));
    world_fini(&w);
}

/* a handle is stale once its connection is gone, even if the place is used again */
Test(host, stale_handles)
{
    struct gn_status st;
    gn_handle l, c, s, old, next;
    uint64_t v;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    old = c;
    cr_expect_eq(gn_host_abort(w.h[0], c, w.now), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &next), GN_OK);
    cr_expect_neq(next, old);
    cr_expect_eq((uint32_t)next, (uint32_t)old, "the same place");
    cr_expect_eq(gn_host_status(w.h[0], old, w.now, &st), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_send(w.h[0], old, "x", 1, 0, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_shutdown(w.h[0], old, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_get_option(w.h[0], old, GN_OPT_NODELAY, &v), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_set_user(w.h[0], old, NULL), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_poll(w.h[0], old), 0);
    for (gn_handle x = 1; x; x <<= 1)
        cr_expect_eq(gn_host_status(w.h[0], next ^ x, w.now, &st), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_send(w.h[1], l, "x", 1, 0, w.now), GN_E_NOT_CONNECTED);
    world_fini(&w);
}

/* options of a listener are those of what it accepts */
Test(host, options_are_inherited)
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

/** life() - a short life with memory that ends at the @n-th call of either host; false: it was
 *  enough, nothing failed */
static void life(long n)
{
    static uint8_t data[50000];
    gn_handle l = 0, c = 0, s = 0;

    w.pages[0].calls = w.pages[1].calls = 0;
    w.pages[0].fail_from = w.pages[1].fail_from = n;
    (void)gn_host_listen(w.h[1], world_end(1, false, 80), 2, NULL, &l);
    (void)gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c);
    world_run(&w, 10 * GN_SEC);
    (void)gn_host_accept(w.h[1], l, &s);
    (void)gn_host_send(w.h[0], c, data, sizeof(data), 0, w.now);
    world_run(&w, 10 * GN_SEC);
    (void)gn_host_recv(w.h[1], s, data, sizeof(data), 0, w.now);
    (void)gn_host_close(w.h[0], c, w.now);
    (void)gn_host_close(w.h[1], s, w.now);
    world_run(&w, 2 * GN_SEC);
    (void)gn_host_close(w.h[1], l, w.now);
}

/* out of memory anywhere: an error or a delay, never a crash, and all memory comes back */
Test(host, out_of_memory)
{
    for (long n = 1; n < 16; n++) {
        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        life(n);
        world_fini(&w);
    }
    for (long n = 1; n < 8; n++) {
        struct pages p = {.fail_from = n};
        struct gn_host_config c = {.pages = pages_source(&p)};
        enum gn_err err = GN_OK;
        struct gn_host *h;

        gn_conf_default(&c.conf);
        h = gn_host_new(&c, 0, &err);
        cr_expect(h || err == GN_E_NO_MEMORY);
        gn_host_free(h);
        cr_expect_eq(p.out, 0);
    }
}

/* a host is refused if its configuration makes no sense */
Test(host, bad_configuration)
{
    struct pages p = {0};
    struct gn_host_config c = {.pages = pages_source(&p)};
    enum gn_err err = GN_OK;

    cr_expect_null(gn_host_new(&c, 0, &err));
    cr_expect_eq(err, GN_E_INVALID);
    cr_expect_null(gn_host_new(NULL, 0, NULL));
    gn_conf_default(&c.conf);
    c.pages.alloc = NULL;
    cr_expect_null(gn_host_new(&c, 0, NULL));
}

/* MUST-2, MUST-3: a wrong checksum is counted and nothing else */
Test(host, corrupted)
{
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_send(w.h[0], c, "abcdef", 6, 0, w.now), 6);
    w.cut[0] = true;
    {
        uint8_t buf[2048];
        struct gn_frame f = {.buf = buf, .cap = sizeof(buf)}, in;

        cr_assert_eq(gn_host_output(w.h[0], &f, 1, w.now), 1);
        in = (struct gn_frame){.data = f.data, .len = f.len};
        buf[f.len - 1] ^= 1;
        gn_host_input(w.h[1], &in, 1, w.now);
        cr_expect_eq(stats(1).drop[GN_DROP_TCP_CHECKSUM], 1);
        cr_expect_eq(stats(1).InErrs, 1);
        buf[f.len - 1] ^= 1;
        gn_host_input(w.h[1], &in, 1, w.now);
        cr_expect_eq(gn_host_recv(w.h[1], s, buf, sizeof(buf), 0, w.now), 6);
        cr_expect_eq(memcmp(buf, "abcdef", 6), 0);
    }
    world_fini(&w);
}
