/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mem.c  Power-of-two blocks over the caller's page source.
 *
 * Small classes (up to 2^16) are cut off chunks: first from the class's free list, else from the
 * uncut rest of its newest chunk, else from a new chunk. Chunks begin small and grow with the
 * class, so that a small host stays small and a large one asks its source seldom; when the budget
 * does not allow the wanted size, ever smaller ones are tried. Large classes are one source block
 * each; up to MEM_KEEP of a class stay with us when freed, and go back to the source first when
 * anything else runs out.
 *
 * Every block taken from the source is written down in an open-addressing table keyed by its
 * address, whose low six bits (blocks are 64-aligned) hold the class. So nothing is hidden in the
 * blocks themselves, a power of two stays one, and mem_fini() finds all of them.
 *
 * Under AddressSanitizer what is free, and what lies beyond the octets asked for, is poisoned.
 */
#include "base/mem.h"

#include "base/bits.h"

#define MEM_KEEP       4  /* free blocks kept of each large class */
#define MEM_SOURCE_MIN 12 /* smallest block of the source, log2 */
#define MEM_CHUNK_MIN  14 /* first chunk of a class, log2 */
#define MEM_CHUNK_MAX  21
#define MEM_CHUNK_SLOW 16 /* so many chunks of a size: what is not cut is a sixteenth or less */
#define MEM_CHUNK_CUTS 3  /* a chunk gives 2^3 objects at least, while it may */
#define MEM_CLASS_BITS 63 /* of a table entry */

size_t mem_size(size_t bytes)
{
    return (size_t)1 << mem_class(bytes);
}

/** table_slot() - where the search for block address @at begins */
static inline uint32_t table_slot(const struct mem *m, uintptr_t at)
{
    return (uint32_t)(((uint64_t)(at >> MEM_CLASS_MIN) * 0x9e3779b97f4a7c15u) >> 32) &
           (m->cap_table - 1);
}

/** table_put() - write a block down; there is room */
static void table_put(struct mem *m, uintptr_t entry)
{
    uint32_t i = table_slot(m, entry);

    while (m->table[i])
        i = (i + 1) & (m->cap_table - 1);
    m->table[i] = entry;
    m->n_table++;
}

/** table_del() - forget the block at @at, and move up what was displaced past it */
static void table_del(struct mem *m, uintptr_t at)
{
    uint32_t mask = m->cap_table - 1, hole = table_slot(m, at);

    while ((m->table[hole] & ~(uintptr_t)MEM_CLASS_BITS) != at) {
        ASSERT(m->table[hole]);
        hole = (hole + 1) & mask;
    }
    for (uint32_t i = (hole + 1) & mask; m->table[i]; i = (i + 1) & mask) {
        uint32_t home = table_slot(m, m->table[i]);

        /* may the entry at i live in the hole? only if its home is not between the two */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->table[hole] = m->table[i];
            hole = i;
        }
    }
    m->table[hole] = 0;
    m->n_table--;
}

/** source_take() - a block of 2^@class octets within budget, not written down; NULL: none */
static void *source_take(struct mem *m, unsigned class)
{
    uint64_t bytes = (uint64_t)1 << class;
    void *p;

    if (m->taken > m->budget || bytes > m->budget - m->taken)
        return NULL;
    p = m->src.alloc(m->src.ctx, (size_t)bytes);
    if (!p)
        return NULL;
    ASSERT(((uintptr_t)p & MEM_CLASS_BITS) == 0);
    m->taken += bytes;
    m->peak = max_u64(m->peak, m->taken);
    return p;
}

/** source_give() - the reverse of source_take() */
static void source_give(struct mem *m, void *p, unsigned class)
{
    size_t bytes = (size_t)1 << class;

    UNPOISON(p, bytes);
    m->src.free(m->src.ctx, p, bytes);
    m->taken -= bytes;
}

/** table_room() - make sure that one more block can be written down; at most three quarters are
 * ever full */
static bool table_room(struct mem *m)
{
    uint32_t old_cap = m->cap_table;
    uintptr_t *old = m->table;
    unsigned class = MEM_SOURCE_MIN;
    uint32_t cap;
    void *p;

    if (m->n_table < old_cap / 4 * 3)
        return true;
    if (old)
        class = mem_class(old_cap * sizeof(*old)) + 1;
    p = source_take(m, class);
    if (!p)
        return false;
    cap = (uint32_t)(((size_t)1 << class) / sizeof(*m->table));
    memset(p, 0, (size_t)1 << class);
    m->table = p;
    m->cap_table = cap;
    m->n_table = 0;
    if (old) {
        for (uint32_t i = 0; i < old_cap; i++)
            if (old[i])
                table_put(m, old[i]);
        source_give(m, old, class - 1);
    }
    return true;
}

/** block_take() - a source block, written down */
static void *block_take(struct mem *m, unsigned class)
{
    void *p;

    if (!table_room(m))
        return NULL;
    p = source_take(m, class);
    if (p)
        table_put(m, (uintptr_t)p | class);
    return p;
}

/** pop() - the block freed last of a class, which has one */
static inline void *pop(struct mem *m, unsigned class)
{
    void *p = m->free[class];

    m->free[class] = *(void **)p;
    m->n_free[class]--;
    return p;
}

/** give_kept() - all kept large blocks go back to the source; was there one? At most MEM_KEEP a
 * class. */
static bool give_kept(struct mem *m)
{
    bool any = false;

    for (unsigned c = MEM_CLASS_SMALL + 1; c <= MEM_CLASS_MAX; c++) {
        while (m->free[c]) {
            void *p = pop(m, c);

            table_del(m, (uintptr_t)p);
            source_give(m, p, c);
            any = true;
        }
    }
    return any;
}

/** chunk_class() - how large the next chunk of a small class should be, log2 */
static unsigned chunk_class(const struct mem *m, unsigned class)
{
    unsigned want =
        max_u32(class + MEM_CHUNK_CUTS, MEM_CHUNK_MIN) + m->chunks[class] / MEM_CHUNK_SLOW;

    return min_u32(want, MEM_CHUNK_MAX);
}

/** refill() - a new chunk to cut @class from; false: out of memory */
static bool refill(struct mem *m, unsigned class)
{
    unsigned least = max_u32(class, MEM_SOURCE_MIN);

    do {
        for (unsigned c = chunk_class(m, class); c >= least; c--) {
            uint8_t *p = block_take(m, c);

            if (p) {
                POISON(p, (size_t)1 << c);
                m->cut[class] = p;
                m->cut_end[class] = p + ((size_t)1 << c);
                if (m->chunks[class] < UINT8_MAX)
                    m->chunks[class]++;
                return true;
            }
        }
    } while (give_kept(m));
    return false;
}

void *mem_alloc_slow(struct mem *m, unsigned class)
{
    uint8_t *p;

    if (class > MEM_CLASS_SMALL) {
        p = block_take(m, class);
        if (!p && give_kept(m))
            p = block_take(m, class);
        return p;
    }
    if (m->cut[class] == m->cut_end[class] && !refill(m, class))
        return NULL;
    p = m->cut[class];
    m->cut[class] += (size_t)1 << class;
    return p;
}

void mem_set_budget(struct mem *m, uint64_t budget)
{
    m->budget = budget;
    m->most = budget - budget / 8;
}

void mem_init(struct mem *m, struct gn_page_source src, uint64_t budget)
{
    memset(m, 0, sizeof(*m));
    m->src = src;
    mem_set_budget(m, budget);
}

void mem_fini(struct mem *m)
{
    for (uint32_t i = 0; i < m->cap_table; i++) {
        uintptr_t e = m->table[i];

        if (e) {
            unsigned class = e & MEM_CLASS_BITS;

            source_give(m, (void *)(e - class), class);
        }
    }
    if (m->table)
        source_give(m, m->table, mem_class(m->cap_table * sizeof(*m->table)));
    ASSERT(m->taken == 0);
    mem_init(m, m->src, m->budget);
}

void mem_give_large(struct mem *m, void *p, unsigned class)
{
    if (m->n_free[class] < MEM_KEEP) {
        mem_keep(m, p, class);
        return;
    }
    m->used -= (uint64_t)1 << class;
    table_del(m, (uintptr_t)p);
    source_give(m, p, class);
}
