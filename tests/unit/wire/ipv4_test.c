/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/ipv4.h"

#include "base/bits.h"
#include "unit/wire/support.h"
#include "wire/checksum.h"

#include <criterion/criterion.h>

/** sample() - a header of a packet of @total octets, DF, TCP, 10.0.0.1 to 10.0.0.2 */
static struct ipv4 sample(uint16_t total)
{
    return (struct ipv4){.src.b = {[10] = 0xff, 0xff, 10, 0, 0, 1},
                         .dst.b = {[10] = 0xff, 0xff, 10, 0, 0, 2},
                         .proto = 6,
                         .tos = 0x2b,
                         .ttl = 64,
                         .df = true,
                         .ident = 0x1234,
                         .header_len = IPV4_HEADER,
                         .total_len = total};
}

/** finish() - put the right checksum into a header that a test has changed */
static void finish(uint8_t *p)
{
    put16(p + 10, 0);
    put16(p + 10, csum_finish(csum(p, (p[0] & 15u) * 4u)));
}

/** with_options() - a header with @n octets of options (a multiple of 4) and no payload; returns
 * its length */
static uint32_t with_options(uint8_t *p, const uint8_t *options, uint32_t n)
{
    struct ipv4 h = sample((uint16_t)(IPV4_HEADER + n));

    ipv4_emit(&h, p);
    p[0] = (uint8_t)(0x40 | (IPV4_HEADER + n) / 4);
    memcpy(p + IPV4_HEADER, options, n);
    finish(p);
    return IPV4_HEADER + n;
}

/** parse_exact() - from a copy of exactly @len octets; *h is judged untouched when dropped */
static enum gn_drop parse_exact(const uint8_t *octets, uint32_t len, uint32_t total, struct ipv4 *h)
{
    uint8_t *p = exact(octets, len);

    spoil(h, sizeof *h);
    enum gn_drop drop = ipv4_parse(p, len, total, h);
    free(p);
    cr_assert(drop == GN_DROP_NONE || untouched(h, sizeof *h));
    return drop;
}

Test(ipv4, known_header)
{
    /* the checksum in this header was computed by another implementation */
    static const uint8_t p[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
    struct ipv4 h;
    uint8_t again[IPV4_HEADER];

    cr_assert_eq(parse_exact(p, sizeof p, 0x73, &h), GN_DROP_NONE);
    cr_assert(h.proto == 17 && h.ttl == 64 && h.df && !h.more && h.total_len == 0x73);
    cr_assert(h.src.b[15] == 1 && h.dst.b[15] == 0xc7 && h.src.b[10] == 0xff);
    cr_assert_eq(ipv4_emit(&h, again), IPV4_HEADER);
    cr_assert_arr_eq(again, p, sizeof p);
}

Test(ipv4, emit_then_parse_gives_the_same)
{
    struct prng r;

    prng_seed(&r, 10, 1);
    for (int i = 0; i < 20000; i++) {
        struct ipv4 h = {0}, back;
        uint8_t p[IPV4_HEADER];
        h.src = random_addr4(&r);
        h.dst = random_addr4(&r);
        h.proto = (uint8_t)prng_u32(&r);
        h.tos = (uint8_t)prng_u32(&r);
        h.ttl = (uint8_t)prng_u32(&r);
        h.ident = (uint16_t)prng_u32(&r);
        h.df = prng_chance(&r, 500000);
        h.header_len = IPV4_HEADER;
        h.total_len = (uint16_t)(IPV4_HEADER + prng_below(&r, 65516));
        if (i % 2 && h.total_len > 48) {
            h.more = true;
            h.frag_off = (uint16_t)(24 + prng_below(&r, 100) * 8);
            h.total_len = (uint16_t)(IPV4_HEADER + 24 + prng_below(&r, 180) * 8);
        }
        cr_assert_eq(ipv4_emit(&h, p), IPV4_HEADER);
        memset(&back, 0, sizeof back);
        cr_assert_eq(ipv4_parse(p, sizeof p, h.total_len, &back), GN_DROP_NONE);
        cr_assert(same_addr(&h.src, &back.src) && same_addr(&h.dst, &back.dst));
        cr_assert(h.proto == back.proto && h.tos == back.tos && h.ttl == back.ttl);
        cr_assert(h.ident == back.ident && h.df == back.df && h.more == back.more);
        cr_assert(h.frag_off == back.frag_off && h.total_len == back.total_len);
        cr_assert(back.header_len == IPV4_HEADER && !back.source_route);
    }
}

Test(ipv4, truncated_headers)
{
    uint8_t p[IPV4_HEADER_MAX];
    uint8_t options[40] = {0};
    struct ipv4 h;
    uint32_t whole = with_options(p, options, 40);

    for (uint32_t len = 0; len < whole; len++)
        cr_assert_eq(parse_exact(p, len, whole, &h), GN_DROP_IP_TRUNCATED, "len %u", len);
    cr_assert_eq(parse_exact(p, whole, whole, &h), GN_DROP_NONE);
}

/* MAL-01, MAL-60: the length that the header claims against the one that is there */
Test(ipv4, total_length)
{
    struct ipv4 h = sample(100);
    uint8_t p[IPV4_HEADER];

    ipv4_emit(&h, p);
    cr_assert_eq(parse_exact(p, 20, 99, &h), GN_DROP_IP_TRUNCATED);
    cr_assert_eq(parse_exact(p, 20, 100, &h), GN_DROP_NONE, "only the header is contiguous");
    cr_assert_eq(parse_exact(p, 20, 120, &h), GN_DROP_NONE, "link padding");
    cr_assert_eq(h.total_len, 100);
    for (uint16_t total = 0; total < 20; total++) {
        h = sample(total);
        ipv4_emit(&h, p);
        cr_assert_eq(parse_exact(p, 20, 1500, &h), GN_DROP_IP_TRUNCATED);
    }
    h = sample(65535);
    ipv4_emit(&h, p);
    cr_assert_eq(parse_exact(p, 20, 65535, &h), GN_DROP_NONE, "a super-segment");
    cr_assert_eq(h.total_len, 65535);
}

Test(ipv4, version_and_header_length)
{
    for (unsigned first = 0; first < 256; first++) {
        struct ipv4 h = sample(60);
        uint8_t p[IPV4_HEADER_MAX] = {0};
        ipv4_emit(&h, p);
        p[0] = (uint8_t)first;
        finish(p);
        enum gn_drop want = first >> 4 != 4    ? GN_DROP_IP_VERSION
                            : (first & 15) < 5 ? GN_DROP_IP_HEADER_LEN
                                               : GN_DROP_NONE;
        cr_assert_eq(parse_exact(p, sizeof p, 60, &h), want, "0x%02x", first);
    }
}

/* MAL-22: each single wrong bit is seen */
Test(ipv4, header_checksum)
{
    for (size_t bit = 0; bit < 160; bit++) {
        struct ipv4 h = sample(40);
        uint8_t p[IPV4_HEADER];
        ipv4_emit(&h, p);
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (bit / 8 == 0)
            continue; /* version and header length are judged first */
        cr_assert_eq(parse_exact(p, 20, 40, &h), GN_DROP_IP_CHECKSUM, "bit %zu", bit);
    }
}

/* MUST-50: options not understood are ignored; malformed ones are not */
Test(ipv4, options)
{
    uint8_t p[IPV4_HEADER_MAX];
    struct ipv4 h;
    static const struct {
        uint8_t octets[8];
        enum gn_drop drop;
        bool source_route;
    } cases[] = {
        {{1, 1, 1, 1, 1, 1, 1, 1}, GN_DROP_NONE, false},
        {{0, 99, 99, 0, 99, 0, 0, 1}, GN_DROP_NONE, false},
        {{148, 4, 0, 0, 1, 1, 1, 0}, GN_DROP_NONE, false},
        {{131, 7, 4, 10, 0, 0, 9, 0}, GN_DROP_NONE, true},
        {{1, 137, 7, 4, 10, 0, 0, 9}, GN_DROP_NONE, true},
        {{7, 0, 0, 0, 0, 0, 0, 0}, GN_DROP_IP_OPTIONS, false},
        {{7, 1, 0, 0, 0, 0, 0, 0}, GN_DROP_IP_OPTIONS, false},
        {{7, 9, 0, 0, 0, 0, 0, 0}, GN_DROP_IP_OPTIONS, false},
        {{1, 1, 1, 1, 1, 1, 1, 7}, GN_DROP_IP_OPTIONS, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t len = with_options(p, cases[i].octets, 8);
        cr_assert_eq(parse_exact(p, len, len, &h), cases[i].drop, "case %zu", i);
        if (cases[i].drop == GN_DROP_NONE) {
            cr_assert_eq(h.source_route, cases[i].source_route);
            cr_assert_eq(h.header_len, 28);
        }
    }
}

/* MAL-57 */
Test(ipv4, bad_fragments)
{
    struct ipv4 h = sample(28), tiny = h, second = h, death = h;
    uint8_t p[IPV4_HEADER];

    tiny.more = true;
    ipv4_emit(&tiny, p);
    cr_assert_eq(parse_exact(p, 20, 28, &h), GN_DROP_FRAG_BAD, "8 octets of TCP header");
    second.frag_off = 8;
    ipv4_emit(&second, p);
    cr_assert_eq(parse_exact(p, 20, 28, &h), GN_DROP_FRAG_BAD, "rewrites the TCP header");
    death.frag_off = 65528;
    ipv4_emit(&death, p);
    cr_assert_eq(parse_exact(p, 20, 28, &h), GN_DROP_FRAG_BAD, "ends beyond 65535");
}

/* MAL-56: a quoted packet may end behind its header; its checksum and length are not what they were
 */
Test(ipv4, quoted)
{
    struct ipv4 h = sample(1500), q;
    uint8_t octets[IPV4_HEADER_MAX];

    ipv4_emit(&h, octets);
    put16(octets + 10, 0xdead);
    for (uint32_t len = 0; len <= 28; len++) {
        uint8_t *p = exact(octets, len);
        spoil(&q, sizeof q);
        cr_assert_eq(ipv4_parse_quoted(p, len, &q), len < 20 ? GN_DROP_IP_TRUNCATED : GN_DROP_NONE);
        cr_assert(len < 20 ? untouched(&q, sizeof q) : q.total_len == 1500 && q.proto == 6);
        free(p);
    }
    octets[0] = 0x4f;
    cr_assert_eq(ipv4_parse_quoted(octets, 28, &q), GN_DROP_IP_TRUNCATED, "options beyond the end");
    octets[0] = 0x42;
    cr_assert_eq(ipv4_parse_quoted(octets, 28, &q), GN_DROP_IP_HEADER_LEN);
}

Test(ipv4, pseudo_header)
{
    struct prng r;

    prng_seed(&r, 11, 1);
    for (int i = 0; i < 1000; i++) {
        struct gn_addr a = random_addr4(&r), b = random_addr4(&r);
        uint16_t len = (uint16_t)prng_u32(&r);
        uint8_t p[12] = {[9] = 6};
        memcpy(p, a.b + 12, 4);
        memcpy(p + 4, b.b + 12, 4);
        put16(p + 10, len);
        cr_assert_eq(csum_fold(ipv4_pseudo(&a, &b, 6, len)), csum_fold(csum(p, 12)));
    }
}

Test(ipv4, random_octets_are_survived)
{
    struct prng r;

    prng_seed(&r, 12, 1);
    for (int i = 0; i < 50000; i++) {
        uint8_t octets[80];
        uint32_t len = prng_below(&r, sizeof octets + 1);
        struct ipv4 h;
        fill(&r, octets, len);
        octets[0] = (uint8_t)(0x45 + prng_below(&r, 11));
        if (len > (octets[0] & 15u) * 4u)
            finish(octets);
        if (parse_exact(octets, len, len, &h) == GN_DROP_NONE)
            cr_assert(h.header_len <= h.total_len && h.total_len <= len);
    }
}
