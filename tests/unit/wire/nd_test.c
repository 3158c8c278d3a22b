/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/nd.h"

#include "unit/wire/support.h"

#include <criterion/criterion.h>

static const struct gn_addr ours = {.b = {0xfd, [13] = 0xaa, 0xbb, 0xcc}},
                            theirs = {.b = {0xfd, [15] = 2}}, any,
                            all_nodes = {.b = {0xff, 2, [15] = 1}};

/** round_trip() - emit, parse as ICMPv6 from an exact copy, parse as ND */
static enum gn_drop round_trip(const struct nd *n, const struct gn_addr *src,
                               const struct gn_addr *dst, uint8_t hlim, struct nd *ret)
{
    uint8_t octets[ND_LEN_MAX];
    uint32_t len = nd_emit(n, src, dst, octets);
    uint8_t *p = exact(octets, len);
    struct icmp m;

    cr_assert_eq(icmp6_parse(src, dst, p, len, &m), GN_DROP_NONE);
    spoil(ret, sizeof *ret);
    enum gn_drop drop = nd_parse(&m, src, dst, hlim, ret);
    free(p);
    cr_assert(drop == GN_DROP_NONE || untouched(ret, sizeof *ret));
    return drop;
}

/** message() - nd_parse() of a raw body: target fd00::, then @n octets of options */
static enum gn_drop message(uint8_t type, const uint8_t *options, size_t n, struct nd *ret)
{
    uint8_t octets[16 + 64] = {0xfd};
    if (n)
        memcpy(octets + 16, options, n);
    uint8_t *body = exact(octets, 16 + n);
    struct icmp m = {.type = type, .body = body, .body_len = (uint32_t)(16 + n)};
    enum gn_drop drop = nd_parse(&m, &theirs, &ours, ND_HLIM, ret);
    free(body);
    return drop;
}

Test(nd, solicitation)
{
    struct nd n = {.type = ICMP6_NEIGHBOUR_SOLICIT,
                   .target = ours,
                   .has_lladdr = true,
                   .lladdr = {2, 1, 2, 3, 4, 5}},
              back;
    struct gn_addr group = nd_solicited_node(&ours);

    cr_assert_eq(round_trip(&n, &theirs, &group, ND_HLIM, &back), GN_DROP_NONE);
    cr_assert(back.type == n.type && same_addr(&back.target, &ours));
    cr_assert(back.has_lladdr && memcmp(back.lladdr, n.lladdr, 6) == 0);
    cr_assert(!back.router && !back.solicited && !back.override);
}

Test(nd, advertisement_with_every_flag)
{
    for (unsigned flags = 0; flags < 16; flags++) {
        struct nd n = {.type = ICMP6_NEIGHBOUR_ADVERT,
                       .target = ours,
                       .router = flags & 1,
                       .solicited = flags & 2,
                       .override = flags & 4,
                       .has_lladdr = flags & 8,
                       .lladdr = {2, 9, 9, 9, 9, 9}},
                  back;
        cr_assert_eq(round_trip(&n, &ours, &theirs, ND_HLIM, &back), GN_DROP_NONE);
        cr_assert(back.router == n.router && back.solicited == n.solicited);
        cr_assert(back.override == n.override && back.has_lladdr == n.has_lladdr);
    }
}

/* RFC 4861 7.1.1, 7.1.2 */
Test(nd, illegitimate_messages)
{
    struct nd n = {.type = ICMP6_NEIGHBOUR_SOLICIT, .target = ours}, back;
    struct gn_addr group = nd_solicited_node(&ours);

    cr_assert_eq(round_trip(&n, &theirs, &group, 254, &back), GN_DROP_ND_BAD, "a router passed it");
    cr_assert_eq(round_trip(&n, &any, &group, ND_HLIM, &back), GN_DROP_NONE, "DAD");
    cr_assert_eq(round_trip(&n, &any, &ours, ND_HLIM, &back), GN_DROP_ND_BAD, "DAD to a host");
    n.has_lladdr = true;
    cr_assert_eq(round_trip(&n, &any, &group, ND_HLIM, &back), GN_DROP_ND_BAD);
    n.lladdr[0] = 0x33;
    cr_assert_eq(round_trip(&n, &theirs, &group, ND_HLIM, &back), GN_DROP_ND_BAD, "group address");
    n = (struct nd){.type = ICMP6_NEIGHBOUR_SOLICIT, .target = all_nodes};
    cr_assert_eq(round_trip(&n, &theirs, &group, ND_HLIM, &back), GN_DROP_ND_BAD);
    n = (struct nd){.type = ICMP6_NEIGHBOUR_ADVERT, .target = ours, .solicited = true};
    cr_assert_eq(round_trip(&n, &ours, &all_nodes, ND_HLIM, &back), GN_DROP_ND_BAD);
    n.solicited = false;
    cr_assert_eq(round_trip(&n, &ours, &all_nodes, ND_HLIM, &back), GN_DROP_NONE, "unsolicited");
}

Test(nd, options)
{
    struct nd n;
    const uint8_t type = ICMP6_NEIGHBOUR_SOLICIT;

    cr_assert_eq(message(type, NULL, 0, &n), GN_DROP_NONE);
    cr_assert_not(n.has_lladdr);
    cr_assert_eq(message(type, OCTETS(14, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 7), &n),
                 GN_DROP_NONE, "a nonce, then the link address");
    cr_assert(n.has_lladdr && n.lladdr[5] == 7);
    cr_assert_eq(message(type, OCTETS(1, 1, 2, 0, 0, 0, 0, 8, 1, 1, 2, 0, 0, 0, 0, 9), &n),
                 GN_DROP_NONE, "of duplicates the first counts");
    cr_assert_eq(n.lladdr[5], 8);
    cr_assert_eq(message(type, OCTETS(2, 1, 2, 0, 0, 0, 0, 7), &n), GN_DROP_NONE);
    cr_assert_not(n.has_lladdr, "a target's address means nothing in a solicitation");
    cr_assert_eq(message(type, OCTETS(1, 0, 2, 0, 0, 0, 0, 7), &n), GN_DROP_ND_BAD, "length 0");
    cr_assert_eq(message(type, OCTETS(1, 2, 2, 0, 0, 0, 0, 7), &n), GN_DROP_ND_BAD, "too long");
    cr_assert_eq(message(type, OCTETS(1, 1, 2, 0, 0, 0, 0), &n), GN_DROP_ND_BAD, "cut");
    cr_assert_eq(message(type, OCTETS(1), &n), GN_DROP_ND_BAD);
    cr_assert_eq(message(type, OCTETS(99, 255, 2, 0, 0, 0, 0, 7), &n), GN_DROP_ND_BAD);
}

Test(nd, short_or_another_type_or_code)
{
    struct nd n;
    struct icmp m = {.type = ICMP6_NEIGHBOUR_SOLICIT};

    for (uint32_t len = 0; len < 16; len++) {
        uint8_t *body = exact(&ours, len);
        m.body = body;
        m.body_len = len;
        cr_assert_eq(nd_parse(&m, &theirs, &ours, ND_HLIM, &n), GN_DROP_ND_BAD);
        free(body);
    }
    for (unsigned type = 0; type < 256; type++)
        cr_assert_eq(message((uint8_t)type, NULL, 0, &n),
                     type == 135 || type == 136 ? GN_DROP_NONE : GN_DROP_ND_BAD);
    m = (struct icmp){.type = 135, .code = 1, .body = ours.b, .body_len = 16};
    cr_assert_eq(nd_parse(&m, &theirs, &ours, ND_HLIM, &n), GN_DROP_ND_BAD);
}

Test(nd, solicited_node_group)
{
    struct gn_addr g = nd_solicited_node(&ours);
    const struct gn_addr want = {.b = {0xff, 2, [11] = 1, 0xff, 0xaa, 0xbb, 0xcc}};

    cr_assert(same_addr(&g, &want));
}
