/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip/route.h"

#include "unit/ip/support.h"

static const struct gn_addr none;

Test(route, longest_prefix_wins_whatever_the_order)
{
    static const unsigned length[] = {0, 24, 8, 32, 16};
    struct route_table t = {0};

    for (unsigned i = 0; i < 5; i++) {
        struct gn_addr dst = v4(10, 1, 2, 3), gw = v4(192, 0, 2, (uint8_t)length[i]);

        if (length[i])
            cr_assert_eq(route_add(&t, 0, &dst, length[i], &gw), GN_OK);
        else
            cr_assert_eq(route_add(&t, 0, &(struct gn_addr){.b = {[10] = 255, 255}}, 0, &gw),
                         GN_OK);
    }
    struct {
        struct gn_addr dst;
        uint8_t want;
    } row[] = {{v4(10, 1, 2, 3), 32},
               {v4(10, 1, 2, 4), 24},
               {v4(10, 1, 3, 3), 16},
               {v4(10, 2, 2, 3), 8},
               {v4(11, 1, 2, 3), 0}};
    for (unsigned i = 0; i < 5; i++)
        cr_assert_eq(route_find(&t, &row[i].dst)->gateway.b[15], row[i].want, "row %u", i);
}

Test(route, ipv6_default_is_not_for_ipv4)
{
    struct route_table t = {0};
    struct gn_addr a = v4(10, 0, 0, 1), b = v6("fd00::1"), gw = v6("fe80::1");

    cr_assert_eq(route_add(&t, 1, &none, 0, &gw), GN_OK);
    cr_assert_null(route_find(&t, &a));
    cr_assert_eq(route_find(&t, &b)->iface, 1);
    cr_assert_not(route_find(&t, &b)->on_link);
}

Test(route, odd_lengths_and_host_bits)
{
    struct route_table t = {0};
    struct gn_addr dst = v4(10, 1, 2, 0x9f), in = v4(10, 1, 2, 0x81), out = v4(10, 1, 2, 0x7f);

    cr_assert_eq(route_add(&t, 0, &dst, 25, &none), GN_OK);
    cr_assert_eq(t.r[0].dst.b[15], 0x80);
    cr_assert(route_find(&t, &in)->on_link);
    cr_assert_null(route_find(&t, &out));
}

Test(route, refused)
{
    struct route_table t = {0};
    struct gn_addr a = v4(10, 0, 0, 1), b = v6("fd00::1");

    cr_assert_eq(route_add(&t, 0, &a, 33, &none), GN_E_INVALID);
    cr_assert_eq(route_add(&t, 0, &b, 129, &none), GN_E_INVALID);
    cr_assert_eq(route_add(&t, 0, &a, 8, &b), GN_E_INVALID, "gateway of the other family");
    cr_assert_eq(t.n, 0);
}

Test(route, same_again_replaces_and_table_is_bounded)
{
    struct route_table t = {0};
    struct gn_addr gw = v4(10, 0, 0, 9), dst;

    for (unsigned i = 0; i < ROUTE_MAX; i++) {
        dst = v4(10, 0, (uint8_t)i, 0);
        cr_assert_eq(route_add(&t, 0, &dst, 24, &none), GN_OK);
    }
    dst = v4(10, 0, 7, 0);
    cr_assert_eq(route_add(&t, 0, &dst, 24, &gw), GN_OK);
    ASSERT_ADDR(route_find(&t, &dst)->gateway, gw);
    cr_assert_eq(t.n, ROUTE_MAX);
    dst = v4(10, 1, 0, 0);
    cr_assert_eq(route_add(&t, 0, &dst, 24, &none), GN_E_NO_MEMORY);
    cr_assert_null(route_find(&t, &dst));
}
