/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/frag.h"

#include <criterion/criterion.h>

#define TCP 6
#define UDP 17

/** check() - frag_check() in one line */
static enum gn_drop check(uint32_t off, uint32_t len, bool more, uint8_t proto)
{
    struct frag f = {off, len, more};
    return frag_check(&f, proto);
}

Test(frag, good_ones)
{
    cr_assert_eq(check(0, 1480, true, TCP), GN_DROP_NONE);
    cr_assert_eq(check(1480, 1480, true, TCP), GN_DROP_NONE);
    cr_assert_eq(check(2960, 7, false, TCP), GN_DROP_NONE);
    cr_assert_eq(check(65528, 7, false, UDP), GN_DROP_NONE);
    cr_assert_eq(check(8, 8, true, UDP), GN_DROP_NONE);
}

Test(frag, empty_uneven_or_beyond_the_largest_packet)
{
    cr_assert_eq(check(1480, 0, false, UDP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(0, 1479, true, UDP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(65528, 8, false, UDP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(65528, 65535, false, UDP), GN_DROP_FRAG_BAD);
}

/* MAL-57: no tiny first fragment, no second one that rewrites the header (RFC 1858, RFC 3128) */
Test(frag, the_tcp_header_is_in_one_piece)
{
    cr_assert_eq(check(0, 8, true, TCP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(0, 16, true, TCP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(0, 24, true, TCP), GN_DROP_NONE);
    cr_assert_eq(check(8, 1480, false, TCP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(16, 1480, false, TCP), GN_DROP_FRAG_BAD);
    cr_assert_eq(check(24, 1480, false, TCP), GN_DROP_NONE);
}
