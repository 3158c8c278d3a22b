/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file view_json.c  STATUS as JSON, and the counters of a host as text and JSON.
 */
#include "cli/view.h"

#include <inttypes.h>
#include <string.h>

/** json_endpoint() - {"addr": ..., "port": ...} */
static void json_endpoint(struct json *j, const char *name, const struct gn_endpoint *e)
{
    char text[GN_ADDR_TEXT];
    json_open(j, name, '{');
    json_str(j, "addr", gn_addr_format(&e->addr, text));
    json_u64(j, "port", e->port);
    json_close(j, '}');
}

/** json_queues() - queues, windows, sequence numbers */
static void json_queues(const struct gn_status *s, struct json *j)
{
    json_u64(j, "recv_q", s->recv_q);
    json_u64(j, "send_q", s->send_q);
    json_u64(j, "not_sent", s->not_sent);
    if (s->kind == GN_KIND_LISTENER) {
        json_u64(j, "half_open", s->half_open);
        json_u64(j, "backlog", s->backlog);
        return;
    }
    json_open(j, "snd", '{');
    json_u64(j, "una", s->snd.una);
    json_u64(j, "nxt", s->snd.nxt);
    json_u64(j, "wnd", s->snd.wnd);
    json_u64(j, "wl1", s->snd.wl1);
    json_u64(j, "wl2", s->snd.wl2);
    json_u64(j, "iss", s->snd.iss);
    json_u64(j, "max_wnd", s->snd.max_wnd);
    json_u64(j, "wscale", s->snd.wscale);
    json_close(j, '}');
    json_open(j, "rcv", '{');
    json_u64(j, "nxt", s->rcv.nxt);
    json_u64(j, "wnd", s->rcv.wnd);
    json_u64(j, "irs", s->rcv.irs);
    json_u64(j, "edge", s->rcv.edge);
    json_u64(j, "wscale", s->rcv.wscale);
    json_u64(j, "out_of_order", s->rcv.out_of_order);
    json_close(j, '}');
}

/** json_bbr() - its model */
static void json_bbr(const struct gn_bbr *m, struct json *j)
{
    json_open(j, "bbr", '{');
    json_str(j, "phase", view_bbr_phase(m->phase));
    json_u64(j, "bw", m->bw);
    if (m->min_rtt != UINT64_MAX)
        json_seconds(j, "min_rtt", m->min_rtt);
    json_u64(j, "pacing_gain_percent", m->pacing_gain / 10u);
    json_u64(j, "cwnd_gain_percent", m->cwnd_gain / 10u);
    json_close(j, '}');
}

/** json_numbers() - congestion, round-trip times, totals */
static void json_numbers(const struct gn_status *s, struct json *j)
{
    static const char *const recovery[] = {"open", "disorder", "recovery", "loss"};
    json_bool(j, "timestamps", s->opt_timestamps);
    json_bool(j, "sack", s->opt_sack);
    json_bool(j, "wscale", s->opt_wscale);
    json_bool(j, "ecn", s->opt_ecn);
    json_bool(j, "accecn", s->opt_accecn);
    json_u64(j, "delivered_ce", s->delivered_ce);
    json_u64(j, "received_ce", s->received_ce);
    json_u64(j, "mss", s->mss);
    json_u64(j, "peer_mss", s->peer_mss);
    json_str(j, "congestion", s->cc);
    json_str(j, "recovery", recovery[s->recovery]);
    json_u64(j, "cwnd", s->cwnd);
    if (s->ssthresh == UINT32_MAX)
        json_null(j, "ssthresh");
    else
        json_u64(j, "ssthresh", s->ssthresh);
    json_u64(j, "in_flight", s->in_flight);
    json_u64(j, "sacked", s->sacked);
    json_u64(j, "lost", s->lost);
    json_u64(j, "dup_acks", s->dup_acks);
    json_u64(j, "backoff", s->backoff);
    json_u64(j, "retransmits", s->retransmits);
    json_seconds(j, "srtt", s->srtt);
    json_seconds(j, "rttvar", s->rttvar);
    json_seconds(j, "min_rtt", s->min_rtt);
    json_seconds(j, "rto", s->rto);
    json_u64(j, "pacing_rate", s->pacing_rate);
    json_u64(j, "delivery_rate", s->delivery_rate);
    json_bool(j, "app_limited", s->delivery_app_limited);
    if (s->max_pacing_rate)
        json_u64(j, "max_pacing_rate", s->max_pacing_rate);
    if (s->bbr.phase)
        json_bbr(&s->bbr, j);
    json_u64(j, "bytes_sent", s->bytes_sent);
    json_u64(j, "bytes_acked", s->bytes_acked);
    json_u64(j, "bytes_received", s->bytes_received);
    json_u64(j, "bytes_retrans", s->bytes_retrans);
    json_u64(j, "segs_in", s->segs_in);
    json_u64(j, "segs_out", s->segs_out);
    json_u64(j, "sndbuf", s->sndbuf);
    json_u64(j, "rcvbuf", s->rcvbuf);
    json_u64(j, "memory", s->memory);
    json_u64(j, "probes", s->probes);
}

void view_transition_json(const struct gn_transition *t, gn_time now, struct json *j)
{
    json_open(j, NULL, '{');
    json_seconds(j, "ago", now > t->at ? now - t->at : 0);
    json_str(j, "from", gn_state_name(t->from));
    json_str(j, "to", gn_state_name(t->to));
    json_str(j, "cause", gn_cause_name(t->cause));
    json_str(j, "text", gn_cause_text(t->cause));
    json_str(j, "rfc", gn_cause_rfc(t->cause));
    json_close(j, '}');
}

/** json_times() - timers that run, and the history */
static void json_times(const struct gn_status *s, gn_time now, struct json *j)
{
    json_open(j, "timers", '{');
    for (unsigned i = 0; i < GN_TIMER_COUNT; i++) {
        const struct gn_deadline *d = &s->timer[i];
        if (d->armed)
            json_seconds(j, timer_name(i), d->at > now ? d->at - now : 0);
    }
    json_close(j, '}');
    json_open(j, "history", '[');
    for (unsigned i = 0; i < s->n_history; i++)
        view_transition_json(&s->history[i], now, j);
    json_close(j, ']');
}

void view_status_json(const struct gn_status *s, const char *name, gn_time now, struct json *j)
{
    static const char *const kinds[] = {"connection", "listener", "half-open", "time-wait"};
    char handle[32];
    json_open(j, name, '{');
    json_str(j, "kind", kinds[s->kind]);
    snprintf(handle, sizeof handle, "%" PRIx64, s->handle);
    json_str(j, "handle", handle);
    json_str(j, "state", gn_state_name(s->state));
    json_endpoint(j, "local", &s->local);
    json_endpoint(j, "remote", &s->remote);
    json_bool(j, "orphan", s->orphan);
    json_bool(j, "passive", s->passive);
    json_bool(j, "frozen", s->frozen);
    if (s->error == GN_OK)
        json_null(j, "error");
    else
        json_str(j, "error", gn_err_text(s->error));
    json_queues(s, j);
    if (s->kind == GN_KIND_CONNECTION)
        json_numbers(s, j);
    json_times(s, now, j);
    json_close(j, '}');
}

/** summary_json() - all of struct gn_stats */
static void summary_json(const struct gn_stats *st, struct buf *b)
{
    struct json j = {.b = b};
    json_open(&j, NULL, '{');
    json_open(&j, "states", '{');
    for (unsigned s = 0; s < GN_STATE_COUNT; s++)
        json_u64(&j, gn_state_name(s), st->state[s]);
    json_close(&j, '}');
    json_open(&j, "transitions", '[');
    for (unsigned from = 0; from < GN_STATE_COUNT; from++) {
        for (unsigned to = 0; to < GN_STATE_COUNT; to++) {
            if (!st->transition[from][to])
                continue;
            json_open(&j, NULL, '{');
            json_str(&j, "from", gn_state_name(from));
            json_str(&j, "to", gn_state_name(to));
            json_u64(&j, "count", st->transition[from][to]);
            json_close(&j, '}');
        }
    }
    json_close(&j, ']');
    json_open(&j, "counters", '{');
#define GN_MIB(name, text) json_u64(&j, #name, st->name);
#include <gannet/mib.def>
#undef GN_MIB
    json_close(&j, '}');
    json_open(&j, "drops", '{');
    for (unsigned d = 1; d < GN_DROP_COUNT; d++)
        if (st->drop[d])
            json_u64(&j, gn_drop_name(d), st->drop[d]);
    json_close(&j, '}');
    json_u64(&j, "memory", st->memory);
    json_u64(&j, "memory_peak", st->memory_peak);
    json_u64(&j, "orphans", st->orphans);
    json_close(&j, '}');
    buf_str(b, "\n");
}

void view_summary(const struct gn_stats *st, bool json, struct buf *b)
{
    if (json) {
        summary_json(st, b);
        return;
    }
    uint64_t total = 0;
    for (unsigned s = 0; s < GN_STATE_COUNT; s++)
        total += st->state[s];
    buf_printf(
        b, "Total: %" PRIu64 ", orphans %" PRIu64 ", memory %" PRIu64 " KiB (peak %" PRIu64 ")\n",
        total, st->orphans, st->memory / 1024, st->memory_peak / 1024);
    for (unsigned s = 1; s < GN_STATE_COUNT; s++)
        buf_printf(b, "%14s  %" PRIu64 "\n", gn_state_name(s), st->state[s]);
}

void view_transitions(const struct gn_stats *st, struct buf *b)
{
    for (unsigned to = 0; to < GN_STATE_COUNT; to++) {
        uint64_t entered = 0;
        for (unsigned from = 0; from < GN_STATE_COUNT; from++)
            entered += st->transition[from][to];
        buf_printf(b, "%14s  entered %8" PRIu64, gn_state_name(to), entered);
        if (entered)
            buf_str(b, "   from");
        for (unsigned from = 0; from < GN_STATE_COUNT; from++)
            if (st->transition[from][to])
                buf_printf(b, " %s %" PRIu64, gn_state_name(from), st->transition[from][to]);
        buf_str(b, "\n");
    }
}
