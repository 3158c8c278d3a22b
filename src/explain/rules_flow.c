/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_flow.c  Rules about connections that work, but badly: limits of sending, losses,
 * segment sizes, delays, resets.
 */
#include "explain/rules.h"

#define MSS_LEAST  536  /* RFC 9293 3.7.1: what everybody can take over IPv4 */
#define LARGE      1220 /* segments up to this pass wherever IPv6 does */
#define STALLS     5
#define FULL_LEAST 5 /* windows filled; fewer may be a burst */
#define RESETS     5
#define UNSCALED   65535

enum limit { LIMIT_NONE, LIMIT_CWND, LIMIT_WINDOW, LIMIT_BUFFER };

/** limit_in_time() - what has held this connection up for most of the time it was busy */
static enum limit limit_in_time(const struct fact_info *i)
{
    if (i->rwnd_limited * 2 > i->busy)
        return LIMIT_WINDOW;
    return i->sndbuf_limited * 2 > i->busy ? LIMIT_BUFFER : LIMIT_NONE;
}

/** limit_now() - what keeps it from sending more just now */
static enum limit limit_now(const struct fact_conn *c)
{
    const struct fact_info *i = &c->info;
    uint64_t flying = (uint64_t)i->unacked * i->snd_mss, cwnd = (uint64_t)i->cwnd * i->snd_mss;
    bool told = i->snd_wnd != UINT32_MAX;

    if (i->not_sent < i->snd_mss) /* all that is in the buffer is on its way */
        return c->known & FACT_BUFFERS && c->sndbuf && flying + i->snd_mss < cwnd &&
                       (uint64_t)c->send_q * 4 >= (uint64_t)c->sndbuf * 3
                   ? LIMIT_BUFFER
                   : LIMIT_NONE;
    if (told && i->snd_wnd <= cwnd && flying + i->snd_mss > i->snd_wnd)
        return LIMIT_WINDOW;
    return i->unacked >= i->cwnd ? LIMIT_CWND : LIMIT_NONE;
}

/** limit_of() - of a connection that has something to send and gets answers */
static enum limit limit_of(const struct fact_conn *c)
{
    const uint32_t needed = FACT_INFO | FACT_QUEUES;
    bool stopped = c->known & FACT_TIMER && c->timer == FACT_TIMER_PERSIST;

    if ((c->known & needed) != needed || c->send_q == 0 || stopped || c->backoff > 0 ||
        c->info.snd_mss == 0)
        return LIMIT_NONE;
    enum limit l = c->info.busy >= GN_SEC ? limit_in_time(&c->info) : LIMIT_NONE;
    return l != LIMIT_NONE ? l : limit_now(c);
}

/** filled_windows() - did most of what a capture shows wait for the peer's window? */
static bool filled_windows(const struct fact_side *sent, uint32_t window)
{
    return sent->windows_full >= FULL_LEAST &&
           (uint64_t)sent->windows_full * window >= sent->bytes / 2;
}

/** pipe_evidence() - what fits into the path, and what may be on its way */
static void pipe_evidence(const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    const struct fact_info *i = &c->info;

    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (c->known & FACT_QUEUES)
        rules_evidence(out, "waiting to be sent or acknowledged", c->send_q, WHY_OCTETS);
    if (c->known & FACT_INFO)
        rules_evidence(out, "congestion window", (int64_t)i->cwnd * i->snd_mss, WHY_OCTETS);
    if (c->known & FACT_SEEN)
        rules_evidence(out, "filled it, times", c->seen->side[0].windows_full, WHY_COUNT);
    if (i->snd_wnd != UINT32_MAX)
        rules_evidence(out, "peer's window", i->snd_wnd, WHY_OCTETS);
    if (c->known & FACT_BUFFERS && c->sndbuf)
        rules_evidence(out, "send buffer", c->sndbuf, WHY_OCTETS);
    if (i->rtt)
        rules_evidence(out, "round-trip time", (int64_t)i->rtt, WHY_SPAN);
    if (i->busy) {
        rules_evidence(out, "busy for", (int64_t)i->busy, WHY_SPAN);
        rules_evidence(out, "of this held up by the peer's window",
                       (int64_t)(i->rwnd_limited * 100 / i->busy), WHY_PER_CENT);
        rules_evidence(out, "of this held up by the send buffer",
                       (int64_t)(i->sndbuf_limited * 100 / i->busy), WHY_PER_CENT);
    }
}

bool rule_limited_cwnd_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return limit_of(c) == LIMIT_CWND;
}

bool rule_limited_cwnd_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    out->actor = WHY_NOBODY;
    out->severity = WHY_NOTE;
    out->diagnosis = SAY(w,
                         "% to %: congestion control sends what it believes the path can carry. "
                         "This is how a busy connection should look.",
                         STR(rules_count_text(w, g->n)), STR(rules_peers_text(w, g)));
    pipe_evidence(g, out);
    rules_evidence(out, "segments sent again in all", g->first->info.retrans_total, WHY_COUNT);
    out->unknown = "whether the path could carry more";
    out->settle = "see retransmission-storm if much is lost; else compare with iperf3";
    return true;
}

bool rule_limited_window_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    if (c->known & FACT_SEEN)
        return filled_windows(&c->seen->side[0], c->info.snd_wnd);
    return limit_of(c) == LIMIT_WINDOW;
}

bool rule_limited_window_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_info *i = &g->first->info;
    bool unscaled = !i->wscale && i->snd_wnd <= UNSCALED && i->rtt >= 20 * GN_MSEC;

    out->actor = WHY_PEER;
    if (!unscaled)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w, "% to %: the peer's window decides how fast we send%.",
            STR(rules_count_text(w, g->n)), STR(rules_peers_text(w, g)),
            STR(unscaled ? "; without window scaling it is 64 KiB at most, one such a round trip"
                         : ", not the path: the peer reads slowly or has a small buffer"));
    pipe_evidence(g, out);
    if (i->rtt && i->snd_wnd != UINT32_MAX)
        rules_evidence(out, "a second, at most", (int64_t)((uint64_t)i->snd_wnd * GN_SEC / i->rtt),
                       WHY_OCTETS);
    out->unknown = "whether the peer's program is slow or its buffer small";
    out->settle = "at the peer: a full Recv-Q means the program, an empty one the buffer";
    if (unscaled)
        rules_remedy(
            out,
            rules_spell(w,
                        "sysctl net.ipv4.tcp_window_scaling=1 at both ends; look for a "
                        "firewall that strips the option",
                        "tcp_window_scaling=1 at both ends; look for a firewall that strips "
                        "the option"),
            NULL);
    rules_remedy(out,
                 "at the peer: leave SO_RCVBUF alone (it switches auto-tuning off), raise "
                 "tcp_rmem's maximum",
                 "memory for each connection");
    return true;
}

bool rule_limited_buffer_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return limit_of(c) == LIMIT_BUFFER;
}

bool rule_limited_buffer_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    uint64_t pipe = (uint64_t)c->info.cwnd * c->info.snd_mss;

    if (c->info.snd_wnd < pipe)
        pipe = c->info.snd_wnd;
    out->actor = WHY_PROCESS;
    out->confidence = WHY_LIKELY;
    /* only where a round trip costs something, and the path would take twice as much */
    if (c->info.rtt < 10 * GN_MSEC || !c->sndbuf || pipe < (uint64_t)c->sndbuf * 2)
        out->severity = WHY_NOTE;
    out->diagnosis =
        SAY(w,
            "% of % could send more at a time, but the send buffer is no larger: each round trip "
            "carries one buffer.",
            STR(rules_count_text(w, g->n)), STR(rules_who(w, c)));
    pipe_evidence(g, out);
    if (c->info.rtt)
        rules_evidence(out, "a second, at most",
                       (int64_t)((uint64_t)c->sndbuf * GN_SEC / c->info.rtt), WHY_OCTETS);
    rules_remedy(out,
                 rules_spell(w,
                             "in the program: do not set SO_SNDBUF (it switches auto-tuning off)",
                             "in the program: do not set SO_SNDBUF (it switches auto-tuning off)"),
                 NULL);
    rules_remedy(out,
                 rules_spell(w, "sysctl -w net.ipv4.tcp_wmem='4096 65536 16777216'",
                             "gannet ctl set tcp_wmem_max=16777216"),
                 "memory for each connection that needs it");
    return true;
}

/** Segments and octets sent, and sent again. */
struct losses {
    uint64_t sent, again;
    uint32_t by_timeout;
};

/** losses_of() - over its whole life, or as far as a capture shows; sent 0: not known */
static struct losses losses_of(const struct fact_conn *c)
{
    if (c->known & FACT_SEEN)
        return (struct losses){c->seen->side[0].data_segs, c->seen->side[0].retrans,
                               c->seen->side[0].rto_retrans};
    if (c->known & FACT_INFO && c->info.segs_out)
        return (struct losses){c->info.segs_out, c->info.retrans_total, 0};
    return (struct losses){0, 0, 0};
}

bool rule_storm_match(const struct rules *w, const struct fact_conn *c)
{
    struct losses l = losses_of(c);

    (void)w;
    return l.sent >= 50 && l.again * 50 >= l.sent && l.again >= 5;
}

bool rule_storm_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    struct losses sum = {0, 0, 0};

    for (uint32_t i = 0; i < g->n; i++) {
        struct losses l = losses_of(rules_conn(w, g, i));
        sum.sent += l.sent;
        sum.again += l.again;
        sum.by_timeout += l.by_timeout;
    }
    int64_t share = sum.sent ? (int64_t)(sum.again * 100 / sum.sent) : 0;
    out->actor = WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    if (share < 5 || sum.again < 20)
        out->severity = WHY_NOTE;
    else if (share >= 20)
        out->severity = WHY_CRITICAL;
    out->diagnosis =
        SAY(w, "% of 100 segments to % are sent again: the path loses, or reorders badly.",
            NUM(share), STR(rules_peers_text(w, g)));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "segments sent", (int64_t)sum.sent, WHY_COUNT);
    rules_evidence(out, "sent again", (int64_t)sum.again, WHY_COUNT);
    if (sum.by_timeout)
        rules_evidence(out, "of these after a time-out", sum.by_timeout, WHY_COUNT);
    rules_evidence(out, "share", share, WHY_PER_CENT);
    if (g->first->known & FACT_INFO) {
        rules_evidence(out, "congestion window", g->first->info.cwnd, WHY_COUNT);
        rules_evidence(out, "round-trip time", (int64_t)g->first->info.rtt, WHY_SPAN);
    }
    out->unknown =
        "whether it goes on (these are sums over the connections' lives), and on which link";
    out->settle = "gannet why --watch; mtr to the peer; errors of the interface (ip -s link)";
    rules_remedy(out, "find the link: duplex, cable, radio, a full queue, a policer", NULL);
    rules_remedy(
        out,
        rules_spell(w,
                    "where losses are not congestion: sysctl -w "
                    "net.ipv4.tcp_congestion_control=bbr (with fq)",
                    "gannet ctl set tcp_sack=1, tcp_recovery=1 (their defaults) help most"),
        "it takes bandwidth from flows that back off");
    return true;
}

#define PASSED 32 /* segments of full size; so many have passed where there is no black hole */

/** rejected_large() - does the path tell, or show, that it does not take large segments? */
static bool rejected_large(const struct fact_side *s)
{
    if (s->icmp_too_big > 0 && s->full_size_unacked >= 2)
        return true;
    return s->full_size_unacked >= 3 && s->bytes <= (uint64_t)PASSED * s->largest;
}

bool rule_black_hole_match(const struct rules *w, const struct fact_conn *c)
{
    if (c->known & FACT_SEEN)
        return rejected_large(&c->seen->side[0]);
    return rules_heard_in_vain(w, c) && c->known & FACT_INFO && c->info.snd_mss > LARGE &&
           c->send_q >= c->info.snd_mss;
}

bool rule_black_hole_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    bool told = c->known & FACT_SEEN && c->seen->side[0].icmp_too_big > 0;

    out->actor = WHY_NETWORK;
    out->confidence = WHY_LIKELY;
    out->diagnosis =
        SAY(w,
            "Segments of full size to % are sent again and again in vain, while small ones pass: "
            "somewhere the MTU is smaller and %.",
            STR(rules_peers_text(w, g)),
            STR(told ? "what the router says about it is not heeded"
                     : "the ICMP message that should say so does not come back"));
    rules_vain_evidence(w, g, out);
    if (c->known & FACT_INFO)
        rules_evidence(out, "segment size", c->info.snd_mss, WHY_OCTETS);
    if (c->known & FACT_INFO && c->info.pmtu)
        rules_evidence(out, "path MTU as believed here", c->info.pmtu, WHY_OCTETS);
    out->unknown = "what the path's MTU is";
    out->settle = "ping -M do -s 1472 PEER, with ever smaller sizes (tracepath does it by itself)";
    rules_remedy(out, "let ICMP 'fragmentation needed' and 'packet too big' through the firewall",
                 NULL);
    rules_remedy(
        out,
        rules_spell(w, "sysctl -w net.ipv4.tcp_mtu_probing=1", "gannet ctl set tcp_mtu_probing=1"),
        "two time-outs until it falls back; then smaller segments");
    rules_remedy(out, "clamp the MSS at the tunnel's end (nft: tcp option maxseg size set rt mtu)",
                 NULL);
    return true;
}

bool rule_small_mss_match(const struct rules *w, const struct fact_conn *c)
{
    bool told = c->known & FACT_INFO || (c->known & FACT_SEEN && c->seen->from_start);

    (void)w;
    if (rules_loopback(c) || !told || c->info.snd_mss == 0)
        return false;
    return c->info.snd_mss <= MSS_LEAST;
}

bool rule_small_mss_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_info *i = &g->first->info;
    uint64_t sent = 0;

    for (uint32_t k = 0; k < g->n; k++)
        sent += rules_conn(w, g, k)->info.bytes_sent;
    out->actor = WHY_PEER;
    out->confidence = WHY_LIKELY;
    if (sent < 10000) /* what is small needs no large segments */
        out->severity = WHY_NOTE;
    out->diagnosis = SAY(w,
                         "Segments to % carry % at most: three times as many packets, headers and "
                         "interrupts as needed.",
                         STR(rules_peers_text(w, g)), OCTETS(i->snd_mss));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "segment size", i->snd_mss, WHY_OCTETS);
    if (i->pmtu)
        rules_evidence(out, "path MTU", i->pmtu, WHY_OCTETS);
    rules_evidence(out, "sent so far", (int64_t)sent, WHY_OCTETS);
    out->unknown = "whether the peer announced so little, a firewall clamps, or the path is narrow";
    out->settle = "the MSS option of its SYN (gannet why FILE.pcap); tracepath PEER";
    rules_remedy(out, "at the peer: announce an MSS (without the option 536 is assumed)", NULL);
    rules_remedy(
        out, "ip route show cache / ip tcp_metrics: flush a path MTU learnt from a forgery", NULL);
    return true;
}

/** held_back() - is less than a segment held back until an ACK comes? */
static bool held_back(const struct fact_conn *c)
{
    const struct fact_info *i = &c->info;
    return c->known & FACT_INFO && i->not_sent > 0 && i->not_sent < i->snd_mss && i->unacked > 0 &&
           i->unacked < i->cwnd && c->backoff == 0;
}

bool rule_nagle_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return held_back(c) || (c->known & FACT_SEEN && c->seen->side[0].nagle_stalls > 0);
}

bool rule_nagle_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    uint32_t stalls = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        stalls += c->known & FACT_SEEN ? c->seen->side[0].nagle_stalls : 0;
    }
    out->actor = WHY_PROCESS;
    if (stalls < STALLS) {
        out->severity = WHY_NOTE;
        out->confidence = WHY_POSSIBLE;
    }
    out->diagnosis =
        SAY(w,
            "% sends small pieces to %: Nagle's algorithm holds each back until the one before is "
            "acknowledged, and the peer delays its ACKs (about 40 ms each time).",
            STR(rules_who(w, g->first)), STR(rules_peers_text(w, g)));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (stalls)
        rules_evidence(out, "stalls seen", stalls, WHY_COUNT);
    if (g->first->known & FACT_INFO)
        rules_evidence(out, "held back now", g->first->info.not_sent, WHY_OCTETS);
    if (stalls == 0) {
        out->unknown = "how often that happens";
        out->settle = "gannet why -i IF for some seconds counts the stalls";
    }
    rules_remedy(out, "in the program: write a whole message at once (writev, a buffer, MSG_MORE)",
                 NULL);
    rules_remedy(out, "TCP_NODELAY on the socket", "a packet for every small write");
    return true;
}

/** was_reset() - did it end in a reset after the handshake? */
static bool was_reset(const struct fact_conn *c)
{
    if (c->known & FACT_SEEN) /* told once, from the end that opened it */
        return c->seen->rst_by != 2 && c->seen->opener != 1 &&
               (c->seen->side[1].syn_acks > 0 || !c->seen->from_start);
    return c->known & FACT_HISTORY && c->n_history &&
           c->history[c->n_history - 1].cause == GN_CAUSE_RST;
}

bool rule_resets_match(const struct rules *w, const struct fact_conn *c)
{
    (void)w;
    return was_reset(c);
}

bool rule_resets_judge(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    const struct fact_conn *c = g->first;
    bool seen = c->known & FACT_SEEN;
    uint32_t ours = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *o = rules_conn(w, g, i);
        ours += o->known & FACT_SEEN && o->seen->rst_by == 0;
    }
    out->actor = ours * 2 > g->n ? WHY_PROCESS : WHY_PEER;
    if (g->n < RESETS)
        out->severity = WHY_NOTE;
    out->diagnosis = SAY(w, "% to % ended in a reset%.", STR(rules_count_text(w, g->n)),
                         STR(g->n_groups > 1 ? SAY(w, "% services", NUM(g->n_groups))
                                             : SAY(w, "%", END(&c->remote))),
                         STR(g->n < RESETS ? "" : ", again and again"));
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    if (seen) {
        rules_evidence(out, "reset by us", ours, WHY_COUNT);
        rules_evidence(out, "reset by the peer", (int64_t)g->n - ours, WHY_COUNT);
    }
    out->unknown = "why: closed with unread data, a crash, a limit, a firewall that forges resets";
    out->settle = "the log of the end that resets; its TTL in a capture tells a forgery";
    rules_remedy(out, "at the end that resets: read to the end before close(), no SO_LINGER 0",
                 NULL);
    rules_remedy(out, "at the other: wait longer before each new attempt", NULL);
    return true;
}
