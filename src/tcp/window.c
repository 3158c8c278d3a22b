/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file window.c  Both windows: what we announce (and never take back), what the peer allows, and
 * how the buffers follow the path.
 *
 * The receive window is kept as a right edge, not as a size (TRAP-05): RCV.WND = edge - RCV.NXT.
 * The edge never moves left (SHLD-14), not even by the rounding of the scale: if the scaled field
 * would fall short of what was announced, it is rounded up. As long as the buffer can take what
 * that adds, it counts as announced and the edge moves right. But text that nobody reads, in pieces
 * smaller than a unit of the scale, would keep the window open for ever so, and buffer without end
 * be filled; so beyond an eighth of the buffer the edge stays where it is, and what the field says
 * goes up and down by less than a unit above it (RFC 7323 2.4). All of that is still taken: the
 * largest edge that the field has ever told is remembered.
 */
#include "tcp/internal.h"

/* the scale that lets 16 bits express the largest buffer this connection may get; fixed for life
 * (OPT-WS-7) */
uint8_t window_shift(const struct tcp_env *e, const struct tcb_opts *o)
{
    uint64_t most =
        min_u64(max_u64(o->rcvbuf, o->rcvbuf_fixed ? 0 : e->conf->tcp_rmem_max), o->window_clamp);
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(most | UINT16_MAX);

    return (uint8_t)min_u32(bits - 16, 14);
}

/* free receive buffer: none as long as nobody reads, for ever if need be (MAY-8) */
static inline uint32_t free_rcvbuf(const struct tcb *t)
{
    uint32_t n = t->rcvbuf.len >= t->opts.rcvbuf ? 0 : t->opts.rcvbuf - t->rcvbuf.len;

    return min_u32(n, t->opts.window_clamp);
}

/* the same when the host's memory is short: no more than was promised or tcp_rmem_min (SEC-MEM-3)
 */
static uint32_t free_in_need(const struct tcb *t, const struct tcp_env *e)
{
    uint32_t least = (uint32_t)e->conf->tcp_rmem_min;

    least = t->rcvbuf.len >= least ? 0 : least - t->rcvbuf.len;
    return min_u32(free_rcvbuf(t), max_u32(tcb_rcv_wnd(t), least));
}

/* the smallest step by which the window may open (MUST-39, RFC 9293 3.8.6.2.2); what the user keeps
 * the window below is all the buffer that there is. @segs: full segments */
static uint32_t sws_step(const struct tcb *t, uint32_t segs)
{
    return min_u32(min_u32(t->opts.rcvbuf, t->opts.window_clamp) / 2, segs * t->rec.mss);
}

/* may the edge move to where a field rounded up to @wnd octets says it is? */
static bool can_promise(const struct tcb *t, uint32_t wnd)
{
    uint64_t slack = max_u32(t->opts.rcvbuf / 8, 1u << t->rcv.wscale);

    return t->rcvbuf.len + (uint64_t)wnd <= t->opts.rcvbuf + slack;
}

/* announce() - window_announce() with @wnd octets of free receive buffer */
static inline uint16_t announce(struct tcb *t, const struct tcp_env *e, bool syn, uint32_t wnd)
{
    uint32_t shift = syn ? 0 : t->rcv.wscale, was = tcb_rcv_wnd(t), field = 0, told;

    if (wnd >= was + sws_step(t, 1) || syn)
        field = min_u32(wnd >> shift, UINT16_MAX);
    if (field == 0 && was == 0 && wnd > 0 && wnd >= sws_step(t, 1))
        field = 1; /* less than a unit of the scale, and it may never be more */
    wnd = told = field << shift;
    if (wnd < was) { /* as far as it was opened: of what 16 bits have said, no more than that */
        field = (was + (1u << shift) - 1) >> shift;
        told = field << shift;
        wnd = can_promise(t, told) ? told : was;
    }
    if (field == 0 && was > 0)
        e->stats->TCPWantZeroWindowAdv++;
    t->rcv.edge = seq_add(t->rcv.nxt, wnd);
    t->rcv.max_edge = seq_max(t->rcv.max_edge, seq_add(t->rcv.nxt, told));
    return (uint16_t)field;
}

/* not inlined: what is usual needs no registers to be saved */
static __attribute__((noinline)) uint16_t announce_in_need(struct tcb *t, const struct tcp_env *e,
                                                           bool syn)
{
    return announce(t, e, syn, free_in_need(t, e));
}

/**
 * window_announce() - the window field for a segment that leaves now; what it says becomes the
 * announced edge
 * @syn: the window of a SYN is not scaled (OPT-WS-2)
 */
uint16_t window_announce(struct tcb *t, const struct tcp_env *e, bool syn)
{
    if (mem_short(e->mem))
        return announce_in_need(t, e, syn);
    return announce(t, e, syn, free_rcvbuf(t));
}

/* the user has read: has the window opened so much that the peer should hear of it at once? Twice
 * as far, and by a segment or two */
bool window_worth_telling(const struct tcb *t, const struct tcp_env *e)
{
    uint32_t was = tcb_rcv_wnd(t), most = (uint32_t)UINT16_MAX << t->rcv.wscale;
    uint32_t step = sws_step(t, 2), wnd;

    if (t->rcvbuf.len + was + step > t->opts.rcvbuf || !state_can_receive(t->state))
        return false; /* nearly always, if not too much is read at a time */
    wnd = mem_short(e->mem) ? free_in_need(t, e) : free_rcvbuf(t);
    wnd = min_u32(wnd, most); /* what the field can say */
    return wnd >= was + step && wnd / 2 >= was;
}

/* the user has read @octets */
void window_on_read(struct tcb *t, const struct tcp_env *e, uint32_t octets)
{
    rcvbuf_on_read(t, e, octets);
    if (window_worth_telling(t, e))
        ack_at_once(t);
}

/**
 * window_update() - SND.WND from an acceptable ACK (step 5; SND.WL1, SND.WL2 keep old segments from
 * doing it)
 * @at: where the segment begins once what was received before is cut off: "the idealized segment"
 */
void window_update(struct tcb *t, const struct seg *s, seq_t at)
{
    /* What acknowledges something new is younger than all before, though it may begin left of them
     * (a keep-alive): SND.UNA is about to move, and the old window must not move along with it. */
    if (!seq_gt(s->ack, t->snd.una) &&
        (seq_lt(at, t->snd.wl1) || (seq_eq(at, t->snd.wl1) && seq_lt(s->ack, t->snd.wl2))))
        return;
    /* OPT-WS-4, MUST-1; the window of a SYN,ACK is never scaled (OPT-WS-2) */
    t->snd.wnd = s->ctl & CTL_SYN ? s->wnd : (uint32_t)s->wnd << t->snd.wscale;
    t->snd.wl1 = seq_max(at, t->snd.wl1);
    t->snd.wl2 = s->ack;
    t->snd.max_wnd = max_u32(t->snd.max_wnd, t->snd.wnd);
}

/* octets that the peer's window still lets us send; it may have shrunk below what is out (MUST-34)
 */
uint32_t window_usable(const struct tcb *t)
{
    int32_t n = seq_diff(seq_add(t->snd.una, t->snd.wnd), t->snd.nxt);

    return n > 0 ? (uint32_t)n : 0;
}

/* send buffer auto-tuning: twice the congestion window, so that a full flight is always at hand,
 * and the next; who goes on at full rate while a loss is mended needs more. Not while the host's
 * memory is short */
void window_grow_sndbuf(struct tcb *t, const struct tcp_env *e)
{
    uint64_t want = (t->rec.cc.ops->own_recovery ? 4 : 2) * (uint64_t)t->rec.cc.cwnd;

    if (!t->opts.sndbuf_fixed && want > t->opts.sndbuf && !mem_short(e->mem))
        t->opts.sndbuf = (uint32_t)min_u64(want, max_u64(e->conf->tcp_wmem_max, t->opts.sndbuf));
}
