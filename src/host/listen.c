/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file listen.c  Listeners; see listen.h.
 */
#include "host/listen.h"

#include "base/assert.h"
#include "base/bits.h"
#include "host/host.h"

#define BUCKETS_MIN 32

bool listen_init(struct listen_table *l, struct mem *m)
{
    pool_init(&l->pool, m, sizeof(struct listener), LISTENERS_MAX);
    l->n = 0;
    l->mask = BUCKETS_MIN - 1;
    l->bucket = mem_alloc(m, BUCKETS_MIN * sizeof(*l->bucket));
    if (!l->bucket)
        return false;
    memset(l->bucket, 0, BUCKETS_MIN * sizeof(*l->bucket));
    return true;
}

/** at() - the listener that a link (index + 1) names, or NULL */
static inline struct listener *at(const struct listen_table *l, uint16_t link)
{
    return link ? pool_at(&l->pool, link - 1u) : NULL;
}

/** first() - the chain that holds the listeners of a port, among others */
static inline struct listener *first(const struct listen_table *l, uint16_t port)
{
    return at(l, l->bucket[port & l->mask]);
}

/** rank() - how well a listener fits a segment to @addr: 3 exactly, 2 IPv4 wildcard, 1 any address,
 *  0 not at all */
static unsigned rank(const struct listener *l, const struct gn_addr *addr, uint16_t port)
{
    if (l->local.port != port)
        return 0;
    if (addr_same(&l->local.addr, addr))
        return 3;
    if (!addr_is_any(&l->local.addr))
        return 0;
    if (!addr_v4(&l->local.addr))
        return addr_v4(addr) && l->opts.v6only ? 0 : 1;
    return addr_v4(addr) ? 2 : 0;
}

struct listener *listener_find(const struct gn_host *h, gn_handle c)
{
    if (handle_kind(c) != HANDLE_LISTENER)
        return NULL;
    return pool_find(&h->listeners.pool, handle_index(c), handle_gen(c));
}

struct listener *listen_find(const struct listen_table *t, const struct gn_addr *addr,
                             uint16_t port, uint32_t hash)
{
    struct listener *best = NULL;
    unsigned best_rank = 0, n = 0;
    uint32_t chosen;

    for (struct listener *l = first(t, port); l; l = at(t, l->next)) {
        unsigned r = rank(l, addr, port);

        if (r > best_rank) {
            best = l;
            best_rank = r;
            n = 0;
        }
        n += r && r == best_rank;
    }
    if (n <= 1)
        return best;
    /* a group: the flow decides, always in the same way */
    chosen = (uint32_t)((uint64_t)hash * n >> 32);
    for (struct listener *l = best; l; l = at(t, l->next))
        if (rank(l, addr, port) == best_rank && chosen-- == 0)
            return l;
    return best;
}

bool listen_on_port(const struct listen_table *t, uint16_t port)
{
    for (struct listener *l = first(t, port); l; l = at(t, l->next))
        if (l->local.port == port)
            return true;
    return false;
}

struct listener *listen_exact(const struct listen_table *t, const struct gn_addr *addr,
                              uint16_t port)
{
    for (struct listener *l = first(t, port); l; l = at(t, l->next))
        if (l->local.port == port && gn_addr_eq(&l->local.addr, addr))
            return l;
    return NULL;
}

/** link_in() - append to its chain, so that a group keeps its order */
static void link_in(struct listen_table *t, struct listener *l)
{
    uint16_t *p = &t->bucket[l->local.port & t->mask];

    while (*p)
        p = &at(t, *p)->next;
    l->next = 0;
    *p = (uint16_t)(l->index + 1);
}

/** grow() - twice as many buckets; without memory the chains get longer */
static void grow(struct listen_table *t)
{
    size_t bytes = (t->mask + 1) * 2 * sizeof(*t->bucket);
    uint16_t *bucket = mem_alloc(t->pool.mem, bytes);

    if (!bucket)
        return;
    memset(bucket, 0, bytes);
    mem_free(t->pool.mem, t->bucket, bytes / 2);
    t->bucket = bucket;
    t->mask = t->mask * 2 + 1;
    for (uint32_t i = pool_next(&t->pool, 0); i != UINT32_MAX; i = pool_next(&t->pool, i + 1))
        link_in(t, pool_at(&t->pool, i));
}

/** listen_key() - the tuple of a listener, for the tracer */
static struct tcp_key listen_key(const struct listener *l)
{
    struct tcp_key k = {.laddr = l->local.addr, .lport = l->local.port};

    return k;
}

void listen_set_backlog(const struct gn_host *h, struct listener *l, unsigned backlog)
{
    l->backlog = (uint32_t)min_u64(backlog, h->conf.somaxconn);
}

void listen_set_opts(struct gn_host *h, struct listener *l, const struct tcb_opts *o)
{
    static const struct half_open newcomer;
    uint16_t was = half_open_window(&newcomer, &l->opts);

    l->opts = *o;
    if (half_open_window(&newcomer, o) < was)
        syncache_keep_window(h, l, was);
}

/* Neither looks at connections nor touches any: a port may have both (MUST-41, MUST-42) */
enum gn_err listen_open(struct gn_host *h, struct gn_endpoint local, unsigned backlog, void *user,
                        struct listener **ret)
{
    struct listen_table *t = &h->listeners;
    struct listener *l, *twin;
    struct tcp_key k;
    uint32_t index;

    if (!gn_addr_is_any(&local.addr) && !ip_is_local(&h->ip, &h->ip_env, &local.addr))
        return GN_E_NOT_AVAILABLE;
    if (!local.port)
        local.port = port_choose_listen(h, &local.addr);
    if (!local.port)
        return GN_E_NO_PORTS;
    twin = listen_exact(t, &local.addr, local.port);
    if (twin && !twin->opts.reuseport)
        return GN_E_IN_USE;
    if (t->n > t->mask)
        grow(t);
    l = pool_alloc(&t->pool, &index);
    if (!l)
        return GN_E_NO_MEMORY;
    *l = (struct listener){
        .local = local, .index = (uint16_t)index, .user = user, .created = h->now};
    listen_set_backlog(h, l, backlog);
    list_init(&l->accept);
    l->opts = h->opts;
    l->opts.reuseport = twin != NULL;
    t->n++;
    link_in(t, l);
    k = listen_key(l);
    host_transition(h, &k, GN_CLOSED, GN_LISTEN, GN_CAUSE_OPEN_PASSIVE);
    *ret = l;
    return GN_OK;
}

void listen_close(struct gn_host *h, struct listener *l)
{
    struct listen_table *t = &h->listeners;
    uint16_t *p = &t->bucket[l->local.port & t->mask];
    struct tcp_key k = listen_key(l);
    struct list *n;

    while (*p != l->index + 1)
        p = &at(t, *p)->next;
    *p = l->next;
    t->n--;
    while ((n = list_pop(&l->accept))) {
        struct tcb *c = LIST_ENTRY(n, struct tcb, link);

        c->listener = UINT32_MAX;
        conn_orphan(h, c);
        tcp_abort(c, host_env(h, c), GN_CAUSE_LISTENER_CLOSED, GN_E_ABORTED);
        conn_after(h, c);
    }
    if (l->n_half)
        syncache_drop_listener(h, l);
    if (list_linked(&l->event))
        list_remove(&l->event);
    host_transition(h, &k, GN_LISTEN, GN_CLOSED, GN_CAUSE_LISTENER_CLOSED);
    pool_free(&t->pool, l, l->index);
}

/** enqueue() - into the accept queue, and tell the user */
static void enqueue(struct gn_host *h, struct listener *l, struct tcb *t)
{
    t->hashed = true;
    t->listener = l->index;
    list_append(&l->accept, &t->link);
    l->n_accept++;
    l->events |= GN_EV_ACCEPT;
    if (!list_linked(&l->event))
        list_append(&h->listen_events, &l->event);
}

/** accepted_new() - a block for a connection that @l makes. Its interface is the one that its
 * segments leave by, whose MTU and capabilities count; not always where the peer's came in */
static struct tcb *accepted_new(struct gn_host *h, const struct listener *l,
                                const struct tcp_key *k, uint32_t hash)
{
    const struct ip_path *path = host_path(h, &k->raddr, NULL);

    return conn_new(h, k, hash, path ? path->iface : h->in_iface, &l->opts);
}

enum gn_drop listen_promote(struct gn_host *h, struct listener *l, const struct half_open *half,
                            ref_t ref, uint32_t hash, const struct seg *s)
{
    struct tcb *t = accepted_new(h, l, &half->key, hash);

    if (!t)
        return GN_DROP_NO_MEMORY;
    if (!ref.raw && !demux_insert(&h->demux, hash, conn_ref(t))) {
        conn_free(h, t);
        return GN_DROP_NO_MEMORY;
    }
    if (ref.raw) {
        tcp_open_half(t, host_env(h, t), half, syncache_ts_offset(h, ref_index(ref), half), s,
                      GN_CAUSE_ACK_OF_SYN);
        demux_replace(&h->demux, hash, ref, conn_ref(t));
    } else {
        tcp_open_half(t, host_env(h, t), half, tcp_ts_offset(&h->env, &half->key), s,
                      GN_CAUSE_COOKIE_ACK);
    }
    enqueue(h, l, t);
    conn_after(h, t);
    return GN_DROP_NONE;
}

/* a reset connection by Fast Open counts for so long */
#define FAST_RESET_LIFE (60 * GN_SEC)

void listen_fast_reset(struct gn_host *h, struct listener *l)
{
    l->n_fast_reset++;
    l->fast_reset_until = h->now + FAST_RESET_LIFE;
}

/** fast_limit() - how many connections of Fast Open may wait for their third ACK */
static uint32_t fast_limit(const struct gn_host *h, const struct listener *l)
{
    if (!(h->conf.tcp_fastopen & TFO_SERVER))
        return 0;
    return l->opts.fastopen || !(h->conf.tcp_fastopen & TFO_SERVER_ALL) ? l->opts.fastopen
                                                                        : l->backlog;
}

/** fast_verdict() - of the cookie of a SYN; without text or option there is nothing to be fast with
 */
static enum tfo_cookie_verdict fast_verdict(const struct gn_host *h, const struct tcp_env *e,
                                            const struct seg *s)
{
    if (h->conf.tcp_fastopen & TFO_SERVER_NO_COOKIE)
        return TFO_COOKIE_GOOD;
    return s->opt.has & OPT_TFO ? tcp_cookie_check(e, s) : TFO_COOKIE_NONE;
}

/** fast_room() - may Fast Open make one more? (OPT-TFO-3) */
static bool fast_room(struct gn_host *h, struct listener *l)
{
    if (l->n_fast_reset && h->now >= l->fast_reset_until) {
        l->n_fast -= l->n_fast_reset;
        l->n_fast_reset = 0;
    }
    return l->n_fast < fast_limit(h, l);
}

/** fast_new() - the connection of a SYN with a good cookie; false: no memory */
static bool fast_new(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash,
                     bool new_cookie)
{
    struct tcb *t = accepted_new(h, l, &s->key, hash);

    if (!t)
        return false;
    if (!demux_insert(&h->demux, hash, conn_ref(t))) {
        conn_free(h, t);
        return false;
    }
    tcp_open_fast(t, host_env(h, t), s, new_cookie);
    t->fast_of = handle_make(HANDLE_LISTENER, l->index, pool_gen(&h->listeners.pool, l->index));
    l->n_fast++;
    enqueue(h, l, t);
    conn_after(h, t);
    return true;
}

bool listen_fast(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash,
                 bool *ret_cookie)
{
    struct tcp_env *e = host_env_listener(h, h->in_iface, &s->key.raddr, l);
    bool asks = s->opt.has & OPT_TFO;
    enum tfo_cookie_verdict v;

    *ret_cookie = false;
    if (fast_limit(h, l) == 0) /* OPT-TFO-1 */
        return false;
    v = fast_verdict(h, e, s);
    if (v == TFO_COOKIE_NONE && !asks)
        return false;
    if (v == TFO_COOKIE_NONE) { /* OPT-TFO-2 */
        h->stats.TCPFastOpenCookieReqd += s->opt.tfo_len == 0;
        h->stats.TCPFastOpenPassiveFail += s->opt.tfo_len != 0;
        *ret_cookie = true;
        return false;
    }
    if (!fast_room(h, l)) {
        h->stats.TCPFastOpenListenOverflow++;
        return false;
    }
    return fast_new(h, l, s, hash, v == TFO_COOKIE_OLD);
}

/** cookie_input() - an ACK for no connection, while cookies are about: may be the answer to one */
static __attribute__((noinline)) enum gn_drop cookie_input(struct gn_host *h, struct listener *l,
                                                           const struct seg *s, uint32_t hash)
{
    struct tcp_env *e = host_env_iface(h, h->in_iface, &s->key.raddr);
    struct half_open half;

    if (!syncookie_check(e, s, &l->cookie_scale, l->index, &half))
        return GN_DROP_COOKIE_BAD;
    half.old_wnd = h->now < l->old_wnd_until;
    /* a cookie is not consumed while there is no room: the ACK will come again (SEC-4987-8) */
    if (listen_full(l)) {
        h->stats.ListenOverflows++;
        if (h->conf.tcp_abort_on_overflow && host_rst_allowed(h, s))
            tcp_closed_arrives(e, s);
        return GN_DROP_ACCEPT_QUEUE_FULL;
    }
    return listen_promote(h, l, &half, REF_NULL, hash, s);
}

enum gn_drop listen_input(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash)
{
    unsigned ctl = s->ctl & (CTL_SYN | CTL_ACK | CTL_RST);
    enum gn_drop d;

    if (ctl == CTL_ACK && h->now < l->cookies_until) {
        d = cookie_input(h, l, s, hash);
        if (d != GN_DROP_COOKIE_BAD)
            return d;
        host_drop(h, d, s, GN_LISTEN);
    }
    if ((ctl & CTL_ACK) && !host_rst_allowed(h, s))
        return GN_DROP_RATE_LIMITED;
    d = tcp_listen_arrives(host_env_iface(h, h->in_iface, &s->key.raddr), s);
    if (d)
        return d;
    return syncache_syn(h, l, s, hash, NULL);
}

void listen_status(const struct listener *l, struct gn_status *ret)
{
    *ret = (struct gn_status){.kind = GN_KIND_LISTENER, .state = GN_LISTEN};
    ret->local = l->local;
    ret->passive = true;
    ret->user = l->user;
    ret->recv_q = l->n_accept;
    ret->send_q = l->backlog;
    ret->half_open = l->n_half;
    ret->backlog = l->backlog;
    ret->created = l->created;
    ret->sndbuf = l->opts.sndbuf;
    ret->rcvbuf = l->opts.rcvbuf;
    ret->memory = sizeof(*l);
}
