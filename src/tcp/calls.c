/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file calls.c  The user calls (RFC 9293 sec. 3.10.1 to 3.10.6), and the two ways in which a
 * connection ends.
 */
#include "tcp/internal.h"

/* something is wrong with the path, and may be right again soon (RFC 9293 3.9.1.8: MUST-47). The
 * user hears of it unless it does not want to (SHLD-20) */
void tell_soft_error(struct tcb *t, enum gn_err error)
{
    t->soft_error = (int8_t)error;
    if (t->opts.soft_errors)
        t->events |= GN_EV_SOFT_ERROR;
}

/**
 * connection_ends() - to CLOSED without a word to the peer: buffers that nobody can use any more
 * go, readable text stays for the user
 */
void connection_ends(struct tcb *t, const struct tcp_env *e, enum gn_cause cause, enum gn_err error)
{
    tcb_enter(t, e, GN_CLOSED, cause);
    recovery_free(&t->rec, &e->rec);
    ring_free(&t->sndbuf, e->mem);
    ranges_free(&t->ooo, e->mem);
    if (t->orphan)
        ring_free(&t->rcvbuf, e->mem);
    t->snd.una = t->snd.nxt;
    t->persist_at = t->keepalive_at = t->sws_at = t->pmtu_at = t->delack_at = t->state_at =
        t->user_at = deadline_none();
    t->ack_now = t->synack_again = t->keepalive_due = t->wprobe_due = t->urg_due = false;
    t->want_write = false;
    if (error != GN_OK) {
        t->error = (int8_t)error;
        t->events |= GN_EV_ERROR;
    }
    t->events |= GN_EV_READABLE | GN_EV_WRITABLE; /* whoever waits must look */
}

/* word() - <SEQ=SND.NXT><ACK=RCV.NXT><CTL=@ctl> of a block that will not be there to send it; @wnd:
 * the field */
static struct seg word(const struct tcb *t, const struct tcp_env *e, uint16_t ctl, uint16_t wnd)
{
    struct seg r = {.key = t->key, .seq = t->snd.nxt, .ack = t->rcv.nxt, .ctl = ctl, .wnd = wnd};

    r.ttl = t->opts.ttl;
    if (t->ts_ok) { /* OPT-TS-1 */
        r.opt.has = OPT_TS;
        r.opt.tsval = ts_now(t, e);
        r.opt.tsecr = t->ts.recent;
    }
    return r;
}

/* last_word() - the last that it says */
static void last_word(const struct tcb *t, const struct tcp_env *e, uint16_t ctl)
{
    struct seg r = word(t, e, ctl, 0);

    env_reply_last(e, &r);
}

void tcp_answer(struct tcb *t, const struct tcp_env *e)
{
    const struct reply_queue *q = e->replies;
    const struct seg *last = reply_at(q, q->n - (q->n > 0));
    struct seg r;

    if (q->n > 0 && last->ctl == CTL_ACK && tcp_key_equal(&last->key, &t->key))
        return; /* a burst is answered once (MUST-58) */
    r = word(t, e, CTL_ACK, window_announce(t, e, false));
    env_reply(e, &r);
}

/* as connection_ends(), with a RST to the peer */
void connection_reset(struct tcb *t, const struct tcp_env *e, enum gn_cause cause,
                      enum gn_err error)
{
    last_word(t, e, CTL_RST | CTL_ACK);
    connection_ends(t, e, cause, error);
}

void tcp_open(struct tcb *t, const struct tcp_env *e)
{
    bool room;

    ASSERT(t->state == GN_CLOSED);
    t->snd.iss = t->snd.una = t->snd.nxt = t->snd.up = tcp_numbers(e, &t->key, &t->ts.offset);
    t->ts_ok = e->conf->tcp_timestamps != 0;
    t->sack_ok = e->conf->tcp_sack != 0;
    t->ws_ok = e->conf->tcp_window_scaling != 0;
    t->ecn_ok = e->conf->tcp_ecn == 1 || e->conf->tcp_ecn == 4;
    t->acc.on = e->conf->tcp_ecn == 3;
    t->rcv.wscale = t->ws_ok ? window_shift(e, &t->opts) : 0;
    t->send_mss = options_mss(e, &t->key, &t->opts);
    recovery_init(&t->rec, &e->rec, t->snd.iss, tcp_mss(t, e), t->opts.cc);
    (void)recovery_set_max_pacing(&t->rec, &e->rec, t->opts.max_pacing_rate);
    room = recovery_reserve(&t->rec, &e->rec, 1); /* the first record needs no memory */
    ASSERT(room);
    t->created = t->last_in = e->now;
    tcb_enter(t, e, GN_SYN_SENT, GN_CAUSE_OPEN_ACTIVE);
}

/* may SEND be called now? In SYN-SENT and SYN-RECEIVED text is queued */
static enum gn_err may_send(struct tcb *t)
{
    if (t->error != GN_OK) {
        enum gn_err err = (enum gn_err)t->error;

        t->error = GN_OK; /* told once */
        return err;
    }
    if (t->fin_queued || t->state == GN_CLOSED)
        return t->state == GN_CLOSED && t->n_past == 0 ? GN_E_NOT_CONNECTED : GN_E_CLOSING;
    return GN_OK;
}

/* how many of @want octets SEND takes now, with room for them in the buffer; or the error */
static int64_t send_room(struct tcb *t, const struct tcp_env *e, size_t want)
{
    uint32_t room = sndbuf_room(t, e);
    enum gn_err err = may_send(t);

    if (err != GN_OK)
        return err;
    if (want > room)
        t->want_write = true;
    room = (uint32_t)min_u64(want, room);
    if (room == 0)
        return GN_E_WOULD_BLOCK;
    room = sndbuf_reserve(t, e, room);
    if (room != 0)
        return room;
    t->want_write = true;
    /* if nothing waits to be acknowledged, nothing will tell of room */
    return t->sndbuf.len == 0 ? GN_E_NO_MEMORY : GN_E_WOULD_BLOCK;
}

int tcp_send_room(struct tcb *t, const struct tcp_env *e, size_t want, struct gn_room ret[2])
{
    int64_t n = send_room(t, e, want);
    struct gn_span s[2];
    unsigned spans;

    if (n < 0)
        return (int)n;
    t->room = (uint32_t)n;
    spans = ring_span(&t->sndbuf, t->sndbuf.len, (uint32_t)n, s);
    for (unsigned i = 0; i < spans; i++)
        ret[i] = (struct gn_room){t->sndbuf.mem + (s[i].ptr - t->sndbuf.mem), s[i].len};
    return (int)spans;
}

/* what of a SEND of @n octets is seldom otherwise than it was */
static void sent_how(struct tcb *t, uint32_t n, unsigned flags)
{
    t->syn_waits = t->syn_waits && n == 0;
    t->more = (flags & GN_SEND_MORE) != 0;
    if ((flags & GN_SEND_URGENT) && n > 0) { /* MUST-31: of any length; later ones move it on */
        t->urg_snd = true;
        t->snd.up = seq_add(sndbuf_base(t), t->sndbuf.len);
    }
}

/* @n octets have been put into the send buffer */
static void sent_text(struct tcb *t, const struct tcp_env *e, uint32_t n, unsigned flags)
{
    if (t->unusual | flags)
        sent_how(t, n, flags);
    timeouts_persist(t, e);
}

int64_t tcp_send_commit(struct tcb *t, const struct tcp_env *e, size_t len, unsigned flags)
{
    enum gn_err err = may_send(t);

    if (err != GN_OK)
        return err;
    /* the buffer may have been filled or given back since the room was given */
    if (len > t->room || len > t->sndbuf.cap - t->sndbuf.len)
        return GN_E_INVALID;
    t->room = 0;
    ring_extend(&t->sndbuf, (uint32_t)len);
    sent_text(t, e, (uint32_t)len, flags);
    return (int64_t)len;
}

int64_t tcp_send(struct tcb *t, const struct tcp_env *e, const void *buf, size_t len,
                 unsigned flags)
{
    int64_t n;

    if (len == 0)
        return may_send(t);
    n = send_room(t, e, len);
    if (n < 0)
        return n;
    ring_append(&t->sndbuf, buf, (uint32_t)n);
    if ((size_t)n < len) /* the urgent octet has not been taken */
        flags &= ~(unsigned)GN_SEND_URGENT;
    sent_text(t, e, (uint32_t)n, flags);
    return n;
}

/* nothing is readable: what does RECEIVE say? (MUST-12: no other end looks like that of the data,
 * not even when its error has been told) */
static enum gn_err nothing_to_read(struct tcb *t)
{
    if (t->error != GN_OK) {
        enum gn_err err = (enum gn_err)t->error;

        t->error = GN_OK;
        return err;
    }
    if (t->fin_rcvd)
        return GN_OK;
    if (t->state == GN_CLOSED)
        return GN_E_NOT_CONNECTED;
    return t->shut_rd ? GN_OK : GN_E_WOULD_BLOCK;
}

int tcp_recv_data(struct tcb *t, struct gn_span ret[2])
{
    if (urgent_run(t) == 0)
        return nothing_to_read(t);
    return (int)ring_span(&t->rcvbuf, urgent_skip(t), urgent_run(t), ret);
}

/* the user has read @n octets, and passed over those before them */
static void took(struct tcb *t, const struct tcp_env *e, uint32_t n)
{
    n += urgent_skip(t);
    urgent_on_read(t, n);
    ring_drop(&t->rcvbuf, e->mem, n, t->ooo.n > 0);
    if (t->state != GN_CLOSED)
        window_on_read(t, e, n);
}

enum gn_err tcp_recv_done(struct tcb *t, const struct tcp_env *e, size_t len)
{
    uint32_t n = (uint32_t)min_u64(len, UINT32_MAX);

    if (n > urgent_run(t))
        return GN_E_INVALID;
    if (n > 0)
        took(t, e, n);
    return GN_OK;
}

int64_t tcp_recv(struct tcb *t, const struct tcp_env *e, void *buf, size_t len, unsigned flags)
{
    uint32_t run = urgent_run(t), n = (uint32_t)min_u64(len, run);

    if (flags & GN_RECV_URGENT)
        return tcp_recv_urgent(t, buf, len, flags);
    if (run == 0)
        return nothing_to_read(t);
    ring_get(&t->rcvbuf, urgent_skip(t), buf, n);
    if (!(flags & GN_RECV_PEEK) && n > 0)
        took(t, e, n);
    return n;
}

enum gn_err tcp_close(struct tcb *t, const struct tcp_env *e)
{
    if (t->fin_queued)
        return GN_E_CLOSING; /* never a second FIN */
    switch ((enum gn_state)t->state) {
    case GN_CLOSED: return GN_E_NOT_CONNECTED;
    case GN_SYN_SENT: /* queued SENDs are lost, and the user is told so, once */
        connection_ends(t, e, GN_CAUSE_CLOSE_EARLY, GN_E_CLOSING);
        return GN_OK;
    case GN_SYN_RECEIVED:
        t->fin_queued = true;
        if (t->sndbuf.len == 0)
            tcb_enter(t, e, GN_FIN_WAIT_1, GN_CAUSE_CLOSE_CALL);
        break; /* else ESTABLISHED comes first */
    case GN_ESTABLISHED:
        t->fin_queued = true;
        tcb_enter(t, e, GN_FIN_WAIT_1, GN_CAUSE_CLOSE_CALL);
        break;
    case GN_CLOSE_WAIT:
        t->fin_queued = true;
        tcb_enter(t, e, GN_LAST_ACK, GN_CAUSE_CLOSE_CALL);
        break;
    case GN_LISTEN:
    case GN_FIN_WAIT_1:
    case GN_FIN_WAIT_2:
    case GN_CLOSING:
    case GN_LAST_ACK:
    case GN_TIME_WAIT:
    case GN_STATE_COUNT: return GN_E_CLOSING;
    }
    timeouts_persist(t, e);
    return GN_OK;
}

/* UC-SHUT-R: what has arrived can still be read; what comes from now on is acknowledged and thrown
 * away (text.c), so that the peer is not held up */
enum gn_err tcp_shutdown_read(struct tcb *t, const struct tcp_env *e)
{
    if (t->state == GN_CLOSED || t->state == GN_SYN_SENT)
        return GN_E_NOT_CONNECTED;
    t->shut_rd = true;
    urgent_over(t, e); /* what is left is one stream */
    t->events |= GN_EV_EOF | GN_EV_READABLE;
    return GN_OK;
}

void tcp_abort(struct tcb *t, const struct tcp_env *e, enum gn_cause cause, enum gn_err error)
{
    switch ((enum gn_state)t->state) {
    case GN_CLOSED: return;
    case GN_CLOSING:
    case GN_LAST_ACK:
    case GN_TIME_WAIT:
        /* nobody's wish, and the peer would wait for our FIN for ever */
        if (cause == GN_CAUSE_ORPHAN_LIMIT && t->state != GN_TIME_WAIT)
            last_word(t, e, CTL_RST | CTL_ACK);
        else if (t->ack_now) /* the peer's FIN would be sent again, for a second at least */
            last_word(t, e, CTL_ACK);
        connection_ends(t, e, cause, error);
        return;
    case GN_SYN_SENT: connection_ends(t, e, cause, error); return;
    case GN_SYN_RECEIVED:
    case GN_ESTABLISHED:
    case GN_FIN_WAIT_1:
    case GN_FIN_WAIT_2:
    case GN_CLOSE_WAIT: connection_reset(t, e, cause, error); return;
    case GN_LISTEN:
    case GN_STATE_COUNT: UNREACHABLE("a connection");
    }
}

/* MAY-1: CLOSE as sockets have it is half-duplex: nobody can read what comes after it */
void tcp_detach(struct tcb *t, const struct tcp_env *e)
{
    t->orphan = true;
    /* SHLD-3: the peer must learn that text was lost, if it has not closed yet, which TIME-WAIT
     * waits for in peace (MUST-13). An urgent octet that was read by itself is no unread text */
    if (t->rcvbuf.len > (t->urg_taken ? urgent_skip(t) : 0) && t->state != GN_CLOSED &&
        t->state != GN_TIME_WAIT) {
        e->stats->TCPAbortOnData++;
        connection_reset(t, e, GN_CAUSE_CLOSE_UNREAD, GN_E_RESET);
    } else if (!t->fin_queued && t->state != GN_CLOSED) {
        (void)tcp_close(t, e);
    }
    timeouts_on_orphan(t, e);
    ring_free(&t->rcvbuf, e->mem);
}

void tcp_want_write(struct tcb *t, const struct tcp_env *e)
{
    t->want_write = true;
    sndbuf_tell(t, e);
}

/* GN_OPT_RCVLOWAT is reached, or would never be: what is there leaves no room for a segment */
static bool enough(const struct tcb *t)
{
    return t->rcvbuf.len >= t->opts.rcvlowat || t->rcvbuf.len + t->rec.mss > t->opts.rcvbuf;
}

unsigned tcp_readiness(const struct tcb *t, const struct tcp_env *e)
{
    unsigned what = 0;

    if (urgent_run(t) > 0 && enough(t))
        what |= GN_EV_READABLE;
    if (t->fin_rcvd || (t->shut_rd && t->state != GN_CLOSED))
        what |= GN_EV_READABLE | GN_EV_EOF;
    if (t->state == GN_CLOSED)
        what |= GN_EV_CLOSED | GN_EV_READABLE | GN_EV_WRITABLE;
    if (t->error != GN_OK)
        what |= GN_EV_ERROR | GN_EV_READABLE | GN_EV_WRITABLE;
    if (state_synchronised(t->state) && t->state != GN_TIME_WAIT) {
        what |= GN_EV_CONNECTED;
        if (t->fin_queued || sndbuf_writable(t, e))
            what |= GN_EV_WRITABLE;
    }
    if (t->fast_child) /* Fast Open: answers may be sent before the third ACK */
        what |= GN_EV_CONNECTED;
    if ((t->fast_child && sndbuf_writable(t, e)) || t->syn_waits)
        what |= GN_EV_WRITABLE;
    if (urgent_ready(t))
        what |= GN_EV_URGENT;
    return what;
}
