/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pipe.h  One direction of an impaired path: what becomes of each packet, and when.
 */
#ifndef GN_LINK_PIPE_H
#define GN_LINK_PIPE_H

#include "base/prng.h"

#include <gannet/link.h>

struct pipe {
    struct gn_pipe_config c;
    struct prng rng;
    uint32_t ip_at;   /* where the IP header of a packet begins; set after pipe_init() */
    uint64_t nth;     /* of the next packet */
    gn_time free_at;  /* when all that was accepted has been sent */
    uint64_t carry;   /* fraction of a nanosecond of sending time left over, in units of 1 / rate */
    gn_time last_out; /* jitter does not reorder */
    bool in_burst;
    gn_time *leave; /* ring: when each queued packet has been sent; queue_packets of them */
    uint32_t leave_head, leave_n;
};

/** What becomes of one packet. */
struct pipe_verdict {
    enum gn_loss loss;
    gn_time at;     /* comes out then */
    bool duplicate; /* and a second time, at the same time */
    bool corrupt;
    uint32_t bit; /* to be flipped */
    bool mark;    /* Congestion Experienced */
};

/** pipe_init() - false: no memory */
bool pipe_init(struct pipe *p, const struct gn_pipe_config *c, uint64_t seed, uint64_t stream);
/** pipe_set() - other parameters from now on; false: no memory, nothing changed */
bool pipe_set(struct pipe *p, const struct gn_pipe_config *c);
void pipe_fini(struct pipe *p);
/** pipe_offer() - the packet of @len octets at @bytes enters at @now, which does not go back */
struct pipe_verdict pipe_offer(struct pipe *p, const uint8_t *bytes, uint32_t len, gn_time now);

#endif
