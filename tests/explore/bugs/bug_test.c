/* SPDX-License-Identifier: BSD-2-Clause */
/* Built once for each NAME.patch of this directory, with the TCP layer that the patch spoils: the
 * explorer has to find out. GN_BUG is the name; the first line of the patch names the scenario that
 * is nearest, the first of all that finds it. */
#include "lab/explore.h"

#include <criterion/criterion.h>
#include <string.h>

#define FOUND_BY "Found by: "

/** nearest() - the scenario that the patch names; NULL: none is called so */
static const struct explore_config *nearest(void)
{
    FILE *f = fopen(GN_TEST_DIR "/explore/bugs/" GN_BUG ".patch", "r");
    char line[80] = "";
    size_t n, len = strlen(FOUND_BY);
    const struct explore_config *s = explore_scenarios(&n);

    if (f) {
        (void)!fgets(line, sizeof line, f);
        fclose(f);
    }
    line[strcspn(line, "\n")] = 0;
    for (size_t i = 0; i < n; i++)
        if (!strncmp(line, FOUND_BY, len) && !strcmp(line + len, s[i].name))
            return &s[i];
    return NULL;
}

Test(planted_bug, is_found, .timeout = 600)
{
    const struct explore_config *s = nearest();
    struct explore_result r;

    cr_assert_not_null(s, "%s.patch does not begin with '%s' and a scenario", GN_BUG, FOUND_BY);
    cr_expect_not(explore_run(s, &r, stderr),
                  "%s.patch was not found out by '%s' (or does not apply any more)", GN_BUG,
                  s->name);
    fprintf(stderr, "%s: found, the shortest trace has %u steps: %s\n", GN_BUG, r.trace_steps,
            r.wrong);
}
