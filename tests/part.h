/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests that take minutes do a part of their work when `tools/run_tests.py --small` asks for
 * it, and say how much: another build does all of it. */
#ifndef GN_TESTS_PART_H
#define GN_TESTS_PART_H

#include <stddef.h>
#include <stdlib.h>

/** part() - how many of @whole to do, @small or all */
static inline size_t part(size_t small, size_t whole)
{
    const char *asked = getenv("GN_SMALL");

    return asked && *asked ? small : whole;
}

#endif
