/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"
#include "base/prng.h"
#include "pages.h"

#include <criterion/criterion.h>
#include <string.h>

static struct pages pages;
static struct mem mem;
static struct pool pool;

static void setup(void)
{
    mem_init(&mem, pages_source(&pages), 64 << 20);
    pool_init(&pool, &mem, 700, 10000);
}

static void teardown(void)
{
    pool_fini(&pool);
    cr_assert_eq(mem.used, 0);
    mem_fini(&mem);
    cr_assert_eq(pages.out, 0);
}

TestSuite(pool, .init = setup, .fini = teardown);

Test(pool, takes_nothing_before_it_is_asked)
{
    cr_assert_eq(pages.calls, 0);
    cr_assert_eq(pool_next(&pool, 0), UINT32_MAX);
    cr_assert_null(pool_find(&pool, 0, 0));
    cr_assert_null(pool_find(&pool, 0, 1));
}

Test(pool, objects_do_not_move_or_overlap)
{
    enum { N = 1000 };
    static uint8_t *p[N];
    static uint32_t index[N];

    for (unsigned i = 0; i < N; i++) {
        p[i] = pool_alloc(&pool, &index[i]);
        cr_assert_not_null(p[i]);
        memset(p[i], (int)i, 700);
    }
    for (unsigned i = 0; i < N; i++) {
        cr_assert_eq(pool_at(&pool, index[i]), p[i]);
        cr_assert_eq((uintptr_t)p[i] % 8, 0);
        for (unsigned j = 0; j < 700; j++)
            cr_assert_eq(p[i][j], (uint8_t)i);
    }
    cr_assert_eq(pool.used, N);
}

Test(pool, a_stale_name_finds_nothing)
{
    uint32_t index, again, gen;
    void *p = pool_alloc(&pool, &index);

    gen = pool_gen(&pool, index);
    cr_assert_neq(gen, 0);
    cr_assert_eq(pool_find(&pool, index, gen), p);
    cr_assert_null(pool_find(&pool, index, gen + 1));
    cr_assert_null(pool_find(&pool, index, gen | 0x80000000u));
    pool_free(&pool, pool_at(&pool, index), index);
    cr_assert_null(pool_find(&pool, index, gen));
    cr_assert_null(pool_find(&pool, index, gen + 1));
    cr_assert_eq(pool_alloc(&pool, &again), p);
    cr_assert_eq(again, index);
    cr_assert_null(pool_find(&pool, index, gen));
    cr_assert_eq(pool_find(&pool, index, gen + 1), p);
    cr_assert_null(pool_find(&pool, 0x01ffffff, 1));
    cr_assert_null(pool_find(&pool, UINT32_MAX, 1));
}

Test(pool, generation_wraps_past_zero)
{
    uint32_t index;

    cr_assert_not_null(pool_alloc(&pool, &index));
    *pool_word(&pool, index) = 0x7fffffffu << 1 | 1;
    cr_assert_not_null(pool_find(&pool, index, 0x7fffffff));
    pool_free(&pool, pool_at(&pool, index), index);
    cr_assert_eq(pool_gen(&pool, index), 1);
}

Test(pool, limit_holds)
{
    uint32_t index = 0;

    for (unsigned i = 0; i < 10000; i++)
        cr_assert_not_null(pool_alloc(&pool, &index));
    cr_assert_lt(index, 20000);
    cr_assert_null(pool_alloc(&pool, &index));
    pool_free(&pool, pool_at(&pool, index), index);
    cr_assert_not_null(pool_alloc(&pool, &index));
}

Test(pool, out_of_memory_at_any_allocation_is_survived)
{
    for (long fail = 1; fail < 12; fail++) {
        uint32_t index, n = 0;

        pages.calls = 0;
        pages.fail_from = fail;
        while (n < 3000 && pool_alloc(&pool, &index))
            n++;
        pages.fail_from = 0;
        cr_assert_eq(pool.used, n);
        cr_assert_not_null(pool_alloc(&pool, &index));
        pool_fini(&pool);
        cr_assert_eq(mem.used, 0);
        mem_fini(&mem);
    }
}

Test(pool, next_walks_the_live_ones_in_order)
{
    enum { N = 400 };
    uint32_t index[N], at = 0;

    for (unsigned i = 0; i < N; i++)
        cr_assert_not_null(pool_alloc(&pool, &index[i]));
    for (unsigned i = 0; i < N; i += 3)
        pool_free(&pool, pool_at(&pool, index[i]), index[i]);
    for (unsigned i = 0; i < N; i++) {
        if (i % 3 == 0)
            continue;
        at = pool_next(&pool, at);
        cr_assert_eq(at, index[i]);
        at++;
    }
    cr_assert_eq(pool_next(&pool, at), UINT32_MAX);
}

Test(pool, any_size_of_object)
{
    for (uint32_t bytes = 1; bytes <= 32768; bytes = bytes * 5 / 3 + 1) {
        struct pool p;
        uint32_t index;

        pool_init(&p, &mem, bytes, 200);
        for (unsigned i = 0; i < 200; i++) {
            void *o = pool_alloc(&p, &index);

            cr_assert_not_null(o);
            memset(o, 1, bytes);
        }
        pool_fini(&p);
    }
    cr_assert_eq(mem.used, 0);
}

/* slabs in which nothing lives go back, those with anything stay; names that were given are stale
 * for ever, and what comes to their places has others */
Test(pool, empty_slabs_go_back)
{
    enum { N = 1000 };
    static uint32_t index[N], gen[N];
    uint32_t at, kept = 0;
    uint64_t most;
    void *lasts;

    for (unsigned i = 0; i < N; i++) {
        cr_assert_not_null(pool_alloc(&pool, &index[i]));
        gen[i] = pool_gen(&pool, index[i]);
    }
    most = pool_memory(&pool);
    lasts = pool_at(&pool, index[500]);
    memset(lasts, 7, 700);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++)
            if (i != 500)
                pool_free(&pool, pool_at(&pool, index[i]), index[i]);
        pool_shed(&pool);
        cr_expect_leq(pool_memory(&pool), 70000);
        cr_expect_eq(pool_next(&pool, 0), index[500]);
        cr_expect_eq(pool_next(&pool, index[500] + 1), UINT32_MAX);
        cr_expect_eq(pool_find(&pool, index[500], gen[500]), lasts);
        for (unsigned i = 0; i < N; i++)
            cr_expect(i == 500 || !pool_find(&pool, index[i], gen[i]));
        for (unsigned i = 0; i < N - 1; i++)
            cr_assert_not_null(pool_alloc(&pool, &at));
        cr_expect_eq(pool_memory(&pool), most);
        for (unsigned i = 0; i < N; i++) {
            cr_expect(i == 500 || !pool_find(&pool, index[i], gen[i]));
            gen[i] = pool_gen(&pool, index[i]);
            kept += ((uint8_t *)lasts)[i % 700] == 7;
        }
    }
    cr_expect_eq(kept, 3 * N);
}

/* a pool gives way to whoever needs the memory */
Test(pool, gives_way)
{
    uint32_t index[1000], n = 0;
    void *p;

    mem_set_budget(&mem, 1 << 20);
    while (n < 1000 && pool_alloc(&pool, &index[n]))
        n++;
    cr_assert_null(mem_alloc(&mem, 1 << 19));
    while (n > 0) {
        n--;
        pool_free(&pool, pool_at(&pool, index[n]), index[n]);
    }
    p = mem_alloc(&mem, 1 << 19);
    cr_assert_not_null(p);
    mem_free(&mem, p, 1 << 19);
    cr_assert_not_null(pool_alloc(&pool, &index[0]));
}

/* with a small budget slabs are small */
Test(pool, small_budget)
{
    struct pool p;
    uint32_t index;

    mem_set_budget(&mem, 1 << 20);
    pool_init(&p, &mem, 64, 1000);
    cr_assert_not_null(pool_alloc(&p, &index));
    cr_expect_leq(mem.taken, 40960); /* a chunk for each of slab and directory, and the table */
    pool_fini(&p);
}
