/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.h  A page source that counts, and can be told to run dry.
 */
#ifndef GN_LAB_PAGES_H
#define GN_LAB_PAGES_H

#include <gannet/types.h>

struct lab_pages {
    size_t out;         /* octets handed out */
    uint64_t calls;     /* of alloc */
    uint64_t fail_from; /* the call from which on alloc fails, 0: never */
    uint64_t fail_until;
};

/** lab_pages() - blocks of the C library, accounted in @p, which must outlive the host */
struct gn_page_source lab_pages(struct lab_pages *p);

#endif
