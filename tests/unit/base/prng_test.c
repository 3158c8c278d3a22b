/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/prng.h"

#include <criterion/criterion.h>

Test(prng, gives_the_reference_numbers)
{
    /* pcg32 demo: seed 42, stream 54 */
    static const uint32_t want[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330,
                                    0x83d2f293, 0xbfa4784b, 0xcbed606e};
    struct prng p;

    prng_seed(&p, 42, 54);
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(prng_u32(&p), want[i]);
}

Test(prng, streams_differ)
{
    struct prng a, b;

    prng_seed(&a, 1, 1);
    prng_seed(&b, 1, 2);
    cr_assert_neq(prng_u64(&a), prng_u64(&b));
}

Test(prng, below_is_in_bounds_and_even)
{
    struct prng p;
    unsigned count[7] = {0};

    prng_seed(&p, 7, 0);
    for (unsigned i = 0; i < 70000; i++)
        count[prng_below(&p, 7)]++;
    for (unsigned i = 0; i < 7; i++)
        cr_assert(count[i] > 9500 && count[i] < 10500, "%u: %u", i, count[i]);
    cr_assert_eq(prng_below(&p, 1), 0);
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_lt(prng_below(&p, 0xc0000001u), 0xc0000001u);
}

Test(prng, chance_is_what_it_says)
{
    struct prng p;
    unsigned hits = 0;

    prng_seed(&p, 9, 0);
    for (unsigned i = 0; i < 100000; i++)
        hits += prng_chance(&p, 10000);
    cr_assert(hits > 850 && hits < 1150, "%u", hits);
    for (unsigned i = 0; i < 1000; i++) {
        cr_assert(!prng_chance(&p, 0));
        cr_assert(prng_chance(&p, 1000000));
    }
}
