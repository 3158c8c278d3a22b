/* SPDX-License-Identifier: BSD-2-Clause */
#include "host/demux.h"

#include "base/prng.h"
#include "unit/base/pages.h"

#include <criterion/criterion.h>

#define N_KEYS 3000

struct model {
    struct pages pages;
    struct mem mem;
    struct pool conns, half, tw;
    struct demux d;
    struct tcp_key key[N_KEYS];
    ref_t ref[N_KEYS]; /* REF_NULL: not in the table */
};

static struct model m;

static struct pool *pool_of(enum ref_kind k)
{
    return k == REF_CONN ? &m.conns : k == REF_HALF_OPEN ? &m.half : &m.tw;
}

static void set_up(void)
{
    struct siphash_key k = {{1, 2}};

    mem_init(&m.mem, pages_source(&m.pages), 1 << 26);
    pool_init(&m.conns, &m.mem, 256, 1 << 20);
    pool_init(&m.half, &m.mem, 64, 1 << 20);
    pool_init(&m.tw, &m.mem, 64, 1 << 20);
    cr_assert(demux_init(&m.d, &m.mem, &k, &m.conns, &m.half, &m.tw));
}

static void tear_down(void)
{
    mem_fini(&m.mem);
    cr_expect_eq(m.pages.out, 0);
}

TestSuite(demux, .init = set_up, .fini = tear_down);

/** make_key() - the i-th of many different tuples, IPv4 and IPv6 */
static struct tcp_key make_key(unsigned i)
{
    struct tcp_key k = {.laddr = gn_addr_v4(10, 0, 0, 1),
                        .raddr = gn_addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i),
                        .lport = 80,
                        .rport = (uint16_t)(i * 7 + 1)};

    if (i & 1) {
        k.laddr.b[10] = k.laddr.b[11] = 0;
        k.laddr.b[0] = k.raddr.b[0] = 0xfd;
        k.raddr.b[10] = k.raddr.b[11] = 0;
    }
    return k;
}

static ref_t insert(const struct tcp_key *k, enum ref_kind kind)
{
    uint32_t index;
    struct tcp_key *o = pool_alloc(pool_of(kind), &index);
    ref_t r = ref_make(kind, index);

    cr_assert_not_null(o);
    *o = *k;
    cr_assert(demux_insert(&m.d, demux_hash(&m.d, k), r));
    return r;
}

static void forget(ref_t r)
{
    struct pool *p = pool_of(ref_kind(r));

    pool_free(p, pool_at(p, ref_index(r)), ref_index(r));
}

static void toggle(struct prng *p, unsigned i)
{
    const struct tcp_key *k = &m.key[i];
    uint32_t hash = demux_hash(&m.d, k);

    if (!m.ref[i].raw) {
        m.ref[i] = insert(k, (enum ref_kind)(1 + prng_below(p, 3)));
    } else if (prng_chance(p, 300000)) { /* one size of connection becomes another */
        enum ref_kind kind = (enum ref_kind)(1 + prng_below(p, 3));
        uint32_t index;
        struct tcp_key *o = pool_alloc(pool_of(kind), &index);
        ref_t to = ref_make(kind, index);

        *o = *k;
        demux_replace(&m.d, hash, m.ref[i], to);
        forget(m.ref[i]);
        m.ref[i] = to;
    } else {
        demux_remove(&m.d, hash, m.ref[i]);
        forget(m.ref[i]);
        m.ref[i] = REF_NULL;
    }
}

/* the short way to connections finds one just when it is in the table, and is one of the two that
 * have its place, and no other with its ports was met later */
static void check_met(const unsigned i)
{
    const struct tcp_key *k = &m.key[i], *met = demux_met(&m.d, k);
    const struct demux_met *place = m.d.met[demux_place(k)];

    cr_assert(place[0].object != place[1].object || !place[0].object);
    for (unsigned at = 0; at < 2; at++)
        cr_assert_eq(place[at].ports, place[at].object ? tcp_key_ports(place[at].object) : 0);
    if (place[0].ports != tcp_key_ports(k))
        place++;
    cr_assert_eq(met != NULL, place->object && tcp_key_equal(place->object, k));
    if (met) {
        cr_assert_eq(ref_kind(m.ref[i]), REF_CONN);
        cr_assert_eq(met, (void *)pool_at(&m.conns, ref_index(m.ref[i])));
        cr_assert_eq(demux_met_ports(&m.d, k), met);
    }
}

/* the table against a plain array, over insertions, replacements and removals that make and break
 * clusters */
Test(demux, agrees_with_a_naive_model)
{
    struct prng p;

    prng_seed(&p, 1, 1);
    for (unsigned i = 0; i < N_KEYS; i++)
        m.key[i] = make_key(i);
    for (unsigned step = 0; step < 40000; step++) {
        unsigned i = prng_below(&p, N_KEYS);

        toggle(&p, i);
        cr_assert_eq(demux_met(&m.d, &m.key[i]) != NULL, ref_kind(m.ref[i]) == REF_CONN);
        i = prng_below(&p, N_KEYS);
        cr_assert_eq(demux_find(&m.d, demux_hash(&m.d, &m.key[i]), &m.key[i]).raw, m.ref[i].raw);
        check_met(i);
    }
    for (unsigned i = 0; i < N_KEYS; i++)
        cr_assert_eq(demux_find(&m.d, demux_hash(&m.d, &m.key[i]), &m.key[i]).raw, m.ref[i].raw);
}

/* every part of the tuple counts */
Test(demux, tells_neighbours_apart)
{
    struct tcp_key k = make_key(2), other;
    uint32_t hash = demux_hash(&m.d, &k);

    insert(&k, REF_CONN);
    for (unsigned i = 0; i < sizeof(k); i++) {
        other = k;
        ((uint8_t *)&other)[i] ^= 1;
        /* even with the same hash */
        cr_expect_eq(demux_find(&m.d, hash, &other).raw, 0, "octet %u", i);
    }
    cr_expect_neq(demux_find(&m.d, hash, &k).raw, 0);
}

/* TW-9: a half-open entry hides the TIME-WAIT record of its tuple, in either order of insertion */
Test(demux, half_open_shadows_time_wait)
{
    struct tcp_key k = make_key(4);
    uint32_t hash = demux_hash(&m.d, &k);
    ref_t tw = insert(&k, REF_TIME_WAIT), half = insert(&k, REF_HALF_OPEN);

    cr_expect_eq(demux_find(&m.d, hash, &k).raw, half.raw);
    cr_expect_eq(demux_find_time_wait(&m.d, hash, &k).raw, tw.raw);
    demux_remove(&m.d, hash, half);
    cr_expect_eq(demux_find(&m.d, hash, &k).raw, tw.raw);
    demux_remove(&m.d, hash, tw);
    half = insert(&k, REF_HALF_OPEN);
    tw = insert(&k, REF_TIME_WAIT);
    cr_expect_eq(demux_find(&m.d, hash, &k).raw, half.raw);
}

/* without memory to grow, the table fills further, then says no, and is still right */
Test(demux, without_memory)
{
    unsigned n = 0;
    uint32_t index;

    for (unsigned i = 0; i < 100; i++)
        m.key[i] = make_key(i);
    mem_set_budget(&m.mem, m.mem.taken); /* nothing more from the source */
    while (n < 100) {
        struct tcp_key *o = pool_alloc(&m.conns, &index);

        if (!o) { /* the pool needs its first slab */
            mem_set_budget(&m.mem, 1 << 26);
            continue;
        }
        *o = m.key[n];
        if (!demux_insert(&m.d, demux_hash(&m.d, o), ref_make(REF_CONN, index)))
            break;
        m.ref[n++] = ref_make(REF_CONN, index);
    }
    for (unsigned i = 0; i < n; i++)
        cr_assert_eq(demux_find(&m.d, demux_hash(&m.d, &m.key[i]), &m.key[i]).raw, m.ref[i].raw);
}
