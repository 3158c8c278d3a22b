/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file sort.h  Sorting in place: O(n log n) whatever the order was, no memory, not stable.
 */
#ifndef GN_EXPLAIN_SORT_H
#define GN_EXPLAIN_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SORT_ITEM_MAX 32

/** sort() - @n items of @size octets (SORT_ITEM_MAX at most) so that none comes @before the one
 * that precedes it */
void sort(void *items, size_t n, size_t size, bool (*before)(const void *a, const void *b));

/** What is sorted in great numbers. */
struct sort_row {
    uint64_t key;
    uint32_t value;
    uint16_t major; /* below 256 */
};

/** sort_rows() - by major, then by key; equal ones keep their order. @scratch: room for @n rows.
 * Cost: O(n) */
void sort_rows(struct sort_row *rows, struct sort_row *scratch, size_t n);

#endif
