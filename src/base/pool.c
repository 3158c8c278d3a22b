/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pool.c  Slabs with as many objects as fit; free objects are chained through their first
 * four octets, last in, first out. When memory is short, slabs in which nothing lives go back.
 * Generations must outlive objects: that of the slab's oldest name is kept in the directory, and
 * whatever comes to its place begins beyond it.
 */
#include "base/pool.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/poison.h"

#define POOL_SLAB     65536 /* octets; with a small budget less, so that pools get along */
#define POOL_SLAB_MIN 8192
#define POOL_CUTS     4   /* objects of a small slab at least */
#define POOL_PART     256 /* of the budget is enough for a slab */
#define POOL_GEN_NONE 0   /* no object ever has this generation, so no name is all zero */

/** slab_bytes() - how large slabs are */
static uint32_t slab_bytes(const struct mem *m, uint32_t object_bytes)
{
    uint32_t n = POOL_SLAB;

    while (n > POOL_SLAB_MIN && n > m->budget / POOL_PART &&
           n / 2 >= POOL_CUTS * (uint64_t)object_bytes)
        n /= 2;
    return n;
}

void pool_init(struct pool *p, struct mem *m, uint32_t object_bytes, uint32_t max)
{
    ASSERT(object_bytes > 0 && object_bytes <= POOL_SLAB / 2 && max <= 1u << 24);
    memset(p, 0, sizeof(*p));
    p->mem = m;
    p->object_bytes = (object_bytes + 7) & ~7u;
    p->max = max;
    p->slab_bytes = slab_bytes(m, object_bytes);
    do { /* every number that an index can name has a generation: none needs to be checked */
        p->slab_mask = (1u << ++p->slab_shift) - 1;
        p->gens_at = p->slab_bytes - (uint32_t)(sizeof(uint32_t) << p->slab_shift);
        p->per_slab = p->gens_at / p->object_bytes;
    } while (p->per_slab > 1u << p->slab_shift);
}

/** directory_bytes() - of a directory for @cap slabs: where they are, and what is gone */
static size_t directory_bytes(uint32_t cap)
{
    return cap * (sizeof(char *) + sizeof(uint32_t));
}

void pool_fini(struct pool *p)
{
    struct pool **at = &p->mem->pools;

    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    for (uint32_t i = 0; i < p->n_slabs; i++)
        mem_free(p->mem, p->slab[i], p->slab_bytes);
    mem_free(p->mem, p->slab, directory_bytes(p->cap_slabs));
    pool_init(p, p->mem, p->object_bytes, p->max);
}

uint64_t pool_memory(const struct pool *p)
{
    if (p->cap_slabs == 0)
        return 0;
    return (p->n_slabs - p->n_holes) * mem_size(p->slab_bytes) +
           mem_size(directory_bytes(p->cap_slabs));
}

/** grow_directory() - double the array of slabs */
static bool grow_directory(struct pool *p)
{
    uint32_t cap = p->cap_slabs ? p->cap_slabs * 2 : 8, *gone;
    char **slab = mem_alloc(p->mem, directory_bytes(cap));

    if (!slab)
        return false;
    gone = (uint32_t *)(void *)(slab + cap);
    if (p->n_slabs) {
        memcpy(slab, p->slab, p->n_slabs * sizeof(*slab));
        memcpy(gone, p->gone, p->n_slabs * sizeof(*gone));
    } else {
        p->next = p->mem->pools;
        p->mem->pools = p;
    }
    mem_free(p->mem, p->slab, directory_bytes(p->cap_slabs));
    p->slab = slab;
    p->gone = gone;
    p->cap_slabs = cap;
    return true;
}

/** grow() - one more slab, all of it fresh, in the first hole if there is one. Out of the way:
 * pool_alloc() hardly ever comes here */
static __attribute__((cold, noinline)) bool grow(struct pool *p)
{
    uint32_t at = p->n_slabs, gen = POOL_GEN_NONE + 1;
    char *slab;

    if (!p->n_holes && at == p->cap_slabs && !grow_directory(p))
        return false;
    slab = mem_alloc(p->mem, p->slab_bytes);
    if (!slab)
        return false;
    if (p->n_holes) {
        for (at = 0; p->slab[at]; at++)
            ;
        gen = p->gone[at];
        p->n_holes--;
    } else {
        p->n_slabs++;
    }
    p->slab[at] = slab;
    p->gone[at] = 0;
    for (uint32_t i = 0; i <= p->slab_mask; i++)
        *pool_word(p, at << p->slab_shift | i) = i < p->per_slab ? gen << 1 : 0;
    p->newest = at;
    p->fresh = p->per_slab;
    return true;
}

/** used_of() - how many objects of a slab have ever been used, the first ones */
static uint32_t used_of(const struct pool *p, uint32_t slab)
{
    return p->per_slab - (slab == p->newest ? p->fresh : 0);
}

/** shed_slab() - back with it, if nothing lives in it */
static bool shed_slab(struct pool *p, uint32_t slab)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < p->per_slab; i++) {
        uint32_t word = *pool_word(p, slab << p->slab_shift | i);

        if (word & 1)
            return false;
        most = max_u32(most, word >> 1);
    }
    p->gone[slab] = most; /* those of free objects are the next ones, which name nothing yet */
    if (slab == p->newest)
        p->fresh = 0;
    mem_free(p->mem, p->slab[slab], p->slab_bytes);
    p->slab[slab] = NULL;
    p->n_holes++;
    return true;
}

void pool_shed(struct pool *p)
{
    bool any = false;

    for (uint32_t s = 0; s < p->n_slabs; s++)
        any |= p->slab[s] && shed_slab(p, s);
    if (!any)
        return;
    /* chain anew what is left, first slabs first: what is used from now on lets the others empty */
    p->free_head = 0;
    for (uint32_t s = p->n_slabs; s-- > 0;) {
        for (uint32_t i = p->slab[s] ? used_of(p, s) : 0; i-- > 0;) {
            uint32_t index = s << p->slab_shift | i;

            if (*pool_word(p, index) & 1)
                continue;
            memcpy(pool_at(p, index), &p->free_head, sizeof(p->free_head));
            p->free_head = index + 1;
        }
    }
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
        index = p->newest << p->slab_shift | (p->per_slab - p->fresh);
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
        uint32_t n = p->slab[slab] ? used_of(p, slab) : 0;

        for (; in < n; in++)
            if (*pool_word(p, slab << p->slab_shift | in) & 1)
                return slab << p->slab_shift | in;
    }
    return UINT32_MAX;
}
