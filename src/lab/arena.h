/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file arena.h  A page source over one region of memory, which can be put back to how it was.
 *
 * Theory of operation. A host lives entirely in what its page source gave it, points nowhere else,
 * and does not move. So a copy of the region is the host as a value, and putting the octets back
 * puts the host back. Most of the region never changes while one connection comes and goes:
 * granules that have ever been seen to differ from the beginning are *hot*, and snapshots hold
 * these only. arena_scan() looks for new ones; finding one makes older snapshots worthless, which
 * the caller must act upon. What changes and changes back between two looks escapes it: heads of
 * lists and tables are to be declared hot (arena_heat()). Marks of AddressSanitizer are not put
 * back: what was ever seen to be poisoned may be touched after arena_restore().
 */
#ifndef GN_LAB_ARENA_H
#define GN_LAB_ARENA_H

#include <gannet/types.h>

struct arena;

/** arena_new() - room for @bytes; NULL: no memory */
struct arena *arena_new(size_t bytes);
void arena_free(struct arena *a);
/** arena_source() - blocks of the region */
struct gn_page_source arena_source(struct arena *a);
/** arena_begin() - from now on changes are counted against how the region is at present */
void arena_begin(struct arena *a);
/** arena_rewind() - as it was at arena_begin(), whatever was hot or not */
void arena_rewind(struct arena *a);
/** arena_heat() - @len octets at @p are hot from the beginning; after arena_begin() */
void arena_heat(struct arena *a, const void *p, size_t len);
/** arena_scan() - how many granules have become hot since the last time */
size_t arena_scan(struct arena *a);
/** arena_snapshot_bytes() - what a snapshot takes at present */
size_t arena_snapshot_bytes(const struct arena *a);
/** arena_save() - the hot granules to @snapshot */
void arena_save(const struct arena *a, uint8_t *snapshot);
/** arena_restore() - and back; nothing became hot in between */
void arena_restore(struct arena *a, const uint8_t *snapshot);

#endif
