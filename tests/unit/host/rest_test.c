/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that rest: what they weigh, and that nobody can tell. */
#include "world.h"

#include "host/host.h"

#include <criterion/criterion.h>
#include <string.h>

#define MANY 10000 /* connections */

static struct world w;
static const struct gn_endpoint any;
static gn_handle listener, client[MANY], server[MANY];

static struct gn_status status(unsigned i, gn_handle h)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[i], h, w.now, &st), GN_OK);
    return st;
}

/** take() - all events of a host, as a user does */
static void take(unsigned i)
{
    struct gn_event e[64];

    while (gn_host_events(w.h[i], e, 64))
        ;
}

/** resting() - does the connection of a handle? */
static bool resting(unsigned i, gn_handle h)
{
    const struct conn *c = conn_held(w.h[i], h);

    return c && !c->tcb;
}

/** open_some() - @n connections */
static void open_some(const struct gn_conf *conf, unsigned n)
{
    world_init(&w, conf, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &listener), GN_OK);
    for (unsigned i = 0; i < n; i++) {
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &client[i]),
                     GN_OK);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], listener, &server[i]), GN_OK);
        take(0);
        take(1);
    }
    world_run(&w, GN_SEC);
}

/** at_once() - knobs by which whatever may rest does */
static struct gn_conf at_once(void)
{
    struct gn_conf c;

    gn_conf_default(&c);
    c.tcp_rest_above = 0;
    return c;
}

/** close_all() - the first @n connections end */
static void close_all(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        gn_host_close(w.h[0], client[i], w.now);
        world_flush(&w);
        gn_host_close(w.h[1], server[i], w.now);
        world_flush(&w);
    }
    world_run(&w, 200 * GN_SEC);
    world_nothing_left(&w, 0);
    world_nothing_left(&w, 1);
    world_fini(&w);
}

Test(rest, an_idle_end_takes_512_octets_all_in)
{
    uint64_t before[2];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 2; i++)
        before[i] = world_stats(&w, i).memory;
    world_fini(&w);
    open_some(NULL, MANY);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t grown = world_stats(&w, i).memory - before[i];

        cr_expect_leq(grown, (uint64_t)MANY * 512, "%lu octets an end of host %u",
                      (unsigned long)(grown / MANY), i);
    }
    cr_assert(resting(0, client[0]) && resting(1, server[0]));
    world_transfer(&w, 0, client[1], server[1], 100000);
    for (unsigned i = 0; i < 2; i++)
        gn_host_free(w.h[i]);
}

Test(rest, a_user_cannot_tell)
{
    struct gn_conf conf = at_once();
    uint64_t cursor = 0, value;
    struct gn_status st;
    unsigned seen = 0;
    char mark = 0;

    open_some(&conf, 3);
    cr_assert(resting(0, client[1]) && resting(1, server[1]));
    cr_assert_eq(status(0, client[1]).state, GN_ESTABLISHED);
    cr_assert_eq(status(0, client[1]).n_history, 2);
    cr_assert_eq(gn_host_poll(w.h[0], client[1]), GN_EV_CONNECTED | GN_EV_WRITABLE);
    cr_assert_eq(gn_host_error(w.h[0], client[1]), GN_OK);
    cr_assert_not(gn_host_mark(w.h[0], client[1], NULL));
    cr_assert_eq(gn_host_set_user(w.h[0], client[1], &mark), GN_OK);
    cr_assert_eq(gn_host_get_option(w.h[0], client[1], GN_OPT_TTL, &value), GN_OK);
    while (gn_host_walk(w.h[0], &cursor, w.now, &st))
        seen += st.kind == GN_KIND_CONNECTION && st.handle != GN_NO_HANDLE;
    cr_assert_eq(seen, 3);
    cr_assert(resting(0, client[1]), "looking wakes nobody");
    cr_assert_eq(status(0, client[1]).user, &mark);

    cr_assert_eq(gn_host_set_option(w.h[0], client[1], GN_OPT_TTL, 77, w.now), GN_OK);
    cr_assert_not(resting(0, client[1]));
    world_run(&w, GN_SEC);
    cr_assert(resting(0, client[1]));
    cr_assert_eq(gn_host_get_option(w.h[0], client[1], GN_OPT_TTL, &value), GN_OK);
    cr_assert_eq(value, 77);
    cr_assert_eq(gn_host_get_option(w.h[0], client[2], GN_OPT_TTL, &value), GN_OK);
    cr_assert_neq(value, 77);
    world_transfer(&w, 0, client[1], server[1], 3000);
    world_transfer(&w, 1, server[2], client[2], 300000);
    close_all(3);
}

Test(rest, sets_of_options_may_run_out)
{
    struct gn_conf conf = at_once();
    uint64_t value;

    open_some(&conf, REST_SETS + 10);
    for (unsigned i = 0; i < REST_SETS + 10; i++)
        cr_assert_eq(gn_host_set_option(w.h[0], client[i], GN_OPT_TTL, i + 1, w.now), GN_OK);
    for (unsigned i = 0; i < 100; i++) {
        take(0);
        world_run(&w, GN_SEC);
    }
    for (unsigned i = 0; i < REST_SETS + 10; i++) {
        cr_assert_eq(gn_host_get_option(w.h[0], client[i], GN_OPT_TTL, &value), GN_OK);
        cr_assert_eq(value, i + 1);
    }
    cr_assert(resting(0, client[0]) && !resting(0, client[REST_SETS + 9]));
    close_all(REST_SETS + 10);
}

Test(rest, keep_alive_goes_on)
{
    struct gn_conf conf = at_once();

    open_some(&conf, 1);
    cr_assert_eq(gn_host_set_option(w.h[0], client[0], GN_OPT_KEEPALIVE, 1, w.now), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[0], client[0], GN_OPT_KEEPIDLE, 30 * GN_SEC, w.now), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[0], client[0], GN_OPT_KEEPINTVL, GN_SEC, w.now), GN_OK);
    world_run(&w, 29 * GN_SEC);
    cr_assert(resting(0, client[0]));
    cr_assert_eq(world_stats(&w, 0).TCPKeepAlive, 0);
    world_run(&w, 62 * GN_SEC);
    cr_assert_eq(world_stats(&w, 0).TCPKeepAlive, 3);
    cr_assert(resting(0, client[0]));
    close_all(1);
}

/** no_blocks() - no memory for blocks on host @i, or as much as it likes */
static void no_blocks(unsigned i, bool none)
{
    w.h[i]->blocks.max = none ? w.h[i]->blocks.used : 1000;
}

Test(rest, without_memory_to_wake)
{
    struct gn_conf conf = at_once();
    uint64_t acks;
    uint32_t wnd;
    char c = 'x';

    open_some(&conf, 2);
    acks = world_stats(&w, 0).TCPPureAcks;
    wnd = status(1, server[0]).rcv.wnd;
    no_blocks(0, true);
    no_blocks(1, true);
    cr_assert_eq(gn_host_send(w.h[0], client[0], &c, 1, 0, w.now), GN_E_NO_MEMORY);
    no_blocks(0, false);
    cr_assert_eq(gn_host_send(w.h[0], client[0], &c, 1, 0, w.now), 1);
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).drop[GN_DROP_NO_MEMORY], 1);
    cr_assert(resting(1, server[0]));
    cr_assert_eq(world_stats(&w, 0).TCPPureAcks, acks + 1, "it lives");
    world_run(&w, GN_SEC / 2); /* twice more: a probe, and a timeout */
    cr_assert_eq(world_stats(&w, 0).TCPPureAcks, acks + 3);
    cr_assert_geq(status(1, server[0]).rcv.wnd, wnd);
    no_blocks(1, false);
    world_run(&w, 5 * GN_SEC); /* nothing was acknowledged: it comes again */
    cr_assert_eq(gn_host_recv(w.h[1], server[0], &c, 1, 0, w.now), 1);
    take(0);
    take(1);
    world_run(&w, 20 * GN_SEC);
    cr_assert(resting(0, client[1]));
    no_blocks(0, true);
    cr_assert_eq(gn_host_close(w.h[0], client[1], w.now), GN_OK);
    world_flush(&w);
    cr_assert_eq(world_state(&w, 1, server[1]), GN_CLOSED);
    cr_assert_eq(gn_host_error(w.h[1], server[1]), GN_E_RESET);
    no_blocks(0, false);
    close_all(2);
}

/* all are aborted at once, before anything is sent, with memory to wake them or without: each peer
 * hears of it, and the queue that had grown gives its memory back */
Test(rest, a_thousand_resets)
{
    struct gn_conf conf = at_once();

    for (unsigned k = 0; k < 2; k++) {
        uint64_t used;

        open_some(&conf, 1000);
        used = w.h[0]->mem.used;
        no_blocks(0, k);
        for (unsigned i = 0; i < 1000; i++)
            cr_assert_eq(gn_host_abort(w.h[0], client[i], w.now), GN_OK);
        cr_expect_eq(world_stats(&w, 0).TCPAbortOnMemory, k * 1000);
        world_flush(&w);
        for (unsigned i = 0; i < 1000; i++)
            cr_assert_eq(gn_host_error(w.h[1], server[i]), GN_E_RESET, "%u", i);
        cr_expect_eq(world_stats(&w, 0).drop[GN_DROP_QUEUE_FULL], 0);
        cr_expect_leq(w.h[0]->mem.used, used);
        no_blocks(0, false);
        world_nothing_left(&w, 0);
        world_fini(&w);
    }
}
