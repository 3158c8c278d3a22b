/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file fsm.h  The one place where a state is written, and the table of what is legal.
 */
#ifndef GN_TCP_FSM_H
#define GN_TCP_FSM_H

#include "tcp/tcb.h"

/** tcb_enter() - move to state @to because of @cause: checks the table (ASSERT), remembers, counts,
 * traces, tells the user */
void tcb_enter(struct tcb *t, const struct tcp_env *e, enum gn_state to, enum gn_cause cause);
/** tcb_adopt() - a fresh block takes a half-open entry's place, whose way from LISTEN to
 * SYN-RECEIVED was counted and told of when it was made: it is remembered alone */
void tcb_adopt(struct tcb *t, const struct tcp_env *e);
/** tcb_arrive() - a block that was thawed stands in its state, and has none before on this host */
void tcb_arrive(struct tcb *t, const struct tcp_env *e);
/** tcb_descend() - a fresh block starts its life as a copy of a listener's: LISTEN, with no
 * transition of its own */
void tcb_descend(struct tcb *t);
/** fsm_legal() - is from -> to an edge of RFC 9293 figure 5 or a documented abort? */
bool fsm_legal(enum gn_state from, enum gn_state to);
/** fsm_edge() - row @i of the table of legal transitions; false: no such row */
struct fsm_edge {
    enum gn_state from, to;
    const char *when; /* in words */
    const char *rfc;
};
bool fsm_edge(unsigned i, struct fsm_edge *ret);

/* predicates; the enum is in the RFC's order, but membership is spelled out where it matters */
static inline bool state_synchronised(unsigned s)
{
    return s >= GN_ESTABLISHED;
}
/* may text of ours still be sent? */
static inline bool state_can_send(unsigned s)
{
    return s == GN_ESTABLISHED || s == GN_CLOSE_WAIT;
}
/* may text of the peer still arrive? */
static inline bool state_can_receive(unsigned s)
{
    return s == GN_ESTABLISHED || s == GN_FIN_WAIT_1 || s == GN_FIN_WAIT_2;
}

#endif
