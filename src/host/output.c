/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file output.c  Frames on their way down, pulled: what is due, replies, the IP layer's own
 * packets, then the connections that have something to send, in turn.
 */
#include "base/bits.h"
#include "host/emit.h"
#include "host/pressure.h"

/* segments that one connection may send before the next has its turn */
#define TURN 16
/* how often what goes to ourselves may come in, in one call */
#define LOOP_ROUNDS 16

/** usable() - is the first of @n frames one? Those that cannot hold the largest packet are none,
 * nor is what is behind them */
static inline bool usable(const struct gn_host *h, const struct gn_frame *f, size_t n)
{
    return n && f->cap >= h->frame_need;
}

/** frames_for() - how many of @n frames, the first of which is usable, are */
static inline size_t frames_for(const struct gn_host *h, const struct gn_frame *f, size_t n)
{
    size_t k = 1;

    while (usable(h, f + k, n - k))
        k++;
    return k;
}

/** rests() - is @s of a connection, which rests? */
static __attribute__((cold, noinline)) bool rests(const struct gn_host *h, const struct seg *s)
{
    return ref_kind(demux_find(&h->demux, demux_hash(&h->demux, &s->key), &s->key)) == REF_CONN;
}

/** reply_state() - what state a reply without a block speaks for. None but the tracer asks */
static enum gn_state reply_state(const struct gn_host *h, const struct seg *s)
{
    if (s->ctl & CTL_RST)
        return GN_CLOSED;
    if (s->ctl & CTL_SYN)
        return GN_SYN_RECEIVED;
    return h->env.trace && rests(h, s) ? GN_ESTABLISHED : GN_TIME_WAIT;
}

/** put_replies() - empty the reply queue as far as there are frames; the number filled */
static size_t put_replies(struct gn_host *h, struct gn_frame *f, size_t n)
{
    struct reply_queue *q = &h->replies;
    size_t used = 0;

    while (q->n && usable(h, f + used, n - used)) {
        const struct seg *s = &q->seg[q->head];

        q->head = q->head + 1 < q->cap ? q->head + 1 : 0;
        q->n--;
        h->stats.OutSegs++;
        h->stats.OutRsts += (s->ctl & CTL_RST) != 0;
        used += emit_segment(h, s, &f[used], reply_state(h, s));
    }
    if (!q->n)
        reply_shrink(q, &h->mem);
    return used;
}

/** put_several() - put_turn() for one that may have more than one segment, or nothing, to send, or
 * one that is not for tcp_output_last().
 *
 * An interface that takes no super-segments gets them all the same: cut here, so that the
 * connection decides once for all of them */
static __attribute__((noinline)) size_t put_several(struct gn_host *h, struct tcb *t,
                                                    struct gn_frame *f, size_t n)
{
    struct tcp_env *e = host_env(h, t);
    bool cut = e->segs_max == 1 && t->sndbuf.len > t->rec.mss, more;
    uint32_t left = TURN;
    size_t used = 0;
    struct seg s;

    do {
        uint32_t segs;

        if (cut)
            e->segs_max = (uint16_t)frames_for(h, &f[used], min_u64(left, n - used));
        more = tcp_output_any(t, e, &s);
        if (!more)
            break;
        segs = seg_on_wire(&s);
        used += cut && segs > 1 ? emit_train(h, &s, &f[used], (enum gn_state)t->state)
                                : emit_segment(h, &s, &f[used], (enum gn_state)t->state);
        left -= cut ? segs : 1;
        more = tcp_wants_output(t);
    } while (more && left && usable(h, f + used, n - used));
    if (cut)
        e->segs_max = 1;
    if (!more) {
        conn_settle(h, t);
    } else if (usable(h, f + used, n - used)) {
        list_remove(&t->ready);
        list_append(&h->ready, &t->ready);
    }
    return used;
}

/** put_turn() - let one connection send, a few segments at the most; it leaves the ready list when
 * it has nothing more, and goes to its end when its turn is over. The number of frames filled; the
 * first of @n is usable. */
static inline size_t put_turn(struct gn_host *h, struct tcb *t, struct gn_frame *f, size_t n)
{
    struct seg s;
    size_t used;

    if (!tcp_output_last(t, host_env_which(h, t->env), &s))
        return put_several(h, t, f, n);
    used = emit_segment(h, &s, f, (enum gn_state)t->state);
    conn_settle(h, t);
    return used;
}

/** put_conns() - let the connections that are ready send in turn; the number of frames filled */
static size_t put_conns(struct gn_host *h, struct gn_frame *f, size_t n)
{
    size_t used = 0;

    while (!list_empty(&h->ready) && usable(h, f + used, n - used))
        used += put_turn(h, LIST_ENTRY(h->ready.next, struct tcb, ready), f + used, n - used);
    return used;
}

/** has_output() - may there be something to send now? */
static inline bool has_output(const struct gn_host *h)
{
    return h->replies.n || !list_empty(&h->ready) || h->ip.own.n || h->ip.loop.n;
}

/** timeouts() - whatever is due. On a host with nothing but connections that wait for nothing yet
 * that is a few comparisons */
static inline void timeouts(struct gn_host *h)
{
    if (wheel_run(&h->wheel, h->now))
        conn_timeouts(h);
    if (h->conns.used > h->conf.tcp_rest_above)
        rest_some(h);
    if (h->timewait.head && h->now >= h->timewait.due)
        timewait_timeouts(h);
    h->timewait.seen = h->now;
    if (h->syncache.pool.used && h->now >= h->syncache.due)
        syncache_timeouts(h);
    h->syncache.seen = h->now;
    ip_timeouts(&h->ip, &h->ip_env);
}

/** take_in() - packets to ourselves come in, like a burst of frames. What they bring about is sent
 * afterwards, and what of that is for ourselves again waits for the next time: no recursion */
static void take_in(struct gn_host *h)
{
    struct own_list loop = h->ip.loop;
    struct ip_own *o;

    h->ip.loop = (struct own_list){0};
    while ((o = own_pop(&loop))) {
        const struct gn_frame f = {.data = o->data,
                                   .len = o->len,
                                   .iface = o->iface,
                                   .flags = o->flags | IP_FRAME_LOOPED,
                                   .csum_start = o->csum_start,
                                   .csum_offset = o->csum_offset,
                                   .gso_size = o->gso_size,
                                   .hdr_len = o->hdr_len};

        gn_host_input(h, &f, 1, h->now);
        own_free(&h->mem, o);
    }
}

size_t gn_host_output(struct gn_host *h, struct gn_frame *frames, size_t n, gn_time now)
{
    unsigned rounds = 0;
    size_t used = 0;

    host_now(h, now);
    if (mem_full(&h->mem))
        pressure_relieve(h);
    timeouts(h);
    if (!has_output(h))
        return 0;
    if (!usable(h, frames, n)) {
        h->stats.OutFramesTooSmall += n > 0;
        conn_arm_ready(h);
    }
    while (usable(h, frames + used, n - used)) {
        if (h->ip.loop.n)
            take_in(h);
        used += put_replies(h, frames + used, n - used);
        while (h->ip.own.n && usable(h, frames + used, n - used))
            used += ip_output_own(&h->ip, &h->ip_env, &frames[used]);
        used += put_conns(h, frames + used, n - used);
        if (!h->ip.loop.n || rounds++ == LOOP_ROUNDS)
            break;
    }
    return used;
}

struct gn_deadline gn_host_deadline(const struct gn_host *h)
{
    deadline_t d;

    if (has_output(h))
        return deadline_public(deadline_at(h->now));
    d = deadline_min(wheel_next(&h->wheel), ip_deadline(&h->ip));
    d = deadline_min(d, timewait_deadline(h));
    return deadline_public(deadline_min(d, syncache_deadline(h)));
}
