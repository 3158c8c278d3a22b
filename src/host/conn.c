/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conn.c  Connections of a host; see conn.h.
 */
#include "host/conn.h"

#include "base/assert.h"
#include "host/host.h"

struct tcb *conn_new(struct gn_host *h, const struct tcp_key *k, unsigned iface)
{
    uint32_t index;
    struct tcb *t = pool_alloc(&h->conns, &index);

    if (!t)
        return NULL;
    tcb_init(t, host_env_iface(h, iface, &k->raddr), k);
    t->index = index;
    t->iface = (uint8_t)iface;
    t->hashed = false;
    t->listener = UINT32_MAX;
    t->user = NULL;
    t->timer = (struct wheel_node){0};
    t->ready = t->event = t->link = (struct list){NULL, NULL};
    return t;
}

/** unlist() - off a list, if it is on one */
static inline void unlist(struct list *l)
{
    if (list_linked(l))
        list_remove(l);
}

/** leave_queue() - out of the accept queue that it may wait in */
static void leave_queue(struct gn_host *h, struct tcb *t)
{
    struct listener *l;

    if (t->listener == UINT32_MAX)
        return;
    l = pool_at(&h->listeners.pool, t->listener);
    t->listener = UINT32_MAX;
    list_remove(&t->link);
    l->n_accept--;
}

void conn_free(struct gn_host *h, struct tcb *t)
{
    if (t->hashed)
        demux_remove(&h->demux, t->hash, conn_ref(t));
    leave_queue(h, t);
    if (t->orphan) {
        h->stats.orphans--;
        unlist(&t->link);
    }
    wheel_cancel(&h->wheel, &t->timer);
    unlist(&t->ready);
    unlist(&t->event);
    tcb_free(t, &h->env);
    pool_free(&h->conns, t->index);
}

struct tcb *conn_find(const struct gn_host *h, gn_handle c)
{
    struct tcb *t;

    if (handle_kind(c) != HANDLE_CONN)
        return NULL;
    t = pool_find(&h->conns, handle_index(c), handle_gen(c));
    return t && t->accepted && !t->orphan ? t : NULL;
}

gn_handle conn_handle(const struct gn_host *h, const struct tcb *t)
{
    return handle_make(HANDLE_CONN, t->index, pool_gen(&h->conns, t->index));
}

void conn_orphan(struct gn_host *h, struct tcb *t)
{
    t->orphan = true;
    h->stats.orphans++;
    list_append(&h->orphans, &t->link);
    unlist(&t->event);
}

/** fast_over() - a connection by Fast Open has its third ACK, or has ended without: it no longer
 * counts. One that was reset counts for a while (OPT-TFO-5) */
static void fast_over(struct gn_host *h, struct tcb *t)
{
    struct listener *l =
        pool_find(&h->listeners.pool, handle_index(t->fast_of), handle_gen(t->fast_of));

    t->fast_of = GN_NO_HANDLE;
    if (!l)
        return;
    if (t->state == GN_CLOSED && t->error == GN_E_RESET)
        listen_fast_reset(h, l);
    else
        l->n_fast--;
}

/** conn_ended() - CLOSED: the tuple is free; the block stays while somebody holds it. Nobody ever
 * hears of one by Fast Open that ends before it was accepted and established */
static void conn_ended(struct gn_host *h, struct tcb *t)
{
    if (t->fast_of)
        fast_over(h, t);
    if (t->orphan || (t->fast_child && !t->accepted)) {
        conn_free(h, t);
        return;
    }
    if (t->hashed)
        demux_remove(&h->demux, t->hash, conn_ref(t));
    t->hashed = false;
    wheel_cancel(&h->wheel, &t->timer);
    unlist(&t->ready);
    if (t->accepted && t->events && !list_linked(&t->event))
        list_append(&h->conn_events, &t->event);
}

/* nodes in the wheel from which on those that are not needed leave it */
#define WHEEL_MANY 256

/** arm() - the wheel fires no later than the block needs; see conn.h. What fires for nothing costs
 * less than arming anew for each segment, as long as the block is in cache by then: where there are
 * many, one that waits for nothing is taken out while it is at hand */
static inline void arm(struct gn_host *h, struct tcb *t)
{
    deadline_t d = tcp_deadline(t);

    if (!deadline_armed(d) && h->wheel.armed > WHEEL_MANY)
        wheel_cancel(&h->wheel, &t->timer);
    else if (deadline_armed(d) && (!wheel_armed(&t->timer) || deadline_time(d) < t->timer.at))
        wheel_arm(&h->wheel, &t->timer, deadline_time(d));
}

/** settle() - what conn_after() does for a block that is not over */
static inline void settle(struct gn_host *h, struct tcb *t)
{
    if (t->fast_of && !t->fast_child)
        fast_over(h, t);
    if (t->state == GN_TIME_WAIT && t->orphan && !list_linked(&t->ready)) {
        if (timewait_take(h, t)) {
            conn_free(h, t);
            return;
        }
        if (t->state == GN_CLOSED) {
            conn_ended(h, t);
            return;
        }
    }
    if (!list_linked(&t->ready)) /* else when it has sent what it has to send */
        arm(h, t);
    if (t->events && t->accepted && !t->orphan && !list_linked(&t->event))
        list_append(&h->conn_events, &t->event);
}

void conn_arm_ready(struct gn_host *h)
{
    for (struct list *l = h->ready.next; l != &h->ready; l = l->next)
        arm(h, LIST_ENTRY(l, struct tcb, ready));
}

void conn_after(struct gn_host *h, struct tcb *t)
{
    if (t->state == GN_CLOSED) {
        conn_ended(h, t);
        return;
    }
    if (!list_linked(&t->ready) && tcp_wants_output(t))
        list_append(&h->ready, &t->ready);
    settle(h, t);
}

void conn_settle(struct gn_host *h, struct tcb *t)
{
    unlist(&t->ready);
    if (t->state == GN_CLOSED)
        conn_ended(h, t);
    else
        settle(h, t);
}

void conn_timeouts(struct gn_host *h)
{
    struct wheel_node *n;

    wheel_run(&h->wheel, h->now);
    while ((n = wheel_pop(&h->wheel))) {
        struct tcb *t = LIST_ENTRY(n, struct tcb, timer);

        if (deadline_due(tcp_deadline(t), h->now))
            tcp_timeouts(t, host_env(h, t));
        if (t->fast_failed) {
            t->fast_failed = false;
            hostcache_refuse(&h->hostcache, &h->secrets.table, &t->key.raddr, h->now);
        }
        if (t->doubt_path) { /* MUST-20 */
            t->doubt_path = false;
            host_doubt_path(h, &t->key.raddr);
        }
        if (t->state != GN_CLOSED) /* also if it has something to send: that may take long */
            arm(h, t);
        conn_after(h, t);
    }
}
