/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file report.h  What a comparison has shown, for people and for programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "compare.h"

/** report_table() - to stdout; ratios are to the first column */
void report_table(const struct workload *wl, const struct column *c, unsigned n);
/** report_json() - one object to stdout, on one line */
void report_json(const struct workload *wl, const struct options *o, const struct column *c,
                 unsigned n);

#endif
