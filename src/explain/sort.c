/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sort.c  Heapsort; radix sort for rows.
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

/** digit() - number @i of a row, from the least */
static unsigned digit(const struct sort_row *r, unsigned i)
{
    return i < 8 ? (unsigned)(r->key >> 8 * i & 0xFF) : r->major & 0xFFu;
}

void sort_rows(struct sort_row *rows, struct sort_row *scratch, size_t n)
{
    struct sort_row *from = rows, *to = scratch;

    for (unsigned i = 0; n > 1 && i < 9; i++) {
        size_t begin[256] = {0}, sum = 0;
        for (size_t k = 0; k < n; k++)
            begin[digit(&from[k], i)]++;
        if (begin[digit(&from[0], i)] == n)
            continue; /* all alike */
        for (unsigned d = 0; d < 256; d++) {
            size_t count = begin[d];
            begin[d] = sum;
            sum += count;
        }
        for (size_t k = 0; k < n; k++)
            to[begin[digit(&from[k], i)]++] = from[k];
        struct sort_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, n * sizeof rows[0]);
}
