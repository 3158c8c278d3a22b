/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conn.h  Connections of a host: the pool of blocks, handles, and the lists that each block
 * is on.
 *
 * Theory of operation. Whatever happens to a block happens through a tcp_* call, and after each of
 * them comes conn_after(), which looks at the block and does all book-keeping: has it something to
 * send (ready list), when must it be woken (wheel), has its user something to hear (event list), is
 * it over (out of the demux table; freed when nobody holds it), can a TIME-WAIT record replace it?
 *
 * The wheel is armed lazily: a node is moved only if it must fire earlier. One that fires too early
 * is armed again for the time that holds then. A busy connection so touches the wheel about once
 * per RTO instead of once per segment. And it is armed when it leaves the ready list, which is
 * soon, so that a burst of segments and calls is one look at its deadlines.
 *
 * What lasts as long as the connection is a struct conn: its tuple, its user, its timer, and either
 * where its block is or, while it rests, what has to be remembered (rest.h). Whoever wants a block
 * asks for it by a conn_* function, which wakes the connection if need be, unless it is frozen
 * (freeze.h).
 */
#ifndef GN_HOST_CONN_H
#define GN_HOST_CONN_H

#include "base/addr.h"
#include "base/wheel.h"
#include "host/demux.h"
#include "tcp/rest.h"
#include "tcp/tcp.h"

struct gn_host;

enum handle_kind { HANDLE_CONN = 1, HANDLE_LISTENER = 2 };

static inline gn_handle handle_make(enum handle_kind kind, uint32_t index, uint32_t gen)
{
    return (uint64_t)gen << 32 | (uint64_t)kind << 30 | index;
}

static inline unsigned handle_kind(gn_handle h)
{
    return (uint32_t)h >> 30;
}

static inline uint32_t handle_index(gn_handle h)
{
    return (uint32_t)h & 0x3fffffff;
}

static inline uint32_t handle_gen(gn_handle h)
{
    return (uint32_t)(h >> 32);
}

/** Who is frozen seems to rest, but is not woken: nothing on the way of a segment knows of it. */
enum conn_frozen {
    CONN_ALIVE,
    CONN_FROZEN, /* gn_host_freeze(): its block is kept */
    CONN_MUTE    /* gn_host_forget(): there is no block any more, only silence */
};

struct conn_frost {
    struct tcb *tcb;
    gn_time at; /* since when it is frozen */
};

/** A connection. What a segment needs to find its block is in the first cache line. */
struct conn {
    struct tcp_key key; /* first: the demux table compares it */
    uint32_t hash;      /* of the tuple, for the demux table */
    uint32_t index;     /* in the pool of connections */
    uint8_t opts;       /* while it rests: number of its set of options, */
    uint8_t env;        /* which environment serves it, */
    bool timed;         /* and whether its timer is keep-alive's */
    uint8_t frozen;     /* enum conn_frozen */
    struct tcb *tcb;    /* NULL: it rests, or it is frozen */
    void *user;
    struct wheel_node timer;
    union {
        struct tcb_rest rest;    /* valid while it rests */
        struct conn_frost frost; /* valid while it is frozen */
    };
};

_Static_assert(offsetof(struct conn, user) + sizeof(void *) == 64, "the first cache line");
_Static_assert(sizeof(struct conn) <= 384, "an idle end takes 512 octets all in");

/* of a block, which begins with a cache line (tcb.h is ordered by that); hints are given for all */
#define CONN_BLOCK_LINES ((sizeof(struct tcb) + 63) / 64)

/** conn_new() - a block in CLOSED for @k with options @o, not yet in the demux table; NULL: limit
 * or memory. @hash: of the tuple */
struct tcb *conn_new(struct gn_host *h, const struct tcp_key *k, uint32_t hash, unsigned iface,
                     const struct tcb_opts *o);
/** conn_free() - take a block off all lists and give it back */
void conn_free(struct gn_host *h, struct tcb *t);
/** conn_drop() - a connection that has no block, but is in the demux table, is gone */
void conn_drop(struct gn_host *h, struct conn *c);
/** conn_find() - the block of a handle that its user still holds, or NULL: there is none, or no
 * memory to wake it; conn_held() tells */
struct tcb *conn_find(struct gn_host *h, gn_handle handle);
/** conn_held() - the connection of a handle that its user still holds, or NULL */
struct conn *conn_held(const struct gn_host *h, gn_handle handle);
/** conn_handle() - the handle of a connection */
gn_handle conn_handle(const struct gn_host *h, const struct conn *c);
/** conn_after() - book-keeping after any tcp_* call; @t may be gone afterwards */
void conn_after(struct gn_host *h, struct tcb *t);
/** conn_after_read() - the same after the user has read: no timer runs out earlier for that */
void conn_after_read(struct gn_host *h, struct tcb *t);
/** conn_settle() - the same, after tcp_output() found nothing to send: off the ready list */
void conn_settle(struct gn_host *h, struct tcb *t);
/** conn_arm_ready() - those that are on the ready list cannot send: they must be woken all the same
 */
void conn_arm_ready(struct gn_host *h);
/** conn_orphan() - the user has let go of it, or never had it */
void conn_orphan(struct gn_host *h, struct tcb *t);
/** conn_timeouts() - carry out the timers that wheel_run() has found due */
void conn_timeouts(struct gn_host *h);
/** env_of() - which environment serves interface @iface and the family of @a: a block knows its
 * own */
static inline uint8_t env_of(unsigned iface, const struct gn_addr *a)
{
    return (uint8_t)(iface << 1 | addr_v4(a));
}
/** env_iface() - the reverse */
static inline uint8_t env_iface(uint8_t which)
{
    return which >> 1;
}
/** conn_iface() - the interface that its segments leave by */
static inline uint8_t conn_iface(const struct conn *c)
{
    return env_iface(c->tcb ? c->tcb->env : c->env);
}
/** conn_set_iface() - by another one from now on */
static inline void conn_set_iface(struct conn *c, uint8_t iface)
{
    uint8_t env = env_of(iface, &c->key.raddr);

    if (c->tcb)
        c->tcb->env = env;
    else
        c->env = env;
}
/** conn_ref() - how the demux table names a block */
static inline ref_t conn_ref(const struct tcb *t)
{
    return ref_make(REF_CONN, t->conn->index);
}

#endif
