/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stands still for who is frozen, whether it moves or changes its mind; its peer's does not.
 */
#include "world.h"

#include <gannet/freeze.h>

#include <criterion/criterion.h>

#define IMAGE_MAX (1 << 18)

static struct world w;
static gn_handle listener, c, s;
static uint8_t image[IMAGE_MAX];

static struct gn_status status(unsigned i, gn_handle h)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[i], h, w.now, &st), GN_OK);
    return st;
}

/** come_back() - connection c, which is frozen, goes on: as if it had moved, or where it is */
static void come_back(bool moved)
{
    int64_t n;

    if (!moved) {
        cr_assert_eq(gn_host_unfreeze(w.h[0], c, w.now), GN_OK);
        return;
    }
    n = gn_host_image(w.h[0], c, image, sizeof(image));
    cr_assert(n > 0 && n <= IMAGE_MAX);
    cr_assert_eq(gn_host_forget(w.h[0], c, w.now), GN_OK);
    cr_assert_eq(gn_host_thaw(w.h[0], image, (size_t)n, GN_THAW_FROZEN, NULL, w.now, &c), GN_OK);
    world_run(&w, 60 * GN_SEC);
    cr_assert_eq(gn_host_unfreeze(w.h[0], c, w.now), GN_OK);
}

/* MIG-F-19, MIG-F-20: what the user timeout has left, it has left afterwards */
static void user_timeout(bool moved)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_USER_TIMEOUT, 10 * GN_SEC, w.now), GN_OK);
    w.cut[1] = true;
    cr_assert_eq(gn_host_send(w.h[0], c, image, 1000, 0, w.now), 1000);
    world_run(&w, 5 * GN_SEC);
    cr_assert_eq(gn_host_freeze(w.h[0], c, w.now), GN_OK);
    world_run(&w, 60 * GN_SEC);
    come_back(moved);
    world_run(&w, 4 * GN_SEC);
    cr_expect_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    world_run(&w, 4 * GN_SEC);
    cr_expect_eq(world_state(&w, 0, c), GN_CLOSED);
    gn_host_close(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

Test(freeze_time, user_timeout)
{
    user_timeout(false);
    user_timeout(true);
}

/* keep-alive does not ask earlier, and does not find that nobody has answered */
static void keep_alive(bool moved)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    gn_host_set_option(w.h[0], c, GN_OPT_KEEPIDLE, 30 * GN_SEC, w.now);
    gn_host_set_option(w.h[0], c, GN_OPT_KEEPALIVE, 1, w.now);
    world_run(&w, 20 * GN_SEC);
    cr_assert_eq(gn_host_freeze(w.h[0], c, w.now), GN_OK);
    world_run(&w, 1000 * GN_SEC);
    come_back(moved);
    cr_expect_eq(status(0, c).timer[GN_TIMER_KEEPALIVE].at, w.now + 10 * GN_SEC);
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

Test(freeze_time, keep_alive)
{
    keep_alive(false);
    keep_alive(true);
}

/* MIG-P-14: what was in flight when it was frozen tells no round-trip time, neither by its record
 * nor by its timestamp */
static void round_trip(bool moved, bool timestamps)
{
    struct gn_conf conf;
    gn_time before, after;

    gn_conf_default(&conf);
    conf.tcp_timestamps = timestamps;
    conf.tcp_dsack = 0; /* no help from the peer */
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 10000);
    before = status(0, c).rto;
    w.cut[0] = true;
    cr_assert_eq(gn_host_send(w.h[0], c, image, 1000, 0, w.now), 1000);
    world_flush(&w);
    w.cut[0] = false;
    cr_assert_eq(gn_host_freeze(w.h[0], c, w.now), GN_OK);
    world_run(&w, 60 * GN_SEC);
    come_back(moved);
    world_run(&w, 10 * GN_MSEC);
    cr_expect_eq(status(0, c).snd.una, status(0, c).snd.nxt, "a probe has asked at once");
    after = status(0, c).rto;
    cr_expect_leq(after, 2 * before, "%lu ms", (unsigned long)(after / GN_MSEC));
    cr_expect_eq(gn_host_recv(w.h[1], s, image, sizeof(image), 0, w.now), 1000);
    world_transfer(&w, 0, c, s, 10000);
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

Test(freeze_time, round_trip)
{
    for (unsigned k = 0; k < 4; k++)
        round_trip(k & 1, k & 2);
}

/* the window that was closed may be open by now, and whoever said so was not heard */
static void window(bool moved)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    gn_host_set_option(w.h[1], s, GN_OPT_RCVBUF, 30000, w.now);
    for (unsigned k = 0; k < 20; k++) {
        (void)gn_host_send(w.h[0], c, image, 10000, 0, w.now);
        world_flush(&w);
    }
    world_run(&w, 20 * GN_SEC); /* probes are rare by now */
    cr_assert(status(0, c).timer[GN_TIMER_PERSIST].armed);
    cr_assert_eq(gn_host_freeze(w.h[0], c, w.now), GN_OK);
    while (gn_host_recv(w.h[1], s, image, sizeof(image), 0, w.now) > 0)
        ;
    world_flush(&w);
    come_back(moved);
    world_run(&w, 10 * GN_MSEC);
    cr_expect_not(status(0, c).timer[GN_TIMER_PERSIST].armed);
    cr_expect_gt(status(1, s).recv_q, 0);
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

Test(freeze_time, window)
{
    window(false);
    window(true);
}

/* who moves for ever still knows how it came to where it is */
Test(freeze_time, history)
{
    int64_t n;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    for (unsigned k = 0; k < 300; k++) {
        cr_assert_eq(gn_host_freeze(w.h[0], c, w.now), GN_OK);
        n = gn_host_image(w.h[0], c, image, sizeof(image));
        cr_assert_eq(gn_host_forget(w.h[0], c, w.now), GN_OK);
        cr_assert_eq(gn_host_thaw(w.h[0], image, (size_t)n, 0, NULL, w.now, &c), GN_OK);
        world_run(&w, GN_MSEC);
        cr_assert_geq(status(0, c).n_history, k < 6 ? 3 : GN_HISTORY);
    }
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}
