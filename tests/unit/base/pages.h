/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.h  A page source for tests: aligned malloc that counts, and can be told to run dry.
 */
#ifndef GN_TESTS_BASE_PAGES_H
#define GN_TESTS_BASE_PAGES_H

#include <gannet/types.h>

#include <stdlib.h>

struct pages {
    size_t out;     /* octets handed out */
    long calls;     /* of alloc */
    long fail_from; /* the call from which on alloc fails, 0: never */
    long fail_n;    /* so many calls fail then, 0: all that follow */
};

static inline void *pages_alloc(void *ctx, size_t bytes)
{
    struct pages *p = ctx;

    p->calls++;
    if (p->fail_from && p->calls >= p->fail_from &&
        (!p->fail_n || p->calls < p->fail_from + p->fail_n))
        return NULL;
    p->out += bytes;
    return aligned_alloc(bytes < 4096 ? 64 : 4096, bytes);
}

static inline void pages_free(void *ctx, void *block, size_t bytes)
{
    struct pages *p = ctx;

    p->out -= bytes;
    free(block);
}

static inline struct gn_page_source pages_source(struct pages *p)
{
    return (struct gn_page_source){.alloc = pages_alloc, .free = pages_free, .ctx = p};
}

#endif
