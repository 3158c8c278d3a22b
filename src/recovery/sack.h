/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sack.h  Selective acknowledgments: RFC 2018 from the sender's side, RFC 2883, and the loss
 * detection of RFC 6675, which serves when RACK is off.
 *
 * Blocks come from the wire and are judged, never trusted: one that is not inside what is
 * outstanding is ignored (CC-2018-8). Octets stay in the send buffer until they are acknowledged
 * cumulatively (CC-2018-6), whatever a block says.
 */
#ifndef GN_RECOVERY_SACK_H
#define GN_RECOVERY_SACK_H

#include "recovery/delivery.h"

/** One block as it came. */
struct rec_sack {
    seq_t l, r;
};

/** What the blocks of one ACK come to. */
struct sack_sum {
    uint32_t sacked; /* octets newly SACKed; a D-SACK never counts (CC-2883-3) */
    bool dsack;      /* the first block reports a duplicate ... */
    seq_t dup_l;     /* ... which is this */
    uint32_t dup_len;
};

/** sack_take() - judge @n blocks of an ACK of @una, and mark what they cover */
void sack_take(struct sent_log *l, seq_t una, seq_t nxt, const struct rec_sack *b, unsigned n,
               struct delivery *d, struct sack_sum *ret);
/** sack_is_news() - does one of @n blocks of an ACK cover a segment that was not SACKed yet? */
bool sack_is_news(struct sent_log *l, seq_t una, seq_t nxt, const struct rec_sack *b, unsigned n);
/**
 * sack_detect_loss() - RFC 6675 4 IsLost(): lost is what has @dup_thresh SACKed ranges or more than
 * (@dup_thresh - 1) * @mss SACKed octets above it
 * @cursor: all records before it were marked, or SACKed, or sent again; moves on
 */
void sack_detect_loss(struct sent_log *l, uint32_t *cursor, uint32_t mss, uint32_t dup_thresh);

#endif
