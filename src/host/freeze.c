/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file freeze.c  Connections leave and come; see freeze.h and gannet/freeze.h.
 */
#include "host/freeze.h"

#include "host/host.h"
#include "tcp/freeze.h"
#include "tcp/fsm.h"

/** frozen() - the frozen connection of a handle, or NULL */
static struct conn *frozen(const struct gn_host *h, gn_handle c)
{
    struct conn *k = conn_held(h, c);

    return k && k->frozen ? k : NULL;
}

/** not_frozen() - what to say if there is none */
static enum gn_err not_frozen(const struct gn_host *h, gn_handle c)
{
    return conn_held(h, c) || listener_find(h, c) ? GN_E_INVALID : GN_E_BAD_HANDLE;
}

/** set_aside() - the block of a connection that its user holds is reached no more */
static void set_aside(struct gn_host *h, struct tcb *t)
{
    struct conn *c = t->conn;

    rest_leave(h, t);
    list_leave(&t->ready);
    list_leave(&t->event);
    wheel_cancel(&h->wheel, &c->timer);
    c->env = t->env;
    c->tcb = NULL;
    c->frozen = CONN_FROZEN;
    c->frost = (struct conn_frost){t, h->now};
}

enum gn_err gn_host_freeze(struct gn_host *h, gn_handle c, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    enum gn_err err;

    if (!t && listener_find(h, c))
        return GN_E_UNSUPPORTED;
    if (!t)
        return frozen(h, c) ? GN_E_FROZEN : conn_held(h, c) ? GN_E_NO_MEMORY : GN_E_BAD_HANDLE;
    err = tcp_may_freeze(t);
    if (err)
        return err;
    host_now(h, now);
    set_aside(h, t);
    return GN_OK;
}

enum gn_err gn_host_unfreeze(struct gn_host *h, gn_handle c, gn_time now)
{
    struct conn *k = frozen(h, c);
    struct tcp_env *e;
    struct tcb *t;
    gn_time since;

    if (!k)
        return not_frozen(h, c);
    host_now(h, now);
    t = k->frost.tcb;
    since = k->frost.at; /* it lies where the connection's rest goes */
    k->frozen = CONN_ALIVE;
    k->tcb = t;
    t->env = k->env; /* routes may have changed meanwhile, and the MTU */
    e = host_env(h, t);
    tcp_resume(t, e, since);
    tcp_mtu_changed(t, e, e->mtu);
    conn_after(h, t);
    return GN_OK;
}

int64_t gn_host_image(const struct gn_host *h, gn_handle c, void *buf, size_t cap)
{
    const struct conn *k = frozen(h, c);
    struct tcp_env e = h->env;

    if (!k)
        return not_frozen(h, c);
    e.now = k->frost.at;
    return (int64_t)tcp_freeze(k->frost.tcb, &e, buf, cap);
}

enum gn_err gn_host_forget(struct gn_host *h, gn_handle c, gn_time now)
{
    struct conn *k = frozen(h, c);
    struct tcb *t;

    if (!k)
        return not_frozen(h, c);
    host_now(h, now);
    t = k->frost.tcb;
    h->stats.state[t->state]--;
    h->stats.TCPMovedOut++;
    tcb_free(t, &h->env);
    pool_free(&h->blocks, t, t->block);
    k->frozen = CONN_MUTE;
    k->user = NULL;
    wheel_arm(&h->wheel, &k->timer, h->now + 2 * h->conf.tcp_msl);
    return GN_OK;
}

/** place() - may a connection of this tuple come here, and by which interface? *@ret_mute: the one
 * that was silent about it, and is to go; or NULL */
static enum gn_err place(struct gn_host *h, const struct tcp_key *k, uint32_t hash,
                         unsigned *ret_iface, struct conn **ret_mute)
{
    const struct ip_path *path;
    enum gn_err err;
    void *object;
    ref_t r;

    if (!port_ours(h, k) || !ip_is_local(&h->ip, &h->ip_env, &k->laddr))
        return GN_E_NOT_AVAILABLE;
    if (!(ip_is_unicast(&h->ip, &k->raddr) || ip_is_loopback(&k->raddr)))
        return GN_E_BAD_IMAGE;
    path = host_path(h, &k->raddr, &err);
    if (!path)
        return err;
    *ret_iface = path->iface;
    *ret_mute = NULL;
    r = demux_find_object(&h->demux, hash, k, &object);
    if (ref_kind(r) == REF_NONE)
        return GN_OK;
    *ret_mute = object;
    return ref_kind(r) == REF_CONN && (*ret_mute)->frozen == CONN_MUTE ? GN_OK : GN_E_IN_USE;
}

enum gn_err gn_host_thaw(struct gn_host *h, const void *image, size_t len, unsigned flags,
                         void *user, gn_time now, gn_handle *ret)
{
    struct tcp_key k;
    struct conn *mute;
    unsigned iface = 0;
    uint32_t hash;
    struct tcb *t;
    enum gn_err err = tcp_image_key(image, len, &k);

    host_now(h, now);
    if (err)
        return err;
    hash = demux_hash(&h->demux, &k);
    err = place(h, &k, hash, &iface, &mute);
    if (err)
        return err;
    t = conn_new(h, &k, hash, iface, &h->opts);
    if (!t)
        return GN_E_NO_MEMORY;
    err = tcp_thaw(t, host_env(h, t), image, len, flags & GN_THAW_SAME_PATH);
    if (!err && mute)
        conn_drop(h, mute);
    if (!err && !demux_insert(&h->demux, hash, conn_ref(t)))
        err = GN_E_NO_MEMORY;
    if (err) {
        conn_free(h, t);
        return err;
    }
    t->hashed = true;
    t->conn->user = user;
    tcb_arrive(t, host_env(h, t));
    h->stats.TCPMovedIn++;
    *ret = conn_handle(h, t->conn);
    if (flags & GN_THAW_FROZEN)
        set_aside(h, t);
    else
        conn_after(h, t);
    return GN_OK;
}
