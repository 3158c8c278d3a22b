/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file host.c  A host comes and goes, gets interfaces, and is looked at.
 */
#include "host/host.h"

#include "base/bits.h"

#define BLOCK_MIN 4096
#define POOL_MAX  ((uint64_t)1 << GN_HANDLE_SPARE_SHIFT)

/** derive() - one key for each purpose from the caller's secret */
static void derive(struct secrets *s, const uint8_t secret[32])
{
    s->numbers = siphash_derive(secret, 0);
    s->cookie[0] = siphash_derive(secret, 2);
    s->cookie[1] = siphash_derive(secret, 3);
    s->port = siphash_derive(secret, 4);
    s->table = siphash_derive(secret, 5);
    s->tfo = siphash_derive(secret, 6);
    s->challenge = siphash_derive(secret, 7);
}

/** set_up() - all parts of a fresh host whose memory is ready; false: out of memory */
static bool set_up(struct gn_host *h, const struct gn_host_config *cfg)
{
    struct seg *replies = mem_alloc(&h->mem, HOST_REPLIES * sizeof(*replies));

    derive(&h->secrets, cfg->secret);
    if (!replies)
        return false;
    h->replies = (struct reply_queue){.seg = replies, .cap = HOST_REPLIES};
    pool_init(&h->conns, &h->mem, sizeof(struct conn),
              (uint32_t)min_u64(h->conf.tcp_max_connections, POOL_MAX));
    pool_init(&h->blocks, &h->mem, CONN_BLOCK_LINES * 64, (uint32_t)POOL_MAX);
    list_init(&h->rests.awake);
    syncache_init(&h->syncache, &h->mem, &h->conf);
    timewait_init(&h->timewait, &h->mem, &h->conf);
    if (!listen_init(&h->listeners, &h->mem) ||
        !demux_init(&h->demux, &h->mem, &h->secrets.table, &h->conns, &h->syncache.pool,
                    &h->timewait.pool))
        return false;
    list_init(&h->ready);
    list_init(&h->orphans);
    list_init(&h->conn_events);
    list_init(&h->listen_events);
    wheel_init(&h->wheel, h->now);
    h->rst_limit.tokens = UINT64_MAX;
    h->env = (struct tcp_env){.now = h->now,
                              .conf = &h->conf,
                              .mem = &h->mem,
                              .secrets = &h->secrets,
                              .tfo = &h->tfo_keys,
                              .stats = &h->stats,
                              .replies = &h->replies,
                              .challenges = &h->challenges};
    h->env_which = ENV_NONE;
    h->ip_env =
        (struct ip_env){.now = h->now, .conf = &h->conf, .mem = &h->mem, .stats = &h->stats};
    ip_init(&h->ip, &h->ip_env, cfg->secret);
    return true;
}

/** budget() - octets that it may take besides its own block */
static uint64_t budget(const struct gn_host *h)
{
    return h->conf.tcp_mem - min_u64(h->conf.tcp_mem, h->block_bytes);
}

/** fail() - say why, if somebody wants to know */
static struct gn_host *fail(enum gn_err *ret_err, enum gn_err err)
{
    if (ret_err)
        *ret_err = err;
    return NULL;
}

struct gn_host *gn_host_new(const struct gn_host_config *cfg, gn_time now, enum gn_err *ret_err)
{
    size_t bytes = BLOCK_MIN;
    struct gn_host *h;

    if (!cfg || !cfg->pages.alloc || !cfg->pages.free || gn_conf_check(&cfg->conf, NULL) ||
        (cfg->shards && cfg->shard >= cfg->shards))
        return fail(ret_err, GN_E_INVALID);
    while (bytes < sizeof(*h))
        bytes *= 2;
    h = cfg->pages.alloc(cfg->pages.ctx, bytes);
    if (!h)
        return fail(ret_err, GN_E_NO_MEMORY);
    memset(h, 0, sizeof(*h));
    h->block_bytes = bytes;
    h->now = now;
    h->conf = cfg->conf;
    tcb_opts_default(&h->opts, &h->conf);
    h->csum = csum_ops(cfg->cpu);
    h->shard = cfg->shard;
    h->shards = cfg->shards;
    h->shard_key = cfg->shard_key;
    mem_init(&h->mem, cfg->pages, budget(h));
    if (!set_up(h, cfg)) {
        gn_host_free(h);
        return fail(ret_err, GN_E_NO_MEMORY);
    }
    return h;
}

void gn_host_free(struct gn_host *h)
{
    struct gn_page_source src;

    if (!h)
        return;
    src = h->mem.src;
    mem_fini(&h->mem); /* takes back every block, whatever it is used for */
    src.free(src.ctx, h, h->block_bytes);
}

void host_env_set(struct gn_host *h, uint32_t which)
{
    const struct gn_iface *i = &h->ip.iface[which >> 1];

    h->env_which = which;
    h->env.mtu = i->mtu;
    h->env.mtu_headers = which & 1 ? 20 : 40;
    h->env.segs_max = i->caps & GN_CAP_TSO ? UINT16_MAX : 1;
    h->env.tfo = &h->tfo_keys;
    h->env.cookie = NULL;
}

void host_env_open(struct gn_host *h, struct tcp_env *e, const struct tcb *t)
{
    if (t->cookie_due)
        host_env_listener(h, env_iface(t->env), &t->key.raddr, listener_find(h, t->fast_of));
    if (t->state != GN_SYN_SENT || !t->opts.fastopen_connect)
        return;
    e->cookie = hostcache_find(&h->hostcache, &h->secrets.table, &t->key.raddr, h->now);
    h->env_which = ENV_NONE; /* for this call alone */
}

/** need_frames() - room that frames must have for packets of interface @i */
static void need_frames(struct gn_host *h, const struct gn_iface *i)
{
    uint32_t need = GN_FRAME_HEAD;

    if (!(i->caps & GN_CAP_GATHER))
        need = max_u32(need, i->caps & GN_CAP_TSO ? GN_FRAME_MAX : i->mtu + 14u);
    h->frame_need = max_u32(h->frame_need, need);
}

/** paths_changed() - interfaces or routes have: connections follow. The MTU of interface @iface was
 * @was before */
static void paths_changed(struct gn_host *h, int iface, uint32_t was)
{
    h->env_which = ENV_NONE;
    for (unsigned i = 0; i < HOST_PATHS; i++)
        h->paths[i].valid = false;
    for (uint32_t i = pool_next(&h->conns, 0); i != UINT32_MAX; i = pool_next(&h->conns, i + 1)) {
        struct conn *c = pool_at(&h->conns, i);
        const struct ip_path *path = host_path(h, &c->key.raddr, NULL);
        uint8_t at = conn_iface(c);
        uint32_t before = at == iface ? was : h->ip.iface[at].mtu;
        struct tcb *t;

        if (path)
            conn_set_iface(c, path->iface);
        if (c->frozen || (c->tcb && c->tcb->state == GN_CLOSED) ||
            h->ip.iface[conn_iface(c)].mtu == before)
            continue;
        t = rest_wake(h, c);
        if (!t) { /* what it sends next might not fit */
            rest_abort(h, c);
            continue;
        }
        tcp_mtu_changed(t, host_env(h, t), before);
        conn_after(h, t);
    }
}

int gn_host_add_iface(struct gn_host *h, const struct gn_iface *i)
{
    int index = ip_add_iface(&h->ip, i);

    if (index < 0)
        return index;
    need_frames(h, i);
    paths_changed(h, index, i->mtu);
    return index;
}

enum gn_err gn_host_set_iface(struct gn_host *h, int iface, const struct gn_iface *i)
{
    uint32_t was = iface >= 0 && iface < h->ip.n_iface ? h->ip.iface[iface].mtu : 0;
    enum gn_err err = ip_set_iface(&h->ip, iface, i);

    if (err)
        return err;
    need_frames(h, i);
    paths_changed(h, iface, was);
    return GN_OK;
}

enum gn_err gn_host_add_addr(struct gn_host *h, int iface, struct gn_addr a, unsigned prefix_len)
{
    enum gn_err err = ip_add_addr(&h->ip, &h->ip_env, iface, a, prefix_len);

    if (!err)
        paths_changed(h, -1, 0);
    return err;
}

enum gn_err gn_host_add_route(struct gn_host *h, int iface, struct gn_addr dst, unsigned prefix_len,
                              struct gn_addr gateway)
{
    enum gn_err err = ip_add_route(&h->ip, iface, dst, prefix_len, gateway);

    if (!err)
        paths_changed(h, -1, 0);
    return err;
}

const struct ip_path *host_path_find(struct gn_host *h, const struct gn_addr *dst,
                                     enum gn_err *ret_err)
{
    struct path_entry *p = host_path_entry(h, dst);
    enum gn_err err;

    p->valid = false;
    err = ip_path(&h->ip, &h->ip_env, dst, &p->path);
    if (ret_err)
        *ret_err = err;
    if (err)
        return NULL;
    p->dst = *dst;
    p->valid = true;
    return &p->path;
}

void host_doubt_path(struct gn_host *h, const struct gn_addr *dst)
{
    const struct ip_path *path = host_path(h, dst, NULL);

    if (path)
        ip_doubt(&h->ip, &h->ip_env, path);
}

bool rate_take(struct rate_limit *r, uint64_t per_second, gn_time now)
{
    uint64_t full = per_second * GN_SEC; /* 2^32 * 2^30 at the most */

    r->tokens = min_u64(r->tokens, full);
    r->tokens = min_u64(r->tokens + min_u64(now - r->refilled, GN_SEC) * per_second, full);
    r->refilled = now;
    if (r->tokens < GN_SEC)
        return false;
    r->tokens -= GN_SEC;
    return true;
}

bool host_rst_allowed(struct gn_host *h, const struct seg *s)
{
    return (s->ctl & CTL_RST) || rate_take(&h->rst_limit, h->conf.tcp_rst_ratelimit, h->now);
}

enum gn_drop host_closed(struct gn_host *h, const struct seg *s)
{
    if (!host_rst_allowed(h, s))
        return GN_DROP_RATE_LIMITED;
    return tcp_closed_arrives(host_env_iface(h, h->in_iface, &s->key.raddr), s);
}

/** trace_tuple() - both ends of a trace record */
static void trace_tuple(struct gn_trace *tr, const struct tcp_key *k)
{
    tr->local = (struct gn_endpoint){k->laddr, k->lport};
    tr->remote = (struct gn_endpoint){k->raddr, k->rport};
}

void host_trace_seg(struct gn_host *h, enum gn_trace_kind kind, const struct seg *s,
                    enum gn_state state)
{
    struct gn_trace tr = {.kind = kind, .at = h->now, .state = state};

    trace_tuple(&tr, &s->key);
    tr.seq = s->seq.raw;
    tr.ack = s->ack.raw;
    tr.len = s->text_len;
    tr.wnd = s->wnd;
    tr.ctl = s->ctl;
    h->env.trace(h->env.trace_ctx, &tr);
}

void host_drop(struct gn_host *h, enum gn_drop d, const struct seg *s, enum gn_state state)
{
    struct gn_trace tr = {.kind = GN_TRACE_DROP, .at = h->now, .drop = d, .state = state};

    h->stats.drop[d]++;
    if (!h->env.trace)
        return;
    if (s) {
        trace_tuple(&tr, &s->key);
        tr.seq = s->seq.raw;
        tr.ack = s->ack.raw;
        tr.len = s->text_len;
        tr.wnd = s->wnd;
        tr.ctl = s->ctl;
    }
    h->env.trace(h->env.trace_ctx, &tr);
}

/** trace_transition() - tell the tracer, if there is one. Out of the way: there is none as a rule
 */
static __attribute__((cold, noinline)) void trace_transition(struct gn_host *h,
                                                             const struct tcp_key *k,
                                                             enum gn_state from, enum gn_state to,
                                                             enum gn_cause cause)
{
    struct gn_trace tr = {.kind = GN_TRACE_STATE, .at = h->now, .state = to};

    trace_tuple(&tr, k);
    tr.transition = (struct gn_transition){h->now, from, to, cause};
    h->env.trace(h->env.trace_ctx, &tr);
}

void host_transition(struct gn_host *h, const struct tcp_key *k, enum gn_state from,
                     enum gn_state to, enum gn_cause cause)
{
    struct gn_stats *st = &h->stats;

    st->transition[from][to]++;
    if (from == GN_SYN_RECEIVED || from == GN_TIME_WAIT || to == GN_CLOSED)
        st->state[from]--;
    if (to != GN_CLOSED)
        st->state[to]++;
    st->PassiveOpens += to == GN_SYN_RECEIVED;
    st->AttemptFails += from == GN_SYN_RECEIVED;
    if (h->env.trace)
        trace_transition(h, k, from, to, cause);
}

void gn_host_stats(const struct gn_host *h, struct gn_stats *ret)
{
    *ret = h->stats;
    ret->memory = h->mem.taken + h->block_bytes;
    ret->memory_peak = h->mem.peak + h->block_bytes;
}

const struct gn_conf *gn_host_conf(const struct gn_host *h)
{
    return &h->conf;
}

enum gn_err gn_host_set_knob(struct gn_host *h, const char *name, const char *value)
{
    struct gn_conf c = h->conf;
    enum gn_err err = gn_conf_set(&c, name, value);

    if (!err)
        err = gn_conf_check(&c, NULL);
    if (err)
        return err;
    h->conf = c;
    tcb_opts_default(&h->opts, &c);
    mem_set_budget(&h->mem, budget(h));
    h->conns.max = (uint32_t)min_u64(c.tcp_max_connections, POOL_MAX);
    h->syncache.pool.max = syncache_limit(&c);
    h->timewait.pool.max = (uint32_t)min_u64(c.tcp_max_tw_buckets, POOL_MAX);
    syncache_hurry(&h->syncache);
    return GN_OK;
}

void gn_host_trace(struct gn_host *h, gn_trace_fn *fn, void *ctx)
{
    h->env.trace = fn;
    h->env.trace_ctx = ctx;
}
