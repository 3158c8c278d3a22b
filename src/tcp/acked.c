/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file acked.c  The work of an acceptable ACK: windows, recovery, send buffer. States are the
 * steps' affair.
 */
#include "tcp/internal.h"

/* RFC 5681 2, with CC-5681-7: what counts as a duplicate ACK */
static bool is_duplicate(const struct arrival *a, uint32_t old_wnd)
{
    const struct tcb *t = a->t;
    const struct seg *s = &a->s;

    return seq_eq(s->ack, t->snd.una) && seq_lt(t->snd.una, t->snd.nxt) && s->text_len == 0 &&
           !(s->ctl & (CTL_SYN | CTL_FIN)) && t->snd.wnd == old_wnd;
}

/* the ACK of all that was ever sent and will ever be, our FIN included, which says nothing else */
static bool is_last(const struct arrival *a)
{
    const struct tcb *t = a->t;

    return t->fin_sent && seq_eq(a->s.ack, t->snd.nxt) && !(a->s.opt.has & OPT_SACK) &&
           !(a->s.ctl & CTL_ECE) && !t->acc.on && t->search.size == 0;
}

/* hand the ACK to loss recovery */
static void tell_recovery(struct arrival *a, bool dup)
{
    struct tcb *t = a->t;
    struct rec_env re = rec_env(a->e);
    struct rec_ack ra;
    struct rec_result rr;

    if (is_last(a) && recovery_on_last_ack(&t->rec, &re))
        return;
    ra = (struct rec_ack){.ack = a->s.ack, .dup = dup};
    ra.can_send = sndbuf_unsent(t) > 0 && window_usable(t) > 0;
    ra.has_ts = ts_rtt(t, a->e, &a->s, &ra.ts_rtt);
    if (t->sack_ok && (a->s.opt.has & OPT_SACK)) {
        ra.n_sack = a->s.opt.n_sack;
        for (unsigned i = 0; i < ra.n_sack; i++)
            ra.sack[i] = (struct rec_sack){a->s.opt.sack[i].l, a->s.opt.sack[i].r};
    }
    if (t->acc.on)
        ra.ece = accecn_told(a, &ra);
    else
        ra.ece = t->ecn_ok && (a->s.ctl & CTL_ECE) && !(a->s.ctl & CTL_SYN);
    recovery_on_ack(&t->rec, &re, &ra, &rr);
    if (t->search.size != 0)
        pmtu_on_probe(t, a->e);
    if (rr.sacked) { /* the window may have grown though SND.UNA waits */
        window_grow_sndbuf(t, a->e);
        sndbuf_tell(t, a->e);
    }
    if (rr.dsack)
        a->e->stats->TCPDSACKRecv++;
    if (rr.spurious)
        a->e->stats->TCPSpuriousRTOs++;
    if (rr.entered && t->sack_ok)
        a->e->stats->TCPSackRecovery++;
    else if (rr.entered)
        a->e->stats->TCPRenoRecovery++;
    if (rr.cwr)
        t->ecn_cwr = true;
}

/* take [@base, ack) out of the send buffer; @base: where it began before recovery heard of @ack,
 * and so that our SYN is acknowledged */
static void release(struct tcb *t, const struct tcp_env *e, seq_t ack, seq_t base)
{
    uint32_t n = seq_gt(ack, base) ? min_u32(seq_span(base, ack), t->sndbuf.len) : 0;

    if (t->fin_sent && seq_eq(ack, t->snd.nxt))
        t->fin_acked = true;
    t->snd.una = ack;
    t->fast_child = false;        /* our SYN is acknowledged: one like all others */
    t->user_at = deadline_none(); /* that was progress */
    if (t->urg_snd && seq_ge(ack, t->snd.up))
        t->urg_snd = false;
    if (n == 0)
        return;
    ring_drop(&t->sndbuf, e->mem, n, false);
    t->bytes_acked += n;
    window_grow_sndbuf(t, e);
    sndbuf_tell(t, e);
}

/**
 * acked_by() - SND.UNA <= SEG.ACK <= SND.NXT holds
 */
void acked_by(struct arrival *a)
{
    struct tcb *t = a->t;
    const struct tcp_env *e = a->e;
    uint32_t old_wnd = t->snd.wnd;

    window_update(t, &a->s, a->refuse_text ? a->s.seq : seq_max(a->s.seq, t->rcv.nxt));
    if (a->s.text_len == 0)
        e->stats->TCPPureAcks++;
    t->probes = 0; /* the peer lives */
    t->soft_error = GN_OK;
    if (!seq_eq(t->snd.una, t->snd.nxt)) {
        seq_t base = sndbuf_base(t);

        tell_recovery(a, is_duplicate(a, old_wnd));
        if (seq_gt(a->s.ack, t->snd.una))
            release(t, e, a->s.ack, base);
    }
    timeouts_persist(t, e);
}
