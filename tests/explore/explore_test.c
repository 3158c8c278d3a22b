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
        cr_expect(r.complete, "%s: given up after %" PRIu64 " states", s[i].name, r.states);
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
