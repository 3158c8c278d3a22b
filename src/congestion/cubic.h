/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file cubic.h  The state of CUBIC, and its arithmetic, which tests look at.
 */
#ifndef GN_CONGESTION_CUBIC_H
#define GN_CONGESTION_CUBIC_H

#include "congestion/hystart.h"

/** In the union of struct cc. Names are RFC 9438 4.1.2's; windows in octets. */
struct cubic {
    uint32_t w_max;      /* 0: none, the next epoch starts at its own window */
    uint32_t cwnd_prior; /* cwnd at the last congestion event */
    uint32_t k;          /* K, ms */
    union {
        struct hystart hystart; /* while ssthresh is not set */
        struct {
            gn_time start;  /* t_epoch; 0: the next ACK in congestion avoidance begins one */
            gn_time last;   /* last ACK: what passes while not limited is not counted */
            uint64_t w_est; /* W_est, 1/1024 octets */
        } epoch;
    };
    gn_time undo_start; /* before the last congestion event */
    uint32_t undo_w_max, undo_cwnd_prior, undo_k;
};

/** cubic_root() - the integer cube root, rounded down */
uint32_t cubic_root(uint64_t x);
/** cubic_window() - W_cubic at @t ms from the start of the epoch (RFC 9438 (1)) */
uint32_t cubic_window(const struct cubic *q, uint32_t mss, uint64_t t);

extern const struct cc_ops cc_cubic;

#endif
