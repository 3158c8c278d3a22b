/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore.h  Exhaustive exploration of the real code: two hosts, one connection, and every
 * interleaving of user calls, deliveries in any order, losses, duplications and timeouts within a
 * budget.
 *
 * Theory of operation. A state is both hosts, what is in the network, what the users know, and what
 * is left of the budget. All choices of a state are tried, depth first; the hosts are put back from
 * a copy of their memory (arena.h) between two choices. States are told apart by a hash over an
 * image of each host (explore_image.c), in which times are relative to now and statistics do not
 * count. Each host has a clock of its own: a timeout moves it to its next deadline, so a timer may
 * expire before or after anything that happens elsewhere, as with arbitrary delays.
 *
 * Assertions of the code (transitions, tcb_check()) are caught. In every new state it is tried
 * whether, without further faults, all that was sent arrives and both ends come to rest.
 */
#ifndef GN_LAB_EXPLORE_H
#define GN_LAB_EXPLORE_H

#include <gannet/types.h>

#include <stdio.h>

/** What may still happen. Calls: for each host. */
struct explore_budget {
    uint8_t open[2], send[2], close[2], leave[2], abort[2]; /* leave: close() of sockets */
    uint8_t unlisten;
    uint8_t lose, duplicate, timeout;
    uint8_t forge; /* an ACK of an octet that was not sent yet arrives */
};

struct explore_config {
    const char *name;
    bool both_active;   /* both open actively, else host 1 passively */
    bool reads_by_call; /* RECEIVE is a choice; else users read at once */
    bool delay_acks, probes;
    struct explore_budget budget;
    uint64_t max_states; /* give up beyond; 0: 20 million */
};

struct explore_result {
    bool ok;
    bool complete;        /* everything within the budget was tried */
    char wrong[200];      /* what is wrong */
    uint64_t states;      /* different ones */
    uint64_t steps;       /* choices tried */
    uint64_t clipped;     /* states not continued because too many packets were in flight */
    uint64_t untried;     /* choices not tried because the search was given up */
    unsigned depth;       /* of the longest path */
    unsigned trace_steps; /* of the shortest path to what is wrong */
    bool transition[GN_STATE_COUNT][GN_STATE_COUNT];
    bool pair[GN_STATE_COUNT][GN_STATE_COUNT]; /* states of the two hosts at one time */
};

/** explore_scenarios() - those of the test and of `gannet explore`, *ret_n of them */
const struct explore_config *explore_scenarios(size_t *ret_n);
/** explore_run() - false: something is wrong; then the shortest trace is drawn to @out (NULL: not)
 */
bool explore_run(const struct explore_config *c, struct explore_result *ret, FILE *out);
/** explore_merge() - add transitions and pairs reached by @r to @sum, and its counts */
void explore_merge(struct explore_result *sum, const struct explore_result *r);
/** explore_missing() - print each legal transition that was not reached, each reached one that is
 * not legal; how many */
unsigned explore_missing(const struct explore_result *r, FILE *out);

#endif
