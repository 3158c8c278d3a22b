/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file internal.h  What the files of the façade share.
 */
#ifndef GN_RECOVERY_INTERNAL_H
#define GN_RECOVERY_INTERNAL_H

#include "recovery/recovery.h"

/** recovery_handshake_done() - the SYN is acknowledged; it had been sent again @retries times */
void recovery_handshake_done(struct recovery *r, uint32_t retries);
/** recovery_arm_rto() - the retransmission timer starts now */
void recovery_arm_rto(struct recovery *r, const struct rec_env *e);
/** recovery_flight_size() - what a reduction is computed from: FlightSize without the octets of
 *  limited transmit, which are those beyond the window. In recovery the window is that aimed at */
uint32_t recovery_flight_size(const struct recovery *r);
/** recovery_cwnd_limited() - the window was used up in this round trip */
bool recovery_cwnd_limited(const struct recovery *r);
/** recovery_enter_fast() - a loss was found: RFC 5681 3.2, RFC 6582 3.2, RFC 6675 5 */
void recovery_enter_fast(struct recovery *r, const struct rec_env *e);

#endif
