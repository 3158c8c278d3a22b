/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sort.c  Heapsort.
 */
#include "explain/sort.h"

#include <string.h>

/** The heap at work. */
struct heap_of {
    unsigned char *base;
    size_t size;
    bool (*before)(const void *a, const void *b);
};

/** sink() - let item @i find its place among its @n - @i followers */
static void sink(const struct heap_of *h, size_t i, size_t n)
{
    _Alignas(16) unsigned char item[SORT_ITEM_MAX];

    memcpy(item, h->base + i * h->size, h->size);
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && h->before(h->base + child * h->size, h->base + (child + 1) * h->size))
            child++;
        if (!h->before(item, h->base + child * h->size))
            break;
        memcpy(h->base + i * h->size, h->base + child * h->size, h->size);
    }
    memcpy(h->base + i * h->size, item, h->size);
}

void sort(void *items, size_t n, size_t size, bool (*before)(const void *a, const void *b))
{
    struct heap_of h = {items, size, before};
    _Alignas(16) unsigned char last[SORT_ITEM_MAX];

    for (size_t i = n / 2; i-- > 0;)
        sink(&h, i, n);
    for (size_t end = n; end-- > 1;) {
        memcpy(last, h.base + end * size, size);
        memcpy(h.base + end * size, h.base, size);
        memcpy(h.base, last, size);
        sink(&h, 0, end);
    }
}
