/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file status_line.c  STATUS, counters and knobs as lines.
 *
 * Writer and reader share one list of fields.
 */
#include "cli/status_line.h"

#include "cli/fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ST(name) FIELD(struct gn_status, name)

static const struct field status_fields[] = {
    ST(kind),
    ST(handle),
    ST(state),
    ST(orphan),
    ST(passive),
    ST(error),
    ST(soft_error),
    ST(recv_q),
    ST(send_q),
    ST(not_sent),
    ST(half_open),
    ST(backlog),
    ST(snd.wnd),
    ST(snd.max_wnd),
    ST(snd.wscale),
    ST(rcv.wnd),
    ST(rcv.wscale),
    ST(rcv.out_of_order),
    ST(opt_timestamps),
    ST(opt_sack),
    ST(opt_wscale),
    ST(opt_ecn),
    ST(mss),
    ST(peer_mss),
    ST(recovery),
    ST(cwnd),
    ST(ssthresh),
    ST(in_flight),
    ST(sacked),
    ST(lost),
    ST(retrans_out),
    ST(dup_acks),
    ST(backoff),
    ST(retransmits),
    ST(srtt),
    ST(rttvar),
    ST(rto),
    ST(min_rtt),
    ST(pacing_rate),
    ST(max_pacing_rate),
    ST(delivery_rate),
    ST(delivery_app_limited),
    ST(bbr.phase),
    ST(bbr.bw),
    ST(bbr.min_rtt),
    ST(bbr.pacing_gain),
    ST(bbr.cwnd_gain),
    ST(bytes_sent),
    ST(bytes_acked),
    ST(bytes_received),
    ST(bytes_retrans),
    ST(segs_in),
    ST(segs_out),
    ST(sndbuf),
    ST(rcvbuf),
    ST(memory),
    ST(probes),
    ST(created),
    ST(last_in),
    ST(last_out),
};

static const struct field stats_fields[] = {
#define GN_MIB(name, text) FIELD(struct gn_stats, name),
#include <gannet/mib.def>
#undef GN_MIB
    FIELD(struct gn_stats, memory),
    FIELD(struct gn_stats, memory_peak),
    FIELD(struct gn_stats, orphans),
#define GN_DROP(name, text) \
    {"drop." #name, offsetof(struct gn_stats, drop) + GN_DROP_##name * sizeof(uint64_t), 8, false},
#include <gannet/drop.def>
#undef GN_DROP
};

static const struct field conf_fields[] = {
#define GN_KNOB(name, unit, def, min, max, rfc, doc) FIELD(struct gn_conf, name),
#include <gannet/conf.def>
#undef GN_KNOB
};

void status_line_write(const struct gn_status *s, gn_time now, struct buf *b)
{
    buf_str(b, "c");
    fields_write_end("local", &s->local, b);
    fields_write_end("remote", &s->remote, b);
    fields_write(s, status_fields, COUNT(status_fields), b);
    if (s->cc[0])
        buf_printf(b, " cc=%s", s->cc);
    for (unsigned i = 0; i < GN_TIMER_COUNT; i++)
        if (s->timer[i].armed)
            buf_printf(b, " timer=%u:%" PRIu64, i, s->timer[i].at > now ? s->timer[i].at - now : 0);
    for (unsigned i = 0; i < s->n_history; i++) {
        const struct gn_transition *t = &s->history[i];
        buf_printf(b, " was=%" PRIu64 ":%u:%u:%u", now > t->at ? now - t->at : 0, t->from, t->to,
                   t->cause);
    }
    buf_str(b, "\n");
}

/** read_timer() - "timer=KIND:SPAN" */
static bool read_timer(const struct word *w, gn_time now, struct gn_status *s)
{
    char *end;
    uint64_t span;
    if (w->n >= GN_TIMER_COUNT)
        return true; /* of a later version */
    const char *colon = strchr(w->value, ':');
    if (!colon)
        return false;
    span = strtoull(colon + 1, &end, 10);
    s->timer[w->n] = (struct gn_deadline){now + span, true};
    return true;
}

/** read_was() - "was=AGO:FROM:TO:CAUSE" */
static bool read_was(const struct word *w, gn_time now, struct gn_status *s)
{
    uint64_t ago;
    unsigned from, to, cause;
    if (sscanf(w->value, "%" SCNu64 ":%u:%u:%u", &ago, &from, &to, &cause) != 4)
        return false;
    if (from >= GN_STATE_COUNT || to >= GN_STATE_COUNT || s->n_history == GN_HISTORY)
        return false;
    s->history[s->n_history++] = (struct gn_transition){
        now > ago ? now - ago : 0, from, to, cause < GN_CAUSE_COUNT ? cause : GN_CAUSE_NONE};
    return true;
}

/** read_text() - the words that are no plain numbers; false: it is none of these, or it makes no
 * sense (*@bad) */
static bool read_text(const struct word *w, gn_time now, struct gn_status *s, bool *bad)
{
    if (fields_is(w, "local"))
        *bad = !fields_read_end(w, &s->local);
    else if (fields_is(w, "remote"))
        *bad = !fields_read_end(w, &s->remote);
    else if (fields_is(w, "timer"))
        *bad = !read_timer(w, now, s);
    else if (fields_is(w, "was"))
        *bad = !read_was(w, now, s);
    else if (fields_is(w, "cc"))
        snprintf(s->cc, sizeof s->cc, "%.*s", (int)strcspn(w->value, " \n"), w->value);
    else
        return false;
    return !*bad;
}

bool status_line_read(const char *line, gn_time now, struct gn_status *ret)
{
    struct gn_status s = {0};
    struct word w;
    bool bad = false;
    size_t next = 0;
    while (!bad && fields_word(&line, &w, &bad))
        if (!read_text(&w, now, &s, &bad) && !bad)
            (void)fields_take(&w, &s, status_fields, COUNT(status_fields), &next);
    if (bad || (unsigned)s.state >= GN_STATE_COUNT || (unsigned)s.kind > GN_KIND_TIME_WAIT ||
        (unsigned)s.recovery > GN_RECOVERY_LOSS)
        return false;
    *ret = s;
    return true;
}

/** write_transitions() - those that were made, as t.FROM.TO=TIMES */
static void write_transitions(const struct gn_stats *s, struct buf *b)
{
    for (unsigned from = 0; from < GN_STATE_COUNT; from++)
        for (unsigned to = 0; to < GN_STATE_COUNT; to++)
            if (s->transition[from][to])
                buf_printf(b, " t.%u.%u=%" PRIu64, from, to, s->transition[from][to]);
}

/** read_transitions() - the same back; what makes no sense is passed over */
static void read_transitions(const char *line, struct gn_stats *ret)
{
    unsigned from, to;
    uint64_t n;

    for (const char *at = strstr(line, " t."); at; at = strstr(at + 1, " t."))
        if (sscanf(at, " t.%2u.%2u=%" SCNu64, &from, &to, &n) == 3 && from < GN_STATE_COUNT &&
            to < GN_STATE_COUNT)
            ret->transition[from][to] = n;
}

void stats_line_write(const struct gn_stats *s, struct buf *b)
{
    buf_str(b, "s");
    fields_write(s, stats_fields, COUNT(stats_fields), b);
    write_transitions(s, b);
    buf_str(b, "\n");
}

bool stats_line_read(const char *line, struct gn_stats *ret)
{
    memset(ret, 0, sizeof *ret);
    read_transitions(line, ret);
    return fields_read(line, ret, stats_fields, COUNT(stats_fields));
}

void conf_line_write(const struct gn_conf *c, struct buf *b)
{
    buf_str(b, "k");
    fields_write(c, conf_fields, COUNT(conf_fields), b);
    buf_str(b, "\n");
}

bool conf_line_read(const char *line, struct gn_conf *ret)
{
    memset(ret, 0, sizeof *ret);
    return fields_read(line, ret, conf_fields, COUNT(conf_fields));
}
