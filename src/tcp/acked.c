/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file acked.c  The work of an acceptable ACK: windows, recovery, send buffer. States are the
 * steps' affair.
 */
#include "tcp/internal.h"

/* RFC 5681 2, with CC-5681-7: what counts as a duplicate ACK, of those that acknowledge nothing new
 * while something is in flight */
static bool is_duplicate(const struct tcb *t, const struct seg *s, uint32_t old_wnd)
{
    return s->text_len == 0 && !(s->ctl & (CTL_SYN | CTL_FIN)) && t->snd.wnd == old_wnd;
}

/* an ACK of something new that says nothing else is all that recovery needs to know, and mostly it
 * has nothing to tell then. So it is with that of all that was ever sent and will ever be, our FIN
 * included. False: nothing has happened, it is for tell_recovery() */
static bool tell_briefly(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    if ((s->opt.has & OPT_SACK) || (s->ctl & CTL_ECE) || t->acc.on || t->search.size != 0)
        return false;
    if (t->fin_sent && seq_eq(s->ack, t->snd.nxt))
        return recovery_on_last_ack(&t->rec, &e->rec);
    return recovery_on_plain_ack(&t->rec, &e->rec, s->ack);
}

/* hand the ACK to loss recovery */
static __attribute__((noinline)) void tell_recovery(struct tcb *t, const struct tcp_env *e,
                                                    const struct seg *s, bool dup)
{
    struct rec_ack ra;
    struct rec_result rr;

    ra = (struct rec_ack){.ack = s->ack, .dup = dup};
    ra.can_send = output_has_news(t);
    ra.has_ts = ts_rtt(t, e, s, &ra.ts_rtt);
    if (t->sack_ok && (s->opt.has & OPT_SACK)) {
        ra.n_sack = s->opt.n_sack;
        for (unsigned i = 0; i < ra.n_sack; i++)
            ra.sack[i] = (struct rec_sack){s->opt.sack[i].l, s->opt.sack[i].r};
    }
    if (t->acc.on)
        ra.ece = accecn_told(t, s, &ra);
    else
        ra.ece = t->ecn_ok && (s->ctl & CTL_ECE) && !(s->ctl & CTL_SYN);
    recovery_on_ack(&t->rec, &e->rec, &ra, &rr);
    if (t->search.size != 0)
        pmtu_on_probe(t, e);
    if (rr.sacked) { /* the window may have grown though SND.UNA waits */
        window_grow_sndbuf(t, e);
        sndbuf_tell(t, e);
    }
    if (rr.dsack)
        e->stats->TCPDSACKRecv++;
    if (rr.spurious)
        e->stats->TCPSpuriousRTOs++;
    if (rr.entered && t->sack_ok)
        e->stats->TCPSackRecovery++;
    else if (rr.entered)
        e->stats->TCPRenoRecovery++;
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
    t->user_at = deadline_none(); /* that was progress */
    if (t->unusual != 0) {
        t->fast_child = false; /* our SYN is acknowledged: one like all others */
        t->urg_snd = t->urg_snd && seq_lt(ack, t->snd.up);
    }
    if (n == 0)
        return;
    ring_drop(&t->sndbuf, e->mem, n, false);
    t->bytes_acked += n;
    window_grow_sndbuf(t, e);
    sndbuf_tell(t, e);
}

/**
 * acked_by() - SND.UNA <= SEG.ACK <= SND.NXT holds
 * @at: where the segment begins once what was received before is cut off
 */
void acked_by(struct tcb *t, const struct tcp_env *e, const struct seg *s, seq_t at)
{
    bool news = seq_gt(s->ack, t->snd.una);
    uint32_t old_wnd = t->snd.wnd;

    window_update(t, s, at);
    if (s->text_len == 0)
        e->stats->TCPPureAcks++;
    t->probes = 0; /* the peer lives */
    t->soft_error = GN_OK;
    if (news) {
        seq_t base = sndbuf_base(t);

        if (!tell_briefly(t, e, s))
            tell_recovery(t, e, s, false);
        release(t, e, s->ack, base);
    } else if (!seq_eq(t->snd.una, t->snd.nxt)) {
        tell_recovery(t, e, s, is_duplicate(t, s, old_wnd));
    }
    timeouts_persist(t, e);
}
