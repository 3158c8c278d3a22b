/* SPDX-License-Identifier: BSD-2-Clause */
/** @file Interfaces and routes that change under connections. */
#include "world.h"

#include "base/bits.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static uint32_t largest; /* IP packet on the wire since it was set to 0 */
static unsigned supers, owed;

/** measure() - a bend that spoils nothing */
static void measure(struct packet *p)
{
    largest = max_u32(largest, p->gso_size ? p->gso_size + p->hdr_len : p->len);
    supers += p->gso_size != 0;
    owed += (p->flags & GN_FRAME_CSUM_OWED) != 0;
}

/** change() - interface 0 of host 0 is as told from now on */
static enum gn_err change(uint16_t mtu, unsigned caps)
{
    w.iface.mtu = mtu;
    w.iface.caps = caps;
    largest = supers = owed = 0;
    return gn_host_set_iface(w.h[0], 0, &w.iface);
}

/** begin() - a connection between hosts whose interfaces have @caps */
static void begin(unsigned caps, bool v6, gn_handle *c, gn_handle *s)
{
    gn_handle l;

    world_init(&w, NULL, caps, GN_MEDIUM_IP);
    w.bend = measure;
    world_pair(&w, v6, 80, &l, c, s);
    world_transfer(&w, 0, *c, *s, 100000);
    cr_assert_eq(largest, caps & GN_CAP_TSO ? largest : 1500);
}

/* a smaller MTU holds for the next segment of a connection that is there */
Test(iface, a_smaller_mtu_holds_at_once)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        gn_handle c, s;

        begin(0, v6, &c, &s);
        cr_assert_eq(change(1300, 0), GN_OK);
        world_transfer(&w, 0, c, s, 100000);
        cr_expect_eq(largest, 1300);
        world_fini(&w);
    }
}

/* what is out in segments that are too large, and is lost, goes again in smaller ones */
Test(iface, what_is_out_goes_again)
{
    static char text[8000];
    gn_handle c, s;

    begin(0, false, &c, &s);
    w.cut[1] = true;
    cr_assert_eq(gn_host_send(w.h[0], c, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    world_flush(&w);
    w.cut[1] = false;
    cr_assert_eq(change(1000, 0), GN_OK);
    world_flush(&w);
    cr_expect_eq(largest, 1000);
    cr_expect_eq(gn_host_recv(w.h[1], s, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    world_fini(&w);
}

/* a larger one is tried by probes: one segment that is too large for the path harms nobody */
Test(iface, a_larger_mtu_is_searched_for)
{
    gn_handle c, s;
    struct gn_status st;

    begin(0, false, &c, &s);
    cr_assert_eq(change(1000, 0), GN_OK);
    world_transfer(&w, 0, c, s, 100000);
    cr_assert_eq(change(1500, 0), GN_OK);
    cr_assert_eq(gn_host_status(w.h[0], c, w.now, &st), GN_OK);
    cr_expect_eq(st.mss, 1000 - 52, "%u: not at once", st.mss);
    for (unsigned i = 0; i < 20; i++) {
        world_transfer(&w, 0, c, s, 1000000);
        world_run(&w, GN_SEC);
    }
    cr_expect_eq(largest, 1500);
    cr_assert_eq(gn_host_status(w.h[0], c, w.now, &st), GN_OK);
    cr_expect_eq(st.mss, 1500 - 52);
    cr_expect_geq(world_stats(&w, 0).TCPMTUPSuccess, 2);
    world_fini(&w);
}

/* what the interface can no longer do is done here, and the other way round */
Test(iface, capabilities_come_and_go)
{
    const unsigned all = GN_CAP_TSO | GN_CAP_CSUM_TX | GN_CAP_CSUM_RX;
    gn_handle c, s;

    begin(all, false, &c, &s);
    cr_assert_eq(change(1500, 0), GN_OK);
    world_transfer(&w, 0, c, s, 100000);
    cr_expect_eq(largest, 1500);
    cr_assert_eq(change(1500, all), GN_OK);
    world_transfer(&w, 0, c, s, 100000);
    cr_expect_gt(supers, 0);
    cr_expect_gt(owed, 0);
    world_fini(&w);
}

/* a route that is better than the one until now takes its connections along, and its MTU holds */
Test(iface, a_new_route_takes_connections_along)
{
    const struct gn_iface narrow = {.medium = GN_MEDIUM_IP, .mtu = 576};
    static uint8_t room[64][2048];
    static char text[3000];
    struct gn_frame f[64] = {0};
    gn_handle c, s;
    size_t n;

    begin(0, false, &c, &s);
    cr_assert_eq(gn_host_add_iface(w.h[0], &narrow), 1);
    cr_assert_eq(gn_host_add_addr(w.h[0], 1, gn_addr_v4(192, 168, 0, 1), 24), GN_OK);
    cr_assert_eq(
        gn_host_add_route(w.h[0], 1, world_end(1, false, 0).addr, 32, gn_addr_v4(192, 168, 0, 2)),
        GN_OK);
    cr_assert_eq(gn_host_send(w.h[0], c, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    for (unsigned i = 0; i < 64; i++)
        f[i] = (struct gn_frame){.buf = room[i], .cap = sizeof(room[i])};
    n = gn_host_output(w.h[0], f, 64, w.now);
    cr_assert_geq(n, 5);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(f[i].iface, 1);
        cr_expect_leq(gn_frame_total(&f[i]), 576);
    }
    world_fini(&w);
}

/* what cannot be is refused, and changes nothing */
Test(iface, refused)
{
    struct gn_iface i = {.medium = GN_MEDIUM_ETHERNET, .mtu = 1500};
    gn_handle c, s;

    begin(0, false, &c, &s);
    cr_expect_eq(gn_host_set_iface(w.h[0], 0, &i), GN_E_INVALID);
    cr_expect_eq(gn_host_set_iface(w.h[0], 1, &w.iface), GN_E_INVALID);
    cr_expect_eq(gn_host_set_iface(w.h[0], -1, &w.iface), GN_E_INVALID);
    cr_expect_eq(change(575, 0), GN_E_INVALID);
    world_transfer(&w, 0, c, s, 100000);
    cr_expect_eq(largest, 1500);
    world_fini(&w);
}

/* what cannot hold the largest packet gets none, and that is counted */
Test(iface, frames_that_are_too_small)
{
    struct gn_iface odd = {.medium = (enum gn_medium)9, .mtu = 1500};
    struct gn_endpoint any = {0};
    static uint8_t buf[1514];
    struct gn_frame f = {.buf = buf, .cap = sizeof(buf) - 1};
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_expect_eq(gn_host_add_iface(w.h[0], &odd), GN_E_INVALID);
    cr_assert_eq(gn_host_output(w.h[0], &f, 1, w.now), 0);
    cr_expect_eq(world_stats(&w, 0).OutFramesTooSmall, 0, "there was nothing to send");
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    cr_expect_eq(gn_host_output(w.h[0], &f, 0, w.now), 0);
    cr_expect_eq(gn_host_output(w.h[0], &f, 1, w.now), 0);
    cr_expect_eq(world_stats(&w, 0).OutFramesTooSmall, 1);
    f.cap++;
    cr_expect_eq(gn_host_output(w.h[0], &f, 1, w.now), 1);
    cr_expect_eq(world_stats(&w, 0).OutFramesTooSmall, 1);
    world_fini(&w);
}

/* RFC 8200 5: below 1280 there is no IPv6; IPv4 goes on */
Test(iface, no_ipv6_below_1280)
{
    gn_handle c, s, other;

    begin(0, false, &c, &s);
    cr_assert_eq(change(1279, 0), GN_OK);
    cr_expect_eq(gn_host_connect(w.h[0], (struct gn_endpoint){0}, world_end(1, true, 80), NULL,
                                 w.now, &other),
                 GN_E_NO_ROUTE);
    world_transfer(&w, 0, c, s, 100000);
    cr_expect_eq(largest, 1279);
    world_fini(&w);
}

/* MUST-3: the sum of a segment that comes in pieces of odd lengths is that of the whole */
Test(iface, a_segment_in_odd_pieces)
{
    static uint8_t room[4][2048];
    struct gn_frame f[4] = {0}, in = {0};
    gn_handle c, s;
    char text[101];

    begin(0, false, &c, &s);
    memset(text, 'x', sizeof(text));
    text[50] = 'y';
    cr_assert_eq(gn_host_send(w.h[0], c, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    for (unsigned i = 0; i < 4; i++)
        f[i] = (struct gn_frame){.buf = room[i], .cap = sizeof(room[i])};
    cr_assert_eq(gn_host_output(w.h[0], f, 4, w.now), 1);
    in.data = f[0].data;
    in.len = 61;
    in.tail[0] = (struct gn_span){f[0].data + 61, 33};
    in.tail[1] = (struct gn_span){f[0].data + 94, f[0].len - 94};
    in.n_tail = 2;
    gn_host_input(w.h[1], &in, 1, w.now);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_TCP_CHECKSUM], 0);
    cr_expect_eq(gn_host_recv(w.h[1], s, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    world_fini(&w);
}
