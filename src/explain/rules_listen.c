/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_listen.c  Rules about listeners and their queues.
 */
#include "explain/rules.h"

#define SHORT_QUEUE 128 /* a backlog below this is short for a server */

/** is_full() - has the accept queue no room? Its length is recv_q, the backlog send_q, and one more
 * fits (sk_acceptq_is_full() of Linux) */
static bool is_full(const struct fact_conn *c)
{
    return c->known & FACT_QUEUES && c->recv_q > c->send_q;
}

/** overflows() - connections that found an accept queue full, of the whole machine: since the
 * sample before, or without one since the beginning */
static int64_t overflows(const struct rules *w)
{
    return w->f->interval ? facts_growth(w->f, "TcpExtListenOverflows")
                          : facts_counter(w->f, "TcpExtListenOverflows", 0);
}

/** queue_evidence() - the numbers of one listener */
static void queue_evidence(const struct rules *w, const struct fact_conn *c,
                           struct why_finding *out)
{
    rules_evidence(out, "waiting for accept()", c->recv_q, WHY_COUNT);
    rules_evidence(out, "backlog", c->send_q, WHY_COUNT);
    if (c->known & FACT_BUFFERS)
        rules_evidence(out, "dropped by this listener since it was opened", c->drops, WHY_COUNT);
    rules_evidence(out,
                   w->f->interval ? "overflows of the machine since the sample before"
                                  : "overflows of the machine in all",
                   overflows(w), WHY_COUNT);
    rules_evidence(out, "somaxconn", facts_setting(w->f, "somaxconn", 4096), WHY_COUNT);
}

bool rule_accept_full_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return is_full(c);
}

bool rule_accept_full_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    bool lasting = g->compared && g->before > 0;
    bool now = w->f->interval > 0 && overflows(w) > 0;

    out->actor = WHY_PROCESS;
    out->severity = lasting || now ? WHY_CRITICAL : WHY_WARNING;
    out->diagnosis =
        SAY(w,
            "% does not accept() fast enough: the queue of % is full, further clients are made "
            "to wait and fail.",
            STR(rules_who(w, c)), END(&c->local));
    queue_evidence(w, c, out);
    if (lasting)
        rules_evidence(out, "full in every sample for", (int64_t)(w->f->now - g->since), WHY_SPAN);
    if (!lasting) {
        out->unknown = "for how long it has been full";
        out->settle = "gannet why --for 10, or --watch";
    }
    rules_remedy(out,
                 "in the program: accept() in a loop until it would block, and do the slow work "
                 "elsewhere; more workers",
                 NULL);
    rules_remedy(out,
                 rules_spell(w,
                             "against bursts: listen(fd, 4096), with sysctl net.core.somaxconn "
                             "as large",
                             "against bursts: a larger backlog in gn_listen()"),
                 "clients wait longer instead of failing; it does not make the program faster");
    return true;
}

bool rule_backlog_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return c->known & FACT_QUEUES && !is_full(c);
}

bool rule_backlog_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    bool own = c->known & FACT_BUFFERS; /* its own drops are known */
    int64_t most = facts_setting(w->f, "somaxconn", 4096), lost = overflows(w);

    if (own ? c->drops == 0 : lost == 0)
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = own ? WHY_LIKELY : WHY_POSSIBLE;
    bool now = w->f->interval > 0 && lost > 0;
    if (!now && c->send_q >= SHORT_QUEUE)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "The accept queue of % (%) holds %; it has been full, and % turned away.",
            END(&c->local), STR(rules_who(w, c)), NUM((uint64_t)c->send_q + 1),
            STR(now ? "just now clients were" : "clients were once"));
    queue_evidence(w, c, out);
    if (!now) {
        out->unknown = "when that was";
        out->settle = "gannet why --for 10, or --watch, shows whether it goes on";
    }
    rules_remedy(out,
                 rules_spell(w, "in the program: listen(fd, 4096) (nginx: listen 80 backlog=4096)",
                             "in the program: gn_listen(fd, 4096)"),
                 NULL);
    if (most < 4096)
        rules_remedy(out,
                     rules_spell(w,
                                 "sysctl -w net.core.somaxconn=4096, which bounds every backlog; "
                                 "then restart the program",
                                 "gannet ctl set somaxconn=4096"),
                     NULL);
    return true;
}

bool rule_listen_address_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return !gn_addr_is_any(&c->local.addr);
}

bool rule_listen_address_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    const struct facts *f = w->f;
    uint32_t missed = 0;

    for (size_t i = 0; i < f->n_conns; i++) {
        const struct fact_conn *o = &f->conn[i];
        bool ended = o->state == GN_CLOSED && o->remote.port == c->local.port;
        missed += ended && !gn_addr_eq(&o->remote.addr, &c->local.addr);
    }
    int64_t unheard = f->interval ? facts_growth(f, "GannetDropCLOSED_PORT")
                                  : facts_counter(f, "GannetDropCLOSED_PORT", 0);
    bool local =
        gn_addr_is_v4(&c->local.addr) ? c->local.addr.b[12] == 127 : c->local.addr.b[0] == 0;
    out->actor = WHY_OPERATOR;
    if (missed == 0)
        out->confidence = WHY_POSSIBLE;
    if (missed == 0 && unheard < 3)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "% listens on % only: %.", STR(rules_who(w, c)), END(&c->local),
            STR(local ? "programs on this machine reach it, nobody else does"
                      : "clients that use another address of this machine are refused"));
    if (missed)
        rules_evidence(out, "attempts that went to another address", missed, WHY_COUNT);
    if (unheard)
        rules_evidence(out, "SYNs to where nobody listens", unheard, WHY_COUNT);
    if (missed == 0) {
        out->unknown = "whether anybody wants to reach it elsewhere";
        out->settle = "try from the client: gannet nc HOST PORT; refused means yes";
    }
    rules_remedy(out, "if others shall reach it: listen on 0.0.0.0 and [::] in its configuration",
                 "everybody who reaches the machine reaches the service: mind the firewall");
    return true;
}

/** same_command() - do the processes of both bear the same name? */
static bool same_command(const struct rules *w, const struct fact_conn *a,
                         const struct fact_conn *b)
{
    const struct facts *f = w->f;

    if (a->process >= f->n_processes || b->process >= f->n_processes)
        return true;
    const char *x = f->process[a->process].comm, *y = f->process[b->process].comm;
    while (*x && *x == *y) {
        x++;
        y++;
    }
    return *x == *y;
}

bool rule_duplicate_listeners_match(const struct rules *w, const struct fact_conn *c)
{
    return c->process < w->f->n_processes;
}

bool rule_duplicate_listeners_judge(struct rules *w, const struct rule_group *g,
                                    struct why_finding *out)
{
    const struct fact_conn *other = NULL;

    for (uint32_t i = 1; i < g->n && !other; i++)
        if (!same_command(w, g->first, rules_conn(w, g, i)))
            other = rules_conn(w, g, i);
    if (!other)
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = WHY_LIKELY;
    out->diagnosis =
        SAY(w,
            "% and % both listen on % (SO_REUSEPORT): the kernel deals connections out among "
            "them, so some clients reach the wrong program.",
            STR(rules_who(w, g->first)), STR(rules_who(w, other)), END(&g->first->local));
    rules_evidence(out, "listeners on this port", g->n, WHY_COUNT);
    out->unknown = "whether one is a leftover of the other (an upgrade, an old version)";
    out->settle = "compare when they were started: ps -o lstart -p PID";
    rules_remedy(out, "end the one that does not belong there", NULL);
    return true;
}

bool rule_reuseport_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return c->known & FACT_QUEUES;
}

bool rule_reuseport_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *most = g->first;
    uint64_t all = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        all += c->recv_q;
        if (c->recv_q > most->recv_q)
            most = c;
    }
    /* the others together have next to nothing, this one has a queue worth the name */
    uint64_t rest = all - most->recv_q;
    bool swamped = is_full(most) || most->recv_q * 2 >= most->send_q;
    if (g->n < 2 || most->recv_q < 8 || !swamped || rest * 4 > most->recv_q)
        return false;
    out->actor = WHY_PROCESS;
    out->confidence = WHY_LIKELY;
    out->diagnosis = SAY(w,
                         "% listeners share %; % wait at one of them (%), % at all the others: a "
                         "worker that hangs still gets its share.",
                         NUM(g->n), END(&g->first->local), NUM(most->recv_q),
                         STR(rules_who(w, most)), NUM(rest));
    rules_evidence(out, "listeners", g->n, WHY_COUNT);
    rules_evidence(out, "waiting at the fullest", most->recv_q, WHY_COUNT);
    rules_evidence(out, "its backlog", most->send_q, WHY_COUNT);
    rules_evidence(out, "waiting at the others", (int64_t)rest, WHY_COUNT);
    out->unknown = "whether that worker hangs or is only late";
    out->settle = "gannet why --watch; look what it does (strace -p PID)";
    rules_remedy(out, "restart the worker that does not accept", "those who wait there are reset");
    rules_remedy(out, "one listener that all workers share: the next free one accepts",
                 "they contend for one queue");
    return true;
}
