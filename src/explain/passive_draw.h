/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file passive_draw.h  From what passed by an observer to a ladder.
 */
#ifndef GN_EXPLAIN_PASSIVE_DRAW_H
#define GN_EXPLAIN_PASSIVE_DRAW_H

#include "explain/ladder.h"
#include "explain/passive.h"

/** Ladder events that passive_draw() makes at most of @n segments. */
#define PASSIVE_DRAW_MAX(n) (5 * (n) + 4 * PASSIVE_STEPS)

/** passive_telling() - is the segment worth drawing in the middle of a long connection? */
bool passive_telling(const struct passive_event *e);
/** passive_begin() - the state of end @x when the drawing begins */
enum gn_state passive_begin(const struct passive_conn *c, unsigned x);
/**
 * passive_draw() - events of a ladder
 * @c:    the connection, given up (done())
 * @seen: its events in the order of the capture, or some of them; scratch fields are written
 * @ret:  room for PASSIVE_DRAW_MAX(n)
 *
 * Returns how many there are. Their texts are constants. Cost: O(n * segments in flight)
 */
size_t passive_draw(const struct passive_conn *c, struct passive_event *seen, size_t n,
                    struct ladder_event *ret);

#endif
