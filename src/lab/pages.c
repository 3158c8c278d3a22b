/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.c  See pages.h.
 */
#include "lab/pages.h"

#include <stdlib.h>

/** pages_alloc() - of a page source */
static void *pages_alloc(void *ctx, size_t bytes)
{
    struct lab_pages *p = ctx;
    void *block;

    p->calls++;
    if (p->fail_from && p->calls >= p->fail_from && p->calls < p->fail_until)
        return NULL;
    block = aligned_alloc(4096, bytes);
    if (block)
        p->out += bytes;
    return block;
}

/** pages_free() - of a page source */
static void pages_free(void *ctx, void *block, size_t bytes)
{
    struct lab_pages *p = ctx;

    p->out -= bytes;
    free(block);
}

struct gn_page_source lab_pages(struct lab_pages *p)
{
    return (struct gn_page_source){.alloc = pages_alloc, .free = pages_free, .ctx = p};
}
