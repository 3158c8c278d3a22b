/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/arp.h"

#include "unit/wire/support.h"

#include <criterion/criterion.h>

static const uint8_t good[] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 3, 4,  5, 6, 7,
                               9, 9, 9, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2};

Test(arp, parse_and_emit_are_inverse)
{
    struct arp a;
    uint8_t p[ARP_LEN];
    const struct gn_addr target = {.b = {[10] = 0xff, 0xff, 10, 0, 0, 2}};

    cr_assert_eq(arp_parse(good, sizeof good, &a), GN_DROP_NONE);
    cr_assert_eq(a.op, ARP_REQUEST);
    cr_assert(same_addr(&a.tpa, &target));
    cr_assert_eq(arp_emit(&a, p), ARP_LEN);
    cr_assert_arr_eq(p, good, sizeof good);
}

Test(arp, link_padding_is_ignored)
{
    uint8_t p[46] = {0};
    struct arp a;

    memcpy(p, good, sizeof good);
    cr_assert_eq(arp_parse(p, sizeof p, &a), GN_DROP_NONE);
}

Test(arp, truncated)
{
    for (uint32_t len = 0; len < sizeof good; len++) {
        struct arp a;
        uint8_t *p = exact(good, len);
        spoil(&a, sizeof a);
        cr_assert_eq(arp_parse(p, len, &a), GN_DROP_ARP_BAD);
        cr_assert(untouched(&a, sizeof a));
        free(p);
    }
}

Test(arp, other_hardware_protocol_sizes_and_operations)
{
    for (size_t at = 0; at < 8; at++) {
        struct arp a;
        uint8_t p[sizeof good];
        memcpy(p, good, sizeof p);
        p[at] ^= 0x40;
        cr_assert_eq(arp_parse(p, sizeof p, &a), GN_DROP_ARP_BAD, "octet %zu", at);
    }
}

/* RFC 1812 3.3.2: no host has a group address */
Test(arp, group_address_of_a_sender)
{
    struct arp a;
    uint8_t p[sizeof good];

    memcpy(p, good, sizeof p);
    memset(p + 8, 0xff, 6);
    cr_assert_eq(arp_parse(p, sizeof p, &a), GN_DROP_ARP_BAD);
}
