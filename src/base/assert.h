/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file assert.h  Assertions, on in release: they judge our own code, never bytes from the wire.
 */
#ifndef GN_BASE_ASSERT_H
#define GN_BASE_ASSERT_H

#include <gannet/types.h> /* gn_panic() */

#define ASSERT(c) ((c) ? (void)0 : gn_panic(__FILE__, __LINE__, #c))

/* a place that our own logic never reaches */
#define UNREACHABLE(what) gn_panic(__FILE__, __LINE__, what)

/* Costly checks (walks): in test builds only. */
#ifdef GN_DASSERT
#define DASSERT(c) ASSERT(c)
#else
#define DASSERT(c) ((void)0)
#endif

#endif
