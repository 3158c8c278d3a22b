/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file undo.c  Spurious timeouts and recoveries.
 */
#include "recovery/undo.h"

void undo_start(struct undo *u, seq_t una)
{
    *u = (struct undo){.marker = una, .on = true};
}

void undo_on_resent(struct undo *u, seq_t start, uint32_t len, gn_time now)
{
    if (!u->stamp) {
        u->stamp = now;
        u->low = u->high = start;
    }
    u->low = seq_min(u->low, start);
    u->high = seq_max(u->high, seq_add(start, len));
    u->octets += len;
}

bool undo_ours(const struct undo *u, seq_t l, uint32_t len)
{
    return u->stamp && seq_lt(l, u->high) && seq_gt(seq_add(l, len), u->low);
}

bool undo_by_echo(const struct undo *u, const struct delivery *d)
{
    /* what a recovery before this one has sent again does not speak of this one */
    return u->on && u->stamp && d->retrans && d->resent_first >= u->stamp &&
           echo_before(d, u->stamp); /* CC-4015-2 */
}

bool undo_by_dsack(struct undo *u, seq_t l, uint32_t len)
{
    if (!u->on || !u->octets || seq_lt(l, u->marker) || !undo_ours(u, l, len))
        return false;
    u->octets -= min_u32(u->octets, len);
    return !u->octets;
}

/* frto_first() - RFC 5682 2.1 step 2, with SACK 3.1 step 2: the ACK of the first segment */
static enum frto_says frto_first(enum frto *step, const struct frto_ack *a)
{
    if (!a->advances && a->sack_ok)
        return FRTO_WAIT; /* CC-5682-5: duplicates adjust the scoreboard only */
    if (!a->advances && !a->dup)
        return FRTO_WAIT;
    if (!a->advances || a->full || a->head_part || !a->can_send)
        return FRTO_GENUINE; /* CC-5682-2, or nothing to try with (CC-5682-3) */
    *step = FRTO_NEW;        /* CC-5682-3 */
    return FRTO_WAIT;
}

/* frto_new() - step 3: the ACK after the new segments */
static enum frto_says frto_new(const struct frto_ack *a)
{
    if (a->originals)
        return FRTO_SPURIOUS; /* CC-5682-4, CC-5682-5 */
    return (a->sack_ok ? a->news : a->dup) || a->advances ? FRTO_GENUINE : FRTO_WAIT;
}

enum frto_says frto_on_ack(enum frto *step, const struct frto_ack *a)
{
    enum frto_says says = FRTO_WAIT;

    if (*step == FRTO_FIRST)
        says = frto_first(step, a);
    else if (*step == FRTO_NEW)
        says = frto_new(a);
    if (says != FRTO_WAIT)
        *step = FRTO_OFF;
    return says;
}
