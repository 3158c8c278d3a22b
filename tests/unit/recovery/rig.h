/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rig.h  A recovery on a bench: memory, knobs, a clock that the test sets, and short names.
 *
 * Sequence numbers are given relative to the first octet of text, in whole segments where the name
 * says so; the SYN was acknowledged before.
 */
#ifndef TESTS_RECOVERY_RIG_H
#define TESTS_RECOVERY_RIG_H

#include "recovery/recovery.h"

#define MSS 1000
#define ISS 0xfffff000u /* so that every longer test crosses 2^32 */

struct rig {
    struct gn_conf conf;
    struct mem mem;
    struct rec_env env;
    struct recovery r;
    struct rec_result ret; /* of the last ACK */
};

/** rig_init() - nothing sent, knobs at their defaults, now = 1 s */
void rig_init(struct rig *g, bool sack);
/** rig_open() - rig_init() and a handshake of @rtt; the RTT is measured */
void rig_open(struct rig *g, bool sack, gn_time rtt);
/** rig_fini() - everything must have gone back */
void rig_fini(struct rig *g);
/** rig_seq() - the octet @n octets after the first of text */
seq_t rig_seq(uint32_t n);
/** rig_send() - @segments full segments of new text; more text waits */
void rig_send(struct rig *g, uint32_t segments);
/** rig_again() - send what is lost, as far as there is room; the number of segments */
uint32_t rig_again(struct rig *g);
/** rig_ack() - an ACK of the first @segments segments, @ms after the last event */
void rig_ack(struct rig *g, uint32_t segments, uint32_t ms);
/** rig_sack() - the same with up to 4 blocks [l, r) in segments, 0, 0 for none */
void rig_sack(struct rig *g, uint32_t segments, uint32_t ms, uint32_t block[][2], unsigned n);
/** rig_dup() - @n duplicate ACKs, @ms apart */
void rig_dup(struct rig *g, unsigned n, uint32_t ms);
/** rig_rto() - let time pass up to the RTO, which expires */
void rig_rto(struct rig *g);

#endif
