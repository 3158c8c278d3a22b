/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file port.h  Ephemeral ports: RFC 6056 algorithm 4 (double-hash), and TIME-WAIT tuples that may
 * be used again (RFC 6191).
 *
 * Theory of operation. The port is min + (F(addresses, remote port) + counter[G(...)]++) mod range,
 * F and G being halves of one keyed hash: unpredictable to outsiders (SEC-6056-1), yet each
 * destination walks through the range in order, so that the next port is the one that was released
 * longest ago. With 28,000 TIME-WAITs to one destination the first probe is still free as long as
 * any stretch is. A walk is bounded by the range; that it failed is remembered until some tuple is
 * released, so that a full range answers at once (SEC-6056-2).
 *
 * The next connection to the same destination will ask for the next port. Its tuple is hashed when
 * this one has been found, and the slot of the demux table hinted at, so that it is in cache by
 * then, however many TIME-WAITs there are. Nor is a destination hashed again that was asked for
 * lately.
 */
#ifndef GN_HOST_PORT_H
#define GN_HOST_PORT_H

#include "host/demux.h"

#include <gannet/host.h>

struct gn_host;

#define PORT_COUNTERS     256
#define PORT_DESTINATIONS 64

/** A counter of the walks, and what the next connection that takes it will most likely ask for. */
struct port_counter {
    uint64_t f;    /* the destination that took it last */
    uint32_t n;    /* the counter */
    uint32_t hash; /* of the tuple with @port */
    uint16_t port; /* 0: not known */
};

/** A destination that was asked for before. */
struct port_destination {
    struct tcp_key key; /* lport 0 */
    uint64_t f;         /* its hash */
};

struct ports {
    struct port_counter counter[PORT_COUNTERS];
    struct port_destination destination[PORT_DESTINATIONS];
    uint64_t full_hash;     /* the destination that the last failed walk was for */
    uint64_t full_removals; /* demux.removals then */
    gn_time full_at;
};

/** What a tuple can be used for by an active OPEN. */
enum port_verdict {
    PORT_TAKEN,
    PORT_FREE,
    PORT_REUSE, /* a TIME-WAIT record may be replaced (RFC 6191) */
};

/** port_ours() - does a connection of this tuple fall to this host, if it is one of several? */
bool port_ours(const struct gn_host *h, const struct tcp_key *k);
/**
 * port_judge() - may an active OPEN use this tuple?
 * @hash:   its hash
 * @ret_tw: with PORT_REUSE the record, which the caller must drop
 */
enum port_verdict port_judge(const struct gn_host *h, const struct tcp_key *k, uint32_t hash,
                             ref_t *ret_tw);
/** port_choose() - set k->lport; GN_E_NO_PORTS. *ret_hash: of the tuple; @ret_tw as port_judge() */
enum gn_err port_choose(struct gn_host *h, struct tcp_key *k, uint32_t *ret_hash, ref_t *ret_tw);
/** port_choose_listen() - a port on which nobody listens and that no ephemeral port has, or 0 */
uint16_t port_choose_listen(struct gn_host *h, const struct gn_addr *a);

#endif
