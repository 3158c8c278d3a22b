/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file syncache.c  Half-open connections; see syncache.h.
 */
#include "host/syncache.h"

#include "base/bits.h"
#include "host/host.h"

/* times of entries: units of 256 ns, 32 bits of them */
#define UNIT_SHIFT 8
#define FINE_SHIFT 13 /* of half_open.fine */
#define WAIT_MAX   ((uint64_t)INT32_MAX << UNIT_SHIFT)

/* a new incarnation begins at least so far above the old one (TW-8) */
#define ISS_GAP   65536
#define POOL_MIN  ((uint64_t)1 << 16)
#define LINK_MASK 0x1fffffu
#define POOL_MAX  (LINK_MASK - 1)

uint32_t syncache_limit(const struct gn_conf *conf)
{
    return (uint32_t)min_u64(max_u64(conf->tcp_max_syn_backlog * 4, POOL_MIN), POOL_MAX);
}

void syncache_init(struct syncache *c, struct mem *m, const struct gn_conf *conf)
{
    pool_init(&c->pool, m, sizeof(struct half_open), syncache_limit(conf));
    memset(c->level, 0, sizeof(c->level));
    memset(c->offset, 0, sizeof(c->offset));
    c->due = UINT64_MAX;
}

void syncache_hurry(struct syncache *c)
{
    c->due = 0;
}

/** entry() - the entry of a link (index + 1) */
static inline struct half_open *entry(const struct syncache *c, uint32_t link)
{
    return pool_at(&c->pool, link - 1);
}

/** dequeue() - take an entry out of the queue of its level */
static void dequeue(struct syncache *c, const struct half_open *o)
{
    unsigned l = o->retries;

    if (o->prev)
        entry(c, o->prev)->next = o->next;
    else
        c->level[l].head = o->next;
    if (o->next)
        entry(c, o->next)->prev = o->prev;
    else
        c->level[l].tail = o->prev;
}

/** level_wait() - how long entries of a level wait: the initial RTO, doubled with each retry
 *  (RFC 6298 5.5), in units */
static uint32_t level_wait(const struct gn_conf *c, unsigned level)
{
    uint64_t ns = min_u64(min_u64(c->tcp_rto_initial << level, c->tcp_rto_max), WAIT_MAX);

    return (uint32_t)(ns >> UNIT_SHIFT);
}

/** left() - units until an entry is due; zero or negative: it is */
static int32_t left(const struct gn_conf *c, const struct half_open *o, gn_time now)
{
    return (int32_t)(half_open_stamp(o) + level_wait(c, o->retries) -
                     (uint32_t)(now >> UNIT_SHIFT));
}

/** due_at() - the same as a time */
static gn_time due_at(const struct gn_conf *c, const struct half_open *o, gn_time now)
{
    int32_t n = left(c, o, now);

    return n <= 0 ? now : ((now >> UNIT_SHIFT) + (uint32_t)n) << UNIT_SHIFT;
}

/** enqueue() - append @o, which @link names, to the queue of its level, stamped with the time
 * rounded up; nobody may sleep longer than the first one waits */
static void enqueue(struct gn_host *h, struct half_open *o, uint32_t link)
{
    struct syncache *c = &h->syncache;
    unsigned l = o->retries;
    uint64_t units = (h->now + (1 << FINE_SHIFT) - 1) >> FINE_SHIFT;

    o->stamp = (uint16_t)(units >> 11);
    o->fine = units & 0x7ff;
    o->next = 0;
    o->prev = c->level[l].tail & LINK_MASK;
    if (c->level[l].tail) {
        entry(c, c->level[l].tail)->next = link & LINK_MASK;
    } else {
        c->level[l].head = link;
        c->due = min_u64(c->due, due_at(&h->conf, o, h->now));
    }
    c->level[l].tail = link;
}

/** listener_of() - the listener of an entry */
static struct listener *listener_of(const struct gn_host *h, const struct half_open *o)
{
    return pool_at(&h->listeners.pool, o->listener);
}

/** forget() - an entry of @l goes, whatever it becomes; the demux table is the caller's */
static void forget(struct gn_host *h, struct listener *l, struct half_open *o, uint32_t index)
{
    l->n_half--;
    dequeue(&h->syncache, o);
    pool_free(&h->syncache.pool, o, index);
}

void syncache_drop(struct gn_host *h, uint32_t index, enum gn_cause cause)
{
    struct half_open *o = pool_at(&h->syncache.pool, index);

    host_transition(h, &o->key, GN_SYN_RECEIVED, GN_CLOSED, cause);
    demux_remove(&h->demux, demux_hash(&h->demux, &o->key), ref_make(REF_HALF_OPEN, index));
    forget(h, listener_of(h, o), o, index);
}

/** wake() - the host has slept so long that stamps have wrapped: no client waits any more, and an
 *  entry at the head that seems to be due some day would hold up those behind it (MAL-68) */
static void wake(struct gn_host *h)
{
    const struct pool *p = &h->syncache.pool;
    bool overslept = h->now - h->syncache.seen >= WAIT_MAX;

    h->syncache.seen = h->now;
    for (uint32_t i = 0; overslept && p->used && (i = pool_next(p, i)) != UINT32_MAX; i++)
        syncache_drop(h, i, GN_CAUSE_RETRIES);
}

void syncache_drop_listener(struct gn_host *h, const struct listener *l)
{
    const struct pool *p = &h->syncache.pool;

    for (uint32_t i = pool_next(p, 0); l->n_half && i != UINT32_MAX; i = pool_next(p, i + 1)) {
        const struct half_open *o = pool_at(p, i);

        if (o->listener == l->index)
            syncache_drop(h, i, GN_CAUSE_LISTENER_CLOSED);
    }
}

void syncache_keep_window(struct gn_host *h, struct listener *l, uint16_t wnd)
{
    const struct pool *p = &h->syncache.pool;
    bool older = h->now < l->old_wnd_until; /* who was told of an even older one */
    uint32_t left = l->n_half;

    for (uint32_t i = pool_next(p, 0); left && i != UINT32_MAX; i = pool_next(p, i + 1)) {
        struct half_open *o = pool_at(p, i);

        if (o->listener != l->index)
            continue;
        older |= o->old_wnd;
        o->old_wnd = true;
        left--;
    }
    l->opts.syn_wnd = older && l->opts.syn_wnd > wnd ? l->opts.syn_wnd : wnd;
    l->old_wnd_until = l->cookies_until;
}

/** send_cookie() - there is no room for an entry: let the client keep the state (RFC 4987 3.6), or
 *  drop the SYN */
static enum gn_drop send_cookie(struct gn_host *h, struct listener *l, const struct seg *s,
                                const struct tcp_env *e)
{
    if (h->conf.tcp_syncookies == 0) {
        h->stats.TCPReqQFullDrop++;
        h->stats.ListenDrops++;
        return GN_DROP_SYN_QUEUE_FULL;
    }
    if (h->conf.tcp_syncookies == 1)
        h->stats.TCPReqQFullDoCookies++;
    l->cookies_until = h->now + SYNCACHE_COOKIE_LIFE;
    syncookie_reply(e, s, &l->opts, &l->cookie_scale);
    return GN_DROP_NONE;
}

enum gn_drop syncache_syn(struct gn_host *h, struct listener *l, const struct seg *s, uint32_t hash,
                          const struct time_wait *tw)
{
    struct syncache *c = &h->syncache;
    struct tcp_env *e = host_env_listener(h, h->in_iface, &s->key.raddr, l);
    struct half_open *o;
    uint32_t index, ts_offset;
    bool cookie = false;

    wake(h);
    if (listen_full(l)) {
        h->stats.ListenOverflows++;
        h->stats.ListenDrops++;
        return GN_DROP_ACCEPT_QUEUE_FULL;
    }
    if (!tw && listen_fast_wanted(s) && listen_fast(h, l, s, hash, &cookie))
        return GN_DROP_NONE;
    /* a cookie cannot promise an ISS above that of the old incarnation */
    if (h->conf.tcp_syncookies == 2 && !tw)
        return send_cookie(h, l, s, e);
    o = l->n_half < h->conf.tcp_max_syn_backlog ? pool_alloc(&c->pool, &index) : NULL;
    if (o && !demux_insert(&h->demux, hash, ref_make(REF_HALF_OPEN, index))) {
        pool_free(&c->pool, o, index);
        o = NULL;
    }
    if (!o) {
        if (!tw)
            return send_cookie(h, l, s, e);
        h->stats.ListenDrops++;
        return GN_DROP_SYN_QUEUE_FULL;
    }
    ts_offset = half_open_init(o, e, s, &l->opts, l->index);
    c->offset[index % SYNCACHE_OFFSETS].link = index + 1;
    c->offset[index % SYNCACHE_OFFSETS].ts_offset = ts_offset;
    o->flags |= cookie ? HALF_OPEN_COOKIE : 0;
    if (tw) {
        o->flags |= HALF_OPEN_SHADOWS;
        if (seq_le(seq(o->iss), seq_add(seq(tw->snd_nxt), ISS_GAP))) /* TW-8 */
            o->iss = tw->snd_nxt + ISS_GAP + 1;
    }
    l->n_half++;
    enqueue(h, o, index + 1);
    host_transition(h, &o->key, GN_LISTEN, GN_SYN_RECEIVED, GN_CAUSE_SYN);
    half_open_reply_with(o, e, &l->opts, ts_offset);
    return GN_DROP_NONE;
}

uint32_t syncache_ts_offset(const struct gn_host *h, uint32_t index, const struct half_open *o)
{
    const struct syncache *c = &h->syncache;

    if (c->offset[index % SYNCACHE_OFFSETS].link == index + 1)
        return c->offset[index % SYNCACHE_OFFSETS].ts_offset;
    return tcp_ts_offset(&h->env, &o->key);
}

/** defers() - GN_OPT_DEFER_ACCEPT: is it too early for a connection without text? In terms of
 *  retries, which come at known times */
static bool defers(const struct gn_host *h, const struct listener *l, const struct half_open *o)
{
    uint64_t waited = ((uint64_t)level_wait(&h->conf, 0) << o->retries) - level_wait(&h->conf, 0);

    return l->opts.defer_accept_ms && waited << UNIT_SHIFT < l->opts.defer_accept_ms * GN_MSEC;
}

/** establish() - a good ACK for an entry of @l */
static enum gn_drop establish(struct gn_host *h, struct listener *l, ref_t r, struct half_open *o,
                              const struct seg *s, uint32_t hash)
{
    ref_t tw;
    enum gn_drop d;

    if (s->text_len == 0 && !(s->ctl & CTL_FIN) && defers(h, l, o)) { /* SO-05 */
        o->flags |= HALF_OPEN_READY;
        return GN_DROP_NONE;
    }
    if (listen_full(l)) {
        /* the entry stays, its SYN,ACK is sent again, and the client's next ACK may find room */
        h->stats.ListenOverflows++;
        o->flags |= HALF_OPEN_READY;
        if (h->conf.tcp_abort_on_overflow && host_rst_allowed(h, s)) {
            tcp_closed_arrives(host_env_iface(h, h->in_iface, &s->key.raddr), s);
            syncache_drop(h, ref_index(r), GN_CAUSE_ACCEPT_OVERFLOW);
        }
        return GN_DROP_ACCEPT_QUEUE_FULL;
    }
    d = listen_promote(h, l, o, r, hash, s);
    if (d)
        return d;
    tw = o->flags & HALF_OPEN_SHADOWS ? demux_find_time_wait(&h->demux, hash, &o->key) : REF_NULL;
    forget(h, l, o, ref_index(r));
    if (tw.raw)
        timewait_drop(h, ref_index(tw), GN_CAUSE_TIME_WAIT_REUSED);
    return GN_DROP_NONE;
}

enum gn_drop syncache_input(struct gn_host *h, ref_t r, struct half_open *o, const struct seg *s,
                            uint32_t hash)
{
    const struct tcp_env *e = host_env_iface(h, h->in_iface, &s->key.raddr);
    struct listener *l = listener_of(h, o);
    enum half_open_verdict v = HALF_OPEN_KEEP;
    enum gn_drop d = half_open_arrives(o, e, s, &l->opts, &v);

    switch (v) {
    case HALF_OPEN_KEEP: return d;
    case HALF_OPEN_ESTABLISH: return establish(h, l, r, o, s, hash);
    case HALF_OPEN_DELETE: break;
    }
    /* a TIME-WAIT record that it shadowed is in force again (TW-9) */
    h->stats.EmbryonicRsts += d == GN_DROP_RST_ACCEPTED;
    syncache_drop(h, ref_index(r),
                  d == GN_DROP_RST_ACCEPTED ? GN_CAUSE_RST : GN_CAUSE_SYN_ECN_MIXED);
    return d;
}

enum gn_drop syncache_icmp(struct gn_host *h, ref_t r, seq_t quoted, bool hard)
{
    struct half_open *o = pool_at(&h->syncache.pool, ref_index(r));

    if (quoted.raw != o->iss)
        return GN_DROP_ICMP_OUT_OF_WINDOW;
    if (!hard)
        return GN_DROP_ICMP_IGNORED;
    syncache_drop(h, ref_index(r), GN_CAUSE_ICMP);
    return GN_DROP_NONE;
}

/** retries() - how often an entry's SYN,ACK may be sent again */
static unsigned retries(const struct gn_conf *c, const struct listener *l)
{
    uint64_t n = l->opts.syncnt ? l->opts.syncnt : c->tcp_synack_retries;

    return (unsigned)min_u64(n, SYNCACHE_LEVELS - 1);
}

/** entry_due() - an entry's time has come: once more, or never again (RFC 9293 3.8.3) */
static void entry_due(struct gn_host *h, uint32_t index)
{
    struct half_open *o = pool_at(&h->syncache.pool, index);
    struct listener *l = listener_of(h, o);
    const struct ip_path *path;
    bool waits;

    waits = (o->flags & HALF_OPEN_READY) && defers(h, l, o) && o->retries < SYNCACHE_LEVELS - 1;
    if (o->retries >= retries(&h->conf, l) && !waits) {
        syncache_drop(h, index, GN_CAUSE_RETRIES);
        return;
    }
    dequeue(&h->syncache, o);
    o->retries = (o->retries + 1u) & 15;
    o->answers = 0;
    enqueue(h, o, index + 1);
    if (waits && defers(h, l, o)) /* the client has answered: not it is awaited, but its text */
        return;
    o->flags |= HALF_OPEN_REXMIT;
    h->stats.TCPSynRetrans++;
    path = host_path(h, &o->key.raddr, NULL);
    half_open_reply(o, host_env_listener(h, path ? path->iface : 0, &o->key.raddr, l), &l->opts);
}

/** first_due() - when the first entry is due; UINT64_MAX: there is none */
static gn_time first_due(const struct gn_host *h)
{
    const struct syncache *c = &h->syncache;
    gn_time t = UINT64_MAX;

    for (unsigned l = 0; l < SYNCACHE_LEVELS; l++)
        if (c->level[l].head)
            t = min_u64(t, due_at(&h->conf, entry(c, c->level[l].head), h->now));
    return t;
}

void syncache_timeouts(struct gn_host *h)
{
    struct syncache *c = &h->syncache;

    wake(h);
    for (unsigned l = 0; l < SYNCACHE_LEVELS; l++) {
        uint32_t head;

        while ((head = c->level[l].head) && left(&h->conf, entry(c, head), h->now) <= 0) {
            if (host_replies_full(h))
                return;
            entry_due(h, head - 1);
        }
    }
    c->due = first_due(h);
}

deadline_t syncache_deadline(const struct gn_host *h)
{
    return h->syncache.pool.used ? deadline_at(first_due(h)) : deadline_none();
}

void syncache_status(const struct gn_host *h, const struct half_open *o, struct gn_status *ret)
{
    *ret = (struct gn_status){.kind = GN_KIND_HALF_OPEN, .state = GN_SYN_RECEIVED, .passive = true};
    ret->local = (struct gn_endpoint){o->key.laddr, o->key.lport};
    ret->remote = (struct gn_endpoint){o->key.raddr, o->key.rport};
    ret->snd.iss = o->iss;
    ret->snd.una = o->iss;
    ret->snd.nxt = o->iss + 1;
    ret->snd.wscale = o->wscale;
    ret->rcv.irs = o->irs;
    ret->rcv.nxt = o->irs + 1;
    ret->opt_timestamps = (o->flags & HALF_OPEN_TS) != 0;
    ret->opt_sack = (o->flags & HALF_OPEN_SACK) != 0;
    ret->opt_wscale = (o->flags & HALF_OPEN_WSCALE) != 0;
    ret->opt_ecn = (o->flags & HALF_OPEN_ECN) != 0;
    ret->opt_accecn = o->accecn;
    ret->peer_mss = o->mss;
    ret->ts_recent = o->ts_recent;
    ret->backoff = ret->retransmits = o->retries;
    ret->rto = (gn_time)level_wait(&h->conf, o->retries) << UNIT_SHIFT;
    ret->memory = sizeof(*o);
    ret->timer[GN_TIMER_RTO] = (struct gn_deadline){due_at(&h->conf, o, h->now), true};
}
