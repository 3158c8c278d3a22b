/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_sent.c  What an end has sent and nobody has acknowledged: new, again, or missing.
 *
 * Theory of operation. The log of an end is a sorted row of pieces without gaps from SND.UNA to
 * SND.NXT as the observer sees them. A segment beyond SND.NXT leaves a *missing* piece behind. What
 * fills a missing piece was either overtaken (out of order) or lost before the observer and sent
 * again: a retransmission takes a whole round trip at least, from here to the receiver, back to the
 * sender and to here again, and timestamps, if there are any, say which was made first.
 *
 * What covers a piece that was seen is sent again, unless it is a copy (the same IPv4
 * identification, or much sooner than any sender can know), a keep-alive or a window probe. Why it
 * was sent again:
 *
 *   fast   SACK or duplicate ACKs tell of a loss, and the retransmission follows an arriving ACK
 *   RTO    the sender had heard nothing for at least the time of its timer; and all that it sends
 *          again afterwards up to the SND.NXT of that moment, unless SACK asks for it
 *   probe  the last piece of all, sooner than the timer (RFC 8985, tail loss probe)
 *
 * Wireshark draws the same distinctions by other thresholds; tests/cli/trace.py compares the sums.
 */
#include "explain/passive_parts.h"

#define LOG_FIRST 16
#define MSS_USUAL 1400 /* where the handshake is not in the capture */

/** at() - piece @i from the front */
static struct sent *at(struct sent_log *l, uint32_t i)
{
    return &l->r[l->head + i];
}

const struct sent *sent_front(const struct watched *w)
{
    return w->log.n ? &w->log.r[w->log.head] : NULL;
}

/** forget() - the first @n pieces go */
static void forget(struct sent_log *l, uint32_t n)
{
    l->head += n;
    l->n -= n;
    if (l->n == 0)
        l->head = 0;
}

void sent_free(struct passive *p, struct watched *w)
{
    mem_free(&p->mem, w->log.r, w->log.cap * sizeof *w->log.r);
    w->log = (struct sent_log){0};
}

/** room() - for one more piece at the end; without memory, or at the limit, the oldest one goes;
 * false: there is not even room for one */
static bool room(struct passive *p, struct sent_log *l)
{
    if (l->head + l->n < l->cap)
        return true;
    if (l->head > 0 && (l->n <= l->cap / 2 || l->cap >= SENT_LOG_MAX)) {
        memmove(l->r, l->r + l->head, l->n * sizeof *l->r);
        l->head = 0;
        return true;
    }
    uint32_t cap = l->cap ? l->cap * 2 : LOG_FIRST;
    struct sent *r = cap <= SENT_LOG_MAX ? mem_alloc(&p->mem, cap * sizeof *r) : NULL;
    if (r != NULL) {
        if (l->n)
            memcpy(r, l->r + l->head, l->n * sizeof *r);
        mem_free(&p->mem, l->r, l->cap * sizeof *r);
        *l = (struct sent_log){.r = r, .n = l->n, .cap = cap};
        return true;
    }
    if (l->n == 0)
        return false;
    uint32_t old = l->n < 4 ? 1 : l->n / 4; /* many at once, or each would cost a move of all */
    memmove(l->r, l->r + l->head + old, (l->n - old) * sizeof *l->r);
    l->head = 0;
    l->n -= old;
    return true;
}

/** append() - a piece at the end */
static void append(struct passive *p, struct watched *w, struct sent piece)
{
    if (!seq_eq(piece.a, piece.b) && room(p, &w->log))
        *at(&w->log, w->log.n++) = piece;
}

/** insert() - a piece before piece @i; false: no room */
static bool insert(struct passive *p, struct sent_log *l, uint32_t i, struct sent piece)
{
    uint32_t before = l->n;

    if (!room(p, l) || l->n != before)
        return false;
    memmove(at(l, i + 1), at(l, i), (l->n - i) * sizeof piece);
    *at(l, i) = piece;
    l->n++;
    return true;
}

/** first_after() - index of the first piece that ends after @x */
static uint32_t first_after(struct sent_log *l, seq_t x)
{
    uint32_t lo = 0, hi = l->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (seq_gt(at(l, mid)->b, x))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/** What is known of octets that pass again. */
struct past {
    bool seen, missing; /* some of it passed before; some of it did not */
    bool below;         /* some of it is older than the log */
    gn_time at;         /* when it was seen last */
    gn_time noticed;    /* when the oldest missing piece was noticed */
    uint32_t tsval, filled;
    uint16_t ident;
    uint8_t times;
    bool large;
};

/** look() - what the log says of [a, b) */
static struct past look(struct watched *w, seq_t a, seq_t b)
{
    struct past past = {.below = w->log.n == 0 || seq_lt(a, at(&w->log, 0)->a)};

    for (uint32_t i = first_after(&w->log, a); i < w->log.n; i++) {
        const struct sent *r = at(&w->log, i);
        if (!seq_lt(r->a, b))
            break;
        if (r->times == 0) {
            if (!past.missing)
                past.noticed = r->at;
            past.missing = true;
            past.tsval = r->tsval;
            past.filled += seq_span(seq_max(r->a, a), seq_min(r->b, b));
            continue;
        }
        past.seen = true;
        past.at = max_u64(past.at, r->at);
        past.ident = r->ident;
        past.times = r->times > past.times ? r->times : past.times;
        past.large |= r->text_large;
    }
    return past;
}

/** cut_piece() - a boundary at @x; true: there is one now */
static bool cut_piece(struct passive *p, struct sent_log *l, seq_t x)
{
    uint32_t i = first_after(l, x);

    if (i == l->n || seq_le(x, at(l, i)->a))
        return true;
    struct sent left = *at(l, i);
    left.b = x;
    if (!insert(p, l, i, left))
        return false;
    at(l, i + 1)->a = x;
    return true;
}

/** stamp() - [a, b) has passed once more; missing pieces are no longer */
static void stamp(struct passive *p, struct watched *w, seq_t a, seq_t b, const struct sighting *s)
{
    if (!cut_piece(p, &w->log, a) || !cut_piece(p, &w->log, b))
        return;
    for (uint32_t i = first_after(&w->log, a); i < w->log.n; i++) {
        struct sent *r = at(&w->log, i);
        if (!seq_lt(r->a, b))
            break;
        /* what was filled late is not measured: it counts as sent twice */
        r->times = (uint8_t)(r->times == 0 ? 2 : min_u32(r->times + 1u, UINT8_MAX));
        r->at = s->at;
        r->ident = s->ident;
    }
}

/** overtaken() - was what fills a gap sent before what showed it? */
static bool overtaken(const struct flow *f, const struct past *past, const struct sighting *s)
{
    if (s->seg.opt.has & OPT_TS && past->tsval != 0 && s->seg.opt.tsval != past->tsval)
        return seq_lt(seq(s->seg.opt.tsval), seq(past->tsval));
    gn_time whole = rtt_whole(f);
    return since(past->noticed, s->at) < max_u64(whole - whole / 4, REORDER_FLOOR);
}

/** is_copy() - the same packet once more, not the same octets sent again? */
static bool is_copy(const struct flow *f, const struct past *past, const struct sighting *s)
{
    if (!past->seen || past->missing)
        return false;
    if (s->ident != 0 && past->ident != 0)
        return s->ident == past->ident;
    gn_time whole = rtt_whole(f);
    return since(past->at, s->at) < (whole ? whole / 2 : GN_MSEC / 2);
}

/** asked_for() - do SACK blocks or duplicate ACKs of the receiver say that octets up to @b are
 * missing? */
static bool asked_for(const struct watched *receiver, seq_t b)
{
    return receiver->dup_acks >= 3 || (receiver->has_sack && seq_ge(receiver->sack_high, b));
}

/** why_again() - PASSIVE_RTO, _FAST or _TAIL_PROBE */
static uint32_t why_again(const struct flow *f, unsigned e, const struct past *past, seq_t b,
                          const struct sighting *s)
{
    const struct watched *w = &f->end[e], *receiver = &f->end[e ^ 1u];
    gn_time silent = since(receiver->last_at, s->at), whole = rtt_whole(f);
    gn_time half = f->conn.side[e].rtt.min; /* the ACK went on to the sender, and this came back */
    gn_time alone = past->seen ? since(past->at, s->at) : silent;
    bool asked = asked_for(receiver, b);

    silent = silent > half ? silent - half : 0;
    if (asked && silent < max_u64(whole / 2, 20 * GN_MSEC))
        return PASSIVE_FAST;
    if (!asked && w->episode == EPISODE_TIMEOUT && seq_le(b, w->recover))
        return PASSIVE_RTO;
    if (seq_eq(b, w->nxt) && past->times <= 1 && !(s->seg.ctl & (CTL_SYN | CTL_RST)) &&
        alone < RTO_FLOOR && w->episode != EPISODE_TIMEOUT)
        return PASSIVE_TAIL_PROBE;
    if (alone < RTO_FLOOR - RTO_FLOOR / 8 && w->episode == EPISODE_FAST)
        return PASSIVE_FAST;
    return PASSIVE_RTO;
}

/** count_again() - a retransmission, by its marks */
static void count_again(struct flow *f, unsigned e, uint32_t marks, const struct past *past)
{
    struct fact_side *fact = &f->conn.seen.side[e];
    struct passive_side *side = &f->conn.side[e];

    fact->retrans++;
    side->backoff++;
    fact->rto_retrans += !!(marks & PASSIVE_RTO);
    fact->fast_retrans += !!(marks & PASSIVE_FAST);
    fact->lost_before += !!(marks & PASSIVE_FILLS);
    side->tail_probes += !!(marks & PASSIVE_TAIL_PROBE);
    side->needless += !!(marks & PASSIVE_NEEDLESS);
    if (past->large && past->times >= 2) {
        fact->full_size_unacked++;
        f->end[e].large_at = f->end[e].large_at ? f->end[e].large_at : past->at;
    }
}

/** begin_episode() - of loss recovery, at the sender @w */
static void begin_episode(struct watched *w, uint32_t marks)
{
    enum episode kind = marks & PASSIVE_RTO    ? EPISODE_TIMEOUT
                        : marks & PASSIVE_FAST ? EPISODE_FAST
                                               : EPISODE_NONE;

    if (kind == EPISODE_NONE || (kind == w->episode && seq_le(w->una, w->recover)))
        return;
    if (kind == EPISODE_FAST && w->episode == EPISODE_TIMEOUT)
        return; /* SACK asks, but the timer began it */
    w->episode = kind;
    w->recover = w->nxt;
}

/** again() - octets [a, b), all below SND.NXT, pass; returns marks */
static uint32_t again(struct passive *p, struct flow *f, unsigned e, seq_t a, seq_t b,
                      const struct sighting *s)
{
    struct watched *w = &f->end[e];
    struct past past = look(w, a, b);
    uint32_t marks = 0;

    if (is_copy(f, &past, s)) {
        f->conn.side[e].duplicates++;
        return PASSIVE_DUPLICATE;
    }
    if (s->seg.text_len)
        f->conn.seen.side[e].bytes += past.filled;
    if (past.missing && overtaken(f, &past, s)) {
        f->conn.seen.side[e].out_of_order++;
        stamp(p, w, a, b, s);
        return PASSIVE_OUT_OF_ORDER;
    }
    marks = PASSIVE_RETRANS;
    if (past.missing)
        marks |= PASSIVE_FILLS;
    if (w->has_una && seq_le(b, w->una))
        marks |= PASSIVE_NEEDLESS;
    else
        marks |= why_again(f, e, &past, b, s);
    f->conn.side[e].bytes_again += min_u32(seq_span(a, b), s->seg.text_len);
    w->cut_up |= w->large_at && past.large && s->seg.text_len < f->conn.seen.side[e].largest;
    begin_episode(w, marks);
    count_again(f, e, marks, &past);
    stamp(p, w, a, b, s);
    return marks;
}

/** idle_probe() - nothing new, right below SND.NXT, everything acknowledged: keep-alive or window
 * probe; 0: it is neither */
static uint32_t idle_probe(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    const struct watched *receiver = &f->end[e ^ 1u];

    if (s->seg.ctl & (CTL_SYN | CTL_FIN | CTL_RST) || s->seg.text_len > 1 || !w->has_una)
        return 0;
    if (receiver->shut) {
        bool below = seq_eq(seq_add(s->seg.seq, 1), w->una);
        bool beyond = s->seg.text_len == 1 && seq_eq(s->seg.seq, w->una);
        if (!below && !beyond)
            return 0;
        f->conn.side[e].window_probes++;
        return PASSIVE_WINDOW_PROBE;
    }
    if (!seq_eq(w->una, w->nxt) || !seq_eq(seq_add(s->seg.seq, 1), w->nxt))
        return 0;
    f->conn.seen.side[e].keepalives++;
    w->probes++;
    return PASSIVE_KEEPALIVE;
}

/** fills_window() - does what end @e has sent reach the end of the other's window? A segment less
 * is full as well: senders avoid smaller ones. Without the handshake the window's scale is not
 * known */
static uint32_t fills_window(struct flow *f, unsigned e)
{
    const struct watched *w = &f->end[e];
    struct fact_side *fact = &f->conn.seen.side[e];
    int32_t room = seq_diff(seq_add(w->una, f->end[e ^ 1u].wnd), w->nxt);

    if (f->conn.seen.from_start && room >= 0 && (uint32_t)room < fact->largest)
        fact->windows_full++;
    return room == 0 ? PASSIVE_WINDOW_FULL : 0;
}

/** new_text() - octets [a, b) from SND.NXT on, perhaps beyond; returns marks */
static uint32_t new_text(struct passive *p, struct flow *f, unsigned e, seq_t a, seq_t b,
                         const struct sighting *s)
{
    struct watched *w = &f->end[e];
    struct fact_side *fact = &f->conn.seen.side[e];
    uint32_t marks = 0;

    if (seq_gt(a, w->nxt)) {
        append(p, w,
               (struct sent){.a = w->nxt,
                             .b = a,
                             .at = s->at,
                             .tsval = s->seg.opt.has & OPT_TS ? s->seg.opt.tsval : 0});
        marks |= PASSIVE_GAP;
    }
    append(p, w,
           (struct sent){.a = a,
                         .b = b,
                         .at = s->at,
                         .ident = s->ident,
                         .times = 1,
                         .text_large = s->seg.text_len > 500 && s->seg.text_len >= fact->largest});
    w->nxt = b;
    if (s->seg.text_len && w->has_una && f->end[e ^ 1u].wnd_known)
        marks |= fills_window(f, e);
    return marks;
}

/** stalls() - a sender waits with its next text for the late ACK of a lone small segment */
static uint32_t stalls(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    uint32_t marks = 0;
    gn_time near = f->conn.side[e].rtt.min + 3 * GN_MSEC;

    if (w->late_ack_at != 0 && since(w->late_ack_at, s->at) <= near) {
        f->conn.seen.side[e].nagle_stalls++;
        marks = PASSIVE_STALL;
    }
    w->late_ack_at = 0;
    bool lone = w->has_una && seq_eq(w->una, s->seg.seq);
    uint32_t full = f->conn.side[e].mss ? f->conn.side[e].mss : MSS_USUAL;
    w->small_at = lone && s->seg.text_len < full / 2 ? s->at : 0;
    return marks;
}

uint32_t sent_text(struct passive *p, struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    struct fact_side *fact = &f->conn.seen.side[e];
    seq_t a = s->seg.seq, b = seq_add(a, seg_len(&s->seg));
    uint32_t marks = 0;

    if (s->seg.ctl & CTL_RST) /* whatever it carries is no text */
        return 0;
    if (s->seg.ctl & CTL_SYN && s->seg.ctl & CTL_ACK && w->has_iss && !w->syn_had_ack)
        return 0; /* the SYN was sent already, now it acknowledges the other's (simultaneous open)
                   */
    if (!w->has_nxt) {
        w->nxt = a;
        w->has_nxt = true;
    }
    if (s->seg.text_len) {
        fact->data_segs++;
        fact->largest = max_u32(fact->largest, s->seg.text_len);
    }
    marks = idle_probe(f, e, s);
    if (marks & PASSIVE_KEEPALIVE || (marks && seq_lt(a, w->nxt)) || seq_eq(a, b)) {
        if (seq_eq(a, b) && seq_gt(a, w->nxt)) { /* a bare ACK shows what was missed before it */
            marks |= new_text(p, f, e, a, a, s);
        }
        return marks;
    }
    if (seq_lt(a, w->nxt))
        marks |= again(p, f, e, a, seq_min(b, w->nxt), s);
    if (seq_gt(b, w->nxt)) {
        seq_t from = seq_max(a, w->nxt);
        if (s->seg.text_len) {
            if (!(marks & PASSIVE_RETRANS))
                marks |= stalls(f, e, s);
            fact->bytes += min_u32(seq_span(from, b), s->seg.text_len);
        }
        marks |= new_text(p, f, e, from, b, s);
    }
    w->last_text_at = s->at;
    w->last_text = s->packet;
    return marks;
}

/** d_sack() - does the first block report what came twice (RFC 2883)? */
static bool d_sack(const struct sighting *s)
{
    const struct tcpopt *o = &s->seg.opt;

    if (!(o->has & OPT_SACK) || o->n_sack == 0)
        return false;
    if (seq_lt(o->sack[0].l, s->seg.ack))
        return true;
    return o->n_sack > 1 && seq_ge(o->sack[0].l, o->sack[1].l) &&
           seq_le(o->sack[0].r, o->sack[1].r);
}

/** take_sack() - the highest octet that end @e says to have */
static uint32_t take_sack(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];

    for (unsigned i = d_sack(s); i < s->seg.opt.n_sack; i++) {
        seq_t r = s->seg.opt.sack[i].r;
        if (seq_gt(r, s->seg.ack) && (!w->has_sack || seq_gt(r, w->sack_high))) {
            w->sack_high = r;
            w->has_sack = true;
        }
    }
    if (!d_sack(s))
        return 0;
    f->conn.side[e].d_sacks++;
    return PASSIVE_D_SACK;
}

/** shorten() - everything of @w before @ack has arrived at end @e; marks */
static uint32_t shorten(struct flow *f, struct watched *w, unsigned e, seq_t ack, gn_time now)
{
    uint32_t n = 0, unseen = 0;
    bool measured = false;
    gn_time sample = 0;
    struct sent *r = NULL;

    for (; n < w->log.n && seq_le((r = at(&w->log, n))->b, ack); n++) {
        unseen += r->times == 0;
        measured = r->times == 1;
        sample = r->at;
    }
    if (n < w->log.n && seq_lt(at(&w->log, n)->a, ack)) {
        w->black_hole |= w->large_at != 0; /* a part of it passed */
        at(&w->log, n)->a = ack;
        unseen += at(&w->log, n)->times == 0;
    }
    forget(&w->log, n);
    if (measured)
        rtt_add(&f->conn.side[e].rtt, since(sample, now));
    f->conn.side[e ^ 1u].not_captured += unseen;
    return unseen ? PASSIVE_ACKS_UNSEEN : 0;
}

/** progress() - the ACK of end @e is a new one; marks */
static uint32_t progress(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e ^ 1u], *receiver = &f->end[e];
    gn_time late = DELACK_FLOOR + f->conn.side[e].rtt.min;
    uint32_t marks = shorten(f, w, e, s->seg.ack, s->at);

    w->una = s->seg.ack;
    w->has_una = true;
    w->black_hole |= w->cut_up;
    w->cut_up = false;
    w->large_at = 0;
    receiver->dup_acks = 0;
    f->conn.side[e ^ 1u].backoff = 0;
    if (w->episode != EPISODE_NONE && seq_ge(w->una, w->recover))
        w->episode = EPISODE_NONE;
    if (receiver->has_sack && seq_ge(w->una, receiver->sack_high))
        receiver->has_sack = false;
    if (w->small_at && seg_len(&s->seg) == 0 && seq_eq(w->una, w->nxt) &&
        since(w->small_at, s->at) >= late)
        w->late_ack_at = s->at;
    w->small_at = 0;
    return marks;
}

/** is_dup_ack() - RFC 5681: nothing but an ACK that says what the one before said, while text is
 * under way */
static bool is_dup_ack(const struct flow *f, unsigned e, const struct sighting *s)
{
    const struct watched *w = &f->end[e ^ 1u], *receiver = &f->end[e];

    return w->has_una && seq_eq(s->seg.ack, w->una) && seq_gt(w->nxt, w->una) &&
           seg_len(&s->seg) == 0 && receiver->has_acked && receiver->wnd_known &&
           s->seg.wnd == receiver->wnd_field && s->seg.wnd != 0;
}

void sent_was_shut(struct flow *f, unsigned e, gn_time until)
{
    struct fact_side *fact = &f->conn.seen.side[e];
    gn_time span = since(f->end[e].shut_at, until);

    fact->zero_window_time += span;
    fact->zero_window_longest = max_u64(fact->zero_window_longest, span);
}

/** take_window() - what end @e announces; marks */
static uint32_t take_window(struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e];
    const struct passive_side *side = &f->conn.side[e], *other = &f->conn.side[e ^ 1u];
    bool scaled = side->has_wscale && other->has_wscale && !(s->seg.ctl & CTL_SYN);
    struct fact_side *fact = &f->conn.seen.side[e];
    uint32_t marks = 0;

    w->wnd = (uint32_t)s->seg.wnd << (scaled ? side->wscale : 0);
    w->wnd_field = s->seg.wnd;
    w->wnd_known = true;
    f->conn.side[e].max_wnd = max_u32(side->max_wnd, w->wnd);
    if (s->seg.wnd == 0) {
        fact->zero_windows++;
        marks = PASSIVE_ZERO_WINDOW;
        if (!w->shut)
            w->shut_at = s->at;
    } else if (w->shut) {
        sent_was_shut(f, e, s->at);
        marks = PASSIVE_WINDOW_UPDATE;
    }
    w->shut = s->seg.wnd == 0;
    return marks;
}

uint32_t sent_acked(struct passive *p, struct flow *f, unsigned e, const struct sighting *s)
{
    struct watched *w = &f->end[e ^ 1u], *receiver = &f->end[e];
    uint32_t marks = 0;

    if (s->seg.ctl & CTL_ACK && !(s->seg.ctl & CTL_RST)) {
        seq_t ack = s->seg.ack;
        if (!w->has_nxt) {
            w->nxt = w->una = ack;
            w->has_nxt = w->has_una = true;
        }
        if (seq_gt(ack, w->nxt)) { /* it was sent, and did not come by here */
            if (f->conn.side[e ^ 1u].heard)
                append(p, w, (struct sent){.a = w->nxt, .b = ack, .at = s->at});
            w->nxt = ack;
        }
        if (!w->has_una || seq_gt(ack, w->una)) {
            marks |= progress(f, e, s);
        } else if (is_dup_ack(f, e, s)) {
            receiver->dup_acks++;
            f->conn.seen.side[e].dup_acks++;
            marks |= PASSIVE_DUP_ACK;
        }
        w->black_hole |= w->large_at != 0 && seq_eq(ack, w->una);
        marks |= take_sack(f, e, s);
        if (w->probes && seg_len(&s->seg) == 0 && seq_eq(ack, w->nxt)) {
            marks |= PASSIVE_KEEPALIVE_ACK;
            marks &= ~(uint32_t)PASSIVE_DUP_ACK;
        }
        w->probes = 0;
        receiver->acked = receiver->has_acked ? seq_max(receiver->acked, ack) : ack;
        receiver->has_acked = true;
    }
    if (!(s->seg.ctl & CTL_RST))
        marks |= take_window(f, e, s);
    return marks;
}
