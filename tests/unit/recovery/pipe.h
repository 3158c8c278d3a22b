/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pipe.h  A recovery that sends through a lossy pipe to a receiver, in virtual time.
 *
 * One bottleneck of a given rate and queue, a delay each way, random loss, duplication and
 * reordering of segments, loss of ACKs. The receiver acknowledges every segment; with SACK, D-SACK
 * and timestamps as set. recovery_check() runs after every event.
 */
#ifndef TESTS_RECOVERY_PIPE_H
#define TESTS_RECOVERY_PIPE_H

#include "base/prng.h"
#include "unit/recovery/rig.h"

struct pipe_opts {
    uint64_t seed;
    uint32_t segments; /* to be delivered */
    bool sack, dsack, ts, renege;
    unsigned cc;
    uint32_t mss;
    uint32_t loss, ack_loss, dup, reorder; /* of 10000 */
    gn_time delay;                         /* one way */
    gn_time reorder_by;                    /* at most */
    gn_time per_segment;                   /* of the bottleneck */
    uint32_t queue;                        /* segments that it holds */
    uint32_t burst;                        /* segments per super-segment at the most */
    gn_time black_from, black_to;          /* nothing passes in this time (relative to the start) */
    void (*knobs)(struct gn_conf *c);      /* NULL: defaults */
};

struct pipe_result {
    gn_time took;
    uint32_t sent, retransmits, timeouts, recoveries, spurious, probes;
    uint32_t max_cwnd;
    uint32_t plain;   /* segments and ACKs that went by the short way, too */
    uint64_t goodput; /* octets per second */
};

/** pipe_run() - until everything is acknowledged; fails the test if that takes for ever */
struct pipe_result pipe_run(const struct pipe_opts *o);

#endif
