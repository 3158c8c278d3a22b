/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"
#include "base/prng.h"
#include "pages.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static struct pages pages;
static struct mem mem;

static void setup(void)
{
    mem_init(&mem, pages_source(&pages), 64 << 20);
}

static void teardown(void)
{
    mem_fini(&mem);
    cr_assert_eq(pages.out, 0);
    cr_assert_eq(mem.taken, 0);
}

TestSuite(mem, .init = setup, .fini = teardown);

Test(mem, size_is_the_next_power_of_two)
{
    cr_assert_eq(mem_size(1), 64);
    cr_assert_eq(mem_size(64), 64);
    cr_assert_eq(mem_size(65), 128);
    cr_assert_eq(mem_size(4096), 4096);
    cr_assert_eq(mem_size(4097), 8192);
    cr_assert_eq(mem_size((size_t)1 << 30), (size_t)1 << 30);
}

Test(mem, takes_nothing_before_it_is_asked)
{
    cr_assert_eq(pages.calls, 0);
}

Test(mem, blocks_are_aligned_writable_and_apart)
{
    enum { N = 300 };
    uint8_t *p[N];
    size_t n[N];

    for (unsigned i = 0; i < N; i++) {
        n[i] = (size_t)1 << i % 18;
        p[i] = mem_alloc(&mem, n[i]);
        cr_assert_not_null(p[i]);
        cr_assert_eq((uintptr_t)p[i] % 64, 0);
        memset(p[i], (int)i, n[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        cr_assert_eq(p[i][0], (uint8_t)i);
        cr_assert_eq(p[i][n[i] - 1], (uint8_t)i);
    }
}

Test(mem, what_was_freed_last_comes_first)
{
    void *a = mem_alloc(&mem, 1000), *b = mem_alloc(&mem, 1000);

    mem_free(&mem, a, 1000);
    mem_free(&mem, b, 1000);
    cr_assert_eq(mem_alloc(&mem, 600), b);
    cr_assert_eq(mem_alloc(&mem, 1024), a);
}

Test(mem, account_returns_to_zero)
{
    enum { N = 500 };
    struct prng prng;
    void *p[N] = {0};
    size_t n[N];
    uint64_t used = 0;

    prng_seed(&prng, 1, 0);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = prng_below(&prng, N);

        if (p[i]) {
            used -= mem_size(n[i]);
            mem_free(&mem, p[i], n[i]);
            p[i] = NULL;
        } else {
            n[i] = 1 + (prng_u32(&prng) & ((1u << prng_below(&prng, 19)) - 1));
            p[i] = mem_alloc(&mem, n[i]);
            if (p[i]) {
                used += mem_size(n[i]);
                memset(p[i], 0x5a, n[i]);
            }
        }
        cr_assert_eq(mem.used, used);
        cr_assert_leq(mem.used, mem.taken);
        cr_assert_leq(mem.taken, mem.budget);
        cr_assert_eq(mem.taken, pages.out);
    }
    for (unsigned i = 0; i < N; i++)
        mem_free(&mem, p[i], n[i]);
    cr_assert_eq(mem.used, 0);
    cr_assert_geq(mem.peak, mem.taken);
}

Test(mem, null_may_be_freed)
{
    mem_free(&mem, NULL, 0);
    mem_free(&mem, NULL, 4096);
    cr_assert_eq(mem.used, 0);
}

Test(mem, budget_is_used_to_the_end_and_never_passed)
{
    size_t n = 0;
    void *p;

    mem_set_budget(&mem, 100000);
    while ((p = mem_alloc(&mem, 64))) {
        memset(p, 1, 64);
        n++;
    }
    /* 4 KiB for the table; what remains is cut in ever smaller chunks down to 4 KiB */
    cr_assert_geq(n * 64, 100000 - 4096 - 4096);
    cr_assert_leq(mem.taken, 100000);
    mem_set_budget(&mem, 64 << 20);
    cr_assert_not_null(mem_alloc(&mem, 64));
}

Test(mem, a_dry_source_is_a_normal_result)
{
    pages.fail_from = 1;
    cr_assert_null(mem_alloc(&mem, 64));
    cr_assert_null(mem_alloc(&mem, 1 << 20));
    cr_assert_eq(mem.used, 0);
    cr_assert_eq(mem.taken, 0);
    pages.fail_from = 0;
    cr_assert_not_null(mem_alloc(&mem, 64));
}

Test(mem, some_large_blocks_are_kept_the_rest_go_back)
{
    void *p[16];
    long calls;

    for (unsigned i = 0; i < 16; i++)
        p[i] = mem_alloc(&mem, 1 << 20);
    for (unsigned i = 0; i < 16; i++)
        mem_free(&mem, p[i], 1 << 20);
    cr_assert(mem.taken >= 1 << 20 && mem.taken <= 8 << 20);
    calls = pages.calls;
    cr_assert_not_null(mem_alloc(&mem, 1 << 20));
    cr_assert_eq(pages.calls, calls);
}

Test(mem, kept_blocks_make_room_for_other_classes)
{
    void *p;

    mem_set_budget(&mem, 2 << 20);
    p = mem_alloc(&mem, 1 << 20);
    cr_assert_not_null(p);
    mem_free(&mem, p, 1 << 20);
    p = mem_alloc(&mem, 1 << 19);
    cr_assert_not_null(p);
    cr_assert_null(mem_alloc(&mem, 2 << 20));
    for (unsigned i = 0; i < (1 << 20) / 2048; i++)
        cr_assert_not_null(mem_alloc(&mem, 2048), "%u", i);
}

Test(mem, thousands_of_large_blocks_are_written_down_and_found)
{
    enum { N = 2000 };
    static void *p[N];
    struct prng prng;

    mem_set_budget(&mem, (uint64_t)N << 18);
    prng_seed(&prng, 2, 0);
    for (unsigned i = 0; i < N; i++) {
        p[i] = mem_alloc(&mem, 1 << 17);
        cr_assert_not_null(p[i]);
    }
    for (unsigned i = N; i-- > 1;) {
        unsigned j = prng_below(&prng, i + 1);
        void *t = p[i];

        p[i] = p[j];
        p[j] = t;
    }
    for (unsigned i = 0; i < N; i++)
        mem_free(&mem, p[i], 1 << 17);
    cr_assert_eq(mem.used, 0);
    cr_assert_leq(mem.taken, 1 << 20);
}

/** fill() - take blocks of @bytes until there are none; how many */
static size_t fill(void **p, size_t most, size_t bytes)
{
    size_t n = 0;

    while (n < most && (p[n] = mem_alloc(&mem, bytes)))
        memset(p[n++], 1, bytes);
    return n;
}

/* what was all in blocks of one size is there for any other */
Test(mem, free_memory_is_of_no_class)
{
    enum { MOST = 40000 };
    static void *p[MOST];
    static const size_t size[] = {64, 65536, 128, 32768, 1 << 19, 256, 4096, 2048, 1 << 17, 64};

    for (uint64_t budget = 1 << 20; budget <= 2 << 20; budget += 200000) {
        mem_set_budget(&mem, budget);
        for (unsigned i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
            size_t n = fill(p, MOST, size[i]);

            cr_expect_geq(n * size[i], budget - budget / 8 - size[i], "%zu of %zu octets", n,
                          size[i]);
            cr_expect_leq(mem.taken, budget);
            cr_expect_eq(mem.taken, pages.out);
            while (n > 0)
                mem_free(&mem, p[--n], size[i]);
        }
    }
}

/* a block of a larger class is cut when nothing else is left; the chunk goes back as a whole */
Test(mem, larger_blocks_are_split)
{
    enum { MOST = 1000 };
    static void *p[MOST], *q[MOST];
    size_t n, k;

    mem_set_budget(&mem, 1 << 20);
    n = fill(p, MOST, 4096);
    cr_assert_gt(n, 200);
    mem_free(&mem, p[77], 4096);
    k = fill(q, MOST, 64);
    cr_assert_eq(k, 64);
    p[77] = mem_alloc(&mem, 4096);
    cr_assert_null(p[77]);
    while (k > 0)
        mem_free(&mem, q[--k], 64);
    while (n > 0)
        mem_free(&mem, p[--n], 4096);
    for (unsigned i = 0; i < 1000; i++)
        mem_sweep(&mem);
    cr_expect_leq(mem.taken, 4096);
}

/* with no room at all a failure costs a few steps, not a look at all that is free */
Test(mem, failures_are_cheap)
{
    enum { MOST = 400000 };
    static void *p[MOST];
    size_t n;

    mem_set_budget(&mem, 24 << 20);
    n = fill(p, MOST, 64);
    cr_assert_gt(n, 350000);
    for (size_t i = 0; i < n; i += 2)
        mem_free(&mem, p[i], 64);
    for (unsigned i = 0; i < 200000; i++) /* tens of minutes, if each looked at all */
        cr_assert_null(mem_alloc(&mem, 128));
}

/* any mixture of sizes, many more than there is room for: the account is right at any time, and at
 * last all is one again */
Test(mem, random_lives_at_the_budget)
{
    enum { N = 3000 };
    static void *p[N];
    static size_t size[N];
    struct prng prng;

    prng_seed(&prng, 3, 0);
    mem_set_budget(&mem, 1 << 20);
    for (unsigned round = 0; round < 200000; round++) {
        unsigned i = prng_below(&prng, N);

        if (p[i]) {
            for (size_t k = 0; k < size[i]; k += 63)
                cr_assert_eq(((uint8_t *)p[i])[k], (uint8_t)i);
            mem_free(&mem, p[i], size[i]);
        }
        size[i] = (size_t)64 << prng_below(&prng, prng_below(&prng, 12) + 1);
        p[i] = round % 50000 < 49000 ? mem_alloc(&mem, size[i]) : NULL;
        if (p[i])
            memset(p[i], (uint8_t)i, size[i]);
        cr_assert_leq(mem.used, mem.taken);
        cr_assert_leq(mem.taken, mem.budget);
        cr_assert_eq(mem.taken, pages.out);
    }
    for (unsigned i = 0; i < N; i++)
        mem_free(&mem, p[i], size[i]);
    cr_assert_eq(mem.used, 0);
    for (unsigned i = 0; i < 3000; i++)
        mem_sweep(&mem);
    cr_expect_leq(mem.taken, 16384, "the table alone: %lu", (unsigned long)mem.taken);
}

Test(mem, more_than_the_largest_class_is_a_bug, .signal = SIGABRT, .fini = NULL)
{
    mem_alloc(&mem, ((size_t)1 << 30) + 1);
}
