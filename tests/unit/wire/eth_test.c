/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/eth.h"

#include "unit/wire/support.h"

#include <criterion/criterion.h>

static const uint8_t good[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd};

Test(eth, parse_and_emit_are_inverse)
{
    struct eth e;
    uint8_t p[ETH_HEADER];

    cr_assert_eq(eth_parse(good, sizeof good, &e), GN_DROP_NONE);
    cr_assert_eq(e.type, ETH_IPV6);
    cr_assert_eq(e.dst[0], 1);
    cr_assert_eq(e.src[0], 7);
    cr_assert_eq(eth_emit(&e, p), ETH_HEADER);
    cr_assert_arr_eq(p, good, sizeof good);
}

Test(eth, truncated)
{
    for (uint32_t len = 0; len < sizeof good; len++) {
        struct eth e;
        uint8_t *p = exact(good, len);
        spoil(&e, sizeof e);
        cr_assert_eq(eth_parse(p, len, &e), GN_DROP_LINK_TRUNCATED);
        cr_assert(untouched(&e, sizeof e));
        free(p);
    }
}
