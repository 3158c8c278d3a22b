/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file prr.c  Proportional Rate Reduction.
 */
#include "recovery/prr.h"

#include "base/bits.h"

void prr_start(struct prr *p, uint32_t recover_fs)
{
    p->prr_delivered = 0;
    p->prr_out = 0;
    p->recover_fs = max_u32(recover_fs, 1); /* CC-9937-9 */
}

uint32_t prr_on_ack(struct prr *p, uint32_t delivered, bool safe, uint32_t inflight,
                    uint32_t ssthresh, uint32_t mss)
{
    uint32_t count;

    p->prr_delivered += delivered;
    if (inflight > ssthresh) { /* CC-9937-5: proportional; rounded up, in 64 bits (CC-9937-9) */
        uint64_t share = (uint64_t)p->prr_delivered * ssthresh + p->recover_fs - 1;
        uint64_t out = share / p->recover_fs;

        count = out > p->prr_out ? (uint32_t)min_u64(out - p->prr_out, UINT32_MAX) : 0;
    } else { /* CC-9937-6: slow start reduction bound, or conservative */
        uint32_t owed = p->prr_delivered > p->prr_out ? p->prr_delivered - p->prr_out : 0;

        count = max_u32(owed, delivered) + (safe ? mss : 0);
        count = min_u32(count, ssthresh - inflight);
    }
    if (!p->prr_out && !count) /* CC-9937-7: force a fast retransmit */
        count = mss;
    return count;
}
