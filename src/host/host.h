/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file host.h  The host from inside: one struct that owns everything, and what its parts share.
 */
#ifndef GN_HOST_HOST_H
#define GN_HOST_HOST_H

#include "base/addr.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/wheel.h"
#include "host/conn.h"
#include "host/demux.h"
#include "host/freeze.h"
#include "host/hostcache.h"
#include "host/listen.h"
#include "host/port.h"
#include "host/rest.h"
#include "host/syncache.h"
#include "host/timewait.h"
#include "ip/ip.h"
#include "tcp/tcp.h"
#include "wire/checksum.h"

#include <gannet/host.h>

#define HOST_REPLIES 256 /* segments without a connection that may wait for gn_host_output() */
#define HOST_PATHS   64  /* entries of the route cache */

/** A route looked up before. */
struct path_entry {
    struct gn_addr dst;
    bool valid;
    struct ip_path path;
};

/** A budget per second, refilled as time passes. */
struct rate_limit {
    uint64_t tokens; /* in 2^-10 */
    gn_time refilled;
};

struct gn_host {
    struct tcp_env env; /* for the call at hand; host_env() sets what differs */
    uint32_t env_which; /* interface and family that it is set for; ENV_NONE: to be set anew */
    struct ip_env ip_env;
    gn_time now;

    struct demux demux;
    struct pool conns;  /* of struct conn */
    struct pool blocks; /* of struct tcb */
    struct rests rests;
    struct list ready; /* of tcb.ready: may have something to send */
    struct list conn_events, listen_events;
    struct reply_queue replies;
    struct listen_table listeners;
    struct syncache syncache;
    struct timewait timewait;
    struct ports ports;
    struct hostcache hostcache;
    struct challenges challenges;
    struct list orphans; /* of tcb.link, oldest first */
    uint32_t prune_next; /* where the search for out-of-order text goes on under pressure */
    struct rate_limit rst_limit;
    uint8_t in_iface;    /* where the segment at hand came in */
    uint32_t frame_need; /* room that an out-frame must have */
    struct path_entry paths[HOST_PATHS];

    struct wheel wheel;
    struct ip ip;
    struct gn_conf conf;
    struct tcb_opts opts; /* of connections, as the knobs say */
    struct gn_stats stats;
    struct secrets secrets;
    const struct csum_ops *csum;
    struct tfo_keys tfo_keys;
    struct mem mem;
    size_t block_bytes;     /* of this struct, taken from the page source directly */
    unsigned shard, shards; /* as configured */
    uint32_t shard_key;
};

/** host_now() - time has come to @now; it never goes back */
static inline void host_now(struct gn_host *h, gn_time now)
{
    if (now > h->now)
        h->now = h->env.now = h->ip_env.now = now;
}

/** host_many() - are there so many connections that most of them rest? */
static inline bool host_many(const struct gn_host *h)
{
    return h->conns.used > (uint32_t)h->conf.tcp_rest_above;
}

#define ENV_NONE UINT32_MAX

/** host_env_set() - make the environment one for @which */
void host_env_set(struct gn_host *h, uint32_t which);

/** host_env_which() - the environment @which */
static inline struct tcp_env *host_env_which(struct gn_host *h, uint32_t which)
{
    if (which != h->env_which)
        host_env_set(h, which);
    return &h->env;
}

/** host_env_iface() - the environment for a call that concerns interface @iface and the family of
 * @a */
static inline struct tcp_env *host_env_iface(struct gn_host *h, unsigned iface,
                                             const struct gn_addr *a)
{
    return host_env_which(h, env_of(iface, a));
}

/** host_env_listener() - the same for one that concerns @l */
static inline struct tcp_env *host_env_listener(struct gn_host *h, unsigned iface,
                                                const struct gn_addr *a, const struct listener *l)
{
    struct tcp_env *e = host_env_iface(h, iface, a);

    if (l && l->tfo_keys.n > 0) {
        e->tfo = &l->tfo_keys;
        h->env_which = ENV_NONE; /* for this call alone */
    }
    return e;
}

/** host_env_any() - the environment for a call to which interfaces and listeners do not matter:
 * that of whichever call was before */
static inline struct tcp_env *host_env_any(struct gn_host *h)
{
    return &h->env;
}

/** host_env_open() - what the environment @e must have, besides, for a call that concerns @t before
 * it is established */
void host_env_open(struct gn_host *h, struct tcp_env *e, const struct tcb *t);

/** host_env_plain() - the environment for a call that concerns @t, but for what only those need
 * that are not established yet */
static inline struct tcp_env *host_env_plain(struct gn_host *h, const struct tcb *t)
{
    return host_env_which(h, t->env);
}

/** host_env() - the environment for a call that concerns @t */
static inline struct tcp_env *host_env(struct gn_host *h, const struct tcb *t)
{
    struct tcp_env *e = host_env_plain(h, t);

    if (t->state == GN_SYN_SENT || t->cookie_due)
        host_env_open(h, e, t);
    return e;
}

/** host_drop() - count, and tell the tracer */
void host_drop(struct gn_host *h, enum gn_drop d, const struct seg *s, enum gn_state state);
/** host_trace_seg() - tell the tracer of a segment (call only if there is one) */
__attribute__((cold, noinline)) void host_trace_seg(struct gn_host *h, enum gn_trace_kind kind,
                                                    const struct seg *s, enum gn_state state);
/** host_transition() - count and trace a transition of what has no block: listeners, half-open
 *  entries and TIME-WAIT records. @k: the tuple */
void host_transition(struct gn_host *h, const struct tcp_key *k, enum gn_state from,
                     enum gn_state to, enum gn_cause cause);
/** host_path_entry() - the place of @dst in the route cache */
static inline struct path_entry *host_path_entry(struct gn_host *h, const struct gn_addr *dst)
{
    uint32_t word = get32(dst->b + 12) ^ get32(dst->b + 4);

    return &h->paths[(word * 0x9e3779b1u >> 16) % HOST_PATHS];
}
/** host_path_find() - host_path() for what is not in the cache */
__attribute__((noinline)) const struct ip_path *host_path_find(struct gn_host *h,
                                                               const struct gn_addr *dst,
                                                               enum gn_err *ret_err);
/** host_path_known() - the route to @dst if it is in the cache, else NULL */
static inline const struct ip_path *host_path_known(struct gn_host *h, const struct gn_addr *dst)
{
    const struct path_entry *p = host_path_entry(h, dst);

    return p->valid && addr_same(&p->dst, dst) ? &p->path : NULL;
}
/** host_path() - the route to @dst, from the cache if possible, or NULL with *ret_err (may be NULL)
 */
static inline const struct ip_path *host_path(struct gn_host *h, const struct gn_addr *dst,
                                              enum gn_err *ret_err)
{
    const struct ip_path *path = host_path_known(h, dst);

    return path ? path : host_path_find(h, dst, ret_err);
}
/** host_doubt_path() - packets to @dst do not seem to arrive: is the next hop still there?
 * (RFC 9293 3.8.3, RFC 4861 7.3.1) */
void host_doubt_path(struct gn_host *h, const struct gn_addr *dst);
/** rate_take() - one of @per_second, or false: none left now */
bool rate_take(struct rate_limit *r, uint64_t per_second, gn_time now);
/** host_closed() - a segment for nobody: RST within tcp_rst_ratelimit (RFC 9293 3.10.7.1) */
enum gn_drop host_closed(struct gn_host *h, const struct seg *s);
/** host_rst_allowed() - may an answer to @s that carries RST be sent now? Takes a token */
bool host_rst_allowed(struct gn_host *h, const struct seg *s);
/** host_replies_full() - no room in the reply queue but for last words */
static inline bool host_replies_full(const struct gn_host *h)
{
    return reply_full(&h->replies);
}

#endif
