/* SPDX-License-Identifier: BSD-2-Clause */
/* TIME-WAIT records: their life, their limit, and new incarnations of their tuples. */
#include "world.h"

#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

/** world_close_both(&w, ) - the client closes first, then the server: a TIME-WAIT record on host 0
 */
/* SHLD-4, RFC 6191: the tuple of a TIME-WAIT record may be used again by an active OPEN if
 * timestamps tell the incarnations apart, from one second on, and if the knob allows */
Test(timewait, time_wait_reuse_by_open)
{
    struct gn_conf conf;
    gn_handle l, c, s;
    uint16_t port;

    gn_conf_default(&conf);
    conf.tcp_tw_reuse = 1;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    port = world_close_both(&w, c, s);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, false, port), world_end(1, false, 80), NULL,
                                 w.now, &c),
                 GN_E_IN_USE);
    world_run(&w, 2 * GN_SEC);
    cr_expect_eq(gn_host_connect(w.h[0], world_end(0, false, port), world_end(1, false, 80), NULL,
                                 w.now, &c),
                 GN_OK);
    cr_expect_eq(world_stats(&w, 0).TWRecycled, 1);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    world_transfer(&w, 0, c, s, 5000);
    world_fini(&w);
}

/* MUST-13: a record lasts for twice the MSL, and as long again after the peer's FIN has come again
 */
Test(timewait, twice_the_msl)
{
    struct gn_conf conf;
    struct gn_status st;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.tcp_timestamps = 0;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    gn_host_status(w.h[1], s, w.now, &st);
    (void)world_close_both(&w, c, s);
    world_run(&w, 2 * w.conf.tcp_msl - GN_SEC);
    cr_expect_eq(world_stats(&w, 0).state[GN_TIME_WAIT], 1);
    world_inject(&w, 0, st.local, st.remote, st.snd.nxt, st.rcv.nxt + 1, CTL_FIN | CTL_ACK);
    world_run(&w, 2 * w.conf.tcp_msl - GN_SEC);
    cr_expect_eq(world_stats(&w, 0).state[GN_TIME_WAIT], 1);
    world_run(&w, 2 * GN_SEC);
    world_nothing_left(&w, 0);
    world_fini(&w);
}

/* MAY-2, TW-1: a SYN with a newer timestamp for a TIME-WAIT record of the passive side opens a new
 * incarnation; TW-9: if that was an old duplicate, the record is in force again */
Test(timewait, time_wait_and_syn)
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
    cr_expect_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 1);
    world_nothing_left(&w, 0);
    /* TW-4/7: no timestamps, an old sequence number: dropped */
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.iss - 5, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_TIME_WAIT_SYN], 1);
    /* TW-6 like: beyond the old one: accepted, and denied by an RST */
    w.cut[0] = true;
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.nxt + 100000, 0, CTL_SYN);
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 1);
    cr_expect_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 1);
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.nxt + 100001, 0, CTL_RST);
    cr_expect_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    cr_expect_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 1);
    world_inject(&w, 1, client, world_end(1, false, 80), st.snd.iss - 5, 0, CTL_SYN);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_TIME_WAIT_SYN], 2);
    /* the real thing: the same port, a second later */
    w.cut[0] = false;
    world_run(&w, 2 * GN_SEC);
    cr_assert_eq(gn_host_connect(w.h[0], client, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_expect_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 0);
    cr_expect_eq(world_stats(&w, 1).TWRecycled, 1);
    cr_expect_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    world_fini(&w);
}

/* the same while the user still holds the connection in TIME-WAIT: that one is over for it */
Test(timewait, time_wait_with_user_and_syn)
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
    cr_expect_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 0);
    cr_expect_eq(world_stats(&w, 1).state[GN_ESTABLISHED], 1);
    world_fini(&w);
}

/* tcp_max_tw_buckets: the oldest go first */
Test(timewait, time_wait_limit)
{
    struct gn_conf conf;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.tcp_max_tw_buckets = 3;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    world_close_both(&w, c, s);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
        gn_host_close(w.h[0], c, w.now);
        world_flush(&w);
        gn_host_close(w.h[1], s, w.now);
        world_flush(&w);
    }
    cr_expect_eq(world_stats(&w, 0).state[GN_TIME_WAIT], 3);
    cr_expect_eq(world_stats(&w, 0).TimeWaitOverflow, 3);
    cr_expect_eq(gn_host_set_knob(w.h[0], "tcp_max_tw_buckets", "0"), GN_OK);
    world_run(&w, 70 * GN_SEC);
    world_nothing_left(&w, 0);
    world_fini(&w);
}
