/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_facts.h  Facts about a Gannet host, gathered one STATUS at a time.
 */
#ifndef GN_CLI_WHY_FACTS_H
#define GN_CLI_WHY_FACTS_H

#include "explain/facts_host.h"

/** All zero: empty. */
struct why_facts {
    struct facts f;
    struct gn_transition *history; /* GN_HISTORY a connection */
    size_t cap;
    struct fact_process process;
    uint64_t transition[GN_STATE_COUNT][GN_STATE_COUNT];
    struct fact_number counter[FACTS_COUNTERS], setting[FACTS_SETTINGS];
};

/** why_facts_free() - all zero again */
void why_facts_free(struct why_facts *w);
/** why_facts_clear() - no connection; memory and counters stay, so that they can be compared */
void why_facts_clear(struct why_facts *w);
/** why_facts_add() - one connection, as it is at @now */
void why_facts_add(struct why_facts *w, const struct gn_status *s, gn_time now);
/** why_facts_done() - what is known of the host as a whole; the facts are good until the next
 * change */
const struct facts *why_facts_done(struct why_facts *w, const struct gn_stats *stats,
                                   const struct gn_conf *conf, gn_time now);
/** why_facts_take() - all of that from a host at hand */
const struct facts *why_facts_take(struct why_facts *w, const struct gn_host *h, gn_time now);

#endif
