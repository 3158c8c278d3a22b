/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file env.h  What the host lends to the TCP layer for one call: the time, the knobs, memory,
 * secrets, counters, and a place for replies that belong to no connection.
 */
#ifndef GN_TCP_ENV_H
#define GN_TCP_ENV_H

#include "base/hash.h"
#include "base/mem.h"
#include "recovery/recovery.h"
#include "wire/tcp.h"

#include <gannet/host.h>

struct secrets {
    struct siphash_key numbers, cookie[2], port, table, tfo, challenge;
};

/** A segment without a connection behind it (RST, SYN,ACK of a half-open entry, ACK of TIME-WAIT):
 * a seg without text. */
struct reply_queue {
    struct seg *seg; /* cap entries */
    uint32_t cap, head, n;
    uint32_t grown;    /* how often it has doubled, */
    struct seg *small; /* and what it was before, else NULL */
};

/** What is left of tcp_challenge_ack_limit. */
struct challenges {
    gn_time until; /* end of the present window of time */
    uint64_t left; /* in it */
    uint64_t windows;
};

enum { /* bits of tcp_fastopen, by Linux's numbers */
       TFO_CLIENT = 1,
       TFO_SERVER = 2,
       TFO_CLIENT_NO_COOKIE = 4,
       TFO_SERVER_NO_COOKIE = 0x200,
       TFO_SERVER_ALL = 0x400
};

#define TFO_COOKIE 8 /* octets of the Fast Open cookies that we give */

/** Keys of Fast Open cookies that somebody has set; the first makes them, both know them. */
struct tfo_keys {
    struct siphash_key k[2];
    uint8_t n; /* 0: none set, the secret's are used */
};

/** What is known of Fast Open with a peer (RFC 7413 4.1.3). */
struct tfo_cookie {
    uint8_t octets[16];
    uint8_t len;  /* 0: none yet */
    bool refused; /* not to be tried now: a SYN with it was lost */
    uint16_t mss; /* of the peer, 0: not known */
};

struct tcp_env {
    union {
        struct {
            gn_time now;
            const struct gn_conf *conf;
            struct mem *mem;
        };
        struct rec_env rec; /* these three: what recovery gets */
    };
    const struct secrets *secrets;
    struct gn_stats *stats;
    struct reply_queue *replies;
    struct challenges *challenges;
    gn_trace_fn *trace;
    void *trace_ctx;
    uint16_t mtu;                    /* of the interface that the connection uses */
    uint16_t mtu_headers;            /* IP header octets on it: 20 or 40 */
    const struct tfo_keys *tfo;      /* of the listener at hand */
    const struct tfo_cookie *cookie; /* with a block in SYN-SENT that wants Fast Open, else NULL */
    uint16_t segs_max; /* wire segments that one tcp_output() may make, as a super-segment */
};

/** reply_at() - place @i of the queue, counted from its head */
static inline struct seg *reply_at(const struct reply_queue *q, uint32_t i)
{
    uint32_t at = q->head + i; /* both below cap, or equal to it */

    return &q->seg[at < q->cap ? at : at - q->cap];
}

/** reply_full() - no room but for last words */
static inline bool reply_full(const struct reply_queue *q)
{
    return q->n >= q->cap >> q->grown;
}

/** env_reply_new() - a reply to be written, cleared and queued already; NULL: the queue is full,
 * which is counted (GN_DROP_QUEUE_FULL) */
struct seg *env_reply_new(const struct tcp_env *e);
/** env_reply() - queue a reply; with a full queue it is forgotten */
void env_reply(const struct tcp_env *e, const struct seg *s);
/** env_reply_last() - queue the last that a connection says. Nothing calls for it again, so the
 * queue grows for it as far as there is memory */
void env_reply_last(const struct tcp_env *e, const struct seg *s);
/** reply_shrink() - the queue is empty: what it has grown by goes back */
void reply_shrink(struct reply_queue *q, struct mem *m);

#endif
