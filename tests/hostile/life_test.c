/* SPDX-License-Identifier: BSD-2-Clause */
/* Trouble that needs two hosts, or a whole life: loops of ACKs, calls in the middle of a burst,
 * memory that fails at every point, clocks that jump, and each segment lost once. */
#include "base/prng.h"
#include "foe.h"
#include "unit/host/world.h"

#include <criterion/criterion.h>
#include <string.h>

static struct foe f;
static struct world w;
static const struct gn_endpoint any;

/** inject() - a segment that claims to come from the other host's @from arrives at host @i */
static void inject(unsigned i, uint16_t from, uint16_t to, uint32_t at, uint32_t ack, uint16_t ctl)
{
    world_inject(&w, i, world_end(1 - i, false, from), world_end(i, false, to), at, ack, ctl);
}

/** storm() - packets that the two hosts exchange before they fall silent; world_flush() fails if
 * they never do */
static uint64_t storm(void)
{
    uint64_t before = w.packets;

    world_flush(&w);
    return w.packets - before;
}

/** up() - two hosts without timestamps, which would refuse what is forged */
static void up(void)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    conf.tcp_timestamps = 0;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
}

/* MAL-29, SEC-5961-6: two ends that disagree about the numbers fall silent: both ESTABLISHED */
Test(hostile, t_MAL_29_ack_loop, .timeout = 60)
{
    gn_handle l, c, s;
    struct gn_status a, b;

    up();
    world_pair(&w, false, 80, &l, &c, &s);
    gn_host_status(w.h[0], c, w.now, &a);
    gn_host_status(w.h[1], s, w.now, &b);
    for (unsigned i = 0; i < 50; i++) { /* each is told that the other has sent what it has not */
        inject(0, 80, a.local.port, a.rcv.nxt - 100, a.snd.nxt + 1000, CTL_ACK);
        inject(1, a.local.port, 80, b.rcv.nxt - 100, b.snd.nxt + 1000, CTL_ACK);
        inject(0, 80, a.local.port, a.rcv.nxt + 7, a.snd.nxt, CTL_SYN);
        inject(1, a.local.port, 80, b.rcv.nxt + 7, b.snd.nxt, CTL_RST);
    }
    cr_expect_leq(storm(), 8);
    world_transfer(&w, 0, c, s, 10000);
    world_fini(&w);
}

/* MAL-29: both in SYN-RECEIVED of different connections with one tuple, made by forged SYNs: their
 * SYN,ACKs and ACKs must not go to and fro for ever */
Test(hostile, t_MAL_29_half_open_loop, .timeout = 60)
{
    gn_handle l[2];

    up();
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_listen(w.h[i], world_end(i, false, 80), 8, NULL, &l[i]), GN_OK);
    inject(0, 80, 80, 1000, 0, CTL_SYN);
    inject(1, 80, 80, 900000, 0, CTL_SYN);
    cr_expect_leq(storm(), 20);
    world_run(&w, 100 * GN_SEC);
    world_nothing_left(&w, 0);
    world_nothing_left(&w, 1);
    cr_expect_leq(w.packets, 200);
    world_fini(&w);
}

/* MAL-29: both in TIME-WAIT after a simultaneous close, and both have been fooled about the
 * numbers: each has had a FIN in the place of the other's last octet */
Test(hostile, t_MAL_29_time_wait_loop, .timeout = 60)
{
    gn_handle l, c, s;
    struct gn_status a;

    up();
    world_pair(&w, false, 80, &l, &c, &s);
    gn_host_status(w.h[0], c, w.now, &a);
    w.cut[0] = w.cut[1] = true;
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(gn_host_send(w.h[i], i ? s : c, "x", 1, 0, w.now), 1);
        cr_assert_eq(gn_host_close(w.h[i], i ? s : c, w.now), GN_OK);
        world_flush(&w);
    }
    inject(0, 80, a.local.port, a.rcv.nxt, a.snd.nxt + 2, CTL_FIN | CTL_ACK);
    inject(1, a.local.port, 80, a.snd.nxt, a.rcv.nxt + 2, CTL_FIN | CTL_ACK);
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 0).state[GN_TIME_WAIT], 1);
    cr_assert_eq(world_stats(&w, 1).state[GN_TIME_WAIT], 1);
    w.cut[0] = w.cut[1] = false;
    inject(0, 80, a.local.port, a.rcv.nxt + 500, a.snd.nxt + 1, CTL_ACK);
    cr_expect_leq(storm(), 8);
    world_run(&w, 100 * GN_SEC);
    cr_expect_leq(w.packets, 100);
    world_nothing_left(&w, 0);
    world_fini(&w);
}

/* MAL-62: nothing calls back: the user hears of things when it asks, and may then do whatever it
 * likes with the connection, and with others, before the rest of the burst is sent. MAL-63: behind
 * a reset in a burst more segments of the connection follow; they meet nobody */
Test(hostile, t_MAL_63_reset_in_burst, .timeout = 60)
{
    static uint8_t room[6][1600];
    struct gn_frame fr[6];
    struct gn_event ev[8];
    size_t n;

    foe_init(&f);
    foe_up(&f);
    for (unsigned round = 0; round < 200; round++) {
        unsigned rst = round % 6;

        foe_open(&f, round % 2 ? FOE_ALL : 0, 1460);
        if (round % 3 == 0) { /* some of them without a user */
            cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
            foe_pull(&f);
        }
        memset(fr, 0, sizeof(fr));
        for (unsigned i = 0; i < 6; i++) {
            struct seg s = foe_seg(&f, i == rst ? CTL_RST : i == 5 ? CTL_ACK | CTL_FIN : CTL_ACK);

            s.text_len = i == rst ? 0 : 100;
            f.nxt += s.text_len;
            fr[i].data = room[i];
            fr[i].len = foe_build(&s, NULL, room[i]);
        }
        gn_host_input(f.host, fr, 6, f.now);
        while ((n = gn_host_events(f.host, ev, 8)))
            for (size_t i = 0; i < n; i++)
                if (ev[i].handle != f.listener)
                    (void)gn_host_abort(f.host, ev[i].handle, f.now);
        foe_pull(&f);
        cr_expect_eq(foe_state(&f), GN_CLOSED);
    }
    cr_expect_eq(foe_stats(&f).orphans, 0);
    cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 0);
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-62: close, abort and connect at every event, in the middle of everything, for a while */
Test(hostile, t_MAL_62_calls_at_events, .timeout = 60)
{
    struct gn_event ev;
    struct prng rng;
    gn_handle l[2], c;

    prng_seed(&rng, 62, 1);
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_listen(w.h[i], world_end(i, false, 80), 8, NULL, &l[i]), GN_OK);
    for (unsigned step = 0; step < 3000; step++) {
        unsigned i = step % 2;

        if (step % 16 < 2)
            (void)gn_host_connect(w.h[i], any, world_end(1 - i, false, 80), NULL, w.now, &c);
        while (gn_host_events(w.h[i], &ev, 1)) {
            if (ev.handle == l[i]) {
                while (!gn_host_accept(w.h[i], l[i], &c))
                    (void)gn_host_send(w.h[i], c, "hello", 5, 0, w.now);
                continue;
            }
            switch (prng_below(&rng, 5)) {
            case 0: (void)gn_host_close(w.h[i], ev.handle, w.now); break;
            case 1: (void)gn_host_abort(w.h[i], ev.handle, w.now); break;
            case 2: (void)gn_host_shutdown(w.h[i], ev.handle, w.now); break;
            case 3: (void)gn_host_send(w.h[i], ev.handle, "again", 5, 0, w.now); break;
            default:
                (void)gn_host_connect(w.h[i], any, world_end(1 - i, false, 80), NULL, w.now, &c);
                (void)gn_host_close(w.h[i], ev.handle, w.now);
                break;
            }
        }
        if (step % 8 == 0)
            world_flush(&w);
    }
    world_fini(&w);
}

/* MAL-64: a listener goes while it has half-open children, children that wait to be accepted, and
 * children that have been reset meanwhile: nothing is left of any, and the port is free */
Test(hostile, t_MAL_64_listener_closes, .timeout = 60)
{
    struct gn_endpoint e = {.port = 81};
    gn_handle l, c;
    uint64_t memory = 0;

    foe_init(&f);
    foe_up(&f);
    for (unsigned round = 0; round < 50; round++) {
        cr_assert_eq(gn_host_listen(f.host, e, 64, NULL, &l), GN_OK);
        for (unsigned i = 0; i < 30; i++) {
            struct seg s = foe_stranger(&f, i);

            s.key.rport = 81;
            cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
            s.ctl = CTL_ACK;
            s.seq = seq_add(s.seq, 1);
            s.ack = seq_add(foe_last(&f)->seq, 1);
            s.text_len = i % 2;
            if (i < 20)
                cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
            s.ctl = i % 3 ? CTL_ACK : CTL_RST;
            s.seq = seq_add(s.seq, s.text_len);
            if (i < 15)
                foe_arrives(&f, &s, NULL);
        }
        cr_assert_eq(gn_host_accept(f.host, l, &c), GN_OK);
        cr_assert_eq(gn_host_close(f.host, l, f.now), GN_OK);
        foe_pull(&f);
        cr_expect_eq(gn_host_accept(f.host, l, &c), GN_E_BAD_HANDLE);
        cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
        (void)gn_host_abort(f.host, c, f.now);
        foe_pull(&f);
        cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 0);
        cr_expect_eq(foe_stats(&f).orphans, 0);
        cr_expect(round == 0 || foe_stats(&f).memory == memory);
        memory = foe_stats(&f).memory;
    }
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-65: the third ACK twice, in one burst, with text behind: one connection, accepted once */
Test(hostile, t_MAL_65_third_ack_twice, .timeout = 60)
{
    static uint8_t room[4][1600];
    struct gn_frame fr[4];
    gn_handle c;
    char buf[64];

    for (unsigned cookies = 0; cookies < 3; cookies += 2) {
        struct seg s;

        foe_init(&f);
        f.conf.tcp_syncookies = cookies;
        foe_up(&f);
        s = foe_stranger(&f, 65);
        cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        s.ctl = CTL_ACK;
        s.seq = seq_add(s.seq, 1);
        s.ack = seq_add(foe_last(&f)->seq, 1);
        memset(fr, 0, sizeof(fr));
        for (unsigned i = 0; i < 4; i++) {
            s.text_len = i / 2 * 10;
            fr[i].data = room[i];
            fr[i].len = foe_build(&s, NULL, room[i]);
        }
        gn_host_input(f.host, fr, 4, f.now);
        cr_expect_eq(gn_host_accept(f.host, f.listener, &f.c), GN_OK);
        cr_expect_eq(gn_host_accept(f.host, f.listener, &c), GN_E_WOULD_BLOCK);
        cr_expect_eq(gn_host_recv(f.host, f.c, buf, 64, 0, f.now), 10);
        cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 1);
        foe_fini(&f);
    }
}

/* MAL-66: the timer that would end a connection and the ACK that ends it, in the same nanosecond */
Test(hostile, t_MAL_66_same_tick, .timeout = 60)
{
    for (unsigned i = 0; i < 8; i++) {
        bool late = i % 2, last_ack = i / 2 % 2, text = i / 4;

        foe_init(&f);
        f.conf.tcp_orphan_retries = 1;
        foe_up(&f);
        foe_open(&f, 0, 1460);
        if (last_ack)
            foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
        if (text)
            cr_assert_eq(gn_host_send(f.host, f.c, "end", 3, 0, f.now), 3);
        cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        foe_pull(&f);
        for (unsigned tick = 0; foe_stats(&f).orphans && tick < 20; tick++) {
            struct gn_deadline d = gn_host_deadline(f.host);
            struct seg s = foe_seg(&f, CTL_ACK | (last_ack ? 0 : CTL_FIN));

            cr_assert(d.armed);
            f.now = d.at;
            if (late)
                foe_pull(&f);
            foe_arrives(&f, &s, NULL);
        }
        cr_expect_eq(foe_stats(&f).orphans, 0);
        foe_pass(&f, 100 * GN_SEC);
        cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 0);
        foe_fini(&f);
    }
}
