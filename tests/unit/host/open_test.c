/* SPDX-License-Identifier: BSD-2-Clause */
/* OPEN and CLOSE as RFC 9293 3.9.1 has them: listeners beside connections, and local addresses. */
#include "world.h"

#include "base/bits.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

/* MUST-41: a passive OPEN leaves the connections that there are alone, also those of the same port
 */
Test(open, listen_beside_connections)
{
    gn_handle l, l2, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_listen(w.h[1], world_end(1, false, 81), 8, NULL, &l2), GN_OK);
    cr_expect_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l2), GN_E_IN_USE);
    world_transfer(&w, 0, c, s, 5000);
    cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    world_transfer(&w, 0, c, s, 5000);
    cr_expect_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    world_transfer(&w, 1, s, c, 5000);
    cr_expect_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    world_fini(&w);
}

/** client() - host 1 has a client at port 5000 whose SYN gets no answer */
static gn_handle client(void)
{
    gn_handle c;

    w.cut[0] = true;
    cr_assert_eq(gn_host_connect(w.h[1], world_end(1, false, 5000), world_end(0, false, 99), NULL,
                                 w.now, &c),
                 GN_OK);
    world_flush(&w);
    w.cut[0] = false;
    return c;
}

/** serve() - listen there, and see that a client of host 0 is served; @c stays in @state */
static void serve(gn_handle c, enum gn_state state)
{
    gn_handle l, other, s;

    cr_assert_eq(world_state(&w, 1, c), state);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 5000), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 5000), NULL, w.now, &other),
                 GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, other), GN_ESTABLISHED);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    world_transfer(&w, 0, other, s, 1000);
    cr_expect_eq(world_state(&w, 1, c), state);
}

/* MUST-42: LISTEN works while a connection of that port is in SYN-SENT, or in SYN-RECEIVED */
Test(open, listen_beside_opening_ones)
{
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    serve(client(), GN_SYN_SENT);
    world_fini(&w);

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    c = client();
    w.cut[0] = true;
    world_inject(&w, 1, world_end(0, false, 99), world_end(1, false, 5000), 7000, 0, CTL_SYN);
    world_flush(&w);
    w.cut[0] = false;
    serve(c, GN_SYN_RECEIVED);
    world_fini(&w);
}

/** Where packets of host 0 came from. */
static struct {
    unsigned n;
    uint8_t src[4];
    bool changed;
} seen;

static void watch(struct packet *p)
{
    if (p->len < 40 || p->data[0] != 0x45 || get16(p->data + 22) != 80)
        return;
    if (seen.n++ == 0)
        memcpy(seen.src, p->data + 12, 4);
    seen.changed |= memcmp(seen.src, p->data + 12, 4) != 0;
}

/* MUST-43: OPEN takes a local address, which must be ours; MUST-44: without one IP names it before
 * the SYN leaves; MUST-45: all segments bear it, whatever addresses come later */
Test(open, local_address)
{
    struct gn_endpoint local = {gn_addr_v4(10, 0, 0, 7), 0};
    const uint8_t mine[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 7}};

    for (unsigned i = 0; i < 2; i++) {
        gn_handle l, c, s;
        struct gn_status st;

        memset(&seen, 0, sizeof(seen));
        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        w.bend = watch;
        cr_expect_eq(gn_host_connect(w.h[0], local, world_end(1, false, 80), NULL, w.now, &c),
                     GN_E_NOT_AVAILABLE);
        cr_assert_eq(gn_host_add_addr(w.h[0], 0, local.addr, 24), GN_OK);
        cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
        cr_assert_eq(
            gn_host_connect(w.h[0], i == 0 ? any : local, world_end(1, false, 80), NULL, w.now, &c),
            GN_OK);
        gn_host_status(w.h[0], c, w.now, &st); /* before anything has left */
        cr_expect_arr_eq(st.local.addr.b + 12, mine[i], 4);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
        gn_host_status(w.h[1], s, w.now, &st);
        cr_expect_arr_eq(st.remote.addr.b + 12, mine[i], 4);
        cr_assert_eq(gn_host_add_addr(w.h[0], 0, gn_addr_v4(10, 0, 0, 9), 32), GN_OK);
        cr_assert_eq(
            gn_host_add_route(w.h[0], 0, gn_addr_v4(10, 0, 0, 2), 32, gn_addr_v4(10, 0, 0, 2)),
            GN_OK);
        world_transfer(&w, 0, c, s, 5000);
        gn_host_close(w.h[0], c, w.now);
        world_flush(&w);
        cr_expect_gt(seen.n, 5);
        cr_expect_not(seen.changed);
        cr_expect_arr_eq(seen.src, mine[i], 4);
        world_fini(&w);
    }
}

/* MAY-1: taken: after gn_host_close() nothing can be read any more, while gn_host_shutdown() leaves
 * the other half open */
Test(open, close_is_half_duplex)
{
    gn_handle l, c, s;
    uint8_t b;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_expect_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_send(w.h[1], s, "x", 1, 0, w.now), 1);
    world_flush(&w);
    cr_expect_eq(gn_host_recv(w.h[0], c, &b, 1, 0, w.now), 1);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(gn_host_recv(w.h[0], c, &b, 1, 0, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_send(w.h[1], s, "x", 1, 0, w.now), 1);
    world_run(&w, GN_SEC); /* and what comes all the same is answered by RST (SHLD-3) */
    cr_expect_eq(gn_host_error(w.h[1], s), GN_E_RESET);
    world_fini(&w);
}

/* MUST-59: all segments of a burst are processed before an ACK is sent: there is one */
Test(open, one_ack_for_a_burst)
{
    static const uint8_t text[8 * 1448];
    gn_handle l, c, s;
    uint64_t in, out;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    in = world_stats(&w, 1).InSegs;
    out = world_stats(&w, 1).OutSegs;
    cr_assert_eq(gn_host_send(w.h[0], c, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).InSegs - in, 8);
    cr_expect_eq(world_stats(&w, 1).OutSegs - out, 1);
    world_fini(&w);
}

/** out_via() - octets of text that host 1 sends to port 7 now, through interface @iface alone, in
 * frames that it can carry */
static uint32_t out_via(unsigned iface, uint32_t mtu, uint32_t *ret_seq)
{
    static uint8_t room[64][GN_FRAME_MAX];
    struct gn_frame f[64];
    uint32_t text = 0;
    size_t n;

    memset(f, 0, sizeof(f));
    for (unsigned i = 0; i < 64; i++)
        f[i] = (struct gn_frame){.buf = room[i], .cap = sizeof(room[i])};
    n = gn_host_output(w.h[1], f, 64, w.now);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(f[i].iface, iface);
        cr_expect_eq(f[i].gso_size, 0, "a super-segment of %u octets", gn_frame_total(&f[i]));
        cr_expect_leq(gn_frame_total(&f[i]), mtu);
        *ret_seq = get32(f[i].data + 24);
        text += gn_frame_total(&f[i]) - 20 - (f[i].data[32] >> 4) * 4u;
    }
    return text;
}

/* what arrives by one interface and is answered by another is cut for the one that it leaves by */
Test(open, the_way_back_is_another)
{
    const struct gn_iface narrow = {.medium = GN_MEDIUM_IP, .mtu = 576};
    const struct gn_endpoint peer = {gn_addr_v4(172, 16, 0, 1), 7}, us = world_end(1, false, 80);
    static char text[4000];
    gn_handle l, s;
    uint32_t isn = 0;
    int other;

    world_init(&w, NULL, GN_CAP_TSO | GN_CAP_CSUM_TX, GN_MEDIUM_IP);
    other = gn_host_add_iface(w.h[1], &narrow);
    cr_assert_eq(other, 1);
    cr_assert_eq(gn_host_add_addr(w.h[1], other, gn_addr_v4(192, 168, 0, 1), 24), GN_OK);
    cr_assert_eq(gn_host_add_route(w.h[1], other, gn_addr_v4(172, 16, 0, 0), 12, peer.addr), GN_OK);
    cr_assert_eq(gn_host_listen(w.h[1], us, 8, NULL, &l), GN_OK);
    world_inject(&w, 1, peer, us, 1000, 0, CTL_SYN);
    cr_assert_eq(out_via(1, 576, &isn), 0);
    world_inject(&w, 1, peer, us, 1001, isn + 1, CTL_ACK);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_assert_eq(gn_host_send(w.h[1], s, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    cr_expect_geq(out_via(1, 576, &isn), 3000);
    world_fini(&w);
}
