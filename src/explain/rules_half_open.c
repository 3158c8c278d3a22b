/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_half_open.c  Rules about handshakes that begin and do not end: queues of half-open
 * connections, floods of SYNs, SYN cookies, and port scans.
 */
#include "explain/rules.h"

#include "base/hash.h"

#include <string.h>

#define FLOOD_LEAST 64 /* half-open connections; fewer are no flood */
#define PATIENCE                                                                         \
    (2 * GN_SEC)      /* who sent a SYN and means it has answered or repeated it by then \
                       */
#define SCAN_LEAST 16 /* ports of one host */
#define SCAN_TRIES 3  /* as many attempts a port are no scan but a service that is missed */

/** source_of() - who sent the SYN of a connection that a capture shows */
static const struct gn_endpoint *source_of(const struct fact_conn *c)
{
    return c->seen->opener == 0 ? &c->local : &c->remote;
}

/** distinct() - how many addresses, or endpoints, the senders of SYNs have (@sources), or those
 * that they went to; 0: no memory */
static uint32_t distinct(struct rules *w, const struct rule_group *g, bool sources)
{
    static const struct siphash_key key = {{0x736f757263657320, 0x6f662053594e732e}};
    size_t len = sources ? sizeof(struct gn_addr) : sizeof(struct gn_endpoint), size = 64;
    const struct gn_endpoint **slot;
    uint32_t n = 0;

    while (size < (size_t)g->n * 2)
        size *= 2;
    slot = rules_alloc(w, size * sizeof(const struct gn_endpoint *));
    for (uint32_t i = 0; slot && i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        const struct gn_endpoint *e = sources ? source_of(c) : &c->remote;
        size_t at = siphash13(&key, e, len) & (size - 1);
        while (slot[at] && memcmp(slot[at], e, len) != 0)
            at = (at + 1) & (size - 1);
        n += slot[at] == NULL;
        slot[at] = e;
    }
    return n;
}

/** listener_of() - the listener behind a half-open connection, or NULL */
static const struct fact_conn *listener_of(const struct rules *w, const struct fact_conn *c)
{
    if (c->listener < w->f->n_conns)
        return &w->f->conn[c->listener];
    for (size_t i = 0; i < w->f->n_conns; i++) {
        const struct fact_conn *l = &w->f->conn[i];
        if (l->state == GN_LISTEN && l->local.port == c->local.port && l->netns == c->netns &&
            (gn_addr_is_any(&l->local.addr) || gn_addr_eq(&l->local.addr, &c->local.addr)))
            return l;
    }
    return NULL;
}

/** A queue of half-open connections. */
struct half_open {
    const struct fact_conn *listener;
    int64_t room;        /* entries allowed */
    uint32_t unanswered; /* SYN,ACK sent again */
    int64_t cookies, dropped;
    bool accept_full; /* or has overflowed since the sample before */
};

/** look_half_open() - at the queue that a group is in */
static struct half_open look_half_open(const struct rules *w, const struct rule_group *g)
{
    const struct facts *f = w->f;
    struct half_open h = {.listener = listener_of(w, g->first)};

    h.room = facts_setting(f, "tcp_max_syn_backlog", 1024);
    if (h.listener && h.listener->known & FACT_QUEUES) {
        const struct fact_conn *l = h.listener;
        if (f->source == FACTS_KERNEL && l->send_q > 0 && l->send_q < h.room)
            h.room = l->send_q;
        h.accept_full = l->recv_q > l->send_q;
    }
    for (uint32_t i = 0; i < g->n; i++)
        h.unanswered += rules_repeated(rules_conn(w, g, i)) >= 1;
    h.accept_full = h.accept_full ||
                    (h.unanswered && f->interval && facts_growth(f, "TcpExtListenOverflows") > 0);
    h.cookies = facts_growth(f, "TcpExtSyncookiesSent");
    h.dropped = facts_growth(f, "TcpExtTCPReqQFullDrop");
    if (f->interval == 0) {
        h.cookies = facts_counter(f, "TcpExtSyncookiesSent", 0);
        h.dropped = facts_counter(f, "TcpExtTCPReqQFullDrop", 0);
    }
    return h;
}

/** Handshakes with one server as a capture shows them. */
struct handshakes {
    uint32_t
        hollow; /* begun, and no more was heard of who began: neither an ACK nor the SYN again */
    uint32_t unanswered, refused; /* of these without a SYN,ACK, and ended by a RST of who began */
    uint32_t done;                /* completed */
    gn_time first, last;          /* SYNs */
};

/** completed() - did the handshake end as it should? */
static bool completed(const struct fact_conn *c)
{
    for (unsigned i = 0; i < c->n_history; i++)
        if (c->history[i].to == GN_ESTABLISHED)
            return true;
    return false;
}

/** hollow() - does nobody seem to stand behind its SYN? */
static bool hollow(const struct fact_conn *c)
{
    const struct fact_side *from = &c->seen->side[c->seen->opener != 0];

    if (c->state == GN_CLOSED)
        return true; /* see rule_syn_flood_match() */
    return from->syns <= 1 && c->in_state >= PATIENCE;
}

/** look_handshakes() - of a group of rule syn-flood */
static struct handshakes look_handshakes(const struct rules *w, const struct rule_group *g)
{
    const struct facts *f = w->f;
    const struct gn_endpoint *server = why_server(g->first);
    struct handshakes h = {.first = f->now};

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        const struct fact_side *from = &c->seen->side[c->seen->opener != 0];
        if (!hollow(c))
            continue;
        h.hollow++;
        h.unanswered += c->state == GN_SYN_SENT;
        h.refused += c->state == GN_CLOSED;
        h.first = from->first < h.first ? from->first : h.first;
        h.last = from->first > h.last ? from->first : h.last;
    }
    for (size_t i = 0; h.hollow >= FLOOD_LEAST && i < f->n_conns; i++) {
        const struct fact_conn *c = &f->conn[i];
        h.done += c->local.port == server->port && gn_addr_eq(&c->local.addr, &server->addr) &&
                  c->known & FACT_SEEN && c->seen->opener == 1 && completed(c);
    }
    return h;
}

/** flood_passed() - does a capture show a flood of SYNs? */
static bool flood_passed(const struct handshakes *h)
{
    return h->hollow >= FLOOD_LEAST && h->hollow > h->done / 10;
}

/** flooded() - is the queue full of what nobody stands behind? */
static bool flooded(const struct rule_group *g, const struct half_open *h)
{
    bool full = (int64_t)g->n * 4 >= h->room * 3;
    bool hollow = h->unanswered > g->n / 2 || h->cookies > 0 || h->dropped > 0;
    return g->n >= FLOOD_LEAST && full && hollow && !h->accept_full;
}

/** half_open_evidence() - the numbers of a queue */
static void half_open_evidence(const struct rules *w, const struct rule_group *g,
                               const struct half_open *h, struct why_finding *out)
{
    rules_evidence(out, "half-open connections", g->n, WHY_COUNT);
    if (w->f->source != FACTS_CAPTURE)
        rules_evidence(out, "room for", h->room, WHY_COUNT);
    rules_evidence(out, w->f->source == FACTS_CAPTURE ? "SYN,ACK sent again" : "SYN,ACK timed out",
                   h->unanswered, WHY_COUNT);
    if (h->cookies)
        rules_evidence(out, "SYN cookies sent", h->cookies, WHY_COUNT);
    if (h->dropped)
        rules_evidence(out, "SYNs dropped", h->dropped, WHY_COUNT);
}

bool rule_syn_received_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    (void)c;
    return true;
}

bool rule_syn_received_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct half_open h = look_half_open(w, g);
    bool passed = w->f->source == FACTS_CAPTURE; /* else a SYN,ACK may have found no way out */

    if (g->first->known & FACT_SEEN) {
        struct handshakes seen = look_handshakes(w, g);
        if (flood_passed(&seen))
            return false;
    }
    if (flooded(g, &h))
        return false;
    out->actor = h.accept_full ? WHY_PROCESS : WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    if (g->n < 16 || h.unanswered * 2 < g->n)
        out->severity = WHY_NOTE;
    if (out->severity == WHY_NOTE)
        out->actor = WHY_NOBODY;
    out->diagnosis = SAY(
        w, "% at %: % and the ACK that would complete the handshake %.",
        STR(g->n == 1 ? "1 half-open connection" : SAY(w, "% half-open connections", NUM(g->n))),
        END(&g->first->local), STR(passed ? "the SYN,ACK is out" : "a SYN has come"),
        STR(h.accept_full  ? "is dropped here, for the accept queue is or was full"
            : h.unanswered ? (passed ? "does not come, though some SYN,ACKs were sent again"
                                     : "does not come, though some SYN,ACKs were due again")
                           : "has not come yet"));
    half_open_evidence(w, g, &h, out);
    if (h.accept_full) {
        rules_remedy(out,
                     "the process must accept() faster, or have a longer queue: see "
                     "accept-queue-full and backlog-too-small",
                     NULL);
        return true;
    }
    out->unknown = passed ? "whether SYN,ACKs or the clients' ACKs get lost"
                          : "whether our SYN,ACKs get out, and whether they or the clients' ACKs "
                            "get lost";
    out->settle = passed ? "a capture on both sides of the nearest firewall"
                         : rules_spell(w,
                                       "ip route get CLIENT; a capture here and beyond the nearest "
                                       "firewall",
                                       "gannet stats: drops; a capture here and beyond the nearest "
                                       "firewall");
    rules_remedy(out, "look for a path that differs each way: a stateful firewall drops half of it",
                 NULL);
    return true;
}

bool rule_syn_flood_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    if (!(c->known & FACT_SEEN))
        return c->state == GN_SYN_RECEIVED;
    if (c->state == GN_SYN_SENT) /* never answered; if it was, the other end stands for both */
        return c->seen->side[1].syn_acks == 0 && c->seen->side[0].icmp_unreach == 0;
    if (c->state == GN_CLOSED) /* a SYN,ACK met somebody who had not asked for it */
        return c->seen->opener == 1 && c->seen->rst_by == 1 && !completed(c);
    return true;
}

/** flood_remedies() - what helps */
static void flood_remedies(struct rules *w, bool cookies, struct why_finding *out)
{
    if (!cookies)
        rules_remedy(out,
                     rules_spell(w, "sysctl -w net.ipv4.tcp_syncookies=1",
                                 "gannet ctl set tcp_syncookies=1"),
                     "while it floods, connections lose window scaling and SACK unless they have "
                     "timestamps");
    rules_remedy(out,
                 rules_spell(w,
                             "sysctl -w net.ipv4.tcp_max_syn_backlog=8192, and a backlog as "
                             "large in listen()",
                             "gannet ctl set tcp_max_syn_backlog=8192"),
                 "some hundred octets for each");
    rules_remedy(out, "have the provider filter, or limit SYNs by source at the firewall",
                 "honest clients behind the same addresses are hit too");
}

/** judge_flood_passed() - the same, from what a capture shows */
static bool judge_flood_passed(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct handshakes h = look_handshakes(w, g);
    bool mute = h.unanswered * 2 > h.hollow;
    gn_time span = h.last > h.first ? h.last - h.first : 0;

    if (!flood_passed(&h))
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = WHY_LIKELY;
    out->severity = mute ? WHY_CRITICAL : WHY_WARNING;
    out->diagnosis = SAY(w, "% SYNs to % are from senders of whom no more is heard; %.",
                         NUM(h.hollow), END(why_server(g->first)),
                         STR(mute ? "most of them are not even answered: its queue is full"
                                  : "it answers them, and nobody completes the handshake"));
    rules_evidence(out, "SYNs without more", h.hollow, WHY_COUNT);
    if (span)
        rules_evidence(out, "within", (int64_t)span, WHY_SPAN);
    rules_evidence(out, "from so many addresses", distinct(w, g, true), WHY_COUNT);
    rules_evidence(out, "of these not answered", h.unanswered, WHY_COUNT);
    if (h.refused)
        rules_evidence(out, "answered, and the answer refused by a reset", h.refused, WHY_COUNT);
    rules_evidence(out, "handshakes completed meanwhile", h.done, WHY_COUNT);
    out->unknown = "whether it is an attack, or answers to them get lost on the way; how full the "
                   "queue is, and whether it answers with cookies";
    out->settle = "gannet why on the server; have the sources a reason to come here?";
    flood_remedies(w, !mute, out);
    return true;
}

bool rule_syn_flood_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct half_open h;
    bool cookies = facts_setting(w->f, "tcp_syncookies", 1) != 0;

    if (g->first->known & FACT_SEEN)
        return judge_flood_passed(w, g, out);
    h = look_half_open(w, g);
    if (!flooded(g, &h))
        return false;
    out->actor = WHY_OPERATOR;
    out->confidence = WHY_LIKELY;
    out->severity = cookies ? WHY_WARNING : WHY_CRITICAL;
    out->diagnosis =
        SAY(w, "The half-open queue of % is full of SYNs whose senders do not answer: %.",
            END(&g->first->local),
            STR(cookies ? "SYN cookies keep it open to honest clients"
                        : "without SYN cookies honest clients do not get in"));
    half_open_evidence(w, g, &h, out);
    out->unknown = "whether it is an attack, or answers to us get lost on the way";
    out->settle = "are the sources spread over addresses that have no reason to come here?";
    flood_remedies(w, cookies, out);
    return true;
}

bool rule_port_scan_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return c->known & FACT_SEEN && c->seen->opener == 0 && c->seen->side[0].bytes == 0 &&
           c->seen->side[1].bytes == 0;
}

bool rule_port_scan_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    uint32_t ports = distinct(w, g, false), refused = 0, silent = 0;

    if (ports < SCAN_LEAST || g->n >= SCAN_TRIES * ports)
        return false;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        refused += c->seen->side[1].syn_acks == 0 && c->seen->rst_by == 1;
        silent += c->seen->side[1].syn_acks == 0 && c->state == GN_SYN_SENT;
    }
    out->actor = WHY_OPERATOR;
    out->severity = WHY_NOTE;
    out->confidence = WHY_LIKELY;
    out->diagnosis = SAY(w, "% tries % ports of %, few times each, and sends nothing: a port scan.",
                         ADDR(&g->first->local), NUM(ports), ADDR(&g->first->remote));
    rules_evidence(out, "ports tried", ports, WHY_COUNT);
    rules_evidence(out, "attempts", g->n, WHY_COUNT);
    rules_evidence(out, "refused: nobody listens", refused, WHY_COUNT);
    rules_evidence(out, "no answer: most likely filtered", silent, WHY_COUNT);
    rules_evidence(out, "accepted", (int64_t)g->n - refused - silent, WHY_COUNT);
    out->unknown = "whose it is: a check of one's own, or a stranger looking for a way in";
    out->settle = "ask who runs the host that scans";
    rules_remedy(out, "let nothing listen, or nothing through, that is not meant for everybody",
                 NULL);
    return true;
}

bool rule_syn_cookies_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    int64_t grown = facts_growth(w->f, "TcpExtSyncookiesSent");
    int64_t all = facts_counter(w->f, "TcpExtSyncookiesSent", 0);
    int64_t good = facts_counter(w->f, "TcpExtSyncookiesRecv", 0);

    (void)g;
    if (all == 0)
        return false;
    out->actor = WHY_OPERATOR;
    if (grown == 0) {
        out->severity = WHY_NOTE;
        out->actor = WHY_NOBODY;
    }
    out->diagnosis = grown ? "SYN cookies are being sent: a half-open queue is full right now."
                           : "SYN cookies have been sent since this machine started: a half-open "
                             "queue was full then.";
    rules_evidence(out, "cookies sent", all, WHY_COUNT);
    rules_evidence(out, "cookies that came back valid", good, WHY_COUNT);
    if (w->f->interval)
        rules_evidence(out, "sent since the sample before", grown, WHY_COUNT);
    if (!w->f->interval) {
        out->unknown = "when that was";
        out->settle = "gannet why --for 10, or --watch";
    }
    rules_remedy(
        out, "many valid ones: a burst of honest clients; raise the backlog of the listener", NULL);
    rules_remedy(out, "hardly any valid: a flood; see syn-flood", NULL);
    return true;
}
