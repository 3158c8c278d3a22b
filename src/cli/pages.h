/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file pages.h  What a host of this program is made with: memory and secrets.
 */
#ifndef GN_CLI_PAGES_H
#define GN_CLI_PAGES_H

#include <gannet/host.h>

/** pages_source() - blocks from the C library */
struct gn_page_source pages_source(void);
/** secret_random() - 32 octets from the kernel */
void secret_random(uint8_t ret[32]);
/** secret_seeded() - 32 octets that depend on @seed only, for demonstrations that repeat */
void secret_seeded(uint64_t seed, uint8_t ret[32]);
/** knob_set() - "name=value" into @c; complains (one line) and returns false if it cannot be */
bool knob_set(struct gn_conf *c, const char *assignment);

#endif
