/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/seq.h"

#include <criterion/criterion.h>

Test(seq, order_survives_the_wrap)
{
    seq_t before = seq(0xfffffff0), after = seq(0x10);

    cr_assert(seq_lt(before, after));
    cr_assert(seq_gt(after, before));
    cr_assert_eq(seq_diff(after, before), 0x20);
    cr_assert_eq(seq_diff(before, after), -0x20);
    cr_assert(seq_eq(seq_add(before, 0x20), after));
}

Test(seq, in_is_half_open)
{
    cr_assert(seq_in(seq(0xffffffff), seq(0xffffffff), 2));
    cr_assert(seq_in(seq(0), seq(0xffffffff), 2));
    cr_assert_not(seq_in(seq(1), seq(0xffffffff), 2));
    cr_assert_not(seq_in(seq(5), seq(5), 0));
}
