/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file facts_host.h  Counters and knobs of a Gannet host as facts.
 */
#ifndef GN_EXPLAIN_FACTS_HOST_H
#define GN_EXPLAIN_FACTS_HOST_H

#include "explain/facts.h"

#include <gannet/host.h>

#define FACTS_COUNTERS (24 + GN_DROP_COUNT)
#define FACTS_SETTINGS 24

/** facts_from_stats() - those counters that rules ask for, and "GannetDropOLD_SEQ" for each reason
 * why segments were dropped; sorted by name; how many */
size_t facts_from_stats(const struct gn_stats *s, struct fact_number ret[FACTS_COUNTERS]);
/** facts_from_conf() - those settings that rules ask for, sorted by name; how many */
size_t facts_from_conf(const struct gn_conf *c, struct fact_number ret[FACTS_SETTINGS]);

#endif
