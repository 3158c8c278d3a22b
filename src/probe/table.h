/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file table.h  From a number that names a socket (inode, cookie) to its index. Built once, of a
 * known size, open addressing; the numbers are the kernel's own, so no key guards the hash.
 */
#ifndef GN_PROBE_TABLE_H
#define GN_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t key; /* 0: free */
    uint32_t index;
};

struct table {
    struct table_slot *slot;
    size_t mask;
};

/** table_init() - empty, with room for @n keys; false: no memory */
bool table_init(struct table *t, size_t n);
/** table_put() - @key is not 0; false: it is there already, and stays as it is */
bool table_put(struct table *t, uint64_t key, uint32_t index);
/** table_get() - the index of @key, UINT32_MAX: not there */
uint32_t table_get(const struct table *t, uint64_t key);
void table_free(struct table *t);

#endif
