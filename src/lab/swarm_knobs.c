/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_knobs.c  Random knobs.
 *
 * Switches and small choices are drawn over their whole range; numbers from the table below, whose
 * bounds lie within those of the knob and let every connection end in the time that the swarm has.
 * What is not in it stays as it is.
 */
#include "lab/swarm_parts.h"

#include <gannet/conf.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t lo, hi;
} ranges[] = {
    {"tcp_syn_retries", 3, 8},
    {"tcp_synack_retries", 2, 7},
    {"tcp_retries1", 1, 5},
    {"tcp_retries2", 6, 15},
    {"tcp_orphan_retries", 2, 9},
    {"tcp_rto_initial", 200 * GN_MSEC, 3 * GN_SEC},
    {"tcp_rto_min", 5 * GN_MSEC, GN_SEC},
    {"tcp_rto_max", 3 * GN_SEC, 60 * GN_SEC},
    {"tcp_msl", GN_MSEC, 30 * GN_SEC},
    {"tcp_fin_timeout", 100 * GN_MSEC, 60 * GN_SEC},
    {"tcp_delack", 0, 400 * GN_MSEC},
    {"tcp_sws_override", 100 * GN_MSEC, GN_SEC},
    {"tcp_persist_max", GN_SEC, 60 * GN_SEC},
    {"tcp_initial_window", 1, 20},
    {"tcp_reordering", 2, 20},
    {"tcp_min_snd_mss", 48, 300},
    {"tcp_base_mss", 200, 1400},
    {"tcp_probe_interval", GN_SEC, 60 * GN_SEC},
    {"somaxconn", 1, 64},
    {"tcp_max_syn_backlog", 1, 64},
    {"tcp_max_orphans", 2, 1000},
    {"tcp_max_tw_buckets", 0, 100},
    {"tcp_rmem_default", 2304, 1 << 17},
    {"tcp_rmem_max", 1 << 17, 1 << 20},
    {"tcp_wmem_default", 4608, 1 << 16},
    {"tcp_wmem_max", 1 << 16, 1 << 20},
    {"tcp_notsent_lowat", 1000, UINT32_MAX},
    {"tcp_invalid_ratelimit", 0, GN_SEC},
    {"ip_default_ttl", 10, 255},
};

/** range_of() - the row of a knob; false: it has none */
static bool range_of(const struct gn_knob *k, uint64_t *ret_lo, uint64_t *ret_hi)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (!strcmp(ranges[i].name, k->name)) {
            *ret_lo = ranges[i].lo;
            *ret_hi = ranges[i].hi;
            return true;
        }
    }
    *ret_lo = k->min;
    *ret_hi = k->max;
    return k->unit == GN_UNIT_BOOL || k->max <= 7;
}

/** draw_rest() - when connections rest, and what came to the knobs later. It shall change nothing
 * that the seed decides, so this draws for itself */
static void draw_rest(struct prng p, struct gn_conf *ret)
{
    if (prng_below(&p, 2))
        ret->tcp_rest_above = draw_scale(&p, 0, 16);
    ret->tcp_ecn_fallback = prng_below(&p, 2);
}

void swarm_knobs(struct prng *p, struct gn_conf *ret)
{
    size_t n;
    const struct gn_knob *k = gn_knobs(&n);

    gn_conf_default(ret);
    for (size_t i = 0; i < n; i++) {
        uint64_t lo, hi, value;
        bool leave;

        if (k[i].offset == offsetof(struct gn_conf, tcp_rest_above) ||
            k[i].offset == offsetof(struct gn_conf, tcp_ecn_fallback) || k[i].unit == GN_UNIT_PORTS)
            continue;
        leave = prng_below(p, 2);
        if (!range_of(&k[i], &lo, &hi))
            continue;
        value = draw_scale(p, lo, hi);
        if (!leave)
            memcpy((char *)ret + k[i].offset, &value, sizeof value);
    }
    draw_rest(*p, ret);
    ret->ip_anyaddr = 0;
}
