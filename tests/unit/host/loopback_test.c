/* SPDX-License-Identifier: BSD-2-Clause */
/* A host talks to itself: by its own addresses and by loopback's, and nothing of it is seen
 * outside. */
#include "world.h"

#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

/** pump() - @n octets from @a to @b, both on host 0 */
static void pump(gn_handle a, gn_handle b, size_t n)
{
    static uint8_t buf[65536];
    size_t sent = 0, got = 0;

    for (unsigned rounds = 0; got < n; rounds++) {
        int64_t k;

        cr_assert_lt(rounds, 10000, "stuck at %zu of %zu", got, n);
        for (size_t i = 0; i < sizeof(buf); i++)
            buf[i] = (uint8_t)((sent + i) % 251);
        k = gn_host_send(w.h[0], a, buf, n - sent < sizeof(buf) ? n - sent : sizeof(buf), 0, w.now);
        sent += k > 0 ? (size_t)k : 0;
        world_run(&w, GN_MSEC / 10);
        while ((k = gn_host_recv(w.h[0], b, buf, sizeof(buf), 0, w.now)) > 0)
            for (int64_t i = 0; i < k; i++)
                cr_assert_eq(buf[i], got++ % 251);
    }
}

/** talk() - listen on @at, connect to @to, a transfer each way, and an end in good order */
static void talk(struct gn_endpoint at, struct gn_endpoint to)
{
    gn_handle l, c, s;
    struct gn_status st;

    cr_assert_eq(gn_host_listen(w.h[0], at, 4, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, to, NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_assert_eq(gn_host_accept(w.h[0], l, &s), GN_OK);
    cr_assert_eq(gn_host_status(w.h[0], s, w.now, &st), GN_OK);
    cr_expect_eq(st.state, GN_ESTABLISHED);
    cr_expect(gn_addr_eq(&st.remote.addr, &to.addr), "its source is where it goes to");
    pump(c, s, 1000000);
    pump(s, c, 300000);
    cr_expect_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    cr_expect_eq(gn_host_close(w.h[0], s, w.now), GN_OK);
    cr_expect_eq(gn_host_close(w.h[0], l, w.now), GN_OK);
    world_run(&w, 120 * GN_SEC);
    world_nothing_left(&w, 0);
}

/** loopback() - 127.x.y.1 or ::1 */
static struct gn_endpoint loopback(bool v6, uint8_t x, uint16_t port)
{
    const struct gn_addr one = {{[15] = 1}};

    return (struct gn_endpoint){.addr = v6 ? one : gn_addr_v4(127, x, 0, 1), .port = port};
}

/** all_ways() - own and loopback's addresses of both families, bound to them or to any */
static void all_ways(unsigned caps, enum gn_medium medium)
{
    uint64_t before;

    world_init(&w, NULL, caps, medium);
    world_flush(&w); /* announcements of addresses */
    before = w.packets;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        talk(world_end(0, v6, 80), world_end(0, v6, 80));
        talk((struct gn_endpoint){.port = 80}, world_end(0, v6, 80));
        talk(loopback(v6, 0, 80), loopback(v6, 0, 80));
        talk((struct gn_endpoint){.port = 80}, loopback(v6, v6 ? 0 : 9, 80));
    }
    cr_expect_eq(w.packets, before, "%lu packets were seen outside", w.packets - before);
    world_fini(&w);
}

Test(loopback, all_addresses)
{
    all_ways(0, GN_MEDIUM_IP);
}

Test(loopback, all_addresses_ethernet)
{
    all_ways(0, GN_MEDIUM_ETHERNET);
}

Test(loopback, super_segments)
{
    all_ways(GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO | GN_CAP_GATHER, GN_MEDIUM_IP);
}

/* nobody listens: RST comes round, too */
Test(loopback, refused)
{
    gn_handle c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_connect(w.h[0], any, loopback(false, 0, 81), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_REFUSED);
    world_fini(&w);
}

/* RFC 1122 3.2.1.3: not out, and not in, even if the host has just talked that way itself */
Test(loopback, never_outside)
{
    struct gn_endpoint out = world_end(1, false, 80);
    gn_handle c, l, s;
    uint64_t before;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_expect_eq(gn_host_connect(w.h[0], loopback(false, 0, 0), out, NULL, w.now, &c),
                 GN_E_INVALID);
    cr_assert_eq(gn_host_listen(w.h[0], loopback(false, 0, 80), 4, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_connect(w.h[0], any, loopback(false, 0, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_assert_eq(gn_host_accept(w.h[0], l, &s), GN_OK);
    before = world_stats(&w, 0).drop[GN_DROP_IP_BAD_SOURCE];
    world_inject(&w, 0, loopback(false, 0, 999), world_end(0, false, 80), 1, 0, CTL_SYN);
    world_inject(&w, 0, loopback(false, 0, 999), loopback(false, 0, 80), 1, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_IP_BAD_SOURCE], before + 2);
    before = world_stats(&w, 0).drop[GN_DROP_IP_NOT_OURS];
    world_inject(&w, 0, out, loopback(false, 0, 80), 1, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_IP_NOT_OURS], before + 1);
    cr_expect_eq(world_stats(&w, 0).state[GN_SYN_RECEIVED], 0);
    gn_host_close(w.h[0], c, w.now);
    gn_host_close(w.h[0], s, w.now);
    gn_host_close(w.h[0], l, w.now);
    world_run(&w, 120 * GN_SEC);
    world_fini(&w);
}

/* what waits to come in is bounded; what found no room is sent again */
Test(loopback, bounded)
{
    enum { N = 3000 };
    static gn_handle c[N];
    gn_handle l, s;
    struct gn_conf conf;
    unsigned got = 0;

    gn_conf_default(&conf);
    conf.tcp_max_syn_backlog = N;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[0], loopback(false, 0, 80), N, NULL, &l), GN_OK);
    for (unsigned i = 0; i < N; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, loopback(false, 0, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_run(&w, 20 * GN_SEC);
    cr_expect_gt(world_stats(&w, 0).drop[GN_DROP_QUEUE_FULL], 0);
    while (gn_host_accept(w.h[0], l, &s) == GN_OK) {
        got++;
        gn_host_abort(w.h[0], s, w.now);
    }
    cr_expect_eq(got, N);
    for (unsigned i = 0; i < N; i++)
        gn_host_abort(w.h[0], c[i], w.now);
    gn_host_close(w.h[0], l, w.now);
    world_run(&w, 60 * GN_SEC);
    world_nothing_left(&w, 0);
    world_fini(&w);
}
