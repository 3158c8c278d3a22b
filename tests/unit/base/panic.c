/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file panic.c  The panic hook of the test program: say where, and die so that tests can expect
 * it.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void gn_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}
