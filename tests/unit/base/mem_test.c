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

Test(mem, more_than_the_largest_class_is_a_bug, .signal = SIGABRT, .fini = NULL)
{
    mem_alloc(&mem, ((size_t)1 << 30) + 1);
}
