/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file facts_status.c  STATUS of a Gannet connection as facts.
 */
#include "explain/facts.h"

#include <string.h>

/** ago() - span since @at */
static gn_time ago(gn_time at, gn_time now)
{
    return now > at ? now - at : 0;
}

/** in_segments() - octets as segments, a begun one counts */
static uint32_t in_segments(uint32_t octets, uint32_t mss)
{
    return mss ? (octets + mss - 1) / mss : 0;
}

/** take_timer() - the timer that ss would show */
static void take_timer(const struct gn_status *s, gn_time now, struct fact_conn *c)
{
    static const struct {
        enum gn_timer from;
        enum fact_timer to;
    } map[] = {{GN_TIMER_RTO, FACT_TIMER_RETRANS},
               {GN_TIMER_PERSIST, FACT_TIMER_PERSIST},
               {GN_TIMER_FIN_WAIT_2, FACT_TIMER_FIN_WAIT_2},
               {GN_TIMER_TIME_WAIT, FACT_TIMER_TIME_WAIT},
               {GN_TIMER_KEEPALIVE, FACT_TIMER_KEEPALIVE}};

    c->known |= FACT_TIMER;
    c->backoff = (uint8_t)(s->backoff < 255 ? s->backoff : 255);
    c->probes = s->probes;
    if (s->timer[GN_TIMER_KEEPALIVE].armed) {
        c->known |= FACT_KEEPALIVE;
        c->keepalive = true;
    }
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++) {
        const struct gn_deadline *d = &s->timer[map[i].from];
        if (!d->armed)
            continue;
        c->timer = map[i].to;
        c->timer_in = ago(now, d->at);
        return;
    }
}

/** take_info() - the figures of tcp_info */
static void take_info(const struct gn_status *s, gn_time now, struct fact_info *i)
{
    i->recovery = s->recovery;
    i->timestamps = s->opt_timestamps;
    i->sack = s->opt_sack;
    i->wscale = s->opt_wscale;
    i->ecn = s->opt_ecn;
    i->snd_wscale = s->snd.wscale;
    i->rcv_wscale = s->rcv.wscale;
    memcpy(i->cc, s->cc, sizeof s->cc);
    i->snd_mss = s->mss;
    i->unacked = in_segments(s->in_flight, s->mss);
    i->sacked = in_segments(s->sacked, s->mss);
    i->lost = in_segments(s->lost, s->mss);
    i->retrans_out = in_segments(s->retrans_out, s->mss);
    i->retrans_total = s->retransmits;
    i->cwnd = in_segments(s->cwnd, s->mss);
    i->ssthresh = s->ssthresh == UINT32_MAX ? UINT32_MAX : in_segments(s->ssthresh, s->mss);
    i->snd_wnd = s->snd.wnd;
    i->rcv_wnd = s->rcv.wnd;
    i->not_sent = s->not_sent;
    i->rcv_ooo = in_segments(s->rcv.out_of_order, s->mss);
    i->rto = s->rto;
    i->rtt = s->srtt;
    i->rttvar = s->rttvar;
    i->min_rtt = s->min_rtt;
    /* STATUS knows of segments only, and each that arrives has an ACK */
    i->last_data_sent = ago(s->last_out, now);
    i->last_data_recv = i->last_ack_recv = ago(s->last_in, now);
    i->pacing_rate = s->pacing_rate;
    i->delivery_rate = s->delivery_rate;
    i->bytes_sent = s->bytes_sent;
    i->bytes_acked = s->bytes_acked;
    i->bytes_received = s->bytes_received;
    i->bytes_retrans = s->bytes_retrans;
    i->segs_out = s->segs_out;
    i->segs_in = s->segs_in;
}

void facts_from_status(const struct gn_status *s, gn_time now, struct fact_conn *ret)
{
    struct fact_conn c = {.kind = s->kind,
                          .state = s->state,
                          .local = s->local,
                          .remote = s->remote,
                          .process = s->orphan || s->kind == GN_KIND_TIME_WAIT ? FACT_NONE : 0,
                          .listener = FACT_NONE,
                          .cookie = s->handle,
                          .recv_q = s->recv_q,
                          .send_q = s->send_q,
                          .half_open = s->half_open,
                          .error = s->error,
                          .soft_error = s->soft_error,
                          .history = s->history,
                          .n_history = s->n_history};

    c.known = FACT_QUEUES | FACT_OWNER | FACT_ERROR;
    if (s->kind == GN_KIND_LISTENER)
        c.send_q = s->backlog;
    if (s->kind != GN_KIND_LISTENER)
        take_timer(s, now, &c);
    if (s->kind == GN_KIND_CONNECTION) {
        c.known |= FACT_INFO | FACT_BUFFERS;
        take_info(s, now, &c.info);
        c.sndbuf = s->sndbuf;
        c.rcvbuf = s->rcvbuf;
        c.rmem = s->recv_q + s->rcv.out_of_order;
        c.wmem = s->send_q;
    }
    if (s->n_history) {
        c.known |= FACT_HISTORY | FACT_AGE;
        c.in_state = ago(s->history[s->n_history - 1].at, now);
    }
    *ret = c;
}
