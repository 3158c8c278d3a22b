/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_peer.c  Rules about peers that do not answer, ends that do not read, and keep-alive.
 */
#include "explain/rules.h"

#define IDLE_LONG (3600 * GN_SEC) /* many silent so long, and nothing would notice a peer's end */
#define IDLE_NOTE 6               /* silent for so small a part of it is worth a note */
#define IDLE_MANY 50
#define KEEPALIVE \
    (7200 * GN_SEC) /* where keep-alive is on, it has spoken by then: RFC 9293 3.8.4 */
#define FORGETFUL  (300 * GN_SEC) /* many firewalls and NATs forget what is silent for so long */
#define UNREAD     (5 * GN_SEC)   /* a program that reads has read what lies there so long */
#define UNREAD_BIG 65536

/** unanswered() - keep-alives in a row that a capture shows no answer to */
static uint32_t unanswered(const struct fact_conn *c)
{
    return c->known & FACT_SEEN ? c->seen->side[0].unanswered_keepalives : 0;
}

bool rule_peer_gone_match(const struct rules *w, const struct fact_conn *c)
{
    if (unanswered(c) >= 2)
        return true;
    return rules_in_vain(c, 2) && !rules_heard_in_vain(w, c) && !rule_black_hole_match(w, c);
}

/** user_timeout() - the remedies against waiting a quarter of an hour */
static void user_timeout(struct rules *w, struct why_finding *out)
{
    rules_remedy(
        out,
        rules_spell(w,
                    "in the program: setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 20000): "
                    "given up after 20 s",
                    "in the program: TCP_USER_TIMEOUT 20000, or gannet ctl set "
                    "tcp_user_timeout=20s: given up after 20 s"),
        "a path that is down for longer than that ends the connection");
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_retries2=8 (about 100 s instead of 15 min)",
                             "gannet ctl set tcp_retries2=8 (about 100 s instead of 15 min)"),
                 "the same, for every connection");
}

/** never_served() - were they opened from here, and nothing came back after the SYN,ACK? */
static bool never_served(const struct rules *w, const struct rule_group *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        /* Linux counts the SYN as an octet */
        if (!(c->known & FACT_INFO) || c->info.bytes_acked > 1 || c->info.bytes_received > 0 ||
            rules_listening(w, c))
            return false;
    }
    return true;
}

/** what_is_open() - what is not known of a peer that has gone, and what would tell */
static void what_is_open(struct rules *w, const struct rule_group *g, bool others,
                         struct why_finding *out)
{
    if (never_served(w, g)) {
        out->actor = WHY_PEER;
        out->diagnosis = SAY(w, "% has answered the SYN of %, and nothing that was sent since.",
                             STR(rules_peers_text(w, g)), STR(rules_count_text(w, g->n)));
        out->unknown = "whether its accept queue is full (what completes the handshake is then "
                       "dropped there), or the path broke since";
        out->settle = "gannet why on the peer: expect accept-queue-full";
    } else if (others) {
        out->unknown = "whether the peer has forgotten this connection or a firewall between has: "
                       "others to the same host work";
        out->settle = "a capture at the peer: do the segments arrive, is there an answer?";
    } else {
        out->unknown = "whether the host is down, its address gone, or the path broken";
        out->settle = "ping the peer; if it answers, look for its end of the connection there";
    }
}

/** judge_idle_gone() - nothing was to be sent, so only keep-alive has noticed; @probes in a row */
static void judge_idle_gone(struct rules *w, const struct rule_group *g, uint32_t probes,
                            struct why_finding *out)
{
    gn_time quiet;

    out->diagnosis =
        SAY(w, "% does not answer the keep-alives of % any more; until they give up, % open.",
            STR(rules_peers_text(w, g)), STR(rules_count_text(w, g->n)),
            STR(g->n == 1 ? "it stays" : "they stay"));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "keep-alives in a row without an answer, up to", probes, WHY_COUNT);
    if (rules_quiet(w, g->first, &quiet))
        rules_evidence(out, "last heard of the peer, ago", (int64_t)quiet, WHY_SPAN);
    rules_remedy(out,
                 "none at this end: it gives up after tcp_keepalive_probes of them, and says "
                 "nothing when it does",
                 NULL);
    rules_remedy(out, "at the peer, if it lives: restart the program, its end may be open for ever",
                 NULL);
}

bool rule_peer_gone_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct rule_tally t = rules_tally(w, g, UNREAD);
    bool others = g->n_groups == 1 && rules_alive(w, g->first);
    uint32_t probes = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t n = unanswered(rules_conn(w, g, i));
        probes = n > probes ? n : probes;
    }
    out->actor = others ? WHY_PEER : WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    if ((t.backoff < 3 && probes < 3) || rules_rare(w, g))
        out->severity = WHY_NOTE;
    if (probes && t.backoff < 2) {
        judge_idle_gone(w, g, probes, out);
        what_is_open(w, g, others, out);
        return true;
    }
    out->diagnosis = SAY(w, "% acknowledges nothing any more on %; here % still looks established.",
                         STR(rules_peers_text(w, g)), STR(rules_count_text(w, g->n)),
                         STR(g->n == 1 ? "it" : "each"));
    rules_vain_evidence(w, g, out);
    if (probes)
        rules_evidence(out, "keep-alives in a row without an answer, up to", probes, WHY_COUNT);
    what_is_open(w, g, others, out);
    user_timeout(w, out);
    rules_remedy(out,
                 rules_spell(w, "at once: ss -K dst ADDRESS (root), or restart the program",
                             "at once: gannet ctl abort HANDLE"),
                 NULL);
    return true;
}

/** silent_for() - since when nothing has come or gone; false: not known */
static bool silent_for(const struct rules *w, const struct fact_conn *c, gn_time *ret)
{
    if (c->known & FACT_INFO) {
        const struct fact_info *i = &c->info;
        gn_time least =
            i->last_data_recv < i->last_data_sent ? i->last_data_recv : i->last_data_sent;
        *ret = i->last_ack_recv < least ? i->last_ack_recv : least;
        return true;
    }
    if (c->known & FACT_SEEN) {
        const struct fact_side *s = c->seen->side;
        gn_time last = s[0].last > s[1].last ? s[0].last : s[1].last;
        *ret = w->f->now > last ? w->f->now - last : 0;
        return true;
    }
    return false;
}

/** idle_long() - silence that counts as long */
static gn_time idle_long(const struct rules *w)
{
    return w->o->idle ? w->o->idle : IDLE_LONG;
}

/** asks_by_itself() - is keep-alive on, or has a capture seen one? */
static bool asks_by_itself(const struct fact_conn *c)
{
    if (c->known & FACT_SEEN)
        return c->seen->side[0].keepalives + c->seen->side[1].keepalives > 0;
    return (c->known & FACT_KEEPALIVE && c->keepalive) ||
           (c->known & FACT_TIMER && c->timer != FACT_TIMER_NONE);
}

bool rule_idle_match(const struct rules *w, const struct fact_conn *c)
{
    gn_time silent;

    if (rules_loopback(c) || c->send_q > 0 || c->backoff > 0 || asks_by_itself(c))
        return false;
    if (c->known & FACT_SEEN && c->seen->opener == 1) /* told once, from the end that opened it */
        return false;
    return silent_for(w, c, &silent) && silent >= idle_long(w) / IDLE_NOTE;
}

/** idle_in_capture() - what differs where nobody can look whether keep-alive is on */
static void idle_in_capture(struct rules *w, const struct rule_group *g, gn_time longest,
                            struct why_finding *out)
{
    out->confidence = longest > KEEPALIVE + KEEPALIVE / 8 ? WHY_LIKELY : WHY_POSSIBLE;
    out->diagnosis =
        SAY(w,
            "% of % %, without a keep-alive: an end that vanished would not be missed by the "
            "other.",
            STR(rules_count_text(w, g->n)),
            STR(g->n_groups > 1 ? SAY(w, "% hosts", NUM(g->n_groups)) : rules_who(w, g->first)),
            STR(g->n == 1 ? "was silent for long" : "were silent for long"));
    out->unknown = "whether the peers are still there, and whether keep-alive is on with a longer "
                   "time than this";
    out->settle = "gannet why on either host (the timer of ss -o)";
}

bool rule_idle_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    gn_time silent = 0, longest = 0;
    uint32_t n_long = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        (void)silent_for(w, rules_conn(w, g, i), &silent);
        n_long += silent >= idle_long(w);
        longest = silent > longest ? silent : longest;
    }
    out->actor = WHY_PROCESS;
    if (n_long < IDLE_MANY)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w,
            "% of % %: if the peer has vanished, nothing here will ever notice, for "
            "keep-alive is off and nothing is being sent.",
            STR(rules_count_text(w, g->n)),
            STR(g->n_groups > 1 ? SAY(w, "% processes", NUM(g->n_groups)) : rules_who(w, g->first)),
            STR(g->n == 1 ? "has been silent for long" : "have been silent for long"));
    out->unknown = "whether the peers are still there";
    out->settle = "send something, or look at the peers";
    if (g->first->known & FACT_SEEN)
        idle_in_capture(w, g, longest, out);
    rules_evidence(out, "idle connections", g->n, WHY_COUNT);
    rules_evidence(out,
                   w->o->idle ? "silent for longer than asked" : "silent for more than an hour",
                   n_long, WHY_COUNT);
    rules_evidence(out, "longest silence", (int64_t)longest, WHY_SPAN);
    rules_remedy(out,
                 rules_spell(w,
                             "in the program: SO_KEEPALIVE with TCP_KEEPIDLE 60, TCP_KEEPINTVL 10, "
                             "TCP_KEEPCNT 6: a dead peer is noticed after 2 min",
                             "in the program: SO_KEEPALIVE, and gannet ctl set "
                             "tcp_keepalive_time=60s"),
                 "two small packets a minute for each; a path that is down for 2 min ends it");
    rules_remedy(out, "or a limit on idle time in the protocol above", NULL);
    return true;
}

/** uses_keepalive() - does this connection show that it has keep-alive on? */
static bool uses_keepalive(const struct fact_conn *c)
{
    if (c->known & FACT_KEEPALIVE)
        return c->keepalive;
    if (c->known & FACT_TIMER && c->timer == FACT_TIMER_KEEPALIVE)
        return true;
    return c->known & FACT_SEEN && c->seen->side[0].keepalives > 0;
}

bool rule_keepalive_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return uses_keepalive(c) || rules_in_vain(c, 3);
}

/** What a process with keep-alive has. */
struct kept_alive {
    uint32_t on, in_vain,
        slow;        /* with it on; retransmitting in vain; first probe after FORGETFUL */
    gn_time longest; /* until the first probe */
};

/** count_kept_alive() - look at all of them */
static struct kept_alive count_kept_alive(const struct rules *w, const struct rule_group *g)
{
    struct kept_alive k = {0};
    gn_time silent = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        bool in_vain = rules_in_vain(c, 3);
        k.on += uses_keepalive(c);
        k.in_vain += in_vain;
        if (in_vain || !(c->known & FACT_TIMER) || c->timer != FACT_TIMER_KEEPALIVE || c->probes)
            continue;
        (void)silent_for(w, c, &silent);
        k.slow += c->timer_in + silent > FORGETFUL;
        if (c->timer_in + silent > k.longest)
            k.longest = c->timer_in + silent;
    }
    return k;
}

bool rule_keepalive_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct kept_alive k = count_kept_alive(w, g);

    if (k.on == 0 || (k.in_vain == 0 && k.slow == 0))
        return false;
    out->actor = WHY_PROCESS;
    out->confidence = WHY_LIKELY;
    rules_evidence(out, "connections with keep-alive", k.on, WHY_COUNT);
    if (k.in_vain) {
        out->diagnosis =
            SAY(w,
                "% relies on keep-alive, but % unacknowledged data: then no probe is ever sent, "
                "and tcp_retries2 alone decides how long to wait.",
                STR(rules_who(w, g->first)),
                STR(k.in_vain == 1 ? "1 connection has"
                                   : SAY(w, "% connections have", NUM(k.in_vain))));
        rules_evidence(out, "retransmitting in vain", k.in_vain, WHY_COUNT);
        gn_time left;
        if (rules_time_left(w, g->first, &left))
            rules_evidence(out, "the first is given up in", (int64_t)left, WHY_SPAN);
        user_timeout(w, out);
        return true;
    }
    out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w,
            "Keep-alive of % probes only after % of silence: firewalls and NATs on the way may "
            "have forgotten the connection by then, and a dead peer is noticed hours late.",
            STR(g->n_groups > 1 ? SAY(w, "% processes", NUM(g->n_groups)) : rules_who(w, g->first)),
            SPAN(k.longest));
    rules_evidence(out, "first probe after", (int64_t)k.longest, WHY_SPAN);
    out->unknown = "how soon the boxes on the way forget";
    out->settle = "their manuals: 5 to 60 min is common; RFC 5382 asks for 2 h 4 min";
    rules_remedy(out,
                 rules_spell(w,
                             "in the program: TCP_KEEPIDLE 60; or sysctl -w "
                             "net.ipv4.tcp_keepalive_time=60",
                             "gannet ctl set tcp_keepalive_time=60s"),
                 "two small packets a minute for each connection");
    return true;
}

/** shut_for() - how long its peer's window has been shut, as far as that is known */
static gn_time shut_for(const struct rules *w, const struct fact_conn *c)
{
    if (c->known & FACT_SEEN && c->seen->side[1].zero_window_longest)
        return c->seen->side[1].zero_window_longest;
    if (!(c->known & FACT_TIMER) || c->timer != FACT_TIMER_PERSIST)
        return 0;
    /* each gap between probes is twice the one before: those before it were as long together */
    gn_time waited = rules_waited(w, c), first = c->info.rto >> c->backoff;
    gn_time gap = c->timer_in > first ? c->timer_in - first : 0;
    return waited > gap ? waited : gap;
}

bool rule_zero_window_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    if (c->known & FACT_TIMER)
        return c->timer == FACT_TIMER_PERSIST;
    return c->known & FACT_SEEN && c->seen->side[1].zero_windows > 0;
}

/* so many probes in a row without any answer: one may be on its way, one may have been lost */
#define SILENT_PROBES 3

/** shut_and_silent() - the window is shut, and nobody is there to open it again */
static bool shut_and_silent(struct rules *w, const struct rule_group *g, uint8_t probes,
                            struct why_finding *out)
{
    out->actor = WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    out->diagnosis =
        SAY(w,
            "% had shut its window on %, and does not answer any more: its host or the "
            "path to it has gone.",
            STR(rules_peers_text(w, g)), STR(rules_count_text(w, g->n)));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "window probes without an answer, up to", probes, WHY_COUNT);
    out->unknown = "whether it comes back";
    out->settle = "ping it, and the next router";
    rules_remedy(out, "close what cannot wait; TCP_USER_TIMEOUT does it by itself, if set", NULL);
    return true;
}

bool rule_zero_window_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    gn_time longest = 0;
    uint64_t queued = 0;
    uint32_t silent = 0;
    uint8_t probes = 0;
    bool shut = false;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        gn_time t = shut_for(w, c);
        shut = shut || !(c->known & FACT_SEEN) || c->seen->side[1].shut;
        longest = t > longest ? t : longest;
        queued += c->known & FACT_QUEUES ? c->send_q : 0;
        probes = c->probes > probes ? c->probes : probes;
        probes = c->backoff > probes ? c->backoff : probes;
        silent += c->probes >= SILENT_PROBES;
    }
    out->actor = WHY_PEER;
    if (longest < 2 * GN_SEC && probes < 3)
        out->severity = WHY_NOTE;
    if (silent == g->n)
        return shut_and_silent(w, g, probes, out);
    out->diagnosis = SAY(w,
                         shut ? "% has shut its window on %: its TCP answers, its program does "
                                "not read."
                              : "% had shut its window on % for a while, and opened it again: its "
                                "program reads more slowly than text arrives.",
                         STR(rules_peers_text(w, g)), STR(rules_count_text(w, g->n)));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (queued)
        rules_evidence(out, "waiting to be sent", (int64_t)queued, WHY_OCTETS);
    if (probes)
        rules_evidence(out, "window probes in a row", probes, WHY_COUNT);
    if (silent)
        rules_evidence(out, "of these not answering any more", silent, WHY_COUNT);
    if (longest)
        rules_evidence(out, shut ? "shut for, at least" : "shut for, at the longest",
                       (int64_t)longest, WHY_SPAN);
    out->unknown =
        "why the peer's program does not read: busy, blocked, stopped, or slow on purpose";
    out->settle = "gannet why on the peer: expect not-reading";
    rules_remedy(out, "at the peer: read, or close", NULL);
    rules_remedy(
        out,
        rules_spell(w,
                    "here: a time limit on writing (SO_SNDTIMEO or poll), or "
                    "TCP_USER_TIMEOUT, which counts while the window is shut; without one "
                    "this can last for ever",
                    "here: TCP_USER_TIMEOUT, which counts while the window is shut; without "
                    "one this can last for ever"),
        "slow readers are cut off");
    return true;
}

bool rule_recv_queue_match(const struct rules *w, const struct fact_conn *c)
{
    bool waiting =
        c->known & FACT_OWNER && c->process == FACT_NONE; /* for accept(), or an orphan */

    (void)w;
    if (!(c->known & FACT_QUEUES) || c->recv_q == 0 || waiting)
        return false;
    return c->known & FACT_INFO && c->info.last_data_recv >= UNREAD;
}

/** stands_still() - is so much unread that the peer is held up? */
static bool stands_still(const struct fact_conn *c)
{
    if (c->recv_q >= UNREAD_BIG || c->info.rcv_wnd == 0)
        return true;
    return c->known & FACT_BUFFERS && c->rcvbuf && (uint64_t)c->recv_q * 2 >= c->rcvbuf;
}

bool rule_recv_queue_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    gn_time longest = 0;
    uint64_t unread = 0;
    uint32_t still = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        still += stands_still(c);
        unread += c->recv_q;
        longest = c->info.last_data_recv > longest ? c->info.last_data_recv : longest;
    }
    out->actor = WHY_PROCESS;
    if (still == 0)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "% does not read: % lie unread on %%.",
            STR(g->n_groups > 1 ? SAY(w, "Each of % processes", NUM(g->n_groups))
                                : rules_who(w, g->first)),
            OCTETS(unread), STR(rules_count_text(w, g->n)),
            STR(still ? ", and the peers cannot send on" : ", and there is still room"));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "of these at a standstill", still, WHY_COUNT);
    rules_evidence(out, "unread", (int64_t)unread, WHY_OCTETS);
    rules_evidence(out, "all of it there for, up to", (int64_t)longest, WHY_SPAN);
    out->unknown = "what the process does instead";
    out->settle = "strace -p PID, or a stack trace: a lock, a slow disk, another peer?";
    rules_remedy(out, "in the program: read in a loop of its own, or close what is not wanted",
                 NULL);
    rules_remedy(out, "a larger receive buffer does not help: it fills too", NULL);
    return true;
}
