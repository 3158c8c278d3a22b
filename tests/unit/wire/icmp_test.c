/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/wire/support.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#include <criterion/criterion.h>

static const struct gn_addr src = {.b = {0xfd, [15] = 1}}, dst = {.b = {0xfd, [15] = 2}};

/** same() - field for field, body octet for octet */
static bool same(const struct icmp *a, const struct icmp *b)
{
    return a->type == b->type && a->code == b->code && a->rest == b->rest &&
           a->body_len == b->body_len &&
           (a->body_len == 0 || memcmp(a->body, b->body, a->body_len) == 0);
}

Test(icmp4, known_echo)
{
    struct icmp m = {.type = ICMP4_ECHO,
                     .rest = 0x12340001,
                     .body = (const uint8_t *)"abc",
                     .body_len = 3},
                back;
    uint8_t p[11];

    /* 0800 + 1234 + 0001 + 6162 + 6300 = de97, and its complement is 2168 */
    cr_assert_eq(icmp4_emit(&m, p), sizeof p);
    cr_assert_arr_eq(p, ((const uint8_t[]){8, 0, 0x21, 0x68, 0x12, 0x34, 0, 1, 'a', 'b', 'c'}), 11);
    cr_assert_eq(icmp4_parse(p, sizeof p, &back), GN_DROP_NONE);
    cr_assert(same(&m, &back));
}

Test(icmp4, body_may_lie_in_place)
{
    uint8_t p[16] = {[8] = 1, 2, 3, 4, 5, 6, 7, 8}, other[16];
    struct icmp m = {.type = ICMP4_ECHO_REPLY, .body = p + 8, .body_len = 8};

    cr_assert_eq(icmp4_emit(&m, other), 16);
    cr_assert_eq(icmp4_emit(&m, p), 16);
    cr_assert_arr_eq(p, other, 16);
}

Test(icmp4, emit_then_parse_gives_the_same_but_for_a_wrong_bit)
{
    struct prng r;

    prng_seed(&r, 16, 1);
    for (int i = 0; i < 5000; i++) {
        uint8_t body[64], p[72];
        struct icmp m = {.type = (uint8_t)prng_u32(&r),
                         .code = (uint8_t)prng_u32(&r),
                         .rest = prng_u32(&r),
                         .body = body,
                         .body_len = prng_below(&r, 65)},
                    back;
        fill(&r, body, sizeof body);
        uint32_t len = icmp4_emit(&m, p);
        cr_assert_eq(icmp4_parse(p, len, &back), GN_DROP_NONE);
        cr_assert(same(&m, &back));
        p[prng_below(&r, len)] ^= (uint8_t)(1 << prng_below(&r, 8));
        spoil(&back, sizeof back);
        cr_assert_eq(icmp4_parse(p, len, &back), GN_DROP_ICMP_BAD);
        cr_assert(untouched(&back, sizeof back));
    }
}

Test(icmp4, truncated)
{
    uint8_t octets[8] = {0};
    struct icmp m;

    for (uint32_t len = 0; len < 8; len++) {
        memset(octets, 0, sizeof octets);
        octets[2] = octets[3] = 0xff;
        uint8_t *p = exact(octets, len);
        cr_assert_eq(icmp4_parse(p, len, &m), GN_DROP_ICMP_BAD);
        free(p);
    }
    cr_assert_eq(icmp4_parse(octets, 8, &m), GN_DROP_NONE);
    cr_assert_eq(m.body_len, 0);
}

Test(icmp4, which_are_errors)
{
    for (unsigned type = 0; type < 256; type++) {
        struct icmp m = {.type = (uint8_t)type};
        bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
        cr_assert_eq(icmp4_is_error(&m), error, "%u", type);
    }
}

Test(icmp6, emit_then_parse_gives_the_same)
{
    struct prng r;

    prng_seed(&r, 17, 1);
    for (int i = 0; i < 5000; i++) {
        uint8_t body[64], p[72];
        struct gn_addr a = random_addr6(&r), b = random_addr6(&r);
        struct icmp m = {.type = (uint8_t)prng_u32(&r),
                         .code = (uint8_t)prng_u32(&r),
                         .rest = prng_u32(&r),
                         .body = body,
                         .body_len = prng_below(&r, 65)},
                    back;
        fill(&r, body, sizeof body);
        uint32_t len = icmp6_emit(&a, &b, &m, p);
        cr_assert_eq(icmp6_parse(&a, &b, p, len, &back), GN_DROP_NONE);
        cr_assert(same(&m, &back));
        a.b[15] ^= 1;
        cr_assert_eq(icmp6_parse(&a, &b, p, len, &back), GN_DROP_ICMP_BAD,
                     "the addresses are in the checksum");
    }
}

Test(icmp6, truncated_or_short)
{
    struct icmp m = {.type = ICMP6_ECHO}, back;
    uint8_t octets[8];

    icmp6_emit(&src, &dst, &m, octets);
    cr_assert_eq(icmp6_parse(&src, &dst, octets, 8, &back), GN_DROP_NONE);
    for (uint32_t len = 0; len < 8; len++) {
        uint8_t *p = exact(octets, len);
        cr_assert_eq(icmp6_parse(&src, &dst, p, len, &back), GN_DROP_ICMP_BAD);
        free(p);
    }
}

Test(icmp6, which_are_errors)
{
    for (unsigned type = 0; type < 256; type++) {
        struct icmp m = {.type = (uint8_t)type};
        cr_assert_eq(icmp6_is_error(&m), type < 128);
    }
}
