/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.c  Connections are put to rest and woken; see rest.h.
 */
#include "host/rest.h"

#include "base/bits.h"
#include "host/host.h"

/* octets of a set that are alike for all who share it: what is behind them each has for itself */
#define SET_SHARED offsetof(struct tcb_opts, sndbuf)

_Static_assert(SET_SHARED + 2 * sizeof(uint32_t) == sizeof(struct tcb_opts),
               "sizes of buffers are the last of the options");

/** set_take() - the number of a set with these options, counted as used once more; REST_SETS: there
 * are too many different ones */
static uint32_t set_take(struct rests *r, const struct tcb_opts *o)
{
    uint32_t found = REST_SETS;

    for (uint32_t k = 0; k < REST_SETS; k++) {
        uint32_t i = (r->last + k) % REST_SETS;

        if (r->set[i].users && !memcmp(&r->set[i].opts, o, SET_SHARED)) {
            found = i;
            break;
        }
        if (!r->set[i].users && found == REST_SETS)
            found = i;
    }
    if (found == REST_SETS)
        return found;
    if (!r->set[found].users++)
        r->set[found].opts = *o;
    r->last = found;
    return found;
}

void rest_join(struct gn_host *h, struct tcb *t)
{
    if (list_linked(&t->link) || !tcp_quiet(t))
        return;
    list_append(&h->rests.awake, &t->link);
    h->rests.n_awake++;
}

void rest_leave(struct gn_host *h, struct tcb *t)
{
    if (!list_linked(&t->link))
        return;
    list_remove(&t->link);
    h->rests.n_awake--;
}

/** put() - @t to rest, if it may be */
static bool put(struct gn_host *h, struct tcb *t)
{
    struct conn *c = t->conn;
    uint32_t set;

    if (list_linked(&t->ready) || list_linked(&t->event) || t->fast_of || !tcp_may_rest(t, &h->env))
        return false;
    set = set_take(&h->rests, &t->opts);
    if (set == REST_SETS)
        return false;
    tcp_rest(t, &c->rest);
    c->opts = (uint8_t)set;
    c->env = t->env;
    c->tcb = NULL;
    c->timed = deadline_armed(t->keepalive_at);
    if (!c->timed)
        wheel_cancel(&h->wheel, &c->timer);
    else if (!wheel_armed(&c->timer) || c->timer.at != deadline_time(t->keepalive_at))
        wheel_arm(&h->wheel, &c->timer, deadline_time(t->keepalive_at));
    pool_free(&h->blocks, t, t->block);
    return true;
}

/** first() - the first of the list is put to rest, if it may be */
static bool first(struct gn_host *h)
{
    struct tcb *t = LIST_ENTRY(h->rests.awake.next, struct tcb, link);

    rest_leave(h, t);
    return put(h, t);
}

void rest_some(struct gn_host *h)
{
    uint32_t few = (uint32_t)h->conf.tcp_rest_above / 8;

    while (host_many(h) && h->rests.n_awake > few)
        (void)first(h);
}

/** block_for() - a block for one that wakes. There may be none but those of others that may rest */
static struct tcb *block_for(struct gn_host *h, uint32_t *ret)
{
    struct tcb *t = pool_alloc(&h->blocks, ret);

    for (uint32_t tries = min_u32(h->rests.n_awake, 64); !t && tries; tries--)
        if (first(h))
            t = pool_alloc(&h->blocks, ret);
    return t;
}

/** wake() - what @c was, in @t */
static void wake(const struct gn_host *h, struct conn *c, struct tcb *t)
{
    tcp_wake(&c->rest, &c->key, &h->rests.set[c->opts].opts, h->now, t);
    if (c->timed)
        t->keepalive_at = deadline_at(c->timer.at);
    t->env = c->env;
    t->conn = c;
    t->hashed = true;
}

struct tcb *rest_end(struct gn_host *h, struct conn *c)
{
    uint32_t block;
    struct tcb *t = c->frozen ? NULL : block_for(h, &block);

    if (!t)
        return NULL;
    if (c->timed) { /* it will leave its place in the wheel, where its neighbours are far away */
        __builtin_prefetch(c->timer.list.prev, 1);
        __builtin_prefetch(c->timer.list.next, 1);
    }
    wake(h, c, t);
    h->rests.set[c->opts].users--;
    t->block = block;
    c->tcb = t;
    return t;
}

const struct tcb *rest_look(const struct gn_host *h, struct conn *c, struct tcb *scratch)
{
    if (c->tcb)
        return c->tcb;
    if (c->frozen)
        return c->frost.tcb;
    wake(h, c, scratch);
    return scratch;
}

void rest_answer(struct gn_host *h, struct conn *c, const struct seg *s)
{
    struct tcb t;

    /* what else may come is answered seldom, if at all: it is as if it were lost */
    if ((s->ctl & (CTL_SYN | CTL_RST)) || !seg_len(s))
        return;
    wake(h, c, &t);
    tcp_answer(&t, host_env(h, &t));
    c->rest.edge = t.rcv.max_edge;
}

void rest_abort(struct gn_host *h, struct conn *c)
{
    struct tcb t;

    wake(h, c, &t);
    h->rests.set[c->opts].users--;
    h->stats.TCPAbortOnMemory++;
    tcp_abort(&t, host_env(h, &t), GN_CAUSE_ABORT_CALL, GN_E_ABORTED);
    conn_drop(h, c);
}
