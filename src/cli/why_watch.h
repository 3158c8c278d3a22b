/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_watch.h  Sample after sample: a live view on a terminal, else a report after the other;
 * recordings.
 */
#ifndef GN_CLI_WHY_WATCH_H
#define GN_CLI_WHY_WATCH_H

#include "cli/why_report.h"
#include "cli/why_series.h"

struct why_watch_options {
    struct why_style style;
    uint32_t seconds;   /* from one sample to the next */
    uint32_t count;     /* samples, 0: until told to end */
    bool notes;         /* show notes from the beginning */
    bool json;          /* one object a sample, never the live view */
    const char *record; /* file, NULL: none */
};

/** why_watch() - until the user, a signal, the end of the source or @o->count ends it; exit code */
int why_watch(struct why_source *source, const struct why_options *rules,
              const struct why_watch_options *o);

#endif
