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
 * address, whose low six bits (blocks are 64-aligned) hold the class and whether it is a chunk. So
 * nothing is hidden in the blocks themselves, a power of two stays one, and mem_fini() finds all of
 * them.
 *
 * Chunks do not count what is out of them, or each free would have to find its chunk. When the
 * source gives nothing more a sweep counts: pools give empty slabs up, the free lists are walked,
 * and chunks that are free as a whole go back. A sweep costs a step for each free block, so it
 * comes when an eighth more is free than the last one left, or when failures have saved the steps
 * up: each free and each failure pays for a few. What it leaves is free within chunks that are in
 * use: blocks of a larger class are split then, since a chunk need not be of one class.
 *
 * Under AddressSanitizer what is free, and what lies beyond the octets asked for, is poisoned.
 */
#include "base/mem.h"

#include "base/bits.h"
#include "base/pool.h"

#define MEM_KEEP       4  /* free blocks kept of each large class */
#define MEM_SOURCE_MIN 12 /* smallest block of the source, log2 */
#define MEM_CHUNK_MIN  14 /* first chunk of a class, log2 */
#define MEM_CHUNK_MAX  21
#define MEM_CHUNK_SLOW 16 /* so many chunks of a size: what is not cut is a sixteenth or less */
#define MEM_CHUNK_CUTS 3  /* a chunk gives 2^3 objects at least, while it may */
#define MEM_CHUNK_PART 6  /* of the budget, 2^-6, is the most for one chunk */
#define MEM_CLASS_BITS 31 /* of a table entry */
#define MEM_CHUNK      32 /* in a table entry: it is cut */
#define MEM_LOW_BITS   63

#define SWEEP_FAILED   64 /* steps of a sweep that a failure pays for */
#define SWEEP_ASKED    8  /* and a call of mem_sweep() */

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

    while ((m->table[hole] & ~(uintptr_t)MEM_LOW_BITS) != at) {
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
    ASSERT(((uintptr_t)p & MEM_LOW_BITS) == 0);
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

/** table_bytes() - of the block that the table is in: its second half is for sweeps */
static size_t table_bytes(uint32_t cap)
{
    return (size_t)cap * 2 * sizeof(uintptr_t);
}

/** table_room() - make sure that one more block can be written down; at most half is ever full */
static bool table_room(struct mem *m)
{
    uint32_t old_cap = m->cap_table;
    uintptr_t *old = m->table;
    unsigned class = MEM_SOURCE_MIN;
    uint32_t cap;
    void *p;

    if (m->n_table < old_cap / 2)
        return true;
    if (old)
        class = mem_class(table_bytes(old_cap)) + 1;
    p = source_take(m, class);
    if (!p)
        return false;
    cap = (uint32_t)(((size_t)1 << class) / table_bytes(1));
    memset(p, 0, cap * sizeof(*m->table));
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

/** block_take() - a source block, written down; @kind: MEM_CHUNK or 0 */
static void *block_take(struct mem *m, unsigned class, unsigned kind)
{
    void *p;

    if (!table_room(m))
        return NULL;
    p = source_take(m, class);
    if (p)
        table_put(m, (uintptr_t)p | kind | class);
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

/** What a sweep finds, in the second half of the table's block. */
struct sweep {
    uintptr_t *chunk; /* entries of the table, by address */
    uint32_t *free;   /* octets of each that are free */
    uint32_t n, last; /* chunks, and which was the last one found */
};

/** sweep_begin() - all chunks, sorted (a shell sort) */
static struct sweep sweep_begin(struct mem *m)
{
    struct sweep s = {.chunk = m->table + m->cap_table};

    s.free = (uint32_t *)(void *)(s.chunk + m->cap_table / 2);
    for (uint32_t i = 0; i < m->cap_table; i++)
        if (m->table[i] & MEM_CHUNK)
            s.chunk[s.n++] = m->table[i];
    for (uint32_t gap = s.n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < s.n; i++) {
            uintptr_t e = s.chunk[i];
            uint32_t j = i;

            for (; j >= gap && s.chunk[j - gap] > e; j -= gap)
                s.chunk[j] = s.chunk[j - gap];
            s.chunk[j] = e;
        }
    }
    memset(s.free, 0, s.n * sizeof(*s.free));
    return s;
}

/** chunk_bytes() - size of the chunk with table entry @e */
static uint32_t chunk_bytes(uintptr_t e)
{
    return (uint32_t)1 << (e & MEM_CLASS_BITS);
}

/** sweep_chunk() - number of the chunk that @p is in */
static uint32_t sweep_chunk(struct sweep *s, const void *p)
{
    uintptr_t at = (uintptr_t)p | MEM_LOW_BITS;
    uint32_t from = 0, to = s->n, mid = s->last;

    /* neighbours in a list are often neighbours in memory */
    if (at - (s->chunk[mid] & ~(uintptr_t)MEM_LOW_BITS) < chunk_bytes(s->chunk[mid]))
        return mid;
    while (to - from > 1) {
        mid = from + (to - from) / 2;
        if (s->chunk[mid] <= at)
            from = mid;
        else
            to = mid;
    }
    ASSERT(at - (s->chunk[from] & ~(uintptr_t)MEM_LOW_BITS) < chunk_bytes(s->chunk[from]));
    s->last = from;
    return from;
}

/** sweep_count() - how much of each chunk is free; is there one that is wholly? */
static bool sweep_count(struct mem *m, struct sweep *s)
{
    for (unsigned c = MEM_CLASS_MIN; c <= MEM_CLASS_SMALL; c++) {
        for (void **p = m->free[c]; p; p = *p)
            s->free[sweep_chunk(s, p)] += (uint32_t)1 << c;
        if (m->cut[c] != m->cut_end[c])
            s->free[sweep_chunk(s, m->cut[c])] += (uint32_t)(m->cut_end[c] - m->cut[c]);
    }
    for (uint32_t i = 0; i < s->n; i++)
        if (s->free[i] == chunk_bytes(s->chunk[i]))
            return true;
    return false;
}

/** sweep_dead() - is @p in a chunk that goes back? */
static bool sweep_dead(struct sweep *s, const void *p)
{
    uint32_t i = sweep_chunk(s, p);

    return s->free[i] == chunk_bytes(s->chunk[i]);
}

/** sweep_out() - what is free as a whole leaves the lists and goes back */
static void sweep_out(struct mem *m, struct sweep *s)
{
    for (unsigned c = MEM_CLASS_MIN; c <= MEM_CLASS_SMALL; c++) {
        void **link = &m->free[c];

        while (*link) {
            void **p = *link;

            if (sweep_dead(s, p)) {
                *link = *p;
                m->n_free[c]--;
            } else {
                link = p;
            }
        }
        if (m->cut[c] != m->cut_end[c] && sweep_dead(s, m->cut[c]))
            m->cut[c] = m->cut_end[c] = NULL;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        uintptr_t at = s->chunk[i] & ~(uintptr_t)MEM_LOW_BITS;

        if (s->free[i] != chunk_bytes(s->chunk[i]))
            continue;
        table_del(m, at);
        source_give(m, (void *)at, s->chunk[i] & MEM_CLASS_BITS);
    }
}

/** count_free() - octets that are taken and in no use, but for large blocks; @ret_steps: how many
 * there are to be looked at */
static uint64_t count_free(const struct mem *m, uint64_t *ret_steps)
{
    uint64_t octets = 0, steps = 0;

    for (unsigned c = MEM_CLASS_MIN; c <= MEM_CLASS_SMALL; c++) {
        octets += ((uint64_t)m->n_free[c] << c) + (uint64_t)(m->cut_end[c] - m->cut[c]);
        steps += m->n_free[c];
    }
    for (const struct pool *p = m->pools; p; p = p->next) {
        uint32_t n = pool_spare(p);

        octets += (uint64_t)n * p->object_bytes;
        steps += n;
    }
    *ret_steps = steps;
    return octets;
}

/** sweep_due() - may a sweep be worth its steps? @credit: so many are paid for now */
static bool sweep_due(struct mem *m, uint32_t credit)
{
    uint64_t steps, octets = count_free(m, &steps);

    m->stuck = min_u64(m->stuck, octets);
    m->credit = min_u32(m->credit, UINT32_MAX / 2) + credit;
    if (octets < (uint64_t)1 << MEM_SOURCE_MIN)
        return false;
    return octets - m->stuck > m->stuck / 8 || m->credit >= steps;
}

/** sweep() - see above; did something go back to the source? */
static bool sweep(struct mem *m, uint32_t credit)
{
    uint64_t before = m->taken, steps;
    struct sweep s;

    if (!m->table || !sweep_due(m, credit))
        return false;
    for (struct pool *p = m->pools; p; p = p->next)
        pool_shed(p);
    s = sweep_begin(m);
    if (s.n > 0 && sweep_count(m, &s))
        sweep_out(m, &s);
    m->stuck = count_free(m, &steps);
    m->credit = 0;
    return m->taken < before;
}

void mem_sweep(struct mem *m)
{
    (void)give_kept(m);
    (void)sweep(m, SWEEP_ASKED);
}

/** relieve() - can what the source has refused be asked for again? */
static bool relieve(struct mem *m)
{
    return give_kept(m) || sweep(m, SWEEP_FAILED);
}

/** chunk_class() - how large the next chunk of a small class should be, log2 */
static unsigned chunk_class(const struct mem *m, unsigned class)
{
    unsigned want =
        max_u32(class + MEM_CHUNK_CUTS, MEM_CHUNK_MIN) + m->chunks[class] / MEM_CHUNK_SLOW;
    unsigned most = 63 - (unsigned)__builtin_clzll(m->budget >> MEM_CHUNK_PART | 1);

    want = min_u32(want, min_u32(most, MEM_CHUNK_MAX));
    return max_u32(want, max_u32(class, MEM_SOURCE_MIN));
}

/** refill() - a new chunk to cut @class from; false: out of memory */
static bool refill(struct mem *m, unsigned class)
{
    unsigned least = max_u32(class, MEM_SOURCE_MIN);

    do {
        for (unsigned c = chunk_class(m, class); c >= least; c--) {
            uint8_t *p = block_take(m, c, MEM_CHUNK);

            if (p) {
                POISON(p, (size_t)1 << c);
                m->cut[class] = p;
                m->cut_end[class] = p + ((size_t)1 << c);
                if (m->chunks[class] < UINT8_MAX)
                    m->chunks[class]++;
                return true;
            }
        }
    } while (relieve(m));
    return false;
}

/** split() - a free block of the next larger class that has one is what @class is cut from; false:
 * there is none */
static bool split(struct mem *m, unsigned class)
{
    for (unsigned c = class + 1; c <= MEM_CLASS_SMALL; c++) {
        uint8_t *p;

        if (m->free[c]) {
            p = pop(m, c);
        } else if (m->cut[c] != m->cut_end[c]) {
            p = m->cut[c];
            m->cut[c] += (size_t)1 << c;
        } else {
            continue;
        }
        POISON(p, (size_t)1 << c);
        m->cut[class] = p;
        m->cut_end[class] = p + ((size_t)1 << c);
        return true;
    }
    return false;
}

void *mem_alloc_slow(struct mem *m, unsigned class)
{
    uint8_t *p;

    if (class > MEM_CLASS_SMALL) {
        do
            p = block_take(m, class, 0);
        while (!p && relieve(m));
        return p;
    }
    if (m->cut[class] == m->cut_end[class] && !refill(m, class) && !split(m, class))
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

            source_give(m, (void *)(e & ~(uintptr_t)MEM_LOW_BITS), class);
        }
    }
    if (m->table)
        source_give(m, m->table, mem_class(table_bytes(m->cap_table)));
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
