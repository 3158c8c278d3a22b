/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file calls.c  The user calls on handles: find what is meant, hand over to the TCP layer, keep
 * the books.
 */
#include "host/host.h"

/** no_conn() - what to say if a call wants a connection and @c is none, is frozen, or cannot be
 * woken */
static enum gn_err no_conn(const struct gn_host *h, gn_handle c)
{
    const struct conn *k = conn_held(h, c);

    if (k)
        return k->frozen ? GN_E_FROZEN : GN_E_NO_MEMORY;
    return listener_find(h, c) ? GN_E_NOT_CONNECTED : GN_E_BAD_HANDLE;
}

enum gn_err gn_host_listen(struct gn_host *h, struct gn_endpoint local, unsigned backlog,
                           void *user, gn_handle *ret)
{
    struct listener *l;
    enum gn_err err = listen_open(h, local, backlog, user, &l);

    if (!err)
        *ret = handle_make(HANDLE_LISTENER, l->index, pool_gen(&h->listeners.pool, l->index));
    return err;
}

enum gn_err gn_host_set_backlog(struct gn_host *h, gn_handle listener, unsigned backlog)
{
    struct listener *l = listener_find(h, listener);

    if (!l)
        return conn_held(h, listener) ? GN_E_INVALID : GN_E_BAD_HANDLE;
    listen_set_backlog(h, l, backlog);
    return GN_OK;
}

enum gn_err gn_host_accept(struct gn_host *h, gn_handle listener, gn_handle *ret)
{
    struct listener *l = listener_find(h, listener);
    struct list *n;
    struct tcb *t;

    if (!l)
        return conn_held(h, listener) ? GN_E_INVALID : GN_E_BAD_HANDLE;
    n = list_pop(&l->accept);
    if (!n)
        return GN_E_WOULD_BLOCK;
    l->n_accept--;
    t = LIST_ENTRY(n, struct tcb, link);
    t->listener = UINT32_MAX;
    t->accepted = true;
    if (t->events)
        list_append(&h->conn_events, &t->event);
    else
        rest_join(h, t);
    *ret = conn_handle(h, t->conn);
    return GN_OK;
}

/** connect_key() - the tuple of an active OPEN but for the port, and its interface (MUST-44)
 */
static enum gn_err connect_key(struct gn_host *h, const struct gn_endpoint *local,
                               const struct gn_endpoint *remote, struct tcp_key *k,
                               unsigned *ret_iface)
{
    const struct ip_path *path;
    enum gn_err err;

    /* MUST-46: no OPEN to a group or to nobody */
    if (!remote->port || !(ip_is_unicast(&h->ip, &remote->addr) || ip_is_loopback(&remote->addr)))
        return GN_E_INVALID;
    path = host_path(h, &remote->addr, &err);
    if (!path)
        return err;
    *ret_iface = path->iface;
    *k = (struct tcp_key){
        .laddr = path->source, .raddr = remote->addr, .lport = local->port, .rport = remote->port};
    if (addr_is_any(&local->addr))
        return GN_OK;
    if (gn_addr_is_v4(&local->addr) != gn_addr_is_v4(&remote->addr) ||
        (ip_is_loopback(&local->addr) && !path->loops)) /* which must not be seen outside */
        return GN_E_INVALID;
    if (!ip_is_local(&h->ip, &h->ip_env, &local->addr))
        return GN_E_NOT_AVAILABLE;
    k->laddr = local->addr; /* MUST-43 */
    return GN_OK;
}

/** connect_port() - the port of an active OPEN: the given one if it is free, or any */
static enum gn_err connect_port(struct gn_host *h, struct tcp_key *k, uint32_t *ret_hash,
                                ref_t *ret_tw)
{
    if (!k->lport)
        return port_choose(h, k, ret_hash, ret_tw);
    if (k->lport == k->rport && gn_addr_eq(&k->laddr, &k->raddr))
        return GN_E_INVALID;
    if (!port_ours(h, k))
        return GN_E_NOT_AVAILABLE;
    *ret_hash = demux_hash(&h->demux, k);
    return port_judge(h, k, *ret_hash, ret_tw) == PORT_TAKEN ? GN_E_IN_USE : GN_OK;
}

enum gn_err gn_host_connect(struct gn_host *h, struct gn_endpoint local, struct gn_endpoint remote,
                            void *user, gn_time now, gn_handle *ret)
{
    struct tcp_key k = {0};
    unsigned iface = 0;
    uint32_t hash = 0;
    ref_t tw = REF_NULL;
    struct tcb *t;
    enum gn_err err;

    host_now(h, now);
    err = connect_key(h, &local, &remote, &k, &iface);
    if (!err)
        err = connect_port(h, &k, &hash, &tw);
    if (err)
        return err;
    t = conn_new(h, &k, hash, iface, &h->opts);
    if (!t)
        return GN_E_NO_MEMORY;
    if (!demux_insert(&h->demux, hash, conn_ref(t))) {
        conn_free(h, t);
        return GN_E_NO_MEMORY;
    }
    t->hashed = true;
    t->conn->user = user;
    t->accepted = true;
    tcp_open(t, host_env(h, t));
    if (tw.raw)
        timewait_drop(h, ref_index(tw), GN_CAUSE_TIME_WAIT_REUSED);
    *ret = conn_handle(h, t->conn);
    conn_after(h, t);
    return GN_OK;
}

uint32_t gn_host_fastopen_room(struct gn_host *h, gn_handle c)
{
    const struct tcb *t = conn_find(h, c);

    return t ? tcp_fastopen_room(t, host_env(h, t)) : 0;
}

int64_t gn_host_send(struct gn_host *h, gn_handle c, const void *buf, size_t len, unsigned flags,
                     gn_time now)
{
    struct tcb *t = conn_find(h, c);
    int64_t n;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    n = tcp_send(t, host_env_any(h), buf, len, flags);
    if (n > 0) /* as in gn_host_recv() */
        conn_after(h, t);
    return n;
}

int64_t gn_host_recv(struct gn_host *h, gn_handle c, void *buf, size_t len, unsigned flags,
                     gn_time now)
{
    struct tcb *t = conn_find(h, c);
    int64_t n;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    n = tcp_recv(t, host_env_any(h), buf, len, flags);
    if (n > 0) /* else nothing has changed, and whoever polls must not keep the host awake */
        conn_after_read(h, t);
    return n;
}

int gn_host_send_room(struct gn_host *h, gn_handle c, size_t want, struct gn_room ret[2])
{
    struct tcb *t = conn_find(h, c);

    return t ? tcp_send_room(t, host_env(h, t), want, ret) : (int)no_conn(h, c);
}

int64_t gn_host_send_commit(struct gn_host *h, gn_handle c, size_t len, unsigned flags, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    int64_t n;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    n = tcp_send_commit(t, host_env(h, t), len, flags);
    if (n > 0)
        conn_after(h, t);
    return n;
}

int gn_host_recv_data(struct gn_host *h, gn_handle c, struct gn_span ret[2])
{
    struct tcb *t = conn_find(h, c);

    return t ? tcp_recv_data(t, ret) : (int)no_conn(h, c);
}

enum gn_err gn_host_recv_done(struct gn_host *h, gn_handle c, size_t len, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    enum gn_err err;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    err = tcp_recv_done(t, host_env(h, t), len);
    conn_after_read(h, t);
    return err;
}

bool gn_host_mark(const struct gn_host *h, gn_handle c, uint32_t *ret)
{
    const struct conn *k = conn_held(h, c);
    uint32_t at;

    if (!k || !k->tcb || !tcp_mark(k->tcb, &at)) /* at rest nothing is urgent */
        return false;
    if (ret)
        *ret = at;
    return true;
}

enum gn_err gn_host_shutdown(struct gn_host *h, gn_handle c, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    enum gn_err err;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    err = tcp_close(t, host_env(h, t));
    conn_after(h, t);
    return err;
}

enum gn_err gn_host_shutdown_read(struct gn_host *h, gn_handle c, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    enum gn_err err;

    if (!t)
        return no_conn(h, c);
    host_now(h, now);
    err = tcp_shutdown_read(t, host_env(h, t));
    conn_after(h, t);
    return err;
}

/** go_asleep() - close or abort what has no block: a connection at rest, for want of memory, or
 * nothing; not one that is frozen */
static enum gn_err go_asleep(struct gn_host *h, gn_handle c)
{
    struct conn *k = conn_held(h, c);

    if (!k)
        return GN_E_BAD_HANDLE;
    if (k->frozen)
        return GN_E_FROZEN;
    rest_abort(h, k);
    return GN_OK;
}

enum gn_err gn_host_close(struct gn_host *h, gn_handle c, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    struct listener *l = listener_find(h, c);

    host_now(h, now);
    if (l) {
        listen_close(h, l);
        return GN_OK;
    }
    if (!t)
        return go_asleep(h, c);
    tcp_detach(t, host_env(h, t));
    conn_orphan(h, t);
    if (h->stats.orphans > h->conf.tcp_max_orphans && t->state != GN_CLOSED) {
        h->stats.TCPAbortOnMemory++;
        tcp_abort(t, host_env(h, t), GN_CAUSE_ORPHAN_LIMIT, GN_E_ABORTED);
    }
    conn_after(h, t);
    return GN_OK;
}

enum gn_err gn_host_abort(struct gn_host *h, gn_handle c, gn_time now)
{
    struct tcb *t = conn_find(h, c);
    struct listener *l = listener_find(h, c);

    host_now(h, now);
    if (l) {
        listen_close(h, l);
        return GN_OK;
    }
    if (!t)
        return go_asleep(h, c);
    h->stats.TCPAbortOnLinger += t->state != GN_CLOSED;
    conn_orphan(h, t);
    tcp_abort(t, host_env(h, t), GN_CAUSE_ABORT_CALL, GN_E_ABORTED);
    conn_after(h, t);
    return GN_OK;
}

enum gn_err gn_host_error(struct gn_host *h, gn_handle c)
{
    struct conn *k = conn_held(h, c);
    enum gn_err err = GN_OK;

    if (!k)
        return listener_find(h, c) ? GN_OK : GN_E_BAD_HANDLE;
    if (k->tcb) { /* at rest all is well */
        err = (enum gn_err)k->tcb->error;
        k->tcb->error = GN_OK;
    }
    return err;
}

enum gn_err gn_host_soft_error(struct gn_host *h, gn_handle c)
{
    struct tcb *t = conn_find(h, c);
    enum gn_err err;

    if (!t)
        return conn_held(h, c) || listener_find(h, c) ? GN_OK : GN_E_BAD_HANDLE;
    err = (enum gn_err)t->soft_error;
    if (err == GN_E_TIMED_OUT) /* of no answer, not of an error: until one comes (SHLD-9) */
        return GN_OK;
    t->soft_error = GN_OK;
    return err;
}

unsigned gn_host_poll(const struct gn_host *h, gn_handle c)
{
    struct conn *k = conn_held(h, c);
    const struct listener *l = listener_find(h, c);
    struct tcb scratch;

    if (k && k->frozen)
        return 0;
    if (k)
        return tcp_readiness(rest_look(h, k, &scratch), &h->env);
    return l && l->n_accept ? GN_EV_ACCEPT : 0;
}

enum gn_err gn_host_want_write(struct gn_host *h, gn_handle c)
{
    struct tcb *t = conn_find(h, c);

    if (!t)
        return no_conn(h, c);
    tcp_want_write(t, host_env(h, t));
    conn_after(h, t);
    return GN_OK;
}

enum gn_err gn_host_set_user(struct gn_host *h, gn_handle c, void *user)
{
    struct conn *k = conn_held(h, c);
    struct listener *l = listener_find(h, c);

    if (k)
        k->user = user;
    else if (l)
        l->user = user;
    else
        return GN_E_BAD_HANDLE;
    return GN_OK;
}

enum gn_err gn_host_set_option(struct gn_host *h, gn_handle c, enum gn_opt o, uint64_t value,
                               gn_time now)
{
    struct tcb *t = conn_find(h, c);
    struct listener *l = listener_find(h, c);
    struct tcp_key none = {.lport = 0};
    struct tcb scratch;
    enum gn_err err;

    host_now(h, now);
    if (t) {
        if (o == GN_OPT_FASTOPEN_CONNECT) /* so that a cookie is looked for */
            t->opts.fastopen_connect = value != 0;
        err = tcp_set_option(t, host_env(h, t), o, value);
        conn_after(h, t);
        return err;
    }
    if (!l)
        return no_conn(h, c);
    /* a listener has options only: let a block in CLOSED judge them */
    tcb_init(&scratch, host_env_iface(h, 0, &none.raddr), &none);
    scratch.opts = l->opts;
    err = tcp_set_option(&scratch, &h->env, o, value);
    listen_set_opts(h, l, &scratch.opts);
    tcb_free(&scratch, &h->env);
    return err;
}

enum gn_err gn_host_get_option(const struct gn_host *h, gn_handle c, enum gn_opt o, uint64_t *ret)
{
    struct conn *k = conn_held(h, c);
    const struct listener *l = listener_find(h, c);
    struct tcp_env e = h->env;
    struct tcp_key none = {.lport = 0};
    struct tcb scratch;

    if (k)
        return tcp_get_option(rest_look(h, k, &scratch), &e, o, ret);
    if (!l)
        return GN_E_BAD_HANDLE;
    tcb_init(&scratch, &e, &none);
    scratch.opts = l->opts;
    return tcp_get_option(&scratch, &e, o, ret);
}
