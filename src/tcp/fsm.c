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
#define FSM_EDGE(from, to, why, section) {from, to, why, section},
#include "tcp/fsm.def"
#undef FSM_EDGE
};

/* the same as a bit for each pair of states */
#define PAIR(from, to) ((unsigned)(from)*GN_STATE_COUNT + (unsigned)(to))
static const uint64_t legal[] = {
#define FSM_EDGE(from, to, why, section) \
    | (PAIR(from, to) < 64 ? (uint64_t)1 << PAIR(from, to) % 64 : 0)
    0
#include "tcp/fsm.def"
    ,
#undef FSM_EDGE
#define FSM_EDGE(from, to, why, section) \
    | (PAIR(from, to) >= 64 ? (uint64_t)1 << PAIR(from, to) % 64 : 0)
    0
#include "tcp/fsm.def"
#undef FSM_EDGE
};
_Static_assert(PAIR(GN_STATE_COUNT, 0) <= 128, "two words hold all pairs");

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
    return legal[PAIR(from, to) / 64] >> PAIR(from, to) % 64 & 1;
}

/* put the transition into the connection's small ring; the oldest goes */
static void remember(struct tcb *t, gn_time now, enum gn_state from, enum gn_state to,
                     enum gn_cause cause)
{
    t->past[t->n_past++ % GN_HISTORY].word =
        now / GN_USEC << 16 | (unsigned)from << 12 | (unsigned)to << 8 | (unsigned)cause;
}

/* the counters of RFC 4022 that are defined by transitions */
static void count(const struct tcp_env *e, enum gn_state from, enum gn_state to)
{
    struct gn_stats *s = e->stats;

    s->transition[from][to]++;
    if (from == GN_CLOSED || from == GN_LISTEN) {
        s->ActiveOpens += to == GN_SYN_SENT;
        s->PassiveOpens += to == GN_SYN_RECEIVED;
    } else {
        s->state[from]--;
    }
    if (to != GN_CLOSED) {
        s->state[to]++;
    } else {
        s->AttemptFails += from == GN_SYN_SENT || from == GN_SYN_RECEIVED;
        s->EstabResets += from == GN_ESTABLISHED || from == GN_CLOSE_WAIT;
    }
}

/* tell the tracer. Out of the way: nobody traces as a rule */
static __attribute__((cold, noinline)) void tell(const struct tcb *t, const struct tcp_env *e,
                                                 enum gn_state from, enum gn_cause cause)
{
    struct gn_trace tr = {.kind = GN_TRACE_STATE, .at = e->now, .state = (enum gn_state)t->state};

    tr.local = (struct gn_endpoint){t->key.laddr, t->key.lport};
    tr.remote = (struct gn_endpoint){t->key.raddr, t->key.rport};
    tr.transition = (struct gn_transition){e->now, from, (enum gn_state)t->state, cause};
    e->trace(e->trace_ctx, &tr);
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
    if (e->trace != NULL)
        tell(t, e, from, cause);
}

void tcb_adopt(struct tcb *t, const struct tcp_env *e)
{
    ASSERT(t->state == GN_CLOSED && t->n_past == 0);
    t->state = GN_SYN_RECEIVED;
    remember(t, e->now, GN_LISTEN, GN_SYN_RECEIVED, GN_CAUSE_SYN);
}

void tcb_arrive(struct tcb *t, const struct tcp_env *e)
{
    ASSERT(t->state != GN_CLOSED);
    if (t->n_past >= 2 * GN_HISTORY) /* it may move for ever */
        t->n_past -= GN_HISTORY;
    remember(t, e->now, GN_CLOSED, (enum gn_state)t->state, GN_CAUSE_THAWED);
    e->stats->state[t->state]++;
    if (e->trace != NULL)
        tell(t, e, GN_CLOSED, GN_CAUSE_THAWED);
}

void tcb_descend(struct tcb *t)
{
    ASSERT(t->state == GN_CLOSED && t->n_past == 0);
    t->state = GN_LISTEN;
}
