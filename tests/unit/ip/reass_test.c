/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip/reass.h"

#include "unit/ip/support.h"

/** A reassembler on virtual time. */
struct bench {
    struct pages pages;
    struct mem mem;
    struct reass r;
    gn_time now;
    struct reass_whole w;
    uint8_t data[65536]; /* what packets are cut from */
};

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);

    mem_init(&b->mem, pages_source(&b->pages), 16u << 20);
    reass_init(&b->r, &(struct siphash_key){{3, 4}});
    b->now = 1000 * GN_SEC + 1;
    for (unsigned i = 0; i < sizeof b->data; i++)
        b->data[i] = (uint8_t)(i * 7 + i / 256);
    return b;
}

static void bench_free(struct bench *b)
{
    reass_fini(&b->r, &b->mem);
    cr_assert_eq(b->r.n, 0);
    cr_assert_eq(b->r.bytes, 0);
    cr_assert_eq(b->mem.used, 0);
    mem_fini(&b->mem);
    free(b);
}

/* octets [from, to) of packet @id as a fragment in exactly its own memory */
static enum gn_drop add(struct bench *b, uint32_t id, uint32_t from, uint32_t to, bool more,
                        uint8_t tos)
{
    struct reass_frag f = {.key = {.id = id, .proto = 17, .v4 = 1},
                           .info = {.next = 17, .tos = tos, .ttl = 9},
                           .more = more,
                           .off = from,
                           .len = to - from,
                           .n_part = 1};
    uint8_t *copy = malloc(f.len);
    enum gn_drop drop;

    memcpy(copy, b->data + from, f.len);
    f.part[0] = (struct gn_span){copy, f.len};
    drop = reass_add(&b->r, &b->mem, b->now, &f, &b->w);
    free(copy);
    return drop;
}

static void assert_whole(struct bench *b, uint32_t len)
{
    cr_assert_not_null(b->w.payload);
    cr_assert_eq(b->w.len, len);
    cr_assert_arr_eq(b->w.payload, b->data, len);
    memset(b->w.payload - REASS_HEAD, 0, REASS_HEAD); /* the room is there */
    cr_assert_eq(b->w.info.next, 17);
    cr_assert_eq(b->w.info.ttl, 9);
}

Test(reass, every_order_of_four_fragments)
{
    static const uint32_t cut[] = {0, 8, 1000, 1496, 2501};
    struct bench *b = bench_new();
    unsigned orders = 0;

    for (unsigned code = 0; code < 256; code++) {
        unsigned order[4], seen = 0;

        for (unsigned i = 0; i < 4; i++) {
            order[i] = code >> 2 * i & 3;
            seen |= 1u << order[i];
        }
        if (seen != 15)
            continue;
        orders++;
        for (unsigned i = 0; i < 4; i++) {
            unsigned k = order[i];

            cr_assert_null(b->w.payload);
            cr_assert_eq(add(b, code, cut[k], cut[k + 1], k < 3, 0), GN_DROP_NONE);
        }
        assert_whole(b, 2501);
        reass_release(&b->r, &b->mem);
        b->w.payload = NULL;
    }
    cr_assert_eq(orders, 24);
    bench_free(b);
}

Test(reass, packets_are_kept_apart_by_every_part_of_the_key)
{
    struct bench *b = bench_new();
    struct reass_frag f = {.more = true, .len = 8, .n_part = 1, .part = {{b->data, 8}}};

    for (unsigned i = 0; i < sizeof f.key; i++) {
        memset(&f.key, 0, sizeof f.key);
        ((uint8_t *)&f.key)[i] = 1;
        cr_assert_eq(reass_add(&b->r, &b->mem, b->now, &f, &b->w), GN_DROP_NONE);
        cr_assert_eq(b->r.n, i + 1);
    }
    bench_free(b);
}

/* MAL-57, RFC 5722: every kind of overlap with [800, 1600) gives the packet up, and what follows
 * too */
Test(reass, overlap_kills)
{
    static const uint32_t bad[][2] = {{792, 808},  {1592, 1608}, {800, 808}, {1592, 1600},
                                      {792, 1608}, {808, 1592},  {800, 1608}};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bench *b = bench_new();

        cr_assert_eq(add(b, 1, 800, 1600, true, 0), GN_DROP_NONE);
        cr_assert_eq(add(b, 1, bad[i][0], bad[i][1], true, 0), GN_DROP_FRAG_OVERLAP, "%u", i);
        cr_assert_eq(b->r.bytes, 0, "the memory is free at once");
        cr_assert_eq(add(b, 1, 0, 800, true, 0), GN_DROP_FRAG_OVERLAP);
        cr_assert_eq(add(b, 1, 1600, 1700, false, 0), GN_DROP_FRAG_OVERLAP);
        cr_assert_null(b->w.payload);
        cr_assert_eq(b->r.n, 1);
        bench_free(b);
    }
}

Test(reass, exact_duplicates_and_touching_fragments_are_fine)
{
    struct bench *b = bench_new();

    add(b, 1, 800, 1600, true, 0);
    cr_assert_eq(add(b, 1, 800, 1600, true, 0), GN_DROP_NONE);
    cr_assert_eq(add(b, 1, 0, 800, true, 0), GN_DROP_NONE);
    cr_assert_eq(add(b, 1, 0, 800, true, 0), GN_DROP_NONE);
    cr_assert_null(b->w.payload);
    cr_assert_eq(add(b, 1, 1600, 1601, false, 0), GN_DROP_NONE);
    assert_whole(b, 1601);
    bench_free(b);
}

/* MAL-57: the end may not be told twice, nor lie before what has come */
Test(reass, contradictions_about_the_end)
{
    struct {
        uint32_t a[2];
        bool a_more;
        uint32_t b[2];
        bool b_more;
    } row[] = {{{800, 900}, false, {1000, 1008}, false},
               {{800, 900}, false, {1000, 1008}, true},
               {{1000, 1008}, true, {800, 900}, false},
               {{1000, 1008}, false, {800, 1000}, false}};
    for (unsigned i = 0; i < 4; i++) {
        struct bench *b = bench_new();

        cr_assert_eq(add(b, 1, row[i].a[0], row[i].a[1], row[i].a_more, 0), GN_DROP_NONE);
        cr_assert_eq(add(b, 1, row[i].b[0], row[i].b[1], row[i].b_more, 0), GN_DROP_FRAG_BAD, "%u",
                     i);
        cr_assert_eq(add(b, 1, 0, 8, true, 0), GN_DROP_FRAG_OVERLAP, "%u", i);
        bench_free(b);
    }
}

/* RFC 3168 5.3 */
Test(reass, ecn_of_the_whole)
{
    static const struct {
        uint8_t first, second;
        enum gn_drop drop;
        uint8_t whole;
    } row[] = {{0, 0, GN_DROP_NONE, 0},    {2, 2, GN_DROP_NONE, 2}, {2, 3, GN_DROP_NONE, 3},
               {3, 1, GN_DROP_NONE, 3},    {1, 2, GN_DROP_NONE, 1}, {0, 3, GN_DROP_FRAG_BAD, 0},
               {3, 0, GN_DROP_FRAG_BAD, 0}};
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct bench *b = bench_new();

        add(b, 1, 0, 8, true, row[i].first | 0x20);
        cr_assert_eq(add(b, 1, 8, 16, false, row[i].second), row[i].drop, "%u", i);
        if (row[i].drop == GN_DROP_NONE)
            cr_assert_eq(b->w.info.tos, row[i].whole | 0x20, "%u", i);
        bench_free(b);
    }
}

Test(reass, largest_packet)
{
    struct bench *b = bench_new();

    for (uint32_t at = 0; at < 65535; at += 1400)
        cr_assert_eq(add(b, 1, at, at + 1400 < 65535 ? at + 1400 : 65535, at + 1400 < 65535, 0),
                     GN_DROP_NONE);
    assert_whole(b, 65535);
    bench_free(b);
}

Test(reass, too_many_fragments)
{
    struct bench *b = bench_new();

    for (uint32_t i = 0; i < REASS_FRAGS; i++)
        cr_assert_eq(add(b, 1, i * 16, i * 16 + 8, true, 0), GN_DROP_NONE);
    cr_assert_eq(add(b, 1, 8, 16, true, 0), GN_DROP_FRAG_LIMIT);
    cr_assert_eq(b->r.bytes, 0);
    bench_free(b);
}

Test(reass, too_many_packets_cost_the_oldest)
{
    struct bench *b = bench_new();

    for (uint32_t id = 0; id < REASS_MAX + 1; id++, b->now++)
        cr_assert_eq(add(b, id, 0, 8, true, 0), GN_DROP_NONE);
    cr_assert_eq(b->r.n, REASS_MAX);
    cr_assert_eq(add(b, 1, 8, 16, false, 0), GN_DROP_NONE);
    assert_whole(b, 16);
    cr_assert_eq(add(b, 0, 8, 16, false, 0), GN_DROP_NONE);
    cr_assert_null(b->w.payload, "packet 0 is gone");
    bench_free(b);
}

Test(reass, memory_is_bounded)
{
    struct bench *b = bench_new();

    for (uint32_t id = 0; id < 40; id++, b->now++) {
        cr_assert_eq(add(b, id, 64000, 64008, true, 0), GN_DROP_NONE);
        cr_assert(b->r.bytes <= REASS_BYTES);
    }
    cr_assert_eq(b->r.n, REASS_BYTES / (64 << 10));
    bench_free(b);
}

Test(reass, the_oldest_of_both_families_goes)
{
    struct bench *b = bench_new();
    struct reass_frag f = {
        .key = {.id = 5000}, .more = true, .len = 8, .n_part = 1, .part = {{b->data, 8}}};

    add(b, 0, 0, 8, true, 0);
    b->now += 10;
    cr_assert_eq(reass_add(&b->r, &b->mem, b->now, &f, &b->w), GN_DROP_NONE);
    for (uint32_t id = 1; id < REASS_MAX - 1; id++)
        add(b, id, 0, 8, true, 0);
    b->now += 10;
    add(b, 100, 0, 8, true, 0); /* costs packet 0, although IPv6's queue is looked at first */
    f.off = 8;
    f.more = false;
    cr_assert_eq(reass_add(&b->r, &b->mem, b->now, &f, &b->w), GN_DROP_NONE);
    cr_assert_eq(b->w.len, 16);
    bench_free(b);
}

Test(reass, time_is_bounded)
{
    struct bench *b = bench_new();
    struct reass_frag six = {
        .key = {.id = 1}, .more = true, .off = 8, .len = 8, .n_part = 1, .part = {{b->data, 8}}};
    gn_time start = b->now;

    cr_assert_not(deadline_armed(reass_deadline(&b->r)));
    reass_add(&b->r, &b->mem, b->now, &six, &b->w);
    add(b, 1, 0, 24, true, 0);
    gn_time at = deadline_time(reass_deadline(&b->r));
    cr_assert(at >= start + REASS_TIME_V4 - 1 && at <= start + REASS_TIME_V4);
    cr_assert_not(reass_expire(&b->r, &b->mem, at - 2, &b->w));
    cr_assert(reass_expire(&b->r, &b->mem, at, &b->w));
    cr_assert_eq(b->w.len, 24, "the first fragment is handed out");
    cr_assert_arr_eq(b->w.payload, b->data, 24);
    cr_assert_not(reass_expire(&b->r, &b->mem, at, &b->w));
    at = deadline_time(reass_deadline(&b->r));
    cr_assert(at >= start + REASS_TIME_V6 - 1);
    cr_assert(reass_expire(&b->r, &b->mem, at, &b->w));
    cr_assert_null(b->w.payload, "the first fragment never came");
    cr_assert_not(deadline_armed(reass_deadline(&b->r)));
    bench_free(b);
}

Test(reass, without_memory)
{
    struct bench *b = bench_new();

    b->pages.fail_from = 1;
    cr_assert_eq(add(b, 1, 0, 8, true, 0), GN_DROP_NO_MEMORY);
    cr_assert_eq(b->r.n, 0);
    b->pages.fail_from = 0;
    cr_assert_eq(add(b, 1, 0, 8, true, 0), GN_DROP_NONE);
    b->pages.fail_from = 1;
    cr_assert_eq(add(b, 1, 60000, 60008, true, 0), GN_DROP_NO_MEMORY);
    b->pages.fail_from = 0;
    cr_assert_eq(add(b, 1, 8, 16, false, 0), GN_DROP_NONE);
    assert_whole(b, 16);
    bench_free(b);
}

Test(reass, the_one_that_grows_is_spared)
{
    struct bench *b = bench_new();

    add(b, 1, 0, 8, true, 0);
    for (uint32_t id = 2; id < 16; id++)
        add(b, id, 64000, 64008, true, 0);
    cr_assert_eq(b->r.n, 15);
    for (uint32_t id = 16; id < 19; id++)
        add(b, id, 20000, 20008, true, 0);
    cr_assert_eq(add(b, 1, 64000, 65008, true, 0), GN_DROP_NONE, "the oldest, and it grows");
    cr_assert(b->r.bytes <= REASS_BYTES);
    cr_assert_eq(add(b, 1, 8, 64000, true, 0), GN_DROP_NONE);
    cr_assert_eq(add(b, 1, 65008, 65016, false, 0), GN_DROP_NONE);
    assert_whole(b, 65016);
    bench_free(b);
}
