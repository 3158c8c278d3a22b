/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hostcache.h  What outlives connections: per destination, the Fast Open cookie (RFC
 * 7413 4.1.3) and what became of it.
 *
 * A small table without memory of its own. A destination has two places, chosen by a keyed hash;
 * the one used longer ago is given up. Forgetting costs a round trip, nothing else.
 */
#ifndef GN_HOST_HOSTCACHE_H
#define GN_HOST_HOSTCACHE_H

#include "base/hash.h"
#include "tcp/env.h"

#define HOSTCACHE_WAYS 2
#define HOSTCACHE_SETS 32
/* so long after a SYN with the option was lost it is not tried again (OPT-TFO-4) */
#define HOSTCACHE_REFUSED (3600 * GN_SEC)

struct hostcache_entry {
    struct gn_addr dst;
    gn_time used; /* 0: free */
    gn_time refused_until;
    struct tfo_cookie cookie;
};

struct hostcache {
    struct hostcache_entry e[HOSTCACHE_SETS][HOSTCACHE_WAYS];
};

/** hostcache_find() - what is known of @dst; never NULL, valid until the next call */
const struct tfo_cookie *hostcache_find(struct hostcache *c, const struct siphash_key *k,
                                        const struct gn_addr *dst, gn_time now);
/** hostcache_learn() - @dst has answered a SYN that tried Fast Open
 * @o: of its SYN,ACK, perhaps with a cookie; NULL: none was asked for
 * @mss: the peer's
 * @worked: it has acknowledged text of the SYN: whatever was lost before, it can be tried again */
void hostcache_learn(struct hostcache *c, const struct siphash_key *k, const struct gn_addr *dst,
                     const struct tcpopt *o, uint16_t mss, bool worked, gn_time now);
/** hostcache_refuse() - a SYN with the option was lost */
void hostcache_refuse(struct hostcache *c, const struct siphash_key *k, const struct gn_addr *dst,
                      gn_time now);

#endif
