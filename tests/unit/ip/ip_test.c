/* SPDX-License-Identifier: BSD-2-Clause */
#include "ip/ip.h"

#include "unit/ip/support.h"

Test(ip, link_local_address_comes_with_the_interface)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_addr a = v6("fe80::ff:fe00:1"), far = v6("fe80::1234");
    struct ip_path path;

    cr_assert(ip_is_ours(&w->ip, &w->e, &a));
    cr_assert_eq(ip_path(&w->ip, &w->e, &far, &path), GN_OK);
    ASSERT_ADDR(path.source, a);
    ASSERT_ADDR(path.next_hop, far);
    world_free(w);
}

Test(ip, interfaces_refused)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_iface i = {.medium = GN_MEDIUM_IP, .mtu = 575};

    cr_assert_eq(ip_add_iface(&w->ip, &i), GN_E_INVALID);
    i = (struct gn_iface){.medium = GN_MEDIUM_ETHERNET, .mtu = 1500, .mac = {1}};
    cr_assert_eq(ip_add_iface(&w->ip, &i), GN_E_INVALID, "a group's station address");
    i.mac[0] = 2;
    for (int n = 1; n < GN_IFACE_MAX; n++)
        cr_assert_eq(ip_add_iface(&w->ip, &i), n);
    cr_assert_eq(ip_add_iface(&w->ip, &i), GN_E_NO_MEMORY);
    world_free(w);
}

Test(ip, addresses_refused)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    static const char *const bad[] = {"0.0.0.0",   "127.0.0.1",  "224.0.0.1", "255.255.255.255",
                                      "240.0.0.1", "10.0.0.255", "::",        "::1",
                                      "ff02::1"};

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v6(bad[i]), 24), GN_E_INVALID, "%s", bad[i]);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 1, v4(10, 1, 0, 1), 24), GN_E_INVALID);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, -1, v4(10, 1, 0, 1), 24), GN_E_INVALID);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 1, 0, 1), 33), GN_E_INVALID);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 0, 0, 1), 24), GN_E_IN_USE);
    cr_assert_eq(ip_add_route(&w->ip, 1, v4(10, 9, 0, 0), 16, v4(10, 0, 0, 9)), GN_E_INVALID);
    while (w->ip.n_addr < IP_ADDR_MAX)
        cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 1, 0, (uint8_t)w->ip.n_addr), 24), GN_OK);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 1, 0, 200), 24), GN_E_NO_MEMORY);
    world_free(w);
}

Test(ip, no_room_for_the_route)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_iface ethernet = {.medium = GN_MEDIUM_ETHERNET, .mac = {2}, .mtu = 1500};
    uint8_t n = w->ip.n_addr;

    while (w->ip.routes.n < ROUTE_MAX)
        cr_assert_eq(ip_add_route(&w->ip, 0, v4(11, w->ip.routes.n, 0, 0), 16, v4(10, 0, 0, 254)),
                     GN_OK);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 1, 0, 1), 24), GN_E_NO_MEMORY);
    cr_assert_eq(ip_add_iface(&w->ip, &ethernet), GN_E_NO_MEMORY);
    cr_assert_eq(w->ip.n_addr, n);
    cr_assert_eq(w->ip.n_iface, 1);
    world_free(w);
}

Test(ip, whose_address)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_addr ours = v4(10, 0, 0, 1), other = v4(10, 0, 0, 2), group = v4(224, 0, 0, 1),
                   broadcast = v4(10, 0, 0, 255);

    cr_assert(ip_is_ours(&w->ip, &w->e, &ours));
    cr_assert_not(ip_is_ours(&w->ip, &w->e, &other));
    w->conf.ip_anyaddr = 1;
    cr_assert(ip_is_ours(&w->ip, &w->e, &other));
    cr_assert_not(ip_is_ours(&w->ip, &w->e, &group));
    cr_assert_not(ip_is_ours(&w->ip, &w->e, &broadcast));
    world_free(w);
}

Test(ip, a_point_to_point_prefix_has_no_broadcast)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_addr peer = v4(10, 7, 0, 3);

    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 7, 0, 2), 31), GN_OK);
    cr_assert(ip_is_unicast(&w->ip, &peer));
    world_free(w);
}

Test(ip, paths)
{
    struct world *w = world_new(GN_MEDIUM_ETHERNET);
    struct gn_iface second = {.medium = GN_MEDIUM_IP, .mtu = 9000, .caps = GN_CAP_TSO};
    struct gn_addr near = v4(10, 0, 0, 7), far = v4(8, 8, 8, 8), there = v4(172, 16, 0, 9),
                   far6 = v6("2001:db8::1"), lost = v6("2001:db8:1::1");
    struct ip_path p;

    cr_assert_eq(ip_add_iface(&w->ip, &second), 1);
    cr_assert_eq(ip_path(&w->ip, &w->e, &near, &p), GN_OK);
    ASSERT_ADDR(p.next_hop, near);
    ASSERT_ADDR(p.source, v4(10, 0, 0, 1));
    cr_assert_eq(p.mtu, 1500);
    cr_assert_eq(ip_path(&w->ip, &w->e, &far, &p), GN_OK);
    ASSERT_ADDR(p.next_hop, v4(10, 0, 0, 254));
    cr_assert_eq(ip_path(&w->ip, &w->e, &far6, &p), GN_OK);
    ASSERT_ADDR(p.next_hop, v6("fd00::fe"));
    ASSERT_ADDR(p.source, v6("fd00::1")); /* not the link-local one */
    cr_assert_eq(ip_add_route(&w->ip, 1, there, 16, (struct gn_addr){0}), GN_OK);
    cr_assert_eq(ip_path(&w->ip, &w->e, &there, &p), GN_OK);
    ASSERT_ADDR(p.source, v4(10, 0, 0, 1)); /* borrowed */
    cr_assert_eq(p.iface, 1);
    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 1, v4(172, 16, 0, 1), 24), GN_OK);
    cr_assert_eq(ip_path(&w->ip, &w->e, &there, &p), GN_OK);
    ASSERT_ADDR(p.source, v4(172, 16, 0, 1));
    cr_assert_eq(p.iface, 1);
    cr_assert_eq(p.mtu, 9000);
    cr_assert_eq(p.caps, GN_CAP_TSO);
    w->ip.n_addr = 0;
    cr_assert_eq(ip_path(&w->ip, &w->e, &there, &p), GN_E_NOT_AVAILABLE);
    w->ip.routes.n = 0;
    cr_assert_eq(ip_path(&w->ip, &w->e, &lost, &p), GN_E_NO_ROUTE);
    world_free(w);
}

Test(ip, source_with_the_longest_common_prefix)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_addr dst = v4(10, 5, 0, 9);
    struct ip_path p;

    cr_assert_eq(ip_add_addr(&w->ip, &w->e, 0, v4(10, 5, 0, 1), 24), GN_OK);
    cr_assert_eq(ip_path(&w->ip, &w->e, &dst, &p), GN_OK);
    ASSERT_ADDR(p.source, v4(10, 5, 0, 1));
    dst = v4(10, 0, 0, 1);
    cr_assert_eq(ip_path(&w->ip, &w->e, &dst, &p), GN_OK);
    ASSERT_ADDR(p.source, dst);
    world_free(w);
}

Test(ip, pseudo_header)
{
    struct world *w = world_new(GN_MEDIUM_IP);
    struct gn_addr a = v4(10, 0, 0, 1), b = v4(10, 0, 0, 2), c = v6("fd00::1"), d = v6("fd00::2");

    cr_assert_eq(csum_fold(ip_pseudo(&a, &b, 6, 20)), 0x0a00 + 1 + 0x0a00 + 2 + 6 + 20);
    cr_assert_eq(csum_fold(ip_pseudo(&c, &d, 6, 20)), (0xfd00 + 1 + 0xfd00 + 2 + 6 + 20) % 0xffff);
    world_free(w);
}
