/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file probe.h  Facts about the kernel's TCP sockets, for the rules of explain.
 *
 * Theory of operation. A sample enters each network namespace asked for, dumps its sockets through
 * inet_diag (one dump a family, all states), reads counters and settings there, and comes back.
 * Then the descriptors of processes are walked until every socket that a process can hold has been
 * found. Nothing of this needs root for one's own sockets; whatever could not be read becomes a
 * sentence in facts.gap and a bit that is missing in fact_conn.known, never a zero.
 *
 * Sampled again, a probe compares: counters get their value before, and a connection that is still
 * in the state of the sample before (the kernel's cookie names it, over its whole life) has been in
 * it for so long at least (FACT_AGE_MIN).
 */
#ifndef GN_PROBE_PROBE_H
#define GN_PROBE_PROBE_H

#include "explain/facts.h"

struct probe;

struct probe_options {
    const char *const *netns; /* names (ip netns), process numbers or paths; borrowed */
    size_t n_netns;           /* 0 and not all: the namespace we are in */
    bool all_netns;           /* every namespace that a process lives in or that has a name */
};

#define PROBE_WHY 256 /* octets that suffice for every complaint */

/** probe_new() - a probe. NULL: a namespace does not exist or may not be looked into, or there is
 * no memory; *ret_why (PROBE_WHY octets) is the sentence */
struct probe *probe_new(const struct probe_options *o, char *ret_why);
/** probe_sample() - the facts of now; they are good until the sample after the next. NULL: nothing
 * at all could be read, *ret_why (PROBE_WHY octets) is the sentence */
const struct facts *probe_sample(struct probe *p, char *ret_why);
void probe_free(struct probe *p);

#endif
