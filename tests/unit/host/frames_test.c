/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments become frames and frames segments in a short way and in a long one, which are the same.
 */
#include "world.h"

#include "base/bits.h"
#include "base/hash.h"
#include "base/prng.h"
#include "host/emit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

/** random_seg() - from host 0 to host 1, with @len octets of text at @text */
static struct seg random_seg(struct prng *r, const uint8_t *text, uint32_t len)
{
    struct seg s = {.key = {.laddr = world_end(0, false, 0).addr,
                            .raddr = world_end(1, false, 0).addr,
                            .lport = (uint16_t)prng_u32(r),
                            .rport = (uint16_t)prng_u32(r)},
                    .seq = seq(prng_u32(r)),
                    .ack = seq(prng_u32(r)),
                    .ctl = (uint16_t)prng_below(r, 0x200),
                    .wnd = (uint16_t)prng_u32(r),
                    .up = (uint16_t)prng_u32(r),
                    .ecn = (uint8_t)prng_below(r, 4),
                    .tos = (uint8_t)prng_below(r, 256),
                    .ttl = (uint8_t)prng_u32(r),
                    .text_len = len};

    if (prng_chance(r, 500000)) {
        s.opt.has = OPT_TS;
        s.opt.tsval = prng_u32(r);
        s.opt.tsecr = prng_u32(r);
    }
    if (prng_chance(r, 300000)) {
        s.opt.has |= OPT_SACK;
        s.opt.n_sack = 1;
        s.opt.sack[0] = (struct tcpopt_sack){seq(prng_u32(r)), seq(prng_u32(r))};
    }
    s.n_text = len > 0;
    s.text[0] = (struct gn_span){text, len};
    return s;
}

/* text in two pieces, of which one may be empty, goes the long way */
Test(frames, a_plain_frame_is_made_like_any_other)
{
    uint8_t text[1400], room[2][1500];
    struct prng r;

    prng_seed(&r, 1, 1);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)prng_u32(&r);
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t len = prng_chance(&r, 500000) ? prng_below(&r, 140) : prng_below(&r, 1400);
        uint32_t cut = prng_below(&r, len + 1);
        struct seg one = random_seg(&r, text, prng_chance(&r, 200000) ? 0 : len), two = one;
        struct gn_frame f[2] = {{.buf = room[0], .cap = 1500}, {.buf = room[1], .cap = 1500}};

        if (one.text_len == 0)
            cut = 0;
        two.n_text = 2;
        two.text[0] = (struct gn_span){text, cut};
        two.text[1] = (struct gn_span){text + cut, one.text_len - cut};
        memset(room, 0xa5, sizeof(room));
        cr_assert(emit_segment(w.h[0], &one, &f[0], GN_ESTABLISHED));
        cr_assert(emit_segment(w.h[0], &two, &f[1], GN_ESTABLISHED));
        cr_assert_eq(f[0].len, f[1].len);
        cr_assert(f[0].data == room[0] && f[0].n_tail == 0 && f[0].flags == f[1].flags &&
                  f[0].gso_size == 0 && f[0].iface == f[1].iface);
        cr_assert_arr_eq(room[0], room[1], sizeof(room[0]));
    }
    world_fini(&w);
}

static struct prng spoiler;
static uint64_t seen; /* hash of all packets */

/** spoil_some() - a packet is noted, and may come to harm: octets changed with or without a sum
 * that fits, the end cut off, padding */
static void spoil_some(struct packet *p)
{
    static const struct siphash_key key = {{1, 2}};
    uint64_t both[2] = {seen, siphash24(&key, p->data, p->len)};

    seen = siphash24(&key, both, sizeof(both));
    if (prng_chance(&spoiler, 60000))
        p->data[prng_below(&spoiler, p->len)] ^= (uint8_t)(1u << prng_below(&spoiler, 8));
    if (prng_chance(&spoiler, 20000) && p->data[9] == 6 && p->len >= 40) { /* Diffserv or TTL */
        unsigned at = prng_chance(&spoiler, 500000) ? 1 : 8;
        uint16_t from = get16(p->data + (at & ~1u));

        p->data[at] ^= (uint8_t)prng_u32(&spoiler);
        put16(p->data + 10, csum_update16(get16(p->data + 10), from, get16(p->data + (at & ~1u))));
    }
    if (prng_chance(&spoiler, 20000))
        p->len -= prng_below(&spoiler, p->len);
    if (prng_chance(&spoiler, 20000)) {
        p->data = realloc(p->data, p->len + 7);
        memset(p->data + p->len, 0x5a, 7);
        p->len += 7;
    }
}

/** forget() - the host has never seen a packet */
static void forget(struct gn_host *h)
{
    h->ip.again.iface = h->ip.again.bare = IP_IFACE_NONE;
}

/** talk() - two connections that send to and fro over a bad wire; what host 1 counted */
static struct gn_stats talk(uint64_t seed, void (*before)(struct gn_host *))
{
    static uint8_t octets[3000], sink[8192];
    gn_handle l[2], c[2], s[2];
    struct gn_stats st;
    struct prng r;

    prng_seed(&r, seed, 1);
    prng_seed(&spoiler, seed, 2);
    seen = 0;
    world_init(&w, NULL, 0, GN_MEDIUM_IP);
    for (unsigned i = 0; i < 2; i++)
        world_pair(&w, i, (uint16_t)(80 + i), &l[i], &c[i], &s[i]);
    w.bend = spoil_some;
    w.before = before;
    for (unsigned round = 0; round < 300; round++) {
        unsigned i = prng_chance(&r, 200000), host = prng_below(&r, 2);
        gn_handle h = host ? s[i] : c[i];

        (void)gn_host_send(w.h[host], h, octets, 1 + prng_below(&r, 3000), 0, w.now);
        world_run(&w, prng_chance(&r, 100000) ? GN_SEC : GN_MSEC);
        for (unsigned k = 0; k < 4; k++)
            (void)gn_host_recv(w.h[k & 1], k & 1 ? s[k >> 1] : c[k >> 1], sink, sizeof(sink), 0,
                               w.now);
    }
    st = world_stats(&w, 1);
    world_fini(&w);
    return st;
}

/* what is remembered of the last packet makes a difference to nobody */
Test(frames, packets_in_a_row_are_taken_like_single_ones)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct gn_stats one = talk(seed, NULL), other;
        uint64_t packets = seen;

        other = talk(seed, forget);
        cr_assert_eq(packets, seen, "seed %llu", (unsigned long long)seed);
        cr_assert_arr_eq(&one, &other, sizeof(one));
        cr_assert_gt(one.InErrs, 0);
        cr_assert_gt(one.InSegs, 300);
    }
}
