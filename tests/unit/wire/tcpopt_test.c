/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tcpopt.h"

#include "wire/checksum.h"

#include "unit/wire/support.h"

#include <criterion/criterion.h>

/** parse() - from an exact copy at each of four alignments (MUST-64), all of which must agree */
static bool parse(const uint8_t *p, size_t len, bool syn, struct tcpopt *ret)
{
    bool ok = false;

    for (size_t shift = 0; shift < 4; shift++) {
        struct tcpopt o;
        uint8_t *copy = malloc(shift + len + !(shift + len));
        if (len)
            memcpy(copy + shift, p, len);
        spoil(&o, sizeof o);
        ok = tcpopt_parse(copy + shift, (uint32_t)len, syn, &o);
        free(copy);
        cr_assert(shift == 0 || memcmp(&o, ret, sizeof o) == 0, "depends on alignment");
        memcpy(ret, &o, sizeof o);
    }
    return ok;
}

/** random_options() - any set that can be sent */
static struct tcpopt random_options(struct prng *r, bool syn)
{
    struct tcpopt o = {0};

    o.has = (uint8_t)(prng_u32(r) & (syn ? 63 : OPT_TS | OPT_SACK));
    if (o.has & OPT_MSS)
        o.mss = (uint16_t)prng_u32(r);
    if (o.has & OPT_WSCALE)
        o.wscale = (uint8_t)prng_below(r, 15);
    if (o.has & OPT_TS) {
        o.tsval = prng_u32(r);
        o.tsecr = prng_u32(r);
    }
    if (o.has & OPT_SACK) {
        o.n_sack = (uint8_t)(1 + prng_below(r, TCPOPT_SACK_MAX));
        for (unsigned i = 0; i < o.n_sack; i++)
            o.sack[i] = (struct tcpopt_sack){seq(prng_u32(r)), seq(prng_u32(r))};
    }
    if (o.has & OPT_TFO && prng_chance(r, 700000)) {
        o.tfo_len = (uint8_t)(4 + 2 * prng_below(r, 7));
        fill(r, o.tfo, o.tfo_len);
    }
    return o;
}

/** without_blocks() - what remains of options of which only @n blocks fitted */
static struct tcpopt without_blocks(struct tcpopt o, unsigned n)
{
    for (unsigned i = n; i < TCPOPT_SACK_MAX; i++)
        o.sack[i] = (struct tcpopt_sack){seq(0), seq(0)};
    o.n_sack = (uint8_t)n;
    if (n == 0)
        o.has &= (uint8_t)~OPT_SACK;
    return o;
}

/* MUST-4: EOL, NOP and MSS are understood; MUST-68 */
Test(tcpopt, eol_nop_and_mss)
{
    struct tcpopt o;

    cr_assert(parse(OCTETS(1, 2, 4, 0x05, 0xb4, 1, 0, 0), true, &o));
    cr_assert_eq(o.has, OPT_MSS);
    cr_assert_eq(o.mss, 1460);
}

Test(tcpopt, no_options_at_all)
{
    struct tcpopt o, none = {0};

    cr_assert(parse(OCTETS(0), true, &o));
    cr_assert(parse((const uint8_t *)"", 0, true, &o));
    cr_assert(memcmp(&o, &none, sizeof o) == 0);
}

/* OPT-GEN-1: EOL ends the list, whatever follows */
Test(tcpopt, nothing_counts_behind_eol)
{
    struct tcpopt o;

    cr_assert(parse(OCTETS(1, 0, 2, 4, 5, 0xb4, 3, 0), true, &o));
    cr_assert_eq(o.has, 0);
}

/* MUST-6, OPT-GEN-5: unknown kinds are skipped, and experiments with an ExID */
Test(tcpopt, unknown_kinds_are_skipped)
{
    struct tcpopt o;

    cr_assert(parse(OCTETS(253, 6, 0xf9, 0x89, 1, 2, 99, 2, 254, 4, 0, 0, 4, 2, 200, 3, 7, 3, 3, 5),
                    true, &o));
    cr_assert_eq(o.has, OPT_SACKOK | OPT_WSCALE);
    cr_assert_eq(o.wscale, 5);
}

/* MUST-7, OPT-GEN-1, MAL-04, MAL-05, MAL-06: lengths 0 and 1, beyond the end, or none; what stood
 * before is kept */
Test(tcpopt, illegal_lengths_end_the_list)
{
    static const uint8_t broken[][4] = {
        {99, 0, 4, 2}, {99, 1, 4, 2}, {99, 5, 4, 2}, {99, 255, 4, 2}, {2, 0, 0, 0}, {8, 10, 0, 0},
        {1, 1, 1, 99}, {1, 1, 1, 2},  {2, 5, 0, 0},  {5, 0, 0, 0},    {34, 1, 0, 0}};

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct tcpopt o;
        uint8_t p[8] = {2, 4, 0x05, 0xb4};
        memcpy(p + 4, broken[i], 4);
        cr_assert_not(parse(p, sizeof p, true, &o), "case %zu", i);
        cr_assert_eq(o.has, OPT_MSS, "case %zu", i);
        cr_assert_eq(o.mss, 1460);
    }
}

/* OPT-GEN-2: a known kind with every wrong length is as if absent; MAL-07, MAL-09 */
Test(tcpopt, known_kinds_with_wrong_lengths_are_ignored)
{
    static const struct {
        uint8_t kind, good;
    } kinds[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}};

    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (uint8_t len = 2; len <= 30; len++) {
            struct tcpopt o;
            uint8_t p[40] = {kinds[k].kind, len};
            p[len] = 5; /* one SACK block, which must still be seen */
            p[len + 1] = 10;
            cr_assert(parse(p, sizeof p, true, &o), "kind %u len %u", kinds[k].kind, len);
            cr_assert(o.has & OPT_SACK && o.n_sack == 1);
            cr_assert_eq(o.has != OPT_SACK, len == kinds[k].good, "kind %u len %u", kinds[k].kind,
                         len);
        }
    }
}

/* MAL-07: MSS that begins in the last one to three octets */
Test(tcpopt, mss_cut_off_by_the_end)
{
    for (size_t cut = 1; cut <= 3; cut++) {
        struct tcpopt o;
        uint8_t p[40];
        memset(p, 1, sizeof p);
        memcpy(p + sizeof p - cut, (const uint8_t[]){2, 4, 5}, cut);
        cr_assert_not(parse(p, sizeof p, true, &o));
        cr_assert_eq(o.has, 0);
    }
}

/* MAL-08: SACK lengths that hold no whole number of 1 to 4 blocks */
Test(tcpopt, sack_lengths)
{
    for (uint8_t len = 2; len <= 40; len++) {
        struct tcpopt o;
        uint8_t p[40] = {5, len};
        bool good = len == 10 || len == 18 || len == 26 || len == 34;
        cr_assert(parse(p, sizeof p, false, &o));
        cr_assert_eq(o.has, good ? OPT_SACK : 0, "len %u", len);
        cr_assert_eq(o.n_sack, good ? len / 8 : 0);
    }
    struct tcpopt o;
    uint8_t p[40] = {5, 42};
    cr_assert_not(parse(p, sizeof p, false, &o), "beyond the header");
}

/* OPT-GEN-3: of duplicates the first counts */
Test(tcpopt, the_first_of_duplicates_counts)
{
    struct tcpopt o;

    cr_assert(parse(OCTETS(2, 4, 0, 1, 2, 4, 0, 2, 3, 3, 7, 3, 3, 9, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2,
                           8, 10, 0, 0, 0, 3, 0, 0, 0, 4),
                    true, &o));
    cr_assert_eq(o.mss, 1);
    cr_assert_eq(o.wscale, 7);
    cr_assert_eq(o.tsval, 1);
    cr_assert_eq(o.tsecr, 2);
    cr_assert(parse(OCTETS(5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 18, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5,
                           0, 0, 0, 6),
                    false, &o));
    cr_assert_eq(o.n_sack, 1);
    cr_assert_eq(o.sack[0].l.raw, 1);
    cr_assert(parse(OCTETS(34, 2, 34, 6, 1, 2, 3, 4), true, &o));
    cr_assert(o.has == OPT_TFO && o.tfo_len == 0);
}

/* OPT-GEN-4: what belongs into a SYN counts nowhere else; timestamps and SACK do */
Test(tcpopt, syn_options_count_in_a_syn_only)
{
    const uint8_t p[] = {2, 4, 5, 0xb4, 4, 2, 3, 3, 7,  34, 6, 1, 2, 3, 4, 8, 10, 0,
                         0, 0, 1, 0,    0, 0, 2, 5, 10, 0,  0, 0, 3, 0, 0, 0, 4};
    struct tcpopt o;

    cr_assert(parse(p, sizeof p, true, &o));
    cr_assert_eq(o.has, OPT_MSS | OPT_SACKOK | OPT_WSCALE | OPT_TFO | OPT_TS | OPT_SACK);
    cr_assert(parse(p, sizeof p, false, &o));
    cr_assert_eq(o.has, OPT_TS | OPT_SACK);
    cr_assert_eq(o.tsecr, 2);
    cr_assert_eq(o.sack[0].r.raw, 4);
}

/* OPT-GEN-7: forty NOPs, and an option right up to the last octet */
Test(tcpopt, full_header_is_legal)
{
    struct tcpopt o;
    uint8_t p[40];

    memset(p, 1, sizeof p);
    cr_assert(parse(p, sizeof p, true, &o));
    cr_assert_eq(o.has, 0);
    memcpy(p + 36, (const uint8_t[]){2, 4, 0, 99}, 4);
    cr_assert(parse(p, sizeof p, true, &o));
    cr_assert_eq(o.mss, 99);
    memcpy(p + 36, (const uint8_t[]){1, 1, 4, 2}, 4);
    cr_assert(parse(p, sizeof p, true, &o));
    cr_assert_eq(o.has, OPT_SACKOK);
}

/* MUST-64: options begin anywhere, whatever their own word size */
Test(tcpopt, options_at_odd_offsets)
{
    for (size_t nops = 0; nops <= 26; nops++) {
        struct tcpopt o;
        uint8_t p[40];
        memset(p, 1, sizeof p);
        memcpy(p + nops, (const uint8_t[]){8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 9, 9}, 14);
        cr_assert(parse(p, sizeof p, true, &o));
        cr_assert_eq(o.tsval, 0x01020304);
        cr_assert_eq(o.tsecr, 0x05060708);
        cr_assert_eq(o.mss, 0x0909);
    }
}

/* OPT-WS-3, MAL-13: shifts of 15 to 255 are 14 */
Test(tcpopt, window_shift_is_at_most_14)
{
    for (unsigned shift = 0; shift < 256; shift++) {
        struct tcpopt o;
        cr_assert(parse(OCTETS(3, 3, (uint8_t)shift), true, &o));
        cr_assert_eq(o.wscale, shift > 14 ? 14 : shift);
    }
}

/* MAL-12: any MSS is reported as it stands; judging it is not the parser's */
Test(tcpopt, any_mss_is_passed_on)
{
    static const uint16_t values[] = {0, 1, 7, 8, 48, 536, 65535};

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct tcpopt o;
        cr_assert(parse(OCTETS(2, 4, (uint8_t)(values[i] >> 8), (uint8_t)values[i]), true, &o));
        cr_assert(o.has == OPT_MSS && o.mss == values[i]);
    }
}

/* OPT-TFO-1: a request, or a cookie of 4 to 16 octets, even */
Test(tcpopt, fast_open_cookie_lengths)
{
    for (uint8_t len = 2; len <= 40; len++) {
        struct tcpopt o;
        uint8_t p[40] = {34, len, 1, 2, 3, 4};
        bool good = len == 2 || (len >= 6 && len <= 18 && len % 2 == 0);
        if (len < 6)
            p[len] = 0;
        cr_assert(parse(p, sizeof p, true, &o));
        cr_assert_eq(o.has, good ? OPT_TFO : 0, "len %u", len);
        cr_assert_eq(o.tfo_len, good ? len - 2 : 0);
    }
}

/* MAL-11: MD5 and AO options, malformed or not, are unknown kinds here */
Test(tcpopt, md5_and_ao_are_skipped)
{
    struct tcpopt o;

    cr_assert(parse(OCTETS(19, 3, 0, 29, 2, 29, 4, 1, 2, 4, 2, 0), true, &o));
    cr_assert_eq(o.has, OPT_SACKOK);
    cr_assert_not(parse(OCTETS(4, 2, 19, 18, 0, 0, 0, 0), true, &o));
    cr_assert_eq(o.has, OPT_SACKOK);
}

/* The layout of Linux, octet for octet */
Test(tcpopt, layout_of_a_syn)
{
    static const uint8_t want[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
                                   0, 1, 0,    0,    0, 2, 1, 3,  3, 7};
    struct tcpopt o = {.has = OPT_MSS | OPT_SACKOK | OPT_TS | OPT_WSCALE,
                       .mss = 1460,
                       .tsval = 1,
                       .tsecr = 2,
                       .wscale = 7};
    uint8_t p[TCPOPT_MAX];

    cr_assert_eq(tcpopt_emit(&o, p), sizeof want);
    cr_assert_arr_eq(p, want, sizeof want);
    o.has = OPT_MSS | OPT_SACKOK | OPT_WSCALE;
    cr_assert_eq(tcpopt_emit(&o, p), 12);
    cr_assert_arr_eq(p, ((const uint8_t[]){2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7}), 12);
}

/* the layout of a SYN that nearly all send is compared in whole words: what is taken for it is
 * what the reader of all lists makes of it */
Test(tcpopt, a_usual_syn_is_parsed_like_any_other)
{
    const struct tcpopt o = {.has = OPT_MSS | OPT_SACKOK | OPT_TS | OPT_WSCALE, .mss = 1460};
    struct tcpopt quick, slow;
    unsigned usual = 0;
    struct prng r;

    prng_seed(&r, 11, 1);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t p[20];

        cr_assert_eq(tcpopt_emit(&o, p), 20);
        for (unsigned k = prng_below(&r, 3); k; k--)
            p[prng_below(&r, 20)] ^= (uint8_t)(1u << prng_below(&r, 8));
        spoil(&quick, sizeof quick);
        spoil(&slow, sizeof slow);
        if (!tcpopt_parse_usual_syn(p, &quick)) {
            cr_assert(untouched(&quick, sizeof quick));
            continue;
        }
        cr_assert(tcpopt_parse(p, 20, true, &slow));
        cr_assert_arr_eq(&quick, &slow, sizeof slow);
        usual++;
    }
    cr_assert_gt(usual, 10000);
}

Test(tcpopt, layout_of_a_data_segment)
{
    struct tcpopt o = {.has = OPT_TS, .tsval = 0x01020304, .tsecr = 5};
    uint8_t p[TCPOPT_MAX];

    cr_assert_eq(tcpopt_emit(&o, p), 12);
    cr_assert_arr_eq(p, ((const uint8_t[]){1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 5}), 12);
    o.has |= OPT_SACK;
    o.n_sack = 1;
    o.sack[0] = (struct tcpopt_sack){seq(6), seq(7)};
    cr_assert_eq(tcpopt_emit(&o, p), 24);
    cr_assert_arr_eq(p + 12, ((const uint8_t[]){1, 1, 5, 10, 0, 0, 0, 6, 0, 0, 0, 7}), 12);
}

/* MUST-69, OPT-GEN-6: padding at the end would have to be zero; there is none */
Test(tcpopt, options_fill_their_words)
{
    struct tcpopt o = {.has = OPT_TFO, .tfo_len = 4, .tfo = {1, 2, 3, 4}};
    uint8_t p[TCPOPT_MAX];

    spoil(p, sizeof p);
    cr_assert_eq(tcpopt_emit(&o, p), 8);
    cr_assert_arr_eq(p, ((const uint8_t[]){34, 6, 1, 2, 3, 4, 1, 1}), 8);
    o.tfo_len = 0;
    cr_assert_eq(tcpopt_emit(&o, p), 4);
    cr_assert_arr_eq(p, ((const uint8_t[]){34, 2, 1, 1}), 4);
}

/* OPT-SACK-2: four blocks without timestamps, three beside them, fewer in a full SYN; never more
 * than 40 octets */
Test(tcpopt, sack_blocks_yield_to_the_space)
{
    struct tcpopt o = {.has = OPT_SACK, .n_sack = 4}, back;
    uint8_t p[TCPOPT_MAX];
    static const struct {
        uint8_t others, tfo_len, blocks;
    } cases[] = {
        {0, 0, 4},
        {OPT_TS, 0, 3},
        {OPT_MSS, 0, 4},
        {OPT_TS | OPT_MSS | OPT_SACKOK | OPT_WSCALE, 0, 2},
        {OPT_TS | OPT_MSS | OPT_SACKOK | OPT_WSCALE | OPT_TFO, 0, 1},
        {OPT_TS | OPT_MSS | OPT_SACKOK | OPT_WSCALE | OPT_TFO, 8, 0},
        {OPT_TS | OPT_MSS | OPT_SACKOK | OPT_WSCALE | OPT_TFO, 16, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o.has = OPT_SACK | cases[i].others;
        o.tfo_len = cases[i].tfo_len;
        uint32_t len = tcpopt_emit(&o, p);
        cr_assert(len <= TCPOPT_MAX && len % 4 == 0);
        cr_assert_eq(len, tcpopt_len(&o));
        cr_assert(parse(p, len, true, &back));
        cr_assert_eq(back.n_sack, cases[i].blocks, "case %zu", i);
        cr_assert_eq(back.has & ~OPT_SACK, cases[i].others);
    }
}

/* CC-9768-8: the counters of accurate ECN go where there is room, and are left out whole where
 * there is none: a full SYN with a cookie, or SACK blocks that fill the header */
Test(tcpopt, accecn_yields_to_the_space)
{
    static const struct {
        uint8_t others, tfo_len, blocks, counters, len;
    } cases[] = {
        {0, 0, 0, 3, 12},
        {OPT_TS | OPT_SACK, 0, 2, 2, 40},
        {OPT_TS | OPT_SACK, 0, 2, 3, 32},
        {OPT_TS | OPT_SACK, 0, 3, 0, 40},
        {OPT_TS | OPT_MSS | OPT_SACKOK | OPT_WSCALE | OPT_TFO, 16, 0, 0, 40},
    };
    uint8_t p[TCPOPT_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tcpopt o = {.has = OPT_ACCECN | cases[i].others,
                           .tfo_len = cases[i].tfo_len,
                           .n_sack = cases[i].blocks,
                           .n_acc = cases[i].counters},
                      back;
        bool fits = i == 0 || i == 1;

        cr_assert_eq(tcpopt_len(&o), cases[i].len, "case %zu", i);
        cr_assert_eq(tcpopt_emit(&o, p), cases[i].len);
        cr_assert(parse(p, cases[i].len, true, &back));
        cr_assert_eq(back.has, cases[i].others | (fits ? OPT_ACCECN : 0), "case %zu", i);
        cr_assert_eq(back.n_sack, cases[i].blocks);
    }
}

/* OPT-GEN-6, OPT-SACK-2, TRAP-12: whatever is asked for is legal on the wire and reads back as it
 * was, but for blocks */
Test(tcpopt, emit_then_parse_gives_the_same)
{
    struct prng r;

    prng_seed(&r, 6, 1);
    for (int i = 0; i < 50000; i++) {
        bool syn = prng_chance(&r, 500000);
        struct tcpopt o = random_options(&r, syn), back;
        uint8_t p[TCPOPT_MAX + 1];
        uint64_t sum = 0;
        spoil(p, sizeof p);
        uint32_t len = tcpopt_emit_sum(&o, p, &sum);
        cr_assert_eq(len, tcpopt_len(&o));
        cr_assert_eq(csum_finish(sum), csum_finish(csum(p, len)));
        cr_assert(len <= TCPOPT_MAX && len % 4 == 0);
        cr_assert(untouched(p + len, sizeof p - len));
        cr_assert(tcpopt_parse(p, len, syn, &back));
        o = without_blocks(o, back.n_sack);
        cr_assert(memcmp(&o, &back, sizeof o) == 0);
    }
}

/* MUST-7: random octets, mutated good ones; any end, never a loop or a read outside */
Test(tcpopt, random_octets_are_survived)
{
    struct prng r;

    prng_seed(&r, 7, 1);
    for (int i = 0; i < 50000; i++) {
        uint8_t p[TCPOPT_MAX], again[TCPOPT_MAX];
        struct tcpopt o = random_options(&r, true), back;
        uint32_t len = prng_below(&r, TCPOPT_MAX + 1);
        if (i % 2)
            fill(&r, p, len);
        else
            len = tcpopt_emit(&o, p);
        for (uint32_t k = prng_below(&r, 3); len && k > 0; k--)
            p[prng_below(&r, len)] = (uint8_t)prng_below(&r, 40);
        uint8_t *copy = exact(p, len);
        (void)tcpopt_parse(copy, len, true, &o);
        free(copy);
        len = tcpopt_emit(&o, again);
        cr_assert(tcpopt_parse(again, len, true, &back));
        o = without_blocks(o, back.n_sack);
        cr_assert(memcmp(&o, &back, sizeof o) == 0);
    }
}

/* CC-9768-8: 2, 5, 8 or 11 octets; of another length what is whole counts; two kinds, two orders */
Test(tcpopt, CC_9768_8_accurate_ecn)
{
    static const uint8_t seven[] = {172, 7, 1, 2, 3, 4, 5, 0}, two[] = {174, 2, 172, 5, 9, 9, 9, 0};
    struct tcpopt o = {.has = OPT_ACCECN | OPT_TS, .acc_order = 1}, got;
    uint8_t p[TCPOPT_MAX];

    for (unsigned n = 0; n <= 3; n++) {
        uint32_t len;

        for (unsigned i = 0; i < 3; i++)
            o.acc[i] = i < n ? 0xabcdefu + i : 0;
        o.n_acc = (uint8_t)n;
        len = tcpopt_emit(&o, p);
        cr_assert_eq(len, tcpopt_len(&o));
        cr_assert_eq(len, 12u + (2u + 3 * n + 3) / 4 * 4);
        cr_assert(tcpopt_parse(p, len, false, &got));
        cr_assert_eq(memcmp(&got, &o, sizeof o), 0, "%u counters", n);
    }
    cr_assert(tcpopt_parse(seven, sizeof seven, false, &got));
    cr_expect(got.has == OPT_ACCECN && got.n_acc == 1 && got.acc[0] == 0x010203 && !got.acc_order);
    cr_assert(tcpopt_parse(two, sizeof two, false, &got));
    cr_expect(got.n_acc == 0 && got.acc_order == 1, "of duplicates the first");
}
