/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"
#include "base/ranges.h"
#include "pages.h"

#include <criterion/criterion.h>
#include <string.h>

static struct pages pages;
static struct mem mem;
static struct ranges set;

static void setup(void)
{
    mem_init(&mem, pages_source(&pages), 1 << 20);
}

static void teardown(void)
{
    ranges_free(&set, &mem);
    cr_assert_eq(mem.used, 0);
    mem_fini(&mem);
}

TestSuite(ranges, .init = setup, .fini = teardown);

/* add [a, b), expect the whole [wa, wb) and @fresh new octets */
static void add(uint32_t a, uint32_t b, uint32_t wa, uint32_t wb, uint32_t fresh)
{
    struct range whole;
    uint32_t n;

    cr_assert(ranges_add(&set, &mem, seq(a), seq(b), &whole, &n));
    cr_assert_eq(whole.a.raw, wa);
    cr_assert_eq(whole.b.raw, wb);
    cr_assert_eq(n, fresh);
}

Test(ranges, an_empty_set_holds_no_memory)
{
    cr_assert_eq(ranges_octets(&set), 0);
    cr_assert_null(ranges_find(&set, seq(0)));
    cr_assert_not(ranges_covers(&set, seq(0), seq(1)));
    cr_assert(ranges_covers(&set, seq(5), seq(5)));
    ranges_cut(&set, &mem, seq(9));
    cr_assert_eq(pages.calls, 0);
    add(1, 2, 1, 2, 1);
    ranges_cut(&set, &mem, seq(2));
    cr_assert_eq(mem.used, 0);
    cr_assert_null(set.r);
}

Test(ranges, overlapping_and_touching_ranges_become_one)
{
    add(100, 200, 100, 200, 100);
    add(300, 400, 300, 400, 100);
    add(500, 600, 500, 600, 100);
    cr_assert_eq(set.n, 3);
    add(120, 180, 100, 200, 0);  /* inside */
    add(200, 210, 100, 210, 10); /* touches the end */
    add(290, 300, 290, 400, 10); /* touches the beginning */
    add(390, 410, 290, 410, 10); /* overlaps the end */
    add(205, 295, 100, 410, 80); /* joins two */
    cr_assert_eq(set.n, 2);
    add(50, 700, 50, 700, 650 - 310 - 100); /* swallows all */
    cr_assert_eq(set.n, 1);
    cr_assert_eq(ranges_octets(&set), 650);
}

Test(ranges, order_survives_the_wrap)
{
    add(0x00000010, 0x00000020, 0x10, 0x20, 0x10);
    add(0xfffffff0, 0xfffffff8, 0xfffffff0, 0xfffffff8, 8);
    cr_assert_eq(set.r[0].a.raw, 0xfffffff0);
    add(0xfffffff4, 0x00000010, 0xfffffff0, 0x20, 0x18);
    cr_assert(ranges_covers(&set, seq(0xfffffff0), seq(0x20)));
    cr_assert_eq(ranges_octets(&set), 0x30);
    ranges_cut(&set, &mem, seq(0));
    cr_assert_eq(set.r[0].a.raw, 0);
    cr_assert_null(ranges_find(&set, seq(0xffffffff)));
    cr_assert_not_null(ranges_find(&set, seq(0)));
}

Test(ranges, find_is_half_open)
{
    add(10, 20, 10, 20, 10);
    add(30, 40, 30, 40, 10);
    cr_assert_null(ranges_find(&set, seq(9)));
    cr_assert_eq(ranges_find(&set, seq(10)), &set.r[0]);
    cr_assert_eq(ranges_find(&set, seq(19)), &set.r[0]);
    cr_assert_null(ranges_find(&set, seq(20)));
    cr_assert_eq(ranges_find(&set, seq(39)), &set.r[1]);
    cr_assert_null(ranges_find(&set, seq(40)));
    cr_assert(ranges_covers(&set, seq(10), seq(20)));
    cr_assert_not(ranges_covers(&set, seq(10), seq(21)));
    cr_assert_not(ranges_covers(&set, seq(15), seq(35)));
}

Test(ranges, next_is_the_one_that_holds_it_or_the_first_after_it)
{
    cr_assert_null(ranges_next(&set, seq(0)));
    add(10, 20, 10, 20, 10);
    add(30, 40, 30, 40, 10);
    for (uint32_t x = 0; x < 50; x++)
        cr_assert_eq(ranges_next(&set, seq(x)), x < 20 ? &set.r[0] : x < 40 ? &set.r[1] : NULL);
}

Test(ranges, cut_removes_trims_or_leaves)
{
    add(10, 20, 10, 20, 10);
    add(30, 40, 30, 40, 10);
    add(50, 60, 50, 60, 10);
    ranges_cut(&set, &mem, seq(5));
    cr_assert_eq(ranges_octets(&set), 30);
    ranges_cut(&set, &mem, seq(20));
    cr_assert_eq(set.n, 2);
    ranges_cut(&set, &mem, seq(35));
    cr_assert_eq(set.r[0].a.raw, 35);
    ranges_cut(&set, &mem, seq(45));
    cr_assert_eq(set.n, 1);
    cr_assert_eq(set.r[0].a.raw, 50);
}

Test(ranges, the_bound_holds_and_merging_goes_on)
{
    struct ranges before;

    for (uint32_t i = 0; i < RANGES_MAX; i++) /* backwards: the worst order */
        cr_assert(ranges_add(&set, &mem, seq(50000 - 10 * i), seq(50005 - 10 * i), NULL, NULL));
    cr_assert_eq(set.n, RANGES_MAX);
    before = set;
    cr_assert_not(ranges_add(&set, &mem, seq(60000), seq(60001), NULL, NULL));
    cr_assert_eq(memcmp(&before, &set, sizeof(set)), 0);
    cr_assert(ranges_add(&set, &mem, seq(50000), seq(50007), NULL, NULL));
    cr_assert(ranges_add(&set, &mem, seq(49995), seq(50000), NULL, NULL));
    cr_assert_eq(set.n, RANGES_MAX - 1);
    cr_assert(ranges_add(&set, &mem, seq(60000), seq(60001), NULL, NULL));
}

Test(ranges, out_of_memory_leaves_the_set_alone)
{
    pages.fail_from = 1;
    cr_assert_not(ranges_add(&set, &mem, seq(1), seq(2), NULL, NULL));
    cr_assert_eq(set.n, 0);
    cr_assert_null(set.r);
}

Test(ranges, agrees_with_a_naive_model)
{
    enum { SPACE = 2000 };
    const uint32_t base = 0xfffffc00; /* wraps inside */
    static bool model[SPACE];
    struct prng prng;
    uint32_t cut = 0;

    prng_seed(&prng, 4, 0);
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t a = prng_below(&prng, SPACE - 60), b = a + 1 + prng_below(&prng, 40), n = 0, got;

        if (prng_chance(&prng, 1000)) {
            memset(model, 0, sizeof(model));
            ranges_free(&set, &mem);
            cut = 0;
        }
        if (prng_chance(&prng, 30000)) {
            cut = a > cut + 100 ? cut + 100 : cut;
            ranges_cut(&set, &mem, seq(base + cut));
            memset(model, 0, cut);
        } else if (ranges_add(&set, &mem, seq(base + a), seq(base + b), NULL, &got)) {
            for (uint32_t i = a; i < b; i++) {
                n += !model[i];
                model[i] = true;
            }
            cr_assert_eq(got, n);
        }
        a = prng_below(&prng, SPACE);
        cr_assert_eq(ranges_find(&set, seq(base + a)) != NULL, model[a]);
        n = 0;
        for (uint32_t i = 0; i < SPACE; i++)
            n += model[i];
        cr_assert_eq(ranges_octets(&set), n);
        for (unsigned i = 1; i < set.n; i++)
            cr_assert(seq_lt(set.r[i - 1].b, set.r[i].a));
    }
}
