/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file output.c  Frames on their way down, pulled: what is due, replies, the IP layer's own
 * packets, then the connections that have something to send, in turn.
 *
 * Text is touched once at the most: without GN_CAP_GATHER it is copied into the frame and summed in
 * one pass; with it, the frame names the send buffer, and only the sum (if the interface does not
 * finish checksums) reads it.
 */
#include "base/bits.h"
#include "host/host.h"
#include "host/pressure.h"
#include "wire/checksum.h"

/* segments that one connection may send before the next has its turn */
#define TURN       16
#define TCP_SUM_AT 16

/** put_text() - copy the text behind the header at @p, or name it; returns the sum of header and
 * text if @sum is wanted (the header is @th octets long) */
static uint64_t put_text(struct gn_frame *f, const struct seg *s, uint8_t *p, uint32_t th,
                         unsigned caps, bool sum)
{
    uint64_t total = sum ? csum(p, th) : 0;
    uint32_t at = th;

    for (unsigned i = 0; i < s->n_text; i++) {
        const struct gn_span *t = &s->text[i];
        uint64_t piece = 0;

        if (caps & GN_CAP_GATHER) {
            f->tail[f->n_tail++] = *t;
            if (sum)
                piece = csum(t->ptr, t->len);
        } else if (sum) {
            piece = csum_copy(p + at, t->ptr, t->len);
        } else {
            memcpy(p + at, t->ptr, t->len);
        }
        if (sum)
            total = csum_join(total, piece, at);
        at += t->len;
    }
    if (!(caps & GN_CAP_GATHER))
        f->len += s->text_len;
    return total;
}

/** put_segment() - TCP header, text and checksum (MUST-2) behind @hl octets of other headers;
 * returns octets of TCP packet */
static uint32_t put_segment(struct gn_frame *f, const struct seg *s, uint32_t hl, unsigned caps)
{
    uint8_t *p = f->buf + hl;
    uint32_t th = tcp_emit(s, p);
    uint32_t len = th + s->text_len;
    uint64_t sum = ip_pseudo(&s->key.laddr, &s->key.raddr, IP_PROTO_TCP, len);

    f->data = f->buf;
    f->len = hl + th;
    f->n_tail = 0;
    f->flags = 0;
    f->gso_size = 0;
    f->hdr_len = 0;
    if (caps & GN_CAP_CSUM_TX) {
        put_text(f, s, p, th, caps, false);
        put16(p + TCP_SUM_AT, csum_fold(sum));
        f->flags = GN_FRAME_CSUM_OWED;
        f->csum_start = (uint16_t)hl;
        f->csum_offset = TCP_SUM_AT;
    } else {
        sum += put_text(f, s, p, th, caps, true);
        put16(p + TCP_SUM_AT, csum_finish(sum));
    }
    if (s->gso_size && s->text_len > s->gso_size) {
        f->gso_size = s->gso_size;
        f->hdr_len = (uint16_t)(hl + th);
    }
    return len;
}

/** emit() - a segment into a frame; false: the frame was not used (dropped or held back) */
static bool emit(struct gn_host *h, const struct seg *s, struct gn_frame *f, enum gn_state state)
{
    const struct ip_path *path = host_path(h, &s->key.raddr, NULL);
    struct ip_header ih;
    enum gn_drop d;

    if (h->env.trace)
        host_trace_seg(h, GN_TRACE_SEG_OUT, s, state);
    if (!path) {
        host_drop(h, GN_DROP_IP_NO_ROUTE, s, state);
        return false;
    }
    ih = (struct ip_header){.src = s->key.laddr,
                            .dst = s->key.raddr,
                            .proto = IP_PROTO_TCP,
                            .tos = (uint8_t)((s->tos & 0xfc) | s->ecn), /* SHLD-22 */
                            .ttl = s->ttl,
                            .dont_fragment = true};
    f->iface = path->iface;
    ih.len = put_segment(f, s, ip_headers_len(&h->ip, path->iface, &s->key.raddr), path->caps);
    d = ip_emit(&h->ip, &h->ip_env, path, &ih, f->buf);
    if (d == GN_DROP_NEIGH_UNRESOLVED)
        d = ip_hold(&h->ip, &h->ip_env, path, f);
    else if (!d)
        return true;
    if (d)
        host_drop(h, d, s, state);
    return false;
}

/** reply_state() - what state a reply without a block speaks for */
static enum gn_state reply_state(const struct seg *s)
{
    if (s->ctl & CTL_RST)
        return GN_CLOSED;
    return s->ctl & CTL_SYN ? GN_SYN_RECEIVED : GN_TIME_WAIT;
}

/** put_replies() - empty the reply queue as far as there are frames; the number filled */
static size_t put_replies(struct gn_host *h, struct gn_frame *f, size_t n)
{
    struct reply_queue *q = &h->replies;
    size_t used = 0;

    while (q->n && used < n) {
        const struct seg *s = &q->seg[q->head];

        q->head = (q->head + 1) % q->cap;
        q->n--;
        h->stats.OutSegs++;
        h->stats.OutRsts += (s->ctl & CTL_RST) != 0;
        used += emit(h, s, &f[used], reply_state(s));
    }
    return used;
}

/** put_turn() - let one connection send, a few segments at the most; it leaves the ready list when
 * it has nothing more, and goes to its end when its turn is over. The number of frames filled */
static size_t put_turn(struct gn_host *h, struct tcb *t, struct gn_frame *f, size_t n)
{
    struct gn_stats *st = &h->stats;
    struct tcp_env *e = host_env(h, t);
    size_t used = 0;
    bool more = true;
    struct seg s;

    for (unsigned i = 0; i < TURN && used < n && more; i++) {
        uint64_t again = st->RetransSegs + st->TCPSynRetrans;

        if (!tcp_output(t, e, &s)) {
            more = false;
            break;
        }
        if (st->RetransSegs + st->TCPSynRetrans == again)
            st->OutSegs += s.gso_size ? (s.text_len + s.gso_size - 1) / s.gso_size : 1;
        used += emit(h, &s, &f[used], (enum gn_state)t->state);
        more = tcp_wants_output(t);
    }
    if (!more) {
        conn_settle(h, t);
    } else if (used < n) {
        list_remove(&t->ready);
        list_append(&h->ready, &t->ready);
    }
    return used;
}

/** put_conns() - let the connections that are ready send in turn; the number of frames filled */
static size_t put_conns(struct gn_host *h, struct gn_frame *f, size_t n)
{
    size_t used = 0;

    while (used < n && !list_empty(&h->ready))
        used += put_turn(h, LIST_ENTRY(h->ready.next, struct tcb, ready), f + used, n - used);
    return used;
}

/** timeouts() - whatever is due */
static void timeouts(struct gn_host *h)
{
    conn_timeouts(h);
    timewait_timeouts(h);
    syncache_timeouts(h);
    ip_timeouts(&h->ip, &h->ip_env);
}

size_t gn_host_output(struct gn_host *h, struct gn_frame *frames, size_t n, gn_time now)
{
    size_t used, room;

    host_now(h, now);
    if (pressure(&h->mem))
        pressure_relieve(h);
    timeouts(h);
    /* frames that cannot hold the largest packet are no frames */
    for (room = 0; room < n && frames[room].cap >= h->frame_need; room++)
        ;
    used = put_replies(h, frames, room);
    while (used < room && ip_output_own(&h->ip, &h->ip_env, &frames[used]))
        used++;
    return used + put_conns(h, frames + used, room - used);
}

struct gn_deadline gn_host_deadline(const struct gn_host *h)
{
    deadline_t d;

    if (h->replies.n || !list_empty(&h->ready) || h->ip.own.n)
        return deadline_public(deadline_at(h->now));
    d = deadline_min(wheel_next(&h->wheel), ip_deadline(&h->ip));
    d = deadline_min(d, timewait_deadline(h));
    return deadline_public(deadline_min(d, syncache_deadline(h)));
}
