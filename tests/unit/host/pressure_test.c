/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory runs short (SEC-MEM-3), challenge ACKs are capped, accept is deferred. */
#include "world.h"

#include "hoard.h"
#include "host/host.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;

static struct gn_status status(unsigned i, gn_handle h)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[i], h, w.now, &st), GN_OK);
    return st;
}

/** squeeze() - let host @i be under pressure, or no longer */
static void squeeze(unsigned i, bool on)
{
    struct mem *m = &w.h[i]->mem;

    for (unsigned k = 0; k < 1000; k++) /* what is in no use is not to count */
        mem_sweep(m);
    mem_set_budget(m, on ? m->used + m->used / 16 : w.conf.tcp_mem);
}

/* the oldest connections without a user go first, and no other ones; their peers hear of it */
Test(pressure, orphans)
{
    struct gn_frame f = {.cap = 0};
    gn_handle l, c[40], s[40];

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 100, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 40; i++) {
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
        world_flush(&w);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s[i]), GN_OK);
    }
    for (unsigned i = 0; i < 30; i++)
        gn_host_close(w.h[1], s[i], w.now);
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).orphans, 30);
    cr_assert_eq(world_stats(&w, 1).TCPAbortOnMemory, 0);
    squeeze(1, true);
    w.cut[0] = true;
    cr_assert_eq(gn_host_output(w.h[1], &f, 1, w.now), 0); /* one call, a few of them */
    cr_assert_eq(world_stats(&w, 1).orphans, 14);
    cr_assert_eq(world_stats(&w, 1).TCPAbortOnMemory, 16);
    squeeze(1, false);
    w.cut[0] = false;
    world_flush(&w);
    for (unsigned i = 0; i < 30; i++)
        cr_assert_eq(status(0, c[i]).state, i < 16 ? GN_CLOSED : GN_CLOSE_WAIT, "%u", i);
    squeeze(1, true);
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).orphans, 0);
    for (unsigned i = 30; i < 40; i++)
        cr_assert_eq(status(1, s[i]).state, GN_ESTABLISHED);
    squeeze(1, false);
    world_transfer(&w, 0, c[35], s[35], 10000);
    world_fini(&w);
}

static unsigned nth;

/** lose_second() - the second packet with text is lost */
static void lose_second(struct packet *p)
{
    if (p->len > 500 && ++nth == 2)
        p->data[30] ^= 0xff; /* the checksum will not fit */
}

/* CC-2018-7: out-of-order text goes, is not SACKed any more, and comes again: nothing is lost */
Test(pressure, out_of_order)
{
    static uint8_t out[20000], in[20000];
    gn_handle l, c, s;
    struct gn_status st;
    size_t got = 0;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    for (unsigned i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 >> 3);
    nth = 0;
    w.bend = lose_second;
    cr_assert_eq(gn_host_send(w.h[0], c, out, 8000, 0, w.now), 8000);
    w.cut[0] = true; /* no SACK gets back: the hole stays */
    world_flush(&w);
    w.bend = NULL;
    cr_assert_gt(status(1, s).rcv.out_of_order, 1000);
    squeeze(1, true);
    world_flush(&w);
    squeeze(1, false);
    st = status(1, s);
    cr_assert_eq(st.rcv.out_of_order, 0);
    cr_assert_gt(st.recv_q, 1000, "what is in order stays");
    cr_assert_eq(world_stats(&w, 1).OfoPruned, 1);
    w.cut[0] = false;
    for (unsigned i = 0; i < 50 && got < 8000; i++) {
        int64_t n;

        world_run(&w, GN_SEC);
        n = gn_host_recv(w.h[1], s, in + got, sizeof(in) - got, 0, w.now);
        got += n > 0 ? (size_t)n : 0;
    }
    cr_assert_eq(got, 8000);
    cr_assert_arr_eq(in, out, 8000);
    world_fini(&w);
}

/* SEC-5961-4, SEC-5961-5: the host's cap holds, and how many it lets through is not the same each
 * time */
Test(pressure, challenge_limit)
{
    struct gn_conf conf;
    uint64_t last = 0;
    unsigned differ = 0;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.tcp_challenge_ack_limit = 100;
    conf.tcp_invalid_ratelimit = 0;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    for (unsigned round = 0; round < 8; round++) {
        uint64_t before = world_stats(&w, 1).TCPChallengeACK, n;

        for (unsigned i = 0; i < 400; i++)
            world_inject(&w, 1, status(0, c).local, world_end(1, false, 80),
                         status(1, s).rcv.nxt + 5, 0, CTL_RST);
        n = world_stats(&w, 1).TCPChallengeACK - before;
        cr_assert(n >= 50 && n < 150, "%lu", (unsigned long)n);
        differ += round > 0 && n != last;
        last = n;
        world_run(&w, 2 * GN_SEC);
    }
    cr_assert_geq(differ, 5);
    cr_assert_eq(status(1, s).state, GN_ESTABLISHED);
    world_fini(&w);
}

/* SO-05: the third ACK without text makes no connection, nor is it asked for again; text does, and
 * so does the end of the time */
Test(pressure, deferred_accept)
{
    gn_handle l, c[2], s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_DEFER_ACCEPT, 100 * GN_SEC, w.now), GN_OK);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c[i]),
                     GN_OK);
    world_run(&w, 90 * GN_SEC);
    cr_assert_eq(world_stats(&w, 1).TCPSynRetrans, 0);
    cr_assert_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 2);
    cr_assert_eq(gn_host_poll(w.h[1], l), 0);
    cr_assert_eq(gn_host_send(w.h[0], c[1], "x", 1, 0, w.now), 1);
    world_flush(&w);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_assert_eq(status(1, s).recv_q, 1);
    world_run(&w, 60 * GN_SEC); /* 127 s: the first retry beyond 100 s */
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_assert_eq(world_stats(&w, 1).TCPSynRetrans, 1);
    world_fini(&w);
}

/** What the memory of a host is filled with. */
struct crowd {
    unsigned n;
    gn_handle c[20000];
};

/** crowd_comes() - connections are opened until one end has no memory for more; each sends @octets
 */
static void crowd_comes(struct crowd *k, gn_handle l, uint32_t octets)
{
    static uint8_t text[20000];
    enum gn_err err = GN_OK;
    gn_handle s;

    for (k->n = 0; k->n < 20000; k->n++) {
        err = gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &k->c[k->n]);
        if (err)
            break;
        if (k->n % 50 == 49)
            world_run(&w, 20 * GN_MSEC);
        while (gn_host_accept(w.h[1], l, &s) == GN_OK)
            ;
    }
    cr_assert_eq(err, GN_E_NO_MEMORY);
    for (unsigned i = 0; i < k->n && octets > 0; i++) {
        (void)gn_host_send(w.h[0], k->c[i], text, octets, 0, w.now);
        if (i % 50 == 49)
            world_flush(&w);
    }
    world_run(&w, GN_SEC);
}

/** crowd_goes() - all connections of both hosts are aborted */
static void crowd_goes(gn_handle l)
{
    gn_handle s;

    while (gn_host_accept(w.h[1], l, &s) == GN_OK)
        ;
    for (unsigned i = 0; i < 2; i++) {
        struct gn_status st;
        uint64_t cursor = 0;

        while (gn_host_walk(w.h[i], &cursor, w.now, &st))
            if (st.kind == GN_KIND_CONNECTION && st.handle)
                gn_host_abort(w.h[i], st.handle, w.now);
    }
    world_run(&w, 300 * GN_SEC);
}

/* SEC-MEM-3: memory that a crowd had is there for others when it has gone, and at no time is there
 * more in use than the budget */
Test(pressure, memory_comes_back, .timeout = 300)
{
    static const uint64_t budget[] = {1 << 20, 2 << 20, 4 << 20, 8 << 20};
    static struct crowd k;
    struct gn_conf conf;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    for (unsigned i = 0; i < 8; i++) {
        gn_time began;

        conf.tcp_mem = budget[i / 2];
        world_init(&w, &conf, 0, GN_MEDIUM_IP);
        cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 10000, NULL, &l), GN_OK);
        crowd_comes(&k, l, i % 2 ? 3000 : 0);
        crowd_goes(l);
        cr_expect_lt(world_stats(&w, 0).memory, conf.tcp_mem);
        cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
        world_run(&w, 10 * GN_SEC);
        cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
        began = w.now;
        world_transfer(&w, 0, c, s, 300000);
        cr_expect_lt(w.now - began, 2 * GN_SEC, "%u: %.1f s", i, (double)(w.now - began) / 1e9);
        for (unsigned j = 0; j < 2; j++)
            cr_expect_leq(world_stats(&w, j).memory_peak, conf.tcp_mem, "%u", i);
        world_fini(&w);
    }
}

/* an end that is given up in LAST-ACK tells its peer, who would wait for the FIN for ever */
Test(pressure, last_ack)
{
    gn_handle l, c, s;

    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    world_pair(&w, false, 80, &l, &c, &s);
    cr_assert_eq(gn_host_shutdown(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_assert_eq(status(0, c).state, GN_FIN_WAIT_2);
    w.cut[0] = true;
    cr_assert_eq(gn_host_send(w.h[1], s, "the last", 8, 0, w.now), 8);
    gn_host_close(w.h[1], s, w.now);
    world_flush(&w);
    w.cut[0] = false;
    cr_assert_eq(world_stats(&w, 1).state[GN_LAST_ACK], 1);
    squeeze(1, true);
    world_flush(&w);
    cr_expect_eq(world_stats(&w, 1).TCPAbortOnMemory, 1);
    cr_expect_eq(status(0, c).state, GN_CLOSED);
    cr_expect_eq(gn_host_error(w.h[0], c), GN_E_RESET);
    squeeze(1, false);
    world_fini(&w);
}

static struct hoard hoard;

/** exhaust() - host @i has no memory for the buffer of a connection, or as much as it likes */
static void exhaust(unsigned i, bool on)
{
    struct mem *m = &w.h[i]->mem;

    mem_set_budget(m, on ? m->taken : w.conf.tcp_mem);
    if (on)
        hoard_take(&hoard, m, RING_MIN, 20000);
    else
        hoard_give(&hoard);
}

/** octet() - of a stream without a short period */
static uint8_t octet(uint32_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

/* text for which there is no memory is answered: its sender knows that the peer lives, backs off as
 * RFC 6298 says, with SACK and without, and sends no storm; then every octet comes through */
Test(pressure, text_is_answered, .timeout = 60)
{
    static uint8_t out[60000], in[60000];
    struct gn_conf conf;

    gn_conf_default(&conf);
    for (uint32_t i = 0; i < sizeof(out); i++)
        out[i] = octet(i);
    for (unsigned k = 0; k < 8; k++) {
        struct gn_stats was[2], is[2];
        gn_handle l, c, s;
        size_t got = 0;
        int64_t n;

        conf.tcp_sack = k & 1;
        conf.tcp_timestamps = k >> 1 & 1;
        world_init(&w, &conf, k & 4 ? GN_CAP_TSO | GN_CAP_CSUM_TX | GN_CAP_CSUM_RX : 0,
                   GN_MEDIUM_IP);
        world_pair(&w, false, 80, &l, &c, &s);
        exhaust(1, true);
        for (unsigned i = 0; i < 2; i++)
            was[i] = world_stats(&w, i);
        cr_assert_eq(gn_host_send(w.h[0], c, out, sizeof(out), 0, w.now), sizeof(out));
        world_run(&w, 100 * GN_SEC); /* timeouts after 0.2, 0.6, 1.4 ... 51 s or a little later */
        for (unsigned i = 0; i < 2; i++)
            is[i] = world_stats(&w, i);
        cr_expect_leq(is[0].TCPTimeouts - was[0].TCPTimeouts, 9, "%u", k);
        cr_expect_geq(is[0].TCPTimeouts - was[0].TCPTimeouts, 7, "%u", k);
        cr_expect_leq(is[0].OutSegs - was[0].OutSegs, 60, "%u", k);
        cr_expect_leq(is[0].RetransSegs - was[0].RetransSegs, 20, "%u", k);
        cr_expect_leq(is[1].OutSegs - was[1].OutSegs,
                      is[0].OutSegs - was[0].OutSegs + is[0].RetransSegs - was[0].RetransSegs);
        cr_expect_geq(is[1].OutSegs - was[1].OutSegs, is[0].TCPTimeouts - was[0].TCPTimeouts);
        cr_expect_eq(is[1].InOctets, was[1].InOctets);
        cr_expect_lt(w.now - status(0, c).last_in, 60 * GN_SEC);
        exhaust(1, false);
        while (got < sizeof(out)) {
            cr_assert_lt(w.now, 2000 * GN_SEC);
            world_run(&w, GN_SEC);
            while ((n = gn_host_recv(w.h[1], s, in + got, sizeof(in) - got, 0, w.now)) > 0)
                got += (size_t)n;
        }
        cr_expect_arr_eq(in, out, sizeof(out));
        world_fini(&w);
    }
}

/* the text of one whose user has gone is not taken for want of memory until it is given up: the
 * peer, who has nothing to send, is not left behind. Nothing is said to one who does not answer */
Test(pressure, who_is_given_up_is_told)
{
    gn_handle l, c, s;

    for (unsigned k = 0; k < 2; k++) {
        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        world_pair(&w, false, 80, &l, &c, &s);
        exhaust(1, true);
        w.cut[1] = k;
        cr_assert_eq(gn_host_send(w.h[0], c, "the last", 8, 0, w.now), 8);
        gn_host_close(w.h[0], c, w.now);
        world_run(&w, 300 * GN_SEC);
        world_nothing_left(&w, 0);
        cr_expect_eq(world_stats(&w, 0).TCPAbortOnTimeout, 1);
        cr_expect_eq(world_stats(&w, 0).OutRsts > 0, !k);
        cr_expect_eq(status(1, s).state, k ? GN_ESTABLISHED : GN_CLOSED);
        cr_expect_eq(gn_host_error(w.h[1], s), k ? GN_OK : GN_E_RESET);
        exhaust(1, false);
        world_fini(&w);
    }
}
