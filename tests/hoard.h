/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file hoard.h  A test takes all blocks of a size that there is memory for, and gives them back.
 * The budget is the test's to set: before the one, so that there is an end to it, and before the
 * other, so that there is memory again.
 */
#ifndef GN_TESTS_HOARD_H
#define GN_TESTS_HOARD_H

#include "base/mem.h"

#include <criterion/criterion.h>

#define HOARD_MAX 100000

struct hoard {
    struct mem *mem;
    size_t bytes, n;
    void *block[HOARD_MAX];
};

/** hoard_take() - from now on @m has no block of @bytes octets, and had no more than @most, which
 * is below HOARD_MAX. Nothing is hoarded yet */
static inline void hoard_take(struct hoard *h, struct mem *m, size_t bytes, size_t most)
{
    h->mem = m;
    h->bytes = bytes;
    while ((h->block[h->n] = mem_alloc(m, bytes)) != NULL)
        cr_assert_lt(h->n++, most);
}

/** hoard_give() - all goes back */
static inline void hoard_give(struct hoard *h)
{
    while (h->n > 0)
        mem_free(h->mem, h->block[--h->n], h->bytes);
}

#endif
