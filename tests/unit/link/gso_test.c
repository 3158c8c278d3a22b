/* SPDX-License-Identifier: BSD-2-Clause */
#include "link/gso.h"

#include "unit/link/packets.h"

#include "wire/tcp.h"

#include <criterion/criterion.h>
#include <string.h>

static struct made in;
static uint8_t out[GN_FRAME_MAX];

/** one() - the only packet that comes of @r */
static struct seen one(const struct recipe *r, uint32_t *ret_len)
{
    struct gso g;
    uint32_t len;

    make(&in, r);
    cr_assert(gso_begin(&g, &in.f, r->medium));
    len = gso_next_len(&g);
    cr_assert_eq(gso_next(&g, out), len);
    cr_assert_eq(gso_next_len(&g), 0);
    cr_assert_eq(gso_next(&g, out), 0);
    *ret_len = len;
    return look(out, len, r->medium);
}

/** check_cut() - cut a super-segment up and check every piece against RFC 793's and RFC 3168's
 * rules */
static void check_cut(const struct recipe *r)
{
    uint32_t done = 0, len, pieces = 0, want = (r->text + r->gso_size - 1) / r->gso_size;
    struct gso g;

    make(&in, r);
    cr_assert(gso_begin(&g, &in.f, r->medium));
    cr_assert(gso_finishes(&g));
    while ((len = gso_next_len(&g)) != 0) {
        struct seen s;
        bool last = pieces + 1 == want;

        cr_assert_eq(gso_next(&g, out), len);
        s = look(out, len, r->medium);
        cr_assert(s.ok, "piece %u", pieces);
        cr_assert_eq(s.seq, r->seq + done);
        cr_assert_eq(s.ident, r->v6 ? 0 : (uint16_t)(r->ident + pieces));
        cr_assert_eq(s.text_len, last ? r->text - done : r->gso_size);
        cr_assert_eq(s.ctl & (CTL_FIN | CTL_PSH), last ? r->ctl & (CTL_FIN | CTL_PSH) : 0);
        cr_assert_eq(s.ctl & CTL_CWR, pieces == 0 ? r->ctl & CTL_CWR : 0);
        cr_assert_eq(s.ctl & (CTL_ACK | CTL_ECE), r->ctl & (CTL_ACK | CTL_ECE));
        for (uint32_t i = 0; i < s.text_len; i++)
            cr_assert_eq(s.text[i], text_octet(done + i));
        done += s.text_len;
        pieces++;
    }
    cr_assert_eq(done, r->text);
    cr_assert_eq(pieces, want);
}

Test(gso, a_finished_packet_passes_untouched)
{
    struct recipe r = {.text = 333, .ctl = CTL_ACK | CTL_FIN | CTL_CWR, .ident = 9, .seq = 5};
    uint32_t len;
    struct seen s = one(&r, &len);

    cr_assert(s.ok);
    cr_assert_eq(len, in.f.len);
    cr_assert_arr_eq(out, in.f.data, len);
}

Test(gso, an_owed_checksum_is_finished)
{
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (enum gn_medium m = GN_MEDIUM_IP; m <= GN_MEDIUM_ETHERNET; m++)
            for (uint32_t text = 0; text < 70; text += 7) {
                struct recipe r = {.medium = m, .v6 = v6, .owed = true, .text = text, .seq = 1};
                uint32_t len;

                r.tail0 = text / 3;
                r.tail1 = text / 4;
                cr_assert(one(&r, &len).ok, "v6 %u medium %d text %u", v6, m, text);
            }
}

Test(gso, a_udp_checksum_of_zero_becomes_all_ones)
{
    /* UDP of 10.77.0.1 to 10.77.0.2 whose words add up to 0xffff with the pseudo-header's sum */
    uint8_t p[30] = {0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 77, 0, 1, 10, 77, 0, 2};
    struct gn_frame f = {
        .data = p, .len = 30, .flags = GN_FRAME_CSUM_OWED, .csum_start = 20, .csum_offset = 6};
    uint16_t rest;
    struct gso g;

    p[25] = 10;
    p[26] = 0x15;
    rest = (uint16_t)~sum16(0, p + 20, 8);
    p[28] = (uint8_t)(rest >> 8);
    p[29] = (uint8_t)rest;
    cr_assert(gso_begin(&g, &f, GN_MEDIUM_IP));
    cr_assert_eq(gso_next(&g, out), 30);
    cr_assert_eq(out[26], 0xff);
    cr_assert_eq(out[27], 0xff);
}

Test(gso, super_segments_are_cut_up)
{
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (enum gn_medium m = GN_MEDIUM_IP; m <= GN_MEDIUM_ETHERNET; m++) {
            struct recipe r = {.medium = m,
                               .v6 = v6,
                               .owed = true,
                               .options = 12,
                               .ident = 65534, /* wraps */
                               .seq = 0xfffffc00,
                               .ctl = CTL_ACK | CTL_PSH | CTL_FIN | CTL_CWR | CTL_ECE,
                               .gso_size = 1448,
                               .text = 64000};

            check_cut(&r);
            r.text = 10 * 1448; /* an exact multiple */
            check_cut(&r);
            r.text = 1449;
            check_cut(&r);
            r.gso_size = 1; /* silly, but right */
            r.text = 300;
            check_cut(&r);
        }
}

Test(gso, text_in_tails_is_cut_at_any_place)
{
    for (uint32_t cut = 1; cut < 40; cut += 3) {
        struct recipe r = {.owed = true,
                           .ctl = CTL_ACK | CTL_PSH,
                           .gso_size = 101,
                           .text = 1000,
                           .tail0 = 500 + cut,
                           .tail1 = cut};

        check_cut(&r);
        r.tail0 = 1000 - cut;
        r.v6 = true;
        check_cut(&r);
    }
}

Test(gso, a_small_super_segment_is_one_packet)
{
    struct recipe r = {
        .owed = true, .ctl = CTL_ACK | CTL_FIN | CTL_CWR, .gso_size = 1448, .text = 7};

    check_cut(&r);
}

Test(gso, metadata_that_contradict_the_frame_are_refused)
{
    struct recipe r = {.owed = true, .gso_size = 100, .text = 1000};
    struct gn_frame f;
    struct gso g;

    make(&in, &r);
    f = in.f;
    f.len = 39; /* headers not contiguous */
    cr_assert_not(gso_begin(&g, &f, GN_MEDIUM_IP));
    f.len = 0;
    cr_assert_not(gso_begin(&g, &f, GN_MEDIUM_IP));
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_ETHERNET));

    in.bytes[9] = 17; /* not TCP */
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_IP));
    make(&in, &r);
    in.bytes[32] = 0x40; /* TCP header of 16 octets */
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_IP));
    make(&in, &r);
    in.bytes[0] = 0x44; /* IP header of 16 octets */
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_IP));

    r.gso_size = 0;
    make(&in, &r);
    in.f.csum_start = (uint16_t)(in.f.len - 17);
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_IP));
    in.f.n_tail = GN_FRAME_TAILS + 1;
    cr_assert_not(gso_begin(&g, &in.f, GN_MEDIUM_IP));
}

Test(gso, a_piece_can_be_left_out)
{
    struct recipe r = {.owed = true, .ctl = CTL_ACK, .gso_size = 100, .text = 250, .seq = 1000};
    struct gso g;
    uint32_t len;

    make(&in, &r);
    cr_assert(gso_begin(&g, &in.f, GN_MEDIUM_IP));
    gso_skip(&g);
    len = gso_next(&g, out);
    cr_assert_eq(look(out, len, GN_MEDIUM_IP).seq, 1100);
    gso_skip(&g);
    cr_assert_eq(gso_next_len(&g), 0);
}
