/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.h  Which connections rest (tcp/rest.h), and which are awake.
 *
 * Theory of operation. A connection that its user holds is awake when something happens to it, and
 * comes into a list when that is over. Whenever the host looks for output, has more than
 * tcp_rest_above connections, and more than an eighth of so many are in the list, the first ones
 * leave it and are put to rest, if they may be. Who may not waits for something, and when that
 * comes is at the end of the list again. So a host with few connections knows nothing of all this,
 * with many it is those whose blocks are still in cache that are awake, and nobody is looked at
 * more often than something happens to it. There is no timer: that few are awake for nothing costs
 * nothing.
 *
 * Options that users set are few sets for many connections; while these rest, they share them.
 */
#ifndef GN_HOST_REST_H
#define GN_HOST_REST_H

#include "host/conn.h"

#define REST_SETS 64

struct rests {
    struct list awake; /* of tcb.link, who came last at the end */
    uint32_t n_awake;  /* how many are in it */
    uint32_t last;     /* set that was asked for last */
    struct {
        uint32_t users; /* 0: free */
        struct tcb_opts opts;
    } set[REST_SETS];
};

/** rest_join() - a block whose connection is its user's joins the list if nothing seems to be under
 * way, and it is not in the list already */
void rest_join(struct gn_host *h, struct tcb *t);
/** rest_leave() - out of the list, if it is in it */
void rest_leave(struct gn_host *h, struct tcb *t);
/** rest_some() - put some to rest if too many are awake; for hosts with more than tcp_rest_above
 * connections */
void rest_some(struct gn_host *h);
/** rest_end() - rest_wake() for one that rests. It is in no list: conn_after() is to follow, or
 * rest_join() */
struct tcb *rest_end(struct gn_host *h, struct conn *c);
/** rest_wake() - the block of @c; NULL: it rests, and there is no memory, or it is frozen */
static inline struct tcb *rest_wake(struct gn_host *h, struct conn *c)
{
    return c->tcb ? c->tcb : rest_end(h, c);
}
/** rest_look() - the block of @c to look at: its own, or one in @scratch. Not of a mute one */
const struct tcb *rest_look(const struct gn_host *h, struct conn *c, struct tcb *scratch);
/** rest_answer() - @c rests, and there is no memory to take @s: if it has text or a FIN, an ACK
 * tells its sender, who will repeat it, that we live */
void rest_answer(struct gn_host *h, struct conn *c, const struct seg *s);
/** rest_abort() - @c rests and is to go, and there is no memory for more than a RST */
void rest_abort(struct gn_host *h, struct conn *c);

#endif
