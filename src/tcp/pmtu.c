/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pmtu.c  The path MTU of a connection (RFC 1191, RFC 8201), black holes (RFC 4821, RFC 8899;
 * OPT-MSS-4), and the way back up.
 *
 * Theory of operation. A connection begins with the MTU of its interface. An ICMP error lowers it
 * at once. A path that swallows large packets without a word is noticed by retransmissions of a
 * large segment that fail again and again (tcp_retries1); then smaller ones are tried: first
 * tcp_base_mss, then half and half again down to tcp_mtu_probe_floor. Whatever lowered it, after
 * mtu_expires the MTU of the interface is tried anew: paths change. No packet is ever sent as a
 * probe alone; the data are the probe, and what is too large is sent again in smaller segments,
 * which is no sign of congestion.
 */
#include "tcp/internal.h"

#define PMTU_MIN_V4 552 /* SEC-5927-4: as Linux's min_pmtu, well above the 68 of RFC 791 */
#define PMTU_MIN_V6 1280

uint32_t pmtu_now(const struct tcb *t, const struct tcp_env *e)
{
    return t->path_mtu != 0 ? min_u32(t->path_mtu, e->mtu) : e->mtu;
}

/* @mtu from now on, for a while */
static void lower(struct tcb *t, const struct tcp_env *e, uint32_t mtu)
{
    t->path_mtu = (uint16_t)mtu;
    t->pmtu_at = deadline_at(e->now + e->conf->mtu_expires);
    options_mss_changed(t, e);
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
    if (mtu >= pmtu_now(t, e) || mtu >= size)
        return GN_DROP_ICMP_IGNORED;
    lower(t, e, mtu);
    if (opening) /* the SYN goes again, alone */
        recovery_lose_all(&t->rec);
    return GN_DROP_NONE;
}

/* a retransmission timeout: is it the size? */
void pmtu_on_rto(struct tcb *t, const struct tcp_env *e)
{
    uint32_t headers = e->mtu_headers + TCP_HEADER_MIN, now = pmtu_now(t, e), mss;

    if (e->conf->tcp_mtu_probing == 0 || !state_synchronised(t->state) ||
        t->rec.timeouts < e->conf->tcp_retries1 || !sent_count(&t->rec.sent))
        return;
    mss = (uint32_t)min_u64(e->conf->tcp_base_mss, (now - headers) / 2);
    if (now - headers > e->conf->tcp_base_mss)
        mss = (uint32_t)e->conf->tcp_base_mss;
    mss = (uint32_t)max_u64(mss, max_u64(e->conf->tcp_mtu_probe_floor, e->conf->tcp_min_snd_mss));
    if (!gn_addr_is_v4(&t->key.raddr))
        mss = max_u32(mss, PMTU_MIN_V6 - headers);
    /* small segments that are lost say nothing about large ones */
    if (mss + headers >= now || sent_at(&t->rec.sent, t->rec.sent.head)->len <= mss)
        return;
    e->stats->TCPMTUPFail++;
    lower(t, e, mss + headers);
}

/* RFC 1191 6.3: is the path better by now? */
void pmtu_on_timeout(struct tcb *t, const struct tcp_env *e)
{
    t->pmtu_at = deadline_none();
    t->path_mtu = 0;
    options_mss_changed(t, e);
}
