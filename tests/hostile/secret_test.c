/* SPDX-License-Identifier: BSD-2-Clause */
/* What only the secret knows: the hash of the table of connections, numbers, Fast Open cookies. */
#include "foe.h"
#include "host/host.h"

#include <criterion/criterion.h>
#include <string.h>

static struct foe f, g;

/** isn() - of the first SYN of a fresh host with the secret @c */
static uint32_t isn(int c)
{
    struct gn_host_config cfg = {.pages = pages_source(&g.pages)};
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = 1500};
    struct gn_endpoint local = {gn_addr_v4(10, 0, 0, 1), 4000};

    gn_conf_default(&cfg.conf);
    memset(cfg.secret, c, sizeof(cfg.secret));
    g.now = GN_SEC;
    g.host = gn_host_new(&cfg, g.now, NULL);
    cr_assert_not_null(g.host);
    gn_host_add_iface(g.host, &i);
    gn_host_add_addr(g.host, 0, local.addr, 24);
    cr_assert_eq(gn_host_connect(g.host, local, (struct gn_endpoint){gn_addr_v4(10, 0, 0, 2), 9},
                                 NULL, g.now, &g.c),
                 GN_OK);
    foe_pull(&g);
    gn_host_free(g.host);
    return g.out[0].seq.raw;
}

/* SEC-RND-1: all that is random comes from the secret that the caller gives: the same one twice
 * gives the same numbers, one bit of it changes them */
Test(hostile, t_SEC_RND_1_secret, .timeout = 60)
{
    cr_expect_eq(isn(1), isn(1));
    cr_expect_neq(isn(1), isn(2));
    cr_expect_neq(isn(1), isn(0));
}

/* SEC-HASH-1: five hundred tuples that share a slot of one host's table are spread over another's:
 * who does not know the secret cannot make a chain */
Test(hostile, t_SEC_HASH_1_collisions, .timeout = 60)
{
    static uint8_t slot[1024];
    struct siphash_key other = siphash_derive((const uint8_t[32]){7}, 5);
    unsigned n = 0, used = 0, deepest = 0;

    foe_init(&f);
    foe_up(&f);
    for (uint32_t i = 0; n < 500; i++) {
        struct tcp_key k = {gn_addr_v4(10, 0, 0, 1), gn_addr_v4(11, (uint8_t)(i >> 16), 0, 1), 80,
                            (uint16_t)i};
        struct demux d = f.host->demux;

        if ((demux_hash(&d, &k) & 1023) != 5)
            continue;
        d.key = other;
        d.start = siphash_start(&other);
        n++;
        used += !slot[demux_hash(&d, &k) & 1023]++;
        if (slot[demux_hash(&d, &k) & 1023] > deepest)
            deepest = slot[demux_hash(&d, &k) & 1023];
    }
    cr_expect_gt(used, 350); /* 395 of 1024 are to be expected */
    cr_expect_lt(deepest, 8);
    foe_fini(&f);
}

/** fast_syn() - a SYN of @who with text and a cookie of @len octets */
static struct seg fast_syn(uint32_t who, const uint8_t *cookie, uint8_t len)
{
    struct seg s = foe_stranger(&f, who);

    s.key.laddr = gn_addr_v4(11, 0, 0, 1);
    s.key.lport = (uint16_t)(1024 + who);
    s.opt.has = OPT_TFO;
    s.opt.tfo_len = len;
    if (len)
        memcpy(s.opt.tfo, cookie, len);
    s.text_len = 500;
    return s;
}

/* MAL-71: Fast Open: no cookie but the right one has text taken; with the right one, as many
 * connections as the listener allows are made at a time, and the answer is one small packet */
Test(hostile, t_MAL_71_fast_open, .timeout = 60)
{
    uint8_t cookie[16], bad[16];
    struct seg s;
    uint8_t len;
    uint64_t memory = 0, octets;

    foe_init(&f);
    f.conf.tcp_fastopen = 3;
    f.conf.tcp_max_syn_backlog = 64;
    foe_up(&f);
    cr_assert_eq(gn_host_set_option(f.host, f.listener, GN_OPT_FASTOPEN, 20, f.now), GN_OK);
    s = fast_syn(0, NULL, 0);
    cr_assert_eq(foe_arrives(&f, &s, NULL), GN_DROP_NONE);
    cr_assert(foe_last(&f)->opt.has & OPT_TFO);
    len = foe_last(&f)->opt.tfo_len;
    memcpy(cookie, foe_last(&f)->opt.tfo, len);
    for (unsigned i = 0; i < 8u * len; i++) { /* each bit of it counts */
        memcpy(bad, cookie, len);
        bad[i / 8] ^= (uint8_t)(1 << i % 8);
        s = fast_syn(1 + i, bad, len);
        foe_arrives(&f, &s, NULL);
        cr_assert_eq(foe_last(&f)->ack.raw, s.seq.raw + 1, "text was taken");
    }
    for (uint8_t n = 4; n <= 16; n = (uint8_t)(n + 2)) { /* of other lengths */
        memset(bad, 0, sizeof(bad));
        memcpy(bad, cookie, n < len ? n : len);
        if (n == len)
            continue;
        s = fast_syn(200 + n, bad, n);
        foe_arrives(&f, &s, NULL);
        cr_assert_eq(foe_last(&f)->ack.raw, s.seq.raw + 1, "text was taken");
    }
    s = fast_syn(300, cookie, len); /* of another client */
    s.key.laddr.b[15]++;
    foe_arrives(&f, &s, NULL);
    cr_assert_eq(foe_last(&f)->ack.raw, s.seq.raw + 1, "text was taken");
    cr_expect_eq(foe_stats(&f).TCPFastOpenPassive, 0);
    octets = f.sent_octets;
    for (unsigned i = 0; i < 20000; i++) {
        s = fast_syn(1000 + i, cookie, len);
        foe_input(&f, &s, NULL);
        foe_pull(&f);
        if (i == 1000)
            memory = foe_stats(&f).memory;
    }
    cr_expect_eq(foe_stats(&f).TCPFastOpenPassive, 20);
    cr_expect_eq(foe_stats(&f).memory, memory);
    cr_expect_leq(f.sent_octets - octets, 20000u * 80);
    foe_open(&f, FOE_ALL, 1460); /* asserts that it is accepted, one day */
    foe_fini(&f);
}
