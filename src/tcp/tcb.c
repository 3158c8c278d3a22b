/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file tcb.c  The block's beginning, its invariants, and STATUS.
 */
#include "tcp/internal.h"

void tcb_opts_default(struct tcb_opts *o, const struct gn_conf *c)
{
    *o = (struct tcb_opts){0};
    o->nodelay = c->tcp_nodelay != 0;
    o->soft_errors = true;
    o->ttl = (uint8_t)c->ip_default_ttl;
    o->pmtu = GN_PMTU_WANT;
    o->cc = (uint8_t)c->tcp_congestion_control;
    o->rcvlowat = 1;
    o->window_clamp = UINT32_MAX;
    o->sndbuf = (uint32_t)c->tcp_wmem_default;
    o->rcvbuf = (uint32_t)c->tcp_rmem_default;
}

void tcb_begin(struct tcb *t, const struct tcp_key *key, const struct tcb_opts *o)
{
    memset(t, 0, sizeof *t);
    t->key = *key;
    t->listener = UINT32_MAX;
    t->opts = *o;
}

void tcb_init(struct tcb *t, const struct tcp_env *e, const struct tcp_key *key)
{
    struct tcb_opts o;

    tcb_opts_default(&o, e->conf);
    tcb_begin(t, key, &o);
    t->created = t->last_in = e->now;
}

/* is there anything to give back? Not if all has been sent and read, as at the end of most */
static bool holds_memory(const struct tcb *t)
{
    const struct cc_ops *ops = t->rec.cc.ops; /* NULL: it was never opened */

    return t->rec.sent.rec || t->rec.rate || t->sndbuf.mem || t->rcvbuf.mem || t->ooo.r ||
           (ops && ops->block);
}

void tcb_free(struct tcb *t, const struct tcp_env *e)
{
    if (!holds_memory(t))
        return;
    recovery_free(&t->rec, &e->rec);
    ring_free(&t->sndbuf, e->mem);
    ring_free(&t->rcvbuf, e->mem);
    ranges_free(&t->ooo, e->mem);
}

/* leave with the text of a condition that does not hold */
#define HOLDS(c)       \
    do {               \
        if (!(c))      \
            return #c; \
    } while (0)

/* sequence numbers and the buffers behind them (INV-01, INV-02, INV-03) */
static const char *sequences_fault(const struct tcb *t)
{
    HOLDS(seq_le(t->snd.una, t->snd.nxt));
    HOLDS(seq_le(t->rcv.nxt, seq_add(t->rcv.max_edge, 1)));
    HOLDS(seq_le(t->rcv.edge, t->rcv.max_edge));
    HOLDS(seq_le(t->rcv.acked, t->rcv.nxt));
    HOLDS(syn_unsent(t) || t->fin_sent || seq_span(sndbuf_base(t), t->snd.nxt) <= t->sndbuf.len);
    HOLDS(!t->fin_sent || t->fin_acked ||
          seq_eq(seq_add(sndbuf_base(t), t->sndbuf.len + 1), t->snd.nxt));
    for (unsigned i = 0; i < t->ooo.n; i++) {
        HOLDS(seq_gt(t->ooo.r[i].a, t->rcv.nxt));
        HOLDS(seq_le(t->ooo.r[i].b, t->rcv.max_edge));
    }
    HOLDS(!t->ooo_fin || seq_ge(t->fin_seq, t->rcv.nxt));
    return NULL;
}

/* flags and timers against the state (INV-04) */
static const char *state_fault(const struct tcb *t)
{
    bool closing = t->state == GN_FIN_WAIT_1 || t->state == GN_FIN_WAIT_2 ||
                   t->state == GN_CLOSING || t->state == GN_LAST_ACK || t->state == GN_TIME_WAIT;
    bool peer_closed = t->state == GN_CLOSE_WAIT || t->state == GN_CLOSING ||
                       t->state == GN_LAST_ACK || t->state == GN_TIME_WAIT;
    bool over = t->state == GN_FIN_WAIT_2 || t->state == GN_TIME_WAIT;

    HOLDS(!closing || t->fin_queued);
    HOLDS(closing || t->state == GN_SYN_RECEIVED || !t->fin_queued);
    HOLDS(!t->fin_sent || t->fin_queued);
    HOLDS(!t->fin_acked || t->fin_sent);
    HOLDS(t->fin_rcvd == peer_closed);
    HOLDS(t->fin_acked == over);
    HOLDS(t->state != GN_TIME_WAIT || deadline_armed(t->state_at));
    HOLDS(!deadline_armed(t->rec.rto_at) || !deadline_armed(t->persist_at)); /* TO-18 */
    HOLDS(seq_eq(t->rec.una, t->snd.una) && seq_eq(t->rec.nxt, t->snd.nxt));
    HOLDS(seq_eq(t->snd.una, t->snd.nxt) || deadline_armed(t->rec.rto_at) ||
          deadline_armed(t->rec.pto_at) || deadline_armed(t->rec.reo_at));
    return NULL;
}

const char *tcb_fault(const struct tcb *t)
{
    const char *fault = sequences_fault(t);

    return fault ? fault : state_fault(t);
}

void tcb_check(const struct tcb *t)
{
    const char *fault;

    if (t->state == GN_CLOSED || t->state == GN_LISTEN)
        return;
    fault = tcb_fault(t);
    if (fault)
        gn_panic(__FILE__, __LINE__, fault);
    recovery_check(&t->rec);
}

static void status_timers(const struct tcb *t, struct gn_status *ret)
{
    const deadline_t d[GN_TIMER_COUNT] = {
        [GN_TIMER_RTO] = t->rec.rto_at,
        [GN_TIMER_PROBE] = t->rec.pto_at,
        [GN_TIMER_REORDER] = t->rec.reo_at,
        [GN_TIMER_PACE] = recovery_pace_at(&t->rec),
        [GN_TIMER_PERSIST] = t->persist_at,
        [GN_TIMER_KEEPALIVE] = t->keepalive_at,
        [GN_TIMER_DELACK] = t->delack_at,
        [GN_TIMER_SWS] = t->sws_at,
        [GN_TIMER_USER] = t->user_at,
        [GN_TIMER_FIN_WAIT_2] = t->state == GN_FIN_WAIT_2 ? t->state_at : deadline_none(),
        [GN_TIMER_TIME_WAIT] = t->state == GN_TIME_WAIT ? t->state_at : deadline_none(),
    };

    for (unsigned i = 0; i < GN_TIMER_COUNT && t->state != GN_CLOSED; i++)
        ret->timer[i] = deadline_public(d[i]);
}

static void status_history(const struct tcb *t, struct gn_status *ret)
{
    unsigned n = min_u32(t->n_past, GN_HISTORY), first = t->n_past - n;

    for (unsigned i = 0; i < n; i++) {
        uint64_t past = t->past[(first + i) % GN_HISTORY].word;

        ret->history[i] =
            (struct gn_transition){(past >> 16) * GN_USEC, (enum gn_state)(past >> 12 & 15),
                                   (enum gn_state)(past >> 8 & 15), (enum gn_cause)(past & 255)};
    }
    ret->n_history = (uint8_t)n;
}

void tcb_status(const struct tcb *t, const struct tcp_env *e, struct gn_status *ret)
{
    *ret = (struct gn_status){.kind = GN_KIND_CONNECTION, .state = (enum gn_state)t->state};

    ret->local = (struct gn_endpoint){t->key.laddr, t->key.lport};
    ret->remote = (struct gn_endpoint){t->key.raddr, t->key.rport};
    ret->orphan = t->orphan;
    ret->passive = t->passive;
    ret->error = (enum gn_err)t->error;
    ret->soft_error = (enum gn_err)t->soft_error;
    ret->recv_q = t->rcvbuf.len;
    ret->send_q = t->sndbuf.len;
    ret->not_sent = t->state == GN_CLOSED ? 0 : sndbuf_unsent(t);
    ret->snd.una = t->snd.una.raw;
    ret->snd.nxt = t->snd.nxt.raw;
    ret->snd.wnd = t->snd.wnd;
    ret->snd.wl1 = t->snd.wl1.raw;
    ret->snd.wl2 = t->snd.wl2.raw;
    ret->snd.iss = t->snd.iss.raw;
    ret->snd.max_wnd = t->snd.max_wnd;
    ret->snd.wscale = t->snd.wscale;
    ret->rcv.nxt = t->rcv.nxt.raw;
    ret->rcv.wnd = tcb_rcv_wnd(t);
    ret->rcv.irs = t->rcv.irs.raw;
    ret->rcv.edge = t->rcv.edge.raw;
    ret->rcv.wscale = t->rcv.wscale;
    ret->rcv.out_of_order = ranges_octets(&t->ooo);
    ret->opt_timestamps = t->ts_ok;
    ret->opt_sack = t->sack_ok;
    ret->opt_wscale = t->ws_ok;
    ret->opt_ecn = t->ecn_ok;
    ret->opt_accecn = t->acc.on && t->state != GN_SYN_SENT;
    ret->received_ce = t->acc.on ? t->acc.r_cep - ACCECN_CEP_INIT : 0;
    ret->syn_text = t->syn_text;
    ret->mss = t->rec.mss;
    ret->peer_mss = t->send_mss;
    ret->adv_mss = options_mss(e, &t->key, &t->opts);
    ret->path_mtu = pmtu_now(t, e);
    ret->rcv_mss = t->rcv_mss_guess;
    ret->ts_recent = t->ts.recent;
    recovery_status(&t->rec, &e->rec, ret);
    if (t->acc.on)
        ret->delivered_ce = t->acc.s_cep - ACCECN_CEP_INIT;
    ret->bytes_sent = t->bytes_sent;
    ret->bytes_acked = t->bytes_acked;
    ret->bytes_received = t->bytes_received;
    ret->bytes_retrans = t->bytes_retrans;
    ret->segs_in = t->segs_in;
    ret->segs_out = t->segs_out;
    ret->sndbuf = t->opts.sndbuf;
    ret->rcvbuf = t->opts.rcvbuf;
    ret->memory = (uint32_t)sizeof *t + recovery_memory(&t->rec) + t->sndbuf.cap + t->rcvbuf.cap +
                  t->ooo.cap * (uint32_t)sizeof(struct range);
    ret->probes = t->probes;
    ret->created = t->created;
    ret->last_in = t->last_in;
    ret->last_out = t->last_out;
    ret->last_text = t->text_at;
    status_timers(t, ret);
    status_history(t, ret);
}
