/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP Fast Open between two hosts (RFC 7413, OPT-TFO-1..6). */
#include "world.h"

#include "host/host.h"
#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;
static const struct gn_endpoint any;
static gn_handle l;

/** seen - the SYNs that host 0 sent */
static struct {
    unsigned syns;
    uint32_t text[16];
    bool push[16];
} seen;

static void see(void *ctx, const struct gn_trace *t)
{
    (void)ctx;
    if (t->kind == GN_TRACE_SEG_OUT && (t->ctl & (CTL_SYN | CTL_ACK)) == CTL_SYN &&
        seen.syns < 16) {
        seen.push[seen.syns] = (t->ctl & CTL_PSH) != 0;
        seen.text[seen.syns++] = t->len;
    }
}

/** begin() - a listener with room for @n connections by Fast Open */
static void begin(uint64_t n)
{
    struct gn_conf conf;

    memset(&seen, 0, sizeof(seen));
    gn_conf_default(&conf);
    conf.tcp_fastopen = 3;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    gn_host_trace(w.h[0], see, NULL);
    cr_assert_eq(gn_host_listen(w.h[1], world_end(1, false, 80), 8, NULL, &l), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_FASTOPEN, n, w.now), GN_OK);
}

/** open_with() - a connection that sends @text as early as it can; nothing leaves yet */
static gn_handle open_with(const char *text)
{
    int64_t n = (int64_t)strlen(text);
    gn_handle c;

    cr_assert_eq(gn_host_connect(w.h[0], any, world_end(1, false, 80), NULL, w.now, &c), GN_OK);
    cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_FASTOPEN_CONNECT, 1, w.now), GN_OK);
    cr_assert_eq(gn_host_send(w.h[0], c, text, (size_t)n, 0, w.now), n);
    return c;
}

/** reads() - host 1 accepts, and reads this */
static gn_handle reads(const char *want)
{
    char buf[64];
    gn_handle s;

    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_OK);
    cr_assert_eq(gn_host_recv(w.h[1], s, buf, sizeof(buf), 0, w.now), (int64_t)strlen(want));
    cr_assert_arr_eq(buf, want, strlen(want));
    return s;
}

/** learn() - the first connection, which brings the cookie */
static void learn(void)
{
    gn_handle c = open_with("first");

    world_flush(&w);
    cr_assert_eq(gn_host_close(w.h[1], reads("first"), w.now), GN_OK);
    cr_assert_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_assert_eq(seen.syns, 1);
    cr_assert_eq(seen.text[0], 0);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenCookieReqd, 1);
}

static struct gn_status status(unsigned i, gn_handle h)
{
    struct gn_status st;

    cr_assert_eq(gn_host_status(w.h[i], h, w.now, &st), GN_OK);
    return st;
}

/* OPT-TFO-1, OPT-TFO-2: the first connection asks; the second has its text accepted, read and
 * answered before the third ACK */
Test(fastopen, a_round_trip_less)
{
    gn_handle c, s;
    char b[8];

    begin(8);
    learn();
    c = open_with("second");
    w.cut[0] = true; /* the SYN,ACK is lost */
    world_flush(&w);
    s = reads("second");
    cr_assert_eq(seen.text[1], 6);
    cr_assert_eq(world_state(&w, 1, s), GN_SYN_RECEIVED);
    cr_assert_eq(gn_host_send(w.h[1], s, "reply", 5, 0, w.now), 5);
    cr_assert_eq(gn_host_poll(w.h[1], s) & GN_EV_WRITABLE, GN_EV_WRITABLE);
    world_flush(&w);
    w.cut[0] = false;
    world_run(&w, 3 * GN_SEC);
    cr_assert_eq(gn_host_recv(w.h[0], c, b, 8, 0, w.now), 5);
    cr_assert_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    cr_assert_eq(world_state(&w, 1, s), GN_ESTABLISHED);
    cr_assert(status(0, c).syn_text);
    cr_assert(status(1, s).syn_text);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 1);
    cr_assert_eq(world_stats(&w, 0).TCPFastOpenActive, 1);
    world_transfer(&w, 0, c, s, 100000);
    world_fini(&w);
}

/* MUST-61: PSH with a SYN that takes all there is, and with no other */
Test(fastopen, push)
{
    static char text[2001];
    gn_handle c;

    begin(8);
    learn();
    cr_assert_not(seen.push[0], "without text");
    (void)open_with("all");
    world_flush(&w);
    (void)reads("all");
    cr_assert(seen.push[1]);
    memset(text, 'x', sizeof(text) - 1);
    c = open_with(text);
    world_flush(&w);
    cr_assert(status(0, c).syn_text);
    cr_assert(seen.text[2] > 0 && seen.text[2] < sizeof(text) - 1);
    cr_assert_not(seen.push[2]);
    world_fini(&w);
}

/* OPT-TFO-2, OPT-TFO-4: the server no longer wants it: text goes again at once */
Test(fastopen, refused_text_is_sent_again)
{
    gn_handle c;
    gn_time t;

    begin(8);
    learn();
    cr_assert_eq(gn_host_set_knob(w.h[1], "tcp_fastopen", "1"), GN_OK);
    c = open_with("second");
    t = w.now;
    world_flush(&w);
    (void)reads("second");
    cr_assert_eq(w.now, t, "without a timeout");
    cr_assert_eq(seen.text[1], 6);
    cr_assert_eq(world_stats(&w, 0).TCPFastOpenActiveFail, 1);
    cr_assert_not(status(0, c).syn_text);
    world_fini(&w);
}

/* OPT-TFO-2: a cookie that is no good gets a new one */
Test(fastopen, bad_cookie)
{
    gn_handle c;

    begin(8);
    learn();
    w.h[1]->secrets.tfo.k[0]++;
    c = open_with("second");
    world_flush(&w);
    (void)reads("second");
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassiveFail, 1);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 0);
    (void)c;
    c = open_with("third");
    world_flush(&w);
    (void)reads("third");
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 1);
    world_fini(&w);
}

/* OPT-TFO-1: a cookie lives through the change of the slot, gets a successor, and dies in the next
 */
Test(fastopen, cookies_age)
{
    begin(8);
    learn();
    for (unsigned i = 1; i <= 2; i++) {
        gn_handle c;

        world_run(&w, 12 * 3600 * GN_SEC);
        c = open_with("again");
        world_flush(&w);
        (void)reads("again");
        cr_assert(status(0, c).syn_text);
        cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, i);
    }
    world_run(&w, 24 * 3600 * GN_SEC);
    (void)open_with("again");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassiveFail, 1);
    world_fini(&w);
}

/* OPT-TFO-4: a SYN that is lost goes again without option and text, and that is remembered */
Test(fastopen, lost_syn)
{
    gn_handle c;

    begin(8);
    learn();
    c = open_with("second");
    w.cut[1] = true;
    world_flush(&w);
    w.cut[1] = false;
    world_run(&w, 2 * GN_SEC);
    cr_assert_eq(world_state(&w, 0, c), GN_ESTABLISHED);
    (void)reads("second");
    cr_assert_eq(seen.syns, 3);
    cr_assert_eq(seen.text[1], 6);
    cr_assert_eq(seen.text[2], 0);
    (void)open_with("third");
    world_flush(&w);
    (void)reads("third");
    cr_assert_eq(seen.text[3], 0);
    world_run(&w, 3601 * GN_SEC);
    (void)open_with("fourth");
    world_flush(&w);
    (void)reads("fourth");
    cr_assert_eq(seen.text[4], 6);
    world_fini(&w);
}

/* OPT-TFO-3: beyond the limit it is an ordinary SYN */
Test(fastopen, pending_limit)
{
    begin(1);
    learn();
    w.cut[0] = true;
    (void)open_with("a");
    (void)open_with("b");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 1);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenListenOverflow, 1);
    w.cut[0] = false;
    world_run(&w, 5 * GN_SEC);
    (void)reads("a");
    (void)reads("b");
    world_run(&w, 3601 * GN_SEC); /* the lost SYN,ACK has taught caution */
    (void)open_with("c");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 2,
                 "it was acknowledged, and counts no more");
    world_fini(&w);
}

/* What there is no room for on host 1. */
enum lack { LACK_BLOCK, LACK_SLOT, LACK_COUNT };

/** take_all() - no memory is left but what pools have; @ret is to give it back */
static void *take_all(struct mem *m)
{
    void *all = NULL, *p;

    w.pages[1].fail_from = 1;
    for (unsigned class = MEM_CLASS_MAX; class >= MEM_CLASS_MIN; class --)
        while ((p = mem_alloc(m, (size_t)1 << class))) {
            *(void **)p = all;
            ((size_t *)p)[1] = (size_t)1 << class;
            all = p;
        }
    return all;
}

/** give_all() - the opposite */
static void give_all(struct mem *m, void *all)
{
    w.pages[1].fail_from = 0;
    while (all) {
        void *p = all;

        all = *(void **)p;
        mem_free(m, p, ((size_t *)p)[1]);
    }
}

/* without memory for a block or its tuple: an ordinary SYN, which needs less, or nothing at all;
 * and nothing is left behind */
Test(fastopen, no_memory)
{
    for (enum lack lack = 0; lack < LACK_COUNT; lack++) {
        struct gn_host *h;
        uint32_t conns, slots, most;
        struct gn_stats st;
        struct pool *pools;
        gn_handle c;
        void *all;

        begin(8);
        learn();
        h = w.h[1];
        pools = h->mem.pools;
        h->mem.pools = NULL; /* they keep empty slabs */
        conns = h->conns.used;
        slots = h->demux.used;
        most = h->blocks.max;
        all = take_all(&h->mem);
        h->blocks.max = lack == LACK_BLOCK ? h->blocks.used : most;
        h->demux.used += lack == LACK_SLOT ? h->demux.mask : 0;
        c = open_with("second");
        w.cut[0] = true; /* the SYN,ACK is lost */
        world_flush(&w);
        h->demux.used -= lack == LACK_SLOT ? h->demux.mask : 0;
        h->blocks.max = most;
        give_all(&h->mem, all);
        h->mem.pools = pools;
        st = world_stats(&w, 1);
        cr_expect_eq(st.TCPFastOpenPassive, 0, "%u", lack);
        cr_expect_eq(st.state[GN_SYN_RECEIVED], lack != LACK_SLOT, "%u", lack);
        cr_expect_eq(st.SyncookiesSent, lack == LACK_SLOT, "%u", lack);
        cr_expect_eq(h->conns.used, conns, "%u", lack);
        cr_expect_eq(h->demux.used, slots + (lack != LACK_SLOT), "%u", lack);
        w.cut[0] = false;
        world_run(&w, 3 * GN_SEC);
        world_transfer(&w, 0, c, reads("second"), 1000);
        world_fini(&w);
    }
}

/* what BBR and pacing need each connection takes once, and gives back */
Test(fastopen, all_memory_comes_back)
{
    uint64_t used;
    gn_handle c, s;

    begin(8);
    cr_assert_eq(gn_host_set_option(w.h[1], l, GN_OPT_CONGESTION, CC_BBR, w.now), GN_OK);
    learn();
    used = w.h[1]->mem.used;
    c = open_with("second");
    world_flush(&w);
    s = reads("second");
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 1);
    cr_assert_eq(gn_host_close(w.h[0], c, w.now), GN_OK);
    world_flush(&w);
    cr_assert_eq(gn_host_close(w.h[1], s, w.now), GN_OK);
    world_run(&w, 70 * GN_SEC);
    world_nothing_left(&w, 1);
    cr_expect_eq(w.h[1]->mem.used, used);
    world_fini(&w);
}

/* OPT-TFO-5: one that is reset goes without a word, and counts for a minute */
Test(fastopen, a_reset_counts)
{
    gn_handle c, s;

    begin(1);
    learn();
    c = open_with("a");
    w.cut[0] = true;
    world_flush(&w);
    world_inject(&w, 1, status(0, c).local, world_end(1, false, 80), status(0, c).snd.nxt, 0,
                 CTL_RST);
    cr_assert_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_E_WOULD_BLOCK);
    cr_assert_eq(gn_host_abort(w.h[0], c, w.now), GN_OK);
    w.cut[0] = false;
    (void)open_with("b");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 1);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenListenOverflow, 1);
    (void)reads("b");
    world_run(&w, 61 * GN_SEC);
    (void)open_with("c");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 2);
    (void)open_with("d");
    world_flush(&w);
    cr_assert_eq(world_stats(&w, 1).TCPFastOpenPassive, 3, "its minute is over once");
    world_fini(&w);
}

/* the third ACK never comes: SYN,ACK is sent tcp_synack_retries times, then all is forgotten */
Test(fastopen, nobody_there)
{
    gn_handle c, s;

    begin(1);
    learn();
    c = open_with("a");
    w.cut[0] = true;
    world_flush(&w);
    cr_assert_eq(gn_host_abort(w.h[0], c, w.now), GN_OK);
    w.cut[1] = true;
    world_run(&w, 70 * GN_SEC);
    cr_assert_eq(world_stats(&w, 1).TCPSynRetrans, 5);
    cr_assert_eq(world_stats(&w, 1).state[GN_SYN_RECEIVED], 0);
    cr_assert_eq(gn_host_accept(w.h[1], l, &s), GN_E_WOULD_BLOCK);
    world_fini(&w);
}

/* OPT-TFO-1: off unless both the knob and the listener say so */
Test(fastopen, off_by_default)
{
    struct gn_conf conf;

    gn_conf_default(&conf);
    cr_assert_eq(conf.tcp_fastopen, 1);
    begin(0);
    (void)open_with("a");
    world_flush(&w);
    (void)reads("a");
    (void)open_with("b");
    world_flush(&w);
    (void)reads("b");
    cr_assert_eq(seen.text[1], 0);
    world_fini(&w);
}

/* what one destination has taught is not lost to a thousand others with one entry each */
Test(fastopen, the_cache_is_bounded)
{
    static struct hostcache c;
    struct siphash_key k = {{1, 2}};
    struct tcpopt o = {.has = OPT_TFO, .tfo_len = 8};
    struct gn_addr a = gn_addr_v4(10, 0, 0, 1);

    cr_assert_eq(hostcache_find(&c, &k, &a, 1)->len, 0);
    for (unsigned i = 0; i < 1000; i++) {
        struct gn_addr x = gn_addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);

        hostcache_learn(&c, &k, &x, &o, 1000, false, i + 1);
        cr_assert_eq(hostcache_find(&c, &k, &x, i + 1)->mss, 1000);
        cr_assert_eq(hostcache_find(&c, &k, &x, i + 1)->len, 8);
    }
    hostcache_refuse(&c, &k, &a, 5000);
    cr_assert(hostcache_find(&c, &k, &a, 5001)->refused);
    cr_assert_not(hostcache_find(&c, &k, &a, 5001 + HOSTCACHE_REFUSED)->refused);
}
