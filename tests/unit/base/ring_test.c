/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"
#include "base/ring.h"
#include "pages.h"

#include <criterion/criterion.h>
#include <string.h>

static struct pages pages;
static struct mem mem;
static struct ring ring;

static void setup(void)
{
    mem_init(&mem, pages_source(&pages), 64 << 20);
}

static void teardown(void)
{
    ring_free(&ring, &mem);
    cr_assert_eq(mem.used, 0);
    mem_fini(&mem);
}

TestSuite(ring, .init = setup, .fini = teardown);

/* octet number @i of the stream */
static uint8_t octet(uint64_t i)
{
    return (uint8_t)(i * 131 + (i >> 8));
}

/* put octets [from, from + n) of the stream at offset @at */
static void put(uint32_t at, uint64_t from, uint32_t n)
{
    static uint8_t buf[1 << 20];

    for (uint32_t i = 0; i < n; i++)
        buf[i] = octet(from + i);
    ring_put(&ring, at, buf, n);
}

/* the held octets [at, at + n) are the stream's from @from on */
static void expect(uint32_t at, uint64_t from, uint32_t n)
{
    static uint8_t buf[1 << 20];
    struct gn_span span[2];
    unsigned n_span = ring_span(&ring, at, n, span);
    uint32_t done = 0;

    ring_get(&ring, at, buf, n);
    for (uint32_t i = 0; i < n; i++)
        cr_assert_eq(buf[i], octet(from + i));
    for (unsigned s = 0; s < n_span; s++) {
        cr_assert_gt(span[s].len, 0);
        cr_assert_arr_eq(span[s].ptr, buf + done, span[s].len);
        done += span[s].len;
    }
    cr_assert_eq(done, n);
}

Test(ring, an_empty_ring_holds_no_memory)
{
    cr_assert(ring_reserve(&ring, &mem, 0, 0));
    cr_assert_eq(mem.used, 0);
    cr_assert(ring_reserve(&ring, &mem, 1, 0));
    cr_assert_eq(ring.cap, RING_MIN);
    put(0, 0, 1);
    ring_extend(&ring, 1);
    ring_drop(&ring, &mem, 1, false);
    cr_assert_null(ring.mem);
    cr_assert_eq(mem.used, 0);
}

Test(ring, runs_wrap_in_two_pieces)
{
    struct gn_span span[2];

    cr_assert(ring_reserve(&ring, &mem, RING_MIN, 0));
    put(0, 0, RING_MIN);
    ring_extend(&ring, RING_MIN);
    ring_drop(&ring, &mem, 1500, false);
    put(RING_MIN - 1500, RING_MIN, 1500);
    ring_extend(&ring, 1500);
    expect(0, 1500, RING_MIN);
    cr_assert_eq(ring_span(&ring, 0, RING_MIN, span), 2);
    cr_assert_eq(span[0].len, RING_MIN - 1500);
    cr_assert_eq(span[1].ptr, ring.mem);
    cr_assert_eq(ring_span(&ring, 0, RING_MIN - 1500, span), 1);
    cr_assert_eq(ring_span(&ring, RING_MIN - 1500, 1500, span), 1);
    cr_assert_eq(ring_span(&ring, 5, 0, span), 0);
}

Test(ring, growth_keeps_what_lies_beyond_the_end)
{
    cr_assert(ring_reserve(&ring, &mem, RING_MIN, 0));
    put(0, 0, 2000);
    ring_extend(&ring, 2000);
    ring_drop(&ring, &mem, 1900, false);
    /* 100 held, a hole of 300, 500 early: wraps */
    put(400, 2300, 500);
    cr_assert(ring_reserve(&ring, &mem, 100000, 900));
    cr_assert_eq(ring.cap, 131072);
    expect(0, 1900, 100);
    put(100, 2000, 300);
    ring_extend(&ring, 800);
    expect(0, 1900, 900);
}

Test(ring, emptied_with_early_octets_keeps_its_memory)
{
    cr_assert(ring_reserve(&ring, &mem, RING_MIN, 0));
    put(0, 0, 10);
    ring_extend(&ring, 10);
    put(20, 20, 10);
    ring_drop(&ring, &mem, 10, true);
    cr_assert_not_null(ring.mem);
    cr_assert_eq(ring.len, 0);
    put(0, 10, 10);
    ring_extend(&ring, 20);
    expect(0, 10, 20);
    ring_drop(&ring, &mem, 20, false);
    cr_assert_null(ring.mem);
    cr_assert_eq(ring.head, 0);
}

Test(ring, a_failed_growth_changes_nothing)
{
    struct ring before;

    cr_assert(ring_reserve(&ring, &mem, RING_MIN, 0));
    put(0, 0, 100);
    ring_extend(&ring, 100);
    before = ring;
    pages.fail_from = 1;
    cr_assert_not(ring_reserve(&ring, &mem, 1 << 20, 100));
    cr_assert_eq(memcmp(&before, &ring, sizeof(ring)), 0);
    expect(0, 0, 100);
}

/* what it had grown to is a wish: where there is no memory for that, what is needed will do */
Test(ring, begins_smaller_when_memory_is_short)
{
    cr_assert(ring_reserve(&ring, &mem, RING_SMALL, 0));
    ring_free(&ring, &mem);
    cr_assert_eq(ring.usual, RING_SMALL);
    mem_fini(&mem); /* nothing is at hand */
    mem_set_budget(&mem, 32 << 10);
    cr_assert(ring_reserve(&ring, &mem, 3 * RING_MIN, 0));
    cr_assert_eq(ring.cap, 4 * RING_MIN);
    put(0, 0, 100);
    ring_extend(&ring, 100);
    expect(0, 0, 100);
}

/** fill_and_empty() - @n octets go in and out again; the capacity that it took */
static uint32_t fill_and_empty(uint32_t n)
{
    uint32_t cap;

    cr_assert(ring_reserve(&ring, &mem, n, 0));
    cap = ring.cap;
    ring_extend(&ring, n);
    ring_drop(&ring, &mem, n / 3, false);
    ring_drop(&ring, &mem, n - n / 3, false);
    cr_assert_null(ring.mem);
    return cap;
}

/* who needed much begins with that, and comes down by halves when it is needed no longer */
Test(ring, begins_as_large_as_was_needed)
{
    uint32_t much = 4 * RING_SMALL;

    cr_expect_eq(fill_and_empty(much), much);
    cr_expect_eq(fill_and_empty(much - 1000), much);
    cr_expect_eq(fill_and_empty(10), much);
    cr_expect_eq(fill_and_empty(10), much / 2);
    cr_expect_eq(fill_and_empty(10), RING_SMALL);
    cr_expect_eq(fill_and_empty(10), RING_SMALL);
    cr_expect_eq(fill_and_empty(4 * RING_USUAL_MAX), 4 * RING_USUAL_MAX);
    cr_expect_eq(fill_and_empty(10), RING_USUAL_MAX);
}

/* not so while memory is short */
Test(ring, is_modest_when_memory_is_short)
{
    static const size_t sizes[] = {32 << 20, 16 << 20, 8 << 20, 1 << 20};
    uint32_t much = 4 * RING_SMALL;
    void *hoard[4];

    cr_expect_eq(fill_and_empty(much), much);
    for (size_t i = 0; i < 4; i++)
        hoard[i] = mem_alloc(&mem, sizes[i]);
    cr_assert(mem_short(&mem));
    cr_expect_eq(fill_and_empty(10), RING_MIN);
    for (size_t i = 0; i < 4; i++)
        mem_free(&mem, hoard[i], sizes[i]);
}

Test(ring, a_long_stream_with_disorder_stays_whole)
{
    struct prng prng;
    uint64_t first = 0; /* stream position of offset 0 */
    uint32_t early = 0; /* octets placed right behind the end, in one run behind a gap */
    uint32_t gap = 0;

    prng_seed(&prng, 3, 0);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t n = 1 + prng_below(&prng, 3000), reach;

        if (!early && prng_chance(&prng, 300000)) { /* something overtakes */
            gap = 1 + prng_below(&prng, 1000);
            early = n;
            reach = ring.len + gap + early;
            cr_assert(ring_reserve(&ring, &mem, reach, ring.len));
            put(ring.len + gap, first + ring.len + gap, early);
        } else if (early) { /* the gap is filled */
            reach = ring.len + gap + early;
            cr_assert(ring_reserve(&ring, &mem, reach + n, reach));
            put(ring.len, first + ring.len, gap);
            ring_extend(&ring, gap + early);
            early = 0;
        } else {
            cr_assert(ring_reserve(&ring, &mem, ring.len + n, ring.len));
            put(ring.len, first + ring.len, n);
            ring_extend(&ring, n);
        }
        n = prng_below(&prng, ring.len + 1);
        expect(0, first, n);
        ring_drop(&ring, &mem, n, early > 0);
        first += n;
    }
}
