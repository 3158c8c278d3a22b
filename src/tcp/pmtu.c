/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pmtu.c  The path MTU of a connection (RFC 1191, RFC 8201), black holes (RFC 4821, RFC 8899;
 * OPT-MSS-4), and the way back up.
 *
 * Theory of operation. A connection begins with the MTU of its interface. An ICMP error lowers it
 * at once. A path that swallows large packets without a word is noticed by retransmissions of a
 * large segment that fail again and again (tcp_retries1); then smaller ones are tried: first
 * tcp_base_mss, then half and half again down to tcp_mtu_probe_floor. What is too large is sent
 * again in smaller segments, which is no sign of congestion.
 *
 * What an ICMP error lowered is forgotten after mtu_expires: paths change. After a black hole
 * nothing would tell that the interface's MTU is too large still, so the way back up is a search
 * (RFC 4821 7): now and then one segment of new text is larger than the others, half way between
 * what gets through and what may. If it arrives, all may be as large; if it alone is lost, that is
 * no sign of congestion, and nothing so large is tried until the search begins anew, after
 * tcp_probe_interval. With tcp_mtu_probing=2 a connection begins with tcp_base_mss and the search.
 */
#include "tcp/internal.h"

#define PMTU_MIN_V4 552 /* SEC-5927-4: as Linux's min_pmtu, well above the 68 of RFC 791 */
#define PMTU_MIN_V6 1280

uint32_t pmtu_now(const struct tcb *t, const struct tcp_env *e)
{
    return t->path_mtu != 0 ? min_u32(t->path_mtu, e->mtu) : e->mtu;
}

/* the most that interface, peer and user allow: where a search ends */
static uint32_t search_top(const struct tcb *t, const struct tcp_env *e)
{
    uint32_t mss = t->opts.maxseg != 0 ? min_u32(t->send_mss, t->opts.maxseg) : t->send_mss;

    return min_u32(mss + TCP_HEADER_MIN + e->mtu_headers, e->mtu);
}

/* the path MTU for segments of @mss, which no packet need be smaller than */
static uint32_t mtu_for(const struct tcb *t, const struct tcp_env *e, uint64_t mss)
{
    mss = max_u64(mss, max_u64(e->conf->tcp_mtu_probe_floor, e->conf->tcp_min_snd_mss));
    mss += e->mtu_headers + TCP_HEADER_MIN;
    return (uint32_t)(gn_addr_is_v4(&t->key.raddr) ? mss : max_u64(mss, PMTU_MIN_V6));
}

/* no probe for @span */
static void search_pause(struct tcb *t, const struct tcp_env *e, gn_time span)
{
    t->search.at = max_u64(t->search.at, e->now + span);
}

/* @mtu from now on: nothing larger is tried for a while, or but by probes */
static void lower(struct tcb *t, const struct tcp_env *e, uint32_t mtu)
{
    t->path_mtu = (uint16_t)mtu;
    t->search.size = 0;
    if (t->search.high == 0)
        t->pmtu_at = deadline_at(e->now + e->conf->mtu_expires);
    options_mss_changed(t, e);
}

/* OPT-MSS-4: search_low is what gets through, the path MTU (RFC 4821 7.2) */
void pmtu_search(struct tcb *t, const struct tcp_env *e)
{
    if (pmtu_fragment(&t->opts))
        return;
    t->search.high = (uint16_t)search_top(t, e);
    t->path_mtu = (uint16_t)min_u32(mtu_for(t, e, e->conf->tcp_base_mss), t->search.high);
}

/*
 * probe_size() - the MTU to try; 0: the search is over for now. Half way, but the last step, if
 * nothing is known against it, is to the very top
 */
static uint32_t probe_size(struct tcb *t, const struct tcp_env *e)
{
    uint32_t low = pmtu_now(t, e), top = search_top(t, e), high = min_u32(t->search.high, top);

    if (high >= low + e->conf->tcp_probe_threshold)
        return (low + high) / 2;
    if (high > low && high == top)
        return top;
    t->search.high = (uint16_t)top;
    search_pause(t, e, e->conf->tcp_probe_interval);
    return 0;
}

/*
 * RFC 4821 7.4: there must be enough text, window and congestion window behind it that its loss is
 * seen by duplicate ACKs, and no trouble of any kind. It is part of the flight like any other
 * segment.
 */
uint32_t pmtu_probe(struct tcb *t, const struct tcp_env *e, const struct seg *s)
{
    uint32_t size, len, needed;

    if (t->search.size != 0 || e->now < t->search.at || t->rec.handshake ||
        t->rec.state != GN_RECOVERY_OPEN || t->rec.probe_due || (s->opt.has & (uint8_t)~OPT_TS) ||
        pmtu_fragment(&t->opts))
        return 0;
    size = probe_size(t, e);
    if (size == 0)
        return 0;
    len = size - e->mtu_headers - tcp_header_len(s);
    needed = len + ((uint32_t)e->conf->tcp_reordering + 1) * t->rec.mss;
    if (sndbuf_unsent(t) < needed || window_usable(t) < needed || t->rec.cc.cwnd < needed)
        return 0;
    /* it waits until the window has room for it, but not until pacing has */
    if (t->rec.cc.cwnd >= recovery_in_flight(&t->rec) + len &&
        recovery_room_for(&t->rec, len) < len)
        return 0;
    return len;
}

void pmtu_probe_sent(struct tcb *t, const struct tcp_env *e, uint32_t len)
{
    t->search.size = (uint16_t)(len + e->mtu_headers + TCP_HEADER_MIN + (t->ts_ok ? 12 : 0));
    recovery_mtu_probe(&t->rec, len);
}

/* the probe was too large, and nothing above @high is tried in this search. RFC 4821 7.6.2: no
 * other probe for about as long as it takes until the next sign of congestion, @rounds times a
 * round trip for each segment of the window */
static void probe_failed(struct tcb *t, const struct tcp_env *e, uint32_t high, uint32_t rounds)
{
    t->search.high = (uint16_t)high;
    search_pause(t, e, rounds * (t->rec.cc.cwnd / t->rec.mss) * t->rec.rtt.srtt);
    e->stats->TCPMTUPFail++;
}

/* RFC 4821 7.6 */
void pmtu_on_probe(struct tcb *t, const struct tcp_env *e)
{
    uint32_t size = t->search.size;

    if (t->rec.mtu_probe == MTU_PROBE_OUT)
        return;
    t->search.size = 0;
    if (t->rec.mtu_probe == MTU_PROBE_ARRIVED) {
        t->path_mtu = (uint16_t)size;
        e->stats->TCPMTUPSuccess++;
        options_mss_changed(t, e);
    } else if (t->rec.mtu_probe == MTU_PROBE_LOST) {
        probe_failed(t, e, size - 1, 1);
    } else if (t->rec.mtu_probe == MTU_PROBE_TIMEOUT) {
        probe_failed(t, e, size - 1, 5); /* 7.6.3 */
    }
    t->rec.mtu_probe = MTU_PROBE_NONE;
}

/**
 * pmtu_on_icmp() - frag-needed, packet-too-big; it quotes @quoted, which is in flight
 *
 * Only down, never below the floor, and only below the size of what it says was too large
 * (SEC-5927-4): a stranger who can guess a sequence number in flight gains little.
 */
enum gn_drop pmtu_on_icmp(struct tcb *t, const struct tcp_env *e, seq_t quoted, uint32_t mtu)
{
    uint32_t floor = gn_addr_is_v4(&t->key.raddr) ? PMTU_MIN_V4 : PMTU_MIN_V6;
    const struct sent *s = sent_at(&t->rec.sent, sent_find(&t->rec.sent, quoted));
    bool opening = t->state == GN_SYN_SENT; /* our SYN may have text with it */
    uint32_t len = opening ? seq_span(t->snd.una, t->snd.nxt) : s->len;
    uint32_t size = len + TCP_HEADER_MAX + e->mtu_headers; /* at the most */

    mtu = max_u32(mtu, floor);
    if (mtu >= size)
        return GN_DROP_ICMP_IGNORED;
    if (mtu >= pmtu_now(t, e) && mtu < t->search.size) { /* of the probe, the one so large */
        probe_failed(t, e, mtu, 1);
        t->search.size = 0;
        recovery_lose_mtu_probe(&t->rec);
        return GN_DROP_NONE;
    }
    if (mtu >= pmtu_now(t, e))
        return GN_DROP_ICMP_IGNORED;
    if (t->search.high != 0)
        t->search.high = (uint16_t)mtu;
    lower(t, e, mtu);
    if (opening) /* the SYN goes again, alone */
        recovery_lose_all(&t->rec);
    return GN_DROP_NONE;
}

/* a retransmission timeout: is it the size? */
void pmtu_on_rto(struct tcb *t, const struct tcp_env *e)
{
    uint32_t headers = e->mtu_headers + TCP_HEADER_MIN, now = pmtu_now(t, e), mtu;

    if (e->conf->tcp_mtu_probing == 0 || !state_synchronised(t->state) ||
        t->rec.timeouts < e->conf->tcp_retries1 || !sent_count(&t->rec.sent))
        return;
    mtu = mtu_for(t, e, (now - headers) / 2);
    if (now - headers > e->conf->tcp_base_mss)
        mtu = mtu_for(t, e, e->conf->tcp_base_mss);
    /* small segments that are lost say nothing about large ones */
    if (mtu >= now || sent_at(&t->rec.sent, t->rec.sent.head)->len <= mtu - headers)
        return;
    e->stats->TCPMTUPFail++;
    t->pmtu_at = deadline_none();
    t->search.high = (uint16_t)search_top(t, e);
    lower(t, e, mtu);
}

/* Less holds at once. More may not get through beyond the interface: larger segments are tried, one
 * at a time, unless routers may fragment them or the error of a router is to expire anyway */
void tcp_mtu_changed(struct tcb *t, const struct tcp_env *e, uint32_t was)
{
    if (e->mtu > was && !pmtu_fragment(&t->opts)) {
        if (t->path_mtu == 0 || t->path_mtu > was)
            t->path_mtu = (uint16_t)was;
        if (!deadline_armed(t->pmtu_at)) {
            t->search.high = (uint16_t)search_top(t, e);
            t->search.at = e->now;
        }
    } else if (t->search.high > e->mtu) {
        t->search.high = e->mtu;
    }
    options_mss_changed(t, e);
}

/* RFC 1191 6.3: is the path better by now? */
void pmtu_on_timeout(struct tcb *t, const struct tcp_env *e)
{
    t->pmtu_at = deadline_none();
    t->path_mtu = 0;
    options_mss_changed(t, e);
}
