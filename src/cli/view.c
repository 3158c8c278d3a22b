/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file view.c  Connections in the columns of ss, and which of them are wanted.
 */
#include "cli/view.h"

#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define BIT(s) (1u << (s))
#define ALL    (BIT(GN_STATE_COUNT) - 1)

const char *timer_name(enum gn_timer t)
{
    static const char *const names[GN_TIMER_COUNT] = {
        [GN_TIMER_RTO] = "retransmission",   [GN_TIMER_PROBE] = "tail loss probe",
        [GN_TIMER_REORDER] = "reordering",   [GN_TIMER_PERSIST] = "persist",
        [GN_TIMER_KEEPALIVE] = "keep-alive", [GN_TIMER_DELACK] = "delayed ACK",
        [GN_TIMER_SWS] = "silly window",     [GN_TIMER_PACE] = "pacing",
        [GN_TIMER_USER] = "user timeout",    [GN_TIMER_FIN_WAIT_2] = "FIN-WAIT-2",
        [GN_TIMER_TIME_WAIT] = "2MSL",
    };
    return names[t];
}

/** set_flag() - a flag of a view by its word in a request; false: there is none */
static bool set_flag(struct view *v, const char *word)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"timers", &v->timers},
                 {"internals", &v->internals},
                 {"history", &v->history},
                 {"listening", &v->listening},
                 {"all", &v->all},
                 {"json", &v->json},
                 {"no-header", &v->no_header},
                 {"v4", &v->only_v4},
                 {"v6", &v->only_v6},
                 {"ascii", &v->ascii},
                 {"handles", &v->handles}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (!strcmp(flags[i].name, word))
            return *flags[i].flag = true;
    return false;
}

bool view_states(struct view *v, const char *name)
{
    static const struct {
        const char *name;
        uint32_t states;
    } groups[] = {
        {"all", ALL},
        {"connected", ALL & ~(BIT(GN_CLOSED) | BIT(GN_LISTEN))},
        {"synchronized", ALL & ~(BIT(GN_CLOSED) | BIT(GN_LISTEN) | BIT(GN_SYN_SENT))},
        {"bucket", BIT(GN_SYN_RECEIVED) | BIT(GN_TIME_WAIT)},
        {"big",
         ALL & ~(BIT(GN_CLOSED) | BIT(GN_LISTEN) | BIT(GN_SYN_RECEIVED) | BIT(GN_TIME_WAIT))},
        {"listening", BIT(GN_LISTEN)},
        {"syn-recv", BIT(GN_SYN_RECEIVED)},
        {"established", BIT(GN_ESTABLISHED)},
    };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (!strcasecmp(groups[i].name, name)) {
            v->states |= groups[i].states;
            return true;
        }
    }
    for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
        if (!strcasecmp(gn_state_name(s), name) || !strcasecmp(gn_state_ss_name(s), name)) {
            v->states |= BIT(s);
            return true;
        }
    }
    return false;
}

bool view_word(struct view *v, const char *word)
{
    uint64_t n;
    if (set_flag(v, word))
        return true;
    if (!strncmp(word, "sport=", 6) && parse_number(word + 6, 1, 65535, &n)) {
        v->sport = (uint32_t)n;
        return true;
    }
    if (!strncmp(word, "dport=", 6) && parse_number(word + 6, 1, 65535, &n)) {
        v->dport = (uint32_t)n;
        return true;
    }
    return !strncmp(word, "state=", 6) && view_states(v, word + 6);
}

void view_request(const struct view *v, struct buf *b)
{
    const struct {
        const char *name;
        bool on;
    } flags[] = {{"timers", v->timers},
                 {"internals", v->internals},
                 {"history", v->history},
                 {"listening", v->listening},
                 {"all", v->all},
                 {"json", v->json},
                 {"no-header", v->no_header},
                 {"v4", v->only_v4},
                 {"v6", v->only_v6},
                 {"ascii", v->ascii},
                 {"handles", v->handles}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].on)
            buf_printf(b, " %s", flags[i].name);
    for (unsigned s = 0; s < GN_STATE_COUNT; s++)
        if (v->states & BIT(s))
            buf_printf(b, " state=%s", gn_state_name(s));
    if (v->sport)
        buf_printf(b, " sport=%" PRIu32, v->sport);
    if (v->dport)
        buf_printf(b, " dport=%" PRIu32, v->dport);
}

bool view_matches(const struct view *v, const struct gn_status *s)
{
    uint32_t states = v->states;
    if (!states && v->all)
        states = ALL;
    else if (!states && v->listening)
        states = BIT(GN_LISTEN);
    else if (!states)
        states = ALL & ~BIT(GN_LISTEN);
    bool v4 = gn_addr_is_v4(&s->local.addr);
    /* a listener on the unspecified address serves both families */
    bool both = s->kind == GN_KIND_LISTENER && gn_addr_is_any(&s->local.addr);
    if (!(states & BIT(s->state)))
        return false;
    if (!both && ((v->only_v4 && !v4) || (v->only_v6 && v4)))
        return false;
    return (!v->sport || v->sport == s->local.port) && (!v->dport || v->dport == s->remote.port);
}

void view_endpoint(const struct gn_endpoint *e, struct buf *b)
{
    char text[GN_ADDR_TEXT];
    if (gn_addr_is_any(&e->addr))
        buf_str(b, "*");
    else
        buf_printf(b, gn_addr_is_v4(&e->addr) ? "%s" : "[%s]", gn_addr_format(&e->addr, text));
    if (e->port)
        buf_printf(b, ":%u", e->port);
    else
        buf_str(b, ":*");
}

void view_endpoint_seen(const struct gn_endpoint *e, struct buf *b)
{
    char text[GN_ADDR_TEXT];
    buf_printf(b, gn_addr_is_v4(&e->addr) ? "%s:%u" : "[%s]:%u", gn_addr_format(&e->addr, text),
               e->port);
}

void view_header(struct buf *b)
{
    size_t from = b->len;
    buf_str(b, "State");
    buf_pad(b, from, 13);
    buf_str(b, "Recv-Q   Send-Q   Local Address:Port");
    buf_pad(b, from, 13 + 18 + 26);
    buf_str(b, "Peer Address:Port\n");
}

/** span() - a time as people read it */
static void span(gn_time t, struct buf *b)
{
    struct text text;
    text_reset(&text);
    text_span(&text, t);
    buf_mem(b, text.s, text.len);
}

/** timers() - every armed timer with the time that is left */
static void timers(const struct gn_status *s, gn_time now, struct buf *b)
{
    bool any = false;
    for (unsigned i = 0; i < GN_TIMER_COUNT; i++) {
        const struct gn_deadline *d = &s->timer[i];
        if (!d->armed)
            continue;
        buf_str(b, any ? ", " : "  timer:(");
        buf_printf(b, "%s in ", timer_name(i));
        span(d->at > now ? d->at - now : 0, b);
        if (i == GN_TIMER_RTO && s->backoff)
            buf_printf(b, " x%u", s->backoff);
        any = true;
    }
    if (any)
        buf_str(b, ")");
}

/** milliseconds() - " name:1.234" */
static void milliseconds(const char *name, gn_time t, struct buf *b)
{
    buf_printf(b, " %s:%" PRIu64 ".%03" PRIu64, name, t / GN_MSEC, t / GN_USEC % 1000);
}

/** rate() - octets per second as bits, as ss writes them: 95.6Mbps */
static void rate(const char *name, uint64_t octets, struct buf *b)
{
    double bits = (double)octets * 8;

    if (bits > 1e6)
        buf_printf(b, "%s%.1fMbps", name, bits / 1e6);
    else if (bits > 1e3)
        buf_printf(b, "%s%.1fKbps", name, bits / 1e3);
    else
        buf_printf(b, "%s%.0fbps", name, bits);
}

const char *view_bbr_phase(enum gn_bbr_phase phase)
{
    static const char *const names[] = {
        [GN_BBR_NONE] = "",
        [GN_BBR_STARTUP] = "Startup",
        [GN_BBR_DRAIN] = "Drain",
        [GN_BBR_PROBE_BW_DOWN] = "ProbeBW_DOWN",
        [GN_BBR_PROBE_BW_CRUISE] = "ProbeBW_CRUISE",
        [GN_BBR_PROBE_BW_REFILL] = "ProbeBW_REFILL",
        [GN_BBR_PROBE_BW_UP] = "ProbeBW_UP",
        [GN_BBR_PROBE_RTT] = "ProbeRTT",
    };

    return phase < sizeof names / sizeof *names ? names[phase] : "";
}

/** pace() - BBR's model, pacing and delivery rate, as ss -i spells them */
static void pace(const struct gn_status *s, struct buf *b)
{
    if (s->bbr.phase) {
        rate(" bbr:(bw:", s->bbr.bw, b);
        if (s->bbr.min_rtt != UINT64_MAX)
            buf_printf(b, ",mrtt:%g", (double)(s->bbr.min_rtt / GN_USEC) / 1e3);
        buf_printf(b, ",pacing_gain:%g,cwnd_gain:%g) %s", s->bbr.pacing_gain / 1e3,
                   s->bbr.cwnd_gain / 1e3, view_bbr_phase(s->bbr.phase));
    }
    if (s->pacing_rate)
        rate(" pacing_rate ", s->pacing_rate, b);
    if (s->pacing_rate && s->max_pacing_rate)
        rate("/", s->max_pacing_rate, b);
    if (s->delivery_rate)
        rate(" delivery_rate ", s->delivery_rate, b);
    if (s->delivery_app_limited)
        buf_str(b, " app_limited");
}

/** internals() - the line that ss -i prints, and a little more */
static void internals(const struct gn_status *s, gn_time now, struct buf *b)
{
    buf_str(b, "\t");
    if (s->opt_timestamps)
        buf_str(b, " ts");
    if (s->opt_sack)
        buf_str(b, " sack");
    if (s->opt_ecn)
        buf_str(b, " ecn");
    if (s->opt_accecn)
        buf_str(b, " accecn");
    buf_printf(b, " %s", s->cc);
    if (s->opt_wscale)
        buf_printf(b, " wscale:%u,%u", s->snd.wscale, s->rcv.wscale);
    milliseconds("rto", s->rto, b);
    if (s->srtt) {
        milliseconds("rtt", s->srtt, b);
        buf_printf(b, "/%" PRIu64 ".%03" PRIu64, s->rttvar / GN_MSEC, s->rttvar / GN_USEC % 1000);
        milliseconds("minrtt", s->min_rtt, b);
    }
    buf_printf(b, " mss:%u cwnd:%u", s->mss, s->cwnd);
    if (s->delivered_ce)
        buf_printf(b, " delivered_ce:%u", s->delivered_ce);
    if (s->received_ce)
        buf_printf(b, " received_ce:%u", s->received_ce);
    if (s->ssthresh != UINT32_MAX)
        buf_printf(b, " ssthresh:%u", s->ssthresh);
    buf_printf(b, " flight:%u snd_wnd:%u rcv_wnd:%u", s->in_flight, s->snd.wnd, s->rcv.wnd);
    buf_printf(b,
               " bytes_sent:%" PRIu64 " bytes_acked:%" PRIu64 " bytes_received:%" PRIu64
               " segs_out:%" PRIu64 " segs_in:%" PRIu64,
               s->bytes_sent, s->bytes_acked, s->bytes_received, s->segs_out, s->segs_in);
    if (s->retransmits)
        buf_printf(b, " retrans:%u bytes_retrans:%" PRIu64, s->retransmits, s->bytes_retrans);
    if (s->rcv.out_of_order)
        buf_printf(b, " out_of_order:%u", s->rcv.out_of_order);
    if (s->backoff)
        buf_printf(b, " backoff:%u", s->backoff);
    if (s->recovery != GN_RECOVERY_OPEN) {
        static const char *const names[] = {"open", "disorder", "recovery", "loss"};
        buf_printf(b, " %s sacked:%u lost:%u", names[s->recovery], s->sacked, s->lost);
    }
    pace(s, b);
    buf_printf(b, " sndbuf:%u rcvbuf:%u memory:%u", s->sndbuf, s->rcvbuf, s->memory);
    if (s->last_in)
        milliseconds("lastrcv", now - s->last_in, b);
    if (s->last_out)
        milliseconds("lastsnd", now - s->last_out, b);
    if (s->orphan)
        buf_str(b, " orphan");
    buf_str(b, "\n");
}

void view_handle(const struct gn_status *s, struct buf *b)
{
    if (s->handle == GN_NO_HANDLE)
        return;
    buf_printf(b, "%" PRIx64 " ", s->handle);
    view_endpoint(&s->local, b);
    buf_str(b, " -> ");
    view_endpoint(&s->remote, b);
    buf_printf(b, " %s\n", gn_state_name(s->state));
}

/** history() - the remembered transitions with their causes, oldest first */
static void history(const struct view *v, const struct gn_status *s, gn_time now, struct buf *b)
{
    for (unsigned i = 0; i < s->n_history; i++) {
        const struct gn_transition *t = &s->history[i];
        size_t from = b->len;
        buf_str(b, "\t");
        span(now > t->at ? now - t->at : 0, b);
        buf_str(b, " ago");
        buf_pad(b, from, 15);
        buf_printf(b, "%12s %s ", gn_state_name(t->from), v->ascii ? "->" : "\342\206\222");
        from = b->len;
        buf_str(b, gn_state_name(t->to));
        buf_pad(b, from, 14);
        buf_str(b, gn_cause_text(t->cause));
        if (*gn_cause_rfc(t->cause))
            buf_printf(b, " (%s)", gn_cause_rfc(t->cause));
        buf_str(b, "\n");
    }
}

void view_status(const struct view *v, const struct gn_status *s, gn_time now, struct buf *b)
{
    size_t from = b->len;
    buf_str(b, gn_state_name(s->state));
    buf_pad(b, from, 13);
    buf_printf(b, "%-8u %-8u ", s->recv_q, s->send_q);
    view_endpoint(&s->local, b);
    buf_pad(b, from, 13 + 18 + 26);
    view_endpoint(&s->remote, b);
    if (v->timers)
        timers(s, now, b);
    if (s->frozen)
        buf_str(b, "  frozen");
    if (s->error != GN_OK)
        buf_printf(b, "  error:(%s)", gn_err_text(s->error));
    buf_str(b, "\n");
    if (v->internals && s->kind == GN_KIND_CONNECTION)
        internals(s, now, b);
    if (v->history)
        history(v, s, now, b);
}

void view_host(const struct view *v, const struct gn_host *h, gn_time now, struct buf *b)
{
    struct gn_status s;
    struct json j = {.b = b};
    uint64_t cursor = 0;
    if (v->json)
        json_open(&j, NULL, '[');
    else if (!v->no_header)
        view_header(b);
    while (gn_host_walk(h, &cursor, now, &s)) {
        if (!view_matches(v, &s))
            continue;
        if (v->json)
            view_status_json(&s, NULL, now, &j);
        else
            view_status(v, &s, now, b);
    }
    if (v->json)
        json_close(&j, ']');
}
