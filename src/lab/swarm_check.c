/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file swarm_check.c  The checkers. They see what applications see, what the host tells of its
 * transitions, and packets; of the host's inside only how much memory is in use.
 */
#include "lab/swarm_parts.h"

#include "base/bits.h"
#include "host/host.h"

#include <string.h>

/* --- octets (INV-06) --- */

/** pattern_word() - octets 8 * @i .. 8 * @i + 7 of the stream with @key */
static inline uint64_t pattern_word(uint64_t key, uint64_t i)
{
    return mix64(key + i * UINT64_C(0x9e3779b97f4a7c15));
}

void pattern_fill(uint64_t key, uint64_t at, uint8_t *p, uint64_t n)
{
    uint64_t word = pattern_word(key, at / 8);

    for (uint64_t i = 0; i < n; i++, at++) {
        if (at % 8 == 0)
            word = pattern_word(key, at / 8);
        p[i] = (uint8_t)(word >> at % 8 * 8);
    }
}

/** other() - the peer of @e */
static struct end *other(const struct end *e)
{
    return &e->flow->end[e == &e->flow->end[0]];
}

/** flow_number() - for messages */
static unsigned flow_number(const struct swarm *s, const struct end *e)
{
    return (unsigned)(e->flow - s->flow);
}

void check_octets(struct swarm *s, struct end *e, const uint8_t *p, uint64_t n)
{
    uint8_t want[64];

    s->result->octets += n;
    if (e->got + n > other(e)->sent)
        swarm_wrong(s, "flow %u: octets that were never sent", flow_number(s, e));
    for (uint64_t at = 0; at < n; at += sizeof want) {
        uint64_t k = min_u64(n - at, sizeof want);

        pattern_fill(other(e)->key, e->got + at, want, k);
        if (memcmp(want, p + at, k) != 0)
            swarm_wrong(s, "flow %u: wrong octets between %lu and %lu", flow_number(s, e),
                        (unsigned long)(e->got + at), (unsigned long)(e->got + at + k));
    }
}

void check_eof(struct swarm *s, const struct end *e)
{
    const struct end *p = other(e);

    if (!p->fin && p->state != END_RUDE)
        swarm_wrong(s, "flow %u: end of data that the peer has not sent", flow_number(s, e));
    else if (e->got != p->sent)
        swarm_wrong(s, "flow %u: end of data after %lu of %lu octets", flow_number(s, e),
                    (unsigned long)e->got, (unsigned long)p->sent);
}

/* --- how connections end --- */

/** is_end() - does a trace speak of @e? */
static bool is_end(const struct end *e, const struct gn_trace *t)
{
    const struct flow *f = e->flow;
    const struct gn_endpoint *local = e == &f->end[0] ? &f->from : &f->to;
    const struct gn_endpoint *remote = e == &f->end[0] ? &f->to : &f->from;

    return f->started && !f->refused && local->port == t->local.port &&
           remote->port == t->remote.port && gn_addr_eq(&local->addr, &t->local.addr) &&
           gn_addr_eq(&remote->addr, &t->remote.addr);
}

void check_trace(void *ctx, const struct gn_trace *t)
{
    struct swarm_host *m = ctx;
    struct swarm *s = m->swarm;

    if (t->kind == GN_TRACE_DROP && s->log)
        fprintf(s->log, "%.6f host %u: segment for port %u from port %u not used, %s\n",
                (double)t->at / 1e9, (unsigned)(m - s->host), t->local.port, t->remote.port,
                gn_drop_text(t->drop));
    if (t->kind == GN_TRACE_DROP)
        stall_drop(s, t);
    if (t->kind != GN_TRACE_STATE)
        return;
    swarm_note(s, (uint64_t)t->transition.from << 16 | (uint64_t)t->transition.to << 8 |
                      (uint64_t)t->transition.cause);
    for (unsigned i = s->n_flow; i-- > 0;) {
        for (unsigned k = 0; k < 2; k++) {
            struct end *e = &s->flow[i].end[k];

            if (e->host != (unsigned)(m - s->host) || !is_end(e, t))
                continue;
            if (s->log)
                fprintf(s->log, "%.6f flow %u end %u: %s to %s, %s\n", (double)t->at / 1e9, i, k,
                        gn_state_name(t->transition.from), gn_state_name(t->transition.to),
                        gn_cause_text(t->transition.cause));
            if (t->transition.to == GN_CLOSED)
                e->cause = t->transition.cause;
            return;
        }
    }
}

/** broke() - does this cause end a connection without the agreement of both? */
static bool broke(enum gn_cause c)
{
    switch ((unsigned)c) {
    case GN_CAUSE_NONE:
    case GN_CAUSE_ACK_OF_FIN:
    case GN_CAUSE_TIME_WAIT_OVER:
    case GN_CAUSE_TIME_WAIT_REUSED:
    case GN_CAUSE_TIME_WAIT_LIMIT: return false;
    default: return true;
    }
}

/** gone() - has @e given up, so that its peer may see an error or nothing at all? */
static bool gone(const struct end *e)
{
    return e->state == END_NONE || e->state == END_ERROR || e->state == END_ABORTED ||
           e->state == END_LEFT || broke(e->cause);
}

/** judge_quiet() - @e is not done though time is up */
static void judge_quiet(struct swarm *s, const struct end *e)
{
    const struct end *p = other(e);
    struct gn_status st;

    if (gn_host_status(s->host[e->host].h, e->handle, gn_simloop_now(s->loop), &st)) {
        swarm_wrong(s, "flow %u: the handle is gone", flow_number(s, e));
        return;
    }
    if (!gone(p) || st.send_q > 0)
        swarm_wrong(
            s,
            "flow %u (%s) end %u stands still, or nearly, in %s: sent %lu of %lu, read %lu, %u "
            "queued, %s, mss %u, cwnd %u; its peer, ended %u, cause %u, sent %lu of %lu, "
            "read %lu",
            flow_number(s, e), e->flow->kind, e != e->flow->end, gn_state_name(st.state),
            (unsigned long)e->sent, (unsigned long)e->plan.total, (unsigned long)e->got, st.send_q,
            st.cc, st.mss, st.cwnd, p->state, (unsigned)p->cause, (unsigned long)p->sent,
            (unsigned long)p->plan.total, (unsigned long)p->got);
}

void check_quiet(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_flow; i++)
        for (unsigned k = 0; k < 2; k++)
            if (s->flow[i].end[k].state == END_OPEN)
                judge_quiet(s, &s->flow[i].end[k]);
}

/** judge_error() - may @e have seen its error? */
static void judge_error(struct swarm *s, const struct end *e)
{
    const struct end *p = other(e);
    bool waited = e->error == GN_E_TIMED_OUT || e->error == GN_E_HOST_UNREACHABLE;

    if (gone(p) || p->state == END_RUDE || (waited && (s->faulty || e->flow->moved)))
        return;
    swarm_wrong(s, "flow %u (%s) end %u: '%s' (%s), but its peer saw nothing wrong",
                flow_number(s, e), e->flow->kind, e != e->flow->end, gn_err_text(e->error),
                gn_cause_text(e->cause));
}

void check_close(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_flow; i++) {
        const struct flow *f = &s->flow[i];

        for (unsigned k = 0; k < 2; k++) {
            s->result->normal += f->end[k].state == END_NORMAL;
            s->result->ended += f->end[k].state == END_ERROR || f->end[k].state == END_ABORTED;
            if (f->end[k].state == END_ERROR)
                judge_error(s, &f->end[k]);
        }
        if (f->end[0].state == END_NORMAL && f->end[1].state == END_NORMAL &&
            (f->end[0].sent != f->end[1].got || f->end[1].sent != f->end[0].got))
            swarm_wrong(s, "flow %u: both ends closed normally but disagree about the octets", i);
        if (f->end[0].state == END_NORMAL && f->end[1].state == END_NONE)
            swarm_wrong(s, "flow %u: closed normally with a peer that was never there", i);
    }
}

/* --- the books (INV-08) --- */

/** lasting() - octets that a host keeps for tables that have grown */
static uint64_t lasting(const struct gn_host *h)
{
    return pool_memory(&h->conns) + pool_memory(&h->blocks) + pool_memory(&h->syncache.pool) +
           pool_memory(&h->timewait.pool) + pool_memory(&h->listeners.pool) +
           mem_size(((size_t)h->demux.mask + 1) * sizeof(struct demux_slot)) +
           mem_size(((size_t)h->listeners.mask + 1) * sizeof(uint16_t)) +
           (h->ip.neigh.t ? mem_size(sizeof *h->ip.neigh.t) : 0);
}

uint64_t check_memory(const struct swarm_host *m)
{
    return m->h->mem.used - lasting(m->h);
}

/** allowed() - octets that a connection with this status may use: rings are powers of two, the log
 * of transmissions has a record for each segment */
static uint64_t allowed(const struct gn_status *st)
{
    uint64_t log = (st->send_q / (st->mss ? st->mss : 1) + 64) * 256;

    return 2 * ((uint64_t)st->sndbuf + st->rcvbuf) + log + (16 << 10);
}

void check_pools(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_host && s->host[i].base_used; i++) {
        struct swarm_host *m = &s->host[i];
        uint64_t most = m->base_used + (64 << 10), cursor = 0, used = check_memory(m);
        struct gn_status st;

        while (gn_host_walk(m->h, &cursor, gn_simloop_now(s->loop), &st))
            if (st.kind == GN_KIND_CONNECTION)
                most += allowed(&st);
        if (used > most)
            swarm_wrong(s, "host %u uses %lu octets where %lu would do", i, (unsigned long)used,
                        (unsigned long)most);
    }
}

void check_nothing_left(struct swarm *s)
{
    for (unsigned i = 0; i < s->n_host; i++) {
        struct swarm_host *m = &s->host[i];
        struct gn_status st;
        uint64_t cursor = 0;

        if (gn_host_walk(m->h, &cursor, gn_simloop_now(s->loop), &st))
            swarm_wrong(s, "host %u still has a connection in %s, port %u to port %u", i,
                        gn_state_name(st.state), st.local.port, st.remote.port);
        else if (check_memory(m) != m->base_used)
            swarm_wrong(s, "host %u: %ld octets are in use for nothing", i,
                        (long)(check_memory(m) - m->base_used));
    }
}

void check_budget(struct swarm *s)
{
    uint64_t most = 3000 * (uint64_t)s->n_flow + s->planned / s->segment * 8;

    if (s->result->packets > most)
        swarm_wrong(s, "%lu packets for %lu octets", (unsigned long)s->result->packets,
                    (unsigned long)s->planned);
}
