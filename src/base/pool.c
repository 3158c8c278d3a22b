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
    ASSERT(object_bytes > 0 && object_bytes <= POOL_SLAB && max <= 1u << 24);
    memset(p, 0, sizeof(*p));
    p->mem = m;
    p->object_bytes = (object_bytes + 7) & ~7u;
    p->per_slab = POOL_SLAB / p->object_bytes;
    p->max = max;
    while (1u << p->slab_shift < p->per_slab)
        p->slab_shift++;
    p->slab_mask = (1u << p->slab_shift) - 1;
}

/** gen_size() - octets of the generations of a slab: of all numbers that an index can name in it,
 * so that none needs to be checked */
static size_t gen_size(const struct pool *p)
{
    return sizeof(uint32_t) << p->slab_shift;
}

void pool_fini(struct pool *p)
{
    for (uint32_t i = 0; i < p->n_slabs; i++) {
        mem_free(p->mem, p->slab[i], POOL_SLAB);
        mem_free(p->mem, p->gen[i], gen_size(p));
    }
    mem_free(p->mem, p->slab, p->cap_slabs * sizeof(*p->slab));
    mem_free(p->mem, p->gen, p->cap_slabs * sizeof(*p->gen));
    pool_init(p, p->mem, p->object_bytes, p->max);
}

uint64_t pool_memory(const struct pool *p)
{
    uint64_t each = mem_size(POOL_SLAB) + mem_size(gen_size(p));

    if (p->cap_slabs == 0)
        return 0;
    return p->n_slabs * each + mem_size(p->cap_slabs * sizeof(*p->slab)) +
           mem_size(p->cap_slabs * sizeof(*p->gen));
}

/** grow_directory() - double the two arrays of slabs */
static bool grow_directory(struct pool *p)
{
    uint32_t cap = p->cap_slabs ? p->cap_slabs * 2 : 8;
    void **slab = mem_alloc(p->mem, cap * sizeof(*slab));
    uint32_t **gen = mem_alloc(p->mem, cap * sizeof(*gen));

    if (!slab || !gen) {
        mem_free(p->mem, slab, cap * sizeof(*slab));
        mem_free(p->mem, gen, cap * sizeof(*gen));
        return false;
    }
    if (p->n_slabs) {
        memcpy(slab, p->slab, p->n_slabs * sizeof(*slab));
        memcpy(gen, p->gen, p->n_slabs * sizeof(*gen));
    }
    mem_free(p->mem, p->slab, p->cap_slabs * sizeof(*slab));
    mem_free(p->mem, p->gen, p->cap_slabs * sizeof(*gen));
    p->slab = slab;
    p->gen = gen;
    p->cap_slabs = cap;
    return true;
}

/** grow() - one more slab, all of it fresh. Out of the way: pool_alloc() hardly ever comes here */
static __attribute__((cold, noinline)) bool grow(struct pool *p)
{
    size_t gen_bytes = gen_size(p);
    void *slab;
    uint32_t *gen;

    if (p->n_slabs == p->cap_slabs && !grow_directory(p))
        return false;
    slab = mem_alloc(p->mem, POOL_SLAB);
    gen = mem_alloc(p->mem, gen_bytes);
    if (!slab || !gen) {
        mem_free(p->mem, slab, POOL_SLAB);
        mem_free(p->mem, gen, gen_bytes);
        return false;
    }
    for (uint32_t i = 0; i < 1u << p->slab_shift; i++)
        gen[i] = i < p->per_slab ? (POOL_GEN_NONE + 1) << 1 : 0;
    p->slab[p->n_slabs] = slab;
    p->gen[p->n_slabs] = gen;
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

void pool_free(struct pool *p, uint32_t index)
{
    uint32_t *g = pool_word(p, index);
    uint8_t *object = pool_at(p, index);

    ASSERT(*g & 1);
    if (!++*g) /* the next generation, of nothing that lives; after the last comes the first */
        *g = (POOL_GEN_NONE + 1) << 1;
    memcpy(object, &p->free_head, sizeof(p->free_head));
    POISON(object + 8, p->object_bytes - 8);
    p->free_head = index + 1;
    p->used--;
}

uint32_t pool_next(const struct pool *p, uint32_t from)
{
    uint32_t slab = from >> p->slab_shift, in = from & p->slab_mask;

    for (; slab < p->n_slabs; slab++, in = 0) {
        uint32_t n = p->per_slab - (slab + 1 == p->n_slabs ? p->fresh : 0);

        for (; in < n; in++)
            if (p->gen[slab][in] & 1)
                return slab << p->slab_shift | in;
    }
    return UINT32_MAX;
}
