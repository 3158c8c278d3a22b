/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ring.c  A growing byte ring; capacities are powers of two, so that an offset wraps by a
 * mask.
 */
#include "base/ring.h"

#include "base/assert.h"
#include "base/bits.h"

/** first_piece() - how much of @n octets from ring position @pos lies before the wrap */
static inline uint32_t first_piece(const struct ring *r, uint32_t pos, uint32_t n)
{
    return min_u32(n, r->cap - pos);
}

/** copy_out() - @n octets from offset @at, held or placed early */
static void copy_out(const struct ring *r, uint32_t at, uint8_t *dst, uint32_t n)
{
    uint32_t pos, n1;

    if (!n)
        return;
    pos = (r->head + at) & (r->cap - 1);
    n1 = first_piece(r, pos, n);
    memcpy(dst, r->mem + pos, n1);
    if (n > n1)
        memcpy(dst + n1, r->mem, n - n1);
}

/** enlarge() - ring_grow() from what it has, or from nothing when no block is at hand */
static __attribute__((noinline)) bool enlarge(struct ring *r, struct mem *m, uint32_t total,
                                              uint32_t beyond)
{
    uint32_t least = max_u32(r->cap, RING_MIN), cap;
    uint8_t *mem;

    ASSERT(beyond >= r->len && beyond <= r->cap && total <= 1u << 30);
    while (least < total)
        least *= 2;
    cap = r->cap || mem_short(m) ? least : max_u32(least, r->usual);
    mem = mem_alloc(m, cap);
    if (!mem && cap > least) { /* there may be room for what is needed now */
        cap = least;
        mem = mem_alloc(m, cap);
    }
    if (!mem) {
        r->usual = 0;
        return false;
    }
    if (r->mem) {
        copy_out(r, 0, mem, beyond);
        mem_give(m, r->mem, r->cap);
    }
    if (!r->cap)
        r->usual = 0;
    r->mem = mem;
    r->cap = cap;
    r->head = 0;
    return true;
}

bool ring_grow(struct ring *r, struct mem *m, uint32_t total, uint32_t beyond)
{
    uint32_t cap = max_u32(r->usual, RING_MIN);
    uint8_t *mem = NULL;

    if (!r->mem && total <= cap && cap <= RING_SMALL) /* nearly always, and what was freed last */
        mem = mem_reuse(m, mem_class(cap));
    if (!mem)
        return enlarge(r, m, total, beyond);
    r->mem = mem;
    r->cap = cap;
    r->head = 0;
    return true;
}

void ring_put(struct ring *r, uint32_t at, const uint8_t *src, uint32_t n)
{
    uint32_t pos, n1;

    if (!n)
        return;
    ASSERT(n <= r->cap && at <= r->cap - n);
    pos = (r->head + at) & (r->cap - 1);
    n1 = first_piece(r, pos, n);
    memcpy(r->mem + pos, src, n1);
    if (n > n1)
        memcpy(r->mem, src + n1, n - n1);
}

void ring_get(const struct ring *r, uint32_t at, uint8_t *dst, uint32_t n)
{
    ASSERT(n <= r->len && at <= r->len - n);
    copy_out(r, at, dst, n);
}

void ring_free_large(struct ring *r, struct mem *m)
{
    uint32_t usual = max_u32(r->cap / 2, (uint32_t)1 << mem_class(r->usual));

    mem_give_large(m, r->mem, mem_class(r->cap));
    *r = (struct ring){.usual = min_u32(usual, mem_short(m) ? RING_SMALL : RING_USUAL_MAX)};
}

void ring_cut(struct ring *r, struct mem *m, uint32_t len, bool keep)
{
    ASSERT(len <= r->len);
    r->len = len;
    if (!len && !keep)
        ring_free(r, m);
}
