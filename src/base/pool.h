/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pool.h  Objects of one size, found by a small index, in slabs that never move; those in
 * which nothing lives go back when memory is short.
 *
 * Each index has a generation of 31 bits that grows at each free, so that stale names are noticed
 * without touching the object. They are behind the objects of their slab: where that is one huge
 * page, whoever comes for the object has been to the page.
 */
#ifndef GN_BASE_POOL_H
#define GN_BASE_POOL_H

#include "base/mem.h"

struct pool {
    struct mem *mem;
    struct pool *next; /* of the same memory, if it has slabs */
    uint32_t slab_bytes;
    uint32_t object_bytes; /* multiple of 8 */
    uint32_t slab_shift;   /* index = slab << slab_shift | number in the slab */
    uint32_t slab_mask;    /* (1 << slab_shift) - 1 */
    uint32_t per_slab;     /* objects per slab, at most 1 << slab_shift, more than half of it */
    uint32_t fresh;        /* objects of the newest slab that were never used */
    uint32_t newest;       /* number of the slab that came last */
    uint32_t n_slabs, cap_slabs;
    uint32_t n_holes; /* slabs among them that went back */
    uint32_t
        gens_at;    /* in a slab: for each number, generation << 1 | live; 0: there is no object */
    char **slab;    /* NULL: a hole */
    uint32_t *gone; /* with a hole: generations of the slab that comes there begin with this; else 0
                     */
    uint32_t free_head; /* index + 1, 0: none */
    uint32_t used, max; /* live objects, limit */
};

/** pool_init() - allocates nothing. @object_bytes is rounded up to a multiple of 8, 32 KiB at most;
 * @max <= 2^24 objects. Indices may have gaps (slabs are powers of two, objects are not): they stay
 * below 2^25 */
void pool_init(struct pool *p, struct mem *m, uint32_t object_bytes, uint32_t max);
void pool_fini(struct pool *p);
/** pool_alloc() - an object, not cleared, and its index; NULL: limit or memory */
void *pool_alloc(struct pool *p, uint32_t *ret_index);
/** pool_free() - @object, whose index is @index, goes */
void pool_free(struct pool *p, void *object, uint32_t index);
/** pool_shed() - slabs with no live object go back to the memory */
void pool_shed(struct pool *p);
/** pool_spare() - objects that there is memory for, and that are in no use */
static inline uint32_t pool_spare(const struct pool *p)
{
    return (p->n_slabs - p->n_holes) * p->per_slab - p->used;
}
/** pool_at() - the object of a live index */
static inline void *pool_at(const struct pool *p, uint32_t index)
{
    uint32_t in = index & p->slab_mask;

    return p->slab[index >> p->slab_shift] + (size_t)in * p->object_bytes;
}
/** pool_memory() - octets that it has taken, by class size */
uint64_t pool_memory(const struct pool *p);
/** pool_word() - generation and life of an index in a slab that there is */
static inline uint32_t *pool_word(const struct pool *p, uint32_t index)
{
    void *gens = p->slab[index >> p->slab_shift] + p->gens_at;

    return (uint32_t *)gens + (index & p->slab_mask);
}
/** pool_hint_gen() - the generation of a live index will be asked for soon */
static inline void pool_hint_gen(const struct pool *p, uint32_t index)
{
    __builtin_prefetch(pool_word(p, index));
}
/** pool_gen() - generation of a live index */
static inline uint32_t pool_gen(const struct pool *p, uint32_t index)
{
    return *pool_word(p, index) >> 1;
}
/** pool_find() - the object if @index is in range, live and of generation @gen, else NULL. It comes
 * into cache while its generation is looked at */
static inline void *pool_find(const struct pool *p, uint32_t index, uint32_t gen)
{
    void *object;

    if (index >> p->slab_shift >= p->n_slabs || !p->slab[index >> p->slab_shift])
        return NULL;
    object = pool_at(p, index);
    __builtin_prefetch(object);
    return *pool_word(p, index) == ((uint64_t)gen << 1 | 1) ? object : NULL;
}
/** pool_next() - the first live index >= @from, or UINT32_MAX */
uint32_t pool_next(const struct pool *p, uint32_t from);

#endif
