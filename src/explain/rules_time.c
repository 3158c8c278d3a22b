/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rules_time.c  How long a retransmission timer has run and when it gives up.
 *
 * Linux counts time, not segments: it gives up at the first time-out after so long as the retries
 * would have taken had the first wait been the least RTO (retransmits_timed_out()). Of a SYN it
 * counts them, and since 6.5 the first tcp_syn_linear_timeouts ones, which come on top, do not
 * double the wait. Gannet counts retransmissions (RFC 9293 3.8.3).
 */
#include "explain/rules.h"

#define STEPS_MAX 300 /* retransmissions looked ahead; retries are below 256 */

/** rto_max() - longest wait */
static gn_time rto_max(const struct rules *w)
{
    return (gn_time)facts_setting(w->f, "tcp_rto_max", 120 * (int64_t)GN_SEC);
}

unsigned rules_repeated(const struct fact_conn *c)
{
    if (c->known & FACT_TIMER)
        return c->backoff;
    if (!(c->known & FACT_SEEN))
        return 0;
    const struct fact_side *s = &c->seen->side[0];
    uint32_t sent = c->state == GN_SYN_RECEIVED ? s->syn_acks : s->syns;
    return sent ? sent - 1 : 0;
}

gn_time rules_in_all(const struct rules *w, int64_t retries, gn_time rto)
{
    gn_time sum = 0, most = rto_max(w);

    for (int64_t i = 0; i <= retries && i < STEPS_MAX; i++) {
        sum += rto < most ? rto : most;
        rto = rto < most ? rto * 2 : most;
    }
    return sum;
}

/** linear() - how many retransmissions do not double the wait */
static unsigned linear(const struct rules *w, enum gn_state state)
{
    if (state != GN_SYN_SENT || w->f->source == FACTS_GANNET)
        return 0;
    return (unsigned)facts_setting(w->f, "tcp_syn_linear_timeouts", 0);
}

/** doublings() - of the wait after @n retransmissions, of which the first @lin do not double it */
static unsigned doublings(unsigned n, unsigned lin)
{
    return n > lin ? n - lin : 0;
}

gn_time rules_syn_in_all(const struct rules *w, int64_t retries)
{
    unsigned lin = linear(w, GN_SYN_SENT);
    gn_time sum = 0, most = rto_max(w);

    for (unsigned i = 0; i <= retries + lin && i < STEPS_MAX; i++) {
        unsigned n = doublings(i, lin);
        gn_time rto = GN_SEC << (n < 20 ? n : 20);
        sum += rto < most ? rto : most;
    }
    return sum;
}

/** rto_of() - the wait that runs now */
static gn_time rto_of(const struct rules *w, const struct fact_conn *c)
{
    unsigned n = doublings(c->backoff, linear(w, c->state));

    if (c->known & FACT_INFO && c->info.rto)
        return c->info.rto;
    return (GN_SEC) << (n < 7 ? n : 7);
}

gn_time rules_waited(const struct rules *w, const struct fact_conn *c)
{
    unsigned lin = linear(w, c->state), now = doublings(c->backoff, lin);
    gn_time rto = rto_of(w, c), sum = 0;

    if (!(c->known & FACT_TIMER) && c->known & FACT_SEEN) {
        /* an observer sees no timers: since the peer was heard of, or since the first SYN */
        const struct fact_side *s = c->seen->side;
        gn_time from = s[1].last ? s[1].last : s[0].first;
        return c->backoff && w->f->now > from ? w->f->now - from : 0;
    }

    for (unsigned i = 0; i < c->backoff; i++)
        sum += rto >> (now - doublings(i, lin));
    if (c->known & FACT_TIMER && c->timer == FACT_TIMER_RETRANS && rto > c->timer_in)
        sum += rto - c->timer_in;
    return sum;
}

/** retries_of() - how many retransmissions a connection in that state is allowed; *@as_time: Linux
 * makes a span of them */
static int64_t retries_of(const struct rules *w, const struct fact_conn *c, bool *as_time)
{
    bool orphan = c->known & FACT_OWNER && c->process == FACT_NONE;
    int64_t n;

    *as_time = w->f->source != FACTS_GANNET;
    if (c->state == GN_SYN_SENT || c->state == GN_SYN_RECEIVED) {
        *as_time = false;
        return c->state == GN_SYN_SENT
                   ? facts_setting(w->f, "tcp_syn_retries", 6) + linear(w, c->state)
                   : facts_setting(w->f, "tcp_synack_retries", 5);
    }
    if (!orphan)
        return facts_setting(w->f, "tcp_retries2", 15);
    n = facts_setting(w->f, "tcp_orphan_retries", 0);
    return n == 0 ? 8 : n; /* Linux takes 0 for 8 */
}

bool rules_time_left(const struct rules *w, const struct fact_conn *c, gn_time *ret)
{
    bool as_time;
    unsigned lin = linear(w, c->state);
    gn_time rto = rto_of(w, c), most = rto_max(w), at = c->timer_in, waited = rules_waited(w, c);
    int64_t retries = retries_of(w, c, &as_time), done = c->backoff;
    gn_time least = (gn_time)facts_setting(w->f, "tcp_rto_min", 200 * (int64_t)GN_MSEC);
    gn_time limit = rules_in_all(w, retries, least);

    if (!(c->known & FACT_TIMER) || c->timer != FACT_TIMER_RETRANS)
        return false;
    for (int i = 0; i < STEPS_MAX; i++) {
        if (as_time ? waited + at >= limit : done >= retries)
            break;
        if (++done > lin)
            rto = rto < most / 2 ? rto * 2 : most;
        at += rto;
    }
    *ret = at;
    return true;
}

void rules_vain_evidence(struct rules *w, const struct rule_group *g, struct why_finding *out)
{
    gn_time longest = 0, soonest = 0, quiet;
    uint64_t unacked = 0;
    bool any = false;
    uint8_t backoff = 0;

    for (uint32_t i = 0; i < g->n; i++) {
        const struct fact_conn *c = rules_conn(w, g, i);
        gn_time left, waited = rules_waited(w, c);
        if (rules_time_left(w, c, &left) && (!any || left < soonest)) {
            soonest = left;
            any = true;
        }
        longest = waited > longest ? waited : longest;
        backoff = c->backoff > backoff ? c->backoff : backoff;
        unacked += c->known & FACT_QUEUES ? c->send_q : 0;
    }
    rules_evidence(out, "connections", g->n, WHY_COUNT);
    rules_evidence(out, "retransmissions in a row, up to", backoff, WHY_COUNT);
    rules_evidence(out, "in vain for", (int64_t)longest, WHY_SPAN);
    if (unacked)
        rules_evidence(out, "not acknowledged", (int64_t)unacked, WHY_OCTETS);
    if (rules_quiet(w, g->first, &quiet))
        rules_evidence(out, "last heard of the peer, ago", (int64_t)quiet, WHY_SPAN);
    if (any)
        rules_evidence(out, g->n == 1 ? "given up in" : "the first is given up in",
                       (int64_t)soonest, WHY_SPAN);
}
