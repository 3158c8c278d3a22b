/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file catch.h  Assertions that do not hold, as results: for explorers, which put the memory back
 * afterwards anyway.
 */
#ifndef GN_LAB_CATCH_H
#define GN_LAB_CATCH_H

#include <stdbool.h>

/** catch_panic() - call fn(ctx); false: gn_panic() ended it, and @what (@room octets) says why */
bool catch_panic(void (*fn)(void *ctx), void *ctx, char *what, unsigned room);

#endif
