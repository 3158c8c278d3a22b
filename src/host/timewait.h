/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timewait.h  TIME-WAIT records: what a connection without a user becomes, 64 octets each.
 *
 * Theory of operation. All records last equally long, so one queue in order of expiry serves as
 * their timer. A record is appended with the expiry of its connection, but never earlier than the
 * last one in the queue: a user who held the connection for a part of its 2MSL may prolong it by
 * that part. Over tcp_max_tw_buckets the oldest records go first.
 */
#ifndef GN_HOST_TIMEWAIT_H
#define GN_HOST_TIMEWAIT_H

#include "base/pool.h"
#include "host/demux.h"
#include "tcp/tcp.h"

struct gn_host;

struct timewait {
    struct pool pool;
    uint32_t head, tail; /* index + 1, next to expire first */
    gn_time seen;        /* the last time that anybody looked */
    gn_time due;         /* nothing is due before */
};

/** timewait_init() - allocates nothing */
void timewait_init(struct timewait *w, struct mem *m, const struct gn_conf *conf);
/** timewait_take() - a connection in TIME-WAIT whose user has gone and that has nothing to send: a
 *  record takes its place. false: no memory, so it has to stay what it is; or CLOSED, if no records
 *  are wanted (tcp_max_tw_buckets = 0) */
bool timewait_take(struct gn_host *h, struct tcb *t);
/** timewait_input() - a segment for record @r */
enum gn_drop timewait_input(struct gn_host *h, ref_t r, const struct seg *s, uint32_t hash);
/** timewait_conn_syn() - a SYN for a connection in TIME-WAIT that still has a user: true if it may
 *  open a new incarnation; the connection is then CLOSED and out of the way */
bool timewait_conn_syn(struct gn_host *h, struct tcb *t, const struct seg *s, uint32_t hash,
                       enum gn_drop *ret_drop);
/** timewait_drop() - forget a record: TIME-WAIT to CLOSED because of @cause */
void timewait_drop(struct gn_host *h, uint32_t index, enum gn_cause cause);
/** timewait_timeouts() - forget the records that are due. For a queue that is not empty, at
 * timewait.due or later */
void timewait_timeouts(struct gn_host *h);
/** timewait_deadline() - when the next record is due */
deadline_t timewait_deadline(const struct gn_host *h);
/** timewait_status() - STATUS of a record */
void timewait_status(const struct gn_host *h, const struct time_wait *w, struct gn_status *ret);

#endif
