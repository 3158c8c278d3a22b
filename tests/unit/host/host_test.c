/* SPDX-License-Identifier: BSD-2-Clause */
/* Two hosts: connections open, carry, close, and everything that can go wrong with that. */
#include "world.h"

#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

/** both_ways() - handshake, a megabyte each way, orderly close, TIME-WAIT, nothing left */
static void both_ways(unsigned caps, enum gn_medium medium, bool v6)
{
    gn_handle l, c, s;
    uint8_t b;

    world_init(&w, NULL, caps, medium);
    world_pair(&w, v6, 80, &l, &c, &s);
    cr_assert_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_assert_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    world_transfer(&w, 0, c, s, 1 << 20);
    world_transfer(&w, 1, s, c, 1 << 20);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_FIN_WAIT_2);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSE_WAIT);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), 0);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_run(&w, GN_SEC);
    cr_expect_eq(world_state(&w, 0, c), GN_TIME_WAIT);
    world_nothing_left(&w, 1);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(world_stats(&w, 0).state[GN_TIME_WAIT], 1);
    cr_expect_eq(gn_host_recv(w.h[0], c, &b, 1, 0, w.now), GN_E_BAD_HANDLE);
    world_run(&w, 61 * GN_SEC);
    world_nothing_left(&w, 0);
    cr_expect_eq(world_stats(&w, 0).transition[GN_TIME_WAIT][GN_CLOSED], 1);
    cr_expect_eq(world_stats(&w, 0).InErrs + world_stats(&w, 1).InErrs, 0);
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
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_CLOSED_PORT], 1);
    cr_expect_eq(world_stats(&w, 1).OutRsts, 1);
    world_nothing_left(&w, 0);
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
    cr_expect_eq(world_stats(&w, 0).TCPSynRetrans, 6);
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
    world_nothing_left(&w, 0);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
    cr_expect_eq(gn_host_recv(w.h[1], s, &b, 1, 0, w.now), GN_E_RESET);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_nothing_left(&w, 1);
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
    world_nothing_left(&w, 1);
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
    cr_expect_eq(world_stats(&w, 0).state[GN_FIN_WAIT_2], 1);
    cr_expect_eq(world_stats(&w, 0).orphans, 1);
    world_run(&w, 61 * GN_SEC);
    world_nothing_left(&w, 0);
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
    cr_expect_eq(world_stats(&w, 0).TCPAbortOnMemory, 1);
    world_nothing_left(&w, 0);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 1, s), GN_CLOSED);
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

/* KNOB-48: reserved ports are given to nobody who asks for any, and to who asks for them */
Test(host, reserved_ports)
{
    struct gn_endpoint at = {.port = 2003};
    struct gn_conf conf;
    struct gn_status st;
    gn_handle c, l;

    gn_conf_default(&conf);
    conf.ip_local_port_min = 2000;
    conf.ip_local_port_max = 2005;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_set_knob(w.h[0], "ip_local_reserved_ports", "2001-2003,2005"), GN_OK);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
        cr_assert_eq(gn_host_status(w.h[0], c, w.now, &st), GN_OK);
        cr_expect(st.local.port == 2000 || st.local.port == 2004, "%u", st.local.port);
    }
    cr_expect_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c),
                 GN_E_NO_PORTS);
    cr_expect_eq(gn_host_connect(w.h[0], at, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(gn_host_listen(w.h[0], any, 1, NULL, &l), GN_OK);
        cr_assert_eq(gn_host_status(w.h[0], l, w.now, &st), GN_OK);
        cr_expect(st.local.port == 2000 || st.local.port == 2004, "%u", st.local.port);
    }
    cr_expect_eq(gn_host_listen(w.h[0], any, 1, NULL, &l), GN_E_NO_PORTS);
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
    world_close_both(&w, c, s);
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
        cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_TCP_CHECKSUM], 1);
        cr_expect_eq(world_stats(&w, 1).InErrs, 1);
        buf[f.len - 1] ^= 1;
        gn_host_input(w.h[1], &in, 1, w.now);
        cr_expect_eq(gn_host_recv(w.h[1], s, buf, sizeof(buf), 0, w.now), 6);
        cr_expect_eq(memcmp(buf, "abcdef", 6), 0);
    }
    world_fini(&w);
}
