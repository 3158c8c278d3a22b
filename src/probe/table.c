/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table.c  See table.h.
 */
#include "probe/table.h"

#include <stdlib.h>

bool table_init(struct table *t, size_t n)
{
    size_t slots = 16;

    while (slots < 2 * n)
        slots *= 2;
    t->slot = calloc(slots, sizeof *t->slot);
    t->mask = slots - 1;
    return t->slot != NULL;
}

/** find() - the slot that holds @key, or the free one where it belongs. The kernel hands numbers
 * out in sequence: neighbours share their cache lines, and the lines are spread */
static struct table_slot *find(const struct table *t, uint64_t key)
{
    size_t line = (size_t)((key >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    size_t at = (line << 4 | (key & 15)) & t->mask;

    while (t->slot[at].key != 0 && t->slot[at].key != key)
        at = (at + 1) & t->mask;
    return &t->slot[at];
}

bool table_put(struct table *t, uint64_t key, uint32_t index)
{
    struct table_slot *s = find(t, key);

    if (s->key != 0)
        return false;
    *s = (struct table_slot){.key = key, .index = index};
    return true;
}

uint32_t table_get(const struct table *t, uint64_t key)
{
    const struct table_slot *s = key != 0 ? find(t, key) : NULL;

    return s != NULL && s->key != 0 ? s->index : UINT32_MAX;
}

void table_free(struct table *t)
{
    free(t->slot);
    t->slot = NULL;
}
