/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timewait.c  TIME-WAIT records; see timewait.h.
 */
#include "host/timewait.h"

#include "base/bits.h"
#include "host/host.h"
#include "tcp/fsm.h"

#define LINK_MASK 0xffffffu
#define POOL_MAX  ((uint64_t)LINK_MASK)
#define WRAP      (INT32_MAX * GN_MSEC) /* times of records are compared within this */

void timewait_init(struct timewait *w, struct mem *m, const struct gn_conf *conf)
{
    pool_init(&w->pool, m, sizeof(struct time_wait),
              (uint32_t)min_u64(conf->tcp_max_tw_buckets, POOL_MAX));
    w->head = w->tail = 0;
    w->due = UINT64_MAX;
}

/** record() - the record of a link (index + 1) */
static inline struct time_wait *record(const struct timewait *w, uint32_t link)
{
    return pool_at(&w->pool, link - 1);
}

/** enqueue() - append @r, which @link names, and which names none after it; expires at @at, but not
 * before the one in front of it */
static void enqueue(struct timewait *w, struct time_wait *r, uint32_t link, gn_time at)
{
    uint32_t ms = (uint32_t)((at + GN_MSEC - 1) / GN_MSEC);

    r->prev = w->tail & LINK_MASK;
    if (w->tail) {
        struct time_wait *last = record(w, w->tail);

        if ((int32_t)(last->expires_ms - ms) > 0)
            ms = last->expires_ms;
        last->next = link & LINK_MASK;
    } else {
        w->head = link;
        w->due = min_u64(w->due, at);
    }
    r->expires_ms = ms;
    w->tail = link;
}

/** dequeue() - take a record out */
static void dequeue(struct timewait *w, struct time_wait *r)
{
    if (r->prev)
        record(w, r->prev)->next = r->next;
    else
        w->head = r->next;
    if (r->next)
        record(w, r->next)->prev = r->prev;
    else
        w->tail = r->prev;
    r->next = 0;
}

/** forget() - @r goes; its hash is @hash */
static void forget(struct gn_host *h, uint32_t index, uint32_t hash, enum gn_cause cause)
{
    struct timewait *w = &h->timewait;
    struct time_wait *r = pool_at(&w->pool, index);

    if (cause == GN_CAUSE_TIME_WAIT_OVER)
        h->stats.TW++;
    else if (cause == GN_CAUSE_TIME_WAIT_REUSED)
        h->stats.TWRecycled++;
    else if (cause == GN_CAUSE_TIME_WAIT_LIMIT)
        h->stats.TimeWaitOverflow++;
    host_transition(h, &r->key, GN_TIME_WAIT, GN_CLOSED, cause);
    demux_remove(&h->demux, hash, ref_make(REF_TIME_WAIT, index));
    dequeue(w, r);
    pool_free(&w->pool, r, index);
}

void timewait_drop(struct gn_host *h, uint32_t index, enum gn_cause cause)
{
    const struct time_wait *r = pool_at(&h->timewait.pool, index);

    forget(h, index, demux_hash(&h->demux, &r->key), cause);
}

/** add() - a record of @t takes its place in the table; the oldest goes if there are too many */
static bool add(struct gn_host *h, struct tcb *t)
{
    struct timewait *w = &h->timewait;
    struct time_wait *r;
    uint32_t index;

    while (w->head && w->pool.used >= w->pool.max)
        timewait_drop(h, w->head - 1, GN_CAUSE_TIME_WAIT_LIMIT);
    r = pool_alloc(&w->pool, &index);
    if (!r)
        return false;
    time_wait_init(r, host_env(h, t), t);
    enqueue(w, r, index + 1, deadline_time(t->state_at)); /* MUST-13 */
    demux_replace(&h->demux, t->conn->hash, conn_ref(t), ref_make(REF_TIME_WAIT, index));
    t->hashed = false;
    return true;
}

bool timewait_take(struct gn_host *h, struct tcb *t)
{
    if (!h->timewait.pool.max) {
        h->stats.TimeWaitOverflow++;
        tcb_enter(t, host_env(h, t), GN_CLOSED, GN_CAUSE_TIME_WAIT_LIMIT);
        return false;
    }
    /* the connection goes on in the record: no transition, nothing to count */
    return add(h, t);
}

enum gn_drop timewait_input(struct gn_host *h, ref_t ref, const struct seg *s, uint32_t hash)
{
    struct timewait *w = &h->timewait;
    uint32_t index = ref_index(ref);
    struct time_wait *r = pool_at(&w->pool, index);
    const struct tcp_env *e = host_env_iface(h, h->in_iface, &s->key.raddr);
    enum time_wait_verdict v = TIME_WAIT_KEEP;
    enum gn_drop d = time_wait_arrives(r, e, s, &v);
    struct listener *l;

    switch (v) {
    case TIME_WAIT_KEEP: return d;
    case TIME_WAIT_RESTART:
        dequeue(w, r);
        enqueue(w, r, index + 1, h->now + 2 * h->conf.tcp_msl);
        return d;
    case TIME_WAIT_DELETE: forget(h, index, hash, GN_CAUSE_RST); return d;
    case TIME_WAIT_SYN: break;
    }
    l = listen_find(&h->listeners, &s->key.laddr, s->key.lport, hash);
    if (!l)
        return host_closed(h, s); /* TW-10: the record stays */
    return syncache_syn(h, l, s, hash, r);
}

bool timewait_conn_syn(struct gn_host *h, struct tcb *t, const struct seg *s, uint32_t hash,
                       enum gn_drop *ret_drop)
{
    const struct tcp_env *e = host_env(h, t);
    enum time_wait_verdict v = TIME_WAIT_KEEP;
    struct reply_queue before = h->replies;
    struct time_wait w;

    if (!listen_find(&h->listeners, &s->key.laddr, s->key.lport, hash))
        return false;
    time_wait_init(&w, e, t);
    time_wait_arrives(&w, e, s, &v);
    h->replies.n = before.n; /* only asked */
    if (v != TIME_WAIT_SYN || !add(h, t))
        return false;
    /* the record counts from now on, the block of the user is over */
    h->stats.state[GN_TIME_WAIT]++;
    tcb_enter(t, e, GN_CLOSED, GN_CAUSE_TIME_WAIT_REUSED);
    conn_after(h, t);
    *ret_drop = timewait_input(h, demux_find_time_wait(&h->demux, hash, &s->key), s, hash);
    return true;
}

/** due() - has a record lasted long enough? */
static bool due(const struct time_wait *r, gn_time now)
{
    return (int32_t)((uint32_t)(now / GN_MSEC) - r->expires_ms) >= 0;
}

/* so many records are forgotten together */
#define TOGETHER 8

/** over() - forget the first records of the queue, a few of them: those that are due, or @all.
 * Where there are many, their slots in the demux table are far away and far apart: hints for all of
 * them first */
static void over(struct gn_host *h, bool all)
{
    const struct timewait *w = &h->timewait;
    uint32_t link[TOGETHER], hash[TOGETHER];
    unsigned n = 0;

    for (uint32_t at = w->head; at && n < TOGETHER; at = record(w, at)->next) {
        if (!all && !due(record(w, at), h->now))
            break;
        link[n] = at;
        hash[n] = demux_hash(&h->demux, &record(w, at)->key);
        demux_prefetch_slot(&h->demux, hash[n++]);
    }
    for (unsigned i = 0; i < n; i++)
        forget(h, link[i] - 1, hash[i], GN_CAUSE_TIME_WAIT_OVER);
}

/** expiry() - when a record is due, as a time */
static gn_time expiry(const struct time_wait *r, gn_time now)
{
    uint64_t ms = now / GN_MSEC;

    return due(r, now) ? now : (ms + (r->expires_ms - (uint32_t)ms)) * GN_MSEC;
}

void timewait_timeouts(struct gn_host *h)
{
    struct timewait *w = &h->timewait;
    /* after a sleep in which 32 bits of milliseconds have wrapped, all are (MAL-68) */
    bool overslept = h->now - w->seen >= WRAP;

    w->seen = h->now;
    while (w->head && (overslept || due(record(w, w->head), h->now)))
        over(h, overslept);
    w->due = w->head ? expiry(record(w, w->head), h->now) : UINT64_MAX;
}

deadline_t timewait_deadline(const struct gn_host *h)
{
    const struct timewait *w = &h->timewait;

    return w->head ? deadline_at(expiry(record(w, w->head), h->now)) : deadline_none();
}

void timewait_status(const struct gn_host *h, const struct time_wait *w, struct gn_status *ret)
{
    *ret = (struct gn_status){.kind = GN_KIND_TIME_WAIT, .state = GN_TIME_WAIT, .orphan = true};
    ret->local = (struct gn_endpoint){w->key.laddr, w->key.lport};
    ret->remote = (struct gn_endpoint){w->key.raddr, w->key.rport};
    ret->snd.una = w->snd_nxt;
    ret->snd.nxt = w->snd_nxt;
    ret->rcv.nxt = w->rcv_nxt;
    ret->opt_timestamps = w->ts_recent || w->ts_recent_ms;
    ret->ts_recent = w->ts_recent;
    ret->memory = sizeof(*w);
    ret->timer[GN_TIMER_TIME_WAIT] = (struct gn_deadline){expiry(w, h->now), true};
}
