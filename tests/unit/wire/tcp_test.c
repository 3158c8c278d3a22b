/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tcp.h"

#include "base/bits.h"
#include "unit/wire/support.h"
#include "wire/checksum.h"

#include <criterion/criterion.h>
#include <signal.h>

/** A SYN with MSS 1460, SACK permitted, timestamps, window scale 7, and three octets of text */
static const uint8_t good_syn[] = {0x30, 0x39, 0x00, 0x50, 0x01, 0x02, 0x03, 0x04, 0,   0,  0,
                                   0,    0xa0, 0x02, 0xfa, 0xf0, 0xab, 0xcd, 0,    0,   2,  4,
                                   0x05, 0xb4, 4,    2,    8,    10,   0,    0,    0,   1,  0,
                                   0,    0,    2,    1,    3,    3,    7,    'a',  'b', 'c'};

/** random_seg() - a header that can be sent; no text */
static struct seg random_seg(struct prng *r)
{
    struct seg s;

    memset(&s, 0, sizeof s);
    s.key.lport = (uint16_t)prng_u32(r);
    s.key.rport = (uint16_t)prng_u32(r);
    s.seq = seq(prng_u32(r));
    s.ack = seq(prng_u32(r));
    s.ctl = (uint16_t)prng_below(r, 0x200);
    s.wnd = (uint16_t)prng_u32(r);
    s.up = (uint16_t)prng_u32(r);
    if (prng_chance(r, 700000)) {
        s.opt.has |= OPT_TS;
        s.opt.tsval = prng_u32(r);
        s.opt.tsecr = prng_u32(r);
    }
    if (prng_chance(r, 300000)) {
        s.opt.has |= OPT_SACK;
        s.opt.n_sack = 1;
        s.opt.sack[0] = (struct tcpopt_sack){seq(prng_u32(r)), seq(prng_u32(r))};
    }
    if (s.ctl & CTL_SYN && prng_chance(r, 700000)) {
        s.opt.has |= OPT_MSS | OPT_SACKOK | OPT_WSCALE;
        s.opt.mss = (uint16_t)prng_u32(r);
        s.opt.wscale = (uint8_t)prng_below(r, 15);
    }
    return s;
}

Test(tcp, parse_sees_every_field)
{
    struct seg s;

    memset(&s, 0, sizeof s);
    cr_assert_eq(tcp_parse(good_syn, sizeof good_syn, NULL, 0, &s), GN_DROP_NONE);
    cr_assert_eq(s.key.rport, 12345);
    cr_assert_eq(s.key.lport, 80);
    cr_assert_eq(s.seq.raw, 0x01020304);
    cr_assert_eq(s.ack.raw, 0);
    cr_assert_eq(s.ctl, CTL_SYN);
    cr_assert_eq(s.wnd, 64240);
    cr_assert_eq(s.opt.has, OPT_MSS | OPT_SACKOK | OPT_TS | OPT_WSCALE);
    cr_assert_eq(s.text_len, 3);
    cr_assert_eq(s.n_text, 1);
    cr_assert_arr_eq(s.text[0].ptr, "abc", 3);
    cr_assert_eq(seg_len(&s), 4);
}

/* key's addresses, ecn and tos are the IP layer's */
Test(tcp, parse_leaves_the_ip_layers_fields_alone)
{
    struct seg s;

    spoil(&s, sizeof s);
    cr_assert_eq(tcp_parse(good_syn, sizeof good_syn, NULL, 0, &s), GN_DROP_NONE);
    cr_assert(untouched(&s.key.laddr, sizeof s.key.laddr));
    cr_assert(untouched(&s.key.raddr, sizeof s.key.raddr));
    cr_assert(s.ecn == 0xa5 && s.tos == 0xa5);
    cr_assert(s.gso_size == 0 && s.ttl == 0);
}

Test(tcp, all_nine_control_bits)
{
    for (uint16_t ctl = 0; ctl < 0x200; ctl++) {
        struct seg s = {.ctl = ctl}, back;
        uint8_t p[TCP_HEADER_MAX];
        cr_assert_eq(tcp_emit(&s, p), TCP_HEADER_MIN);
        cr_assert_eq(tcp_parse(p, TCP_HEADER_MIN, NULL, 0, &back), GN_DROP_NONE);
        cr_assert_eq(back.ctl, ctl);
    }
}

/* The three reserved bits are sent as zero and ignored on receipt (RFC 9293 3.1) */
Test(tcp, reserved_bits)
{
    uint8_t p[TCP_HEADER_MAX];
    struct seg s = {.ctl = 0xffff & ~CTL_SYN}, back;

    tcp_emit(&s, p);
    cr_assert_eq(p[12] & 0x0e, 0);
    p[12] |= 0x0e;
    cr_assert_eq(tcp_parse(p, TCP_HEADER_MIN, NULL, 0, &back), GN_DROP_NONE);
    cr_assert_eq(back.ctl, 0x1ff & ~CTL_SYN);
}

/* MAL-01, MAL-03: every truncation gets a reason, reads nothing outside and touches no output */
Test(tcp, truncated_headers_are_dropped)
{
    for (uint32_t len = 0; len < 40; len++) {
        uint8_t *p = exact(good_syn, len);
        struct seg s;
        spoil(&s, sizeof s);
        cr_assert_eq(tcp_parse(p, len, NULL, 0, &s),
                     len < 20 ? GN_DROP_TCP_TRUNCATED : GN_DROP_TCP_DATA_OFFSET);
        cr_assert(untouched(&s, sizeof s), "len %u", len);
        free(p);
    }
}

/* MAL-02, MAL-03: data offsets 0 to 4, and beyond the segment */
Test(tcp, data_offset_out_of_bounds)
{
    for (uint32_t offset = 0; offset < 16; offset++) {
        for (uint32_t len = 20; len <= 60; len++) {
            uint8_t header[TCP_HEADER_MAX] = {0};
            header[12] = (uint8_t)(offset << 4);
            uint8_t *p = exact(header, len);
            struct seg s;
            enum gn_drop want =
                offset < 5 || offset * 4 > len ? GN_DROP_TCP_DATA_OFFSET : GN_DROP_NONE;
            cr_assert_eq(tcp_parse(p, len, NULL, 0, &s), want, "offset %u len %u", offset, len);
            if (want == GN_DROP_NONE)
                cr_assert_eq(s.text_len, len - offset * 4);
            free(p);
        }
    }
}

/* MUST-5: options in any segment */
Test(tcp, options_in_any_segment)
{
    static const uint16_t ctls[] = {0, CTL_ACK, CTL_FIN | CTL_ACK, CTL_RST, CTL_SYN, CTL_PSH};

    for (size_t i = 0; i < sizeof ctls / sizeof *ctls; i++) {
        struct seg s = {.ctl = ctls[i], .opt = {.has = OPT_TS, .tsval = 7, .tsecr = 8}}, back;
        uint8_t p[TCP_HEADER_MAX];
        uint32_t len = tcp_emit(&s, p);
        cr_assert_eq(tcp_parse(p, len, NULL, 0, &back), GN_DROP_NONE);
        cr_assert(back.opt.has == OPT_TS && back.opt.tsval == 7 && back.opt.tsecr == 8);
    }
}

/* MUST-7, MAL-10: malformed options cost a SYN its life, and nothing else; the text is delivered */
Test(tcp, malformed_options)
{
    uint8_t p[] = {0, 1, 0, 2, 0, 0, 0,  3, 0, 0, 0, 4, 0x70, 0,  0,
                   0, 0, 0, 0, 0, 1, 99, 0, 0, 0, 0, 0, 0,    'x'};
    struct seg s;

    for (unsigned ctl = 0; ctl < 256; ctl++) {
        p[13] = (uint8_t)ctl;
        spoil(&s, sizeof s);
        enum gn_drop drop = tcp_parse(p, sizeof p, NULL, 0, &s);
        if (ctl & CTL_SYN) {
            cr_assert_eq(drop, GN_DROP_TCP_BAD_OPTIONS);
            cr_assert(untouched(&s.key, sizeof s.key));
        } else {
            cr_assert_eq(drop, GN_DROP_NONE);
            cr_assert(s.opt.has == 0 && s.text_len == 1 && s.ctl == ctl);
        }
    }
}

/* MAL-60: the text is what the buffers hold: contiguous rest first, then the tails */
Test(tcp, text_goes_on_in_the_tails)
{
    static const uint8_t more[] = "defgh";
    const struct gn_span tail[2] = {{more, 3}, {more + 3, 2}}, gap[2] = {{more, 0}, {more, 5}};
    struct seg s;

    cr_assert_eq(tcp_parse(good_syn, sizeof good_syn, tail, 2, &s), GN_DROP_NONE);
    cr_assert(s.n_text == 3 && s.text_len == 8);
    cr_assert(s.text[0].len == 3 && s.text[1].ptr == more && s.text[2].ptr == more + 3);
    cr_assert_eq(tcp_parse(good_syn, 40, tail, 1, &s), GN_DROP_NONE);
    cr_assert(s.n_text == 1 && s.text_len == 3 && s.text[0].ptr == more);
    cr_assert_eq(tcp_parse(good_syn, 40, gap, 2, &s), GN_DROP_NONE);
    cr_assert(s.n_text == 1 && s.text_len == 5);
    cr_assert_eq(tcp_parse(good_syn, 40, NULL, 0, &s), GN_DROP_NONE);
    cr_assert(s.n_text == 0 && s.text_len == 0);
    cr_assert_eq(tcp_parse(good_syn, 30, tail, 2, &s), GN_DROP_TCP_DATA_OFFSET,
                 "a header may not go on in a tail");
}

/* MAL-14, MAL-17: odd urgent pointers and flag combinations are values like any other */
Test(tcp, emit_then_parse_gives_the_same)
{
    struct prng r;

    prng_seed(&r, 8, 1);
    for (int i = 0; i < 50000; i++) {
        struct seg s = random_seg(&r), back;
        uint8_t p[TCP_HEADER_MAX];
        memset(&back, 0, sizeof back);
        spoil(p, sizeof p);
        uint32_t len = tcp_emit(&s, p);
        cr_assert_eq(len, tcp_header_len(&s));
        cr_assert(untouched(p + len, sizeof p - len));
        cr_assert_eq(get16(p + 16), 0, "the checksum is the caller's");
        cr_assert_eq(tcp_parse(p, len, NULL, 0, &back), GN_DROP_NONE);
        cr_assert(back.key.lport == s.key.rport && back.key.rport == s.key.lport);
        cr_assert(seq_eq(back.seq, s.seq) && seq_eq(back.ack, s.ack));
        cr_assert(back.ctl == s.ctl && back.wnd == s.wnd && back.up == s.up);
        cr_assert(memcmp(&back.opt, &s.opt, sizeof s.opt) == 0);
        cr_assert_eq(back.text_len, 0);
    }
}

/* what is parsed and written in a shorter way is what the way for all would make of it */
Test(tcp, the_usual_way_is_that_of_all)
{
    unsigned parsed = 0, syns = 0;
    struct prng r;

    prng_seed(&r, 10, 1);
    for (int i = 0; i < 100000; i++) {
        uint8_t p[TCP_HEADER_MAX + 9], q[TCP_HEADER_MAX];
        struct seg s = random_seg(&r), usual, any;
        uint64_t sum, sum_any;
        uint32_t len;

        spoil(q, sizeof q);
        spoil(p, sizeof p);
        len = tcp_emit_sum(&s, p, &sum);
        cr_assert_eq(tcp_emit_any(&s, q, &sum_any), len);
        cr_assert_eq(csum_fold(sum), csum_fold(sum_any));
        cr_assert_arr_eq(p, q, sizeof q);
        len += prng_below(&r, 10);
        for (unsigned k = prng_chance(&r, 300000) ? prng_below(&r, 4) : 0; k; k--)
            p[prng_chance(&r, 500000) ? 12 : prng_below(&r, len)] ^=
                (uint8_t)(1u << prng_below(&r, 8));
        if (prng_chance(&r, 100000))
            len = prng_below(&r, len + 1);
        spoil(&usual, sizeof usual);
        spoil(&any, sizeof any);
        if (tcp_parse_usual(p, len, &usual)) {
            parsed++;
        } else if (tcp_parse_usual_syn(p, len, &usual)) {
            syns++;
        } else {
            cr_assert(untouched(&usual, sizeof usual));
            continue;
        }
        cr_assert_eq(tcp_parse_any(p, len, NULL, 0, &any), GN_DROP_NONE);
        cr_assert_eq(usual.n_text, any.n_text);
        for (unsigned k = 0; k < any.n_text; k++)
            cr_assert(usual.text[k].ptr == any.text[k].ptr && usual.text[k].len == any.text[k].len);
        memset(usual.text, 0, sizeof usual.text);
        memset(any.text, 0, sizeof any.text);
        cr_assert_arr_eq(&usual, &any, sizeof any);
    }
    cr_assert_gt(parsed, 20000);
    cr_assert_gt(syns, 500);
}

/* MUST-65: an MSS option without SYN is a bug of ours, found at once */
Test(tcp, mss_without_syn_is_never_sent, .signal = SIGABRT)
{
    struct seg s = {.ctl = CTL_ACK, .opt = {.has = OPT_MSS, .mss = 1460}};
    uint8_t p[TCP_HEADER_MAX];

    tcp_emit(&s, p);
}

Test(tcp, random_octets_are_survived)
{
    struct prng r;

    prng_seed(&r, 9, 1);
    for (int i = 0; i < 50000; i++) {
        uint8_t octets[80];
        uint32_t len = prng_below(&r, sizeof octets + 1);
        struct seg s;
        fill(&r, octets, len);
        uint8_t *p = exact(octets, len);
        if (tcp_parse(p, len, NULL, 0, &s) == GN_DROP_NONE) {
            cr_assert(len >= 20 && s.text_len <= len - 20);
            cr_assert(s.n_text == 0 || s.text[0].ptr + s.text[0].len == p + len);
        }
        free(p);
    }
}
