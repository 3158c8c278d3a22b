/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ring.h  A byte ring that grows by doubling and holds no memory while it is empty.
 *
 * Used as the send buffer (appended at the end, dropped from the front) and as the receive buffer,
 * where octets beyond the end may be put in place early (out of order) and are taken in by
 * ring_extend() once the gap before them is filled. Any run of octets is at most two spans. When it
 * becomes empty it starts again at offset 0: what is short stays in the same cache lines.
 *
 * An empty ring remembers how large to begin the next time, or it would be copied again at each
 * doubling. Up to 64 KiB that is what it had; beyond, where memory matters, it comes down by halves
 * to what is needed, and is forgotten while memory is short.
 */
#ifndef GN_BASE_RING_H
#define GN_BASE_RING_H

#include "base/mem.h"

#include <gannet/frame.h>

#define RING_MIN       2048
#define RING_SMALL     (1u << MEM_CLASS_SMALL)
#define RING_USUAL_MAX (1u << 20)

struct ring {
    uint8_t *mem;   /* NULL: nothing allocated */
    uint32_t cap;   /* power of two, or 0 */
    uint32_t head;  /* offset of the first octet, < cap */
    uint32_t len;   /* octets held in order */
    uint32_t usual; /* with no memory: capacity to begin with; with more than RING_SMALL: the most
                       that it was seen to hold */
};

/** ring_grow() - ring_reserve() when there is not room enough */
bool ring_grow(struct ring *r, struct mem *m, uint32_t total, uint32_t beyond);
/** ring_put() - copy @n octets in at offset @at from the front; room for at + n was reserved */
void ring_put(struct ring *r, uint32_t at, const uint8_t *src, uint32_t n);
/** ring_get() - copy @n held octets from offset @at out */
void ring_get(const struct ring *r, uint32_t at, uint8_t *dst, uint32_t n);

/** ring_reserve() - room for octets 0 .. @total-1 counted from the front (2^30 at most); false: out
 * of memory, unchanged.
 *  @beyond: octets put in place beyond the end (out of order) that must survive, counted from the
 * front; >= len */
static inline bool ring_reserve(struct ring *r, struct mem *m, uint32_t total, uint32_t beyond)
{
    return total <= r->cap || ring_grow(r, m, total, beyond);
}

/** ring_extend() - the next @n octets, put in place before, now count as held */
static inline void ring_extend(struct ring *r, uint32_t n)
{
    ASSERT(n <= r->cap - r->len);
    r->len += n;
}

/** ring_append() - ring_put() at the end, and ring_extend() */
static inline void ring_append(struct ring *r, const uint8_t *src, uint32_t n)
{
    ring_put(r, r->len, src, n);
    r->len += n;
}

/** ring_span() - @n octets from offset @at as spans; the number of spans (0 if n is 0) */
static inline unsigned ring_span(const struct ring *r, uint32_t at, uint32_t n,
                                 struct gn_span ret[2])
{
    uint32_t pos, n1;

    if (!n)
        return 0;
    ASSERT(n <= r->cap && at <= r->cap - n);
    pos = (r->head + at) & (r->cap - 1);
    n1 = r->cap - pos;
    ret[0] = (struct gn_span){.ptr = r->mem + pos, .len = n <= n1 ? n : n1};
    if (n <= n1)
        return 1;
    ret[1] = (struct gn_span){.ptr = r->mem, .len = n - n1};
    return 2;
}

/** ring_free_large() - ring_free() of one with more than RING_SMALL */
void ring_free_large(struct ring *r, struct mem *m);
/** ring_free() - give all memory back */
static inline void ring_free(struct ring *r, struct mem *m)
{
    if (!r->mem)
        return;
    if (r->cap > RING_SMALL) {
        ring_free_large(r, m);
        return;
    }
    mem_keep(m, r->mem, mem_class(r->cap));
    *r = (struct ring){.usual = r->cap};
}

/** ring_drop() - the first @n octets are done with. @keep: something lies beyond the end (out of
 * order); if not, and nothing is left, the memory goes back */
static inline void ring_drop(struct ring *r, struct mem *m, uint32_t n, bool keep)
{
    ASSERT(n <= r->len);
    if (r->cap > RING_SMALL && r->len > r->usual)
        r->usual = r->len;
    r->len -= n;
    if (!r->len && !keep)
        ring_free(r, m);
    else if (r->cap)
        r->head = (r->head + n) & (r->cap - 1);
}

/** ring_cut() - only the first @len octets count as held; @keep as above. What lies beyond the end
 * is no longer in its place: for those who throw it away */
void ring_cut(struct ring *r, struct mem *m, uint32_t len, bool keep);

#endif
