/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mem.h  Memory of one host: power-of-two blocks over the caller's page source, with a budget
 * and an account.
 *
 * Classes of 2^6 .. 2^16 octets are cut from larger blocks and kept in free lists (last in, first
 * out: what was used last is still in cache); larger ones go to the page source, with a few of each
 * class kept. All is accounted by allocated size. Exhaustion is a normal result: NULL. Before it,
 * what is free goes back to the source wherever a whole block of it is, and larger blocks are
 * split.
 */
#ifndef GN_BASE_MEM_H
#define GN_BASE_MEM_H

#include "base/assert.h"
#include "base/poison.h"

#define MEM_CLASS_MIN   6
#define MEM_CLASS_SMALL 16
#define MEM_CLASS_MAX   30

struct pool;

struct mem {
    struct gn_page_source src;
    uint64_t budget;      /* octets that may be taken from src */
    uint64_t most;        /* seven eighths of it */
    uint64_t taken, peak; /* octets taken from src now, at most */
    uint64_t used;        /* octets handed out now, by class size */
    void *free[MEM_CLASS_MAX + 1];
    uint32_t n_free[MEM_CLASS_MAX + 1];
    uint8_t *cut[MEM_CLASS_SMALL + 1]; /* small classes: uncut rest of the newest chunk */
    uint8_t *cut_end[MEM_CLASS_SMALL + 1];
    uint8_t chunks[MEM_CLASS_SMALL + 1]; /* chunks taken so far, UINT8_MAX at most */
    uintptr_t *table; /* all blocks taken from src: address | kind | class; 0: empty */
    uint32_t n_table, cap_table;
    struct pool *pools; /* that have slabs */
    uint64_t stuck;  /* octets that were free after the last sweep, or fewer if fewer were since */
    uint32_t credit; /* steps that a sweep may take now */
};

/** mem_short() - no buffer shall grow: more than seven eighths of the budget are handed out, or
 * taken and, though swept, in blocks of sizes that may be the wrong ones, with half of it handed
 * out */
static inline bool mem_short(const struct mem *m)
{
    return m->used > m->most || (m->taken > m->most && m->used > m->budget / 2);
}

void mem_init(struct mem *m, struct gn_page_source src, uint64_t budget);
/** mem_set_budget() - another one from now on */
void mem_set_budget(struct mem *m, uint64_t budget);
/** mem_fini() - every block goes back to the source, handed out or not */
void mem_fini(struct mem *m);
/** mem_full() - more than seven eighths of the budget are taken: mem_sweep() may help */
static inline bool mem_full(const struct mem *m)
{
    return m->taken > m->most;
}

/** mem_sweep() - slabs and chunks in which nothing is handed out go back. It looks at all that is
 * free, and does nothing as long as that would take more than a few steps for each call or much
 * memory that was given back since the last time */
void mem_sweep(struct mem *m);
/** mem_alloc_slow() - mem_alloc() when no block of @class is free */
__attribute__((noinline)) void *mem_alloc_slow(struct mem *m, unsigned class);
/** mem_give_large() - mem_give() of a block of one of the large classes */
void mem_give_large(struct mem *m, void *p, unsigned class);

/** mem_class() - log2 of the block that holds @bytes */
static inline unsigned mem_class(size_t bytes)
{
    if (bytes <= (size_t)1 << MEM_CLASS_MIN)
        return MEM_CLASS_MIN;
    return 64 - (unsigned)__builtin_clzll((unsigned long long)bytes - 1);
}

/** mem_reuse() - the block of @class that was freed last; NULL: none is free */
static inline void *mem_reuse(struct mem *m, unsigned class)
{
    void *p = m->free[class];

    if (!p)
        return NULL;
    m->free[class] = *(void **)p;
    m->n_free[class]--;
    m->used += (uint64_t)1 << class;
    UNPOISON(p, (size_t)1 << class);
    return p;
}

/** mem_alloc() - at least @bytes (1 .. 2^30), 64-aligned, not cleared; NULL: budget or source
 * exhausted */
static inline void *mem_alloc(struct mem *m, size_t bytes)
{
    unsigned class = mem_class(bytes);
    void *p;

    ASSERT(bytes - 1 < (size_t)1 << MEM_CLASS_MAX);
    p = mem_reuse(m, class);
    if (!p) {
        p = mem_alloc_slow(m, class);
        if (!p)
            return NULL;
        m->used += (uint64_t)1 << class;
    }
    POISON(p, (size_t)1 << class);
    UNPOISON(p, bytes);
    return p;
}

/** mem_keep() - a small block of @class goes back */
static inline void mem_keep(struct mem *m, void *p, unsigned class)
{
    UNPOISON(p, sizeof(void *));
    *(void **)p = m->free[class];
    m->free[class] = p;
    m->n_free[class]++;
    m->used -= (uint64_t)1 << class;
    POISON((uint8_t *)p + sizeof(void *), ((size_t)1 << class) - sizeof(void *));
}

/** mem_give() - mem_free() of something */
static inline void mem_give(struct mem *m, void *p, size_t bytes)
{
    unsigned class = mem_class(bytes);

    if (class <= MEM_CLASS_SMALL)
        mem_keep(m, p, class);
    else
        mem_give_large(m, p, class);
}

/** mem_free() - @bytes as asked for (any number of the same class); @p may be NULL */
static inline void mem_free(struct mem *m, void *p, size_t bytes)
{
    if (p)
        mem_give(m, p, bytes);
}
/** mem_size() - what mem_alloc(bytes) really takes: the next power of two, 64 at least */
size_t mem_size(size_t bytes);

#endif
