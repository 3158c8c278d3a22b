/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.h  A connection at rest: established, with nothing on its way, nothing in a buffer and
 * nothing owed, in a quarter of the octets of a block.
 *
 * Most connections of a busy host do nothing most of the time. What such a connection must remember
 * is much less than a block has room for: one sequence number for SND.UNA and SND.NXT, one for
 * RCV.NXT and Last.ACK.sent, no buffers, no log, one timer. Waking gives a block that does on the
 * wire what the old one would have done; STATUS tells the same, times of creation to a microsecond.
 * A block that knows anything else, however rare, does not rest.
 */
#ifndef GN_TCP_REST_H
#define GN_TCP_REST_H

#include "recovery/rest.h"
#include "tcp/tcb.h"

#define REST_PAST 2 /* transitions remembered: an established connection has seldom more */

/* what is kept in 48 bits */
enum rest_count {
    REST_SEGS_IN,
    REST_SEGS_OUT,
    REST_BYTES_RECEIVED,
    REST_BYTES_SENT, /* all acknowledged */
    REST_CREATED_US,
    REST_COUNTS
};

/** Nothing in it is a part of a word: it is written to where it will lie, which may be far away,
 * and what is not read first need not be waited for. */
struct tcb_rest {
    struct recovery_rest rec;
    struct tcb_past past[REST_PAST];
    gn_time last_in, last_out, text_at;
    uint32_t low[REST_COUNTS];
    uint16_t high[REST_COUNTS];
    uint16_t send_mss, rcv_mss_guess;
    uint16_t traits;
    uint8_t quick;
    uint8_t wscale; /* of snd, and of rcv in the upper half */
    uint16_t small; /* from the lowest bit: log2 of what sndbuf and rcvbuf had grown to, or 0, 5
                     * bits each; n_past, 2; drs.marked, 1 */
    uint32_t drs_octets, drs_space, drs_rtt, drs_mark;
    uint32_t drs_since, drs_rtt_at, drs_marked_at; /* rest_us() */
    uint32_t sndbuf, rcvbuf; /* of struct tcb_opts; the rest of it is the caller's to keep */
    uint32_t bytes_retrans;
    uint32_t ts_recent, ts_offset, ts_recent_at; /* rest_ms() */
    seq_t una, wl1, iss;
    uint32_t wnd, max_wnd;
    seq_t rcv_nxt, edge, irs;
    uint32_t delivered; /* of recovery: segments; here is room for it */
};

/* tcp_quiet() - does nothing seem to be under way? What tcp_may_rest() finds wrong most often */
static inline bool tcp_quiet(const struct tcb *t)
{
    return !t->events && seq_eq(t->snd.una, t->snd.nxt) && seq_eq(t->rcv.acked, t->rcv.nxt) &&
           !t->sndbuf.mem && !t->rcvbuf.mem;
}

/** tcp_may_rest() - does tcp_rest() keep all that matters of this block? It holds no memory then */
bool tcp_may_rest(const struct tcb *t, const struct tcp_env *e);
/** tcp_rest() - of a block that may; but for its tuple, its options, its interface and keep-alive's
 * timer */
void tcp_rest(const struct tcb *t, struct tcb_rest *ret);
/** tcp_wake() - the block again: with @key and @o what it was. Keep-alive's timer, and what is
 *  the host's but `accepted`, are the caller's to put in */
void tcp_wake(const struct tcb_rest *r, const struct tcp_key *key, const struct tcb_opts *o,
              gn_time now, struct tcb *ret);

#endif
