/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file ranges.c  A sorted array of disjoint ranges, found by binary search. All of them lie within
 * 2^31 of each other, so that sequence comparison is an order on them.
 */
#include "base/ranges.h"

#include "base/assert.h"
#include "base/bits.h"

#define RANGES_FIRST 8

/** first_ending_at_or_after() - index of the first range whose end is not before @x (it contains or
 * touches @x, or lies after it); s->n if none. In order arrival hits the last range: looked at
 * first */
static unsigned first_ending_at_or_after(const struct ranges *s, seq_t x)
{
    unsigned lo = 0, hi = s->n;

    if (hi && seq_lt(s->r[hi - 1].b, x))
        return hi;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (seq_lt(s->r[mid].b, x))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** grow() - room for one more range; false: limit or memory */
static bool grow(struct ranges *s, struct mem *m)
{
    unsigned cap = s->cap ? s->cap * 2u : RANGES_FIRST;
    struct range *r;

    if (s->n < s->cap)
        return true;
    if (s->n == RANGES_MAX || !(r = mem_alloc(m, cap * sizeof(*r))))
        return false;
    if (s->n)
        memcpy(r, s->r, s->n * sizeof(*r));
    mem_free(m, s->r, s->cap * sizeof(*r));
    s->r = r;
    s->cap = (uint16_t)cap;
    return true;
}

bool ranges_add(struct ranges *s, struct mem *m, seq_t a, seq_t b, struct range *ret,
                uint32_t *ret_new)
{
    unsigned i = first_ending_at_or_after(s, a), j = i;
    struct range u = {a, b};
    uint32_t had = 0;

    ASSERT(seq_lt(a, b));
    /* [i, j) are the ranges that overlap or touch [a, b) */
    for (; j < s->n && seq_le(s->r[j].a, b); j++) {
        had += seq_span(s->r[j].a, s->r[j].b);
        u.a = seq_min(u.a, s->r[j].a);
        u.b = seq_max(u.b, s->r[j].b);
    }
    if (i == j) {
        if (!grow(s, m))
            return false;
        memmove(s->r + i + 1, s->r + i, (s->n - i) * sizeof(*s->r));
        s->n++;
    } else if (j > i + 1) {
        memmove(s->r + i + 1, s->r + j, (s->n - j) * sizeof(*s->r));
        s->n = (uint16_t)(s->n - (j - i - 1));
    }
    s->r[i] = u;
    if (ret)
        *ret = u;
    if (ret_new)
        *ret_new = seq_span(u.a, u.b) - had;
    return true;
}

void ranges_cut(struct ranges *s, struct mem *m, seq_t a)
{
    unsigned i;

    if (!s->n || seq_le(a, s->r[0].a))
        return;
    i = first_ending_at_or_after(s, a);
    if (i < s->n && seq_eq(s->r[i].b, a))
        i++;
    if (i == s->n) {
        ranges_free(s, m);
        return;
    }
    if (i) {
        memmove(s->r, s->r + i, (s->n - i) * sizeof(*s->r));
        s->n = (uint16_t)(s->n - i);
    }
    s->r[0].a = seq_max(s->r[0].a, a);
}

const struct range *ranges_next(const struct ranges *s, seq_t x)
{
    unsigned i = first_ending_at_or_after(s, seq_add(x, 1));

    return i < s->n ? &s->r[i] : NULL;
}

const struct range *ranges_find(const struct ranges *s, seq_t x)
{
    const struct range *r = ranges_next(s, x);

    return r && seq_le(r->a, x) ? r : NULL;
}

bool ranges_covers(const struct ranges *s, seq_t a, seq_t b)
{
    const struct range *r = ranges_find(s, a);

    return seq_eq(a, b) || (r && seq_le(b, r->b));
}

uint32_t ranges_octets(const struct ranges *s)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < s->n; i++)
        n += seq_span(s->r[i].a, s->r[i].b);
    return n;
}

void ranges_free(struct ranges *s, struct mem *m)
{
    if (!s->r)
        return;
    mem_free(m, s->r, s->cap * sizeof(*s->r));
    memset(s, 0, sizeof(*s));
}
