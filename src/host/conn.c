/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file conn.c  Connections of a host; see conn.h.
 */
#include "host/conn.h"

#include "base/assert.h"
#include "base/bits.h"
#include "host/host.h"

struct tcb *conn_new(struct gn_host *h, const struct tcp_key *k, uint32_t hash, unsigned iface,
                     const struct tcb_opts *o)
{
    uint32_t index, block;
    struct conn *c = pool_alloc(&h->conns, &index);
    struct tcb *t = c ? pool_alloc(&h->blocks, &block) : NULL;

    if (!t) {
        if (c)
            pool_free(&h->conns, c, index);
        return NULL;
    }
    tcb_begin(t, k, o);
    t->conn = c;
    t->block = block;
    t->env = env_of(iface, &k->raddr);
    c->key = *k;
    c->hash = hash;
    c->index = index;
    c->frozen = CONN_ALIVE;
    c->tcb = t;
    c->user = NULL;
    c->timer = (struct wheel_node){0};
    return t;
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

void conn_drop(struct gn_host *h, struct conn *c)
{
    demux_remove(&h->demux, c->hash, ref_make(REF_CONN, c->index));
    wheel_cancel(&h->wheel, &c->timer);
    pool_free(&h->conns, c, c->index);
}

void conn_free(struct gn_host *h, struct tcb *t)
{
    struct conn *c = t->conn;

    if (t->hashed)
        demux_remove(&h->demux, c->hash, conn_ref(t));
    leave_queue(h, t);
    if (t->orphan) {
        h->stats.orphans--;
        list_leave(&t->link);
    } else {
        rest_leave(h, t);
    }
    wheel_cancel(&h->wheel, &c->timer);
    list_leave(&t->ready);
    list_leave(&t->event);
    tcb_free(t, &h->env);
    pool_free(&h->blocks, t, t->block);
    pool_free(&h->conns, c, c->index);
}

/** held() - conn_held() */
static inline struct conn *held(const struct gn_host *h, gn_handle handle)
{
    struct conn *c;

    if (handle_kind(handle) != HANDLE_CONN)
        return NULL;
    c = pool_find(&h->conns, handle_index(handle), handle_gen(handle));
    if (!c)
        return NULL;
    if (host_many(h)) { /* all lines of its block will be needed, or its own to make one from */
        prefetch(c, sizeof(*c) / 64);
        if (c->tcb)
            prefetch(c->tcb, CONN_BLOCK_LINES);
    }
    if (!c->tcb) /* one that rests is its user's, and one that is frozen */
        return c->frozen == CONN_MUTE ? NULL : c;
    return c->tcb->accepted && !c->tcb->orphan ? c : NULL;
}

struct conn *conn_held(const struct gn_host *h, gn_handle handle)
{
    return held(h, handle);
}

/** wake_for_call() - the block of @c, which rests; NULL: no memory */
static __attribute__((noinline)) struct tcb *wake_for_call(struct gn_host *h, struct conn *c)
{
    struct tcb *t = rest_end(h, c);

    if (t)
        rest_join(h, t); /* the call may come to nothing */
    return t;
}

struct tcb *conn_find(struct gn_host *h, gn_handle handle)
{
    struct conn *c = held(h, handle);

    if (!c)
        return NULL;
    return c->tcb ? c->tcb : wake_for_call(h, c);
}

gn_handle conn_handle(const struct gn_host *h, const struct conn *c)
{
    return handle_make(HANDLE_CONN, c->index, pool_gen(&h->conns, c->index));
}

void conn_orphan(struct gn_host *h, struct tcb *t)
{
    rest_leave(h, t);
    t->orphan = true;
    h->stats.orphans++;
    list_append(&h->orphans, &t->link);
    list_leave(&t->event);
}

/** fast_over() - a connection by Fast Open has its third ACK, or has ended without: it no longer
 * counts. One that was reset counts for a while (OPT-TFO-5) */
static __attribute__((noinline)) void fast_over(struct gn_host *h, struct tcb *t)
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
static __attribute__((noinline)) void conn_ended(struct gn_host *h, struct tcb *t)
{
    if (t->fast_of)
        fast_over(h, t);
    if (t->orphan || (t->fast_child && !t->accepted)) {
        conn_free(h, t);
        return;
    }
    if (t->hashed)
        demux_remove(&h->demux, t->conn->hash, conn_ref(t));
    t->hashed = false;
    wheel_cancel(&h->wheel, &t->conn->timer);
    list_leave(&t->ready);
    if (t->accepted && t->events && !list_linked(&t->event))
        list_append(&h->conn_events, &t->event);
}

/* nodes in the wheel from which on those that are not needed leave it */
#define WHEEL_MANY 256

/** arm_at() - @n fires no later than @d. What fires for nothing costs less than arming anew for
 * each segment, as long as the block is in cache by then: where there are many, one that waits for
 * nothing is taken out while it is at hand */
static inline void arm_at(struct wheel *w, struct wheel_node *n, deadline_t d)
{
    if (!deadline_armed(d) && w->armed > WHEEL_MANY)
        wheel_cancel(w, n);
    else if (deadline_armed(d) && (!wheel_armed(n) || deadline_time(d) < n->at))
        wheel_arm(w, n, deadline_time(d));
}

/** arm_any() - arm() whatever timers run */
static __attribute__((noinline)) void arm_any(struct gn_host *h, struct tcb *t)
{
    arm_at(&h->wheel, &t->conn->timer, tcp_deadline(t));
}

/** arm() - the wheel fires no later than the block, which is not CLOSED, needs; see conn.h */
static inline void arm(struct gn_host *h, struct tcb *t)
{
    if (tcp_timers_unusual(t))
        arm_any(h, t);
    else
        arm_at(&h->wheel, &t->conn->timer, tcp_deadline_usual(t));
}

/** time_wait() - a block in TIME-WAIT: a record takes its place if it can. True: it is over */
static __attribute__((noinline)) bool time_wait(struct gn_host *h, struct tcb *t)
{
    if (!t->orphan || list_linked(&t->ready)) {
        demux_prefetch_slot(&h->demux, t->conn->hash); /* the record will take it over soon */
        return false;
    }
    if (timewait_take(h, t)) {
        conn_free(h, t);
        return true;
    }
    if (t->state != GN_CLOSED)
        return false;
    conn_ended(h, t);
    return true;
}

/** turning() - is it over, or does it become something else? */
static inline bool turning(const struct tcb *t)
{
    return t->state == GN_CLOSED || t->state == GN_TIME_WAIT || t->fast_of;
}

/** turned() - a block of which turning() says so has become what it is to be; false: it is over */
static bool turned(struct gn_host *h, struct tcb *t)
{
    if (t->state == GN_CLOSED) {
        conn_ended(h, t);
        return false;
    }
    if (t->fast_of && !t->fast_child)
        fast_over(h, t);
    return t->state != GN_TIME_WAIT || !time_wait(h, t);
}

/** to_user() - the user of a block hears of its events, or it may rest */
static inline void to_user(struct gn_host *h, struct tcb *t)
{
    if (!t->accepted || t->orphan)
        return;
    if (!t->events)
        rest_join(h, t);
    else if (!list_linked(&t->event))
        list_append(&h->conn_events, &t->event);
}

void conn_arm_ready(struct gn_host *h)
{
    for (struct list *l = h->ready.next; l != &h->ready; l = l->next)
        arm(h, LIST_ENTRY(l, struct tcb, ready));
}

/** after_any() - conn_after() for all blocks there are */
static __attribute__((noinline)) void after_any(struct gn_host *h, struct tcb *t)
{
    if (!list_linked(&t->ready) && tcp_wants_output(t))
        list_append(&h->ready, &t->ready);
    if (turning(t) && !turned(h, t))
        return;
    to_user(h, t);
    if (!list_linked(&t->ready)) /* else when it has sent what it has to send */
        arm_any(h, t);
}

/** after() - conn_after() for nearly all, but for the timer: as after_any(). False: it is for that
 */
static inline bool after(struct gn_host *h, struct tcb *t)
{
    if (turning(t) || tcp_unusual(t))
        return false;
    if (!list_linked(&t->ready) && tcp_wants_usual(t))
        list_append(&h->ready, &t->ready);
    to_user(h, t);
    return true;
}

void conn_after(struct gn_host *h, struct tcb *t)
{
    if (!after(h, t))
        after_any(h, t);
    else if (!list_linked(&t->ready))
        arm(h, t);
}

void conn_after_read(struct gn_host *h, struct tcb *t)
{
    if (!after(h, t))
        after_any(h, t);
}

/** settle_any() - conn_settle() for one that turning() is true of */
static __attribute__((noinline)) void settle_any(struct gn_host *h, struct tcb *t)
{
    if (!turned(h, t))
        return;
    to_user(h, t);
    arm_any(h, t);
}

void conn_settle(struct gn_host *h, struct tcb *t)
{
    list_remove(&t->ready);
    if (turning(t)) {
        settle_any(h, t);
        return;
    }
    to_user(h, t);
    arm(h, t);
}

/* a connection at rest whose timer has come finds no memory to wake: later */
#define WAKE_AGAIN (200 * GN_MSEC)

/** timer_block() - the block of a connection whose node has fired; NULL: there is no
 * memory to wake it now, or it was only silent and has gone */
static struct tcb *timer_block(struct gn_host *h, struct conn *c)
{
    struct tcb *t = c->tcb;

    if (t)
        return t;
    if (c->frozen) { /* the only timer that such a one has */
        conn_drop(h, c);
        return NULL;
    }
    t = rest_wake(h, c);
    if (!t)
        wheel_arm(&h->wheel, &c->timer, h->now + WAKE_AGAIN);
    return t;
}

/** expect() - hints for those whose timers come next: the connection of the third, and the block of
 * the second, whose connection was the third before */
static inline __attribute__((always_inline)) void expect(const struct gn_host *h)
{
    const struct wheel_node *second = wheel_ahead(&h->wheel, 1);
    const struct wheel_node *third = wheel_ahead(&h->wheel, 2);
    const struct conn *c;

    if (third)
        prefetch(LIST_ENTRY(third, struct conn, timer), sizeof(struct conn) / 64);
    if (!second)
        return;
    c = LIST_ENTRY(second, struct conn, timer);
    if (c->tcb)
        prefetch(c->tcb, CONN_BLOCK_LINES);
}

void conn_timeouts(struct gn_host *h)
{
    bool many = host_many(h);
    struct wheel_node *n;

    while ((n = wheel_pop(&h->wheel))) {
        struct tcb *t = timer_block(h, LIST_ENTRY(n, struct conn, timer));

        if (!t)
            continue;
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
        if (many)
            expect(h);
    }
}
