/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bits.h"
#include "base/time.h"

#include <criterion/criterion.h>

Test(time, a_zeroed_deadline_is_not_armed)
{
    deadline_t d = {0};

    cr_assert_not(deadline_armed(d));
    cr_assert_not(deadline_due(d, UINT64_MAX));
    cr_assert_not(deadline_public(d).armed);
}

Test(time, min_prefers_what_is_armed)
{
    deadline_t none = deadline_none(), a = deadline_at(100), b = deadline_at(200);

    cr_assert_eq(deadline_min(a, b).raw, a.raw);
    cr_assert_eq(deadline_min(b, a).raw, a.raw);
    cr_assert_eq(deadline_min(none, b).raw, b.raw);
    cr_assert_eq(deadline_min(b, none).raw, b.raw);
    cr_assert_not(deadline_armed(deadline_min(none, none)));
    cr_assert_eq(deadline_min(none, deadline_at(0)).raw, deadline_at(0).raw);
}

Test(time, due_at_its_time)
{
    cr_assert_not(deadline_due(deadline_at(100), 99));
    cr_assert(deadline_due(deadline_at(100), 100));
    cr_assert_eq(deadline_public(deadline_at(100)).at, 100);
}

Test(bits, big_endian_both_ways)
{
    uint8_t b[6];

    cr_assert_eq(put32(put16(b, 0x8001), 0xfedcba98u), b + 6);
    cr_assert_eq(get16(b), 0x8001);
    cr_assert_eq(get32(b + 2), 0xfedcba98u);
    cr_assert_eq(b[0], 0x80);
}
