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

struct arena {
    uint8_t *region, *first; /* first: how it was at arena_begin() */
    size_t size, most;       /* most: octets that were ever in use */
    bool *hot;
    uint32_t *hot_list;
    size_t n_hot;
};

/** head() - of the region */
static struct head *head(const struct arena *a)
{
    return (struct head *)(void *)a->region;
}

struct arena *arena_new(size_t bytes)
{
    struct arena *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->size = (bytes + 4095) / 4096 * 4096;
    a->region = aligned_alloc(4096, a->size);
    a->first = malloc(a->size);
    a->hot = calloc(a->size / GRANULE, sizeof *a->hot);
    a->hot_list = calloc(a->size / GRANULE, sizeof *a->hot_list);
    if (!a->region || !a->first || !a->hot || !a->hot_list) {
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
    free(a->hot);
    free(a->hot_list);
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
    memset(a->hot, 0, a->size / GRANULE * sizeof *a->hot);
    a->n_hot = 0;
}

void arena_rewind(struct arena *a)
{
    size_t used = head(a)->used > a->most ? head(a)->used : a->most;

    UNPOISON(a->region, used);
    memcpy(a->region, a->first, used);
    a->most = used;
}

/** make_hot() - granule @i */
static void make_hot(struct arena *a, size_t i)
{
    if (a->hot[i])
        return;
    a->hot[i] = true;
    a->hot_list[a->n_hot++] = (uint32_t)i;
}

void arena_heat(struct arena *a, const void *p, size_t len)
{
    size_t at = (size_t)((const uint8_t *)p - a->region);

    for (size_t i = at / GRANULE; i <= (at + len - 1) / GRANULE; i++)
        make_hot(a, i);
}

size_t arena_scan(struct arena *a)
{
    size_t before = a->n_hot;

    UNPOISON(a->region, head(a)->used);
    for (size_t i = 0; i < head(a)->used / GRANULE; i++)
        if (!a->hot[i] && memcmp(a->region + i * GRANULE, a->first + i * GRANULE, GRANULE) != 0)
            make_hot(a, i);
    return a->n_hot - before;
}

size_t arena_snapshot_bytes(const struct arena *a)
{
    return a->n_hot * GRANULE;
}

void arena_save(const struct arena *a, uint8_t *snapshot)
{
    UNPOISON(a->region, head(a)->used);
    for (size_t i = 0; i < a->n_hot; i++)
        memcpy(snapshot + i * GRANULE, a->region + (size_t)a->hot_list[i] * GRANULE, GRANULE);
}

void arena_restore(struct arena *a, const uint8_t *snapshot)
{
    UNPOISON(a->region, head(a)->used);
    for (size_t i = 0; i < a->n_hot; i++)
        memcpy(a->region + (size_t)a->hot_list[i] * GRANULE, snapshot + i * GRANULE, GRANULE);
}
