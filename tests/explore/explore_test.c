/* SPDX-License-Identifier: BSD-2-Clause */
/* Every interleaving of a connection's life within a budget, on the real code; and that together
 * these reach all legal transitions and no other. */
#include "lab/explore.h"
#include "part.h"

#include <criterion/criterion.h>
#include <inttypes.h>

Test(explore, every_interleaving_and_every_transition, .timeout = 900)
{
    size_t n;
    const struct explore_config *s = explore_scenarios(&n);
    size_t tried = part(6, n); /* the first ones have few states, and all transitions */
    struct explore_result sum = {0}, r;
    unsigned pairs = 0;

    for (size_t i = 0; i < tried; i++) {
        cr_expect(explore_run(&s[i], &r, stderr), "%s: %s", s[i].name, r.wrong);
        cr_expect(r.complete, "%s: %" PRIu64 " choices, %" PRIu64 " states left", s[i].name,
                  r.untried, r.clipped);
        explore_merge(&sum, &r);
    }
    cr_expect_eq(explore_missing(&sum, stderr), 0);
    for (unsigned a = 0; a < GN_STATE_COUNT; a++)
        for (unsigned b = 0; b < GN_STATE_COUNT; b++)
            pairs += sum.pair[a][b];
    fprintf(stderr,
            "explore: %zu scenarios of %zu, %" PRIu64 " states, %" PRIu64
            " steps, %u pairs of states\n",
            tried, n, sum.states, sum.steps, pairs);
    cr_expect_gt(sum.states, part(50000, 100000));
}

/* numbers that change without a reason would mean that a state says less than everything */
Test(explore, the_same_twice, .timeout = 60)
{
    struct explore_config c = {.name = "handshake and close",
                               .budget = {.open = {1, 1}, .close = {1, 1}, .lose = 1}};
    struct explore_result a, b;

    cr_assert(explore_run(&c, &a, stderr));
    cr_assert(explore_run(&c, &b, stderr));
    cr_expect(a.complete);
    cr_expect_eq(a.states, b.states);
    cr_expect_eq(a.steps, b.steps);
}

/* what is left out is counted, and nothing that left something out calls itself complete */
Test(explore, what_is_left_out_is_told, .timeout = 60)
{
    struct explore_config many[] = {
        {.name = "six SYNs", .budget = {.open = {1, 0}, .duplicate = 5}},
        {.name = "one more that was doubled", .budget = {.open = {1, 0}, .duplicate = 6}},
        {.name = "one more that was sent",
         .budget = {.open = {1, 0}, .duplicate = 5, .timeout = 1}},
    };
    struct explore_config c = {.name = "given up", .budget = {.open = {1, 1}}, .max_states = 1};
    struct explore_result r;

    for (size_t i = 0; i < sizeof many / sizeof *many; i++) { /* six fit */
        cr_assert(explore_run(&many[i], &r, stderr), "%s", r.wrong);
        cr_expect_eq(r.clipped > 0, i > 0, "%s: %" PRIu64, many[i].name, r.clipped);
        cr_expect_eq(r.complete, i == 0);
        cr_expect_eq(r.untried, 0);
    }
    cr_assert(explore_run(&c, &r, stderr));
    cr_expect_not(r.complete);
    cr_expect_eq(r.states, 2); /* given up at the second */
    cr_expect_gt(r.untried, 0);
    cr_expect_eq(r.clipped, 0);
}
