/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sort.h  Sorting in place: O(n log n) whatever the order was, no memory, not stable.
 */
#ifndef GN_EXPLAIN_SORT_H
#define GN_EXPLAIN_SORT_H

#include <stdbool.h>
#include <stddef.h>

#define SORT_ITEM_MAX 32

/** sort() - @n items of @size octets (SORT_ITEM_MAX at most) so that none comes @before the one
 * that precedes it */
void sort(void *items, size_t n, size_t size, bool (*before)(const void *a, const void *b));

#endif
