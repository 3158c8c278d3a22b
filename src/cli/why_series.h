/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_series.h  One sample after the other from a source, each compared with the one before.
 */
#ifndef GN_CLI_WHY_SERIES_H
#define GN_CLI_WHY_SERIES_H

#include "cli/why_source.h"
#include "explain/why.h"

/** All zero but for the first three: no sample yet. */
struct why_series {
    struct why_source *source; /* borrowed */
    struct why_options options;
    bool notes;                /* keep notes in @found */
    const struct facts *facts; /* of the latest sample; NULL: none */
    struct why_result found;
    gn_time at, took; /* when it began, how long it took; gn_loop_now() */
    void *memory;     /* of @found */
    void *past;       /* of what options.past points to */
};

/** why_series_next() - take the next sample. False: *ret_sorry (WHY_SORRY octets) says why not; the
 * latest one stays */
bool why_series_next(struct why_series *s, char *ret_sorry);
/** why_series_fresh() - the same, unless the latest is younger than @age */
bool why_series_fresh(struct why_series *s, gn_time age, char *ret_sorry);
/** why_series_free() - the source stays the caller's */
void why_series_free(struct why_series *s);

#endif
