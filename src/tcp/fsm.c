/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fsm.c  States: written here and nowhere else, checked against a table that is data.
 *
 * The table is never used to dispatch a segment: RFC 9293 says in which order things are looked at,
 * and a table would hide that. It is read by tcb_enter(), by tests that enumerate, by the explorer
 * and by whatever draws the diagram.
 */
#include "tcp/fsm.h"

#include "base/assert.h"

static const struct fsm_edge edges[] = {
    /* figure 5 */
    {GN_CLOSED, GN_LISTEN, "passive OPEN", "3.10.1"},
    {GN_CLOSED, GN_SYN_SENT, "active OPEN", "3.10.1"},
    {GN_LISTEN, GN_SYN_RECEIVED, "SYN arrives", "3.10.7.2"},
    {GN_SYN_SENT, GN_SYN_RECEIVED, "SYN arrives (simultaneous open)", "3.10.7.3"},
    {GN_SYN_SENT, GN_ESTABLISHED, "SYN,ACK arrives", "3.10.7.3"},
    {GN_SYN_RECEIVED, GN_ESTABLISHED, "ACK of our SYN arrives", "3.10.7.4"},
    {GN_SYN_RECEIVED, GN_FIN_WAIT_1, "CLOSE", "3.10.4"},
    {GN_ESTABLISHED, GN_FIN_WAIT_1, "CLOSE", "3.10.4"},
    {GN_ESTABLISHED, GN_CLOSE_WAIT, "FIN arrives", "3.10.7.4"},
    {GN_FIN_WAIT_1, GN_FIN_WAIT_2, "ACK of our FIN arrives", "3.10.7.4"},
    {GN_FIN_WAIT_1, GN_CLOSING, "FIN arrives, ours not acknowledged", "3.10.7.4"},
    {GN_FIN_WAIT_1, GN_TIME_WAIT, "FIN arrives with the ACK of ours", "3.10.7.4"},
    {GN_FIN_WAIT_2, GN_TIME_WAIT, "FIN arrives", "3.10.7.4"},
    {GN_CLOSE_WAIT, GN_LAST_ACK, "CLOSE", "3.10.4"},
    {GN_CLOSING, GN_TIME_WAIT, "ACK of our FIN arrives", "3.10.7.4"},
    {GN_LAST_ACK, GN_CLOSED, "ACK of our FIN arrives", "3.10.7.4"},
    {GN_TIME_WAIT, GN_CLOSED, "2MSL elapsed", "3.10.8"},
    /* deletion: CLOSE, ABORT, RST, timeouts */
    {GN_LISTEN, GN_CLOSED, "CLOSE or ABORT", "3.10.4"},
    {GN_SYN_SENT, GN_CLOSED, "CLOSE, ABORT, RST, hard ICMP error or timeout", "3.10.7.3"},
    {GN_SYN_RECEIVED, GN_CLOSED, "ABORT, RST or timeout", "3.10.7.4"},
    {GN_ESTABLISHED, GN_CLOSED, "ABORT, RST or timeout", "3.10.7.4"},
    {GN_FIN_WAIT_1, GN_CLOSED, "ABORT, RST, timeout or text after close", "3.10.7.4"},
    {GN_FIN_WAIT_2, GN_CLOSED, "ABORT, RST, timeout or text after close", "3.10.7.4"},
    {GN_CLOSE_WAIT, GN_CLOSED, "ABORT, RST or timeout", "3.10.7.4"},
    {GN_CLOSING, GN_CLOSED, "ABORT, RST or timeout", "3.10.7.4"},
};

#define N_EDGES (sizeof edges / sizeof edges[0])

bool fsm_edge(unsigned i, struct fsm_edge *ret)
{
    if (i >= N_EDGES)
        return false;
    *ret = edges[i];
    return true;
}

bool fsm_legal(enum gn_state from, enum gn_state to)
{
    for (unsigned i = 0; i < N_EDGES; i++)
        if (edges[i].from == from && edges[i].to == to)
            return true;
    return false;
}

/* put the transition into the connection's small ring; the oldest goes */
static void remember(struct tcb *t, gn_time now, enum gn_state from, enum gn_state to,
                     enum gn_cause cause)
{
    struct tcb_past *p = &t->past[t->past_head];

    p->at_us = (now / GN_USEC) & (((uint64_t)1 << 48) - 1);
    p->from = from & 15u;
    p->to = to & 15u;
    p->cause = cause & 255u;
    t->past_head = (uint8_t)((t->past_head + 1) % GN_HISTORY);
    if (t->n_past < GN_HISTORY)
        t->n_past++;
}

/* the counters of RFC 4022 that are defined by transitions */
static void count(const struct tcp_env *e, enum gn_state from, enum gn_state to)
{
    struct gn_stats *s = e->stats;

    s->transition[from][to]++;
    if (from != GN_CLOSED && from != GN_LISTEN)
        s->state[from]--;
    if (to != GN_CLOSED)
        s->state[to]++;
    if (from == GN_CLOSED && to == GN_SYN_SENT)
        s->ActiveOpens++;
    if (from == GN_LISTEN && to == GN_SYN_RECEIVED)
        s->PassiveOpens++;
    if ((from == GN_SYN_SENT || from == GN_SYN_RECEIVED) && to == GN_CLOSED)
        s->AttemptFails++;
    if ((from == GN_ESTABLISHED || from == GN_CLOSE_WAIT) && to == GN_CLOSED)
        s->EstabResets++;
}

void tcb_enter(struct tcb *t, const struct tcp_env *e, enum gn_state to, enum gn_cause cause)
{
    enum gn_state from = t->state;

    ASSERT(fsm_legal(from, to));
    t->state = (uint8_t)to;
    remember(t, e->now, from, to, cause);
    count(e, from, to);
    if (to == GN_CLOSED)
        t->events |= GN_EV_CLOSED;
    if (t->opts.state_events)
        t->events |= GN_EV_STATE;
    if (e->trace != NULL) {
        struct gn_trace tr = {.kind = GN_TRACE_STATE, .at = e->now, .state = to};

        tr.local = (struct gn_endpoint){t->key.laddr, t->key.lport};
        tr.remote = (struct gn_endpoint){t->key.raddr, t->key.rport};
        tr.transition = (struct gn_transition){e->now, from, to, cause};
        e->trace(e->trace_ctx, &tr);
    }
}

void tcb_descend(struct tcb *t)
{
    ASSERT(t->state == GN_CLOSED && t->n_past == 0);
    t->state = GN_LISTEN;
}
