/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm.h  Swarm simulation: from one number come hosts, knobs, a network that misbehaves and
 * applications; checkers that know none of the code under test watch.
 *
 * Everything that happens follows from the seed. The trace hash covers every packet (time, way,
 * octets) and every result, so two runs that agree on it did the same.
 */
#ifndef GN_LAB_SWARM_H
#define GN_LAB_SWARM_H

#include <gannet/link.h>
#include <gannet/types.h>

#include <stdio.h>

struct swarm_config {
    uint64_t seed;
    bool move;        /* connections move now and then (swarm_move.c) */
    const char *pcap; /* write all packets sent to this file; NULL: no */
    FILE *log;        /* tell what is done; NULL: silent */
};

struct swarm_result {
    uint64_t seed, hash;
    bool ok, move;
    char wrong[200]; /* what the first checker to object said */
    char plan[200];  /* hosts, medium, path in words */
    unsigned hosts, flows;
    unsigned normal, ended; /* ends that closed normally; that ended with an error or an abort */
    unsigned moves;
    uint64_t packets, lost, octets; /* octets: read by applications, all of them compared */
    uint64_t marked;                /* packets: Congestion Experienced */
    uint64_t silences, blamed; /* longer than a second; of these, for which the network or a limit
                                  is to blame. The others: nobody wants anything, or the reader */
    gn_time took;              /* virtual */
};

/** swarm_run() - one whole simulation; false: a checker objected, or there was no memory */
bool swarm_run(const struct swarm_config *c, struct swarm_result *ret);
/** swarm_print() - one line of results, and a second one if something was wrong */
void swarm_print(const struct swarm_result *r, FILE *f);

#endif
