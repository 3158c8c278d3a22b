/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file look.c  STATUS of one, and of all: listeners, connections, half-open entries and TIME-WAIT
 * records (RFC 9293 sec. 3.10.6).
 */
#include "host/host.h"

/** conn_status() - STATUS of a connection, with its handle if its user still has it */
static void conn_status(const struct gn_host *h, struct conn *c, gn_time now, struct gn_status *ret)
{
    struct tcb scratch;
    const struct tcb *t = rest_look(h, c, &scratch);
    struct tcp_env e = h->env;
    const struct gn_iface *i = &h->ip.iface[env_iface(t->env)];

    e.now = now > h->now ? now : h->now;
    e.mtu = i->mtu;
    e.mtu_headers = gn_addr_is_v4(&t->key.raddr) ? 20 : 40;
    tcb_status(t, &e, ret);
    ret->user = c->user;
    ret->memory += (uint32_t)sizeof(*c) - (t == &scratch ? (uint32_t)sizeof(*t) : 0);
    ret->frozen = c->frozen != CONN_ALIVE;
    ret->handle = t->accepted && !t->orphan ? conn_handle(h, c) : GN_NO_HANDLE;
}

/** look_listener() - STATUS of a listener, with its handle */
static void look_listener(const struct gn_host *h, const struct listener *l, struct gn_status *ret)
{
    listen_status(l, ret);
    ret->handle = handle_make(HANDLE_LISTENER, l->index, pool_gen(&h->listeners.pool, l->index));
}

enum gn_err gn_host_status(const struct gn_host *h, gn_handle c, gn_time now, struct gn_status *ret)
{
    struct conn *k = conn_held(h, c);
    struct listener *l;

    if (k) {
        conn_status(h, k, now, ret);
        return GN_OK;
    }
    l = handle_kind(c) == HANDLE_LISTENER
            ? pool_find(&h->listeners.pool, handle_index(c), handle_gen(c))
            : NULL;
    if (!l)
        return GN_E_BAD_HANDLE;
    look_listener(h, l, ret);
    return GN_OK;
}

bool gn_host_owns(const struct gn_host *h, const struct gn_addr *a)
{
    return ip_is_local(&h->ip, &h->ip_env, a);
}

/** The pools in the order of a walk. */
enum { WALK_LISTENERS, WALK_CONNS, WALK_HALF_OPEN, WALK_TIME_WAIT, WALK_END };

/** walk_pool() - the pool of a stage */
static const struct pool *walk_pool(const struct gn_host *h, uint64_t stage)
{
    const struct pool *pool[] = {&h->listeners.pool, &h->conns, &h->syncache.pool,
                                 &h->timewait.pool};

    return pool[stage];
}

/** next_shown() - pool_next(), without what is only silent about a connection that has moved */
static uint32_t next_shown(const struct gn_host *h, uint64_t stage, uint32_t from)
{
    const struct pool *p = walk_pool(h, stage);
    uint32_t i = pool_next(p, from);

    while (stage == WALK_CONNS && i != UINT32_MAX &&
           ((const struct conn *)pool_at(p, i))->frozen == CONN_MUTE)
        i = pool_next(p, i + 1);
    return i;
}

bool gn_host_walk(const struct gn_host *h, uint64_t *cursor, gn_time now, struct gn_status *ret)
{
    uint64_t stage = *cursor >> 32;
    uint32_t index = (uint32_t)*cursor;

    for (; stage < WALK_END; stage++, index = 0) {
        void *object;

        index = next_shown(h, stage, index);
        if (index == UINT32_MAX)
            continue;
        object = pool_at(walk_pool(h, stage), index);
        if (stage == WALK_LISTENERS)
            look_listener(h, object, ret);
        else if (stage == WALK_CONNS)
            conn_status(h, object, now, ret);
        else if (stage == WALK_HALF_OPEN)
            syncache_status(h, object, ret);
        else
            timewait_status(h, object, ret);
        *cursor = stage << 32 | (index + 1);
        return true;
    }
    *cursor = (uint64_t)WALK_END << 32;
    return false;
}
