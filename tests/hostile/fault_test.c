/* SPDX-License-Identifier: BSD-2-Clause */
/* What the world does: memory that fails at every point of a conversation, a clock that jumps, each
 * segment lost, doubled or late once, and noise. */
#include "base/bits.h"
#include "base/prng.h"
#include "foe.h"
#include "hoard.h"
#include "host/host.h"
#include "unit/host/world.h"

#include <criterion/criterion.h>
#include <string.h>

#define TEXT 30000u

static struct foe f;
static struct world w;
static const struct gn_endpoint any;
static uint8_t text[TEXT];

/** One end of a conversation. */
struct end {
    gn_handle c;
    uint32_t sent, got;
    bool shut, closed, eof, lost;
};

/** talk() - whatever this end can do now; retried until it succeeds, as a user does */
static void talk(unsigned i, struct end *e)
{
    uint8_t buf[4096];
    int64_t k;

    if (!e->c || e->closed || world_state(&w, i, e->c) == GN_SYN_SENT)
        return;
    while (e->sent < TEXT &&
           (k = gn_host_send(w.h[i], e->c, text + e->sent, TEXT - e->sent, 0, w.now)) > 0)
        e->sent += (uint32_t)k;
    while ((k = gn_host_recv(w.h[i], e->c, buf, sizeof(buf), 0, w.now)) > 0) {
        cr_assert_arr_eq(buf, text + e->got, (size_t)k);
        e->got += (uint32_t)k;
    }
    e->eof |= k == 0;
    e->lost |= k < 0 && k != GN_E_WOULD_BLOCK;
    if (e->sent == TEXT && e->eof && i == 1) {
        cr_expect_eq(gn_host_close(w.h[i], e->c, w.now), GN_OK);
        e->closed = true;
    } else if (e->sent == TEXT && i == 0) {
        if (!e->shut)
            cr_expect_eq(gn_host_shutdown(w.h[i], e->c, w.now), GN_OK);
        e->shut = true;
        if (e->eof) {
            cr_expect_eq(gn_host_close(w.h[i], e->c, w.now), GN_OK);
            e->closed = true;
        }
    }
}

/** conversation() - open, text both ways, close; false: it did not come to its end */
static bool conversation(gn_time patience)
{
    struct end e[2] = {{0}, {0}};
    gn_handle l = 0;
    gn_time start = w.now;

    while (w.now - start < patience) {
        if (!l)
            (void)gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l);
        if (l && !e[0].c)
            (void)gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &e[0].c);
        if (l && !e[1].c)
            (void)gn_host_accept(w.h[1], l, &e[1].c);
        talk(0, &e[0]);
        talk(1, &e[1]);
        for (unsigned i = 0; i < 2 && (e[0].lost || e[1].lost); i++) {
            (void)gn_host_abort(w.h[i], e[i].c, w.now);
            if (i == 1) /* an error was told of: once more */
                memset(e, 0, sizeof(e));
        }
        if (e[0].closed && e[1].closed)
            break;
        world_run(&w, 50 * GN_MSEC);
    }
    if (l)
        cr_expect_eq(gn_host_close(w.h[1], l, w.now), GN_OK);
    return e[0].closed && e[1].closed && e[0].got == TEXT && e[1].got == TEXT;
}

/** up() - two hosts, nothing opened yet */
static void up(void)
{
    for (uint32_t i = 0; i < TEXT; i++)
        text[i] = (uint8_t)(i * 2654435761u >> 13);
    world_init(&w, NULL, 0, GN_MEDIUM_ETHERNET);
}

/* MAL-67: the n-th allocation after the beginning fails, once or for a while, for every n: no
 * crash, no leak; when there is memory again, the conversation comes to its end with every octet */
Test(hostile, t_MAL_67_every_allocation, .timeout = 100)
{
    long first[2], total[2];

    up();
    first[0] = w.pages[0].calls;
    first[1] = w.pages[1].calls;
    cr_assert(conversation(100 * GN_SEC));
    world_run(&w, 200 * GN_SEC);
    total[0] = w.pages[0].calls - first[0];
    total[1] = w.pages[1].calls - first[1];
    world_fini(&w);
    for (unsigned i = 0; i < 2; i++) {
        for (long n = 1; n <= total[i]; n++) {
            for (unsigned many = 0; many < 2; many++) {
                up();
                w.pages[i].fail_from = first[i] + n;
                w.pages[i].fail_n = many ? 50 : 1;
                cr_expect(conversation(300 * GN_SEC), "host %u, call %ld", i, n);
                world_run(&w, 200 * GN_SEC);
                world_nothing_left(&w, 0);
                world_nothing_left(&w, 1);
                world_fini(&w);
            }
        }
    }
}

static struct hoard hoarded;

/** hoard() - the host has no blocks of a size any more; hoard_end(): and again as many as it likes
 */
static void hoard(size_t bytes)
{
    mem_set_budget(&f.host->mem, 0);
    hoard_take(&hoarded, &f.host->mem, bytes, HOARD_MAX - 1);
}

static void hoard_end(void)
{
    mem_set_budget(&f.host->mem, UINT64_MAX);
    hoard_give(&hoarded);
}

/* MAL-67, INV-04: no memory for records of what is to be sent, and nothing in flight whose ACK
 * would come back to it: the block has room for the record of one segment, so text goes on segment
 * by segment, and a FIN leaves at any time. A SEND that finds no memory says so if nothing will
 * tell of room */
Test(hostile, t_MAL_67_empty_flight, .timeout = 60)
{
    const uint32_t more = 2000; /* than a segment */
    uint32_t heard;

    foe_init(&f);
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    heard = f.heard;
    cr_assert_eq(gn_host_send(f.host, f.c, text, more, 0, f.now), more);
    hoard(256);
    foe_pull(&f);
    cr_expect_eq(f.heard, heard + 1448, "one full segment");
    foe_say(&f, CTL_ACK, NULL, 0);
    foe_pass(&f, GN_SEC);
    cr_expect_eq(f.heard, heard + more);
    foe_say(&f, CTL_ACK, NULL, 0);
    hoard_end();
    foe_alive(&f);
    hoard(2048);
    cr_expect_eq(gn_host_send(f.host, f.c, "patience", 8, 0, f.now), GN_E_NO_MEMORY);
    hoard_end();
    foe_alive(&f);
    hoard(256);
    heard = f.heard;
    cr_assert_eq(gn_host_shutdown(f.host, f.c, f.now), GN_OK);
    foe_pass(&f, GN_SEC);
    cr_expect_eq(f.heard, heard + 1);
    hoard_end();
    foe_fini(&f);
}

/* MAL-68: the clock leaps by minutes, hours and months: what is over is over, nothing else ends,
 * and new half-open connections are served in time */
Test(hostile, t_MAL_68_leap, .timeout = 60)
{
    static const gn_time leap[] = {600 * GN_SEC,   1100 * GN_SEC,       3600 * GN_SEC,
                                   86400 * GN_SEC, 30 * 86400 * GN_SEC, 50 * 86400 * GN_SEC};

    for (unsigned i = 0; i < sizeof(leap) / sizeof(leap[0]); i++) {
        struct seg s;

        foe_init(&f);
        foe_up(&f);
        foe_open(&f, 0, 1460);
        cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        foe_pull(&f);
        foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
        cr_assert_eq(foe_stats(&f).state[GN_TIME_WAIT], 1);
        foe_open(&f, 0, 1460);
        cr_assert_eq(gn_host_send(f.host, f.c, "on its way", 10, 0, f.now), 10);
        foe_pull(&f);
        for (unsigned k = 0; k < 10; k++) {
            s = foe_stranger(&f, k);
            foe_arrives(&f, &s, NULL);
            f.now += 300 * GN_MSEC;
        }
        f.now += leap[i];
        s = foe_stranger(&f, 99);
        cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
        cr_expect_eq(foe_state(&f), GN_ESTABLISHED);
        foe_pass(&f, 1100 * GN_MSEC);
        cr_expect_geq(f.n_out, 1, "its SYN,ACK is not sent again");
        foe_pass(&f, 70 * GN_SEC);
        cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0, "%u: %lu half open", i,
                     (unsigned long)foe_stats(&f).state[GN_SYN_RECEIVED]);
        cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 0);
        foe_say(&f, CTL_ACK, NULL, 0);
        foe_alive(&f);
        foe_fini(&f);
    }
}

/* MAL-68: the clock stands still: nothing is sent again; and 32 bits of milliseconds wrap: timers,
 * timestamps and TIME-WAIT go on as at any other time */
Test(hostile, t_MAL_68_wrap, .timeout = 60)
{
    foe_init(&f);
    f.now = ((gn_time)1 << 32) * GN_MSEC - 30 * GN_SEC;
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    cr_assert_eq(gn_host_send(f.host, f.c, "on its way", 10, 0, f.now), 10);
    foe_pull(&f);
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(foe_pull(&f), 0);
    foe_say(&f, CTL_ACK, NULL, 0);
    foe_alive(&f);
    for (unsigned i = 0; i < 12; i++) {
        foe_pass(&f, 5 * GN_SEC);
        foe_alive(&f);
    }
    cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
    foe_pull(&f);
    foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
    foe_fini(&f);
    foe_init(&f);
    f.now = ((gn_time)1 << 32) * GN_MSEC - 30 * GN_SEC;
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
    foe_pull(&f);
    foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
    foe_pass(&f, 59 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 1);
    foe_pass(&f, 2 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 0);
    foe_fini(&f);
}

/** lose() - for world.bend: the packet with this number is destroyed */
static long lose_at, lose_now;
static void lose(struct packet *p)
{
    if (++lose_now == lose_at)
        p->data[0] = 0;
}

/* MAL-74: simultaneous open and simultaneous close, with each single packet lost once: both ends
 * come to rest, and every octet has come through */
Test(hostile, t_MAL_74_each_loss, .timeout = 60)
{
    long most = 0;

    for (lose_at = 1; lose_at <= most + 1; lose_at++) {
        gn_handle c[2];
        uint8_t buf[64];

        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        w.bend = lose;
        lose_now = 0;
        for (unsigned i = 0; i < 2; i++)
            cr_assert_eq(gn_host_connect(w.h[i], world_end(i, false, 7777),
                                         world_end(1 - i, false, 7777), NULL, w.now, &c[i]),
                         GN_OK);
        world_run(&w, 30 * GN_SEC);
        for (unsigned i = 0; i < 2; i++) {
            cr_assert_eq(world_state(&w, i, c[i]), GN_ESTABLISHED, "packet %ld", lose_at);
            cr_assert_eq(gn_host_send(w.h[i], c[i], "both at once", 12, 0, w.now), 12);
            cr_assert_eq(gn_host_shutdown(w.h[i], c[i], w.now), GN_OK);
        }
        world_run(&w, 100 * GN_SEC);
        for (unsigned i = 0; i < 2; i++) {
            cr_expect_eq(gn_host_recv(w.h[i], c[i], buf, 64, 0, w.now), 12);
            cr_expect_eq(gn_host_recv(w.h[i], c[i], buf, 64, 0, w.now), 0);
            cr_assert_eq(gn_host_close(w.h[i], c[i], w.now), GN_OK);
        }
        world_run(&w, 100 * GN_SEC);
        world_nothing_left(&w, 0);
        world_nothing_left(&w, 1);
        most = lose_at == 1 ? lose_now : most;
        world_fini(&w);
    }
    cr_expect_geq(most, 6);
}

/* MAL-80: noise: random octets, and good segments with random spots, at a host with connections in
 * many states; the invariants are checked at each step by the host itself */
Test(hostile, t_MAL_80_noise, .timeout = 60)
{
    struct prng rng;
    uint8_t p[1600];

    prng_seed(&rng, 80, 1);
    foe_init(&f);
    f.conf.tcp_max_syn_backlog = 50;
    foe_up(&f);
    for (unsigned i = 0; i < 40000; i++) {
        uint32_t len = prng_below(&rng, 200);
        struct seg s;

        if (i % 400 == 0) {
            f.port = (uint16_t)(f.port + 256); /* noise has not touched both octets of this one */
            foe_open(&f, i % 800 ? FOE_ALL : 0, 1460);
        }
        s = foe_seg(&f, prng_below(&rng, 512));
        s.seq = seq(f.nxt + prng_below(&rng, 5) * (prng_below(&rng, 2) ? 1 : 20000));
        s.ack = seq(f.heard - prng_below(&rng, 3));
        s.wnd = (uint16_t)prng_below(&rng, 65536);
        s.up = (uint16_t)prng_below(&rng, 300);
        s.text_len = prng_below(&rng, 3) * 100;
        switch (prng_below(&rng, 4)) {
        case 0:
            for (uint32_t k = 0; k < len; k++)
                p[k] = (uint8_t)prng_below(&rng, 256);
            foe_raw(&f, p, len);
            break;
        case 1:
            len = foe_build(&s, NULL, p) - 20;
            for (unsigned k = 0; k < 3; k++) /* with a good checksum */
                p[20 + prng_below(&rng, len)] = (uint8_t)prng_below(&rng, 256);
            foe_tcp(&f, p + 20, len);
            break;
        default: foe_arrives(&f, &s, NULL); break;
        }
        if (i % 97 == 0) {
            (void)gn_host_send(f.host, f.c, p, 500, 0, f.now);
            (void)gn_host_recv(f.host, f.c, p, 500, 0, f.now);
        }
        if (i % 211 == 0)
            foe_pass(&f, prng_below(&rng, 3) * GN_SEC);
    }
    while (!gn_host_accept(f.host, f.listener, &f.c)) /* what noise has opened */
        foe_drop(&f);
    f.port = (uint16_t)(f.port + 256);
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    foe_fini(&f);
}
