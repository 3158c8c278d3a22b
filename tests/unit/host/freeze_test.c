/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections that move from host to host while their peer knows nothing of it. */
#include "world.h"

#include "host/host.h"
#include "image.h"

#include <gannet/freeze.h>

#include <criterion/criterion.h>
#include <string.h>

#define IMAGE_MAX (1 << 20)
#define HISTORY   (1 + GN_HISTORY * (2 + 8)) /* octets of it in an image, before the text */

static struct world w;
static gn_handle listener, c, s;
static uint8_t image[IMAGE_MAX], spoiled[IMAGE_MAX];
static size_t image_len;

static struct gn_status status(unsigned i, gn_handle h)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[i], h, w.now, &st), GN_OK);
    return st;
}

/** freeze() - connection @h of host @i, whose image is in `image` then */
static void freeze(unsigned i, gn_handle h)
{
    int64_t n;

    cr_assert_eq(gn_host_freeze(w.h[i], h, w.now), GN_OK);
    n = gn_host_image(w.h[i], h, NULL, 0);
    cr_assert(n > 0 && n <= IMAGE_MAX, "%ld", (long)n);
    cr_assert_eq(gn_host_image(w.h[i], h, image, sizeof(image)), n);
    image_len = (size_t)n;
}

/** move() - connection *@h of host @i goes to a new host, which takes the old one's place */
static void move(unsigned i, gn_handle *h, unsigned flags)
{
    gn_handle at_home = *h;
    struct gn_host *old;

    freeze(i, at_home);
    old = world_replace(&w, i);
    cr_assert_eq(gn_host_thaw(w.h[i], image, image_len, flags, NULL, w.now, h), GN_OK);
    cr_assert_eq(gn_host_forget(old, at_home, w.now), GN_OK);
    gn_host_free(old);
}

/** no_reset() - has nobody been reset, or refused? */
static void no_reset(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct gn_stats st = world_stats(&w, i);

        cr_expect_eq(st.OutRsts + st.EstabResets + st.drop[GN_DROP_CLOSED_PORT], 0, "host %u", i);
    }
}

/** quiet_end() - both close, and nothing is left */
static void quiet_end(void)
{
    gn_host_close(w.h[0], c, w.now);
    world_flush(&w);
    gn_host_close(w.h[1], s, w.now);
    world_run(&w, 200 * GN_SEC);
    no_reset();
    world_nothing_left(&w, 0);
    world_nothing_left(&w, 1);
    world_fini(&w);
}

/* text in both directions, much of it unread and unsent, is continued where it was; both ends move
 */
static void midstream(const struct gn_conf *conf, bool v6, unsigned flags)
{
    static uint8_t big[300000], got[sizeof(big)];
    size_t sent[2] = {0}, read[2] = {0};

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 2654435761u >> 11);
    world_init(&w, conf, 0, GN_MEDIUM_IP);
    world_pair(&w, v6, 80, &listener, &c, &s);
    for (unsigned round = 0; read[0] < sizeof(big) || read[1] < sizeof(big); round++) {
        cr_assert_lt(round, 20000, "stuck at %zu and %zu", read[0], read[1]);
        for (unsigned i = 0; i < 2; i++) {
            gn_handle h = i ? s : c;
            int64_t n = gn_host_send(w.h[i], h, big + sent[i], sizeof(big) - sent[i], 0, w.now);

            sent[i] += n > 0 ? (size_t)n : 0;
            n = gn_host_recv(w.h[i], h, got, 7001, 0, w.now);
            cr_assert(n <= 0 || !memcmp(got, big + read[i], (size_t)n));
            read[i] += n > 0 ? (size_t)n : 0;
        }
        w.cut[round % 2] = round % 7 == 3; /* some is lost, too */
        world_flush(&w);
        w.cut[0] = w.cut[1] = false;
        if (round % 10 == 4 && round < 400)
            move(round / 10 % 2, round / 10 % 2 ? &s : &c, flags);
        world_run(&w, GN_MSEC);
    }
    quiet_end();
}

Test(freeze, midstream)
{
    midstream(NULL, false, 0);
}

Test(freeze, midstream_v6_same_path)
{
    midstream(NULL, true, GN_THAW_SAME_PATH);
}

Test(freeze, midstream_without_options)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_timestamps = conf.tcp_sack = conf.tcp_window_scaling = 0;
    midstream(&conf, false, 0);
}

Test(freeze, midstream_bbr_accecn)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_congestion_control = 2;
    conf.tcp_ecn = 3;
    midstream(&conf, false, 0);
}

Test(freeze, midstream_at_rest)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_rest_above = 0;
    midstream(&conf, false, 0);
}

/* MIG-ST-2: the new host sends the SYN again, with the same number */
Test(freeze, syn_sent)
{
    const struct gn_endpoint any = {.port = 0};
    uint32_t iss;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &listener), GN_OK);
    w.cut[1] = true;
    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    world_flush(&w);
    iss = status(0, c).snd.iss;
    w.cut[1] = false;
    move(0, &c, 0);
    cr_expect_eq(status(0, c).state, GN_SYN_SENT);
    world_flush(&w);
    cr_expect_eq(status(0, c).state, GN_ESTABLISHED);
    cr_expect_eq(status(0, c).snd.iss, iss);
    cr_expect_eq(status(0, c).history[1].cause, GN_CAUSE_THAWED);
    cr_assert_eq(gn_host_accept(w.h[1], listener, &s), GN_OK);
    world_transfer(&w, 0, c, s, 100000);
    quiet_end();
}

/* MIG-ST-3: simultaneous open, both have sent their SYN,ACK, and neither has arrived */
Test(freeze, syn_received)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_connect(w.h[0], world_end(0, false, 1000), world_end(1, false, 2000), NULL,
                                 w.now, &c),
                 GN_OK);
    cr_assert_eq(gn_host_connect(w.h[1], world_end(1, false, 2000), world_end(0, false, 1000), NULL,
                                 w.now, &s),
                 GN_OK);
    w.cut[0] = w.cut[1] = true;
    world_flush(&w);
    w.cut[0] = w.cut[1] = false;
    world_inject(&w, 0, world_end(1, false, 2000), world_end(0, false, 1000), status(1, s).snd.iss,
                 0, 2);
    cr_expect_eq(status(0, c).state, GN_SYN_RECEIVED);
    move(0, &c, 0);
    cr_expect_eq(status(0, c).state, GN_SYN_RECEIVED);
    world_run(&w, 5 * GN_SEC);
    cr_expect_eq(status(0, c).state, GN_ESTABLISHED);
    cr_expect_eq(status(1, s).state, GN_ESTABLISHED);
    world_transfer(&w, 1, s, c, 100000);
    quiet_end();
}

/* MIG-ST-4, MIG-ST-5: an end that has closed, one whose peer has, and both at once move, and the
 * rest of the four segments goes on; @lost: what the peer sends while it moves is lost */
static void closing(enum gn_state state, bool lost)
{
    unsigned i = state == GN_CLOSE_WAIT || state == GN_LAST_ACK;
    gn_handle *h = i ? &s : &c;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 5000);
    w.cut[1] = state == GN_FIN_WAIT_1 || state == GN_CLOSING;
    cr_assert_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    if (state == GN_CLOSING) {
        cr_assert_eq(gn_host_shutdown(w.h[1], s, w.now), GN_OK);
        world_flush(&w);
    }
    w.cut[1] = false;
    w.cut[0] = state == GN_LAST_ACK;
    if (state == GN_LAST_ACK || state == GN_TIME_WAIT)
        cr_assert_eq(gn_host_shutdown(w.h[1], s, w.now), GN_OK);
    world_flush(&w);
    w.cut[0] = w.cut[1] = false;
    cr_assert_eq(status(i, *h).state, state, "%s", gn_state_name(status(i, *h).state));
    w.cut[1 - i] = lost;
    world_flush(&w);
    w.cut[1 - i] = false;
    move(i, h, 0);
    cr_expect_eq(status(i, *h).state, state);
    if (state == GN_FIN_WAIT_2)
        world_transfer(&w, 1, s, c, 50000); /* half-closed, the other half works */
    quiet_end();
}

Test(freeze, closing_states)
{
    static const enum gn_state states[] = {GN_FIN_WAIT_1, GN_FIN_WAIT_2, GN_CLOSE_WAIT,
                                           GN_CLOSING,    GN_LAST_ACK,   GN_TIME_WAIT};

    for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
        closing(states[k], false);
        closing(states[k], true);
    }
}

/* MIG-P-01, MIG-P-03, MIG-P-12: who is frozen neither hears nor speaks, whatever comes; when it has
 * been forgotten its old host says nothing for 2 MSL, and then what any host says */
Test(freeze, silence)
{
    struct gn_status before, after;
    struct gn_event ev[4];
    uint64_t drops, packets;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 3000);
    while (gn_host_events(w.h[1], ev, 4))
        ;
    before = status(1, s);
    cr_expect_not(before.frozen);
    cr_assert_eq(gn_host_send(w.h[1], s, "unsent", 6, 0, w.now), 6);
    freeze(1, s);
    after = status(1, s);
    cr_expect(after.frozen);
    cr_expect_eq(after.state, GN_ESTABLISHED);
    packets = world_stats(&w, 1).OutSegs;
    world_inject(&w, 1, before.remote, before.local, before.rcv.nxt, before.snd.nxt, 16);
    world_inject(&w, 1, before.remote, before.local, before.rcv.nxt, 0, 4);
    world_inject(&w, 1, before.remote, before.local, before.rcv.nxt, 0, 2);
    world_run(&w, 10000 * GN_SEC);
    cr_expect_eq(world_stats(&w, 1).OutSegs, packets);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_FROZEN], 3);
    cr_expect_eq(gn_host_events(w.h[1], ev, 4), 0);
    cr_expect_eq(gn_host_poll(w.h[1], s), 0);
    cr_expect_eq(gn_host_send(w.h[1], s, "x", 1, 0, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_recv(w.h[1], s, image, 1, 0, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_shutdown(w.h[1], s, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_abort(w.h[1], s, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_freeze(w.h[1], s, w.now), GN_E_FROZEN);
    cr_expect_eq(gn_host_set_option(w.h[1], s, GN_OPT_NODELAY, 1, w.now), GN_E_FROZEN);

    cr_expect_eq(gn_host_forget(w.h[1], s, w.now), GN_OK);
    cr_expect_eq(gn_host_forget(w.h[1], s, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(gn_host_close(w.h[1], s, w.now), GN_E_BAD_HANDLE);
    cr_expect_eq(world_stats(&w, 1).state[GN_ESTABLISHED], 0);
    cr_expect_eq(world_stats(&w, 1).TCPMovedOut, 1);
    drops = world_stats(&w, 1).drop[GN_DROP_FROZEN];
    world_run(&w, 50 * GN_SEC);
    world_inject(&w, 1, before.remote, before.local, before.rcv.nxt, before.snd.nxt, 16);
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).drop[GN_DROP_FROZEN], drops + 1);
    cr_expect_eq(world_stats(&w, 1).OutSegs, packets);
    world_run(&w, 11 * GN_SEC);
    world_inject(&w, 1, before.remote, before.local, before.rcv.nxt, before.snd.nxt, 16);
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).OutRsts, 1);
    gn_host_abort(w.h[0], c, w.now);
    world_fini(&w);
}

/* what has gone comes back to where it was: the silence about it ends */
Test(freeze, there_and_back)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 3000);
    for (unsigned k = 0; k < 5; k++) {
        freeze(1, s);
        cr_expect_eq(gn_host_thaw(w.h[1], image, image_len, 0, NULL, w.now, &s), GN_E_IN_USE);
        cr_assert_eq(gn_host_forget(w.h[1], s, w.now), GN_OK);
        cr_assert_eq(gn_host_thaw(w.h[1], image, image_len, GN_THAW_FROZEN, NULL, w.now, &s),
                     GN_OK);
        cr_expect_eq(gn_host_thaw(w.h[1], image, image_len, 0, NULL, w.now, &s), GN_E_IN_USE);
        cr_assert_eq(gn_host_unfreeze(w.h[1], s, w.now), GN_OK);
        world_transfer(&w, 1, s, c, 20000);
        world_transfer(&w, 0, c, s, 20000);
    }
    cr_expect_eq(world_stats(&w, 1).state[GN_ESTABLISHED], 1);
    quiet_end();
}

/* MIG-S-04: who changes his mind loses nothing but time */
Test(freeze, rollback)
{
    static const char text[] = "sent while it was frozen";
    char got[64];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    cr_expect_eq(gn_host_unfreeze(w.h[1], s, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_image(w.h[1], s, image, 9), GN_E_INVALID);
    cr_expect_eq(gn_host_forget(w.h[1], s, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_freeze(w.h[1], listener, w.now), GN_E_UNSUPPORTED);
    cr_expect_eq(gn_host_unfreeze(w.h[1], listener, w.now), GN_E_INVALID);
    cr_expect_eq(gn_host_freeze(w.h[1], 12345, w.now), GN_E_BAD_HANDLE);
    freeze(1, s);
    cr_assert_eq(gn_host_send(w.h[0], c, text, sizeof(text), 0, w.now), (int64_t)sizeof(text));
    world_run(&w, 5 * GN_SEC);
    cr_assert_eq(gn_host_unfreeze(w.h[1], s, w.now), GN_OK);
    world_run(&w, 10 * GN_SEC);
    cr_assert_eq(gn_host_recv(w.h[1], s, got, sizeof(got), 0, w.now), (int64_t)sizeof(text));
    cr_expect_str_eq(got, text);
    world_transfer(&w, 1, s, c, 100000);
    quiet_end();
}

/* an image of what was made from an image is that image */
Test(freeze, image_of_an_image)
{
    static uint8_t again[IMAGE_MAX];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    world_transfer(&w, 0, c, s, 30000);
    cr_assert_gt(gn_host_send(w.h[1], s, spoiled, 40000, 0, w.now), 0);
    world_flush(&w); /* some is in flight, some waits; much is unread at the other end */
    for (unsigned i = 0; i < 2; i++) {
        gn_handle *h = i ? &s : &c, old = *h;
        struct gn_endpoint local = world_end(i, false, 0);
        struct gn_image info;

        freeze(i, old);
        cr_assert_eq(gn_image_info(image, image_len, &info), GN_OK);
        cr_expect_eq(info.state, GN_ESTABLISHED);
        cr_expect(gn_addr_eq(&info.local.addr, &local.addr));
        cr_expect_eq(info.recv_q, status(i, old).recv_q);
        cr_expect_eq(info.send_q, status(i, old).send_q);
        cr_assert_eq(gn_host_forget(w.h[i], old, w.now), GN_OK);
        w.now += 3 * GN_SEC; /* during which it stands still */
        cr_assert_eq(gn_host_thaw(w.h[i], image, image_len, GN_THAW_FROZEN | GN_THAW_SAME_PATH,
                                  NULL, w.now, h),
                     GN_OK);
        cr_assert_eq(gn_host_image(w.h[i], *h, again, sizeof(again)), (int64_t)image_len);
        for (size_t k = 0, end = image_len - IMAGE_SUM - info.recv_q - info.send_q; k < end; k++)
            cr_expect(again[k] == image[k] || k >= end - HISTORY, "octet %zu", k);
        cr_assert_eq(gn_host_unfreeze(w.h[i], *h, w.now), GN_OK);
    }
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

/** awkward() - a connection that has of everything: text unread, unsent, in flight, out of order,
 * urgent, and a FIN that has not come yet */
static void awkward(void)
{
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    cr_assert_eq(gn_host_send(w.h[0], c, spoiled, 3000, GN_SEND_URGENT, w.now), 3000);
    world_flush(&w);
    w.cut[0] = true;
    for (unsigned k = 0; k < 6; k++) { /* every other one is lost */
        w.cut[1] = k % 2 == 0;
        cr_assert_eq(gn_host_send(w.h[0], c, spoiled, 1448, 0, w.now), 1448);
        world_flush(&w);
    }
    gn_host_shutdown(w.h[0], c, w.now);
    world_flush(&w);
    cr_assert_eq(gn_host_send(w.h[1], s, spoiled, 40000, 0, w.now), 40000);
    world_flush(&w);
    w.cut[0] = false;
}

/* the awkward one moves, and all of it is there */
Test(freeze, out_of_order)
{
    struct gn_status st;
    int64_t n;

    awkward();
    st = status(1, s);
    cr_expect_gt(st.rcv.out_of_order, 0);
    move(1, &s, 0);
    cr_expect_eq(status(1, s).rcv.out_of_order, st.rcv.out_of_order);
    cr_expect_eq(status(1, s).rcv.nxt, st.rcv.nxt);
    cr_expect_eq(status(1, s).rcv.edge, st.rcv.edge); /* MIG-P-10 */
    world_run(&w, 20 * GN_SEC);
    cr_expect_eq(status(1, s).state, GN_CLOSE_WAIT);
    for (int64_t all = 0, end = 3000 + 6 * 1448 - 1; all < end; all += n) { /* -1: urgent */
        n = gn_host_recv(w.h[1], s, image, sizeof(image), 0, w.now);
        cr_assert_gt(n, 0);
        world_flush(&w);
    }
    cr_expect_eq(gn_host_recv(w.h[1], s, image, sizeof(image), 0, w.now), 0);
    n = gn_host_recv(w.h[0], c, image, sizeof(image), 0, w.now);
    cr_expect_eq(n, 40000);
    quiet_end();
}

/** try() - the spoiled image at a new host: an error, or something that lives with its peer */
static enum gn_err try(size_t len)
{
    gn_handle h = GN_NO_HANDLE;
    struct gn_image info;
    enum gn_err err = gn_host_thaw(w.h[1], spoiled, len, GN_THAW_SAME_PATH, NULL, w.now, &h);

    (void)gn_image_info(spoiled, len, &info);
    if (err) {
        cr_expect(err == GN_E_BAD_IMAGE || err == GN_E_UNSUPPORTED || err == GN_E_NOT_AVAILABLE ||
                      err == GN_E_NO_ROUTE || err == GN_E_NO_MEMORY,
                  "%s", gn_err_text(err));
        return err;
    }
    (void)gn_host_send(w.h[1], h, image, 5000, 0, w.now);
    world_flush(&w);
    (void)gn_host_recv(w.h[1], h, spoiled, 2000, 0, w.now);
    world_run(&w, 3 * GN_SEC);
    (void)gn_host_close(w.h[1], h, w.now);
    world_run(&w, 3 * GN_SEC);
    return GN_OK;
}

/** without() - the awkward connection is only an image, its host is new, its peer has gone mad: it
 * answers everything */
static void without(void)
{
    struct gn_host *old;

    awkward();
    freeze(1, s);
    old = world_replace(&w, 1);
    gn_host_free(old);
}

/* a damaged image is one of nothing */
Test(freeze, damage)
{
    without();
    for (size_t n = 0; n < image_len; n += n < 1000 ? 1 : 97) {
        memcpy(spoiled, image, image_len);
        cr_expect_eq(try(n), GN_E_BAD_IMAGE, "the first %zu octets", n);
    }
    for (size_t at = 0; at < image_len; at += at < 1000 ? 1 : 97) {
        enum gn_err err;

        memcpy(spoiled, image, image_len);
        spoiled[at] ^= (uint8_t)(1u << at % 8);
        err = try(image_len);
        cr_expect(err == GN_E_BAD_IMAGE || (err == GN_E_UNSUPPORTED && at >= 4 && at < 8),
                  "octet %zu: %d", at, err);
    }
    cr_expect_eq(gn_host_thaw(w.h[1], NULL, 0, 0, NULL, w.now, &s), GN_E_BAD_IMAGE);
    world_fini(&w);
}

/* a forged image may make a strange connection, but none that breaks the host */
Test(freeze, forgery)
{
    static const uint8_t values[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    unsigned taken = 0, refused = 0;

    without();
    for (size_t at = 0; at < image_len - IMAGE_SUM && at < 700; at++) {
        for (size_t k = 0; k < sizeof(values); k++) {
            memcpy(spoiled, image, image_len);
            if (spoiled[at] == values[k])
                continue;
            spoiled[at] = values[k];
            image_seal(spoiled, image_len);
            if (try(image_len))
                refused++;
            else
                taken++;
        }
    }
    cr_expect_gt(taken, 100, "%u", taken);
    cr_expect_gt(refused, 100, "%u", refused);
    gn_host_abort(w.h[0], c, w.now);
    world_fini(&w);
}

/* MIG-P-11: no memory at any step: nothing has happened, and later it works */
Test(freeze, no_memory)
{
    unsigned failed = 0, n = 0;
    void *taken[2000];
    struct mem *m;

    without();
    m = &w.h[1]->mem;
    w.pages[1].fail_from = 1;
    for (size_t bytes = 65536; bytes >= 64; bytes /= 2)
        while (n < 2000 && (taken[n] = mem_alloc(m, bytes)))
            ((size_t *)taken[n++])[0] = bytes;
    for (;;) {
        gn_handle h;
        enum gn_err err;

        err = gn_host_thaw(w.h[1], image, image_len, 0, NULL, w.now, &h);
        cr_expect(err == GN_OK || err == GN_E_NO_MEMORY, "%s", gn_err_text(err));
        failed += err == GN_E_NO_MEMORY;
        if (err) {
            world_nothing_left(&w, 1);
            cr_assert_gt(n, 0);
            n--;
            mem_free(m, taken[n], ((size_t *)taken[n])[0]);
            continue;
        }
        s = h;
        break;
    }
    w.pages[1].fail_from = 0;
    cr_expect_gt(failed, 1);
    for (; n > 0; n--)
        mem_free(m, taken[n - 1], ((size_t *)taken[n - 1])[0]);
    world_run(&w, 20 * GN_SEC);
    cr_expect_eq(status(1, s).state, GN_CLOSE_WAIT);
    gn_host_abort(w.h[0], c, w.now);
    gn_host_abort(w.h[1], s, w.now);
    world_fini(&w);
}

/* an address that is not of the host, a tuple that is taken, a route that is missing */
Test(freeze, where_it_cannot_be)
{
    gn_handle h;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &listener, &c, &s);
    freeze(1, s);
    cr_expect_eq(gn_host_thaw(w.h[0], image, image_len, 0, NULL, w.now, &h), GN_E_NOT_AVAILABLE);
    cr_expect_eq(gn_host_thaw(w.h[1], image, image_len, 0, NULL, w.now, &h), GN_E_IN_USE);
    cr_assert_eq(gn_host_unfreeze(w.h[1], s, w.now), GN_OK);
    quiet_end();
}
