/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file bottle.h  Flows from one host to another through a bottleneck, in virtual time, measured.
 *
 * Both hosts have the knobs' defaults but for the largest buffers, which are raised until they are
 * no limit; buffers grow by themselves. The applications take and give as much as they can. Times
 * count from the beginning of the simulation.
 */
#ifndef GN_LAB_BOTTLE_H
#define GN_LAB_BOTTLE_H

#include <gannet/link.h>
#include <gannet/status.h>
#include <gannet/types.h>

#define BOTTLE_FLOWS  256
#define BOTTLE_MTU    1500
#define BOTTLE_MSS    1448 /* text of a full segment: 1460 less timestamps */
#define BOTTLE_BUFFER ((uint64_t)1 << 30)

struct bottle_flow {
    unsigned cc; /* as GN_OPT_CONGESTION */
    gn_time start;
    uint64_t octets; /* to send before it closes; 0: no end */
};

struct bottle_config {
    struct gn_pipe_config there, back; /* text goes there, ACKs come back */
    const struct bottle_flow *flow;
    unsigned n_flow;
    gn_time from, until; /* what is measured is measured between these */
    uint64_t seed;
    gn_time every; /* call @watch so often; 0: never */
    /** @got: octets read of each flow, from the beginning; @first: flow 0 at its sender */
    void (*watch)(void *ctx, gn_time at, const uint64_t *got, const struct gn_status *first);
    void *ctx;
};

struct bottle_result {
    uint64_t got[BOTTLE_FLOWS]; /* octets read */
    gn_time took[BOTTLE_FLOWS]; /* from OPEN to the end of data, measured at any time; 0: no end */
    uint64_t timeouts;          /* RTOs of the sender */
    uint64_t retrans;           /* segments retransmitted, RTOs included */
    gn_time wait_mean, wait_95; /* of packets in the bottleneck's queue */
};

/** bottle_run() - false: no memory, or a call into a host failed */
bool bottle_run(const struct bottle_config *c, struct bottle_result *ret);

#endif
