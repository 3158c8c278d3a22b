/* SPDX-License-Identifier: BSD-2-Clause */
/* Random calls on two hosts over a wire that loses, with small limits everywhere, so that every
 * queue overflows. The books must balance at each step, and all must end. */
#include "world.h"

#include "base/prng.h"
#include "host/host.h"

#include <gannet/freeze.h>

#include <criterion/criterion.h>
#include <string.h>

#define HANDLES 24
#define STEPS   1500

static struct world w;
static struct prng rng;
static gn_handle conn[2][HANDLES], listener[2];
static const struct gn_endpoint any;
static bool little; /* memory */

/** balance() - what a walk finds is what the counters say */
static void balance(unsigned i)
{
    struct gn_stats st = world_stats(&w, i);
    uint64_t state[GN_STATE_COUNT] = {0}, orphans = 0, cursor = 0;
    struct gn_status s;

    while (gn_host_walk(w.h[i], &cursor, w.now, &s)) {
        state[s.state]++;
        orphans += s.kind == GN_KIND_CONNECTION && s.orphan;
    }
    for (unsigned k = GN_LISTEN; k < GN_STATE_COUNT; k++)
        cr_assert_eq(state[k], st.state[k], "%s: %lu found, %lu counted",
                     gn_state_name((enum gn_state)k), (unsigned long)state[k],
                     (unsigned long)st.state[k]);
    cr_assert_eq(orphans, st.orphans);
}

/** keep() - remember a handle, closing the one in its place */
static void keep(unsigned i, gn_handle c)
{
    gn_handle *p = &conn[i][prng_below(&rng, HANDLES)];

    (void)gn_host_unfreeze(w.h[i], *p, w.now);
    if (*p)
        (void)gn_host_close(w.h[i], *p, w.now);
    *p = c;
}

static void transfer_step(unsigned i, gn_handle c)
{
    static uint8_t buf[9000];
    size_t n = prng_below(&rng, sizeof(buf));

    if (prng_below(&rng, 2))
        (void)gn_host_send(w.h[i], c, buf, n, prng_below(&rng, 4), w.now);
    else
        (void)gn_host_recv(w.h[i], c, buf, n, prng_below(&rng, 4), w.now);
}

/** listen_step() - a listener with Fast Open and perhaps deferred accept */
static void listen_step(unsigned i)
{
    gn_handle *l = &listener[i];

    (void)gn_host_listen(w.h[i], (struct gn_endpoint){.port = 80}, prng_below(&rng, 6), NULL, l);
    (void)gn_host_set_option(w.h[i], *l, GN_OPT_FASTOPEN, prng_below(&rng, 4), w.now);
    (void)gn_host_set_option(w.h[i], *l, GN_OPT_DEFER_ACCEPT,
                             prng_below(&rng, 2) * prng_below(&rng, 20) * GN_SEC, w.now);
}

/** open_step() - an active OPEN, perhaps a fast one */
static void open_step(unsigned i)
{
    static uint8_t buf[3000];
    bool v6 = prng_below(&rng, 2);
    gn_handle c;

    if (gn_host_connect(w.h[i], any, world_end(1 - i, v6, 80), NULL, w.now, &c))
        return;
    (void)gn_host_set_option(w.h[i], c, GN_OPT_FASTOPEN_CONNECT, prng_below(&rng, 3), w.now);
    if (prng_below(&rng, 2))
        (void)gn_host_send(w.h[i], c, buf, prng_below(&rng, sizeof(buf)), 0, w.now);
    keep(i, c);
}

/** option_step() - what may change at any time */
static void option_step(unsigned i, gn_handle c)
{
    static const enum gn_opt o[] = {GN_OPT_OOBINLINE, GN_OPT_NODELAY, GN_OPT_CORK,
                                    GN_OPT_CONGESTION};

    if (prng_below(&rng, 4) == 0)
        (void)gn_host_shutdown_read(w.h[i], c, w.now);
    else
        (void)gn_host_set_option(w.h[i], c, o[prng_below(&rng, 4)], prng_below(&rng, 2), w.now);
}

/** move_step() - a connection is frozen, or goes on, here or as its image; there may be no memory
 * for that: then it is gone */
static void move_step(unsigned i, gn_handle *p)
{
    static uint8_t image[1 << 20];
    int64_t n;

    if (gn_host_freeze(w.h[i], *p, w.now) == GN_OK && prng_below(&rng, 2))
        return;
    n = gn_host_image(w.h[i], *p, image, sizeof(image));
    if (n < 0)
        return;
    if (prng_below(&rng, 3) == 0 || n > (int64_t)sizeof(image)) {
        cr_assert_eq(gn_host_unfreeze(w.h[i], *p, w.now), GN_OK);
        return;
    }
    cr_assert_eq(gn_host_forget(w.h[i], *p, w.now), GN_OK);
    balance(i);
    if (gn_host_thaw(w.h[i], image, (size_t)n, prng_below(&rng, 4), NULL, w.now, p))
        *p = GN_NO_HANDLE;
}

static void call_step(unsigned i)
{
    gn_handle *p = &conn[i][prng_below(&rng, HANDLES)], c;

    switch (prng_below(&rng, 14)) {
    case 0:
    case 1:
    case 2: open_step(i); break;
    case 3:
    case 4:
        while (!gn_host_accept(w.h[i], listener[i], &c))
            keep(i, c);
        break;
    case 5: (void)gn_host_shutdown(w.h[i], *p, w.now); break;
    case 6:
        (void)gn_host_unfreeze(w.h[i], *p, w.now);
        (void)gn_host_close(w.h[i], *p, w.now);
        *p = 0;
        break;
    case 7:
        if (prng_below(&rng, 3) == 0)
            (void)gn_host_abort(w.h[i], *p, w.now);
        break;
    case 8:
        if (prng_below(&rng, 10) == 0) {
            (void)gn_host_close(w.h[i], listener[i], w.now);
            listen_step(i);
        }
        break;
    case 9: option_step(i, *p); break;
    case 10: move_step(i, p); break;
    default: transfer_step(i, *p); break;
    }
}

/** bend() - one octet of every hundredth packet is wrong */
static void bend(struct packet *p)
{
    if (prng_below(&rng, 100) == 0)
        p->data[prng_below(&rng, p->len)] ^= (uint8_t)(1 + prng_below(&rng, 255));
}

/** wire_step() - a direction fails or works again, packets arrive, time passes */
static void wire_step(void)
{
    for (unsigned i = 0; i < 2; i++)
        w.cut[i] = prng_below(&rng, 16) == 0;
    if (prng_below(&rng, 100) == 0) /* destinations are forgiven (hostcache.h) */
        world_run(&w, 3601 * GN_SEC);
    else if (prng_below(&rng, 3) == 0)
        world_run(&w, prng_below(&rng, 3000) * GN_MSEC);
    else
        world_flush(&w);
}

static void swarm(uint64_t seed, unsigned caps, enum gn_medium medium, long fail_from)
{
    struct gn_event ev[16];
    struct gn_conf c;

    prng_seed(&rng, seed, 1);
    gn_conf_default(&c);
    c.tcp_max_syn_backlog = 1 + prng_below(&rng, 6);
    c.tcp_max_orphans = prng_below(&rng, 8);
    c.tcp_max_tw_buckets = prng_below(&rng, 8);
    c.tcp_syncookies = prng_below(&rng, 3);
    c.tcp_tw_reuse = prng_below(&rng, 3);
    c.tcp_abort_on_overflow = prng_below(&rng, 2);
    c.tcp_timestamps = prng_below(&rng, 3);
    c.tcp_fastopen = prng_below(&rng, 4) ? 3 : 0;
    c.tcp_mtu_probing = prng_below(&rng, 3);
    c.tcp_challenge_ack_limit = prng_below(&rng, 2) ? UINT32_MAX : prng_below(&rng, 10);
    c.ip_local_port_min = 3000;
    c.ip_local_port_max = 3000 + prng_below(&rng, 40);
    world_init(&w, &c, caps, medium);
    w.bend = bend;
    memset(conn, 0, sizeof(conn));
    for (unsigned i = 0; i < 2; i++) {
        listen_step(i);
        if (fail_from)
            w.pages[i].fail_from = w.pages[i].calls + fail_from;
        if (little)
            mem_set_budget(&w.h[i]->mem, w.h[i]->mem.used + (200 << 10));
    }
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = prng_below(&rng, 2);

        call_step(i);
        balance(i);
        wire_step();
        (void)gn_host_events(w.h[i], ev, 16);
        balance(1 - i);
    }
    w.cut[0] = w.cut[1] = false;
    w.bend = NULL;
    for (unsigned i = 0; i < 2; i++) {
        (void)gn_host_close(w.h[i], listener[i], w.now);
        for (unsigned k = 0; k < HANDLES; k++) {
            (void)gn_host_unfreeze(w.h[i], conn[i][k], w.now);
            (void)gn_host_close(w.h[i], conn[i][k], w.now);
        }
    }
    world_run(&w, 2000 * GN_SEC);
    for (unsigned i = 0; i < 2; i++) {
        world_nothing_left(&w, i);
        cr_expect_eq(world_stats(&w, i).state[GN_LISTEN], 0);
    }
    world_fini(&w);
}

Test(swarm, plain, .timeout = 60)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        swarm(seed, 0, GN_MEDIUM_IP, 0);
}

Test(swarm, ethernet_gather, .timeout = 60)
{
    for (uint64_t seed = 100; seed < 104; seed++)
        swarm(seed, GN_CAP_GATHER, GN_MEDIUM_ETHERNET, 0);
}

Test(swarm, super_segments, .timeout = 60)
{
    for (uint64_t seed = 200; seed < 204; seed++)
        swarm(seed, GN_CAP_CSUM_TX | GN_CAP_CSUM_RX | GN_CAP_TSO, GN_MEDIUM_IP, 0);
}

/* SEC-MEM-3: so little memory that much has to be given up */
Test(swarm, pressure, .timeout = 60)
{
    little = true;
    for (uint64_t seed = 400; seed < 406; seed++)
        swarm(seed, 0, GN_MEDIUM_IP, 0);
}

Test(swarm, no_memory, .timeout = 60)
{
    for (uint64_t seed = 300; seed < 308; seed++)
        swarm(seed, 0, GN_MEDIUM_IP, (long)(seed - 299));
}
