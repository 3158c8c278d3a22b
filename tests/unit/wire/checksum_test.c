/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/checksum.h"

#include "unit/wire/support.h"

#include <gannet/host.h>

#include <criterion/criterion.h>

/** model() - the sum, octet by octet, as RFC 1071 words it */
static uint16_t model(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

Test(checksum, rfc_1071_example)
{
    const uint8_t p[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    cr_assert_eq(csum_fold(csum(p, sizeof p)), 0xddf2);
    cr_assert_eq(csum_finish(csum(p, sizeof p)), 0x220d);
}

Test(checksum, every_length_and_alignment_agrees_with_the_model)
{
    struct prng r;
    uint8_t src[400], dst[400];

    prng_seed(&r, 1, 1);
    for (size_t len = 0; len < 300; len++) {
        for (size_t at = 0; at < 17; at++) {
            fill(&r, src, sizeof src);
            uint16_t want = model(src + at, len);
            cr_assert_eq(csum_fold(csum(src + at, len)), want, "len %zu at %zu", len, at);
            spoil(dst, sizeof dst);
            cr_assert_eq(csum_fold(csum_copy(dst + 1, src + at, len)), want);
            cr_assert_arr_eq(dst + 1, src + at, len);
            cr_assert(untouched(dst, 1) && untouched(dst + 1 + len, sizeof dst - 1 - len),
                      "wrote beyond %zu octets", len);
        }
    }
}

Test(checksum, what_the_processor_has_gives_the_same_sums)
{
    const struct csum_ops *o = csum_ops(gn_cpu());
    uint8_t src[1600], dst[1700];
    struct prng r;

    cr_assert_eq(csum_ops(0)->sum, csum);
    prng_seed(&r, 4, 1);
    for (size_t len = 0; len < 1500; len++) {
        size_t at = len * 7 % 33;

        fill(&r, src, sizeof src);
        if (len % 5 == 0)
            memset(src, 0xff, sizeof src);
        spoil(dst, sizeof dst);
        cr_assert_eq(csum_fold(o->sum(src + at, len)), model(src + at, len), "len %zu", len);
        cr_assert_eq(csum_fold(o->copy(dst + 1, src + at, len)), model(src + at, len));
        cr_assert_arr_eq(dst + 1, src + at, len);
        cr_assert(untouched(dst, 1) && untouched(dst + 1 + len, sizeof dst - 1 - len));
    }
}

Test(checksum, never_reads_or_writes_outside)
{
    struct prng r;
    uint8_t octets[200];

    prng_seed(&r, 2, 1);
    fill(&r, octets, sizeof octets);
    for (size_t len = 0; len <= sizeof octets; len++) {
        uint8_t *src = exact(octets, len), *dst = exact(octets, len);
        cr_assert_eq(csum(src, len), csum_copy(dst, src, len));
        free(src);
        free(dst);
    }
}

Test(checksum, the_largest_packet_of_all_ones_does_not_overflow)
{
    uint8_t *p = malloc(65535);

    memset(p, 0xff, 65535);
    cr_assert_eq(csum_fold(csum(p, 65534)), 0xffff);
    cr_assert_eq(csum_fold(csum(p, 65535)), model(p, 65535));
    free(p);
}

/* MAL-22: odd pieces anywhere */
Test(checksum, pieces_join_at_any_offset)
{
    struct prng r;
    uint8_t p[3000];

    prng_seed(&r, 3, 1);
    for (int round = 0; round < 3000; round++) {
        size_t len = prng_below(&r, round % 8 ? 64 : sizeof p), at = 0;
        uint64_t sum = 0;
        fill(&r, p, len);
        while (at < len) {
            size_t n = 1 + prng_below(&r, (uint32_t)(len - at));
            sum = csum_join(sum, csum(p + at, n), at);
            at += n;
        }
        cr_assert_eq(csum_fold(sum), model(p, len));
    }
}

/* MAL-22: 0x0000 and 0xffff are both zero of one's complement; a sum is 0 only for nothing but
 * zeros */
Test(checksum, both_zeros_verify)
{
    uint8_t zeros[64] = {0};
    uint8_t p[] = {0x12, 0x34, 0xed, 0xcb, 0x00, 0x00};

    cr_assert_eq(csum(zeros, sizeof zeros), 0);
    cr_assert_eq(csum_fold(0), 0);
    cr_assert_eq(csum_finish(0), 0xffff);
    cr_assert_eq(csum_fold(csum(p, 4)), 0xffff);
    cr_assert_eq(csum_finish(csum(p, sizeof p)), 0, "checksum field 0x0000 must verify");
    p[4] = p[5] = 0xff;
    cr_assert_eq(csum_finish(csum(p, sizeof p)), 0, "and so must 0xffff");
    p[5] = 0xfe;
    cr_assert_neq(csum_finish(csum(p, sizeof p)), 0);
}

Test(checksum, fold_of_any_accumulator_is_its_residue)
{
    struct prng r;

    prng_seed(&r, 4, 1);
    cr_assert_eq(csum_fold(UINT64_MAX), 0xffff);
    cr_assert_eq(csum_fold(0x10000), 1);
    cr_assert_eq(csum_fold(0xffff), 0xffff);
    for (int i = 0; i < 100000; i++) {
        uint64_t sum = prng_u64(&r) >> prng_below(&r, 64);
        uint16_t want = (uint16_t)(sum % 0xffff);
        if (want == 0 && sum != 0)
            want = 0xffff;
        cr_assert_eq(csum_fold(sum), want);
    }
}

/* RFC 1624 sec. 4: the update that eqn. 2 of RFC 1071's errata gets wrong, and random ones against
 * a full sum */
Test(checksum, good_is_what_folds_to_all_ones)
{
    struct prng rnd;

    prng_seed(&rnd, 7, 1);
    cr_expect(!csum_good(0));
    cr_expect(csum_good(UINT64_MAX));
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t sum = (uint64_t)prng_u32(&rnd) << 32 | prng_u32(&rnd);

        if (i & 1)
            sum -= sum % UINT16_MAX;
        sum >>= i % 5 ? 0 : i % 64;
        cr_assert_eq(csum_good(sum), csum_fold(sum) == UINT16_MAX, "%llx", (unsigned long long)sum);
    }
}

Test(checksum, incremental_update)
{
    struct prng r;

    cr_assert_eq(csum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
    prng_seed(&r, 5, 1);
    for (int i = 0; i < 20000; i++) {
        uint8_t p[20];
        fill(&r, p, sizeof p);
        if (i % 3 == 0)
            memset(p, i % 2 ? 0xff : 0, sizeof p);
        p[0] = 0x45; /* like any header, never all zeros */
        uint16_t old = csum_finish(csum(p, sizeof p));
        uint16_t from = (uint16_t)(p[4] << 8 | p[5]), to = (uint16_t)prng_u32(&r);
        p[4] = (uint8_t)(to >> 8);
        p[5] = (uint8_t)to;
        cr_assert_eq(csum_update16(old, from, to), csum_finish(csum(p, sizeof p)));
    }
}
