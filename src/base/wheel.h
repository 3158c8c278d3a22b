/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file wheel.h  Hierarchical timing wheel: O(1) to arm, move and cancel; O(1) to ask for the next
 * deadline; costs nothing while nothing is due, whatever the number of timers.
 *
 * Tick 2^16 ns (65.5 us), 8 levels of 64 slots with a bit map each. A node never fires early, and
 * late by less than a tick.
 */
#ifndef GN_BASE_WHEEL_H
#define GN_BASE_WHEEL_H

#include "base/list.h"
#include "base/time.h"

#define WHEEL_TICK_SHIFT 16
#define WHEEL_LEVELS     8
#define WHEEL_SLOTS      64

struct wheel_node {
    struct list list; /* linked while armed */
    gn_time at;
};

struct wheel {
    uint64_t tick; /* last tick that was run */
    uint64_t look; /* no slot needs attention before this tick; may be too early, never too late */
    uint64_t map[WHEEL_LEVELS];
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list past; /* armed for a time that is over: due at the next wheel_run() */
    struct list due;  /* nodes whose time has come, not yet popped */
    uint32_t armed;
};

void wheel_init(struct wheel *w, gn_time now);
/** wheel_arm() - fire at @at (a time in the past: at the next wheel_run); an armed node is moved */
void wheel_arm(struct wheel *w, struct wheel_node *n, gn_time at);
void wheel_cancel(struct wheel *w, struct wheel_node *n);
static inline bool wheel_armed(const struct wheel_node *n)
{
    return list_linked(&n->list);
}
/** wheel_turn() - wheel_run() when some slot may need attention */
void wheel_turn(struct wheel *w, gn_time now);
/** wheel_run() - let time pass up to @now; then wheel_pop() gives the nodes that are due, in order
 * of their ticks. False: no more than before */
static inline bool wheel_run(struct wheel *w, gn_time now)
{
    uint64_t until = now >> WHEEL_TICK_SHIFT;

    if (until >= w->look) {
        wheel_turn(w, now);
        return true;
    }
    if (until > w->tick)
        w->tick = until;
    return false;
}
struct wheel_node *wheel_pop(struct wheel *w);
/** wheel_ahead() - the node that the call of wheel_pop() after the next @n ones will give, if there
 * is one by now, else NULL */
static inline const struct wheel_node *wheel_ahead(const struct wheel *w, unsigned n)
{
    const struct list *l = w->due.next;

    while (n-- && l != &w->due)
        l = l->next;
    return l == &w->due ? NULL : LIST_ENTRY(l, const struct wheel_node, list);
}
/** wheel_next() - no node is due before this; may be earlier than the first node's time (a
 * cascade), never later */
deadline_t wheel_next(const struct wheel *w);

#endif
