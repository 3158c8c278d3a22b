/* SPDX-License-Identifier: BSD-2-Clause */
/* Built once for each NAME.patch of this directory, with the TCP layer that the patch spoils: the
 * explorer has to find out. GN_BUG is the name. */
#include "lab/explore.h"

#include <criterion/criterion.h>

Test(planted_bug, is_found, .timeout = 600)
{
    size_t n;
    const struct explore_config *s = explore_scenarios(&n);
    struct explore_result r = {.ok = true};

    for (size_t i = 0; i < n && r.ok; i++)
        (void)explore_run(&s[i], &r, stderr);
    cr_expect_not(r.ok, "%s.patch was not found out (or does not apply any more)", GN_BUG);
    fprintf(stderr, "%s: found, the shortest trace has %u steps: %s\n", GN_BUG, r.trace_steps,
            r.wrong);
}
