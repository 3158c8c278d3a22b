/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_why.c  What `gannet why` says of the demonstrations.
 */
#include "cli/demo.h"

#define A    0
#define B    1
#define WIRE DEMO_WIRE

/* clang-format off */
static const struct demo_finding findings[] = {
    /* closing */
    {"close-wait", B, false, "close-wait-leak"},
    {"close-wait", A, true, "fin-wait-2-held"},
    {"fin-wait-2", A, true, "fin-wait-2-orphan"},
    {"half-close-forever", A, false, "fin-wait-2-held"},
    {"fin-wait-2-orphans", A, false, "fin-wait-2-orphan"},
    {"fin-wait-1", A, true, "fin-wait-1-stuck"},
    {"fin-wait-1-stuck", A, false, "fin-wait-1-stuck"},
    {"closing-stuck", A, false, "closing-stuck"},
    {"last-ack-stuck", B, false, "last-ack-stuck"},
    {"time-wait", A, true, "time-wait-buckets"},
    {"time-wait-pile-up", A, false, "time-wait-pile-up"},
    {"time-wait-buckets", A, false, "time-wait-buckets"},
    {"orphans", A, false, "orphan-limit"},
    /* opening */
    {"syn-sent", A, false, "connect-blackholed"},
    {"refused", A, true, "connect-refused"},
    {"refused-often", A, false, "connect-refused"},
    {"refused-often", A, false, "connect-failures"},
    {"filtered", A, false, "connect-filtered"},
    {"ports-exhausted", A, false, "ports-exhausted"},
    {"syn-received", B, true, "syn-recv-pile-up"},
    {"lost-handshakes", B, false, "syn-recv-pile-up"},
    {"syn-flood", B, false, "syn-flood"},
    {"syn-flood", B, false, "syn-cookies"},
    /* listeners */
    {"accept-queue", B, false, "accept-queue-full"},
    {"short-backlog", B, false, "backlog-too-small"},
    {"wrong-address", B, false, "listener-address"},
    /* peers */
    {"peer-gone", A, false, "peer-gone"},
    {"idle", A, true, "idle-no-keepalive"},
    {"idle-crowd", A, false, "idle-no-keepalive"},
    {"keep-alive-late", A, true, "keepalive-cannot-help"},
    {"keep-alive-useless", A, false, "keepalive-cannot-help"},
    {"not-reading", A, false, "peer-not-reading"},
    {"not-reading", B, false, "not-reading"},
    /* flow */
    {"limit-cwnd", A, true, "send-limited-cwnd"},
    {"limit-window", A, false, "send-limited-window"},
    {"limit-buffer", A, false, "send-limited-buffer"},
    {"storm", A, false, "retransmission-storm"},
    {"black-hole", A, false, "pmtu-black-hole"},
    {"small-segments", A, false, "small-mss"},
    {"nagle-held", A, true, "nagle-delayed-ack"},
    {"resets", A, false, "reset-loop"},
    {"resets", A, false, "reset-rate"},
    /* the whole machine */
    {"memory", B, false, "memory-pressure"},
    /* a capture of it: see beyond.def for what none shows */
    {"close-wait", WIRE, false, "close-wait-leak"},
    {"half-close-forever", WIRE, false, "fin-wait-2-held"},
    {"fin-wait-1-stuck", WIRE, false, "fin-wait-1-stuck"},
    {"closing-stuck", WIRE, false, "closing-stuck"},
    {"last-ack-stuck", WIRE, false, "last-ack-stuck"},
    {"time-wait", WIRE, true, "time-wait-buckets"},
    {"syn-sent", WIRE, false, "connect-blackholed"},
    {"filtered", WIRE, false, "connect-filtered"},
    {"refused", WIRE, true, "connect-refused"},
    {"refused-often", WIRE, false, "connect-refused"},
    {"syn-received", WIRE, true, "syn-recv-pile-up"},
    {"lost-handshakes", WIRE, false, "syn-recv-pile-up"},
    {"syn-flood", WIRE, false, "syn-flood"},
    {"port-scan", WIRE, true, "port-scan"},
    {"peer-gone", WIRE, false, "peer-gone"},
    {"keep-alive-dead", WIRE, false, "peer-gone"},
    {"idle", WIRE, true, "idle-no-keepalive"},
    {"idle-crowd", WIRE, false, "idle-no-keepalive"},
    {"keep-alive-useless", WIRE, false, "keepalive-cannot-help"},
    {"not-reading", WIRE, false, "peer-not-reading"},
    {"limit-window", WIRE, false, "send-limited-window"},
    {"storm", WIRE, false, "retransmission-storm"},
    {"black-hole", WIRE, false, "pmtu-black-hole"},
    {"small-segments", WIRE, false, "small-mss"},
    {"nagle-stalls", WIRE, false, "nagle-delayed-ack"},
    {"resets", WIRE, false, "reset-loop"},
};
/* clang-format on */

const struct demo_finding *demo_findings(size_t *ret_n)
{
    *ret_n = sizeof findings / sizeof findings[0];
    return findings;
}

const struct facts *demo_facts(struct demo_result *r, unsigned end)
{
    struct why_facts *w = &r->facts[end];
    struct gn_stats stats;
    struct gn_status s;
    uint64_t cursor = 0;
    why_facts_clear(w);
    while (gn_host_walk(r->host[end], &cursor, r->now, &s))
        why_facts_add(w, &s, r->now);
    for (unsigned i = 0; i < r->ended[end].n; i++)
        why_facts_add(w, &r->ended[end].conn[i], r->now);
    gn_host_stats(r->host[end], &stats);
    return why_facts_done(w, &stats, gn_host_conf(r->host[end]), r->now);
}
