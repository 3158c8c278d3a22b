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

/** power_of() - the reverse of log2_of() */
static inline uint32_t power_of(unsigned log2)
{
    return (uint32_t)(log2 > 0) << log2;
}

/** put() - a count, in 48 bits */
static inline void put(struct tcb_rest *r, enum rest_count i, uint64_t n)
{
    r->low[i] = (uint32_t)n;
    r->high[i] = (uint16_t)(n >> 32);
}

/** count() - what put() has put there */
static inline uint64_t count(const struct tcb_rest *r, enum rest_count i)
{
    return (uint64_t)r->high[i] << 32 | r->low[i];
}

void tcp_rest(const struct tcb *t, struct tcb_rest *ret)
{
    ret->last_in = t->last_in;
    ret->last_out = t->last_out;
    ret->text_at = t->text_at;
    put(ret, REST_SEGS_IN, t->segs_in);
    put(ret, REST_SEGS_OUT, t->segs_out);
    put(ret, REST_BYTES_RECEIVED, t->bytes_received);
    put(ret, REST_BYTES_SENT, t->bytes_sent);
    put(ret, REST_CREATED_US, t->created / GN_USEC);
    ret->send_mss = t->send_mss;
    ret->rcv_mss_guess = t->rcv_mss_guess;
    ret->traits = t->traits;
    ret->quick = t->quick;
    ret->wscale = (uint8_t)(t->snd.wscale | t->rcv.wscale << 4);
    ret->small = (uint16_t)(log2_of(t->sndbuf.usual) | log2_of(t->rcvbuf.usual) << 5 |
                            t->n_past << 10 | t->drs.marked << 12);
    ret->drs_octets = (uint32_t)t->drs.octets;
    ret->drs_space = (uint32_t)t->drs.space;
    ret->drs_rtt = (uint32_t)t->drs.rtt;
    ret->drs_mark = t->drs.mark;
    ret->drs_since = rest_us(t->drs.since);
    ret->drs_rtt_at = rest_us(t->drs.rtt_at);
    ret->drs_marked_at = rest_us(t->drs.marked_at);
    ret->sndbuf = t->opts.sndbuf;
    ret->rcvbuf = t->opts.rcvbuf;
    ret->bytes_retrans = (uint32_t)t->bytes_retrans;
    ret->ts_recent = t->ts.recent;
    ret->ts_offset = t->ts.offset;
    ret->ts_recent_at = rest_ms(t->ts.recent_at);
    ret->una = t->snd.una;
    ret->wl1 = t->snd.wl1;
    ret->iss = t->snd.iss;
    ret->wnd = t->snd.wnd;
    ret->max_wnd = t->snd.max_wnd;
    ret->rcv_nxt = t->rcv.nxt;
    ret->edge = t->rcv.edge;
    ret->irs = t->rcv.irs;
    ret->delivered = t->rec.sent.head;

    recovery_rest(&t->rec, &ret->rec);
    memcpy(ret->past, t->past, sizeof(ret->past));
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
    t->snd.wscale = r->wscale & 15u;
    t->send_mss = r->send_mss;
    t->sndbuf.usual = power_of(r->small & 31u);
    t->bytes_sent = t->bytes_acked = count(r, REST_BYTES_SENT);
    t->bytes_retrans = r->bytes_retrans;
    t->segs_out = count(r, REST_SEGS_OUT);
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
    t->rcv.wscale = r->wscale >> 4;
    t->dsack = (struct range){r->rcv_nxt, r->rcv_nxt};
    t->rcv_mss_guess = r->rcv_mss_guess;
    t->quick = r->quick;
    t->rcvbuf.usual = power_of(r->small >> 5 & 31u);
    t->bytes_received = count(r, REST_BYTES_RECEIVED);
    t->segs_in = count(r, REST_SEGS_IN);
    t->ts.recent = r->ts_recent;
    t->ts.offset = r->ts_offset;
    /* no later than this, and then not long before; 52 days may have passed since (OPT-TS-7) */
    t->ts.recent_at = rest_ms_back(r->ts_recent_at, r->last_in);
    t->drs.since = rest_us_back(r->drs_since, now);
    t->drs.octets = r->drs_octets;
    t->drs.space = r->drs_space;
    t->drs.rtt = r->drs_rtt;
    t->drs.rtt_at = rest_us_back(r->drs_rtt_at, now);
    t->drs.marked_at = rest_us_back(r->drs_marked_at, now);
    t->drs.mark = r->drs_mark;
    t->drs.marked = r->small >> 12 && now - r->last_out < MARK_LIFE;
}

void tcp_wake(const struct tcb_rest *r, const struct tcp_key *key, const struct tcb_opts *o,
              gn_time now, struct tcb *ret)
{
    struct tcb *t = ret;

    memset(t, 0, sizeof(*t));
    t->key = *key;
    t->state = GN_ESTABLISHED;
    t->n_past = r->small >> 10 & 3u;
    memcpy(t->past, r->past, sizeof(r->past));
    t->traits = r->traits;
    t->urg_taken = false;
    t->last_in = r->last_in;
    t->last_out = r->last_out;
    t->last_tick = tcp_ts_clock(r->last_out);
    t->text_at = r->text_at;
    t->created = count(r, REST_CREATED_US) * GN_USEC;
    t->listener = UINT32_MAX;
    t->opts = *o;
    t->opts.sndbuf = r->sndbuf;
    t->opts.rcvbuf = r->rcvbuf;
    wake_snd(r, now, t);
    wake_rcv(r, now, t);
}
