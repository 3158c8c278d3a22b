/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file wheel.c  Hierarchical timing wheel without rounds.
 *
 * A tick is read as eight digits of base 64. A node that is due at tick e hangs, at any time, at
 * the level of the highest digit in which e differs from the current tick, in the slot of e's digit
 * there. So in every level only slots right of the current digit are in use, all of level n comes
 * before all of level n + 1, and the next slot that needs attention is the lowest bit of the lowest
 * map that is not zero: time jumps from one such slot to the next, however far apart they are. A
 * slot of level 0 is due as a whole; one of a higher level is spread over the levels below, each
 * node at most seven times in its life. The position follows from e and the current tick, so nodes
 * need not remember it.
 */
#include "base/wheel.h"

#include "base/assert.h"
#include "base/bits.h"

#include <string.h>

#define DIGIT_BITS 6
#define TICK_MAX   (((uint64_t)1 << (64 - WHEEL_TICK_SHIFT)) - 1)

/** tick_of() - the first tick that is not before @at: never early */
static inline uint64_t tick_of(gn_time at)
{
    uint64_t t = at >> WHEEL_TICK_SHIFT;

    return t < TICK_MAX && (at & ((1u << WHEEL_TICK_SHIFT) - 1)) ? t + 1 : t;
}

/** level_of() - of a node due at @e, which is after the current tick */
static inline unsigned level_of(const struct wheel *w, uint64_t e)
{
    return (63 - (unsigned)__builtin_clzll(e ^ w->tick)) / DIGIT_BITS;
}

/** slot_of() - digit of @e at @level */
static inline unsigned slot_of(uint64_t e, unsigned level)
{
    return (unsigned)(e >> DIGIT_BITS * level) & (WHEEL_SLOTS - 1);
}

/** place() - hang a node up by its time; @over: where it goes if that is over */
static inline void place(struct wheel *w, struct wheel_node *n, struct list *over)
{
    uint64_t e = tick_of(n->at);
    unsigned level, slot;

    if (e <= w->tick) {
        list_append(over, &n->list);
        w->look = 0;
        return;
    }
    level = level_of(w, e);
    slot = slot_of(e, level);
    list_append(&w->slot[level][slot], &n->list);
    w->map[level] |= (uint64_t)1 << slot;
    w->look = min_u64(w->look, e >> DIGIT_BITS * level << DIGIT_BITS * level);
}

/** next_slot() - the next slot in time; false: none. *ret_tick: when it begins */
static inline bool next_slot(const struct wheel *w, unsigned *ret_level, unsigned *ret_slot,
                             uint64_t *ret_tick)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        if (w->map[level]) {
            unsigned shift = DIGIT_BITS * level;
            uint64_t upper = w->tick >> shift >> DIGIT_BITS << DIGIT_BITS << shift;

            *ret_level = level;
            *ret_slot = (unsigned)__builtin_ctzll(w->map[level]);
            *ret_tick = upper | (uint64_t)*ret_slot << shift;
            return true;
        }
    }
    return false;
}

void wheel_init(struct wheel *w, gn_time now)
{
    memset(w, 0, sizeof(*w));
    w->tick = now >> WHEEL_TICK_SHIFT;
    w->look = UINT64_MAX;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slot[level][slot]);
    list_init(&w->past);
    list_init(&w->due);
}

void wheel_arm(struct wheel *w, struct wheel_node *n, gn_time at)
{
    wheel_cancel(w, n);
    n->at = at;
    place(w, n, &w->past);
    w->armed++;
}

void wheel_cancel(struct wheel *w, struct wheel_node *n)
{
    const struct list *head = n->list.next; /* if it is the last in its slot */
    size_t at;

    if (!list_linked(&n->list))
        return;
    list_remove(&n->list);
    w->armed--;
    if (!list_empty(head))
        return;
    at = (size_t)((const char *)head - (const char *)w->slot) / sizeof(*head);
    if (at < (size_t)WHEEL_LEVELS * WHEEL_SLOTS) /* else it was due */
        w->map[at / WHEEL_SLOTS] &= ~((uint64_t)1 << at % WHEEL_SLOTS);
}

void wheel_turn(struct wheel *w, gn_time now)
{
    uint64_t until = max_u64(now >> WHEEL_TICK_SHIFT, w->tick), begins;
    unsigned level, slot;
    struct list *l;

    list_splice(&w->due, &w->past);
    while (next_slot(w, &level, &slot, &begins) && begins <= until) {
        struct list *here = &w->slot[level][slot];

        w->tick = begins;
        w->map[level] &= ~((uint64_t)1 << slot);
        if (level == 0)
            list_splice(&w->due, here);
        else
            while ((l = list_pop(here)))
                place(w, LIST_ENTRY(l, struct wheel_node, list), &w->due);
    }
    w->tick = until;
    w->look = next_slot(w, &level, &slot, &begins) ? begins : UINT64_MAX;
}

struct wheel_node *wheel_pop(struct wheel *w)
{
    struct list *l = list_pop(&w->due);

    if (!l)
        return NULL;
    w->armed--;
    return LIST_ENTRY(l, struct wheel_node, list);
}

deadline_t wheel_next(const struct wheel *w)
{
    unsigned level, slot;
    uint64_t begins;

    if (!list_empty(&w->past) || !list_empty(&w->due))
        return deadline_at(w->tick << WHEEL_TICK_SHIFT);
    if (!next_slot(w, &level, &slot, &begins))
        return deadline_none();
    return deadline_at(begins << WHEEL_TICK_SHIFT);
}
