/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rest.c  Connections at rest.
 */
#include "tcp/rest.h"

#include "tcp/internal.h"

/* an ACK that nobody has answered for so long says nothing of the path */
#define MARK_LIFE (1800 * GN_SEC)

/** rest_us() - a point in time in 32 bits, in units of 1.02 us: known for 73 minutes */
static inline uint32_t rest_us(gn_time t)
{
    return (uint32_t)(t >> 10);
}

/** rest_us_back() - the latest point in time that it can mean @now */
static inline gn_time rest_us_back(uint32_t us, gn_time now)
{
    gn_time age = (uint32_t)((now >> 10) - us);

    return now >> 10 > age ? ((now >> 10) - age) << 10 : 0;
}

/** busy() - is something owed, expected, or half done? */
static inline bool busy(const struct tcb *t)
{
    return t->ack_now || t->synack_again || t->keepalive_due || t->wprobe_due || t->sws_expired ||
           t->doubt_path || t->want_write || t->fast_child || t->cookie_due || t->syn_waits ||
           t->fast_failed || t->urg_snd || t->urg_due || t->urg_rcv || t->ecn_echo || t->ecn_cwr ||
           t->probes || t->ooo_fin || t->shut_rd || t->orphan || !t->accepted;
}

/** waits() - is any timer armed but keep-alive's? Those of recovery are its own affair */
static inline bool waits(const struct tcb *t)
{
    return (t->delack_at.raw | t->persist_at.raw | t->sws_at.raw | t->user_at.raw |
            t->state_at.raw | t->pmtu_at.raw) != 0;
}

/** rare() - does it know what few ever know? */
static inline bool rare(const struct tcb *t, const struct tcp_env *e)
{
    return t->acc.on || (t->ecn_ok && t->acc.no_ect) || t->path_mtu || t->search.high ||
           t->search.size || t->error || t->soft_error || t->n_past > REST_PAST ||
           (t->invalid_at && e->now - t->invalid_at < e->conf->tcp_invalid_ratelimit) ||
           t->bytes_acked != t->bytes_sent || !seq_eq(t->snd.wl2, t->snd.una) ||
           !seq_eq(t->rcv.edge, t->rcv.max_edge) ||
           ((t->bytes_retrans | t->drs.octets | t->drs.space | t->drs.rtt) >> 32) ||
           ((t->segs_in | t->segs_out | t->bytes_sent | t->bytes_received) >> 48);
}

bool tcp_may_rest(const struct tcb *t, const struct tcp_env *e)
{
    return t->state == GN_ESTABLISHED && tcp_quiet(t) && !t->ooo.r &&
           seq_eq(t->dsack.a, t->dsack.b) && !busy(t) && !waits(t) && !rare(t, e) &&
           recovery_may_rest(&t->rec, e->now);
}

/** log2_of() - of a power of two, 0 for 0 */
static inline uint8_t log2_of(uint32_t x)
{
    return x ? (uint8_t)__builtin_ctz(x) : 0;
}

void tcp_rest(const struct tcb *t, struct tcb_rest *ret)
{
    struct tcb_rest k = {
        /* not in place: what is there may be far away. In the order of the struct, or bits are put
         * into words that have been stored, which waits for the store */
        .last_in = t->last_in,
        .last_out = t->last_out,
        .text_at = t->text_at,
        .segs_in = t->segs_in & 0xffffffffffff,
        .send_mss = t->send_mss,
        .segs_out = t->segs_out & 0xffffffffffff,
        .rcv_mss_guess = t->rcv_mss_guess,
        .bytes_received = t->bytes_received & 0xffffffffffff,
        .quick = t->quick,
        .iface = t->iface,
        .bytes_sent = t->bytes_sent & 0xffffffffffff,
        .snd_usual = log2_of(t->sndbuf.usual) & 31u,
        .rcv_usual = log2_of(t->rcvbuf.usual) & 31u,
        .n_past = t->n_past & 3u,
        .snd_wscale = t->snd.wscale & 15u,
        .created_us = t->created / GN_USEC & 0xffffffffffff,
        .rcv_wscale = t->rcv.wscale & 15u,
        .passive = t->passive,
        .ts_ok = t->ts_ok,
        .sack_ok = t->sack_ok,
        .ws_ok = t->ws_ok,
        .ecn_ok = t->ecn_ok,
        .interactive = t->interactive,
        .syn_text = t->syn_text,
        .fast_tried = t->fast_tried,
        .marked = t->drs.marked,
        .drs_octets = (uint32_t)t->drs.octets,
        .drs_space = (uint32_t)t->drs.space,
        .drs_rtt = (uint32_t)t->drs.rtt,
        .drs_mark = t->drs.mark,
        .drs_since = rest_us(t->drs.since),
        .drs_rtt_at = rest_us(t->drs.rtt_at),
        .drs_marked_at = rest_us(t->drs.marked_at),
        .sndbuf = t->opts.sndbuf,
        .rcvbuf = t->opts.rcvbuf,
        .bytes_retrans = (uint32_t)t->bytes_retrans,
        .ts_recent = t->ts.recent,
        .ts_offset = t->ts.offset,
        .ts_recent_at = rest_ms(t->ts.recent_at),
        .una = t->snd.una,
        .wl1 = t->snd.wl1,
        .iss = t->snd.iss,
        .wnd = t->snd.wnd,
        .max_wnd = t->snd.max_wnd,
        .rcv_nxt = t->rcv.nxt,
        .edge = t->rcv.edge,
        .irs = t->rcv.irs,
        .delivered = t->rec.sent.head,
    };

    recovery_rest(&t->rec, &k.rec);
    memcpy(k.past, t->past, sizeof(k.past));
    *ret = k;
}

/** wake_snd() - what we send */
static void wake_snd(const struct tcb_rest *r, gn_time now, struct tcb *t)
{
    t->snd.una = t->snd.nxt = t->snd.up = r->una;
    t->snd.wnd = r->wnd;
    t->snd.max_wnd = r->max_wnd;
    t->snd.wl1 = r->wl1;
    t->snd.wl2 = r->una;
    t->snd.iss = r->iss;
    t->snd.wscale = r->snd_wscale;
    t->send_mss = r->send_mss;
    t->sndbuf.usual = r->snd_usual ? 1u << r->snd_usual : 0;
    t->bytes_sent = t->bytes_acked = r->bytes_sent;
    t->bytes_retrans = r->bytes_retrans;
    t->segs_out = r->segs_out;
    recovery_wake(&r->rec, r->una, now, &t->rec);
    t->rec.sent.head = t->rec.sent.tail = t->rec.rack.cursor = r->delivered;
}

/** wake_rcv() - what we receive */
static void wake_rcv(const struct tcb_rest *r, gn_time now, struct tcb *t)
{
    t->rcv.nxt = t->rcv.acked = t->rcv.up = r->rcv_nxt;
    t->rcv.edge = r->edge;
    t->rcv.max_edge = r->edge;
    t->rcv.irs = r->irs;
    t->rcv.wscale = r->rcv_wscale;
    t->dsack = (struct range){r->rcv_nxt, r->rcv_nxt};
    t->rcv_mss_guess = r->rcv_mss_guess;
    t->quick = r->quick;
    t->rcvbuf.usual = r->rcv_usual ? 1u << r->rcv_usual : 0;
    t->bytes_received = r->bytes_received;
    t->segs_in = r->segs_in;
    t->ts.recent = r->ts_recent;
    t->ts.offset = r->ts_offset;
    t->ts.recent_at = rest_ms_back(r->ts_recent_at, now);
    t->drs.since = rest_us_back(r->drs_since, now);
    t->drs.octets = r->drs_octets;
    t->drs.space = r->drs_space;
    t->drs.rtt = r->drs_rtt;
    t->drs.rtt_at = rest_us_back(r->drs_rtt_at, now);
    t->drs.marked_at = rest_us_back(r->drs_marked_at, now);
    t->drs.mark = r->drs_mark;
    t->drs.marked = r->marked && now - r->last_out < MARK_LIFE;
}

void tcp_wake(const struct tcb_rest *r, const struct tcp_key *key, const struct tcb_opts *o,
              gn_time now, struct tcb *ret)
{
    struct tcb *t = ret;

    memset(t, 0, sizeof(*t));
    t->key = *key;
    t->state = GN_ESTABLISHED;
    t->n_past = r->n_past;
    memcpy(t->past, r->past, sizeof(r->past));
    t->accepted = true;
    t->passive = r->passive;
    t->ts_ok = r->ts_ok;
    t->sack_ok = r->sack_ok;
    t->ws_ok = r->ws_ok;
    t->ecn_ok = r->ecn_ok;
    t->interactive = r->interactive;
    t->syn_text = r->syn_text;
    t->fast_tried = r->fast_tried;
    t->iface = r->iface;
    t->last_in = r->last_in;
    t->last_out = r->last_out;
    t->text_at = r->text_at;
    t->created = r->created_us * GN_USEC;
    t->listener = UINT32_MAX;
    t->opts = *o;
    t->opts.sndbuf = r->sndbuf;
    t->opts.rcvbuf = r->rcvbuf;
    wake_snd(r, now, t);
    wake_rcv(r, now, t);
}
