/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file plot.h  One flow through a bottleneck as a picture: windows and sequence by time.
 */
#ifndef GN_LAB_PLOT_H
#define GN_LAB_PLOT_H

#include <gannet/types.h>

#include <stdio.h>

struct plot_config {
    unsigned cc; /* as GN_OPT_CONGESTION */
    uint64_t rate, seed;
    gn_time rtt, span;
    uint32_t loss_ppm;
};

/** plot_flow() - simulate, and write an SVG document to @f; false: the simulation failed */
bool plot_flow(const struct plot_config *c, FILE *f);

#endif
