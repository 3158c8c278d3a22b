/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pool.c  Slabs of POOL_SLAB octets with as many objects as fit; free objects are chained
 * through their first four octets, last in, first out. Slabs are never given back before
 * pool_fini(): generations must outlive objects.
 */
#include "base/pool.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/poison.h"

#define POOL_SLAB     65536
#define POOL_GEN_NONE 0 /* no object ever has this generation, so no name is all zero */

void pool_init(struct pool *p, struct mem *m, uint32_t object_bytes, uint32_t max)
{
    ASSERT(object_bytes > 0 && object_bytes <= POOL_SLAB / 2 && max <= 1u << 24);
    memset(p, 0, sizeof(*p));
    p->mem = m;
    p->object_bytes = (object_bytes + 7) & ~7u;
    p->max = max;
    do { /* every number that an index can name has a generation: none needs to be checked */
        p->slab_mask = (1u << ++p->slab_shift) - 1;
        p->gens_at = POOL_SLAB - (uint32_t)(sizeof(uint32_t) << p->slab_shift);
        p->per_slab = p->gens_at / p->object_bytes;
    } while (p->per_slab > 1u << p->slab_shift);
}

void pool_fini(struct pool *p)
{
    for (uint32_t i = 0; i < p->n_slabs; i++)
        mem_free(p->mem, p->slab[i], POOL_SLAB);
    mem_free(p->mem, p->slab, p->cap_slabs * sizeof(*p->slab));
    pool_init(p, p->mem, p->object_bytes, p->max);
}

uint64_t pool_memory(const struct pool *p)
{
    if (p->cap_slabs == 0)
        return 0;
    return p->n_slabs * mem_size(POOL_SLAB) + mem_size(p->cap_slabs * sizeof(*p->slab));
}

/** grow_directory() - double the array of slabs */
static bool grow_directory(struct pool *p)
{
    uint32_t cap = p->cap_slabs ? p->cap_slabs * 2 : 8;
    char **slab = mem_alloc(p->mem, cap * sizeof(*slab));

    if (!slab)
        return false;
    if (p->n_slabs)
        memcpy(slab, p->slab, p->n_slabs * sizeof(*slab));
    mem_free(p->mem, p->slab, p->cap_slabs * sizeof(*slab));
    p->slab = slab;
    p->cap_slabs = cap;
    return true;
}

/** grow() - one more slab, all of it fresh. Out of the way: pool_alloc() hardly ever comes here */
static __attribute__((cold, noinline)) bool grow(struct pool *p)
{
    char *slab;

    if (p->n_slabs == p->cap_slabs && !grow_directory(p))
        return false;
    slab = mem_alloc(p->mem, POOL_SLAB);
    if (!slab)
        return false;
    p->slab[p->n_slabs] = slab;
    for (uint32_t i = 0; i <= p->slab_mask; i++)
        *pool_word(p, p->n_slabs << p->slab_shift | i) =
            i < p->per_slab ? (POOL_GEN_NONE + 1) << 1 : 0;
    p->n_slabs++;
    p->fresh = p->per_slab;
    return true;
}

void *pool_alloc(struct pool *p, uint32_t *ret_index)
{
    uint32_t index;
    void *object;

    if (p->used >= p->max)
        return NULL;
    if (p->free_head) {
        index = p->free_head - 1;
        object = pool_at(p, index);
        memcpy(&p->free_head, object, sizeof(p->free_head));
        UNPOISON(object, p->object_bytes);
    } else {
        if (!p->fresh && !grow(p))
            return NULL;
        index = (p->n_slabs - 1) << p->slab_shift | (p->per_slab - p->fresh);
        object = pool_at(p, index);
        p->fresh--;
    }
    *pool_word(p, index) |= 1;
    p->used++;
    *ret_index = index;
    return object;
}

void pool_free(struct pool *p, void *object, uint32_t index)
{
    uint32_t *g = pool_word(p, index);

    ASSERT(*g & 1);
    DASSERT(object == pool_at(p, index));
    if (!++*g) /* the next generation, of nothing that lives; after the last comes the first */
        *g = (POOL_GEN_NONE + 1) << 1;
    memcpy(object, &p->free_head, sizeof(p->free_head));
    POISON((uint8_t *)object + 8, p->object_bytes - 8);
    p->free_head = index + 1;
    p->used--;
}

uint32_t pool_next(const struct pool *p, uint32_t from)
{
    uint32_t slab = from >> p->slab_shift, in = from & p->slab_mask;

    for (; slab < p->n_slabs; slab++, in = 0) {
        uint32_t n = p->per_slab - (slab + 1 == p->n_slabs ? p->fresh : 0);

        for (; in < n; in++)
            if (*pool_word(p, slab << p->slab_shift | in) & 1)
                return slab << p->slab_shift | in;
    }
    return UINT32_MAX;
}
