/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_series.c  Samples in a row.
 */
#include "cli/why_series.h"

#include "cli/cli.h"
#include "cli/why_report.h"

#include <gannet/loop.h>

#include <stdlib.h>
#include <string.h>

/** remember() - what the next sample is compared with, in memory of its own */
static void remember(struct why_series *s)
{
    size_t bytes = s->found.n_findings * sizeof(struct why_past) + 64, n;
    struct why_arena a = {.base = malloc(bytes), .size = bytes};

    if (!a.base)
        exit(complain("out of memory"));
    free(s->past);
    s->past = a.base;
    s->options.past = why_past_of(&s->found, &a, &n);
    s->options.n_past = n;
}

/** drop_notes() - leave out what is harmless; it comes last */
static void drop_notes(struct why_result *r)
{
    while (r->n_findings && r->finding[r->n_findings - 1]->severity == WHY_NOTE)
        r->n_findings--;
}

bool why_series_next(struct why_series *s, char *ret_sorry)
{
    gn_time start = gn_loop_now();
    const struct facts *f = s->source->sample(s->source->ctx, ret_sorry);

    if (!f)
        return false;
    free(s->memory);
    s->facts = f;
    /* what is harmless now may be a finding in the next sample, and has been there before */
    s->options.notes = true;
    s->memory = why_run(f, &s->options, &s->found);
    s->at = start;
    s->took = gn_loop_now() - start;
    remember(s);
    if (!s->notes)
        drop_notes(&s->found);
    return true;
}

bool why_series_fresh(struct why_series *s, gn_time age, char *ret_sorry)
{
    return (s->facts && gn_loop_now() - s->at < age) || why_series_next(s, ret_sorry);
}

void why_series_free(struct why_series *s)
{
    free(s->memory);
    free(s->past);
    s->memory = NULL;
    s->past = NULL;
    s->facts = NULL;
}
