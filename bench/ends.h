/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ends.h  The kernel's TCP at an end of a path: a process of its own with one socket, in the
 * network namespace in which it was started.
 */
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** What an end has to say when its time is over. */
struct end_report {
    uint64_t octets, took_ns; /* took_ns: from the connection's start to the last octet counted */
    double cpu_s;
    char why[120]; /* what went wrong, or empty */
};

struct end {
    pid_t pid;
    int order, answer; /* pipes: to it, from it */
};

struct end_task {
    bool sends;
    const char *addr; /* IPv4; a receiver's own, for a sender that of its peer */
    uint16_t port;
    const char *cc; /* TCP_CONGESTION by its Linux name */
    uint64_t ns;    /* how long to transfer */
};

/** end_start() - fork it; a receiver listens when this returns. False: errno tells */
bool end_start(struct end *e, const struct end_task *t);
/** end_go() - a sender may connect now */
void end_go(const struct end *e);
/** end_done() - has it answered? Never blocks */
bool end_done(const struct end *e);
/** end_finish() - take the answer, waiting for it at most @patience_ms, and see the process off */
void end_finish(struct end *e, int patience_ms, struct end_report *ret);
/** end_clock() - CLOCK_MONOTONIC in nanoseconds */
uint64_t end_clock(void);

#endif
