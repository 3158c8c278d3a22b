/* SPDX-License-Identifier: BSD-2-Clause */
#include "findings.h"

#include <criterion/criterion.h>
#include <string.h>

const struct why_result *findings(const struct facts *f, const struct why_options *o)
{
    static _Alignas(16) unsigned char memory[32 << 20];
    static struct why_result r;
    struct why_arena a = {memory, sizeof memory, 0};

    why_explain(f, o, &a, &r);
    cr_assert_not(r.truncated);
    return &r;
}

const struct why_finding *findings_find(const struct facts *f, const struct why_options *o,
                                        const char *id)
{
    const struct why_result *r = findings(f, o);

    for (size_t i = 0; i < r->n_findings; i++)
        if (!strcmp(why_rule_id(r->finding[i]->rule), id))
            return r->finding[i];
    return NULL;
}

int findings_grade(const struct facts *f, const struct why_options *o, const char *id)
{
    const struct why_finding *x = findings_find(f, o, id);

    return x ? (int)x->severity : -1;
}
