/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file explore_image.c  The hash of a state.
 *
 * A block goes into the image whole, but for what is listed here: links and places in tables,
 * statistics that nothing depends on, and the memory behind rings, ranges and logs, which is
 * followed. Points in time become ages or remaining times. So a field that is added to the block
 * makes states differ until it is listed; forgetting one costs time, not truth.
 */
#include "lab/explore_parts.h"

#include "host/host.h"
#include "recovery/rate.h"

#include <string.h>

/** age() - a point in time (0: never) relative to now */
static void age(gn_time *t, gn_time now)
{
    if (*t != 0)
        *t = now - *t + 1;
}

/** remaining() - a deadline relative to now */
static void remaining(deadline_t *d, gn_time now)
{
    if (deadline_armed(*d))
        d->raw = (deadline_time(*d) > now ? deadline_time(*d) - now : 0) | 1;
}

/** hash_ring() - the octets held in order, and where those beyond are to go */
static uint64_t hash_ring(uint64_t hash, const struct ring *r)
{
    struct gn_span s[2];
    unsigned n = ring_span(r, 0, r->len, s);

    for (unsigned i = 0; i < n; i++)
        hash = hash_bytes(hash, s[i].ptr, s[i].len);
    return hash_u64(hash, r->len);
}

/** hash_beyond() - octets that arrived out of order, where they lie in the ring */
static uint64_t hash_beyond(uint64_t hash, const struct tcb *t)
{
    for (unsigned i = 0; i < t->ooo.n; i++) {
        const struct range *r = &t->ooo.r[i];

        hash = hash_u64(hash, (uint64_t)r->a.raw << 32 | r->b.raw);
        for (seq_t s = r->a; t->rcvbuf.mem && seq_lt(s, r->b); s = seq_add(s, 1)) {
            uint32_t at = t->rcvbuf.len + seq_span(t->rcv.nxt, s);

            hash = hash_u64(hash, t->rcvbuf.mem[(t->rcvbuf.head + at) & (t->rcvbuf.cap - 1)]);
        }
    }
    return hash;
}

/** hash_log() - the log of transmissions */
static uint64_t hash_log(uint64_t hash, const struct sent_log *l, gn_time now)
{
    for (uint32_t i = l->head; i != l->tail; i++) {
        struct sent s = *sent_at(l, i);

        age(&s.xmit, now);
        age(&s.first_xmit, now);
        age(&s.delivered_at, now);
        s.next -= l->head;
        s.prev -= l->head;
        hash = hash_bytes(hash, &s, sizeof s);
    }
    return hash;
}

/** plain_recovery() - times made relative, memory left out */
static void plain_recovery(struct recovery *r, gn_time now)
{
    uint32_t head = r->sent.head;

    r->rate = NULL;
    if (r->cc.ops->block)
        r->cc.u.block = NULL;
    r->sent.rec = NULL;
    r->sent.own = (struct sent){.len = 0};
    r->sent.cap = 0;
    r->sent.tail -= head;
    r->sent.head = 0;
    r->sent.sacked_end = r->sent.n_sacked ? r->sent.sacked_end - head : 0;
    r->sent.hole = r->sent.resend ? r->sent.hole - head : 0;
    r->sent.rt_head = r->sent.retrans ? r->sent.rt_head - head : 0;
    r->sent.rt_tail = r->sent.retrans ? r->sent.rt_tail - head : 0;
    remaining(&r->rto_at, now);
    remaining(&r->pto_at, now);
    remaining(&r->reo_at, now);
    age(&r->first_unacked, now);
    age(&r->last_sent, now);
    age(&r->since, now);
    age(&r->cwv.half_at, now);
    age(&r->cwv.since, now);
    age(&r->rack.xmit, now);
    age(&r->undo.stamp, now);
    age(&r->rtt.min_at, now);
    r->retransmits = 0;
}

/** hash_rate() - what pacing and congestion control keep outside of the block. The latter is hashed
 *  as it is, points in time included: those that have it differ more often than they must */
static uint64_t hash_rate(uint64_t hash, const struct recovery *r, gn_time now)
{
    struct rate q;

    if (r->cc.ops->block)
        hash = hash_bytes(hash, r->cc.u.block, r->cc.ops->block);
    if (!r->rate)
        return hash;
    memcpy(&q, r->rate, sizeof q);
    age(&q.delivered_at, now);
    age(&q.first_sent, now);
    age(&q.next_send, now);
    remaining(&q.pace_at, now);
    return hash_bytes(hash, &q, sizeof q);
}

/** plain_links() - what only says where the block is kept */
static void plain_links(struct tcb *t)
{
    t->conn = NULL;
    t->block = 0;
    memset(&t->ready, 0, sizeof t->ready);
    memset(&t->event, 0, sizeof t->event);
    memset(&t->link, 0, sizeof t->link);
    memset(t->past, 0, sizeof t->past);
    t->n_past = t->n_past != 0;
    memset(&t->sndbuf, 0, sizeof t->sndbuf);
    memset(&t->rcvbuf, 0, sizeof t->rcvbuf);
    t->ooo.r = NULL;
    t->ooo.cap = 0;
    memset(&t->drs, 0, sizeof t->drs); /* decides over the size of a buffer only */
    t->last_tick = 0;                  /* the same */
    t->bytes_received = t->bytes_sent = t->bytes_acked = t->bytes_retrans = 0;
    t->segs_in = t->segs_out = 0;
    t->created = 0;
}

/** hash_tcb() - one block */
static uint64_t hash_tcb(uint64_t hash, const struct tcb *t, gn_time now)
{
    struct tcb c;

    memcpy(&c, t, sizeof c);
    plain_links(&c);
    plain_recovery(&c.rec, now);
    remaining(&c.delack_at, now);
    remaining(&c.persist_at, now);
    remaining(&c.keepalive_at, now);
    remaining(&c.sws_at, now);
    remaining(&c.user_at, now);
    remaining(&c.state_at, now);
    age(&c.last_in, now);
    age(&c.last_out, now);
    age(&c.text_at, now);
    age(&c.invalid_at, now);
    age(&c.ts.recent_at, now);
    age(&c.acc.opt_at, now);
    if (c.state == GN_CLOSED) /* only its buffers and its error are of interest */
        memset(&c.rec, 0, sizeof c.rec);
    hash = hash_bytes(hash, &c, sizeof c);
    hash = hash_ring(hash, &t->sndbuf);
    hash = hash_ring(hash, &t->rcvbuf);
    hash = hash_beyond(hash, t);
    if (t->state == GN_CLOSED)
        return hash;
    hash = hash_rate(hash, &t->rec, now);
    return hash_log(hash, &t->rec.sent, now);
}

/** hash_small() - half-open entries and TIME-WAIT records: what STATUS tells, and their timers */
static uint64_t hash_small(uint64_t hash, const struct gn_host *h, gn_time now)
{
    for (uint32_t i = 0; (i = pool_next(&h->syncache.pool, i)) != UINT32_MAX; i++) {
        struct half_open o = *(const struct half_open *)pool_at(&h->syncache.pool, i);

        o.next = o.prev = 0;
        o.fine = 0;
        o.stamp = 0;
        hash = hash_bytes(hash, &o, sizeof o);
    }
    for (uint32_t i = 0; (i = pool_next(&h->timewait.pool, i)) != UINT32_MAX; i++) {
        struct time_wait w = *(const struct time_wait *)pool_at(&h->timewait.pool, i);

        w.next = w.prev = 0;
        w.expires_ms -= (uint32_t)(now / GN_MSEC);
        hash = hash_bytes(hash, &w, sizeof w);
    }
    return hash;
}

/** hash_deadlines() - of the half-open entries and the TIME-WAIT records together */
static uint64_t hash_deadlines(uint64_t hash, const struct gn_host *h, gn_time now)
{
    deadline_t a = syncache_deadline(h), b = timewait_deadline(h);

    remaining(&a, now);
    remaining(&b, now);
    return hash_u64(hash_u64(hash, a.raw), b.raw);
}

/** hash_host() - host @i */
static uint64_t hash_host(uint64_t hash, const struct x_world *w, unsigned i)
{
    const struct gn_host *h = w->h[i];
    struct tcb scratch;

    for (uint32_t at = 0; (at = pool_next(&h->conns, at)) != UINT32_MAX; at++)
        hash = hash_tcb(hash, rest_look(h, pool_at(&h->conns, at), &scratch), w->now[i]);
    for (uint32_t at = 0; (at = pool_next(&h->listeners.pool, at)) != UINT32_MAX; at++) {
        const struct listener *l = pool_at(&h->listeners.pool, at);

        hash = hash_u64(hash, (uint64_t)l->n_accept << 32 | l->n_half);
    }
    return hash_deadlines(hash_small(hash, h, w->now[i]), h, w->now[i]);
}

/** hash_packet() - but for the IP identification and header checksum, which nobody looks at */
static uint64_t hash_packet(const struct x_packet *p)
{
    uint8_t bytes[X_PACKET];

    memcpy(bytes, p->bytes, p->len);
    memset(bytes + 4, 0, 2);
    memset(bytes + 10, 0, 2);
    return hash_bytes(1, bytes, p->len);
}

uint64_t x_hash(const struct explorer *x)
{
    const struct x_world *w = x->w;
    uint64_t hash = hash_bytes(0, &w->left, sizeof w->left);

    for (unsigned i = 0; i < 2; i++) {
        struct x_user u = w->user[i];
        uint64_t flight = 0;

        for (unsigned k = 0; k < w->to[i].n; k++) /* any may be next: their order says nothing */
            flight += hash_packet(&w->to[i].p[k]);
        hash = hash_u64(hash, flight);
        hash = hash_host(hash, w, i);
        hash = hash_u64(
            hash, (uint64_t)u.sent | (uint64_t)u.got << 8 | (uint64_t)u.error << 16 |
                      (uint64_t)(u.conn != 0) << 32 | (uint64_t)(u.listener != 0) << 33 |
                      (uint64_t)u.opened << 34 | (uint64_t)u.fin << 35 | (uint64_t)u.left << 36 |
                      (uint64_t)u.aborted << 37 | (uint64_t)u.eof << 38 | (uint64_t)u.over << 39 |
                      (uint64_t)w->timed_out << 40 | (uint64_t)w->reason[i] << 41 |
                      (uint64_t)w->clipped << 42); /* one that is continued is another state */
    }
    return hash;
}
