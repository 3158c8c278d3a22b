/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file output.c  The only place where a block's segments are made (RFC 9293
 * sec. 3.8, 3.7.4, 3.8.6.2.1).
 *
 * One segment a call, in this order: our SYN or SYN,ACK; what recovery says is lost; new text and
 * FIN; a tail loss probe; a window or keep-alive probe; a bare ACK. Whatever leaves with the ACK
 * bit pays the ACK that is owed.
 */
#include "tcp/internal.h"

/* common to all: addresses and ports, which never change (MUST-45), ACK, Diffserv. Neither text nor
 * options: what these do not have of @s nobody looks at */
static void begin(const struct tcb *t, struct seg *s, seq_t at, uint16_t ctl)
{
    s->key = t->key;
    s->seq = at;
    s->ack = ctl & CTL_ACK ? t->rcv.nxt : seq(0);
    s->ctl = ctl;
    s->wnd = s->up = 0;
    s->ecn = 0;
    s->ttl = t->opts.ttl;
    s->tos = t->opts.tos;
    s->n_text = 0;
    s->gso_size = 0;
    s->text_len = 0;
    s->fragment = pmtu_fragment(&t->opts);
    s->opt.has = s->opt.n_sack = s->opt.tfo_len = s->opt.n_acc = 0;
}

/* a segment with the ACK bit is leaving: the ACK that was owed is paid; @tick: tcp_ts_clock() */
static void ack_sent(struct tcb *t, const struct tcp_env *e, uint32_t tick)
{
    if (deadline_due(t->delack_at, e->now))
        e->stats->DelayedACKs++;
    if (t->quick > 0 && !seq_eq(t->rcv.acked, t->rcv.nxt))
        t->quick--;
    t->ack_now = false;
    t->delack_at = deadline_none();
    t->rcv.acked = t->rcv.nxt;
    rcvbuf_on_ack_sent(t, e, tick);
}

/* a segment is leaving */
static void left(struct tcb *t, const struct tcp_env *e, uint32_t tick)
{
    t->last_out = e->now;
    t->last_tick = tick;
    t->segs_out++;
    e->stats->OutSegs++;
}

/* last touch of any segment: the window, then all that was owed is paid, if it has the ACK bit */
static void finish(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    uint32_t tick = tcp_ts_clock(e->now);

    s->wnd = window_announce(t, e, (s->ctl & CTL_SYN) != 0);
    if (s->ctl & CTL_ACK) {
        ack_sent(t, e, tick);
        t->synack_again = false;
        t->dsack.b = t->dsack.a; /* reported once (CC-2883-1) */
    }
    left(t, e, tick);
}

/* what leaves has left before: OutSegs is without it (RFC 4022) */
static void sent_before(const struct tcp_env *e, uint64_t *counter)
{
    ++*counter;
    e->stats->OutSegs--;
}

/* the same with what any other than a SYN may need: ECN echo, urgent pointer, being several */
static void finish_any(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    if (s->ctl & CTL_URG) /* MUST-62; far ahead: as far as 16 bits reach */
        s->up = (uint16_t)min_u32(seq_span(s->seq, t->snd.up) - (e->conf->tcp_stdurg ? 1u : 0u),
                                  UINT16_MAX);
    if (t->acc.on)
        accecn_stamp(t, e, s);
    else if (t->ecn_ok && t->ecn_echo)
        s->ctl |= CTL_ECE; /* CC-3168-3 */
    t->segs_out += seg_on_wire(s) - 1;
    e->stats->OutSegs += seg_on_wire(s) - 1;
    finish(t, e, s);
}

/* what our SYN, or SYN,@ack, says of ECN */
static uint16_t syn_ecn_flags(struct tcb *t, const struct tcp_env *e, bool ack)
{
    if (t->acc.on)
        return ack ? accecn_answer(t->acc.syn_ecn) : accecn_syn_flags(t, e);
    if (!t->ecn_ok)
        return 0;
    if (ack)
        return CTL_ECE;
    if (t->rec.backoff == 0 || !e->conf->tcp_ecn_fallback)
        return CTL_ECE | CTL_CWR;
    t->acc.no_ect = true; /* CC-3168-6: not when it is sent again; then no ECT, either (6.1.1) */
    return 0;
}

/* our SYN, or SYN,ACK when the peer's SYN has come first */
static void make_syn(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    bool ack = t->state != GN_SYN_SENT, first = seq_eq(t->snd.nxt, t->snd.iss);
    uint32_t text = 0;

    begin(t, s, t->snd.iss, (uint16_t)(CTL_SYN | (ack ? CTL_ACK : 0)));
    options_syn(t, e, s);
    if (!ack && first)
        text = fastopen_syn(t, e, s);
    if (t->cookie_due)
        fastopen_cookie(e, &t->key, &s->opt);
    s->ctl |= syn_ecn_flags(t, e, ack);
    if (ack && t->acc.on && first)
        accecn_option_syn(e, &s->opt);
    if (!first)
        sent_before(e, &e->stats->TCPSynRetrans);
    recovery_on_sent(&t->rec, &e->rec, t->snd.iss, 1, true);
    if (text > 0) /* a record of its own: the SYN may be acknowledged alone, and tell of the RTT */
        recovery_on_sent(&t->rec, &e->rec, seq_add(t->snd.iss, 1), text, true);
    t->snd.nxt = t->rec.nxt;
    finish(t, e, s);
}

/* is our SYN still to be sent, or to be sent again? */
static bool syn_due(const struct tcb *t, uint32_t *ret_lost_len)
{
    seq_t at;

    if (t->state == GN_SYN_SENT && syn_unsent(t))
        return !t->syn_waits;
    if (!syn_unacked(t))
        return false;
    return t->synack_again ||
           (recovery_next_lost(&t->rec, 1, &at, ret_lost_len) && seq_eq(at, t->snd.iss));
}

/**
 * fill() - text [at, at + len) and, if the range covers it, the FIN
 * @len: sequence numbers, the FIN's octet included
 */
static void fill(struct tcb *t, const struct tcp_env *e, struct seg *s, seq_t at, uint32_t len)
{
    uint32_t off = seq_span(sndbuf_base(t), at);
    uint32_t text = min_u32(len, t->sndbuf.len - off);

    if (text < len) {
        s->ctl |= CTL_FIN;
        ASSERT(t->fin_queued && text + 1 == len);
    }
    s->text_len = text;
    s->n_text = (uint8_t)ring_span(&t->sndbuf, off, text, s->text);
    if (off + text == t->sndbuf.len && text > 0)
        s->ctl |= CTL_PSH; /* MUST-61, SHLD-27 */
    if (t->urg_snd && seq_lt(at, t->snd.up))
        s->ctl |= CTL_URG;
    (void)e;
}

/* text octets that fit one segment with the options that @s has now */
static uint32_t segment_room(const struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    uint32_t opts = tcp_header_len(s) - TCP_HEADER_MIN;
    uint32_t ts = t->ts_ok ? 12 : 0;

    (void)e;
    return t->rec.mss + ts - opts; /* rec.mss is tcp_mss(): timestamps are counted already */
}

/* one segment of what was sent before: what lies beyond a shrunk window stays, but for the head
 * (MAY-7, SHLD-15, SHLD-16) */
static bool send_again(struct tcb *t, const struct tcp_env *e, struct seg *s, seq_t at,
                       uint32_t len)
{
    if (!seq_eq(at, t->snd.una) && seq_gt(seq_add(at, len), seq_add(t->snd.una, t->snd.wnd)))
        return false;
    s->seq = at;
    fill(t, e, s, at, len);
    recovery_on_sent(&t->rec, &e->rec, at, len, false);
    sent_before(e, &e->stats->RetransSegs);
    t->bytes_retrans += s->text_len;
    finish_any(t, e, s);
    return true;
}

/* what recovery marked lost: the lowest run, one segment. It leaves whole or not at all
 * (CC-6675-7) */
static bool make_retransmission(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    seq_t at;
    uint32_t len;

    if (!t->rec.sent.resend) /* nearly always */
        return false;
    begin(t, s, t->snd.una, CTL_ACK);
    options_other(t, e, s, false);
    return recovery_next_lost(&t->rec, segment_room(t, e, s), &at, &len) &&
           recovery_room(&t->rec) >= len && send_again(t, e, s, at, len);
}

/* the last resorts of RFC 6675, when nothing is known to be lost and nothing new may leave */
static bool make_rescue(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    seq_t at;
    uint32_t len;

    if (!t->rec.rescue)
        return false;
    begin(t, s, t->snd.una, CTL_ACK);
    options_other(t, e, s, false);
    return recovery_next_rescue(&t->rec, segment_room(t, e, s), &at, &len) &&
           send_again(t, e, s, at, len);
}

/**
 * nagle_allows() - may a segment shorter than a full one go? (SHLD-7, MUST-17, MUST-38); our SYN,
 * if it is not acknowledged yet (Fast Open), is no text that would have to be
 * @all: it empties the send buffer
 * @first: no full segment goes before it in this call, which would be in flight, and would have
 * used up the leave to send what is short
 */
static bool nagle_allows(const struct tcb *t, uint32_t len, bool all, bool first)
{
    if (t->fin_queued && all)
        return true;
    if ((t->sws_expired && first) || len >= t->snd.max_wnd / 2)
        return true;
    if (t->opts.cork || t->more)
        return false;
    return all && (t->opts.nodelay || (first && seq_eq(sndbuf_base(t), t->snd.nxt)) || t->urg_snd);
}

bool output_has_news(const struct tcb *t)
{
    uint32_t unsent = sndbuf_unsent(t), len = min_u32(unsent, window_usable(t));

    return len >= t->rec.mss || (len > 0 && nagle_allows(t, len, len == unsent, false));
}

/**
 * segments_at_once() - how many segments one super-segment may stand for
 * @room: text octets that fit one segment with the options of @s
 *
 * What must differ between them forbids more than one: each has its own distance to the urgent
 * octet, options other than timestamps and CWR (CC-3168-4) are for one, and a loss probe is one.
 * Without Don't Fragment each has an identification of its own (RFC 6864 4.2).
 */
static uint32_t segments_at_once(const struct tcb *t, const struct tcp_env *e, const struct seg *s,
                                 uint32_t room)
{
    if ((t->urg_snd && seq_lt(t->snd.nxt, t->snd.up)) || (s->opt.has & (uint8_t)~OPT_TS) ||
        (t->ecn_ok && t->ecn_cwr) || t->rec.probe_due || s->fragment)
        return 1;
    return max_u32(min_u32(e->segs_max, (65535 - 256) / room), 1);
}

/* held back by silly-window avoidance, cork or Nagle: not for ever (TO-14, TO-15, MUST-60) */
static void hold_back(struct tcb *t, const struct tcp_env *e)
{
    if ((t->opts.cork || t->more || seq_eq(t->snd.una, t->snd.nxt)) && !deadline_armed(t->sws_at))
        t->sws_at = deadline_at(e->now + e->conf->tcp_sws_override);
}

/**
 * new_text() - how much new text may go now, in one segment or one super-segment; full segments
 * wherever there is enough of it (SHLD-28), whatever SENDs it came by (MAY-16)
 * @unsent: octets that wait, at least one
 * @room: text octets that fit one segment
 * @most: segments at once. What goes is the same for any: as if one after the other
 */
static uint32_t new_text(struct tcb *t, const struct tcp_env *e, uint32_t unsent, uint32_t room,
                         uint32_t most)
{
    uint32_t cc = recovery_room_for(&t->rec, room), wnd = window_usable(t);
    uint32_t len = min_u32(unsent, min_u32(cc, wnd));

    len = min_u32(len, most * room);
    if (len > room && (len < unsent || !nagle_allows(t, len % room, true, false)))
        len -= len % room; /* whole segments; the rest waits for company */
    if (len >= room)
        return len;
    if (cc < min_u32(min_u32(unsent, room),
                     wnd)) /* the congestion window has room for less: it will open */
        return 0;
    if (len > 0 && nagle_allows(t, len, len == unsent, true))
        return len;
    if (len > 0)
        hold_back(t, e);
    return 0;
}

/* may our FIN, which has not left yet, go right behind @len of @unsent octets of new text? It needs
 * an octet of window (SG-29) */
static bool fin_due(const struct tcb *t, uint32_t len, uint32_t unsent)
{
    return t->fin_queued && t->state != GN_SYN_RECEIVED && len == unsent && window_usable(t) > len;
}

/* what a segment with @len octets of new text says besides; @room: text octets of each, if it
 * stands for several */
static void mark_text(struct tcb *t, const struct tcp_env *e, struct seg *s, uint32_t len,
                      uint32_t room)
{
    if (len > room) {
        s->gso_size = (uint16_t)room;
        if (e->segs_max == UINT16_MAX) /* a device cuts: as on Linux, a burst ends here, and who
                                          collects segments may hand them up */
            s->ctl |= CTL_PSH;
    }
    t->interactive |= t->text_at != 0 && e->now - t->text_at < e->conf->tcp_delack;
    if ((t->ecn_ok || t->acc.on) && !t->acc.no_ect)
        s->ecn = 2; /* ECT(0) on new text only (SHLD-8, CC-3168-2) */
    if (t->ecn_ok) {
        s->ctl |= t->ecn_cwr ? CTL_CWR : 0;
        t->ecn_cwr = false; /* CC-3168-4 */
    }
}

/* new text, FIN. Without memory for records of all that may go it is one segment, for which the log
 * has room by itself when nothing is in flight: who may send is never at a standstill (INV-04) */
static bool make_new(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    uint32_t unsent, len = 0, room, n, probe;
    bool fin;

    if ((syn_unacked(t) && !t->fast_child) || t->fin_sent)
        return false;
    unsent = sndbuf_unsent(t);
    if (unsent == 0 && !t->fin_queued)
        return false;
    if (t->rec.last_sent != 0 && seq_eq(t->snd.una, t->snd.nxt))
        recovery_on_idle_restart(&t->rec, &e->rec);
    begin(t, s, t->snd.nxt, CTL_ACK);
    options_other(t, e, s, false);
    probe = t->search.high != 0 ? pmtu_probe(t, e, s) : 0;
    room = probe != 0 ? probe : segment_room(t, e, s);
    if (unsent > 0)
        len = new_text(t, e, unsent, room,
                       probe != 0 || unsent <= room ? 1 : segments_at_once(t, e, s, room));
    fin = fin_due(t, len, unsent);
    n = len + fin;
    if (n == 0)
        return false;
    if (!recovery_reserve(&t->rec, &e->rec, n < t->rec.mss ? 1 : n / t->rec.mss + 1)) {
        probe = 0;
        len = min_u32(len, min_u32(room, t->rec.mss));
        fin = len < t->rec.mss && fin_due(t, len, unsent);
        n = len + fin;
        if (!recovery_reserve(&t->rec, &e->rec, 1)) /* an ACK or a timeout comes back to it */
            return false;
    }
    if (probe != 0)
        pmtu_probe_sent(t, e, len);
    t->fin_sent = fin;
    fill(t, e, s, t->snd.nxt, n);
    if (len > 0)
        mark_text(t, e, s, len, room);
    recovery_on_sent(&t->rec, &e->rec, t->snd.nxt, n,
                     fin || t->sndbuf.len == seq_span(sndbuf_base(t), t->snd.nxt) + len);
    t->snd.nxt = t->rec.nxt;
    t->bytes_sent += len;
    e->stats->OutOctets += len;
    sndbuf_tell(t, e); /* less is unsent now */
    t->sws_expired = false;
    t->sws_at = deadline_none();
    finish_any(t, e, s);
    return true;
}

/* the last segment again, to find out about a lost tail (RFC 8985 7) */
static bool make_loss_probe(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    seq_t at;
    uint32_t len;

    if (!t->rec.probe_due || !recovery_next_probe(&t->rec, &at, &len) || syn_unacked(t))
        return false;
    begin(t, s, at, CTL_ACK);
    options_other(t, e, s, false);
    fill(t, e, s, at, min_u32(len, segment_room(t, e, s)));
    recovery_on_sent(&t->rec, &e->rec, at, s->text_len + !!(s->ctl & CTL_FIN), true);
    e->stats->TCPLossProbes++;
    sent_before(e, &e->stats->RetransSegs);
    t->bytes_retrans += s->text_len;
    finish_any(t, e, s);
    return true;
}

/* an empty segment; @at is SND.NXT, or an old octet so that the peer has to answer (SHLD-12, TO-07)
 */
static void make_empty(struct tcb *t, const struct tcp_env *e, struct seg *s, seq_t at,
                       uint16_t ctl)
{
    begin(t, s, at, ctl);
    options_other(t, e, s, true);
    finish_any(t, e, s);
}

/* the first ACK of a client tells how the SYN,ACK came; only a bare one without SACK blocks can, so
 * it goes before any text (RFC 9768 3.2.2.1) */
static void make_third_ack(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    begin(t, s, t->snd.nxt, CTL_ACK);
    options_other(t, e, s, true);
    s->opt.has &= (uint8_t)~OPT_SACK;
    finish_any(t, e, s);
}

/* the probes and the bare ACK */
static bool make_bare(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    if (t->wprobe_due || t->keepalive_due) {
        e->stats->TCPZeroWindowProbes += t->wprobe_due;
        e->stats->TCPKeepAlive += t->keepalive_due;
        t->wprobe_due = t->keepalive_due = false;
        make_empty(t, e, s, seq_sub(t->snd.una, 1), CTL_ACK);
        return true;
    }
    if (t->urg_due) { /* urgent data behind a closed window: the peer must hear of it (MUST-66) */
        t->urg_due = false;
        make_empty(t, e, s, t->snd.nxt, CTL_ACK | CTL_URG);
        return true;
    }
    if (t->ack_now) {
        make_empty(t, e, s, t->snd.nxt, CTL_ACK);
        return true;
    }
    return false;
}

/* may_leave() - text [at, at + len) and @fin, which are all that waits, in one segment, now, if
 * nothing stands in the way. They are logged then */
static inline bool may_leave(struct tcb *t, const struct tcp_env *e, uint32_t at, uint32_t len,
                             bool fin)
{
    uint32_t n = len + fin;

    if (n > t->rec.mss || n > window_usable(t) || t->search.high != 0)
        return false;
    if (!fin && (t->opts.cork || (at > 0 && !t->opts.nodelay)))
        return false;
    return recovery_send_plain(&t->rec, &e->rec, n);
}

/* put_small() - text [at, at + len) and @fin leave in @s */
static inline void put_small(struct tcb *t, const struct tcp_env *e, struct seg *s, uint32_t at,
                             uint32_t len, bool fin)
{
    if (len > 0) {
        s->ctl |= CTL_PSH;
        s->text_len = len;
        s->n_text = (uint8_t)ring_span(&t->sndbuf, at, len, s->text);
        s->ecn = t->ecn_ok && !t->acc.no_ect ? 2 : 0;
        t->interactive |= t->text_at != 0 && e->now - t->text_at < e->conf->tcp_delack;
        t->bytes_sent += len;
        e->stats->OutOctets += len;
    }
    if (fin) {
        s->ctl |= CTL_FIN;
        t->fin_sent = true;
    }
    t->snd.nxt = t->rec.nxt;
    sndbuf_tell(t, e);
    t->sws_at = deadline_none();
}

bool tcp_output_last(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    uint32_t at = seq_span(t->snd.una, t->snd.nxt), len = t->sndbuf.len - at, tick;
    bool fin = t->fin_queued, bare = fin ? t->fin_sent : len == 0;
    uint16_t wnd;

    if ((t->unusual | t->ooo.n | (t->dsack.a.raw ^ t->dsack.b.raw)) != 0 || t->acc.on ||
        t->state == GN_CLOSED)
        return false;
    DASSERT((tcb_check(t), true));
    if (bare ? !t->ack_now || t->rec.unusual || t->rec.sent.resend : !may_leave(t, e, at, len, fin))
        return false;
    wnd = window_announce(t, e, false);
    tick = tcp_ts_clock(e->now);
    begin(t, s, t->snd.nxt, CTL_ACK);
    options_ts(t, s, tick);
    s->wnd = wnd;
    if (!bare)
        put_small(t, e, s, at, len, fin);
    ack_sent(t, e, tick);
    left(t, e, tick);
    DASSERT((tcb_check(t), true));
    return true;
}

/* not inlined: it is seldom called */
__attribute__((noinline)) bool tcp_wants_any(const struct tcb *t)
{
    seq_t at;
    uint32_t len;

    if (t->synack_again || t->wprobe_due || t->keepalive_due || t->urg_due || t->rec.probe_due ||
        t->rec.rescue)
        return true;
    if (t->state == GN_SYN_SENT)
        return (syn_unsent(t) && !t->syn_waits) || recovery_next_lost(&t->rec, 1, &at, &len);
    if (sndbuf_unsent(t) > 0 || (t->fin_queued && !t->fin_sent))
        return true;
    return recovery_next_lost(&t->rec, 1, &at, &len);
}

bool output_any(struct tcb *t, const struct tcp_env *e, struct seg *s)
{
    uint32_t len;

    if (syn_due(t, &len)) {
        make_syn(t, e, s);
        return true;
    }
    if (t->state == GN_SYN_SENT)
        return false;
    if (t->acc.third_ack && t->ack_now) {
        make_third_ack(t, e, s);
        return true;
    }
    return make_retransmission(t, e, s) || make_new(t, e, s) || make_rescue(t, e, s) ||
           make_loss_probe(t, e, s) || make_bare(t, e, s);
}

bool tcp_output_any(struct tcb *t, const struct tcp_env *e, struct seg *ret)
{
    bool sent;

    if (t->state == GN_CLOSED || t->state == GN_LISTEN)
        return false;
    DASSERT((tcb_check(t), true));
    sent = output_any(t, e, ret);
    timeouts_persist(t, e);
    DASSERT((tcb_check(t), true));
    return sent;
}
