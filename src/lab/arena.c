/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arena.c  See arena.h.
 */
#include "lab/arena.h"

#include "base/poison.h"

#include <stdlib.h>
#include <string.h>

#define GRANULE 1024
#define CLASSES 32

/** At the beginning of the region, so that it is restored with the rest. */
struct head {
    size_t used;
    void *free[CLASSES]; /* blocks given back, by the logarithm of their size */
};

/** Granules that lie side by side. */
struct run {
    uint32_t first, n;
};

/** A set of granules. */
struct set {
    bool *in;
    size_t n, n_run;
    struct run *run;
};

struct arena {
    uint8_t *region, *first; /* first: how it was at arena_begin() */
    size_t size, most;       /* most: octets that were ever in use */
    struct set hot;          /* what has ever differed: copied */
    struct set given;        /* what was ever poisoned because it was given back */
};

/** What is copied by one assignment. */
struct __attribute__((may_alias)) piece {
    uint64_t word[8];
};

/** head() - of the region */
static struct head *head(const struct arena *a)
{
    return (struct head *)(void *)a->region;
}

/** set_init() - empty; false: no memory */
static bool set_init(struct set *s, const struct arena *a)
{
    s->in = calloc(a->size / GRANULE, sizeof *s->in);
    s->run = calloc(a->size / GRANULE, sizeof *s->run);
    return s->in && s->run;
}

/** set_free() */
static void set_free(struct set *s)
{
    free(s->in);
    free(s->run);
}

/** set_add() - granule @i; set_runs() is due after it */
static void set_add(struct set *s, size_t i)
{
    s->n += !s->in[i];
    s->in[i] = true;
}

/** set_runs() - find them, if more than @before granules are in it by now */
static void set_runs(struct set *s, size_t before, const struct arena *a)
{
    if (s->n == before)
        return;
    s->n_run = 0;
    for (uint32_t i = 0; i < a->size / GRANULE; i++) {
        if (!s->in[i])
            continue;
        if (i == 0 || !s->in[i - 1])
            s->run[s->n_run++] = (struct run){.first = i};
        s->run[s->n_run - 1].n++;
    }
}

struct arena *arena_new(size_t bytes)
{
    struct arena *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->size = (bytes + 4095) / 4096 * 4096;
    a->region = aligned_alloc(4096, a->size);
    a->first = malloc(a->size);
    if (!a->region || !a->first || !set_init(&a->hot, a) || !set_init(&a->given, a)) {
        arena_free(a);
        return NULL;
    }
    memset(a->region, 0, a->size);
    head(a)->used = 4096;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    if (a->region)
        UNPOISON(a->region, a->size);
    free(a->region);
    free(a->first);
    set_free(&a->hot);
    set_free(&a->given);
    free(a);
}

/** class_of() - logarithm of a block size, which is a power of two */
static unsigned class_of(size_t bytes)
{
    return (unsigned)__builtin_ctzll(bytes);
}

/** arena_alloc() - of a page source */
static void *arena_alloc(void *ctx, size_t bytes)
{
    struct arena *a = ctx;
    struct head *h = head(a);
    void **block = h->free[class_of(bytes)];

    if (block) {
        h->free[class_of(bytes)] = *block;
        return block;
    }
    if (a->size - h->used < bytes)
        return NULL;
    block = (void **)(void *)(a->region + h->used);
    h->used += bytes;
    return block;
}

/** arena_give_back() - of a page source */
static void arena_give_back(void *ctx, void *block, size_t bytes)
{
    struct arena *a = ctx;

    UNPOISON(block, bytes);
    *(void **)block = head(a)->free[class_of(bytes)];
    head(a)->free[class_of(bytes)] = block;
}

struct gn_page_source arena_source(struct arena *a)
{
    return (struct gn_page_source){.alloc = arena_alloc, .free = arena_give_back, .ctx = a};
}

void arena_begin(struct arena *a)
{
    UNPOISON(a->region, a->size);
    memcpy(a->first, a->region, a->size);
    memset(a->hot.in, 0, a->size / GRANULE * sizeof *a->hot.in);
    a->hot.n = a->hot.n_run = 0;
}

void arena_rewind(struct arena *a)
{
    size_t used = head(a)->used > a->most ? head(a)->used : a->most;

    UNPOISON(a->region, used);
    memcpy(a->region, a->first, used);
    a->most = used;
}

void arena_heat(struct arena *a, const void *p, size_t len)
{
    size_t at = (size_t)((const uint8_t *)p - a->region), before = a->hot.n;

    for (size_t i = at / GRANULE; i <= (at + len - 1) / GRANULE; i++)
        set_add(&a->hot, i);
    set_runs(&a->hot, before, a);
}

/** scan_given() - which granules are poisoned by now? Then all may be looked at */
static void scan_given(struct arena *a)
{
    size_t before = a->given.n;

    for (size_t i = 0; i < head(a)->used / GRANULE; i++)
        if (!a->given.in[i] && POISONED(a->region + i * GRANULE, GRANULE))
            set_add(&a->given, i);
    set_runs(&a->given, before, a);
    for (const struct run *r = a->given.run; r < a->given.run + a->given.n_run; r++)
        UNPOISON(a->region + (size_t)r->first * GRANULE, r->n * GRANULE);
}

size_t arena_scan(struct arena *a)
{
    size_t before = a->hot.n;

    scan_given(a);
    for (size_t i = 0; i < head(a)->used / GRANULE; i++)
        if (!a->hot.in[i] && memcmp(a->region + i * GRANULE, a->first + i * GRANULE, GRANULE) != 0)
            set_add(&a->hot, i);
    set_runs(&a->hot, before, a);
    return a->hot.n - before;
}

size_t arena_snapshot_bytes(const struct arena *a)
{
    return a->hot.n * GRANULE;
}

/** copy() - @n granules, without AddressSanitizer's look at each octet's shadow: half of a search
 * would be spent with that */
UNCHECKED static void copy(void *to, const void *from, size_t n)
{
    volatile struct piece *t = to; /* or compilers make it a memcpy(), which looks */
    const struct piece *f = from;

    for (size_t i = 0; i < n * (GRANULE / sizeof *t); i++)
        t[i] = f[i];
}

void arena_save(const struct arena *a, uint8_t *snapshot)
{
    const struct set *s = &a->hot;

    for (const struct run *r = s->run; r < s->run + s->n_run; snapshot += r++->n * GRANULE)
        copy(snapshot, a->region + (size_t)r->first * GRANULE, r->n);
}

void arena_restore(struct arena *a, const uint8_t *snapshot)
{
    const struct set *s = &a->given;

    for (const struct run *r = s->run; r < s->run + s->n_run; r++)
        UNPOISON(a->region + (size_t)r->first * GRANULE, r->n * GRANULE);
    s = &a->hot;
    for (const struct run *r = s->run; r < s->run + s->n_run; snapshot += r++->n * GRANULE)
        copy(a->region + (size_t)r->first * GRANULE, snapshot, r->n);
}
