/* SPDX-License-Identifier: BSD-2-Clause */
/* What the user decides about the IP header (RFC 9293 3.9.1.9, 3.9.2), and what IP is told about
 * the path (3.8.3). */
#include "world.h"

#include "base/bits.h"
#include "host/host.h"

#include <criterion/criterion.h>
#include <string.h>

static struct world w;

/** Diffserv and TTL of the last packet to port 80. */
static struct {
    uint8_t tos, ttl;
} last;

static void watch(struct packet *p)
{
    const uint8_t *d = p->data;

    if (d[0] >> 4 == 4 && get16(d + 22) == 80) {
        last.tos = d[1];
        last.ttl = d[8];
    } else if (d[0] >> 4 == 6 && get16(d + 42) == 80) {
        last.tos = (uint8_t)(get16(d) >> 4);
        last.ttl = d[7];
    }
}

/** leaves() - with what one octet of text leaves */
static void leaves(gn_handle c, uint8_t tos, uint8_t ttl)
{
    memset(&last, 0, sizeof(last));
    cr_assert_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
    world_flush(&w);
    cr_expect_eq(last.tos, tos, "Diffserv %x, not %x", last.tos, tos);
    cr_expect_eq(last.ttl, ttl, "TTL %u, not %u", last.ttl, ttl);
}

/* MUST-48: the user chooses the Diffserv field, SHLD-21: at any time, SHLD-22: and IP gets it
 * unchanged, all 64 values of it. MUST-49: TTL and hop limit are set likewise, and have a default
 */
Test(headers, diffserv_and_ttl)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        gn_handle l, c, s;

        world_init(&w, NULL, 0, GN_MEDIUM_IP);
        w.bend = watch;
        world_pair(&w, v6, 80, &l, &c, &s);
        cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_NODELAY, 1, w.now), GN_OK);
        leaves(c, 0, 64);
        for (unsigned tos = 0; tos < 256; tos += 4) {
            cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_TOS, tos, w.now), GN_OK);
            leaves(c, (uint8_t)tos, 64);
        }
        cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_TTL, 7, w.now), GN_OK);
        leaves(c, 0xfc, 7);
        cr_expect_eq(gn_host_set_option(w.h[0], c, GN_OPT_TTL, 0, w.now), GN_E_INVALID);
        cr_expect_eq(gn_host_set_option(w.h[0], c, GN_OPT_TTL, 256, w.now), GN_E_INVALID);
        world_fini(&w);
    }
}

/* MUST-49: the default is a knob */
Test(headers, default_ttl)
{
    struct gn_conf conf;
    gn_handle l, c, s;

    gn_conf_default(&conf);
    conf.ip_default_ttl = 33;
    world_init(&w, &conf, 0, GN_MEDIUM_IP);
    w.bend = watch;
    world_pair(&w, false, 80, &l, &c, &s);
    leaves(c, 0, 33);
    world_fini(&w);
}

/** asks() - let 10 s pass on host 0; the number of its ARP requests to host 1's link address, and
 * of segments */
static unsigned asks(unsigned *ret_segments)
{
    static uint8_t room[GN_FRAME_MAX];
    gn_time end = w.now + 10 * GN_SEC;
    unsigned n = 0;

    *ret_segments = 0;
    while (w.now < end) {
        struct gn_frame f = {.buf = room, .cap = sizeof(room)};
        struct gn_deadline d = gn_host_deadline(w.h[0]);

        if (gn_host_output(w.h[0], &f, 1, w.now)) {
            bool arp = get16(f.data + 12) == 0x0806;

            n += arp && f.data[0] == 2 && f.data[5] == 2;
            *ret_segments += !arp;
            continue;
        }
        w.now = d.armed && d.at < end ? (d.at > w.now ? d.at : w.now + 1) : end;
    }
    return n;
}

/* MUST-20: after R1 retransmissions IP looks for a dead next hop, although it had proved to be
 * there less than half of REACHABLE_TIME ago */
Test(headers, r1_makes_ip_ask)
{
    for (unsigned r1 = 3; r1 <= 20; r1 += 17) {
        struct gn_conf conf;
        gn_handle l, c, s;
        unsigned arps, segments;

        gn_conf_default(&conf);
        conf.tcp_retries1 = r1;
        world_init(&w, &conf, 0, GN_MEDIUM_ETHERNET);
        world_pair(&w, false, 80, &l, &c, &s);
        cr_assert_eq(gn_host_send(w.h[0], c, "x", 1, 0, w.now), 1);
        arps = asks(&segments);
        cr_expect_gt(segments, 4);
        if (r1 == 3)
            cr_expect_gt(arps, 0, "nobody asked");
        else
            cr_expect_eq(arps, 0, "asked too early");
        cr_expect_not(conn_find(w.h[0], c)->doubt_path, "once for each time-out");
        world_fini(&w);
    }
}

/** How often each identification was seen in a packet that routers may fragment. */
static uint8_t idents[65536];

static void count_idents(struct packet *p)
{
    if (p->data[0] >> 4 == 4 && get16(p->data + 22) == 80 && !(p->data[6] & 0x40))
        idents[get16(p->data + 4)]++;
}

/* MAY-4, RFC 6864 4.2, RFC 1191 3: without Don't Fragment no two packets have the same
 * identification, whether they were made one by one or cut from one train, here or by the interface
 */
Test(headers, identification)
{
    for (unsigned tso = 0; tso < 2; tso++) {
        gn_handle l, c, s;
        unsigned n = 0;

        memset(idents, 0, sizeof(idents));
        world_init(&w, NULL, tso ? GN_CAP_TSO | GN_CAP_CSUM_TX : 0, GN_MEDIUM_IP);
        world_pair(&w, false, 80, &l, &c, &s);
        w.bend = count_idents;
        cr_assert_eq(gn_host_set_option(w.h[0], c, GN_OPT_PMTU, GN_PMTU_DONT, w.now), GN_OK);
        world_transfer(&w, 0, c, s, 200000);
        for (unsigned i = 0; i < 65536; i++) {
            cr_expect_leq(idents[i], 1, "identification %u in %u packets", i, idents[i]);
            n += idents[i];
        }
        cr_expect_geq(n, 200000 / 1460, "no more than %u packets without Don't Fragment", n);
        world_fini(&w);
    }
}
