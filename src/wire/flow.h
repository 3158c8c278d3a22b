/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file flow.h  One number for both directions of a connection, by which a link with several queues
 * and the hosts behind them agree whose it is.
 *
 * The mixing is plain enough to be done in the kernel as well (link/steer.c), octet for octet. The
 * key keeps outsiders from choosing ports that all fall to one host.
 */
#ifndef GN_WIRE_FLOW_H
#define GN_WIRE_FLOW_H

#include "base/bits.h"

#include <gannet/types.h>

#define FLOW_MUL_A 0x9e3779b1u
#define FLOW_MUL_B 0x85ebca6bu

/** flow_mix() - from the sum of all words of both addresses and both ports, and the key, to 16 bits
 */
static inline uint32_t flow_mix(uint32_t sum, uint32_t key)
{
    uint32_t h = (sum ^ key) * FLOW_MUL_A;

    h ^= h >> 15;
    return h * FLOW_MUL_B >> 16;
}

/** flow_hash() - of a connection; which end is which does not matter */
static inline uint32_t flow_hash(const struct gn_endpoint *a, const struct gn_endpoint *b,
                                 uint32_t key)
{
    uint32_t sum = (uint32_t)a->port + b->port;

    for (unsigned i = gn_addr_is_v4(&a->addr) ? 12 : 0; i < 16; i += 4)
        sum += get32(a->addr.b + i) + get32(b->addr.b + i);
    return flow_mix(sum, key);
}

#endif
