/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file compare.h  Runs of several stacks, interleaved, each in a process of its own; statistics.
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "workload.h"

#define STACKS_MAX 3
#define RUNS_MAX   15

struct spread {
    double median, min, max;
};

/** What a stack has shown over all runs. */
struct column {
    const char *stack;
    struct result last; /* names and units of its figures, or why there are none */
    struct spread figure[FIGURES];
    struct spread ratio; /* of the first figure to that of the first column in the same run */
    unsigned runs;
};

/** compare() - run @wl for each of the @n columns (stack is set) @runs times; progress to stderr if
 * that is a terminal */
void compare(const struct workload *wl, const struct options *o, struct column *c, unsigned n);

#endif
