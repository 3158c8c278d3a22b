/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_open.c  Rules about connections that are being opened, and about local ports.
 */
#include "explain/rules.h"

/** last_cause() - what moved it to its state; GN_CAUSE_NONE: not known */
static enum gn_cause last_cause(const struct fact_conn *c)
{
    if (!(c->known & FACT_HISTORY) || c->n_history == 0)
        return GN_CAUSE_NONE;
    return c->history[c->n_history - 1].cause;
}

/** icmp_refused() - has an ICMP error come back for a SYN of ours? */
static bool icmp_refused(const struct fact_conn *c)
{
    if (c->known & FACT_SEEN && c->seen->side[0].icmp_unreach > 0)
        return c->seen->side[1].syn_acks == 0;
    if (c->known & FACT_ERROR && c->state == GN_SYN_SENT && c->soft_error != GN_OK &&
        c->soft_error != GN_E_TIMED_OUT)
        return true;
    return last_cause(c) == GN_CAUSE_ICMP;
}

/** one_peer() - have they all one remote address? */
static bool one_peer(const struct rules *w, const struct rule_group *g)
{
    for (uint32_t i = 1; i < g->n; i++)
        if (!gn_addr_eq(&rules_conn(w, g, i)->remote.addr, &g->first->remote.addr))
            return false;
    return true;
}

/** services_text() - "10.0.0.2:80", or "31 ports of 10.0.0.2" or "31 services" if the group was put
 * together */
static const char *services_text(struct rules *w, const struct rule_group *g)
{
    if (g->n_groups == 1)
        return SAY(w, "%", END(&g->first->remote));
    if (one_peer(w, g))
        return SAY(w, "% ports of %", NUM(g->n_groups), ADDR(&g->first->remote));
    return SAY(w, "% services", NUM(g->n_groups));
}

/** openers_text() - "curl (pid 7)", or "curl (pid 7) and others" */
static const char *openers_text(struct rules *w, const struct rule_group *g)
{
    const struct fact_conn *a = g->first;

    for (uint32_t i = 1; i < g->n; i++) {
        const struct fact_conn *b = rules_conn(w, g, i);
        bool same = w->f->source == FACTS_CAPTURE ? gn_addr_eq(&a->local.addr, &b->local.addr)
                                                  : a->process == b->process && a->uid == b->uid;
        if (!same)
            return SAY(w, "% and others", STR(rules_who(w, a)));
    }
    return rules_who(w, a);
}

bool rule_blackholed_match(const struct rules *w, const struct fact_conn *c)
{
    /* a SYN younger than the first time-out waits as it should */
    return rules_repeated(c) >= 1 && !icmp_refused(c) && !rules_alive(w, c);
}

/** syn_evidence() - how long, how often, until when */
static void syn_evidence(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    gn_time waited = 0, left, soonest = UINT64_MAX;
    unsigned most = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        gn_time t = rules_waited(w, c);
        waited = t > waited ? t : waited;
        most = rules_repeated(c) > most ? rules_repeated(c) : most;
        if (rules_time_left(w, c, &left) && left < soonest)
            soonest = left;
    }
    rules_evidence(out, "attempts under way", g->n, WHY_COUNT);
    rules_evidence(out, "SYNs sent again, up to", most, WHY_COUNT);
    if (waited)
        rules_evidence(out, "waiting for", (int64_t)waited, WHY_SPAN);
    if (soonest != UINT64_MAX) {
        rules_evidence(out, "the first fails in", (int64_t)soonest, WHY_SPAN);
        rules_evidence(out, "tcp_syn_retries", facts_setting(w->f, "tcp_syn_retries", 6),
                       WHY_COUNT);
    }
}

/** shorten() - the remedy of all attempts that hang */
static void shorten(struct rules *w, struct why_finding *out)
{
    const char *how = rules_spell(w,
                                  "TCP_SYNCNT on the socket, or sysctl -w "
                                  "net.ipv4.tcp_syn_retries=3",
                                  "gannet ctl set tcp_syn_retries=3");
    gn_time now = rules_syn_in_all(w, facts_setting(w->f, "tcp_syn_retries", 6));
    rules_remedy(out,
                 SAY(w, "to fail sooner: % (% instead of %)", STR(how),
                     SPAN(rules_syn_in_all(w, 3)), SPAN(now)),
                 "a peer that is only slow or a path that loses much is given up too");
}

bool rule_blackholed_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    bool twice = false;

    for (uint32_t i = 0; i < g->n; i++)
        twice = twice || rules_repeated(rules_conn(w, g, i)) >= 2;
    out->actor = WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    if (!twice)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "SYNs of % to % get no answer at all, neither SYN,ACK nor reset nor ICMP error.",
            STR(openers_text(w, g)), STR(services_text(w, g)));
    syn_evidence(w, g, out);
    out->unknown =
        "whether the host is down, the address wrong, or a firewall drops without a word";
    out->settle = "ping it; try another port of it; traceroute -T -p PORT shows where it ends";
    rules_remedy(out, "check the address and the route to it; ask who runs the firewall", NULL);
    shorten(w, out);
    return true;
}

bool rule_filtered_match(const struct rules *w, const struct fact_conn *c)
{
    if (icmp_refused(c))
        return true;
    return c->state == GN_SYN_SENT && rules_repeated(c) >= 1 && rules_alive(w, c);
}

/** queue_or_filter() - SYNs are dropped, as @silent shows, though others get through to that host,
 * or to that port */
static void queue_or_filter(struct rules *w, const struct rule_group *g,
                            const struct fact_conn *silent, bool icmp, struct why_finding *out)
{
    bool many = g->n_groups > 1, there = !many && rules_alive_there(w, silent);

    out->confidence = WHY_LIKELY;
    if (rules_repeated(silent) < 2)
        out->severity = WHY_NOTE;
    out->diagnosis = SAY(
        w, "SYNs of % to % get %, though other connections to % work: %.", STR(openers_text(w, g)),
        STR(services_text(w, g)), STR(icmp ? "no answer, or an ICMP error" : "no answer"),
        STR(there            ? "that port"
            : one_peer(w, g) ? "that host"
                             : "their hosts"),
        STR(there ? "most likely its accept queue is full, or a firewall limits new "
                    "connections"
                  : "most likely a firewall drops them"));
    if (there) {
        out->actor = WHY_PEER;
        out->unknown = "which of the two, if it is one";
        out->settle = "gannet why at the server: expect accept-queue-full";
        rules_remedy(out, "at the server: accept() faster, a larger backlog", NULL);
        return;
    }
    out->unknown = "whether it is one, and where; the listener's own queue may be full too";
    out->settle = "a capture at the server: do the SYNs arrive there?";
}

bool rule_filtered_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *silent = NULL;
    uint32_t icmp = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        if (icmp_refused(c))
            icmp++;
        else if (!silent)
            silent = c;
    }
    out->actor = WHY_NETWORK;
    if (silent)
        queue_or_filter(w, g, silent, icmp > 0, out);
    else
        out->diagnosis = SAY(w,
                             "SYNs of % to % are answered with an ICMP error: a router, a firewall "
                             "or the host itself refuses them, or cannot pass them on.",
                             STR(openers_text(w, g)), STR(services_text(w, g)));
    syn_evidence(w, g, out);
    if (icmp)
        rules_evidence(out, "answered with an ICMP error", icmp, WHY_COUNT);
    if (out->actor == WHY_NETWORK)
        rules_remedy(
            out,
            "if a firewall does it, have it let that port through (on the server: nft list "
            "ruleset)",
            NULL);
    shorten(w, out);
    return true;
}

bool rule_refused_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    if (c->known & FACT_SEEN && c->seen->opener != 0)
        return false; /* the end that refused */
    if (last_cause(c) == GN_CAUSE_REFUSED)
        return true;
    return c->known & FACT_SEEN && c->seen->side[0].syns > 0 && c->seen->side[1].syn_acks == 0 &&
           c->seen->rst_by == 1;
}

/** one_pair() - are they all between the same two hosts? */
static bool one_pair(const struct rules *w, const struct rule_group *g)
{
    for (uint32_t i = 1; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        if (!gn_addr_eq(&c->local.addr, &g->first->local.addr) ||
            !gn_addr_eq(&c->remote.addr, &g->first->remote.addr))
            return false;
    }
    return true;
}

bool rule_refused_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    bool few = g->n < 3 * g->n_groups;

    if (few && g->n_groups > 1 && one_pair(w, g))
        return false; /* each port is tried once: see port-scan */
    out->actor = WHY_PEER;
    if (few)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w,
            "% refuses: it answers the SYN with a reset, because nobody listens on that port "
            "(or a firewall pretends so).",
            STR(g->n_groups > 1 ? SAY(w, "Each of % services", NUM(g->n_groups))
                                : SAY(w, "%", END(&g->first->remote))));
    rules_evidence(out, "attempts refused", g->n, WHY_COUNT);
    out->unknown = "whether the service is down, listens on another address, or is rejected";
    out->settle = "on the server: ss -ltn 'sport = :PORT', or gannet why --port PORT";
    rules_remedy(out, "start the service, or let it listen on the address that clients use", NULL);
    rules_remedy(out, "in the client: wait longer after each refusal before trying again", NULL);
    return true;
}

bool rule_ports_match(const struct rules *w, const struct fact_conn *c)
{
    int64_t port = c->local.port;
    if (w->f->source == FACTS_CAPTURE) /* the ports of hosts that we do not know, at no one time */
        return false;
    return port >= facts_setting(w->f, "ip_local_port_min", 32768) &&
           port <= facts_setting(w->f, "ip_local_port_max", 60999) && !rules_listening(w, c);
}

bool rule_ports_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t range = rules_port_range(w), share = (int64_t)g->n * 100 / range;
    uint32_t waiting = 0;

    if (share < 50)
        return false;
    for (uint32_t i = 0; i < g->n; i++)
        waiting += rules_conn(w, g, i)->state == GN_TIME_WAIT;
    out->actor = WHY_PROCESS;
    if (share < 75)
        out->severity = WHY_NOTE;
    else if (share >= 95)
        out->severity = WHY_CRITICAL;
    if (waiting > g->n / 2 && facts_setting(w->f, "tcp_tw_reuse", 2) == 1)
        out->severity = WHY_NOTE;
    out->diagnosis = SAY(
        w, "% of the % local ports from % to % are taken: % connect() fails with EADDRNOTAVAIL.",
        NUM(g->n), NUM(range), ADDR(&g->first->local), END(&g->first->remote),
        STR(share >= 95 ? "now" : "soon"));
    rules_evidence(out, "ports taken", g->n, WHY_COUNT);
    rules_evidence(out, "of these in TIME-WAIT", waiting, WHY_COUNT);
    rules_evidence(out, "ports there are", range, WHY_COUNT);
    rules_evidence(out, "share", share, WHY_PER_CENT);
    rules_remedy(out, "in the program: fewer connections, each used for more (a pool)", NULL);
    rules_remedy(out,
                 "more addresses: each local or remote address (or remote port) has a range of "
                 "its own; IP_BIND_ADDRESS_NO_PORT with bind()",
                 NULL);
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
                             "gannet ctl set ip_local_port_min=1024"),
                 "ports that servers want may be taken when they start");
    return true;
}

bool rule_connect_failures_judge(struct rules *w, const struct rule_group *g,
                                 struct why_finding *out)
{
    int64_t failed = facts_growth(w->f, "TcpAttemptFails");
    int64_t tried = facts_growth(w->f, "TcpActiveOpens");

    (void)g;
    if (failed < 20 || failed * 5 < tried)
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = WHY_LIKELY;
    out->diagnosis = SAY(w,
                         "% attempts to open a connection failed within %: refused, timed out, or "
                         "given up half-way.",
                         NUM(failed), SPAN(w->f->interval));
    rules_evidence(out, "failed", failed, WHY_COUNT);
    rules_evidence(out, "begun", tried, WHY_COUNT);
    out->unknown = "to where: a refused attempt leaves nothing behind";
    out->settle = "gannet why -i IF for some seconds";
    rules_remedy(out, "find out who is refused, and start or repair that service", NULL);
    return true;
}
