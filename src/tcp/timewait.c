/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timewait.c  TIME-WAIT in 64 octets, once no user holds the connection (MUST-13; RFC 1337,
 * RFC 6191).
 *
 * It stands for two things: the peer's last FIN may have to be acknowledged again, and old
 * duplicates must die before the tuple is used again.
 */
#include "tcp/internal.h"

#define ANSWER_SHIFT 24 /* units of time_wait.answered */

/* now in these units */
static uint16_t answer_clock(const struct tcp_env *e)
{
    return (uint16_t)(e->now >> ANSWER_SHIFT);
}

void time_wait_init(struct time_wait *w, const struct tcp_env *e, const struct tcb *t)
{
    *w = (struct time_wait){.key = t->key,
                            .snd_nxt = t->snd.nxt.raw,
                            .rcv_nxt = t->rcv.nxt.raw,
                            .answered = (uint16_t)(answer_clock(e) - INT16_MAX)};
    if (t->ts_ok) {
        w->ts_recent = t->ts.recent;
        w->ts_recent_ms = (uint32_t)(t->ts.recent_at / GN_MSEC) | 1; /* odd: never 0 */
    }
}

static bool used_timestamps(const struct time_wait *w)
{
    return w->ts_recent != 0 || w->ts_recent_ms != 0;
}

/* may this segment be answered? What is empty, only so often: two records that disagree would
 * answer each other for ever (SEC-5961-6, MAL-29) */
static bool may_answer(struct time_wait *w, const struct tcp_env *e, const struct seg *s)
{
    uint64_t gap = min_u64(e->conf->tcp_invalid_ratelimit >> ANSWER_SHIFT, INT16_MAX);

    if (seg_len(s) > 0 && !(s->ctl & CTL_SYN))
        return true;
    if ((uint16_t)(answer_clock(e) - w->answered) < gap) {
        e->stats->TCPACKSkipped++;
        return false;
    }
    w->answered = answer_clock(e);
    return true;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to @to; the window no longer means anything */
static void time_wait_ack(struct time_wait *w, const struct tcp_env *e, const struct seg *to)
{
    struct seg s = {.key = w->key, .seq = seq(w->snd_nxt), .ack = seq(w->rcv_nxt), .ctl = CTL_ACK};

    if (!may_answer(w, e, to))
        return;
    s.ttl = (uint8_t)e->conf->ip_default_ttl;
    if (used_timestamps(w)) {
        s.opt.has = OPT_TS;
        s.opt.tsval = tcp_ts_clock(e->now) + tcp_ts_offset(e, &w->key);
        s.opt.tsecr = w->ts_recent;
    }
    env_reply(e, &s);
}

/* may this SYN open a new incarnation? RFC 6191 2, rows TW-1 to TW-7 (SHLD-4, MAY-2) */
static bool syn_is_new(const struct time_wait *w, const struct seg *s)
{
    bool newer_seq =
        seq_ge(s->seq, seq(w->rcv_nxt)); /* beyond the FIN, the last octet that was used */

    if (!used_timestamps(w))
        return (s->opt.has & OPT_TS) || newer_seq;
    if (s->opt.has & OPT_TS)
        return (int32_t)(s->opt.tsval - w->ts_recent) > 0 ||
               (s->opt.tsval == w->ts_recent && newer_seq);
    return newer_seq;
}

/* RFC 5961 5.2, with the largest window that there can be for MAX.SND.WND, as it allows */
static bool ack_in_range(const struct time_wait *w, const struct seg *s)
{
    uint32_t max_wnd = (uint32_t)UINT16_MAX << 14;

    return seq_in(s->ack, seq(w->snd_nxt - max_wnd), max_wnd + 1);
}

enum gn_drop time_wait_arrives(struct time_wait *w, const struct tcp_env *e, const struct seg *s,
                               enum time_wait_verdict *ret)
{
    *ret = TIME_WAIT_KEEP;
    if ((s->ctl & (CTL_SYN | CTL_RST | CTL_ACK)) == CTL_SYN) {
        if (!syn_is_new(w, s))
            return GN_DROP_TIME_WAIT_SYN;
        *ret = TIME_WAIT_SYN;
        return GN_DROP_NONE;
    }
    if (used_timestamps(w) && !(s->ctl & CTL_RST)) {
        if (!(s->opt.has & OPT_TS))
            return GN_DROP_NO_TIMESTAMP;
        if ((int32_t)(s->opt.tsval - w->ts_recent) < 0) {
            e->stats->PAWSEstab++;
            time_wait_ack(w, e, s);
            return GN_DROP_PAWS;
        }
    }
    if (s->ctl & CTL_RST) {
        if (e->conf->tcp_rfc1337) /* SEC-1337-1: assassination */
            return GN_DROP_RST_TIME_WAIT;
        if (!seq_eq(s->seq, seq(w->rcv_nxt)))
            return GN_DROP_RST_OUT_OF_WINDOW;
        *ret = TIME_WAIT_DELETE;
        return GN_DROP_RST_ACCEPTED;
    }
    /* nothing may follow the peer's FIN, so RCV.WND is 0: an empty segment at RCV.NXT is all that
     * is acceptable, and it is what the peer sends when all is well: silence */
    if (seg_len(s) == 0 && seq_eq(s->seq, seq(w->rcv_nxt)) &&
        (!(s->ctl & CTL_ACK) || ack_in_range(w, s)))
        return GN_DROP_TIME_WAIT_OLD;
    /* the FIN again: its ACK was lost; 2MSL restarts for nothing else (TO-10) */
    if ((s->ctl & (CTL_FIN | CTL_ACK | CTL_SYN)) == (CTL_FIN | CTL_ACK) && ack_in_range(w, s) &&
        seq_eq(seq_add(s->seq, seg_len(s)), seq(w->rcv_nxt)))
        *ret = TIME_WAIT_RESTART;
    time_wait_ack(w, e, s);
    return GN_DROP_TIME_WAIT_OLD;
}
