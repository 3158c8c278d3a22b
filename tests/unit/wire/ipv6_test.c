/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/ipv6.h"

#include "base/bits.h"
#include "unit/wire/support.h"
#include "wire/checksum.h"
#include "wire/icmp6.h"

#include <criterion/criterion.h>

#define TCP 6

/** build() - a packet: fixed header, then @n octets that begin with @next; returns its length */
static uint32_t build(uint8_t *p, uint8_t next, const uint8_t *octets, uint32_t n)
{
    struct ipv6 h = {.src.b = {0xfd, [15] = 1},
                     .dst.b = {0xfd, [15] = 2},
                     .next = next,
                     .tclass = 0x2b,
                     .hlim = 64,
                     .flow = 0xabcde,
                     .total_len = IPV6_HEADER + n};

    ipv6_emit(&h, p);
    if (n)
        memcpy(p + IPV6_HEADER, octets, n);
    return IPV6_HEADER + n;
}

/** parse_exact() - from a copy of exactly @len octets; *h is judged untouched when dropped */
static enum gn_drop parse_exact(const uint8_t *octets, uint32_t len, uint32_t total, struct ipv6 *h)
{
    uint8_t *p = exact(octets, len);

    spoil(h, sizeof *h);
    enum gn_drop drop = ipv6_parse(p, len, total, h);
    free(p);
    cr_assert(drop == GN_DROP_NONE || untouched(h, sizeof *h));
    return drop;
}

/** judge() - build() and parse_exact() */
static enum gn_drop judge(uint8_t next, const uint8_t *octets, size_t n, struct ipv6 *h)
{
    uint8_t p[1500];
    uint32_t len = build(p, next, octets, (uint32_t)n);

    return parse_exact(p, len, len, h);
}

Test(ipv6, plain_packet)
{
    struct ipv6 h;

    cr_assert_eq(judge(TCP, OCTETS(1, 2, 3), &h), GN_DROP_NONE);
    cr_assert(h.next == TCP && h.header_len == 40 && h.total_len == 43 && !h.frag.present);
    cr_assert(h.tclass == 0x2b && h.flow == 0xabcde && h.hlim == 64);
    cr_assert(h.src.b[15] == 1 && h.dst.b[15] == 2);
    cr_assert_not(ipv6_is_fragment(&h));
}

Test(ipv6, emit_then_parse_gives_the_same)
{
    struct prng r;

    prng_seed(&r, 13, 1);
    for (int i = 0; i < 20000; i++) {
        struct ipv6 h = {0}, back;
        uint8_t p[IPV6_HEADER + IPV6_FRAG_HEADER];
        h.src = random_addr6(&r);
        h.dst = random_addr6(&r);
        h.next = (uint8_t)(100 + prng_below(&r, 50));
        h.tclass = (uint8_t)prng_u32(&r);
        h.hlim = (uint8_t)prng_u32(&r);
        h.flow = prng_below(&r, 1 << 20);
        h.frag.present = prng_chance(&r, 500000);
        if (h.frag.present) {
            h.frag.id = prng_u32(&r);
            h.frag.more = prng_chance(&r, 500000);
            h.frag.off = (uint16_t)(prng_below(&r, 1000) * 8);
        }
        h.header_len = h.frag.present ? 48 : 40;
        h.total_len = h.header_len + 8 * (1 + prng_below(&r, 1000));
        uint32_t len = ipv6_emit(&h, p);
        cr_assert_eq(len, h.header_len);
        memset(&back, 0, sizeof back);
        cr_assert_eq(ipv6_parse(p, len, h.total_len, &back), GN_DROP_NONE);
        cr_assert(same_addr(&h.src, &back.src) && same_addr(&h.dst, &back.dst));
        cr_assert(h.next == back.next && h.tclass == back.tclass && h.hlim == back.hlim);
        cr_assert(h.flow == back.flow && h.total_len == back.total_len);
        cr_assert_eq(back.header_len, h.header_len);
        cr_assert(h.frag.present == back.frag.present && h.frag.more == back.frag.more);
        cr_assert(h.frag.off == back.frag.off && h.frag.id == back.frag.id);
    }
}

Test(ipv6, version)
{
    for (unsigned version = 0; version < 16; version++) {
        uint8_t p[IPV6_HEADER];
        struct ipv6 h;
        build(p, TCP, NULL, 0);
        p[0] = (uint8_t)(version << 4);
        cr_assert_eq(parse_exact(p, 40, 40, &h), version == 6 ? GN_DROP_NONE : GN_DROP_IP_VERSION);
    }
}

/* MAL-59: payload length against what is there; a super-segment, padding */
Test(ipv6, payload_length)
{
    uint8_t p[IPV6_HEADER];
    struct ipv6 h;

    build(p, TCP, NULL, 0);
    put16(p + 4, 100);
    cr_assert_eq(parse_exact(p, 40, 139, &h), GN_DROP_IP_TRUNCATED);
    cr_assert_eq(parse_exact(p, 40, 140, &h), GN_DROP_NONE, "only headers are contiguous");
    cr_assert_eq(parse_exact(p, 40, 200, &h), GN_DROP_NONE, "link padding");
    cr_assert_eq(h.total_len, 140);
    put16(p + 4, 65535);
    cr_assert_eq(parse_exact(p, 40, 65575, &h), GN_DROP_NONE, "a super-segment");
    cr_assert_eq(h.total_len, 65575);
    cr_assert_eq(parse_exact(p, 40, 65574, &h), GN_DROP_IP_TRUNCATED);
}

/* MAL-58: every truncation of a packet with all kinds of headers, contiguous part and packet alike
 */
Test(ipv6, truncated_chains)
{
    static const uint8_t chain[] = {43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 44, 1, 1, 4,
                                    0,  0, 0, 0, 5, 2, 0, 0, 1,  0, 0, 0, 6, 0, 0, 0, 0,  0, 0, 9};
    uint8_t p[100];
    struct ipv6 h;
    uint32_t whole = build(p, IPV6_HOP_BY_HOP, chain, sizeof chain);

    cr_assert_eq(parse_exact(p, whole, whole, &h), GN_DROP_NONE);
    cr_assert(h.next == TCP && h.header_len == 80 && h.frag.present && h.frag.id == 9);
    cr_assert_not(ipv6_is_fragment(&h), "an atomic fragment is a whole packet (RFC 6946)");
    for (uint32_t len = 0; len < whole; len++) {
        cr_assert_eq(parse_exact(p, len, whole, &h),
                     len < 40 ? GN_DROP_IP_TRUNCATED : GN_DROP_IP_OPTIONS, "len %u", len);
    }
    for (uint16_t payload = 0; payload < sizeof chain; payload++) {
        put16(p + 4, payload);
        cr_assert_eq(parse_exact(p, whole, whole, &h), GN_DROP_IP_OPTIONS,
                     "headers beyond the payload length of %u", payload);
    }
}

/* MAL-58: lengths of headers and of the options inside them */
Test(ipv6, header_and_option_lengths)
{
    struct ipv6 h;

    cr_assert_eq(judge(0, OCTETS(6, 0, 1, 4, 0, 0, 0, 0), &h), GN_DROP_NONE, "PadN");
    cr_assert_eq(judge(0, OCTETS(6, 0, 0, 0, 0, 0, 0, 0), &h), GN_DROP_NONE, "Pad1");
    cr_assert_eq(judge(0, OCTETS(6, 1, 1, 4, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS, "too long");
    cr_assert_eq(judge(0, OCTETS(6, 255, 1, 4, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS);
    cr_assert_eq(judge(0, OCTETS(6, 0, 1, 5, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS, "PadN over");
    cr_assert_eq(judge(0, OCTETS(6, 0, 1, 255, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS);
    cr_assert_eq(judge(0, OCTETS(6, 0, 1, 3, 0, 0, 0, 1), &h), GN_DROP_IP_OPTIONS, "no length");
    cr_assert_eq(judge(60, OCTETS(6, 0, 1, 0, 1, 0, 1, 0), &h), GN_DROP_NONE, "lengths of 0");
    cr_assert_eq(h.header_len, 48);
}

/* RFC 8200 4.2: the type of an unknown option says what becomes of the packet; jumbograms are
 * unknown */
Test(ipv6, unknown_options)
{
    struct ipv6 h;

    for (unsigned type = 2; type < 256; type++) {
        const uint8_t p[8] = {6, 0, (uint8_t)type, 4};
        enum gn_drop want = type < 64 ? GN_DROP_NONE : GN_DROP_IP_OPTIONS;
        cr_assert_eq(judge(IPV6_HOP_BY_HOP, p, sizeof p, &h), want);
        cr_assert_eq(judge(IPV6_DESTINATION, p, sizeof p, &h), want);
    }
}

/* RFC 5095: a routing header counts only if it has no stops left */
Test(ipv6, routing_headers)
{
    struct ipv6 h;

    cr_assert_eq(judge(43, OCTETS(6, 0, 0, 0, 0, 0, 0, 0), &h), GN_DROP_NONE);
    cr_assert(h.next == TCP && h.header_len == 48);
    cr_assert_eq(judge(43, OCTETS(6, 0, 0, 1, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS);
    cr_assert_eq(judge(43, OCTETS(6, 0, 99, 255, 0, 0, 0, 0), &h), GN_DROP_IP_OPTIONS);
}

/* RFC 8200 4.1 */
Test(ipv6, hop_by_hop_comes_first_or_never)
{
    struct ipv6 h;

    cr_assert_eq(judge(60, OCTETS(0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0), &h),
                 GN_DROP_IP_OPTIONS);
    cr_assert_eq(judge(0, OCTETS(0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0), &h),
                 GN_DROP_IP_OPTIONS);
}

/* MAL-58: chains are walked to a bound */
Test(ipv6, chains_are_bounded)
{
    for (uint32_t n = 1; n <= 2 * IPV6_EXT_MAX; n++) {
        uint8_t chain[16 * IPV6_EXT_MAX] = {0};
        struct ipv6 h;
        for (uint32_t i = 0; i < n; i++) {
            chain[8 * i] = i + 1 < n ? IPV6_DESTINATION : TCP;
            chain[8 * i + 2] = 1;
            chain[8 * i + 3] = 4;
        }
        cr_assert_eq(judge(IPV6_DESTINATION, chain, 8 * n, &h),
                     n <= IPV6_EXT_MAX ? GN_DROP_NONE : GN_DROP_IP_OPTIONS, "%u headers", n);
    }
}

Test(ipv6, other_headers_are_the_transport)
{
    struct ipv6 h;

    for (unsigned next = 1; next < 256; next++) {
        if (next == 43 || next == 44 || next == 60)
            continue;
        cr_assert_eq(judge((uint8_t)next, OCTETS(0, 0, 0, 0), &h), GN_DROP_NONE);
        cr_assert(h.next == next && h.header_len == 40);
    }
}

/* MAL-57, RFC 7112: a first fragment holds all headers */
Test(ipv6, fragments)
{
    struct ipv6 h;
    uint8_t first[8 + 24] = {6, 0, 0, 1, 0, 0, 0, 7};
    uint8_t later[8 + 24] = {6, 0, 0, 24, 0, 0, 0, 7};
    uint8_t options[8 + 32] = {60, 0, 0, 1, 0, 0, 0, 7, 6, 0, 1, 4};

    cr_assert_eq(judge(44, first, sizeof first, &h), GN_DROP_NONE);
    cr_assert(ipv6_is_fragment(&h) && h.frag.more && h.frag.off == 0 && h.frag.id == 7);
    cr_assert(h.next == TCP && h.header_len == 48);
    cr_assert_eq(judge(44, first, 8 + 16, &h), GN_DROP_FRAG_BAD, "TCP header cut");
    cr_assert_eq(judge(44, first, 8 + 23, &h), GN_DROP_FRAG_BAD, "not a multiple of 8");
    cr_assert_eq(judge(44, later, sizeof later, &h), GN_DROP_NONE);
    cr_assert(ipv6_is_fragment(&h) && !h.frag.more && h.frag.off == 24);
    later[3] = 16;
    cr_assert_eq(judge(44, later, sizeof later, &h), GN_DROP_FRAG_BAD, "rewrites the TCP header");
    cr_assert_eq(judge(44, options, sizeof options, &h), GN_DROP_NONE);
    cr_assert(h.next == IPV6_DESTINATION && h.header_len == 48, "the walk ends at the fragment");
    cr_assert_eq(judge(44, options, 8 + 24, &h), GN_DROP_FRAG_BAD, "TCP header cut");
    cr_assert_eq(judge(44, options, 8 + 8, &h), GN_DROP_FRAG_BAD, "no transport header");
    options[9] = 9;
    cr_assert_eq(judge(44, options, sizeof options, &h), GN_DROP_FRAG_BAD, "chain not complete");
}

Test(ipv6, one_fragment_header_only)
{
    struct ipv6 h;

    cr_assert_eq(judge(44, OCTETS(44, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 1), &h),
                 GN_DROP_IP_OPTIONS);
}

/** SILENT - problem() has nothing to say */
#define SILENT (-1)

/** problem() - what ipv6_problem() says of build()'s packet, as code * 1000 + pointer, or SILENT */
static int problem(uint8_t next, const uint8_t *octets, size_t n)
{
    uint8_t packet[70000];
    struct ipv6_problem got;
    uint32_t len = build(packet, next, octets, (uint32_t)n);
    uint8_t *p = exact(packet, len);

    spoil(&got, sizeof got);
    bool told = ipv6_problem(p, len, &got);
    free(p);
    if (!told) {
        cr_assert(untouched(&got, sizeof got));
        return SILENT;
    }
    cr_assert(got.total_len == len && got.src.b[15] == 1 && got.dst.b[15] == 2);
    cr_assert(!got.even_group || got.code == ICMP6_BAD_OPTION);
    return (int)(got.code * 1000 + got.pointer);
}

/* RFC 8200 4.2: each type of option, each of two places, also behind an option that is skipped */
Test(ipv6, problem_of_an_option)
{
    for (unsigned type = 2; type < 256; type++) {
        const uint8_t one[8] = {6, 0, (uint8_t)type, 4};
        const uint8_t two[16] = {6, 1, 0, 0x1e, 2, 9, 9, (uint8_t)type, 7};
        int code = type < 128 ? SILENT : ICMP6_BAD_OPTION * 1000;
        if (type < 64)
            code = ICMP6_BAD_NEXT * 1000; /* the packet is good, so it is its protocol */
        cr_assert_eq(problem(IPV6_HOP_BY_HOP, one, 8), type < 64    ? code + 40
                                                       : type < 128 ? SILENT
                                                                    : code + 42);
        cr_assert_eq(problem(IPV6_DESTINATION, two, 16), type < 64    ? code + 40
                                                         : type < 128 ? SILENT
                                                                      : code + 47);
    }
    uint8_t p[100];
    struct ipv6_problem got;
    for (unsigned type = 128; type < 256; type += 64) {
        uint32_t len =
            build(p, 0, OCTETS(60, 0, 1, 4, 0, 0, 0, 0, 6, 0, (uint8_t)type, 4, 0, 0, 0, 0));
        cr_assert(ipv6_problem(p, len, &got) && got.pointer == 50);
        cr_assert_eq(got.even_group, type < 192);
    }
    cr_assert_eq(problem(0, OCTETS(6, 0, 0x80, 5, 0, 0, 0, 0)), SILENT, "longer than its header");
    cr_assert_eq(problem(0, OCTETS(6, 1, 0x80, 4, 0, 0, 0, 0)), SILENT, "a header that is cut");
}

/* RFC 8200 4: an unknown protocol, at the octet that names it; hop-by-hop in any other header */
Test(ipv6, problem_of_a_next_header)
{
    cr_assert_eq(problem(132, OCTETS(0, 0)), 1006);
    cr_assert_eq(problem(60, OCTETS(132, 0, 1, 4, 0, 0, 0, 0)), 1040);
    cr_assert_eq(problem(60, OCTETS(43, 0, 1, 4, 0, 0, 0, 0, 132, 0, 9, 0, 0, 0, 0, 0)), 1048);
    cr_assert_eq(problem(44, OCTETS(132, 0, 0, 0, 0, 0, 0, 1)), 1040, "an atomic fragment");
    cr_assert_eq(problem(60, OCTETS(0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0)), 1040);
    cr_assert_eq(problem(0, OCTETS(0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0)), 1040);
    cr_assert_eq(problem(44, OCTETS(44, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 1)), SILENT,
                 "two fragment headers");
}

/* RFC 8200 4.4 */
Test(ipv6, problem_of_a_routing_header)
{
    cr_assert_eq(problem(43, OCTETS(6, 0, 0, 1, 0, 0, 0, 0)), 42);
    cr_assert_eq(problem(60, OCTETS(43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 99, 255, 0, 0, 0, 0)), 50);
}

/* RFC 8200 4.5; UDP's header is not asked for */
Test(ipv6, problem_of_a_fragment)
{
    uint8_t f[8 + 24] = {17, 0, 0xff, 0xf1, 0, 0, 0, 7};

    cr_assert_eq(problem(44, f, 8 + 24), 42, "ends beyond 65535");
    cr_assert_eq(problem(44, f, 8 + 17), 42, "and its length is odd");
    cr_assert_eq(problem(44, f, 8 + 7), 4, "not a multiple of 8");
    cr_assert_eq(problem(44, f, 8), SILENT, "empty");
    f[3] = 0xf0;
    cr_assert_eq(problem(44, f, 8 + 7), SILENT, "the last may end anywhere");
    put16(f + 2, 9);
    cr_assert_eq(problem(44, f, 8 + 23), 4);
    cr_assert_eq(problem(44, f, 8 + 24), SILENT, "nothing wrong");
    f[0] = 6;
    cr_assert_eq(problem(44, f, 8 + 24), SILENT, "it rewrites the TCP header");
    uint8_t options[8 + 8 + 24] = {44, 0, 1, 4};
    memcpy(options + 8, f, 8);
    cr_assert_eq(problem(60, options, 8 + 8 + 15), 4, "behind another header");
    put16(options + 10, 0xfff1);
    cr_assert_eq(problem(60, options, 8 + 8 + 16), 50);
}

/* RFC 8200 4.5, RFC 7112: a first fragment that lacks headers; what it has is judged first */
Test(ipv6, problem_of_a_first_fragment)
{
    uint8_t f[8 + 32] = {60, 0, 0, 1, 0, 0, 0, 7, 6, 0, 1, 4};
    uint8_t p[100];
    struct ipv6_problem got;

    cr_assert_eq(problem(44, f, 8 + 32), SILENT, "complete");
    for (uint32_t n = 0; n < 8 + 20; n++)
        cr_assert_eq(problem(44, f, 8 + n), 3000, "%u", n);
    cr_assert_eq(problem(44, f, 8 + 28), 4, "no header is cut now, but the length is odd");
    uint32_t len = build(p, 44, f, 8 + 16);
    cr_assert(ipv6_problem(p, len, &got));
    cr_assert_not(ipv6_problem(p, len - 1, &got), "it is only not contiguous");
    f[10] = 0x80;
    cr_assert_eq(problem(44, f, 8 + 16), 2050);
    f[10] = 0x40;
    cr_assert_eq(problem(44, f, 8 + 16), SILENT, "an option that says so");
    cr_assert_eq(problem(44, f, 8 + 31), SILENT, "and that is the end of it");
    f[0] = 0;
    cr_assert_eq(problem(44, f, 8 + 16), 1040);
    f[0] = 44;
    cr_assert_eq(problem(44, f, 8 + 16), SILENT, "two fragment headers");
}

/* what a refused packet was about is found as far as it goes */
Test(ipv6, skim)
{
    static const uint8_t chain[] = {43, 0, 0x80, 9, 0, 0, 0, 0, 0,  0, 99, 9, 0, 0, 0, 0,
                                    44, 0, 0xc0, 4, 0, 0, 0, 0, 58, 0, 0,  1, 0, 0, 0, 1};
    uint8_t p[200];
    struct ipv6 h;

    for (uint32_t n = 0; n <= sizeof chain; n++) {
        uint32_t len = build(p, 60, chain, n);
        uint8_t *copy = exact(p, len);
        cr_assert_eq(ipv6_skim(copy, len, &h), GN_DROP_NONE);
        cr_assert_eq(h.header_len, 40 + n / 8 * 8);
        cr_assert_eq(h.next, n < 8 ? 60 : n < 16 ? 43 : n < 24 ? 0 : n < 32 ? 44 : 58);
        free(copy);
    }
    spoil(&h, sizeof h);
    cr_assert_eq(ipv6_skim(p, 39, &h), GN_DROP_IP_TRUNCATED);
    uint8_t many[8 * (IPV6_EXT_MAX + 2)] = {0};
    for (size_t i = 0; i < sizeof many; i += 8)
        many[i] = 60;
    cr_assert_eq(ipv6_skim(p, build(p, 60, many, sizeof many), &h), GN_DROP_IP_OPTIONS);
    cr_assert(untouched(&h, sizeof h));
}

/* What reassembly gives is walked on from where the fragment header stood */
Test(ipv6, extensions_behind_a_fragment_header)
{
    static const uint8_t chain[] = {43, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0};
    uint8_t next = IPV6_DESTINATION;
    uint32_t len = 99;

    cr_assert_eq(ipv6_extensions(chain, sizeof chain, &next, &len), GN_DROP_NONE);
    cr_assert(next == TCP && len == 16);
    cr_assert_eq(ipv6_extensions(chain, sizeof chain, &next, &len), GN_DROP_NONE);
    cr_assert(next == TCP && len == 0, "nothing to walk");
    static const uint8_t refused[] = {IPV6_HOP_BY_HOP, IPV6_FRAGMENT};
    for (size_t i = 0; i < sizeof refused; i++) {
        next = refused[i];
        len = 99;
        cr_assert_eq(ipv6_extensions(chain, sizeof chain, &next, &len), GN_DROP_IP_OPTIONS);
        cr_assert(next == refused[i] && len == 99);
    }
    uint8_t late[48] = {
        0}; /* hop-by-hop where it would stand in a packet without a fragment header */
    for (size_t i = 0; i < 5; i++)
        late[8 * i] = i < 4 ? IPV6_DESTINATION : IPV6_HOP_BY_HOP;
    late[40] = TCP;
    next = IPV6_DESTINATION;
    cr_assert_eq(ipv6_extensions(late, sizeof late, &next, &len), GN_DROP_IP_OPTIONS);
    for (uint32_t n = 0; n < sizeof chain; n++) {
        uint8_t *p = exact(chain, n);
        next = IPV6_DESTINATION;
        cr_assert_eq(ipv6_extensions(p, n, &next, &len), GN_DROP_IP_OPTIONS);
        free(p);
    }
}

/* MAL-56: quotes end anywhere, and show the transport header of a first fragment */
Test(ipv6, quoted)
{
    uint8_t p[100], first[8 + 24] = {6, 0, 0, 1, 0, 0, 0, 7};
    struct ipv6 h;

    build(p, TCP, first, 8);
    put16(p + 4, 1400);
    for (uint32_t len = 0; len <= 48; len++) {
        uint8_t *copy = exact(p, len);
        spoil(&h, sizeof h);
        cr_assert_eq(ipv6_parse_quoted(copy, len, &h),
                     len < 40 ? GN_DROP_IP_TRUNCATED : GN_DROP_NONE);
        cr_assert(len < 40 ? untouched(&h, sizeof h) : h.total_len == 1440 && h.next == TCP);
        free(copy);
    }
    first[0] = IPV6_DESTINATION;
    memcpy(first + 8, (const uint8_t[]){6, 0, 1, 4, 0, 0, 0, 0}, 8);
    uint32_t len = build(p, IPV6_FRAGMENT, first, sizeof first);
    cr_assert_eq(ipv6_parse_quoted(p, len, &h), GN_DROP_NONE);
    cr_assert(h.next == TCP && h.header_len == 56 && ipv6_is_fragment(&h));
}

Test(ipv6, pseudo_header)
{
    struct prng r;

    prng_seed(&r, 14, 1);
    for (int i = 0; i < 1000; i++) {
        struct gn_addr a = random_addr6(&r), b = random_addr6(&r);
        uint32_t len = prng_u32(&r);
        uint8_t p[40] = {[39] = TCP};
        memcpy(p, a.b, 16);
        memcpy(p + 16, b.b, 16);
        put32(p + 32, len);
        cr_assert_eq(csum_fold(ipv6_pseudo(&a, &b, TCP, len)), csum_fold(csum(p, 40)));
    }
}

/* MAL-58: random chains, biased to the kinds that are walked */
Test(ipv6, random_chains_are_survived)
{
    static const uint8_t kinds[] = {0, 43, 44, 60, 6, 59, 58, 60};
    struct prng r;
    unsigned good = 0;

    prng_seed(&r, 15, 1);
    for (int i = 0; i < 50000; i++) {
        uint8_t octets[120];
        uint32_t n = prng_below(&r, sizeof octets);
        struct ipv6 h;
        fill(&r, octets, n);
        for (uint32_t at = 0; at + 8 <= n; at += 8) {
            octets[at] = kinds[prng_below(&r, sizeof kinds)];
            octets[at + 1] = (uint8_t)(prng_chance(&r, 900000) ? 0 : prng_below(&r, 4));
            octets[at + 2] = 1;
            octets[at + 3] = (uint8_t)(prng_chance(&r, 500000) ? 4 : 0);
        }
        if (judge(kinds[prng_below(&r, sizeof kinds)], octets, n, &h) == GN_DROP_NONE) {
            cr_assert(h.header_len <= h.total_len && h.total_len == 40 + n);
            good++;
        }
    }
    cr_assert(good > 1000, "%u", good);
}
