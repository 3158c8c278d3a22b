/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_close.c  Rules about connections that are being closed.
 */
#include "explain/rules.h"

#define MOMENT    (GN_SEC)      /* shorter than this nothing is strange */
#define LATE      (5 * GN_SEC)  /* a process that minds its sockets has acted by now */
#define FORGOTTEN (30 * GN_SEC) /* one such connection alone is worth a word */
#define LONG      (60 * GN_SEC) /* no answer to a half-close takes that long */
#define POOL      50            /* a client's pool may keep fewer idle connections than that */

/** still_sending() - does it use the half that is open? Then it may take its time */
static bool still_sending(const struct fact_conn *c)
{
    if (c->known & FACT_QUEUES && c->send_q > 0)
        return true;
    return c->known & FACT_INFO && c->info.bytes_sent > 0 && c->info.last_data_sent < LATE;
}

/** What the connections in CLOSE-WAIT of one process look like. */
struct left_open {
    uint32_t short_while, late,
        unread;  /* in CLOSE-WAIT for MOMENT, for LATE; not read to the end */
    bool pooled; /* opened here, and nothing unread but the FIN: they lie idle in a pool */
    struct rule_tally t;
};

/** count_left_open() - look at all of them */
static struct left_open count_left_open(const struct rules *w, const struct rule_group *g)
{
    struct left_open l = {.pooled = g->n < POOL, .t = rules_tally(w, g, LATE)};

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        gn_time age;
        bool exact;
        l.pooled = l.pooled && c->known & FACT_QUEUES && c->recv_q == 1 && !rules_listening(w, c);
        if (!rules_age(c, &age, &exact) || still_sending(c))
            continue;
        l.short_while += age >= MOMENT;
        l.late += age >= LATE;
        l.unread += c->known & FACT_QUEUES && c->recv_q > 0;
    }
    return l;
}

/** grade_close_wait() - how bad, how sure */
static void grade_close_wait(const struct rules *w, const struct rule_group *g,
                             const struct left_open *l, struct why_finding *out)
{
    const struct fact_process *p =
        out->process < w->f->n_processes ? &w->f->process[out->process] : NULL;
    bool growing = g->compared && g->before > 0 && g->n > g->before;
    bool scarce = p && p->fd_limit && p->fds >= p->fd_limit / 5 * 4;

    out->severity = WHY_NOTE;
    if (l->pooled && !growing && !scarce)
        return;
    if (l->late >= 3 || (l->late && l->t.oldest >= FORGOTTEN)) {
        out->severity = WHY_WARNING;
        /* a program that thinks its answer over for a while looks the same */
        if (!growing && !l->unread && l->t.oldest < LONG)
            out->confidence = WHY_LIKELY;
    } else if (l->short_while >= 20) {
        out->severity = WHY_WARNING;
        out->confidence = WHY_LIKELY;
    } else if (l->t.n_aged == 0 && g->n >= 50) {
        out->severity = WHY_WARNING;
        out->confidence = WHY_POSSIBLE;
    }
    if (out->severity == WHY_NOTE)
        return;
    if (l->late >= 1000 || (growing && l->late >= 10) || scarce)
        out->severity = WHY_CRITICAL;
}

bool rule_close_wait_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    if (facts_fin_missed(c, 0)) /* it may be in TIME-WAIT just as well */
        return false;
    return c->kind == GN_KIND_CONNECTION && !(c->known & FACT_OWNER && c->process == FACT_NONE);
}

/** close_wait_evidence() - the numbers */
static void close_wait_evidence(const struct rules *w, const struct rule_group *g,
                                const struct left_open *l, struct why_finding *out)
{
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (g->compared)
        rules_evidence(out, "more than in the sample before", (int64_t)g->n - g->before, WHY_COUNT);
    if (l->t.n_aged)
        rules_evidence(out, l->t.exact ? "oldest" : "oldest, at least", (int64_t)l->t.oldest,
                       WHY_SPAN);
    if (l->unread)
        rules_evidence(out, "not even read to the end", l->unread, WHY_COUNT);
    if (out->process < w->f->n_processes) {
        const struct fact_process *p = &w->f->process[out->process];
        if (p->fds)
            rules_evidence(out, "descriptors in use", p->fds, WHY_COUNT);
        if (p->fd_limit)
            rules_evidence(out, "descriptors allowed", p->fd_limit, WHY_COUNT);
    }
}

bool rule_close_wait_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct left_open l = count_left_open(w, g);
    const char *who =
        g->n_groups > 1 ? SAY(w, "each of % processes", NUM(g->n_groups)) : rules_who(w, g->first);

    grade_close_wait(w, g, &l, out);
    out->actor = WHY_PROCESS;
    close_wait_evidence(w, g, &l, out);
    if (out->severity == WHY_NOTE) {
        out->diagnosis = SAY(w, "The peer has closed % and waits for % to close too.",
                             STR(g->n == 1 ? "this connection" : "these connections"), STR(who));
        if (l.pooled && l.late)
            out->diagnosis = SAY(w,
                                 "% keeps % that the peer has closed and it has not looked at "
                                 "since, as a pool of idle connections does; no harm unless "
                                 "their number grows.",
                                 STR(who), STR(rules_count_text(w, g->n)));
        rules_remedy(out, rules_spell(w, "close(fd)", "gn_close(fd)"), NULL);
        return true;
    }
    out->diagnosis =
        SAY(w, "% keeps % open that the peer has closed: it %.", STR(who),
            STR(rules_count_text(w, g->n)),
            STR(l.unread == g->n ? "does not read them, so it has not even noticed"
                : l.unread       ? "was told the end of some and does not call close(), and does "
                                   "not even read the others"
                                 : "was told the end and does not call close()"));
    if (!g->compared) {
        out->unknown = "whether their number grows";
        out->settle = "gannet why --for 30, or --watch";
    }
    rules_remedy(out,
                 rules_spell(w,
                             "in the program: when read() returns 0, close(fd), on error paths too",
                             "in the program: when gn_recv() returns 0, gn_close(fd)"),
                 NULL);
    rules_remedy(out, "restart the program: its sockets go with it", "it comes back until mended");
    return true;
}

bool rule_fin_wait_2_held_match(const struct rules *w, const struct fact_conn *c)
{
    bool orphan = c->known & FACT_OWNER && c->process == FACT_NONE;
    bool receiving =
        c->known & FACT_INFO && c->info.bytes_received > 0 && c->info.last_data_recv < LATE;

    (void)w;
    return c->kind == GN_KIND_CONNECTION && !orphan && !receiving && !facts_fin_missed(c, 1);
}

bool rule_fin_wait_2_held_judge(struct rules *w, const struct rule_group *g,
                                struct why_finding *out)
{
    struct rule_tally t = rules_tally(w, g, FORGOTTEN);

    out->actor = WHY_PEER;
    if (!t.n_old || (g->n < 3 && t.oldest < 2 * FORGOTTEN))
        out->severity = WHY_NOTE;
    if (!t.n_aged && g->n >= 100) {
        out->severity = WHY_WARNING;
        out->confidence = WHY_POSSIBLE;
    }
    out->diagnosis = SAY(
        w,
        "% has closed % for sending and waits for the peer to close as well; the peer knows and "
        "does not.",
        STR(g->n_groups > 1 ? SAY(w, "Each of % processes", NUM(g->n_groups))
                            : rules_who(w, g->first)),
        STR(rules_count_text(w, g->n)));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (t.n_aged)
        rules_evidence(out, t.exact ? "oldest" : "oldest, at least", (int64_t)t.oldest, WHY_SPAN);
    out->unknown = "why the peer does not close: there its connection is in CLOSE-WAIT";
    out->settle = "gannet why on the peer: expect close-wait-leak";
    rules_remedy(out, "at the peer: close the socket when read() returns 0", NULL);
    rules_remedy(out,
                 rules_spell(w,
                             "here: close(fd) instead of shutdown(fd, SHUT_WR) when no answer is "
                             "wanted; tcp_fin_timeout then bounds the wait",
                             "here: gn_close(fd) when no answer is wanted; tcp_fin_timeout then "
                             "bounds the wait"),
                 "what the peer still sends is answered with a reset");
    rules_remedy(out, "here: a time limit on the read that waits for the end (SO_RCVTIMEO, poll)",
                 NULL);
    return true;
}

bool rule_fin_wait_2_orphan_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return c->kind == GN_KIND_TIME_WAIT || (c->known & FACT_OWNER && c->process == FACT_NONE);
}

bool rule_fin_wait_2_orphan_judge(struct rules *w, const struct rule_group *g,
                                  struct why_finding *out)
{
    gn_time life = (gn_time)facts_setting(w->f, "tcp_fin_timeout", 60 * (int64_t)GN_SEC);
    int64_t most = facts_setting(w->f, "tcp_max_orphans", 65536);
    uint32_t many = most / 4 < 1000 ? (uint32_t)(most / 4) : 1000;

    out->actor = WHY_PEER;
    out->confidence = WHY_LIKELY;
    if (g->n < many || g->n < 4)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "% closed by their process here wait for the FIN of %; each goes by itself after %.",
            STR(rules_count_text(w, g->n)), STR(rules_peers_text(w, g)), SPAN(life));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "tcp_max_orphans", most, WHY_COUNT);
    rules_evidence(out, "tcp_fin_timeout", (int64_t)life, WHY_SPAN);
    if (g->first->known & FACT_TIMER && g->first->timer_in)
        rules_evidence(out, "the first goes in", (int64_t)g->first->timer_in, WHY_SPAN);
    if (out->severity == WHY_NOTE) {
        out->actor = WHY_NOBODY;
        out->confidence = WHY_CERTAIN;
        return true;
    }
    out->unknown = "whether the peer leaks sockets or has vanished";
    out->settle = "gannet why on the peer, or a capture";
    rules_remedy(out, "at the peer: close the socket when read() returns 0", NULL);
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_fin_timeout=20",
                             "gannet ctl set tcp_fin_timeout=20s"),
                 "a slow peer's late answer is met with a reset");
    return true;
}

/** unacknowledged() - what FIN-WAIT-1, CLOSING and LAST-ACK have in common: our FIN goes out in
 * vain. False: it has only just gone */
static bool unacknowledged(struct rules *w, const struct rule_group *g, struct why_finding *out,
                           const char *what)
{
    struct rule_tally t = rules_tally(w, g, FORGOTTEN);

    out->actor = WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    if (t.backoff < 3 || rules_rare(w, g)) {
        out->severity = WHY_NOTE;
        out->actor = WHY_NOBODY;
    }
    out->diagnosis =
        SAY(w, "% to %: %; it is sent again ever more rarely, then the connection goes.",
            STR(rules_count_text(w, g->n)), STR(rules_peers_text(w, g)), STR(what));
    rules_vain_evidence(w, g, out);
    out->unknown = "whether the peer has gone or only its answers get lost";
    out->settle = "ping the peer; a capture shows whether it answers";
    rules_remedy(out, "none is needed: nothing but a little memory is held", NULL);
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_orphan_retries=3 (those without a process)",
                             "gannet ctl set tcp_orphan_retries=3 (those without a user)"),
                 "peers behind a bad path lose the end of what was sent");
    return true;
}

/** in_vain_once() - has the FIN been sent twice at least? */
static bool in_vain_once(const struct fact_conn *c)
{
    if (!(c->known & FACT_TIMER) && c->known & FACT_SEEN)
        return c->seen->side[0].fins > 1;
    return rules_in_vain(c, 1);
}

bool rule_fin_wait_1_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return in_vain_once(c);
}

bool rule_fin_wait_1_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    return unacknowledged(w, g, out, "we have closed, and our FIN is not acknowledged");
}

bool rule_closing_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return c->kind == GN_KIND_CONNECTION;
}

bool rule_closing_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    return unacknowledged(w, g, out, "both ends closed at once, and our FIN is not acknowledged");
}

bool rule_last_ack_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return in_vain_once(c);
}

bool rule_last_ack_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    return unacknowledged(w, g, out, "all was exchanged but the ACK of our FIN");
}

bool rule_time_wait_match(const struct rules *w, const struct fact_conn *c)
{
    return !rules_listening(w, c);
}

bool rule_time_wait_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t range = rules_port_range(w), reuse = facts_setting(w->f, "tcp_tw_reuse", 2);
    int64_t share = (int64_t)g->n * 100 / range;
    gn_time life = rules_time_wait_life(w);

    if (share < 25)
        return false;
    out->actor = WHY_PROCESS;
    out->severity = share >= 80 ? WHY_CRITICAL : WHY_WARNING;
    if (share < 50 || reuse == 1 || (reuse == 2 && rules_loopback(g->first)))
        out->severity = WHY_NOTE;
    out->diagnosis = SAY(w,
                         "% opens and closes connections to % so fast that % of the % local ports "
                         "from % to there are in TIME-WAIT; each for %.",
                         STR(rules_opener(w, g->first)), END(&g->first->remote), NUM(g->n),
                         NUM(range), ADDR(&g->first->local), SPAN(life));
    rules_evidence(out, "ports in TIME-WAIT", g->n, WHY_COUNT);
    rules_evidence(out, "ports there are", range, WHY_COUNT);
    rules_evidence(out, "share", share, WHY_PER_CENT);
    rules_evidence(out, "connections a second that this allows",
                   range / (int64_t)(life / GN_SEC ? life / GN_SEC : 1), WHY_COUNT);
    out->unknown = "which process opened them: TIME-WAIT records belong to none";
    out->settle = "gannet why --watch names who has connections to there";
    rules_remedy(
        out, "in the program: keep connections and use them again (a pool, HTTP keep-alive)", NULL);
    rules_remedy(
        out, rules_spell(w, "sysctl -w net.ipv4.tcp_tw_reuse=1", "gannet ctl set tcp_tw_reuse=1"),
        "both ends need timestamps; a port is then used again after a second");
    rules_remedy(out,
                 rules_spell(w,
                             "sysctl -w net.ipv4.ip_local_port_range='1024 65535', or a second "
                             "local address",
                             "gannet ctl set ip_local_port_min=1024, or a second local address"),
                 "ports that servers want may be taken when they start");
    return true;
}

bool rule_time_wait_all_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    (void)c;
    return true;
}

bool rule_time_wait_all_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t most = facts_setting(w->f, "tcp_max_tw_buckets", 0), n = g->n;
    int64_t lost = facts_growth(w->f, "TcpExtTCPTimeWaitOverflow");

    out->severity = WHY_NOTE;
    out->actor = WHY_NOBODY;
    rules_evidence(out, "connections", n, WHY_COUNT);
    if (most)
        rules_evidence(out, "tcp_max_tw_buckets", most, WHY_COUNT);
    out->diagnosis =
        SAY(w,
            "%: this end closed first and remembers the connection for %, so that late segments "
            "do no harm. Nothing is wrong.",
            STR(rules_count_text(w, g->n)), SPAN(rules_time_wait_life(w)));
    if (g->n == 1 && g->first->known & FACT_TIMER && g->first->timer_in)
        rules_evidence(out, "ends in", (int64_t)g->first->timer_in, WHY_SPAN);
    if (most == 0 || (n * 10 < most * 9 && lost == 0))
        return true;
    out->severity = WHY_WARNING;
    out->actor = WHY_OPERATOR;
    rules_evidence(out, "ended too soon since the sample before", lost, WHY_COUNT);
    out->diagnosis = SAY(w,
                         "% of the % TIME-WAIT records that tcp_max_tw_buckets allows are in use; "
                         "more end at once, and late segments may meet a new connection.",
                         NUM(n), NUM(most));
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_max_tw_buckets=262144",
                             "gannet ctl set tcp_max_tw_buckets=262144"),
                 "256 octets or less for each");
    rules_remedy(out, "in the programs: keep connections, or let the peer close first", NULL);
    return true;
}
