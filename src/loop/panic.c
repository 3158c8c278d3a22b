/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file panic.c  What a program gets that brings no gn_panic() of its own.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/**
 * gn_panic() - print where the bug was found and abort
 * @file: source file of the assertion
 * @line: its line
 * @what: the condition that did not hold
 *
 * Weak: a definition of the embedder's own wins.
 */
GN_API __attribute__((weak)) _Noreturn void gn_panic(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "gannet: bug at %s:%d: %s\n", file, line, what);
    abort();
}
