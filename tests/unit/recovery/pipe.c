/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/recovery/pipe.h"

#include "base/bits.h"
#include "unit/recovery/twin.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define UNIT 100 /* octets; all lengths are multiples */

/* Something on its way: a segment to the receiver, or an ACK to the sender. */
struct thing {
    gn_time at;
    uint64_t order; /* of those due at the same time */
    bool is_ack;
    uint32_t start, len; /* octets after the first of text */
    gn_time ts;          /* of the segment; for an ACK the echo */
    struct rec_ack ack;
};

struct pipe {
    const struct pipe_opts *o;
    struct rig g;
    struct prng rnd;
    struct thing *heap;
    uint32_t n_heap, cap_heap;
    uint64_t order;
    gn_time start, busy_until;
    uint8_t *got; /* by units */
    uint32_t total, rcv_nxt, n_units;
    uint32_t high; /* the unit after the last that ever arrived */
    gn_time ts_recent;
    struct pipe_result res;
};

static bool chance(struct pipe *p, uint32_t of_10000)
{
    return prng_below(&p->rnd, 10000) < of_10000;
}

static bool sooner(const struct thing *a, const struct thing *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void heap_push(struct pipe *p, struct thing t)
{
    uint32_t i = p->n_heap++;

    if (p->n_heap > p->cap_heap) {
        p->cap_heap = p->cap_heap ? 2 * p->cap_heap : 64;
        p->heap = realloc(p->heap, p->cap_heap * sizeof(t));
    }
    t.order = p->order++;
    for (; i && sooner(&t, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = t;
}

static struct thing heap_pop(struct pipe *p)
{
    struct thing top = p->heap[0], last = p->heap[--p->n_heap];
    uint32_t i = 0, c;

    while ((c = 2 * i + 1) < p->n_heap) {
        if (c + 1 < p->n_heap && sooner(&p->heap[c + 1], &p->heap[c]))
            c++;
        if (!sooner(&p->heap[c], &last))
            break;
        p->heap[i] = p->heap[c];
        i = c;
    }
    p->heap[i] = last;
    return top;
}

static bool black(const struct pipe *p)
{
    gn_time t = p->g.env.now - p->start;

    return t >= p->o->black_from && t < p->o->black_to;
}

/* one segment enters the bottleneck */
static void transmit(struct pipe *p, uint32_t start, uint32_t len)
{
    gn_time now = p->g.env.now;
    struct thing t = {.start = start, .len = len, .ts = now};

    p->res.sent++;
    if (p->busy_until > now + p->o->per_segment * p->o->queue || chance(p, p->o->loss) || black(p))
        return;
    p->busy_until = max_u64(p->busy_until, now) + p->o->per_segment;
    t.at = p->busy_until + p->o->delay;
    if (chance(p, p->o->reorder))
        t.at += prng_below(&p->rnd, (uint32_t)p->o->reorder_by + 1);
    heap_push(p, t);
    if (chance(p, p->o->dup))
        heap_push(p, t);
}

static void send_run(struct pipe *p, seq_t start, uint32_t len)
{
    uint32_t off = seq_span(rig_seq(0), start);
    bool last = off + len == p->total;

    p->res.plain += twin_sent(&p->g, start, len, last);
    for (uint32_t n; len; off += n, len -= n) {
        n = min_u32(len, p->o->mss);
        transmit(p, off, n);
    }
}

/* all that may leave now */
static void output(struct pipe *p)
{
    struct recovery *r = &p->g.r;
    uint32_t len, max;
    seq_t start;

    for (;;) {
        uint32_t room = recovery_room(r), left = p->total - seq_span(rig_seq(0), r->nxt);

        max = (1 + prng_below(&p->rnd, p->o->burst)) * p->o->mss;
        if (recovery_next_lost(r, max, &start, &len)) {
            if (len > room && room >= p->o->mss)
                len = room - room % p->o->mss;
            if (len > room)
                return;
            send_run(p, start, len);
        } else if (left && room >= min_u32(left, p->o->mss)) {
            len = min_u32(min_u32(max, left), max_u32(room - room % p->o->mss, p->o->mss));
            cr_assert(recovery_reserve(r, &p->g.env, len / p->o->mss + 1));
            send_run(p, r->nxt, len);
        } else if (r->probe_due && recovery_next_probe(r, &start, &len)) {
            p->res.probes++;
            send_run(p, start, len);
        } else {
            return;
        }
    }
}

static bool held(const struct pipe *p, uint32_t unit)
{
    return unit < p->n_units && p->got[unit];
}

/* the run of octets held around @unit as a block */
static struct rec_sack block_at(const struct pipe *p, uint32_t unit)
{
    uint32_t l = unit, r = unit;

    while (l > p->rcv_nxt / UNIT && held(p, l - 1))
        l--;
    while (held(p, r))
        r++;
    return (struct rec_sack){rig_seq(l * UNIT), rig_seq(r * UNIT)};
}

/* SACK blocks: a D-SACK, the newest, and the next ones above */
static void put_sacks(struct pipe *p, const struct thing *t, bool dup, struct rec_ack *a)
{
    uint32_t unit = t->start / UNIT;

    if (dup && p->o->dsack)
        a->sack[a->n_sack++] = (struct rec_sack){rig_seq(t->start), rig_seq(t->start + t->len)};
    if (t->start >= p->rcv_nxt && held(p, unit)) {
        a->sack[a->n_sack++] = block_at(p, unit);
    } else {
        unit = p->rcv_nxt / UNIT;
    }
    while (a->n_sack < 3) {
        while (held(p, unit))
            unit++;
        while (unit < p->high && !held(p, unit))
            unit++;
        if (!held(p, unit))
            return;
        a->sack[a->n_sack++] = block_at(p, unit);
    }
}

static void receive(struct pipe *p, const struct thing *t)
{
    struct thing k = {.is_ack = true, .at = p->g.env.now + p->o->delay};
    bool dup = true, advances;

    for (uint32_t u = t->start / UNIT; u < (t->start + t->len) / UNIT; u++) {
        dup &= p->got[u];
        p->got[u] = 1;
    }
    p->high = max_u32(p->high, (t->start + t->len) / UNIT);
    advances = t->start <= p->rcv_nxt && t->start + t->len > p->rcv_nxt;
    if (t->start <= p->rcv_nxt && t->ts > p->ts_recent)
        p->ts_recent = t->ts;
    while (held(p, p->rcv_nxt / UNIT))
        p->rcv_nxt += UNIT;
    if (p->o->sack)
        put_sacks(p, t, dup, &k.ack);
    if (p->o->renege && !advances && chance(p, 200))
        for (uint32_t u = p->rcv_nxt / UNIT; u < p->n_units; u++)
            p->got[u] = 0;
    k.ack.ack = rig_seq(p->rcv_nxt);
    k.ts = p->ts_recent;
    if (!chance(p, p->o->ack_loss) && !black(p))
        heap_push(p, k);
}

static void take_ack(struct pipe *p, const struct thing *t)
{
    struct recovery *r = &p->g.r;
    struct rec_ack a = t->ack;
    gn_time now = p->g.env.now;

    if (seq_lt(a.ack, r->una))
        return;
    a.dup = seq_eq(a.ack, r->una) && !seq_eq(r->una, r->nxt);
    a.has_ts = p->o->ts;
    a.ts_rtt = (now / RTT_TS_TICK - t->ts / RTT_TS_TICK) * RTT_TS_TICK;
    a.can_send = seq_lt(r->nxt, rig_seq(p->total));
    p->res.plain += twin_ack(&p->g, &a);
    p->res.recoveries += p->g.ret.entered;
    p->res.spurious += p->g.ret.spurious;
    p->res.max_cwnd = max_u32(p->res.max_cwnd, r->cc.cwnd);
    if (p->g.ret.left || r->state == GN_RECOVERY_OPEN)
        cr_assert_leq(recovery_in_flight(r), (uint64_t)2 * p->total);
}

static deadline_t next_timer(const struct recovery *r)
{
    return deadline_min(deadline_min(r->rto_at, recovery_pace_at(r)),
                        deadline_min(r->pto_at, r->reo_at));
}

static void run_timers(struct pipe *p)
{
    struct recovery *r = &p->g.r;
    gn_time now = p->g.env.now;

    if (deadline_due(r->reo_at, now))
        recovery_on_reorder_timer(r, &p->g.env);
    if (deadline_due(r->pto_at, now))
        recovery_on_pto(r, &p->g.env);
    if (deadline_due(r->rto_at, now)) {
        recovery_on_rto(r, &p->g.env);
        p->res.timeouts++;
    }
    if (deadline_due(recovery_pace_at(r), now))
        recovery_on_pace(r, &p->g.env, seq_eq(r->nxt, rig_seq(p->total)));
    recovery_check(r);
}

static void step(struct pipe *p)
{
    deadline_t d = next_timer(&p->g.r);

    cr_assert(deadline_armed(d), "seed %llu: in flight and nothing armed",
              (unsigned long long)p->o->seed);
    if (p->n_heap && p->heap[0].at <= deadline_time(d)) {
        struct thing t = heap_pop(p);

        p->g.env.now = t.at;
        if (t.is_ack)
            take_ack(p, &t);
        else
            receive(p, &t);
    } else {
        p->g.env.now = max_u64(p->g.env.now, deadline_time(d));
        run_timers(p);
    }
    output(p);
}

struct pipe_result pipe_run(const struct pipe_opts *o)
{
    struct pipe p = {.o = o, .total = o->segments * o->mss};
    uint64_t steps = 0;

    prng_seed(&p.rnd, o->seed, 0);
    rig_open(&p.g, o->sack, 2 * o->delay + o->per_segment);
    recovery_set_mss(&p.g.r, &p.g.env, o->mss);
    recovery_set_cc(&p.g.r, &p.g.env, o->cc);
    cc_set_mss(&p.g.r.cc, o->mss, 10, true);
    if (o->knobs)
        o->knobs(&p.g.conf);
    p.n_units = p.total / UNIT;
    p.got = calloc(p.n_units, 1);
    p.start = p.g.env.now;
    output(&p);
    while (!seq_eq(p.g.r.una, rig_seq(p.total))) {
        step(&p);
        cr_assert_lt(steps++, 2000 * (uint64_t)o->segments + 100000, "seed %llu: no progress",
                     (unsigned long long)o->seed);
    }
    cr_assert_eq(p.rcv_nxt, p.total);
    p.res.took = p.g.env.now - p.start;
    p.res.retransmits = p.g.r.retransmits;
    p.res.goodput = (uint64_t)p.total * GN_MSEC / (p.res.took / 1000 + 1);
    free(p.got);
    free(p.heap);
    rig_fini(&p.g);
    return p.res;
}
