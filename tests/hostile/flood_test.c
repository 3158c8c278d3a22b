/* SPDX-License-Identifier: BSD-2-Clause */
/* Floods: memory stays flat, and those who mean it are served. 10^5 packets where the requirement
 * says 10^6: this runs with sanitizers. */
#include "foe.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <string.h>

#define FLOOD 100000u

static struct foe f;
static const struct gn_endpoint any;

/** flood() - @n SYNs of strangers from number @first on, each with @text octets */
static void flood(uint32_t first, uint32_t n, uint32_t text)
{
    for (uint32_t i = first; i < first + n; i++) {
        struct seg s = foe_stranger(&f, i);

        s.text_len = text;
        foe_input(&f, &s, NULL);
        if (i % 64 == 63)
            foe_pull(&f);
    }
    foe_pull(&f);
}

/* MAL-19: text on a SYN is not kept, and costs no memory */
Test(hostile, t_MAL_19_syn_with_text, .timeout = 60)
{
    uint64_t memory;

    foe_init(&f);
    f.conf.tcp_max_syn_backlog = 128;
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    flood(0, 1000, 1460);
    memory = foe_stats(&f).memory;
    flood(1000, FLOOD - 1000, 1460);
    cr_expect_eq(foe_stats(&f).memory, memory);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 128);
    cr_expect_eq(foe_stats(&f).InOctets, 0);
    foe_alive(&f);
    foe_fini(&f);
}

/* MAL-23, SEC-4987-1, SEC-4987-3: the cache is full, cookies answer; every tenth of the flood one
 * connects in earnest and is served; what was open stays open. One packet goes out for one in */
Test(hostile, t_MAL_23_syn_flood, .timeout = 60)
{
    gn_handle first;
    struct tcp_key key;
    uint32_t nxt, heard;
    uint64_t memory, sent;

    foe_init(&f);
    f.conf.tcp_max_syn_backlog = 256;
    foe_up(&f);
    foe_open(&f, 0, 1460);
    first = f.c;
    key = f.key;
    nxt = f.nxt;
    heard = f.heard;
    flood(0, 1000, 0);
    memory = foe_stats(&f).memory;
    sent = f.sent;
    flood(1000, FLOOD, 0);
    cr_expect_eq(f.sent - sent, FLOOD);
    cr_expect_eq(foe_stats(&f).memory, memory);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 256);
    for (unsigned i = 0; i < 100; i++) {
        flood(FLOOD + i * 100, 100, 0);
        foe_open(&f, i % 2 ? FOE_ALL : 0, 1460); /* asserts that it is accepted */
        cr_expect_eq(foe_status(&f).opt_sack, i % 2, "SEC-4987-6");
        foe_alive(&f);
        foe_drop(&f);
    }
    cr_expect_eq(foe_stats(&f).SyncookiesRecv, 100);
    f.c = first;
    f.key = key;
    f.nxt = nxt;
    f.heard = heard;
    f.has = 0;
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-4987-1, SEC-4987-3: without cookies the flooded listener drops, and nobody else notices */
Test(hostile, t_SEC_4987_1_other_listeners, .timeout = 60)
{
    struct gn_endpoint other = {.port = 81};
    struct seg s;
    gn_handle l, c;

    foe_init(&f);
    f.conf.tcp_max_syn_backlog = 256;
    f.conf.tcp_syncookies = 0;
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    cr_assert_eq(gn_host_listen(f.host, other, 8, NULL, &l), GN_OK);
    flood(0, 20000, 0);
    cr_expect_eq(foe_stats(&f).drop[GN_DROP_SYN_QUEUE_FULL], 20000 - 256);
    foe_alive(&f);
    s = foe_stranger(&f, 77);
    s.key.rport = 81;
    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    s.ctl = CTL_ACK;
    s.seq = seq_add(s.seq, 1);
    s.ack = seq_add(foe_last(&f)->seq, 1);
    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    cr_expect_eq(gn_host_accept(f.host, l, &c), GN_OK);
    /* the flood ends, the entries die, and the listener is what it was */
    foe_pass(&f, 70 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
    foe_open(&f, FOE_ALL, 1460);
    foe_alive(&f);
    foe_fini(&f);
}

/* SEC-4987-2: what a half-open connection costs; nothing is left when its time is over */
Test(hostile, t_SEC_4987_2_small_entries, .timeout = 60)
{
    uint64_t before;

    foe_init(&f);
    f.conf.tcp_max_syn_backlog = 20000;
    foe_up(&f);
    before = foe_stats(&f).memory;
    flood(0, 10000, 0);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 10000);
    cr_expect_lt((foe_stats(&f).memory - before) / 10000, 128);
    foe_pass(&f, 70 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_SYN_RECEIVED], 0);
    foe_fini(&f);
}

/** get_cookie() - SYN of @who; the ACK that would answer the cookie */
static struct seg get_cookie(uint32_t who)
{
    struct seg s = foe_stranger(&f, who);

    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    s.ctl = CTL_ACK;
    s.seq = seq_add(s.seq, 1);
    s.ack = seq_add(foe_last(&f)->seq, 1);
    return s;
}

/* MAL-24, SEC-4987-4: no cookie is guessed, no old one is good, and a good one opens no second
 * connection while the first is there */
Test(hostile, t_MAL_24_cookies, .timeout = 60)
{
    struct prng rng;
    struct seg s, guess;
    uint64_t memory;

    prng_seed(&rng, 24, 1);
    foe_init(&f);
    f.conf.tcp_syncookies = 2;
    foe_up(&f);
    s = get_cookie(1);
    memory = foe_stats(&f).memory;
    guess = s;
    for (unsigned i = 0; i < FLOOD; i++) {
        guess.ack = seq(prng_below(&rng, UINT32_MAX));
        guess.wnd = (uint16_t)i;
        foe_input(&f, &guess, NULL);
        if (i % 64 == 63)
            foe_pull(&f);
    }
    cr_expect_eq(foe_stats(&f).SyncookiesFailed, FLOOD);
    cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 0);
    cr_expect_eq(foe_stats(&f).memory, memory);
    /* any bit of tuple, ISS and IRS counts */
    for (unsigned bit = 0; bit < 32; bit++) {
        guess = s;
        guess.seq = seq(s.seq.raw ^ 1u << bit);
        cr_expect_neq(foe_arrives(&f, &guess, NULL), GN_DROP_NONE);
        guess = s;
        guess.key.lport = (uint16_t)(s.key.lport ^ 1u << bit % 16);
        cr_expect_neq(foe_arrives(&f, &guess, NULL), GN_DROP_NONE);
    }
    cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 0);
    /* good once; again it is a segment of the connection like any other (SEC-4987-8) */
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    cr_expect_eq(foe_stats(&f).SyncookiesRecv, 1);
    cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 1);
    /* two slots later it is worth nothing, though cookies are about */
    s = get_cookie(2);
    foe_pass(&f, 129 * GN_SEC);
    get_cookie(3);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_COOKIE_BAD);
    cr_expect_eq(foe_last(&f)->ctl, CTL_RST);
    cr_expect_eq(foe_stats(&f).state[GN_ESTABLISHED], 1);
    foe_fini(&f);
}

/* SEC-4987-5: no ACK is looked at for a cookie unless cookies were sent a short time ago */
Test(hostile, t_SEC_4987_5_only_when_sent, .timeout = 60)
{
    struct seg s;

    foe_init(&f);
    f.conf.tcp_syncookies = 2;
    foe_up(&f);
    s = foe_stranger(&f, 5);
    s.ctl = CTL_ACK;
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_LISTEN_ACK);
    cr_expect_eq(foe_stats(&f).SyncookiesFailed, 0);
    get_cookie(6);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_COOKIE_BAD);
    cr_expect_eq(foe_stats(&f).SyncookiesFailed, 1);
    foe_pass(&f, 130 * GN_SEC);
    cr_expect_eq(foe_arrives(&f, &s, NULL), GN_DROP_LISTEN_ACK);
    cr_expect_eq(foe_stats(&f).SyncookiesFailed, 1);
    foe_fini(&f);
}

/* SEC-4987-7: a cookie's SYN,ACK is never sent again; SEC-4987-8: an ACK that finds no room uses
 * its cookie up no more than none does */
Test(hostile, t_SEC_4987_8_full_queue, .timeout = 60)
{
    struct gn_endpoint e = {.port = 81};
    struct seg s[3];
    gn_handle l, c;
    uint64_t sent;

    foe_init(&f);
    f.conf.tcp_syncookies = 2;
    foe_up(&f);
    cr_assert_eq(gn_host_listen(f.host, e, 0, NULL, &l), GN_OK);
    for (unsigned i = 0; i < 3; i++) {
        s[i] = foe_stranger(&f, i);
        s[i].key.rport = 81;
        cr_assert_eq(foe_arrives(&f, &s[i], NULL), GN_DROP_NONE);
        s[i].ctl = CTL_ACK;
        s[i].seq = seq_add(s[i].seq, 1);
        s[i].ack = seq_add(foe_last(&f)->seq, 1);
    }
    sent = f.sent;
    foe_pass(&f, 30 * GN_SEC);
    cr_expect_eq(f.sent, sent);
    cr_expect_eq(foe_arrives(&f, &s[0], NULL), GN_DROP_NONE);
    cr_expect_eq(foe_arrives(&f, &s[1], NULL), GN_DROP_ACCEPT_QUEUE_FULL);
    cr_expect_eq(gn_host_accept(f.host, l, &c), GN_OK);
    cr_expect_eq(foe_arrives(&f, &s[1], NULL), GN_DROP_NONE);
    cr_expect_eq(gn_host_accept(f.host, l, &c), GN_OK);
    cr_expect_eq(gn_host_accept(f.host, l, &c), GN_E_WOULD_BLOCK);
    foe_fini(&f);
}

/* MAL-25, SEC-RL-1: RSTs for closed ports come out of a budget; an open port does not suffer */
Test(hostile, t_MAL_25_ack_flood, .timeout = 60)
{
    struct seg s;

    foe_init(&f);
    f.conf.tcp_rst_ratelimit = 1000;
    foe_up(&f);
    foe_open(&f, FOE_ALL, 1460);
    for (unsigned i = 0; i < FLOOD; i++) {
        s = foe_stranger(&f, i);
        s.ctl = i % 2 ? CTL_ACK : CTL_SYN;
        s.key.rport = (uint16_t)(1000 + i % 5000);
        foe_input(&f, &s, NULL);
        if (i % 64 == 63)
            foe_pull(&f);
    }
    cr_expect_eq(f.sent_rst, 1000);
    cr_expect_eq(foe_stats(&f).drop[GN_DROP_RATE_LIMITED], FLOOD - 1000);
    foe_alive(&f);
    foe_pass(&f, 500 * GN_MSEC);
    for (unsigned i = 0; i < 1000; i++)
        foe_arrives(&f, &s, NULL);
    cr_expect_eq(f.sent_rst, 1500);
    foe_fini(&f);
}

/* SEC-MEM-5: TIME-WAIT costs one cache line and a slot; beyond the limit the oldest go */
Test(hostile, t_SEC_MEM_5_time_wait, .timeout = 60)
{
    uint64_t memory;

    foe_init(&f);
    f.conf.tcp_max_tw_buckets = 100;
    foe_up(&f);
    memory = 0;
    for (unsigned i = 0; i < 1000; i++) {
        foe_open(&f, 0, 1460);
        cr_assert_eq(gn_host_close(f.host, f.c, f.now), GN_OK);
        foe_pull(&f);
        foe_say(&f, CTL_FIN | CTL_ACK, NULL, 0);
        cr_expect_leq(foe_stats(&f).state[GN_TIME_WAIT], 100);
        if (i == 200)
            memory = foe_stats(&f).memory;
    }
    cr_expect_eq(foe_stats(&f).memory, memory);
    cr_expect_eq(foe_stats(&f).TimeWaitOverflow, 900);
    foe_pass(&f, 61 * GN_SEC);
    cr_expect_eq(foe_stats(&f).state[GN_TIME_WAIT], 0);
    foe_fini(&f);
}

/* SEC-6056-1: ports of active OPENs: over the whole range, and the next one to a second destination
 * says nothing about the next one to a first. SEC-RND-1: nothing is random but by the secret */
Test(hostile, t_SEC_6056_1_ports, .timeout = 60)
{
    static uint8_t seen[65536];
    unsigned steps = 0, distinct = 0;
    uint16_t last[2] = {0, 0};

    foe_init(&f);
    f.conf.ip_local_port_min = 1024;
    f.conf.ip_local_port_max = 65535;
    foe_up(&f);
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < 4000; i++) {
        struct gn_endpoint to = {gn_addr_v4(10, 0, (uint8_t)(i / 200), 77), (uint16_t)(i % 200)};

        to.addr.b[12] = 12;
        to.port = (uint16_t)(to.port + 1);
        cr_assert_eq(gn_host_connect(f.host, any, to, NULL, f.now, &f.c), GN_OK);
        foe_pull(&f);
        distinct += !seen[foe_last(&f)->key.rport]++;
        steps += (uint16_t)(foe_last(&f)->key.rport - last[0]) < 16;
        last[0] = foe_last(&f)->key.rport;
        cr_expect_geq(last[0], 1024);
        foe_drop(&f);
    }
    cr_expect_gt(distinct, 3700); /* 3880 are to be expected of 4000 at random */
    cr_expect_lt(steps, 20);      /* a counter that all share would be seen here; expected: 1 */
    foe_fini(&f);
}
