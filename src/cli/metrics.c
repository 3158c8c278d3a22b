/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file metrics.c  OpenMetrics and the text format of Prometheus.
 */
#include "cli/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct exposition {
    const struct facts *f;
    struct buf *b;
    bool open;
};

/** family() - the lines that introduce a metric; a counter's samples end in _total */
static void family(const struct exposition *x, const char *name, const char *type, const char *help)
{
    const char *end = !x->open && !strcmp(type, "counter") ? "_total" : "";

    buf_printf(x->b, "# HELP gannet_%s%s %s\n# TYPE gannet_%s%s %s\n", name, end, help, name, end,
               type);
}

/** label() - NAME="value", with what must be escaped; a scraper refuses the whole answer for one
 * octet that is no UTF-8, and a process may name itself anything */
static void label(struct buf *b, const char *before, const char *name, const char *value)
{
    buf_printf(b, "%s%s=\"", before, name);
    for (const char *s = value ? value : ""; *s; s++) {
        size_t n = utf8_length(s);

        if (n != 1) {
            buf_mem(b, n ? s : "\xEF\xBF\xBD", n ? n : 3);
            s += n ? n - 1 : 0;
        } else if (*s == '\\' || *s == '"')
            buf_printf(b, "\\%c", *s);
        else if (*s == '\n')
            buf_str(b, "\\n");
        else
            buf_mem(b, s, 1);
    }
    buf_str(b, "\"");
}

/** label_endpoint() - ADDR:PORT */
static void label_endpoint(struct buf *b, const char *before, const char *name,
                           const struct gn_endpoint *e)
{
    char addr[GN_ADDR_TEXT], text[GN_ADDR_TEXT + 10];

    gn_addr_format(&e->addr, addr);
    snprintf(text, sizeof text, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr, (unsigned)e->port);
    label(b, before, name, text);
}

/** label_process() - name and number of a process; empty if nobody is known to hold it */
static void label_process(const struct exposition *x, const char *before, uint32_t process)
{
    char pid[12] = "";
    bool known = process < x->f->n_processes;

    if (known)
        snprintf(pid, sizeof pid, "%" PRIu32, x->f->process[process].pid);
    label(x->b, before, "process", known ? x->f->process[process].comm : "");
    label(x->b, ",", "pid", pid);
}

/** label_netns() - the namespace, if there is more than the one we are in */
static void label_netns(const struct exposition *x, uint32_t netns)
{
    if (x->f->n_netns > 1 && netns < x->f->n_netns)
        label(x->b, ",", "netns", x->f->netns[netns].name);
}

/** by_state() - all sockets, a line a state */
static void by_state(const struct exposition *x, const struct why_result *r)
{
    family(x, "sockets", "gauge", "TCP sockets by state.");
    for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
        label(x->b, "gannet_sockets{", "state", gn_state_name((enum gn_state)s));
        buf_printf(x->b, "} %" PRIu32 "\n", r->state[s]);
    }
    family(x, "sockets_healthy", "gauge", "TCP sockets in no finding, by state.");
    for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
        label(x->b, "gannet_sockets_healthy{", "state", gn_state_name((enum gn_state)s));
        buf_printf(x->b, "} %" PRIu32 "\n", r->healthy[s]);
    }
}

/** by_process() - sockets of each process, a line for each state that it has */
static void by_process(const struct exposition *x)
{
    const struct facts *f = x->f;
    uint32_t *count = calloc(f->n_processes + 1, GN_STATE_COUNT * sizeof *count);

    if (!count)
        return;
    for (size_t i = 0; i < f->n_conns; i++)
        if (f->conn[i].process < f->n_processes)
            count[f->conn[i].process * GN_STATE_COUNT + f->conn[i].state]++;
    family(x, "process_sockets", "gauge", "TCP sockets by process and state.");
    for (uint32_t p = 0; p < f->n_processes; p++)
        for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
            if (!count[p * GN_STATE_COUNT + s])
                continue;
            label_process(x, "gannet_process_sockets{", p);
            label(x->b, ",", "state", gn_state_name((enum gn_state)s));
            buf_printf(x->b, "} %" PRIu32 "\n", count[p * GN_STATE_COUNT + s]);
        }
    free(count);
}

/** What is told of each listener. */
struct gauge {
    const char *name, *help;
    uint32_t (*value)(const struct fact_conn *c);
};

static uint32_t waiting(const struct fact_conn *c)
{
    return c->recv_q;
}

static uint32_t backlog(const struct fact_conn *c)
{
    return c->send_q;
}

static uint32_t half_open(const struct fact_conn *c)
{
    return c->half_open;
}

/** label_listener() - @name{address, process, pid, cookie */
static void label_listener(const struct exposition *x, const char *name, const struct fact_conn *c)
{
    char cookie[20];

    buf_printf(x->b, "gannet_%s{", name);
    label_endpoint(x->b, "", "address", &c->local);
    label_process(x, ",", c->process);
    label_netns(x, c->netns);
    /* several sockets may listen at one address (SO_REUSEPORT) */
    snprintf(cookie, sizeof cookie, "%" PRIx64, c->cookie ? c->cookie : c->inode);
    label(x->b, ",", "socket", cookie);
}

/** listeners() - their queues */
static void listeners(const struct exposition *x)
{
    static const struct gauge gauges[] = {
        {"listener_accept_queue", "Connections that wait for accept().", waiting},
        {"listener_backlog", "Backlog of the listener; the accept queue holds one more.", backlog},
        {"listener_half_open", "Half-open connections of the listener.", half_open},
    };

    for (size_t g = 0; g < sizeof gauges / sizeof gauges[0]; g++) {
        family(x, gauges[g].name, "gauge", gauges[g].help);
        for (size_t i = 0; i < x->f->n_conns; i++) {
            const struct fact_conn *c = &x->f->conn[i];
            if (c->kind != GN_KIND_LISTENER)
                continue;
            label_listener(x, gauges[g].name, c);
            buf_printf(x->b, "} %" PRIu32 "\n", gauges[g].value(c));
        }
    }
}

/** by_listener() - connections that came through each listener, by state */
static void by_listener(const struct exposition *x)
{
    const struct facts *f = x->f;
    uint32_t(*count)[GN_STATE_COUNT] = calloc(f->n_conns + 1, sizeof *count);

    if (!count)
        return;
    for (size_t i = 0; i < f->n_conns; i++)
        if (f->conn[i].listener < f->n_conns)
            count[f->conn[i].listener][f->conn[i].state]++;
    family(x, "listener_connections", "gauge", "Connections by listener and state.");
    for (size_t i = 0; i < f->n_conns; i++)
        for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
            if (!count[i][s])
                continue;
            label_listener(x, "listener_connections", &f->conn[i]);
            label(x->b, ",", "state", gn_state_name((enum gn_state)s));
            buf_printf(x->b, "} %" PRIu32 "\n", count[i][s]);
        }
    free(count);
}

/** level() - is a number of this name one that rises and falls? */
static bool level(const char *name)
{
    static const char *const levels[] = {"TcpCurrEstab", "TcpRtoAlgorithm", "TcpRtoMin",
                                         "TcpRtoMax", "TcpMaxConn"};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (!strcmp(name, levels[i]))
            return true;
    return !strncmp(name, "SockTcp", 7);
}

/** numbers() - those of the kernel or host by name, of one kind */
static void numbers(const struct exposition *x, bool levels, const char *name)
{
    for (size_t i = 0; i < x->f->n_counters; i++) {
        if (level(x->f->counter[i].name) != levels)
            continue;
        label(x->b, name, "name", x->f->counter[i].name);
        buf_printf(x->b, "} %" PRId64 "\n", x->f->counter[i].value);
    }
}

/** counters() - what the system counts */
static void counters(const struct exposition *x)
{
    family(x, "tcp_events", "counter", "Counters of the TCP, by their names in the system.");
    numbers(x, false, "gannet_tcp_events_total{");
    family(x, "tcp_level", "gauge", "Levels of the TCP, by their names in the system.");
    numbers(x, true, "gannet_tcp_level{");
}

/** finding() - one line: how many connections it is about */
static void finding(const struct exposition *x, const struct why_finding *n)
{
    label(x->b, "gannet_finding_connections{", "id", why_rule_id(n->rule));
    label(x->b, ",", "severity", why_severity_name(n->severity));
    label(x->b, ",", "confidence", why_confidence_name(n->confidence));
    label(x->b, ",", "actor", why_actor_name(n->actor));
    label_process(x, ",", n->process);
    label_netns(x, n->netns);
    label_endpoint(x->b, ",", "local", &n->local);
    label_endpoint(x->b, ",", "remote", &n->remote);
    buf_printf(x->b, ",key=\"%016" PRIx64 "\"} %" PRIu32 "\n", n->key, n->n_conns);
}

/** findings() - each, and how many of each rule: 0 for those that found nothing */
static void findings(const struct exposition *x, const struct why_result *r)
{
    const struct why_rule *rule;

    family(x, "findings", "gauge", "Findings by rule.");
    for (size_t i = 0; (rule = why_rule_at(i)) != NULL; i++) {
        unsigned n = 0;
        for (size_t k = 0; k < r->n_findings; k++)
            n += r->finding[k]->rule == rule && r->finding[k]->severity != WHY_NOTE;
        label(x->b, "gannet_findings{", "id", why_rule_id(rule));
        buf_printf(x->b, "} %u\n", n);
    }
    family(x, "finding_connections", "gauge", "Connections of each finding; 0: from counters.");
    for (size_t k = 0; k < r->n_findings; k++)
        if (r->finding[k]->severity != WHY_NOTE)
            finding(x, r->finding[k]);
}

void metrics_write(const struct facts *f, const struct why_result *r, bool open, gn_time took,
                   struct buf *b)
{
    const struct exposition x = {.f = f, .b = b, .open = open};

    by_state(&x, r);
    by_process(&x);
    listeners(&x);
    by_listener(&x);
    if (f->n_counters)
        counters(&x);
    findings(&x, r);
    family(&x, "partial", "gauge", "1 if something could not be read.");
    buf_printf(b, "gannet_partial %d\n", f->partial || r->truncated);
    family(&x, "sample_seconds", "gauge", "How long the sample took.");
    buf_printf(b, "gannet_sample_seconds %" PRIu64 ".%09" PRIu64 "\n", took / GN_SEC,
               took % GN_SEC);
    if (open)
        buf_str(b, "# EOF\n");
}
