/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file timeouts.c  What time does to a connection (RFC 9293 sec. 3.10.8, 3.8.3, 3.8.4, 3.8.6.1;
 * RFC 6298).
 *
 * Each timer is a deadline in the block. tcp_timeouts() looks at all that are due; the host arms
 * one wheel node at the earliest.
 */
#include "tcp/internal.h"

/* MUST-27, MUST-28: two hours unless configured */
static gn_time keep_idle(const struct tcb *t, const struct tcp_env *e)
{
    return t->opts.keepidle_s != 0 ? t->opts.keepidle_s * GN_SEC : e->conf->tcp_keepalive_time;
}

static gn_time keep_intvl(const struct tcb *t, const struct tcp_env *e)
{
    return t->opts.keepintvl_ms != 0 ? t->opts.keepintvl_ms * GN_MSEC
                                     : e->conf->tcp_keepalive_intvl;
}

/* R2 as a span of time (MUST-21): 0 if it is a number of retransmissions, UINT64_MAX: no end */
gn_time timeouts_user(const struct tcb *t, const struct tcp_env *e)
{
    if (t->opts.user_timeout_ms == UINT32_MAX)
        return UINT64_MAX;
    return t->opts.user_timeout_ms != 0 ? t->opts.user_timeout_ms * GN_MSEC
                                        : e->conf->tcp_user_timeout;
}

/* does the user timeout take the place of the retries? Not while the connection is opening, nor
 * when its user has gone */
static bool user_decides(const struct tcb *t, const struct tcp_env *e)
{
    return state_synchronised(t->state) && !t->orphan && timeouts_user(t, e) != 0;
}

/* keep-alives (MAY-5); also when they are switched on later */
void timeouts_on_established(struct tcb *t, const struct tcp_env *e)
{
    if (t->opts.keepalive) /* MUST-24, MUST-25 */
        t->keepalive_at = deadline_at(e->now + keep_idle(t, e));
}

/* only a connection without a user is bounded: a user may half-close for as long as it likes
 * (TO-09) */
void timeouts_on_fin_wait_2(struct tcb *t, const struct tcp_env *e)
{
    if (t->orphan)
        t->state_at = deadline_at(e->now + (t->opts.linger2_ms != 0 ? t->opts.linger2_ms * GN_MSEC
                                                                    : e->conf->tcp_fin_timeout));
}

/* MUST-13: 2MSL; every other timer is off */
void timeouts_on_time_wait(struct tcb *t, const struct tcp_env *e)
{
    t->persist_at = t->keepalive_at = t->sws_at = t->delack_at = t->pmtu_at = deadline_none();
    t->state_at = deadline_at(e->now + 2 * e->conf->tcp_msl);
}

/* is something waiting that only the peer's window holds back? Not while the RTO runs: all that is
 * in flight has it (INV-04), and without a flight it holds back after an ECE (CC-3168-5) */
static bool starved(const struct tcb *t)
{
    bool pending = sndbuf_unsent(t) > 0 || (t->fin_queued && !t->fin_sent);

    return pending && state_synchronised(t->state) && t->state != GN_TIME_WAIT &&
           window_usable(t) == 0 && !deadline_armed(t->rec.rto_at);
}

/**
 * timeouts_persist_set() - arm or stop the persist timer (MUST-35, MUST-36)
 *
 * The first probe after one RTO (SHLD-29), then at intervals that double up to tcp_persist_max
 * (SHLD-30).
 */
void timeouts_persist_set(struct tcb *t, const struct tcp_env *e)
{
    gn_time gap;

    if (!starved(t)) {
        t->persist_at = deadline_none();
        t->persist_shift = 0;
        t->wprobe_due = false;
        return;
    }
    if (deadline_armed(t->persist_at))
        return;
    gap = recovery_rto(&t->rec, &e->rec) << min_u32(t->persist_shift, 16);
    t->persist_at = deadline_at(e->now + min_u64(gap, e->conf->tcp_persist_max));
}

/* the connection is given up: what the user hears is the soft error, if there was one (SHLD-9,
 * MUST-47). A peer that has answered what was sent last is there, but takes nothing; it may have
 * nothing to send by which it would find out, and would wait for ever. Any other has gone */
static void give_up(struct tcb *t, const struct tcp_env *e, enum gn_cause cause)
{
    enum gn_err error = t->soft_error != GN_OK ? (enum gn_err)t->soft_error : GN_E_TIMED_OUT;

    e->stats->TCPAbortOnTimeout++;
    if (state_synchronised(t->state) && t->last_in >= t->last_out)
        connection_reset(t, e, cause, error);
    else
        connection_ends(t, e, cause, error);
}

/* R1 retransmissions were in vain, of a SYN too (MUST-22): the host shall look for another path
 * (MUST-20), and the user hears of it before R2 (SHLD-9). tcp_retries1 is 3 (SHLD-10) */
static void doubt(struct tcb *t, const struct tcp_env *e)
{
    if (t->rec.timeouts < e->conf->tcp_retries1)
        return;
    t->doubt_path = true;
    if (t->rec.timeouts == e->conf->tcp_retries1)
        tell_soft_error(t, t->soft_error != GN_OK ? (enum gn_err)t->soft_error : GN_E_TIMED_OUT);
}

/* R2 in retransmissions (MUST-20, MUST-22). 15 of them take 924 s at least (SHLD-11) */
static uint64_t retry_limit(const struct tcb *t, const struct tcp_env *e)
{
    if (t->state == GN_SYN_SENT)
        return t->opts.syncnt != 0 ? t->opts.syncnt : e->conf->tcp_syn_retries;
    if (t->state == GN_SYN_RECEIVED)
        return e->conf->tcp_synack_retries;
    return t->orphan ? e->conf->tcp_orphan_retries : e->conf->tcp_retries2;
}

/* the peer answers but keeps its window shut over what is out: no reason to give up (SHLD-17) */
static bool merely_shut(const struct tcb *t, const struct tcp_env *e)
{
    return state_synchronised(t->state) && t->snd.wnd == 0 && !t->orphan &&
           e->now - t->last_in < 2 * recovery_rto(&t->rec, &e->rec);
}

/* USER TIMEOUT (3.10.8, TO-06, SO-10): what is at SND.UNA has waited too long, or cannot be sent
 * for so long. Armed by the first retransmission timeout or probe of a closed window, so that what
 * is acknowledged in time costs nothing; stopped by any progress */
static void on_user(struct tcb *t, const struct tcp_env *e)
{
    gn_time limit = timeouts_user(t, e), since = t->rec.first_unacked;

    if (limit == 0 || limit == UINT64_MAX || (since == 0 && !starved(t))) {
        t->user_at = deadline_none();
        return;
    }
    if (since != 0)
        t->user_at = deadline_at(since + limit);
    else if (!deadline_armed(t->user_at))
        t->user_at = deadline_at(e->now + limit);
    if (deadline_due(t->user_at, e->now))
        give_up(t, e, GN_CAUSE_USER_TIMEOUT);
}

/**
 * timeouts_on_orphan() - the user has gone: the connection may go on for so long
 *
 * In FIN-WAIT-2 for a span, before that for as long as it gets on: a full segment, or the rest of
 * what it holds, in the time that tcp_orphan_retries retransmissions take. Neither a closed window
 * nor one of an octet now and then keeps it (SEC-6429-3, SEC-6429-4).
 */
void timeouts_on_orphan(struct tcb *t, const struct tcp_env *e)
{
    uint64_t n = e->conf->tcp_orphan_retries + 1;

    if (t->state == GN_FIN_WAIT_2)
        timeouts_on_fin_wait_2(t, e);
    if (t->state == GN_CLOSED || t->state == GN_FIN_WAIT_2 || t->state == GN_TIME_WAIT)
        return;
    t->orphan_mark = t->snd.una;
    t->state_at = deadline_at(e->now + min_u64(recovery_rto(&t->rec, &e->rec) << min_u64(n, 16),
                                               n * e->conf->tcp_rto_max));
}

static void on_rto(struct tcb *t, const struct tcp_env *e)
{
    if (!user_decides(t, e) && t->rec.timeouts >= retry_limit(t, e) && !merely_shut(t, e)) {
        give_up(t, e, GN_CAUSE_RETRIES);
        return;
    }
    on_user(t, e);
    if (t->state == GN_CLOSED)
        return;
    doubt(t, e);
    t->fast_failed = t->fast_tried && t->state == GN_SYN_SENT; /* OPT-TFO-4 */
    e->stats->TCPTimeouts++;
    recovery_on_rto(&t->rec, &e->rec);
    pmtu_on_rto(t, e);
}

static void on_persist(struct tcb *t, const struct tcp_env *e)
{
    t->persist_at = deadline_none();
    /* probes that are answered never end a connection (MUST-37), unless its user has gone
     * (SEC-6429-1, MAL-47) */
    if ((t->probes >= retry_limit(t, e) && !user_decides(t, e)) ||
        (t->orphan && t->persist_shift >= e->conf->tcp_orphan_retries)) {
        if (t->orphan)
            e->stats->TCPAbortOnMemory++;
        give_up(t, e, t->orphan ? GN_CAUSE_ORPHAN_LIMIT : GN_CAUSE_RETRIES);
        return;
    }
    on_user(t, e);
    if (t->state == GN_CLOSED)
        return;
    t->wprobe_due = true;
    t->urg_due = t->urg_snd; /* nothing is out: SND.UP is beyond SND.NXT */
    t->probes++;
    if (t->persist_shift < UINT8_MAX)
        t->persist_shift++;
    timeouts_persist_set(t, e);
}

/* were enough probes in vain? Never the first alone (MUST-29). The user timeout takes the place of
 * their number, too (SO-10) */
static bool keepalive_failed(const struct tcb *t, const struct tcp_env *e)
{
    if (user_decides(t, e))
        return t->probes > 0 && e->now - t->last_in >= timeouts_user(t, e);
    return t->probes >= (t->opts.keepcnt != 0 ? t->opts.keepcnt : e->conf->tcp_keepalive_probes);
}

/* keep-alive: armed lazily, so that traffic costs nothing; only when nothing is outstanding
 * (MUST-26) */
static void on_keepalive(struct tcb *t, const struct tcp_env *e)
{
    gn_time due = t->last_in + keep_idle(t, e);

    t->keepalive_at = deadline_none();
    if (t->probes == 0 && due > e->now) {
        t->keepalive_at = deadline_at(due);
        return;
    }
    if (!seq_eq(t->snd.una, t->snd.nxt) || sndbuf_unsent(t) > 0) {
        t->keepalive_at = deadline_at(e->now + keep_idle(t, e));
        return;
    }
    if (keepalive_failed(t, e)) {
        give_up(t, e, GN_CAUSE_KEEPALIVE);
        return;
    }
    t->probes++;
    t->keepalive_due = true;
    t->keepalive_at = deadline_at(e->now + keep_intvl(t, e));
}

/* FIN-WAIT-2 without a user, or TIME-WAIT, is over; or an orphan has to show that it gets on */
static void on_state(struct tcb *t, const struct tcp_env *e)
{
    t->state_at = deadline_none();
    if (t->state == GN_TIME_WAIT) {
        e->stats->TW++;
        connection_ends(t, e, GN_CAUSE_TIME_WAIT_OVER, GN_OK);
    } else if (t->state == GN_FIN_WAIT_2) {
        connection_ends(t, e, GN_CAUSE_FIN_WAIT_2_OVER, GN_OK);
    } else if (seq_span(t->orphan_mark, t->snd.una) >= t->rec.mss) {
        timeouts_on_orphan(t, e);
    } else {
        e->stats->TCPAbortOnMemory++;
        give_up(t, e, GN_CAUSE_ORPHAN_LIMIT);
    }
}

/* the timers of loss recovery */
static void recovery_timeouts(struct tcb *t, const struct tcp_env *e)
{
    if (deadline_due(t->rec.reo_at, e->now))
        recovery_on_reorder_timer(&t->rec, &e->rec);
    if (deadline_due(t->rec.pto_at, e->now))
        recovery_on_pto(&t->rec, &e->rec);
    if (deadline_due(t->rec.rto_at, e->now))
        on_rto(t, e);
    if (t->rec.rate && deadline_due(recovery_pace_at(&t->rec), e->now))
        recovery_on_pace(&t->rec, &e->rec, sndbuf_unsent(t) == 0);
    if (t->search.size != 0 && t->state != GN_CLOSED)
        pmtu_on_probe(t, e);
}

void tcp_timeouts(struct tcb *t, const struct tcp_env *e)
{
    DASSERT((tcb_check(t), true));
    recovery_timeouts(t, e);
    if (t->state != GN_CLOSED && deadline_due(t->user_at, e->now))
        on_user(t, e);
    if (t->state != GN_CLOSED && deadline_due(t->delack_at, e->now))
        ack_delayed(t);
    if (t->state != GN_CLOSED && deadline_due(t->persist_at, e->now))
        on_persist(t, e);
    if (t->state != GN_CLOSED && deadline_due(t->keepalive_at, e->now))
        on_keepalive(t, e);
    if (t->state != GN_CLOSED && deadline_due(t->pmtu_at, e->now))
        pmtu_on_timeout(t, e);
    if (deadline_due(t->sws_at, e->now)) {
        t->sws_at = deadline_none();
        t->sws_expired = true;
    }
    if (t->state != GN_CLOSED && deadline_due(t->state_at, e->now))
        on_state(t, e);
    DASSERT((tcb_check(t), true));
}

/* the earliest of @d and of the timers that hardly ever run */
static deadline_t seldom(const struct tcb *t, deadline_t d)
{
    d = deadline_min(d, deadline_min(t->rec.reo_at, recovery_pace_at(&t->rec)));
    d = deadline_min(d, deadline_min(t->persist_at, t->keepalive_at));
    d = deadline_min(d, deadline_min(t->user_at, t->sws_at));
    return deadline_min(d, t->pmtu_at);
}

deadline_t tcp_deadline(const struct tcb *t)
{
    deadline_t d = tcp_deadline_usual(t);

    if (t->state == GN_CLOSED)
        return deadline_none();
    return tcp_timers_unusual(t) ? seldom(t, d) : d;
}
