/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file time.h  Deadlines: a point in time, or explicitly not armed, in eight bytes.
 */
#ifndef GN_BASE_TIME_H
#define GN_BASE_TIME_H

#include <gannet/types.h>

/* Resolution 2 ns: the low bit says "armed". A zeroed deadline is not armed. */
typedef struct {
    uint64_t raw;
} deadline_t;

static inline deadline_t deadline_at(gn_time at)
{
    return (deadline_t){at | 1};
}

static inline deadline_t deadline_none(void)
{
    return (deadline_t){0};
}

static inline bool deadline_armed(deadline_t d)
{
    return d.raw & 1;
}

/* valid only when armed */
static inline gn_time deadline_time(deadline_t d)
{
    return d.raw & ~(uint64_t)1;
}

static inline bool deadline_due(deadline_t d, gn_time now)
{
    return (d.raw & 1) && (d.raw & ~(uint64_t)1) <= now;
}

/* the earlier of two; none only if both are */
static inline deadline_t deadline_min(deadline_t a, deadline_t b)
{
    /* not armed (0) becomes the largest number, armed ones stay in order */
    uint64_t x = a.raw - 1, y = b.raw - 1;

    return (deadline_t){(x < y ? x : y) + 1};
}

/* a point in time, 0: none, and a deadline, @span later than they are */
static inline void time_shift(gn_time *t, gn_time span)
{
    if (*t != 0)
        *t += span;
}

static inline void deadline_shift(deadline_t *d, gn_time span)
{
    if (deadline_armed(*d))
        *d = deadline_at(deadline_time(*d) + span);
}

static inline struct gn_deadline deadline_public(deadline_t d)
{
    return (struct gn_deadline){.at = deadline_armed(d) ? deadline_time(d) : 0,
                                .armed = deadline_armed(d)};
}

#endif
