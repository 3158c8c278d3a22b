/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "both.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct both both;

void both_add(const struct door *d, const char *text)
{
    unsigned who = (unsigned)(d - doors);

    cr_assert_lt(both.n[who], BOTH_LINES);
    both.line[who][both.n[who]++] = strdup(text);
}

void both_forget(void)
{
    for (unsigned who = 0; who < 2; who++)
        while (both.n[who] > 0)
            free(both.line[who][--both.n[who]]);
}
