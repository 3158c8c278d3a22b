/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file why_json.c  Findings as JSON.
 */
#include "cli/why_report.h"

#include "cli/view.h"

#include <inttypes.h>

/** or_null() - a string that may be missing */
static void or_null(struct json *j, const char *name, const char *s)
{
    if (s)
        json_str(j, name, s);
    else
        json_null(j, name);
}

/** endpoint() - {"addr": ..., "port": ...} */
static void endpoint(struct json *j, const char *name, const struct gn_endpoint *e)
{
    char text[GN_ADDR_TEXT];
    json_open(j, name, '{');
    json_str(j, "addr", gn_addr_format(&e->addr, text));
    json_u64(j, "port", e->port);
    json_close(j, '}');
}

/** process() - the owner, or null */
static void process(const struct facts *f, uint32_t index, struct json *j)
{
    if (index >= f->n_processes) {
        json_null(j, "process");
        return;
    }
    const struct fact_process *p = &f->process[index];
    json_open(j, "process", '{');
    json_u64(j, "pid", p->pid);
    json_str(j, "comm", p->comm ? p->comm : "");
    json_str(j, "cmdline", p->cmdline ? p->cmdline : "");
    json_str(j, "container", p->container ? p->container : "");
    json_u64(j, "uid", p->uid);
    json_u64(j, "fds", p->fds);
    json_u64(j, "fd_limit", p->fd_limit);
    json_close(j, '}');
}

/** drops() - why segments were dropped, as far as a Gannet host counts it */
static void drops(const struct facts *f, struct json *j)
{
    char name[64];
    json_open(j, "drops", '{');
    for (unsigned d = 1; d < GN_DROP_COUNT; d++) {
        snprintf(name, sizeof name, "GannetDrop%s", gn_drop_name(d));
        int64_t n = facts_counter(f, name, 0);
        if (n > 0)
            json_u64(j, gn_drop_name(d), (uint64_t)n);
    }
    json_close(j, '}');
}

/** info() - the figures of tcp_info */
static void info(const struct fact_info *i, struct json *j)
{
    json_str(j, "cc", i->cc);
    json_seconds(j, "rtt", i->rtt);
    json_seconds(j, "rttvar", i->rttvar);
    json_seconds(j, "min_rtt", i->min_rtt);
    json_seconds(j, "rto", i->rto);
    json_u64(j, "snd_mss", i->snd_mss);
    json_u64(j, "pmtu", i->pmtu);
    json_u64(j, "cwnd", i->cwnd);
    if (i->ssthresh != UINT32_MAX)
        json_u64(j, "ssthresh", i->ssthresh);
    if (i->snd_wnd != UINT32_MAX)
        json_u64(j, "snd_wnd", i->snd_wnd);
    json_u64(j, "unacked", i->unacked);
    json_u64(j, "sacked", i->sacked);
    json_u64(j, "lost", i->lost);
    json_u64(j, "retrans_total", i->retrans_total);
    json_u64(j, "not_sent", i->not_sent);
    json_u64(j, "bytes_acked", i->bytes_acked);
    json_u64(j, "bytes_received", i->bytes_received);
    json_u64(j, "delivery_rate", i->delivery_rate);
    json_u64(j, "pacing_rate", i->pacing_rate);
    json_seconds(j, "last_data_sent", i->last_data_sent);
    json_seconds(j, "last_data_recv", i->last_data_recv);
    json_seconds(j, "rwnd_limited", i->rwnd_limited);
    json_seconds(j, "sndbuf_limited", i->sndbuf_limited);
}

void why_json_connection(const struct facts *f, const struct fact_conn *c, bool full,
                         struct json *j)
{
    char id[WHY_CONN_ID];
    json_open(j, NULL, '{');
    json_str(j, "id", why_conn_id(f, c, id));
    json_str(j, "state", gn_state_name(c->state));
    endpoint(j, "local", &c->local);
    endpoint(j, "remote", &c->remote);
    process(f, c->process, j);
    json_u64(j, "uid", c->uid);
    json_u64(j, "inode", c->inode);
    json_u64(j, "cookie", c->cookie);
    if (c->known & FACT_QUEUES) {
        json_u64(j, "recv_q", c->recv_q);
        json_u64(j, "send_q", c->send_q);
    }
    if (c->known & (FACT_AGE | FACT_AGE_MIN)) {
        json_seconds(j, "in_state", c->in_state);
        json_bool(j, "in_state_exact", c->known & FACT_AGE);
    }
    if (c->known & FACT_TIMER) {
        json_u64(j, "backoff", c->backoff);
        json_u64(j, "probes", c->probes);
        if (c->timer != FACT_TIMER_NONE)
            json_seconds(j, "timer_in", c->timer_in);
    }
    if (full && c->known & FACT_INFO)
        info(&c->info, j);
    if (c->known & FACT_HISTORY) {
        json_open(j, "history", '[');
        for (unsigned i = 0; i < c->n_history; i++)
            view_transition_json(&c->history[i], f->now, j);
        json_close(j, ']');
    }
    json_close(j, '}');
}

char *why_conn_id(const struct facts *f, const struct fact_conn *c, char *ret)
{
    if (c->cookie)
        snprintf(ret, WHY_CONN_ID, "%" PRIx64, c->cookie);
    else /* half-open entries and the like: good for this sample only */
        snprintf(ret, WHY_CONN_ID, "n%zu", (size_t)(c - f->conn));
    return ret;
}

/** evidence() - the numbers of a finding; spans in seconds */
static void evidence(const struct why_finding *x, struct json *j)
{
    static const char *const units[] = {"count", "octets", "seconds", "per cent"};
    json_open(j, "evidence", '[');
    for (unsigned i = 0; i < x->n_evidence; i++) {
        const struct why_evidence *e = &x->evidence[i];
        json_open(j, NULL, '{');
        json_str(j, "name", e->name);
        if (e->unit == WHY_SPAN)
            json_seconds(j, "value", (uint64_t)e->value);
        else
            json_i64(j, "value", e->value);
        json_str(j, "unit", units[e->unit]);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** remedies() - with their prices */
static void remedies(const struct why_finding *x, struct json *j)
{
    json_open(j, "remedies", '[');
    for (unsigned i = 0; i < x->n_remedies; i++) {
        json_open(j, NULL, '{');
        json_str(j, "how", x->remedy[i].how);
        or_null(j, "price", x->remedy[i].price);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** group() - what its connections have in common */
static void group(const struct facts *f, const struct why_finding *x, struct json *j)
{
    json_open(j, "group", '{');
    json_str(j, "by", why_by_name(x->by));
    json_u64(j, "groups", x->n_groups);
    process(f, x->process, j);
    endpoint(j, "local", &x->local);
    endpoint(j, "remote", &x->remote);
    if (x->netns < f->n_netns)
        json_str(j, "netns", f->netns[x->netns].name);
    json_close(j, '}');
}

/** finding() - all of one */
static void finding(const struct facts *f, const struct why_finding *x, uint32_t most,
                    struct json *j)
{
    char key[20];
    json_open(j, NULL, '{');
    json_str(j, "id", why_rule_id(x->rule));
    json_str(j, "title", why_rule_title(x->rule));
    json_str(j, "severity", why_severity_name(x->severity));
    json_str(j, "confidence", why_confidence_name(x->confidence));
    json_str(j, "actor", why_actor_name(x->actor));
    if (x->n_conns)
        json_str(j, "state", x->state == GN_CLOSED ? "CLOSED" : gn_state_name(x->state));
    else
        json_null(j, "state");
    json_str(j, "diagnosis", x->diagnosis);
    evidence(x, j);
    or_null(j, "unknown", x->unknown);
    or_null(j, "settle", x->settle);
    remedies(x, j);
    group(f, x, j);
    snprintf(key, sizeof key, "%016" PRIx64, x->key);
    json_str(j, "key", key);
    json_seconds(j, "for", f->now > x->since ? f->now - x->since : 0);
    if (x->compared)
        json_u64(j, "before", x->before);
    json_u64(j, "count", x->n_conns);
    json_open(j, "connections", '[');
    for (uint32_t i = 0; i < x->n_conns && i < most; i++)
        why_json_connection(f, &f->conn[x->conn[i]], false, j);
    json_close(j, ']');
    json_close(j, '}');
}

/** by_state() - an object of counts */
static void by_state(const char *name, const uint32_t count[GN_STATE_COUNT], struct json *j)
{
    json_open(j, name, '{');
    for (unsigned i = 0; i < GN_STATE_COUNT; i++)
        if (count[i])
            json_u64(j, gn_state_name(i), count[i]);
    json_close(j, '}');
}

/** transitions() - which were made, and how often */
static void transitions(const struct facts *f, struct json *j)
{
    json_open(j, "transitions", '[');
    for (unsigned i = 0; i < GN_STATE_COUNT * GN_STATE_COUNT; i++) {
        if (!f->transition[i])
            continue;
        json_open(j, NULL, '{');
        json_str(j, "from", gn_state_name(i / GN_STATE_COUNT));
        json_str(j, "to", gn_state_name(i % GN_STATE_COUNT));
        json_u64(j, "count", f->transition[i]);
        json_close(j, '}');
    }
    json_close(j, ']');
}

/** beyond() - what no capture shows, by rule */
static void beyond(const struct why_result *r, struct json *j)
{
    const struct why_rule *rule;
    json_open(j, "beyond", '[');
    for (size_t i = 0; (rule = why_rule_at(i)); i++) {
        const char *what = why_rule_beyond(rule, r);
        if (!what)
            continue;
        json_open(j, NULL, '{');
        json_str(j, "id", why_rule_id(rule));
        json_str(j, "what", what);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void why_json(const struct facts *f, const struct why_result *r, const char *what, uint32_t most,
              const char *name, struct json *j)
{
    static const char *const sources[] = {"kernel", "capture", "gannet"};
    json_open(j, name, '{');
    json_str(j, "source", sources[f->source]);
    json_str(j, "what", what);
    json_seconds(j, "interval", f->interval);
    json_bool(j, "partial", f->partial || f->n_gaps > 0);
    json_bool(j, "truncated", r->truncated);
    json_open(j, "gaps", '[');
    for (size_t i = 0; i < f->n_gaps; i++)
        json_str(j, NULL, f->gap[i]);
    json_close(j, ']');
    if (f->source == FACTS_CAPTURE)
        beyond(r, j);
    json_u64(j, "connections", r->n_conns);
    json_u64(j, "healthy", r->n_healthy);
    by_state("states", r->state, j);
    by_state("healthy_states", r->healthy, j);
    if (f->source == FACTS_GANNET)
        drops(f, j);
    if (f->transition)
        transitions(f, j);
    json_open(j, "findings", '[');
    for (size_t i = 0; i < r->n_findings; i++)
        finding(f, r->finding[i], most, j);
    json_close(j, ']');
    json_close(j, '}');
}
