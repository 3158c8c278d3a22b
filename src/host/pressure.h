/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pressure.h  What a host does when its memory runs short (SEC-MEM-3).
 *
 * Theory of operation. Windows stop growing by themselves (src/tcp/window.c). When seven
 * eighths of the budget are taken, what is free goes back to the source where that can be. Beyond
 * seven eighths in use each gn_host_output() takes a few steps: first it throws away text that
 * arrived out of order, a few connections at a time, in turn; then it resets the oldest connections
 * that no user holds. What is in order and has a user is never touched. When all is used,
 * allocations fail, and what needs one is refused: text is not acknowledged, SYNs get cookies.
 * Replies, ACKs and resets need no memory and go on; so does text, a segment at a time.
 */
#ifndef GN_HOST_PRESSURE_H
#define GN_HOST_PRESSURE_H

#include "base/mem.h"

struct gn_host;

/** pressure() - is the memory handed out beyond seven eighths of the budget? */
static inline bool pressure(const struct mem *m)
{
    return m->used > m->most;
}

/** pressure_relieve() - a few steps, see above */
void pressure_relieve(struct gn_host *h);

#endif
