/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file workload.h  The workloads, what can be set about them, and what they give.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "world.h"

/* OPTION(key, default, workloads, text): numbers; k, m and g multiply by 1024 and so on */
#define OPTIONS                                                                            \
    OPTION(runs, 3, "all", "runs of each stack, interleaved")                              \
    OPTION(bytes, 1 << 30, "bulk cores", "octets to move")                                 \
    OPTION(window, 65536, "bulk", "send and receive buffers, octets")                      \
    OPTION(timestamps, 0, "all", "1: TCP timestamps on")                                   \
    OPTION(sack, 1, "all", "1: SACK on, where the stack has it")                           \
    OPTION(super, 0, "bulk", "1: packets of 64 KiB, passed whole, checksums owed")         \
    OPTION(loan, 0, "bulk tun", "1: zero-copy calls: octets made and read in the buffers") \
    OPTION(gather, 0, "bulk", "1: packets refer to the text in the sender's buffer")       \
    OPTION(check, 0, "bulk", "1: compare every octet read (costs time)")                   \
    OPTION(total, 200000, "churn cores", "life cycles")                                    \
    OPTION(warm, 0, "churn", "life cycles before the clock starts (0: some)")              \
    OPTION(at_once, 100, "churn ping", "connections, or pings (at most n), under way")     \
    OPTION(time_wait_ms, 60000, "churn", "duration of TIME-WAIT, 2 and more")              \
    OPTION(own_ports, 0, "churn", "1: the program chooses the ports, not the stack")       \
    OPTION(n, 10000, "idle ping timers scale", "connections that stand")                   \
    OPTION(pings, 200000, "ping scale", "messages of 64 octets, there and back")           \
    OPTION(syns, 1000000, "flood", "SYNs from random addresses")                           \
    OPTION(rate, 100000, "flood", "SYNs in a second of virtual time")                      \
    OPTION(clients, 100, "flood", "legitimate clients meanwhile")                          \
    OPTION(backlog, 255, "all", "backlog of a listener")                                   \
    OPTION(minutes, 1, "timers scale", "virtual time")                                     \
    OPTION(cpu_s, 5, "flood", "CPU seconds after which the flood ends early")              \
    OPTION(keepalive_s, 7200, "timers", "idle time before a keep-alive probe")             \
    OPTION(seconds, 10, "lossy tun", "real time to transfer")                              \
    OPTION(cc, 1, "lossy tun", "congestion control: 0 newreno, 1 cubic, 2 bbr")            \
    OPTION(threads, 64, "cores", "threads at the most; else one a processor")              \
    OPTION(mbit, 100, "lossy", "rate of the path, Mbit/s")                                 \
    OPTION(rtt_ms, 20, "lossy", "round trip of the path")                                  \
    OPTION(loss_ppm, 10000, "lossy", "packets lost each way, of a million")                \
    OPTION(seed, 1, "lossy", "of the losses; run by run the next, alike for all")          \
    OPTION(reorder_ppm, 0, "lossy", "packets held back each way, of a million")

struct options {
#define OPTION(key, def, workloads, text) uint64_t key;
    OPTIONS
#undef OPTION
};

#define FIGURES 10

/** One figure of a run. The first of a workload is the one that is compared. */
struct figure {
    char name[28];
    char unit[20];
    double value;
};

struct result {
    char why[160]; /* why there are no figures, or empty */
    unsigned n;
    struct figure figure[FIGURES];
};

struct workload {
    const char *name, *text;
    const char *stacks; /* those that are run unless others are named */
    void (*run)(const char *stack, const struct options *o, struct result *r);
};

extern const struct workload workloads[]; /* ends with a row without a name */

/** figure_add() - one more figure of the run */
void figure_add(struct result *r, const char *name, const char *unit, double value);

void bulk_run(const char *stack, const struct options *o, struct result *r);
void churn_run(const char *stack, const struct options *o, struct result *r);
void idle_run(const char *stack, const struct options *o, struct result *r);
void ping_run(const char *stack, const struct options *o, struct result *r);
void scale_run(const char *stack, const struct options *o, struct result *r);
void timers_run(const char *stack, const struct options *o, struct result *r);
void flood_run(const char *stack, const struct options *o, struct result *r);
void lossy_run(const char *stack, const struct options *o, struct result *r);
void cores_run(const char *stack, const struct options *o, struct result *r);
void tun_run(const char *stack, const struct options *o, struct result *r);

#endif
