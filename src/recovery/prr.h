/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file prr.h  Proportional Rate Reduction (RFC 9937): how much may leave for each ACK of a fast
 * recovery, so that the flight shrinks to ssthresh evenly. Names are the RFC's.
 */
#ifndef GN_RECOVERY_PRR_H
#define GN_RECOVERY_PRR_H

#include <stdbool.h>
#include <stdint.h>

struct prr {
    uint32_t prr_delivered; /* octets delivered in this recovery */
    uint32_t prr_out;       /* octets sent in this recovery */
    uint32_t recover_fs;    /* RecoverFS, the flight at its start; > 0 */
};

/** prr_start() - RFC 9937 6, "At the beginning of a fast recovery episode" */
void prr_start(struct prr *p, uint32_t recover_fs);
/**
 * prr_on_ack() - "On every ACK starting or during fast recovery": SndCnt, the octets that may leave
 * @delivered: DeliveredData, > 0 except when a timer starts the recovery
 * @safe: SafeACK, una advanced and the ACK shows no further loss
 */
uint32_t prr_on_ack(struct prr *p, uint32_t delivered, bool safe, uint32_t inflight,
                    uint32_t ssthresh, uint32_t mss);

#endif
